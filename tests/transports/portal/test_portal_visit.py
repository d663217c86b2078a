"""The way to the form: login, links, steps; no password and no ticket goes where it was not meant to go."""

import gzip
import time
import zlib
from typing import Any

import pytest
from desk.odd import PASSWORD, USER, Act, Handler, OddDesk
from desk.odd_behaviours import said, status, to
from desk.odd_pages import LOGIN, form_page, row
from letters import ending, kind_of, letter

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Credentials, Receipt, Undelivered
from iwx_agent.transports.portal import Place
from iwx_agent.transports.portal.exchange import Answer
from iwx_agent.transports.portal.page import Page
from iwx_agent.transports.portal.visit import Visit

from .test_odd_desk import FORM, portal

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

ACCOUNT = Credentials(USER, PASSWORD)


def sent(
    host: LiveHost, acts: dict[str, Act], *, name: str = "good", **more: Any
) -> tuple[str, str, OddDesk]:
    """Return how a delivery ended, in which words, and the desk."""
    with OddDesk("good", acts=acts) as desk:
        places = {key: f"{desk.url}{value}" for key, value in more.items() if key.endswith("_address")}
        found = ending(portal(host, desk, **(more | places)), letter())
        return kind_of(found), found.said if isinstance(found, Receipt) else found.why, desk


def by_button(attribute: str) -> str:
    return LOGIN.replace("<button>", f"<button {attribute}>")


@pytest.mark.parametrize(
    ("acts", "kind", "words"),
    [
        ({"GET /login": status(503, retry_after_s=9)}, "later", "/login: status 503"),
        ({"GET /login": said(LOGIN + "<div class=g-recaptcha></div>")}, "person", "the login has a captcha"),
        ({"GET /login": said(LOGIN.replace("'post'", "'get'"))}, "person", "the password in an address"),
        ({"GET /login": said(LOGIN.replace("/login", "https://x.invalid/"))}, "person", "to another place"),
        ({"GET /login": said(by_button("formaction='https://x.invalid/'"))}, "person", "to another place"),
        ({"GET /login": said(by_button("formmethod=get"))}, "person", "the password in an address"),
        (
            {"GET /login": said(LOGIN.replace("Username", "Member"))},
            "person",
            "login form is not understood",
        ),
        ({"GET /login": said("Welcome")}, "person", "no login form was found, and an account is set"),
        ({"POST /login": status(401)}, "permanent", "the login was refused: status 401"),
        ({"POST /login": status(500)}, "later", "status 500"),
        ({"POST /login": to("/login?failed=1")}, "permanent", "it leads back to the login form"),
        (
            {"POST /login": said(f"<p class=error>Wrong</p>{LOGIN}")},
            "permanent",
            "login was refused: Wrong",
        ),
        ({"POST /login": said(LOGIN)}, "permanent", "the login was refused: the login form came back"),
        ({"POST /login": said("Welcome")}, "accepted", "status 302"),
        ({"POST /login": lambda handler: setattr(handler, "close_connection", True)}, "later", "login: "),
    ],
)
def test_each_ending_of_a_login(host: LiveHost, acts: dict[str, Act], kind: str, words: str) -> None:
    found, why, desk = sent(host, acts, account=ACCOUNT, login_address="/login")
    assert (found, len(desk.posts)) == (kind, 1 if kind == "accepted" else 0), why
    assert words in why
    assert PASSWORD not in why


