"""A line to a help desk that breaks at random, before or after the desk has taken what is sent."""

import random
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

_LIMIT_S = 20.0
_PIECE_BYTES = 65536


class DroppingProxy:
    """Passes one request and its answer at a time; ``told`` counts what became of the forms.

    A form that was dropped after acceptance has been read by the desk to its end: what comes next waits for
    that, as the real next look, minutes later, does.
    """

    def __init__(self, target: str, seed: int, *, form_drop: float = 0.4, other_drop: float = 0.04) -> None:
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._drawn = random.Random(seed)
        self._form_drop, self._other_drop = form_drop, other_drop
        self._turn = threading.Lock()
        self.told: Counter[str] = Counter()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=50)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(_LIMIT_S)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with self._turn, client, suppress(OSError):
            client.settimeout(_LIMIT_S)
            request = _whole(client)
            if not request:
                return
            is_form = request.startswith(b"POST /tickets/submit/")
            drop = self._form_drop if is_form else self._other_drop
            fate = "passed"
            if self._drawn.random() < drop:
                fate = self._drawn.choice(("before", "half", "after", "after, half answered"))
            if is_form:
                self.told[fate] += 1
            if fate == "before":
                _cut(client)
                return
            with socket.create_connection(self._target, timeout=_LIMIT_S) as desk:
                if fate == "half":
                    desk.sendall(request[: self._drawn.randrange(len(request) - 1)])
                    desk.shutdown(socket.SHUT_WR)
                    _to_the_end(desk)
                    _cut(client)
                    return
                desk.sendall(request)
                answer = _to_the_end(desk)
            if fate == "after, half answered":
                client.sendall(answer[: self._drawn.randrange(len(answer))])
            if fate != "passed":
                _cut(client)
                return
            client.sendall(answer)


def _whole(client: socket.socket) -> bytes:
    """Return one request, or what came of it before its sender was gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(_PIECE_BYTES)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        piece = client.recv(_PIECE_BYTES)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def _to_the_end(desk: socket.socket) -> bytes:
    data = b""
    with suppress(ConnectionError):
        while piece := desk.recv(_PIECE_BYTES):
            data += piece
    return data


def _cut(client: socket.socket) -> None:
    """Close so that the peer gets a reset, not an end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
