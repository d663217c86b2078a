"""What an answer means for the ticket: accepted on a positive sign only, refused only when sure. Pure."""

import re
from email.utils import parsedate_to_datetime
from typing import Literal

from msgspec import Struct

from iwx_agent.transports.portal.addresses import (
    is_login,
    leads_past,
    reference_in,
    ticket_after,
    without_query,
)
from iwx_agent.transports.portal.confirming import (
    accepting,
    confirmed_in,
    number_in,
    numbers_on,
    ticket_page_in,
)
from iwx_agent.transports.portal.exchange import Answer
from iwx_agent.transports.portal.mapping import Mapping, map_ticket
from iwx_agent.transports.portal.page import Page
from iwx_agent.transports.portal.settings import join, origin_of
from iwx_agent.transports.portal.words import Vocabulary, one_line

RETRY_AFTER_MAX_S = 86_400.0
REDIRECTS = (301, 302, 303, 307, 308)
_KEEPS_METHOD = (307, 308)
_LATER = (408, 425, 429, 503)

What = Literal[
    "accepted",
    "permanent",
    "later",
    "uncertain",
    "person",
    "session",  # surely not accepted, since the session or its token is lost
    "attachment",  # surely not accepted, because of the attachment
    "follow",  # the answer is on another page, at ``url``
]


class Ending(Struct, frozen=True, kw_only=True):
    """What an answer means; ``reference`` and ``url`` are the accepted ticket's, or the page's to look at."""

    what: What
    why: str = ""
    reference: str = ""
    url: str = ""
    retry_after_s: float = 0.0


class Sent(Struct, frozen=True, kw_only=True):
    """What was sent: from which page, with which subject and key, with files or not, logged in or not.

    ``before`` is that page, and ``old_errors`` stood on it, before anything was sent.
    """

    page_url: str
    subject: str
    key: str
    with_files: bool
    logged_in: bool
    old_errors: tuple[str, ...] = ()
    before: Page = Page()


