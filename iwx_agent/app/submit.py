"""``submit``: a person sends the ticket of a run; one ticket for one incident, whoever files it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.app.auto import SEND_S, Say, author_of, post_of, situation_of
from iwx_agent.app.clock import now_of
from iwx_agent.app.diagnose import Request
from iwx_agent.app.filing import Author, Known, Writing, free_number, known_of, name_of, taken_back
from iwx_agent.app.outbox import line_of
from iwx_agent.app.posted import Posted
from iwx_agent.app.sources import OnProgress, Run, run_here
from iwx_agent.app.steering import take_turn
from iwx_agent.app.way_in import confirmed, remembered
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.model import RESELLER, IncidentState, Licence, Report
from iwx_agent.model.episode import Action, Decision
from iwx_agent.model.steering import Sent
from iwx_agent.outbox.machine import State
from iwx_agent.outbox.sending import Kept
from iwx_agent.outbox.shelf import StoreShelf
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.contract import Change, Event, Store
from iwx_agent.state.door import Door, StateError
from iwx_agent.state.store import DiskStore
from iwx_agent.transports.contract import Attachment, Letter
from iwx_agent.triage.decision import decide, is_forgotten, own_emergencies

_ROUNDS_COUNT = 3
_DAY = timedelta(days=1)
_UNBOUNDED = 1_000_000
# What a person sends is not counted, paused or put off; what is said twice is still not said.
_PERSON = AutoSettings(
    enabled=True,
    drafts_count=0,
    tickets_per_day_count=_UNBOUNDED,
    pause_s=0,
    updates_count=_UNBOUNDED,
    update_pause_s=0,
    returns_count=_UNBOUNDED,
    storm_count=_UNBOUNDED,
)


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a ticket is not sent, and what to do instead."""

    why: str
    instead: str


def refusals(report: Report, *, assistance_confirmed: bool) -> Iterator[Refusal]:
    """Yield all that forbids a ticket to the vendor, the weightiest first.

    Source: support guide 7.1: direct licences only, the topics that support takes, Remote Assistance is on.
    """
    verdict = report.verdict
    if verdict.licence is Licence.RESELLER:
        whom = verdict.provider.shown if verdict.provider is not None else RESELLER
        yield Refusal(why="the licence is not from InterWorx directly", instead=f"Turn to {whom}.")
    if verdict.in_scope is False and verdict.licence is not Licence.RESELLER:
        whom = f"Turn to {verdict.turn_to}." if verdict.turn_to else "See: iwx-agent why"
        yield Refusal(why=verdict.filing or "support does not take this", instead=whom)
    if not report.incidents and not report.note.strip():
        yield Refusal(
            why="nothing was found, and nobody says what the ticket is about",
            instead='Say it: iwx-agent submit --note "..."',
        )
    if report.remote_assistance.state != "on" and not assistance_confirmed:
        off = report.remote_assistance.state == "off"
        how = "is off" if off else "could not be told to be on"
        yield Refusal(
            why=f"Remote Assistance {how}, and support requires it",
            instead=(
                "Turn it on: iwx-agent remote-assistance enable"
                if off
                else "Look at it in NodeWorx; if it is on: --remote-assistance-confirmed"
            ),
        )


class Plan(Struct, frozen=True, kw_only=True):
    """What there is to send: a new ticket, an update to ``known``'s, or nothing, and why in a sentence.

    ``filed`` is the text that is there already.
    """

    what: Action
    said: str
    number: int = 1
    decision: Decision | None = None
    known: Known
    filed: Kept | None = None


