"""Nothing that hangs holds an answer longer than its limit and one second, and nothing of it is left.

All cases are asked at once, of one host, with a limit of 3 s; each test judges one of them.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from peers import Peers, command_line, descendants_of, marked, script

from iwx_agent.host import (
    CommandAnswer,
    Datagram,
    HostError,
    HttpAnswer,
    HttpGet,
    Question,
    ReadFile,
    RunCommand,
    TailFile,
    TcpGreeting,
    UnixGreeting,
)
from iwx_agent.host.live import LiveHost

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

LIMIT_S = 3.0
LATEST_S = 4.0
GIB = 1024**3

Outcome = Any  # the answer, or the HostError
Judge = Callable[[Outcome], bool]


class Case(NamedTuple):
    question: Question
    judge: Judge


def run(*argv: str, max_bytes: int = 1 << 20) -> RunCommand:
    return RunCommand(argv=argv, timeout_s=LIMIT_S, max_bytes=max_bytes)


def ended(*names: str, fate: str = "ended") -> Judge:
    """Judge a command that passed its limit: no exit code, and each of ``names`` has met ``fate``."""

    def judge(found: Outcome) -> bool:
        assert isinstance(found, CommandAnswer)
        assert found.timed_out
        assert found.exit_code is None
        for name in names:
            assert any(x.startswith(f"{name} (pid ") and fate in x for x in found.left_behind), (
                found.left_behind
            )
        return True

    return judge


def exited(code: int, output: bytes, *left: str) -> Judge:
    """Judge a command that ended by itself and left ``left`` behind."""

    def judge(found: Outcome) -> bool:
        assert isinstance(found, CommandAnswer)
        assert (found.exit_code, found.stdout, found.timed_out) == (code, output, False)
        names = tuple(x.partition(" (")[0] for x in found.left_behind)
        assert names == left
        return True

    return judge


def cut_off(count: int) -> Judge:
    def judge(found: Outcome) -> bool:
        assert isinstance(found, CommandAnswer)
        assert found.truncated
        assert not found.timed_out
        assert found.exit_code is None
        assert len(found.stdout) == count
        assert found.duration_s < LIMIT_S
        return True

    return judge


def error(kind: str, *words: str) -> Judge:
    def judge(found: Outcome) -> bool:
        assert isinstance(found, HostError)
        assert found.kind == kind
        for word in words:
            assert word in found.reason
        return True

    return judge


def partial_output(found: Outcome) -> bool:
    assert ended("sh")(found)
    assert set(found.stdout) == set(b"x")
    assert len(found.stdout) > 5
    return True


def spared(name: str, process: str) -> Judge:
    """Judge a package manager that ignores SIGTERM: named, never killed, and alive."""

    def judge(found: Outcome) -> bool:
        assert found.timed_out
        named = [x for x in found.left_behind if x.startswith(f"{process} (pid ") and "never killed" in x]
        assert len(named) == 1, found.left_behind
        pid = int(named[0].partition("(pid ")[2].partition(")")[0])
        assert name in command_line(pid)
        return True

    return judge


def endless_body(found: Outcome) -> bool:
    assert isinstance(found, HttpAnswer)
    assert found.status == 200
    assert found.truncated
    assert len(found.body) == 1000
    return True


def full_backlog(peers: Peers, server: socket.socket, target: Any) -> None:
    """Fill the queue of a server that never accepts."""
    server.bind(target)
    server.listen(0)
    for _ in range(4):
        client = peers.keep(socket.socket(server.family))
        client.settimeout(0)
        client.connect_ex(server.getsockname())


def command_cases(at: Path) -> dict[str, Case]:
    return {
        "sleep": Case(run("sleep", "100"), ended("sleep")),
        "sleeping child": Case(run(script(at / "parent", "sleep 100; true")), ended("parent", "sleep")),
        "ignores SIGTERM": Case(
            run(script(at / "stubborn", "trap '' TERM HUP INT\nwhile :; do sleep 0.1; done")),
            ended("stubborn", fate="killed"),
        ),
        "stopped": Case(run(script(at / "stopped", "kill -STOP $$")), ended("stopped")),
        "comes again when told to end": Case(
            run(script(at / "hydra", "trap 'setsid \"$0\" & exit' TERM\nwhile :; do sleep 0.05; done")),
            ended("hydra", fate=""),  # before its trap is set it is ended; before its exec, killed as setsid
        ),
        "own session keeps the pipe": Case(
            run(script(at / "keeper", "setsid sleep 100 &\necho said\nexit 7")), exited(7, b"said\n", "sleep")
        ),
        "own session, parent hangs too": Case(
            run(script(at / "both", "setsid sh -c 'trap \"\" TERM; sleep 100; :' &\nsleep 100; :")),
            lambda found: ended("both")(found) and ended("sh", fate="killed")(found),
        ),
        "daemon without environment": Case(
            run(
                script(
                    at / "daemonise",
                    "env -i setsid sh -c "
                    "'trap \"\" HUP TERM; setsid env -i /bin/sleep 100 <&- >/dev/null 2>&1 &'\necho done",
                )
            ),
            exited(0, b"done\n", "sleep"),
        ),
        "1 GB of output": Case(run("head", "-c", str(GIB), "/dev/zero", max_bytes=5000), cut_off(5000)),
        "endless errors": Case(run(script(at / "shouts", "yes no >&2")), cut_off(0)),
        "output without newline": Case(
            run("sh", "-c", "while :; do printf x; sleep 0.1; done"), partial_output
        ),
        "waits for stdin": Case(run("cat"), exited(0, b"")),
        "waits for a terminal": Case(run("sh", "-c", "read x < /dev/tty; echo $?"), exited(0, b"2\n")),
        "closes its output and stays": Case(
            run("sh", "-c", "exec >&- 2>&-; sleep 100; :"), ended("sh", "sleep")
        ),
        "rpm": Case(run(script(at / "rpm", "trap '' TERM\nsleep 100; :")), spared("rpm", "rpm")),
        "dnf, a python script": Case(
            run(
                "python3",
                script(at / "dnf", "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(100)"),
            ),
            spared("dnf", "python3"),
        ),
        "rpm below a shell": Case(
            run("sh", "-c", f"{at / 'rpm'}; true"),
            lambda found: spared("rpm", "rpm")(found) and ended("sh")(found),
        ),
    }


def file_cases(at: Path) -> dict[str, Case]:
    os.mkfifo(at / "fifo")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(at / "socket"))
    return {
        "FIFO": Case(ReadFile(path=str(at / "fifo"), timeout_s=LIMIT_S), error("not_regular", "FIFO")),
        "tail of a FIFO": Case(
            TailFile(path=str(at / "fifo"), timeout_s=LIMIT_S), error("not_regular", "FIFO")
        ),
        "socket as file": Case(ReadFile(path=str(at / "socket")), error("not_regular", "a socket")),
        "device": Case(ReadFile(path="/dev/zero"), error("not_regular", "a device")),
        "terminal": Case(ReadFile(path="/dev/tty"), error("not_regular")),
        "directory": Case(TailFile(path=str(at)), error("not_regular", "a directory")),
    }


def network_cases(at: Path, peers: Peers) -> dict[str, Case]:
    def tcp(port: int, *, tls: bool = False) -> TcpGreeting:
        return TcpGreeting(port=port, tls=tls, timeout_s=LIMIT_S)

    def http(port: int, scheme: str = "http") -> HttpGet:
        return HttpGet(url=f"{scheme}://localhost:{port}/", timeout_s=LIMIT_S, max_bytes=1000)

    def dns(port: int, protocol: Any = "udp") -> Datagram:
        return Datagram(payload=b"\x12\x34 question", port=port, protocol=protocol, timeout_s=LIMIT_S)

    silent = peers.tcp(peers.silent)
    full_tcp = peers.keep(socket.socket())
    full_backlog(peers, full_tcp, ("127.0.0.1", 0))
    full_backlog(peers, peers.keep(socket.socket(socket.AF_UNIX)), str(at / "full"))
    drip = peers.dripping
    record = b"\x16\x03\x03\x40\x00"  # the head of a TLS record of 16 KiB
    headers = b"HTTP/1.1 200 OK\r\n"
    chunk = b"1\r\nx\r\n"
    return {
        "silent": Case(tcp(silent), error("timeout", "greeting took longer than 3.0 s")),
        "greeting drips": Case(tcp(peers.tcp(drip(b"2", b"2"))), error("timeout", "greeting")),
        "does not accept": Case(tcp(full_tcp.getsockname()[1]), error("timeout", "connect took")),
        "TLS: silent": Case(tcp(silent, tls=True), error("timeout", "TLS handshake took")),
        "TLS: drips": Case(tcp(peers.tcp(drip(record, b"\0")), tls=True), error("timeout", "TLS handshake")),
        "HTTP: silent": Case(http(silent), error("timeout", "status line")),
        "HTTPS: silent": Case(http(silent, "https"), error("timeout", "TLS handshake")),
        "HTTP: status drips": Case(http(peers.tcp(drip(b"HTTP", b"/"))), error("timeout", "status line")),
        "HTTP: headers drip": Case(
            http(peers.tcp(drip(headers, b"a: b\r\n"))),
            error("timeout", "headers of the answer with status 200"),
        ),
        "HTTP: endless headers": Case(
            http(peers.tcp(drip(headers, b"a: b\r\n" * 999, pause_s=0))), error("failed", "65536 bytes")
        ),
        "HTTP: endless header": Case(
            http(peers.tcp(drip(headers, b"a" * 9999, pause_s=0))), error("failed", "header line longer")
        ),
        "HTTP: body drips": Case(
            http(peers.tcp(drip(headers + b"\r\n", b"x"))),
            error("timeout", "body of the answer with status 200"),
        ),
        "HTTP: chunks drip": Case(
            http(peers.tcp(drip(headers + b"Transfer-Encoding: chunked\r\n\r\n", chunk))),
            error("timeout", "body"),
        ),
        "HTTP: endless body": Case(
            http(peers.tcp(drip(headers + b"\r\n", b"x" * 99, pause_s=0))), endless_body
        ),
        "unix: silent": Case(
            UnixGreeting(path=peers.unix(at / "silent", peers.silent), timeout_s=LIMIT_S),
            error("timeout", "greeting"),
        ),
        "unix: does not accept": Case(
            UnixGreeting(path=str(at / "full"), timeout_s=LIMIT_S), error("timeout", "queue was full")
        ),
        "UDP: silent": Case(dns(peers.udp(lambda _: None)), error("timeout", "no answer to 2 questions")),
        "UDP: answers something else": Case(
            dns(peers.udp(lambda _: b"\0\0 other")), error("timeout", "no answer")
        ),
        "DNS over TCP: silent": Case(dns(silent, "tcp"), error("timeout", "answer took")),
        "DNS over TCP: drips": Case(
            dns(peers.tcp(drip(b"\xff\xff", b"x")), "tcp"), error("timeout", "answer took")
        ),
    }


class Result(NamedTuple):
    outcome: Outcome
    duration_s: float


@pytest.fixture(scope="module")
def corpus(
    tmp_path_factory: pytest.TempPathFactory, peers: Peers
) -> Iterator[tuple[dict[str, Case], dict[str, Result], tuple[str, ...]]]:
    at = tmp_path_factory.mktemp("hangs")
    cases = {**command_cases(at), **file_cases(at), **network_cases(at, peers)}
    results: dict[str, Result] = {}
    with LiveHost(budget_s=30) as host:

        def ask(name: str) -> None:
            started = time.monotonic()
            try:
                outcome: Outcome = host.answer(cases[name].question)
            except HostError as found:
                outcome = found
            results[name] = Result(outcome, time.monotonic() - started)

        threads = [threading.Thread(target=ask, args=(name,)) for name in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield cases, results, host.abandoned()
        spared_pids = [
            int(text.partition("(pid ")[2].partition(")")[0].partition(",")[0]) for text in host.abandoned()
        ]
    for pid in spared_pids:
        os.kill(pid, 9)
    time.sleep(0.05)
    assert not descendants_of(os.getpid())
    assert not marked(str(at).encode())
    assert not marked(f"IWX_AGENT_QUESTION={os.getpid()}-".encode())


NAMES = (
    "sleep",
    "sleeping child",
    "ignores SIGTERM",
    "stopped",
    "comes again when told to end",
    "own session keeps the pipe",
    "own session, parent hangs too",
    "daemon without environment",
    "1 GB of output",
    "endless errors",
    "output without newline",
    "waits for stdin",
    "waits for a terminal",
    "closes its output and stays",
    "rpm",
    "dnf, a python script",
    "rpm below a shell",
    "FIFO",
    "tail of a FIFO",
    "socket as file",
    "device",
    "terminal",
    "directory",
    "silent",
    "greeting drips",
    "does not accept",
    "TLS: silent",
    "TLS: drips",
    "HTTP: silent",
    "HTTPS: silent",
    "HTTP: status drips",
    "HTTP: headers drip",
    "HTTP: endless headers",
    "HTTP: endless header",
    "HTTP: body drips",
    "HTTP: chunks drip",
    "HTTP: endless body",
    "unix: silent",
    "unix: does not accept",
    "UDP: silent",
    "UDP: answers something else",
    "DNS over TCP: silent",
    "DNS over TCP: drips",
)


@pytest.mark.parametrize("name", NAMES)
def test_answers_within_its_limit_and_one_second(name: str, corpus: Any) -> None:
    cases, results, _ = corpus
    outcome, duration_s = results[name]
    assert duration_s < LATEST_S
    assert cases[name].judge(outcome)


def test_every_case_of_the_corpus_has_a_test(corpus: Any) -> None:
    assert set(corpus[0]) == set(NAMES)


def test_only_package_managers_are_abandoned(corpus: Any) -> None:
    abandoned = corpus[2]
    assert len(abandoned) == 5  # three package managers; two of them have a child
    assert all("never killed" in text for text in abandoned)
