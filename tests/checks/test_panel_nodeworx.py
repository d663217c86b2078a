"""panel.nodeworx: each outcome of the page, and the limit of slowness from both sides."""

import pytest

from iwx_agent.checks.panel_nodeworx import CHECK, Limits, judge
from iwx_agent.model import Finding, Missing, PageAnswer, PageOutcome, PanelPresence, Severity

PANEL = PanelPresence(home="/usr/local/interworx")
URL = "https://localhost:2443/nodeworx/"
PLAIN = PageAnswer(url="http://localhost:2080/nodeworx/", address="127.0.0.1", outcome="answered", status=302)


def page(outcome: PageOutcome = "answered", status: int = 200, **more: object) -> PageAnswer:
    return PageAnswer(url=URL, address="127.0.0.1", outcome=outcome, status=status, **more)  # type: ignore[arg-type]


def found(https: PageAnswer, plain: PageAnswer = PLAIN) -> list[Finding]:
    return list(judge(PANEL, https, plain, Limits()))


def test_a_login_page_is_no_finding() -> None:
    assert found(page(title="NodeWorx Login", duration_s=0.2)) == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("refused", "PANEL-001"),
        ("unreachable", "PANEL-001"),
        ("silent", "PANEL-002"),
        ("tls_failed", "PANEL-003"),
        ("closed", "PANEL-005"),
        ("failed", "PANEL-005"),
    ],
)
def test_every_outcome_but_an_answer_is_one_emergency(outcome: PageOutcome, code: str) -> None:
    (finding,) = found(page(outcome, 0, detail="told so"))
    assert (finding.code, finding.severity) == (code, Severity.EMERGENCY)
    assert "told so" in finding.evidence[0].text


@pytest.mark.parametrize(("status", "codes"), [(499, []), (500, ["PANEL-004"]), (503, ["PANEL-004"])])
def test_a_server_error_begins_at_500(status: int, codes: list[str]) -> None:
    assert [finding.code for finding in found(page(status=status))] == codes


@pytest.mark.parametrize(("duration_s", "codes"), [(7.99, []), (8.0, ["PANEL-002"]), (8.01, ["PANEL-002"])])
def test_slowness_counts_from_eight_seconds(duration_s: float, codes: list[str]) -> None:
    assert [finding.code for finding in found(page(duration_s=duration_s))] == codes


@pytest.mark.parametrize("location", [URL, "/nodeworx/"])
def test_a_redirect_to_itself_is_a_circle_and_one_elsewhere_is_not(location: str) -> None:
    assert [f.code for f in found(page(status=302, location=location))] == ["PANEL-005"]
    assert found(page(status=302, location="/nodeworx/login")) == []


def test_a_redirect_to_itself_with_a_cookie_is_how_a_session_begins() -> None:
    assert found(page(status=302, location=URL, sets_cookie=True)) == []


@pytest.mark.parametrize(("status", "codes"), [(403, []), (404, ["PANEL-008"]), (410, ["PANEL-008"])])
def test_an_answer_without_nodeworx_is_an_error_and_a_refusal_by_rule_is_none(
    status: int, codes: list[str]
) -> None:
    findings = found(page(status=status))
    assert [finding.code for finding in findings] == codes
    assert all(finding.severity == Severity.ERROR for finding in findings)


def test_an_unknown_plain_port_hides_nothing() -> None:
    unknown = Missing(reason="over budget", source="GET")
    assert [f.code for f in judge(PANEL, page("refused", 0), unknown, Limits())] == ["PANEL-001"]
    assert list(judge(PANEL, page(), unknown, Limits())) == []


def test_the_first_run_page_and_a_dead_plain_port_are_warnings() -> None:
    dead = PageAnswer(url=PLAIN.url, address="127.0.0.1", outcome="refused", detail="refused")
    findings = found(page(title="End User License Agreement"), dead)
    assert [(f.code, f.severity) for f in findings] == [
        ("PANEL-007", Severity.WARNING),
        ("PANEL-006", Severity.WARNING),
    ]


def test_all_codes_of_the_check_are_its_own() -> None:
    assert len(set(CHECK.codes)) == len(CHECK.codes)
