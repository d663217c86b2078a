"""The timeline: saved runs as bars and lines; what a run did not know is a gap, never 0."""

from datetime import timedelta
from typing import Any

import pytest
from building import AT
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import IncidentState, Missing, OpenIncident, RunPoint
from iwx_agent.rendering import timeline
from iwx_agent.rendering.timeline import Bar, Row, draw

UNKNOWN = Missing(reason="not asked")


def run(hours_ago: float, **more: Any) -> RunPoint:
    values: dict[str, Any] = {
        "at": AT - timedelta(hours=hours_ago),
        "complete": True,
        "incidents": (),
        "disk_used_pct": 50.0,
        "queue_count": 5,
    }
    return RunPoint(**(values | more))


def seen(*fingerprints: str, state: IncidentState = IncidentState.CONFIRMED) -> tuple[OpenIncident, ...]:
    return tuple(OpenIncident(fingerprint=f, title=f"title of {f}", state=state) for f in fingerprints)


def drawn(*points: RunPoint) -> timeline.Timeline:
    made = draw(points)
    assert made is not None
    return made


@pytest.mark.parametrize("points", [[], [run(0)], [run(0), run(0)]])
def test_what_spans_no_time_is_not_drawn(points: list[RunPoint]) -> None:
    assert draw(points) is None


def test_the_order_of_the_runs_does_not_matter() -> None:
    points = [run(n, disk_used_pct=float(n), incidents=seen("a") if n % 2 else ()) for n in range(7)]
    assert draw(points) == draw(points[::-1])


# The axis goes from x 44 to 708: 664 for the whole time.


def test_the_axis_has_five_times_that_stay_inside() -> None:
    made = drawn(run(8), run(0))
    assert [(tick.x, tick.anchor, tick.label) for tick in made.ticks] == [
        (44.0, "start", "11-23 07:26"),
        (210.0, "middle", "11-23 09:26"),
        (376.0, "middle", "11-23 11:26"),
        (542.0, "middle", "11-23 13:26"),
        (708.0, "end", "11-23 15:26"),
    ]


def test_lines_go_up_with_the_numbers() -> None:
    disk, queue = drawn(
        run(2, disk_used_pct=0.0, queue_count=0),
        run(1, disk_used_pct=50.0, queue_count=10),
        run(0, disk_used_pct=100.0, queue_count=20),
    ).charts
    # Without lanes the first chart begins at 0: its plot lies between y 22 and 78, the second's 92 below.
    assert (disk.top_y, disk.bottom_y, disk.top) == (22.0, 78.0, "100 %")
    assert disk.lines == ("44.0,78.0 376.0,50.0 708.0,22.0",)
    assert (queue.top_y, queue.bottom_y, queue.top) == (114.0, 170.0, "20")
    assert queue.lines == ("44.0,170.0 376.0,142.0 708.0,114.0",)
    assert disk.dots == ((44.0, 78.0), (376.0, 50.0), (708.0, 22.0))


def test_what_is_not_known_is_a_gap() -> None:
    disk = drawn(
        run(4, disk_used_pct=10.0),
        run(3, disk_used_pct=20.0),
        run(2, disk_used_pct=UNKNOWN),
        run(1, disk_used_pct=30.0),
        run(0, disk_used_pct=UNKNOWN),
    ).charts[0]
    assert disk.lines == ("44.0,72.4 210.0,66.8",)
    assert disk.dots == ((44.0, 72.4), (210.0, 66.8), (542.0, 61.2))
    assert disk.told == "Fullest file system, % used: 10.0 % to 30.0 %; in the last run not known."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, UNKNOWN])
def test_what_is_no_quantity_is_not_known(value: Any) -> None:
    made = drawn(run(1, disk_used_pct=value), run(0, disk_used_pct=value))
    assert (made.charts[0].lines, made.charts[0].dots) == ((), ())
    assert made.charts[0].told == "Fullest file system, % used: not known in any run."
    assert [row.disk for row in made.rows] == ["not known", "not known"]


