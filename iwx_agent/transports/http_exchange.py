"""One HTTP request with ``requests`` over a wire that is connected already: all of it ends at one deadline.

``requests`` limits each read, never the whole: a server that sends a byte a second held one with a limit of
3 s for 230 s. The wire limits the whole, and this adapter makes ``requests`` use it.
"""

from typing import TYPE_CHECKING, Any

import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from iwx_agent.host.contract import HostError
from iwx_agent.transports.wire import Wire

if TYPE_CHECKING:
    from requests.cookies import RequestsCookieJar

_ANSWER = "answer"


class Answer(Struct, frozen=True, kw_only=True):
    """Status, headers with names in lower case, the start of the body; whether all had been sent before.

    ``torn`` says why the body is not whole; empty when it is, or when only ``max_bytes`` of it were wanted.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    sent_whole: bool
    torn: str = ""


class LostError(Exception):
    """There was no answer; ``sent`` says whether the request was sent whole, and may have been obeyed."""

    def __init__(self, why: str, *, sent: bool) -> None:
        self.why = why
        self.sent = sent
        super().__init__(why)


def exchange(
    wire: Wire,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    *,
    max_bytes: int,
    cookies: "RequestsCookieJar | None" = None,
) -> Answer:
    """Send one request and return its answer.

    Without a session of ``requests``: nothing of the environment is used, no redirect is followed or read.
    ``cookies`` are sent along, and those of the answer put into them.

    Raises:
        LostError: when no whole head of an answer came.
    """
    adapter = _WireAdapter(wire)
    usual = {"Connection": "close", "Accept-Encoding": "identity"}
    asked = requests.Request(method, url, headers=headers | usual, data=body or None, cookies=cookies)
    try:
        request = asked.prepare()
        got = adapter.send(request, stream=True)
    except HostError as error:
        raise LostError(error.reason, sent=adapter.sent_whole) from None
    except (requests.RequestException, UnicodeError) as error:
        raise LostError(_why(error), sent=adapter.sent_whole) from None
    # http.client takes the end of the connection for the end of the head
    if wire.last_line not in (b"\r\n", b"\n"):
        raise LostError("the connection was closed in the middle of the answer", sent=adapter.sent_whole)
    if cookies is not None:
        cookies.update(got.cookies)
    start, torn = _start_of(got, max_bytes)
    return Answer(
        status=got.status_code,
        headers={name.lower(): value for name, value in got.headers.items()},
        body=start,
        sent_whole=adapter.sent_whole,
        torn=torn,
    )


def _start_of(got: requests.Response, max_bytes: int) -> tuple[bytes, str]:
    """Return the start of the body, and why it ends before its end; the status has been said, and counts."""
    from urllib3.exceptions import HTTPError

    data = bytearray()
    try:
        while len(data) < max_bytes:
            piece = got.raw.read1(max_bytes - len(data), decode_content=False)
            if not piece:
                break
            data += piece
    except HostError as error:
        return bytes(data), error.reason
    except HTTPError as error:
        return bytes(data), f"closed before its end ({type(error).__name__})"
    return bytes(data), ""


def _why(error: requests.RequestException | UnicodeError) -> str:
    """Return in few words what went wrong, without the URL, which ``requests`` puts into its own."""
    inner: BaseException = error
    for _ in range(8):
        reason = getattr(inner, "reason", None) or next(
            (one for one in inner.args if isinstance(one, BaseException)),
            inner.__cause__ or inner.__context__,
        )
        if not isinstance(reason, BaseException):
            break
        inner = reason
    closed = isinstance(inner, ConnectionError) or type(inner).__name__ == "RemoteDisconnected"
    return (
        "the connection was closed without an answer"
        if closed
        else f"no HTTP answer ({type(inner).__name__})"
    )


class _Connection(HTTPConnection):
    """A connection that is the wire; it notes when all has been sent."""

    wire: Wire
    cut = False

    def connect(self) -> None:
        vars(self)["sock"] = self.wire

    def send(self, data: Any) -> None:
        """Send; of a peer that has closed meanwhile the answer is read all the same: it may say why."""
        self.wire.stage = "sending of the request"
        if self.sock is None:
            self.connect()
        try:
            super().send(data)
        except HostError as error:
            if error.kind != "closed":
                raise
            self.cut = True
            raise BrokenPipeError from None  # which urllib3 takes as: now read the answer

    def getresponse(self) -> Any:
        self.wire.stage = _ANSWER
        return super().getresponse()


class _WireAdapter(HTTPAdapter):
    """Gives ``requests`` a pool of one connection: the wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._made: _Connection | None = None
        super().__init__(max_retries=0)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Do nothing: the wire has verified."""

    @property
    def sent_whole(self) -> bool:
        """Return whether all of the request had been taken by the kernel."""
        return self._wire.stage == _ANSWER and self._made is not None and not self._made.cut

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> HTTPConnectionPool:
        from urllib.parse import urlsplit

        parts = urlsplit(str(request.url))
        pool = HTTPConnectionPool(parts.hostname or "", parts.port, maxsize=1)
        pool.ConnectionCls = self._connection  # type: ignore[assignment] # it is only ever called
        self._secure = parts.scheme == "https"
        return pool

    def _connection(self, **options: Any) -> _Connection:
        made = _Connection(**options)
        made.wire = self._wire
        if self._secure:
            vars(made)["default_port"] = 443  # what the Host header leaves out
        self._made = made
        return made
