"""A help desk that behaves badly in one way at a time: what real ones do on a bad day. See lab/README.md.

Its form is the support guide's. ``tickets`` is what it has accepted, ``requests`` what it was ever sent.
"""

from __future__ import annotations

import gzip
import html
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from desk.odd_pages import LOGIN, Request, form_page, list_page, read_form, row, ticket_page

FORM = "/submit"
USER, PASSWORD = "server1", "not-a-real-secret-<7>"
RETRY_AFTER_S = 120
_DRIP_S = 0.1


class OddDesk:
    """One desk; a context that serves on loopback. ``elsewhere`` is an address that it sends people to."""

    def __init__(self, behaviour: str, *, elsewhere: str = "", identity: Path | None = None) -> None:
        if behaviour not in BEHAVIOURS:
            raise ValueError(f"no behaviour {behaviour!r}; there are {', '.join(BEHAVIOURS)}")
        self.behaviour = BEHAVIOURS[behaviour]
        self.elsewhere = elsewhere
        self.requests: list[Request] = []
        self.tickets: list[dict[str, str]] = []
        self.replies: list[str] = []
        self.logins_count = 0
        self.stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"desk": self})
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


class _Handler(BaseHTTPRequestHandler):
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
        if special is not None and self.request_.path == FORM:
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
        if special is not None and self.request_.path == FORM:
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


# Bad behaviours

Act = Callable[[_Handler], None]


@dataclass(frozen=True)
class Behaviour:
    """What is done in place of the usual: to a GET and a POST of the form, or to a POST that is not read."""

    form: Callable[[_Handler], str] = lambda _: form_page()
    get: Act | None = None
    post: Act | None = None
    unread: Act | None = None
    charset: str = "utf-8"


def _status(status: int, words: str = "Sorry", *, retry_after_s: int = 0) -> Act:
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    return lambda handler: handler.page(f"<h1>{words}</h1>", status, headers=headers)


def _accepted_and(act: Act) -> Act:
    def both(handler: _Handler) -> None:
        handler.accept()
        act(handler)

    return both


def _drop(handler: _Handler) -> None:
    handler.close_connection = True


def _hang(handler: _Handler) -> None:
    handler.desk.stopping.wait()


def _drip(handler: _Handler) -> None:
    handler.begin(200, "text/html")
    handler.drip()


