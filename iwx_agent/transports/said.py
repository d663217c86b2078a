"""What a receiver of letters may answer with: a small JSON object, from a webhook or from a program. Pure."""

from typing import Any, TypeGuard

import msgspec
from msgspec import Struct

from iwx_agent.rendering.words import one_line
from iwx_agent.transports.contract import CannotLook, NotFound, Receipt

_URL_CHARACTERS = 500
_NUMBER_MOST = 10**30


class Said(Struct, frozen=True, kw_only=True):
    """An answer; all of it may be left out. ``found`` counts only as the answer to a look-up."""

    key: str = ""
    found: bool | None = None
    reference: str = ""
    url: str = ""
    retry_after_s: float = 0.0


def said_in(data: bytes) -> Said | None:
    """Return the answer; None for what is no JSON object.

    A number counts as its text, and a value of another kind as left out: the rest of the answer still holds.
    """
    try:
        told = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    found, wait_s = told.get("found"), told.get("retry_after_s")
    return Said(
        key=_text(told.get("key")),
        found=found if isinstance(found, bool) else None,
        reference=_text(told.get("reference")),
        url=_text(told.get("url")),
        retry_after_s=float(wait_s) if _is_number(wait_s) else 0.0,
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if _is_number(value) else ""


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NUMBER_MOST


def receipt(transport: str, said: Said | None, words: str) -> Receipt:
    """Return the receipt for a letter that was accepted; only an http URL is handed on as one."""
    said = said or Said()
    url = one_line(said.url, _URL_CHARACTERS) if said.url.startswith(("https://", "http://")) else ""
    return Receipt(transport=transport, reference=one_line(said.reference), url=url, said=words)


def looked_up(
    transport: str, said: Said | None, identity: str, where: str, words: str
) -> Receipt | NotFound | CannotLook:
    """Return what the answer to a look-up says: it counts only when it names the key and says yes or no."""
    if said is None or said.key != identity or said.found is None:
        return CannotLook(reason=f"{where}: an answer that does not tell whether it has {identity}: {words}")
    if said.found:
        return receipt(transport, said, f"{words}, found")
    return NotFound(said=f"{where} does not have {identity}")
