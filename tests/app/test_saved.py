"""What is saved of a run, and what saved runs tell of a new one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from building import AT, finding, incident, report, report_host, result
from fakes import NOW_AT, Live
from msgspec.structs import replace

from iwx_agent.app.diagnose import Request
from iwx_agent.app.saved import (
    dated,
    measures_of,
    point_of,
    points_until,
    save_run,
    saved_report,
    saved_runs,
    summary_of,
)
from iwx_agent.app.sources import diagnose_live
from iwx_agent.checks import ALL
from iwx_agent.config import Settings
from iwx_agent.config.settings import StateSettings
from iwx_agent.host import HostError
from iwx_agent.model import IncidentState, Measures, Missing, OpenIncident, Report, Status
from iwx_agent.model.mail import MailQueue
from iwx_agent.model.system import FileSystem, FileSystems, Load, Mount

EVERY_CHECK = tuple(result(check_id=check.id) for check in ALL)
DOWN = incident(finding(title="NodeWorx does not answer"))


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)


def at(minutes: int, *incidents: Any, results: Any = EVERY_CHECK, **more: Any) -> Report:
    return report(*incidents, results=results, collected_at=AT + timedelta(minutes=minutes), **more)


def save(*reports: Report) -> None:
    for made in reports:
        assert save_run(made, Settings()) == ""


# Numbers


def mounted(used: int, available: int, **more: Any) -> FileSystem:
    read_only = more.pop("read_only", False)
    mount = Mount(device="/dev/sda1", mount_point="/", type="ext4", device_number="8:1", read_only=read_only)
    total = used + available
    return FileSystem(mount=mount, total_bytes=total, free_bytes=available, available_bytes=available, **more)


QUEUE = MailQueue(
    path="/var/qmail/queue",
    read_at=NOW_AT,
    messages_count=12,
    messages_truncated=False,
    unprocessed_count=0,
    unprocessed_oldest_at=None,
    accepted_newest_at=None,
    oldest_at=None,
    sender_running=True,
)


def test_the_numbers_of_a_run() -> None:
    facts = {
        "file_systems": FileSystems(entries=(mounted(1, 2), mounted(2, 1), mounted(1, 9))),
        "mail_queue": QUEUE,
        "load": Load(one=9.0, five=1.5, fifteen=0.1, cpus_count=2),
    }
    assert measures_of(facts) == Measures(disk_used_pct=66.7, queue_count=12, load=1.5)


def test_what_was_not_asked_or_not_told_is_no_number() -> None:
    unknown = Missing(reason="timed out")
    assert measures_of({}) == Measures()
    assert measures_of(dict.fromkeys(("file_systems", "mail_queue", "load"), unknown)) == Measures()
    mute = FileSystems(entries=(mounted(9, 1, answered=False), mounted(9, 0, read_only=True), mounted(0, 0)))
    assert measures_of({"file_systems": mute}) == Measures()


# In short


def test_a_run_as_a_point() -> None:
    made = at(0, DOWN, measures=Measures(disk_used_pct=50.0, queue_count=3))
    point = point_of(made)
    assert (point.at, point.complete, point.disk_used_pct, point.queue_count) == (AT, True, 50.0, 3)
    assert point.incidents == (
        OpenIncident(
            fingerprint="0123456789abcdef",
            title="NodeWorx does not answer",
            state=IncidentState.CONFIRMED,
        ),
    )
    assert point_of(at(0)).disk_used_pct == Missing(reason="not told in this run")


@pytest.mark.parametrize(
    "results",
    [
        EVERY_CHECK[:-1],
        (*EVERY_CHECK[:-1], replace(EVERY_CHECK[-1], status=Status.UNKNOWN)),
        (*EVERY_CHECK[:-1], replace(EVERY_CHECK[-1], status=Status.CRASHED)),
    ],
)
def test_only_a_run_whose_every_check_could_tell_is_complete(results: Any) -> None:
    assert point_of(at(0)).complete
    assert not point_of(at(0, results=results)).complete


def test_very_many_and_very_long_things_are_cut_and_then_nothing_is_complete() -> None:
    many = [incident(finding(title="x" * 1000), fingerprint=str(number)) for number in range(51)]
    point = point_of(at(0, *many))
    assert isinstance(point.incidents, tuple)
    assert (len(point.incidents), len(point.incidents[0].title), point.complete) == (50, 200, False)
    assert point_of(at(0, *many[:50])).complete
    summary = summary_of(at(0, *many, host=report_host(fqdn="h" * 999)))
    assert (len(summary.headline), len(summary.host)) == (200, 200)


def test_a_server_without_a_full_name() -> None:
    assert summary_of(at(0, host=report_host(fqdn=""))).host == "iwx1"


# Saved


def test_the_settings_bound_what_is_saved() -> None:
    two = Settings(state=StateSettings(runs_count=2))
    for minutes in range(4):
        assert save_run(at(minutes), two) == ""
    assert [run.point.at.minute for run in saved_runs()] == [29, 28]


def test_what_could_not_be_saved_is_said(kept: Path) -> None:
    kept.symlink_to("/nowhere")
    said = save_run(at(0), Settings())
    assert said == f"this run was not saved: {kept}/state.db: {kept} is no directory of its own; left alone"


# Since when


def test_a_new_problem_is_dated_by_the_runs_before_it() -> None:
    save(at(0), at(5, DOWN))
    made, trouble = dated(at(10, DOWN))
    assert trouble == ""
    assert made.incidents[0].since_at == AT + timedelta(minutes=5)
    assert made.incidents[0].since_source == (
        "saved runs: not there at 2026-11-23 15:26 UTC, first seen at 2026-11-23 15:31 UTC"
    )


def test_a_run_of_a_part_dates_nothing() -> None:
    save(at(0, results=EVERY_CHECK[:3]))
    assert dated(at(5, DOWN)) == (at(5, DOWN), "")


@pytest.mark.parametrize(
    "made",
    [
        at(5),
        at(5, replace(DOWN, since_at=AT)),
        at(5, DOWN, host=report_host(as_root=False)),
    ],
)
def test_runs_are_not_read_when_they_can_tell_nothing(made: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    save(at(0))
    monkeypatch.delattr("iwx_agent.state.door._ask")
    assert dated(made) == (made, "")


def test_without_saved_runs_nothing_is_said() -> None:
    assert dated(at(0, DOWN)) == (at(0, DOWN), "")


def test_a_disk_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    def silent(*request: object, **options: object) -> None:
        raise HostError("timeout", "no answer within 3.0 s", "x")

    monkeypatch.setattr("iwx_agent.state.door._ask", silent)
    assert dated(at(0, DOWN)) == (at(0, DOWN), f"{kept}/state.db: no answer within 3.0 s")
    assert points_until(at(0)) == ()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[[Report], tuple[Report, list[str]]]:
    """Return what makes a run of this machine come to a report, and what is said about saving it."""
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Live)

    def run(found: Report) -> tuple[Report, list[str]]:
        said: list[str] = []
        monkeypatch.setattr("iwx_agent.app.sources.diagnose", lambda *told, **more: found)
        return diagnose_live(Request(), on_unkept=said.append), said

    return run


def test_a_run_is_dated_and_saved_as_it_is_shown(here: Callable[[Report], tuple[Report, list[str]]]) -> None:
    assert here(at(0)) == (at(0), [])
    shown, said = here(at(5, DOWN))
    assert (shown.incidents[0].since_at, said) == (AT + timedelta(minutes=5), [])
    assert saved_report()[1] == shown


def test_a_disk_that_does_not_answer_is_waited_for_once(
    here: Callable[[Report], tuple[Report, list[str]]], monkeypatch: pytest.MonkeyPatch, kept: Path
) -> None:
    asked: list[object] = []

    def silent(*request: object, **options: object) -> None:
        asked.append(request)
        raise HostError("timeout", "no answer within 3.0 s", "x")

    monkeypatch.setattr("iwx_agent.state.door._ask", silent)
    said = [f"this run was not saved: {kept}/state.db: no answer within 3.0 s"]
    assert here(at(0, DOWN)) == (at(0, DOWN), said)
    assert len(asked) == 1


# Over time


def test_the_points_up_to_a_run_and_up_to_now() -> None:
    save(at(0), at(5, DOWN), at(10))
    names = [run.id for run in saved_runs()][::-1]
    assert [point.at for point in points_until(at(5, DOWN), names[1])] == [AT, AT + timedelta(minutes=5)]
    assert points_until(at(10)) == tuple(point_of(made) for made in (at(0), at(5, DOWN), at(10)))
    assert points_until(at(15))[-1] == point_of(at(15))  # one that was not saved
    assert len(points_until(at(15))) == 4
