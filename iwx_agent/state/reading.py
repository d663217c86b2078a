"""Read what was kept as JSON: a flipped bit may make it no JSON, no UTF-8, or no such thing."""

from typing import TypeVar

import msgspec

from iwx_agent.state.door import StateError

_Kind = TypeVar("_Kind")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what msgspec raises for such bytes


def decoded(data: bytes, kind: type[_Kind], what: str) -> _Kind:
    """Return what was kept; ``what`` names it for people.

    Raises:
        StateError: ``damaged``, this entry alone.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise StateError(f"{what} is damaged: {error}", "damaged") from None
