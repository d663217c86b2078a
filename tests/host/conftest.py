"""Fixtures of the host's tests: a live host, peers that misbehave, and the search for what was left."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peers import Peers, descendants_of, marked, script

from iwx_agent.host.live import LiveHost

SETTLE_S = 0.5


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail a test after which a process is left: below this one, or marked as a command of its hosts."""
    before = set(descendants_of(os.getpid()))
    yield
    deadline = time.monotonic() + SETTLE_S
    mark = f"IWX_AGENT_QUESTION={os.getpid()}-".encode()
    while True:
        left = {pid: name for pid, name in descendants_of(os.getpid()).items() if pid not in before}
        left |= {pid: name for pid, name in marked(mark).items() if pid not in before}
        if not left:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: {left}")
        time.sleep(0.02)


@pytest.fixture
def host() -> Iterator[LiveHost]:
    with LiveHost(budget_s=50) as live:
        yield live


@pytest.fixture
def spare_process() -> Iterator[Callable[[list[str]], "subprocess.Popen[bytes]"]]:
    """Start a process of the test's own that is ended with it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(argv: list[str]) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    found = Peers()
    yield found
    found.close()


@pytest.fixture
def make_script(tmp_path: Path) -> Callable[..., str]:
    """Write an executable script into the test's directory and return its path."""

    def make(name: str, text: str, interpreter: str = "/bin/sh") -> str:
        return script(tmp_path / name, text, interpreter)

    return make
