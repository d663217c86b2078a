"""What an address of the portal says by itself: a ticket's page and its number, or a login page. Pure."""

import re
from urllib.parse import parse_qsl, urlsplit

from iwx_agent.transports.portal.settings import join
from iwx_agent.transports.portal.words import one_line

# These name a ticket wherever they stand, as in /?tid=77; "ticket" may be a flag, as in /thanks?ticket=1
_SURE_PARAMETERS = (
    "tid",
    "ticketid",
    "ticketnumber",
    "ticketno",
    "caseid",
    "casenumber",
    "trackid",
    "requestid",
)
_PARAMETERS = (*_SURE_PARAMETERS, "ticket", "case")
_FIELDS_COUNT = 50
# "step2" is no ticket's number, "ts-2" is; 0 is what a store answers that has failed
REFERENCE = (
    r"(?!(?:step|page|part|stage|phase|form|tab|new|add|create|submit|confirm|preview|thanks|done|edit|v)"
    r"[-_]?[0-9])(?![A-Za-z]{0,10}[-_#]?0+(?![A-Za-z0-9_-]))"
    r"[A-Za-z]{0,10}[-_#]?[0-9][A-Za-z0-9_-]{0,40}"
)
_WHOLE = re.compile(REFERENCE, re.IGNORECASE)
_TICKET_PATH = re.compile(
    r"/(?:tickets?|requests?|cases?|issues?)(?:/(?:view|show|details?|thread|display))?/([^/]{1,500})/?$",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\.[a-z]{2,5}$", re.IGNORECASE)
# 812-mail-is-down: the number, then what it is about, in words
_SLUG = re.compile(r"([0-9]{1,12})-(?=.*[a-z]{2})")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TICKET_SCRIPT = re.compile(
    r"(?:view|show|display|detail)[_-]?(?:ticket|case|request)|(?:ticket|case)s?[/_-]?(?:view|show|detail)"
    r"|/(?:ticket|case|request|issue)s?(?:\.[a-z]{2,5})?/?$",
    re.IGNORECASE,
)
_VIEW = re.compile(r"/(?:view|show|display|details?|thread)(?:\.[a-z]{2,5})?/?$", re.IGNORECASE)
_LOGIN_SEGMENT = re.compile(
    r"(?:log[-_]?[io]n|sign[-_]?in|authenticate|auth|sso)(?:\.[a-z]{2,5})?", re.IGNORECASE
)


def reference_in(url: str, *, sure: bool = False) -> str:
    """Return the ticket's number in the address of its page; empty when it is no such page.

    Of a link in a list of tickets it is the number anyway. Where the address alone has to tell (``sure``),
    a bare number counts only where the path or the parameter is that of a ticket's page.

    >>> reference_in("https://example.com/view/?ticket=ts-1&key=k")
    'ts-1'
    >>> reference_in("https://example.com/tickets/812-users-cannot-log-in")
    '812'
    >>> reference_in("https://example.com/thanks?ticket=1", sure=True)
    ''
    """
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query.replace(";", "&"), max_num_fields=_FIELDS_COUNT)
    except ValueError:
        return ""
    found = _TICKET_PATH.search(parts.path)
    if found and (number := _in_segment(found[1])):
        return number
    script = bool(_TICKET_SCRIPT.search(parts.path))
    if not script and _is_login_path(parts.path):
        return ""
    page = script or bool(_VIEW.search(parts.path))
    for name, value in query:
        plain = name.lower().replace("_", "").replace("-", "")
        known = plain in _PARAMETERS or (script and plain in ("id", "number", "no"))
        doubtful = sure and value.isdecimal() and not page and plain not in _SURE_PARAMETERS
        if known and not doubtful and _WHOLE.fullmatch(value):
            return value
    return ""


def _in_segment(segment: str) -> str:
    """Return the number in the last part of a ticket's path, which may have words, too."""
    bare = _EXTENSION.sub("", segment)
    slug = None if _UUID.fullmatch(bare) else _SLUG.match(bare)
    number = slug[1] if slug else bare
    return number if _WHOLE.fullmatch(number) else ""


def _is_login_path(path: str, beside: str = "") -> bool:
    """Return whether a word for logging in is a whole part of a path, below what it shares with another."""
    parts = path.split("/")
    folder = beside.split("/")[:-1]
    shared_count = 0
    while shared_count < len(folder) and parts[shared_count : shared_count + 1] == [folder[shared_count]]:
        shared_count += 1
    return any(_LOGIN_SEGMENT.fullmatch(part) for part in parts[shared_count:])


def is_login(url: str, beside: str = "") -> bool:
    """Return whether an address is that of a login page, by its path.

    All of a portal may lie below /auth/: what the path shares with that of ``beside``, a page that is none,
    does not count.

    >>> page = "https://example.com/auth/new"
    >>> is_login("https://example.com/auth/login", page), is_login("https://example.com/auth/7", page)
    (True, False)
    """
    return _is_login_path(urlsplit(url).path, urlsplit(beside).path)


def ticket_after(login: str) -> str:
    """Return the number of the ticket that a login page leads to; empty when it leads to none."""
    found = (reference_in(after) for after in _after(login))
    return next(filter(None, found), "")


def leads_past(login: str, *known: str) -> str:
    """Return the path, other than these addresses', that a login page leads to; empty when there is none."""
    paths = {urlsplit(url).path.rstrip("/") for url in known}
    after = (urlsplit(url).path for url in _after(login))
    return next((one_line(path) for path in after if path.rstrip("/") not in paths), "")


def _after(login: str) -> list[str]:
    """Return the addresses in the query of a login page."""
    values = (value for _, value in parse_qsl(urlsplit(login).query[:2000]))
    return [join(login, value) for value in values if "/" in value or "?" in value]


def without_query(url: str) -> str:
    """Return an address as it may be shown: what is in its query can be a secret."""
    parts = urlsplit(url)
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")[:200]
