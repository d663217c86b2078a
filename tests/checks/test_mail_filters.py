"""mail.filters: a filter in use that accepts no connection, and one that is still starting."""

import pytest

from iwx_agent.checks.mail_filters import CHECK, judge
from iwx_agent.model import Finding, PanelPresence, PortAnswer, PortOutcome, Severity
from iwx_agent.model.mail import MailFilter, MailFilters

PANEL = PanelPresence(home="/usr/local/interworx")


def mail_filter(
    name: str = "spamd",
    outcome: PortOutcome = "greeted",
    *,
    detail: str = "",
    starting: bool = False,
    unit: str = "",
    since_at: float | None = None,
) -> MailFilter:
    answer = PortAnswer(address="127.0.0.1", port=783, tls=False, outcome=outcome, detail=detail, limit_s=5.0)
    return MailFilter(
        name=name, known_by="it runs", answer=answer, starting=starting, unit=unit, since_at=since_at
    )


def found(*filters: MailFilter) -> list[Finding]:
    return list(judge(PANEL, MailFilters(filters=filters)))


def test_filters_that_accept_are_no_finding() -> None:
    assert found(mail_filter("spamd"), mail_filter("clamd")) == []


@pytest.mark.parametrize(("name", "code"), [("spamd", "MAIL-050"), ("clamd", "MAIL-051")])
@pytest.mark.parametrize(
    ("outcome", "detail", "told"),
    [
        ("refused", "connection refused", "connection refused"),
        ("silent", "", "accepts no connection within 5 s"),
        ("closed", "", "closed"),
    ],
)
def test_a_filter_that_does_not_accept_is_an_error(
    name: str, code: str, outcome: PortOutcome, detail: str, told: str
) -> None:
    (finding,) = found(mail_filter(name, outcome, detail=detail))
    assert (finding.code, finding.subject, finding.severity) == (code, name, Severity.ERROR)
    assert finding.evidence[0].text == told
    assert finding.touches == ("mail",)
    assert f"systemctl status {name}.service --no-pager -l" in finding.remedy


def test_since_when_comes_from_the_unit() -> None:
    (finding,) = found(mail_filter("clamd", "refused", unit="clamd@scan.service", since_at=1_795_449_000.0))
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == 1_795_449_000
    assert finding.since_source == "systemctl show clamd@scan.service"
    (finding,) = found(mail_filter("clamd", "refused"))
    assert (finding.since_at, finding.since_source) == (None, "")


def test_a_filter_that_is_starting_is_given_its_time() -> None:
    assert found(mail_filter("clamd", "refused", starting=True)) == []


def test_a_machine_without_filters_is_not_applicable_by_declaration() -> None:
    assert CHECK.optional == ("panel", "mail_filters")
    assert not CHECK.emergency
