"""How patiently a text is sent."""

from datetime import timedelta

from msgspec import Struct

LOST_FOR = timedelta(days=1)  # so long after a damaged store a ticket may have been filed before it


class OutboxRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How patient sending is; times in seconds."""

    first_wait_s: int = 60  # before the second attempt; doubled each time
    longest_wait_s: int = 3600
    later_count: int = 4  # attempts put off by the first transport before the others are tried as well
    look_after_s: int = 120  # an accepted ticket may take so long to be listed
    looks_count: int = 5  # lookups without an answer before the text is sent once more
    repeat_after_s: int = 1800  # where nobody can look, before the text is sent once more
    attempts_per_day_count: int = 100  # per entry
