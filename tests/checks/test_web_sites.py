"""web.sites: how many fail, whose fault it is, and what counts as an answer."""

import pytest

from iwx_agent.checks.web_sites import Limits, judge
from iwx_agent.model import Finding, PageAnswer, PageOutcome, Scope, Severity
from iwx_agent.model.web import SiteAnswer, WebSites


def site(number: int, status: int = 200, *, outcome: PageOutcome = "answered", **more: str) -> SiteAnswer:
    name = f"site{number:02}.example.com"
    page = PageAnswer(
        url=f"https://{name}/",
        address="192.0.2.7",
        outcome=outcome,
        status=status,
        **more,  # type: ignore[arg-type]
    )
    return SiteAnswer(name=name, file=f"/etc/httpd/conf.d/vhost_{name}.conf", page=page)


def found(*answers: SiteAnswer, not_asked: tuple[str, ...] = ()) -> list[Finding]:
    asked = WebSites(answers=answers, files_count=len(answers) + len(not_asked), not_asked=not_asked)
    return list(judge(asked, Limits()))


@pytest.mark.parametrize("status", [200, 301, 401, 403, 404, 499])
def test_an_answer_below_500_is_well(status: int) -> None:
    assert found(site(1, status), site(2, status)) == []


@pytest.mark.parametrize(("status", "codes"), [(499, []), (500, ["WEB-010"]), (501, ["WEB-010"])])
def test_a_failure_begins_at_500(status: int, codes: list[str]) -> None:
    assert [f.code for f in found(site(1, status), site(2, status))] == codes


@pytest.mark.parametrize("outcome", ["refused", "silent", "closed", "tls_failed", "unreachable", "failed"])
def test_all_failing_is_an_emergency_for_the_vendor(outcome: PageOutcome) -> None:
    (finding,) = found(site(1, 0, outcome=outcome, detail="why"), site(2, 503))
    assert (finding.code, finding.subject, finding.severity, finding.scope) == (
        "WEB-010",
        "websites",
        Severity.EMERGENCY,
        Scope.VENDOR,
    )
    assert finding.touches == ("web",)
    assert "why" in finding.evidence[0].text
    assert finding.remedy[0] == (
        "curl -skI --resolve site01.example.com:443:192.0.2.7 https://site01.example.com/"
    )


def test_several_but_not_all_are_an_error_of_unknown_scope() -> None:
    (finding,) = found(site(1, 500), site(2, 500), site(3), not_asked=("x: not ours", "y", "z", "w"))
    assert (finding.code, finding.severity, finding.scope) == ("WEB-011", Severity.ERROR, Scope.UNKNOWN)
    assert "2 fail: site01.example.com, site02.example.com" in finding.detail
    assert "3 of 7 configured sites were asked; not asked: x: not ours; y; z." in finding.detail


def test_a_long_list_of_failing_sites_is_cut() -> None:
    (finding,) = found(*(site(number, 500) for number in range(1, 10)), site(10))
    assert "site06.example.com and 3 more" in finding.detail
    assert len(finding.evidence) == 6


@pytest.mark.parametrize(
    ("outcome", "scope"),
    [
        ("answered", Scope.CUSTOMER),
        ("silent", Scope.CUSTOMER),
        ("closed", Scope.UNKNOWN),
        ("tls_failed", Scope.UNKNOWN),
    ],
)
def test_one_failing_site_is_a_warning_and_its_own_matter(outcome: PageOutcome, scope: Scope) -> None:
    (finding,) = found(site(1), site(2, 500 if outcome == "answered" else 0, outcome=outcome))
    assert (finding.code, finding.subject, finding.severity, finding.scope) == (
        "WEB-012",
        "site02.example.com",
        Severity.WARNING,
        scope,
    )


def test_a_site_that_closed_itself_for_a_while_is_a_note() -> None:
    (finding,) = found(site(1), site(2, 503, retry_after="600", title="Maintenance"))
    assert (finding.code, finding.severity) == ("WEB-012", Severity.NOTE)
    assert "closed for maintenance" in finding.title
    assert finding.evidence[0].text == "HTTP 503, title 'Maintenance'"


@pytest.mark.parametrize(
    ("only", "code"),
    [
        (site(1, 0, outcome="refused"), "WEB-010"),
        (site(1, 502), "WEB-010"),
        (site(1, 503), "WEB-010"),
        (site(1, 504), "WEB-010"),
        (site(1, 500), "WEB-012"),
        (site(1, 503, retry_after="600"), "WEB-012"),
    ],
)
def test_the_only_site_is_an_emergency_only_by_the_servers_fault(only: SiteAnswer, code: str) -> None:
    (finding,) = found(only)
    assert finding.code == code
    assert (finding.severity is Severity.EMERGENCY) == (code == "WEB-010")


def test_another_port_an_ipv6_address_and_a_hostile_name_in_the_remedy() -> None:
    page = PageAnswer(url="http://a.example.com:8080/", address="2001:db8::1", outcome="answered", status=500)
    (finding,) = found(SiteAnswer(name="a.example.com", file="/x y; rm -rf", page=page), site(2))
    assert "--resolve 'a.example.com:8080:[2001:db8::1]'" in finding.remedy[0]
    assert "less '/x y; rm -rf'" in finding.remedy[1]
    plain = PageAnswer(url="http://a.example.com/", address="192.0.2.7", outcome="answered", status=500)
    (finding,) = found(SiteAnswer(name="a.example.com", file="f", page=plain), site(2))
    assert "--resolve a.example.com:80:192.0.2.7" in finding.remedy[0]


def notice(number: int) -> SiteAnswer:
    return site(number, 503, retry_after="600")


def test_one_or_two_sites_closed_by_their_owners_are_no_outage() -> None:
    assert [(f.code, f.severity) for f in found(notice(1), notice(2))] == [
        ("WEB-012", Severity.NOTE),
        ("WEB-012", Severity.NOTE),
    ]
    (finding,) = found(notice(1), notice(2), site(3, 500), site(4))
    assert (finding.code, finding.subject) == ("WEB-012", "site03.example.com")


def test_notices_on_all_of_several_sites_are_an_outage() -> None:
    (finding,) = found(*(notice(number) for number in (1, 2, 3)))
    assert (finding.code, finding.severity) == ("WEB-010", Severity.EMERGENCY)


def test_closed_sites_do_not_save_the_others_from_being_all() -> None:
    (finding,) = found(notice(1), site(2, 500), site(3, 0, outcome="silent"))
    assert (finding.code, finding.severity) == ("WEB-010", Severity.EMERGENCY)
    assert "2 fail: site02.example.com, site03.example.com" in finding.detail


@pytest.mark.parametrize(
    ("retry_after", "code"),
    [
        ("59", "WEB-010"),  # Varnish: 5
        ("60", "WEB-012"),
        ("Mon, 23 Nov 2026 18:00:00 GMT", "WEB-012"),
        ("9" * 5000, "WEB-012"),
        ("", "WEB-010"),
    ],
)
def test_only_a_notice_that_asks_for_patience_is_the_owners(retry_after: str, code: str) -> None:
    (finding,) = found(site(1, 503, retry_after=retry_after))
    assert finding.code == code
