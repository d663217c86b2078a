"""The words of the product as types: facts, findings, results, incidents, verdict.

Everything here is a frozen value. Times inside findings are timezone-aware datetimes in UTC; times inside
facts are seconds since the epoch as float, named ``_at``.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

from msgspec import Struct

_LATEST_AT = 253_370_764_800.0  # year 9999: beyond it datetime overflows; such a time is nonsense, not a fact


class Severity(IntEnum):
    """How bad one finding is. The numbers are for ever; the gaps are for what nobody thought of."""

    NOTE = 10
    WARNING = 20
    ERROR = 30
    EMERGENCY = 40


class Scope(StrEnum):
    """Who has to deal with a finding, by the two lists of the vendor's support guide."""

    VENDOR = "vendor"
    PROVIDER = "provider"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """What one check came to. ``unknown`` and ``crashed`` are never ``ok``."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    CRASHED = "crashed"


class IncidentState(StrEnum):
    """How sure the agent is of an incident at the moment of the report."""

    OPEN = "open"  # no emergency in it: one look is enough
    CONFIRMED = "confirmed"  # an emergency seen in both looks
    UNCONFIRMED = "unconfirmed"  # an emergency seen once; there was no second look
    PASSING = "passing"  # seen in the first look, gone in the second
    IN_PROGRESS = "in_progress"  # a package transaction or a boot explains it for now


class Priority(StrEnum):
    """The five priorities of the vendor's ticket form."""

    INFORMATION = "Information"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    URGENT = "Urgent"


# The emergencies that the vendor's guide names, in its words and order; it adds "not limited to".
EMERGENCIES = (
    "Email not processing",
    "Websites are down",
    "NodeWorx cannot be accessed",
    "InterWorx will not start",
    "The server is in maintenance mode",
    "Failed upgrade step messages",
    "Yum failure messages",
    "Stuck command queues on cluster nodes",
)


class Missing(Struct, frozen=True, kw_only=True):
    """A fact that could not be had, and why: never 0, "" or None.

    ``absent`` is true only when it is certain that the thing is not there at all (no such file, no such
    unit); only then may a check answer ``not_applicable``. ``crashed`` marks a defect of the agent itself.
    """

    reason: str
    source: str = ""
    absent: bool = False
    crashed: bool = False


class Evidence(Struct, frozen=True, kw_only=True):
    """Quoted text and where it stands: ``source`` is file:line, a command with its exit code, or a URL."""

    source: str
    text: str
    seen_at: datetime | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One thing wrong.

    ``code`` and ``subject`` are its identity and never hold numbers that change. ``title`` is what a person
    says on the phone, ``detail`` the numbers, ``remedy`` the next steps in order. ``touches`` names what a
    cause can reach (``mail``, ``database``), so that triage explains only what it really can explain.
    ``inferred`` says that it rests on nothing but what is inferred of the panel: the check makes it one step
    less severe, and every output marks it.
    """

    code: str
    subject: str
    severity: Severity
    scope: Scope
    title: str
    detail: str
    remedy: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    since_at: datetime | None = None
    since_source: str = ""
    touches: tuple[str, ...] = ()
    inferred: bool = False


class CheckResult(Struct, frozen=True, kw_only=True):
    """Exactly one answer of one check; ``reason`` says why it is not ``ok`` or ``problem``."""

    check_id: str
    status: Status
    reason: str
    duration_s: float
    findings: tuple[Finding, ...]


class Incident(Struct, frozen=True, kw_only=True):
    """Findings with one cause: ``lead`` is the cause, ``others`` are its consequences, worst first.

    ``scope`` is the cause's: whoever deals with it; ``scope_source`` is the line of the guide that says so.
    """

    fingerprint: str
    lead: Finding
    others: tuple[Finding, ...]
    state: IncidentState
    since_at: datetime | None
    since_source: str
    scope: Scope
    scope_source: str = ""


class Check(Struct, frozen=True, kw_only=True):
    """The declaration at the end of each check's file.

    ``judge`` is a generator function; its parameter names are the facts it needs, ``limits`` excepted.
    ``optional`` names facts whose certain absence makes the check ``not_applicable``. A fact annotated
    ``Fact | Missing`` is judged without when it is missing; without one that ``ok_needs`` names, a check that
    found nothing is ``unknown``. ``once`` names facts that a second look takes from the first: asking for
    them costs the machine much, and some seconds change nothing about them.
    """

    id: str
    title: str
    codes: tuple[str, ...]
    judge: Callable[..., Iterator[Finding]]
    limits: Struct | None = None
    optional: tuple[str, ...] = ()
    ok_needs: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    emergency: bool = False  # it can raise an emergency of the guide: its facts are asked for first
    guide: int = (
        0  # which of EMERGENCIES it looks for, from 1 on; 0 for none, or one that the guide does not name
    )


def grade(
    value: float,
    *,
    warning: float | None = None,
    error: float | None = None,
    emergency: float | None = None,
) -> Severity | None:
    """Grade a quantity that is worse the larger it is; limits are inclusive; None means within all limits."""
    if emergency is not None and value >= emergency:
        return Severity.EMERGENCY
    if error is not None and value >= error:
        return Severity.ERROR
    if warning is not None and value >= warning:
        return Severity.WARNING
    return None


def moment(at: float | None) -> datetime | None:
    """Turn seconds since the epoch into a UTC datetime; None for None and for what no clock can mean."""
    if at is None or not 0 <= at < _LATEST_AT:  # NaN fails both comparisons
        return None
    return datetime.fromtimestamp(int(at), UTC)


class ParseError(ValueError):
    """Text that a parser does not understand: what was expected, and the start of what was there."""

    def __init__(self, expected: str, got: str | bytes = "") -> None:
        shown = repr(got[:80]) if got else "nothing"
        super().__init__(f"expected {expected}, got {shown}")


FactValue = (
    Any  # what a probe returns: a model type, or Missing; checks name the exact type in their signature
)
