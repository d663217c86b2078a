"""Secrets of the web and of connection strings: headers, cookies, URLs with a password, elements, forms."""

import re

from iwx_agent.redact import values
from iwx_agent.redact.named import CLOSERS, NAME, SEPARATOR, name_start
from iwx_agent.redact.names import harmless, kind_of
from iwx_agent.redact.page import Hit, Page
from iwx_agent.redact.rule import Rule, hide

_LOOKED_AHEAD_CHARACTERS = 512

# Connection strings


def _dsn(page: Page, found: re.Match[str]) -> Hit | None:
    """Hide from ``://user:`` to the last ``@``, whatever stands between: a password may hold an ``@``."""
    start = name_start(page, found.start())
    begins = not found[2] and page.line_begins(start, 24) is not None
    value = values.quoted(page, found.end(), whole_line=begins) or values.rest_of_line(page, found.end())
    end = min(value.end, value.start + _LONGEST_DSN)
    opened = _SCHEME.match(page.lowered, value.start, end)
    if opened is None:
        return None
    return hide(page, opened.end(), page.text.rfind("@", opened.end(), end))


_LONGEST_DSN = 2000
_SCHEME = re.compile(r"[a-z0-9_+.-]{1,40}+:(?://|\\{1,4}/\\{1,4}/)(?:[^\s:@/]{0,64}+:)?")

DSN = Rule(
    id="named-dsn",
    kind="structure",
    label="password",
    reason="a value named dsn, from the user to the last @",
    example='dsn="mysqli://iworx:not a/real\'secret@1@unix(/var/lib/mysql/mysql.sock)/iworx"',
    hides="not a/real'secret@1",
    counterexample='dsn="mysql:host=localhost;dbname=iworx_spam"',
    patterns=(re.compile(f"dsn({NAME})({CLOSERS}){SEPARATOR}"),),
    judge=_dsn,
)

_RUN = re.compile(r"[^\s\"'<>\x00]+")
_HOST = re.compile(r"unix\(|tcp\(|\[|[a-z0-9_.-]{1,255}+(?:[:/,?#)\\;%]|\Z)")
_NEXT_LINE = re.compile(r"\r?\n[ \t]{0,16}([^\s\"'<>@]{1,200}+)@(?:unix\(|tcp\(|\[|[a-z0-9_.-])")
_PORT = re.compile(r"[0-9]{0,5}+(?![^/?#,;:.)\]\\])")
_WEB = ("http", "https", "ws", "wss", "ftp", "ftps", "sftp")


def _userinfo(page: Page, found: re.Match[str]) -> Hit | None:
    """Hide what stands between the user and the last ``@`` before a host, or a token in the user's place."""
    start = found.end()
    if found.group().endswith("@"):
        return hide(page, found.start() + 3, start - 1)
    run = _RUN.match(page.lowered, start, start + _LOOKED_AHEAD_CHARACTERS)
    if run is None:
        return None
    told = run.group()
    scheme = page.lowered[max(0, found.start() - 8) : found.start()]
    if re.split(r"[^a-z]", scheme)[-1] in _WEB:
        told = re.split(r"[/?#\\]", told, maxsplit=1)[0]  # here a slash ends it; an @ may follow in the query
    at = told.rfind("@")
    for _ in range(8):
        if at <= 0 or _HOST.match(told, at + 1):
            break
        at = told.rfind("@", 0, at)
    if at > 0:
        return hide(page, start, start + at)
    wrapped = _NEXT_LINE.match(page.lowered, run.end())
    if wrapped:
        return hide(page, start, wrapped.end(1))
    cut = page.lowered[run.end() : run.end() + 1] in ("", "'", '"') and "@" not in run.group()
    return hide(page, start, run.end()) if cut and not _PORT.match(told) else None


