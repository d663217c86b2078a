"""A list that goes on is read to its end, or nothing is said of what was not found in it."""

import pytest
from desk.odd import PASSWORD, USER, Act, Handler, OddDesk
from desk.odd_behaviours import said, told

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import CannotLook, Credentials, NotFound, Receipt

from .test_odd_desk import portal
from .test_portal_looking import HEAD, KEY, OTHER, OURS, looked_up

NEXT = (
    "<a href='/list?page=2'>Next &rarr;</a>",  # will_paginate
    "<a rel=next href='/list?page=2'>2</a> <a rel=next href='/list?page=2'>Next &rsaquo;</a>",  # kaminari
    "<a href='/list?page=2'>Next &raquo;</a>",  # Laravel
    "<a href='/list?page=2'>&rsaquo;</a>",
    "<a href='/list?page=2' rel=next><i class=icon></i></a>",
    "<a href='/list?page=2' aria-label='Next page'><i class=icon></i></a>",
    "<a href='/list?page=2' title=Next><i class=icon></i></a>",
    "<a href='/list?page=2'><img src=/n.png alt=Next></a>",
    "<link rel=next href='/list?page=2'>",
    "<base href='/x/'><a href='../list?page=2'>Next</a>",
)
NUMBERED = (
    "<div>&nbsp;Page:<b>[1]</b> <a href='/list?p=2'>2</a></div>",  # osTicket
    "<ul><li><a href='/list?page=1'>1</a></li><li><a href='/list?page=2'>2</a></li></ul>",  # Bootstrap
    "<table><tr><td>Page: [1] <a href='/list?p=2'>2</a></td></tr></table>",
    "<a href='/list/page/2'>Page 2</a>",
)


def paged(host: LiveHost, pager: str, then: str) -> Receipt | NotFound | CannotLook:
    """Look where the second page has this; a pager leads there by any of these addresses."""

    def list_of(handler: object) -> None:
        first = str(getattr(handler, "path", "")) == "/list"
        said(f"{HEAD}{OTHER}</table>{pager}" if first else f"{HEAD}{then}</table>")(handler)  # type: ignore[arg-type]

    return looked_up(host, {"GET /list": list_of, "GET /list/page/2": said(f"{HEAD}{then}</table>")})


@pytest.mark.parametrize("pager", NEXT)
@pytest.mark.e2e
@pytest.mark.enable_socket
def test_the_next_page_is_known_by_word_sign_or_markup(host: LiveHost, pager: str) -> None:
    found = paged(host, pager, OURS)
    assert isinstance(found, Receipt), found
    found = paged(host, pager, OTHER)
    assert isinstance(found, NotFound), found
    assert "(pages: 2)" in found.said


@pytest.mark.parametrize("pager", NUMBERED)
@pytest.mark.e2e
@pytest.mark.enable_socket
def test_a_number_leads_to_a_ticket_and_proves_nothing_without_one(host: LiveHost, pager: str) -> None:
    found = paged(host, pager, OURS)
    assert isinstance(found, Receipt), found
    found = paged(host, pager, OTHER)
    assert isinstance(found, CannotLook), found
    assert "only numbers lead to its other pages" in found.reason


