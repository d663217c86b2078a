"""panel.start: what answers decides; the unit's state says what kind of trouble it is."""

import pytest

from iwx_agent.checks.panel_start import CHECK, Limits, judge
from iwx_agent.model import (
    Boot,
    Finding,
    LogLine,
    Missing,
    PageAnswer,
    PageOutcome,
    PanelPresence,
    Process,
    Severity,
    Unit,
    moment,
)
from iwx_agent.model.database import DatabaseAnswer, DatabaseOutcome
from iwx_agent.model.panel import PanelProcesses

NOW_AT = 1_795_450_000.0
BOOT = Boot(booted_at=NOW_AT - 86_400, read_at=NOW_AT)
CHANGED_AT = NOW_AT - 600
GONE = Missing(reason="not permitted", source="unix")


def unit(
    active: str = "active", sub: str = "running", *, result: str = "success", at: float | None = CHANGED_AT
) -> Unit:
    return Unit(
        name="iworx.service",
        load_state="loaded",
        active_state=active,
        sub_state=sub,
        result=result,
        state_change_at=at,
    )


def process(name: str) -> Process:
    return Process(pid=7, parent_pid=1, name=name, user="iworx", state="S", started_at=NOW_AT - 900)


def running(*parts: str) -> PanelProcesses:
    return PanelProcesses(
        web=(process("iworx-web"),) if "web" in parts else (),
        database=(process("iworx-db"),) if "database" in parts else (),
        php=(),
        web_name="iworx-web",
        database_name="iworx-db",
    )


def page(outcome: PageOutcome = "answered", status: int = 200) -> PageAnswer:
    return PageAnswer(
        url="https://localhost:2443/nodeworx/",
        address="127.0.0.1",
        outcome=outcome,
        status=status,
        detail="" if outcome == "answered" else "connection refused",
    )


def database(outcome: DatabaseOutcome = "greeted") -> DatabaseAnswer:
    return DatabaseAnswer(path="/p/iworx-db.sock", outcome=outcome, version="10.11", text="no such file")


ALL_RUN = running("web", "database")
REFUSED = page("refused", 0)
DOWN = database("no_socket")


def found(
    of: Unit,
    processes: PanelProcesses = ALL_RUN,
    shown: PageAnswer | None = None,
    answer: DatabaseAnswer | Missing | None = None,
    log: tuple[LogLine, ...] | Missing = (),
    boot: Boot = BOOT,
) -> list[Finding]:
    return list(
        judge(
            PanelPresence(home="/usr/local/interworx"),
            of,
            processes,
            shown or page(),
            answer or database(),
            log,
            boot,
            Limits(),
        )
    )


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    "of",
    [
        unit(),
        unit(sub="exited"),
        unit("reloading", "reload"),
        unit("inactive", "dead"),
        unit("activating", "start"),
    ],
)
def test_whatever_the_unit_says_a_panel_that_answers_is_no_finding(of: Unit) -> None:
    assert found(of) == []


def test_a_failed_unit_is_an_emergency_when_the_page_does_not_work() -> None:
    (finding,) = found(unit("failed", "failed", result="exit-code"), running(), REFUSED, DOWN)
    assert (finding.code, finding.severity, finding.subject) == (
        "PANEL-020",
        Severity.EMERGENCY,
        "iworx.service",
    )
    assert finding.since_at == moment(CHANGED_AT)
    assert "iworx.service" in finding.since_source
    assert "mail" in finding.touches
    assert "Result=exit-code" in finding.evidence[0].text


def test_a_failed_unit_with_a_server_error_or_a_dead_database_is_an_emergency_too() -> None:
    of = unit("failed", "failed", result="signal")
    assert codes(found(of, shown=page(status=500))) == ["PANEL-020"]
    assert codes(found(of, answer=DOWN)) == ["PANEL-020"]


def test_a_failed_unit_of_a_panel_that_works_is_a_note() -> None:
    (finding,) = found(unit("failed", "failed", result="timeout"))
    assert (finding.code, finding.severity) == ("PANEL-023", Severity.NOTE)
    assert finding.touches == ("panel",)


def test_a_unit_that_systemd_restarts_again_and_again_is_failing() -> None:
    flapping = unit("activating", "auto-restart", result="exit-code")
    assert codes(found(flapping, running(), REFUSED, DOWN)) == ["PANEL-020"]
    assert found(unit("activating", "auto-restart", result="success"), ALL_RUN, REFUSED, DOWN) == []


