"""Incidents to a verdict: priority, scope, whom to turn to, when to expect an answer, and why, line by line.

Each step puts one line into the trace, with its rule and the incidents it rests on; the reasons are the same
in short. Where two incidents ask for different things, docs/explanation/verdict.md says which one counts.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model import (
    RESELLER,
    CheckResult,
    Expected,
    Finding,
    Incident,
    IncidentState,
    Licence,
    Override,
    Provider,
    Scope,
    Severity,
    Status,
    Step,
    SupportPolicy,
    Verdict,
    counts_as_emergency,
    worst,
)
from iwx_agent.triage.expectation import Clock, Zones, expected_answer
from iwx_agent.triage.priority import Judged, judge

_NOT_VENDORS = (Scope.PROVIDER, Scope.CUSTOMER)
_WHOSE = {
    Scope.PROVIDER: "the server's provider or administrator",
    Scope.CUSTOMER: "the site's owner",
}
_NAMED_COUNT = 3  # incidents named in one sentence
_STEPS_COUNT = 20  # incidents that get a step of their own


class Circumstances(Struct, frozen=True, kw_only=True):
    """What a verdict rests on besides the incidents; without ``zones`` no answer's time is reckoned."""

    policy: SupportPolicy
    clock: Clock
    zones: Zones | None = None
    licence: Licence = Licence.NOT_SET
    provider: Provider | None = None
    override: Override | None = None
    in_progress: str = ""


def verdict_of(
    incidents: tuple[Incident, ...], results: Iterable[CheckResult], given: Circumstances
) -> Verdict:
    """Return what the incidents mean for support, with its reasons, the strongest first."""
    making = _Making(incidents, tuple(results), given)
    making.priority()
    making.scope()
    making.licence()
    making.answer()
    making.doubts()
    making.filing()
    return making.verdict


