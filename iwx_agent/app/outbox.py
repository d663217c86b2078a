"""The outbox as a person sees it, and what a person does in it: send or try again, or drop."""

import hashlib
from datetime import datetime, timedelta

import msgspec

from iwx_agent.app.naming import named
from iwx_agent.app.steering import Hand, RefusedError
from iwx_agent.model.sending import OutboxRules
from iwx_agent.model.steering import (
    AttachedFile,
    OutboxAttempt,
    OutboxLetter,
    OutboxLine,
    OutboxList,
    OutboxText,
)
from iwx_agent.outbox.machine import ENDS, Attempt, Entry, Outbox, State
from iwx_agent.outbox.shelf import entry_of, letter_in
from iwx_agent.state import StateError
from iwx_agent.state.contract import KeptText, MoveText
from iwx_agent.state.latest import Latest
from iwx_agent.transports.wording import marked

DAMAGED = "damaged"
_ALL_COUNT = 100_000
_REMOVABLE = "To be rid of it: iwx-agent outbox drop {} --reason TEXT"


def listed(latest: Latest, now: datetime, *, everything: bool = False) -> OutboxList:
    """Return what waits and what has failed; with ``everything`` also what was sent or dropped."""
    lines = [_line(text, now) for text in latest.texts()]
    shown = tuple(line for line in lines if everything or not line.ended or line.state == State.FAILED)
    return OutboxList(at=now, texts=shown, hidden_count=len(lines) - len(shown))


def shown(latest: Latest, now: datetime, given: str) -> OutboxText:
    """Return one text in full, as it would be sent now.

    Raises:
        NotOneError: there is none of that name.
    """
    key = named(given, (text.key for text in latest.texts()))
    text = latest.text(key)
    if text is None:  # dropped out between two questions
        raise RefusedError(f"{key} is not there any more", "What is there: iwx-agent outbox list --all")
    line = _line(text, now)
    entry = entry_of(text) if line.state != DAMAGED else None
    repeated = entry is not None and entry.repeated and entry.state is State.QUEUED
    try:
        letter = _letter(text, repeated=repeated)
    except StateError as error:
        unread = f"its text is damaged and cannot be sent: {error.why}"
        letter = None
    else:
        unread = ""
    return OutboxText(
        at=now,
        line=line,
        chain=entry.chain if entry is not None else (),
        attempts=tuple(_attempt(one) for one in entry.attempts) if entry is not None else (),
        letter=letter,
        unread=unread,
    )


def retry(hand: Hand, given: str, ways: tuple[str, ...] = ()) -> OutboxText:
    """Have a draft sent, or what has failed or waits tried again, at the next run; return how it stands.

    A new ticket goes by the ``ways`` that are set up now, an update to where its ticket is.

    Raises:
        NotOneError: there is none of that name.
        RefusedError: it is being sent, or at an end that nothing leads back from.
        StateError: it could not be kept.
    """
    text = _text(hand, given)
    try:
        entry = entry_of(text)
    except StateError as error:
        raise RefusedError(error.why, _REMOVABLE.format(text.key)) from None
    if entry.state in _NOT_AGAIN:
        why, next_step = _NOT_AGAIN[entry.state]
        raise RefusedError(f"{text.key} {why}", next_step)
    if _is_update(hand, text.key):
        ways = ()
    approved = Outbox(OutboxRules(), hand.now).approved(entry, ways)
    hand.change(f"outbox retry {text.key}", f"{entry.state} before", _moved(text, approved))
    return _short(text.key, approved, hand.now)


_NOT_AGAIN = {
    State.SENDING: (
        "is being sent, or was when the agent was killed",
        "The next run of iwx-agent finds out which, and tries it again when it was not accepted.",
    ),
    State.SENT: ("was sent", "A further one about the same: iwx-agent submit"),
    State.DROPPED: ("was dropped", "A new one: iwx-agent submit"),
}
_NOT_DROPPED = {
    State.SENDING: (
        "is being sent, or was when the agent was killed: it may have been accepted",
        "The next run of iwx-agent finds out which; it can be dropped when it was not.",
    ),
    State.SENT: ("was sent", "It cannot be taken back here; tell support in the ticket."),
    State.DROPPED: ("was dropped already", "All that is there: iwx-agent outbox list --all"),
}


