"""The main job: collect, judge, look again at emergencies, triage, and make the one result of the run."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent import __version__, triage
from iwx_agent.app.collecting import Collected, collect
from iwx_agent.app.judging import facts_of, judge
from iwx_agent.app.limits import with_limits
from iwx_agent.app.saved import measures_of
from iwx_agent.app.support import Known, circumstances
from iwx_agent.checks import ALL
from iwx_agent.config import Settings
from iwx_agent.host import ClockAnswer, Host
from iwx_agent.model import (
    SCHEMA_VERSION,
    Address,
    AssistanceReport,
    Check,
    CheckResult,
    FactValue,
    Finding,
    HostIdentity,
    IncidentState,
    Missing,
    Override,
    PanelPresence,
    Report,
    ReportHost,
    Severity,
    Status,
    moment,
    worst,
)
from iwx_agent.model.assistance import assistance_report, way_in
from iwx_agent.probes import PROBES, Context, Probe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALWAYS = (
    "boot",
    "identity",
    "panel",
    "processes",
    "server_zone",
    "remote_assistance",
)  # facts that the report and triage need whatever is judged

_WAY_IN = ("ssh_port", "login_rules", "listening_sockets", "file_systems")


class Request(Struct, frozen=True, kw_only=True):
    """What to look at, for how long at most, how deep, and whether emergencies are looked at twice."""

    checks: tuple[Check, ...] = ALL
    budget_s: float = 30.0
    confirm: bool = True
    override: Override | None = None  # a person's own priority
    deep: bool = False  # ask servers on the network too
    background: bool = False  # tell what was done of late and what the server is, also if nothing is found
    note: str = ""  # what a person has to say to it


def diagnose(
    host: Host,
    known: Known,
    request: Request,
    *,
    in_progress: Callable[[], tuple[str, ...]] = tuple,
    abandoned: Callable[[], tuple[str, ...]] = tuple,
    on_progress: Callable[[str, int, int], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Report:
    """Return the one result of a run; whatever breaks on the way is in it.

    Raises:
        ConfigError: for a limit in the settings that no check has.
    """
    started_s = time.monotonic()
    request = replace(request, checks=with_limits(request.checks, known.settings.limits))
    clock = host.clock()
    probes = _probes_for(request.checks)
    done = 0

    def count(fact: str) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(fact, done, len(probes))

    context = Context(host, known.layout, known.signatures, deep=request.deep)
    first = collect(
        context,
        probes,
        budget_s=request.budget_s,
        on_done=count,
        in_progress=in_progress,
        meanwhile=meanwhile,
    )
    results = [judge(check, first.facts) for check in request.checks]
    states: dict[triage.Identity, IncidentState] = {}
    if request.confirm and any(_emergencies(result) for result in results):
        left_s = request.budget_s - (time.monotonic() - started_s)
        if on_progress is not None:
            on_progress("a second look at what seems to be an emergency", done, len(probes))
        results, states = _look_again(host, known, request, results, first.facts, left_s, in_progress)
    report = _report(clock, first, known, request, triage.scoped(results, known.policy), states)
    if request.background or report.incidents:
        from iwx_agent.app.background import with_background  # a healthy run must not pay for it

        left_s = request.budget_s - (time.monotonic() - started_s)
        report = with_background(report, context, first.facts, clock.now_at, left_s, in_progress)
    return _with_left_behind(_with_assistance(report), abandoned())


def _with_left_behind(report: Report, left_behind: tuple[str, ...]) -> Report:
    """Name in the verdict what the agent had to leave on the machine because no signal ends it."""
    if not left_behind:
        return report
    said = f"Could not be ended and was left behind, stuck in the kernel: {', '.join(left_behind[:5])}."
    verdict = replace(report.verdict, reasons=(*report.verdict.reasons, said))
    return replace(report, verdict=verdict)


def _with_assistance(report: Report) -> Report:
    """Say in the verdict what a ticket lacks: support takes none without Remote Assistance."""
    said = {
        "off": "Remote Assistance is off, and support requires it: iwx-agent remote-assistance enable.",
        "unknown": "Whether Remote Assistance is on could not be told: confirm it before a ticket goes out.",
    }.get(report.remote_assistance.state)
    wrong = any(worst(incident) >= Severity.WARNING for incident in report.incidents)
    if said is None or not wrong or not report.host.panel_home:
        return report
    verdict = replace(report.verdict, reasons=(*report.verdict.reasons, said))
    return replace(report, verdict=verdict)


def _probes_for(checks: Iterable[Check]) -> tuple[Probe, ...]:
    """Return the probes that the checks need, those of emergencies first, each once."""
    ordered = sorted(checks, key=lambda check: not check.emergency)
    wanted = dict.fromkeys([*(fact for check in ordered for fact in facts_of(check)), *_ALWAYS])
    by_fact = {probe.fact: probe for probe in PROBES}
    return tuple(by_fact[fact] for fact in wanted)


def _emergencies(result: CheckResult) -> tuple[Finding, ...]:
    return tuple(finding for finding in result.findings if finding.severity >= Severity.EMERGENCY)


def _look_again(
    host: Host,
    known: Known,
    request: Request,
    results: list[CheckResult],
    facts: dict[str, FactValue],
    left_s: float,
    in_progress: Callable[[], tuple[str, ...]],
) -> tuple[list[CheckResult], dict[triage.Identity, IncidentState]]:
    """Ask again, some seconds later, only what the checks with emergencies need; return results and states.

    What a second look sees is what counts. An emergency that is gone stays in the report as passing; when
    there is no time left or the second look could not tell, it stays unconfirmed. ``facts`` are those of the
    first look: what is asked for once in a run comes from there.
    """
    states: dict[triage.Identity, IncidentState] = {}
    checks = request.checks
    wait_s = min(known.settings.confirm_after_s, max(left_s - 2.0, 0.0))
    if wait_s < min(1.0, known.settings.confirm_after_s):
        return results, states
    suspects = tuple(check for check, result in zip(checks, results, strict=True) if _emergencies(result))
    host.pause(wait_s)
    anew = {fact for check in suspects for fact in facts_of(check) if fact not in check.once}
    once = {fact for check in suspects for fact in check.once} - anew
    second = collect(
        Context(host, known.layout, known.signatures, deep=request.deep),
        tuple(probe for probe in _probes_for(suspects) if probe.fact not in once),
        budget_s=max(left_s - wait_s, 1.0),
        in_progress=in_progress,
    )
    merged: list[CheckResult] = []
    for check, before in zip(checks, results, strict=True):
        if check not in suspects:
            merged.append(before)
            continue
        after = judge(check, facts | second.facts)
        merged.append(_merge(before, after, states))
    return merged, states


def _merge(
    before: CheckResult, after: CheckResult, states: dict[triage.Identity, IncidentState]
) -> CheckResult:
    if after.status in (Status.UNKNOWN, Status.CRASHED, Status.NOT_APPLICABLE):
        return before  # the second look could not tell: seen once, unconfirmed
    down_subjects = {finding.subject for finding in _emergencies(after)}
    down_before = {finding.subject for finding in _emergencies(before)}
    for finding in _emergencies(after):
        if finding.subject in down_before:  # one that only the second look saw was seen once
            states[triage.identity(finding)] = IncidentState.CONFIRMED
    kept = list(after.findings)
    seen = {triage.identity(finding) for finding in after.findings}
    for finding in _emergencies(before):
        if triage.identity(finding) in seen or finding.subject in down_subjects:
            continue  # still there, or the same outage in another shape: silent first, refused now
        kept.append(finding)
        states[triage.identity(finding)] = IncidentState.PASSING
    return CheckResult(
        check_id=before.check_id,
        status=Status.PROBLEM if kept else after.status,
        reason=after.reason,
        duration_s=round(before.duration_s + after.duration_s, 6),
        findings=tuple(kept),
    )


def _report(
    clock: ClockAnswer,
    collected: Collected,
    known: Known,
    request: Request,
    results: tuple[CheckResult, ...],
    states: dict[triage.Identity, IncidentState],
) -> Report:
    facts = collected.facts
    busy = triage.work_in_progress(
        facts["processes"],
        facts["boot"],
        boot_grace_s=known.settings.boot_grace_s,
        transaction_grace_s=known.settings.transaction_grace_s,
    )
    incidents = triage.incidents_of(results, known.causes, states, busy, policy=known.policy)
    given = circumstances(known, facts, clock.now_at, results, request.override, busy)
    return Report(
        schema_version=SCHEMA_VERSION,
        agent_version=__version__,
        host=_report_host(clock, facts, known.settings),
        collected_at=moment(clock.now_at) or _EPOCH,
        verdict=triage.verdict_of(incidents, results, given),
        incidents=incidents,
        results=results,
        timings=dict(sorted(collected.timings_s.items())),
        remote_assistance=assistance_of(facts),
        measures=measures_of(facts),
        note=request.note,
    )


def assistance_of(facts: dict[str, FactValue]) -> AssistanceReport:
    """Return what the facts say of Remote Assistance; what was not asked for could not be told."""
    unasked = Missing(reason="it was not looked at")
    way = way_in(*(facts.get(name, unasked) for name in _WAY_IN))
    return assistance_report(facts["remote_assistance"], way)


def _report_host(clock: ClockAnswer, facts: dict[str, FactValue], settings: Settings) -> ReportHost:
    """Return how the server is named; what the configuration says comes first, then what was found."""
    found = facts["identity"]
    panel = facts["panel"]
    fqdn, fqdn_source, resolves = clock.host_name, "kernel host name", None
    addresses: tuple[Address, ...] = ()
    if isinstance(found, HostIdentity):
        fqdn, fqdn_source, resolves, addresses = (
            found.fqdn,
            found.fqdn_source,
            found.fqdn_resolves,
            found.addresses,
        )
    if settings.identity.host_name:
        fqdn, fqdn_source, resolves = settings.identity.host_name, "configuration", None
    if settings.identity.ip_address:
        chosen = settings.identity.ip_address
        kept = tuple(address for address in addresses if address.ip != chosen)
        addresses = (Address(ip=chosen, source="configuration", private=False), *kept)
    return ReportHost(
        name=clock.host_name,
        fqdn=fqdn,
        fqdn_source=fqdn_source,
        fqdn_resolves=resolves,
        addresses=addresses,
        address_note=_address_note(addresses, settings),
        panel_home=panel.home if isinstance(panel, PanelPresence) else "",
        panel_version=panel.version if isinstance(panel, PanelPresence) else "",
        booted_at=moment(clock.booted_at),
        as_root=clock.effective_uid == 0,
    )


def _address_note(addresses: tuple[Address, ...], settings: Settings) -> str:
    if settings.identity.ip_address:
        return ""
    if not addresses:
        return "the public IP address could not be determined"
    if all(address.private for address in addresses):
        return "only private addresses were found: the server is behind NAT; set identity.ip_address"
    if sum(not address.private for address in addresses) > 1:
        return "several public addresses were found; the first is the panel's or the default route's"
    return ""
