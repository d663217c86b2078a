"""Requests and answers within one deadline for all of them, bounded in size, to one origin only."""

import http.client
import zlib
from typing import Self

import requests
import urllib3
from msgspec import Struct

from iwx_agent import __version__
from iwx_agent.host.deadline import Deadline
from iwx_agent.transports.portal.filling import File
from iwx_agent.transports.portal.markup import MAX_BYTES
from iwx_agent.transports.portal.settings import Place, origin_of
from iwx_agent.transports.portal.wire import Adapter, Resolve, Wire, reason_of, trusting

_PIECE_BYTES = 64 * 1024
_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
)


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


class Exchange:
    """All requests of one delivery. Cookies are kept; redirects are not followed; nothing is sent elsewhere."""

    def __init__(self, place: Place, limit_s: float, resolve: Resolve) -> None:
        self.deadline = Deadline(limit_s)
        self._origin = origin_of(place.address)
        self._wire = Wire(self.deadline, resolve)
        self._proxies = {"http": place.proxy, "https": place.proxy} if place.proxy else {}
        self._session = _Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._adapter = Adapter(self._wire, trusting(self._wire, place.authority_pem))
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._session.close()
        self._wire.close()

    def get(self, url: str, referer: str = "") -> Answer:
        """Raises NoAnswer."""
        return self._ask(requests.Request("GET", url), referer)

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
        request = requests.Request("POST", url, headers=dict(headers))
        if multipart:
            request.files = [(name.decode(charset), (None, value)) for name, value in plain]  # type: ignore[assignment]
            request.files += [_part(file) for file in files]  # type: ignore[operator]
        else:
            request.data = plain
        return self._ask(request, referer)

    def _ask(self, request: requests.Request, referer: str) -> Answer:
        url = str(request.url)
        if origin_of(url) != self._origin:
            raise NoAnswer("refused to ask another host than the portal's", sent=False)
        self._wire.sent = False
        self._wire.stage = "connection"
        request.headers = {**request.headers, **self._headers(request, referer)}
        try:
            prepared = self._session.prepare_request(request)
            # No read ends later than the deadline; these limits are the sockets' own.
            with self._session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                verify=True,
                timeout=None,
                proxies=self._proxies,
            ) as answer:
                self._wire.stage = "rest of the answer"
                body, torn = self._body(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(url=url, status=answer.status_code, headers=headers, body=body, torn=torn)
        except _ERRORS as error:
            raise NoAnswer(reason_of(error, self._wire), sent=self._wire.sent) from None
        finally:
            self._adapter.close()  # each request has a connection of its own
            self._wire.close()

    def _headers(self, request: requests.Request, referer: str) -> dict[str, str]:
        headers = {
            "User-Agent": f"iwx-agent/{__version__}",
            "Accept": "text/html,application/xhtml+xml,application/json;q=0.5",
            "Accept-Encoding": "identity",
            "Connection": "close",  # a kept connection may be dead, and the request be lost or not
        }
        if referer:
            headers["Referer"] = referer.partition("#")[0]
        if request.method == "POST":
            scheme, host, port = self._origin
            standard = port == {"http": 80, "https": 443}[scheme]
            shown = f"[{host}]" if ":" in host else host
            headers["Origin"] = f"{scheme}://{shown}" if standard else f"{scheme}://{shown}:{port}"
            token = next((one.value for one in self._session.cookies if one.name == "XSRF-TOKEN"), None)
            if token:
                headers["X-XSRF-TOKEN"] = requests.utils.unquote(token)
        return headers

    def _body(self, answer: requests.Response) -> tuple[bytes, str]:
        """Return the body, decoded, at most ``MAX_BYTES`` of it, and why some of it is missing."""
        data, torn = bytearray(), ""
        try:
            while len(data) <= MAX_BYTES:
                piece = answer.raw.read1(_PIECE_BYTES, decode_content=False)
                if not piece:
                    break
                data += piece
        except _ERRORS as error:
            torn = reason_of(error, self._wire)
        declared = answer.headers.get("content-length", "")
        if not torn and len(declared) < 18 and declared.isascii() and declared.isdigit():
            missing = int(declared) - len(data)
            torn = f"closed {missing} bytes before its end" if missing > 0 and len(data) <= MAX_BYTES else ""
        if len(data) > MAX_BYTES:
            torn = f"the page has more than {MAX_BYTES} bytes"
        return _decoded(bytes(data[:MAX_BYTES]), answer.headers.get("content-encoding", ""), torn)


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


class _Session(requests.Session):
    """A session that looks at no redirect: looking, requests would read the whole body, however long."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None
