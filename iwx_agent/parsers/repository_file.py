"""A ``.repo`` file, read as dnf's own reader does: what makes that one skip the whole file is its trouble.

Tried with dnf 4.14: a key before any section, a section without its bracket or name, a line without ``=`` or
with nothing before it, and a continuation of nothing.

>>> text = "[interworx-cp]\\nbaseurl=https://u:p@updates.invalid/8\\nenabled = 1\\n"
>>> repository, = parse_repository_file(text, path="/etc/yum.repos.d/interworx.repo").repositories
>>> repository.id, repository.enabled, repository.addresses, repository.hosts
('interworx-cp', True, ('https://updates.invalid/8',), ('updates.invalid',))
>>> parse_repository_file("<html>Not found</html>", path="x.repo").trouble
'no section before the first setting'
"""

from iwx_agent.model.package_state import Repository, RepositoryFile
from iwx_agent.parsers.package_errors import without_credentials

_OFF = ("0", "no", "false", "off")
_LISTS = ("metalink", "mirrorlist")
_QUOTED_CHARACTERS = 200
_ADDRESS_CHARACTERS = 2000
_REPOSITORIES_COUNT = 500


def parse_repository_file(text: str, *, path: str) -> RepositoryFile:
    """Return what stands in the file; the section ``main`` of a configuration file is left out."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    key = ""
    for raw in text.split("\n"):
        line = raw.rstrip()
        if not line or line[0] in "#;":
            continue
        trouble = ""
        if line.lstrip().startswith("[") and (line[0] == "[" or current is None):
            name, closed, _ = line.lstrip()[1:].partition("]")
            current, key = sections.setdefault(name, {}), ""
            trouble = "" if closed and name else "a section without its closing bracket or name"
        elif current is None:
            trouble = "no section before the first setting"
        elif line[0] in " \t":
            trouble = "" if key else "a continuation of nothing"
            current[key] = f"{current.get(key, '')}\n{line.strip()}"
        else:
            key, equals, value = (part.strip() for part in line.partition("="))
            trouble = "" if key and equals else "a line without a setting"
            current[key] = value
        if trouble:
            quoted = without_credentials(line[:_ADDRESS_CHARACTERS])[:_QUOTED_CHARACTERS]
            return RepositoryFile(path=path, trouble=trouble, line=quoted)
    found = [(name, settings) for name, settings in sections.items() if name != "main"]
    return RepositoryFile(
        path=path,
        repositories=tuple(
            Repository(
                id=name[:_QUOTED_CHARACTERS],
                path=path,
                enabled=settings.get("enabled", "1").lower() not in _OFF,
                lists=_addresses(settings, _LISTS),
                bases=_addresses(settings, ("baseurl",)),
            )
            for name, settings in found[:_REPOSITORIES_COUNT]
        ),
    )


def _addresses(settings: dict[str, str], keys: tuple[str, ...]) -> tuple[str, ...]:
    words = " ".join(settings.get(key, "") for key in keys).replace(",", " ").split()
    return tuple(
        without_credentials(word)[:_QUOTED_CHARACTERS]
        for word in words[:20]
        if len(word) <= _ADDRESS_CHARACTERS
    )
