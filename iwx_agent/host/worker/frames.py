"""Messages between the agent and its workers: four bytes of length, then one marshalled tuple.

``marshal`` and not ``json`` or ``pickle``: built in, no import to pay for, no objects, bytes go through as
they are. Both ends are the same interpreter, so its format cannot differ between them.
"""

import marshal

HEADER_BYTES = 4
RECEIVE_BYTES = 256 * 1024

TYPE_CHECKING = False  # type checkers read it as true; importing ``typing`` for it would cost milliseconds
if TYPE_CHECKING:
    from typing import Any

    Message = tuple[Any, ...]
else:
    Message = tuple


def pack(message: Message) -> bytes:
    """Return one message as it goes over the wire."""
    body = marshal.dumps(message)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def unpack(buffer: bytearray) -> Message | None:
    """Take the first whole message out of ``buffer``; None when it has not arrived yet."""
    if len(buffer) < HEADER_BYTES:
        return None
    end = HEADER_BYTES + int.from_bytes(buffer[:HEADER_BYTES], "big")
    if len(buffer) < end:
        return None
    message = marshal.loads(memoryview(buffer)[HEADER_BYTES:end])  # noqa: S302 (from our own child)
    del buffer[:end]
    if not isinstance(message, tuple):
        raise TypeError("a message is a tuple")
    return message
