"""A ticket as JSON to a URL, signed, and with a key by which the receiver knows it again.

Sources: RFC 9110 (status codes, Retry-After), draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import hmac
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from msgspec import Struct

from iwx_agent import __version__
from iwx_agent.host.contract import Host, HostError
from iwx_agent.host.deadline import Deadline
from iwx_agent.transports.contract import (
    CannotLook,
    Credentials,
    Letter,
    NotFound,
    Receipt,
    Undelivered,
)
from iwx_agent.transports.said import looked_up, receipt, said_in
from iwx_agent.transports.wire import Wire, is_loopback, not_sent
from iwx_agent.transports.wording import as_json, letter_id, plain_key

if TYPE_CHECKING:
    from iwx_agent.transports.http_exchange import Answer

_ANSWER_MAX_BYTES = 256 * 1024
_BODY_MAX_BYTES = 64 * 1024
_LONGEST_WAIT_S = 24 * 3600.0
_COME_BACK = (408, 425, 429)
_ANSWER_LOST = (502, 504)  # a proxy's words for "it was passed on, and no answer came"


class WebhookSettings(Struct, frozen=True, kw_only=True):
    """Where it is sent. ``look_up_url`` has ``{key}`` in it, and is where a ticket can be asked for.

    ``allow_plain`` allows ``http`` to another machine; ``authorities`` is a PEM file that is trusted instead
    of the system's.
    """

    url: str
    look_up_url: str = ""
    authorities: str = ""
    allow_plain: bool = False


class _Target(NamedTuple):
    scheme: str
    name: str
    port: int

    @property
    def shown(self) -> str:
        """The URL without its path, which may hold a secret."""
        return f"{self.name}:{self.port}"


class WebhookTransport:
    """Sends a POST for each letter. The secret of the credentials signs it."""

    name = "webhook"

    def __init__(self, host: Host, settings: WebhookSettings, credentials: Credentials | None = None) -> None:
        self._host = host
        self._settings = settings
        self._credentials = credentials or Credentials("", "")

    def outgoing(self, letter: Letter) -> bytes:
        """Return the body as it is sent."""
        return as_json(letter)

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Send one POST; a status of 2xx is the only sign of acceptance, or 409 for this very letter."""
        deadline = Deadline(limit_s)
        target = self._target(self._settings.url)
        where = f"webhook, {target.shown}"
        body, identity = self.outgoing(letter), letter_id(letter)
        now_at = self._host.clock().now_at
        headers = self._headers(body, now_at) | {
            "Content-Type": "application/json",
            "Idempotency-Key": identity,
        }
        with self._wire(deadline, where) as wire:
            answer = self._exchanged(wire, target, "POST", self._settings.url, headers, body)
        return receipt_of(answer, where, identity, now_at)

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Ask the receiver, where it is said how; only an answer that names the key counts."""
        if not self._settings.look_up_url:
            return CannotLook(reason="no look_up_url is set")
        deadline = Deadline(limit_s)
        identity = plain_key(key)
        url = self._settings.look_up_url.replace("{key}", quote(identity, safe=""))
        try:
            target = self._target(url)
            headers = self._headers(b"", self._host.clock().now_at)
            with self._wire(deadline, f"webhook, {target.shown}") as wire:
                answer = self._exchanged(wire, target, "GET", url, headers, b"")
        except (Undelivered, HostError) as error:
            return CannotLook(reason=str(error))
        said = said_in(answer.body) if answer.status in (200, 404) else None
        return looked_up(self.name, said, identity, f"webhook, {target.shown}", f"status {answer.status}")

    def _target(self, url: str) -> _Target:
        """Return where a URL leads.

        Raises:
            Undelivered: ``permanent`` when it is none that is used here; never with the URL in it.
        """
        why, parts, port = "", None, None
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            why = "the URL cannot be understood"
        name = (parts.hostname or "") if parts else ""
        if parts is None or why:
            pass
        elif parts.scheme not in ("http", "https") or not name or not all("!" <= c <= "~" for c in url):
            why = "the URL is not a plain http or https URL"
        elif parts.username is not None:
            why = "the URL holds a user or a password"
        elif parts.scheme == "http" and not self._settings.allow_plain and not is_loopback(name):
            why = "the ticket would go over the network in plain text: use https, or allow_plain"
        if why or parts is None:
            raise Undelivered("permanent", "webhook", why, next_step="set another url for the webhook")
        return _Target(parts.scheme, name, port or {"http": 80, "https": 443}[parts.scheme])

    def _headers(self, body: bytes, now_at: float) -> dict[str, str]:
        headers = {"User-Agent": f"iwx-agent/{__version__}", "Accept": "application/json"}
        if self._credentials:
            headers["X-Iwx-Signature"] = signature(body, int(now_at), self._credentials)
        return headers

    def _wire(self, deadline: Deadline, where: str) -> Wire:
        return Wire(self._host, deadline, where, max_bytes=_ANSWER_MAX_BYTES)

    def _exchanged(
        self, wire: Wire, target: _Target, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> "Answer":
        from iwx_agent.transports.http_exchange import LostError, exchange

        where = f"webhook, {target.shown}"
        try:
            wire.connect(target.name, target.port)
            if target.scheme == "https":
                wire.start_tls(target.name, self._settings.authorities)
        except HostError as error:
            raise not_sent(error, where) from None
        try:
            return exchange(wire, method, url, headers, body, max_bytes=_BODY_MAX_BYTES)
        except LostError as error:
            raise Undelivered("uncertain" if error.sent else "later", where, error.why) from None


def signature(body: bytes, now_at: int, credentials: Credentials) -> str:
    """Return the value of X-Iwx-Signature: HMAC-SHA-256 over the time, a dot, and the body."""
    message = b"%d." % now_at + body
    return f"t={now_at},v1={hmac.new(credentials.secret.encode(), message, hashlib.sha256).hexdigest()}"


def receipt_of(answer: "Answer", where: str, identity: str, now_at: float) -> Receipt:
    """Return what an answer to a POST means. Pure.

    Raises:
        Undelivered: for every answer that is no sign of acceptance.
    """
    status = answer.status
    said = said_in(answer.body)
    shown = f"status {status}"
    if 200 <= status <= 299:
        if not answer.sent_whole:
            raise Undelivered("uncertain", where, f"{shown} before all was sent", page=answer.body)
        return receipt("webhook", said, shown)
    if status == 409:
        if said is not None and said.key == identity:
            return receipt("webhook", said, f"{shown}: it has this one already")
        raise Undelivered("uncertain", where, f"{shown}, without the letter's key", page=answer.body)
    if 300 <= status <= 399:
        why = f"{shown}: redirects are not followed"
        raise Undelivered("permanent", where, why, next_step="set the final url", page=answer.body)
    if status in _COME_BACK or 500 <= status <= 599:
        kind: Literal["uncertain", "later"] = "uncertain" if status in _ANSWER_LOST else "later"
        wait_s = retry_after_s(answer.headers.get("retry-after", ""), now_at)
        raise Undelivered(kind, where, shown, retry_after_s=wait_s, page=answer.body)
    if not 200 <= status <= 599:
        raise Undelivered("uncertain", where, f"{shown}, which no HTTP server ends with", page=answer.body)
    step = "look at the url, the secret, and what the receiver says of it"
    if status == 413:
        step = "send it without attachments"
    raise Undelivered("permanent", where, shown, next_step=step, page=answer.body)


def retry_after_s(value: str, now_at: float) -> float:
    """Return the seconds that a Retry-After asks to wait, a day at most; 0 for what is none."""
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _LONGEST_WAIT_S)
    from email.utils import parsedate_to_datetime

    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0.0
    if until.tzinfo is None:
        return 0.0
    return min(max(until.timestamp() - now_at, 0.0), _LONGEST_WAIT_S)
