"""mail.smtp: each outcome of each port, the second look at a temporary refusal; what is configured."""

import pytest
from msgspec.structs import replace

from iwx_agent.checks.mail_smtp import CHECK, Limits, judge
from iwx_agent.model import Finding, Missing, PanelPresence, PortAnswer, PortOutcome, Severity
from iwx_agent.model.mail import MailPort, SupervisedService, SupervisedServices, SuperviseStatus, Wanted

PANEL = PanelPresence(home="/usr/local/interworx")
UNREADABLE = Missing(reason="permission denied", source="/service")


def port(
    number: int = 25,
    outcome: PortOutcome = "greeted",
    greeting: str = "220 mx.example.com ESMTP",
    duration_s: float = 0.1,
    earlier: PortAnswer | None = None,
) -> MailPort:
    answer = PortAnswer(
        address="127.0.0.1",
        port=number,
        tls=number == 465,
        outcome=outcome,
        greeting=greeting if outcome == "greeted" else "",
        detail="" if outcome in ("greeted", "silent") else f"told: {outcome}",
        duration_s=duration_s,
        limit_s=10.0,
    )
    names = {25: ("smtp",), 587: ("smtp2", "submission"), 465: ("smtp-ssl",)}[number]
    return MailPort(service=f"SMTP{number}", answer=answer, earlier=earlier, service_names=names)


def service(
    name: str, *, pid: int = 100, wanted: Wanted = "up", normally_down: bool = False
) -> SupervisedService:
    status = SuperviseStatus(pid=pid, since_at=1_795_449_000.0, paused=False, wanted=wanted)
    return SupervisedService(
        name=name, path=f"/service/{name}", supervise_running=True, normally_down=normally_down, status=status
    )


def services(*found: SupervisedService) -> SupervisedServices:
    return SupervisedServices(
        path="/service",
        services=found,
        svscan_running=True,
        read_at=1_795_450_000.0,
        core_names=("smtp", "send"),
        send_names=("send",),
    )


ALL = services(service("smtp"), service("smtp2"), service("smtp-ssl"))
WELL = {25: port(25), 587: port(587), 465: port(465)}


def found(*changed: MailPort, given: SupervisedServices | Missing = ALL) -> list[Finding]:
    ports = WELL | {one.answer.port: one for one in changed}
    return list(judge(PANEL, ports[25], ports[587], ports[465], given, Limits()))


def test_three_greetings_are_no_finding() -> None:
    assert found() == []
    assert found(port(25, greeting="220-mx.example.com ESMTP"), port(587, greeting="220")) == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("refused", "MAIL-001"),
        ("unreachable", "MAIL-001"),
        ("silent", "MAIL-002"),
        ("tls_failed", "MAIL-004"),
        ("closed", "MAIL-006"),
    ],
)
@pytest.mark.parametrize("number", [25, 587, 465])
def test_an_expected_port_that_does_not_greet_is_an_emergency(
    number: int, outcome: PortOutcome, code: str
) -> None:
    (finding,) = found(port(number, outcome))
    assert (finding.code, finding.subject, finding.severity) == (code, f"port {number}", Severity.EMERGENCY)
    assert finding.evidence[0].text == (
        "no greeting within 10 s" if outcome == "silent" else f"told: {outcome}"
    )


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        ("554 mx.example.com no service", "MAIL-003"),
        ("500", "MAIL-003"),
        ("250 mx.example.com", "MAIL-006"),
        ("2200 mx.example.com", "MAIL-006"),
        ("22", "MAIL-006"),
        ("", "MAIL-006"),
        ("SSH-2.0-OpenSSH_8.7", "MAIL-006"),
        ("٢٢٠ mx", "MAIL-006"),
    ],
)
def test_a_greeting_that_is_not_220_is_an_error_reply_or_not_smtp(greeting: str, code: str) -> None:
    (finding,) = found(port(25, greeting=greeting))
    assert (finding.code, finding.severity) == (code, Severity.EMERGENCY)
    assert finding.evidence[0].text == (greeting or "an empty line")


def test_a_temporary_refusal_is_an_emergency_only_when_it_came_twice() -> None:
    refusal = "421 mx.example.com too many connections"
    once = port(25, greeting=refusal)
    (finding,) = found(once)
    assert (finding.code, finding.severity) == ("MAIL-003", Severity.ERROR)
    (finding,) = found(port(25, greeting=refusal, earlier=once.answer))
    assert (finding.code, finding.severity, len(finding.evidence)) == ("MAIL-003", Severity.EMERGENCY, 2)
    (finding,) = found(port(25, earlier=once.answer))
    assert (finding.code, finding.severity) == ("MAIL-003", Severity.WARNING)
    assert [evidence.text for evidence in finding.evidence] == [refusal, "220 mx.example.com ESMTP"]


