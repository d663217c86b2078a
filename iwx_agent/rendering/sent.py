"""What a run of ``auto`` or ``submit`` came to, in a few lines."""

from collections.abc import Iterator

from iwx_agent.model.steering import OutboxLine, Sent
from iwx_agent.rendering import words

_WORDS = {
    "file": "A new ticket",
    "draft": "A draft",
    "update": "An update",
    "recovery": "Over",
    "hold": "Held",
    "nothing": "Nothing to send",
}


def sent_text(sent: Sent) -> str:
    """Return what was decided, and what became of each text."""
    head = f"{_WORDS[sent.action]}: {words.one_line(sent.said, 400)}"
    return "\n".join((head, *(line for text in sent.texts for line in _of(text)))) + "\n"


def _of(text: OutboxLine) -> Iterator[str]:
    key, way = words.one_line(text.key, 100), words.one_line(text.transport, 40)
    said = words.one_line(text.said, 300)
    match text.state:
        case "sent":
            number = f" as {words.one_line(text.reference, 100)}" if text.reference else ""
            page = text.url.partition("?")[0]  # behind it stands what opens a guest's ticket for everybody
            where = f" {words.one_line(page, 300)}" if page else ""
            yield f"  {key}: accepted by {way}{number}{where}"
            yield from (f"    {said}",) if said else ()  # how that is known, and what was sent without
        case "queued":
            due = f", tried again from {words.at(text.due_at)} on" if text.due_at is not None else ""
            yield f"  {key}: not accepted yet{due} (by {way}). {said}"
        case "uncertain":
            yield f"  {key}: {way} may have accepted it; looked for before it is sent again. {said}"
        case "failed":
            yield f"  {key}: nobody accepted it. {said}"
            yield f"    When that is mended: iwx-agent outbox retry {key}"
        case other:
            yield f"  {key}: {words.one_line(other, 40)}. {said}"
    if text.copy and text.state not in ("sent", "dropped"):
        yield f"    To paste it by hand: {words.one_line(text.copy, 300)}"
