"""mail.supervise: up, down, flapping, paused, unsupervised, svscan gone, and what is off on purpose."""

import pytest

from iwx_agent.checks.mail_supervise import CHECK, Limits, judge
from iwx_agent.model import Finding, Missing, PanelPresence, PortAnswer, PortOutcome, Severity
from iwx_agent.model.mail import MailPort, SupervisedService, SupervisedServices, SuperviseStatus, Wanted

PANEL = PanelPresence(home="/usr/local/interworx")
READ_AT = 1_795_450_000.0
NO_PORT = Missing(reason="not asked")


def status(
    pid: int = 100, age_s: float = 3600.0, *, paused: bool = False, wanted: Wanted = "up"
) -> SuperviseStatus:
    return SuperviseStatus(pid=pid, since_at=READ_AT - age_s, paused=paused, wanted=wanted)


def service(
    name: str = "smtp",
    first: SuperviseStatus | None = None,
    later: SuperviseStatus | None = None,
    *,
    supervised: bool | None = True,
    normally_down: bool = False,
    alive: bool = True,
    never: bool = False,
) -> SupervisedService:
    return SupervisedService(
        name=name,
        path=f"/service/{name}",
        supervise_running=supervised,
        normally_down=normally_down,
        status=None if never else first or status(),
        alive=alive,
        later=later,
    )


def found(
    *services: SupervisedService, svscan: bool = True, port: MailPort | Missing = NO_PORT
) -> list[Finding]:
    given = SupervisedServices(
        path="/service",
        services=services,
        svscan_running=svscan,
        read_at=READ_AT,
        core_names=("smtp", "send"),
        send_names=("send",),
    )
    return list(judge(PANEL, given, port, Limits()))


def smtp_port(outcome: PortOutcome) -> MailPort:
    return MailPort(
        service="SMTP", answer=PortAnswer(address="127.0.0.1", port=25, tls=False, outcome=outcome)
    )


def test_services_that_run_are_no_finding() -> None:
    assert found(service("smtp"), service("smtp/log"), service("send", supervised=None)) == []


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("smtp", Severity.EMERGENCY),
        ("send", Severity.EMERGENCY),
        ("smtp2", Severity.ERROR),
        ("send/log", Severity.ERROR),
    ],
)
def test_a_service_that_is_down_weighs_what_mail_loses(name: str, severity: Severity) -> None:
    (finding,) = found(service(name, status(0)))
    assert (finding.code, finding.subject, finding.severity) == ("MAIL-041", name, severity)
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == READ_AT - 3600
    assert finding.since_source == f"/service/{name}/supervise/status"
    assert "told to stop" not in finding.title


def test_a_service_told_to_stop_says_so() -> None:
    (finding,) = found(service("smtp", status(0, wanted="down")))
    assert finding.code == "MAIL-041"
    assert "told to stop" in finding.title


def test_a_down_file_is_deliberate_unless_the_service_was_told_to_be_up() -> None:
    assert found(service("smtp", status(0, wanted="down"), normally_down=True)) == []
    assert found(service("smtp", never=True, normally_down=True, supervised=False)) == []
    (finding,) = found(service("smtp", status(0, wanted="up"), normally_down=True))
    assert finding.code == "MAIL-041"


@pytest.mark.parametrize(("age_s", "codes"), [(4.99, ["MAIL-042"]), (5.0, []), (5.01, [])])
def test_flapping_is_another_process_and_young(age_s: float, codes: list[str]) -> None:
    again = status(101, -2.0)
    assert [f.code for f in found(service("send", status(100, age_s), again))] == codes


def test_a_service_that_was_only_just_started_is_well() -> None:
    young = status(100, 1.0)
    assert found(service("smtp", young, young)) == []
    assert found(service("smtp", young)) == []


def test_a_service_that_came_up_or_went_down_between_the_samples_does_not_flap() -> None:
    assert found(service("smtp", status(0, 1.0), status(100, -1.0))) == []
    (finding,) = found(service("smtp", status(100, 1.0), status(0, -1.0)))
    assert finding.code == "MAIL-041"
    assert len(finding.evidence) == 2


def test_flapping_shows_both_samples_and_no_beginning() -> None:
    (finding,) = found(service("smtp", status(100, 1.0), status(101, -2.0)))
    assert finding.severity is Severity.EMERGENCY
    assert [("pid 100" in e.text, "pid 101" in e.text) for e in finding.evidence] == [
        (True, False),
        (False, True),
    ]
    assert (finding.since_at, finding.since_source) == (None, "")