def test_the_login_is_found_by_its_link(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        desk.acts["GET /submit"] = lambda handler: (
            handler.usual_page()
            if desk.logins_count
            else handler.page("<a href='https://x.invalid/'>Login</a><a href='/login'>Log in</a>")
        )
        found = ending(portal(host, desk, account=ACCOUNT), letter())
    assert isinstance(found, Receipt), found
    assert desk.logins_count == 1


def test_a_login_that_does_not_last_is_said(host: LiveHost) -> None:
    kind, why, desk = sent(host, {"GET /submit": said(LOGIN)}, account=ACCOUNT, login_address="/login")
    assert (kind, desk.logins_count) == ("permanent", 1)
    assert "asks to log in again, although the login went well" in why


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        (
            {"POST /login": to("/login.php?incorrect=true"), "GET /login.php": said(LOGIN)},
            "to the login form",
        ),
        (
            {"POST /login": to("/sign-in?e=1"), "GET /sign-in": said("Your account is locked.")},
            "to the login form",
        ),
        ({"POST /login": to("/login/again"), "GET /login/again": said(LOGIN)}, "to the login form"),
        (
            {"POST /login": to("/sign-in"), "GET /sign-in": said(f"<p class=error>Wrong</p>{LOGIN}")},
            "to the login form: Wrong",
        ),
    ],
)
def test_a_login_that_leads_to_another_login_page_was_refused(
    host: LiveHost, acts: dict[str, Act], words: str
) -> None:
    """The form may be there for guests, too: what goes by it would not be the account's."""
    kind, why, desk = sent(host, acts, account=ACCOUNT, login_address="/login")
    assert (kind, desk.posts) == ("permanent", []), why
    assert f"the login was refused: it leads back {words}" in why


def test_a_login_on_any_page_that_comes_back_was_refused(host: LiveHost) -> None:
    """As WHMCS has it: the login is asked for on the page of the account itself."""
    acts = {
        "GET /account": said(LOGIN.replace("/login", "/check")),
        "POST /check": to("/account?incorrect=true"),
    }
    kind, why, desk = sent(host, acts, account=ACCOUNT, login_address="/account")
    assert (kind, desk.posts, "the login was refused" in why) == ("permanent", [], True)


@pytest.mark.parametrize(
    "acts",
    [
        {"POST /login": to("/login/success"), "GET /login/success": said("Welcome")},
        {"POST /login": to("/sso"), "GET /sso": to("/home"), "GET /home": said("Welcome")},
    ],
)
def test_a_login_may_lead_over_an_address_of_such_a_name(host: LiveHost, acts: dict[str, Act]) -> None:
    kind, why, _ = sent(host, acts, account=ACCOUNT, login_address="/login")
    assert kind == "accepted", why


def test_a_ticket_is_sent_once_where_a_login_stands_on_every_page(host: LiveHost) -> None:
    acts = {
        "GET /submit": said(LOGIN + form_page(action="/submit")),
        "POST /submit": said(f"{LOGIN}<p>Your request has been submitted.</p>"),
    }
    kind, why, desk = sent(host, acts, account=ACCOUNT, login_address="/login")
    assert (kind, len(desk.posts)) == ("uncertain", 1), why


def test_a_ticket_without_its_attachment_is_not_sent_again(host: LiveHost) -> None:
    error = "<p class=error>Ticket #99 has been created, but the attachment could not be uploaded.</p>"
    kind, why, desk = sent(host, {"POST /submit": said(error + form_page())})
    assert (kind, len(desk.posts)) == ("accepted", 1), why
    assert "the attachment could not be uploaded" in why


def test_a_lost_token_after_a_lost_session_leaves_it_uncertain(host: LiveHost) -> None:
    def lost(handler: Handler) -> None:
        if len(handler.desk.posts) == 1:
            handler.away("/login?next=/submit")
        else:
            handler.page("<h1>Expired</h1>", 419)

    kind, why, desk = sent(host, {"POST /submit": lost}, account=ACCOUNT, login_address="/login")
    assert (kind, len(desk.posts)) == ("uncertain", 2), why


def test_a_token_that_is_lost_twice_is_for_later(host: LiveHost) -> None:
    kind, why, desk = sent(host, {"POST /submit": status(419)})
    assert (kind, len(desk.posts)) == ("later", 2), why


class Watched(Visit):
    """A visit that counts the pages that it reads, and may be slow at it."""

    read_count = 0
    slow_s = 0.0

    def read(self, answer: Answer) -> Page | None:
        self.read_count += 1
        time.sleep(self.slow_s)
        return super().read(answer)


