"""What a person who is about to paste a ticket has to know: that there is one already, or soon will be."""

from contextlib import closing
from datetime import datetime

from msgspec import Struct

from iwx_agent.app import auto
from iwx_agent.app.filing import Known
from iwx_agent.app.posting import COPIES
from iwx_agent.app.submit import plan_of
from iwx_agent.config.sending import Sending, load_sending
from iwx_agent.host.workers import Workers
from iwx_agent.model import Report
from iwx_agent.model.episode import Action
from iwx_agent.outbox.machine import Entry, State
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state import lock
from iwx_agent.state.contract import Store
from iwx_agent.state.door import Door, StateError
from iwx_agent.state.store import DiskStore
from iwx_agent.triage.decision import decide

_PASSING_ROWS = ("pause", "storm", "daily cap", "outside the window")  # what holds a new ticket for a time


class Standing(Struct, frozen=True, kw_only=True):
    """What is so of the ticket that a person may be about to file by hand, and what to do instead."""

    said: str
    instead: str


def standing_here(report: Report) -> Standing | None:
    """Return what ``standing`` says by what is kept on this machine; None when that cannot be told.

    While the disk takes nothing, all that is in use is kept below /run.
    """
    try:
        with closing(Workers()) as workers:
            below_run = DiskStore(Door(lock.RUN_DIRECTORY, workers))
            store = below_run if below_run.episode() is not None else DiskStore(Door(workers=workers))
            return standing(report, store, load_sending(), report.collected_at)
    except StateError:  # a line beside the ticket: whoever needs the store says what is wrong with it
        return None


def standing(report: Report, store: Store, sending: Sending, now: datetime) -> Standing | None:
    """Return which ticket of the agent's is about the same, or soon will be; None when there is none.

    Raises:
        StateError: what was sent before cannot be read.
    """
    if not report.incidents:
        return None
    plan = plan_of(report, store, now)
    filed = plan.filed or plan.known.first
    if plan.what is not Action.FILE and filed is not None:
        return _of_ticket(filed.entry, whole=plan.what is Action.NOTHING)
    if plan.decision is None:
        return None
    if filed is not None and filed.entry.state is State.DRAFT:
        key = words.one_line(filed.entry.key, 100)
        return Standing(
            said=f"a draft of auto's waits for a person: {key}",
            instead=f"Read it: iwx-agent outbox show {key}; or send your own: iwx-agent submit",
        )
    if when := _files_it(report, plan.known, sending, now):
        return Standing(
            said=f"auto is on, and files this {when}: do not paste it too",
            instead="Send it now, with what you have to say: iwx-agent submit",
        )
    return None


def _of_ticket(entry: Entry, *, whole: bool) -> Standing:
    key = words.one_line(entry.key, 100)
    if entry.state is not State.SENT:
        return Standing(
            said=f"a ticket about this lies in the outbox ({entry.state}): do not file another",
            instead=f"Look at it: iwx-agent outbox show {key}",
        )
    page = words.one_line(entry.url.partition("?")[0], 300)  # behind it stands what opens a guest's ticket
    if entry.transport == COPIES:
        return Standing(
            said=f"ticket {key} about this lies on this server only, for a person to paste", instead=page
        )
    number = f" ({words.one_line(entry.reference, 100)})" if entry.reference else ""
    where = f" at {page}" if page else ""
    adds = 'what you have to say: iwx-agent submit --note "..."' if whole else "what is new: iwx-agent submit"
    return Standing(
        said=f"ticket {key}{number}{where} is about this: do not file another", instead=f"Send it {adds}"
    )


def _files_it(report: Report, known: Known, sending: Sending, now: datetime) -> str:
    """Return when ``auto`` files a ticket of this report by itself; empty when it does not."""
    if sending.delivery.ways == (COPIES,):  # it would lie here, for a person to paste
        return ""
    rules = sending.auto
    stopped = auto.why_stopped(rules, auto.STOP)
    situation = auto.situation_of(report, known, rules, now, stopped=stopped, new_key=key_of(report))
    decision = decide(situation)
    if decision.action is Action.FILE:
        return "at its next run"
    return f"when it may (now: {decision.row})" if decision.row in _PASSING_ROWS else ""
