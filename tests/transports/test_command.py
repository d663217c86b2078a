"""A ticket is given to real programs, and every way in which they end has its meaning."""

import base64
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from letters import SECRET, ending, kind_of, letter
from peers import marked

from iwx_agent.host.answers import CommandAnswer
from iwx_agent.host.workers import Worker, Workers
from iwx_agent.transports.command import CommandSettings, CommandTransport, receipt_of
from iwx_agent.transports.contract import CannotLook, NotFound, Receipt, Undelivered

pytestmark = pytest.mark.e2e

SHELL = os.path.realpath("/bin/sh")  # root's own, and so is the way to it
Make = Callable[..., CommandTransport]


@pytest.fixture
def runs() -> Iterator[Make]:
    """Return a transport whose program is the shell with a script."""
    with closing(Workers()) as workers:

        def make(script: str, look_up: str = "") -> CommandTransport:
            asked = (SHELL, "-c", look_up) if look_up else ()
            return CommandTransport(
                workers, CommandSettings(command=(SHELL, "-c", script), look_up_command=asked)
            )

        yield make


def test_a_program_gets_the_whole_ticket(runs: Make, tmp_path: Path) -> None:
    transport = runs(f"cat > {tmp_path}/got; echo T-17 is open")
    found = ending(transport, letter())
    assert found == Receipt(transport="command", said="T-17 is open")
    got = (tmp_path / "got").read_bytes()
    assert got == transport.outgoing(letter())
    ticket = msgspec.json.decode(got)
    assert (ticket["version"], ticket["kind"], ticket["id"], ticket["key"]) == (
        *(1, "new", "IWX-7f3a"),
        "IWX-7f3a",
    )
    assert ticket["ticket"]["message"] == letter().message
    assert base64.b64decode(ticket["attachments"][0]["base64"]) == b"\x1f\x8b\x00x"


def test_a_program_may_say_the_ticket_s_number(runs: Make) -> None:
    said = '{"reference": "T-17\\n", "url": "https://desk.example.com/T-17", "more": 1}'
    found = ending(runs(f"cat > /dev/null; printf '%s' '{said}'"), letter())
    assert found == Receipt(
        transport="command", reference="T-17", url="https://desk.example.com/T-17", said="ended with 0"
    )


@pytest.mark.parametrize(
    "said", ['{"reference": [1]}', '{"reference": true}', "[" * 5000, "\\377\\376", "null", ""]
)
def test_what_a_program_says_needs_not_be_an_answer(runs: Make, said: str) -> None:
    found = ending(runs(f"printf '{said}'"), letter())
    assert isinstance(found, Receipt)
    assert found.reference == ""


def test_a_url_that_is_none_is_not_handed_on(runs: Make) -> None:
    found = ending(runs("""printf '{"url": "javascript:alert(1)"}'"""), letter())
    assert isinstance(found, Receipt)
    assert found.url == ""


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, "permanent"), (2, "permanent"), (64, "permanent"), (65, "permanent"), (68, "permanent"),
        (69, "later"), (70, "uncertain"), (71, "permanent"), (74, "permanent"), (75, "later"),
        (76, "permanent"), (77, "permanent"), (78, "permanent"), (126, "permanent"), (127, "permanent"),
        (255, "permanent"),
    ],
)  # fmt: skip
def test_each_exit_code_has_its_ending(runs: Make, code: int, kind: str) -> None:
    found = ending(runs(f"echo because of that >&2; exit {code}"), letter())
    assert isinstance(found, Undelivered)
    assert found.kind == kind
    assert f"ended with {code}: because of that" in str(found)
    assert bool(found.next_step) == (kind == "permanent")


@pytest.mark.parametrize(
    ("said", "wait_s"), [("120", 120), ("0", 0), ("-5", 0), ("86400", 86400), ("1e9", 86400), ('"x"', 0)]
)
def test_a_program_may_say_when_to_come_again(runs: Make, said: str, wait_s: float) -> None:
    found = ending(runs(f"""printf '{{"retry_after_s": {said}}}'; exit 75"""), letter())
    assert isinstance(found, Undelivered)
    assert (found.kind, found.retry_after_s) == ("later", wait_s)


