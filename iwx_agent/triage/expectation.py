"""When somebody can be expected to answer: the guide's hours, holidays and nights, in two time zones.

Everything that is compared or added is in UTC: the wall clock of a zone repeats an hour in autumn and leaves
one out in spring. Zones come in as values; nothing here reads their files.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import Struct

from iwx_agent.model import CheckResult, Expected, Missing, Moment, Priority, SupportPolicy, moment
from iwx_agent.model.system import TimeSync

_LOOK_AHEAD = timedelta(days=370)
_SAME_WEEK = timedelta(days=6)  # from here on a weekday alone could be taken for the wrong one
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CLOCK_WRONG = "SYSTEM-071"
_HOUR_S = 3600
_SECONDS_UNTIL_S = 120
_LAST_YEAR = 9000


class Clock(Struct, frozen=True, kw_only=True):
    """The true time, as far as it is known, and what to say of it; ``now`` is None when nobody can tell.

    ``wrong`` says that the server's own is off, whether or not it is known by how much.
    """

    now: datetime | None
    wrong: bool = False
    note: str = ""


class Zones(Struct, frozen=True, kw_only=True):
    """The vendor's and the server's time zone, and what to say when the latter could not be had."""

    vendor: tzinfo
    server: tzinfo
    note: str = ""


def clock_of(now_at: float, time_sync: TimeSync | Missing | None, results: Iterable[CheckResult]) -> Clock:
    """Return the true time: the server's own, less what its time daemon says that it is off.

    A clock that is wrong without anybody knowing by how much is said and not used. ``time_sync`` is None when
    nothing was asked about the clock.
    """
    wrong = any(finding.code == _CLOCK_WRONG for result in results for finding in result.findings)
    offset_s = time_sync.offset_s if isinstance(time_sync, TimeSync) else None
    if offset_s is not None and (now := _usable(now_at - offset_s)) is not None:
        if not wrong:
            return Clock(now=now)
        direction = "fast" if offset_s > 0 else "slow"
        off = f"The server's clock is {_span(abs(offset_s))} {direction}"
        return Clock(now=now, wrong=True, note=f"{off}; hours are reckoned by the right time.")
    if wrong or _usable(now_at) is None:
        note = "The server's clock is wrong, by how much is not known; no hours are reckoned by it."
        return Clock(now=None, wrong=True, note=note)
    if isinstance(time_sync, TimeSync):
        unsure = time_sync.synchronized is False
        note = "Nothing keeps the server's clock right: if it is off, so are these times." if unsure else ""
        return Clock(now=_usable(now_at), note=note)
    return Clock(
        now=_usable(now_at), note="The server's clock was not checked: if it is off, so are these times."
    )


def _usable(at: float) -> datetime | None:
    """Return a time that a calendar can count on from; None for what no clock can mean."""
    told = moment(at)
    return told if told is not None and told.year < _LAST_YEAR else None


def _span(seconds: float) -> str:
    if seconds < _SECONDS_UNTIL_S:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def expected_answer(
    policy: SupportPolicy, zones: Zones, clock: Clock, priority: Priority, *, emergency: bool
) -> Expected:
    """Return when an answer can be expected for a ticket of this priority that is sent now.

    ``emergency`` says that it is one of the guide's: nothing else is taken while support is closed.
    """
    note = " ".join(filter(None, (clock.note, zones.note)))
    phone = priority in policy.after_hours.priorities
    if clock.now is None:
        return Expected(
            support_open=None, text=_without_a_clock(policy, priority, phone=phone), clock_note=clock.note
        )
    calendar = _Calendar(policy, zones, clock.now)
    if calendar.closes is not None:
        closes = calendar.moment(calendar.closes)
        said = f"Support is open now, until {_both(closes)}; the guide names no time for an answer."
        return Expected(support_open=True, text=said, closes=closes, clock_note=note)
    opens = calendar.moment(opening) if (opening := calendar.next_opening()) is not None else None
    when = f"it opens {_both(opens)}" if opens else "when it opens is not known"
    closed = f"Support is closed now ({calendar.closed_because}); {when}."
    answer, answer_by, answer_from = _while_closed(policy, calendar, opens, priority, emergency=emergency)
    return Expected(
        support_open=False,
        text=f"{closed} {answer}",
        closed_because=calendar.closed_because,
        opens=opens,
        rings_a_phone=phone,
        answer_by=answer_by,
        answer_from=answer_from,
        clock_note=note,
    )


def _while_closed(
    policy: SupportPolicy, calendar: "_Calendar", opens: Moment | None, priority: Priority, *, emergency: bool
) -> tuple[str, Moment | None, Moment | None]:
    """Return what becomes of a ticket while support is closed: in a sentence, answered by, answered from."""
    if priority not in policy.after_hours.priorities:
        return f"{priority} rings no phone: expect no answer before that.", None, opens
    rings = f"{priority} rings a phone"
    if not emergency:
        return f"{rings}, but only emergencies are taken now: expect no answer before that.", None, opens
    night_ends = calendar.night_ends()
    if night_ends is None:
        by = calendar.moment(calendar.now + timedelta(seconds=policy.after_hours.usual_answer_s))
        return f"{rings}: usually answered {_within(policy)}, until {_both(by)}.", by, None
    morning = calendar.moment(night_ends)
    when = "" if morning == opens else f": {_both(morning)}"
    return f"{rings}, but at night it may not be seen before the morning{when}.", None, morning


class _Calendar:
    """The vendor's days around one moment."""

    def __init__(self, policy: SupportPolicy, zones: Zones, now: datetime) -> None:
        self._policy = policy
        self._zones = zones
        self.now = now
        self._local = now.astimezone(zones.vendor)
        today = self._local.date()
        self._holidays = {
            day: holiday.name
            for holiday in policy.holiday
            for day in holiday.between(today, today + _LOOK_AHEAD)
        }
        span = self._span_of(today)
        self._before_opening = span is not None and now < span[0]
        self.closes = span[1] if span is not None and span[0] <= now < span[1] else None

    @property
    def closed_because(self) -> str:
        """Return why support is closed now, in a word or two."""
        today = self._local.date()
        if today in self._holidays:
            return self._holidays[today]
        if self._policy.hours.on(today) is None:
            return _WEEKDAYS[today.weekday()]
        return "before opening" if self._before_opening else "after closing"

    def next_opening(self) -> datetime | None:
        """Return when support opens next; None when it does not within a year."""
        day = self._local.date()
        last = day + _LOOK_AHEAD
        while day <= last:
            span = self._span_of(day)
            if span is not None and span[0] > self.now:
                return span[0]
            day += timedelta(days=1)
        return None

    def night_ends(self) -> datetime | None:
        """Return when the night ends; None by day."""
        begins, ends = self._policy.after_hours.night_begins, self._policy.after_hours.night_ends
        wall = time(self._local.hour, self._local.minute, self._local.second)
        over_midnight = begins > ends
        night = (wall >= begins or wall < ends) if over_midnight else begins <= wall < ends
        if not night:
            return None
        day = self._local.date() + timedelta(days=int(over_midnight and wall >= begins))
        return self._at(day, ends)

    def moment(self, at: datetime) -> Moment:
        """Return a point in time as it reads at both ends."""
        far = at - self.now >= _SAME_WEEK
        vendor, server = (self._read(at, zone, far=far) for zone in (self._zones.vendor, self._zones.server))
        return Moment(at=at, vendor=vendor, server=server)

    def _span_of(self, day: date) -> tuple[datetime, datetime] | None:
        hours = None if day in self._holidays else self._policy.hours.on(day)
        return (self._at(day, hours.opens), self._at(day, hours.closes)) if hours else None

    def _at(self, day: date, wall: time) -> datetime:
        return datetime.combine(day, wall, tzinfo=self._zones.vendor).astimezone(UTC)

    @staticmethod
    def _read(at: datetime, zone: tzinfo, *, far: bool) -> str:
        local = at.astimezone(zone)
        name = local.tzname() or "UTC"
        name = f"UTC{name}" if name[0] in "+-" else name
        day = f"{_WEEKDAYS[local.weekday()][:3]} {f'{local:%Y-%m-%d} ' if far else ''}"
        return f"{day}{local:%H:%M} {name}"


def _both(at: Moment) -> str:
    return at.vendor if at.vendor == at.server else f"{at.vendor} ({at.server} here)"


def _within(policy: SupportPolicy) -> str:
    usual_s = policy.after_hours.usual_answer_s
    return "within the hour" if usual_s == _HOUR_S else f"within {usual_s / 60:.0f} min"


def _without_a_clock(policy: SupportPolicy, priority: Priority, *, phone: bool) -> str:
    spans: dict[str, list[str]] = {}
    for name, hours in zip(_WEEKDAYS, policy.hours.days, strict=True):
        if hours is not None:
            spans.setdefault(f"{hours.opens:%H:%M}-{hours.closes:%H:%M}", []).append(name[:3])
    told = "; ".join(f"{' '.join(days)} {span}" for span, days in spans.items()) or "never"
    rings = "rings a phone" if phone else "waits"
    return (
        "Whether support is open now cannot be told. "
        f"It is open {told} ({policy.time_zone}), not on holidays; outside these hours {priority} {rings}."
    )
