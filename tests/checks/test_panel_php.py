"""panel.php: what NodeWorx answers decides how bad the state of its PHP is."""

import pytest

from iwx_agent.checks.panel_php import judge
from iwx_agent.model import (
    Finding,
    LogLine,
    Missing,
    PageAnswer,
    PanelPresence,
    PortAnswer,
    PortOutcome,
    Process,
    Severity,
    Unit,
    moment,
)
from iwx_agent.model.panel import PanelPhp, PanelProcesses, PoolSockets

CHANGED_AT = 1_795_449_000.0
NAME = "iworxphp82-php-fpm.service"
POOL = Process(pid=9, parent_pid=1, name="php-fpm", user="iworx-web", state="S", started_at=0.0)
BAD = PageAnswer(url="https://localhost:2443/nodeworx/", address="127.0.0.1", outcome="answered", status=503)
GOOD = PageAnswer(url=BAD.url, address=BAD.address, outcome="answered", status=200)
REFUSED = PageAnswer(url=BAD.url, address=BAD.address, outcome="refused", detail="connection refused")


def unit(active: str = "active", sub: str = "running", result: str = "success") -> Unit:
    return Unit(
        name=NAME,
        load_state="loaded",
        active_state=active,
        sub_state=sub,
        result=result,
        state_change_at=CHANGED_AT,
        restarts_count=5 if active == "failed" else 0,
        exec_main_code=1 if active == "failed" else 0,
        exec_main_status=78 if active == "failed" else 0,
    )


def socket(outcome: PortOutcome = "greeted", path: str = "/run/iworx-web.sock") -> PortAnswer:
    return PortAnswer(address=path, port=0, tls=False, outcome=outcome)


def found(
    of: Unit,
    page: PageAnswer,
    sockets: tuple[PortAnswer, ...] | Missing = (),
    pools: tuple[Process, ...] = (),
    log: tuple[LogLine, ...] | Missing = (),
) -> list[Finding]:
    return list(
        judge(
            PanelPresence(home="/usr/local/interworx"),
            PanelPhp(unit=of, chosen_by="release 8"),
            sockets if isinstance(sockets, Missing) else PoolSockets(answers=sockets, directory="/d"),
            PanelProcesses(web=(), database=(), php=pools, web_name="iworx-web", database_name="iworx-db"),
            log,
            page,
        )
    )


FAILED = unit("failed", "failed", "start-limit-hit")


@pytest.mark.parametrize("of", [unit(), unit("inactive", "dead"), unit("activating", "start")])
def test_a_page_that_works_is_no_finding(of: Unit) -> None:
    assert found(of, GOOD, (socket("refused"),)) == []


@pytest.mark.parametrize("page", [BAD, REFUSED])
@pytest.mark.parametrize("of", [FAILED, unit("activating", "auto-restart", "exit-code")])
def test_a_failed_unit_is_an_emergency_when_the_page_does_not_work(of: Unit, page: PageAnswer) -> None:
    (finding,) = found(of, page, (socket("refused"),))
    assert (finding.code, finding.severity, finding.subject) == ("PANEL-050", Severity.EMERGENCY, NAME)
    assert finding.since_at == moment(CHANGED_AT)


def test_a_failed_unit_of_a_panel_that_works_is_a_note() -> None:
    (finding,) = found(FAILED, GOOD)
    assert (finding.code, finding.severity) == ("PANEL-053", Severity.NOTE)
    assert "NRestarts=5" in finding.evidence[0].text
    assert "ExecMainStatus=78" in finding.evidence[0].text


def test_a_stopped_unit_without_a_pool_is_an_emergency() -> None:
    (finding,) = found(unit("inactive", "dead"), BAD)
    assert (finding.code, finding.severity) == ("PANEL-051", Severity.EMERGENCY)


def test_a_stopped_unit_whose_pool_runs_all_the_same_is_not_the_cause() -> None:
    assert found(unit("inactive", "dead"), BAD, pools=(POOL,)) == []


def test_a_start_or_clean_restart_is_not_a_failure() -> None:
    assert found(unit("activating", "start"), BAD) == []
    assert found(unit("activating", "auto-restart", "success"), BAD) == []


@pytest.mark.parametrize("outcome", ["refused", "silent", "failed"])
def test_a_socket_that_takes_no_connection_is_an_emergency(outcome: PortOutcome) -> None:
    (finding,) = found(unit(), BAD, (socket(), socket(outcome, "/run/b c.sock")))
    assert (finding.code, finding.severity, finding.subject) == (
        "PANEL-052",
        Severity.EMERGENCY,
        "/run/b c.sock",
    )
    assert finding.remedy[0] == "ls -l '/run/b c.sock'"


def test_sockets_that_accept_or_were_not_told_are_no_finding() -> None:
    assert found(unit(), BAD, (socket(),)) == []
    assert found(unit(), BAD, Missing(reason="no such directory", absent=True)) == []


def test_the_journal_is_evidence_and_its_absence_is_no_hindrance() -> None:
    line = LogLine(
        text="ERROR: [pool iworx-horde] cannot get uid for user 'iworx-horde'", source="journalctl"
    )
    (with_log,) = found(FAILED, BAD, log=(line,))
    (without,) = found(FAILED, BAD, log=Missing(reason="unreadable"))
    assert "iworx-horde" in with_log.evidence[-1].text
    assert len(without.evidence) == len(with_log.evidence) - 1