def test_a_program_that_is_killed_leaves_it_open(runs: Make) -> None:
    found = ending(runs("kill -9 $$"), letter())
    assert kind_of(found) == "uncertain"
    assert "was ended by signal 9" in str(found)


@pytest.mark.parametrize("after", ["sleep 1", "exit 0"])
def test_a_program_whose_supervisor_is_killed_may_have_filed_it(
    runs: Make, tmp_path: Path, after: str
) -> None:
    # As the kernel does when memory runs out: it need not be the program that is ended.
    found = ending(runs(f"cat > {tmp_path}/filed; kill -9 $PPID; {after}"), letter())
    assert (tmp_path / "filed").read_bytes()
    assert kind_of(found) == "uncertain"
    assert "its supervisor was ended from outside" in str(found)


def test_a_program_that_is_not_started_for_want_of_a_process_comes_later(
    runs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(worker: Worker, message: object, descriptors: object = ()) -> None:
        if isinstance(message, tuple) and message[0] == "run":
            raise BrokenPipeError(32, "Broken pipe")
        send(worker, message, descriptors)

    send: Callable[..., None] = Worker.send
    monkeypatch.setattr(Worker, "send", broken)
    found = ending(runs("exit 0"), letter())
    assert (kind_of(found), "could not be started: Broken pipe" in str(found)) == ("later", True)


def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(runs: Make) -> None:
    started = time.monotonic()
    found = ending(runs("trap '' TERM; sleep 97 & setsid sleep 97 & sleep 97"), letter(), limit_s=2)
    assert kind_of(found) == "uncertain"
    assert "did not end within" in str(found)
    assert time.monotonic() - started < 3
    assert not marked(f"IWX_AGENT_QUESTION={os.getpid()}-".encode())


def test_a_program_that_says_too_much_leaves_it_open(runs: Make) -> None:
    found = ending(runs("exec yes"), letter())
    assert kind_of(found) == "uncertain"
    assert "wrote more than 65536 bytes" in str(found)


def test_a_program_that_reads_nothing_is_judged_by_its_end(runs: Make) -> None:
    big = letter(message="x" * 5_000_000)
    assert kind_of(ending(runs("exec < /dev/null; exit 0"), big)) == "accepted"
    assert kind_of(ending(runs("exit 75"), big)) == "later"


def test_hostile_words_of_a_program_are_made_harmless(runs: Make) -> None:
    found = ending(runs("printf 'a\\033[31mb\\nsecond' >&2; exit 1"), letter())
    assert "a\\x1b[31mb" in str(found)
    assert "second" not in str(found)


def test_nothing_of_the_agent_s_environment_is_handed_on(runs: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", SECRET)
    found = ending(runs('printf "<%s> <%s>" "$SOME_SECRET" "$LC_ALL"'), letter())
    assert isinstance(found, Receipt)
    assert found.said == "<> <C>"


def test_the_ticket_is_on_no_command_line_and_in_no_file(runs: Make) -> None:
    script = "tr '\\0' ' ' < /proc/$$/cmdline; tr '\\0' ' ' < /proc/$$/environ; readlink /proc/$$/fd/0"
    found = ending(runs(script + " | head -c 200 >&2; exit 1"), letter(message=SECRET))
    assert kind_of(found) == "permanent"  # ``ending`` looks for the secret


# Which programs are run


def test_a_program_that_others_can_change_is_not_run(tmp_path: Path) -> None:
    program = tmp_path / "send"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    with closing(Workers()) as workers:
        found = ending(CommandTransport(workers, CommandSettings(command=(str(program),))), letter())
    assert isinstance(found, Undelivered)
    assert found.kind == "permanent"
    assert "not started: " in found.why
    assert "belongs to root" in found.next_step
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ((), "not an absolute path"),
        (("",), "not an absolute path"),
        (("sh",), "not an absolute path"),
        (("./sh",), "not an absolute path"),
        (("/",), "not an absolute path"),
        (("/usr/../bin/sh",), "not an absolute path"),
        (("//bin/sh",), "not an absolute path"),
        (("/nowhere/sh",), "No such"),
        (("/etc",), "is a directory, not a file"),
        (("/dev/null",), "not a file"),
        (("/etc/passwd",), "is not executable"),
        (("/etc/passwd/sh",), "is a file, not a directory"),
        (("/proc/self/exe",), "is a symlink"),
    ],
)
def test_what_is_no_program_of_root_s_is_not_run(command: tuple[str, ...], said: str) -> None:
    with closing(Workers()) as workers:
        found = ending(CommandTransport(workers, CommandSettings(command=command)), letter())
    assert kind_of(found) == "permanent"
    assert said.lower() in str(found).lower()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_program_of_somebody_else_is_not_run() -> None:
    place = Path("/run") / f"iwx-agent-test-{os.getpid()}"
    place.mkdir(mode=0o755)
    try:
        program = place / "send"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
        with closing(Workers()) as workers:
            transport = CommandTransport(workers, CommandSettings(command=(str(program),)))
            assert kind_of(ending(transport, letter())) == "accepted"
            program.chmod(0o775)
            assert "may write to" in str(ending(transport, letter()))
            program.chmod(0o755)
            os.chown(program, 65534, 0)
            assert "belongs to user 65534" in str(ending(transport, letter()))
            os.chown(program, 0, 0)
            place.chmod(0o1777)
            assert "may write to" in str(ending(transport, letter()))
            place.chmod(0o755)
            program.chmod(0o644)
            assert "is not executable" in str(ending(transport, letter()))
            (place / "link").symlink_to(program)
            linked = CommandTransport(workers, CommandSettings(command=(f"{place}/link",)))
            assert "is a symlink" in str(ending(linked, letter()))
    finally:
        for path in place.iterdir():
            path.unlink()
        place.rmdir()


