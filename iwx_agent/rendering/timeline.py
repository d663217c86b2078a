"""Saved runs as a picture: incidents as bars, disk and queue as lines over one axis of time.

What a run did not know is a gap, never 0. The same numbers stand in tables for who cannot see the picture.
``templates/timeline.html.j2`` turns the measures into markup.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from iwx_agent.model import Missing, OpenIncident, RunPoint
from iwx_agent.rendering import words

WIDTH = 720
_LEFT, _RIGHT = 44.0, 708.0  # where the axis of time begins and ends
_LANE_HEIGHT, _LANE_BAR = 36.0, 18.0
_CHART_HEIGHT, _PLOT_TOP, _PLOT_HEIGHT = 92.0, 22.0, 56.0
_AXIS_HEIGHT, _CHART_GAP = 22.0, 6.0
_SHORTEST_BAR = 4.0
_POINTS_COUNT = 160
_DOTS_COUNT = 48  # more dots than that are a smear
_LANES_COUNT = 10
_TICKS_COUNT = 5
_TITLE_CHARACTERS = 90

Numbers = Sequence[float | None]
_Value = TypeVar("_Value")
_Quantity = TypeVar("_Quantity", int, float)


class Bar(Struct, frozen=True, kw_only=True):
    """A time during which an incident was seen in every run, or in a single one."""

    x: float
    width: float


class Lane(Struct, frozen=True, kw_only=True):
    """One incident: its bars, and in words what they show."""

    y: float
    bar_y: float
    title: str
    bars: tuple[Bar, ...]
    first: str
    last: str
    runs: str
    now: str


class Chart(Struct, frozen=True, kw_only=True):
    """One quantity: ``lines`` are the points of polylines, ``dots`` of runs; none where it is not known."""

    y: float
    top_y: float
    bottom_y: float
    title: str
    top: str
    told: str
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


class Tick(Struct, frozen=True, kw_only=True):
    """A time on the axis; ``anchor`` keeps its words inside the picture."""

    x: float
    anchor: str
    label: str


class Row(Struct, frozen=True, kw_only=True):
    """One run in words."""

    at: str
    incidents: str
    disk: str
    queue: str


class Timeline(Struct, frozen=True, kw_only=True):
    """All that is drawn and said; ``left_out`` says what is not, or nothing."""

    height: float
    lanes: tuple[Lane, ...]
    charts: tuple[Chart, ...]
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    told: tuple[str, ...]
    left_out: tuple[str, ...]


def draw(points: Sequence[RunPoint]) -> Timeline | None:
    """Return the picture of runs in any order; None when they do not span any time."""
    runs = _thinned(sorted(points, key=lambda point: point.at))
    if len(runs) < 2 or runs[0].at == runs[-1].at:
        return None
    place = _axis(runs[0].at, runs[-1].at)
    fingerprints = _fingerprints(runs)
    lanes = tuple(
        _lane(fingerprint, runs, place, number * _LANE_HEIGHT)
        for number, fingerprint in enumerate(fingerprints[:_LANES_COUNT])
    )
    y = len(lanes) * _LANE_HEIGHT + (_CHART_GAP if lanes else 0)
    xs = [place(run.at) for run in runs]
    disk = [words.quantity(run.disk_used_pct, 100.0) for run in runs]
    queue = [words.quantity(run.queue_count, words.MOST_MESSAGES) for run in runs]
    charts = (
        _chart("Fullest file system, % used", xs, disk, 100.0, y, _percent),
        _chart("Messages in the mail queue", xs, queue, _above(queue), y + _CHART_HEIGHT, _count),
    )
    span = f"{words.counted(len(points), 'run')} from {words.at(runs[0].at)} to {words.at(runs[-1].at)}."
    return Timeline(
        height=y + 2 * _CHART_HEIGHT + _AXIS_HEIGHT,
        lanes=lanes,
        charts=charts,
        ticks=tuple(_ticks(runs[0].at, runs[-1].at)),
        rows=tuple(_rows(runs, disk, queue)),
        told=(span, f"Incidents: {len(fingerprints) or 'none'}.", *(chart.told for chart in charts)),
        left_out=tuple(_left_out(len(points), len(runs), len(fingerprints) - len(lanes))),
    )


def _left_out(points_count: int, runs_count: int, incidents_count: int) -> Iterator[str]:
    if incidents_count:
        yield f"{words.counted(incidents_count, 'older incident')} not drawn."
    if runs_count < points_count:
        per_mark = math.ceil(points_count / _POINTS_COUNT)
        yield f"Up to {per_mark} runs are drawn as one: all their incidents, the highest numbers known."


def _axis(first: datetime, last: datetime) -> Callable[[datetime], float]:
    span_s = (last - first).total_seconds()
    return lambda at: round(_LEFT + (_RIGHT - _LEFT) * (at - first).total_seconds() / span_s, 1)


def _ticks(first: datetime, last: datetime) -> Iterator[Tick]:
    for number in range(_TICKS_COUNT):
        share = number / (_TICKS_COUNT - 1)
        yield Tick(
            x=round(_LEFT + (_RIGHT - _LEFT) * share, 1),
            anchor={0.0: "start", 1.0: "end"}.get(share, "middle"),
            label=(first + (last - first) * share).strftime("%m-%d %H:%M"),
        )


# Incidents


def _open(run: RunPoint) -> tuple[OpenIncident, ...]:
    return () if isinstance(run.incidents, Missing) else run.incidents


def _fingerprints(runs: Sequence[RunPoint]) -> list[str]:
    """Return the incidents of all runs: first those seen last; of these, first those seen first."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, run in enumerate(runs):
        for incident in _open(run):
            first.setdefault(incident.fingerprint, number)
            last[incident.fingerprint] = number
    return sorted(last, key=lambda fingerprint: (-last[fingerprint], first[fingerprint], fingerprint))


