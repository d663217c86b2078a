"""What no signal can interrupt: a stopped worker, a dead file system, a resolver whose servers are silent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dead_mount import dead_file_system
from peers import command_line, descendants_of

from iwx_agent.host import CommandAnswer, HostError, Stat
from iwx_agent.host.live import LiveHost
from iwx_agent.state import Door, StateError

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


@pytest.fixture
def dead_mount(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Return a directory that never answers, and what brings everything waiting for it back."""
    with dead_file_system(tmp_path / "dead") as revive:
        yield str(tmp_path / "dead"), revive


def timed(ask: Callable[[], object]) -> tuple[HostError, float]:
    started = time.monotonic()
    with pytest.raises(HostError) as error:
        ask()
    return error.value, time.monotonic() - started


def gone(limit_s: float = 2.0) -> bool:
    ends = time.monotonic() + limit_s
    while any(command_line(pid) for pid in descendants_of(os.getpid())):
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def test_a_stopped_worker_is_replaced(host: LiveHost) -> None:
    host.stat("/")
    below = descendants_of(os.getpid())
    (worker,) = (pid for pid in below if Path(f"/proc/{pid}/stat").read_text().split()[3] != str(os.getpid()))
    os.kill(worker, signal.SIGSTOP)
    error, duration_s = timed(lambda: host.statvfs("/", timeout_s=0.5))
    assert (error.kind, error.reason) == ("timeout", "no answer within 0.5 s")
    assert duration_s < 1.5
    assert host.statvfs("/").total_bytes > 0
    assert not Path(f"/proc/{worker}").exists()


@needs_root
def test_a_file_system_that_never_answers(dead_mount: tuple[str, Callable[[], None]]) -> None:
    path, revive = dead_mount
    host = LiveHost()
    asks: list[Callable[[], object]] = [
        lambda: host.statvfs(path, timeout_s=0.5),
        lambda: host.answer(Stat(path=path, timeout_s=0.5)),
        lambda: host.read(f"{path}/file", timeout_s=0.5),
    ]
    for number, ask in enumerate(asks, 1):
        error, duration_s = timed(ask)
        assert error.kind == "timeout"
        assert error.reason == "no answer within 0.5 s and cannot be interrupted (state D)"
        assert 0.5 <= duration_s < 1.5
        assert len(host.abandoned()) == number
    assert host.abandoned()[0].startswith(f"worker for statvfs {path} (pid ")
    assert host.abandoned()[0].endswith(", state D)")
    assert host.read("/etc/passwd").data  # the next question is served by another worker
    started = time.monotonic()
    host.close()
    assert time.monotonic() - started < 1.5
    revive()
    assert gone()


@needs_root
def test_a_command_that_no_signal_ends(dead_mount: tuple[str, Callable[[], None]]) -> None:
    path, revive = dead_mount
    host = LiveHost()
    started = time.monotonic()
    found = host.run(("sh", "-c", 'echo before; df "$0"; true', path), timeout_s=1)
    assert time.monotonic() - started < 2
    assert isinstance(found, CommandAnswer)
    assert found.timed_out
    assert found.stdout == b"before\n"
    stuck = [text for text in found.left_behind if text.startswith("df (pid ")]
    assert len(stuck) == 1
    assert stuck[0].endswith(": could not be ended, state D")
    assert host.abandoned() == (stuck[0],)
    assert host.run(("echo", "next")).stdout == b"next\n"
    started = time.monotonic()
    host.close()
    assert time.monotonic() - started < 1.5
    revive()
    assert gone()


@needs_root
def test_a_program_on_a_file_system_that_never_answers(dead_mount: tuple[str, Callable[[], None]]) -> None:
    """The start itself hangs: not even exec comes back."""
    path, revive = dead_mount
    with LiveHost() as host:
        started = time.monotonic()
        found = host.run((f"{path}/program",), timeout_s=0.5)
        assert time.monotonic() - started < 1.5
        assert found.timed_out
        assert len(host.abandoned()) == 1
    revive()
    assert gone()


@needs_root
def test_a_resolver_without_servers_that_answer(tmp_path: Path) -> None:
    """Runs in its own network and mount namespace, where the only name server hears and never answers."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:3\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    program = (
        "import socket, time\n"
        "from iwx_agent.host import HostError\n"
        "from iwx_agent.host.live import LiveHost\n"
        "deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "deaf.bind(('127.0.0.1', 53))\n"
        "with LiveHost() as host:\n"
        "    started = time.monotonic()\n"
        "    try:\n"
        "        print(host.resolve('www.example.com', timeout_s=1))\n"
        "    except HostError as error:\n"
        "        print(error.kind, error.reason, time.monotonic() - started < 2)\n"
        "    print(host.resolve('localhost').addresses[0], host.abandoned())\n"
    )
    shell = (
        f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && "
        f"mount --bind {tmp_path}/nsswitch.conf /etc/nsswitch.conf && "
        'ip link set lo up && exec "$0" -c "$1"'
    )
    argv = ["unshare", "--mount", "--net", "sh", "-c", shell, sys.executable, program]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert told.stdout == "timeout no answer within 1.0 s True\n127.0.0.1 ()\n", told.stderr


def test_who_keeps_something_on_a_dead_file_system_is_not_held(
    dead_mount: tuple[str, Callable[[], None]],
) -> None:
    path, revive = dead_mount
    started = time.monotonic()
    with pytest.raises(StateError, match=r"no answer within 5\.0 s"):
        Door(Path(path) / "iwx-agent").write()
    assert time.monotonic() - started < 8
    revive()
    assert gone()
