"""A reply goes by the form on the ticket's page, once; it is accepted when that page shows it."""

from typing import Any

import pytest
from desk.odd import PASSWORD, USER, Act, OddDesk
from desk.odd_behaviours import said, status, to, told
from desk.odd_pages import form_page, ticket_page
from letters import ending, kind_of, letter

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Credentials, Receipt, Undelivered
from iwx_agent.transports.wording import marked

from .test_odd_desk import portal

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

LISTED = """<table><tr><th>Subject</th><th>Status</th></tr>
<tr><td><a href='/ticket?ticket=T-1'>down [T-1]</a></td><td>Open</td></tr></table>"""


def reply(host: LiveHost, acts: dict[str, Act], **more: Any) -> tuple[str, str, int]:
    """Return how a reply ended, with which words, and how many were posted."""
    with OddDesk("good", acts=acts) as desk:
        page = more.pop("page", "/ticket?ticket=T-1")
        one = letter(reference="T-1", page=page and f"{desk.url}{page}", attachments=(), message=WORDS)
        account = {"account": Credentials(USER, PASSWORD), "login_address": f"{desk.url}/login"}
        found = ending(portal(host, desk, **(account if more.get("account") else {})), one)
        posted = [request for request in desk.requests if request.path == "/reply"]
        return kind_of(found), found.said if isinstance(found, Receipt) else found.why, len(posted)


WORDS = "The web server is down, too."
FORM = "<form method=post action=/reply><label>Reply <textarea name=text></textarea></label>{}</form>"


@pytest.mark.parametrize(
    ("acts", "kind", "words", "count"),
    [
        ({}, "accepted", "stands on the ticket's page", 1),
        ({"POST /reply": status(500)}, "uncertain", "status 500", 1),
        ({"POST /reply": status(503, retry_after_s=9)}, "later", "status 503", 1),
        ({"POST /reply": status(403)}, "permanent", "status 403", 1),
        ({"POST /reply": said("Thank you.")}, "uncertain", "does not stand on the ticket's page", 1),
        ({"POST /reply": to("/login")}, "person", "takes no reply without a login", 1),
        ({"POST /reply": to("https://x.invalid/ticket?ticket=T-1")}, "uncertain", "does not stand on", 1),
        (
            {"POST /reply": said(f"<p class=error>Too short</p>{FORM}")},
            "person",
            "refused the reply: Too short",
            1,
        ),
        ({"GET /ticket": said("Ticket T-1 is closed.")}, "person", "no form for a reply is understood", 0),
        ({"GET /ticket": status(404)}, "permanent", "status 404", 0),
        (
            {"GET /ticket": said("Ticket T-1" + FORM.replace("<textarea", "<textarea maxlength=9"))},
            "person",
            "Reply may have 9 characters, and has 28",
            0,
        ),
        (
            {"GET /ticket": said("Ticket T-1" + FORM.format("<div class=g-recaptcha></div>"))},
            "person",
            "reCAPTCHA",
            0,
        ),
        ({"GET /t": said("Ticket T-2")}, "person", "the page is not that of ticket T-1", 0),
    ],
)
def test_each_ending_of_a_reply(
    host: LiveHost, acts: dict[str, Act], kind: str, words: str, count: int
) -> None:
    page = "/t" if "GET /t" in acts else "/ticket?ticket=T-1"
    found_kind, found_words, found_count = reply(host, acts, page=page)
    assert (found_kind, found_count) == (kind, count), found_words
    assert words in found_words


def test_a_session_that_is_lost_before_a_reply_is_for_later(host: LiveHost) -> None:
    found = reply(host, {"POST /reply": to("/login")}, account=True)
    assert found[0] == "later"


def test_a_page_that_is_gone_after_the_reply_leaves_it_uncertain(host: LiveHost) -> None:
    with OddDesk("good") as desk:

        def vanish(handler: Any) -> None:
            desk.acts["GET /ticket"] = status(503)
            handler.away("/ticket?ticket=T-1")

        desk.acts["POST /reply"] = vanish
        one = letter(reference="T-1", page=f"{desk.url}/ticket?ticket=T-1", message=WORDS)
        found = ending(portal(host, desk), one)
    assert kind_of(found) == "uncertain"


LONG = "The web server is down, too, since 14:05; 12,000 letters wait in the queue."


def test_a_reply_whose_answer_was_lost_is_seen_on_the_page(host: LiveHost) -> None:
    with OddDesk("good") as desk:

        def drop(handler: Any) -> None:
            desk.replies.append(handler.request_.values["text"])
            handler.close_connection = True

        desk.acts["POST /reply"] = drop
        one = letter(reference="T-1", page=f"{desk.url}/ticket?ticket=T-1", message=LONG, attachments=())
        found = ending(portal(host, desk), one)
    assert isinstance(found, Receipt)
    assert found.said == "the reply stands on the ticket's page"
    assert desk.replies == [LONG]


def test_a_reply_that_is_lost_is_uncertain(host: LiveHost) -> None:
    def drop(handler: Any) -> None:
        handler.close_connection = True

    found, why, _ = reply(host, {"POST /reply": drop})
    assert (found, why) == (
        "uncertain",
        "the form was sent, and then: the connection was closed without an answer",
    )