def test_a_paused_service_does_not_serve() -> None:
    (finding,) = found(service("smtp", status(paused=True)))
    assert (finding.code, finding.severity, finding.since_at) == ("MAIL-043", Severity.EMERGENCY, None)
    assert "paused" in finding.evidence[0].text
    assert finding.remedy[-1].startswith("svc -c /service/smtp")


def test_without_supervise_a_running_service_is_an_error_and_a_dead_one_an_outage() -> None:
    (finding,) = found(service("smtp", supervised=False, alive=True))
    assert (finding.code, finding.severity) == ("MAIL-040", Severity.ERROR)
    (finding,) = found(service("smtp", supervised=False, alive=False))
    assert (finding.code, finding.severity) == ("MAIL-040", Severity.EMERGENCY)
    (finding,) = found(service("smtp", supervised=False, alive=False, never=True))
    assert (finding.code, finding.severity) == ("MAIL-040", Severity.EMERGENCY)
    assert "never ran" in finding.evidence[0].text
    (finding,) = found(service("smtp2", supervised=False, alive=False))
    assert finding.severity is Severity.ERROR


def test_a_supervise_that_has_not_written_yet_is_given_its_moment() -> None:
    assert found(service("smtp", never=True, supervised=True)) == []


def test_svscan_and_everything_gone_is_one_emergency() -> None:
    (finding,) = found(
        service("smtp", supervised=False, alive=False),
        service("send", supervised=False, alive=False),
        svscan=False,
    )
    assert (finding.code, finding.subject, finding.severity) == ("MAIL-044", "svscan", Severity.EMERGENCY)
    assert "dns" in finding.touches


def test_svscan_gone_is_an_error_while_something_of_mail_still_works() -> None:
    gone = [service(n, supervised=False, alive=False) for n in ("smtp", "send")]
    (alive,) = found(gone[0], service("send", supervised=False), svscan=False)
    assert alive.severity is Severity.ERROR
    assert "Still running: send" in alive.detail
    (greets,) = found(*gone, svscan=False, port=smtp_port("greeted"))
    assert greets.severity is Severity.ERROR
    (silent,) = found(*gone, svscan=False, port=smtp_port("refused"))
    assert silent.severity is Severity.EMERGENCY
    off = [service(n, supervised=False, alive=False, normally_down=True) for n in ("smtp", "send")]
    (on_purpose,) = found(*off, svscan=False)
    assert on_purpose.severity is Severity.ERROR


def test_svscan_gone_with_supervise_still_there_judges_each_service_too() -> None:
    findings = found(service("smtp"), service("send", status(0)), svscan=False)
    assert [(f.code, f.severity) for f in findings] == [
        ("MAIL-044", Severity.ERROR),
        ("MAIL-041", Severity.EMERGENCY),
    ]


def test_the_check_declares_what_it_can_raise() -> None:
    assert CHECK.emergency
    assert CHECK.codes == tuple(f"MAIL-04{number}" for number in range(5))


@pytest.mark.parametrize(
    ("age_s", "wanted", "severity"),
    [
        (86_399.0, "down", Severity.EMERGENCY),
        (86_400.0, "down", Severity.WARNING),
        (86_400.0, "up", Severity.EMERGENCY),
        (86_400.0, "once", Severity.EMERGENCY),
    ],
)
def test_what_was_stopped_by_request_more_than_a_day_ago_is_probably_meant(
    age_s: float, wanted: Wanted, severity: Severity
) -> None:
    (finding,) = found(service("smtp", status(0, age_s, wanted=wanted)))
    assert (finding.code, finding.severity) == ("MAIL-041", severity)
    assert ("more than a day ago" in finding.title) is (severity == Severity.WARNING)


def test_a_second_sample_that_is_up_again_is_not_stopped_by_request() -> None:
    one = service("smtp", status(0, 90_000.0, wanted="down"), status(7, 1.0))
    assert one.stopped_on_request_s(READ_AT) is None
    assert found(one) == []


def test_stopping_a_flapping_service_says_that_it_stays_off() -> None:
    (finding,) = found(service("smtp", status(100, 1.0), status(101, 1.0)))
    assert "stays off until svc -u /service/smtp" in finding.remedy[-1]
