"""The fences themselves: what a test outside e2e may not do fails, also when it is tried to be swallowed."""

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError

from iwx_agent.parsers import systemctl


def test_a_socket_is_refused() -> None:
    with pytest.raises(
        (SocketBlockedError, UserWarning), match="tried to use socket"
    ):  # warnings are errors here
        socket.socket()


def test_a_process_is_refused(fence_hits: list[str]) -> None:
    with contextlib.suppress(BaseException):
        subprocess.run([sys.executable, "-c", "pass"], check=False)
    assert "subprocess.Popen" in fence_hits[0]


@pytest.mark.parametrize("path", ["/etc/hostname", "/var/log/maillog", "/usr/local/interworx/iworx.ini"])
def test_a_file_of_the_machine_is_refused(path: str, fence_hits: list[str]) -> None:
    with contextlib.suppress(BaseException):
        Path(path).read_text()
    assert path in fence_hits[0]


def test_a_thread_that_swallows_it_is_noticed(fence_hits: list[str]) -> None:
    def read() -> None:
        with contextlib.suppress(BaseException):
            Path("/etc/hostname").read_text()

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert len(fence_hits) == 1


def test_pure_code_may_not_open_anything(
    fence_hits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("x")

    class Opening(str):
        __slots__ = ()

        def replace(self, *arguments: object, **options: object) -> str:
            return (tmp_path / "x").read_text()

    with contextlib.suppress(BaseException):
        systemctl.parse_show(Opening("Id=x"), booted_at=0.0)
    assert "by pure code" in fence_hits[0]