def test_a_share_above_the_whole_is_the_whole() -> None:
    assert drawn(run(1), run(0, disk_used_pct=250.0)).rows[-1].disk == "100 %"


@pytest.mark.parametrize(
    ("count", "top"),
    [
        (0, "10"),
        (10, "10"),
        (11, "20"),
        (20, "20"),
        (21, "50"),
        (51, "100"),
        (2004, "5,000"),
        (10**9, "1,000,000,000"),
        (10**400, "1,000,000,000"),
    ],
)
def test_the_scale_ends_at_a_round_number(count: int, top: str) -> None:
    assert drawn(run(1, queue_count=0), run(0, queue_count=count)).charts[1].top == top


def test_many_runs_have_no_dots_but_where_one_stands_alone() -> None:
    points = [run(n) for n in range(49)]
    assert drawn(*points).charts[0].dots == ()
    assert len(drawn(*points[:48]).charts[0].dots) == 48
    points[0] = run(0, disk_used_pct=60.0)
    points[1] = run(1, disk_used_pct=UNKNOWN)
    assert len(drawn(*points).charts[0].dots) == 1


# Incidents


def test_an_incident_is_a_bar_from_first_to_last_run_that_saw_it() -> None:
    made = drawn(
        run(4), run(3, incidents=seen("a")), run(2, incidents=seen("a")), run(1, incidents=seen("a")), run(0)
    )
    [lane] = made.lanes
    assert lane.bars == (Bar(x=210.0, width=332.0),)
    assert (lane.title, lane.first, lane.last) == (
        "title of a",
        "2026-11-23 12:26 UTC",
        "2026-11-23 14:26 UTC",
    )
    assert (lane.runs, lane.now) == ("3 of 5", "over")
    assert made.charts[0].top_y == 36 + 6 + 22  # below one lane


def test_a_bar_breaks_where_no_run_saw_it_and_is_never_too_short_to_see() -> None:
    made = drawn(
        run(4, incidents=seen("a")),
        run(3),
        run(2, incidents=UNKNOWN),
        run(1, incidents=seen("a")),
        run(0.001, incidents=seen("b")),
        run(0, incidents=seen("a", "b")),
    )
    of_a, of_b = made.lanes
    assert of_a.bars == (Bar(x=44.0, width=4.0), Bar(x=542.0, width=4.0), Bar(x=704.0, width=4.0))
    assert of_b.bars == (Bar(x=704.0, width=4.0),)


@pytest.mark.parametrize(
    ("last", "now"),
    [
        (run(0), "over"),
        (run(0, complete=False), "not known"),
        (run(0, incidents=UNKNOWN), "not known"),
        (run(0, incidents=seen("a")), "seen twice"),
        (run(0, incidents=seen("a", state=IncidentState.OPEN)), "there"),
        (run(0, incidents=seen("a", state=IncidentState.PASSING)), "was over at the second look"),
    ],
)
def test_an_incident_is_over_only_when_a_whole_run_did_not_see_it(last: RunPoint, now: str) -> None:
    assert drawn(run(1, incidents=seen("a")), last).lanes[0].now == now


def test_those_seen_last_come_first_and_the_others_are_counted() -> None:
    points = [run(20 - n, incidents=seen(f"{n:02}")) for n in range(12)]
    made = drawn(*points, run(0, incidents=seen("00", "zz")))
    assert [lane.title for lane in made.lanes] == [
        f"title of {name}" for name in ("00", "zz", "11", "10", "09", "08", "07", "06", "05", "04")
    ]
    assert made.left_out == ("3 older incidents not drawn.",)
    assert made.told[1] == "Incidents: 13."


def test_titles_are_harmless_and_short() -> None:
    title = OpenIncident(fingerprint="a", title="\x1b[2J" + "x" * 999, state=IncidentState.OPEN)
    made = drawn(run(1), run(0, incidents=(title,)))
    assert made.lanes[0].title.startswith("\\x1b[2Jxxx")
    assert len(made.lanes[0].title) < 100


