"""Requests and answers within one deadline for all of them, bounded in size, to one origin only."""

import zlib
from urllib.parse import unquote, urlsplit

import requests
from msgspec import Struct
from requests.cookies import RequestsCookieJar

from iwx_agent import __version__
from iwx_agent.host.contract import Host, HostError
from iwx_agent.host.deadline import Deadline
from iwx_agent.transports.http_exchange import LostError, exchange
from iwx_agent.transports.portal.filling import File
from iwx_agent.transports.portal.markup import MAX_BYTES
from iwx_agent.transports.portal.page import is_token
from iwx_agent.transports.portal.settings import Place, origin_of
from iwx_agent.transports.wire import Wire

_HEADERS_BYTES = 256 * 1024
_PROXY_BYTES = 16 * 1024


class Answer(Struct, frozen=True, kw_only=True):
    """What came back; ``headers`` by names in lower case. ``torn`` says why some of the body is missing."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    torn: str = ""


class NoAnswer(Exception):  # noqa: N818 - how an exchange ends
    """There is no answer; ``sent`` tells whether the peer may have read any of the request."""

    def __init__(self, why: str, *, sent: bool) -> None:
        self.why = why
        self.sent = sent
        super().__init__(why)


class _Wire(Wire):
    """A wire that notes when any of the request went out: of half a form, too, a server may make a ticket."""

    sent = False

    def sendall(self, data: object) -> None:
        self.sent = True
        super().sendall(data)


class Exchange:
    """All requests of one delivery: cookies are kept, redirects not followed, nothing is sent elsewhere."""

    def __init__(self, host: Host, place: Place, limit_s: float) -> None:
        self.deadline = Deadline(limit_s)
        self._host = host
        self._place = place
        self._origin = origin_of(place.address)
        self._cookies = RequestsCookieJar()

    def forget(self) -> None:
        """Forget all cookies."""
        self._cookies.clear()

    def get(self, url: str, referer: str = "") -> Answer:
        """Raises NoAnswer."""
        return self._ask("GET", url, self._headers(referer), b"")

    def post(
        self,
        url: str,
        fields: tuple[tuple[str, str], ...],
        files: tuple[File, ...] = (),
        *,
        multipart: bool,
        charset: str,
        referer: str,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Answer:
        """Send a form as a browser does. Raises NoAnswer."""

        def coded(text: str) -> bytes:
            return text.encode(charset, "xmlcharrefreplace")

        plain = [
            (coded(name), coded(value.replace("\r\n", "\n").replace("\n", "\r\n"))) for name, value in fields
        ]
        request = requests.Request("POST", url)
        if multipart:
            parts = [(name.decode(charset), (None, value)) for name, value in plain]
            request.files = [*parts, *(_part(file) for file in files)]
        else:
            request.data = plain
        made = request.prepare()
        body = made.body.encode("ascii") if isinstance(made.body, str) else bytes(made.body or b"")
        own = {"Content-Type": made.headers.get("Content-Type", "application/x-www-form-urlencoded")}
        return self._ask("POST", url, self._headers(referer) | self._of_post() | own | dict(headers), body)

    def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        url = requests.utils.requote_uri(url)  # a page's link can have anything in it
        if origin_of(url) != self._origin:
            raise NoAnswer("refused to ask another host than the portal's", sent=False)
        with _Wire(self._host, self.deadline, "portal", max_bytes=MAX_BYTES + _HEADERS_BYTES) as wire:
            try:
                self._connect(wire)
            except HostError as error:
                raise NoAnswer(error.reason, sent=False) from None
            wire.sent = False
            try:
                got = exchange(
                    wire, method, url, headers, body, max_bytes=MAX_BYTES + 1, cookies=self._cookies
                )
            except LostError as error:
                raise NoAnswer(error.why, sent=wire.sent) from None
        torn = got.torn or ("" if len(got.body) <= MAX_BYTES else f"the page has more than {MAX_BYTES} bytes")
        page, torn = _decoded(got.body[:MAX_BYTES], got.headers.get("content-encoding", ""), torn)
        return Answer(url=url, status=got.status, headers=got.headers, body=page, torn=torn)

    def _connect(self, wire: Wire) -> None:
        scheme, name, port = self._origin
        if self._place.proxy:
            _, proxy, proxy_port = origin_of(self._place.proxy)
            wire.connect(proxy, proxy_port)
            _pass_through(wire, _authority(name, port))
        else:
            wire.connect(name, port)
        if scheme == "https":
            wire.start_tls(name, self._place.authorities)

    def _headers(self, referer: str) -> dict[str, str]:
        headers = {
            "User-Agent": f"iwx-agent/{__version__}",
            "Accept": "text/html,application/xhtml+xml,application/json;q=0.5",
        }
        return headers | ({"Referer": requests.utils.requote_uri(referer)} if referer else {})

    def _of_post(self) -> dict[str, str]:
        parts = urlsplit(self._place.address)
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        values = (unquote(one.value or "") for one in self._cookies if one.name == "XSRF-TOKEN")
        token = next(filter(is_token, values), None)
        return headers | ({"X-XSRF-TOKEN": token} if token else {})


def _authority(name: str, port: int) -> str:
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _pass_through(wire: Wire, authority: str) -> None:
    """Have a proxy connect to the portal. Raises HostError when it does not."""
    wire.stage = "answer of the proxy"
    wire.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    head = bytearray()
    piece = bytearray(1)  # a byte at a time: what follows the head is the portal's
    while not head.endswith(b"\r\n\r\n"):
        if len(head) >= _PROXY_BYTES or not wire.readinto(piece):
            raise HostError("closed", "the proxy gave no answer", "portal")
        head += piece
    status = bytes(head[:60]).split(b"\r\n")[0].decode("ascii", "replace").split()
    if len(status) < 2 or not status[0].startswith("HTTP/1.") or status[1] != "200":
        said = "".join(c for c in " ".join(status[1:]) if c.isprintable())
        raise HostError("refused", f"the proxy refused: {said}", "portal")


def _decoded(data: bytes, encoding: str, torn: str) -> tuple[bytes, str]:
    """Return data unpacked, at most ``MAX_BYTES``: a few kilobytes can hold gigabytes."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or not data:
        return data, torn
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b"", torn or f"the page is packed as {encoding[:20]!r}"
    unpacker = zlib.decompressobj(wbits=47)
    try:
        body = unpacker.decompress(data, MAX_BYTES)
    except zlib.error:
        return b"", torn or "the page is packed, and damaged"
    if unpacker.unconsumed_tail:
        return body, torn or f"the page unpacks to more than {MAX_BYTES} bytes"
    return body, torn if unpacker.eof or torn else "the packed page ends early"


def _part(file: File) -> tuple[str, tuple[str, bytes, str]]:
    if file.attachment is None:
        return file.name, ("", b"", "application/octet-stream")
    return file.name, (file.attachment.name, file.attachment.data, file.attachment.media_type)