def test_what_stands_on_the_page_is_not_sent_again(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        desk.replies.append(LONG)
        one = letter(reference="T-1", page=f"{desk.url}/ticket?ticket=T-1", message=LONG)
        for again in (one, marked(one)):
            found = ending(portal(host, desk), again)
            assert isinstance(found, Receipt)
            assert found.said == "the reply stood on the ticket's page already"
        other = letter(reference="T-1", page=one.page, message=LONG.replace("14:05", "15:05"))
        assert kind_of(ending(portal(host, desk), other)) == "accepted"
    assert desk.replies == [LONG, other.message]


def test_a_reply_that_is_cut_is_known_by_what_was_sent(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        usual = ticket_page([], "T-1").replace("<textarea", "<textarea maxlength=400")

        def show(handler: Any) -> None:
            handler.page(f"{usual}<pre>{''.join(desk.replies)}</pre>")

        desk.acts["GET /ticket"] = show
        message = "short of words\n" * 30 + "this last line is the longest of all of them"
        one = letter(reference="T-1", page=f"{desk.url}/ticket?ticket=T-1", message=message, attachments=())
        found = ending(portal(host, desk), one)
    assert isinstance(found, Receipt), found
    assert "the message was cut to the 400 characters" in found.said


def test_the_tickets_page_is_looked_for_when_it_is_not_known(host: LiveHost) -> None:
    with OddDesk("good", acts={"GET /s": said(LISTED)}) as desk:
        one = letter(reference="T-1", attachments=(), message=WORDS)
        assert kind_of(ending(portal(host, desk), one)) == "person"
        found = ending(portal(host, desk, search_address=f"{desk.url}/s?q={{key}}"), one)
    assert kind_of(found) == "accepted"
    assert desk.replies == [WORDS]


CONFIRMED = "Your ticket has been created. Ticket number: T-1.{}"


@pytest.mark.parametrize("link", ["", "<a href='/ticket?ticket=T-1'>View it</a>"])
def test_an_update_reaches_a_ticket_that_a_page_confirmed(host: LiveHost, link: str) -> None:
    acts = {"POST /submit": said(CONFIRMED.format(link)), "GET /s": said(LISTED)}
    with OddDesk("good", acts=acts) as desk:
        transport = portal(host, desk, search_address=f"{desk.url}/s?q={{key}}" if not link else "")
        filed = ending(transport, letter())
        assert isinstance(filed, Receipt)
        assert filed.url == (f"{desk.url}/ticket?ticket=T-1" if link else "")
        one = letter(reference=filed.reference, page=filed.url, attachments=(), message=WORDS)
        assert kind_of(ending(transport, one)) == "accepted"
    assert desk.replies == [WORDS]


@pytest.mark.parametrize("page", ["/submit", "/recent"])
def test_a_page_that_is_not_the_tickets_is_left_for_its_own(host: LiveHost, page: str) -> None:
    """Receipts of older versions have the form's page; beside it others' tickets and this one may stand."""
    acts = {"GET /s": said(LISTED), "GET /recent": said(f"Ticket T-1 {form_page()}")}
    with OddDesk("good", acts=acts) as desk:
        one = letter(reference="T-1", page=f"{desk.url}{page}", attachments=(), message=WORDS)
        found = ending(portal(host, desk, search_address=f"{desk.url}/s?q={{key}}"), one)
    assert kind_of(found) == "accepted", found
    assert desk.replies == [WORDS]
    assert desk.posts == []


def test_a_part_of_another_number_is_not_the_tickets(host: LiveHost) -> None:
    found = reply(host, {"GET /t": said(f"Ticket T-12, after T-1-2 {FORM}")}, page="/t")
    assert (found[0], found[2]) == ("person", 0)
    assert "the page is not that of ticket T-1, and its own was not found: as a guest" in found[1]


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        ({"GET /list": told('[{"id": "T-1", "title": "down T-1"}]')}, "without its address"),
        (
            {"GET /list": said(LISTED), "GET /ticket": said("Closed")},
            "no form for a reply is understood",
        ),
    ],
)
def test_a_ticket_whose_page_is_not_known_is_for_a_person(
    host: LiveHost, acts: dict[str, Act], words: str
) -> None:
    with OddDesk("good", acts=acts) as desk:
        places = {"login_address": f"{desk.url}/login", "list_address": f"{desk.url}/list"}
        account = Credentials(USER, PASSWORD)
        found = ending(portal(host, desk, account=account, **places), letter(reference="T-1", message=WORDS))
    assert isinstance(found, Undelivered)
    assert (found.kind, words in found.why) == ("person", True), found.why


def test_a_reply_below_a_folder_named_login_is_judged_by_the_tickets_page(host: LiveHost) -> None:
    """What leads to another page of that folder is no lost session."""
    with OddDesk("good") as desk:
        page = ticket_page([], "T-1")
        desk.acts |= {"GET /auth/ticket": said(page), "POST /reply": to("/auth/done")}
        one = letter(
            reference="T-1", page=f"{desk.url}/auth/ticket?ticket=T-1", message=WORDS, attachments=()
        )
        found = ending(portal(host, desk), one)
    assert kind_of(found) == "uncertain"