def test_a_page_that_leads_on_is_not_read(host: LiveHost) -> None:
    with OddDesk("good", acts={"GET /a": to("/b"), "GET /b": to("/c"), "GET /c": said("Welcome")}) as desk:
        visit = Watched(host, Place(address=desk.form), FORM, 5.0)
        assert visit.open(f"{desk.url}/a").url == f"{desk.url}/c"
    assert visit.read_count == 1


def test_the_time_is_looked_at_between_pages(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        visit = Watched(host, Place(address=desk.form), FORM, 0.5)
        visit.slow_s = 0.6
        with pytest.raises(Undelivered, match=r"took longer than 0\.5 s") as caught:
            visit.open(desk.form)
    assert caught.value.kind == "later"


CATEGORY = row("category")
FULL = said(form_page(action="/submit"))
STEP = f"<form method='post' action='/step'>{CATEGORY}<button name='go' value='1'>Next</button></form>"


@pytest.mark.parametrize(
    "acts",
    [
        {"GET /submit": said(STEP), "POST /step": FULL},
        {"GET /submit": said(STEP), "POST /step": to("/full"), "GET /full": FULL},
        {"GET /submit": said("<a href='/full'>Technical Support</a><a href='/x'>Billing</a>"),
         "GET /full": FULL},
        {"GET /submit": said("<meta http-equiv=refresh content='0;url=/full'>"),
         "GET /full": FULL},
    ],
)  # fmt: skip
def test_the_form_is_reached_over_its_steps(host: LiveHost, acts: dict[str, Act]) -> None:
    """The cookie comes with the login's page: these pages set none."""
    kind, why, desk = sent(host, acts, account=ACCOUNT, login_address="/login")
    assert (kind, len(desk.tickets)) == ("accepted", 1), why


def test_fields_that_the_server_adds_for_a_category_are_asked_for(host: LiveHost) -> None:
    short = ("category", "subject", "message")
    first = form_page(names=short).replace(
        "<select name='category'", "<select onchange='this.form.submit()' name='category'"
    )
    with OddDesk("good") as desk:
        desk.acts["GET /submit"] = lambda handler: handler.page(
            form_page() if handler.request_.query.get("category") == "Support" else first, cookies=True
        )
        found = ending(portal(host, desk), letter())
    assert isinstance(found, Receipt), found
    assert len(desk.posts) == 1


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        ({"GET /submit": said(STEP), "POST /step": status(503)}, "status 503"),
        ({"GET /submit": said(STEP), "POST /step": to("https://x.invalid/")}, "no form of the page"),
        ({"GET /submit": said(STEP.replace("Support", "Sales"))}, "no form of the page"),
        ({"GET /submit": said(STEP.replace(CATEGORY, CATEGORY + row("subject")))}, "no form of the page"),
        ({"GET /submit": said(STEP + "<div class=g-recaptcha></div>")}, "reCAPTCHA"),
        ({"GET /submit": said("<a href='/a'>Support</a><a href='/b'>Support</a>")}, "the page has no form"),
        ({"GET /submit": said("<a href='https://x.invalid/'>Support</a>")}, "the page has no form"),
        ({"GET /submit": to("/submit")}, "redirects without end"),
        ({"GET /submit": said("<form><input name='a></form>")}, "the page cannot be read: a tag <input>"),
        ({"GET /submit": status(200, "")}, "the page has no form"),
    ],
)
def test_a_form_that_is_not_reached_is_said(host: LiveHost, acts: dict[str, Act], words: str) -> None:
    kind, why, desk = sent(host, acts)
    assert kind in ("person", "later")
    assert words in why
    assert desk.posts == []


def test_too_little_time_for_an_answer_is_not_begun(host: LiveHost) -> None:
    """A form that is sent in the last moment might be taken, and nobody would know."""

    def late(handler: Handler) -> None:
        handler.desk.stopping.wait(0.85)
        handler.page(form_page(), cookies=True)

    with OddDesk("good", acts={"GET /submit": late}) as desk:
        found = ending(portal(host, desk), letter(), limit_s=1.0)
    assert isinstance(found, Undelivered)
    assert (found.kind, "too little of 1 s was left" in found.why) == ("later", True)
    assert desk.posts == []