def drop(hand: Hand, given: str, reason: str) -> OutboxText:
    """Drop a text that is not needed, for a reason that has been redacted; return how it stands.

    What is kept of a text and cannot be read any more can be dropped, too.

    Raises:
        NotOneError: there is none of that name.
        RefusedError: it is being sent, or was sent or dropped.
        StateError: it could not be kept.
    """
    text = _text(hand, given)
    try:
        entry = entry_of(text)
    except StateError:
        entry = Entry(key=text.key, chain=(DAMAGED,), state=State.FAILED, created_at=hand.now, due_at=None)
    if entry.state in _NOT_DROPPED:
        why, next_step = _NOT_DROPPED[entry.state]
        raise RefusedError(f"{text.key} {why}", next_step)
    dropped = Outbox(OutboxRules(), hand.now).dropped(entry, reason)
    hand.change(f"outbox drop {text.key}", reason, _moved(text, dropped))
    return _short(text.key, dropped, hand.now)


def _text(hand: Hand, given: str) -> KeptText:
    texts = {text.key: text for text in hand.store.texts(_ALL_COUNT)}
    return texts[named(given, texts)]


def _is_update(hand: Hand, key: str) -> bool:
    text = hand.store.text(key)
    try:
        return text is not None and bool(letter_in(text).reference)
    except StateError:
        return False


def _moved(text: KeptText, entry: Entry) -> MoveText:
    body = msgspec.json.encode(entry)
    return MoveText(key=text.key, version=text.version, entry=body, ended=entry.state in ENDS)


def _short(key: str, entry: Entry, now: datetime) -> OutboxText:
    return OutboxText(at=now, line=line_of(key, entry, now), chain=entry.chain)


def _line(text: KeptText, now: datetime) -> OutboxLine:
    try:
        entry = entry_of(text)
    except StateError as error:
        return OutboxLine(key=text.key, state=DAMAGED, ended=text.ended, said=error.why)
    return line_of(text.key, entry, now)


def line_of(key: str, entry: Entry, now: datetime) -> OutboxLine:
    """Return a text in short."""
    last = entry.attempts[-1] if entry.attempts else None
    return OutboxLine(
        key=key,
        state=entry.state,
        ended=entry.state in ENDS,
        created_at=entry.created_at,
        due_at=_due_at(entry, now),
        transport=entry.transport,
        attempts_count=len(entry.attempts),
        said=last.said if last is not None else "",
        said_at=last.at if last is not None else None,
        repeated=entry.repeated,
        reference=entry.reference,
        url=entry.url,
        copy=entry.copy,
    )


def _due_at(entry: Entry, now: datetime) -> datetime | None:
    """Return when the next step is made: later than it could be for what has had all attempts of a day."""
    if entry.due_at is None or entry.due_at > now:
        return entry.due_at
    count = OutboxRules().attempts_per_day_count
    recent = entry.attempts[-count:]
    spent = len(recent) == count and now - recent[0].at < timedelta(days=1)
    return recent[0].at + timedelta(days=1) if spent else entry.due_at


def _letter(text: KeptText, *, repeated: bool) -> OutboxLetter:
    letter = letter_in(text)
    if repeated:
        letter = marked(letter)
    return OutboxLetter(
        category=letter.category,
        ip_address_or_hostname=letter.ip_address_or_hostname,
        assistance=letter.assistance,
        subject=letter.subject,
        priority=letter.priority,
        message=letter.message,
        sender_name=letter.sender_name,
        sender_mail=letter.sender_mail,
        reference=letter.reference,
        attachments=tuple(
            AttachedFile(
                name=one.name,
                media_type=one.media_type,
                size_bytes=len(one.data),
                sha256=hashlib.sha256(one.data).hexdigest(),
            )
            for one in letter.attachments
        ),
    )


def _attempt(one: Attempt) -> OutboxAttempt:
    return OutboxAttempt(at=one.at, transport=one.transport, ending=one.ending, said=one.said)
