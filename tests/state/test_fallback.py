"""A disk that cannot be written to: sending goes on below /run, knows what was, and comes back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from remembered import ADD, EPISODE, NOW, RULE, note

from iwx_agent.host import HostError
from iwx_agent.state import Door, StateError
from iwx_agent.state.contract import AddText, Ignore, KeepEpisode, KeptEpisode, MoveText
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.latest import Latest
from iwx_agent.state.lock import SendingLock
from iwx_agent.state.store import DiskStore

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run-iwx-agent"


class Disk:
    """Stands in for the disk: full from some write on, or silent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
        from iwx_agent.state import door

        self.kind = ""
        self.unreadable = False
        self._left = 0
        whole: Any = Door._transact

        def transact(this: Door, steps: Any, *, create: bool, handed: bytes) -> Any:
            if this.directory == kept and self.kind and (create or self.unreadable):
                if self._left == 0:
                    raise StateError("No space left on device", self.kind, this.path)  # type: ignore[arg-type]
                self._left -= 1
            return whole(this, steps, create=create, handed=handed)

        monkeypatch.setattr(door.Door, "_transact", transact)

    def breaks(self, after: int = 0, kind: str = "unwritable", *, unreadable: bool = False) -> None:
        self.kind, self._left, self.unreadable = kind, after, unreadable

    def mends(self) -> None:
        self.kind = ""


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, kept: Path) -> Disk:
    return Disk(monkeypatch, kept)


def test_a_sound_disk_is_used_and_nothing_is_said(kept: Path, run: Path) -> None:
    store = CarefulStore()
    assert store.commit(KeepEpisode(episode=EPISODE), ADD, note("decision"))
    assert (store.said, store.sure) == ((), True)
    assert DiskStore().waiting() == store.waiting() == store.texts(3)
    assert store.text("iwx-1") == DiskStore().text("iwx-1")
    assert store.events("decision", 1) == DiskStore().events("decision", 1) != ()
    assert not run.exists()
    assert DiskStore().events("filed", 9) == ()


def test_what_was_known_goes_along_and_what_was_added_comes_back(disk: Disk, run: Path) -> None:
    first = CarefulStore()
    first.commit(KeepEpisode(episode=EPISODE), ADD, Ignore(rule=RULE), note("filed"), note("draft"))
    first.commit(AddText(key="sent", entry=b"", letter=b"x"), note("decision"))
    first.commit(MoveText(key="sent", version=1, entry=b"", ended=True))
    disk.breaks()
    away = CarefulStore()
    assert away.said == (
        f"{first._disk.door.path}: No space left on device; until that is mended, it is kept in {run}",
    )
    assert away.sure
    assert away.past(LONG_AGO) == first.past(LONG_AGO)  # so nothing is filed a second time
    assert away.text("iwx-1") == first.text("iwx-1")
    assert [text.key for text in away.texts(9)] == ["iwx-1"]  # what was sent would only take memory
    assert away.commit(MoveText(key="iwx-1", version=1, entry=b"sending", ended=False), note("said", 5))
    assert away.commit(AddText(key="iwx-1-2", entry=b"queued", letter=b"better"))
    again = CarefulStore()
    assert [text.key for text in again.waiting()] == ["iwx-1", "iwx-1-2"]
    disk.mends()
    back = CarefulStore()
    assert (back.said, back.sure) == ((), True)
    assert [(t.key, t.version, t.entry) for t in back.waiting()] == [
        ("iwx-1", 2, b"sending"),
        ("iwx-1-2", 1, b"queued"),
    ]
    assert back.past(LONG_AGO).said_at == (NOW, NOW + timedelta(minutes=5))
    assert back.past(LONG_AGO).drafts_count == 1
    assert DiskStore(Door(run)).texts(9) == ()
    assert CarefulStore().past(LONG_AGO) == back.past(LONG_AGO)


def test_a_disk_that_becomes_full_meanwhile(disk: Disk, run: Path) -> None:
    store = CarefulStore()
    store.commit(KeepEpisode(episode=EPISODE), ADD)
    disk.breaks()
    begin = MoveText(key="iwx-1", version=1, entry=b"sending", ended=False)
    assert store.commit(begin)
    assert "No space left on device" in store.said[0]
    assert not store.commit(begin)
    assert store.past(NOW).episode == KeptEpisode(episode=EPISODE, version=1)


def test_another_error_than_a_full_disk_is_raised_and_changes_nothing(disk: Disk, run: Path) -> None:
    store = CarefulStore()
    disk.breaks(kind="failed")
    with pytest.raises(StateError):
        store.commit(ADD)
    assert not run.exists()


