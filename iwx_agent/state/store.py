"""The store on the disk: each question is one transaction behind the door."""

import os
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import msgspec

from iwx_agent.model import Priority
from iwx_agent.model.episode import Episode, Ignored
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
from iwx_agent.state.door import Door, StateError, Step
from iwx_agent.state.reading import decoded
from iwx_agent.state.schema import EPISODES, IGNORED, OUTBOX, VERSIONED

ENDED_COUNT = 300  # of each table: what nobody waits for any more
ENDED_BYTES = 50 * 1024 * 1024
EVENTS_COUNT = 10_000  # of each kind
_IGNORED_COUNT = 1000
_SAID_CHARACTERS = 2000
_EVENTS_AT_ONCE = 10  # a worker can be handed 128 KiB in words

_ADD = "INSERT OR IGNORE INTO {} (key, version, ended, body, letter) VALUES (?, 1, ?, ?, ?)"
_MOVE = "UPDATE {} SET version = version + 1, ended = ?, body = ? WHERE key = ? AND version = ?"
_PUT = """
INSERT INTO ignored (key, version, ended, body, letter) VALUES (?, 1, ?, ?, x'')
ON CONFLICT (key) DO UPDATE SET version = version + 1, ended = excluded.ended, body = excluded.body
"""
_NOTE = "INSERT INTO events (id, at, kind, key, said) VALUES (?, ?, ?, ?, ?)"
_CLEAR = """
DELETE FROM {} WHERE ended = 1 AND number IN (
    SELECT number FROM (
        SELECT number,
            row_number() OVER (ORDER BY number DESC) AS place,
            sum(length(body) + length(letter)) OVER (ORDER BY number DESC) AS total_bytes
        FROM {} WHERE ended = 1
    ) WHERE place > ? OR total_bytes > ?
) AND key NOT IN (SELECT key FROM episodes ORDER BY number DESC LIMIT 1)
"""
_CLEAR_EVENTS = """
DELETE FROM events WHERE kind = ? AND number <= (
    SELECT number FROM events WHERE kind = ? ORDER BY number DESC LIMIT 1 OFFSET ?
)
"""
_EPISODE = "SELECT key, version, ended, body FROM episodes ORDER BY number DESC LIMIT 1"
_LAST_KEY = "SELECT key FROM episodes ORDER BY number DESC LIMIT 1"
_RULES = "SELECT key, body FROM ignored WHERE ended = 0 ORDER BY number LIMIT ?"
_RULES_EVER = "SELECT key, version, ended, body FROM ignored ORDER BY number DESC LIMIT ?"
_SINCE = "SELECT at FROM events WHERE kind = ? AND at >= ? ORDER BY number"
_COUNT = "SELECT count(*) FROM events WHERE kind = ?"
_EVENTS = "SELECT at, key, said FROM events WHERE kind = ? ORDER BY number DESC LIMIT ?"
_TEXTS = "SELECT key, version, ended, body, x'' FROM outbox"
_TEXT = "SELECT key, version, ended, body, letter FROM outbox WHERE key = ?"
_EVERYTHING = "SELECT key, version, ended, body, letter FROM {}{} ORDER BY number"
_ALL_EVENTS = "SELECT id, at, kind, key, said FROM events{} ORDER BY number"
_ADOPT = """
INSERT INTO {0} (key, version, ended, body, letter) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE
SET version = excluded.version, ended = excluded.ended, body = excluded.body, letter = excluded.letter
WHERE excluded.version > {0}.version
"""
_IN_USE = " WHERE kind IN ('filed', 'said', 'draft', 'assistance', 'lost')"
_FORGET = "DELETE FROM {}"
_ADOPT_EVENT = "INSERT OR IGNORE INTO events (id, at, kind, key, said) VALUES (?, ?, ?, ?, ?)"
_IDS = "SELECT id FROM events"
_NEWEST = "SELECT id, at FROM events WHERE kind = ? ORDER BY number DESC LIMIT 100"
_AGAIN_NEWEST = "UPDATE events SET number = (SELECT max(number) + 1 FROM events) WHERE id = ?"
_ANYTHING = "SELECT 1 FROM {} LIMIT 1"
_TOLD_OF = "SELECT at, kind FROM events WHERE key = ? AND kind IN ('filed', 'draft', 'said') ORDER BY number"