def plan_of(report: Report, store: Store, now: datetime, *, anyway: bool = False) -> Plan:
    """Return what there is to send of a report, by what has been sent before.

    Raises:
        StateError: that cannot be read.
    """
    report = _vouched_for(report)
    known = known_of(store, now)
    if anyway:
        known = replace(known, lost_at=None)  # a further one is wanted, whatever was filed before
    episode = known.open_episode
    emergencies = own_emergencies(report)
    anew = anyway or (episode is not None and (episode.given_up or is_forgotten(episode, emergencies, now)))
    new = anew or episode is None or not emergencies
    number = free_number(store, report) if new else 1
    if emergencies:
        decision = _decision(report, known, now, number, anew=anew)
        if decision.action not in (Action.FILE, Action.UPDATE) and report.note.strip():
            decision = _noted(decision, now)
        if decision.action in (Action.FILE, Action.UPDATE):
            what, said = decision.action, decision.said
            return Plan(what=what, said=said, number=number, decision=decision, known=known)
        return Plan(what=Action.NOTHING, said=decision.said, known=known, filed=known.first)
    filed = StoreShelf(store).one(key_of(report, number=number - 1)) if number > 1 and not anyway else None
    if filed is not None and filed.entry.state is not State.DROPPED and now - filed.entry.created_at < _DAY:
        said = f"{filed.entry.key}, filed within a day, is about the same"
        return Plan(what=Action.NOTHING, said=said, known=known, filed=filed)
    return Plan(
        what=Action.FILE, said="no confirmed emergency: a person sends it", number=number, known=known
    )


def _vouched_for(report: Report) -> Report:
    """Return the report as a person has seen it: what was looked at once only is no less there for that.

    Else ``auto`` would not know of its ticket, and file another.
    """
    seen = IncidentState.CONFIRMED
    incidents = tuple(
        replace(one, state=seen) if one.state is IncidentState.UNCONFIRMED else one
        for one in report.incidents
    )
    return replace(report, incidents=incidents)


def _decision(report: Report, known: Known, now: datetime, number: int, *, anew: bool) -> Decision:
    """Return what ``auto`` would decide without its bounds; whether it may be sent was judged before."""
    fileable = replace(
        report,
        verdict=replace(report.verdict, fileable=True),
        remote_assistance=replace(report.remote_assistance, state="on"),
    )
    past = replace(known.past, ignored=(), filed_at=(), said_at=())
    freed = replace(known, past=replace(past, episode=None) if anew else past)
    situation = situation_of(fileable, freed, _PERSON, now, stopped="", new_key=key_of(report, number=number))
    return decide(replace(situation, clock_wrong=""))


def _noted(decision: Decision, now: datetime) -> Decision:
    """Return the decision to send a person's note to the open ticket, which tells all else already."""
    episode = decision.episode
    if episode is None or episode.over_at is not None or not episode.delivered:
        return decision
    told = replace(
        episode, told_at=now, updates_count=episode.updates_count + 1, texts_count=episode.texts_count + 1
    )
    said = f"a person has something to add; {decision.said}"
    return Decision(action=Action.UPDATE, row="note", said=said, episode=told)


def changes_of(plan: Plan, writing: Writing, now: datetime) -> list[Change]:
    """Return what is kept of a plan that sends something."""
    if plan.decision is None:
        return writing.by_hand(plan.number)
    kept = writing.kept(plan.decision, plan.known, plan.number)
    if plan.what is Action.FILE and plan.known.first is not None:
        kept += taken_back(plan.known.first, now, "a person has sent a ticket instead")
    return kept


def submit(
    report: Report,
    store: Store,
    author: Author,
    now: datetime,
    *,
    anyway: bool = False,
    attach: Callable[[], tuple[Attachment, ...]] = tuple,
) -> Plan:
    """Put the ticket into the outbox, unless there is one about the same; return what was done.

    Raises:
        StateError: it could not be read or kept.
    """
    for _ in range(_ROUNDS_COUNT):
        plan = plan_of(report, store, now, anyway=anyway)
        if plan.what is Action.NOTHING:
            return plan
        if store.commit(*changes_of(plan, Writing(report, author, now, attach), now)):
            return plan
    raise StateError("other processes have changed it each time", "conflict")


def letter_of(plan: Plan, report: Report, author: Author, now: datetime) -> Letter | None:
    """Return the letter as it would be sent, without attachments; None when there is none to send."""
    writing = Writing(report, author, now)
    if plan.what is Action.FILE:
        return writing.new(plan.number)
    if plan.what is Action.UPDATE and plan.decision is not None:
        return writing.further(plan.decision, plan.known)
    return None


