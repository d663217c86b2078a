"""The vendor's support guide as data: what it takes, how urgent, when it is open; and who stands in between.

Source: InterWorx Direct Support Guide of release 7.1. The data stand in ``data/support-policy.toml``.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from enum import StrEnum
from typing import Literal

from msgspec import Struct
from msgspec.structs import fields

from iwx_agent.model.core import Finding, Priority, Scope

RESELLER = "the reseller or hosting company that sold the licence"


class Licence(StrEnum):
    """Where the licence was bought: it cannot be read off the server, so a person says it."""

    DIRECT = "direct"
    RESELLER = "reseller"
    NOT_SET = "not_set"


class ProviderMode(StrEnum):
    """What a reseller wants done with the tickets of its customers."""

    REDIRECT = "redirect"  # the ticket is addressed to the provider
    COPY = "copy"  # the vendor's ticket, with the provider's text
    BLOCK = "block"  # no ticket, the provider's text alone


class Provider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who sold the licence or runs the server, in its own words; ``address`` is where it is reached."""

    name: str
    text: str = ""
    address: str = ""
    mode: ProviderMode = ProviderMode.REDIRECT

    @property
    def shown(self) -> str:
        """Return the name with the address, as a person is told whom to turn to."""
        return f"{self.name} ({self.address})" if self.address else self.name


