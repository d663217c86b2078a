"""Saved runs: the newest are there, whole, bounded in number and bytes; what is damaged is said."""

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from building import AT, finding, incident, report
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from iwx_agent.app.saved import summary_of
from iwx_agent.model import Report
from iwx_agent.report import to_json
from iwx_agent.state import Door, Runs, StateError

PLENTY = {"runs_count": 100, "size_bytes": 10_000_000}


def made(minutes: int = 0, title: str = "NodeWorx does not answer") -> Report:
    return replace(report(incident(finding(title=title))), collected_at=AT + timedelta(minutes=minutes))


def save(run: Report, runs: Runs | None = None, **bounds: int) -> str:
    saved = (runs or Runs()).save(summary_of(run), to_json(run), **(PLENTY | bounds))
    return saved.id


def refused(kind: str, run: str = "") -> StateError:
    with pytest.raises(StateError) as raised:
        Runs().report(run)
    assert raised.value.kind == kind
    return raised.value


def change(kept: Path, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(kept / "state.db")) as connection, connection:
        connection.execute(statement, parameters)


def test_a_run_comes_back_as_it_was(kept: Path) -> None:
    name = save(made())
    assert name.startswith("20261123T152640Z-")
    assert len(name) == 21
    assert Runs().report(name) == (name, made())
    assert Runs().report() == (name, made())
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {
        "state.db": 0o600,
        "state.db-journal": 0o600,
    }
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_the_last_saved_counts_whatever_the_clock_says() -> None:
    names = [save(made(minutes)) for minutes in (5, 0, 3)]
    assert Runs().report()[0] == names[-1]
    assert [name for name, _ in Runs().last(2)] == [names[2], names[1]]
    assert [run.id for run in Runs().listed()] == names[::-1]


def test_what_is_listed_is_a_run_in_short() -> None:
    name = save(made())
    (run,) = Runs().listed()
    assert (run.id, run.host, run.exit_code, run.headline) == (
        name,
        "iwx1.example.com",
        1,
        "NodeWorx does not answer",
    )
    assert run.point.at == datetime(2026, 11, 23, 15, 26, 40, tzinfo=UTC)


def test_a_beginning_will_do_when_it_is_one_run_alone() -> None:
    first, second = save(made()), save(made(60))
    assert Runs().report("20261123T1526")[0] == first
    assert Runs().report(second[:14])[0] == second
    assert "several saved runs begin with 2026" in refused("refused", "2026").why
    for wrong in ("2027", "%", "_" * 21, first + "0"):
        assert refused("absent", wrong).why == f"there is no saved run {wrong}"


def test_a_name_that_is_taken_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([b"\0\0", b"\0\0", b"\0\1", *[b"\0\1"] * 5])
    monkeypatch.setattr("iwx_agent.state.runs.os.urandom", lambda count: next(drawn))
    assert [save(made()), save(made())] == ["20261123T152640Z-0000", "20261123T152640Z-0001"]
    with pytest.raises(StateError, match="no free name for a run of 20261123T152640Z"):
        save(made())
    assert len(Runs().listed()) == 2


@pytest.mark.parametrize("count", [1, 3])
def test_no_more_runs_than_are_wanted(count: int) -> None:
    names = [save(made(minutes), runs_count=count) for minutes in range(5)]
    assert [run.id for run in Runs().listed()] == names[::-1][:count]


def test_a_run_that_alone_is_larger_than_all_may_be_costs_no_other() -> None:
    name = save(made())
    with pytest.raises(StateError, match=r"a run of \d+ bytes is more than the 100 that are kept in all"):
        save(made(1), size_bytes=100)
    assert [run.id for run in Runs().listed()] == [name]


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=12),
    count=st.integers(1, 8),
    size_bytes=st.integers(2000, 12_000),
)
def test_what_is_kept_is_the_newest_within_both_bounds(
    sizes: list[int], count: int, size_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    door = Door(tmp_path_factory.mktemp("state") / "kept")
    saved: list[tuple[str, int]] = []
    for number, size in enumerate(sizes):
        noise = bytes((i * 7919 + number * 104_729) % 251 for i in range(size))
        data = to_json(made(number)) + noise  # what is packed does not matter here
        try:
            name = Runs(door).save(summary_of(made(number)), data, runs_count=count, size_bytes=size_bytes).id
        except StateError:
            continue
        rows: list[tuple[str, int]] = door.read(
            ("SELECT id, size_bytes FROM runs ORDER BY number", (), None)
        )[0][0]
        saved.append(next(row for row in rows if row[0] == name))
        expected: list[tuple[str, int]] = []
        for pair in reversed(saved):
            if len(expected) == count or sum(s for _, s in expected) + pair[1] > size_bytes:
                break
            expected.insert(0, pair)
        assert rows == expected
        assert rows[-1][0] == name


def test_nothing_is_kept_yet(kept: Path) -> None:
    assert refused("absent").why == "nothing has been kept yet"
    kept.mkdir(mode=0o700)
    assert refused("absent").why == "nothing has been kept yet"
    (kept / "state.db").touch(mode=0o600)
    assert refused("absent").why == "nothing has been kept yet"
    assert [path.name for path in kept.iterdir()] == ["state.db"]  # looking makes nothing
    Door().write()
    assert refused("absent").why == "no run has been saved yet"
    assert Runs().listed() == ()


def test_it_is_for_root_only(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    save(made())
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    error = refused("refused")
    assert str(error) == f"{kept}/state.db: kept for root only, and this is not root"


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"x\x9c"])
def test_a_run_that_is_damaged_is_said_and_costs_no_other(kept: Path, data: bytes) -> None:
    first, second = save(made()), save(made(1))
    change(kept, "UPDATE runs SET report = ? WHERE id = ?", data, second)
    assert second in refused("damaged").why
    assert Runs().report(first) == (first, made())


def test_a_summary_that_is_damaged_is_said(kept: Path) -> None:
    save(made())
    change(kept, "UPDATE runs SET summary = ?", b"{")
    with pytest.raises(StateError, match="a saved run is damaged"):
        Runs().listed()


def test_a_run_that_unpacks_without_end_is_cut_off(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.runs._REPORT_BYTES", 1000)
    save(made())
    assert "is cut" in refused("damaged").why


def test_a_run_of_an_agent_that_told_less_and_one_that_told_more(kept: Path) -> None:
    import zlib

    import msgspec

    name = save(made())
    told = msgspec.json.decode(to_json(made()))
    del told["measures"]
    told["later"] = 3
    change(kept, "UPDATE runs SET report = ?", zlib.compress(msgspec.json.encode(told)))
    assert Runs().report() == (name, made())


def test_one_next_step_for_each_kind_of_error() -> None:
    steps = {kind: StateError("x", kind).next_step for kind in ("absent", "refused", "failed")}
    assert "iwx-agent diagnose" in steps["absent"]
    assert steps["refused"].startswith("Run it as root")
    assert len(set(steps.values())) == 3