_USER = r"[^\s:@/?#\"'<>%\\\[]{0,64}+"
USERINFO = Rule(
    id="url-password",
    kind="structure",
    label="password",
    reason="the password in scheme://user:password@host, up to the last @ before a host; a token alone, too",
    example="cannot connect to mysql://shop:not-a/real@secret-2@db/shop",
    hides="not-a/real@secret-2",
    counterexample="GET http://www.example.com:8080/?next=a@b HTTP/1.1, ssh://backup@backup1/srv",
    patterns=(
        re.compile(rf"://(?:{_USER}:|[a-z0-9_-]{{20,255}}+@)"),
        re.compile(rf":\\/\\/{_USER}:"),
    ),
    judge=_userinfo,
)

# Queries

_QUERY_NAMES = (
    r"(?:auth|sig|signature|x-amz-signature|code|sid|session|sess|jwt|otp|totp|pin|nonce|ticket|hmac)="
    r"(?=[^&\s])"
)


def _query(page: Page, found: re.Match[str]) -> Hit | None:
    value = values.query_part(page, found.end())
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless("token", "", told, bare=True, colon=False):
        return None
    return hide(page, value.start, value.end)


QUERY = Rule(
    id="url-query",
    kind="structure",
    label="token",
    reason="parts of a query that let somebody in: auth, code, session, sid, sig, ticket",
    example="GET /cron.php?sid=not-a-real-secret-4&page=2 HTTP/1.1",
    hides="not-a-real-secret-4",
    counterexample="GET /error.php?code=404&session=no HTTP/1.1",
    patterns=(re.compile(rf"\?{_QUERY_NAMES}"), re.compile(rf"&(?:amp;)?{_QUERY_NAMES}")),
    judge=_query,
)

# Headers

_SCHEME_WORD = re.compile(r"[a-z0-9-]{3,20}[ \t]{1,4}(?=\S)")


def _authorization(page: Page, found: re.Match[str]) -> Hit | None:
    value = _header_value(page, found)
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless("password", "authorization", told, bare=value.bare, colon=True):
        return None
    scheme = _SCHEME_WORD.match(page.lowered, value.start, value.end)
    start = scheme.end() if scheme else value.start
    if value.bare:
        value = values.with_what_was_cut_off(page, value)
    return hide(page, start, value.end)


def _header_value(page: Page, found: re.Match[str]) -> values.Value:
    """Return a header's value: in quotes, up to the quote before its name, or the rest of the line."""
    start = name_start(page, found.start())
    enclosed = values.quoted(page, found.end())
    if enclosed is not None:
        return enclosed
    mark = values.mark_before(page, start)
    if mark and not found[1]:
        return values.up_to(page, found.end(), mark)
    return values.rest_of_line(page, found.end())


AUTHORIZATION = Rule(
    id="authorization",
    kind="structure",
    label="authorization",
    reason="what follows Authorization: but for the scheme's name",
    example="Proxy-Authorization: Digest not-a-real-secret-5",
    hides="not-a-real-secret-5",
    counterexample="polkitd: Registered Authorization Agent for unix-process:812",
    patterns=(re.compile(f"authorization({CLOSERS}){SEPARATOR}(?=[^\\s])"),),
    judge=_authorization,
)

_SET_COOKIE = re.compile(r"\s{0,8}[^=;\s]{1,200}=([^;\n]*)")


def _cookie(page: Page, found: re.Match[str]) -> Hit | None:
    start = name_start(page, found.start())
    if start and page.text[start - 1] == "/":
        return None
    value = _header_value(page, found)
    if page.lowered.startswith("set-", start):
        first = _SET_COOKIE.match(page.text, value.start, value.end)
        return hide(page, *first.span(1)) if first else None
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless("password", "cookie", told, bare=value.bare, colon=True):
        return None
    if value.bare:
        value = values.with_what_was_cut_off(page, value)
    return hide(page, value.start, value.end)