class Guide(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which text the policy was made from; ``as_of`` is the day on which the two were last compared."""

    title: str
    version: str
    as_of: date
    notes: tuple[str, ...] = ()


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when to when support is open on a day, by the vendor's clock; ``closes`` is no longer open."""

    opens: time
    closes: time


class Week(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hours of each weekday; None is closed."""

    monday: Hours | None = None
    tuesday: Hours | None = None
    wednesday: Hours | None = None
    thursday: Hours | None = None
    friday: Hours | None = None
    saturday: Hours | None = None
    sunday: Hours | None = None

    def on(self, day: date) -> Hours | None:
        """Return the hours of a day's weekday."""
        return self.days[day.weekday()]

    @property
    def days(self) -> tuple[Hours | None, ...]:
        """Return the hours from Monday to Sunday."""
        return (
            self.monday,
            self.tuesday,
            self.wednesday,
            self.thursday,
            self.friday,
            self.saturday,
            self.sunday,
        )


class Holiday(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day on which support is closed every year, by a recurrence rule of RFC 5545."""

    name: str
    rule: str

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """Return its days from ``first`` to ``last``, both included.

        Raises:
            ValueError: for what is no such rule.
        """
        from dateutil.rrule import rrulestr

        begins = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - days have no zone
        ends = datetime(last.year, last.month, last.day)  # noqa: DTZ001
        try:
            found = rrulestr(self.rule, dtstart=begins).between(begins, ends, inc=True)
        except IndexError:  # dateutil's answer to the 99th Monday
            raise ValueError("a day that no month has") from None
        return tuple(day.date() for day in found)


class PriorityWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One priority of the form, as the guide words it."""

    name: Priority
    words: str


class Topic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a list of the guide.

    ``codes`` are findings that this line decides: their scope is the line's, whatever the check said.
    ``describes`` are beginnings of codes (``MAIL``, ``WEB-01``) that it has the words for, where the check
    itself says that they are on this side.
    """

    id: str
    words: str
    codes: tuple[str, ...] = ()
    describes: tuple[str, ...] = ()


class Excluded(Topic, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of what does not qualify, with whose it is instead."""

    whose: Literal["provider", "customer"] = "provider"


class AfterHours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to a ticket while support is closed; an emergency alone counts.

    ``priorities`` reach a phone. An answer is usual within ``usual_answer_s``, but not for what comes in from
    ``night_begins`` to before ``night_ends``, by the vendor's clock.
    """

    priorities: tuple[Priority, ...]
    usual_answer_s: float
    night_begins: time
    night_ends: time


class SupportPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The guide, whole: a file under /etc replaces it whole, so that no two versions of it ever mix."""

    time_zone: str
    guide: Guide
    hours: Week
    after_hours: AfterHours
    priority: tuple[PriorityWords, ...]
    holiday: tuple[Holiday, ...] = ()
    qualifies: tuple[Topic, ...] = ()
    does_not_qualify: tuple[Excluded, ...] = ()
    emergency: tuple[Topic, ...] = ()

    def scope_of(self, finding: Finding) -> Scope:
        """Return whose a finding is: by the line that names its code, else as its check says."""
        if any(finding.code in topic.codes for topic in self.qualifies):
            return Scope.VENDOR
        for topic in self.does_not_qualify:
            if finding.code in topic.codes:
                return Scope(topic.whose)
        return finding.scope

    def topic_of(self, finding: Finding) -> Topic | None:
        """Return the line of the guide that a finding falls under, on the side where it stands."""
        if finding.scope is Scope.VENDOR:
            return best_topic(self.qualifies, finding.code)
        return best_topic((t for t in self.does_not_qualify if Scope(t.whose) is finding.scope), finding.code)

    def emergency_of(self, finding: Finding) -> str:
        """Return the guide's words for the emergency that a finding is; empty when it names none such."""
        topic = best_topic(self.emergency, finding.code)
        return topic.words if topic is not None else ""

    def words_of(self, priority: Priority) -> str:
        """Return the guide's words for a priority."""
        return next((known.words for known in self.priority if known.name is priority), "")


def best_topic(topics: Iterable[Topic], code: str) -> Topic | None:
    """Return the line that names the code, else the one with the longest beginning of it, else None."""
    best: Topic | None = None
    best_length = 0
    for topic in topics:
        if code in topic.codes:
            return topic
        length = max((len(start) for start in topic.describes if code.startswith(start)), default=0)
        if length > best_length:
            best, best_length = topic, length
    return best


def faults_of(policy: SupportPolicy) -> Iterator[tuple[str, str]]:
    """Give (key, why) of what the types cannot say, in the order of the file."""
    yield from _wrong_hours(policy)
    yield from _wrong_holidays(policy)
    yield from _wrong_lists(policy)


def _wrong_hours(policy: SupportPolicy) -> Iterator[tuple[str, str]]:
    for field, hours in zip(fields(Week), policy.hours.days, strict=True):
        if hours is None:
            continue
        key = f"hours.{field.name}"
        if hours.opens.tzinfo or hours.closes.tzinfo:
            yield key, "expected times without a zone: they are by the clock of time_zone"
        elif hours.opens >= hours.closes:
            yield key, f"expected to open before it closes, got {hours.opens} and {hours.closes}"
    after = policy.after_hours
    if after.night_begins.tzinfo or after.night_ends.tzinfo:
        yield "after_hours", "expected times without a zone: they are by the clock of time_zone"
    if not 0 < after.usual_answer_s <= 86_400:
        yield "after_hours.usual_answer_s", "expected seconds between 1 and 86400"


# dateutil takes more, and never ends on some of it (INTERVAL=0); COUNT and INTERVAL need a first year.
_RULE = re.compile(
    r"FREQ=YEARLY;BYMONTH=(?:1[0-2]|[1-9]);(?:BYMONTHDAY=-?(?:3[01]|[12]\d|[1-9])|BYDAY=(?:-?[1-5])(?:MO|TU|WE|TH|FR|SA|SU))"
)


def _wrong_holidays(policy: SupportPolicy) -> Iterator[tuple[str, str]]:
    for number, holiday in enumerate(policy.holiday):
        key = f"holiday[{number}].rule"
        if not _RULE.fullmatch(holiday.rule):
            example = "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH or FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25"
            yield key, f"expected a yearly rule such as {example}, got {holiday.rule[:80]!r}"
        elif not holiday.between(date(2024, 1, 1), date(2051, 12, 31)):  # all weekdays of a leap day
            yield key, f"no year has such a day: {holiday.rule!r}"


_CODE = re.compile(r"[A-Z]+-\d{3}")
_START_OF_CODE = re.compile(r"[A-Z]+(?:-\d{0,3})?")


def _wrong_lists(policy: SupportPolicy) -> Iterator[tuple[str, str]]:
    named = [known.name for known in policy.priority]
    if sorted(named) != sorted(Priority):
        yield "priority", f"expected each of {', '.join(Priority)} once, got {', '.join(named) or 'none'}"
    decided: set[str] = set()
    for group in ("qualifies", "does_not_qualify", "emergency"):
        ids: set[str] = set()
        for number, topic in enumerate(getattr(policy, group)):
            key = f"{group}[{number}]"
            if topic.id in ids:
                yield f"{key}.id", f"{topic.id!r} stands here twice"
            for code in topic.codes:
                if not _CODE.fullmatch(code):
                    yield f"{key}.codes", f"expected codes such as MAIL-001, got {code[:80]!r}"
                if code in decided:
                    yield f"{key}.codes", f"{code} is decided by two lines"
            for start in topic.describes:
                if not _START_OF_CODE.fullmatch(start):
                    yield f"{key}.describes", f"expected beginnings of codes such as MAIL, got {start[:80]!r}"
            ids.add(topic.id)
            decided.update(topic.codes)
