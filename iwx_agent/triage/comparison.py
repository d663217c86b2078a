"""Two runs side by side: what is new, gone, worse, better, and what one of them could not tell."""

from collections.abc import Iterator

from iwx_agent.model import (
    ComparedRun,
    Comparison,
    Difference,
    DifferenceKind,
    Finding,
    IncidentState,
    Report,
    Status,
)
from iwx_agent.triage.incidents import Identity, identity

_ORDER: tuple[DifferenceKind, ...] = ("new", "worse", "revealed", "unknown", "better", "gone")
_DOUBT = 5  # an emergency that passes or is explained is less than one, and more than an error
_UNSURE = (IncidentState.PASSING, IncidentState.IN_PROGRESS)
_TOLD = (Status.OK, Status.PROBLEM, Status.NOT_APPLICABLE)


class _Run:
    """A run's findings by what makes them the same one, and which checks could tell."""

    def __init__(self, report: Report) -> None:
        self.asked = frozenset(result.check_id for result in report.results)
        self.told = frozenset(result.check_id for result in report.results if result.status in _TOLD)
        self.found: dict[Identity, tuple[str, Finding]] = {
            identity(finding): (result.check_id, finding)
            for result in report.results
            for finding in result.findings
        }
        self.states: dict[Identity, IncidentState] = {
            identity(finding): incident.state
            for incident in report.incidents
            for finding in (incident.lead, *incident.others)
        }

    def rank(self, one: Identity) -> int:
        """Return how bad a finding is: its severity, a little less when it is passing or explained."""
        severity = int(self.found[one][1].severity)
        return severity - (_DOUBT if self.states.get(one) in _UNSURE else 0)


def compare(before: Report, after: Report, *, before_id: str = "", after_id: str = "") -> Comparison:
    """Return what changed from one run to another.

    A finding is gone only when its check could tell that in the later run, and new only when it could in the
    earlier one.
    """
    old, new = _Run(before), _Run(after)
    ranks = {
        one: max(run.rank(one) for run in (old, new) if one in run.found) for one in old.found | new.found
    }
    changes = dict(_changes(old, new))
    ordered = sorted(changes, key=lambda one: (_ORDER.index(changes[one].kind), -ranks[one], one))
    return Comparison(
        before=_compared(before, before_id, (old.asked | new.asked) - old.told),
        after=_compared(after, after_id, (old.asked | new.asked) - new.told),
        changes=tuple(changes[one] for one in ordered),
        unchanged_count=len(ranks) - len(changes),
    )


def _changes(old: _Run, new: _Run) -> Iterator[tuple[Identity, Difference]]:
    for one in old.found | new.found:
        kind = _kind(one, old, new)
        if kind is None:
            continue
        check, finding = (new if one in new.found else old).found[one]
        yield (
            one,
            Difference(
                kind=kind,
                code=finding.code,
                subject=finding.subject,
                title=finding.title,
                check_id=check,
                before=old.found[one][1].severity if one in old.found else None,
                after=new.found[one][1].severity if one in new.found else None,
                state_before=old.states.get(one),
                state_after=new.states.get(one),
            ),
        )


def _kind(one: Identity, old: _Run, new: _Run) -> DifferenceKind | None:
    if one not in old.found:
        return "new" if new.found[one][0] in old.told else "revealed"
    if one not in new.found:
        return "gone" if old.found[one][0] in new.told else "unknown"
    before, after = old.rank(one), new.rank(one)
    if before == after:
        return None
    return "worse" if after > before else "better"


def _compared(report: Report, name: str, blind: frozenset[str]) -> ComparedRun:
    return ComparedRun(
        id=name,
        collected_at=report.collected_at,
        agent_version=report.agent_version,
        priority=report.verdict.priority,
        emergency=report.verdict.emergency,
        measures=report.measures,
        blind=tuple(sorted(blind)),
    )
