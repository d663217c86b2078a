"""A ticket is found, or surely not there, or it is said why that cannot be told; nothing in between."""

import time
from typing import Any

import pytest
from desk.odd import PASSWORD, USER, Act, OddDesk
from desk.odd_behaviours import said, status, to, told
from letters import letter

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import CannotLook, Credentials, NotFound, Receipt
from iwx_agent.transports.wording import letter_id

from .test_odd_desk import portal

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

KEY = "IWX-7f3a"
HEAD = "<table><tr><th>Subject</th><th>Status</th></tr>"
OTHER = "<tr><td><a href='/ticket?ticket=T-9'>mail [IWX-0000]</a></td><td>Open</td></tr>"
OURS = f"<tr><td><a href='/ticket?ticket=T-1'>down [{KEY}]</a></td><td>Open</td></tr>"
OURS_CUT = OURS.replace(f"down [{KEY}]", "#7: [URGENT] mail is down on iwx1.exam")
ENTRY = '{"id": 1, "title": "down [IWX-7f3a]"}'


def looked_up(host: LiveHost, acts: dict[str, Act], **more: Any) -> Receipt | NotFound | CannotLook:
    with OddDesk("good", acts=acts) as desk:
        account = Credentials(USER, PASSWORD)
        values = {
            "account": account,
            "login_address": f"{desk.url}/login",
            "list_address": f"{desk.url}/list",
        }
        places = {name: f"{desk.url}{path}" for name, path in more.items()}
        return portal(host, desk, **(values | places)).look_up(KEY, limit_s=5)


@pytest.mark.parametrize(
    ("acts", "number"),
    [
        ({"GET /list": said(f"{HEAD}{OTHER}{OURS}</table>")}, "T-1"),
        (
            {
                "GET /list": said(f"{HEAD}{OTHER}</table><a href='/2'>Next</a>"),
                "GET /2": said(f"{HEAD}{OURS}</table>"),
            },
            "T-1",
        ),
        ({"GET /list": said(f"<ul><li><a href='/tickets/7'>{KEY.lower()}</a></li></ul>")}, "7"),
        ({"GET /list": said(f"<div>{KEY}: <a href='/ticket?ticket=T-1'>down [{KEY}]</a></div>")}, "T-1"),
        ({"GET /list": told(f'[{{"id": 9, "title": "x"}}, {ENTRY}]')}, "1"),
        (
            {
                "GET /list": told('{"data":[{"id":9,"title":"x"}],"next":"/2"}'),
                "GET /2": told(f'{{"data":[{ENTRY}]}}'),
            },
            "1",
        ),
    ],
)
def test_it_is_found_wherever_the_list_has_it(host: LiveHost, acts: dict[str, Act], number: str) -> None:
    found = looked_up(host, acts)
    assert isinstance(found, Receipt), found
    assert found.reference == number


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        (
            {"GET /list": said(f"{HEAD}{OTHER.replace('mail [', '[URGENT] mail is down on x [')}</table>")},
            "(pages: 1)",
        ),
        ({"GET /list": said(f"{HEAD}{OTHER}</table>")}, "all of the account's tickets read (pages: 1)"),
        ({"GET /list": said(f"{HEAD}</table>No tickets")}, "tickets read"),
        ({"GET /list": said(f"{HEAD}{OURS.replace(KEY, KEY + 'b')}</table>")}, "tickets read"),
        ({"GET /list": told("[]")}, "all 0 of the account's tickets read"),
        (
            {
                "GET /list": told('{"results":[],"count":1,"next":"/2"}'),
                "GET /2": told('{"results":[{"title":"x"}],"count":1}'),
            },
            "all 1 of the account's tickets read",
        ),
    ],
)
def test_it_is_not_there_when_all_was_surely_seen(host: LiveHost, acts: dict[str, Act], words: str) -> None:
    found = looked_up(host, acts)
    assert isinstance(found, NotFound), found
    assert words in found.said


@pytest.mark.parametrize(
    ("acts", "why"),
    [
        ({"GET /list": said(f"{HEAD}</table>")}, "a script may fill it"),
        ({"GET /list": said("Welcome, no tickets")}, "not known to be a list of tickets"),
        (
            {"GET /list": said(f"{HEAD}{OTHER.replace('mail [', 'mail … [')}</table>")},
            "shortens what is in it",
        ),
        ({"GET /list": said(f"{HEAD}{OURS_CUT}</table>")}, "the key may be cut off"),
        ({"GET /list": told('[{"id": 9, "title": "[HIGH] FTP is down on iwx1.exa"}]')}, "may be cut off"),
        (
            {"GET /list": said(f"{HEAD}{OTHER}</table><a href='/2'>Next</a><a href='/3'>Older</a>")},
            "which page comes next",
        ),
        ({"GET /list": to("/login")}, "the login went well"),
        ({"GET /list": status(503)}, "status 503"),
        ({"GET /list": told("{}")}, "it has no list of tickets"),
        ({"GET /list": told('{"data":[]}')}, "does not say if that is all"),
        ({"GET /list": told('{"data":[],"count":3}')}, "does not say if that is all"),
        ({"GET /list": told('{"data":[],"next":"https://x.invalid/"}')}, "goes on at another place"),
        ({"GET /list": told('{"data":[],"next":"/list"}')}, "has more than 10 pages"),
        ({"POST /login": status(503)}, "status 503"),
    ],
)
def test_what_proves_nothing_is_said(host: LiveHost, acts: dict[str, Act], why: str) -> None:
    found = looked_up(host, acts)
    assert isinstance(found, CannotLook), found
    assert why in found.reason


