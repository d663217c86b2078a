"""A letter as text and as JSON, and the name by which the other side knows it again. Pure.

The same letter gives the same bytes, at every attempt.
"""

import base64
import hashlib
import re

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.rendering.words import one_line
from iwx_agent.transports.contract import Attachment, Letter

PAYLOAD_VERSION = 1
_PLAIN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
_NAME_CHARACTERS = 100


def letter_id(letter: Letter) -> str:
    """Return what makes a letter the same one: its key; for an update the key and a digest of what it says.

    Letters, digits, dot, underscore and hyphen only: fit for a header, a file name, a Message-ID.
    """
    key = plain_key(letter.key)
    if not letter.reference:
        return key
    said = f"{letter.reference}\0{letter.subject}\0{letter.message}".encode("utf-8", "surrogatepass")
    return f"{key}.update-{hashlib.sha256(said).hexdigest()[:16]}"


def is_update(identity: str) -> bool:
    """Return whether a letter's id is that of an update."""
    return bool(re.search(r"\.update-[0-9a-f]{16}$", identity))


def marked(letter: Letter) -> Letter:
    """Return the text as it is sent a second time when nobody knows of the first."""
    said = _mark(letter.key)
    return letter if letter.message.startswith(said) else replace(letter, message=said + letter.message)


def unmarked(letter: Letter) -> str:
    """Return what the letter said the first time."""
    return letter.message.removeprefix(_mark(letter.key))


def _mark(key: str) -> str:
    return f"This may be a duplicate of {key}: whether that one was received could not be told.\n\n"


def plain_key(key: str) -> str:
    """Return a key that consists of plain characters; a digest stands for any other."""
    if _PLAIN_KEY.fullmatch(key):
        return key
    return "key-" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def whole(text: str) -> str:
    """Return the text as UTF-8 can hold it, lines ended by newlines: all else stays as it was written."""
    return _HALF_PAIRS.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def fields(letter: Letter) -> tuple[tuple[str, str], ...]:
    """Return (label, value) in the order of the vendor's form, the message last but one.

    Source: support guide 7.1, "How to Submit a Support Ticket".
    """
    return (
        ("Category", one_line(letter.category)),
        ("IP Address or Hostname", one_line(letter.ip_address_or_hostname)),
        ("Remote Assistance Enabled?", letter.assistance),
        ("Subject", one_line(letter.subject, 400)),
        ("Message", whole(letter.message)),
        ("Priority", one_line(letter.priority)),
    )


def as_text(letter: Letter) -> str:
    """Return the letter for people: each field under its label, in the form's order."""
    blocks = [
        f"{label}:\n{value}" if "\n" in value else f"{label}: {value}" for label, value in fields(letter)
    ]
    if letter.reference:
        blocks.insert(0, f"Update to ticket: {one_line(letter.reference)}")
    return "\n\n".join(blocks) + "\n"


class _Attached(Struct, frozen=True, kw_only=True):
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    base64: str


class _Ticket(Struct, frozen=True, kw_only=True):
    category: str
    ip_address_or_hostname: str
    remote_assistance_enabled: str
    subject: str
    message: str
    priority: str


class _Sender(Struct, frozen=True, kw_only=True):
    name: str
    mail: str


class _Payload(Struct, frozen=True, kw_only=True):
    version: int
    id: str
    key: str
    kind: str
    reference: str
    written_at: float
    ticket: _Ticket
    sender: _Sender
    attachments: tuple[_Attached, ...]


def as_json(letter: Letter, *, with_data: bool = True) -> bytes:
    """Return the letter as docs/reference/transports.md describes it; without the data of its attachments."""
    payload = _Payload(
        version=PAYLOAD_VERSION,
        id=letter_id(letter),
        key=whole(letter.key),
        kind="update" if letter.reference else "new",
        reference=whole(letter.reference),
        written_at=letter.written_at,
        ticket=_Ticket(
            category=whole(letter.category),
            ip_address_or_hostname=whole(letter.ip_address_or_hostname),
            remote_assistance_enabled=letter.assistance,
            subject=whole(letter.subject),
            message=whole(letter.message),
            priority=whole(letter.priority),
        ),
        sender=_Sender(name=whole(letter.sender_name), mail=whole(letter.sender_mail)),
        attachments=tuple(
            _attached(name, one, with_data=with_data)
            for name, one in zip(names(letter), letter.attachments, strict=True)
        ),
    )
    return msgspec.json.encode(payload)


def _attached(name: str, one: Attachment, *, with_data: bool) -> _Attached:
    return _Attached(
        name=name,
        media_type=media_type(one),
        size_bytes=len(one.data),
        sha256=hashlib.sha256(one.data).hexdigest(),
        base64=base64.b64encode(one.data).decode("ascii") if with_data else "",
    )


def media_type(one: Attachment) -> str:
    """Return the attachment's media type; that of plain bytes for what is none, or holds other parts."""
    known = re.fullmatch(r"(?!message/|multipart/)[a-z0-9]{1,40}/[a-z0-9][a-z0-9.+-]{0,80}", one.media_type)
    return one.media_type if known else "application/octet-stream"


def names(letter: Letter) -> tuple[str, ...]:
    """Return a file name for each attachment: plain characters, no directory, no name twice."""
    taken = {"ticket.txt", "ticket.json"}
    found = []
    for number, one in enumerate(letter.attachments, start=1):
        name = re.sub(r"[^A-Za-z0-9._-]", "_", one.name.rpartition("/")[2]).lstrip(".")[-_NAME_CHARACTERS:]
        name = name or "attachment"
        while name.lower() in taken:
            name = f"{number}-{name}"
        taken.add(name.lower())
        found.append(name)
    return tuple(found)
