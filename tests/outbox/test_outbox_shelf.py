"""Entries and letters in a store: they come back as they were, and are moved by one process only."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import Entry, State
from iwx_agent.outbox.sending import Kept, Sender
from iwx_agent.outbox.shelf import StoreShelf, adding, entry_of
from iwx_agent.state import StateError
from iwx_agent.state.contract import AddText, MoveText, Store
from iwx_agent.state.memory import MemoryStore
from iwx_agent.state.store import DiskStore
from iwx_agent.transports.contract import Attachment, Letter, NotFound, Receipt

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LETTER = Letter(
    key="iwx-1",
    category="Support",
    ip_address_or_hostname="iwx1.example.com",
    assistance="Yes",
    subject="[iwx-1] Mail is down",
    message="qmail-send is down.",
    priority="Urgent",
    attachments=(Attachment(name="b.tar.gz", media_type="application/gzip", data=bytes(range(256)) * 500),),
)
ENTRY = Entry(key="iwx-1", chain=("portal",), state=State.QUEUED, created_at=NOW, due_at=NOW)


@pytest.fixture(params=[DiskStore, MemoryStore])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
    made: Store = request.param()
    assert made.commit(adding(ENTRY, LETTER))
    return made


class Desk:
    """Takes everything."""

    name = "portal"

    def __init__(self) -> None:
        self.received: list[Letter] = []

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        self.received.append(letter)
        return Receipt(transport=self.name, reference="7")

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound:
        return NotFound(said="its list")


def test_what_waits_comes_back_whole(store: Store) -> None:
    assert StoreShelf(store).waiting() == (Kept(entry=ENTRY, letter=LETTER, version=1),)
    assert StoreShelf(store).one("iwx-2") is None
    assert [entry_of(text) for text in store.texts(9)] == [ENTRY]


def test_a_text_is_sent_from_it_once(store: Store) -> None:
    desk = Desk()
    for _ in range(2):
        Sender(
            StoreShelf(store),
            {"portal": desk},
            OutboxRules(),
            now=lambda: NOW,
            jitter=lambda: 1.0,
            left_s=lambda: 100.0,
        ).run()
    assert desk.received == [LETTER]
    assert StoreShelf(store).waiting() == ()
    sent = StoreShelf(store).one("iwx-1")
    assert sent is not None
    assert (sent.entry.state, sent.entry.reference, sent.version) == (State.SENT, "7", 3)


def test_who_comes_second_moves_nothing(store: Store) -> None:
    shelf = StoreShelf(store)
    (kept,) = shelf.waiting()
    begun = replace(ENTRY, state=State.SENDING)
    assert shelf.move(kept, begun) == Kept(entry=begun, letter=LETTER, version=2)
    assert shelf.move(kept, replace(ENTRY, state=State.DROPPED)) is None
    assert shelf.waiting() == (Kept(entry=begun, letter=LETTER, version=2),)


@pytest.mark.parametrize("damaged", [{"entry": b"{"}, {"letter": b"{"}, {"letter": b""}])
def test_what_is_damaged_is_said_and_stops_nothing_else(store: Store, damaged: dict[str, bytes]) -> None:
    whole = {"entry": msgspec.json.encode(ENTRY), "letter": msgspec.json.encode(LETTER)}
    store.commit(AddText(key="bad", **(whole | damaged)))
    store.commit(adding(replace(ENTRY, key="iwx-2"), LETTER))
    shelf = StoreShelf(store)
    assert [kept.entry.key for kept in shelf.waiting()] == ["iwx-1", "iwx-2"]
    (said,) = shelf.damaged
    assert said.startswith("what is kept of bad is damaged: ")
    with pytest.raises(StateError, match="what is kept of bad is damaged"):
        shelf.one("bad")


class Sick:
    """A store whose disk breaks between two questions."""

    def __init__(self, store: Store) -> None:
        self.waiting = store.waiting

    def text(self, key: str) -> None:
        raise StateError("Input/output error", "failed")


def test_a_sick_disk_is_no_damaged_entry(store: Store) -> None:
    sick: Any = Sick(store)
    with pytest.raises(StateError, match="Input/output error"):
        StoreShelf(sick).waiting()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"position":0', b'"position":4'),
        (b'"position":0', b'"position":-1'),
        (b'"key":"iwx-1"', b'"key":"iwx-0"'),
        (b'"key":"iwx-1"', b'"key":"iwx\xad1"'),
        (b'"key"', b'"ke"'),
    ],
)
def test_an_entry_that_is_none_is_damaged_and_stops_no_other(store: Store, old: bytes, new: bytes) -> None:
    text = store.text("iwx-1")
    assert text is not None
    assert old in text.entry
    assert store.commit(
        MoveText(key="iwx-1", version=1, entry=text.entry.replace(old, new), ended=False),
        adding(replace(ENTRY, key="iwx-2"), replace(LETTER, key="iwx-2")),
    )
    shelf = StoreShelf(store)
    assert [kept.entry.key for kept in shelf.waiting()] == ["iwx-2"]
    (said,) = shelf.damaged
    assert said.startswith("what is kept of iwx-1 is damaged: ")
