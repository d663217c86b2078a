"""How the lab's probes ask: everything within a limit, and what does not answer is left behind."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable

LIMIT_S = 2.5
SHELL_LIMIT_S = 10.0


class UnwellError(Exception):
    pass


def need(good: bool, why: str) -> None:
    if not good:
        raise UnwellError(why)


def shell(script: str) -> str:
    """Run a line of sh; what does not end is left behind, not waited for."""
    child = subprocess.Popen(
        ["sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + SHELL_LIMIT_S
    while child.poll() is None:
        if time.monotonic() > deadline:
            os.killpg(child.pid, 9)
            raise UnwellError(f"no end within {SHELL_LIMIT_S:g} s: {script[:60]}")
        time.sleep(0.01)
    output = child.stdout.read() if child.stdout else ""
    need(child.returncode == 0, output.strip()[-300:] or f"exit {child.returncode}")
    return output


def talk(
    target: tuple[str, int] | str, say: bytes = b"", tls: str = "", until: Callable[[bytes], bool] = bool
) -> bytes:
    """Connect, perhaps wrap in TLS, say something, read until `until` is content, all within the limit."""
    deadline = time.monotonic() + LIMIT_S
    got = b""
    kind = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as raw:
            raw.settimeout(LIMIT_S)
            raw.connect(target)
            peer = raw
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                peer = context.wrap_socket(raw, server_hostname=tls)
            if say:
                peer.sendall(say)
            while not until(got):
                peer.settimeout(max(0.01, deadline - time.monotonic()))
                piece = peer.recv(65536)
                if not piece:
                    break
                got += piece
            peer.close()
    except (OSError, ValueError) as error:
        raise UnwellError(f"{error} after {got[:60]!r}") from error
    return got


def answers(point: str) -> None:
    """Ask a mounted file system for its size; whoever does is left behind when it hangs."""
    child = subprocess.Popen(["stat", "-f", point], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + LIMIT_S
    while child.poll() is None:
        if time.monotonic() > deadline:
            child.kill()
            raise UnwellError(f"{point} does not answer")
        time.sleep(0.01)
    need(child.returncode == 0, f"{point} answers with an error")
