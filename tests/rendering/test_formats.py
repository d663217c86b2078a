"""Markdown, the line for Nagios, the metrics: what stands where, and that nothing hostile gets through."""

import re

import pytest
from building import AT, finding, incident, report, result
from hostile import HOSTILE, everywhere
from markdown_it import MarkdownIt

from iwx_agent.model import Evidence, IncidentState, Priority, Report, Severity, Status, Verdict
from iwx_agent.rendering import markdown, nagios, openmetrics
from iwx_agent.report import FORMATS, exit_code, render

DOWN = incident(
    finding("PANEL-040", "database", title="The panel's database is down", evidence=()),
    finding("PANEL-004", "NodeWorx", title="NodeWorx answers with an error"),
    since_at=AT,
    since_source="journal",
    fingerprint="00000000000000aa",
)
EMERGENCY = report(
    DOWN,
    verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=("Urgent: it is down.",)),
    results=(
        result(DOWN.lead),
        result(check_id="a.b"),
        result(check_id="c.d", status=Status.UNKNOWN, reason="why"),
    ),
)
WARNING = report(incident(finding(severity=Severity.WARNING), state=IncidentState.OPEN))
NOTE = report(incident(finding(severity=Severity.NOTE), state=IncidentState.OPEN))
BLIND = report(results=(result(check_id="c.d", status=Status.CRASHED, reason="a|b"),))
PASSING = report(incident(finding(), state=IncidentState.PASSING))


# Nagios


@pytest.mark.parametrize(
    ("told", "code", "line"),
    [
        (
            EMERGENCY,
            2,
            (
                "IWX CRITICAL: The panel's database is down (PANEL-040) | "
                "emergencies=1;;0;0 problems=1;0;;0 unknown=1;;;0 ok=1;;;0"
            ),
        ),
        (
            WARNING,
            1,
            (
                "IWX WARNING: title of PANEL-001 (PANEL-001) | "
                "emergencies=0;;0;0 problems=1;0;;0 unknown=0;;;0 ok=1;;;0"
            ),
        ),
        (
            PASSING,
            1,
            (
                "IWX WARNING: title of PANEL-001 (PANEL-001) | "
                "emergencies=0;;0;0 problems=1;0;;0 unknown=0;;;0 ok=1;;;0"
            ),
        ),
        (
            NOTE,
            0,
            (
                "IWX OK: title of PANEL-001 (PANEL-001) | "
                "emergencies=0;;0;0 problems=0;0;;0 unknown=0;;;0 ok=1;;;0"
            ),
        ),
        (
            BLIND,
            3,
            (
                "IWX UNKNOWN: nothing found, but 1 check could not tell | "
                "emergencies=0;;0;0 problems=0;0;;0 unknown=1;;;0 ok=0;;;0"
            ),
        ),
        (
            report(),
            0,
            "IWX OK: nothing wrong | emergencies=0;;0;0 problems=0;0;;0 unknown=0;;;0 ok=1;;;0",
        ),
    ],
)
def test_the_line_of_nagios_and_its_exit_code(told: Report, code: int, line: str) -> None:
    assert nagios.render(told).splitlines()[0] == line
    assert exit_code(told, "nagios") == code


def test_further_lines_name_what_is_wrong_and_what_could_not_be_told() -> None:
    assert nagios.render(EMERGENCY).splitlines()[1:] == [
        "EMERGENCY: The panel's database is down (PANEL-040), since 2026-11-23 15:26 UTC, 0 s ago (journal)",
        "could not tell: c.d: why",
    ]
    assert nagios.render(BLIND).splitlines()[1] == "could not tell: c.d: a/b"


def test_the_headline_says_how_many_more() -> None:
    two = report(DOWN, DOWN)
    assert "(PANEL-040), and 1 other problem | " in nagios.render(two)


@pytest.mark.parametrize("text", [*HOSTILE, "a | emergencies=0"], ids=lambda text: ascii(text[:12]))
def test_the_first_line_of_nagios_has_one_bar(text: str) -> None:
    lines = nagios.render(everywhere(text)).splitlines()
    assert lines[0].count("|") == 1
    assert not [line for line in lines[1:] if "|" in line]
    assert len(lines) == 1 + 3 + 1  # three incidents, one crashed check


# OpenMetrics

SAMPLE = re.compile(r'(iwx_agent_[a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\\\|\\")*",?)*\})? (-?[0-9.e+-]+)')


