"""What saved runs say of the past: one point for each run, from which a timeline is drawn."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import IncidentState, Missing, Priority, Severity


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


class Measures(Struct, frozen=True, kw_only=True):
    """A few numbers of a run, for a line over time; None: not known.

    ``disk_used_pct`` is that of the fullest file system that services could write to, ``queue_count`` all
    messages in the mail queue, ``load`` the load average over five minutes.
    """

    disk_used_pct: float | None = None
    queue_count: int | None = None
    load: float | None = None


class SavedRun(Struct, frozen=True, kw_only=True):
    """A saved run in short: ``id`` is its name, ``headline`` what a person reads first."""

    id: str
    agent_version: str
    schema_version: int
    host: str
    exit_code: int
    headline: str
    point: RunPoint


DifferenceKind = Literal[
    "new",
    "revealed",  # there now; the run before could not tell
    "worse",
    "better",
    "gone",
    "unknown",  # was there; whether it still is could not be told
]


class Difference(Struct, frozen=True, kw_only=True):
    """A finding that is not in both runs, or not as bad: how bad it was and is; None: not found there."""

    kind: DifferenceKind
    code: str
    subject: str
    title: str
    check_id: str
    before: Severity | None = None
    after: Severity | None = None
    state_before: IncidentState | None = None
    state_after: IncidentState | None = None


class ComparedRun(Struct, frozen=True, kw_only=True):
    """One of two runs that were compared; ``blind`` names the checks that could not tell or were not run."""

    id: str
    collected_at: datetime
    agent_version: str
    priority: Priority | None
    emergency: bool
    measures: Measures
    blind: tuple[str, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """What changed from one run to another, worst first; ``unchanged_count`` findings are as they were."""

    before: ComparedRun
    after: ComparedRun
    changes: tuple[Difference, ...]
    unchanged_count: int
