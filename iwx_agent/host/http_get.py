"""One bounded HTTP/1.1 GET: no redirects, no decoding, one deadline for the whole answer.

Written out instead of taken from ``http.client``: that one has no bound on the whole answer, and its import
alone costs more than the request.
"""

from iwx_agent import __version__
from iwx_agent.host import answers as a
from iwx_agent.host import questions as q
from iwx_agent.host.contract import HostError
from iwx_agent.host.deadline import Deadline
from iwx_agent.host.link import Link

_HEAD_MAX_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
_CHUNK_LINE_MAX_BYTES = 4096
_PORTS = {"http": 80, "https": 443}
_BODILESS = (204, 304)

Headers = tuple[tuple[str, str], ...]


def http_get(question: q.HttpGet, deadline: Deadline) -> a.HttpAnswer:
    """Answer with status, headers and the start of the body."""
    scheme, name, port, target = _parts(question)
    with Link(deadline, question.source) as link:
        link.connect(question.address, port)
        if scheme == "https":
            link.start_tls("" if _is_address(name) else name)
        link.stage = "sending of the request"
        link.send(_request(name, port, target, standard=port == _PORTS[scheme]))
        reader = _Reader(link)
        status, headers = reader.head()
        link.stage = f"body of the answer with status {status}"
        body, truncated = reader.body(status, dict(headers), question.max_bytes)
        return a.HttpAnswer(
            url=question.url,
            status=status,
            headers=headers,
            body=body,
            duration_s=deadline.passed_s,
            truncated=truncated,
        )


def _parts(question: q.HttpGet) -> tuple[str, str, int, str]:
    """Return scheme, name, port and target of the URL."""
    from urllib.parse import urlsplit

    try:
        url = urlsplit(question.url)
        name, port = url.hostname or "", url.port
    except ValueError as error:
        raise HostError("failed", f"not a URL: {error}", question.source) from None
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    usable = url.scheme in _PORTS and name and all(" " < c < "\x7f" for c in name + target)
    if not usable:
        raise HostError("failed", "not a plain http or https URL", question.source)
    return url.scheme, name, port or _PORTS[url.scheme], target


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def _request(name: str, port: int, target: str, *, standard: bool) -> bytes:
    host = f"[{name}]" if ":" in name else name
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: {host}" if standard else f"Host: {host}:{port}",
        f"User-Agent: iwx-agent/{__version__} (health check)",
        "Accept: */*",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


_LENGTH_DIGITS = 18  # what a signed 64-bit number can hold; more is not a length but an attack
_HEXADECIMAL = b"0123456789abcdefABCDEF"


class _Reader:
    """Reads one answer; nothing is read beyond what is needed."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.buffer = bytearray()
        self.ended = False

    def more(self) -> bool:
        """Read another piece into the buffer; False when the peer has closed."""
        piece = self.link.receive(_PIECE_BYTES)
        self.buffer += piece
        self.ended = not piece
        return not self.ended

    def line(self, max_bytes: int) -> bytes:
        """Take one line without its end."""
        while b"\n" not in self.buffer:
            if len(self.buffer) > max_bytes:
                raise self.link.error("failed", f"a header line longer than {max_bytes} bytes")
            if not self.more():
                return self.take(len(self.buffer))
        return self.take(self.buffer.index(b"\n") + 1).rstrip(b"\r\n")

    def take(self, count: int) -> bytes:
        """Take that many bytes, or what there is, out of the buffer."""
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def head(self) -> tuple[int, Headers]:
        """Read status and headers; interim answers (1xx) are passed over."""
        self.link.stage = "status line"
        left = _HEAD_MAX_BYTES
        while True:
            status = self._status()
            self.link.stage = f"headers of the answer with status {status}"
            headers: list[tuple[str, str]] = []
            while raw := self.line(left):
                left -= len(raw) + 1
                if left < 0:
                    raise self.link.error("failed", f"more than {_HEAD_MAX_BYTES} bytes of headers")
                _add_header(headers, raw.decode("utf-8", "replace"))
            if self.ended:
                raise self.link.error(
                    "closed", f"closed within the headers of the answer with status {status}"
                )
            if status >= 200:
                return status, tuple(headers)

    def _status(self) -> int:
        raw = self.line(_HEAD_MAX_BYTES)
        if not raw and self.ended:
            raise self.link.error("closed", "accepted the request, then closed without an answer")
        words = raw.split(maxsplit=2)
        if (
            len(words) < 2
            or not words[0].startswith(b"HTTP/")
            or not words[1].isdigit()
            or len(words[1]) != 3
        ):
            shown = raw[:60].decode("utf-8", "replace")
            shown = "".join(c if c.isprintable() else "?" for c in shown)
            raise self.link.error("failed", f"answered, but not with HTTP: {shown}")
        return int(words[1])

    def body(self, status: int, headers: dict[str, str], max_bytes: int) -> tuple[bytes, bool]:
        """Read the body, at most ``max_bytes``; the flag tells whether some of it is missing."""
        if status in _BODILESS:
            return b"", False
        if headers.get("transfer-encoding", "").lower().endswith("chunked"):
            return self._chunked(max_bytes)
        length = headers.get("content-length", "").strip()
        if length.isascii() and length.isdigit() and len(length) <= _LENGTH_DIGITS:
            expected = int(length)
            self._fill(min(expected, max_bytes))
            data = self.take(min(expected, max_bytes))
            return data, len(data) < expected
        self._fill(max_bytes + 1)
        return self.take(max_bytes), bool(self.buffer)

    def _fill(self, count: int) -> None:
        while len(self.buffer) < count and self.more():
            pass

    def _chunked(self, max_bytes: int) -> tuple[bytes, bool]:
        data = bytearray()
        while True:
            size_text = self.line(_CHUNK_LINE_MAX_BYTES).partition(b";")[0].strip()
            if not size_text or size_text.strip(_HEXADECIMAL):
                return bytes(data), True  # cut off, or not what it said it was: what came is the answer
            size = int(size_text, 16)
            if size == 0:
                return bytes(data), False
            wanted = min(size, max_bytes - len(data))
            self._fill(wanted)
            piece = self.take(wanted)
            data += piece
            if len(piece) < size:
                return bytes(data), True
            self.line(_CHUNK_LINE_MAX_BYTES)


def _add_header(headers: list[tuple[str, str]], line: str) -> None:
    if line[:1] in " \t" and headers:  # a folded header goes on
        name, value = headers[-1]
        headers[-1] = (name, f"{value} {line.strip()}")
        return
    name, colon, value = line.partition(":")
    if colon:
        headers.append((name.strip().lower(), value.strip()))
