"""How a decision is said."""

from datetime import timedelta

from iwx_agent.model import Incident
from iwx_agent.model.episode import Episode, Told

_NAMED_COUNT = 3


def named(incidents: list[Incident]) -> str:
    """Return what incidents are about, the first three of them."""
    return listed([f"{incident.lead.title} ({incident.lead.code})" for incident in incidents])


def titles(told: list[Told]) -> str:
    """Return what a ticket tells, the first three of it."""
    return listed([one.title for one in told])


def listed(words: list[str]) -> str:
    """Return the first three, and how many more there are."""
    first = ", ".join(words[:_NAMED_COUNT])
    more = len(words) - _NAMED_COUNT
    return f"{first} and {more} more" if more > 0 else first


def lasting(episode: Episode) -> str:
    """Return how long an episode lasted, and that it was not there all the time when it came back."""
    length = duration(episode.last_bad_at - episode.began_at)
    return f"{length}, with breaks" if episode.returns_count else length


def duration(length: timedelta) -> str:
    """Return a length of time in hours and minutes."""
    minutes = max(int(length.total_seconds()) // 60, 0)
    hours, minutes = divmod(minutes, 60)
    if not hours and not minutes:
        return "less than a minute"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
