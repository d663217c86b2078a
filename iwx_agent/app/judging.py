"""Run checks over facts: exactly one result per check, whatever the check or its facts do."""

import inspect
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from iwx_agent.model import Check, CheckResult, FactValue, Finding, Missing, Status

_NOT_FACTS = ("limits",)


@cache
def facts_of(check: Check) -> tuple[str, ...]:
    """Return the names of the facts that a check's ``judge`` asks for, in order."""
    return tuple(name for name in inspect.signature(check.judge).parameters if name not in _NOT_FACTS)


@cache
def _accepts_missing(check: Check, fact: str) -> bool:
    """Whether the check's signature says that it judges a Missing itself (``Fact | Missing``)."""
    return "Missing" in str(inspect.signature(check.judge).parameters[fact].annotation)


def judge(check: Check, facts: Mapping[str, FactValue]) -> CheckResult:
    """Return the one result of a check over the facts."""
    started_s = time.monotonic()

    def result(status: Status, reason: str = "", findings: tuple[Finding, ...] = ()) -> CheckResult:
        return CheckResult(
            check_id=check.id,
            status=status,
            reason=reason,
            duration_s=round(time.monotonic() - started_s, 6),
            findings=findings,
        )

    stopped = _not_judgeable(check, facts)
    if stopped is not None:
        return result(*stopped)
    arguments: dict[str, Any] = {name: facts[name] for name in facts_of(check)}
    if check.limits is not None:
        arguments["limits"] = check.limits
    found: list[Finding] = []
    try:
        for finding in check.judge(**arguments):
            if not isinstance(finding, Finding):
                raise TypeError(f"gave a {type(finding).__name__} instead of a finding")
            found.append(finding)  # what was found before a break must not be lost with it
    except Exception as error:  # noqa: BLE001 - the wall: one broken check never hides the others
        return result(Status.CRASHED, f"{type(error).__name__}: {error}"[:500], tuple(found))
    findings = tuple(found)
    unlisted = sorted({finding.code for finding in findings} - set(check.codes))
    if unlisted:
        return result(Status.CRASHED, f"raised codes it does not list: {', '.join(unlisted)}", findings)
    if not findings:  # it judged without some fact and found nothing: that is never ok
        for name, gap in _missing(check, facts).items():
            if gap.crashed or (name in check.ok_needs and not gap.absent):
                status = Status.CRASHED if gap.crashed else Status.UNKNOWN
                return result(status, f"{name}: {_reason(gap)}")
    return result(Status.PROBLEM if findings else Status.OK, findings=findings)


def _missing(check: Check, facts: Mapping[str, FactValue]) -> dict[str, Missing]:
    return {name: facts[name] for name in facts_of(check) if isinstance(facts[name], Missing)}


def _not_judgeable(check: Check, facts: Mapping[str, FactValue]) -> tuple[Status, str] | None:
    """Return the status and reason when a fact is missing; certain absence of an optional one comes first."""
    missing = _missing(check, facts)
    for name in check.optional:
        if name in missing and missing[name].absent:
            return Status.NOT_APPLICABLE, _reason(missing[name])
    for name, gap in missing.items():
        if not _accepts_missing(check, name):
            status = Status.CRASHED if gap.crashed else Status.UNKNOWN
            return status, f"{name}: {_reason(gap)}"
    return None


def _reason(gap: Missing) -> str:
    return f"{gap.reason} ({gap.source})" if gap.source else gap.reason
