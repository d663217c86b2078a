"""What one ticket is about: an episode, from the first emergency to the recovery; and what decides on it."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from iwx_agent.model.core import Priority, Severity


class Action(StrEnum):
    """What ``auto`` does after a run."""

    FILE = "file"  # a new ticket
    DRAFT = "draft"  # a new ticket that a person sends
    UPDATE = "update"  # a further text to the open ticket
    RECOVERY = "recovery"  # the last text to it: over
    HOLD = "hold"  # there is something to say, but not now or not by itself
    NOTHING = "nothing"


class Told(Struct, frozen=True, kw_only=True):
    """A finding as the ticket told it last; ``fingerprint`` is that of its code and subject.

    ``seen_at`` is when a run saw it last; None for one that an earlier version of the agent told.
    """

    fingerprint: str
    title: str
    severity: Severity
    seen_at: datetime | None = None


class Episode(Struct, frozen=True, kw_only=True):
    """An open ticket, or one that is over.

    ``delivered`` is false while its first text waits in the outbox; it is ``given_up`` when that is a draft
    (``draft``), was refused by all or dropped, or when nobody knows whether it was sent and only a person can
    find out. ``over_told`` says that the ticket's last word is that it is over, and ``back_at`` since when it
    is back without having been told so. ``good_runs_count`` counts the runs in a row that saw everything and
    no emergency, the first of them at ``first_good_at``; ``over_at`` is when the recovery was told;
    ``returns_count`` how often it came back since it was filed. ``texts_count`` numbers its texts, the first
    one included.
    """

    key: str
    opened_at: datetime  # when the ticket was filed
    began_at: datetime  # when what it is about began, as far as that is known
    told: tuple[Told, ...]
    told_at: datetime
    priority: Priority
    last_bad_at: datetime
    delivered: bool = False
    given_up: bool = False
    draft: bool = False
    updates_count: int = 0
    good_runs_count: int = 0
    first_good_at: datetime | None = None
    over_at: datetime | None = None
    returns_count: int = 0
    texts_count: int = 1
    over_told: bool = False
    back_at: datetime | None = None


class Ignored(Struct, frozen=True, kw_only=True):
    """An incident that a person wants to hear nothing of, for a time; ``unless_worse`` than ``severity``."""

    fingerprint: str
    until: datetime
    reason: str
    unless_worse: bool = False
    severity: Severity = Severity.EMERGENCY


class AutoRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When ``auto`` may speak: numbers are inclusive, times in seconds."""

    drafts_count: int = 1  # the first tickets are drafts
    tickets_per_day_count: int = 3
    pause_s: int = 3600  # between two new tickets
    updates_count: int = 10  # per ticket, the recovery not counted
    update_pause_s: int = 900  # between two texts to one ticket
    repeat_after_s: int = 0  # tell again what has not changed; 0: never
    good_runs_count: int = 2  # before it is called over
    return_within_s: int = 6 * 3600  # what comes back so soon belongs to the same ticket
    returns_count: int = 3  # and so often it is flapping
    storm_count: int = 8  # texts within an hour; then silence for an hour


class Decision(Struct, frozen=True, kw_only=True):
    """What to do, by which row of the table, and the sentence for ``why``; the episode as it is then."""

    action: Action
    row: str
    said: str
    episode: Episode | None = None
