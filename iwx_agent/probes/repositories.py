"""Facts about package repositories: how they are set up, which were asked of late, and what they answer now.

The network is asked only when the run may do so (``--deep``): one GET of each repository's list of mirrors or
index, as dnf would ask first. Nothing is stored, and the package tools' own caches are not touched.
"""

import re
from collections.abc import Iterator
from functools import partial

from iwx_agent.host import KIB, Host, HostError
from iwx_agent.model.package_state import (
    Repository,
    RepositoryAnswers,
    RepositoryFile,
    RepositoryFiles,
    RepositoryNow,
)
from iwx_agent.model.packages import FailureKind
from iwx_agent.parsers.package_errors import host_of
from iwx_agent.parsers.repository_file import parse_repository_file
from iwx_agent.probes.context import Context, Probe, together
from iwx_agent.probes.package_log import package_log

_FILES_COUNT = 60
_COOKIES_COUNT = 20
_CACHES_COUNT = 3
_OF_LATE_S = 7 * 86_400.0
_REPOSITORIES_COUNT = 24
_TIMEOUT_S = 8.0
_INDEX = "repodata/repomd.xml"
_VARIABLES = ("/etc/dnf/vars", "/etc/yum/vars")
_VARIABLES_COUNT = 20
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_RELEASE = re.compile(r'^VERSION_ID="?(\d+)', re.MULTILINE)
_PROXY = re.compile(r"^proxy\s*=\s*(?!_none_)\S", re.MULTILINE)
_KINDS: dict[str, FailureKind] = {
    "refused": "unreachable",
    "unreachable": "unreachable",
    "closed": "unreachable",
    "timeout": "timeout",
    "tls": "tls",
}
_STATUSES: dict[int, FailureKind] = {404: "not_found", 410: "gone"}
_GUARDED = (401, 403)  # the credentials of an address are not sent


def repository_files(context: Context) -> RepositoryFiles:
    """All repositories that yum and dnf are set up with, and the files that they skip as unreadable."""
    directory = context.layout.text("path.repository_files")
    names = [e.name for e in context.host.list_directory(directory).entries if e.name.endswith(".repo")]
    found = [_repository_file(context.host, f"{directory}/{name}") for name in names[:_FILES_COUNT]]
    for path in context.layout.texts("path.package_config"):
        try:
            found.append(_repository_file(context.host, path))
        except HostError as error:
            if error.kind != "not_found":
                raise
        else:
            break
    return RepositoryFiles(
        files=tuple(found),
        ended_hosts=context.layout.texts("mirror.ended"),
        panel_patterns=context.layout.texts("repository.panel"),
    )


def repository_answers(context: Context) -> RepositoryAnswers:
    """Which repositories were asked of late, by the logs, or by what yum 3 leaves in its cache."""
    files = repository_files(context)
    since_at = context.host.clock().now_at - _OF_LATE_S
    log = package_log(context)
    seen: dict[str, None] = {}
    for run in log.runs:
        if run.started_at is None or run.started_at >= since_at:
            failed = (failure.repository for failure in run.failures if failure.of_repository)
            seen |= dict.fromkeys(
                repository for repository in (*run.answered, *failed) if files.uses(repository)
            )
    source = ", ".join(log.sources)
    if not seen:
        source = context.layout.text("path.yum_cache")
        seen = dict.fromkeys(_with_cookie(context, source, files, since_at))
    if not seen and context.deep:
        source, seen = "--deep", dict.fromkeys(now.id for now in repositories_now(context))
    if not seen:
        raise HostError(
            "failed",
            "no log tells that a repository was asked within a week; yum 3 writes no such log",
            source,
        )
    return RepositoryAnswers(asked=tuple(seen), source=source)


def _with_cookie(context: Context, directory: str, files: RepositoryFiles, since_at: float) -> Iterator[str]:
    """Give the repositories whose cookie yum 3 renewed of late: below architecture and release."""
    for place in _directories_below(context.host, directory, depth=2):
        for repository in files.enabled[:_COOKIES_COUNT]:
            try:
                status = context.host.stat(f"{place}/{repository.id}/cachecookie")
            except HostError as error:
                if error.kind != "not_found":
                    raise
                continue
            if status.modified_at >= since_at:
                yield repository.id


