"""A help desk that behaves badly in one way at a time: what real ones do on a bad day. See lab/README.md.

Its form is the support guide's. ``tickets`` is what it has accepted, ``requests`` what it was ever sent.
"""

from __future__ import annotations

import html
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from desk.odd_pages import LOGIN, Request, form_page, list_page, read_form, ticket_page

FORM = "/submit"
USER, PASSWORD = "server1", "not-a-real-secret-<7>"
RETRY_AFTER_S = 120
_DRIP_S = 0.1


class OddDesk:
    """One desk; a context that serves on loopback. ``elsewhere`` is an address that it sends people to.

    ``acts`` are done in place of all else, by method and path.
    """

    def __init__(
        self,
        behaviour: str,
        *,
        elsewhere: str = "",
        identity: Path | None = None,
        acts: dict[str, Act] | None = None,
    ) -> None:
        from desk.odd_behaviours import BEHAVIOURS

        if behaviour not in BEHAVIOURS:
            raise ValueError(f"no behaviour {behaviour!r}; there are {', '.join(BEHAVIOURS)}")
        self.behaviour = BEHAVIOURS[behaviour]
        self.elsewhere = elsewhere
        self.acts = self.behaviour.acts | (acts or {})
        self.requests: list[Request] = []
        self.tickets: list[dict[str, str]] = []
        self.replies: list[str] = []
        self.logins_count = 0
        self.stopping = threading.Event()
        handler = type("Serving", (Handler,), {"desk": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.scheme = "http"
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity)
            # In the thread of each connection: a client that refuses the certificate must not end the server.
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"

    def __enter__(self) -> Self:
        often = {"poll_interval": 0.02}
        threading.Thread(target=self.server.serve_forever, kwargs=often, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Return the address that it serves on."""
        name = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{name}:{self.server.server_address[1]}"

    @property
    def form(self) -> str:
        """Return the address of the form for a ticket."""
        return f"{self.url}{FORM}"

    @property
    def posts(self) -> list[Request]:
        """Return what was posted to the form."""
        return [one for one in self.requests if one.method == "POST" and one.path == FORM]


class Handler(BaseHTTPRequestHandler):
    desk: OddDesk
    request_: Request

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        self._take(b"")
        special = self.desk.behaviour.get
        if act := self.desk.acts.get(f"GET {self.request_.path}"):
            act(self)
        elif special is not None and self.request_.path == FORM:
            special(self)
        else:
            self.usual_page()

    def do_POST(self) -> None:
        early = self.desk.behaviour.unread
        if early is not None and urlsplit(self.path).path == FORM:
            self._take(b"")
            early(self)
            return
        self._take(self.rfile.read(int(self.headers["Content-Length"])))
        special = self.desk.behaviour.post
        if act := self.desk.acts.get(f"POST {self.request_.path}"):
            act(self)
        elif special is not None and self.request_.path == FORM:
            special(self)
        else:
            self.usual_answer()

    def _take(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.request_ = Request(str(self.command), parts.path, query, headers, body)
        read_form(self.request_, self.desk.behaviour.charset)
        self.desk.requests.append(self.request_)

    # What a well-behaved desk does

    def usual_page(self) -> None:
        path, query = self.request_.path, self.request_.query
        if path == FORM:
            self.page(self.desk.behaviour.form(self), cookies=True)
        elif path == "/login":
            self.page(LOGIN, cookies=True)
        elif path == "/ticket":
            self.page(ticket_page(self.desk.replies, query.get("ticket", "")))
        elif path == "/search":
            found = [one for one in self.desk.tickets if query.get("q", "?") in one["subject"]]
            self.page(list_page(found) if found else "<p>No results.</p>")
        elif path == "/list":
            self.page(list_page(self.desk.tickets))
        else:
            self.page("<h1>Not found</h1>", 404)

    def usual_answer(self) -> None:
        values = self.request_.values
        if self.request_.path == "/login":
            self.desk.logins_count += 1
            if (values.get("user"), values.get("pass")) == (USER, PASSWORD):
                self.away("/submit", {"Set-Cookie": f"session=s{self.desk.logins_count}; HttpOnly"})
            else:
                self.page(f'<p class="error">Wrong: {html.escape(str(values))}</p>{LOGIN}')
        elif self.request_.path == "/reply":
            self.desk.replies.append(values["text"])
            self.away(f"/ticket?ticket={values['ticket']}")
        elif values.get("csrf") != "t0k" or "csrf=t0k" not in self.request_.headers.get("cookie", ""):
            self.page("<h1>CSRF verification failed</h1>", 403)
        else:
            self.accept()
            self.away(f"/ticket?ticket=T-{len(self.desk.tickets)}")

    def accept(self) -> None:
        self.desk.tickets.append(self.request_.values)

    # Ways to answer

    def page(
        self,
        body: str,
        status: int = 200,
        *,
        cookies: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        charset = self.desk.behaviour.charset
        self.begin(status, f"text/html; charset={charset}", cookies=cookies, headers=headers)
        self.wfile.write(f"<!DOCTYPE html><html><body>{body}</body></html>".encode(charset))

    def begin(
        self, status: int, kind: str, *, cookies: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if cookies:
            self.send_header("Set-Cookie", "csrf=t0k")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def away(self, target: str, headers: dict[str, str] | None = None, status: int = 302) -> None:
        self.send_response(status)
        for name, value in {"Location": target, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def drip(self, piece: bytes = b"x") -> None:
        while not self.desk.stopping.wait(_DRIP_S):
            self.wfile.write(piece)
            self.wfile.flush()

    def pour(self) -> None:
        """Send for ever, as fast as it is taken."""
        while not self.desk.stopping.is_set():
            self.wfile.write(b"<p>more</p>" * 6000)


Act = Callable[[Handler], None]


@dataclass(frozen=True)
class Behaviour:
    """What is done in place of the usual: to a GET and a POST of the form, or to a POST that is not read.

    ``acts`` are done at other places.
    """

    form: Callable[[Handler], str] = lambda _: form_page()
    get: Act | None = None
    post: Act | None = None
    unread: Act | None = None
    charset: str = "utf-8"
    acts: dict[str, Act] = field(default_factory=dict)
