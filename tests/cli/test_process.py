"""The program as a process: closed pipes, Ctrl-C, odd locales, no colour in a file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from building import make_capture
from peers import descendants_of

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

PROGRAM = [sys.executable, "-m", "iwx_agent"]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    page = {"kind": "http", "url": "https://localhost:2443/nodeworx/"}
    refused = {"question": page, "error": {"kind": "refused", "reason": "connection réfused"}}
    return make_capture(tmp_path / "capture", refused)


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, check=False, timeout=30, env=os.environ | environment
    )


@pytest.mark.parametrize(
    "arguments",
    [("diagnose", "--format", "json"), ("diagnose", "--format", "html"), ("diagnose",), ("ticket",)],
    ids=" ".join,
)
def test_a_closed_pipe_is_quiet_and_looks_like_no_result(capture: Path, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, *arguments, "--from", str(capture)],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=30,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize(
    "arguments",
    [("diagnose", "--format", "json"), ("diagnose", "--format", "html"), ("diagnose",), ("ticket",)],
    ids=" ".join,
)
def test_output_to_a_full_disk_is_said_as_that(capture: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments, "--from", str(capture)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=30,
        )
    said = done.stderr.decode()
    assert done.returncode == 70
    assert said.startswith("iwx-agent: the output could not be written: No space left on device\n")
    assert "internal error" not in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("command", ["diagnose", "ticket"])
def test_every_locale_will_do(capture: Path, encoding: str, command: str) -> None:
    done = program(command, "--from", str(capture), "--only", "panel", PYTHONIOENCODING=encoding)
    assert done.returncode in (1, 3, 4), done.stderr
    assert done.stderr == b""
    done.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_page_is_utf_8_in_every_locale(capture: Path, encoding: str) -> None:
    done = program("diagnose", "--from", str(capture), "--format", "html", PYTHONIOENCODING=encoding)
    assert done.stderr == b""
    assert "✓" in done.stdout.decode()  # of its style


LOADED = """
import sys
from iwx_agent.cli import run
run(sys.argv[1:])
sys.stderr.write(" ".join(sys.modules))
"""
PAGE = {"jinja2", "iwx_agent.rendering.html"}
TICKET = {
    *("iwx_agent.rendering.ticket", "iwx_agent.app.background", "iwx_agent.probes.changes"),
    *("iwx_agent.triage.changes", "iwx_agent.triage.impact", "iwx_agent.parsers.wtmp"),
}
ROOTS = Path(__file__).parents[1] / "roots"


def loaded_by(*arguments: str) -> set[str]:
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    return set(done.stderr.decode().split())


@pytest.mark.parametrize(("output", "loaded"), [("text", False), ("json", False), ("html", True)])
def test_only_who_wants_a_page_pays_for_it(capture: Path, output: str, loaded: bool) -> None:
    found = loaded_by("diagnose", "--from", str(capture), "--format", output)
    assert found & PAGE == (PAGE if loaded else set())


def test_a_healthy_server_pays_nothing_for_the_ticket() -> None:
    assert not loaded_by("diagnose", "--from", str(ROOTS / "healthy")) & TICKET
    assert loaded_by("ticket", "--from", str(ROOTS / "healthy")) >= TICKET


def test_no_colour_in_a_pipe_and_none_for_who_wants_none(capture: Path) -> None:
    assert b"\x1b" not in program("diagnose", "--from", str(capture)).stdout


def test_the_version_needs_nothing() -> None:
    done = program("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"iwx-agent ")


SLOW = """
import sys
from iwx_agent import probes
from iwx_agent.app import diagnose
from iwx_agent.cli import run
from iwx_agent.probes import Probe

def boot(context):
    return context.host.run(("sleep", "25"), timeout_s=28.0)

diagnose.PROBES = tuple(Probe(ask=boot) if probe.fact == "boot" else probe for probe in probes.PROBES)
sys.exit(run(["diagnose", "--only", "panel.nodeworx"]))
"""


def test_ctrl_c_ends_within_a_second_and_leaves_nothing() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    until = time.monotonic() + 15
    while not any("sleep 25" in line for line in descendants_of(process.pid).values()):
        assert time.monotonic() < until, "the slow command was not seen"
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    below = descendants_of(process.pid)
    started_s = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert time.monotonic() - started_s < 1.0
    assert (process.returncode, err) == (130, b"iwx-agent: interrupted; nothing was left running\n")
    time.sleep(0.1)
    left = [
        pid
        for pid in below
        if Path(f"/proc/{pid}/stat").exists() and b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    ]
    assert left == []
