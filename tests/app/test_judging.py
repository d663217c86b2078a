"""judge(): exactly one result for every check, whatever the check or its facts do."""

from collections.abc import Callable, Iterator

import pytest
from building import finding
from msgspec import Struct

from iwx_agent.app.judging import facts_of, judge
from iwx_agent.model import Check, Finding, Missing, Status


class Limits(Struct, frozen=True, kw_only=True):
    worst: int = 3


def check(judging: Callable[..., Iterator[Finding]], **more: object) -> Check:
    return Check(id="area.x", title="x", codes=("A-001", "A-002"), judge=judging, **more)  # type: ignore[arg-type]


def says_nothing(fact: int) -> Iterator[Finding]:
    yield from ()


def finds(fact: int, limits: Limits) -> Iterator[Finding]:
    if fact >= limits.worst:
        yield finding("A-001", "x")


def finds_and_breaks(fact: int) -> Iterator[Finding]:
    yield finding("A-001", "x")
    raise ZeroDivisionError("half-way")


def unlisted(fact: int) -> Iterator[Finding]:
    yield finding("A-001", "x")
    yield finding("B-001", "x")


def takes_missing(fact: int | Missing) -> Iterator[Finding]:
    if isinstance(fact, int) and fact > 1:
        yield finding("A-002", "x")


GONE = Missing(reason="timed out", source="systemctl show")
ABSENT = Missing(reason="no such file", source="/x", absent=True)
BROKEN = Missing(reason="KeyError: 'a'", crashed=True)


def test_ok_and_problem_by_the_limits_of_the_check() -> None:
    with_limits = check(finds, limits=Limits())
    assert judge(with_limits, {"fact": 2}).status is Status.OK
    found = judge(with_limits, {"fact": 3})
    assert (found.check_id, found.status, found.reason) == ("area.x", Status.PROBLEM, "")
    assert [f.code for f in found.findings] == ["A-001"]
    assert found.duration_s >= 0


def test_limits_are_no_fact() -> None:
    assert facts_of(check(finds)) == ("fact",)


@pytest.mark.parametrize(
    ("fact", "optional", "status", "reason"),
    [
        (GONE, (), Status.UNKNOWN, "fact: timed out (systemctl show)"),
        (GONE, ("fact",), Status.UNKNOWN, "fact: timed out (systemctl show)"),
        (ABSENT, (), Status.UNKNOWN, "fact: no such file (/x)"),
        (ABSENT, ("fact",), Status.NOT_APPLICABLE, "no such file (/x)"),
        (BROKEN, (), Status.CRASHED, "fact: KeyError: 'a'"),
        (BROKEN, ("fact",), Status.CRASHED, "fact: KeyError: 'a'"),
    ],
)
def test_a_missing_fact_is_never_ok(
    fact: Missing, optional: tuple[str, ...], status: Status, reason: str
) -> None:
    found = judge(check(says_nothing, optional=optional), {"fact": fact})
    assert (found.status, found.reason, found.findings) == (status, reason, ())


def test_certain_absence_of_what_is_optional_comes_before_what_could_not_be_told() -> None:
    def two(other: int, fact: int) -> Iterator[Finding]:
        yield from ()

    found = judge(check(two, optional=("fact",)), {"other": GONE, "fact": ABSENT})
    assert found.status is Status.NOT_APPLICABLE


def test_a_check_whose_signature_takes_missing_judges_it_itself() -> None:
    for gone in (GONE, ABSENT):
        assert judge(check(takes_missing), {"fact": gone}).status is Status.OK
    assert judge(check(takes_missing), {"fact": 2}).status is Status.PROBLEM


def test_a_defect_behind_a_fact_that_may_be_missing_is_still_no_ok() -> None:
    def two(fact: int | Missing, other: int) -> Iterator[Finding]:
        if other:
            yield finding("A-001", "x")

    found = judge(check(two), {"fact": BROKEN, "other": 0})
    assert (found.status, found.reason) == (Status.CRASHED, "fact: KeyError: 'a'")
    assert judge(check(two), {"fact": BROKEN, "other": 1}).status is Status.PROBLEM


def test_an_exception_is_crashed_with_its_name() -> None:
    def breaks(fact: int) -> Iterator[Finding]:
        yield finding("A-001", str(1 // fact))

    found = judge(check(breaks), {"fact": 0})
    assert (found.status, found.findings) == (Status.CRASHED, ())
    assert found.reason.startswith("ZeroDivisionError: ")


def test_what_was_found_before_a_break_is_kept() -> None:
    found = judge(check(finds_and_breaks), {"fact": 0})
    assert (found.status, found.reason) == (Status.CRASHED, "ZeroDivisionError: half-way")
    assert [f.code for f in found.findings] == ["A-001"]


def test_a_code_that_is_not_listed_is_a_defect_and_its_finding_is_kept() -> None:
    found = judge(check(unlisted), {"fact": 0})
    assert (found.status, found.reason) == (Status.CRASHED, "raised codes it does not list: B-001")
    assert len(found.findings) == 2


def test_a_reason_is_bounded() -> None:
    def breaks(fact: int) -> Iterator[Finding]:
        yield finding("A-001", "x")
        raise ValueError("x" * 10_000)

    assert len(judge(check(breaks), {"fact": 0}).reason) == 500


def test_an_interrupt_is_not_swallowed() -> None:
    def interrupted(fact: int) -> Iterator[Finding]:
        yield from ()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(check(interrupted), {"fact": 0})
