"""mail.imap and mail.pop3: each outcome of both ports; both broken is the whole service."""

from typing import Literal

import pytest
from msgspec import Struct

from iwx_agent.checks import mail_imap, mail_pop3
from iwx_agent.model import Check, Finding, PanelPresence, PortAnswer, PortOutcome, Severity
from iwx_agent.model.mail import MailboxAccess

PANEL = PanelPresence(home="/usr/local/interworx")


class Mailbox(Struct, frozen=True, kw_only=True):
    """One of the two checks, its ports and codes, and a greeting that is well."""

    check: Check
    protocol: Literal["IMAP", "POP3"]
    other: str
    fact: str
    plain: int
    tls: int
    codes: tuple[str, str, str, str]  # refused, silent, bad greeting, TLS broken
    ready: str

    def answer(
        self, number: int, outcome: PortOutcome = "greeted", greeting: str | None = None
    ) -> PortAnswer:
        return PortAnswer(
            address="127.0.0.1",
            port=number,
            tls=number == self.tls,
            outcome=outcome,
            greeting=(self.ready if greeting is None else greeting) if outcome == "greeted" else "",
            detail="" if outcome in ("greeted", "silent") else f"told: {outcome}",
            limit_s=10.0,
        )

    def found(self, plain: PortAnswer, tls: PortAnswer, beside: str = "") -> list[Finding]:
        access = MailboxAccess(protocol=self.protocol, plain=plain, tls=tls, beside=beside)
        return list(self.check.judge(PANEL, access))


IMAP = Mailbox(
    check=mail_imap.CHECK,
    protocol="IMAP",
    other="POP3",
    fact="imap_access",
    plain=143,
    tls=993,
    codes=("MAIL-010", "MAIL-011", "MAIL-012", "MAIL-013"),
    ready="* OK ready",
)
POP3 = Mailbox(
    check=mail_pop3.CHECK,
    protocol="POP3",
    other="IMAP",
    fact="pop3_access",
    plain=110,
    tls=995,
    codes=("MAIL-020", "MAIL-021", "MAIL-022", "MAIL-023"),
    ready="+OK ready",
)
each_protocol = pytest.mark.parametrize("mailbox", [IMAP, POP3], ids=lambda mailbox: mailbox.protocol)


@pytest.mark.parametrize(
    ("mailbox", "greeting"),
    [
        (IMAP, "* OK ready"),
        (IMAP, "* PREAUTH hello"),
        (IMAP, "* ok [CAPABILITY IMAP4rev1] ready"),
        (POP3, "+OK ready"),
        (POP3, "+OK <1896.697@mx.example.com>"),
        (POP3, "+ok ready"),
    ],
)
def test_a_greeting_is_no_finding(mailbox: Mailbox, greeting: str) -> None:
    plain, tls = (mailbox.answer(number, greeting=greeting) for number in (mailbox.plain, mailbox.tls))
    assert mailbox.found(plain, tls) == []


@pytest.mark.parametrize(
    ("mailbox", "code", "greeting"),
    [
        (IMAP, "MAIL-012", "* BYE too many connections"),
        (IMAP, "MAIL-012", ""),
        (IMAP, "MAIL-012", "220 mx.example.com ESMTP"),
        (IMAP, "MAIL-012", "+OK ready"),
        (POP3, "MAIL-022", "-ERR temporary failure"),
        (POP3, "MAIL-022", ""),
        (POP3, "MAIL-022", "220 mx.example.com ESMTP"),
        (POP3, "MAIL-022", "* OK ready"),
    ],
)
def test_any_other_greeting_turns_people_away(mailbox: Mailbox, code: str, greeting: str) -> None:
    (finding,) = mailbox.found(mailbox.answer(mailbox.plain, greeting=greeting), mailbox.answer(mailbox.tls))
    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert finding.evidence[0].text == (greeting or "an empty line")


