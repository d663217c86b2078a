"""The hours in which ``auto`` may speak."""

from datetime import datetime, time, timedelta
from enum import StrEnum

from msgspec import Struct


class Day(StrEnum):
    """A day of the week, in the order of ``datetime.weekday()``."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days, and the time from ``begins`` (within) to ``ends`` (no longer within).

    The same twice is the whole day; a window over midnight belongs to the day on which it begins. The times
    are those of ``time_zone``, of the server's own zone when it is empty.
    """

    days: tuple[Day, ...] = tuple(Day)
    begins: time = time(0)
    ends: time = time(0)
    time_zone: str = ""


def why_outside(window: Window, now: datetime) -> str:
    """Return the sentence that says that ``now``, in the window's zone, is not in it; empty when it is."""
    clock = now.timetz().replace(tzinfo=None)
    day = now
    if window.begins == window.ends:
        within = True
    elif window.begins < window.ends:
        within = window.begins <= clock < window.ends
    else:
        within = clock >= window.begins or clock < window.ends
        if clock < window.ends:
            day = now - timedelta(days=1)
    if within and tuple(Day)[day.weekday()] in window.days:
        return ""
    hours = "" if window.begins == window.ends else f" {window.begins:%H:%M} to {window.ends:%H:%M}"
    days = "every day" if len(set(window.days)) == len(Day) else ", ".join(window.days) or "no day"
    return f"{now:%A %H:%M} is outside the window of the settings ({days}{hours})"