def test_the_metrics_of_an_emergency() -> None:
    lines = openmetrics.render(EMERGENCY).splitlines()
    for line in (
        'iwx_agent_info{version="0.1.0"} 1',
        "iwx_agent_run_timestamp_seconds 1795447600",  # 2026-11-23 15:26:40 UTC
        "iwx_agent_emergency 1",
        'iwx_agent_incidents{severity="emergency"} 1',
        'iwx_agent_incidents{severity="note"} 0',
        (
            'iwx_agent_incident{code="PANEL-040",fingerprint="00000000000000aa",scope="vendor",'
            'severity="emergency",state="confirmed"} 1'
        ),
        'iwx_agent_incident_since_timestamp_seconds{fingerprint="00000000000000aa"} 1795447600',
        'iwx_agent_checks{status="ok"} 1',
        'iwx_agent_checks{status="unknown"} 1',
        'iwx_agent_check_unknown{check="c.d"} 1',
        'iwx_agent_probe_duration_seconds{probe="nodeworx_https"} 0.25',
    ):
        assert line in lines


@pytest.mark.parametrize(
    "told", [EMERGENCY, WARNING, PASSING, BLIND, report(timings={}), everywhere('"\\\n')]
)
def test_each_family_has_its_help_and_type_once_and_stands_together(told: Report) -> None:
    families: list[str] = []
    for line in openmetrics.render(told).splitlines():
        if line.startswith("# HELP "):
            families.append(line.split()[2])
        elif line.startswith("# TYPE "):
            assert line.split()[2:] == [families[-1], "gauge"]
        else:
            found = SAMPLE.fullmatch(line)
            assert found is not None, line
            assert found[1] == families[-1]
    assert len(families) == len(set(families))


def test_an_emergency_that_passed_is_not_counted_as_one() -> None:
    assert 'iwx_agent_incidents{severity="emergency"} 0' in openmetrics.render(PASSING)


# Markdown


def html_of(told: Report) -> str:
    return str(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown.render(told)))


def test_the_markdown_of_an_emergency() -> None:
    told = markdown.render(EMERGENCY)
    for line in (
        "# iwx1.example.com: EMERGENCY",
        "**Suggested priority: Urgent**",
        "## 1. The panel's database is down (PANEL-040)",
        "EMERGENCY, seen twice; since 2026-11-23 15:26 UTC, 0 s ago (journal)",
        "- NodeWorx answers with an error (PANEL-004)",
        "1. `first step`",
        "- c.d (unknown): why",
        "- InterWorx: 8.1.5",
    ):
        assert line in told.splitlines()


@pytest.mark.parametrize(
    ("told", "headline"),
    [
        (report(), "# iwx1.example.com: nothing wrong"),
        (BLIND, "# iwx1.example.com: not everything could be seen"),
        (WARNING, "# iwx1.example.com: 1 problem, no emergency"),
    ],
)
def test_the_headline(told: Report, headline: str) -> None:
    assert markdown.render(told).splitlines()[0] == headline


def test_an_incident_that_is_open_and_has_no_steps_says_neither() -> None:
    told = markdown.render(report(incident(finding(remedy=()), state=IncidentState.OPEN)))
    assert "EMERGENCY; since when: not known" in told
    assert "Do next" not in told
    assert "This explains" not in told


MARKUP = [
    *HOSTILE,
    "</code><script>alert(1)</script>",
    "``` \n# heading\n```",
    "`````",
    "`tick",
    "[link](http://example.com) ![image](http://example.com/x.png)",
    "http://example.com www.example.com",
    "a | b\n--|--\n1 | 2",
    "- item\n1. item",
    "&lt;b&gt; \\*",
    "@everyone #1 ~~gone~~ $x$ ^y^",
]


@pytest.mark.parametrize("text", MARKUP, ids=lambda text: ascii(text[:12]))
def test_nothing_in_the_text_is_markup(text: str) -> None:
    made, plain = html_of(everywhere(text)), html_of(everywhere("text"))
    for tag in (
        "<a",
        "<img",
        "<script",
        "<h1",
        "<h2",
        "<li",
        "<table",
        "<del",
        "<em",
        "<strong",
        "<pre",
        "<ol",
    ):
        assert made.count(tag) == plain.count(tag), tag


def test_quoted_text_stands_as_it_is() -> None:
    quoted = "line one\n````\n<b>line two</b>"
    told = html_of(report(incident(finding(evidence=(Evidence(source="/var/log/`x`:1", text=quoted),)))))
    assert (
        '<pre><code class="language-text">line one\n````\n&lt;b&gt;line two&lt;/b&gt;\n</code></pre>' in told
    )
    assert "<code>/var/log/`x`:1</code>" in told


@pytest.mark.parametrize(("text", "expected"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("", "")])
def test_a_code_span_cannot_be_left(text: str, expected: str) -> None:
    assert markdown.code(text) == expected


# All


@pytest.mark.parametrize("output", [name for name in FORMATS if name not in ("text", "json")])
def test_two_renderings_of_one_result_are_the_same(output: str) -> None:
    assert render(EMERGENCY, output) == render(EMERGENCY, output)
    assert (exit_code(EMERGENCY, output) == 3) == (output != "nagios")