def _directories_below(host: Host, directory: str, *, depth: int) -> tuple[str, ...]:
    if depth == 0:
        return (directory,)
    try:
        entries = host.list_directory(directory).entries
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ()
    names = [entry.name for entry in entries if entry.kind == "directory"][:_CACHES_COUNT]
    return tuple(
        place for name in names for place in _directories_below(host, f"{directory}/{name}", depth=depth - 1)
    )


def _repository_file(host: Host, path: str) -> RepositoryFile:
    return parse_repository_file(host.read(path, max_bytes=256 * KIB).text, path=path)


def repositories_now(context: Context) -> tuple[RepositoryNow, ...]:
    """What each repository that is switched on answers; none when the network may not be asked."""
    if not context.deep:
        return ()
    _refuse_proxy(context)
    variables = _variables(context)
    asked = [
        (repository.id, url)
        for repository in repository_files(context).enabled[:_REPOSITORIES_COUNT]
        if (url := _address(repository, variables)) is not None
    ]
    return together([partial(_ask, context.host, name, url) for name, url in asked])


def _refuse_proxy(context: Context) -> None:
    """Raise where dnf goes through a proxy: what is asked directly would say nothing of what dnf meets."""
    for path in context.layout.texts("path.package_config"):
        text = _text(context.host, path)
        if text is not None and _PROXY.search(text):
            raise HostError("failed", "yum and dnf are set up to use a proxy; the agent does not", path)


def _variables(context: Context) -> dict[str, str]:
    """Return the variables of addresses: the release, the architecture, and those of files."""
    found = {"basearch": "x86_64", "arch": "x86_64"}
    architecture = context.host.run(("rpm", "--eval", "%{_arch}"), timeout_s=5.0)
    if architecture.exit_code == 0 and architecture.text.strip().isidentifier():
        found["basearch"] = found["arch"] = architecture.text.strip()
    release = _RELEASE.search(_text(context.host, "/etc/os-release") or "")
    if release:
        found["releasever"] = release.group(1)
    for directory in _VARIABLES:
        for name in _names(context.host, directory):
            text = _text(context.host, f"{directory}/{name}")
            if text is not None:
                found[name] = text.strip().split("\n")[0]
    return found


def _names(host: Host, directory: str) -> tuple[str, ...]:
    try:
        entries = host.list_directory(directory).entries
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ()
    return tuple(entry.name for entry in entries if entry.kind == "file")[:_VARIABLES_COUNT]


def _text(host: Host, path: str) -> str | None:
    try:
        return host.read(path, max_bytes=64 * KIB).text
    except HostError as error:
        if error.kind != "not_found":
            raise
        return None


def _address(repository: Repository, variables: dict[str, str]) -> str | None:
    """Return what dnf asks first; None for a directory, or an address with a variable that is not known."""
    bases = tuple(f"{base.rstrip('/')}/{_INDEX}" for base in repository.bases)
    for address in (*repository.lists, *bases):
        filled = _VARIABLE.sub(lambda found: variables.get(found.group(1), found.group()), address)
        if filled.startswith(("http://", "https://")) and "$" not in filled:
            return filled
    return None


def _ask(host: Host, name: str, url: str) -> RepositoryNow:
    server = host_of(url)
    try:
        addresses = host.resolve(server).addresses
    except HostError as error:
        if error.kind not in ("not_found", "timeout", "failed"):
            raise
        return RepositoryNow(id=name, url=url, host=server, kind="dns", text=f"{server}: {error.reason}")
    try:
        answer = host.http_get(url, address=addresses[0], timeout_s=_TIMEOUT_S)
    except HostError as error:
        if error.kind not in _KINDS:
            raise
        return RepositoryNow(id=name, url=url, host=server, kind=_KINDS[error.kind], text=error.reason)
    status = answer.status
    well = status < 400 or status in _GUARDED
    kind: FailureKind | None = None if well else _STATUSES.get(status, "http")
    return RepositoryNow(id=name, url=url, host=server, kind=kind, text=f"status {status}")


PROBES = (
    Probe(ask=repository_files),
    Probe(ask=repository_answers),
    Probe(ask=repositories_now),
)
