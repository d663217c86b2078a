"""web.server: every outcome of both ports, why nothing answers, and what is no outage."""

import pytest

from iwx_agent.checks.web_server import judge
from iwx_agent.model import (
    Finding,
    ListeningSocket,
    ListeningSockets,
    LogLine,
    Missing,
    PageAnswer,
    PageOutcome,
    PortAnswer,
    PortOutcome,
    Scope,
    Severity,
    Unit,
    Units,
)
from iwx_agent.model.web import (
    ConfigTest,
    Site,
    SiteAnswer,
    Sites,
    VirtualHost,
    WebJournal,
    WebServer,
    WebSites,
)

GAP = Missing(reason="not told", source="test")
NONE = Missing(reason="no site is configured", source="test", absent=True)
BIND = "(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80"


def server(
    plain: PageOutcome = "answered", tls: PortOutcome = "greeted", *, replacements: tuple[str, ...] = ()
) -> WebServer:
    return WebServer(
        plain=PageAnswer(
            url="http://localhost/", address="127.0.0.1", outcome=plain, detail=f"plain {plain}", limit_s=8.0
        ),
        tls=PortAnswer(address="127.0.0.1", port=443, tls=True, outcome=tls, detail=f"tls {tls}"),
        replacements=replacements,
    )


def unit(active: str = "active", *, enabled: str = "enabled") -> Units:
    one = Unit(
        name="httpd.service",
        load_state="loaded",
        active_state=active,
        sub_state=active,
        result="exit-code" if active == "failed" else "success",
        unit_file_state=enabled,
        inactive_enter_at=None if active == "active" else 1_795_440_000.0,
    )
    return Units(by_name={"httpd.service": one})


def held_by(name: str, port: int = 80) -> ListeningSockets:
    return ListeningSockets(
        entries=(ListeningSocket(protocol="tcp", address="0.0.0.0", port=port, pid=7, process_name=name),)
    )


def sites(*, tls: bool = True) -> Sites:
    host = VirtualHost(
        file="f", line=1, address="*", port=443 if tls else 80, server_name="a.example.com", tls=tls
    )
    site = (
        Site(name="a.example.com", file="f", tls=host)
        if tls
        else Site(name="a.example.com", file="f", plain=host)
    )
    return Sites(sampled=(site,), files_count=1, directory="d")


def answers(url: str, outcome: PageOutcome = "answered") -> WebSites:
    page = PageAnswer(url=url, address="127.0.0.1", outcome=outcome, status=200)
    return WebSites(answers=(SiteAnswer(name="a.example.com", file="f", page=page),), files_count=1)


def found(
    web: WebServer,
    *,
    units: Units | Missing = GAP,
    sockets: ListeningSockets | Missing = GAP,
    configured: Sites | Missing | None = None,
    asked: WebSites | Missing = GAP,
    test: ConfigTest | Missing = GAP,
    journal: WebJournal | Missing = GAP,
) -> list[Finding]:
    configured = sites() if configured is None else configured
    return list(judge(web, units, sockets, configured, asked, test, journal))


def journal(text: str) -> WebJournal:
    return WebJournal(lines=(LogLine(text=text, source="journalctl", at=1_795_440_000.0),))


def test_a_healthy_server_is_no_finding_whatever_could_not_be_told() -> None:
    assert found(server()) == []
    assert (
        found(server(), units=unit(), sockets=held_by("httpd"), asked=answers("https://a.example.com/")) == []
    )


def test_any_http_status_on_the_default_page_is_an_answer() -> None:
    assert found(server("answered")) == []


@pytest.mark.parametrize("outcome", ["refused", "unreachable"])
@pytest.mark.parametrize("active", ["failed", "inactive"])
def test_a_stopped_apache_is_an_emergency_with_its_time(outcome: PageOutcome, active: str) -> None:
    (finding,) = found(server(outcome, "refused"), units=unit(active))
    assert (finding.code, finding.subject, finding.severity, finding.scope) == (
        "WEB-001",
        "httpd.service",
        Severity.EMERGENCY,
        Scope.VENDOR,
    )
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == 1_795_440_000.0
    assert finding.since_source == "systemctl show httpd.service"
    assert ("result exit-code" in finding.detail) == (active == "failed")