COOKIE = Rule(
    id="cookie",
    kind="structure",
    label="cookie",
    reason="all of Cookie:, and the value of Set-Cookie: without its attributes",
    example="Set-Cookie: iworx=not-a-real-secret-6; Path=/; HttpOnly",
    hides="not-a-real-secret-6",
    counterexample="kernel: TCP: Possible SYN flooding on port 80. Sending cookies.",
    patterns=(re.compile(f"cookie({CLOSERS}){SEPARATOR}(?=[^\\s])"),),
    judge=_cookie,
)

# Elements and forms


def _element(page: Page, found: re.Match[str]) -> Hit | None:
    name = found[1].rpartition(":")[2]
    kind = kind_of(name)
    if not kind:
        return None
    value = values.up_to(page, found.end(), "</")
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless(kind, name, told, bare=True, colon=True):
        return None
    return hide(page, value.start, value.end)


ELEMENT = Rule(
    id="element",
    kind="structure",
    label="secret",
    reason="the text of an XML or HTML element with such a name",
    example="<ns:password type='text'>not-a-real-secret-7</ns:password>",
    hides="not-a-real-secret-7",
    counterexample="<title>NodeWorx</title><key>PRIMARY</key>",
    patterns=(re.compile(r"<([a-z][a-z0-9_:.-]{0,60}+)(?:[ \t][^<>\n]{0,200}+)?>\s{0,80}+(?=[^<\s])"),),
    judge=_element,
)

_VALUE = re.compile(r"value[\"'\\]{0,4}[ \t]{0,4}[:=]>?[ \t]{0,4}(?=[\\\"'])")
_FORM_VALUE = re.compile(r"\r?\n\r?\n(?=\S)")


def _pair(page: Page, found: re.Match[str]) -> Hit | None:
    kind = kind_of(found[1])
    if not kind:
        return None
    form = _FORM_VALUE.match(page.text, found.end())
    if form is not None:
        return hide(page, *values.rest_of_line(page, form.end())[:2])
    place = found.end()
    if found.group().startswith(("setenv", "fastcgi_param")):
        value = values.quoted(page, place) or values.rest_of_line(page, place)
        return _unless_harmless(page, value, kind, found[1])
    if not found.group().startswith("define"):
        placed = _VALUE.search(page.lowered, place, min(page.line_end(place), place + 160))
        place = placed.end() if placed else len(page.text)
    given = values.quoted(page, place)
    return _unless_harmless(page, given, kind, found[1]) if given else None


def _unless_harmless(page: Page, value: values.Value, kind: str, name: str) -> Hit | None:
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless(kind, name, told, bare=value.bare, colon=False):
        return None
    return hide(page, value.start, value.end)


PAIR = Rule(
    id="name-and-value",
    kind="structure",
    label="secret",
    reason='a value whose name stands beside it: name="password" value="...", also in a form that is sent',
    example='<param name="db_password" type="string" value="not-a-real-secret-8"/>',
    hides="not-a-real-secret-8",
    counterexample='<input type="hidden" name="action" value="login"/>',
    patterns=(
        re.compile(r"setenv[ \t]{1,8}([a-z0-9_]{1,80}+)[ \t]{1,8}(?=\S)"),
        re.compile(r"fastcgi_param[ \t]{1,8}([a-z0-9_]{1,80}+)[ \t]{1,8}(?=\S)"),
        re.compile(
            r"define\([ \t]{0,4}\\{0,8}[\"']([a-z0-9_.-]{1,80}+)\\{0,8}[\"'][ \t]{0,4},[ \t]{0,4}(?=[\\\"'])"
        ),
        re.compile(
            r"name[\"'\\]{0,4}[ \t]{0,4}[:=]>?[ \t]{0,4}\\{0,4}[\"']([a-z0-9_.\[\]-]{1,80}+)\\{0,4}[\"']"
        ),
    ),
    judge=_pair,
)

WEB = (DSN, USERINFO, QUERY, AUTHORIZATION, COOKIE, ELEMENT, PAIR)
