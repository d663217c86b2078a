"""Whatever a help desk answers, a delivery ends in one way, in time, and what it says is plain text."""

from collections.abc import Iterator
from typing import Any

import pytest
from desk.odd import PASSWORD, USER, Handler, OddDesk
from desk.odd_pages import LOGIN, form_page, list_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from letters import ending, kind_of, letter

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import CannotLook, Credentials, NotFound, Receipt, Undelivered

from .test_odd_desk import portal

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.timeout(120)]

STATUSES = (200, 302, 100, 201, 204, 304, 307, 400, 401, 403, 409, 413, 419, 429, 500, 503, 999)
HEADERS = (
    "Set-Cookie: csrf=t0k",
    "Set-Cookie: XSRF-TOKEN=%0d%0aX-Evil: 1",
    "Set-Cookie: XSRF-TOKEN=%E2%98%83",
    "Set-Cookie: a=\xff\xfe; Domain=evil.example",
    "Set-Cookie: \x1b=\x1b",
    "Location: /submit",
    "Location: /login",
    "Location: /ticket?ticket=T-1&x=\x1b[2J",
    "Location: http://[bad",
    "Location: \xe9\xff",
    "Location: //evil.example/x",
    "Location: http://127.0.0.1:99999/",
    "Retry-After: 99999999999999",
    "Retry-After: Fri, 99 Foo",
    "Content-Type: application/json",
    "Content-Type: text/html; charset=utf-16",
    "Content-Type: text/html; charset=\x00",
    "Content-Length: -1",
    "Content-Length: 10",
    "Content-Length: many",
    "Transfer-Encoding: chunked",
    "Content-Encoding: gzip",
    "Content-Encoding: br",
    "no colon",
    " folded",
)
BODIES = (
    "",
    form_page(),
    form_page(action="//evil.example/"),
    form_page(action="http://[bad"),
    form_page(action="\x00\x1b"),
    form_page().replace("name='subject'", "name='\x1b\u2603'"),
    f"<base href='http://[bad'>{form_page()}",
    f"<meta name=csrf-token content='\u2603'>{form_page()}",
    "<meta http-equiv=refresh content='0;url=http://[bad'>",
    LOGIN,
    "<a href='http://[bad'>Login</a>",
    "Your ticket has been created. Ticket number: T-1\x1b[2J",
    list_page([]),
    list_page([{"subject": "down [IWX-7f3a]"}]),
    "{}",
    "[1]",
    "\x00" * 99,
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Draw an answer as it goes over the wire: often the form, sometimes damaged."""
    headers = draw(st.lists(st.sampled_from(HEADERS), max_size=6))
    status, body = 200, form_page()
    if draw(st.booleans()):
        status, body = draw(st.sampled_from(STATUSES)), draw(st.sampled_from(BODIES))
    data = "\r\n".join((f"HTTP/1.1 {status} \x1bX", *headers, "", "")).encode("latin-1") + body.encode()
    if draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(data)))
        data = (
            data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.sampled_from((0, 1, 99999))) :]
        )
    return data


ANSWERS = st.lists(st.none() | answers(), max_size=6)  # to one request after the other; None: as usual
LIMIT_S = 3.0


class Odder(OddDesk):
    """A desk that answers in turn what it is told to."""

    def __init__(self, told: list[bytes | None]) -> None:
        super().__init__("good")
        self.told: Iterator[bytes | None] = iter(told)
        self.acts = _Each(self)


class _Each(dict[str, Any]):
    def __init__(self, desk: Odder) -> None:
        self.desk = desk

    def get(self, _: str, default: Any = None) -> Any:
        data = next(self.desk.told, None)

        def act(handler: Handler) -> None:
            handler.close_connection = True
            handler.wfile.write(data or b"")

        return act if data is not None else default


WHATEVER = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def places(desk: OddDesk, with_account: bool) -> dict[str, Any]:
    if not with_account:
        return {"search_address": f"{desk.url}/search?q={{key}}"}
    account = {"account": Credentials(USER, PASSWORD), "login_address": f"{desk.url}/login"}
    return account | {"list_address": f"{desk.url}/list"}


def plain(found: Receipt | Undelivered) -> bool:
    texts = (
        (found.said, found.url, found.reference) if isinstance(found, Receipt) else (found.where, found.why)
    )
    return all(text.isprintable() for text in texts)


@given(told=ANSWERS, with_account=st.booleans())
@WHATEVER
def test_a_ticket_ends_in_one_way_and_is_filed_once(
    host: LiveHost, told: list[bytes | None], with_account: bool
) -> None:
    with Odder(told) as desk:
        found = ending(portal(host, desk, **places(desk, with_account)), letter(), limit_s=LIMIT_S)
        assert plain(found)
        assert len(desk.tickets) <= 1
        if desk.tickets:  # nothing that was taken is called refused
            assert kind_of(found) in ("accepted", "uncertain")


@given(told=ANSWERS, with_account=st.booleans(), with_page=st.booleans())
@WHATEVER
def test_a_reply_ends_in_one_way(
    host: LiveHost, told: list[bytes | None], with_account: bool, with_page: bool
) -> None:
    with Odder(told) as desk:
        page = f"{desk.url}/ticket?ticket=T-1" if with_page else ""
        one = letter(reference="T-1", page=page, message="The web server is down as well.")
        found = ending(portal(host, desk, **places(desk, with_account)), one, limit_s=LIMIT_S)
        assert plain(found)
        assert len(desk.replies) <= 1


@given(told=ANSWERS, with_account=st.booleans())
@WHATEVER
def test_a_look_and_a_check_end(host: LiveHost, told: list[bytes | None], with_account: bool) -> None:
    with Odder(told) as desk:
        transport = portal(host, desk, **places(desk, with_account))
        looked = transport.look_up("IWX-7f3a", limit_s=LIMIT_S)
        assert isinstance(looked, (Receipt, NotFound, CannotLook))
        try:
            said = transport.check(limit_s=LIMIT_S).looking
        except Undelivered as error:
            said = f"{error.where}: {error.why}"
        assert said.isprintable()
        assert desk.tickets == []
