"""What the logs of yum and dnf tell: their runs, what went wrong in them, and what of it still holds.

A log tells what happened; what still holds is what no later success ended (``PackageLog.present``).
"""

from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model.core import Evidence, moment
from iwx_agent.model.machine import LogLine

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

    def age_s(self, read_at: float) -> float:
        """Return the seconds since it was last seen; 0 for a time that is not known or lies ahead."""
        seen_at = self.failure.line.at
        return max(read_at - seen_at, 0.0) if seen_at is not None else 0.0

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Return the quoted words, and the command that brought them."""
        line = self.failure.line
        told = (Evidence(source=line.source, text=line.text, seen_at=moment(line.at)),)
        asked = (Evidence(source=self.run.source, text=f"command: {self.run.command}"),)
        return (*told, *(asked if self.run.command else ()))


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


def package_name(package: str) -> str:
    """Return the name of ``name-[epoch:]version-release.arch``, ``name.arch`` or a plain name.

    >>> package_name("interworx-cli-8.2.0-2345.rhe9x.iworx.noarch"), package_name("httpd.x86_64")
    ('interworx-cli', 'httpd')
    >>> package_name("openssl-libs"), package_name("")
    ('openssl-libs', '')
    """
    rest, _, architecture = package.rpartition(".")
    if not rest or architecture not in _ARCHITECTURES:
        return package  # without an architecture it is a name, whatever digits stand in it: java-17-openjdk
    parts = rest.rsplit("-", 2)
    return parts[0] if len(parts) == 3 and parts[1][:1].isdigit() else rest


_ARCHITECTURES = ("noarch", "x86_64", "i686", "i386", "i486", "i586", "aarch64", "src", "ppc64le", "s390x")
