"""The panel's last upgrade went through: what the panel says of it, and what the package tools left.

Facts:
    panel: the panel is installed; boot: what time it is; banner_signs, health_signs, log_signs: what was
    found there of what data/signatures.toml looks for; panel_health: the panel's own health list;
    package_log: runs of dnf and yum; installed_panel_packages: the panel's packages as rpm has them;
    one_version_packages: those that are taken to have the panel's version always.

Limits:
    recent_s: as long as a failure counts when no later success ends it; undated_lines_count: among
    so many last lines of a log one without a time counts; same_upgrade_s: a message is history when the
    panel's package was installed again more than this after it.

Codes:
    PANEL-080 a message says that an upgrade step failed; PANEL-081 the health list calls something bad;
    PANEL-082 a script of one of the panel's packages failed; PANEL-083 its packages have different versions;
    PANEL-084 one of them is installed twice; PANEL-085 an upgrade was killed or failed half-way.

Source:
    Support guide 7.1, "Failed upgrade step messages". Where the panel shows such messages is not public; the
    states of packages are those of dnf 4.14, yum 3 and rpm 4.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Boot,
    Check,
    Evidence,
    Finding,
    InstalledPackage,
    InstalledPackages,
    Missing,
    PackageLog,
    PanelPresence,
    PresentFailure,
    Scope,
    Severity,
    moment,
    package_name,
)
from iwx_agent.model.panel_cli import HealthList
from iwx_agent.model.signatures import Sign, Signs

_MAIN = "interworx"
_NAMED_COUNT = 10
_EVIDENCE_COUNT = 6
_LEAVING = ("%preun", "%postun", "%triggerun", "%triggerpostun")  # of the version that goes
_LOOK = (
    "nodeworx -u -n -c Notice -a listBannerNotices   # the banners, word for word",
    "tail -n 100 /usr/local/interworx/var/log/iworx.log",
    "rpm -qa --last | head -n 30   # what was installed, newest first",
)


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 7 * 86_400.0
    undated_lines_count: int = 20
    same_upgrade_s: float = 3600.0


def judge(
    panel: PanelPresence,
    boot: Boot,
    banner_signs: Signs | Missing,
    health_signs: Signs | Missing,
    log_signs: Signs | Missing,
    panel_health: HealthList | Missing,
    package_log: PackageLog | Missing,
    installed_panel_packages: InstalledPackages | Missing,
    one_version_packages: tuple[str, ...],
    limits: Limits,
) -> Iterator[Finding]:
    """Judge the messages, the health list, what the tools did and what they left, each on its own."""
    installed = () if isinstance(installed_panel_packages, Missing) else installed_panel_packages.entries
    places = (banner_signs, health_signs, log_signs)
    signs = tuple(
        sign
        for place in places
        if not isinstance(place, Missing)
        for sign in place.open_for("PANEL-080")
        if _holds(sign, boot.read_at, installed, limits)
    )
    if signs:
        yield _message(signs)
    if not isinstance(panel_health, Missing) and panel_health.bad:
        yield _health(panel_health)
    if not isinstance(package_log, Missing):
        yield from _runs(package_log, limits)
    if not isinstance(installed_panel_packages, Missing):
        log = None if isinstance(package_log, Missing) else package_log
        yield from _left_behind(installed_panel_packages, log, one_version_packages)


def _holds(sign: Sign, now_at: float, installed: tuple[InstalledPackage, ...], limits: Limits) -> bool:
    """Whether a message still counts: recent, and the panel's package was not installed again since."""
    if not sign.is_recent(now_at, within_s=limits.recent_s, undated_lines_count=limits.undated_lines_count):
        return False
    if sign.written_at is None or sign.at is None:
        return True
    again = [p.installed_at for p in installed if p.name == _MAIN and p.installed_at is not None]
    return not any(sign.at + limits.same_upgrade_s < at <= now_at for at in again)


