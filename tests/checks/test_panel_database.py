"""panel.database: each outcome of the greeting is its own code, all of them emergencies."""

import pytest

from iwx_agent.checks.panel_database import Limits, judge
from iwx_agent.model import Boot, Finding, LogLine, Missing, PanelPresence, Scope, Severity, Unit, moment
from iwx_agent.model.database import DatabaseAnswer, DatabaseOutcome

NOW_AT = 1_795_450_000.0
BOOT = Boot(booted_at=NOW_AT - 86_400, read_at=NOW_AT)
NO_UNIT = Missing(reason="systemctl does not answer", source="systemctl show")


def answer(outcome: DatabaseOutcome, error_code: int = 0, text: str = "told so") -> DatabaseAnswer:
    return DatabaseAnswer(
        path="/p/iworx-db.sock",
        outcome=outcome,
        version="10.11.19" if outcome == "greeted" else "",
        error_code=error_code,
        text=text,
        duration_s=0.01,
        limit_s=5.0,
    )


def unit(active: str = "active", sub: str = "exited", at: float | None = NOW_AT - 600) -> Unit:
    return Unit(
        name="iworx.service", load_state="loaded", active_state=active, sub_state=sub, state_change_at=at
    )


def found(
    of: DatabaseAnswer,
    by: Unit | Missing = NO_UNIT,
    log: tuple[LogLine, ...] | Missing = (),
) -> list[Finding]:
    return list(judge(PanelPresence(home="/usr/local/interworx"), of, by, log, BOOT, Limits()))


def test_a_greeting_is_no_finding() -> None:
    assert found(answer("greeted")) == []
    assert answer("greeted").told == "greets as 10.11.19 after 0.01 s"


@pytest.mark.parametrize(
    ("of", "code", "words"),
    [
        (answer("no_socket"), "PANEL-040", "told so"),
        (answer("refused"), "PANEL-040", "told so"),
        (answer("error", 1040, "Too many connections"), "PANEL-041", "error 1040: Too many connections"),
        (answer("silent"), "PANEL-042", "nothing within 5 s"),
        (answer("error", 1129, "Host is blocked"), "PANEL-043", "error 1129"),
        (answer("error", 1053, "Server shutdown in progress"), "PANEL-044", "error 1053"),
        (answer("closed", text=""), "PANEL-044", "closed"),
        (answer("garbled"), "PANEL-044", "told so"),
    ],
)
def test_everything_else_is_an_emergency_of_its_kind(of: DatabaseAnswer, code: str, words: str) -> None:
    (finding,) = found(of)
    assert (finding.code, finding.severity, finding.scope) == (code, Severity.EMERGENCY, Scope.VENDOR)
    assert finding.subject == "panel database"
    assert words in finding.evidence[0].text
    assert of.path in finding.evidence[0].source
    assert {"panel", "mail"} <= set(finding.touches)
    assert finding.remedy


@pytest.mark.parametrize(("age_s", "count"), [(119.0, 0), (120.0, 1), (121.0, 1)])
def test_a_database_of_a_starting_panel_has_two_minutes(age_s: float, count: int) -> None:
    assert len(found(answer("no_socket"), unit("activating", "start", NOW_AT - age_s))) == count


@pytest.mark.parametrize(
    ("of", "by"),
    [
        (answer("silent"), unit("activating", "start", NOW_AT - 1)),
        (answer("no_socket"), unit("activating", "auto-restart", NOW_AT - 1)),
        (answer("no_socket"), unit("activating", "start", None)),
        (answer("no_socket"), unit("inactive", "dead", NOW_AT - 1)),
    ],
)
def test_only_a_start_explains_a_missing_socket(of: DatabaseAnswer, by: Unit) -> None:
    assert len(found(of, by)) == 1


def test_since_comes_from_the_unit_that_stopped() -> None:
    (finding,) = found(answer("refused"), unit("failed", "failed"))
    assert finding.since_at == moment(NOW_AT - 600)
    assert "iworx.service" in finding.since_source


def test_since_comes_from_the_log_when_the_unit_tells_nothing() -> None:
    log = (
        LogLine(text="[ERROR] one", source="db.err", at=NOW_AT - 50),
        LogLine(text="[ERROR] Aborting", source="db.err", at=NOW_AT - 40),
        LogLine(text="[ERROR] untimed", source="db.err"),
    )
    (finding,) = found(answer("refused"), unit(), log)
    assert (finding.since_at, finding.since_source) == (moment(NOW_AT - 40), "db.err")
    assert finding.evidence[-1].text.splitlines() == ["[ERROR] one", "[ERROR] Aborting", "[ERROR] untimed"]


@pytest.mark.parametrize("log", [(), Missing(reason="unreadable")])
def test_without_evidence_there_is_no_since(log: tuple[LogLine, ...] | Missing) -> None:
    (down,) = found(answer("refused"), unit(at=None), log)
    (busy,) = found(answer("error", 1040), unit("failed", "failed"), log)
    assert (down.since_at, down.since_source) == (None, "")
    assert (busy.since_at, busy.since_source) == (None, "")
