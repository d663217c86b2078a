"""Scripts of packages ran without an error.

Facts:
    package_log: scriptlets that failed, by dnf's rpm log or yum's history; a change of the package ends it.

Limits:
    recent_s: an older failure is no emergency: the panel has lived with it.

Codes:
    PACKAGES-040 a script of one of the panel's packages failed; PACKAGES-041 of another package.

Source:
    Support guide 7.1, "Yum failure messages"; recorded: after a failed %post dnf says "Complete!", exit 0.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Finding, PackageLog, PresentFailure, Scope, Severity, moment

# Run for the version that goes: what they leave undone is rarely missed.
_LEAVING = ("%preun", "%postun", "%triggerun", "%triggerpostun")


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 7 * 86_400.0


def judge(package_log: PackageLog, limits: Limits) -> Iterator[Finding]:
    """Judge each package whose script failed and that was not changed since."""
    for present in package_log.present():
        if present.failure.kind != "scriptlet":
            continue
        panel = package_log.of_panel(present.failure.package)
        recent = present.age_s(package_log.read_at) <= limits.recent_s
        leaving = present.failure.scriptlet in _LEAVING
        severity = Severity.WARNING
        if panel:
            severity = Severity.EMERGENCY if recent and not leaving else Severity.ERROR
        yield _finding(present, severity, panel=panel)


def _finding(present: PresentFailure, severity: Severity, *, panel: bool) -> Finding:
    failure, tool = present.failure, present.run.tool
    name = shlex.quote(failure.name)
    installed = present.run.outcome == "done"
    became = (
        f"{tool} said that all was well, and the package is installed, but what its script does was not done."
        if installed
        else "The transaction failed, and the package was not changed."
    )
    since_at = moment(present.first_at)
    whose = "the panel's package " if panel else ""
    return Finding(
        code="PACKAGES-040" if panel else "PACKAGES-041",
        subject=failure.name,
        severity=severity,
        scope=Scope.VENDOR if panel else Scope.PROVIDER,
        title=f"A script of {whose}{failure.name} failed when it was installed or updated",
        detail=f"{failure.scriptlet} of {failure.package}. {became}",
        remedy=(
            f"rpm -q --scripts {name} | less   # what {failure.scriptlet} should have done",
            f"grep -n -B 12 -e {name} /var/log/dnf.rpm.log | tail -n 60   # what it said",
            "df -h / /var; journalctl -p err -n 30 --no-pager   # why it could not",
            f"{tool} reinstall {name}   # runs it again, when the reason is gone",
        ),
        evidence=present.evidence,
        since_at=since_at,
        since_source=failure.line.source if since_at else "",
    )


CHECK = Check(
    id="packages.scriptlets",
    title="Scripts of packages ran without an error",
    codes=("PACKAGES-040", "PACKAGES-041"),
    judge=judge,
    limits=Limits(),
    optional=("package_log",),
    emergency=True,
    guide=7,
)