def _drip_head(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 302 Found\r\nX-Slow: ")
    handler.drip()


def _pour(handler: _Handler) -> None:
    handler.begin(200, "text/html")
    handler.pour()


def _bomb(handler: _Handler) -> None:
    handler.begin(200, "text/html", headers={"Content-Encoding": "gzip"})
    handler.wfile.write(gzip.compress(b"<p>x</p>" * 2_000_000))


def _cut(handler: _Handler) -> None:
    handler.begin(200, "text/html", headers={"Content-Length": "5000"})
    handler.wfile.write(form_page().encode()[:900])


def _cut_confirmation(handler: _Handler) -> None:
    handler.begin(200, "text/html", headers={"Content-Length": "5000"})
    handler.wfile.write(b"<p>Your ticket ")


def _elsewhere(handler: _Handler) -> None:
    handler.away(f"{handler.desk.elsewhere}/ticket?ticket=T-1")


def _to(target: str, status: int = 302) -> Act:
    return lambda handler: handler.away(target, status=status)


def _round(handler: _Handler) -> None:
    handler.away(f"{FORM}?round={len(handler.desk.requests)}")


def _again(handler: _Handler, error: str) -> None:
    """Send the form again with what was sent in it, as help desks do."""
    filled = form_page().replace(
        "name='subject'", f"name='subject' value='{handler.request_.values['subject']}'"
    )
    handler.page(f"<ul class='errorlist'><li>{error}</li></ul>{filled}", cookies=True)


def _no_archive(handler: _Handler) -> None:
    if handler.request_.files["file"][1]:
        _again(handler, "Unsupported file extension: .gz")
    else:
        handler.usual_answer()


def _lost_once(handler: _Handler) -> None:
    """Lose the first session between the form and its answer."""
    if "session=s1" in handler.request_.headers.get("cookie", ""):
        handler.away("/login?next=/submit")
    else:
        handler.usual_answer()


def _only_logged_in(handler: _Handler) -> None:
    if "session=s" in handler.request_.headers.get("cookie", ""):
        handler.usual_page()
    else:
        handler.away("/login?next=/submit")


def _stale_token(handler: _Handler) -> str:
    """Give a token that does not count, the first time."""
    first = sum(one.method == "GET" for one in handler.desk.requests) == 1
    return form_page(token="old" if first else "t0k")


def _by_category(handler: _Handler) -> str:
    """Ask for the category alone, then for the rest."""
    if handler.request_.query.get("category") == "Support":
        return form_page()
    return f"<form method='get'>{row('category')}<button>Next</button></form>"


def _by_script(_: _Handler) -> str:
    """Show what is left of a form whose other fields a script adds when the category is chosen."""
    return form_page(names=("category", "subject", "message")) + "<script>addFields()</script>"


def _said(words: str) -> Act:
    return lambda handler: handler.page(f"<h1>Support</h1><p>{words}</p>")


_CAPTCHA = "<div class='g-recaptcha' data-sitekey='k'></div>"
_REQUIRED = "<p><label for='x'>Licence key *</label> <input id='x' name='x' required></p>"
_QUESTION = "<p><label for='q'>Security code</label> <input id='q' name='q'></p>"
_PARTS = ("category", "assistance", "subject", "message", "priority", "mail", "file")
_POSTED_ELSEWHERE = Behaviour(form=lambda handler: form_page(action=f"{handler.desk.elsewhere}/submit"))

BEHAVIOURS: dict[str, Behaviour] = {
    "good": Behaviour(),
    # It says so in another way
    "said-200": Behaviour(post=_accepted_and(_said("Your ticket has been created. Ticket number: T-1."))),
    "said-201": Behaviour(post=_accepted_and(_to("/ticket?ticket=T-1", 201))),
    "thanks-200": Behaviour(post=_accepted_and(_said("Thank you for your interest."))),
    "empty-200": Behaviour(post=_accepted_and(lambda handler: handler.begin(200, "text/html"))),
    "cut-200": Behaviour(post=_accepted_and(_cut_confirmation)),
    "by-category": Behaviour(form=_by_category),
    "other-charset": Behaviour(charset="windows-1252"),
    # What only a person can do
    "captcha": Behaviour(form=lambda _: form_page(_CAPTCHA)),
    "captcha-question": Behaviour(form=lambda _: form_page(_QUESTION)),
    "captcha-after": Behaviour(post=lambda handler: handler.page(_CAPTCHA, 403)),
    "script-only": Behaviour(form=lambda _: "<div id='root'></div><script src='/app.js'></script>"),
    "script-fields": Behaviour(form=_by_script),
    "unknown-required": Behaviour(form=lambda _: form_page(_REQUIRED)),
    "field-missing": Behaviour(form=lambda _: form_page(names=_PARTS)),
    "two-subjects": Behaviour(form=lambda _: form_page(row("subject"))),
    "refused-200": Behaviour(post=lambda handler: _again(handler, "Enter a valid hostname.")),
    "no-archive": Behaviour(post=_no_archive),
    # Statuses
    "post-400": Behaviour(post=_status(400)),
    "post-401": Behaviour(post=_status(401)),
    "post-404": Behaviour(post=_status(404)),
    "post-409": Behaviour(post=_status(409)),
    "post-413": Behaviour(post=_status(413)),
    "post-422": Behaviour(post=_status(422)),
    "post-429": Behaviour(post=_status(429, retry_after_s=RETRY_AFTER_S)),
    "post-500": Behaviour(post=_status(500)),
    "post-502": Behaviour(post=_status(502)),
    "post-503": Behaviour(post=_status(503, retry_after_s=RETRY_AFTER_S)),
    "error-200": Behaviour(post=_status(200, "An unexpected error occurred")),
    "get-404": Behaviour(get=_status(404)),
    "get-429": Behaviour(get=_status(429, retry_after_s=RETRY_AFTER_S)),
    "get-500": Behaviour(get=_status(500)),
    "get-503": Behaviour(get=_status(503, retry_after_s=RETRY_AFTER_S)),
    # The line
    "drop-unread": Behaviour(unread=_drop),
    "drop-before": Behaviour(post=_drop),
    "drop-after": Behaviour(post=_accepted_and(_drop)),
    "hang-unread": Behaviour(unread=_hang),
    "hang-after": Behaviour(post=_accepted_and(_hang)),
    "drip-after": Behaviour(post=_accepted_and(_drip)),
    "drip-head": Behaviour(post=_accepted_and(_drip_head)),
    "endless-after": Behaviour(post=_accepted_and(_pour)),
    "get-drop": Behaviour(get=_drop),
    "get-hang": Behaviour(get=_hang),
    "get-drip": Behaviour(get=_drip),
    "get-endless": Behaviour(get=_pour),
    "get-bomb": Behaviour(get=_bomb),
    "get-cut": Behaviour(get=_cut),
    # Redirects
    "get-login": Behaviour(get=_only_logged_in),
    "get-elsewhere": Behaviour(get=_elsewhere),
    "get-round": Behaviour(get=_round),
    "post-login": Behaviour(post=_to("/login?next=/submit")),
    "post-elsewhere": Behaviour(post=_elsewhere),
    "post-307": Behaviour(post=_to("/submit2", 307)),
    "action-elsewhere": _POSTED_ELSEWHERE,
    # Session and token
    "session-lost-once": Behaviour(get=_only_logged_in, post=_lost_once),
    "session-lost": Behaviour(get=_only_logged_in, post=_to("/login?next=/submit")),
    "token-missing": Behaviour(
        form=lambda _: re.sub(r'<input type="hidden" name="csrf"[^>]*>', "", form_page())
    ),
    "token-stale-once": Behaviour(form=_stale_token),
}
