"""``auto enable`` and ``auto disable``: a test ticket, then a file of the agent's own below conf.d."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.app.auto import SEND_S, Say, author_of, post_of
from iwx_agent.app.clock import now_of
from iwx_agent.app.posted import Posted
from iwx_agent.app.sources import Run
from iwx_agent.app.steering import take_turn
from iwx_agent.app.submit import Refusal
from iwx_agent.app.traces import Traces
from iwx_agent.audit import Audit
from iwx_agent.config.sending import Sending
from iwx_agent.model import Licence, Report
from iwx_agent.model.sending import OutboxRules
from iwx_agent.model.ticket import ticket_key
from iwx_agent.outbox.machine import Entry, Outbox, State
from iwx_agent.outbox.sending import Kept
from iwx_agent.outbox.shelf import StoreShelf, adding
from iwx_agent.rendering.ticket.fields import ticket_of
from iwx_agent.rendering.words import one_line
from iwx_agent.state.contract import Store
from iwx_agent.state.door import StateError
from iwx_agent.transports.contract import Letter

SWITCH = Path("/etc/iwx-agent/conf.d/90-auto.toml")
_NUMBERS_COUNT = 1000
_ABOUT = "a test of the agent"
_SUBJECT = "[LOW] Test of iwx-agent on"  # of no other text


class Unswitched(Struct, frozen=True, kw_only=True):
    """Another place sets ``auto.enabled`` after the switch: its origin."""

    origin: str


def obstacles(report: Report, sending: Sending) -> Iterator[Refusal]:
    """Yield why ``auto`` could not file a ticket, and what to do about it."""
    if not report.host.as_root:
        yield Refusal(why="only root may do that", instead="sudo iwx-agent auto enable")
    if sending.delivery.transports == ("file",):
        yield Refusal(
            why="no way to send a ticket is set up: it would only lie in a file here",
            instead="Set delivery.chain in /etc/iwx-agent/config.toml, then: iwx-agent config check",
        )
    if report.verdict.licence is not Licence.DIRECT:
        yield Refusal(
            why="nothing says that the licence is InterWorx's own, so no ticket would be filed by itself",
            instead='Set licence = "direct" in /etc/iwx-agent/config.toml if it was',
        )


def test_letter(report: Report, run_at: float, sending: Sending, number: int) -> Letter:
    """Return the test ticket: it asks for nothing."""
    ticket = ticket_of(report)
    name = one_line(report.host.fqdn or report.host.name, 100)
    key = ticket_key(report.host.name, _ABOUT, report.collected_at.date(), number)
    message = (
        f"This tests the way by which {name} files tickets. It asks for nothing: please close it.\n\n"
        "Once auto is on, iwx-agent files a ticket here by itself when it has seen an emergency twice. "
        "It tells what it has seen and where, and says so when it is over.\n\n"
        f"Remote Assistance: {ticket.remote_assistance_enabled}\nTicket key: {key}"
    )
    return Letter(
        key=key,
        category=ticket.category,
        ip_address_or_hostname=ticket.ip_address_or_hostname,
        assistance=ticket.assistance,
        subject=f"{_SUBJECT} {name}, nothing to do [{key}]",
        message=message,
        priority="Low",
        sender_name=sending.delivery.sender_name,
        sender_mail=sending.delivery.sender_mail,
        written_at=run_at,
    )


def send_test(run: Run, sending: Sending, say: Say) -> Posted:
    """Send a test ticket, as every ticket is sent, but in this run only; return what became of it.

    What nobody has surely accepted by then is dropped, so that no test comes hours later, or several at once.

    Raises:
        StateError: it could not be kept, or another process sends for too long.
    """
    from iwx_agent.state.fallback import CarefulStore
    from iwx_agent.state.lock import SendingLock

    with SendingLock() as lock:
        take_turn(lock, run.host.aside(SEND_S), say)
        store = CarefulStore(workers=run.host.workers)
        now = now_of(run.host)
        _drop_earlier(store, now, say)
        key = _put(run, sending, store)
        try:
            posted = post_of(run, sending).send(store)
        finally:
            test = _settled(store, key, now)
        for said in (*store.said, *posted.said):
            say(said)
    return replace(posted, moved=() if test is None else (test,))


def may_be_there(entry: Entry) -> bool:
    """Return whether an attempt may have been accepted, and no look since has found that it was not."""
    endings = [one.ending for one in entry.attempts if one.ending in ("uncertain", "not found")]
    return endings[-1:] == ["uncertain"]


def _drop_earlier(store: Store, now: datetime, say: Say) -> None:
    """Drop the tests that a killed run has left: nobody else sends now."""
    shelf = StoreShelf(store)
    for kept in shelf.waiting():
        if kept.letter.subject.startswith(_SUBJECT):
            dropped = _settled(store, kept.entry.key, now) or kept
            say(f"{kept.entry.key}, a test of before: {dropped.entry.attempts[-1].said}")


def _settled(store: Store, key: str, now: datetime) -> Kept | None:
    """Drop a test unless it was accepted; return how it stands, None when it is not there any more."""
    shelf = StoreShelf(store)
    kept = shelf.one(key)
    if kept is None or kept.entry.state in (State.SENT, State.DROPPED):
        return kept
    moves, entry = Outbox(OutboxRules(), now), kept.entry
    if entry.state is State.SENDING:  # by a process that has ended
        entry = moves.lost(entry)
    last = entry.attempts[-1].said if entry.attempts else "no time was left to send it"
    said = f"it is not sent again: {last}"
    if may_be_there(entry):
        said = f"it may have been accepted, look for it in the help desk; {said}"
    return shelf.move(kept, moves.dropped(entry, said)) or kept


def _put(run: Run, sending: Sending, store: Store) -> str:
    now, author = now_of(run.host), author_of(sending, run)
    letters = (test_letter(run.report, now.timestamp(), sending, n) for n in range(1, _NUMBERS_COUNT))
    letter = next(one for one in letters if store.text(one.key) is None)
    entry = Entry(key=letter.key, chain=author.ways, state=State.QUEUED, created_at=now, due_at=now)
    if not store.commit(adding(entry, letter)):
        raise StateError("another process has changed it", "conflict")
    return letter.key


def switch(run: Run, *, enabled: bool, said: str) -> Unswitched | None:
    """Write the file that turns ``auto`` on or off; return what sets it otherwise all the same, or None.

    Raises:
        HostError: it could not be written.
        ConfigError: the settings cannot be read any more.
    """
    from iwx_agent.config.gathering import gather
    from iwx_agent.config.sending import judged_sending
    from iwx_agent.host.saving import save

    path, action = SWITCH, f"auto {'enable' if enabled else 'disable'}"
    traces = Traces(run.host.aside(SEND_S), Audit(workers=run.host.workers))
    traces.write(action, "intent", "command line", said)
    text = f"# Written by: iwx-agent {action}\n[auto]\nenabled = {str(enabled).lower()}\n"
    ending = "not done"
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        save(str(path), text.encode(), replace=True)
        ending = "done"
    finally:
        traces.write(action, "outcome", "command line", ending)
    gathered = gather(path.parent.parent)
    if judged_sending(gathered).auto.enabled is enabled:
        return None
    origin = gathered.origin_of("auto.enabled")
    return Unswitched(origin=origin.name or origin.kind)
