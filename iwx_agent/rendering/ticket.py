"""The ticket as the vendor's form asks for it: fields in the form's order, from the one report.

Source: support guide 7.1, "How to Submit a Support Ticket".
"""

from msgspec import Struct

from iwx_agent.model import (
    RESELLER,
    Evidence,
    Finding,
    Incident,
    Licence,
    Priority,
    ProviderMode,
    Report,
    counts_as_emergency,
)
from iwx_agent.rendering import words

# Source: support guide 7.1, "How to Submit a Support Ticket", step 1.
PORTAL = "https://support.interworx.com"
_SUBJECT_CHARACTERS = 120
_FINDINGS_COUNT = 12
_PROVIDER_LINES_COUNT = 40


class Ticket(Struct, frozen=True, kw_only=True):
    """The six fields of the form, in its order.

    ``heading`` is no field: it says whom the ticket is for when the licence is from a reseller. With
    ``blocked`` it is all there is to show.
    """

    category: str
    ip_address_or_hostname: str
    remote_assistance_enabled: str
    subject: str
    message: str
    priority: str
    heading: tuple[str, ...] = ()
    blocked: bool = False

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return (label on the form, value), in the form's order."""
        return (
            ("Category", self.category),
            ("IP Address or Hostname", self.ip_address_or_hostname),
            ("Remote Assistance Enabled?", self.remote_assistance_enabled),
            ("Subject", self.subject),
            ("Message", self.message),
            ("Priority", self.priority),
        )


def ticket_of(report: Report) -> Ticket:
    """Return the ticket of a report; also when nothing was found, with a message that says so."""
    name = words.one_line(report.host.fqdn or report.host.name, 100)
    return Ticket(
        category="Support",
        ip_address_or_hostname=_place(report, name),
        remote_assistance_enabled=words.assistance(report.remote_assistance),
        subject=_subject(report, name),
        message=_message(report),
        priority=str(report.verdict.priority or Priority.MEDIUM),
        heading=tuple(_heading(report)),
        blocked=_mode(report) is ProviderMode.BLOCK,
    )


def _mode(report: Report) -> ProviderMode | None:
    """Return what the provider wants; it counts for licences of a reseller only."""
    provider, licence = report.verdict.provider, report.verdict.licence
    return provider.mode if provider is not None and licence is Licence.RESELLER else None


def _heading(report: Report) -> list[str]:
    """Return whom the ticket is for when it is not the vendor alone: the licence is from a reseller."""
    verdict, provider = report.verdict, report.verdict.provider
    if verdict.licence is not Licence.RESELLER:
        return []
    if provider is None:
        return [f"Not for InterWorx support. Turn to {RESELLER}."]
    word = "Copy to" if provider.mode is ProviderMode.COPY else "To"
    text = [f"  {words.one_line(line, 400)}" for line in provider.text.splitlines() if line.strip()]
    return [f"{word}: {words.one_line(provider.shown, 400)}", *text[:_PROVIDER_LINES_COUNT]]


def _place(report: Report, name: str) -> str:
    """Return what to enter as IP address or host name; a private address alone leads nobody to the server."""
    if not report.host.addresses:
        return name
    best = report.host.addresses[0]
    ip = words.one_line(best.ip, 60)
    return f"{name} (private address {ip})" if best.private else f"{ip} ({name})"


def render(ticket: Ticket) -> str:
    """Return the ticket as text to paste, each field under its label."""
    blocks = ["\n".join(ticket.heading)] if ticket.heading else []
    for label, value in () if ticket.blocked else ticket.fields:
        blocks.append(f"{label}:\n{value}" if "\n" in value else f"{label}: {value}")
    return "\n\n".join(blocks) + "\n"


def _subject(report: Report, name: str) -> str:
    what = report.incidents[0].lead.title if report.incidents else "question about this server"
    return words.one_line(f"{what} on {name}", _SUBJECT_CHARACTERS)


def _message(report: Report) -> str:
    return "\n".join(
        [
            *_summary(report),
            "",
            *_incidents(report),
            *_not_determined(report),
            *_environment(report),
        ]
    ).rstrip()


def _summary(report: Report) -> list[str]:
    emergencies = [incident for incident in report.incidents if counts_as_emergency(incident)]
    lines = [f"SUMMARY (by iwx-agent {report.agent_version}, {words.at(report.collected_at)})"]
    for incident in (emergencies or list(report.incidents))[:3]:
        lines.append(f"- {words.one_line(incident.lead.title)} [{incident.lead.code}]")
        lines.append(f"  {words.since(incident, report.collected_at)}")
        if incident.others:
            lines.append(f"  this explains {words.counted(len(incident.others), 'further finding')} below")
    if not report.incidents:
        lines.append("- The agent found nothing wrong by itself; the description is the person's own:")
    reasons_count = 1 if report.verdict.override is None else 2  # the priority, and a person's own before it
    lines.extend(words.one_line(reason, 400) for reason in report.verdict.reasons[:reasons_count])
    return [*lines, *_scope_note(report)]


def _scope_note(report: Report) -> list[str]:
    """Return whose it is by the guide, what else the vendor can be asked for, and what is only inferred."""
    trace = report.verdict.trace
    return [words.one_line(step.said, 400) for step in trace if step.about in ("scope", "inferred")]


def _incidents(report: Report) -> list[str]:
    lines: list[str] = []
    left_count = _FINDINGS_COUNT
    for number, incident in enumerate(report.incidents, start=1):
        members = (incident.lead, *incident.others)
        if left_count <= 0:
            lines.append(
                f"... and {len(report.incidents) - number + 1} more incidents; the agent's report has them."
            )
            break
        lines.append(_incident_title(number, incident))
        lines.append(f"   {words.since(incident, report.collected_at)}")
        lines.append(f"   scope: {incident.scope} ({words.one_line(incident.scope_source)})")
        lines.extend(_finding(incident.lead, "   "))
        for finding in incident.others[: left_count - 1]:
            mark = f" ({words.INFERRED_WHY})" if finding.inferred else ""
            lines.append(f"   consequence: {words.one_line(finding.title)} [{finding.code}]{mark}")
            lines.extend(_evidence(finding.evidence[:2], "      "))
        left_count -= len(members)
        lines.append("")
    return lines


def _incident_title(number: int, incident: Incident) -> str:
    state = words.state_words(incident)
    known = f"{words.grade_word(incident)}, {state}" if state else words.grade_word(incident)
    known = f"{known}; {words.INFERRED_WHY}" if incident.lead.inferred else known
    return f"{number}. {words.one_line(incident.lead.title)} [{incident.lead.code}] ({known})"


def _finding(finding: Finding, indent: str) -> list[str]:
    return [f"{indent}{words.one_line(finding.detail, 600)}", *_evidence(finding.evidence[:6], indent)]


def _evidence(evidence: tuple[Evidence, ...], indent: str) -> list[str]:
    lines = []
    for quoted in evidence:
        lines.append(f"{indent}seen: {words.one_line(quoted.source, 200)}")
        lines.append(f"{indent}      > {words.one_line(quoted.text, 400)}")
    return lines


def _not_determined(report: Report) -> list[str]:
    blind = words.blind(report)
    if not blind:
        return []
    lines = ["COULD NOT BE DETERMINED"]
    lines.extend(f"- {check}: {words.one_line(reason, 200)}" for check, _, reason in blind[:8])
    if len(blind) > 8:
        lines.append(f"- and {len(blind) - 8} more")
    return [*lines, ""]


def _environment(report: Report) -> list[str]:
    return ["ENVIRONMENT", *(f"{label}: {value}" for label, value in words.environment(report))]
