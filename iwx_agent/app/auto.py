"""``auto``: look, decide, keep, send, once. With nothing wrong and nothing open it is little but the look."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.app.clock import now_of
from iwx_agent.app.diagnose import Request
from iwx_agent.app.filing import Author, Known, Writing, free_number, known_of
from iwx_agent.app.posted import NEWEST_COUNT, Posted, any_undelivered
from iwx_agent.app.sources import OnProgress, Run, run_here
from iwx_agent.app.way_in import noted, remembered
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.model import Report, Severity, Status, counts_as_emergency
from iwx_agent.model.episode import Action, Decision
from iwx_agent.model.steering import Sent
from iwx_agent.model.window import why_outside
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.contract import Event, KeptText, Note, Past, Store
from iwx_agent.state.door import StateError
from iwx_agent.transports.contract import Attachment
from iwx_agent.triage.decision import FORGOTTEN_AFTER, Situation, decide, own_emergencies

if TYPE_CHECKING:
    from iwx_agent.app.posting import Post
    from iwx_agent.host.workers import Workers

STOP = Path("/etc/iwx-agent/stop")  # while it is there, nothing leaves by itself
SEND_S = 300.0  # for all attempts of a run together
_ROUNDS_COUNT = 3  # another process may decide at the same time
_CLOCK_CHECK, _CLOCK_CODE = "system.clock", "SYSTEM-071"
_AHEAD = timedelta(minutes=5)

Say = Callable[[str], None]


class Outcome(Struct, frozen=True, kw_only=True):
    """What a run of ``auto`` came to: its report, its decision, what was sent, and what could not be."""

    report: Report
    decision: Decision
    posted: Posted = Posted()
    said: tuple[str, ...] = ()
    sure: bool = True  # false: what was filed before cannot be told, so nothing could be filed
    undelivered: bool = False  # whether a text of this or an earlier run is; only for a heartbeat

    @property
    def sent(self) -> Sent:
        """Return it as it is shown."""
        decision, at = self.decision, self.report.collected_at
        return Sent(
            at=at,
            action=decision.action,
            row=decision.row,
            said=decision.said,
            key=decision.episode.key if decision.episode is not None else "",
            texts=self.posted.lines(at),
        )


def why_stopped(auto: AutoSettings, stop: Path) -> str:
    """Return which switch is off; empty when ``auto`` may speak."""
    if said := why_silent(stop):
        return said
    return "" if auto.enabled else "auto is off; iwx-agent auto enable turns it on"


def why_silent(stop: Path) -> str:
    """Return why nothing may leave at all: something of that name is there, or that cannot be told."""
    try:
        stop.lstat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"whether {stop} is there could not be told: {error.strerror}"
    return f"{stop} is there; remove it to go on"


def situation_of(
    report: Report, known: Known, auto: AutoSettings, now: datetime, *, stopped: str, new_key: str
) -> Situation:
    """Return all that the decision rests on."""
    said_at, filed_at = known.past.said_at, known.past.filed_at
    ahead = [at for at in said_at if at > now + _AHEAD]
    if ahead and any(one.check_id == _CLOCK_CHECK and one.status is Status.OK for one in report.results):
        # The clock is right: it was not when those were noted, and they tell nothing.
        said_at, filed_at, ahead = _until(said_at, now), _until(filed_at, now), []
    wrong = next(
        (f.detail or f.title for result in report.results for f in result.findings if f.code == _CLOCK_CODE),
        "",
    )
    if ahead and not wrong:
        wrong = f"the last text is of {ahead[-1]:%Y-%m-%d %H:%M} UTC, which has not come yet"
    zone = _zone(auto.window.time_zone) if auto.window.time_zone else None
    return Situation(
        now=now,
        report=report,
        rules=auto,
        new_key=new_key,
        episode=known.episode,
        ignored=known.past.ignored,
        filed_at=filed_at,
        said_at=said_at,
        # A lost store does not make a beginner of the agent: it would hold back each emergency as a draft.
        drafts_made_count=auto.drafts_count if known.lost_at is not None else known.past.drafts_count,
        stopped=stopped,
        clock_wrong=wrong,
        outside_window=why_outside(auto.window, now.astimezone(zone)),
    )


def _until(moments: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in moments if at <= now + _AHEAD)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # reads directories when it is loaded

    return ZoneInfo(name)


def decide_and_keep(
    report: Report,
    store: Store,
    sending: Sending,
    author: Author,
    now: datetime,
    *,
    stopped: str = "",
    attach: Callable[[], tuple[Attachment, ...]] = tuple,
) -> Decision:
    """Decide what to do after this run, and keep it together with the text that is to be sent.

    Raises:
        StateError: it could not be read or kept; then nothing is sent by it.
    """
    for _ in range(_ROUNDS_COUNT):
        known = known_of(store, now)
        number = free_number(store, report) if _may_be_new(known, report, now) else 1
        decision = decide(
            situation_of(
                report, known, sending.auto, now, stopped=stopped, new_key=key_of(report, number=number)
            )
        )
        if store.commit(*Writing(report, author, now, attach).changes(decision, known, number)):
            return decision
    raise StateError("other processes have changed it each time", "conflict")


def _may_be_new(known: Known, report: Report, now: datetime) -> bool:
    """Return whether a new ticket may be filed, so that its key is needed."""
    if not own_emergencies(report):
        return False
    episode = known.open_episode
    return episode is None or episode.given_up or now - episode.last_bad_at > FORGOTTEN_AFTER


def author_of(sending: Sending, run: Run) -> Author:
    """Return in whose name letters are written, and by which ways they go."""
    delivery = sending.delivery
    return Author(
        ways=delivery.ways,
        name=delivery.sender_name,
        mail=delivery.sender_mail,
        limits=run.brought.settings.ticket,
    )


class Sight:
    """What is known of the past before a run looks: whether a ticket is open, or a text waits."""

    def __init__(self) -> None:
        self.busy = True  # in doubt
        self.assistance: Event | None = None
        self.texts: tuple[KeptText, ...] = ()  # the oldest first
        self.said: tuple[str, ...] = ()  # what nobody who looks later is told

    def look(self, workers: "Workers", request: Request) -> Request:
        """Return the request; with what was done of late when that could be the end of an open ticket."""
        from iwx_agent.state.latest import Latest

        try:
            latest = Latest(workers=workers)
            self.said = latest.damaged
            self.assistance = next(iter(latest.events("assistance", 1)), None)
            kept = latest.episode()
            open_ticket = kept is not None and kept.episode.over_at is None
            self.texts = latest.texts()
            self.busy = open_ticket or latest.below_run or any(not text.ended for text in self.texts)
        except StateError:
            open_ticket = True
        return replace(request, background=True) if open_ticket else request


def run_auto(
    request: Request,
    sending: Sending,
    say: Say,
    *,
    stop: Path | None = None,
    on_progress: OnProgress | None = None,
    on_redactor: Callable[..., None] | None = None,
) -> Outcome:
    """Diagnose this machine, decide, keep and send; ``say`` is told what a person has to know.

    Raises:
        StateError: what was kept cannot be read or kept, or another process sends for too long.
        CanaryError: one of the server's secrets would have been in it.
    """
    sight = Sight()
    stop = STOP if stop is None else stop
    with run_here(request, on_progress=on_progress, on_redactor=on_redactor, prepare=sight.look) as run:
        for why in (*sight.said, *run.unkept):
            say(why)
        run.report = remembered(run.report, sight.assistance, now_of(run.host))
        stopped = why_stopped(sending.auto, stop)
        told = noted(run.report, sight.assistance)
        quiet = not (sight.busy or stopped or any(counts_as_emergency(i) for i in run.report.incidents))
        if quiet:
            outcome = _quiet(run, sending, told, sight.texts[-NEWEST_COUNT:])
        else:
            outcome = _with_lock(run, sending, stop, stopped, told, say)
        if sending.auto.heartbeat_url and went_well(outcome, stop):
            from iwx_agent.app.heartbeat import beat_after_run

            beat_after_run(run.host, sending, say)
        return outcome


def went_well(outcome: Outcome, stop: Path) -> bool:
    """Return whether someone outside may rely on this run: it could decide, and nothing lies undelivered."""
    undelivered = outcome.undelivered or outcome.posted.undelivered
    return outcome.sure and not undelivered and not why_silent(stop)


def _quiet(run: Run, sending: Sending, told: tuple[Note, ...], newest: tuple[KeptText, ...]) -> Outcome:
    """Nothing is open, waits or is wrong: note that; of a disk that takes no note was told already."""
    from iwx_agent.state.door import Door
    from iwx_agent.state.store import DiskStore

    now = now_of(run.host)
    known = Known(past=Past())
    decision = decide(situation_of(run.report, known, sending.auto, now, stopped="", new_key=""))
    changes = Writing(run.report, Author(), now).changes(decision, known, 1)
    with suppress(StateError):
        DiskStore(Door(workers=run.host.workers)).commit(*changes, *told)
    undelivered = bool(sending.auto.heartbeat_url) and any_undelivered(newest)
    return Outcome(report=run.report, decision=decision, undelivered=undelivered)


def _with_lock(
    run: Run, sending: Sending, stop: Path, stopped: str, told: tuple[Note, ...], say: Say
) -> Outcome:
    from iwx_agent.app.steering import take_turn
    from iwx_agent.state.fallback import CarefulStore
    from iwx_agent.state.lock import SendingLock

    host = run.host.aside(SEND_S)
    with SendingLock() as lock:
        try:
            take_turn(lock, host, say)
        except StateError as error:
            if error.kind != "busy":
                raise
            # A person sends at this moment; that is no fault of the watcher, and the next run decides.
            decision = Decision(action=Action.HOLD, row="busy", said=error.why)
            return Outcome(report=run.report, decision=decision, sure=False)
        store = CarefulStore(workers=run.host.workers)
        now = now_of(host)

        def attach() -> tuple[Attachment, ...]:
            from iwx_agent.app.attaching import bundle_attached

            return bundle_attached(run, say)

        if told:
            store.commit(*told)
        if not store.sure:
            stopped = stopped or f"whether it was filed already is not known: {store.said[-1]}"
        decision = decide_and_keep(
            run.report, store, sending, author_of(sending, run), now, stopped=stopped, attach=attach
        )
        if why_silent(stop):
            return Outcome(report=run.report, decision=decision, said=store.said, sure=store.sure)
        posted = post_of(run, sending).send(store)
        said = (*store.said, *posted.said)
        undelivered = bool(sending.auto.heartbeat_url) and _left_undelivered(store)
    return Outcome(
        report=run.report,
        decision=decision,
        posted=posted,
        said=said,
        sure=store.sure,
        undelivered=undelivered,
    )


def _left_undelivered(store: Store) -> bool:
    """Return whether something is undelivered after a run, or that cannot be told."""
    try:
        return any_undelivered((*store.waiting(), *store.texts(NEWEST_COUNT)))
    except StateError:
        return True


def post_of(run: Run, sending: Sending) -> "Post":
    """Return what sends, by the transports of the settings."""
    from iwx_agent.app.posting import Guarded, Post
    from iwx_agent.app.traces import Traces
    from iwx_agent.app.transports import transports_of
    from iwx_agent.audit import Audit
    from iwx_agent.config.secrets import load_secrets

    host = run.host.aside(SEND_S)
    ends = time.monotonic() + SEND_S
    traces = Traces(host, Audit(workers=run.host.workers))
    down = frozenset(
        result.check_id
        for result in run.report.results
        if any(finding.severity >= Severity.EMERGENCY for finding in result.findings)
    )
    transports = transports_of(host, run.host.workers, sending, load_secrets(sending), down=down)
    redactor = run.need_redactor()
    return Post(
        {name: Guarded(transport, redactor, traces) for name, transport in transports.items()},
        sending.outbox,
        now=lambda: now_of(host),
        left_s=lambda: ends - time.monotonic(),
        attempt_s=sending.delivery.limit_s,
    )