class DiskStore:
    """A ``Store`` in a database, and what carries it over into another one.

    ``damaged`` says of which entries what was kept cannot be read, by what they are; the rest can.
    ``damaged_rules`` are the fingerprints of rules among them, which do not hold.
    """

    def __init__(self, door: Door | None = None) -> None:
        self.door = door or Door()
        self.damaged: dict[str, str] = {}
        self.damaged_rules: list[str] = []

    def past(self, since: datetime) -> Past:
        """Return what a decision rests on; nothing when nothing has been kept yet."""
        begins = _second(since)
        asked: tuple[Step, ...] = (
            (_EPISODE, (), None),
            (_RULES, (_IGNORED_COUNT,), None),
            (_SINCE, ("filed", begins), None),
            (_SINCE, ("said", begins), None),
            (_COUNT, ("draft",), None),
        )
        found = self._read(*asked)
        if found is None:
            return Past()
        episodes, rules, filed, said, drafts = found
        return Past(
            episode=self._episode(episodes),
            ignored=tuple(rule for key, body in rules if (rule := self._rule(key, body)) is not None),
            filed_at=tuple(_moment(at) for (at,) in filed),
            said_at=tuple(sorted(_moment(at) for (at,) in (*filed, *said))),
            drafts_count=drafts[0][0],
        )

    def commit(self, *changes: Change) -> bool:
        """Keep all the changes for good, or none: false when something was changed since it was read."""
        handed = bytearray()
        steps = [_step(change, handed) for change in changes]
        steps += _clearing(changes)
        try:
            self.door.write(*steps, handed=bytes(handed))
        except StateError as error:
            if error.kind == "conflict":
                return False
            raise
        return True

    def waiting(self) -> tuple[KeptText, ...]:
        """Return the texts that are not at an end, the oldest first, without their letters."""
        return self._texts((f"{_TEXTS} WHERE ended = 0 ORDER BY number", (), None))

    def texts(self, count: int) -> tuple[KeptText, ...]:
        """Return the newest texts, the newest first, without their letters."""
        return self._texts((f"{_TEXTS} ORDER BY number DESC LIMIT ?", (count,), None))

    def text(self, key: str) -> KeptText | None:
        """Return one text with its letter; None when there is none."""
        return next(iter(self._texts((_TEXT, (key,), None))), None)

    def events(self, kind: EventKind, count: int) -> tuple[Event, ...]:
        """Return the newest events of a kind, the newest first."""
        found = self._read((_EVENTS, (kind, count), None))
        rows = found[0] if found else []
        return tuple(Event(at=_moment(at), kind=kind, key=key, said=said) for at, key, said in rows)

    def episode(self) -> KeptEpisode | None:
        """Return the last episode; None before the first."""
        found = self._read((_EPISODE, (), None))
        return self._episode(found[0] if found else [])

    def rules(self) -> tuple[tuple[str, int, Ignored | None], ...]:
        """Return fingerprint, version and rule of all that was ever ignored; None: taken back since."""
        found = self._read((_RULES_EVER, (_IGNORED_COUNT,), None))
        rows = reversed(found[0]) if found else ()
        return tuple(
            (key, version, None if ended else self._rule(key, body)) for key, version, ended, body in rows
        )

    def adopt(self, other: "DiskStore", *, in_use_only: bool = False) -> None:
        """Take over from another store what is newer there, and what is not here. Changes nothing there.

        ``in_use_only``: of the texts at an end only the last episode's ticket, to which more may be said, and
        of the events only those that a decision rests on.
        """
        waits = {OUTBOX: f" WHERE ended = 0 OR key IN ({_LAST_KEY})"} if in_use_only else {}
        tables = (_EVERYTHING.format(table, waits.get(table, "")) for table in VERSIONED)
        events = _ALL_EVENTS.format(_IN_USE if in_use_only else "")
        found = other._read(*((asked, (), None) for asked in (*tables, events)))
        if found is None:
            return
        for table, rows in zip(VERSIONED, found, strict=False):
            statement = _ADOPT.format(table)
            for key, version, ended, body, letter in rows:
                handed = bytearray()
                parts = (_hand(body, handed), _hand(letter, handed))
                self.door.write((statement, (key, version, ended, *parts), None), handed=bytes(handed))
        self._adopt_events(found[-1])

    def _adopt_events(self, rows: list[tuple[Any, ...]]) -> None:
        """Take over what is not here; what happened here after all of it stays the newest of its kind."""
        known = {one for (one,) in (self._read((_IDS, (), None)) or [[]])[0]}
        fresh = [row for row in rows if row[0] not in known]
        latest = {kind: max(at for _, at, of, *_ in fresh if of == kind) for _, _, kind, *_ in fresh}
        newer: list[str] = []
        for kind, at in latest.items():
            here = (self._read((_NEWEST, (kind,), None)) or [[]])[0]
            trailing = list(takewhile(lambda row: row[1] > at, here))  # noqa: B023 - used at once
            newer += [one for one, _ in reversed(trailing)]
        steps: list[Step] = [(_ADOPT_EVENT, row, None) for row in fresh]
        steps += [(_AGAIN_NEWEST, (one,), None) for one in newer]
        for start in range(0, len(steps), _EVENTS_AT_ONCE):
            self.door.write(*steps[start : start + _EVENTS_AT_ONCE])

    def keeps_anything(self) -> bool:
        """Return whether anything but saved runs is kept."""
        found = self._read(*((_ANYTHING.format(table), (), None) for table in (*VERSIONED, "events")))
        return found is not None and any(found)

    def clear(self) -> None:
        """Forget everything but saved runs."""
        self.door.write(*((_FORGET.format(table), (), None) for table in (*VERSIONED, "events")))

    def probe(self) -> None:
        """Write something that changes nothing, so that a full or read-only disk is told now."""
        self.door.write(
            (_NOTE, ("probe", 0, "probe", "", ""), 1),
            ("DELETE FROM events WHERE id = 'probe'", (), 1),
        )

    def _rule(self, key: str, body: bytes) -> Ignored | None:
        """Return a rule; None for one that cannot be read, which does not hold: ``auto`` speaks then."""
        try:
            return decoded(body, Ignored, f"the rule to ignore {key}")
        except StateError as error:
            self.damaged[f"rule {key}"] = f"{error.why}; it does not hold any more"
            self.damaged_rules.append(key)
            return None

    def _episode(self, rows: list[tuple[Any, ...]]) -> KeptEpisode | None:
        """Return the last episode; of one that cannot be read, what else is kept of its ticket."""
        if not rows:
            return None
        key, version, ended, body = rows[0]
        try:
            return KeptEpisode(episode=decoded(body, Episode, f"what {key} was about"), version=version)
        except StateError as error:
            self.damaged[f"episode {key}"] = error.why
        if ended:  # its ticket has heard its last word
            return None
        return KeptEpisode(episode=self._rebuilt(key), version=version)

    def _rebuilt(self, key: str) -> Episode:
        """Return the open episode of a ticket as far as it is known: what it has told is told once more."""
        rows = (self._read((_TOLD_OF, (key,), None)) or [[]])[0]
        opened = [at for at, kind in rows if kind != "said"] or [at for at, _ in rows] or [0]
        texts = [at for at, kind in rows if kind == "said"]
        return Episode(
            key=key,
            opened_at=_moment(opened[-1]),
            began_at=_moment(opened[-1]),
            told=(),
            told_at=_moment(max(*opened, *texts, 0)),
            priority=Priority.URGENT,
            last_bad_at=_moment(max(*opened, *texts, 0)),
            updates_count=len(texts),
            texts_count=1 + len(texts),
        )

    def _texts(self, step: Step) -> tuple[KeptText, ...]:
        found = self._read(step)
        rows = found[0] if found else []
        return tuple(
            KeptText(key=key, version=version, ended=bool(ended), entry=entry, letter=letter)
            for key, version, ended, entry, letter in rows
        )

    def _read(self, *steps: Step) -> list[list[tuple[Any, ...]]] | None:
        """Return the rows of each step; None when nothing has been kept yet."""
        try:
            return [rows for rows, _ in self.door.read(*steps)]
        except StateError as error:
            if error.kind == "absent":
                return None
            raise


