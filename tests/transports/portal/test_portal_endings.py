"""A ticket was accepted on a positive sign only; every other answer says what is known, and no more."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import load_portal_form
from iwx_agent.transports.portal.endings import (
    RETRY_AFTER_MAX_S,
    Ending,
    Sent,
    confirmed_in,
    is_login,
    judge_opened,
    judge_sent,
    reference_in,
    retry_after_s,
    target_of,
    without_query,
)
from iwx_agent.transports.portal.exchange import Answer
from iwx_agent.transports.portal.page import read_page
from iwx_agent.transports.portal.words import Vocabulary

WORDS = Vocabulary(load_portal_form(Path("/nonexistent")))
URL = "https://portal.example.com/submit"
DATE = "Mon, 23 Nov 2026 16:06:40 GMT"


def judged(
    status: int, html: str = "", *, logged_in: bool = False, files: bool = False, **headers: str
) -> Ending:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(url=URL, status=status, headers=named, body=html.encode())
    page = read_page(html.encode()) if html else None
    sent = Sent(page_url=URL, subject="down", key="IWX-7f3a", with_files=files, logged_in=logged_in)
    return judge_sent(answer, page, sent, WORDS)


@pytest.mark.parametrize(
    ("location", "what", "reference"),
    [
        ("/view/?ticket=ts-1&key=k", "accepted", "ts-1"),
        ("https://portal.example.com/tickets/812", "accepted", "812"),
        ("http://portal.example.com/tickets/812", "accepted", "812"),  # the sign counts; it is not followed
        ("/viewticket.php?id=7", "accepted", "7"),
        ("/article.php?id=7", "follow", ""),
        ("/thanks", "follow", ""),
        ("https://elsewhere.example.com/tickets/812", "uncertain", ""),
        ("http://portal.example.com/thanks", "uncertain", ""),
        ("/login?next=/tickets/812", "uncertain", ""),
        ("https://[bad", "uncertain", ""),
        ("", "uncertain", ""),
    ],
)
def test_a_redirect_is_a_sign_when_it_leads_to_the_tickets_page(
    location: str, what: str, reference: str
) -> None:
    found = judged(302, location=location)
    assert (found.what, found.reference) == (what, reference)


def test_a_redirect_to_the_login_is_a_lost_session_when_there_was_one() -> None:
    assert judged(302, location="/users/sign_in", logged_in=True).what == "session"
    assert judged(302, location="/login?next=/submit", logged_in=True).what == "session"
    led_on = judged(302, location="/login?next=%2Ftickets%2F812", logged_in=True)
    assert (led_on.what, "to ticket 812, which may be this one" in led_on.why) == ("uncertain", True)
    assert judged(308, location="/tickets/1").what == "permanent"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("<p>Your ticket has been created. Ticket number: ABC-123.</p>", "ABC-123"),
        ("<p>Ticket #812 was created.</p>", "812"),
        ("<h1>We have received your request</h1><p>Case No. 2026-77</p>", "2026-77"),
        ("<p>Thank you, it has been submitted.</p><a href='/ticket/99'>see it</a>", "99"),
        ("<p>Your request has been received: down [IWX-7f3a]</p>", ""),
    ],
)
def test_a_sentence_confirms_together_with_a_number_or_the_key(text: str, number: str) -> None:
    found = judged(200, text)
    assert (found.what, found.reference) == ("accepted", number)


@pytest.mark.parametrize(
    "text",
    [
        "<p>Your ticket could not be created. Ticket number: 812</p>",
        "<p>No ticket was created. Reference: 812</p>",
        "<p>Once your ticket has been created, ticket number 812 is yours.</p>",
        "<p>The previous ticket #811 was created yesterday.</p>",
        "<p>Your ticket has been created.</p>",  # which one?
        "<p>Ticket #812</p>",
        "<p>down [IWX-7f3a]</p>",
        "<p class=error>Not valid</p><p>Ticket #812 was created.</p>",
        "<input value='ticket 812 was created'>",
        "<p>Welcome</p>",
    ],
)
def test_a_page_without_such_a_sentence_is_no_sign(text: str) -> None:
    assert judged(200, text).what == "uncertain"


@pytest.mark.parametrize(
    "piece", ["Not made. It was created. ", "A. ", "it was created no ", "ticket # ", "<p>was created. no "]
)
def test_a_page_that_says_it_without_end_is_judged_in_time(piece: str) -> None:
    started = time.monotonic()
    assert judged(200, piece * (500_000 // len(piece))).what == "uncertain"
    assert time.monotonic() - started < 5


def test_the_numbers_place_is_near_the_sentence() -> None:
    far = "<p>It has been submitted.</p>" + "<p>x</p>" * 5 + "<p>Ticket 812</p>"
    assert confirmed_in(read_page(far.encode()), URL, "", WORDS) is None


@pytest.mark.parametrize(
    ("status", "what"),
    [
        *((200, "uncertain"), (204, "uncertain"), (201, "uncertain"), (100, "uncertain"), (600, "uncertain")),
        *((400, "permanent"), (401, "session"), (403, "session"), (404, "permanent"), (405, "permanent")),
        *((408, "later"), (409, "uncertain"), (410, "permanent"), (413, "permanent"), (419, "session")),
        *((422, "permanent"), (425, "later"), (429, "later"), (500, "uncertain"), (501, "uncertain")),
        *((502, "uncertain"), (503, "later"), (504, "uncertain")),
    ],
)
def test_a_status_alone_never_says_accepted(status: int, what: str) -> None:
    assert judged(status).what == what


def test_a_status_is_read_with_its_page() -> None:
    assert judged(403, "<div class=g-recaptcha></div>").what == "person"
    assert judged(400, "<h1>CSRF token missing</h1>").what == "session"
    assert judged(413, files=True).what == "attachment"
    assert judged(429, retry_after="7").retry_after_s == 7


def test_a_confirmation_counts_less_when_the_form_is_there_with_what_was_sent() -> None:
    done = "<p>Ticket #812 was created.</p>"
    fields = "<label>Subject <input name=s></label><label>Message <textarea name=m></textarea></label>"
    empty = f"<form method=post>{fields}</form>"
    filled = empty.replace("name=s", "name=s value=down")
    assert judged(200, f"{done}{empty}").what == "accepted"
    assert judged(200, f"{done}{filled}").what == "uncertain"
    assert judged(200, filled).what == "person"
    assert judged(200, f"<p class=error>Wrong</p>{done}{filled}").what == "person"


@given(st.integers(min_value=100, max_value=999), st.text(max_size=200), st.booleans())
def test_nothing_is_accepted_without_a_sign(status: int, text: str, logged_in: bool) -> None:
    """A page of letters that has neither a phrase nor a number never counts as accepted."""
    harmless = "".join(c for c in text if c not in "<>&0123456789")
    assert judged(status, f"<p>a{harmless}</p>", logged_in=logged_in).what != "accepted"


@pytest.mark.parametrize(
    ("value", "date", "wait_s"),
    [
        ("120", "", 120.0),
        (" 0 ", "", 0.0),
        ("999999999999", "", RETRY_AFTER_MAX_S),
        ("-5", "", 0.0),
        ("1e3", "", 0.0),
        ("soon", "", 0.0),
        ("Mon, 23 Nov 2026 16:07:40 GMT", DATE, 60.0),
        ("Mon, 23 Nov 2026 16:05:40 GMT", DATE, 0.0),
        ("Tue, 23 Nov 2027 16:05:40 GMT", DATE, RETRY_AFTER_MAX_S),
        ("Mon, 23 Nov 2026 16:07:40 GMT", "", 0.0),
        ("Mon, 23 Nov 2026 16:07:40", DATE, 0.0),  # no zone: it cannot be held against the other
        ("", "", 0.0),
    ],
)
def test_how_long_to_wait_is_read_in_both_forms(value: str, date: str, wait_s: float) -> None:
    assert retry_after_s({"retry-after": value, "date": date}) == wait_s


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("https://x.example/view/?ticket=ts-1", "ts-1"),
        ("https://x.example/index.php?/Tickets/Ticket/View/812", ""),
        ("https://x.example/support/tickets/812/", "812"),
        ("https://x.example/requests/show/A-12.html", "A-12"),
        ("https://x.example/?trackid=ABC-123-XYZ9", "ABC-123-XYZ9"),
        ("https://x.example/?tid=77&c=9", "77"),
        ("https://x.example/login?ticket=7", ""),
        ("https://x.example/tickets/submit/", ""),
        ("https://x.example/tickets/", ""),
        ("https://x.example/?ticket=<b>7", ""),
        ("https://x.example/tickets/step2", ""),
        ("https://x.example/requests/new-2/", ""),
        ("https://x.example/tickets/PAGE_1", ""),
        ("https://x.example/tickets/v2", ""),
        ("https://x.example/tickets/ts-2", "ts-2"),
        ("https://[x", ""),
    ],
)
def test_a_tickets_number_is_read_from_its_address(url: str, reference: str) -> None:
    assert reference_in(url) == reference


def test_a_login_page_is_known_by_its_path() -> None:
    for path in ("/login", "/log-in/", "/users/sign_in", "/auth?x", "/logon.php"):
        assert is_login(f"https://x.example{path}")
    for path in ("/", "/blogging", "/author/7", "/thanks?next=/login"):
        assert not is_login(f"https://x.example{path}")


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert without_query("https://u:p@x.example/view?key=secret") == "https://x.example/view"


def test_where_a_redirect_leads() -> None:
    def target(status: int, location: str) -> str:
        return target_of(Answer(url=URL, status=status, headers={"location": location}, body=b""))

    assert target(302, "/a?b#c") == "https://portal.example.com/a?b"
    assert target(200, "/a") == ""
    assert target(302, "//[x") == ""
    assert target(302, "/a?b=\x1b[2J\u2603") == "https://portal.example.com/a?b=%1B[2J?"
    assert target(302, "/d\xc3\xa9j\xc3\xa0") == "https://portal.example.com/d%C3%A9j%C3%A0"


def test_a_page_that_was_asked_for_is_there_or_not() -> None:
    def opened(status: int, html: str, torn: str = "") -> str:
        answer = Answer(url=URL, status=status, headers={}, body=html.encode(), torn=torn)
        found = judge_opened(answer, read_page(html.encode()) if html else None)
        return found.what if found else ""

    assert opened(200, "<p>a</p>") == ""
    assert opened(200, "", "cut off") == "later"
    assert opened(503, "<div class=h-captcha></div>") == "person"
    assert opened(503, "<p>a</p>") == "later"
    assert opened(404, "<p>a</p>") == "permanent"
