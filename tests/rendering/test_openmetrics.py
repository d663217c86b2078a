"""The metrics: which there are, what they say, and that no text of the machine becomes a series."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from building import AT, finding, incident, report, report_host, result
from hostile import CORPUS, everywhere
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import (
    AssistanceReport,
    IncidentState,
    Measures,
    Priority,
    Report,
    Severity,
    Status,
    Verdict,
)
from iwx_agent.rendering import openmetrics, words

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
LEAD = finding("PANEL-040", "database", title="The panel's database is down")
DOWN = incident(
    LEAD, finding("PANEL-004"), since_at=AT, since_source="journal", fingerprint="00000000000000aa"
)
EMERGENCY = report(
    DOWN,
    verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=(), in_scope=True),
    results=(
        result(LEAD, check_id="panel.database"),
        result(check_id="a.b"),
        result(check_id="c.d", status=Status.UNKNOWN, reason="why"),
    ),
    measures=Measures(disk_used_pct=93.5, queue_count=1234),
    remote_assistance=AssistanceReport(state="on", ends_at=AT + timedelta(hours=1), ready=False),
)
PASSING = report(incident(finding(), state=IncidentState.PASSING))
FULL = (EMERGENCY, PASSING, report(), everywhere("text"))
SAMPLE = re.compile(
    r'(iwx_agent_[a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\})? (-?[0-9.e+-]+)'
)


def lines_of(told: Report) -> list[str]:
    return openmetrics.render(told).splitlines()


def test_the_metrics_of_an_emergency() -> None:
    lines = lines_of(EMERGENCY)
    for line in (
        'iwx_agent_info{version="0.1.0"} 1',
        'iwx_agent_panel_info{version="8.1.5"} 1',
        "iwx_agent_run_timestamp_seconds 1795447600",  # 2026-11-23 15:26:40 UTC
        "iwx_agent_exit_code 3",
        "iwx_agent_run_as_root 1",
        "iwx_agent_emergency 1",
        'iwx_agent_priority{priority="urgent"} 1',
        'iwx_agent_priority{priority="high"} 0',
        "iwx_agent_in_scope 1",
        'iwx_agent_incidents{grade="emergency"} 1',
        'iwx_agent_incidents{grade="note"} 0',
        (
            'iwx_agent_incident{check="panel.database",code="PANEL-040",fingerprint="00000000000000aa",'
            'scope="vendor",severity="emergency",state="confirmed"} 1'
        ),
        'iwx_agent_incident_since_timestamp_seconds{fingerprint="00000000000000aa"} 1795447600',
        'iwx_agent_checks{status="ok"} 1',
        'iwx_agent_checks{status="problem"} 1',
        'iwx_agent_checks{status="unknown"} 1',
        'iwx_agent_checks{status="crashed"} 0',
        'iwx_agent_check_status{check="c.d",status="unknown"} 1',
        'iwx_agent_probe_duration_seconds{probe="nodeworx_https"} 0.25',
        'iwx_agent_remote_assistance{state="on"} 1',
        'iwx_agent_remote_assistance{state="off"} 0',
        "iwx_agent_remote_assistance_end_timestamp_seconds 1795451200",
        "iwx_agent_remote_assistance_ready 0",
        "iwx_agent_disk_used_ratio 0.935",
        "iwx_agent_mail_queue_messages 1234",
    ):
        assert lines.count(line) == 1, line
    assert lines[-1] == "# EOF"


def test_what_is_not_known_has_no_sample() -> None:
    told = openmetrics.render(report(host=report_host(panel_version="")))
    for name in (
        "panel_info",
        "in_scope",
        "incident_since",
        "assistance_end",
        "assistance_ready",
        "disk",
        "mail",
    ):
        assert name not in told
    assert "iwx_agent_incident{" not in told
    assert 'iwx_agent_remote_assistance{state="unknown"} 1' in told


@pytest.mark.parametrize("told", [*FULL, report(timings={}, results=()), everywhere('"\\\n')])
def test_each_family_has_its_help_and_type_once_and_stands_together(told: Report) -> None:
    families: list[str] = []
    series = []
    *lines, last = lines_of(told)
    assert last == "# EOF"
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("# HELP "):
            families.append(line.split()[2])
        elif line.startswith("# TYPE "):
            assert before.startswith(f"# HELP {families[-1]} ")
            assert line.split()[2:] == [families[-1], "gauge"]
        else:
            found = SAMPLE.fullmatch(line)
            assert found is not None, line
            assert found[1] == families[-1]
            series.append(line.rpartition(" ")[0])
    assert len(families) == len(set(families))
    assert len(series) == len(set(series))


@pytest.mark.parametrize(
    ("severity", "state", "grade"),
    [
        (Severity.NOTE, IncidentState.OPEN, "note"),
        (Severity.WARNING, IncidentState.OPEN, "warning"),
        (Severity.ERROR, IncidentState.OPEN, "error"),
        (Severity.EMERGENCY, IncidentState.CONFIRMED, "emergency"),
        (Severity.EMERGENCY, IncidentState.UNCONFIRMED, "emergency"),
        (Severity.EMERGENCY, IncidentState.PASSING, "passing"),
        (Severity.EMERGENCY, IncidentState.IN_PROGRESS, "in_progress"),
    ],
)
def test_an_incident_counts_once_by_how_bad_it_is_now(
    severity: Severity, state: IncidentState, grade: str
) -> None:
    told = report(incident(finding(severity=severity), state=state))
    counts = dict(re.findall(r'iwx_agent_incidents\{grade="([a-z_]+)"\} (\d+)', openmetrics.render(told)))
    assert counts == {
        name: "1" if name == grade else "0"
        for name in ("note", "warning", "error", "emergency", "passing", "in_progress")
    }


def test_an_incident_whose_check_is_not_listed_is_told_all_the_same() -> None:
    assert 'iwx_agent_incident{check="unknown",code="PANEL-001"' in openmetrics.render(PASSING)


def test_two_incidents_with_one_name_are_one_series() -> None:
    assert openmetrics.render(report(DOWN, DOWN)).count("\niwx_agent_incident{") == 1


# Bounds: a server cannot fill the monitoring system with series


def test_the_number_of_series_is_bounded() -> None:
    told = report(
        *(incident(finding(f"A-{n}"), since_at=AT, fingerprint=f"{n:016x}") for n in range(1000)),
        results=tuple(result(check_id=f"a.{n}") for n in range(1000)),
        timings={f"probe_{n}": 0.1 for n in range(1000)},
    )
    told_text = openmetrics.render(told)
    assert told_text.count("\niwx_agent_incident{") == 50
    assert told_text.count("\niwx_agent_incident_since_timestamp_seconds{") == 50
    assert told_text.count("\niwx_agent_check_status{") == 200
    assert told_text.count("\niwx_agent_probe_duration_seconds{") == 200
    assert 'iwx_agent_incidents{grade="emergency"} 1000' in told_text


@pytest.mark.parametrize(
    ("version", "label"),
    [
        ("8.1.5", "8.1.5"),
        ("8.1.5-2094.rhe9x", "8.1.5-2094.rhe9x"),
        ("8.1 beta", "odd"),
        ("\x1b[2J", "odd"),
        ("1" * 41, "odd"),
    ],
)
def test_a_version_that_is_none_becomes_no_label(version: str, label: str) -> None:
    told = report(host=report_host(panel_version=version))
    assert f'iwx_agent_panel_info{{version="{label}"}} 1' in lines_of(told)


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_no_words_of_the_machine_are_in_a_label(text: str) -> None:
    """But the version, which has to look like one, and the names of probes, which are the agent's own."""

    def shape(told: Report) -> list[str]:
        lines = [re.sub(r'probe="(?:[^"\\\n]|\\.)*"', 'probe=""', line) for line in lines_of(told)]
        return sorted(line for line in lines if "panel_info" not in line)

    assert shape(everywhere(text)) == shape(everywhere("text"))