def test_a_stopped_apache_without_any_site_is_no_emergency() -> None:
    (finding,) = found(server("refused"), units=unit("failed"), configured=NONE)
    assert (finding.code, finding.severity) == ("WEB-001", Severity.ERROR)


def test_whether_there_are_sites_unknown_is_the_worst_case() -> None:
    (finding,) = found(server("refused"), units=unit("failed"), configured=GAP)
    assert finding.severity is Severity.EMERGENCY


@pytest.mark.parametrize(("units", "told"), [(unit(), "counts as running"), (GAP, "could not be told")])
def test_a_running_or_unknown_apache_that_refuses_does_not_listen(units: Units | Missing, told: str) -> None:
    (finding,) = found(server("refused"), units=units, sockets=held_by("nginx", 443))
    if isinstance(units, Missing):
        assert finding.code == "WEB-005"
        (finding,) = found(server("refused"), units=units)
    assert (finding.code, finding.subject) == ("WEB-002", "port 80")
    assert told in finding.detail
    assert finding.since_at is None


def test_port_80_refused_beside_sites_that_answer_over_tls_is_an_error() -> None:
    (finding,) = found(server("refused"), units=unit(), asked=answers("https://a.example.com/"))
    assert (finding.code, finding.severity) == ("WEB-002", Severity.ERROR)
    assert "over HTTPS only" in finding.title


def test_a_broken_configuration_is_named_with_its_place() -> None:
    test = ConfigTest(
        outcome="failed", message="AH00526: Syntax error", place="/etc/httpd/x.conf:21", source="t"
    )
    (finding,) = found(server("refused"), units=unit("failed"), sockets=held_by("python3"), test=test)
    assert (finding.code, finding.subject) == ("WEB-004", "httpd.service")
    assert any(e.source == "/etc/httpd/x.conf:21" for e in finding.evidence)
    assert "Correct what is wrong at /etc/httpd/x.conf:21." in finding.remedy


def test_a_complaint_without_a_place_still_has_a_remedy() -> None:
    test = ConfigTest(outcome="failed", message="could not open", source="httpd -t (exit 1)")
    (finding,) = found(server("refused"), test=test)
    assert finding.code == "WEB-004"
    assert any(e.source == "httpd -t (exit 1)" for e in finding.evidence)


@pytest.mark.parametrize("outcome", ["passed", "not_needed"])
def test_a_test_that_passed_proves_nothing(outcome: str) -> None:
    test = ConfigTest(outcome=outcome)  # type: ignore[arg-type]
    assert found(server("refused"), units=unit("failed"), test=test)[0].code == "WEB-001"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (journal(BIND), "WEB-005"),
        (WebJournal(lines=()), "WEB-005"),
        (GAP, "WEB-005"),
        (journal("Main process exited, code=killed, status=9/KILL"), "WEB-001"),
    ],
)
def test_another_program_on_the_port_unless_the_journal_knows_better(
    lines: WebJournal | Missing, code: str
) -> None:
    for web in (server("answered", "refused"), server("refused", "refused")):
        (finding,) = found(web, units=unit("failed"), sockets=held_by("python3"), journal=lines)
        assert (finding.code, finding.severity) == (code, Severity.EMERGENCY)
        if isinstance(lines, WebJournal) and lines.lines:
            assert any(e.text == lines.lines[0].text and e.seen_at for e in finding.evidence)


def test_a_port_held_by_apache_itself_or_a_nameless_program_is_not_foreign() -> None:
    for name in ("httpd", ""):
        assert found(server("refused"), units=unit("failed"), sockets=held_by(name))[0].code == "WEB-001"


