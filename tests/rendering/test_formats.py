"""Markdown, the line for Nagios, the metrics: what stands where, and that nothing hostile gets through."""

import pytest
from building import AT, finding, incident, report, result
from hostile import HOSTILE, everywhere
from markdown_it import MarkdownIt

from iwx_agent.model import Evidence, IncidentState, Priority, Report, Severity, Status, Verdict
from iwx_agent.rendering import markdown
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
