"""The second phase of a run, only where there is something to report: what was done of late, whom it reaches.

A healthy run does not import this module.
"""

from collections.abc import Callable

from msgspec.structs import replace

from iwx_agent.app.collecting import collect
from iwx_agent.model import FactValue, Missing, Report
from iwx_agent.model.changes import Environment, OperatingSystem
from iwx_agent.model.cluster import ClusterRole
from iwx_agent.probes import PROBES as OF_CHECKS
from iwx_agent.probes import Context
from iwx_agent.probes.changes import PROBES
from iwx_agent.triage.changes import changes_of
from iwx_agent.triage.impact import impact_of

_LIMIT_S = 10.0  # each question has a limit of its own; this is for all of them
_OF_CHECKS = ("package_log", "supervised_services")  # asked here only where no check has asked
_UNASKED = Missing(reason="it was not looked at")


def with_background(
    report: Report,
    context: Context,
    facts: dict[str, FactValue],
    now_at: float,
    left_s: float,
    in_progress: Callable[[], tuple[str, ...]] = tuple,
) -> Report:
    """Return the report with changes, impact and what the server is, asked within ``left_s`` at most.

    ``context`` is the one of the first look: what was asked there is not asked again.
    """
    more = tuple(p for p in OF_CHECKS if p.fact in _OF_CHECKS and p.fact not in facts)
    found = collect(
        context, (*PROBES, *more), budget_s=max(min(left_s, _LIMIT_S), 0.1), in_progress=in_progress
    )
    known = facts | found.facts
    return replace(
        report,
        changes=changes_of(known, now_at, report.incidents),
        impact=impact_of(report.incidents, known),
        environment=_environment(known),
        timings=dict(sorted((report.timings | found.timings_s).items())),
    )


def _environment(facts: dict[str, FactValue]) -> Environment:
    system, role = facts.get("operating_system", _UNASKED), facts.get("server_role", _UNASKED)
    gaps = []
    for what, fact in (("operating system and kernel", system), ("part in a cluster", role)):
        if isinstance(fact, Missing):
            gaps.append(f"{what}: {fact.reason}")
    return Environment(
        system=system.name if isinstance(system, OperatingSystem) else "",
        kernel=system.kernel if isinstance(system, OperatingSystem) else "",
        role=role.part if isinstance(role, ClusterRole) else "",
        nodes_count=len(role.nodes) if isinstance(role, ClusterRole) and not role.nodes_gap else None,
        gaps=tuple(gaps),
    )