any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=60)


@given(any_text)
def test_any_label_is_one_that_a_reader_gets_back(text: str) -> None:
    """By the rules of the format: a backslash stands before a backslash, a quote or an n."""
    [line] = [
        line for line in lines_of(report(timings={text: 1.0})) if line.startswith("iwx_agent_probe_duration")
    ]
    found = SAMPLE.fullmatch(line)
    assert found is not None
    raw = found[2].removeprefix('probe="').removesuffix('"')
    read = re.sub(r"\\(.)", r"\1", raw)
    assert read == words.one_line(text)


# What is documented


def test_each_metric_and_label_is_documented_and_nothing_else() -> None:
    documented: dict[str, set[str]] = {}
    for row in DOCUMENT.read_text(encoding="utf-8").splitlines():
        found = re.match(r"\| `(iwx_agent_[a-z_]+)(?:\{([a-z,]+)\})?` \|", row)
        if found:
            documented[found[1]] = set(found[2].split(",")) if found[2] else set()
    made: dict[str, set[str]] = {}
    for told in FULL:
        for line in lines_of(told):
            sample = SAMPLE.fullmatch(line)
            if sample:
                labels = set(re.findall(r'([a-z]+)="', sample[2] or ""))
                assert made.setdefault(sample[1], labels) == labels, line
    assert documented == made