def test_a_head_that_is_cut_off_is_no_answer(host: LiveHost) -> None:
    """Half of a Location would be the number of another ticket."""

    def cut(handler: Handler) -> None:
        handler.accept()
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /ticket?ticket=T-1")
        handler.close_connection = True

    kind, _, desk = sent(host, {"POST /submit": cut})
    assert (kind, len(desk.posts)) == ("uncertain", 1)


@pytest.mark.parametrize(
    ("thanks", "kind", "words"),
    [
        (said("Ticket number T-1 was created."), "accepted", "with a confirmation"),
        (to("/ticket?ticket=T-1"), "accepted", "/thanks"),
        (said("Thank you."), "uncertain", "no sign that the ticket was accepted"),
        (said(LOGIN), "uncertain", "no sign that the ticket was accepted"),
        (status(503), "uncertain", "where: "),
        (to("https://x.invalid/ticket?ticket=T-1"), "uncertain", "which is another place"),
        (said(f"<p class=error>Name it</p>{form_page()}"), "person", "the portal refused the form: Name it"),
    ],
)
def test_the_page_after_a_ticket_is_looked_at(host: LiveHost, thanks: Act, kind: str, words: str) -> None:
    found, why, desk = sent(host, {"POST /submit": to("/thanks"), "GET /thanks": thanks})
    assert (found, len(desk.posts)) == (kind, 1), why
    assert words in why


def packed(data: bytes, encoding: str) -> Act:
    def act(handler: Handler) -> None:
        handler.begin(200, "text/html", cookies=True, headers={"Content-Encoding": encoding})
        handler.wfile.write(data)

    return act


PAGE = form_page().encode()


@pytest.mark.parametrize(
    ("data", "encoding", "kind", "words"),
    [
        (gzip.compress(PAGE), "gzip", "accepted", "status 302"),
        (zlib.compress(PAGE), "deflate", "accepted", "status 302"),
        (PAGE, "identity", "accepted", "status 302"),
        (PAGE, "br", "later", "the page is packed as 'br'"),
        (PAGE, "gzip", "later", "packed, and damaged"),
        (gzip.compress(PAGE)[:-20], "gzip", "later", "the packed page ends early"),
    ],
)
def test_a_page_that_is_packed_unasked_is_unpacked(
    host: LiveHost, data: bytes, encoding: str, kind: str, words: str
) -> None:
    found, why, _ = sent(host, {"GET /submit": packed(data, encoding)})
    assert found == kind, why
    assert words in why


def test_a_token_for_scripts_is_sent_along(host: LiveHost) -> None:
    """As the scripts of Laravel and Rails send it: from a cookie, from the page's head."""

    def page(handler: Handler) -> None:
        headers = {"Set-Cookie": "XSRF-TOKEN=a%3D; Path=/"}
        handler.begin(200, "text/html", cookies=True, headers=headers)
        handler.wfile.write(f"<head><meta name=csrf-token content=abc></head>{form_page()}".encode())

    found, why, desk = sent(host, {"GET /submit": page})
    assert found == "accepted", why
    assert desk.posts[0].headers["x-xsrf-token"] == "a="
    assert desk.posts[0].headers["x-csrf-token"] == "abc"


@pytest.mark.parametrize("value", ["%0d%0aX-Evil:%201", "%E2%98%83", "%00", "x" * 501])
def test_a_token_that_fits_into_no_header_is_left_out(host: LiveHost, value: str) -> None:
    def page(handler: Handler) -> None:
        headers = {"Set-Cookie": f"XSRF-TOKEN={value}; Path=/"}
        handler.page(form_page(), cookies=True, headers=headers)

    found, why, desk = sent(host, {"GET /submit": page})
    assert found == "accepted", why
    assert {"x-xsrf-token", "x-evil"}.isdisjoint(desk.posts[0].headers)