class _Making:
    """A verdict while it is made: each step adds its line."""

    def __init__(
        self, incidents: tuple[Incident, ...], results: tuple[CheckResult, ...], given: Circumstances
    ) -> None:
        self._incidents = incidents
        self._results = results
        self._given = given
        own = judge(tuple(i for i in incidents if i.scope not in _NOT_VENDORS), given.in_progress)
        everything = judge(incidents, given.in_progress)
        # An emergency in scope stays in scope beside whatever else is worse; else the worst decides.
        vendors = own.priority is not None and (
            own.priority is everything.priority or any(map(counts_as_emergency, own.because))
        )
        self._judged = own if vendors else everything
        self.verdict = Verdict(
            priority=self._judged.priority,
            emergency=any(map(counts_as_emergency, incidents)),
            reasons=(),
            licence=given.licence,
            provider=given.provider,
        )

    def _say(
        self, about: str, said: str, rule: str, because: tuple[Incident, ...] = (), *, reason: str = ""
    ) -> None:
        """Add a line to the trace, and to the reasons what a person needs of it."""
        step = Step(about=about, said=said, rule=rule, because=tuple(i.fingerprint for i in because))
        reasons = (*self.verdict.reasons, reason) if reason else self.verdict.reasons
        self.verdict = replace(self.verdict, trace=(*self.verdict.trace, step), reasons=reasons)

    def priority(self) -> None:
        """Say of each incident how it counts, then the priority, then a person's own."""
        for incident in self._incidents[:_STEPS_COUNT]:
            self._say("incident", *_counted(incident, self._given), (incident,))
        left_count = len(self._incidents) - _STEPS_COUNT
        if left_count > 0:
            self._say("incident", f"and {left_count} more", "The report has them all.")
        judged, override = self._judged, self._given.override
        sentence = f"{judged.priority}: {judged.words}" if judged.priority else ""
        if override is not None:
            own = replace(override, suggested=judged.priority)
            self.verdict = replace(self.verdict, priority=own.priority, override=own)
            said = f"{own.priority}, set by a person: {own.reason}"
            self._say(
                "override", said, "A person may set another priority, with a reason.", reason=f"{said}."
            )
            sentence = f"The agent suggests {sentence}" if sentence else "The agent found nothing by itself."
        said = str(judged.priority or "none")
        self._say("priority", said, self._with_words(judged), judged.because, reason=sentence)
        self._not_counted()

    def _with_words(self, judged: Judged) -> str:
        words = self._given.policy.words_of(judged.priority) if judged.priority else ""
        return f'{judged.rule} The guide: "{words}".' if words else judged.rule

    def _not_counted(self) -> None:
        """Name the emergencies that did not decide: seen once, or explained by work in progress."""
        told = (
            (IncidentState.UNCONFIRMED, "Seen once only, without a second look", ""),
            (IncidentState.IN_PROGRESS, "Not an emergency yet", f" {self._given.in_progress}."),
        )
        for state, words, why in told:
            these = tuple(i for i in self._incidents if i.state is state and i not in self._judged.because)
            if these:
                self._say(
                    str(state),
                    f"{words}: {_names(these)}",
                    _STATE_RULES[state],
                    these,
                    reason=f"{words}: {_names(these)}.{why}",
                )

    def scope(self) -> None:
        """Say whose the cause is, by the guide's two lists, and what is left for the vendor."""
        because = self._judged.because
        if not because:
            return
        ours = tuple(i for i in because if i.scope not in _NOT_VENDORS)
        lead = next((i for i in because if i.scope is Scope.VENDOR), ours[0] if ours else because[0])
        self.verdict = replace(self.verdict, scope=lead.scope, scope_source=lead.scope_source)
        others = tuple(i for i in self._incidents if i.scope in _NOT_VENDORS and i is not lead)
        if lead.scope is Scope.VENDOR:
            self.verdict = replace(self.verdict, in_scope=True)
            said = f"In scope of the vendor's support ({lead.scope_source})."
            self._say("scope", said, "A line of the guide's list of what qualifies.", (lead,), reason=said)
        elif lead.scope is Scope.UNKNOWN:
            said = f"Whether it is in scope cannot be told ({_name(lead)}): a person decides."
            rule = "It may be the vendor's or not: no line of the guide decides it."
            self._say("scope", said, rule, (lead,), reason=said)
        else:
            self._out_of_scope(lead)
        for incident in [i for i in others if worst(i) >= Severity.ERROR][:_NAMED_COUNT] if ours else ():
            said = f"Not the vendor's: {_name(incident)}. Turn to {self._whom(incident.scope)}."
            self._say("scope", said, f"{incident.scope_source}.", (incident,), reason=said)

    def _out_of_scope(self, lead: Incident) -> None:
        whom = self._whom(lead.scope)
        self.verdict = replace(self.verdict, in_scope=False, turn_to=whom)
        said = f"Out of scope ({lead.scope_source}): {_name(lead)}. Turn to {whom} first."
        rule = "A cause is dealt with by whom it belongs to; its consequences go with it."
        self._say("scope", said, rule, (lead,), reason=said)
        left = [f for incident in self._judged.because for f in incident.others if f.scope is Scope.VENDOR]
        beside = tuple(i for i in self._incidents if i.scope is Scope.VENDOR)
        if left:
            said = f"What is left after that the vendor can be asked for: {_names(left)}."
            self._say("scope", said, "What stays without its cause stands alone.", (lead,), reason=said)
        if beside:
            said = f"The vendor can be asked for: {_names(beside)}."
            self._say("scope", said, "It has another cause, which is in scope.", beside, reason=said)

    def _whom(self, scope: Scope) -> str:
        provider = self._given.provider
        return provider.shown if provider is not None and scope is Scope.PROVIDER else _WHOSE[scope]

    def licence(self) -> None:
        """Say what the licence means; nothing where the vendor is not asked anyway."""
        if self.verdict.priority is None or self.verdict.in_scope is False:
            return
        licence, provider = self._given.licence, self._given.provider
        rule = (
            "Direct support is for licences bought from the vendor; a person has to say where it was bought."
        )
        if licence is Licence.RESELLER:
            whom = provider.shown if provider is not None else RESELLER
            self.verdict = replace(self.verdict, in_scope=False, turn_to=whom)
            said = f"The licence is from a reseller: turn to {whom}, not to the vendor."
            self._say("licence", "reseller", rule, reason=said)
        elif licence is Licence.NOT_SET:
            said = "Direct or reseller licence? A person must say: set licence in /etc/iwx-agent/config.toml."
            self._say("licence", "not set", rule, reason=said)
        else:
            self._say("licence", "direct", rule)

    def answer(self) -> None:
        """Say when to expect the vendor's answer, where it is asked at all; a wrong clock is said anyway."""
        priority, zones, given = self.verdict.priority, self._given.zones, self._given
        note = given.clock.note if given.clock.wrong else ""
        if priority is not None and self.verdict.in_scope is not False:
            if zones is None:
                zone = given.policy.time_zone
                said = f"When to expect an answer cannot be told: the time zone {zone} is missing here."
                self._say("answer", said, "The guide's hours are by the vendor's clock.", reason=said)
            else:
                emergency = any(map(counts_as_emergency, self._judged.because))
                found = expected_answer(given.policy, zones, given.clock, priority, emergency=emergency)
                self.verdict = replace(self.verdict, expected=found)
                self._say("answer", found.text, _answer_rule(given.policy, found), reason=found.text)
                note = found.clock_note
        if note:
            rule = "A wrong clock is said, not used; a server whose zone is not known is taken to be in UTC."
            self._say("clock", note, rule, reason=note)

    def doubts(self) -> None:
        """Say what rests on inferred knowledge, and what could not be told."""
        inferred = [f for i in self._incidents for f in (i.lead, *i.others) if f.inferred]
        if inferred:
            said = f"Only inferred, not proven: {_names(inferred)}."
            these = tuple(i for i in self._incidents if any(f.inferred for f in (i.lead, *i.others)))
            rule = "What is only inferred of the panel counts one step less and is marked."
            self._say("inferred", said, rule, these, reason=said)
        blind = [r.check_id for r in self._results if r.status in (Status.UNKNOWN, Status.CRASHED)]
        if blind:
            said = (
                f"{len(blind)} {'check' if len(blind) == 1 else 'checks'} could not tell: {', '.join(blind)}."
            )
            self._say("unknown", said, "A check that could not tell is never counted as well.", reason=said)

    def filing(self) -> None:
        """Say whether anything forbids a ticket without a person."""
        why_not = self._why_not()
        said = why_not or "in scope, with a direct licence"
        self.verdict = replace(self.verdict, fileable=not why_not, filing=said)
        rule = "Only what is certainly the vendor's, for a direct licence, may be filed without a person."
        self._say("filing", f"{'not ' if why_not else ''}by itself: {said}", rule)

    def _why_not(self) -> str:
        verdict, because = self.verdict, self._judged.because
        if not because:
            return "nothing was found"
        if verdict.in_scope is False:
            return f"turn to {verdict.turn_to}"
        if verdict.in_scope is None:
            return "whether it is in scope cannot be told"
        if verdict.licence is Licence.NOT_SET:
            return "where the licence was bought is not set"
        if all(incident.state is IncidentState.IN_PROGRESS for incident in because):
            return "work in progress explains it for now"
        if all(incident.state is IncidentState.PASSING for incident in because):
            return "it was over at the second look"
        return ""


