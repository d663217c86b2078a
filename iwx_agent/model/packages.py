"""Facts about yum, dnf and rpm: their logs, the database, locks, repositories, the panel's packages.

A log tells what happened; what still holds is what no later success ended (``PackageLog.present``).
"""

import re
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model.machine import LogLine, Process

FailureKind = Literal[
    # a repository did not give what was asked for
    "dns",
    "unreachable",  # refused, reset, no route
    "timeout",
    "tls",
    "not_found",  # HTTP 404, or no such file
    "gone",  # HTTP 410: taken away for good
    "http",  # any other HTTP status, or a transfer that broke
    "mirror_list",  # the list of mirrors could not be had, or is empty
    "no_address",
    "metadata",  # came, but damaged
    "repository_file",  # the .repo file was skipped; ``repository`` is its path
    # a transaction was refused, or broke
    "gpg",
    "damaged_package",
    "download",
    "dependency",
    "no_match",
    "inconsistent",  # dnf check found installed packages that do not fit together
    "file_conflict",
    "disk_full",
    "read_only",
    "rpm_database",
    "lock",
    "killed",
    "scriptlet",
    "other",
]
REPOSITORY_KINDS: tuple[FailureKind, ...] = (
    *("dns", "unreachable", "timeout", "tls", "not_found", "gone", "http", "mirror_list", "no_address"),
    "metadata",
)

# Verbs, the first words of goals. Of several names that yum and dnf have for one, the usual stands here.
CHANGING_VERBS = (
    *("install", "reinstall", "update", "update-minimal", "downgrade", "remove", "autoremove"),
    *(
        "distro-sync",
        "swap",
        "localinstall",
        "group",
        "module",
        "history",
        "offline-upgrade",
        "system-upgrade",
    ),
)


class PackageFailure(Struct, frozen=True, kw_only=True):
    """One thing that went wrong in a run; ``package`` is name-version-release.arch or a name, if one is told.

    ``host`` is the machine that was asked, and ``scriptlet`` rpm's word for the script (``%post``).
    """

    kind: FailureKind
    line: LogLine
    package: str = ""
    repository: str = ""
    host: str = ""
    scriptlet: str = ""

    @property
    def name(self) -> str:
        """Return the package's name alone."""
        return package_name(self.package)

    @property
    def of_repository(self) -> bool:
        """Return whether a repository as a whole is meant, not one package of it."""
        return self.kind in REPOSITORY_KINDS or (
            self.kind == "gpg" and not self.package and self.repository != ""
        )


RunOutcome = Literal[
    "done",
    "failed",
    "killed",  # it was changing packages, and its end was never written
    "open",  # the end was not written: it runs, waits, or was ended before it changed anything
]


class PackageRun(Struct, frozen=True, kw_only=True):
    """One run of yum or dnf. ``planned`` and ``changed`` are packages as the log names them.

    ``answered`` are the repositories whose metadata came over the network in this run; ``transaction`` says
    that it began to change packages.
    """

    tool: Literal["dnf", "yum"]
    command: str  # as logged, without credentials; empty when the log does not say
    goal: tuple[str, ...]  # the verb and what it was asked for, sorted: equal for two runs that want the same
    outcome: RunOutcome
    started_at: float | None
    source: str  # file:line of its start
    ended_at: float | None = None
    transaction: bool = False
    transaction_at: float | None = None
    planned: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    failures: tuple[PackageFailure, ...] = ()

    @property
    def wants_change(self) -> bool:
        """Return whether it was asked to change packages, not only to look."""
        return self.transaction or self.goal[:1] == ("",) or self.goal[0] in CHANGING_VERBS

    @property
    def changed_names(self) -> frozenset[str]:
        """Return the names of the packages that it changed."""
        return frozenset(package_name(package) for package in self.changed)


class PresentFailure(Struct, frozen=True, kw_only=True):
    """A failure that still holds: the newest one of its kind and subject, and since when it is seen."""

    failure: PackageFailure
    run: PackageRun
    first_at: float | None
    times_count: int = 1