# Whether it is there


def test_without_a_program_for_it_nothing_can_be_looked_up(runs: Make) -> None:
    assert runs("exit 0").look_up("IWX-1", limit_s=5) == CannotLook(reason="no look_up_command is set")


ECHO = 'read -r asked; test "$asked" = \'{"version":1,"look_up":"IWX-1"}\' || exit 9; printf \'%s\' '


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (ECHO + """'{"key": "IWX-1", "found": true, "reference": "T-5"}'""", Receipt),
        (ECHO + """'{"key": "IWX-1", "found": false}'""", NotFound),
        (ECHO + """'{"key": "IWX-2", "found": false}'""", CannotLook),
        (ECHO + """'{"key": "IWX-1"}'""", CannotLook),
        (ECHO + """'{"found": false}'""", CannotLook),
        (ECHO + "''", CannotLook),
        (ECHO + """'{"key": "IWX-1", "found": false}'; exit 1""", CannotLook),
        ("kill -9 $$", CannotLook),
        ("sleep 97", CannotLook),
        ("exec yes", CannotLook),
    ],
)
def test_only_a_clear_answer_counts(runs: Make, script: str, kind: type) -> None:
    started = time.monotonic()
    found = runs("exit 0", script).look_up("IWX-1", limit_s=1.5)
    assert isinstance(found, kind)
    assert time.monotonic() - started < 2.5
    if isinstance(found, Receipt):
        assert (found.reference, found.said) == ("T-5", "ended with 0, found")


def test_a_program_that_cannot_be_trusted_is_not_asked_either(tmp_path: Path) -> None:
    with closing(Workers()) as workers:
        settings = CommandSettings(command=("/bin/x",), look_up_command=(str(tmp_path / "x"),))
        found = CommandTransport(workers, settings).look_up("IWX-1", limit_s=5)
    assert isinstance(found, CannotLook)


def test_an_end_that_nobody_saw_is_open() -> None:
    answer = CommandAnswer(
        argv=("x",), exit_code=None, stdout=b"", stderr=b"", duration_s=1.0, timed_out=False, truncated=True
    )
    with pytest.raises(Undelivered) as caught:
        receipt_of(answer, "command, x")
    assert caught.value.kind == "uncertain"
