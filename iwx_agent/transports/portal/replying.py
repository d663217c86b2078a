"""An update sent by the form for replies on an open ticket's page; what stands there already is not sent."""

import re
from typing import NoReturn

from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.portal import addresses, endings
from iwx_agent.transports.portal.exchange import Answer
from iwx_agent.transports.portal.filling import CannotFill, Filled, fill_reply
from iwx_agent.transports.portal.looking import find_ticket
from iwx_agent.transports.portal.mapping import Mapping, map_reply, map_ticket
from iwx_agent.transports.portal.sending import post
from iwx_agent.transports.portal.settings import origin_of
from iwx_agent.transports.portal.standing import count_of, stands_on
from iwx_agent.transports.portal.visit import Opened, Visit
from iwx_agent.transports.wording import unmarked


def send_reply(visit: Visit, letter: Letter) -> Receipt:
    """Send an update to the open ticket ``letter.reference``; accepted when its page then shows it.

    Of an update nobody can be asked whether the portal has it, so its page is looked at first: when all of
    it stands there, perhaps from an attempt whose answer was lost, it is not sent again.

    Raises:
        Undelivered: ``person`` when the ticket's page or its form for replies is not found.
    """
    opened = _ticket_page(visit, letter)
    if stands_on(unmarked(letter), opened.page.text):
        return _receipt(visit, letter, opened, "the reply stood on the ticket's page already")
    mapping, filled = _filled(visit, opened, letter)
    reply = mapping.field("reply")
    text = dict(filled.fields).get(reply.control.name, "") if reply is not None else ""
    try:
        answer = post(visit, opened, mapping, filled)
    except Undelivered as error:
        if error.kind != "uncertain" or _why_not_shown(visit, text, opened):
            raise
    else:
        if why := _why_not_shown(visit, text, opened):
            _refused(visit, opened, answer, why)
    return _receipt(visit, letter, opened, "the reply stands on the ticket's page", *filled.notes)


def _filled(visit: Visit, opened: Opened, letter: Letter) -> tuple[Mapping, Filled]:
    """Return the form for replies, and what is sent by it."""
    mapping = map_reply(opened.page, visit.words)
    if map_ticket(opened.page, visit.words).form is not None or not mapping.understood:
        why = "; ".join(mapping.problems) or "the page has the form for a new ticket"
        visit.fail("person", f"no form for a reply is understood: {why}", opened.answer)
    try:
        return mapping, fill_reply(mapping, letter, visit.words)
    except CannotFill as error:
        visit.fail("person", error.why, opened.answer)


def _receipt(visit: Visit, letter: Letter, opened: Opened, *said: str) -> Receipt:
    return Receipt(
        transport="portal", reference=letter.reference, url=opened.url, said=visit.bare("; ".join(said))
    )


def _ticket_page(visit: Visit, letter: Letter) -> Opened:
    """Return the ticket's page: where the letter says that it is, else where the portal has it."""
    url, reference = letter.page, letter.reference
    if url and origin_of(url) != origin_of(visit.place.address):
        visit.fail("person", f"the page of ticket {reference} is not on the portal")
    if url:
        opened = visit.portal_page(url)
        if _is_page_of(visit, opened, reference):
            return opened
    trouble = (
        f"the page is not that of ticket {reference}, and its own"
        if url
        else f"the page of ticket {reference}"
    )
    found = find_ticket(visit, reference)
    if isinstance(found, (NotFound, CannotLook)):
        said = found.said if isinstance(found, NotFound) else found.reason
        visit.fail("person", f"{trouble} was not found: {said}")
    if not found.url:
        visit.fail("person", f"{trouble} was not found: {found.said}, without its address")
    opened = visit.portal_page(found.url)
    if not _is_page_of(visit, opened, reference):
        visit.fail("person", f"the page is not that of ticket {reference}", opened.answer)
    return opened


def _is_page_of(visit: Visit, opened: Opened, reference: str) -> bool:
    """Return whether a page is that of a ticket; the form for a new ticket may name others beside it."""
    named = re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", opened.page.text, re.IGNORECASE)
    own = addresses.reference_in(opened.url) == reference
    return own or (bool(named) and map_ticket(opened.page, visit.words).form is None)


def _why_not_shown(visit: Visit, text: str, before: Opened) -> str:
    """Return why it cannot be said that the ticket's page shows what was sent; empty when it does."""
    try:
        after = visit.open(before.url)
    except Undelivered as error:
        return f"the reply was sent, but the ticket's page could not be read after it: {error.why}"
    if count_of(text, after.page.text) > count_of(text, before.page.text):
        return ""
    return "the reply was sent, but it does not stand on the ticket's page"


def _refused(visit: Visit, opened: Opened, answer: Answer, why: str) -> NoReturn:
    """Raise what the answer says of a reply that the ticket's page does not show."""
    if answer.status >= 400:
        sent = endings.Sent(
            page_url=opened.url, subject="", key="", with_files=False, logged_in=visit.logged_in
        )
        visit.end(endings.judge_sent(answer, visit.read(answer), sent, visit.words), answer)
    if addresses.is_login(endings.target_of(answer), opened.url):
        if visit.logged_in:
            visit.fail("later", "the session was lost before the reply; the ticket's page does not show it")
        visit.fail("person", "the portal takes no reply without a login", answer)
    page = visit.read(answer) if answer.status == 200 else None
    if page is not None and map_reply(page, visit.words).form is not None:
        errors = [error for error in page.errors if error not in opened.page.errors]
        if errors:
            visit.fail("person", f"the portal refused the reply: {'; '.join(errors[:5])}", answer)
    visit.fail("uncertain", why, answer)