def retry_after_s(headers: dict[str, str]) -> float:
    """Return how long to wait as Retry-After says, 0 to a day; 0 when it says nothing that can be used.

    A date in it is held against the answer's own clock: this machine's may be wrong.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return min(float(text), RETRY_AFTER_MAX_S)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError, IndexError):
        return 0.0
    return min(max(wait.total_seconds(), 0.0), RETRY_AFTER_MAX_S)


def target_of(answer: Answer) -> str:
    """Return where a redirect leads; empty when it is none."""
    location = answer.headers.get("location", "").strip(" \t")
    if answer.status not in (*REDIRECTS, 201) or not location:
        return ""
    # A header is read as Latin-1, and written as UTF-8 by many
    return join(answer.url, location.encode("latin-1", "replace").decode("utf-8", "replace"))


def judge_sent(answer: Answer, page: Page | None, sent: Sent, words: Vocabulary) -> Ending:
    """Return what the answer to a sent form means; ``page`` is None when its body is not read as one."""
    if answer.status in REDIRECTS or (answer.status == 201 and target_of(answer)):
        return _judge_redirect(answer, sent)
    if 200 <= answer.status < 300:
        return judge_page(page, answer, sent, words)
    said = f"status {answer.status}"
    if page is not None and page.captcha and answer.status in (403, 429, 503):
        return Ending(what="person", why=f"{said} with {page.captcha}, which only a person can answer")
    if answer.status in _LATER:
        return Ending(what="later", why=said, retry_after_s=retry_after_s(answer.headers))
    if answer.status == 413:
        what: What = "attachment" if sent.with_files else "permanent"
        return Ending(what=what, why=f"{said}: the ticket is too large")
    if answer.status in (401, 403, 419) or (answer.status == 400 and b"csrf" in answer.body.lower()):
        return Ending(what="session", why=f"{said}: the session or its token was not accepted")
    if answer.status == 409:
        return Ending(
            what="uncertain", why=f"{said}: it conflicts with what is there, perhaps the ticket itself"
        )
    if 400 <= answer.status < 500:
        found = page and (_claimed(page, answer, sent, words) or _refusal(page, sent, words))
        return found or Ending(what="permanent", why=said)
    return Ending(what="uncertain", why=f"{said}: the ticket may have been stored before that")


def _judge_redirect(answer: Answer, sent: Sent) -> Ending:
    target = target_of(answer)
    said = f"status {answer.status}"
    if not target:
        return Ending(what="uncertain", why=f"{said} without a usable Location")
    shown = without_query(target)
    if answer.status in _KEEPS_METHOD:
        return Ending(what="permanent", why=f"{said}: the form is now at {shown}")
    if origin_of(target)[1] != origin_of(answer.url)[1]:
        return Ending(what="uncertain", why=f"{said} to another host ({shown}), which is not followed")
    reference = reference_in(target, sure=True)
    if reference and reference_in(sent.page_url) != reference:
        if reference in numbers_on(sent.before, sent.page_url):
            why = f"{said} to ticket {reference}, which stood on the form's page before"
            return Ending(what="uncertain", why=why)
        return Ending(what="accepted", why=f"{said} to the ticket's page", reference=reference, url=target)
    if is_login(target, sent.page_url):
        return _sent_to_login(target, answer, sent)
    if origin_of(target) != origin_of(answer.url):
        return Ending(
            what="uncertain", why=f"{said} to {shown}, which is not the portal's own origin and not followed"
        )
    return Ending(what="follow", why=f"{said} to {shown}", url=target)


def _sent_to_login(target: str, answer: Answer, sent: Sent) -> Ending:
    """Return what a way to the login page means: the session is lost only when it leads back to the form."""
    said = f"status {answer.status} to the login page"
    if led_to := ticket_after(target):
        why = f"{said}, and from there to ticket {led_to}, which may be this one"
        return Ending(what="uncertain", why=why)
    if not sent.logged_in:
        return Ending(what="uncertain", why=f"{said}, after a form that needed no login")
    if led_to := leads_past(target, sent.page_url, answer.url):
        return Ending(what="uncertain", why=f"{said}, and from there to {led_to}, which is not the form")
    return Ending(what="session", why=f"{said}: the session is lost")


def judge_page(page: Page | None, answer: Answer, sent: Sent, words: Vocabulary) -> Ending:
    """Return what a page with status 2xx means that came in answer to a ticket."""
    said = f"status {answer.status}"
    if page is None:
        why = answer.torn or ("an empty page" if not answer.body.strip() else "a page that cannot be read")
        return Ending(what="uncertain", why=f"{said} with {why}: no sign that the ticket was accepted")
    if ending := _claimed(page, answer, sent, words):
        return ending
    if refusal := _refusal(page, sent, words):
        return refusal
    again = map_ticket(page, words)
    if again.form is None and asks_password(page) and not asks_password(sent.before) and sent.logged_in:
        return Ending(what="session", why=f"{said} with the login page: the session is lost")
    torn = f" ({answer.torn})" if answer.torn else ""
    return Ending(
        what="uncertain", why=f"{said}{torn}, but no sign that the ticket was accepted: {_title(page)}"
    )


def _claimed(page: Page, answer: Answer, sent: Sent, words: Vocabulary) -> Ending | None:
    """Return what a page means that says of an accepted ticket, even in an error; None when it does not.

    "Ticket 99 has been created, but ..." stands in a box for errors, and the form may be there again.
    """
    said = f"status {answer.status} with a confirmation"
    found = confirmed_in(page, answer.url, sent.key, words, sent.before)
    errors = _new_errors(page, sent)
    claims = [error for error in errors if accepting(error, words)]
    if not (found.said or claims):
        return None
    if _echoes(map_ticket(page, words), sent):
        return Ending(what="uncertain", why=f"{said}, and with the form again and what was sent in it")
    if answer.status >= 400 or (errors and not claims):
        why = f"{said} beside an error: {'; '.join(errors[:5]) or _title(page)}"
        return Ending(what="uncertain", why=why)
    number = _claimed_number(claims, words, sent.before, sent.page_url) if claims else found.number
    if number is None:
        why = f"{said}, but no sign that it is this ticket's: {one_line(claims[0] if claims else found.said)}"
        return Ending(what="uncertain", why=why)
    url = ticket_page_in(page, answer.url, number)
    why = f"{said}{f': {claims[0]}' if claims else ''}"
    return Ending(what="accepted", why=why, reference=number, url=url)


def _claimed_number(claims: list[str], words: Vocabulary, before: Page, url: str) -> str | None:
    """Return the one new number in errors that say that a ticket was accepted; None when there is none."""
    numbers = {number for claim in claims if (number := number_in(claim, words))} - numbers_on(before, url)
    return numbers.pop() if len(numbers) == 1 else None


def asks_password(page: Page) -> bool:
    """Return whether a page asks to log in."""
    return any(form.passwords_count == 1 for form in page.forms)


def _title(page: Page) -> str:
    first = page.text.partition("\n")[0]
    return repr(one_line(page.title or first)[:100])


def _echoes(again: Mapping, sent: Sent) -> bool:
    """Return whether the form is there again with what was sent in it: it was not taken."""
    subject = again.field("subject")
    return (
        subject is not None and bool(sent.subject) and subject.control.value.strip() == sent.subject.strip()
    )


def _refusal(page: Page, sent: Sent, words: Vocabulary) -> Ending | None:
    """Return that the form was refused, when it is there again with errors or with what was sent."""
    again = map_ticket(page, words)
    errors = _new_errors(page, sent)
    if again.form is None or not (errors or _echoes(again, sent)):
        return None
    telling = [error for error in errors if not words.phrase_in(error, "said.general_error")]
    why = "; ".join(telling[:5] or errors[:5]) or "it is there again with what was sent in it"
    if sent.with_files and telling and all(words.phrase_in(error, "said.attachment") for error in telling):
        if not _echoes(again, sent):
            why = f"the form is there again, empty, and the ticket may be there without its attachment: {why}"
            return Ending(what="uncertain", why=why)
        return Ending(what="attachment", why=f"the portal refused the attachment: {why}")
    return Ending(what="person", why=f"the portal refused the form: {why}")


def _new_errors(page: Page, sent: Sent) -> list[str]:
    return [error for error in page.errors if error not in sent.old_errors]


def judge_opened(answer: Answer, page: Page | None) -> Ending | None:
    """Return why a page that was asked for is not there, or None when it is. Nothing was sent with it."""
    said = f"status {answer.status}"
    if page is not None and page.captcha and answer.status in (403, 429, 503):
        return Ending(what="person", why=f"{said} with {page.captcha}, which only a person can answer")
    if answer.status in _LATER or answer.status >= 500:
        return Ending(what="later", why=said, retry_after_s=retry_after_s(answer.headers))
    if answer.status != 200:
        return Ending(what="permanent", why=said)
    if not answer.body.strip():
        return Ending(
            what="later", why=f"{said} with an empty page{f' ({answer.torn})' if answer.torn else ''}"
        )
    return None
