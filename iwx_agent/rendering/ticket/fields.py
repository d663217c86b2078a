"""The fields of the vendor's form, in its order."""

from datetime import date
from typing import Literal

from msgspec import Struct

from iwx_agent.model import RESELLER, Licence, Priority, ProviderMode, Report
from iwx_agent.model.ticket import TicketLimits, ticket_key
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket.body import sections_of
from iwx_agent.rendering.ticket.section import message_of
from iwx_agent.rendering.ticket.summary import cut, lead_of, short_message

# Source: support guide 7.1, "How to Submit a Support Ticket", step 1.
PORTAL = "https://support.interworx.com"
_PROVIDER_LINES_COUNT = 40
_LEAST_TITLE_CHARACTERS = 12
_DEFAULT = TicketLimits()

Length = Literal["full", "short"]
Assistance = Literal["Yes", "No", "not determined"]


class Ticket(Struct, frozen=True, kw_only=True):
    """The six fields of the form, in its order, and the key that makes the ticket one and the same.

    ``heading`` is no field: it says whom the ticket is for when the licence is from a reseller. With
    ``blocked`` it is all there is to show. ``assistance`` is the answer to the form's question in a word,
    ``cut`` says that the report has more than the message.
    """

    key: str
    category: str
    ip_address_or_hostname: str
    remote_assistance_enabled: str
    subject: str
    message: str
    priority: str
    assistance: Assistance = "not determined"
    length: Length = "full"
    cut: bool = False
    heading: tuple[str, ...] = ()
    blocked: bool = False

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return (label on the form, value), in the form's order."""
        return (
            ("Category", self.category),
            ("IP Address or Hostname", self.ip_address_or_hostname),
            ("Remote Assistance Enabled?", self.remote_assistance_enabled),
            ("Subject", self.subject),
            ("Message", self.message),
            ("Priority", self.priority),
        )


def ticket_of(
    report: Report,
    limits: TicketLimits = _DEFAULT,
    *,
    length: Length = "full",
    began_on: date | None = None,
) -> Ticket:
    """Return the ticket of a report; also when nothing was found, with a message that says so.

    ``began_on`` is the day on which the lead incident was first seen, for whoever remembers it; without, the
    evidence tells.
    """
    name = words.one_line(report.host.fqdn or report.host.name, 100)
    key = key_of(report, began_on)
    if length == "short":
        message, shortened = short_message(report, key, limits.message_characters)
    else:
        sections = sections_of(report, key, limits.message_characters)
        message, shortened = message_of(sections, limits.message_characters)
    answers: dict[str, Assistance] = {"on": "Yes", "off": "No"}
    return Ticket(
        key=key,
        category="Support",
        ip_address_or_hostname=_place(report, name),
        remote_assistance_enabled=words.assistance(report.remote_assistance),
        subject=_subject(report, name, key, limits.subject_characters),
        message=message,
        priority=_priority(report),
        assistance=answers.get(report.remote_assistance.state, "not determined"),
        length=length,
        cut=shortened,
        heading=tuple(_heading(report)),
        blocked=_mode(report) is ProviderMode.BLOCK,
    )


def key_of(report: Report, began_on: date | None = None) -> str:
    """Return the key of the report's ticket; without an incident it is the question of that day.

    The server is named by what does not change: its kernel's name, or what the settings say.
    """
    host = report.host.fqdn if report.host.fqdn_source == "configuration" else report.host.name
    lead = lead_of(report)
    if lead is None:
        return ticket_key(host, "", began_on or report.collected_at.date())
    if began_on is None and lead.since_at is not None:
        began_on = lead.since_at.date()
    return ticket_key(host, lead.fingerprint, began_on)


def _priority(report: Report) -> str:
    return str(report.verdict.priority or Priority.MEDIUM)


def _subject(report: Report, name: str, key: str, limit: int) -> str:
    """Return priority, what is wrong, where, and the key; what is cut is what is wrong, at last the name."""
    lead = lead_of(report)
    what = words.one_line(lead.lead.title, limit) if lead is not None else "question about this server"
    start, end = f"[{_priority(report).upper()}] ", f" [{key}]"
    room = limit - len(start) - len(end) - len(" on ")
    where = cut(name, max(room - _LEAST_TITLE_CHARACTERS, 8))
    return f"{start}{cut(what, room - len(where))} on {where}{end}"


def _mode(report: Report) -> ProviderMode | None:
    """Return what the provider wants; it counts for licences of a reseller only."""
    provider, licence = report.verdict.provider, report.verdict.licence
    return provider.mode if provider is not None and licence is Licence.RESELLER else None


def _heading(report: Report) -> list[str]:
    """Return whom the ticket is for when it is not the vendor alone: the licence is from a reseller."""
    verdict, provider = report.verdict, report.verdict.provider
    if verdict.licence is not Licence.RESELLER:
        return []
    if provider is None:
        return [f"Not for InterWorx support. Turn to {RESELLER}."]
    word = "Copy to" if provider.mode is ProviderMode.COPY else "To"
    text = [f"  {words.one_line(line, 400)}" for line in provider.text.splitlines() if line.strip()]
    return [f"{word}: {words.one_line(provider.shown, 400)}", *text[:_PROVIDER_LINES_COUNT]]


def _place(report: Report, name: str) -> str:
    """Return what to enter as IP address or host name; a private address alone leads nobody to the server."""
    if not report.host.addresses:
        return name
    best = report.host.addresses[0]
    ip = words.one_line(best.ip, 60)
    return f"{name} (private address {ip})" if best.private else f"{ip} ({name})"
