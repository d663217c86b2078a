"""web.certificates: the ends of validity from both sides, and certificates that nobody else signed."""

import pytest

from iwx_agent.checks.web_certificates import Limits, judge
from iwx_agent.model import Boot, Finding, Scope, Severity
from iwx_agent.model.web import ServedCertificate, WebCertificates

NOW = 1_795_450_000.0
DAY = 86_400.0


def served(
    name: str = "a.example.com",
    *,
    begin_in: float = -80 * DAY,
    end_in: float = 60 * DAY,
    self_issued: bool = False,
    fingerprint: str = "01",
    **more: object,
) -> ServedCertificate:
    made = {
        "name": name,
        "address": "192.0.2.7",
        "port": 443,
        "subject": name,
        "issuer": "Example CA",
        "self_issued": self_issued,
        "not_before_at": NOW + begin_in,
        "not_after_at": NOW + end_in,
        "fingerprint": fingerprint,
    }
    return ServedCertificate(**(made | more))  # type: ignore[arg-type]


def found(*certificates: ServedCertificate) -> list[Finding]:
    return list(judge(WebCertificates(served=certificates), Boot(booted_at=0.0, read_at=NOW), Limits()))


def test_a_valid_certificate_is_no_finding() -> None:
    assert found(served(), served("b.example.com", fingerprint="02", self_issued=True)) == []


@pytest.mark.parametrize(("end_in", "codes"), [(1.0, ["WEB-031"]), (0.0, ["WEB-031"]), (-1.0, ["WEB-030"])])
def test_the_last_second_is_still_valid(end_in: float, codes: list[str]) -> None:
    assert [f.code for f in found(served(end_in=end_in))] == codes


def test_an_expired_certificate_breaks_its_site_since_its_end() -> None:
    (finding,) = found(served(end_in=-3 * DAY, file="/home/a/var/a.example.com/ssl/a b.crt"))
    assert (finding.code, finding.subject, finding.severity, finding.scope) == (
        "WEB-030",
        "a.example.com",
        Severity.ERROR,
        Scope.VENDOR,
    )
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == NOW - 3 * DAY
    assert "3 days ago" in finding.detail
    assert "-in '/home/a/var/a.example.com/ssl/a b.crt'" in finding.remedy[1]


@pytest.mark.parametrize(("days", "codes"), [(7.01, []), (7.0, ["WEB-031"]), (6.99, ["WEB-031"])])
def test_soon_begins_at_seven_days(days: float, codes: list[str]) -> None:
    findings = found(served(end_in=days * DAY))
    assert [f.code for f in findings] == codes
    assert all(f.severity is Severity.WARNING for f in findings)


@pytest.mark.parametrize(("days", "codes"), [(0.61, []), (0.6, ["WEB-031"]), (0.59, ["WEB-031"])])
def test_a_short_lived_certificate_is_soon_at_a_tenth_of_its_life(days: float, codes: list[str]) -> None:
    six_days = served(begin_in=days * DAY - 6 * DAY, end_in=days * DAY)
    assert [f.code for f in found(six_days)] == codes


@pytest.mark.parametrize(("begin_in", "codes"), [(0.0, []), (1.0, ["WEB-032"])])
def test_the_first_second_is_valid(begin_in: float, codes: list[str]) -> None:
    findings = found(served(begin_in=begin_in))
    assert [f.code for f in findings] == codes
    assert all("clock" in f.detail and "date" in f.remedy[-1] for f in findings)


def test_a_certificate_that_signed_itself_is_only_told_when_expired_and_only_as_a_warning() -> None:
    own = {"self_issued": True, "issuer": "a.example.com"}
    (finding,) = found(served(end_in=-1.0, **own))  # type: ignore[arg-type]
    assert (finding.code, finding.severity) == ("WEB-030", Severity.WARNING)
    assert "nobody but itself" in finding.detail
    assert found(served(end_in=DAY, **own)) == []  # type: ignore[arg-type]
    assert found(served(begin_in=DAY, **own)) == []  # type: ignore[arg-type]


def test_one_certificate_of_many_sites_is_one_finding() -> None:
    same = [served(f"s{number}.example.com", end_in=-1.0) for number in range(8)]
    (finding,) = found(*same)
    assert finding.subject == "s0.example.com"
    assert "s5.example.com and 2 more" in finding.detail
    assert len(found(same[0], served("b.example.com", end_in=-1.0, fingerprint="02"))) == 2


def test_an_ipv6_address_is_bracketed_and_an_issuer_may_have_no_name() -> None:
    (finding,) = found(served(end_in=-1.0, address="2001:db8::1", issuer=""))
    assert "-connect '[2001:db8::1]:443'" in finding.remedy[0]
    assert "an issuer without a name" in finding.detail