def _message(signs: tuple[Sign, ...]) -> Finding:
    """An emergency needs a sure sign, or two that agree; one that is only inferred is one step less."""
    inferred = all(sign.confidence == "inferred" for sign in signs)
    agree = len({sign.group for sign in signs}) > 1
    sure = agree or not inferred
    dated = [sign for sign in signs if sign.at is not None]
    since = min(dated, key=lambda sign: sign.at or 0.0) if dated else None
    quoted = dict.fromkeys((sign.seen, sign.text) for sign in signs)
    return Finding(
        code="PANEL-080",
        subject="InterWorx",
        severity=Severity.EMERGENCY if sure else Severity.ERROR,
        scope=Scope.VENDOR,
        title=f"A step of the panel's upgrade {'failed' if sure else 'seems to have failed'}",
        detail=f"The panel's own words: {signs[0].text[:200]}",
        remedy=(
            *_LOOK,
            "Run no step again by hand and dismiss no banner: the vendor's support needs both as they are.",
        ),
        evidence=tuple(Evidence(source=seen, text=text) for seen, text in list(quoted)[:_EVIDENCE_COUNT]),
        since_at=moment(since.at) if since else None,
        since_source=since.seen if since else "",
        touches=("panel",),
        inferred=inferred,
    )


def _health(health: HealthList) -> Finding:
    """One warning for all rows: what counts as an emergency has a check of its own."""
    names = [row.name for row in health.bad]
    more = f" and {len(names) - _NAMED_COUNT} more" if len(names) > _NAMED_COUNT else ""
    return Finding(
        code="PANEL-081",
        subject="health list",
        severity=Severity.WARNING,
        scope=Scope.VENDOR,
        title=f"The panel's own health list calls {len(names)} of its {len(health.rows)} entries bad",
        detail=f"Bad: {', '.join(names[:_NAMED_COUNT])}{more}.",
        remedy=(
            "nodeworx -u -n -c Health -a listHealthStatus   # third column: 0 well, 1 bad, 2 does not apply",
            "NodeWorx' health page says what each entry is about.",
        ),
        evidence=tuple(
            Evidence(source=health.source, text=row.words) for row in health.bad[:_EVIDENCE_COUNT]
        ),
    )


def _runs(log: PackageLog, limits: Limits) -> Iterator[Finding]:
    """What runs of dnf and yum left undone of the panel's packages, and no later run made good.

    What is older, and scripts of the version that goes, are left to the checks of packages.
    """
    half_way: Finding | None = None
    for present in log.present():
        failure = present.failure
        if present.age_s(log.read_at) > limits.recent_s:
            continue
        if failure.kind == "scriptlet" and log.of_panel(failure.package):
            if failure.scriptlet not in _LEAVING:
                yield _scriptlet(present)
        elif left := _undone(log, present):
            half_way = _half_way(present, left)
    if half_way is not None:  # the newest: several failures of one run are one upgrade that stopped
        yield half_way


def _undone(log: PackageLog, present: PresentFailure) -> tuple[str, ...]:
    """Return the panel's packages that a run had planned and not done, if it had begun to change packages."""
    run = present.run
    planned = tuple(package for package in run.planned if log.of_panel(package))
    if present.failure.kind == "killed":
        return planned
    if run.outcome != "failed" or not run.changed:
        return ()
    return tuple(package for package in planned if package_name(package) not in run.changed_names)


def _scriptlet(present: PresentFailure) -> Finding:
    failure, name = present.failure, shlex.quote(present.failure.name)
    return _of_run(
        present,
        code="PANEL-082",
        subject=failure.name,
        title=f"A script of the panel's package {failure.name} failed during the upgrade",
        detail=(
            f"{failure.scriptlet or 'A script'} of {failure.package} ended with an error. "
            "What the script does for the upgrade was not done, whatever the tool said at its end."
        ),
        remedy=(
            f"rpm -q --scripts {name} | less   # what it should have done",
            f"grep -n -B 12 -e {name} /var/log/dnf.rpm.log | tail -n 60   # what it said",
            "df -h / /var /usr/local/interworx   # a full disk is the usual reason",
            f"{present.run.tool} reinstall {name}   # runs it again, when the reason is gone",
        ),
    )


def _half_way(present: PresentFailure, left: tuple[str, ...]) -> Finding:
    tool = present.run.tool
    how = "was killed" if present.failure.kind == "killed" else "failed"
    names = sorted({package_name(package) for package in left})
    return _of_run(
        present,
        code="PANEL-085",
        subject=_MAIN,
        title=f"An upgrade of the panel {how} half-way",
        detail=(
            f"{tool} had begun to change packages and did not finish. Planned, and not done since: "
            f"{', '.join(left[:_NAMED_COUNT])}. Old and new files can stand side by side."
        ),
        remedy=(
            f"{tool} history info last   # what was planned; ** marks a transaction without an end",
            f"rpm -q {' '.join(map(shlex.quote, names))}   # which versions are there now",
            *_LOOK[1:],
            "df -h / /var; journalctl -k -n 50 --no-pager   # a full disk, or killed for lack of memory?",
            f"{tool} update {' '.join(map(shlex.quote, names))}   # finishes it, when the reason is gone",
        ),
    )


