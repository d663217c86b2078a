"""web.php: services, sockets, pools at their limit."""

import pytest

from iwx_agent.checks.web_php import Limits, judge
from iwx_agent.model import Boot, Finding, LogLine, PortAnswer, PortOutcome, Scope, Severity, Unit, Units
from iwx_agent.model.web import MaxChildren, PhpFpm, PhpFpmLog, PhpPool

NOW = 1_795_450_000.0
NAME = "php82-php-fpm.service"


def units(active: str = "active", enabled: str = "enabled") -> Units:
    unit = Unit(
        name=NAME,
        load_state="loaded",
        active_state=active,
        sub_state="dead",
        unit_file_state=enabled,
        result="exit-code" if active == "failed" else "",
        state_change_at=NOW - 60,
    )
    return Units(by_name={NAME: unit})


def pool(outcome: PortOutcome = "greeted") -> PhpPool:
    answer = PortAnswer(address="/run/a.sock", port=0, tls=False, outcome=outcome, detail="as told")
    return PhpPool(name="a", unit=NAME, file="/etc/a b.conf", listen="/run/a.sock", answer=answer)


def found(
    states: Units | None = None, *pools: PhpPool, pools_count: int = 1, reached: tuple[MaxChildren, ...] = ()
) -> list[Finding]:
    php = PhpFpm(units=(NAME,), pools=pools, pools_count={NAME: pools_count})
    return list(
        judge(php, states or units(), PhpFpmLog(reached=reached), Boot(booted_at=0.0, read_at=NOW), Limits())
    )


def line(at: float | None, name: str = "a", count: int = 5) -> MaxChildren:
    return MaxChildren(pool=name, limit_count=count, line=LogLine(text="reached", source="/log", at=at))


def test_a_running_service_whose_pools_accept_is_well() -> None:
    assert found(units(), pool()) == []


@pytest.mark.parametrize(("pools_count", "severity"), [(1, Severity.ERROR), (0, Severity.WARNING)])
def test_a_failed_service_is_as_bad_as_what_stands_on_it(pools_count: int, severity: Severity) -> None:
    (finding,) = found(units("failed"), pools_count=pools_count)
    assert (finding.code, finding.subject, finding.severity, finding.scope) == (
        "WEB-020",
        NAME,
        severity,
        Scope.VENDOR,
    )
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == NOW - 60


def test_a_stopped_service_counts_only_when_it_should_start_at_boot() -> None:
    (finding,) = found(units("inactive"))
    assert (finding.code, finding.severity) == ("WEB-020", Severity.WARNING)
    assert "stopped" in finding.title
    assert found(units("inactive", "disabled")) == []
    assert found(units("activating")) == []


@pytest.mark.parametrize("outcome", ["refused", "silent", "failed"])
def test_a_pool_that_does_not_accept(outcome: PortOutcome) -> None:
    (finding,) = found(units(), pool(outcome))
    assert (finding.code, finding.subject, finding.severity) == (
        "WEB-021",
        f"{NAME} pool a",
        Severity.ERROR,
    )
    assert "as told" in finding.detail
    assert finding.remedy[0].startswith("less '/etc/a b.conf'")


@pytest.mark.parametrize(
    ("ago_s", "codes"), [(3601.0, []), (3600.0, ["WEB-022"]), (3599.0, ["WEB-022"]), (0.0, ["WEB-022"])]
)
def test_the_last_hour_counts(ago_s: float, codes: list[str]) -> None:
    findings = found(units(), reached=(line(NOW - ago_s),))
    assert [f.code for f in findings] == codes
    assert all(f.severity is Severity.WARNING for f in findings)


def test_a_line_without_a_time_is_history_and_a_pool_is_told_once() -> None:
    assert found(units(), reached=(line(None),)) == []
    findings = found(units(), reached=(line(NOW - 50), line(NOW - 20), line(NOW - 30, "b")))
    assert [f.subject for f in findings] == ["pool a", "pool b"]
    assert findings[0].since_at is not None
    assert findings[0].since_at.timestamp() == NOW - 20


def test_a_stopped_unit_without_a_known_time_has_no_beginning() -> None:
    unit = Unit(name=NAME, load_state="loaded", active_state="failed", sub_state="failed")
    (finding,) = found(Units(by_name={NAME: unit}))
    assert (finding.since_at, finding.since_source) == (None, "")
