"""Since when, from saved runs: not there in one run, there in the next; used when nothing better is known."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from iwx_agent.model import Incident, Missing, RunPoint


def with_last_good(
    incidents: Iterable[Incident], runs: Sequence[RunPoint], now: datetime
) -> tuple[Incident, ...]:
    """Return the incidents, those without a time with that of the run that saw them first.

    ``runs`` are the saved runs in the order in which they were made, without the present one, which is of
    ``now``. A run in which a check could not tell proves nothing by not finding something, so it is no good
    run. Without a good run nothing is said: what the oldest run saw may be older than all of them.
    """
    return tuple(
        incident if incident.since_at is not None else _dated(incident, runs, now) for incident in incidents
    )


def _dated(incident: Incident, runs: Sequence[RunPoint], now: datetime) -> Incident:
    first_seen_at = now
    for run in reversed(runs):
        if _seen(incident, run):
            first_seen_at = run.at
        elif run.complete and not isinstance(run.incidents, Missing):
            if not run.at < first_seen_at <= now:  # the clock was set meanwhile
                return incident
            return replace(incident, since_at=first_seen_at, since_source=_source(run.at, first_seen_at))
    return incident


def _seen(incident: Incident, run: RunPoint) -> bool:
    return not isinstance(run.incidents, Missing) and any(
        one.fingerprint == incident.fingerprint for one in run.incidents
    )


def _source(good_at: datetime, first_seen_at: datetime) -> str:
    good, first = (at.strftime("%Y-%m-%d %H:%M UTC") for at in (good_at, first_seen_at))
    return f"saved runs: not there at {good}, first seen at {first}"
