"""POP3 answers: ports 110 and 995 greet as a POP3 server does.

Facts:
    panel: the panel is installed; pop3_access: what the two ports said over loopback (absent when POP3 is
    switched off: dovecot's protocols setting, a disabled unit, nothing installed).

Limits:
    None.

Codes:
    MAIL-020 refused; MAIL-021 accepts but is silent; MAIL-022 greets with an error, closes, or is not POP3;
    MAIL-023 TLS is broken.

Source:
    Support guide 7.1, "Email not processing"; RFC 1939, 4 (+OK and -ERR as greetings).
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Finding, PanelPresence
from iwx_agent.model.mail import MailboxAccess, MailboxProtocol, judge_mailbox

_POP3 = MailboxProtocol(
    name="POP3",
    beside="IMAP",
    greetings=("+OK",),
    refused_code="MAIL-020",
    silent_code="MAIL-021",
    greeting_code="MAIL-022",
    tls_code="MAIL-023",
)


def judge(panel: PanelPresence, pop3_access: MailboxAccess) -> Iterator[Finding]:
    """Judge both ports together, by the rules that POP3 shares with IMAP."""
    yield from judge_mailbox(_POP3, pop3_access)


CHECK = Check(
    id="mail.pop3",
    title="POP3 answers on ports 110 and 995",
    codes=("MAIL-020", "MAIL-021", "MAIL-022", "MAIL-023"),
    judge=judge,
    optional=("panel", "pop3_access"),
    emergency=True,
    guide=1,
)
