"""The hang corpus against the live host: what hangs, how long the agent took, what it left behind."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from iwx_agent.host import (
    CommandAnswer,
    Datagram,
    HostError,
    HttpGet,
    Question,
    ReadFile,
    RunCommand,
    TcpGreeting,
)
from iwx_agent.host.live import LiveHost

MARK = "IWX_AGENT_QUESTION="


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    ask: Callable[[Path, float], Question]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    took_s: float
    left_behind: tuple[str, ...]
    said: str


def shell(script: str) -> Callable[[Path, float], Question]:
    def ask(_folder: Path, limit_s: float) -> Question:
        return RunCommand(argv=("sh", "-c", script), timeout_s=limit_s)

    return ask


def fifo(folder: Path, limit_s: float) -> Question:
    os.mkfifo(folder / "fifo")
    return ReadFile(path=str(folder / "fifo"), timeout_s=limit_s)


def peer(serve: Callable[[socket.socket], None], *, http: bool = False) -> Callable[[Path, float], Question]:
    def ask(_folder: Path, limit_s: float) -> Question:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        def run() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                serve(connection)

        threading.Thread(target=run, daemon=True).start()
        if http:
            return HttpGet(url=f"http://localhost:{port}/", timeout_s=limit_s)
        return TcpGreeting(port=port, timeout_s=limit_s)

    return ask


def silent(_connection: socket.socket) -> None:
    time.sleep(8)


def drip(connection: socket.socket) -> None:
    for _ in range(8):
        connection.sendall(b"x")
        time.sleep(1)


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(80):
        connection.sendall(f"X-{number}: y\r\n".encode())
        time.sleep(0.1)


def silent_datagrams(_folder: Path, limit_s: float) -> Question:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    threading.Timer(8, bound.close).start()
    return Datagram(payload=b"?", port=bound.getsockname()[1], timeout_s=limit_s, label="nothing")


CASES = (
    Case(name="a command that sleeps", ask=shell("exec sleep 60")),
    Case(name="a script with a sleeping child", ask=shell("sleep 60; true")),
    Case(name="one that ignores SIGTERM", ask=shell("trap '' TERM; while :; do sleep 1; done")),
    Case(name="a grandchild in its own session keeps the pipe", ask=shell("setsid sleep 60 & exit 0")),
    Case(
        name="a daemon without its environment keeps the pipe", ask=shell("setsid env -i sleep 60 & exit 0")
    ),
    Case(name="endless output", ask=shell("exec yes")),
    Case(name="endless output without a newline", ask=shell("exec tr '\\0' x </dev/zero")),
    Case(name="a FIFO where a file is expected", ask=fifo),
    Case(name="a peer that accepts and is silent", ask=peer(silent)),
    Case(name="a peer that sends a byte a second", ask=peer(drip)),
    Case(name="a web server that never ends its headers", ask=peer(endless_headers, http=True)),
    Case(name="a name server that never answers", ask=silent_datagrams),
)


def try_case(case: Case, *, limit_s: float) -> Outcome:
    """Ask one question, then look for processes that are still there."""
    with tempfile.TemporaryDirectory() as folder, LiveHost(budget_s=60) as host:
        question = case.ask(Path(folder), limit_s)
        started_s = time.monotonic()
        try:
            said = _told(host.answer(question))
        except HostError as error:
            said = f"{error.kind}: {error.reason}"
        took_s = time.monotonic() - started_s
        left = tuple(_marked())
    return Outcome(took_s=took_s, left_behind=left, said=said[:110])


def _told(answer: object) -> str:
    if not isinstance(answer, CommandAnswer):
        return "answered"
    said = "ended at the limit" if answer.timed_out else f"exit {answer.exit_code}"
    if answer.truncated:
        said += ", output cut"
    return said + (f"; {', '.join(answer.left_behind)}" if answer.left_behind else "")


def _marked() -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if MARK.encode() in (entry / "environ").read_bytes():
                    yield (entry / "comm").read_text().strip()
