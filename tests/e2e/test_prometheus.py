"""The metrics as Prometheus takes them: its linter, node_exporter, its server, the rules, the dashboard."""

import json
import re
import time
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import monitoring
import pytest
from building import finding, incident, report, report_host, result
from hostile import CORPUS, everywhere
from scenarios import report_of

from iwx_agent.host.saving import save
from iwx_agent.model import AssistanceReport, Measures, Priority, Report, Status, Verdict
from iwx_agent.report import render

pytestmark = [pytest.mark.e2e, pytest.mark.monitoring]

RULES = monitoring.PACKAGING / "iwx-agent.rules.yml"
CASES = Path(__file__).parent / "alert-rules-test.yml"
DASHBOARD = monitoring.PACKAGING / "grafana-dashboard.json"


def metrics(told: Report) -> str:
    return render(told, "openmetrics")


# The text


@pytest.mark.parametrize(
    "name",
    ["healthy", "panel-db-killed", "disk-full", "no-panel", "cluster-queue-stuck", "support-off-emergency"],
)
def test_the_metrics_of_a_machine_pass_the_linter(name: str) -> None:
    done = monitoring.promtool("check", "metrics", said=metrics(report_of(name)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_hostile_text_passes_it_too() -> None:
    for text in CORPUS:
        done = monitoring.promtool("check", "metrics", said=metrics(everywhere(text)))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), ascii(text[:40])


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("iwx_agent_emergency 1\n", "no help text"),
        ('# HELP a b\n# TYPE a gauge\na{x="y\n"} 1\n', "text format parsing error"),
        ("# HELP a_ms b\n# TYPE a_ms gauge\na_ms 1\n", "abbreviated units"),
    ],
)
def test_the_linter_would_notice(said: str, wrong: str) -> None:
    done = monitoring.promtool("check", "metrics", said=said)
    assert done.returncode != 0
    assert wrong in done.stdout + done.stderr


# The rules


def test_the_rules_are_rules() -> None:
    done = monitoring.promtool("check", "rules", str(RULES))
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 rules found" in done.stdout


def test_the_rules_alert_when_they_should_and_only_then() -> None:
    done = monitoring.promtool("test", "rules", str(CASES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_has_a_case_in_which_it_fires() -> None:
    cases = CASES.read_text(encoding="utf-8")
    for alert in re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8")):
        assert re.search(rf"alertname: {alert}\n +exp_alerts:", cases), alert


@pytest.mark.parametrize(
    ("written", "broken"),
    [("== 1\n        labels", "== 2\n        labels"), ("> 900", "> 899"), ("for: 1h", "for: 2h")],
)
def test_the_cases_would_notice_another_rule(tmp_path: Path, written: str, broken: str) -> None:
    rules = RULES.read_text(encoding="utf-8")
    assert written in rules
    (tmp_path / "rules.yml").write_text(rules.replace(written, broken))
    cases = CASES.read_text(encoding="utf-8").replace(
        "../../packaging/monitoring/iwx-agent.rules.yml", "rules.yml"
    )
    (tmp_path / "cases.yml").write_text(cases)
    assert monitoring.promtool("test", "rules", str(tmp_path / "cases.yml")).returncode != 0


# The server: the file, node_exporter, a scrape, an alert, the dashboard


def at_once(**more: Any) -> Report:
    """An emergency that has just been seen, with all that a dashboard shows."""
    lead = finding("PANEL-040", title="The panel's database is down")
    now = datetime.now(UTC)
    return report(
        incident(lead, since_at=now),
        collected_at=now,
        host=report_host(as_root=True),
        verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=(), in_scope=True),
        results=(
            result(lead, check_id="panel.database"),
            result(check_id="a.b"),
            result(check_id="c.d", status=Status.UNKNOWN, reason="why"),
        ),
        measures=Measures(disk_used_pct=93.5, queue_count=1234),
        remote_assistance=AssistanceReport(state="off"),
        **more,
    )


def samples(told: str) -> list[str]:
    """Return the samples of the agent as their reader hands them on, in an order of their own."""
    return sorted(line for line in told.splitlines() if line.startswith("iwx_agent_"))


def values(lines: list[str]) -> dict[str, float]:
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def write(directory: Path, told: Report) -> None:
    """Write the file as ``report --format openmetrics --output FILE --replace`` does."""
    save(str(directory / "iwx-agent.prom"), metrics(told).encode(), replace=True, mode=0o644)


def test_node_exporter_hands_on_each_sample_and_never_sees_half_a_file(tmp_path: Path) -> None:
    port = monitoring.free_port()
    argv = (
        monitoring.NODE_EXPORTER,
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with monitoring.everybodys() as directory:
        where = f"--collector.textfile.directory={directory}"
        with monitoring.running(*argv, where, log=tmp_path / "log", nobody=True):
            url = f"http://127.0.0.1:{port}/metrics"
            for told in (at_once(), everywhere('|\\"\n{}'), report(), report_of("healthy")):
                write(directory, told)
                answer = monitoring.page(url)
                assert values(samples(answer)) == values(samples(metrics(told)))
                assert "\nnode_textfile_scrape_error 0\n" in answer
            assert [path.name for path in directory.iterdir()] == ["iwx-agent.prom"]
            (directory / "iwx-agent.prom").write_text("iwx_agent_emergency{")
            assert "\nnode_textfile_scrape_error 1\n" in monitoring.page(url)


def test_an_emergency_becomes_an_alert_and_fills_the_dashboard(tmp_path: Path) -> None:
    exporter, server = monitoring.free_port(), monitoring.free_port()
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{RULES}]\n"
        "scrape_configs: [{job_name: node, static_configs: [{targets: ['127.0.0.1:%d']}]}]\n" % exporter
    )
    with monitoring.everybodys() as directory:
        write(directory, at_once())
        with (
            monitoring.running(
                monitoring.NODE_EXPORTER,
                "--collector.disable-defaults",
                "--collector.textfile",
                f"--collector.textfile.directory={directory}",
                f"--web.listen-address=127.0.0.1:{exporter}",
                log=tmp_path / "exporter.log",
                nobody=True,
            ),
            monitoring.running(
                monitoring.PROMETHEUS,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{server}",
                log=tmp_path / "prometheus.log",
            ),
        ):
            assert firing(server) == {"IwxEmergency", "IwxRemoteAssistanceOff"}
            for expression in expressions():
                asked = urllib.parse.urlencode({"query": expression})
                found = json.loads(monitoring.page(f"http://127.0.0.1:{server}/api/v1/query?{asked}"))
                assert found["status"] == "success"
                assert found["data"]["result"], expression


def firing(server: int) -> set[str]:
    """Return the names of the alerts that fire, waited for."""
    until = time.monotonic() + monitoring.LONGEST_S
    while time.monotonic() < until:
        told = json.loads(monitoring.page(f"http://127.0.0.1:{server}/api/v1/alerts"))["data"]["alerts"]
        if found := {one["labels"]["alertname"] for one in told if one["state"] == "firing"}:
            return found
        time.sleep(0.1)
    return set()


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(found) > 10
    return [expression.replace("$instance", ".*") for expression in found]
