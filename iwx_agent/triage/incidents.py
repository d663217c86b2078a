"""Findings to incidents: one cause, one incident, by ``data/causes.toml``; each with its scope."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from iwx_agent.model import (
    Boot,
    Cause,
    CheckResult,
    Finding,
    Incident,
    IncidentState,
    Missing,
    Processes,
    Scope,
    Severity,
    SupportPolicy,
    counts_as_emergency,
    worst,
)
from iwx_agent.model.package_state import is_package_tool

Identity = tuple[str, str]  # code and subject: what makes two findings the same one


def identity(finding: Finding) -> Identity:
    """Return what makes two findings the same one: never wording, never numbers."""
    return finding.code, finding.subject


def fingerprint(finding: Finding) -> str:
    """Return 16 hexadecimal digits that name a finding for ever, on whatever server."""
    return hashlib.sha256(f"{finding.code}\0{finding.subject}".encode()).hexdigest()[:16]


def work_in_progress(
    processes: Processes | Missing, boot: Boot | Missing, *, boot_grace_s: float, transaction_grace_s: float
) -> str:
    """Return why emergencies do not count right now, as a sentence, or an empty string.

    A package tool that is stopped or older than ``transaction_grace_s`` is a problem instead.
    """
    if isinstance(boot, Boot) and 0 <= boot.uptime_s < boot_grace_s:
        return (
            f"the server came up {boot.uptime_s:.0f} s ago (within the first {boot_grace_s:.0f} s after boot)"
        )
    if not (isinstance(processes, Processes) and isinstance(boot, Boot)):
        return ""
    for process in processes.entries:
        age_s = boot.read_at - process.started_at
        alive = process.state not in "TtZX"
        if alive and age_s < transaction_grace_s and is_package_tool(process.name, process.title):
            return f"a package transaction is running: {process.title or process.name}"
    return ""


def scoped(results: Iterable[CheckResult], policy: SupportPolicy) -> tuple[CheckResult, ...]:
    """Return the results with each finding's scope as the policy's lists decide it."""
    return tuple(
        replace(
            result,
            findings=tuple(replace(finding, scope=policy.scope_of(finding)) for finding in result.findings),
        )
        if result.findings
        else result
        for result in results
    )


def incidents_of(
    results: Iterable[CheckResult],
    causes: tuple[Cause, ...],
    states: Mapping[Identity, IncidentState],
    in_progress: str = "",
    *,
    policy: SupportPolicy,
) -> tuple[Incident, ...]:
    """Group findings under their causes, worst incident first.

    ``states`` tells for emergencies what the second look said; an emergency that is not in it is unconfirmed.
    """
    findings = _distinct(finding for result in results for finding in result.findings)
    root_of = _roots(findings, causes)
    groups: dict[Identity, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(root_of[identity(finding)], []).append(finding)
    by_identity = {identity(finding): finding for finding in findings}
    made = [
        _incident(by_identity[root], [m for m in members if identity(m) != root], states, in_progress, policy)
        for root, members in groups.items()
    ]
    made.sort(key=lambda i: (not counts_as_emergency(i), -worst(i), i.lead.code, i.lead.subject))
    return tuple(made)


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once; of two with the same identity the worse one, whatever their order."""
    kept: dict[Identity, Finding] = {}
    for finding in findings:
        known = kept.get(identity(finding))
        if known is None or (finding.severity, repr(finding)) > (known.severity, repr(known)):
            kept[identity(finding)] = finding
    return list(kept.values())


def _roots(findings: list[Finding], causes: tuple[Cause, ...]) -> dict[Identity, Identity]:
    """Return for each finding the one that leads its incident: the strongest cause reached by going up.

    Causes that explain each other in a circle count as one: the first of them in the map stands for all.
    """
    parents: dict[Identity, dict[Identity, int]] = {identity(finding): {} for finding in findings}
    for rank, cause in enumerate(causes):
        for lead in findings:
            for effect in findings if lead.code == cause.code else ():
                if cause.covers(lead, effect):
                    parents[identity(effect)].setdefault(identity(lead), rank)
    first_rank = {cause.code: rank for rank, cause in reversed(list(enumerate(causes)))}
    above = {start: _reachable(start, parents) for start in parents}

    def top(current: Identity) -> Identity:
        while True:
            circle = [other for other in above[current] if current in above[other]] or [current]
            outside = [
                (rank, parent)
                for member in circle
                for parent, rank in parents[member].items()
                if parent not in circle
            ]
            if not outside:
                return min(circle, key=lambda member: (first_rank.get(member[0], 0), member))
            current = min(outside)[1]

    return {start: top(start) for start in parents}


def _reachable(start: Identity, parents: Mapping[Identity, Mapping[Identity, int]]) -> set[Identity]:
    """Return every finding that explains this one, directly or through others; itself only in a circle."""
    found: set[Identity] = set()
    waiting = list(parents[start])
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(parents[current])
    return found


def _incident(
    lead: Finding,
    others: list[Finding],
    states: Mapping[Identity, IncidentState],
    in_progress: str,
    policy: SupportPolicy,
) -> Incident:
    others.sort(key=lambda finding: (-finding.severity, finding.code, finding.subject))
    since_at, since_source = _since(lead, others)
    return Incident(
        fingerprint=fingerprint(lead),
        lead=lead,
        others=tuple(others),
        state=_state((lead, *others), states, in_progress),
        since_at=since_at,
        since_source=since_source,
        scope=lead.scope,
        scope_source=_scope_source(lead, policy),
    )


def _scope_source(lead: Finding, policy: SupportPolicy) -> str:
    """Return the line of the guide that a cause falls under; without one its check has judged."""
    topic = policy.topic_of(lead)
    if topic is None:
        return "no line of the guide names it: judged by its check"
    side = "qualifies" if lead.scope is Scope.VENDOR else "does not qualify"
    return f"guide {policy.guide.version}, {side}: {topic.words}"


def _state(
    members: tuple[Finding, ...], states: Mapping[Identity, IncidentState], in_progress: str
) -> IncidentState:
    emergencies = [finding for finding in members if finding.severity >= Severity.EMERGENCY]
    seen = {states.get(identity(finding), IncidentState.UNCONFIRMED) for finding in emergencies}
    if not emergencies:
        return IncidentState.OPEN
    if seen == {IncidentState.PASSING}:
        return IncidentState.PASSING
    if in_progress:
        return IncidentState.IN_PROGRESS
    return IncidentState.CONFIRMED if IncidentState.CONFIRMED in seen else IncidentState.UNCONFIRMED


def _since(lead: Finding, others: list[Finding]) -> tuple[datetime | None, str]:
    """Return the lead's beginning, else the earliest that any consequence knows."""
    if lead.since_at is not None:
        return lead.since_at, lead.since_source
    known = [(finding.since_at, finding.since_source) for finding in others if finding.since_at is not None]
    return min(known) if known else (None, "")