class PackageLog(Struct, frozen=True, kw_only=True):
    """What the logs of yum and dnf tell, oldest run first; nothing before ``covered_from_at`` is known."""

    runs: tuple[PackageRun, ...]
    sources: tuple[str, ...]
    read_at: float
    covered_from_at: float | None
    panel_packages: tuple[str, ...]  # shell patterns of the panel's own packages
    panel_repositories: tuple[str, ...]

    def of_panel(self, package: str) -> bool:
        """Return whether a package (any form) is one of the panel's own."""
        return any(fnmatchcase(package_name(package), pattern) for pattern in self.panel_packages)

    def from_panel(self, repository: str) -> bool:
        """Return whether a repository is one of the panel's own."""
        return any(fnmatchcase(repository, pattern) for pattern in self.panel_repositories)

    def present(self) -> tuple[PresentFailure, ...]:
        """Return what went wrong and was not ended by a later success of the same kind, oldest first."""
        held: dict[tuple[str, str], PresentFailure] = {}
        for run in self.runs:
            for key, known in list(held.items()):
                left = _left(run, known)
                if left is None:
                    del held[key]
                else:
                    held[key] = left
            for failure in run.failures:
                key = _subject(failure, run)
                before = held.pop(key, None)
                held[key] = PresentFailure(
                    failure=failure,
                    run=run,
                    first_at=before.first_at if before else failure.line.at,
                    times_count=before.times_count + 1 if before else 1,
                )
        return tuple(held.values())


def _subject(failure: PackageFailure, run: PackageRun) -> tuple[str, str]:
    """Return what makes two failures the same trouble: of a repository, of one package, of the whole tool."""
    if failure.of_repository:
        return "repository", failure.repository or failure.host
    if failure.kind == "repository_file":
        return failure.kind, failure.repository
    if failure.kind == "killed":
        return "killed", run.source
    return failure.kind, failure.name


def _left(run: PackageRun, known: PresentFailure) -> PresentFailure | None:
    """Return what a later run leaves of a failure; None when it shows that it is over.

    Of a transaction that was killed, the packages are left that no later run changed.
    """
    if known.failure.kind != "killed" or run.outcome != "done":
        return None if _ends(run, known) else known
    before = known.run.planned
    after = tuple(package for package in before if package_name(package) not in run.changed_names)
    if run.goal == known.run.goal or (before and not after):
        return None
    return known if before == after else replace(known, run=replace(known.run, planned=after))


def _ends(run: PackageRun, known: PresentFailure) -> bool:
    """Return whether a later run shows that a failure is over; a new failure of it is added afterwards."""
    failure = known.failure
    if failure.of_repository:
        return failure.repository in run.answered
    if failure.kind == "repository_file":
        return True  # every run reads all files again, and says so again
    if run.outcome != "done":
        return False
    if failure.name and failure.name in run.changed_names:
        return True
    if failure.kind == "scriptlet":
        return False
    if failure.kind == "inconsistent":
        return run.transaction or run.goal == known.run.goal
    if failure.name:
        return run.goal == known.run.goal
    return run.wants_change or not known.run.wants_change


class InstalledPackage(Struct, frozen=True, kw_only=True):
    """One installed package as the rpm database has it."""

    name: str
    version: str
    release: str
    architecture: str
    epoch: int = 0
    installed_at: float | None = None


class InstalledPackages(Struct, frozen=True, kw_only=True):
    """The panel's installed packages among the names that were ``asked``; others are not seen.

    A package that stands here twice is installed twice.
    """

    entries: tuple[InstalledPackage, ...]
    asked: tuple[str, ...]
    source: str

    def named(self, name: str) -> tuple[InstalledPackage, ...]:
        """Return all installed packages of that name."""
        return tuple(entry for entry in self.entries if entry.name == name)


DatabaseTrouble = Literal["damaged", "empty", "recovery", "disk_full", "read_only", "silent", "unreadable"]


class RpmDatabase(Struct, frozen=True, kw_only=True):
    """Whether rpm can read its database; ``trouble`` None means that it answered a question from it.

    ``damaged``: a broken one; ``empty``: sound, but without the packages of a whole system; ``recovery``:
    Berkeley DB wants its environment removed; ``silent``: no answer in time. ``text`` is what rpm said.
    """

    trouble: DatabaseTrouble | None
    text: str
    source: str
    directory: str = "/var/lib/rpm"
    size_bytes: int | None = None  # of the database's own files together; None when it could not be told
    environment_files_count: int = 0  # Berkeley DB's __db.*