# In words


def test_the_rows_say_the_same() -> None:
    made = drawn(
        run(3, incidents=UNKNOWN, disk_used_pct=UNKNOWN, queue_count=UNKNOWN),
        run(2, incidents=(), complete=False, disk_used_pct=0.0),
        run(1, incidents=seen("a", "b"), disk_used_pct=99.94, queue_count=12345),
        run(0, disk_used_pct=100.0),
    )
    assert made.rows == (
        Row(at="2026-11-23 12:26 UTC", incidents="not known", disk="not known", queue="not known"),
        Row(at="2026-11-23 13:26 UTC", incidents="0 or more", disk="0 %", queue="5"),
        Row(at="2026-11-23 14:26 UTC", incidents="2", disk="99.9 %", queue="12,345"),
        Row(at="2026-11-23 15:26 UTC", incidents="0", disk="100 %", queue="5"),
    )
    assert made.told == (
        "4 runs from 2026-11-23 12:26 UTC to 2026-11-23 15:26 UTC.",
        "Incidents: 2.",
        "Fullest file system, % used: 0 % to 100 %; in the last run 100 %.",
        "Messages in the mail queue: 5 to 12,345; in the last run 5.",
    )
    assert made.left_out == ()
    assert drawn(run(1), run(0)).told[1] == "Incidents: none."


# Many runs


def test_many_runs_are_drawn_as_few_with_the_worst_of_each() -> None:
    points = [run(n) for n in range(500)]
    points[499] = run(499, disk_used_pct=99.0, queue_count=UNKNOWN)  # of the first group: 499, 498, 497, 496
    points[498] = run(498, complete=False, incidents=seen("a"), queue_count=70)
    points[495] = run(495, incidents=UNKNOWN)
    for n in (491, 490, 489, 488):
        points[n] = run(n, incidents=UNKNOWN, disk_used_pct=UNKNOWN, queue_count=UNKNOWN)
    made = drawn(*points)
    assert len(made.rows) == 125
    assert made.rows[0].at == "2026-11-02 23:26 UTC"  # 496 hours ago
    assert [(row.incidents, row.disk, row.queue) for row in made.rows[:4]] == [
        ("1 or more", "99.0 %", "70"),
        ("0 or more", "50.0 %", "5"),
        ("not known", "not known", "not known"),
        ("0", "50.0 %", "5"),
    ]
    assert made.left_out == (
        "Up to 4 runs are drawn as one: all their incidents, the highest numbers known.",
    )
    assert len(drawn(*points[:160]).rows) == 160
    assert len(drawn(*points[:161]).rows) == 81


def test_what_is_no_number_does_not_hide_the_others() -> None:
    points = [run(n, disk_used_pct=float("nan") if n % 2 else 70.0) for n in range(320)]
    assert {row.disk for row in drawn(*points).rows} == {"70.0 %"}


numbers = st.one_of(st.just(UNKNOWN), st.floats(), st.integers(), st.just(10**400))


@given(
    st.lists(
        st.builds(
            run,
            st.floats(0, 10_000),
            disk_used_pct=numbers,
            queue_count=numbers,
            complete=st.booleans(),
            incidents=st.one_of(
                st.just(UNKNOWN), st.lists(st.sampled_from("abc"), unique=True).map(lambda f: seen(*f))
            ),
        ),
        max_size=12,
    )
)
def test_all_that_is_drawn_lies_inside_the_picture(points: list[RunPoint]) -> None:
    made = draw(points)
    if made is None:
        return
    for lane in made.lanes:
        assert all(bar.x >= 44 and bar.x + bar.width <= 708.1 for bar in lane.bars)
    for chart in made.charts:
        spots = [tuple(map(float, spot.split(","))) for line in chart.lines for spot in line.split()]
        for x, y in [*spots, *chart.dots]:
            assert 44 <= x <= 708
            assert chart.top_y <= y <= chart.bottom_y <= made.height
