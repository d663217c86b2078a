"""In which ways the odd desk behaves badly, each by its name; acts of which a test makes its own."""

from __future__ import annotations

import gzip
import re
import socket

from desk.odd import FORM, RETRY_AFTER_S, Act, Behaviour, Handler
from desk.odd_pages import LABELS, LOGIN, form_page, read_form, row


def status(number: int, words: str = "Sorry", *, retry_after_s: int = 0) -> Act:
    """Answer with a status."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    return lambda handler: handler.page(f"<h1>{words}</h1>", number, headers=headers)


def _accepted_and(act: Act) -> Act:
    def both(handler: Handler) -> None:
        handler.accept()
        act(handler)

    return both


def _drop(handler: Handler) -> None:
    handler.close_connection = True


def _hang(handler: Handler) -> None:
    handler.desk.stopping.wait()


def _drip(handler: Handler) -> None:
    handler.begin(200, "text/html")
    handler.drip()


def _drip_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 302 Found\r\nX-Slow: ")
    handler.drip()


def _pour(handler: Handler) -> None:
    handler.begin(200, "text/html")
    handler.pour()


def _bomb(handler: Handler) -> None:
    handler.begin(200, "text/html", headers={"Content-Encoding": "gzip"})
    handler.wfile.write(gzip.compress(b"<p>x</p>" * 2_000_000))


def _cut(handler: Handler) -> None:
    handler.begin(200, "text/html", headers={"Content-Length": "5000"})
    handler.wfile.write(form_page().encode()[:900])


def _cut_confirmation(handler: Handler) -> None:
    handler.begin(200, "text/html", headers={"Content-Length": "5000"})
    handler.wfile.write(b"<p>Your ticket ")


def _elsewhere(handler: Handler) -> None:
    handler.away(f"{handler.desk.elsewhere}/ticket?ticket=T-1")


def to(target: str, status: int = 302) -> Act:
    """Lead to another page."""
    return lambda handler: handler.away(target, status=status)


def _round(handler: Handler) -> None:
    handler.away(f"{FORM}?round={len(handler.desk.requests)}")


def _again(handler: Handler, error: str) -> None:
    """Send the form again with what was sent in it, as help desks do."""
    filled = form_page().replace(
        "name='subject'", f"name='subject' value='{handler.request_.values['subject']}'"
    )
    handler.page(f"<ul class='errorlist'><li>{error}</li></ul>{filled}", cookies=True)


def _no_archive(handler: Handler) -> None:
    if handler.request_.files["file"][1]:
        _again(handler, "Unsupported file extension: .gz")
    else:
        handler.usual_answer()


def _lost_once(handler: Handler) -> None:
    """Lose the first session between the form and its answer."""
    if "session=s1" in handler.request_.headers.get("cookie", ""):
        handler.away("/login?next=/submit")
    else:
        handler.usual_answer()


def _only_logged_in(handler: Handler) -> None:
    _logged_in(Handler.usual_page)(handler)


def _show_form(handler: Handler) -> None:
    handler.page(form_page(action=FORM), cookies=True)


def _gone(handler: Handler) -> None:
    """Show the form, and take no connection after that."""
    handler.usual_page()
    handler.desk.server.socket.shutdown(socket.SHUT_RDWR)


def _too_large(handler: Handler) -> None:
    """Answer before the form is read, as servers do that know from its length that it is too large."""
    if handler.headers["Content-Length"] and int(handler.headers["Content-Length"]) > _LARGE_BYTES:
        handler.page("<h1>Too large</h1>", 413)
        handler.connection.shutdown(socket.SHUT_WR)
        while handler.rfile.read1(65536):
            pass
        handler.close_connection = True
    else:
        handler.request_.body = handler.rfile.read(int(handler.headers["Content-Length"]))
        read_form(handler.request_, handler.desk.behaviour.charset)
        handler.usual_answer()


def _stale_token(handler: Handler) -> str:
    """Give a token that does not count, the first time."""
    first = sum(one.method == "GET" for one in handler.desk.requests) == 1
    return form_page(token="old" if first else "t0k")


def _by_category(handler: Handler) -> str:
    """Ask for the category alone, then for the rest."""
    if handler.request_.query.get("category") == "Support":
        return form_page()
    return f"<form method='get'>{row('category')}<button>Next</button></form>"


def _by_script(_: Handler) -> str:
    """Show what is left of a form whose other fields a script adds when the category is chosen."""
    return form_page(names=("category", "subject", "message")) + "<script>addFields()</script>"


def _by_category_posted(_: Handler) -> str:
    """Ask for the category alone, by a form that is posted to another address."""
    return (
        "<form method='post' action='/step'><input type='hidden' name='step' value='2'>"
        f"{row('category')}<button>Next</button></form>"
    )


def _renamed(_: Handler) -> str:
    """Show the same form under other names, in another order, with other words and one field more."""
    phone = "<p><label for='i_phone'>Phone (optional)</label> <input id='i_phone' name='f9'></p>"
    page = form_page(phone, names=_OTHER_ORDER)
    for old, new in (
        *((f"name='{name}'", f"name='f{number}[x]'") for number, name in enumerate(LABELS)),
        (">Category<", ">Category of your request: *<"),
        (">IP Address or Hostname<", "><b>Server</b> IP address / hostname (required)<"),
        (">Message<", ">Please describe the problem<"),
        ("value='Urgent'>Urgent<", "value='5'>5. Urgent - services are down<"),
        ("value='Yes'>Yes<", "value='1'>Yes, it is enabled<"),
        ("value='Support'>Support<", "value='17'>Technical Support<"),
    ):
        page = page.replace(old, new)
    return page


def _hostile(handler: Handler) -> None:
    """Refuse the form with what a terminal, a log or a page could take for its own."""
    _again(
        handler, "\x1b]0;owned\x07\x1b[2J\u202eno\u202c &lt;script&gt; {{ 7*7 }}\r\nBcc: x@example.net\x00"
    )


def _logged_in(act: Act) -> Act:
    """Lead to the login those who are not logged in, and do this to the others."""
    return lambda handler: act(handler) if _session(handler) else handler.away("/login?next=/submit")


def _session(handler: Handler) -> bool:
    return "session=s" in handler.request_.headers.get("cookie", "")


def _login_elsewhere(handler: Handler) -> None:
    """Show a login whose password goes to another host."""
    handler.page(LOGIN.replace("/login", f"{handler.desk.elsewhere}/login"))


def said(words: str) -> Act:
    """Show a page with these words, or this markup."""
    return lambda handler: handler.page(f"<h1>Support</h1><p>{words}</p>")


def told(json: str) -> Act:
    """Answer with JSON."""

    def act(handler: Handler) -> None:
        handler.begin(200, "application/json")
        handler.wfile.write(json.encode())

    return act


_CAPTCHA = "<div class='g-recaptcha' data-sitekey='k'></div>"
_REQUIRED = "<p><label for='x'>Licence key *</label> <input id='x' name='x' required></p>"
_QUESTION = "<p><label for='q'>Security code</label> <input id='q' name='q'></p>"
_LARGE_BYTES = 1_000_000
_TERMS = "<p><label><input type='checkbox' name='terms' required> I accept the terms</label></p>"
_LOGIN_CAPTCHA = LOGIN.replace("<button>", f"{_CAPTCHA}<button>")
_OTHER_ORDER = ("priority", "assistance", "message", "subject", "place", "mail", "category", "file")
_PARTS = ("category", "assistance", "subject", "message", "priority", "mail", "file")
_POSTED_ELSEWHERE = Behaviour(form=lambda handler: form_page(action=f"{handler.desk.elsewhere}/submit"))

BEHAVIOURS: dict[str, Behaviour] = {
    "good": Behaviour(),
    # It says so in another way
    "said-200": Behaviour(post=_accepted_and(said("Your ticket has been created. Ticket number: T-1."))),
    "said-201": Behaviour(post=_accepted_and(to("/ticket?ticket=T-1", 201))),
    "thanks-200": Behaviour(post=_accepted_and(said("Thank you for your interest."))),
    "empty-200": Behaviour(post=_accepted_and(lambda handler: handler.begin(200, "text/html"))),
    "cut-200": Behaviour(post=_accepted_and(_cut_confirmation)),
    "by-category": Behaviour(form=_by_category),
    "by-category-posted": Behaviour(form=_by_category_posted, acts={"POST /step": _show_form}),
    "renamed": Behaviour(form=_renamed, post=_accepted_and(to("/ticket?ticket=T-1"))),
    "other-charset": Behaviour(charset="windows-1252"),
    # What only a person can do
    "captcha": Behaviour(form=lambda _: form_page(_CAPTCHA)),
    "captcha-question": Behaviour(form=lambda _: form_page(_QUESTION)),
    "captcha-after": Behaviour(post=lambda handler: handler.page(_CAPTCHA, 403)),
    "script-only": Behaviour(form=lambda _: "<div id='root'></div><script src='/app.js'></script>"),
    "script-fields": Behaviour(form=_by_script),
    "unknown-required": Behaviour(form=lambda _: form_page(_REQUIRED)),
    "field-missing": Behaviour(form=lambda _: form_page(names=_PARTS)),
    "terms": Behaviour(form=lambda _: form_page(_TERMS)),
    "by-get": Behaviour(form=lambda _: form_page().replace("method='post'", "method='get'")),
    "two-forms": Behaviour(form=lambda _: form_page() * 2),
    "switched-off": Behaviour(
        form=lambda _: form_page().replace("name='priority'", "name='priority' disabled")
    ),
    "damaged": Behaviour(form=lambda _: form_page().replace('name="campaign"', 'name="campaign')),
    "maintenance-200": Behaviour(get=said("We will be back soon.")),
    "two-subjects": Behaviour(form=lambda _: form_page(row("subject"))),
    "refused-200": Behaviour(post=lambda handler: _again(handler, "Enter a valid hostname.")),
    "hostile-error": Behaviour(post=_hostile),
    "no-archive": Behaviour(post=_no_archive),
    # Statuses
    "post-400": Behaviour(post=status(400)),
    "post-401": Behaviour(post=status(401)),
    "post-403": Behaviour(post=status(403)),
    "post-404": Behaviour(post=status(404)),
    "post-409": Behaviour(post=status(409)),
    "post-413": Behaviour(post=status(413)),
    "early-413": Behaviour(unread=_too_large),
    "post-422": Behaviour(post=status(422)),
    "post-429": Behaviour(post=status(429, retry_after_s=RETRY_AFTER_S)),
    "post-500": Behaviour(post=status(500)),
    "post-502": Behaviour(post=status(502)),
    "post-503": Behaviour(post=status(503, retry_after_s=RETRY_AFTER_S)),
    "error-200": Behaviour(post=status(200, "An unexpected error occurred")),
    "get-403": Behaviour(get=status(403)),
    "get-404": Behaviour(get=status(404)),
    "get-429": Behaviour(get=status(429, retry_after_s=RETRY_AFTER_S)),
    "get-500": Behaviour(get=status(500)),
    "get-503": Behaviour(get=status(503, retry_after_s=RETRY_AFTER_S)),
    # The line
    "gone": Behaviour(get=_gone),
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
    "post-login": Behaviour(post=to("/login?next=/submit")),
    "post-elsewhere": Behaviour(post=_elsewhere),
    "post-login-ticket": Behaviour(post=_accepted_and(to("/login?next=/ticket?ticket=T-1"))),
    "post-307": Behaviour(post=to("/submit2", 307)),
    "action-elsewhere": _POSTED_ELSEWHERE,
    # Login
    "login-elsewhere": Behaviour(get=_login_elsewhere),
    "login-captcha": Behaviour(get=lambda handler: handler.page(_LOGIN_CAPTCHA)),
    "login-by-get": Behaviour(get=lambda handler: handler.page(LOGIN.replace("'post'", "'get'"))),
    "login-again": Behaviour(get=lambda handler: handler.page(LOGIN)),
    # Session and token
    "session-lost-once": Behaviour(get=_only_logged_in, post=_lost_once),
    "session-lost-ticket": Behaviour(
        get=_only_logged_in, post=_accepted_and(to("/login?next=/ticket?ticket=T-1"))
    ),
    "session-lost": Behaviour(get=_only_logged_in, post=to("/login?next=/submit")),
    "token-missing": Behaviour(
        form=lambda _: re.sub(r'<input type="hidden" name="csrf"[^>]*>', "", form_page())
    ),
    "token-stale-once": Behaviour(form=_stale_token),
}
