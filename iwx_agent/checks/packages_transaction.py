"""The last runs of yum and dnf did what they were asked.

Facts:
    package_log: what the logs of dnf and the history of yum tell; what a later success ended is history.

Limits:
    recent_s: an older failure that nobody has repeated weighs less, a failed installation nothing at all.

Codes:
    PACKAGES-001 an update of the panel's own packages fails; PACKAGES-002 one of them was ended half-way;
    PACKAGES-003 an update of other packages fails; PACKAGES-004 another transaction was ended half-way;
    PACKAGES-005 nothing can be written; PACKAGES-006 a package of the panel is left out; PACKAGES-007 the
    installed packages do not fit together.

Source:
    Support guide 7.1, "Yum failure messages"; words of dnf 4.14 and rpm 4.18 as recorded; dnf(8), yum(8).
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Finding, PackageLog, PresentFailure, Scope, Severity, moment

_WORK = {"install": "An installation", "remove": "A removal", "reinstall": "A new installation"}
_ELSEWHERE = ("repository_file", "scriptlet", "lock", "rpm_database")  # other checks judge these
_WRITING = ("disk_full", "read_only")
_WHY = {
    "dependency": "what it needs is not there",
    "no_match": "no repository has it",
    "gpg": "its signature cannot be checked",
    "damaged_package": "the file from the repository is damaged",
    "download": "it cannot be downloaded",
    "file_conflict": "another package has the same file",
    "disk_full": "the disk was full",
    "read_only": "the file system was read-only",
}


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 7 * 86_400.0


def judge(package_log: PackageLog, limits: Limits) -> Iterator[Finding]:
    """Judge each failure that no later success has ended."""
    for present in package_log.present():
        failure = present.failure
        question = failure.kind == "other" and not present.run.wants_change
        if failure.of_repository or failure.kind in _ELSEWHERE or question:
            continue
        old = present.age_s(package_log.read_at) > limits.recent_s
        if failure.kind == "killed":
            yield _killed(present, _panel(package_log, present), old=old)
        elif failure.kind in _WRITING:
            yield from () if old else (_unwritten(present),)
        elif failure.kind == "inconsistent":
            yield _inconsistent(present)
        elif _panel(package_log, present):
            yield _of_panel(present, old=old)
        elif failure.kind != "no_match" and not (old and not _whole(present)):
            yield _of_others(present, old=old)


def _panel(log: PackageLog, present: PresentFailure) -> bool:
    """Return whether the panel's own packages are meant: by name, by repository, or as part of the plan."""
    failure, run = present.failure, present.run
    if failure.kind == "killed":
        return any(log.of_panel(package) for package in run.planned)
    return log.of_panel(failure.package) or log.from_panel(failure.repository)


def _whole(present: PresentFailure) -> bool:
    """Return whether everything was to be updated: then nothing at all is."""
    goal = present.run.goal
    return goal in (("update",), ("",), ("distro-sync",)) and present.run.outcome == "failed"


def _subject(present: PresentFailure) -> str:
    return present.failure.name or " ".join((present.run.tool, *present.run.goal)).strip()


def _killed(present: PresentFailure, panel: bool, *, old: bool) -> Finding:
    run, tool = present.run, present.run.tool
    names = ", ".join(run.planned[:8]) or "packages that the log does not name"
    whose = "of the panel's packages " if panel else ""
    quoted = " ".join(
        shlex.quote(name) for name in sorted({_subject(present)} if present.failure.name else ())
    )
    return _finding(
        "PACKAGES-002" if panel else "PACKAGES-004",
        present,
        severity=Severity.EMERGENCY if panel and not old else Severity.ERROR,
        scope=Scope.VENDOR if panel else Scope.PROVIDER,
        title=f"{_WORK.get(run.goal[0], 'An update')} {whose}was ended half-way",
        detail=(
            f"{tool} had begun to change packages and never wrote that it was done. Not finished: {names}."
            f"{' It had come to ' + present.failure.package + '.' if present.failure.package else ''}"
            " Old and new files can stand side by side, and scripts of the packages did not run."
        ),
        remedy=(
            f"{tool} history info last   # what was planned; ** marks a transaction without an end",
            "rpm -qa --last | head -n 30   # what was installed, newest first",
            *(
                ("package-cleanup --dupes", "yum-complete-transaction --cleanup-only   # forgets it; then:")
                if tool == "yum"
                else ("dnf check --duplicates   # old and new version of a package side by side",)
            ),
            f"{tool} reinstall {quoted or 'PACKAGE'}   # runs its scripts again; then {tool} update",
        ),
    )


def _unwritten(present: PresentFailure) -> Finding:
    kind = present.failure.kind
    return _finding(
        "PACKAGES-005",
        present,
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"{present.run.tool} could not write: {_WHY[kind]}",
        detail=f"{present.run.tool} was refused: {_first_line(present)}.",
        remedy=(
            "df -h / /var /var/cache /var/lib/rpm; df -i / /var",
            *(
                ("findmnt -o TARGET,SOURCE,OPTIONS / ; findmnt --target /var/lib/rpm",)
                if kind == "read_only"
                else (f"{present.run.tool} clean packages   # deletes downloaded package files",)
            ),
            f"When there is room again: {present.run.command or present.run.tool + ' update'}",
        ),
    )


