"""The one result of a run: what every rendering is made from, and what the JSON schema is generated from."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from iwx_agent.model.changes import Changes, Environment, Impact
from iwx_agent.model.core import CheckResult, Incident, IncidentState, Scope, Severity, Status
from iwx_agent.model.history import Measures
from iwx_agent.model.machine import Address
from iwx_agent.model.verdict import Verdict

SCHEMA_VERSION = 1


class ReportHost(Struct, frozen=True, kw_only=True):
    """The server as the ticket names it; each value with where it is known from."""

    name: str
    fqdn: str
    fqdn_source: str
    fqdn_resolves: bool | None
    addresses: tuple[Address, ...]
    address_note: str
    panel_home: str  # empty: there is no panel here, or it could not be told
    panel_version: str
    booted_at: datetime | None
    as_root: bool


class AssistanceReport(Struct, frozen=True, kw_only=True):
    """Remote Assistance, which every ticket needs: its state, and whether support could get in over SSH.

    ``ends_at`` is None when it was not told, ``reason`` says why the state is unknown, or that it is on as it
    was told earlier. ``ready`` is false when something surely keeps support out (``obstacles``), null when
    that cannot be told (``doubts``).
    """

    state: Literal["on", "off", "unknown"]
    ends_at: datetime | None = None
    source: str = ""
    reason: str = ""
    ready: bool | None = None
    obstacles: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """``timings`` holds seconds per probe; all times are UTC.

    ``impact``, ``changes`` and ``environment`` are asked for only when there is something to report; ``note``
    is what a person has to say to it.
    """

    schema_version: int
    agent_version: str
    host: ReportHost
    collected_at: datetime
    verdict: Verdict
    incidents: tuple[Incident, ...]
    results: tuple[CheckResult, ...]
    timings: dict[str, float]
    remote_assistance: AssistanceReport = AssistanceReport(state="unknown")
    measures: Measures = Measures()
    impact: tuple[Impact, ...] = ()
    changes: Changes | None = None
    environment: Environment | None = None
    note: str = ""

    @property
    def exit_code(self) -> int:
        """Return the exit code of the run; the numbers are for ever.

        0 nothing wrong; 1 problems, none an emergency; 3 an emergency; 4 nothing found, but some checks could
        not tell. A note is nothing wrong; an emergency in progress or passing is a problem.
        """
        if self.verdict.emergency:
            return 3
        if any(worst(incident) >= Severity.WARNING for incident in self.incidents):
            return 1
        if any(result.status in (Status.UNKNOWN, Status.CRASHED) for result in self.results):
            return 4
        return 0


class KeptIncident(Struct, frozen=True, kw_only=True):
    """An incident as far as a verdict names it: without detail and evidence."""

    fingerprint: str
    code: str
    subject: str
    title: str
    scope: Scope
    state: IncidentState


class LastVerdict(Struct, frozen=True, kw_only=True):
    """A verdict with what is needed to explain it later."""

    schema_version: int
    agent_version: str
    host: str
    collected_at: datetime
    checks_count: int
    verdict: Verdict
    incidents: tuple[KeptIncident, ...]


_KEPT_COUNT = 50
_KEPT_CHARACTERS = 200


def verdict_to_keep(report: Report) -> LastVerdict:
    """Return the verdict of a report with the worst of its incidents, bounded."""
    return LastVerdict(
        schema_version=report.schema_version,
        agent_version=report.agent_version,
        host=(report.host.fqdn or report.host.name)[:_KEPT_CHARACTERS],
        collected_at=report.collected_at,
        checks_count=len(report.results),
        verdict=report.verdict,
        incidents=tuple(
            KeptIncident(
                fingerprint=incident.fingerprint,
                code=incident.lead.code,
                subject=incident.lead.subject[:_KEPT_CHARACTERS],
                title=incident.lead.title[:_KEPT_CHARACTERS],
                scope=incident.scope,
                state=incident.state,
            )
            for incident in report.incidents[:_KEPT_COUNT]
        ),
    )


def worst(incident: Incident) -> Severity:
    """Return the severity of an incident: that of its worst finding."""
    return max(finding.severity for finding in (incident.lead, *incident.others))


def counts_as_emergency(incident: Incident) -> bool:
    """Return whether an incident is an emergency now, neither passing nor explained by work in progress."""
    sure = incident.state in (IncidentState.CONFIRMED, IncidentState.UNCONFIRMED)
    return sure and worst(incident) >= Severity.EMERGENCY