OUTCOMES = [
    ("refused", 0, Severity.WARNING),
    ("unreachable", 0, Severity.WARNING),
    ("silent", 1, Severity.ERROR),
    ("closed", 2, Severity.ERROR),
    ("tls_failed", 3, Severity.ERROR),
]


@each_protocol
@pytest.mark.parametrize(("outcome", "place", "severity"), OUTCOMES)
def test_one_broken_port_leaves_the_other(
    mailbox: Mailbox, outcome: PortOutcome, place: int, severity: Severity
) -> None:
    code, plain, tls = mailbox.codes[place], mailbox.plain, mailbox.tls
    (finding,) = mailbox.found(mailbox.answer(plain, outcome), mailbox.answer(tls))
    assert (finding.code, finding.subject, finding.severity) == (code, f"port {plain}", severity)
    assert "The other port answers" in finding.detail
    (finding,) = mailbox.found(mailbox.answer(plain), mailbox.answer(tls, outcome))
    assert (finding.code, finding.subject, finding.severity) == (code, f"port {tls}", Severity.ERROR)
    assert finding.evidence[0].text == (
        "no greeting within 10 s" if outcome == "silent" else f"told: {outcome}"
    )


@each_protocol
@pytest.mark.parametrize(("outcome", "place", "_severity"), OUTCOMES)
def test_both_broken_is_one_emergency_with_both_as_evidence(
    mailbox: Mailbox, outcome: PortOutcome, place: int, _severity: Severity
) -> None:
    plain, tls = mailbox.plain, mailbox.tls
    (finding,) = mailbox.found(mailbox.answer(plain, outcome), mailbox.answer(tls, outcome))
    assert (finding.code, finding.subject) == (mailbox.codes[place], mailbox.protocol)
    assert finding.severity == Severity.EMERGENCY
    assert finding.title.startswith(f"{mailbox.protocol} ")
    assert f"ports {plain} and {tls}" in finding.title
    assert f"Nobody can read mail over {mailbox.protocol}." in finding.detail
    assert finding.remedy[-1].endswith(f"# {mailbox.protocol} and {mailbox.other} only")
    assert [evidence.source.split(" (")[0] for evidence in finding.evidence] == [
        f"tcp 127.0.0.1:{plain}",
        f"tls 127.0.0.1:{tls}",
    ]


@each_protocol
def test_both_broken_in_different_ways_goes_by_the_plain_port(mailbox: Mailbox) -> None:
    plain, tls = mailbox.answer(mailbox.plain, "refused"), mailbox.answer(mailbox.tls, "silent")
    (finding,) = mailbox.found(plain, tls)
    assert (finding.code, finding.subject) == (mailbox.codes[0], mailbox.protocol)
    assert finding.severity == Severity.EMERGENCY
    assert finding.title.endswith(f"port {mailbox.plain}")
    assert "no greeting within 10 s" in finding.detail


@each_protocol
def test_switched_off_is_not_applicable_by_declaration(mailbox: Mailbox) -> None:
    assert mailbox.check.optional == ("panel", mailbox.fact)
    assert mailbox.check.codes == mailbox.codes


@each_protocol
@pytest.mark.parametrize(
    ("outcome", "severity"), [("refused", Severity.WARNING), ("silent", Severity.EMERGENCY)]
)
def test_a_dovecot_that_serves_only_the_other_protocol_was_probably_told_so(
    mailbox: Mailbox, outcome: PortOutcome, severity: Severity
) -> None:
    beside = f"dovecot.service runs and serves {mailbox.other}"
    plain, tls = mailbox.answer(mailbox.plain, outcome), mailbox.answer(mailbox.tls, outcome)
    (finding,) = mailbox.found(plain, tls, beside)
    assert (finding.subject, finding.severity) == (mailbox.protocol, severity)
    told = f"{beside}, so {mailbox.protocol} is probably switched off" in finding.detail
    assert told is (severity == Severity.WARNING)
