"""A ticket sent by the portal's form, and an update by its form for replies."""

from typing import NoReturn

from msgspec.structs import replace

from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.portal import endings
from iwx_agent.transports.portal.exchange import Answer, NoAnswer
from iwx_agent.transports.portal.filling import CannotFill, Filled, fill_reply, fill_ticket
from iwx_agent.transports.portal.looking import find_ticket
from iwx_agent.transports.portal.mapping import Mapping, map_reply, map_ticket
from iwx_agent.transports.portal.settings import origin_of
from iwx_agent.transports.portal.visit import Opened, Visit
from iwx_agent.transports.portal.words import one_line

# A form that is begun with less than this part of the time left might be cut off between sent and answered.
_LEAST_SHARE_LEFT = 0.2
_MARK_CHARACTERS = 12  # a line of an update that is shorter may stand on the page by chance


def send_ticket(visit: Visit, letter: Letter) -> Receipt:
    """Send a new ticket. Raises Undelivered for every ending but a positive sign of acceptance.

    It is sent a second time only when the first was surely refused: for a lost session or token (once), for
    its attachments (once more, without them).
    """
    notes: list[str] = []
    session_was_lost = False
    while True:
        opened, mapping = visit.ticket_form(letter.category)
        try:
            filled = _understood(visit, opened, mapping, letter)
        except CannotFill as error:
            visit.fail("person", error.why, opened.answer)
        answer = _post(visit, opened, mapping, filled)
        ending = _settled(visit, answer, _sent(visit, opened, filled, letter))
        if ending.what == "accepted":
            said = "; ".join((ending.why, *notes, *filled.notes))
            return Receipt(
                transport="portal", reference=ending.reference, url=ending.url, said=visit.bare(said)
            )
        if ending.what == "session" and not session_was_lost:
            session_was_lost = True
            visit.begin_anew()
        elif ending.what == "attachment" and letter.attachments:
            notes.append(f"sent without its attachments: {ending.why}")
            letter = replace(letter, attachments=())
        elif ending.what == "session" and answer.status not in (400, 401, 403):
            visit.fail("later", ending.why, answer)
        else:
            visit.end(ending, answer)


def _understood(visit: Visit, opened: Opened, mapping: Mapping, letter: Letter) -> Filled:
    """Return the form filled in. Raises CannotFill when anything in it would be a guess."""
    if mapping.understood:
        return fill_ticket(mapping, letter, visit.words)
    why = "; ".join(mapping.problems)
    if mapping.form is not None and mapping.missing and opened.page.scripts_count:
        why += (
            " (the page has scripts: they may add fields when the category is chosen, which needs a browser)"
        )
    raise CannotFill(why)


def _sent(visit: Visit, opened: Opened, filled: Filled, letter: Letter) -> endings.Sent:
    mapping = map_ticket(opened.page, visit.words)
    subject = mapping.field("subject")
    values = dict(filled.fields)
    return endings.Sent(
        page_url=opened.url,
        subject=values.get(subject.control.name, "") if subject is not None else "",
        key=letter.key,
        with_files=any(file.attachment is not None for file in filled.files),
        logged_in=visit.logged_in,
        old_errors=opened.page.errors,
    )


def _post(visit: Visit, opened: Opened, mapping: Mapping, filled: Filled) -> Answer:
    form = mapping.form
    if form is None:
        raise CannotFill("there is no form")
    button = mapping.button
    target = visit.action_of(opened, form, button.action if button is not None else "")
    deadline = visit.exchange.deadline
    if deadline.left_s < _LEAST_SHARE_LEFT * deadline.limit_s:
        visit.fail(
            "later", f"too little of {deadline.limit_s:.0f} s was left to send it: {deadline.left_s:.1f} s"
        )
    try:
        return visit.exchange.post(
            target,
            filled.fields,
            filled.files,
            multipart=form.multipart,
            charset=opened.page.charset,
            referer=opened.url,
            headers=opened.page.tokens,
        )
    except NoAnswer as error:
        if error.sent:
            visit.fail("uncertain", f"the form was sent, and then: {error.why}")
        visit.fail("later", error.why)


