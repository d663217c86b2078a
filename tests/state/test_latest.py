"""Who only looks sees the newer of what is on the disk and below /run, and makes nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from remembered import ADD, EPISODE, NOW, RULE, note

from iwx_agent.state import Door, StateError
from iwx_agent.state.contract import AddText, Heed, Ignore, KeepEpisode, MoveText
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.latest import Latest
from iwx_agent.state.store import DiskStore


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run-iwx-agent"


class Disk:
    """Stands in for the disk: full or silent on demand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
        self.full = self.silent = False
        whole: Any = Door._transact

        def transact(this: Door, steps: Any, *, create: bool, handed: bytes) -> Any:
            if this.directory == kept and self.silent:
                raise StateError("no answer within 5.0 s", "failed", this.path)
            if this.directory == kept and self.full and create:
                raise StateError("No space left on device", "unwritable", this.path)
            return whole(this, steps, create=create, handed=handed)

        monkeypatch.setattr(Door, "_transact", transact)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, kept: Path) -> Disk:
    return Disk(monkeypatch, kept)


def test_where_nothing_was_kept_nothing_is_seen_and_nothing_made(kept: Path, run: Path) -> None:
    latest = Latest()
    assert (latest.texts(), latest.text("iwx-1"), latest.episode(), latest.rules()) == ((), None, None, ())
    assert latest.events("decision", 3) == ()
    assert latest.said == ()
    assert not kept.exists()
    assert not run.exists()


def test_what_is_on_the_disk_is_seen(kept: Path, run: Path) -> None:
    store = DiskStore()
    store.commit(KeepEpisode(episode=EPISODE), ADD, Ignore(rule=RULE), note("decision", 1, "first"))
    store.commit(
        AddText(key="iwx-2", entry=b"", letter=b""), note("decision", 0, "second, the clock is back")
    )
    latest = Latest()
    assert [text.key for text in latest.texts()] == ["iwx-1", "iwx-2"]
    assert latest.text("iwx-1") == store.text("iwx-1")
    assert latest.episode() == store.past(NOW).episode
    assert latest.rules() == (RULE,)
    assert [event.said[:6] for event in latest.events("decision", 9)] == ["second", "first"]
    assert len(latest.events("decision", 1)) == 1
    assert not run.exists()


def test_what_was_changed_below_run_is_newer(disk: Disk) -> None:
    before = CarefulStore()
    before.commit(KeepEpisode(episode=EPISODE), ADD, Ignore(rule=RULE), note("decision", 0, "on the disk"))
    before.commit(Ignore(rule=replace(RULE, fingerprint="g")), AddText(key="old", entry=b"o", letter=b""))
    disk.full = True
    over = replace(EPISODE, over_at=NOW)
    away = CarefulStore()
    away.commit(
        KeepEpisode(episode=over, version=1),
        MoveText(key="iwx-1", version=1, entry=b"sent", ended=True),
        AddText(key="iwx-2", entry=b"new", letter=b"x"),
        Heed(fingerprint="f"),
        note("decision", 5, "below /run"),
    )
    latest = Latest()
    assert [(t.key, t.entry, t.ended) for t in latest.texts()] == [
        ("iwx-1", b"sent", True),
        ("old", b"o", False),
        ("iwx-2", b"new", False),
    ]
    kept = latest.episode()
    assert kept is not None
    assert (kept.episode, kept.version) == (over, 2)
    assert [rule.fingerprint for rule in latest.rules()] == ["g"]
    text = latest.text("iwx-1")
    assert text is not None
    assert (text.entry, text.letter) == (b"sent", ADD.letter)
    assert [event.said for event in latest.events("decision", 9)] == ["below /run", "on the disk"]
    disk.full = False
    CarefulStore()  # takes it over
    again = Latest()
    assert again.texts() == latest.texts()
    assert (again.episode(), again.rules()) == (latest.episode(), latest.rules())
    assert set(again.events("decision", 9)) == set(latest.events("decision", 9))


def test_a_later_episode_counts_wherever_it_is(disk: Disk) -> None:
    CarefulStore().commit(KeepEpisode(episode=replace(EPISODE, over_at=NOW)))
    disk.full = True
    later = replace(EPISODE, key="iwx-9", opened_at=NOW + timedelta(days=1))
    CarefulStore().commit(KeepEpisode(episode=later))
    kept = Latest().episode()
    assert kept is not None
    assert kept.episode == later


def test_a_disk_that_does_not_answer_is_said_and_the_rest_shown(disk: Disk, kept: Path, run: Path) -> None:
    disk.silent = True
    CarefulStore().commit(ADD)
    latest = Latest()
    assert [text.key for text in latest.texts()] == ["iwx-1"]
    assert latest.said == (
        f"{kept}/state.db: no answer within 5.0 s; this is what has been kept in {run} since",
    )


@pytest.mark.parametrize("run_too", [False, True])
def test_without_anything_to_show_it_is_an_error(disk: Disk, run: Path, run_too: bool) -> None:
    disk.silent = True
    if run_too:
        run.symlink_to("/nowhere")
    with pytest.raises(StateError, match="no answer within"):
        Latest()


def test_what_lies_below_run_and_cannot_be_read_is_said(run: Path) -> None:
    DiskStore().commit(ADD)
    run.symlink_to("/nowhere")
    latest = Latest()
    assert [text.key for text in latest.texts()] == ["iwx-1"]
    (said,) = latest.said
    assert said.startswith(f"what may have been kept there cannot be read: {run}/state.db: ")


def test_for_root_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    with pytest.raises(StateError, match="kept for root only"):
        Latest()


def test_what_is_found_damaged_by_who_looks_first_is_said_and_the_new_one_read(kept: Path) -> None:
    DiskStore().commit(ADD)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    latest = Latest()
    assert latest.said == latest.damaged
    (said,) = latest.said
    assert said.startswith(f"what was kept was damaged, and is now {kept}/state.db.damaged-")
    assert latest.texts() == ()
    assert len(latest.events("lost", 9)) == 1
    assert Latest().said == ()
