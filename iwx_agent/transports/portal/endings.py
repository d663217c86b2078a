"""What an answer means for the ticket: accepted on a positive sign only, refused only when sure. Pure."""

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

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

    ``old_errors`` stood on the page before anything was sent.
    """

    page_url: str
    subject: str
    key: str
    with_files: bool
    logged_in: bool
    old_errors: tuple[str, ...] = ()


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


_PARAMETERS = (
    "ticket",
    "tid",
    "ticketid",
    "ticketnumber",
    "ticketno",
    "case",
    "caseid",
    "casenumber",
    "trackid",
    "requestid",
)
# "step2" is no ticket's number, "ts-2" is
_REFERENCE = (
    r"(?!(?:step|page|part|stage|phase|form|tab|new|add|create|submit|confirm|preview|thanks|done|edit|v)"
    r"[-_]?[0-9])"
    r"[A-Za-z]{0,10}[-_#]?[0-9][A-Za-z0-9_-]{0,40}"
)
_TICKET_PATH = re.compile(
    rf"/(?:tickets?|requests?|cases?|issues?)(?:/(?:view|show|details?|thread|display))?/({_REFERENCE})(?:/|\.[a-z]{{2,5}})?/?$",
    re.IGNORECASE,
)
_TICKET_SCRIPT = re.compile(
    r"(?:view|show|display|detail)[_-]?(?:ticket|case|request)|(?:ticket|case)s?[/_-]?(?:view|show|detail)",
    re.IGNORECASE,
)
_LOGIN_PATH = re.compile(
    r"(?:^|[/_.-])(?:log[-_]?[io]n|sign[-_]?in|authenticate|auth|sso)(?:$|[/_.?-])", re.IGNORECASE
)


def reference_in(url: str) -> str:
    """Return the ticket's number in the address of its page; empty when it is no such page.

    >>> reference_in("https://example.com/view/?ticket=ts-1&key=k"), reference_in("https://example.com/tickets/812")
    ('ts-1', '812')
    """
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, max_num_fields=50)
    except ValueError:
        return ""
    if _LOGIN_PATH.search(parts.path):
        return ""
    for name, value in query:
        plain = name.lower().replace("_", "").replace("-", "")
        known = plain in _PARAMETERS or (
            plain in ("id", "number", "no") and _TICKET_SCRIPT.search(parts.path)
        )
        if known and re.fullmatch(_REFERENCE, value):
            return value
    found = _TICKET_PATH.search(parts.path)
    return found[1] if found else ""


def is_login(url: str) -> bool:
    """Return whether an address is that of a login page, by its path."""
    return bool(_LOGIN_PATH.search(urlsplit(url).path))


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
        if page is not None and (refusal := _refusal(page, sent, words)):
            return refusal
        return Ending(what="permanent", why=said)
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
    reference = reference_in(target)
    if reference and reference_in(sent.page_url) != reference:
        return Ending(what="accepted", why=f"{said} to the ticket's page", reference=reference, url=target)
    if is_login(target):
        if led_to := _ticket_after(target):
            why = f"{said} to the login page, and from there to ticket {led_to}, which may be this one"
            return Ending(what="uncertain", why=why)
        if sent.logged_in:
            return Ending(what="session", why=f"{said} to the login page: the session is lost")
        return Ending(what="uncertain", why=f"{said} to the login page, after a form that needed no login")
    if origin_of(target) != origin_of(answer.url):
        return Ending(
            what="uncertain", why=f"{said} to {shown}, which is not the portal's own origin and not followed"
        )
    return Ending(what="follow", why=f"{said} to {shown}", url=target)


def _ticket_after(login: str) -> str:
    """Return the number of the ticket that a login page leads to; empty when it leads to none."""
    found = (reference_in(join(login, value)) for _, value in parse_qsl(urlsplit(login).query[:2000]))
    return next(filter(None, found), "")


def judge_page(page: Page | None, answer: Answer, sent: Sent, words: Vocabulary) -> Ending:
    """Return what a page with status 2xx means that came in answer to a ticket."""
    said = f"status {answer.status}"
    if page is None:
        why = answer.torn or ("an empty page" if not answer.body.strip() else "a page that cannot be read")
        return Ending(what="uncertain", why=f"{said} with {why}: no sign that the ticket was accepted")
    again = map_ticket(page, words)
    good = not _new_errors(page, sent)
    reference = confirmed_in(page, answer.url, sent.key, words) if good else None
    if reference is not None and (again.form is None or not _echoes(again, sent)):
        return Ending(what="accepted", why=f"{said} with a confirmation", reference=reference, url=answer.url)
    if reference is not None:
        why = f"{said} with a confirmation, and with the form again and what was sent in it"
        return Ending(what="uncertain", why=why)
    if refusal := _refusal(page, sent, words):
        return refusal
    if again.form is None and any(form.passwords_count == 1 for form in page.forms) and sent.logged_in:
        return Ending(what="session", why=f"{said} with the login page: the session is lost")
    torn = f" ({answer.torn})" if answer.torn else ""
    return Ending(
        what="uncertain", why=f"{said}{torn}, but no sign that the ticket was accepted: {_title(page)}"
    )


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
        return Ending(what="attachment", why=f"the portal refused the attachment: {why}")
    return Ending(what="person", why=f"the portal refused the form: {why}")


def _new_errors(page: Page, sent: Sent) -> list[str]:
    return [error for error in page.errors if error not in sent.old_errors]


_NUMBER = re.compile(
    r"\b(?:ticket|case|request|reference|tracking)\b(?:\s(?:number|id|no\.?|reference|code))?\s?(?:is\s)?(?:[:#]\s?){0,2}[\[(\"']?"
    rf"({_REFERENCE})\b",
    re.IGNORECASE,
)
# A confirmation is short and stands above: what is read of a page for it is bounded, whatever the page has.
_READ_CHARACTERS = 100_000
_LINE_CHARACTERS = 1000
_CONFIRMING_COUNT = 100
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|\n")
_ABBREVIATED = re.compile(r"\bno\b\.?\s*[:#]?\s*(?=[A-Za-z]{0,10}[-#]?\d)", re.IGNORECASE)


def confirmed_in(page: Page, url: str, key: str, words: Vocabulary) -> str | None:
    """Return the ticket's number from a page that confirms it, or None when it does not.

    A confirmation is a sentence that says so, together with the number, or with the
    ticket's key outside of any field (then the number may be empty).
    """
    text = _ABBREVIATED.sub("number ", page.text[:_READ_CHARACTERS])
    lines = [line[:_LINE_CHARACTERS] for line in text.split("\n")]
    linked = {found for link in page.links if (found := reference_in(join(url, link.href)))}
    for place in _confirming(lines, words):
        near = "\n".join(lines[max(0, place - 2) : place + 4])
        number = _NUMBER.search(near)
        if number:
            return number[1]
        if len(linked) == 1:
            return linked.pop()
        if key and key in page.text:
            return ""
    return None


def _confirming(lines: list[str], words: Vocabulary) -> Iterable[int]:
    """Yield the places of the lines with a sentence that confirms, the first ones."""
    left = _CONFIRMING_COUNT
    for place, line in enumerate(lines):
        for sentence in _SENTENCES.split(line):
            phrase = words.phrase_in(sentence, "said.accepted")
            before = sentence.casefold().partition(phrase.casefold())[0] if phrase else ""
            if phrase and not words.phrase_in(before, "said.denied"):
                yield place
                left -= 1
        if left <= 0:
            return


def without_query(url: str) -> str:
    """Return an address as it may be shown: what is in its query can be a secret."""
    parts = urlsplit(url)
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")[:200]


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
