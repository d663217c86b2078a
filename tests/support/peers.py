"""Servers that misbehave as they are told, and the search for processes that were left behind."""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from iwx_agent.host.deadline import Deadline

Behaviour = Callable[[socket.socket], None]


def descendants_of(root: int) -> dict[int, str]:
    """Return pid and command line of every process below ``root``."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_bytes()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat[stat.rindex(b")") + 2 :].split()[1])
    found: dict[int, str] = {}
    for pid in parents:
        above = parents.get(pid, 0)
        while above and above != root:
            above = parents.get(above, 0)
        if above == root:
            found[pid] = command_line(pid)
    return found


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def marked(mark: bytes) -> dict[int, str]:
    """Return the processes that have ``mark`` in their environment or their command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in text:
                found[int(entry.name)] = text.decode(errors="replace")
    return found


def resetting(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


class UntilReset(Deadline):
    """Is given the processor back only when the peer has hung up on what it waits for."""

    def wait(self, *wanted: tuple[int, int], at_most_s: float | None = None) -> set[int]:
        events = select.poll()
        for number, _ in wanted:
            events.register(number, 0)
        assert events.poll(2000), "not reset"
        return super().wait(*wanted, at_most_s=at_most_s)


class Peers:
    """Servers that do to each connection what they are told; all of them end with the test."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self.stopping = threading.Event()

    def keep(self, found: socket.socket) -> socket.socket:
        with self._lock:
            self._sockets.append(found)
        return found

    def tcp(self, behaviour: Behaviour, address: str = "127.0.0.1") -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = self.keep(socket.create_server((address, 0), family=family))
        threading.Thread(target=self._accept, args=(server, behaviour), daemon=True).start()
        return int(server.getsockname()[1])

    def unix(self, path: Path, behaviour: Behaviour) -> str:
        server = self.keep(socket.socket(socket.AF_UNIX))
        server.bind(str(path))
        server.listen(4)
        threading.Thread(target=self._accept, args=(server, behaviour), daemon=True).start()
        return str(path)

    def udp(self, reply: Callable[[bytes], bytes | None]) -> int:
        server = self.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            while not self.stopping.is_set():
                try:
                    data, peer = server.recvfrom(65536)
                except OSError:
                    return
                found = reply(data)
                if found is not None and peer is not None:  # None: the socket was shut down
                    server.sendto(found, peer)

        threading.Thread(target=answer, daemon=True).start()
        return int(server.getsockname()[1])

    def _accept(self, server: socket.socket, behaviour: Behaviour) -> None:
        while not self.stopping.is_set():
            try:
                connection = self.keep(server.accept()[0])
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, behaviour), daemon=True).start()

    def _serve(self, connection: socket.socket, behaviour: Behaviour) -> None:
        try:
            behaviour(connection)
        except OSError:
            return
        finally:
            connection.close()

    # Behaviours

    def silent(self, connection: socket.socket) -> None:
        self.stopping.wait(30)

    def saying(self, data: bytes, *, first_receive: bool = False) -> Behaviour:
        def say(connection: socket.socket) -> None:
            if first_receive:
                connection.recv(65536)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(5)
            while connection.recv(65536):
                pass

        return say

    def dripping(self, start: bytes, drop: bytes, *, pause_s: float = 0.1) -> Behaviour:
        """Send ``start``, then ``drop`` for ever with a pause before each."""

        def drip(connection: socket.socket) -> None:
            connection.recv(65536) if start.startswith(b"HTTP") else None
            connection.sendall(start)
            while not self.stopping.wait(pause_s):
                connection.sendall(drop)

        return drip

    def close(self) -> None:
        self.stopping.set()
        with self._lock:
            for found in self._sockets:
                with contextlib.suppress(OSError):
                    found.shutdown(socket.SHUT_RDWR)
                found.close()


def script(path: Path, text: str, interpreter: str = "/bin/sh") -> str:
    path.write_text(f"#!{interpreter}\n{text}\n")
    path.chmod(0o755)
    return str(path)