@pytest.mark.parametrize(
    ("pager", "why"),
    [
        ("<a href='#'>Next</a>", "a script goes on"),
        ("<a href='javascript:more()'>Next</a>", "a script goes on"),
        ("<a href='https://x.invalid/list?page=2'>Next</a>", "at another place"),
        ("<button>Load more</button>", "behind the button 'Load more'"),
        ("<form action='/list'><input type=submit value='Next'></form>", "behind the button 'Next'"),
        ("<span onclick='more()'>Show more</span>", "behind the button 'Show more'"),
        ("<div role=button aria-label='Next page'></div>", "behind the button 'Next page'"),
        ("<a href='#'>Load more ...</a>", "behind the link 'Load more ...'"),
        ("<a href='/list?all=1'>Show all</a>", "behind the link 'Show all'"),
        ("<a href='/list?page=3'>3</a>", "behind the link 3"),
        ("<a href='#'>2</a>", "behind the link 2"),
        ("<a href='/list?page=2'>2</a><a href='/list?p=2'>2</a>", "behind the link 2"),
        ("<a href='/list?page=2'><i class=icon></i></a>", "behind the link 'without words'"),
        ("<a href='/list?page[after]=x'><i class=icon></i></a>", "behind the link 'without words'"),
        ("<p>Showing 1-1 of 57</p>", "the page says 'Showing 1-1 of 57'"),
        ("<p>Showing 1 to 10 of about 1,024 entries</p>", "1 were read"),
        ("<p>Showing 3-4 of 4</p>", "1 were read"),
        ("<p>Page 1 of 3</p>", "the page says 'Page 1 of 3'"),
        ("<p>Page 1/3</p>", "1 were read"),
        ("<p>57 tickets</p>", "1 were read"),
        ("<p>" + "x " * 260_000, "more on it than is read"),
        ("<a href=/x>x</a>" * 2001, "more on it than is read"),
        ("<ul><li>" + "<a href=/x>x</a>" * 21 + "</ul>", "more on it than is read"),
        ("<p>1 of 1</p>" * 2000, ""),
    ],
)
@pytest.mark.e2e
@pytest.mark.enable_socket
def test_a_list_that_may_go_on_proves_nothing(host: LiveHost, pager: str, why: str) -> None:
    found = paged(host, pager, OTHER)
    assert isinstance(found, CannotLook if why else NotFound), found
    assert why in repr(found).replace('"', "'")


@pytest.mark.parametrize(
    "beside",
    [
        "<ul><li class=disabled><a href='#'>Next</a></li></ul>",
        "<a href='#' aria-disabled=true>Next</a><button disabled>Load more</button>",
        "<a href='#'>1</a>",
        "<a href='/list?sort=subject'>Status</a><a href='/list?sort=x'><i class=icon></i></a>",
        "<p>Showing 1-1 of 1, page 1 of 1</p><p>1 ticket, 25 results per page</p>",
        "<button>Search</button><a href='/news/more'>Show all</a>",
        "<ul><li><a href='/tickets/9'>9</a><p><a href='/tickets/9'>3 of 4 pools</a></p></li></ul>",
    ],
)
@pytest.mark.e2e
@pytest.mark.enable_socket
def test_what_does_not_go_on_is_no_doubt(host: LiveHost, beside: str) -> None:
    found = paged(host, beside, OTHER)
    assert isinstance(found, NotFound), found


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_the_last_page_leads_back_only(host: LiveHost) -> None:
    back = "<a href='/list?page=1'>1</a> <a href='/list?page=2'>2</a> <a href='/list?page=1'><i></i></a>"
    found = paged(host, f"<a href='/list?page=2'>Next</a>{back}", f"{OTHER}</table>{back}<table>")
    assert isinstance(found, NotFound), found
    found = paged(host, "<a href='/list?page=2'>Next</a>", f"{OTHER}</table>Showing 2-2 of 3<table>")
    assert isinstance(found, CannotLook), found


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_a_key_that_stands_anywhere_is_not_absent(host: LiveHost) -> None:
    for row in (f"<tr><td><a href='/t.php?i=5'>5</a></td><td>{KEY}</td></tr>", f"<tr><td>{KEY}</td></tr>"):
        found = looked_up(host, {"GET /list": said(f"{HEAD}{OTHER}{row}</table>")})
        assert isinstance(found, CannotLook), found
        assert "but not as a ticket" in found.reason
    unknown = "<tr><td><a href='/t.php?i=5'>mail is down</a></td></tr>"
    found = looked_up(host, {"GET /list": said(f"{HEAD}{unknown}</table>No tickets need a reply")})
    assert isinstance(found, CannotLook), found


