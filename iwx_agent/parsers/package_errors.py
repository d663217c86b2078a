"""What yum, dnf and rpm say when something goes wrong: one message to its kinds, packages and repositories.

The words are those of dnf 4.14 and rpm 4.18 as recorded, and of yum 3 as its source has them.

>>> from iwx_agent.model import LogLine
>>> said = "Failed to download metadata for repo 'x': Status code: 404 for http://u:p@repo.invalid/r"
>>> failure, = classify(said, LogLine(text=said, source="dnf.log"))
>>> failure.kind, failure.repository, failure.host
('not_found', 'x', 'repo.invalid')
>>> without_credentials("https://u:p@ss@repo.invalid/r")
'https://repo.invalid/r'
"""

import re

from iwx_agent.model import LogLine, PackageFailure
from iwx_agent.model.packages import FailureKind

_CREDENTIALS = re.compile(r"(?<=://)[^\s'\"<>]*@")
_NAMED_VALUE = (
    r"""(?i)([\w.-]{0,40}(?:passw|token|secret|username)\w{0,20}\s?[=:]\s?)("[^"\n]*"|'[^'\n]*'|[^\s&'"]+)"""
)
_NAMES = ("passw", "token", "secret", "username")
_HOST = re.compile(r"\b(?:https?|ftp)://([^\s/:'\"\]]{1,253})")

# All that follow are compiled when they are first needed: a server without failures never needs them.
_Words = tuple[tuple[str, FailureKind], ...]
# The first that is found in a message about a transfer decides.
_TRANSFERS: _Words = (
    (r"No space left on device|(?:Curl error \(|curl#)23\b", "disk_full"),
    (r"Read-only file system", "read_only"),
    (r"GPG verification is enabled|signature is not available|Bad GPG signature", "gpg"),
    (r"(?:Status code: |HTTP Error )410\b", "gone"),
    (
        r"(?:Status code: |HTTP Error )404\b|(?:Curl error \(|curl#)37\b|Couldn't open file",
        "not_found",
    ),
    (r"(?:Status code: |HTTP Error )\d{3}\b", "http"),
    (r"(?:Curl error \(|curl#)[56]\b|ould(?:n't| not) resolve|in name resolution", "dns"),
    (
        r"(?:Curl error \(|curl#)28\b|Timeout was reached|Operation too slow|timed out",
        "timeout",
    ),
    (
        r"(?:Curl error \(|curl#)(?:35|51|58|60|77|83|91)\b|\bSSL\b|certificate",
        "tls",
    ),
    (
        r"(?:Curl error \(|curl#)(?:7|52|55|56)\b|Connection refused|unreachable|No route",
        "unreachable",
    ),
    (r"checksum doesn't match|parser error|Error opening file .{0,200}repodata", "metadata"),
    (r"mirrorlist|metalink|No URLs in|[Aa]ll mirrors|No more mirrors", "mirror_list"),
)
_LIST_OF_MIRRORS = r"prepare internal mirrorlist|retrieve (?:mirrorlist|metalink)"
_REPOSITORY = (
    r"(?:Failed to (?:download metadata|synchronize cache) for repo '([^'\n]{1,200})'"
    r"|Errors during downloading metadata for repository '([^'\n]{1,200})'"
    r"|Cannot find a valid baseurl for repo: ([^\s\n]{1,200})"
    r"|failure: \S{1,200} from ([^\s:]{1,200}): )"
)
_LOCAL = r'Package "?([^"\n]{1,200}?)"? from local repository "([^"\n]{1,200})" has incorrect checksum'
_UNSIGNED = (
    r"(?:Public key for (\S{1,200}?)(?:\.rpm)? is not installed(?:\. Failing package is: (\S{1,200}))?"
    r"|Package (\S{1,200}?)(?:\.rpm)? is not signed)"
)
_DOWNLOAD = r"(?m)^ {2}([^\s:]{1,200}): (.{0,500})$"
_FILE_CONFLICT = (
    r"file \S{1,500} (?:conflicts between attempted installs of (\S{1,200}) and \S{1,200}"
    r"|from install of (\S{1,200}) conflicts with file from package \S{1,200})"
)
_NEEDS_SPACE = r"installing package (\S{1,200}) needs .{1,40} on the \S{1,300} filesystem"
_PROBLEM = r"(?m)^ ?Problem(?: \d{1,4})?: "
_CULPRITS = (
    r"needed by (?:module )?(\S{1,200})",
    r"candidate for package (\S{1,200})",
    r"installed package (\S{1,200})",
    r"(?:package|both) (\S{1,200})",
    r"protected packages: ([^\s,]{1,200})",
)
_YUM_DEPENDENCY = r"Error: Package: (\S{1,200})(?: \(@?([^)\n]{1,200})\))?\s+Requires: "
_NO_MATCH = r"Unable to find a match: (.{1,300})|No package (\S{1,200}) available"
# Words that name no package or repository of their own; the first that is found decides.
_DAMAGED_DATABASE = "rpmdb open failed|is not a database|image is malformed|cannot open Packages"
_PLAIN: _Words = (
    (r"No space left on device|[Dd]isk is full|Disk Requirements|Curl error \(23\)", "disk_full"),
    (r"Read-only file system|readonly database", "read_only"),
    (
        r"already locked by|Existing lock |temporarily unavailable|Malformed lock file",
        "lock",
    ),
    (rf"{_DAMAGED_DATABASE}|RUNRECOVERY|Thread died in Berkeley", "rpm_database"),
    (r"GPG check FAILED|any GPG public keys|GPG key retrieval|RPM-GPG-KEY|gpgkey", "gpg"),
    (r"incorrect checksum|does not match intended download", "damaged_package"),
    (r"There are no enabled repo", "no_address"),
    (
        r"Problem: |conflicting requests|protected packages|dependency problems|Multilib version",
        "dependency",
    ),
    (r"Check discovered \d+ problem", "inconsistent"),
)


