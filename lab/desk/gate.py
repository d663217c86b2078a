"""What stands before a help desk for a lab's server: https, by a name, with an authority of its own.

The desk itself serves plain HTTP on loopback of the machine. The gate listens in the world beyond the gateway
of one server, which sees it as any help desk of the Internet.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from iwxlab_lib.network import GATEWAY
from iwxlab_lib.server import Server

NAME = "desk.outside.invalid"  # as outside/world.sh has it
_PORT = 443
_CLONE_NEWNET = 0x40000000
_PIECE_BYTES = 65536
_IDLE_S = 120.0


class Gate:
    """A context in which https://desk.outside.invalid is there for a server, and leads to a port of loopback.

    ``authority`` is the certificate of who has signed the gate's, as PEM.
    """

    def __init__(self, server: Server, port: int, place: Path) -> None:
        self._port = port
        place.mkdir(parents=True, exist_ok=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(_certificate(place))
        self.authority = (place / "ca.pem").read_text()
        self._world = server.stored()["outside"].pid

    def __enter__(self) -> Self:
        self._socket = _listening_in(self._world, GATEWAY, _PORT)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def url(self) -> str:
        return f"https://{NAME}"

    def _serve(self) -> None:
        with suppress(OSError):  # it has been closed
            while True:
                plain, _ = self._socket.accept()
                threading.Thread(target=self._pass_on, args=(plain,), daemon=True).start()

    def _pass_on(self, plain: socket.socket) -> None:
        plain.settimeout(_IDLE_S)
        with (
            suppress(OSError),
            plain,
            self._context.wrap_socket(plain, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", self._port), timeout=_IDLE_S) as inner,
        ):
            _both_ways(outer, inner)


def _both_ways(outer: ssl.SSLSocket, inner: socket.socket) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(outer, selectors.EVENT_READ, inner)
        ready.register(inner, selectors.EVENT_READ, outer)
        while found := ready.select(_IDLE_S):
            for key, _ in found:
                source, target = (outer, inner) if key.data is inner else (inner, outer)
                data = source.recv(_PIECE_BYTES)
                while source is outer and outer.pending():
                    data += outer.recv(_PIECE_BYTES)
                if not data:
                    return
                target.sendall(data)


def _listening_in(pid: int, address: str, port: int) -> socket.socket:
    """Return a socket that listens in the network of a process; it stays there, its maker does not."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(network, _CLONE_NEWNET):  # of this thread only, which ends
                raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.create_server((address, port)))
        except OSError as error:
            made.append(error)
        finally:
            os.close(network)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    (found,) = made
    if isinstance(found, OSError):
        raise found
    return found


def _certificate(place: Path) -> Path:
    """Make key and certificate of the gate, and the authority that signs it; return the PEM file of both."""
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    signed = f"-addext subjectAltName=DNS:{NAME} -CA ca.pem -CAkey ca.key"
    for arguments in (
        f"{make} -subj /CN=authority.invalid -keyout ca.key -out ca.pem",
        f"{make} {signed} -subj /CN={NAME} -keyout own.key -out own.pem",
    ):
        subprocess.run(["openssl", *arguments.split()], cwd=place, check=True, capture_output=True)
    pem = place / "gate.pem"
    pem.write_bytes((place / "own.key").read_bytes() + (place / "own.pem").read_bytes())
    return pem