def test_another_web_server_in_apaches_place_is_no_outage() -> None:
    web = server(replacements=("litespeed",))
    assert found(web, units=unit("failed"), sockets=held_by("litespeed")) == []
    assert found(server(), units=unit("inactive", enabled="disabled"), sockets=held_by("nginx")) == []
    assert found(server(), units=unit("active"), sockets=held_by("nginx")) == []


def test_an_enabled_apache_that_lost_its_port_is_an_outage_although_something_answers() -> None:
    (finding,) = found(server(), units=unit("inactive"), sockets=held_by("nginx"))
    assert (finding.code, finding.subject) == ("WEB-005", "port 80")


def test_apache_outside_of_systemd_is_a_warning() -> None:
    (finding,) = found(server(), units=unit("failed"), sockets=held_by("httpd"))
    assert (finding.code, finding.severity) == ("WEB-001", Severity.WARNING)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("silent", "WEB-003"), ("closed", "WEB-007"), ("failed", "WEB-007"), ("tls_failed", "WEB-007")],
)
def test_an_apache_that_does_not_answer_is_an_emergency_unless_a_site_answers(
    outcome: PageOutcome, code: str
) -> None:
    (finding,) = found(server(outcome), units=unit(), asked=answers("http://a.example.com/", "silent"))
    assert (finding.code, finding.subject, finding.severity) == (code, "port 80", Severity.EMERGENCY)
    for url in ("http://a.example.com/", "https://a.example.com/"):
        (finding,) = found(server(outcome), units=unit(), asked=answers(url))
        assert (finding.code, finding.severity) == (code, Severity.ERROR)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("refused", "WEB-002"),
        ("unreachable", "WEB-002"),
        ("silent", "WEB-003"),
        ("tls_failed", "WEB-006"),
        ("closed", "WEB-006"),
        ("failed", "WEB-006"),
    ],
)
def test_port_443_matters_when_a_site_has_tls_and_none_answers_over_it(
    outcome: PortOutcome, code: str
) -> None:
    web = server("answered", outcome)
    (finding,) = found(web, units=unit(), asked=answers("http://a.example.com/"))
    assert (finding.code, finding.subject, finding.severity) == (code, "port 443", Severity.EMERGENCY)
    assert found(web, configured=sites(tls=False)) == []
    assert found(web, configured=NONE) == []
    assert found(web, asked=answers("https://a.example.com/")) == []


@pytest.mark.parametrize(
    ("outcome", "codes"), [("refused", ["WEB-002"]), ("silent", ["WEB-003"]), ("tls_failed", [])]
)
def test_without_knowing_the_sites_port_443_is_at_most_a_warning(
    outcome: PortOutcome, codes: list[str]
) -> None:
    findings = found(server("answered", outcome), configured=GAP)
    assert [finding.code for finding in findings] == codes
    assert all(finding.severity is Severity.WARNING for finding in findings)


def test_two_dead_ports_are_one_finding() -> None:
    assert len(found(server("refused", "refused"), units=unit("failed"))) == 1


@pytest.mark.parametrize("url", ["http://a.example.com/", "https://a.example.com/"])
def test_sites_that_answer_all_the_same_are_no_emergency(url: str) -> None:
    (finding,) = found(server("refused"), units=unit("inactive"), asked=answers(url))
    assert (finding.code, finding.severity) == ("WEB-001", Severity.ERROR)
    assert finding.title == "Apache (httpd.service) is not running, though websites answer"
    (finding,) = found(
        server("refused"), units=unit("inactive"), asked=answers(url), sockets=held_by("nginx", 443)
    )
    assert finding.severity == Severity.EMERGENCY  # the welcome page of a foreign program is no site


def test_sites_that_answer_at_their_own_address_are_not_behind_a_dead_port() -> None:
    (finding,) = found(server("refused"), units=unit(), asked=answers("http://a.example.com/"))
    assert (finding.code, finding.severity) == ("WEB-002", Severity.ERROR)
    assert finding.title == "Nothing listens on port 80 of this address: websites answer at other addresses"
