r"""The agent's own record of what it changed: one JSON object a line, written by ``iwx_agent.audit``.

>>> text = '{"at":"2026-11-23T19:52:42Z","action":"remote-assistance enable","phase":"intent"}\n' \
...     '{"at":"2026-11-23T19:52:50Z","action":"remote-assistance enable","phase":"outcome","way":"script",' \
...     '"outcome":"done"}\n'
>>> last = last_turn(text)
>>> last.turn, last.at, last.way, last.outcome
('enable', 1795463570.0, 'script', 'done')
"""

import json
from datetime import datetime

from msgspec import Struct

_ACTION = "remote-assistance "
_OUTCOME_CHARACTERS = 300


class RecordedTurn(Struct, frozen=True, kw_only=True):
    """The last attempt to turn Remote Assistance on or off, and what came of it then."""

    turn: str
    at: float
    way: str
    outcome: str


def last_turn(text: str) -> RecordedTurn | None:
    """Return the newest outcome in the record; lines that are cut or odd are passed over; None for none."""
    for line in reversed(text.split("\n")):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(told, dict) or told.get("phase") != "outcome":
            continue
        action, at = str(told.get("action")), _moment(told.get("at"))
        if action.startswith(_ACTION) and at is not None:
            return RecordedTurn(
                turn=action.removeprefix(_ACTION)[:20],
                at=at,
                way=str(told.get("way"))[:20],
                outcome=str(told.get("outcome"))[:_OUTCOME_CHARACTERS],
            )
    return None


def _moment(at: object) -> float | None:
    try:
        found = datetime.fromisoformat(str(at))
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None else None
