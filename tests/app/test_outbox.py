"""The outbox as a person sees it and steers it, in memory and on the disk."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from remembered import EPISODE
from steering import CHAIN, LETTER, NOW, PUT_OFF, Server, entry, lines_of, put

from iwx_agent.app.naming import NotOneError
from iwx_agent.app.outbox import drop, listed, retry, shown
from iwx_agent.app.steering import Hand, RefusedError
from iwx_agent.audit import Audit
from iwx_agent.model.steering import OutboxAttempt
from iwx_agent.outbox.machine import Attempt, State
from iwx_agent.outbox.shelf import adding, entry_of
from iwx_agent.state import Runs
from iwx_agent.state.contract import AddText, KeepEpisode, Store
from iwx_agent.state.latest import Latest
from iwx_agent.state.memory import MemoryStore
from iwx_agent.state.store import DiskStore

EVERY = tuple(entry(f"iwx-{state}", state) for state in State)


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)


@pytest.fixture(params=[DiskStore, MemoryStore])
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param()
    return made


@pytest.fixture
def hand(store: Store, tmp_path: Path) -> Hand:
    return Hand(Server(), store, Runs(), Audit(tmp_path / "log", lambda line: None))


def states(store: Store) -> dict[str, str]:
    return {text.key: str(entry_of(text).state) for text in store.texts(99)}


# Looking


def test_nothing_is_listed_where_nothing_was_kept() -> None:
    found = listed(Latest(), NOW)
    assert (found.at, found.texts, found.hidden_count) == (NOW, (), 0)


def test_what_waits_and_what_failed_is_listed_and_all_on_demand() -> None:
    put(DiskStore(), *EVERY)
    found = listed(Latest(), NOW)
    assert [line.state for line in found.texts] == ["draft", "queued", "sending", "uncertain", "failed"]
    assert found.hidden_count == 2
    everything = listed(Latest(), NOW, everything=True)
    assert [line.key for line in everything.texts] == [one.key for one in EVERY]
    assert [line.ended for line in everything.texts] == [False] * 4 + [True] * 3
    assert everything.hidden_count == 0


def test_a_line_of_it() -> None:
    later = NOW + timedelta(minutes=4)
    put(
        DiskStore(),
        entry(
            due_at=later, position=1, attempts=(replace(PUT_OFF, said="x"), PUT_OFF), reference="7", url="u"
        ),
    )
    (line,) = listed(Latest(), NOW).texts
    assert (line.due_at, line.transport, line.attempts_count) == (later, "email", 2)
    assert (line.said, line.said_at) == ("503 Service Unavailable", NOW)
    assert (line.reference, line.url, line.repeated) == ("7", "u", False)


@pytest.mark.parametrize("count", [99, 100])
def test_what_has_had_all_attempts_of_a_day_waits_for_the_next(count: int) -> None:
    attempts = tuple(replace(PUT_OFF, at=NOW - timedelta(minutes=100 - n)) for n in range(count))
    put(DiskStore(), entry(attempts=attempts))
    (line,) = listed(Latest(), NOW).texts
    assert line.due_at == (NOW if count == 99 else NOW + timedelta(days=1) - timedelta(minutes=100))


def test_attempts_of_another_day_do_not_count() -> None:
    attempts = tuple(replace(PUT_OFF, at=NOW - timedelta(days=1)) for _ in range(50))
    put(DiskStore(), entry(attempts=attempts))
    assert listed(Latest(), NOW).texts[0].due_at == NOW


NO_TRANSPORT = [{"chain": ()}, {"position": 3}, {"position": -1}]


@pytest.mark.parametrize("damaged", NO_TRANSPORT)
def test_one_that_names_no_transport_is_damaged(damaged: dict[str, Any]) -> None:
    put(DiskStore(), entry(**damaged), entry("iwx-2"))
    first, second = listed(Latest(), NOW).texts
    assert (first.state, first.said) == (
        "damaged",
        "what is kept of iwx-1a is damaged: it names no transport",
    )
    assert second.state == "queued"


def test_one_text_in_full() -> None:
    put(DiskStore(), entry(attempts=(PUT_OFF,)))
    found = shown(Latest(), NOW, "iwx-1")
    assert (found.line.key, found.chain, found.unread) == ("iwx-1a", CHAIN, "")
    assert found.attempts == (
        OutboxAttempt(at=NOW, transport="portal", ending="later", said="503 Service Unavailable"),
    )
    assert found.letter is not None
    assert found.letter.message == LETTER.message
    assert found.letter.subject == LETTER.subject
    (attached,) = found.letter.attachments
    assert (attached.name, attached.size_bytes) == ("b.tar.gz", 3)
    # printf abc | sha256sum
    assert attached.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_text_is_shown_as_it_would_be_sent_now() -> None:
    put(DiskStore(), entry(repeated=True), entry("iwx-2", State.UNCERTAIN, repeated=True))
    again, unknown = shown(Latest(), NOW, "iwx-1a").letter, shown(Latest(), NOW, "iwx-2").letter
    assert again is not None
    assert again.message == (
        "This may be a duplicate of iwx-1a: whether that one was received could not be told.\n\n"
        + LETTER.message
    )
    assert unknown is not None
    assert unknown.message == LETTER.message


def test_a_damaged_text_is_said() -> None:
    store = DiskStore()
    store.commit(AddText(key="iwx-bad", entry=b"{", letter=b"{"))
    found = shown(Latest(), NOW, "iwx-bad")
    assert (found.line.state, found.chain, found.attempts, found.letter) == ("damaged", (), (), None)
    assert found.unread.startswith("its text is damaged and cannot be sent: ")


class Vanishing(Latest):
    """The text is removed between two questions."""

    def text(self, key: str) -> None:
        return None


def test_one_that_has_just_gone() -> None:
    put(DiskStore(), entry())
    with pytest.raises(RefusedError, match="iwx-1a is not there any more"):
        shown(Vanishing(), NOW, "iwx-1a")


@pytest.mark.parametrize("given", ["iwx-", "nope", ""])
def test_no_text_or_several(given: str, store: Store, hand: Hand) -> None:
    put(store, entry("iwx-1"), entry("iwx-2"))
    calls: list[Callable[[], object]] = [lambda: retry(hand, given), lambda: drop(hand, given, "x")]
    for call in calls:
        with pytest.raises(NotOneError):
            call()
    assert states(store) == {"iwx-1": "queued", "iwx-2": "queued"}


# Again


@pytest.mark.parametrize("state", [State.DRAFT, State.FAILED])
def test_a_draft_or_what_failed_is_queued_from_the_first_transport(
    state: State, store: Store, hand: Hand, tmp_path: Path
) -> None:
    put(store, entry(state=state, position=2, due_at=None))
    found = retry(hand, "iwx-1")
    assert (found.line.state, found.line.transport, found.line.due_at) == ("queued", "portal", NOW)
    assert (found.line.ended, found.chain) == (False, CHAIN)
    assert states(store) == {"iwx-1a": "queued"}
    assert [text.key for text in store.waiting()] == ["iwx-1a"]
    (intent, outcome) = lines_of(tmp_path / "log" / "audit.log")
    assert (intent["action"], intent["outcome"]) == ("outbox retry iwx-1a", f"{state} before")
    assert outcome["outcome"] == f"done: {state} before"


def test_what_is_uncertain_is_looked_for_and_not_sent(store: Store, hand: Hand) -> None:
    put(store, entry(state=State.UNCERTAIN, due_at=None, position=1, looks_count=5))
    found = retry(hand, "iwx-1a")
    assert (found.line.state, found.line.transport, found.line.due_at) == ("uncertain", "email", NOW)
    (text,) = store.waiting()
    assert entry_of(text).looks_count == 0


def test_what_waits_is_tried_now(store: Store, hand: Hand) -> None:
    put(store, entry(due_at=NOW + timedelta(hours=1), position=1))
    found = retry(hand, "iwx-1a")
    assert (found.line.state, found.line.transport, found.line.due_at) == ("queued", "email", NOW)


@pytest.mark.parametrize(
    ("state", "why", "next_step"),
    [
        (State.SENDING, "is being sent, or was when", "finds out which"),
        (State.SENT, "was sent", "iwx-agent submit"),
        (State.DROPPED, "was dropped", "iwx-agent submit"),
    ],
)
def test_what_cannot_be_tried_again(
    state: State, why: str, next_step: str, store: Store, hand: Hand, tmp_path: Path
) -> None:
    put(store, entry(state=state))
    with pytest.raises(RefusedError, match=why) as told:
        retry(hand, "iwx-1a")
    assert next_step in told.value.next_step
    assert states(store) == {"iwx-1a": str(state)}
    assert not (tmp_path / "log").exists()


def test_what_is_damaged_can_only_be_dropped(store: Store, hand: Hand) -> None:
    store.commit(AddText(key="iwx-bad", entry=b"{", letter=b""))
    with pytest.raises(RefusedError, match="what is kept of iwx-bad is damaged") as told:
        retry(hand, "iwx-bad")
    assert told.value.next_step == "To be rid of it: iwx-agent outbox drop iwx-bad --reason TEXT"
    found = drop(hand, "iwx-bad", "broken")
    assert (found.line.state, found.line.said) == ("dropped", "broken")
    assert store.waiting() == ()


# Dropped


@pytest.mark.parametrize("state", [State.DRAFT, State.QUEUED, State.UNCERTAIN, State.FAILED])
def test_what_is_not_sent_can_be_dropped(state: State, store: Store, hand: Hand, tmp_path: Path) -> None:
    put(store, entry(state=state, position=1), entry("iwx-2"))
    found = drop(hand, "iwx-1a", "mended by hand")
    assert (found.line.state, found.line.ended, found.line.due_at) == ("dropped", True, None)
    assert found.line.said == "mended by hand"
    assert states(store)["iwx-1a"] == "dropped"
    assert [text.key for text in store.waiting()] == ["iwx-2"]
    last = next(entry_of(text) for text in store.texts(9) if text.key == "iwx-1a").attempts[-1]
    assert last == Attempt(at=NOW, transport="email", ending="dropped", said="mended by hand")
    (intent, outcome) = lines_of(tmp_path / "log" / "audit.log")
    assert (intent["action"], intent["outcome"]) == ("outbox drop iwx-1a", "mended by hand")
    assert outcome["outcome"] == "done: mended by hand"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.SENDING, "may have been accepted"),
        (State.SENT, "was sent"),
        (State.DROPPED, "was dropped already"),
    ],
)
def test_what_is_or_was_sent_cannot_be_dropped(state: State, why: str, store: Store, hand: Hand) -> None:
    put(store, entry(state=state))
    with pytest.raises(RefusedError, match=why) as told:
        drop(hand, "iwx-1a", "x")
    assert told.value.next_step
    assert states(store) == {"iwx-1a": str(state)}


def test_the_letter_stays_with_what_is_moved(store: Store, hand: Hand) -> None:
    put(store, entry())
    store.commit(KeepEpisode(episode=EPISODE))
    before = store.text("iwx-1a")
    moves: list[Callable[[], object]] = [lambda: retry(hand, "iwx-1a"), lambda: drop(hand, "iwx-1a", "x")]
    for move in moves:
        move()
    after = store.text("iwx-1a")
    assert before is not None
    assert after is not None
    assert (after.letter, after.version) == (before.letter, before.version + 2)
    past = store.past(NOW).episode
    assert past is not None
    assert past.episode == EPISODE


def test_a_ticket_is_sent_by_what_is_set_up_now_and_an_update_to_where_its_ticket_is(
    store: Store, hand: Hand
) -> None:
    put(store, entry("iwx-1a", State.DRAFT, due_at=None))
    update = entry("iwx-1a-2", State.FAILED, due_at=None, chain=("portal",))
    assert store.commit(adding(update, replace(LETTER, reference="4711")))
    assert retry(hand, "iwx-1a", ("email",)).chain == ("email",)
    assert retry(hand, "iwx-1a-2", ("email",)).chain == ("portal",)
