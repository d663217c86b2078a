"""The key that tokens for addresses are made with, and the map back: two files of root's on the server.

So the same address is the same token in each run, and ``reveal`` can say whose it is. Where they cannot be
read or written a run has a key of its own: its tokens are as good, but no other run knows them, and that is
said.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from iwx_agent.host import HostError
from iwx_agent.redact import TokenMap, Tokens
from iwx_agent.state import door
from iwx_agent.state.reading import UNREADABLE

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

KEY_NAME, MAP_NAME = "tokens.key", "tokens.json"
_KEY_BYTES = 32
_MAP_MAX_BYTES = 120 * 1024  # a little less than what a worker can be handed at once
_LIMIT_S = 2.0


class TokenFileError(Exception):
    """The map could not be read; the text says where and why. ``absent``: no token has been given yet."""

    def __init__(self, why: str, *, absent: bool = False) -> None:
        self.absent = absent
        super().__init__(why)


class ServerTokens(Tokens):
    """Tokens with the server's key; ``trouble`` says why it is a key of this run only, or is empty."""

    def __init__(self, key: bytes, known: TokenMap, *, kept: frozenset[str], trouble: str = "") -> None:
        super().__init__(key, known, kept=kept)
        self.trouble = trouble
        self._known_count = len(known.originals)

    @property
    def has_new(self) -> bool:
        """Return whether tokens were given that the map did not hold."""
        return len(self.map().originals) > self._known_count


def server_tokens(workers: "Workers", kept: frozenset[str]) -> ServerTokens:
    """Return the server's tokens for root, with its key, which is made where there is none yet."""
    try:
        key = _key(workers)
    except HostError as error:
        trouble = f"{door.DIRECTORY / KEY_NAME}: {error.reason}"
        return ServerTokens(os.urandom(_KEY_BYTES), TokenMap(), kept=kept, trouble=trouble)
    try:
        known = _known(workers)
    except HostError:  # it is read again, and what is wrong said, when there is something to write
        known = TokenMap()
    return ServerTokens(key, known, kept=kept)


def keep_tokens(tokens: ServerTokens, workers: "Workers") -> str:
    """Put what is new into the map, the oldest out of it where it is full; return what to say, or nothing."""
    if not tokens.has_new:
        return ""
    told = "people's addresses have tokens"
    if tokens.trouble:
        return f"{told} of this run only ({tokens.trouble})"
    try:
        kept = _known(workers).originals
    except _DamagedError:
        kept = {}  # what was in it is lost already
    except HostError as error:
        return f"{told} that iwx-agent reveal does not know ({door.DIRECTORY / MAP_NAME}: {error.reason})"
    try:
        _ask("keep", str(door.DIRECTORY), MAP_NAME, _encoded(kept | tokens.map().originals), workers=workers)
    except HostError as error:
        return f"{told} that iwx-agent reveal does not know ({door.DIRECTORY / MAP_NAME}: {error.reason})"
    return ""


def known_tokens() -> TokenMap:
    """Return all tokens that this server has given and remembers.

    Raises:
        TokenFileError: for who is not root, when there are none yet, when the file is damaged or not ours.
    """
    if not door.is_root():
        raise TokenFileError("whose address a token stands for is kept for root only, and this is not root")
    try:
        return TokenMap(originals=_decoded(_ask("kept", str(door.DIRECTORY), MAP_NAME, _MAP_MAX_BYTES)))
    except HostError as error:
        absent = error.kind == "not_found"
        why = (
            "no token has been given on this server yet"
            if absent
            else f"{door.DIRECTORY / MAP_NAME}: {error.reason}"
        )
        raise TokenFileError(why, absent=absent) from None


class _DamagedError(HostError):
    """A file of the agent's does not hold what the agent writes."""


def _key(workers: "Workers") -> bytes:
    try:
        key: bytes = _ask("kept", str(door.DIRECTORY), KEY_NAME, _KEY_BYTES, workers=workers)
    except HostError as error:
        if error.kind != "not_found":
            raise
        key = os.urandom(_KEY_BYTES)
        _ask("keep", str(door.DIRECTORY), KEY_NAME, key, workers=workers)
        return key
    if len(key) != _KEY_BYTES:
        why = f"is damaged: {len(key)} bytes instead of {_KEY_BYTES}; remove it for a new one"
        raise _DamagedError("failed", why, KEY_NAME)
    return key


def _known(workers: "Workers") -> TokenMap:
    try:
        data = _ask("kept", str(door.DIRECTORY), MAP_NAME, _MAP_MAX_BYTES, workers=workers)
    except HostError as error:
        if error.kind == "not_found":
            return TokenMap()
        raise
    return TokenMap(originals=_decoded(data))


def _decoded(data: bytes) -> dict[str, str]:
    try:
        return msgspec.json.decode(data, type=dict[str, str])
    except UNREADABLE as error:
        raise _DamagedError("failed", f"is damaged: {error}", MAP_NAME) from None


def _encoded(originals: Mapping[str, str]) -> bytes:
    """Return as much of the map as there is room for, what was given last before all else."""
    size_bytes = 2
    room: dict[str, str] = {}
    for token, original in reversed(list(originals.items())):
        size_bytes += len(msgspec.json.encode(token)) + len(msgspec.json.encode(original)) + 2
        if size_bytes > _MAP_MAX_BYTES:
            break
        room[token] = original
    return msgspec.json.encode(dict(reversed(list(room.items()))))


def _ask(*request: object, workers: "Workers | None" = None) -> Any:
    import contextlib

    from iwx_agent.host.deadline import Deadline
    from iwx_agent.host.local import ask_worker
    from iwx_agent.host.workers import Workers

    stuck: list[str] = []  # the error says it, too
    with contextlib.nullcontext(workers) if workers else contextlib.closing(Workers()) as used:
        return ask_worker(used, request, Deadline(_LIMIT_S), str(door.DIRECTORY), stuck.append)
