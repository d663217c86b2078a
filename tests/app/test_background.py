"""The second phase: asked only where there is something to report, within what is left of the time."""

import ast
import threading
from pathlib import Path

import pytest
from building import make_capture
from msgspec import Struct
from scenarios import ROOTS, report_of

from iwx_agent.app.background import with_background
from iwx_agent.app.diagnose import Request
from iwx_agent.app.sources import diagnose_capture, known
from iwx_agent.checks.panel_start import CHECK
from iwx_agent.host import Host, HostError, Question
from iwx_agent.probes import Context
from iwx_agent.probes.changes import PROBES


def test_a_healthy_run_asks_nothing_of_it() -> None:
    report = report_of("healthy")
    assert (report.changes, report.impact, report.environment) == (None, (), None)
    assert not {probe.fact for probe in PROBES} & set(report.timings)


def test_a_ticket_asks_in_any_case() -> None:
    report = diagnose_capture(ROOTS / "healthy", Request(background=True, note="mine"))
    assert report.note == "mine"
    assert report.changes is not None
    assert {gap.kind for gap in report.changes.gaps} == {"package"}  # its log begins with the lab's server
    assert report.environment is not None
    assert report.environment.system == "AlmaLinux 9.4 (Seafoam Ocelot)"
    assert report.environment.role == "single"
    assert {probe.fact for probe in PROBES} <= set(report.timings)


def test_a_part_of_the_checks_still_tells_all_changes() -> None:
    report = diagnose_capture(ROOTS / "panel-stopped", Request(checks=(CHECK,)))
    assert report.changes is not None
    kinds = {change.kind for change in report.changes.entries}
    assert kinds == {"service", "package", "reboot"}


def test_a_question_that_no_time_is_left_for_is_a_gap() -> None:
    over = threading.Event()

    class Stuck(Host):
        def answer(self, question: Question) -> Struct:
            over.wait(30.0)
            raise HostError("timeout", "stuck", question.source)

        def pause(self, duration_s: float) -> None:
            raise AssertionError(duration_s)

    made = known()
    report = report_of("httpd-stopped")
    context = Context(Stuck(), made.layout, made.signatures)
    try:
        told = with_background(report, context, {}, report.collected_at.timestamp(), -5.0)
    finally:
        over.set()
    assert told.changes is not None
    assert {gap.kind for gap in told.changes.gaps} == {"service", "package", "reboot", "config"}
    assert "not answered within the budget of 0.1 s" in told.changes.gaps[0].reason
    assert told.environment is not None
    assert len(told.environment.gaps) == 2


def test_a_cluster_tells_its_nodes() -> None:
    report = report_of("cluster-node-down")
    assert report.environment is not None
    assert (report.environment.role, report.environment.nodes_count) == ("manager", 2)


def test_what_could_not_be_told_of_the_server_is_a_gap(tmp_path: Path) -> None:
    report = diagnose_capture(make_capture(tmp_path / "empty"), Request(background=True))
    assert report.environment is not None
    assert [gap.partition(":")[0] for gap in report.environment.gaps] == [
        "operating system and kernel",
        "part in a cluster",
    ]
    assert report.environment.role == ""
    assert report.environment.nodes_count is None


@pytest.mark.parametrize("module", ["iwx_agent.app.background", "iwx_agent.probes.changes"])
def test_no_healthy_run_imports_it(module: str) -> None:
    for path in (Path(__file__).parents[2] / "iwx_agent").rglob("*.py"):
        if path.name != "background.py":
            at_the_top = [n.module for n in ast.parse(path.read_text()).body if isinstance(n, ast.ImportFrom)]
            assert module not in at_the_top, path
