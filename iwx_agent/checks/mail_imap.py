"""IMAP answers: ports 143 and 993 greet as an IMAP server does.

Facts:
    panel: the panel is installed; imap_access: what the two ports said over loopback (absent when IMAP is
    switched off: dovecot's protocols setting, a disabled unit, nothing installed).

Limits:
    None.

Codes:
    MAIL-010 refused; MAIL-011 accepts but is silent; MAIL-012 greets with an error, closes, or is not IMAP;
    MAIL-013 TLS is broken.

Source:
    Support guide 7.1, "Email not processing"; RFC 9051, 7.1 (OK, PREAUTH and BYE as greetings).
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Finding, PanelPresence
from iwx_agent.model.mail import MailboxAccess, MailboxProtocol, judge_mailbox

_IMAP = MailboxProtocol(
    name="IMAP",
    beside="POP3",
    greetings=("* OK", "* PREAUTH"),
    refused_code="MAIL-010",
    silent_code="MAIL-011",
    greeting_code="MAIL-012",
    tls_code="MAIL-013",
)


def judge(panel: PanelPresence, imap_access: MailboxAccess) -> Iterator[Finding]:
    """Judge both ports together, by the rules that IMAP shares with POP3."""
    yield from judge_mailbox(_IMAP, imap_access)


CHECK = Check(
    id="mail.imap",
    title="IMAP answers on ports 143 and 993",
    codes=("MAIL-010", "MAIL-011", "MAIL-012", "MAIL-013"),
    judge=judge,
    optional=("panel", "imap_access"),
    emergency=True,
    guide=1,
)
