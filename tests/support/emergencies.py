"""Reports as ``auto`` and ``submit`` get them: mail, web, and a disk that is not the vendor's to mend."""

from datetime import timedelta
from typing import Any

from building import AT, finding, incident, report, result

from iwx_agent.model import AssistanceReport, Incident, Priority, Report, Scope, Status, Verdict

ON = AssistanceReport(state="on")
MAIL = incident(
    finding("MAIL-001", "25", title="Mail is down"), fingerprint="mail", since_at=AT - timedelta(minutes=30)
)
WEB = incident(finding("WEB-001", "httpd", title="The web server is down"), fingerprint="web")
DISK = incident(
    finding("SYSTEM-001", "/", title="The disk is full", scope=Scope.PROVIDER),
    fingerprint="disk",
    scope=Scope.PROVIDER,
)


def seen(*incidents: Incident, blind: tuple[str, ...] = (), **more: Any) -> Report:
    results = [result(check_id="mail.smtp")]
    results += [result(check_id=name, status=Status.UNKNOWN, reason="timed out") for name in blind]
    values: dict[str, Any] = {
        "results": tuple(results),
        "remote_assistance": ON,
        "verdict": Verdict(
            priority=Priority.URGENT if incidents else None,
            emergency=bool(incidents),
            reasons=(),
            fileable=True,
            filing="in scope, with a direct licence",
        ),
    }
    return report(*incidents, **(values | more))
