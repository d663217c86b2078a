"""Commands: what they are given, what is told of them, and how they fail to start."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import command_line

from iwx_agent.host import HostError
from iwx_agent.host.live import LiveHost

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

MakeScript = Callable[..., str]


def test_passes_output_and_exit_code_on(host: LiveHost) -> None:
    found = host.run(("sh", "-c", "echo out; echo err >&2; exit 42"))
    assert (found.exit_code, found.stdout, found.stderr) == (42, b"out\n", b"err\n")
    assert (found.timed_out, found.truncated, found.left_behind) == (False, False, ())
    assert found.argv == ("sh", "-c", "echo out; echo err >&2; exit 42")


def test_tells_the_signal_that_ended_a_command(host: LiveHost) -> None:
    assert host.run(("sh", "-c", "kill -SEGV $$")).exit_code == -11


def test_arguments_reach_the_program_as_they_are(host: LiveHost) -> None:
    words = ("a b", "", "$HOME", "*", "é\n", "-n", "\udcff")
    found = host.run(("printf", "%s|", *words))
    assert found.stdout == b"a b||$HOME|*|\xc3\xa9\n|-n|\xff|"


def test_output_is_bytes_and_its_text_never_fails(host: LiveHost) -> None:
    found = host.run(("printf", r"\377\376 ok"))
    assert found.stdout == b"\xff\xfe ok"
    assert found.text == "�� ok"


def test_environment_and_directory_are_fixed(
    host: LiveHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    lines = host.run(("env",)).text.splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    mark = variables.pop("IWX_AGENT_QUESTION")
    assert mark.startswith(f"{os.getpid()}-")
    home = "/root" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_dir
    assert variables == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
        "LANG": "C",
        "HOME": home,
        "TERM": "dumb",
    }
    assert host.run(("pwd",)).stdout == b"/\n"


def test_a_program_in_the_callers_path_is_not_found(
    host: LiveHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_script: MakeScript
) -> None:
    make_script("only-here", "echo wrong")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError) as error:
        host.run(("only-here",))
    assert error.value.kind == "not_found"


def test_a_command_gets_no_descriptor_but_the_three(host: LiveHost, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as open_file:
        os.set_inheritable(open_file.fileno(), True)  # noqa: FBT003
        found = host.run(("ls", "-l", "/proc/self/fd"))
    targets = [line.split(" -> ")[1] for line in found.text.splitlines() if " -> " in line]
    assert targets[0] == "/dev/null"
    assert [target.split(":")[0] for target in targets[1:3]] == ["pipe", "pipe"]
    assert len(targets) == 4  # the fourth is the directory that ls reads


def test_a_command_has_default_signals_and_its_own_session(host: LiveHost) -> None:
    status = host.run(("cat", "/proc/self/status")).text
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["SigBlk"], 16) == 0
    assert int(fields["SigIgn"], 16) & 0x7FFF_FFFF == 0  # 32 and up belong to the C library
    words = host.run(("cat", "/proc/self/stat")).text.split()
    assert words[0] == words[4] == words[5]  # pid, process group, session
    assert words[6] == "0"  # no terminal


@pytest.mark.parametrize(
    ("argv", "kind", "reason"),
    [
        (("no-such-program-anywhere",), "not_found", "no such program (ENOENT)"),
        (("/no/such/program",), "not_found", "no such program (ENOENT)"),
        (("/etc/passwd/x",), "not_found", "no such program (ENOTDIR)"),
        (("/etc/passwd",), "permission", "may not be executed (EACCES)"),
        (("/tmp",), "permission", "may not be executed (EACCES)"),
        (("echo", "a\0b"), "failed", "embedded null byte (EINVAL)"),
        (("",), "failed", "an empty command"),
        ((), "failed", "an empty command"),
    ],
)
def test_says_why_a_program_does_not_start(
    host: LiveHost, argv: tuple[str, ...], kind: str, reason: str
) -> None:
    with pytest.raises(HostError) as error:
        host.run(argv)
    assert (error.value.kind, error.value.reason) == (kind, reason)


def test_a_missing_interpreter_is_not_a_missing_program(host: LiveHost, make_script: MakeScript) -> None:
    with pytest.raises(HostError) as error:
        host.run((make_script("broken", "", "/no/such/interpreter"),))
    assert error.value.kind == "failed"
    assert "interpreter" in error.value.reason


def test_a_file_that_is_no_program_says_so(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program\n")
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(HostError) as error:
        host.run((str(tmp_path / "text"),))
    assert (error.value.kind, error.value.reason) == ("failed", "Exec format error (ENOEXEC)")


@pytest.mark.parametrize(("count", "truncated"), [(99, False), (100, False), (101, True)])
def test_output_is_capped_at_its_limit_inclusive(host: LiveHost, count: int, truncated: bool) -> None:
    found = host.run(("head", "-c", str(count), "/dev/zero"), max_bytes=100)
    assert len(found.stdout) == min(count, 100)
    assert found.truncated is truncated


def test_what_came_before_the_deadline_is_kept(host: LiveHost) -> None:
    found = host.run(("sh", "-c", "echo early; echo bad >&2; sleep 100"), timeout_s=0.3)
    assert (found.stdout, found.stderr) == (b"early\n", b"bad\n")
    assert found.timed_out
    assert found.exit_code is None
    assert found.source.endswith("(timed out)")


def test_a_command_that_ends_itself_in_time_after_sigterm_is_still_timed_out(host: LiveHost) -> None:
    found = host.run(
        ("sh", "-c", "trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done"), timeout_s=0.3
    )
    assert found.timed_out
    assert found.stdout == b"bye\n"


def test_large_output_arrives_whole(host: LiveHost) -> None:
    found = host.run(("head", "-c", "3000000", "/dev/zero"), max_bytes=4_000_000)
    assert found.stdout == bytes(3_000_000)
    assert found.exit_code == 0


def test_an_agent_without_standard_streams_can_run_commands() -> None:
    program = (
        "import json, os, sys\n"
        "from iwx_agent.host.live import LiveHost\n"
        "with LiveHost() as host:\n"
        "    found = host.run(('sh', '-c', 'cat; echo out; echo err >&2'))\n"
        "    size = host.read('/etc/passwd').size_bytes\n"
        "open(sys.argv[1], 'w').write(json.dumps([found.text, found.error_text, size > 0]))\n"
    )
    read_end, write_end = os.pipe()
    subprocess.run(
        [
            "/bin/sh",
            "-c",
            'exec "$@" <&- >&- 2>&-',
            "sh",
            sys.executable,
            "-c",
            program,
            f"/dev/fd/{write_end}",
        ],
        pass_fds=(write_end,),
        check=True,
        timeout=20,
    )
    os.close(write_end)
    with os.fdopen(read_end) as told:
        assert json.load(told) == ["out\n", "err\n", True]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_command_left_to_a_dying_agent_ends_with_it(
    make_script: MakeScript, tmp_path: Path, number: signal.Signals
) -> None:
    """SIGKILL to the agent: it cannot clean up, its workers must. SIGINT: what Ctrl-C is."""
    mark = tmp_path / "alive"
    stays = make_script("stays", f"trap '' TERM\nsetsid sleep 1234.5 &\ntouch {mark}\nsleep 1234.5; :")
    program = (
        "import sys\nfrom iwx_agent.host.live import LiveHost\nLiveHost().run((sys.argv[1],), timeout_s=20)\n"
    )
    agent = subprocess.Popen([sys.executable, "-c", program, stays], stderr=subprocess.DEVNULL)
    try:
        until(mark.exists)
        until(lambda: len(commands_with("sleep 1234.5")) == 2)
    finally:
        agent.send_signal(number)
        agent.wait(3)
    until(lambda: not commands_with("sleep 1234.5") and not commands_with(stays))


def until(condition: Callable[[], bool], *, limit_s: float = 3.0) -> None:
    ends = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < ends, "did not happen"
        time.sleep(0.02)


def commands_with(words: str) -> list[int]:
    own = os.getpid()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if pid != own and words in command_line(pid)]