def _lane(fingerprint: str, runs: Sequence[RunPoint], place: Callable[[datetime], float], y: float) -> Lane:
    seen = [next((i for i in _open(run) if i.fingerprint == fingerprint), None) for run in runs]
    found = [(run, incident) for run, incident in zip(runs, seen, strict=True) if incident]
    parts = _unbroken(place(run.at) if incident else None for run, incident in zip(runs, seen, strict=True))
    return Lane(
        y=y + 12,
        bar_y=y + _LANE_BAR,
        title=words.one_line(found[-1][1].title, _TITLE_CHARACTERS),
        bars=tuple(_bar(part[0], part[-1]) for part in parts),
        first=words.at(found[0][0].at),
        last=words.at(found[-1][0].at),
        runs=f"{len(found)} of {len(runs)}",
        now=_now(runs[-1], seen[-1]),
    )


def _now(last: RunPoint, incident: OpenIncident | None) -> str:
    if incident:
        return words.STATE_WORDS[incident.state] or "there"
    return "over" if last.complete and not isinstance(last.incidents, Missing) else "not known"


def _bar(start: float, end: float) -> Bar:
    width = max(end - start, _SHORTEST_BAR)
    return Bar(x=round(min(start, _RIGHT - width), 1), width=round(width, 1))


def _unbroken(values: Iterable[_Value | None]) -> Iterator[list[_Value]]:
    """Give each unbroken stretch of what is there."""
    part: list[_Value] = []
    for value in [*values, None]:
        if value is not None:
            part.append(value)
        elif part:
            yield part
            part = []


# Numbers


def _chart(
    title: str, xs: Sequence[float], values: Numbers, top: float, y: float, said: Callable[[float], str]
) -> Chart:
    bottom_y = y + _PLOT_TOP + _PLOT_HEIGHT
    places = [
        None if value is None else (x, round(bottom_y - _PLOT_HEIGHT * value / top, 1))
        for x, value in zip(xs, values, strict=True)
    ]
    parts = list(_unbroken(places))
    few = len(values) <= _DOTS_COUNT
    known = [value for value in values if value is not None]
    if known:
        now = said(values[-1]) if values[-1] is not None else "not known"
        told = f"{title}: {said(min(known))} to {said(max(known))}; in the last run {now}."
    else:
        told = f"{title}: not known in any run."
    return Chart(
        y=y + 12,
        top_y=y + _PLOT_TOP,
        bottom_y=bottom_y,
        title=title,
        top=said(top),
        told=told,
        lines=tuple(" ".join(f"{x},{y}" for x, y in part) for part in parts if part[1:]),
        dots=tuple(place for part in parts for place in part if few or not part[1:]),
    )


def _above(values: Numbers) -> float:
    """Return 10, 20, 50, 100 and so on: the first that is not below any value."""
    highest = max((value for value in values if value is not None), default=0.0)
    power = 10.0
    while power * 5 < highest:
        power *= 10
    return next(power * step for step in (1, 2, 5) if power * step >= highest)


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value in (0, 100) else f"{value:.1f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _rows(runs: Sequence[RunPoint], disk: Numbers, queue: Numbers) -> Iterator[Row]:
    for run, used, waiting in zip(runs, disk, queue, strict=True):
        known = not isinstance(run.incidents, Missing)
        yield Row(
            at=words.at(run.at),
            incidents=f"{len(_open(run))}{'' if run.complete else ' or more'}" if known else "not known",
            disk="not known" if used is None else _percent(used),
            queue="not known" if waiting is None else _count(waiting),
        )


# Many runs


def _thinned(runs: Sequence[RunPoint]) -> list[RunPoint]:
    """Return at most as many points as can be drawn, each for the runs up to its time."""
    size = math.ceil(len(runs) / _POINTS_COUNT)
    return [_as_one(runs[start : start + size]) for start in range(0, len(runs), max(size, 1))]


def _as_one(runs: Sequence[RunPoint]) -> RunPoint:
    latest = {incident.fingerprint: incident for run in runs for incident in _open(run)}
    known = any(not isinstance(run.incidents, Missing) for run in runs)
    return RunPoint(
        at=runs[-1].at,
        complete=all(run.complete and not isinstance(run.incidents, Missing) for run in runs),
        incidents=tuple(latest.values()) if known else runs[-1].incidents,
        disk_used_pct=_highest([run.disk_used_pct for run in runs]),
        queue_count=_highest([run.queue_count for run in runs]),
    )


def _highest(values: Sequence[_Quantity | Missing]) -> _Quantity | Missing:
    known = [v for v in values if not isinstance(v, Missing) and 0 <= v < math.inf]
    return max(known, default=values[-1])
