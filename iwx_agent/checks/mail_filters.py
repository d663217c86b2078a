"""The filters that SMTP asks answer: spamd and clamd accept connections where they are in use.

Facts:
    panel: the panel is installed; mail_filters: the filters in use (enabled, supervised or running), and
    whether they accept a connection (absent when neither is in use).

Limits:
    None.

Codes:
    MAIL-050 spamd does not answer; MAIL-051 clamd does not answer.

Source:
    Support guide 7.1, "Email not processing": SMTP may refuse or hold mail while a filter it asks is away.
    Names and ports from data/interworx.toml.
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Evidence, Finding, PanelPresence, Scope, Severity, moment
from iwx_agent.model.mail import MailFilter, MailFilters

_CODES = {"spamd": "MAIL-050", "clamd": "MAIL-051"}


def judge(panel: PanelPresence, mail_filters: MailFilters) -> Iterator[Finding]:
    """Judge each filter in use by whether it accepts a connection; one that is starting is given its time."""
    for found in mail_filters.filters:
        if found.answer.outcome != "greeted" and not found.starting:
            yield _away(found)


def _away(found: MailFilter) -> Finding:
    answer = found.answer
    told = (
        f"accepts no connection within {answer.limit_s:g} s" if answer.outcome == "silent" else answer.detail
    )
    unit = found.unit or f"{found.name}.service"
    return Finding(
        code=_CODES[found.name],
        subject=found.name,
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title=f"The mail filter {found.name} does not answer",
        detail=f"{answer.source}: {told or answer.outcome}. In use: {found.known_by}; SMTP may wait for it.",
        remedy=(
            f"systemctl status {unit} --no-pager -l",
            f"journalctl -u {unit} -n 50 --no-pager",
            f"systemctl restart {unit}",
        ),
        evidence=(Evidence(source=answer.source, text=told or answer.outcome),),
        since_at=moment(found.since_at),
        since_source=f"systemctl show {unit}" if found.since_at is not None else "",
        touches=("mail",),
    )


CHECK = Check(
    id="mail.filters",
    title="The spam and virus filters of mail answer",
    codes=("MAIL-050", "MAIL-051"),
    judge=judge,
    optional=("panel", "mail_filters"),
)
