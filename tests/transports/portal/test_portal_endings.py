"""A ticket was accepted on a positive sign only; every other answer says what is known, and no more."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import load_portal_form
from iwx_agent.transports.portal.addresses import is_login, reference_in, without_query
from iwx_agent.transports.portal.confirming import confirmed_in
from iwx_agent.transports.portal.endings import (
    RETRY_AFTER_MAX_S,
    Ending,
    Sent,
    judge_opened,
    judge_sent,
    retry_after_s,
    target_of,
)
from iwx_agent.transports.portal.exchange import Answer
from iwx_agent.transports.portal.page import Page, read_page
from iwx_agent.transports.portal.words import Vocabulary

WORDS = Vocabulary(load_portal_form(Path("/nonexistent")))
URL = "https://portal.example.com/submit"
DATE = "Mon, 23 Nov 2026 16:06:40 GMT"


def judged(
    status: int,
    html: str = "",
    *,
    logged_in: bool = False,
    files: bool = False,
    before: str | Page = "",
    url: str = URL,
    **headers: str,
) -> Ending:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(url=url, status=status, headers=named, body=html.encode())
    page = read_page(html.encode()) if html else None
    sent = Sent(
        page_url=url,
        subject="down",
        key="IWX-7f3a",
        with_files=files,
        logged_in=logged_in,
        before=read_page(before.encode()) if isinstance(before, str) else before,
    )
    return judge_sent(answer, page, sent, WORDS)


@pytest.mark.parametrize(
    ("location", "what", "reference"),
    [
        ("/view/?ticket=ts-1&key=k", "accepted", "ts-1"),
        ("https://portal.example.com/tickets/812", "accepted", "812"),
        ("http://portal.example.com/tickets/812", "accepted", "812"),  # the sign counts; it is not followed
        ("/viewticket.php?id=7", "accepted", "7"),
        ("/article.php?id=7", "follow", ""),
        ("/viewticket.php?id=0", "follow", ""),
        ("/thanks?ticket=1", "follow", ""),
        ("/tickets.php?id=5", "accepted", "5"),
        ("/customer.pl?Action=CustomerTicketZoom;TicketNumber=20261125", "accepted", "20261125"),
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
    led_past = judged(302, location="/login?next=/thanks", logged_in=True)
    assert (led_past.what, "from there to /thanks, which is not the form" in led_past.why) == (
        "uncertain",
        True,
    )
    assert judged(308, location="/tickets/1").what == "permanent"


@pytest.mark.parametrize(
    ("page", "location"),
    [
        ("/tickets/new", "/tickets/812-urgent-but-support-cannot-log-in-over-ssh"),
        ("/auth/tickets/new", "/auth/tickets/812"),
        ("/sso/new", "/sso/viewticket.php?tid=812"),
        ("/login/tickets/new", "/login/tickets/812"),
    ],
)
def test_a_word_for_logging_in_beside_a_ticket_is_no_lost_session(page: str, location: str) -> None:
    found = judged(302, url=f"https://portal.example.com{page}", location=location, logged_in=True)
    assert (found.what, found.reference) == ("accepted", "812")


def test_below_a_folder_named_login_any_page_may_be_the_answers() -> None:
    url = "https://portal.example.com/auth/new"
    assert judged(302, url=url, location="/auth/thanks", logged_in=True).what == "follow"
    assert judged(302, url=url, location="/auth/login", logged_in=True).what == "session"


LOGIN = "<form method=post><label>User <input name=u></label><input type=password name=p></form>"
FIELDS = "<label>Subject <input name=s></label><label>Message <textarea name=m></textarea></label>"
BLANK = f"<form method=post>{FIELDS}</form>"
ECHO = BLANK.replace("name=s", "name=s value=down")


def test_a_page_with_a_login_is_a_lost_session_only_when_the_form_had_none_beside_it() -> None:
    assert judged(200, LOGIN, logged_in=True, before=BLANK).what == "session"
    assert judged(200, LOGIN, logged_in=True, before=LOGIN + BLANK).what == "uncertain"
    thanks = "<p>Your request has been submitted.</p>"
    assert judged(200, LOGIN + thanks, logged_in=True, before=BLANK).what == "uncertain"
    assert judged(200, LOGIN, before=BLANK).what == "uncertain"


@pytest.mark.parametrize(
    ("error", "form", "what", "number"),
    [
        ("Ticket #99 has been created, but the attachment could not be uploaded.", BLANK, "accepted", "99"),
        ("Your ticket #99 has been created, but no mail could be sent to you.", BLANK, "accepted", "99"),
        ("Ticket #99 has been created, but the attachment could not be uploaded.", "", "accepted", "99"),
        ("Your ticket has been created, but the attachment could not be uploaded.", BLANK, "uncertain", ""),
        ("Ticket #99 has been created, but the attachment could not be uploaded.", ECHO, "uncertain", ""),
        ("A ticket with this subject (ticket #99) was created 2 minutes ago.", BLANK, "uncertain", ""),
        ("Ticket #0 has been created, but the attachment could not be uploaded.", BLANK, "uncertain", ""),
        ("The attachment could not be uploaded.", BLANK, "uncertain", ""),
        ("The attachment could not be uploaded.", ECHO, "attachment", ""),
        ("No ticket was created: the file type is not allowed.", ECHO, "attachment", ""),
        ("No ticket was created: name the server.", BLANK, "person", ""),
    ],
)
def test_an_error_may_say_that_the_ticket_was_created(error: str, form: str, what: str, number: str) -> None:
    page = f"<div class='alert alert-danger'>{error}</div>{form}"
    found = judged(200, page, files=True, before=BLANK)
    assert (found.what, found.reference) == (what, number)
    refused = judged(422, page, files=True, before=BLANK)
    assert refused.what == (what if what != "accepted" else "uncertain")


def test_what_an_error_complains_of_is_said_with_the_ticket() -> None:
    error = "Ticket #99 has been created, but the mail to you could not be sent."
    found = judged(200, f"<p class=error>{error}</p>{BLANK}")
    assert found.why == f"status 200 with a confirmation: {error}"


OTHERS = [
    "<ul><li><a href='/tickets/4711'>Ticket #4711</a> was opened</li></ul>",
    "<table><tr><td>Ticket #4711</td><td>was opened</td></tr><tr><td>Ticket #4702</td></tr></table>",
    "<ul><li>Ticket #4711 was opened</li><li>Ticket #4702 was closed</li></ul>",
    "<div>Ticket #4711 was opened 3 days ago</div>",
    "<div>Ticket #4711 was opened 3 days</div>",
    "<div>Ticket #4711 was created yesterday</div>",
    "<div>Ticket #4711 was opened by Anna</div>",
    "<div>Ticket #4711 was opened on 22 Nov 2026</div>",
    "<div>Ticket #4711 was opened.</div><div>Ticket #4702 was opened.</div>",
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("form", [BLANK, ""])
def test_what_is_said_of_another_ticket_confirms_nothing(other: str, form: str) -> None:
    assert judged(200, f"<h1>Dashboard</h1>{other}{form}", before=BLANK).what == "uncertain"


def test_what_stood_on_the_forms_page_confirms_nothing() -> None:
    line = "<div>Ticket #4711 was opened.</div>"
    assert judged(200, line + BLANK, before=line + BLANK).what == "uncertain"
    assert judged(200, line, before="<a href='/tickets/4711'>mail</a>").what == "uncertain"
    linked = "<p>Your ticket has been created.</p><a href='/tickets/4711'>mail</a>"
    assert judged(200, linked, before="<p>Ticket #4711</p>").what == "uncertain"
    fresh = f"{linked}<a href='/tickets/812'>View it</a>"
    assert judged(200, fresh, before="<p>Ticket #4711</p>").reference == "812"
    found = judged(302, location="/tickets/4711", before="<a href='/tickets/4711'>mail</a>")
    assert (found.what, "stood on the form's page before" in found.why) == ("uncertain", True)


def test_a_line_with_the_key_is_of_this_ticket_wherever_it_stands() -> None:
    ours = "<li>Ticket #812 (down [IWX-7f3a]) was opened 1 second ago</li>"
    other = "<li>Ticket #4711 was opened 3 days ago</li>"
    found = judged(200, f"<ul>{other}{ours}</ul>", before=BLANK)
    assert (found.what, found.reference) == ("accepted", "812")


def test_a_number_beside_the_sentence_is_not_that_of_a_listed_ticket() -> None:
    said = "<p>Your request has been submitted.</p>"
    listed = "<ul><li><a href='/tickets/4711'>Ticket #4711</a></li></ul>"
    assert judged(200, said + listed, before=BLANK).what == "uncertain"
    table = "<table><tr><td>Ticket number</td><td>812</td></tr></table>"
    assert judged(200, said + table, before=BLANK).reference == "812"
    assert judged(200, f"<ul><li>{'Ticket #812 was created.'}</li></ul>").what == "uncertain"
    both = "<p>Ticket #812 was created.</p><ul><li>Ticket #812 was created.</li></ul>"
    assert judged(200, both, before=BLANK).reference == "812"


@pytest.mark.parametrize(
    ("links", "url"),
    [
        (
            "<a href='/tickets/811'>a</a><a href='/tickets/812'>View it</a>",
            "https://portal.example.com/tickets/812",
        ),
        ("<a href='https://elsewhere.example.com/tickets/812'>View it</a>", ""),
        ("<a href='/tickets.php?id=5'>View it</a>", ""),
        ("", ""),
    ],
)
def test_a_confirmed_ticket_has_the_address_of_its_own_page_or_none(links: str, url: str) -> None:
    found = judged(200, f"<p>Ticket #812 was created.</p>{links}")
    assert (found.what, found.reference, found.url) == ("accepted", "812", url)
    assert judged(200, "<p>It has been received: down [IWX-7f3a]</p>").url == ""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("<p>Your ticket has been created. Ticket number: ABC-123.</p>", "ABC-123"),
        ("<p>Ticket #812 was created.</p>", "812"),
        ("<h1>We have received your request</h1><p>Case No. 2026-77</p>", "2026-77"),
        ("<p>Thank you, it has been submitted.</p><a href='/ticket/99'>see it</a>", "99"),
        ("<p>Your request has been received: down [IWX-7f3a]</p>", ""),
        ("<p>Your ticket has been opened as ticket #812.</p>", "812"),
        ("<p>Ticket #812 has been received by Example Support.</p>", "812"),
        ("<p>Ticket #812 was created by you, and an answer comes within 3 days.</p>", "812"),
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
    "piece",
    [
        *("Not made. It was created. ", "A. ", "it was created no ", "ticket # ", "<p>was created. no "),
        *(
            "<li>ticket #7 was created</li>",
            "<li><a href=/tickets/7>ticket #7 was created 9",
            "<p>created by a",
        ),
    ],
)
def test_a_page_that_says_it_without_end_is_judged_in_time(piece: str) -> None:
    page = piece * (500_000 // len(piece))
    before = read_page(page[:400_000].encode())  # by a request of its own
    started = time.process_time()
    assert judged(200, page, before=before).what == "uncertain"
    assert time.process_time() - started < 5


def test_the_numbers_place_is_near_the_sentence() -> None:
    far = "<p>It has been submitted.</p>" + "<p>x</p>" * 5 + "<p>Ticket 812</p>"
    assert confirmed_in(read_page(far.encode()), URL, "", WORDS).number is None


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
    assert judged(200, f"<p class=error>Wrong</p>{filled}").what == "person"
    assert judged(200, f"<p class=error>Wrong</p>{done}{filled}").what == "uncertain"


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
        # Words for logging in: in what a ticket is about, in a folder that all of a portal lies below
        ("https://x.example/tickets/812-urgent-but-support-cannot-log-in-over-ssh", "812"),
        ("https://x.example/tickets/812-ssh-login", "812"),
        ("https://x.example/tickets/2026-77.html", "2026-77"),
        ("https://x.example/tickets/123-ABC", "123-ABC"),
        ("https://x.example/tickets/0-down", ""),
        (
            "https://x.example/tickets/12345678-5717-4562-b3fc-2c963f66afa6",
            "12345678-5717-4562-b3fc-2c963f66afa6",
        ),
        ("https://x.example/auth/tickets/812", "812"),
        ("https://x.example/sso/viewticket.php?tid=77", "77"),
        ("https://x.example/auth?ticket=7", ""),
        # What a failed store gives
        ("https://x.example/viewticket.php?id=0", ""),
        ("https://x.example/?ticket=0", ""),
        ("https://x.example/tickets/000", ""),
        ("https://x.example/tickets/T-0", ""),
        ("https://x.example/tickets/T-0010", "T-0010"),
        # osTicket, OTRS
        ("https://x.example/tickets.php?id=5", "5"),
        ("https://x.example/request?no=5", "5"),
        ("https://x.example/articles.php?id=5", ""),
        (
            "https://x.example/otrs/customer.pl?Action=CustomerTicketZoom;TicketNumber=2026112510000012",
            "2026112510000012",
        ),
        ("https://[x", ""),
    ],
)
def test_a_tickets_number_is_read_from_its_address(url: str, reference: str) -> None:
    assert reference_in(url) == reference


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/?ticket=812", ""),
        ("/thanks?ticket=1", ""),
        ("/submit/done.php?case=1", ""),
        ("/thanks?ticket=ts-1", "ts-1"),
        ("/thanks?ticket_id=812", "812"),
        ("/ticket?ticket=812", "812"),
        ("/view/?ticket=812", "812"),
        ("/view.php?ticket=812", "812"),
        ("/tickets.php?ticket=812", "812"),
    ],
)
def test_a_bare_number_is_sure_on_a_tickets_page_only(path: str, number: str) -> None:
    assert reference_in(f"https://x.example{path}", sure=True) == number
    assert reference_in(f"https://x.example{path}")  # a link in a list of tickets


def test_a_login_page_is_known_by_its_path() -> None:
    for path in ("/login", "/log-in/", "/users/sign_in", "/auth?x", "/logon.php"):
        assert is_login(f"https://x.example{path}")
    for path in ("/", "/blogging", "/author/7", "/thanks?next=/login", "/tickets/7-cannot-log-in"):
        assert not is_login(f"https://x.example{path}")
    page = "https://x.example/auth/tickets/new"
    assert is_login("https://x.example/auth/login", page)
    assert not is_login("https://x.example/auth/thanks", page)
    assert is_login("https://x.example/sso/thanks", page)


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