@pytest.mark.parametrize(
    ("processes", "shown", "answer", "title"),
    [
        (running("database"), REFUSED, database(), "iworx-web does not run"),
        (running("web"), page(status=500), DOWN, "iworx-db does not run"),
        (running("web"), page(), database("refused"), "iworx-db does not run"),
        (running(), REFUSED, DOWN, "iworx-web and iworx-db do not run"),
    ],
)
def test_an_active_unit_without_its_parts_is_an_emergency(
    processes: PanelProcesses, shown: PageAnswer, answer: DatabaseAnswer, title: str
) -> None:
    (finding,) = found(unit(), processes, shown, answer)
    assert (finding.code, finding.severity) == ("PANEL-021", Severity.EMERGENCY)
    assert finding.title.endswith(title)
    assert finding.since_at is None
    assert finding.since_source == ""


@pytest.mark.parametrize(
    ("processes", "shown", "answer"),
    [
        (running(), page(), database()),  # other names in another release, but everything answers
        (running(), page(status=500), database()),
        (running("web", "database"), REFUSED, DOWN),  # judged by panel.nodeworx and panel.database
        (running("web"), page(), database("silent")),
        (running("web"), page(), GONE),
    ],
)
def test_a_missing_name_alone_proves_nothing(
    processes: PanelProcesses, shown: PageAnswer, answer: DatabaseAnswer | Missing
) -> None:
    assert found(unit(), processes, shown, answer) == []


def test_a_stopped_unit_is_an_emergency_when_nothing_answers() -> None:
    (finding,) = found(unit("inactive", "dead"), running(), REFUSED, DOWN)
    assert (finding.code, finding.severity) == ("PANEL-022", Severity.EMERGENCY)
    assert finding.since_at == moment(CHANGED_AT)


def test_a_unit_that_was_never_started_is_so_since_boot() -> None:
    (finding,) = found(unit("inactive", "dead", at=None), running(), REFUSED, DOWN)
    assert finding.code == "PANEL-022"
    assert (finding.since_at, finding.since_source) == (moment(BOOT.booted_at), "boot")


@pytest.mark.parametrize(
    ("processes", "shown", "answer", "expected"),
    [
        (running(), page("silent", 0), DOWN, ["PANEL-022"]),
        (running(), REFUSED, GONE, ["PANEL-022"]),
        (running("database"), REFUSED, GONE, []),
        (running(), REFUSED, database(), []),
        (running("web"), REFUSED, DOWN, []),
        (running(), page(status=500), DOWN, []),
    ],
)
def test_stopped_counts_only_when_nothing_of_the_panel_is_left(
    processes: PanelProcesses, shown: PageAnswer, answer: DatabaseAnswer | Missing, expected: list[str]
) -> None:
    assert codes(found(unit("inactive", "dead"), processes, shown, answer)) == expected


@pytest.mark.parametrize(("age_s", "expected"), [(299.0, []), (300.0, ["PANEL-022"]), (301.0, ["PANEL-022"])])
@pytest.mark.parametrize("state", ["activating", "deactivating"])
def test_a_start_or_stop_has_five_minutes(state: str, age_s: float, expected: list[str]) -> None:
    findings = found(unit(state, "start", at=NOW_AT - age_s), running(), REFUSED, DOWN)
    assert codes(findings) == expected


def test_a_start_of_unknown_age_counts_from_boot() -> None:
    of = unit("activating", "start", at=None)
    young = Boot(booted_at=NOW_AT - 10, read_at=NOW_AT)
    assert found(of, running(), REFUSED, DOWN, boot=young) == []
    (finding,) = found(of, running(), REFUSED, DOWN)
    assert finding.since_at is None


def test_the_log_is_evidence_and_its_absence_is_no_hindrance() -> None:
    line = LogLine(text="iworx-db did not start", source="/l/iworx-init.log")
    of = unit("failed", "failed", result="exit-code")
    (with_log,) = found(of, running(), REFUSED, DOWN, log=(line,))
    (without,) = found(of, running(), REFUSED, DOWN, log=Missing(reason="unreadable"))
    assert with_log.evidence[-1].source == "/l/iworx-init.log"
    assert [e.source for e in without.evidence] == [e.source for e in with_log.evidence[:-1]]
    assert CHECK.optional == ("panel",)
