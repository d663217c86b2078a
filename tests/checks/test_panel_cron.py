"""panel.cron: the daemon first, then the five-minute job, with a grace after boot."""

import pytest

from iwx_agent.checks.panel_cron import Limits, judge
from iwx_agent.model import Boot, Finding, LogLine, PanelPresence, Process, Severity, Unit, moment
from iwx_agent.model.panel import CronDaemon, PanelCron

NOW_AT = 1_795_450_000.0
BOOT = Boot(booted_at=NOW_AT - 86_400, read_at=NOW_AT)
CROND = Process(pid=5, parent_pid=1, name="crond", user="root", state="S", started_at=0.0)
JOB = "(iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)"


def daemon(active: str = "active", *processes: Process, at: float | None = NOW_AT - 600) -> CronDaemon:
    unit = Unit(
        name="crond.service", load_state="loaded", active_state=active, sub_state="", state_change_at=at
    )
    return CronDaemon(unit=unit, processes=processes)


def cron(seen_s_ago: float | None, covered_s_ago: float = 7200.0) -> PanelCron:
    seen = None if seen_s_ago is None else LogLine(text=JOB, source="journal", at=NOW_AT - seen_s_ago)
    return PanelCron(
        seen=seen, covered_from_at=NOW_AT - covered_s_ago, newest_at=NOW_AT - 30, source="journal"
    )


def found(of: CronDaemon, seen: PanelCron, boot: Boot = BOOT) -> list[Finding]:
    return list(judge(PanelPresence(home="/usr/local/interworx"), of, seen, boot, Limits()))


@pytest.mark.parametrize(
    ("age_s", "codes"), [(-60.0, []), (899.0, []), (900.0, ["PANEL-061"]), (901.0, ["PANEL-061"])]
)
def test_the_job_is_missed_after_fifteen_minutes(age_s: float, codes: list[str]) -> None:
    assert [f.code for f in found(daemon("active", CROND), cron(age_s))] == codes


def test_the_last_run_tells_since_when() -> None:
    (finding,) = found(daemon("active", CROND), cron(3600))
    assert finding.severity == Severity.ERROR
    assert finding.since_at == moment(NOW_AT - 3600)
    assert "60 minutes" in finding.detail
    assert JOB in finding.evidence[0].text


@pytest.mark.parametrize(
    ("covered_s", "codes"), [(899.0, []), (900.0, ["PANEL-061"]), (9000.0, ["PANEL-061"])]
)
def test_a_job_never_seen_counts_as_far_as_the_log_reaches(covered_s: float, codes: list[str]) -> None:
    findings = found(daemon("active", CROND), cron(None, covered_s))
    assert [f.code for f in findings] == codes
    assert all(f.since_at is None for f in findings)


@pytest.mark.parametrize(("uptime_s", "codes"), [(899.0, []), (900.0, ["PANEL-061"])])
def test_a_machine_just_up_has_not_missed_a_run(uptime_s: float, codes: list[str]) -> None:
    boot = Boot(booted_at=NOW_AT - uptime_s, read_at=NOW_AT)
    assert [f.code for f in found(daemon("active", CROND), cron(86_400), boot)] == codes


@pytest.mark.parametrize("state", ["failed", "inactive"])
def test_a_daemon_that_does_not_run_is_the_one_finding(state: str) -> None:
    (finding,) = found(daemon(state), cron(None))
    assert (finding.code, finding.severity, finding.subject) == ("PANEL-060", Severity.ERROR, "crond.service")
    assert finding.since_at == moment(NOW_AT - 600)


def test_a_daemon_never_started_is_so_since_boot() -> None:
    (finding,) = found(daemon("inactive", at=None), cron(None))
    assert (finding.since_at, finding.since_source) == (moment(BOOT.booted_at), "boot")


def test_a_daemon_that_runs_beside_its_unit_is_no_finding() -> None:
    assert found(daemon("inactive", CROND), cron(60)) == []
    assert found(daemon("activating"), cron(60)) == []
