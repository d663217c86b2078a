"""A stream connection whose every wait ends at one deadline: connect, TLS handshake, sending, receiving."""

import contextlib
import errno
import os
import socket
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from iwx_agent.host.contract import ErrorKind, HostError
from iwx_agent.host.deadline import READABLE, WRITABLE, Deadline, Expired

if TYPE_CHECKING:
    from ssl import SSLContext

    from iwx_agent.host.tls import Session

ResultT = TypeVar("ResultT")

CONNECT = "connect"
_RETRY_S = 0.02  # a full queue of a unix socket cannot be waited for, only tried again
_FAREWELL_S = 0.1

_KINDS: dict[int, ErrorKind] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "closed",
    errno.ECONNABORTED: "closed",
    errno.EPIPE: "closed",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.EAFNOSUPPORT: "unreachable",
    errno.EPERM: "unreachable",  # the machine's own firewall
    errno.ENOENT: "not_found",
    errno.EACCES: "permission",
}


def network_error(error: OSError, stage: str, source: str) -> HostError:
    """Return the HostError for an error of the operating system while ``stage``."""
    number = error.errno or 0
    words = (error.strerror or str(error) or type(error).__name__).lower()
    name = errno.errorcode.get(number, "")
    where = "" if stage == CONNECT else f" in the {stage}"
    shown = f"{words} ({name})" if name else words
    return HostError(_KINDS.get(number, "failed"), f"{shown}{where}", source)


def family_of(address: str) -> socket.AddressFamily:
    """Return the family of a numeric address; a name is refused, since looking it up could hang."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address.partition("%")[0])
        except OSError:
            continue
        return family
    raise ValueError(f"{address!r} is not a numeric address")


class Link:
    """One connection. ``stage`` is what is being done, for the reason of an error."""

    def __init__(self, deadline: Deadline, source: str) -> None:
        self.deadline = deadline
        self.source = source
        self.stage = CONNECT
        self.certificate = b""
        self._socket: socket.socket | None = None
        self._session: Session | None = None
        self._reset = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()

    @property
    def _active(self) -> socket.socket:
        if self._socket is None:
            raise RuntimeError("not connected")
        return self._socket

    def late(self) -> HostError:
        """Return the error for a deadline that passed in this stage."""
        return HostError(
            "timeout", f"{self.stage} took longer than {self.deadline.limit_s:.1f} s", self.source
        )

    def error(self, kind: ErrorKind, reason: str) -> HostError:
        """Return an error about this connection."""
        return HostError(kind, reason, self.source)

    def _wait(self, mask: int) -> None:
        try:
            self.deadline.wait((self._active.fileno(), mask))
        except Expired:
            raise self.late() from None

    def connect(self, address: str, port: int) -> None:
        """Connect to a numeric address."""
        try:
            family = family_of(address)
        except ValueError as error:
            raise self.error("failed", str(error)) from None
        self._open(family, (address, port))

    def connect_unix(self, path: str) -> None:
        """Connect to a unix stream socket; a full queue is waited for until the deadline."""
        self._open(socket.AF_UNIX, path)

    def _open(self, family: socket.AddressFamily, target: tuple[str, int] | str) -> None:
        try:
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            self._socket.settimeout(0)
            number = self._socket.connect_ex(target)
            while number == errno.EAGAIN:
                self._wait_for_room()
                number = self._socket.connect_ex(target)
            if number == errno.EINPROGRESS:
                self._wait(WRITABLE)
                number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError as error:
            raise network_error(error, self.stage, self.source) from None
        # Only a connection that stood can be reset (an attempt would be refused). Asking took the error away,
        # so it is kept for whoever sends or receives first: what is said hangs not on how fast the peer was.
        self._reset = number == errno.ECONNRESET
        if number and not self._reset:
            raise network_error(OSError(number, os.strerror(number)), self.stage, self.source)

    def _wait_for_room(self) -> None:
        try:
            self.deadline.wait(at_most_s=_RETRY_S)
        except Expired:
            raise self.error("timeout", f"its queue was full for {self.deadline.limit_s:.1f} s") from None

    def start_tls(self, server_name: str, context: "SSLContext | None" = None) -> None:
        """Speak TLS from here on.

        Without a context in whatever version and with whatever certificate: an old server is not a broken
        one.
        """
        from iwx_agent.host.tls import HandshakeError, Session

        self.stage = "TLS handshake"
        try:
            session = Session(self._send_some, self._receive_some, server_name, context)
            session.handshake()
        except HandshakeError as error:
            raise self.error("tls", error.reason) from None
        except HostError as error:
            if error.kind != "closed":
                raise
            raise self.error("tls", error.reason) from None
        except ValueError as error:
            raise self.error("failed", f"server name {server_name!r} cannot be sent: {error}") from None
        self._session = session
        self.certificate = session.certificate

    def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        if self._session is not None:
            try:
                self._session.send(data)
            except OSError as error:
                raise self.error("tls", f"TLS failed in the {self.stage}: {error}") from None
            return
        left = memoryview(data)
        while left:
            left = left[self._send_some(left) :]

    def receive(self, max_bytes: int) -> bytes:
        """Return some bytes; empty when the peer has closed."""
        if self._session is not None:
            try:
                return self._session.receive(max_bytes)
            except OSError as error:
                raise self.error("tls", f"TLS failed in the {self.stage}: {error}") from None
        return self._receive_some(max_bytes)

    def _send_some(self, data: memoryview) -> int:
        return self._attempt(lambda: self._active.send(data), WRITABLE)

    def _receive_some(self, max_bytes: int) -> bytes:
        return self._attempt(lambda: self._active.recv(max_bytes), READABLE)

    def _attempt(self, operation: Callable[[], ResultT], mask: int) -> ResultT:
        while True:
            if self.deadline.left_s <= 0:  # a peer that always has a little ready must not outlast it
                raise self.late()
            try:
                self.must_stand()
                return operation()
            except BlockingIOError:
                self._wait(mask)
            except OSError as error:
                raise network_error(error, self.stage, self.source) from None

    def must_stand(self) -> None:
        """Raise what an attempt to send would, if the peer is known to have reset it right after it stood."""
        if self._reset:
            error = OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
            raise network_error(error, self.stage, self.source)

    def say_farewell(self, data: bytes) -> None:
        """Send the last words and give the peer a moment to take leave; nothing that fails here matters."""
        with contextlib.suppress(HostError, OSError, Expired):
            self.send(data)
            self.deadline.wait((self._active.fileno(), READABLE), at_most_s=_FAREWELL_S)
