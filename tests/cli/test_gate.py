"""The gate: what a command writes is held, redacted or compared, and leaves whole or not at all."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redacting import SECRET, redactor

from iwx_agent.app import redaction
from iwx_agent.cli import run
from iwx_agent.cli.gate import Gate, gate
from iwx_agent.redact import Canaries, Redactor, rules

CANARY = "c4nary-of-no-rule"
PLACE = "/usr/local/interworx/iworx.ini"
STOPPED = f"iwx-agent: a secret of {PLACE} would have been in the output: nothing was written\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def secrets_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "redactor_here", lambda: redactor(secrets=[(PLACE, CANARY)]))


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``why`` with another body: the command that a test gives."""

    def call(body: Callable[[], None], *arguments: str) -> tuple[int, str, str]:
        def command(**_: Any) -> None:
            body()

        monkeypatch.setattr("iwx_agent.app.saved.saved_report", lambda run: command())
        code = run(["why", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def writes(text: str, *, to: str = "stdout", kind: str = "text") -> Callable[[], None]:
    def body() -> None:
        if kind == "redacted":
            gate().redacted()
        getattr(sys, to).write(text)
        raise SystemExit(3)

    return body


def test_text_is_redacted_and_then_let_out(iwx: Run) -> None:
    assert iwx(writes(f"password={SECRET}\n")) == (3, "password=[hidden:password]\n", "")


def test_what_is_redacted_is_not_redacted_again(iwx: Run) -> None:
    assert iwx(writes("password=as it was\n", kind="redacted")) == (3, "password=as it was\n", "")


@pytest.mark.parametrize("kind", ["text", "redacted"])
@pytest.mark.parametrize(
    "text",
    [
        f"before\nit is {CANARY}\nafter\n",
        json.dumps({"x": CANARY}),
        CANARY.replace("-", "%2D"),
        CANARY.replace("-", "&#45;"),
        f"it is {CANARY[:6]}\x1b[1m{CANARY[6:]}\x1b[0m",
        f"it is {CANARY[:9]}\n    {CANARY[9:]}\n",
    ],
)
def test_a_secret_of_the_server_stops_all_of_the_output(iwx: Run, kind: str, text: str) -> None:
    assert iwx(writes(text, kind=kind)) == (70, "", STOPPED)


def test_a_secret_on_standard_error_stops_it_all_too(iwx: Run) -> None:
    def body() -> None:
        sys.stdout.write("a report\n")
        sys.stderr.write("all is well\n")
        sys.stderr.write(f"it is {CANARY}\n")
        sys.stderr.write(f"again {CANARY}\n")

    assert iwx(body) == (70, "", f"all is well\n{STOPPED}")


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_an_error_is_redacted_with_its_trace(iwx: Run, debug: tuple[str, ...]) -> None:
    def body() -> None:
        raise ValueError(f"got password={SECRET} from 203.0.113.7")

    code, out, err = iwx(body, *debug)
    assert (code, out) == (70, "")
    assert "iwx-agent: internal error: ValueError: got password=[hidden:password] from ip-" in err
    assert SECRET not in err
    assert "203.0.113.7" not in err
    assert ("Traceback (most recent call last)" in err) is bool(debug)


@pytest.mark.parametrize("debug", [(), ("--debug",)])
@pytest.mark.parametrize("cause", [False, True])
def test_a_secret_of_the_server_in_an_error_stops_it(iwx: Run, debug: tuple[str, ...], cause: bool) -> None:
    def body() -> None:
        if not cause:
            raise ValueError(f"got {CANARY}")
        try:
            raise LookupError(CANARY)
        except LookupError as error:
            raise ValueError("something else") from error

    code, out, err = iwx(body, *debug)
    assert (code, out) == (70, "")
    assert CANARY not in err
    if debug or not cause:
        assert err == STOPPED


def test_one_that_was_found_before_writing_is_told_the_same_way(iwx: Run) -> None:
    def body() -> None:
        redactor(secrets=[(PLACE, CANARY)]).release(CANARY.encode())

    assert iwx(body, "--debug") == (70, "", STOPPED)


def test_wrong_usage_is_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", f"password={SECRET}"]) == 2
    told = capsys.readouterr()
    assert (told.out, SECRET in told.err) == ("", False)
    assert run(["diagnose", f"--{CANARY}"]) == 70
    assert CANARY not in capsys.readouterr().err


def never() -> Redactor:
    pytest.fail("the secrets were read for the agent's own words")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("diagnose", "--help"), ("checks",)])
def test_for_its_own_words_no_secret_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(redaction, "redactor_here", never)
    assert run(arguments) in (0, 2)
    told = capsys.readouterr()
    assert told.out + told.err


