"""The same store in memory: for tests, and for a run that nothing can be written for."""

from datetime import datetime

from iwx_agent.model.episode import Ignored
from iwx_agent.state.contract import (
    AddText,
    Change,
    Event,
    EventKind,
    Heed,
    Ignore,
    KeepEpisode,
    KeptEpisode,
    KeptText,
    MoveText,
    Note,
    Past,
)


class _Changed(Exception):  # noqa: N818 - how a change ends
    """Something was changed since it was read."""


class MemoryStore:
    """A ``Store`` that is gone with the process."""

    def __init__(self) -> None:
        self._episodes: dict[str, KeptEpisode] = {}
        self._texts: dict[str, KeptText] = {}
        self._ignored: dict[str, Ignored] = {}
        self._events: list[Event] = []

    def past(self, since: datetime) -> Past:
        """Return what a decision rests on."""
        second = since.replace(microsecond=0)
        recent = [event for event in self._events if event.at >= second]
        return Past(
            episode=next(reversed(self._episodes.values()), None),
            ignored=tuple(self._ignored.values()),
            filed_at=tuple(event.at for event in recent if event.kind == "filed"),
            said_at=tuple(sorted(event.at for event in recent if event.kind in ("filed", "said"))),
            drafts_count=sum(event.kind == "draft" for event in self._events),
        )

    def commit(self, *changes: Change) -> bool:
        """Keep all the changes, or none: false when something was changed since it was read."""
        before = (dict(self._episodes), dict(self._texts), dict(self._ignored), list(self._events))
        try:
            for change in changes:
                self._make(change)
        except _Changed:
            self._episodes, self._texts, self._ignored, self._events = before
            return False
        return True

    def _make(self, change: Change) -> None:
        match change:
            case KeepEpisode():
                key = change.episode.key
                was = self._episodes.get(key)
                _refuse_changed(change.version, was.version if was else 0)
                self._episodes[key] = KeptEpisode(episode=change.episode, version=change.version + 1)
            case AddText():
                _refuse_changed(0, self._texts[change.key].version if change.key in self._texts else 0)
                self._texts[change.key] = KeptText(
                    key=change.key, version=1, ended=False, entry=change.entry, letter=change.letter
                )
            case MoveText():
                text = self._texts.get(change.key)
                if text is None or text.version != change.version:
                    raise _Changed
                self._texts[change.key] = KeptText(
                    key=text.key,
                    version=text.version + 1,
                    ended=change.ended,
                    entry=change.entry,
                    letter=text.letter,
                )
            case Note():
                at = change.event.at.replace(microsecond=0)
                event = change.event
                self._events.append(Event(at=at, kind=event.kind, key=event.key, said=event.said[:2000]))
            case Ignore():
                self._ignored[change.rule.fingerprint] = change.rule
            case Heed():
                self._ignored.pop(change.fingerprint, None)

    def waiting(self) -> tuple[KeptText, ...]:
        """Return the texts that are not at an end, the oldest first, without their letters."""
        return tuple(_bare(text) for text in self._texts.values() if not text.ended)

    def texts(self, count: int) -> tuple[KeptText, ...]:
        """Return the newest texts, the newest first, without their letters."""
        return tuple(_bare(text) for text in list(self._texts.values())[::-1][:count])

    def text(self, key: str) -> KeptText | None:
        """Return one text with its letter; None when there is none."""
        return self._texts.get(key)

    def events(self, kind: EventKind, count: int) -> tuple[Event, ...]:
        """Return the newest events of a kind, the newest first."""
        return tuple([event for event in self._events if event.kind == kind][::-1][:count])


def _refuse_changed(read: int, found: int) -> None:
    if read != found:
        raise _Changed


def _bare(text: KeptText) -> KeptText:
    return KeptText(key=text.key, version=text.version, ended=text.ended, entry=text.entry)
