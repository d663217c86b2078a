"""The outbox in words: what waits, one text in full, and what a person's change came to."""

from collections.abc import Iterator
from datetime import datetime

from iwx_agent.model.steering import OutboxLetter, OutboxLine, OutboxList, OutboxText
from iwx_agent.rendering import words

_SAID_CHARACTERS = 160
_NAME_CHARACTERS = 80
_HEADING = ("text", "state", "age", "next", "by", "last said")
_BY_A_PERSON = {"draft": "you send or drop it", "failed": "you retry or drop it", "damaged": "you drop it"}
_STATE_WORDS = {
    "draft": "a draft: it is sent when a person says so",
    "queued": "waits to be sent",
    "sending": "is being sent, or was when the agent was killed: the next run finds out",
    "uncertain": "may have been accepted: it is looked for before it is sent again",
    "sent": "was accepted",
    "failed": "was refused by every transport; only a person can have it tried again",
    "dropped": "was dropped",
    "damaged": "cannot be read any more",
}


def listed(found: OutboxList) -> str:
    """Return one line for each text, the oldest first, under a heading."""
    lines = ["Nothing waits to be sent, and nothing has failed."]
    if found.texts:
        lines = words.columns([_HEADING, *(_row(line, found.at) for line in found.texts)])
    if found.hidden_count:
        ended = words.counted(found.hidden_count, "text was", "texts were")
        lines.append(f"{ended} sent or dropped: iwx-agent outbox list --all")
    return _text(lines)


def _row(line: OutboxLine, now: datetime) -> tuple[str, ...]:
    known = line.state != "damaged"
    return (
        words.one_line(line.key, _NAME_CHARACTERS),
        words.one_line(line.state, 20),
        _age(line.created_at, now),
        _next(line, now),
        words.one_line(line.transport, _NAME_CHARACTERS) if known else "-",
        words.one_line(line.said, _SAID_CHARACTERS),
    )


def _age(moment: datetime | None, now: datetime) -> str:
    """Return how old something is; what has a time to come was written before the clock was set back."""
    if moment is None or moment > now:
        return "?"
    return words.span((now - moment).total_seconds())


def _next(line: OutboxLine, now: datetime) -> str:
    if line.state in _BY_A_PERSON:
        return _BY_A_PERSON[line.state]
    if line.ended:
        return "-"
    if line.state == "sending":
        return "at the next run"
    if line.due_at is None:
        return "you look for it"
    wait_s = (line.due_at - now).total_seconds()
    return "at the next run" if wait_s <= 0 else f"in {words.span(wait_s)}"


def shown(found: OutboxText) -> str:
    """Return one text in full: its state, its attempts, and the text as it is sent, at the end."""
    return _text([*_head(found), *_attempts(found), "", *_letter(found)])


def _head(found: OutboxText) -> Iterator[str]:
    line = found.line
    yield f"{words.one_line(line.key, _NAME_CHARACTERS)}: {_STATE_WORDS.get(line.state, line.state)}"
    rows = [("written", f"{words.at(line.created_at)}, age {_age(line.created_at, found.at)}")]
    rows.append(("next", _next(line, found.at)))
    if found.chain:
        chain = ", then ".join(words.one_line(name, _NAME_CHARACTERS) for name in found.chain)
        rows.append(("by", f"{words.one_line(line.transport, _NAME_CHARACTERS)} now; in order: {chain}"))
    if line.repeated:
        rows.append(("repeated", "sent once more without knowing of the first time, and marked so"))
    reference = " ".join(filter(None, (words.one_line(line.reference), words.one_line(line.url, 1000))))
    rows.extend([("reference", reference)] if reference else [])
    rows.extend([("copy to paste", words.one_line(line.copy, 1000))] if line.copy else [])
    if line.state == "damaged":
        rows = [("why", words.one_line(line.said, 400)), ("next", _next(line, found.at))]
    yield from (f"  {row}" for row in words.columns(rows))


def _attempts(found: OutboxText) -> Iterator[str]:
    if not found.attempts:
        yield "  nothing has been tried yet" if found.line.state != "damaged" else "  attempts are not known"
        return
    yield f"  {words.counted(len(found.attempts), 'attempt')}, the last one at the end:"
    rows = [
        (
            words.at(one.at),
            words.one_line(one.transport, _NAME_CHARACTERS),
            words.one_line(one.ending, 40),
            words.one_line(one.said, 400),
        )
        for one in found.attempts
    ]
    yield from (f"    {row}" for row in words.columns(rows))


def _letter(found: OutboxText) -> Iterator[str]:
    if found.letter is None:
        yield words.one_line(found.unread, 400)
        return
    letter = found.letter
    rows = [(f"{label}:", words.one_line(value, 1000)) for label, value in _fields(letter)]
    yield from words.columns(rows)
    for one in letter.attachments:
        name, kind = words.one_line(one.name), words.one_line(one.media_type, 100)
        yield f"Attached: {name} ({kind}, {one.size_bytes} bytes, SHA-256 {one.sha256})"
    yield "Message:"
    yield ""
    yield words.harmless(letter.message, len(letter.message)).rstrip("\n")


def _fields(letter: OutboxLetter) -> Iterator[tuple[str, str]]:
    sender = " ".join(
        filter(None, (letter.sender_name, f"<{letter.sender_mail}>" * bool(letter.sender_mail)))
    )
    yield from (("Update to", letter.reference),) if letter.reference else ()
    yield from (("From", sender),) if sender else ()
    yield "Category", letter.category
    yield "IP Address or Hostname", letter.ip_address_or_hostname
    yield "Remote Assistance Enabled?", letter.assistance
    yield "Subject", letter.subject
    yield "Priority", letter.priority


def retried(found: OutboxText) -> str:
    """Return by what a text will be sent, and when."""
    line = found.line
    key = words.one_line(line.key, _NAME_CHARACTERS)
    first = words.one_line(line.transport, _NAME_CHARACTERS)
    rest = [
        words.one_line(name, _NAME_CHARACTERS)
        for name in found.chain[found.chain.index(line.transport) + 1 :]
    ]
    others = f" (if that refuses it: {', then '.join(rest)})" if rest else ""
    when = _next(line, found.at)
    lines = [f"{key} will be sent by {first}{others}, {when}."]
    if line.state == "uncertain":
        again = "" if line.repeated else ", or once, marked, when nobody can look"
        lines = [
            f"{key} may have been accepted: {first} looks for it {when}.",
            f"It is sent again when it is surely not there{again}.",
        ]
    if line.due_at is not None and line.due_at > found.at:
        lines.append("It has had all the attempts of a day.")
    return _text(lines)


def dropped(found: OutboxText) -> str:
    """Return that a text was dropped, and why."""
    line = found.line
    key = words.one_line(line.key, _NAME_CHARACTERS)
    return _text([f"{key} was dropped and will not be sent: {words.one_line(line.said, 400)}"])


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