def _of_run(
    present: PresentFailure,
    *,
    code: str,
    subject: str,
    title: str,
    detail: str,
    remedy: tuple[str, ...],
) -> Finding:
    since_at = moment(present.first_at)
    return Finding(
        code=code,
        subject=subject,
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=title,
        detail=detail,
        remedy=remedy,
        evidence=present.evidence,
        since_at=since_at,
        since_source=present.failure.line.source if since_at else "",
        touches=("panel",),
    )


def _left_behind(
    installed: InstalledPackages, log: PackageLog | None, one_version: tuple[str, ...]
) -> Iterator[Finding]:
    """Packages that are there twice, and packages of another version than the panel's own."""
    names = sorted({entry.name for entry in installed.entries})
    twice = [name for name in names if _is_twice(installed.named(name))]
    for name in twice:
        yield _package(
            "PANEL-084",
            installed,
            name,
            installed.named(name),
            severity=Severity.ERROR,
            title=f"The panel's package {name} is installed twice",
            why="An upgrade was ended between the new version and the removal of the old one.",
        )
    main = installed.named(_MAIN)
    for name in names if len(main) == 1 and _MAIN not in twice else ():
        (other, *more) = installed.named(name)
        if more or other.version == main[0].version:
            continue
        together = log is not None and _came_together(log, name)
        if together or (name in one_version and _major(other) == _major(main[0])):
            yield _package(
                "PANEL-083",
                installed,
                name,
                (main[0], other),
                severity=Severity.ERROR if together else Severity.WARNING,
                title=f"The panel's package {name} is not of the panel's version",
                why="The two came with one version before."
                if together
                else "That the two always have one version is inferred.",
                inferred=not together,
            )


def _is_twice(entries: tuple[InstalledPackage, ...]) -> bool:
    architectures = [entry.architecture for entry in entries]
    return len(architectures) > len(set(architectures))


def _came_together(log: PackageLog, name: str) -> bool:
    """Return whether some run brought the package and the panel's own with one version."""
    return any(
        bool(_versions(run.planned, name) & _versions(run.planned, _MAIN)) for run in log.runs if run.planned
    )


def _versions(packages: tuple[str, ...], name: str) -> set[str]:
    """Return the versions in ``name-[epoch:]version-release.arch`` of the packages of that name."""
    return {
        package[len(name) + 1 :].partition("-")[0].rpartition(":")[2]
        for package in packages
        if package_name(package) == name and package.startswith(f"{name}-")
    }


def _major(package: InstalledPackage) -> str:
    return package.version.partition(".")[0]


def _package(
    code: str,
    installed: InstalledPackages,
    name: str,
    entries: tuple[InstalledPackage, ...],
    *,
    severity: Severity,
    title: str,
    why: str,
    inferred: bool = False,
) -> Finding:
    told = ", ".join(f"{e.name}-{e.version}-{e.release}.{e.architecture}" for e in entries)
    return Finding(
        code=code,
        subject=name,
        severity=severity,
        scope=Scope.VENDOR,
        title=title,
        detail=f"Installed: {told}. {why}",
        remedy=(
            f"rpm -q --last {shlex.quote(name)} {_MAIN}   # when each was installed",
            "dnf check   # what does not fit together; yum check on release 7",
            *_LOOK[1:2],
            "Ask the vendor's support before you remove or downgrade a package of the panel.",
        ),
        evidence=(Evidence(source=installed.source, text=told),),
        inferred=inferred,
    )


CHECK = Check(
    id="panel.upgrade",
    title="The panel's last upgrade went through",
    codes=("PANEL-080", "PANEL-081", "PANEL-082", "PANEL-083", "PANEL-084", "PANEL-085"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    ok_needs=("banner_signs", "panel_health", "log_signs", "package_log", "installed_panel_packages"),
    once=("panel_health", "health_signs"),
    emergency=True,
    guide=6,
)