def without_credentials(text: str) -> str:
    """Return the text without the user and password of any address, and without values called secret."""
    if "@" in text:
        text = _CREDENTIALS.sub("", text)
    lowered = text.lower()  # the expression is slow, and most texts have none of its words
    return re.sub(_NAMED_VALUE, r"\1***", text) if any(word in lowered for word in _NAMES) else text


def classify(message: str, line: LogLine, details: str = "") -> tuple[PackageFailure, ...]:
    """Return what a message of failure says, at least one: of kind ``other`` when its words are not known.

    ``details`` are what was said before about the repository it names. ``line`` is what is quoted.
    """
    message = without_credentials(message)
    repository = re.search(_REPOSITORY, message)
    if repository:
        named = next(group for group in repository.groups() if group)
        return (_of_repository(message, named.partition("/")[0], line, without_credentials(details)),)
    for read in (_of_signature, _of_download, _of_test, _of_dependency, _of_match):
        found = read(message, line)
        if found:
            return found
    plain: FailureKind = next((kind for words, kind in _PLAIN if re.search(words, message)), "other")
    return (PackageFailure(kind=plain, line=line),)


def transfer_kind(text: str) -> FailureKind:
    """Return why a transfer failed."""
    return next((kind for words, kind in _TRANSFERS if re.search(words, text)), "http")


def host_of(text: str) -> str:
    """Return the host of the first address in a text without credentials, or an empty text."""
    found = _HOST.search(text)
    return found.group(1) if found else ""


def _of_repository(message: str, repository: str, line: LogLine, details: str) -> PackageFailure:
    """A failed list of mirrors is one, whatever it failed of; else what was said of the transfer decides."""
    whole = f"{details}\n{message}"
    if "valid baseurl" in message and not re.search(_LIST_OF_MIRRORS, whole):
        return PackageFailure(kind="no_address", line=line, repository=repository)
    kind: FailureKind = transfer_kind(details if details.strip() and "GPG" not in message else message)
    if re.search(_LIST_OF_MIRRORS, whole) and kind not in ("disk_full", "read_only"):
        kind = "mirror_list"
    return PackageFailure(kind=kind, line=line, repository=repository, host=host_of(whole))


def _of_signature(message: str, line: LogLine) -> tuple[PackageFailure, ...]:
    local = re.search(_LOCAL, message)
    if local:
        return (
            PackageFailure(
                kind="damaged_package", line=line, package=local.group(1), repository=local.group(2)
            ),
        )
    unsigned = re.search(_UNSIGNED, message)
    if unsigned is None:
        return ()
    package = unsigned.group(2) or next(group for group in unsigned.groups() if group)
    return (PackageFailure(kind="gpg", line=line, package=package),)


def _of_download(message: str, line: LogLine) -> tuple[PackageFailure, ...]:
    if "downloading packages" not in message:
        return ()
    found = []
    for package, why in re.findall(_DOWNLOAD, message)[:20]:
        kind = transfer_kind(why)
        kept: FailureKind = kind if kind in ("disk_full", "read_only") else "download"
        found.append(PackageFailure(kind=kept, line=line, package=package, host=host_of(why)))
    return tuple(found)


def _of_test(message: str, line: LogLine) -> tuple[PackageFailure, ...]:
    conflict = re.search(_FILE_CONFLICT, message)
    if conflict:
        package = conflict.group(1) or conflict.group(2)
        return (PackageFailure(kind="file_conflict", line=line, package=package),)
    space = re.search(_NEEDS_SPACE, message)
    return (PackageFailure(kind="disk_full", line=line, package=space.group(1)),) if space else ()


def _of_dependency(message: str, line: LogLine) -> tuple[PackageFailure, ...]:
    of_yum = re.search(_YUM_DEPENDENCY, message)
    if of_yum:
        package, repository = of_yum.group(1), of_yum.group(2) or ""
        return (PackageFailure(kind="dependency", line=line, package=package, repository=repository),)
    parts = re.split(_PROBLEM, message)[1:] or ([message] if "protected packages" in message else [])
    found = {}
    for part in parts[:20]:
        culprit = next((seen.group(1) for words in _CULPRITS if (seen := re.search(words, part))), "")
        found[culprit] = PackageFailure(kind="dependency", line=line, package=culprit.rstrip(",;"))
    return tuple(found.values())


def _of_match(message: str, line: LogLine) -> tuple[PackageFailure, ...]:
    found = re.search(_NO_MATCH, message)
    if found is None:
        return ()
    names = (found.group(1) or found.group(2)).split()[:20]
    return tuple(PackageFailure(kind="no_match", line=line, package=name) for name in names)