def _step(change: Change, handed: bytearray) -> Step:
    match change:
        case KeepEpisode():
            episode = change.episode
            body = _hand(msgspec.json.encode(episode), handed)
            ended = int(episode.over_at is not None)
            if change.version:
                return (_MOVE.format(EPISODES), (ended, body, episode.key, change.version), 1)
            return (_ADD.format(EPISODES), (episode.key, ended, body, (0, 0)), 1)
        case AddText():
            parts = (_hand(change.entry, handed), _hand(change.letter, handed))
            return (_ADD.format(OUTBOX), (change.key, 0, *parts), 1)
        case MoveText():
            body = _hand(change.entry, handed)
            return (_MOVE.format(OUTBOX), (int(change.ended), body, change.key, change.version), 1)
        case Note():
            event = change.event
            said = event.said[:_SAID_CHARACTERS].encode("utf-8", "replace").decode()
            return (_NOTE, (os.urandom(16).hex(), _second(event.at), event.kind, event.key, said), 1)
        case Ignore():
            body = _hand(msgspec.json.encode(change.rule), handed)
            return (_PUT, (change.rule.fingerprint, 0, body), 1)
        case Heed():
            return (_PUT, (change.fingerprint, 1, (0, 0)), 1)


_TABLES = {KeepEpisode: EPISODES, AddText: OUTBOX, MoveText: OUTBOX, Ignore: IGNORED, Heed: IGNORED}


def _clearing(changes: tuple[Change, ...]) -> list[Step]:
    """Return what makes room after changes; what somebody waits for is never removed."""
    bounds = (ENDED_COUNT, ENDED_BYTES)
    tables = {_TABLES.get(type(one)) for one in changes}
    steps: list[Step] = [
        (_CLEAR.format(table, table), bounds, None) for table in VERSIONED if table in tables
    ]
    kinds = sorted({one.event.kind for one in changes if isinstance(one, Note)})
    return steps + [(_CLEAR_EVENTS, (kind, kind, EVENTS_COUNT), None) for kind in kinds]


def _hand(data: bytes, handed: bytearray) -> tuple[int, int]:
    start = len(handed)
    handed += data
    return start, len(handed)


def _second(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