_STATE_RULES = {
    IncidentState.OPEN: "Without an emergency one look is enough.",
    IncidentState.CONFIRMED: "An emergency that both looks have seen is confirmed.",
    IncidentState.UNCONFIRMED: (
        "An emergency that was seen once is unconfirmed: there was no second look, or it could not tell."
    ),
    IncidentState.PASSING: "An emergency that the second look did not see any more counts as a warning.",
    IncidentState.IN_PROGRESS: (
        "A package transaction or the first minutes after boot explain an emergency for now."
    ),
}
_SEVERITY_WORDS = {
    Severity.NOTE: "a note",
    Severity.WARNING: "a warning",
    Severity.ERROR: "an error",
    Severity.EMERGENCY: "an emergency",
}


def _counted(incident: Incident, given: Circumstances) -> tuple[str, str]:
    """Return how an incident counts and whose it is, and the rules that say so."""
    said = f"{_SEVERITY_WORDS[worst(incident)]}, {incident.state.replace('_', ' ')}; scope: {incident.scope}"
    said = f"{said}; inferred" if incident.lead.inferred else said
    rule = f"{_STATE_RULES[incident.state]} Scope: {incident.scope_source}."
    if worst(incident) >= Severity.EMERGENCY:
        words = given.policy.emergency_of(_emergency_in(incident))
        rule = f'The guide: "{words}". {rule}' if words else rule
    if incident.state is IncidentState.IN_PROGRESS:
        rule = f"{rule} Now: {given.in_progress}."
    return said, rule


def _emergency_in(incident: Incident) -> Finding:
    """Return the first finding of an incident that is as bad as the whole."""
    return next(f for f in (incident.lead, *incident.others) if f.severity == worst(incident))


def _answer_rule(policy: SupportPolicy, found: Expected) -> str:
    source = f"Guide {policy.guide.version} of {policy.guide.as_of}, {policy.time_zone}"
    if found.support_open is None:
        return f"{source}. Without a right clock nothing is reckoned."
    if found.support_open:
        return f"{source}: opening hours."
    phone = ", ".join(policy.after_hours.priorities)
    return (
        f"{source}: outside the hours {phone} ring a phone; emergencies alone are taken, "
        "and those of the night perhaps not before the morning."
    )


def _name(incident: Incident | Finding) -> str:
    finding = incident.lead if isinstance(incident, Incident) else incident
    return f"{finding.title} ({finding.code})"


def _names(several: Iterable[Incident | Finding]) -> str:
    names = list(dict.fromkeys(_name(one) for one in several))
    left_count = len(names) - _NAMED_COUNT
    return ", ".join(names[:_NAMED_COUNT]) + (f" and {left_count} more" if left_count > 0 else "")
