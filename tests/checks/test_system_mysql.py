"""system.mysql: the same outcomes for the customers' server, an error of the provider's scope."""

import pytest

from iwx_agent.checks.system_mysql import CHECK, Limits, judge
from iwx_agent.model import Boot, Finding, LogLine, Missing, Scope, Severity, Unit, moment
from iwx_agent.model.database import DatabaseAnswer, DatabaseOutcome

NOW_AT = 1_795_450_000.0
BOOT = Boot(booted_at=NOW_AT - 86_400, read_at=NOW_AT)
NO_UNIT = Missing(reason="no unit", source="systemctl show", absent=True)


def answer(outcome: DatabaseOutcome, error_code: int = 0) -> DatabaseAnswer:
    return DatabaseAnswer(
        path="/var/lib/mysql/mysql.sock", outcome=outcome, error_code=error_code, text="told so", limit_s=5.0
    )


def unit(active: str, sub: str = "dead", at: float | None = NOW_AT - 600) -> Unit:
    return Unit(
        name="mariadb.service", load_state="loaded", active_state=active, sub_state=sub, state_change_at=at
    )


def found(
    of: DatabaseAnswer, by: Unit | Missing = NO_UNIT, log: tuple[LogLine, ...] | Missing = ()
) -> list[Finding]:
    return list(judge(of, by, log, BOOT, Limits()))


def test_a_greeting_is_no_finding_whatever_the_unit_says() -> None:
    assert found(answer("greeted")) == []
    assert found(answer("greeted"), unit("failed", "failed")) == []


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (answer("no_socket"), "SYSTEM-050"),
        (answer("refused"), "SYSTEM-050"),
        (answer("error", 1040), "SYSTEM-051"),
        (answer("silent"), "SYSTEM-052"),
        (answer("error", 1129), "SYSTEM-053"),
        (answer("error", 1130), "SYSTEM-054"),
        (answer("closed"), "SYSTEM-054"),
        (answer("garbled"), "SYSTEM-054"),
    ],
)
def test_everything_else_is_an_error_for_the_provider(of: DatabaseAnswer, code: str) -> None:
    (finding,) = found(of)
    assert (finding.code, finding.severity, finding.scope) == (code, Severity.ERROR, Scope.PROVIDER)
    assert finding.subject == "MySQL"
    assert finding.remedy
    assert not CHECK.emergency


def test_a_server_that_stopped_names_its_unit_and_since_when() -> None:
    (finding,) = found(answer("no_socket"), unit("failed", "failed"))
    assert "(mariadb.service) is down" in finding.title
    assert finding.since_at == moment(NOW_AT - 600)
    assert finding.remedy[-1] == "systemctl start mariadb.service"


@pytest.mark.parametrize(("age_s", "count"), [(119.0, 0), (120.0, 1), (121.0, 1)])
def test_a_start_has_two_minutes(age_s: float, count: int) -> None:
    assert len(found(answer("refused"), unit("activating", "start", NOW_AT - age_s))) == count


def test_the_error_log_is_quoted_and_named_in_the_remedy() -> None:
    log = (LogLine(text="2026-11-23 15:56:18 0 [ERROR] Aborting", source="/var/log/mariadb/mariadb.log"),)
    (finding,) = found(answer("refused"), unit("failed", "failed"), log)
    assert finding.evidence[-1].text.endswith("[ERROR] Aborting")
    assert "tail -n 50 /var/log/mariadb/mariadb.log" in finding.remedy


def test_an_unreadable_log_is_no_hindrance() -> None:
    (finding,) = found(answer("refused"), unit("failed", "failed"), Missing(reason="permission"))
    assert "journalctl -u mariadb.service -n 50 --no-pager" in finding.remedy
