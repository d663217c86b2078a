"""What sending remembers: the same on the disk and in memory, all of a change or none, never twice."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from remembered import ADD, EPISODE, NOW, RULE, note

from iwx_agent.state import Door, StateError
from iwx_agent.state.contract import (
    AddText,
    Change,
    Event,
    Heed,
    Ignore,
    KeepEpisode,
    KeptEpisode,
    KeptText,
    MoveText,
    Past,
    Store,
)
from iwx_agent.state.memory import MemoryStore
from iwx_agent.state.store import DiskStore


@pytest.fixture(params=[DiskStore, MemoryStore])
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param()
    return made


def test_nothing_is_remembered_yet(store: Store) -> None:
    assert store.past(NOW) == Past()
    assert store.waiting() == store.texts(9) == ()
    assert store.events("filed", 9) == ()
    assert store.text("iwx-1") is None


def test_a_ticket_is_filed_together_with_what_is_known_of_it(store: Store) -> None:
    assert store.commit(KeepEpisode(episode=EPISODE), ADD, note("filed"))
    assert store.past(NOW) == Past(
        episode=KeptEpisode(episode=EPISODE, version=1), filed_at=(NOW,), said_at=(NOW,)
    )
    bare = KeptText(key="iwx-1", version=1, ended=False, entry=b"queued")
    assert store.waiting() == store.texts(9) == (bare,)
    assert store.text("iwx-1") == replace(bare, letter=ADD.letter)


def test_who_read_an_older_version_changes_nothing_at_all(store: Store) -> None:
    store.commit(KeepEpisode(episode=EPISODE), ADD)
    updated = replace(EPISODE, updates_count=1)
    assert store.commit(KeepEpisode(episode=updated, version=1))
    before = store.past(NOW)
    for late in (
        KeepEpisode(episode=EPISODE, version=1),
        KeepEpisode(episode=EPISODE),
        KeepEpisode(episode=EPISODE, version=3),
        KeepEpisode(episode=replace(EPISODE, key="other"), version=1),
        ADD,
        MoveText(key="iwx-1", version=2, entry=b"", ended=False),
        MoveText(key="other", version=1, entry=b"", ended=False),
    ):
        assert not store.commit(note("filed"), Ignore(rule=RULE), late)
        assert not store.commit(late, note("filed"), Ignore(rule=RULE))
    assert store.past(NOW) == before == Past(episode=KeptEpisode(episode=updated, version=2))
    assert store.text("iwx-1") == KeptText(
        key="iwx-1", version=1, ended=False, entry=b"queued", letter=ADD.letter
    )


def test_an_attempt_is_begun_once(store: Store) -> None:
    store.commit(ADD)
    begin = MoveText(key="iwx-1", version=1, entry=b"sending", ended=False)
    assert [store.commit(begin) for _ in range(3)] == [True, False, False]
    assert store.commit(MoveText(key="iwx-1", version=2, entry=b"sent", ended=True))
    assert store.waiting() == ()
    assert store.text("iwx-1") == KeptText(
        key="iwx-1", version=3, ended=True, entry=b"sent", letter=ADD.letter
    )


def test_texts_wait_in_their_order(store: Store) -> None:
    for key in ("b", "a", "c"):
        store.commit(AddText(key=key, entry=b"", letter=b""))
    store.commit(MoveText(key="b", version=1, entry=b"", ended=False))
    assert [text.key for text in store.waiting()] == ["b", "a", "c"]
    assert [text.key for text in store.texts(2)] == ["c", "a"]


def test_the_last_episode_counts(store: Store) -> None:
    other = replace(EPISODE, key="iwx-2")
    store.commit(KeepEpisode(episode=replace(EPISODE, over_at=NOW)))
    store.commit(KeepEpisode(episode=other))
    store.commit(KeepEpisode(episode=replace(EPISODE, over_at=NOW, returns_count=1), version=1))
    found = store.past(NOW).episode
    assert found is not None
    assert found.episode == other


def test_what_was_filed_and_said_since_then_and_all_drafts(store: Store) -> None:
    store.commit(note("filed", -10), note("said", -20), note("said", -5), note("draft", -600))
    store.commit(note("decision", 0, "nothing"), note("filed", 0))
    found = store.past(NOW - timedelta(minutes=10))
    assert found.filed_at == (NOW - timedelta(minutes=10), NOW)
    assert found.said_at == (NOW - timedelta(minutes=10), NOW - timedelta(minutes=5), NOW)
    assert found.drafts_count == 1


def test_a_rule_counts_until_it_is_taken_back(store: Store) -> None:
    store.commit(Ignore(rule=RULE))
    worse = replace(RULE, unless_worse=True)
    store.commit(Ignore(rule=worse), Ignore(rule=replace(RULE, fingerprint="g")))
    assert set(store.past(NOW).ignored) == {worse, replace(RULE, fingerprint="g")}
    store.commit(Heed(fingerprint="f"), Heed(fingerprint="never"))
    assert store.past(NOW).ignored == (replace(RULE, fingerprint="g"),)
    store.commit(Ignore(rule=RULE))
    assert RULE in store.past(NOW).ignored


def test_what_happened_is_told_the_newest_first_and_bounded(store: Store) -> None:
    for minute, said in enumerate(("one", "two", "x" * 5000)):
        store.commit(note("decision", minute, said))
    store.commit(note("outgoing", 9, "sha256 0"))
    found = store.events("decision", 2)
    assert [event.said for event in found] == ["x" * 2000, "two"]
    assert found[1] == Event(at=NOW + timedelta(minutes=1), kind="decision", key="iwx-1", said="two")


CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(
        KeepEpisode,
        episode=st.builds(
            lambda key, count, over: replace(
                EPISODE, key=key, updates_count=count, over_at=NOW if over else None
            ),
            st.sampled_from("ab"),
            st.integers(0, 9),
            st.booleans(),
        ),
        version=st.integers(0, 3),
    ),
    st.builds(AddText, key=st.sampled_from("ab"), entry=st.binary(max_size=4), letter=st.binary(max_size=9)),
    st.builds(
        MoveText,
        key=st.sampled_from("ab"),
        version=st.integers(1, 4),
        entry=st.binary(max_size=4),
        ended=st.booleans(),
    ),
    st.builds(
        note,
        st.sampled_from(["filed", "said", "draft", "decision"]),
        st.integers(-5, 5),
    ),
    st.builds(Ignore, rule=st.builds(lambda key: replace(RULE, fingerprint=key), st.sampled_from("fg"))),
    st.builds(Heed, fingerprint=st.sampled_from("fg")),
)


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(st.lists(CHANGES, min_size=1, max_size=3), max_size=8))
def test_disk_and_memory_remember_the_same(
    rounds: list[list[Change]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    disk, memory = DiskStore(Door(tmp_path_factory.mktemp("store") / "kept")), MemoryStore()
    for changes in rounds:
        assert disk.commit(*changes) == memory.commit(*changes)
    looks: list[Callable[[Store], Any]] = [
        lambda store: replace(store.past(NOW), ignored=()),
        lambda store: set(store.past(NOW).ignored),
        lambda store: store.waiting(),
        lambda store: store.texts(9),
        lambda store: [store.text(key) for key in "ab"],
        lambda store: [store.events(kind, 9) for kind in ("filed", "draft", "decision")],
    ]
    for look in looks:
        assert look(disk) == look(memory)


# The disk alone


def test_what_is_at_an_end_is_bounded_and_what_waits_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.store.ENDED_COUNT", 2)
    monkeypatch.setattr("iwx_agent.state.store.ENDED_BYTES", 250)
    monkeypatch.setattr("iwx_agent.state.store.EVENTS_COUNT", 3)
    store = DiskStore()
    for number in range(6):
        key = str(number)
        store.commit(AddText(key=key, entry=b"", letter=b"x" * 100), note("decision", number, key))
        if number % 2:
            store.commit(MoveText(key=key, version=1, entry=b"", ended=True))
    assert [text.key for text in store.texts(9)] == ["5", "4", "3", "2", "0"]
    store.commit(AddText(key="large", entry=b"", letter=b"x" * 200))
    store.commit(MoveText(key="large", version=1, entry=b"", ended=True))
    assert [text.key for text in store.texts(9)] == ["large", "4", "2", "0"]
    assert [event.said for event in store.events("decision", 9)] == ["5", "4", "3"]


@pytest.mark.parametrize("damage", ["7b", "22ff22", "ff", ""])
def test_an_open_episode_that_cannot_be_read_is_known_by_what_was_said(damage: str) -> None:
    store = DiskStore()
    store.commit(KeepEpisode(episode=EPISODE), note("filed"), note("said", 7))
    store.door.write((f"UPDATE episodes SET body = x'{damage}'", (), 1))
    kept = store.past(NOW).episode
    assert kept == store.episode()
    assert kept is not None
    assert (kept.version, kept.episode.key, kept.episode.told, kept.episode.texts_count) == (
        1,
        "iwx-1",
        (),
        2,
    )
    assert (kept.episode.opened_at, kept.episode.last_bad_at) == (NOW, NOW + timedelta(minutes=7))
    (said,) = store.damaged.values()
    assert said.startswith("what iwx-1 was about is damaged: ")
    store.door.write(("UPDATE episodes SET ended = 1", (), 1))
    assert store.past(NOW).episode is None


@pytest.mark.parametrize("damage", ["7b", "22ff22", "ff"])
def test_a_rule_that_cannot_be_read_does_not_hold_and_the_others_do(damage: str) -> None:
    store = DiskStore()
    store.commit(Ignore(rule=RULE), Ignore(rule=replace(RULE, fingerprint="g")))
    store.door.write((f"UPDATE ignored SET body = x'{damage}' WHERE key = 'f'", (), 1))
    assert [rule.fingerprint for rule in store.past(NOW).ignored] == ["g"]
    assert [(key, rule is None) for key, _, rule in store.rules()] == [("f", True), ("g", False)]
    (said,) = store.damaged.values()
    assert said.startswith("the rule to ignore f is damaged: ")


def test_a_flipped_bit_in_words_costs_these_words_only() -> None:
    store = DiskStore()
    store.commit(note("decision", 0, "one"), note("decision", 1, "two"))
    store.door.write(("UPDATE events SET said = CAST(x'6fff65' AS TEXT) WHERE said = 'one'", (), 1))
    assert [event.said for event in store.events("decision", 9)] == ["two", "o\ufffde"]


def test_what_cannot_be_kept_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    store = DiskStore()
    store.door.directory.symlink_to("/tmp")
    with pytest.raises(StateError, match="left alone"):
        store.commit(ADD)
    with pytest.raises(StateError, match="left alone"):
        store.waiting()


def test_the_open_ticket_is_kept_and_goes_along_for_what_is_said_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("iwx_agent.state.store.ENDED_COUNT", 1)
    store = DiskStore()
    store.commit(KeepEpisode(episode=EPISODE), ADD)
    store.commit(MoveText(key="iwx-1", version=1, entry=b"sent", ended=True))
    for key in ("a", "b"):
        store.commit(AddText(key=key, entry=b"", letter=b""))
        store.commit(MoveText(key=key, version=1, entry=b"", ended=True))
    assert [text.key for text in store.texts(9)] == ["b", "iwx-1"]
    other = DiskStore(Door(tmp_path / "other"))
    other.adopt(store, in_use_only=True)
    assert other.texts(9) == store.texts(9)[1:]
    assert other.text("iwx-1") == store.text("iwx-1")
    store.commit(KeepEpisode(episode=replace(EPISODE, key="later")))
    store.commit(MoveText(key="b", version=2, entry=b"", ended=True))
    assert [text.key for text in store.texts(9)] == ["b"]