def _settled(visit: Visit, answer: Answer, sent: endings.Sent) -> endings.Ending:
    """Return what the answer means; one that leads to another page of the portal is looked at there."""
    ending = endings.judge_sent(answer, visit.read(answer), sent, visit.words)
    if ending.what != "follow":
        return ending
    try:
        opened = visit.open(ending.url, sent.page_url)
    except Undelivered as error:
        return endings.Ending(what="uncertain", why=f"{ending.why}, where: {error.why}")
    reference = endings.reference_in(opened.url)
    if reference and reference != endings.reference_in(sent.page_url):
        return endings.Ending(what="accepted", why=ending.why, reference=reference, url=opened.url)
    found = endings.judge_page(opened.page, opened.answer, sent, visit.words)
    what: endings.What = "uncertain" if found.what == "session" else found.what
    return replace(found, what=what, why=f"{ending.why}: {found.why}")


def send_reply(visit: Visit, letter: Letter) -> Receipt:
    """Send an update to the open ticket ``letter.reference``; accepted when its page then shows it.

    Raises:
        Undelivered: ``person`` when the ticket's page or its form for replies is not found.
    """
    opened = _ticket_page(visit, letter)
    mapping = map_reply(opened.page, visit.words)
    if map_ticket(opened.page, visit.words).form is not None or not mapping.understood:
        why = "; ".join(mapping.problems) or "the page has the form for a new ticket"
        visit.fail("person", f"no form for a reply is understood: {why}", opened.answer)
    try:
        filled = fill_reply(mapping, letter, visit.words)
    except CannotFill as error:
        visit.fail("person", error.why, opened.answer)
    mark = mark_of(letter.message)
    before_count = _count(opened, mark)
    answer = _post(visit, opened, mapping, filled)
    if answer.status >= 400:
        _refused(visit, opened, answer)
    try:
        after = visit.open(opened.url)
    except Undelivered as error:
        why = f"the reply was sent, but the ticket's page could not be read after it: {error.why}"
        visit.fail("uncertain", why)
    if not mark or _count(after, mark) <= before_count:
        _not_shown(visit, opened, answer)
    said = "; ".join(("the reply stands on the ticket's page", *filled.notes))
    return Receipt(transport="portal", reference=letter.reference, url=opened.url, said=visit.bare(said))


def _refused(visit: Visit, opened: Opened, answer: Answer) -> NoReturn:
    logged_in = visit.logged_in
    sent = endings.Sent(page_url=opened.url, subject="", key="", with_files=False, logged_in=logged_in)
    visit.end(endings.judge_sent(answer, visit.read(answer), sent, visit.words), answer)


def _not_shown(visit: Visit, opened: Opened, answer: Answer) -> NoReturn:
    """Raise why a reply does not stand on the ticket's page, which could be read after it."""
    if endings.is_login(endings.target_of(answer)):
        if visit.logged_in:
            visit.fail(
                "later", "the session was lost before the reply, which the ticket's page does not show"
            )
        visit.fail("person", "the portal takes no reply without a login", answer)
    page = visit.read(answer) if answer.status == 200 else None
    if page is not None and map_reply(page, visit.words).form is not None:
        errors = [error for error in page.errors if error not in opened.page.errors]
        if errors:
            visit.fail("person", f"the portal refused the reply: {'; '.join(errors[:5])}", answer)
    visit.fail("uncertain", "the reply was sent, but it does not stand on the ticket's page", answer)


def _ticket_page(visit: Visit, letter: Letter) -> Opened:
    url = letter.page
    if url and origin_of(url) != origin_of(visit.place.address):
        visit.fail("person", f"the page of ticket {letter.reference} is not on the portal")
    if not url:
        found = find_ticket(visit, letter.reference)
        if isinstance(found, (NotFound, CannotLook)):
            said = found.said if isinstance(found, NotFound) else found.reason
            visit.fail("person", f"the page of ticket {letter.reference} was not found: {said}")
        url = found.url
    opened = visit.portal_page(url)
    if letter.reference not in opened.page.text and endings.reference_in(opened.url) != letter.reference:
        visit.fail("person", f"the page is not that of ticket {letter.reference}", opened.answer)
    return opened


def mark_of(message: str) -> str:
    """Return the longest line of a message, by which it is known again on a page; empty when none is long."""
    lines = sorted((one_line(line) for line in message.splitlines()), key=len)
    return lines[-1] if lines and len(lines[-1]) >= _MARK_CHARACTERS else ""


def _count(opened: Opened, mark: str) -> int:
    return " ".join(opened.page.text.split()).count(mark) if mark else 0