def _inconsistent(present: PresentFailure) -> Finding:
    return _finding(
        "PACKAGES-007",
        present,
        severity=Severity.WARNING,
        scope=Scope.PROVIDER,
        title="Installed packages do not fit together",
        detail=f"{present.run.command}: {_first_line(present)}. The log does not say which; dnf check does.",
        remedy=(
            "dnf check   # names duplicates and packages whose needs are not met",
            "dnf remove --duplicates   # if there are duplicates; read what it wants to do before saying yes",
        ),
    )


def _of_panel(present: PresentFailure, *, old: bool) -> Finding:
    name = _subject(present)
    why = _WHY.get(present.failure.kind, "the transaction failed")
    if present.run.outcome != "failed" or present.failure.kind == "no_match":
        return _finding(
            "PACKAGES-006",
            present,
            severity=Severity.WARNING,
            scope=Scope.VENDOR,
            title=f"The panel's package {name} is not updated: {why}",
            detail=f"{present.run.tool} left it out and went on: {_first_line(present)}.",
            remedy=_steps(present),
        )
    return _finding(
        "PACKAGES-001",
        present,
        severity=Severity.ERROR if old else Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=f"The panel's package {name} cannot be updated: {why}",
        detail=f"{_first_line(present)}.{_times(present)}",
        remedy=_steps(present),
    )


def _of_others(present: PresentFailure, *, old: bool) -> Finding:
    name = _subject(present)
    why = _WHY.get(present.failure.kind, "the transaction failed")
    whole, named = _whole(present), present.failure.name != ""
    blocks = " No package at all is updated as long as this lasts." if whole else ""
    return _finding(
        "PACKAGES-003",
        present,
        severity=Severity.ERROR if whole and not old else Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"{f'{present.run.tool} cannot install or update {name}' if named else f'{name} fails'}: {why}",
        detail=f"{_first_line(present)}.{_times(present)}{blocks}",
        remedy=_steps(present),
    )


def _steps(present: PresentFailure) -> tuple[str, ...]:
    tool = present.run.tool
    name = shlex.quote(_subject(present)) if present.failure.name else ""
    again = f"{tool} update {name}".rstrip()
    match present.failure.kind:
        case "gpg":
            return (
                "rpm -q gpg-pubkey --qf '%{VERSION} %{SUMMARY}\\n'   # the keys that are trusted",
                "grep -n -e gpgkey -e gpgcheck /etc/yum.repos.d/*.repo",
                "date   # a wrong clock makes signatures look expired or not yet valid",
                "Import the right key (rpm --import) from the repository's owner; never use --nogpgcheck.",
            )
        case "damaged_package" | "download":
            return (
                f"{tool} clean packages; {tool} clean expire-cache   # the next run fetches again",
                again,
                "If it stays: the mirror is damaged or half synchronized; ask its owner or take another.",
            )
        case "file_conflict":
            return (
                "rpm -qf FILE   # FILE as the message names it: which installed package has it",
                "Keep one of the two: remove the other, or exclude it in its .repo file (excludepkgs=).",
            )
    return (
        f"{tool} repolist enabled   # a repository that has what is needed may be off or fail",
        f"{again} --assumeno   # shows the whole problem, changes nothing",
        "grep -n -i -e '^exclude' -e '^includepkgs' /etc/dnf/dnf.conf /etc/yum.conf /etc/yum.repos.d/*.repo",
    )


def _first_line(present: PresentFailure) -> str:
    lines = [line.strip(" -") for line in present.failure.line.text.split("\n") if line.strip(" -")]
    return "; ".join(lines[:2]).replace(":; ", ": ")[:300].rstrip(".:;")


def _times(present: PresentFailure) -> str:
    return f" Seen {present.times_count} times since the last success." if present.times_count > 1 else ""


def _finding(
    code: str,
    present: PresentFailure,
    *,
    severity: Severity,
    scope: Scope,
    title: str,
    detail: str,
    remedy: tuple[str, ...],
) -> Finding:
    since_at = moment(present.first_at)
    return Finding(
        code=code,
        subject=_subject(present),
        severity=severity,
        scope=scope,
        title=title,
        detail=detail,
        remedy=remedy,
        evidence=present.evidence,
        since_at=since_at,
        since_source=present.failure.line.source if since_at else "",
    )


CHECK = Check(
    id="packages.transaction",
    title="Package updates succeed",
    codes=(
        *("PACKAGES-001", "PACKAGES-002", "PACKAGES-003", "PACKAGES-004", "PACKAGES-005", "PACKAGES-006"),
        "PACKAGES-007",
    ),
    judge=judge,
    limits=Limits(),
    optional=("package_log",),
    emergency=True,
    guide=7,
)
