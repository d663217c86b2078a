"""The priority that incidents ask for, by the guide's five, with the rule and the incidents that decide."""

from msgspec import Struct

from iwx_agent.model import Finding, Incident, IncidentState, Priority, Severity, counts_as_emergency, worst


class Judged(Struct, frozen=True, kw_only=True):
    """A priority (None for nothing), what to say of it, by which rule, and which incidents decided."""

    priority: Priority | None
    words: str
    rule: str
    because: tuple[Incident, ...] = ()


def judge(incidents: tuple[Incident, ...], in_progress: str) -> Judged:
    """Return the priority of incidents, the worst first; ``in_progress`` says what work is under way."""
    emergencies = tuple(incident for incident in incidents if counts_as_emergency(incident))
    if emergencies:
        return _emergencies(emergencies)
    settled = tuple(incident for incident in incidents if incident.state is not IncidentState.IN_PROGRESS)
    if settled:
        return _settled(settled)
    if incidents:
        return Judged(
            priority=Priority.INFORMATION,
            words=f"not an emergency yet: {in_progress}. Look again when that is over.",
            rule="While work in progress explains an emergency it does not count.",
            because=incidents,
        )
    return Judged(priority=None, words="", rule="Nothing was found.")


def _emergencies(emergencies: tuple[Incident, ...]) -> Judged:
    sure = tuple(incident for incident in emergencies if incident.state is IncidentState.CONFIRMED)
    if sure:
        return Judged(
            priority=Priority.URGENT,
            words=f"{_named(sure[0])}, confirmed by a second look.",
            rule="An emergency of the guide that both looks have seen is Urgent.",
            because=sure,
        )
    return Judged(
        priority=Priority.HIGH,
        words=f"not Urgent, for {_named(emergencies[0])} was seen once, without a second look.",
        rule="An emergency of the guide that was seen once is High.",
        because=emergencies,
    )


def _suffers(incident: Incident) -> bool:
    """Whether a service suffers: one the cause reaches, or one that is seen to; a note is none."""
    return bool(incident.lead.touches) or any(other.severity >= Severity.WARNING for other in incident.others)


def _settled(settled: tuple[Incident, ...]) -> Judged:
    severity = max(severity_that_counts(incident) for incident in settled)
    these = tuple(incident for incident in settled if severity_that_counts(incident) == severity)
    if severity >= Severity.ERROR:
        serious = tuple(incident for incident in these if _suffers(incident))
        if serious:
            lead = serious[0].lead
            return Judged(
                priority=Priority.HIGH,
                words=f"a service suffers ({lead.title}, {lead.code}), but none of the guide's emergencies.",
                rule="An error that a service suffers from is High, though no emergency of the guide.",
                because=serious,
            )
        return Judged(
            priority=Priority.MEDIUM,
            words="something is broken, but no service as a whole suffers from it now.",
            rule="An error that no service as a whole suffers from is Medium.",
            because=these,
        )
    if severity >= Severity.WARNING:
        return Judged(
            priority=Priority.LOW,
            words="warnings only; nothing is down.",
            rule="Warnings are Low; so is an emergency that was over at the second look.",
            because=these,
        )
    return Judged(
        priority=Priority.INFORMATION, words="notes only.", rule="Notes are Information.", because=these
    )


def severity_that_counts(incident: Incident) -> Severity:
    """Return the severity that counts: an emergency that passed before the second look is a warning."""
    if incident.state is IncidentState.PASSING:
        return Severity.WARNING
    return worst(incident)


def _named(incident: Incident) -> str:
    first: Finding = next(f for f in (incident.lead, *incident.others) if f.severity >= Severity.EMERGENCY)
    return f"{first.title} ({first.code})"
