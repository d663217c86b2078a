"""What a person is shown of ``auto`` and ``submit``: texts on their way, the open ticket, decisions."""

from datetime import datetime

from msgspec import Struct

from iwx_agent.model.core import IncidentState, Scope, Severity
from iwx_agent.model.episode import Action, Decision, Episode, Ignored
from iwx_agent.model.report import LastVerdict


class OutboxAttempt(Struct, frozen=True, kw_only=True):
    """One attempt to send, look for or drop a text: by which transport, how it ended, what was said."""

    at: datetime
    transport: str
    ending: str
    said: str


class OutboxLine(Struct, frozen=True, kw_only=True):
    """A text in the outbox in short.

    ``state`` is one of the outbox's, or ``damaged`` when what is kept cannot be read; then nothing else is
    known but why (``said``). ``due_at`` is None when only a person can make the next step, or none is left.
    ``said`` is the last thing that was said about it. ``ended``: nobody waits for it. ``copy`` is where it
    lies on this server to be pasted.
    """

    key: str
    state: str
    ended: bool
    created_at: datetime | None = None
    due_at: datetime | None = None
    transport: str = ""
    attempts_count: int = 0
    said: str = ""
    said_at: datetime | None = None
    repeated: bool = False
    reference: str = ""
    url: str = ""
    copy: str = ""


class OutboxList(Struct, frozen=True, kw_only=True):
    """The outbox at a time, the oldest text first; ``hidden_count`` more are at an end and not listed."""

    at: datetime
    texts: tuple[OutboxLine, ...]
    hidden_count: int = 0


class AttachedFile(Struct, frozen=True, kw_only=True):
    """What is attached to a text."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str


class OutboxLetter(Struct, frozen=True, kw_only=True):
    """A text as it is sent, field by field; ``reference`` is that of the ticket that it is an update to."""

    category: str
    ip_address_or_hostname: str
    assistance: str
    subject: str
    priority: str
    message: str
    sender_name: str = ""
    sender_mail: str = ""
    reference: str = ""
    attachments: tuple[AttachedFile, ...] = ()


class OutboxText(Struct, frozen=True, kw_only=True):
    """One text in full: ``chain`` names its transports in order. No letter: ``unread`` says why not."""

    at: datetime
    line: OutboxLine
    chain: tuple[str, ...] = ()
    attempts: tuple[OutboxAttempt, ...] = ()
    letter: OutboxLetter | None = None
    unread: str = ""


class WatchedIncident(Struct, frozen=True, kw_only=True):
    """An incident as the last saved run found it; ``rule`` is what makes ``auto`` silent about it now."""

    fingerprint: str
    code: str
    subject: str
    title: str
    severity: Severity
    state: IncidentState
    scope: Scope
    since_at: datetime | None = None
    rule: Ignored | None = None


class Watch(Struct, frozen=True, kw_only=True):
    """What ``auto`` has before it: the last ticket's episode, the last saved run, the rules to ignore.

    Without a run ``unread`` says why there is none.
    """

    at: datetime
    episode: Episode | None = None
    run: str = ""
    run_at: datetime | None = None
    unread: str = ""
    incidents: tuple[WatchedIncident, ...] = ()
    rules: tuple[Ignored, ...] = ()


class Silenced(Struct, frozen=True, kw_only=True):
    """A rule that was made or taken back, and what the incident is called; empty when that is not known."""

    rule: Ignored
    title: str = ""
    code: str = ""
    subject: str = ""


class ToldDecision(Struct, frozen=True, kw_only=True):
    """What ``auto`` decided after a run; ``action`` and ``row`` may be empty when they were not written."""

    at: datetime
    key: str
    action: str
    row: str
    said: str


class Explained(LastVerdict, frozen=True, kw_only=True):
    """A verdict with what is needed to explain it, and the last decision of ``auto``, if there is one."""

    decisions: tuple[ToldDecision, ...] = ()


def decision_written(decision: Decision) -> str:
    """Return a decision as plain text to keep: action and row on the first line, then the sentence."""
    return f"{decision.action}: {decision.row}\n{decision.said}"


def decision_read(said: str, at: datetime, key: str = "") -> ToldDecision:
    """Return a decision of what ``decision_written`` has written; any other text is its sentence.

    >>> from datetime import UTC
    >>> told = decision_read("file: first time\\nMail is down", datetime(2026, 11, 23, tzinfo=UTC), "iwx-1")
    >>> (told.action, told.row, told.said)
    ('file', 'first time', 'Mail is down')
    """
    first, _, rest = said.partition("\n")
    action, divided, row = first.partition(": ")
    if rest and divided and action in tuple(Action):
        return ToldDecision(at=at, key=key, action=action, row=row, said=rest)
    return ToldDecision(at=at, key=key, action="", row="", said=said)


class Sent(Struct, frozen=True, kw_only=True):
    """What a run of ``auto`` or ``submit`` came to: what was decided and why, and which texts were moved."""

    at: datetime
    action: Action
    row: str
    said: str
    key: str = ""
    texts: tuple[OutboxLine, ...] = ()