class Submission:
    """A run on this machine of which a person sends the ticket: first it is shown, then it is sent."""

    def __init__(self, run: Run, sending: Sending, *, anyway: bool = False) -> None:
        self._run = run
        self._sending = sending
        self._anyway = anyway
        self.author = author_of(sending, run)
        self.now = now_of(run.host)
        self.report = run.report = remembered(run.report, _last_assistance(run), self.now)

    def assistance_confirmed(self) -> None:
        """Take Remote Assistance for on, where the agent could not tell: a person has seen it."""
        self.report = self._run.report = confirmed(self.report)

    def look(self) -> Plan:
        """Return what there would be to send now; nothing is made, and ``send`` looks again.

        Raises:
            StateError: what was sent before cannot be read.
        """
        store = DiskStore(Door(workers=self._run.host.workers))
        return plan_of(self.report, store, self.now, anyway=self._anyway)

    def outgoing(self, plan: Plan) -> tuple[str, bytes]:
        """Return by which transport it goes first, and the bytes.

        Raises:
            Undelivered: that transport cannot send it.
        """
        letter = letter_of(plan, self.report, self.author, self.now)
        post = post_of(self._run, self._sending)
        way = self.author.ways[0]
        if plan.what is Action.UPDATE and plan.known.first is not None:
            way = plan.known.first.entry.transport
        return way, b"" if letter is None else post.outgoing(way, letter)

    def send(self, say: Say, *, with_bundle: bool) -> Sent:
        """Put it into the outbox and send it; return what came of it.

        Raises:
            StateError: it could not be kept, or another process sends for too long.
            CanaryError: one of the server's secrets would have been in it.
        """
        from iwx_agent.app.attaching import bundle_attached
        from iwx_agent.state.fallback import CarefulStore
        from iwx_agent.state.lock import SendingLock

        run = self._run
        with SendingLock() as lock:
            take_turn(lock, run.host.aside(SEND_S), say)
            store = CarefulStore(workers=run.host.workers)
            if not store.sure and not self._anyway:
                raise StateError(f"whether it was filed already is not known: {store.said[-1]}", "failed")
            plan = submit(
                self.report,
                store,
                self.author,
                self.now,
                anyway=self._anyway,
                attach=lambda: bundle_attached(run, say) if with_bundle else (),
            )
            posted = None if plan.what is Action.NOTHING else post_of(run, self._sending).send(store)
            for said in (*store.said, *(posted.said if posted is not None else ())):
                say(said)
        return self.sent(plan, posted)

    def sent(self, plan: Plan, posted: Posted | None = None) -> Sent:
        """Return it as it is shown: the texts that were sent, or the one that is there already."""
        texts = posted.lines(self.now) if posted is not None else ()
        if plan.filed is not None:
            texts = (line_of(plan.filed.entry.key, plan.filed.entry, self.now),)
        return Sent(
            at=self.now,
            action=plan.what,
            row="",
            said=plan.said,
            key=_text_key(plan, self.report),
            texts=texts,
        )


def _text_key(plan: Plan, report: Report) -> str:
    """Return the key of the text that a plan sends; of the ticket that is there when it sends nothing."""
    if plan.what is Action.NOTHING:
        return plan.filed.entry.key if plan.filed is not None else ""
    episode = plan.decision.episode if plan.decision is not None else None
    if plan.what is Action.UPDATE and episode is not None:
        return name_of(episode)
    return key_of(report, number=plan.number)


def _last_assistance(run: Run) -> Event | None:
    from iwx_agent.state.latest import Latest

    try:
        return next(iter(Latest(workers=run.host.workers).events("assistance", 1)), None)
    except StateError:
        return None


@contextmanager
def submission(
    request: Request,
    sending: Sending,
    *,
    anyway: bool = False,
    on_progress: OnProgress | None = None,
    on_redactor: Callable[..., None] | None = None,
    on_unkept: Say = lambda _: None,
) -> Iterator[Submission]:
    """Diagnose this machine, and give what a person can send of it.

    Raises:
        CanaryError: one of the server's secrets would have been in the report.
    """
    asked = replace(request, background=True)
    with run_here(asked, on_progress=on_progress, on_redactor=on_redactor) as run:
        for said in run.unkept:
            on_unkept(said)
        yield Submission(run, sending, anyway=anyway)