@pytest.mark.e2e
@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "page",
    [
        f"<p>No results</p>{HEAD}<tr><td><a href='t.php?i=5'>1</a></td><td>down [{KEY}]</td></tr></table>",
        f"<p>No results</p><div><a href='t.php?i=5'>down [{KEY}]</a></div>",
        f"<p>No results</p><div>[URGENT] down [{KEY}]</div>",
        f"<p>No results</p><div>down [{KEY}]</div>",
        "<p>No results</p><div>[URGENT] mail is do</div>",
        f"<p>No results</p>{HEAD}<tr><td><a href='t.php?i=5'>mail is do</a></td><td>Open</td></tr></table>",
        "<h2>Knowledge base</h2><p>No results</p><h2>Tickets</h2>",
    ],
)
def test_a_search_that_may_show_the_ticket_has_not_missed_it(host: LiveHost, page: str) -> None:
    found = looked_up(host, {"GET /s": said(page)}, search_address="/s?q={key}")
    assert isinstance(found, CannotLook), found


@pytest.mark.e2e
@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "page",
    [
        f"<p>You searched for {KEY}</p><p>No results</p>",
        f"<h1>Search results for {KEY}</h1><h2>Articles</h2><p>No results</p><p>No tickets</p>",
        f"<p>No results for {KEY}</p><ul><li><a href='/'>Home</a></li></ul>",
    ],
)
def test_a_search_that_says_so_has_nothing(host: LiveHost, page: str) -> None:
    found = looked_up(host, {"GET /s": said(page)}, search_address="/s?q={key}")
    assert isinstance(found, NotFound), found


def headed(name: str, value: str) -> Act:
    """Answer with one ticket as JSON and a header more."""

    def act(handler: Handler) -> None:
        handler.begin(200, "application/json", headers={name: value})
        handler.wfile.write(b'[{"title":"x"}]')

    return act


JSON_ENTRIES = (
    '{"id":13,"title":"a","created":"2026-11-25 12:00:00","html_url":"https://x.invalid/t/13"},'
    f'{{"id":14,"title":"down [{KEY}]","html_url":"/tickets/14"}}'
)
ROWS = "<tr><td><a href='/tickets/13'>12:00</a> <a href='/tickets/13#c'>12</a></td><td>12</td></tr>"


@pytest.mark.e2e
@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("key", "act", "number", "path"),
    [
        ("12", told(f"[{JSON_ENTRIES}]"), "", ""),
        ("13", told(f"[{JSON_ENTRIES}]"), "13", ""),
        ("14", told(f"[{JSON_ENTRIES}]"), "14", "/tickets/14"),
        (KEY, told(f"[{JSON_ENTRIES}]"), "14", "/tickets/14"),
        ("12", said(f"{HEAD}{ROWS}</table>"), "", ""),
        ("13", said(f"{HEAD}{ROWS}</table>"), "13", "/tickets/13"),
        ("T-9", said(f"{HEAD}{OTHER}</table>"), "T-9", "/ticket?ticket=T-9"),
        (
            "123456",
            said(f"{HEAD}{OTHER.replace('mail [IWX-0000]', '123456')}</table>"),
            "T-9",
            "",
        ),
        ("7", said(f"{HEAD}{OTHER.replace('mail [IWX-0000]', '#7')}</table>"), "T-9", ""),
    ],
)
def test_a_number_is_held_against_numbers_only(
    host: LiveHost, key: str, act: Act, number: str, path: str
) -> None:
    with OddDesk("good", acts={"GET /list": act}) as desk:
        transport = portal(
            host, desk, account=Credentials(USER, PASSWORD), login_address=f"{desk.url}/login",
            list_address=f"{desk.url}/list",
        )  # fmt: skip
        found = transport.look_up(key, limit_s=5)
        if not number:
            assert not isinstance(found, Receipt), found
            return
        assert isinstance(found, Receipt), found
        assert found.reference == number
        if path:
            assert found.url == f"{desk.url}{path}"


@pytest.mark.e2e
@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "act",
    [
        headed("Link", '</list?page=2>; rel="next"'),
        headed("X-Total-Count", "57"),
        told("[" + ",".join(['{"title":"x"}'] * 20) + "]"),
        told('{"data":[{"title":"x"}],"count":1,"links":{"next":"/2"}}'),
        told('{"data":[{"title":"x"}],"count":1,"has_more":true}'),
    ],
)
def test_a_part_of_a_list_as_json_proves_nothing(host: LiveHost, act: Act) -> None:
    found = looked_up(host, {"GET /list": act})
    assert isinstance(found, CannotLook), found
    assert "does not say if that is all" in found.reason