def test_a_list_without_end_is_left(host: LiveHost) -> None:
    pages = {f"GET /{n}": said(f"{HEAD}{OTHER}</table><a href='/{n + 1}'>Next</a>") for n in range(20)}
    found = looked_up(host, pages | {"GET /list": to("/0")})
    assert found == CannotLook(reason="the list has more than 10 pages")


def test_the_list_is_found_by_its_link(host: LiveHost) -> None:
    linked = said("<a href='https://x.invalid/my'>My tickets</a> <a href='/my'>My Tickets</a>")
    acts = {"GET /submit": linked, "GET /my": said(f"{HEAD}{OURS}</table>")}
    found = looked_up(host, acts, list_address="")
    with OddDesk("good", acts=acts) as desk:
        account = Credentials(USER, PASSWORD)
        transport = portal(host, desk, account=account, login_address=f"{desk.url}/login")
        found = transport.look_up(KEY, limit_s=5)
        assert isinstance(found, Receipt)
        desk.acts["GET /submit"] = said("<a href='/1'>My tickets</a> <a href='/2'>My Tickets</a>")
        assert isinstance(transport.look_up(KEY, limit_s=5), CannotLook)


@pytest.mark.parametrize("key", ["", " "])
def test_nothing_is_found_by_no_key(host: LiveHost, key: str) -> None:
    with OddDesk("good") as desk:
        found = portal(host, desk, search_address=f"{desk.url}/search?q={{key}}").look_up(key, limit_s=5)
        assert desk.requests == []
    assert isinstance(found, CannotLook)


def test_a_page_full_of_other_keys_is_read_in_time(host: LiveHost) -> None:
    started = time.monotonic()
    found = looked_up(host, {"GET /s": said(f"x{KEY}x " * 50_000)}, search_address="/s?q={key}")
    assert isinstance(found, CannotLook)
    assert time.monotonic() - started < 5


def test_a_guest_without_a_search_cannot_look(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        found = portal(host, desk).look_up(KEY, limit_s=5)
        assert desk.requests == []
    assert isinstance(found, CannotLook)


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (said(f"You searched for {KEY}. {HEAD}{OURS}</table>"), Receipt, "T-1"),
        (to("/ticket?ticket=T-1"), CannotLook, "neither"),
        (said(f"No results for {KEY}."), NotFound, "says that there is none"),
        (said(f'No results for "{KEY}".'), NotFound, "says that there is none"),
        (said(f"{KEY} was here. {HEAD}{OTHER}</table>"), CannotLook, "but not as a ticket"),
        (said("Search is closed."), CannotLook, "neither"),
        (said(f"No tickets. {HEAD}{OTHER}</table>"), CannotLook, "neither"),
    ],
)
def test_a_search_tells_by_what_it_shows(host: LiveHost, act: Act, kind: type, words: str) -> None:
    found = looked_up(host, {"GET /s": act}, search_address="/s?q={key}")
    assert isinstance(found, kind), found
    assert words in repr(found)


def test_a_search_that_leads_to_the_ticket_has_found_it(host: LiveHost) -> None:
    acts = {"GET /s": to("/ticket?ticket=T-1"), "GET /ticket": said(f"down [{KEY}]")}
    found = looked_up(host, acts, search_address="/s?q={key}")
    assert isinstance(found, Receipt)
    assert found.reference == "T-1"


def test_an_update_has_no_key_to_look_for(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        desk.acts["GET /list"] = said(f"{HEAD}{OURS}</table>")
        transport = portal(
            host, desk, account=Credentials(USER, PASSWORD), login_address=f"{desk.url}/login",
            list_address=f"{desk.url}/list",
        )  # fmt: skip
        assert isinstance(transport.look_up(letter_id(letter()), limit_s=5), Receipt)
        found = transport.look_up(letter_id(letter(reference="T-1")), limit_s=5)
    assert isinstance(found, CannotLook)
    assert "its text is looked for before it is sent again" in found.reason
