"""What saved runs say of the past: one point for each run, from which a timeline is drawn."""

from datetime import datetime

from msgspec import Struct

from iwx_agent.model.core import IncidentState, Missing


class OpenIncident(Struct, frozen=True, kw_only=True):
    """An incident as one run saw it; ``fingerprint`` is the same in every run, words may change."""

    fingerprint: str
    title: str
    state: IncidentState


class RunPoint(Struct, frozen=True, kw_only=True):
    """One run: what was open, the use of the fullest file system, the messages in the mail queue.

    ``complete`` is true when every check of the run could tell: only then is an incident that is not listed
    over. What the run did not know is ``Missing``.
    """

    at: datetime
    complete: bool
    incidents: tuple[OpenIncident, ...] | Missing
    disk_used_pct: float | Missing
    queue_count: int | Missing
