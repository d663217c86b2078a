"""An episode, a text and an event to remember, for tests of the stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

from iwx_agent.model import Priority, Severity
from iwx_agent.model.episode import Episode, Ignored, Told
from iwx_agent.state.contract import AddText, Event, Note

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
EPISODE = Episode(
    key="iwx-1",
    opened_at=NOW,
    began_at=NOW,
    told=(Told(fingerprint="f", title="Mail is down", severity=Severity.EMERGENCY),),
    told_at=NOW,
    priority=Priority.URGENT,
    last_bad_at=NOW,
)
RULE = Ignored(fingerprint="f", until=NOW + timedelta(days=1), reason="we know")
ADD = AddText(key="iwx-1", entry=b"queued", letter=b"Mail is down" * 10_000)


def note(kind: Any, minutes: int = 0, said: str = "") -> Note:
    return Note(event=Event(at=NOW + timedelta(minutes=minutes), kind=kind, key="iwx-1", said=said))