def test_without_what_was_kept_nothing_is_sure(disk: Disk) -> None:
    CarefulStore().commit(KeepEpisode(episode=EPISODE))
    disk.breaks(kind="failed", unreadable=True)
    blind = CarefulStore()
    assert not blind.sure
    assert blind.past(NOW).episode is None
    assert blind.commit(ADD)


def test_when_nothing_can_be_written_at_all_it_is_raised(disk: Disk, run: Path, kept: Path) -> None:
    CarefulStore().commit(KeepEpisode(episode=EPISODE))
    run.symlink_to("/tmp")
    disk.breaks()
    with pytest.raises(StateError, match="left alone"):
        CarefulStore()


def test_a_disk_that_breaks_while_coming_back_loses_nothing(disk: Disk, run: Path) -> None:
    disk.breaks()
    CarefulStore().commit(KeepEpisode(episode=EPISODE), ADD, note("filed"), note("said"))
    for after in range(8):
        disk.breaks(after)
        store = CarefulStore()
        assert store.past(LONG_AGO).episode == KeptEpisode(episode=EPISODE, version=1)
        assert store.past(LONG_AGO).filed_at == (NOW,)
        assert [text.key for text in store.waiting()] == ["iwx-1"]
    disk.mends()
    assert [text.key for text in CarefulStore().waiting()] == ["iwx-1"]
    assert DiskStore(Door(run)).texts(9) == ()


def test_what_lies_below_run_and_cannot_be_read_is_said(kept: Path, run: Path) -> None:
    run.symlink_to("/tmp")
    store = CarefulStore()
    assert store.said == (
        f"what was kept there cannot be read: {run}/state.db: {run} is no directory of its own; left alone",
    )
    assert store.commit(ADD)


def test_what_was_damaged_is_said(kept: Path) -> None:
    CarefulStore().commit(ADD)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    store = CarefulStore()
    (said,) = store.said
    assert said.startswith(f"what was kept was damaged, and is now {kept}/state.db.damaged-")


@pytest.mark.parametrize("kind", ["decision", "assistance", "lost", "draft"])
def test_a_single_note_below_run_is_taken_over_and_leaves_nothing(disk: Disk, run: Path, kind: Any) -> None:
    CarefulStore().commit(note("filed"))
    disk.breaks()
    CarefulStore().commit(note(kind, 1, "below /run"))
    disk.mends()
    DiskStore().commit(note(kind, 2, "newer, by a run that takes no lock"))
    latest = Latest()
    assert latest.below_run
    newest_first = ["newer, by a run that takes no lock", "below /run"]
    assert [event.said for event in latest.events(kind, 9)] == newest_first
    back = CarefulStore()
    assert not DiskStore(Door(run)).keeps_anything()
    assert not Latest().below_run
    assert [event.said for event in back.events(kind, 9)] == newest_first
    assert len(back.events("filed", 9)) == 1


def test_what_was_noted_below_run_after_all_else_stays_the_newest(disk: Disk) -> None:
    CarefulStore().commit(note("assistance", 1, "on"))
    disk.breaks()
    CarefulStore().commit(note("assistance", 5, "off"))
    disk.mends()
    assert [event.said for event in CarefulStore().events("assistance", 9)] == ["off", "on"]


def test_a_rule_that_cannot_be_read_is_said_once_and_taken_back(kept: Path) -> None:
    CarefulStore().commit(Ignore(rule=RULE))
    DiskStore().door.write(("UPDATE ignored SET body = x'ff'", (), 1))
    store = CarefulStore()
    assert store.past(NOW).ignored == ()
    (said,) = store.said
    assert said.startswith("the rule to ignore f is damaged: ")
    again = CarefulStore()
    assert again.past(NOW).ignored == ()
    assert again.said == ()


# The lock


def test_a_lock_that_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    from iwx_agent.host.worker.operations import operate

    def ask(workers: Any, request: tuple[Any, ...], *told: Any) -> Any:
        answer = operate(request)
        if answer[0] == "error":
            raise HostError(answer[1], answer[2], "x")
        return answer[1]

    monkeypatch.setattr("iwx_agent.host.local.ask_worker", ask)
    run.mkdir(mode=0o700)
    (run / "sending.lock").symlink_to("/nowhere")
    with pytest.raises(StateError, match="is a symlink, not a file; left alone"), SendingLock() as lock:
        lock.take()
    (run / "sending.lock").unlink()
    with SendingLock() as lock:
        assert lock.take()
        assert lock.take()
        assert lock.held
    assert not lock.held