def test_what_cannot_be_searched_does_not_leave(iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Redactor:
        raise MemoryError(CANARY)

    monkeypatch.setattr(redaction, "redactor_here", broken)
    said = "iwx-agent: the output could not be searched for secrets (MemoryError): nothing was written\n"
    assert iwx(writes("a report\n")) == (70, "", said)
    assert iwx(writes("a line\n", to="stderr")) == (70, "", said)


def test_places_that_could_not_be_read_are_said_once(iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def partly() -> Redactor:
        return Redactor(rules(), Canaries((), unread={"/root/.my.cnf": "no answer within 1.0 s"}), None)

    monkeypatch.setattr(redaction, "redactor_here", partly)

    def body() -> None:
        sys.stderr.write("one\n")
        sys.stderr.write("two\n")
        sys.stdout.write("three\n")
        raise SystemExit(0)

    said = (
        "iwx-agent: The secrets of /root/.my.cnf could not be compared with this text "
        "(no answer within 1.0 s): rules alone hid them.\n"
    )
    assert iwx(body)[1:] == ("three\n", f"{said}one\ntwo\n")


# What is held, and where it goes


@contextmanager
def opened() -> Iterator[tuple[Gate, io.TextIOWrapper, io.TextIOWrapper]]:
    """Open a gate in the test itself: pytest changes the streams between a fixture and its test."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with Gate(out, err) as one:
        yield one, out, err


def told(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def test_nothing_is_written_before_the_end() -> None:
    with opened() as (one, out, err):
        sys.stdout.write("a")
        sys.stdout.buffer.write(b"b")
        sys.stdout.flush()
        assert told(out) == b""
        sys.stderr.write("at once")
        assert told(err) == b"at once"
        assert one.let_out()
        assert told(out) == b"ab"


def test_bytes_that_were_released_in_parts_are_not_looked_at() -> None:
    with opened() as (one, out, _):
        one.write_released(b"\x1f\x8b" + CANARY.encode())
        assert one.let_out()
        assert told(out) == b"\x1f\x8b" + CANARY.encode()


def test_a_file_passes_it_too() -> None:
    with opened() as (one, _, _):
        assert one.checked(b"a report") == b"a report"
        with pytest.raises(Exception, match="iworx"):
            one.checked(CANARY.encode())


def test_of_a_capture_this_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as (one, out, err):
        monkeypatch.setattr(redaction, "redactor_here", never)
        one.of_a_capture()
        sys.stderr.write(f"token={SECRET}\n")
        assert told(err) == b"token=[hidden:token]\n"
        sys.stdout.write("x\n")
        one.redacted()
        assert one.let_out()
        assert told(out) == b"x\n"


def test_a_report_that_quotes_nothing_is_let_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as (one, out, err):
        one.of_a_report(None)
        sys.stdout.write("healthy\n")
        sys.stderr.write(f"token={SECRET}\n")  # an error is none of it
        assert one.let_out()
        assert (told(out), told(err)) == (b"healthy\n", b"token=[hidden:token]\n")


def test_a_report_is_compared_with_what_it_was_redacted_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as (one, out, err):
        monkeypatch.setattr(redaction, "redactor_here", never)
        one.of_a_report(redactor(secrets=[("/etc/x", CANARY)]))
        sys.stdout.write(f"{CANARY}\n")
        assert not one.let_out()
        assert told(out) == b""
        assert b"a secret of /etc/x would have been in the output" in told(err)


def test_a_thread_and_what_python_ignores_say_it_through_the_gate() -> None:
    with opened() as (_, _, err):

        def broken() -> None:
            raise ValueError(f"password={SECRET}")

        thread = threading.Thread(target=broken)
        thread.start()
        thread.join()
        assert b"ValueError: password=[hidden:password]" in told(err)
        sys.excepthook(ValueError, ValueError(SECRET), None)
        sys.unraisablehook(type("Args", (), {"exc_type": KeyError})())
        assert told(err).endswith(
            b"iwx-agent: internal error: ValueError\niwx-agent: internal error, ignored: KeyError\n"
        )
        assert SECRET.encode() not in told(err)


def test_everything_is_as_before_afterwards() -> None:
    before = (sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook, threading.excepthook)
    with Gate(sys.stdout, sys.stderr):
        assert sys.stdout is not before[0]
    assert before == (sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook, threading.excepthook)


def test_closed_streams_are_no_defect() -> None:
    with Gate(None, None) as one:
        sys.stdout.write("x")
        sys.stderr.write("y")
        assert not sys.stdout.isatty()
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.fileno()
        assert one.terminal.write("z") == 1
        assert one.let_out()


def test_a_stream_without_bytes_below_gets_text() -> None:
    out = io.StringIO()
    with Gate(out, io.StringIO()) as one:
        sys.stdout.write("x é\n")
        assert one.let_out()
    assert out.getvalue() == "x é\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_text_of_any_locale_is_redacted_in_it(encoding: str) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    with Gate(out, io.StringIO()) as one:
        sys.stdout.write(f"é password={SECRET}\n")
        assert one.let_out()
    assert told(out) == "é password=[hidden:password]\n".encode(encoding, "backslashreplace")
