"""Sockets that keep one deadline. ``requests`` has a limit for each read only: a slow drip lasts for ever.

Every wait of an exchange (name, connection, handshake, each read and write) is given what is left of the one
limit, and every socket is closed at the end. No thread is needed for that.
"""

import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from iwx_agent.host import HostError
from iwx_agent.host.deadline import Deadline

Resolve = Callable[[str, Deadline], tuple[str, ...]]
_OVER = "the time is over"


class Wire:
    """What the sockets of one exchange share: deadline, names, what is open, and how far the request got."""

    def __init__(self, deadline: Deadline, resolve: Resolve) -> None:
        self.deadline = deadline
        self.resolve = resolve
        self.sent = False  # some of the request has been written to the peer
        self.stage = "start"
        self.opened: list[socket.socket] = []

    def left_s(self) -> float:
        """Return the seconds left. Raises TimeoutError when there are none."""
        left = self.deadline.left_s
        if left <= 0:
            raise TimeoutError(_OVER)
        return left

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a connected socket, of the first of the host's addresses that answers.

        Raises:
            OSError: of the last address.
        """
        self.stage = "look-up of the name"
        try:
            addresses = self.resolve(host, self.deadline)
        except HostError as error:
            raise socket.gaierror(socket.EAI_FAIL, error.reason) from None
        self.stage = "connection"
        problem: OSError = OSError(f"{host} has no address")
        for number, address in enumerate(addresses[:8]):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            found = _Socket(family, socket.SOCK_STREAM)
            found.wire = self
            self.opened.append(found)
            try:
                found.settimeout(self.left_s() / (min(len(addresses), 8) - number))
                found.connect((address, port))
            except OSError as error:
                found.close()
                problem = error
            else:
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return found
        raise problem

    def close(self) -> None:
        """Close whatever is still open."""
        for one in self.opened:
            one.close()
        self.opened.clear()


class _Socket(socket.socket):
    """A plain socket whose every wait ends with the wire's deadline."""

    wire: Wire

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(self.wire.left_s())
        return super().recv_into(*arguments)

    def recv(self, *arguments: Any) -> bytes:
        self.settimeout(self.wire.left_s())
        return super().recv(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(self.wire.left_s())
        super().sendall(*arguments)


class _TlsSocket(ssl.SSLSocket):
    """The same with TLS; each exchange has a class of its own, since the handshake is over before ``__init__``."""

    wire: Wire

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        made = super().__new__(cls, *arguments, **named)
        cls.wire.opened.append(made)
        return made

    def do_handshake(self, block: bool = False) -> None:
        self.wire.stage = "TLS handshake"
        self.settimeout(self.wire.left_s())
        super().do_handshake(block)

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(self.wire.left_s())
        return super().recv_into(*arguments)

    def recv(self, *arguments: Any) -> bytes:
        self.settimeout(self.wire.left_s())
        return super().recv(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(self.wire.left_s())
        super().sendall(*arguments)


def trusting(wire: Wire, authority_pem: str) -> ssl.SSLContext:
    """Return a context that verifies certificate and host name: against this authority, or requests' own."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=authority_pem or None)
    if not authority_pem:
        from requests.certs import where

        context.load_verify_locations(where())
    context.sslsocket_class = type("TlsSocket", (_TlsSocket,), {"wire": wire})
    return context


class Adapter(HTTPAdapter):
    """Requests' way to the network, over the sockets above; certificates are always verified."""

    def __init__(self, wire: Wire, context: ssl.SSLContext) -> None:
        self._wire = wire
        self._context = context
        super().__init__(max_retries=0, pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = _pools(self._wire)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named, ssl_context=self._context)
        manager.pool_classes_by_scheme = _pools(self._wire)
        return manager

    def build_connection_pool_key_attributes(self, *arguments: Any, **named: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*arguments, **named)
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"} if pool else pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave trust to the context alone: requests would add its own authorities to a private one."""
        conn.cert_reqs = "CERT_REQUIRED"


def _pools(wire: Wire) -> dict[str, type]:
    """Return pools whose connections are made over this wire."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return wire.connect(self.host, self.port)

        def connect(self) -> None:
            super().connect()
            _ready(wire)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            wire.sent = True
            super().send(data)

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return wire.connect(self.host, self.port)

        def connect(self) -> None:
            super().connect()
            _ready(wire)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            wire.sent = True
            super().send(data)

    plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    tls = type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": Tls})
    return {"http": plain, "https": tls}


def _ready(wire: Wire) -> None:
    """Note that nothing of the request itself has gone out yet: what went to a proxy does not count."""
    wire.stage = "request"
    wire.sent = False


def resolve_in_worker(host: str, deadline: Deadline) -> tuple[str, ...]:
    """Return the addresses of a host; the C library's look-up has no limit, so a worker does it.

    Raises:
        HostError: when it has none, or not in time.
    """
    import contextlib
    from ipaddress import ip_address

    with contextlib.suppress(ValueError):
        return (str(ip_address(host.strip("[]"))),)
    from iwx_agent.host.local import ask_worker
    from iwx_agent.host.workers import Workers

    stuck: list[str] = []
    with contextlib.closing(Workers()) as workers:
        found: tuple[str, ...] = ask_worker(workers, ("resolve", host), deadline, host, stuck.append)
    return found


def reason_of(error: BaseException, wire: Wire) -> str:
    """Return in few words what went wrong, from the depth of what urllib3 and requests have wrapped around it."""
    for one in _within(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the certificate was refused: {one.verify_message or one.reason}"
        if isinstance(one, TimeoutError):
            return f"no answer within {wire.deadline.limit_s:.0f} s (waiting for: {wire.stage})"
        if isinstance(one, socket.gaierror):
            return f"the name was not found: {one.strerror}"
        if isinstance(one, ssl.SSLError):
            return f"TLS failed: {(one.reason or 'closed').lower().replace('_', ' ')}"
        if isinstance(one, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(one, OSError) and one.errno:
            return f"{wire.stage}: {os.strerror(one.errno).lower()}"
    return f"{wire.stage}: closed without an answer ({type(error).__name__})"


def _within(error: BaseException) -> list[BaseException]:
    """Return an error and those it was made from, the innermost first."""
    pending, found = [error], list[BaseException]()
    while pending and len(found) < 30:
        one = pending.pop()
        if any(one is known for known in found):
            continue
        found.append(one)
        parts = [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
        pending.extend(part for part in parts if isinstance(part, BaseException))
    return found[::-1]