@pytest.mark.parametrize(("duration_s", "codes"), [(4.99, []), (5.0, ["MAIL-005"]), (5.01, ["MAIL-005"])])
def test_a_greeting_is_slow_from_five_seconds(duration_s: float, codes: list[str]) -> None:
    findings = found(port(587, duration_s=duration_s))
    assert [finding.code for finding in findings] == codes
    assert all(finding.severity is Severity.WARNING for finding in findings)


@pytest.mark.parametrize("number", [587, 465])
def test_a_second_port_that_refuses_is_judged_by_whether_it_was_ever_set_up(number: int) -> None:
    refused = port(number, "refused")
    (unknown,) = found(refused, given=UNREADABLE)
    assert unknown.severity is Severity.ERROR
    assert "permission denied" in unknown.detail
    (never,) = found(refused, given=services(service("smtp")))
    assert never.severity is Severity.WARNING


def test_the_main_port_is_expected_whatever_is_set_up() -> None:
    for given in (UNREADABLE, services(), ALL):
        (finding,) = found(port(25, "refused"), given=given)
        assert finding.severity is Severity.EMERGENCY


def test_a_service_switched_off_on_purpose_is_no_outage() -> None:
    off = services(
        *(service(n, pid=0, wanted="down", normally_down=True) for n in ("smtp", "smtp2", "smtp-ssl"))
    )
    (finding,) = found(port(25, "refused"), port(587, "refused"), port(465, "refused"), given=off)
    assert (finding.subject, finding.severity) == ("port 25", Severity.NOTE)
    never_started = services(replace(service("smtp", normally_down=True), status=None))
    (finding,) = found(port(25, "refused"), given=never_started)
    assert finding.severity is Severity.NOTE


def test_a_down_file_excuses_nothing_that_runs_or_was_told_to_run() -> None:
    for one in (
        service("smtp", pid=7, normally_down=True),
        service("smtp", pid=0, wanted="up", normally_down=True),
        service("smtp", pid=0, wanted="down"),
    ):
        (finding,) = found(port(25, "refused"), given=services(one))
        assert finding.severity is Severity.EMERGENCY


def test_since_when_a_port_refuses_comes_from_the_service_that_went_down() -> None:
    (finding,) = found(port(25, "refused"), given=services(service("smtp", pid=0, wanted="down")))
    assert finding.since_at is not None
    assert finding.since_at.isoformat() == "2026-11-23T15:50:00+00:00"
    assert finding.since_source == "/service/smtp/supervise/status"
    assert any(step.startswith("svc -u /service/smtp ") for step in finding.remedy)
    (finding,) = found(port(25, "refused"))
    assert (finding.since_at, finding.since_source) == (None, "")


def test_hostile_service_names_are_quoted_in_the_remedy() -> None:
    bad = replace(service("smtp"), path="/service/a b;reboot")
    (finding,) = found(port(25, "refused"), given=services(bad))
    assert "'/service/a b;reboot'" in finding.remedy[0]


def test_the_check_declares_what_it_can_raise() -> None:
    assert CHECK.emergency
    assert CHECK.codes == tuple(f"MAIL-00{number}" for number in range(1, 7))


@pytest.mark.parametrize("number", [25, 587])
@pytest.mark.parametrize(
    ("age_s", "severity"), [(86_399.0, Severity.EMERGENCY), (86_400.0, Severity.WARNING)]
)
def test_a_port_whose_service_was_stopped_by_request_long_ago_is_probably_meant(
    number: int, age_s: float, severity: Severity
) -> None:
    read_at = 1_795_450_000.0
    status = SuperviseStatus(pid=0, since_at=read_at - age_s, paused=False, wanted="down")
    name = {25: "smtp", 587: "smtp2"}[number]
    given = services(*(s for s in ALL.services if s.name != name), replace(service(name), status=status))
    (finding,) = found(port(number, "refused"), given=given)
    assert (finding.code, finding.severity) == ("MAIL-001", severity)
    (finding,) = found(port(number, "silent"), given=given)  # something else answers: then mail is expected
    assert finding.severity == Severity.EMERGENCY


def test_a_service_that_runs_beside_a_refused_port_may_be_set_to_another_one() -> None:
    runs = [replace(service(name), alive=True) for name in ("smtp", "smtp2", "smtp-ssl")]
    (finding,) = found(port(587, "refused"), given=services(*runs))
    assert (finding.code, finding.severity) == ("MAIL-001", Severity.WARNING)
    assert "Service smtp2 runs, so it may be set to another port." in finding.detail
    (finding,) = found(port(25, "refused"), given=services(*runs))
    assert finding.severity == Severity.EMERGENCY
    stray = replace(runs[1], supervise_running=False)
    (finding,) = found(port(587, "refused"), given=services(runs[0], stray, runs[2]))
    assert finding.severity == Severity.EMERGENCY
