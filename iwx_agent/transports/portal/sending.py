"""A ticket sent by the portal's form."""

from msgspec.structs import replace

from iwx_agent.transports.contract import Letter, Receipt, Undelivered
from iwx_agent.transports.portal import addresses, confirming, endings
from iwx_agent.transports.portal.exchange import Answer, NoAnswer
from iwx_agent.transports.portal.filling import CannotFill, Filled, fill_ticket
from iwx_agent.transports.portal.mapping import Mapping, map_ticket
from iwx_agent.transports.portal.visit import Opened, Visit

# A form that is begun with less than this part of the time left might be cut off between sent and answered.
_LEAST_SHARE_LEFT = 0.2


def send_ticket(visit: Visit, letter: Letter) -> Receipt:
    """Send a new ticket. Raises Undelivered for every ending but a positive sign of acceptance.

    It is sent a second time only when the first was surely refused: for a lost session or token (once), for
    its attachments (once more, without them).
    """
    notes: list[str] = []
    session_was_lost = doubtful = False
    while True:
        opened, mapping = visit.ticket_form(letter.category)
        try:
            filled = _understood(visit, opened, mapping, letter)
        except CannotFill as error:
            visit.fail("person", error.why, opened.answer)
        answer = post(visit, opened, mapping, filled)
        ending = _settled(visit, answer, _sent(visit, opened, filled, letter))
        if ending.what == "accepted":
            said = "; ".join((ending.why, *notes, *filled.notes))
            return Receipt(
                transport="portal", reference=ending.reference, url=ending.url, said=visit.bare(said)
            )
        doubtful = doubtful or (ending.what == "session" and answer.status < 400)
        if ending.what == "session" and not session_was_lost:
            session_was_lost = True
            visit.begin_anew()
        elif ending.what == "attachment" and letter.attachments:
            notes.append(f"sent without its attachments: {ending.why}")
            letter = replace(letter, attachments=())
        elif ending.what == "session" and doubtful:
            why = f"{ending.why}, twice: perhaps it was none, and the ticket is there"
            visit.fail("uncertain", why, answer)
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
        before=opened.page,
    )


def post(visit: Visit, opened: Opened, mapping: Mapping, filled: Filled) -> Answer:
    """Send a form that is filled in. Raises Undelivered when there is no answer."""
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
    page = None if endings.target_of(answer) else visit.read(answer)
    ending = endings.judge_sent(answer, page, sent, visit.words)
    if ending.what != "follow":
        return ending
    try:
        opened = visit.open(ending.url, sent.page_url)
    except Undelivered as error:
        return endings.Ending(what="uncertain", why=f"{ending.why}, where: {error.why}")
    reference = addresses.reference_in(opened.url, sure=True)
    old = {addresses.reference_in(sent.page_url), *confirming.numbers_on(sent.before, sent.page_url)}
    if reference and reference not in old:
        return endings.Ending(what="accepted", why=ending.why, reference=reference, url=opened.url)
    found = endings.judge_page(opened.page, opened.answer, sent, visit.words)
    what: endings.What = "uncertain" if found.what == "session" else found.what
    return replace(found, what=what, why=f"{ending.why}: {found.why}")