class PackageLock(Struct, frozen=True, kw_only=True):
    """One lock file of yum or dnf.

    ``pid`` is None for an empty or malformed one; ``holder`` None means that no such process runs.
    """

    path: str
    pid: int | None
    text: str
    changed_at: float
    holder: Process | None = None


class PackageLocks(Struct, frozen=True, kw_only=True):
    """Lock files, and the running programs that change packages, whether they hold a lock file or not."""

    locks: tuple[PackageLock, ...]
    tools: tuple[Process, ...]
    read_at: float


class Repository(Struct, frozen=True, kw_only=True):
    """One repository of a file; ``addresses`` are where it is fetched from, without credentials."""

    id: str
    path: str
    enabled: bool = True
    addresses: tuple[str, ...] = ()  # baseurl, mirrorlist or metalink, as written

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the addresses, each once; none for a directory."""
        found = (
            address.partition("://")[2].partition("/")[0].partition(":")[0] for address in self.addresses
        )
        return tuple(dict.fromkeys(host for host in found if host))


class RepositoryFile(Struct, frozen=True, kw_only=True):
    """One ``.repo`` file; ``trouble`` says why yum and dnf cannot read it, empty when they can."""

    path: str
    repositories: tuple[Repository, ...] = ()
    trouble: str = ""
    line: str = ""  # the line that stops the reading


class RepositoryFiles(Struct, frozen=True, kw_only=True):
    """All files that name repositories; ``ended_hosts`` are mirrors that were switched off for good."""

    files: tuple[RepositoryFile, ...]
    ended_hosts: tuple[str, ...] = ()

    @property
    def enabled(self) -> tuple[Repository, ...]:
        """Return the repositories that are switched on."""
        return tuple(r for file in self.files for r in file.repositories if r.enabled)

    def uses(self, repository: str) -> bool:
        """Return whether a repository is switched on; a variable in a configured id stands for anything."""
        return any(
            known.id == repository or ("$" in known.id and fnmatchcase(repository, _as_pattern(known.id)))
            for known in self.enabled
        )


def _as_pattern(configured: str) -> str:
    return re.sub(r"\$\{?\w+\}?", "*", configured)


_PACKAGE_TOOLS = ("dnf", "yum", "dnf-3", "dnf5", "microdnf")
_RPM_QUESTIONS = (
    *("-q", "-V", "-K", "-E", "--query", "--verify", "--checksig", "--eval", "--version", "--showrc"),
)


def is_package_tool(name: str, title: str) -> bool:
    """Return whether a process may change packages: a question to rpm (this agent asks one) does not.

    >>> is_package_tool("python3", "/usr/bin/python3 /usr/bin/dnf"), is_package_tool("rpm", "rpm -q")
    (True, False)
    """
    words = [word.rsplit("/", 1)[-1] for word in title.split()[:2]]
    tool = words[0] if words else name
    if len(words) > 1 and tool.startswith(("python", "platform-python")):
        tool = words[1]
    if "rpm" in (name, tool):
        return len(words) > 1 and not words[1].startswith(_RPM_QUESTIONS)
    return name in _PACKAGE_TOOLS or tool in _PACKAGE_TOOLS


def package_name(package: str) -> str:
    """Return the name of ``name-[epoch:]version-release.arch``, ``name.arch`` or a plain name.

    >>> package_name("interworx-cli-8.2.0-2345.rhe9x.iworx.noarch"), package_name("httpd.x86_64")
    ('interworx-cli', 'httpd')
    >>> package_name("openssl-libs"), package_name("")
    ('openssl-libs', '')
    """
    rest, _, architecture = package.rpartition(".")
    plain = rest if rest and architecture in _ARCHITECTURES else package
    parts = plain.rsplit("-", 2)
    if len(parts) == 3 and parts[1][:1].isdigit():
        return parts[0]
    return plain


_ARCHITECTURES = ("noarch", "x86_64", "i686", "i386", "i486", "i586", "aarch64", "src", "ppc64le", "s390x")
