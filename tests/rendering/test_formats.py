"""Markdown: what stands where, and that nothing in it becomes markup. And what all formats share."""

import html
import re

import pytest
from building import AT, finding, incident, report, result
from hostile import CORPUS, everywhere
from hypothesis import given
from hypothesis import strategies as st
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


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_nothing_in_the_text_is_markup(text: str) -> None:
    def tags(told: Report) -> list[str]:
        """Return all tags in their order, but those of code: whether text is quoted depends on the text."""
        made = re.findall(r"</?[a-z][^>]*>", html_of(told))
        return [tag for tag in made if tag not in ("<code>", "</code>", '<code class="language-text">')]

    text = text.strip() or "text"  # without any there is nothing to show
    assert tags(everywhere(text)) == tags(everywhere("text"))


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_nobody_is_called(text: str) -> None:
    """A tracker looks for names after ``@`` in the page that was made, but not in code."""
    page = re.sub(r"<code[^>]*>.*?</code>", "", html_of(everywhere(text)), flags=re.DOTALL)
    assert "@" not in page


any_text = st.text(st.sampled_from("`@\\ab -1.#|<>[]()*_~!:/\n"), max_size=20)


@given(any_text)
def test_whatever_stands_there_is_shown_as_it_is(text: str) -> None:
    """The page shows the very words, white space folded, and nothing but them."""
    made = html_of(report(incident(finding(title=f"begin {text} end"))))
    heading = re.search(r"<h2>1\. (.*) \(PANEL-001\)</h2>", made)
    assert heading is not None
    shown = html.unescape(re.sub("</?code>", "", heading[1]))
    assert shown == " ".join(f"begin {text} end".split())


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
