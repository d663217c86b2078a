"""``bundle``: where it goes, what it says, and that a wrong place or wish is said before anything else."""

import hashlib
import json
import stat
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import pytest
from fakes import FakeHost, clock
from redacting import SECRET
from scenarios import ROOTS

from iwx_agent.cli import run
from iwx_agent.host import AskClock, HostError, Question
from iwx_agent.replay.archives import unpacked
from iwx_agent.replay.format import NOT_FOUND

SOURCE = str(ROOTS / "queue-stuck")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def test_a_bundle_comes_to_lie_here_and_its_path_size_and_sum_are_said(iwx: Run, here: Path) -> None:
    code, out, err = iwx("bundle", "--from", SOURCE)
    (made,) = here.iterdir()
    data = made.read_bytes()
    assert (code, err) == (0, "")
    assert out == f"./{made.name}\n{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}\n"
    assert made.name.startswith("iwx-agent-iwx1.lab.invalid-2026")
    assert made.name.endswith("Z.tar.gz")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_it_is_judged_from_there(iwx: Run, here: Path) -> None:
    iwx("bundle", "--from", SOURCE, "b.tar.gz", "--note", f"it began at noon; password={SECRET}")
    for command in ("diagnose", "ticket"):
        code, out, _ = iwx(command, "--from", "b.tar.gz")
        assert code == 3
        assert "Mail is not delivered" in out
    whole = unpacked(BytesIO((here / "b.tar.gz").read_bytes()), "b")
    (told,) = [json.loads(data) for name, data in whole.items() if name.endswith("/manifest.json")]
    assert told["note"] == "it began at noon; password=[hidden:password]"
    (ticket,) = [data for name, data in whole.items() if name.endswith("/ticket.txt")]
    assert b"A PERSON'S NOTE\n  | it began at noon; password=[hidden:password]\n" in ticket


@pytest.mark.parametrize(
    ("arguments", "name"), [(("b.zip",), "b.zip"), (("--zip", "b"), "b"), (("--zip",), "")]
)
def test_a_zip_by_option_or_by_name(iwx: Run, here: Path, arguments: tuple[str, ...], name: str) -> None:
    code, _, _ = iwx("bundle", "--from", SOURCE, *arguments)
    (made,) = here.iterdir()
    assert code == 0
    assert made.read_bytes().startswith(b"PK")
    assert made.name == name or made.name.endswith("Z.zip")
    assert iwx("diagnose", "--from", made.name)[0] == 3


def test_a_directory_with_a_slash_gets_the_usual_name(iwx: Run, here: Path) -> None:
    (here / "d").mkdir()
    code, out, _ = iwx("bundle", "--from", SOURCE, "d/")
    (made,) = (here / "d").iterdir()
    assert code == 0
    assert out.startswith(f"d/{made.name}\n")


def test_to_standard_output_as_bytes_and_nothing_else(
    here: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["bundle", "--from", SOURCE, "--stdout"]) == 0
    told = capfdbinary.readouterr()
    assert any(name.endswith("/ticket.txt") for name in unpacked(BytesIO(told.out), "x"))
    assert told.err == b""
    assert list(here.iterdir()) == []


def never(*told: object, **more: object) -> None:
    pytest.fail("asked the machine first")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--stdout", "b"), 2, "--stdout goes to a pipe or a file of the shell, without FILE"),
        (("--max-size", "1"), 2, "--max-size: expected 64K to 100M"),
        (("--max-size", "63K"), 2, "--max-size: expected 64K to 100M"),
        (("--max-size", "101M"), 2, "got '101M'"),
        (("--max-size", "5G"), 2, "got '5G'"),
        (("--max-size", "M"), 2, "got 'M'"),
        (("--max-size", "-5M"), 2, "got '-5M'"),
        (("--max-size", "\u0665M"), 2, "--max-size"),
        (
            ("--encrypt", "Bob"),
            2,
            "--encrypt: expected a key's full fingerprint or a mail address, got 'Bob'",
        ),
        (("--note", "x" * 4001), 2, "--note: expected at most 4000 characters, got 4001"),
        (("there",), 2, "there is something at .*there already; nothing was overwritten"),
        (("link",), 2, "there is a symbolic link at"),
        (("open/b",), 2, "everybody can write to"),
        (("no/b",), 2, "No such file or directory"),
    ],
)
def test_what_will_not_do_is_said_before_anything_is_asked(
    iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    import re

    monkeypatch.setattr("iwx_agent.app.bundling.bundle_live", never)
    (here / "there").write_text("mine")
    (here / "link").symlink_to("nowhere")
    (here / "open").mkdir()
    (here / "open").chmod(0o777)
    ended, out, err = iwx("bundle", *arguments)
    assert (ended, out) == (code, "")
    assert re.search(said, " ".join(err.split())), err
    assert sorted(path.name for path in here.iterdir()) == ["link", "open", "there"]
    assert (here / "there").read_text() == "mine"


@pytest.mark.parametrize(
    ("told", "size"), [("64K", 65536), ("1m", 1048576), ("100M", 104857600), ("70000", 70000)]
)
def test_sizes(iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch, told: str, size: int) -> None:
    wanted: list[Any] = []

    def live(request: Any, given: Any, **more: Any) -> Any:
        wanted.append(given)
        raise HostError("failed", "stop here", "x")

    monkeypatch.setattr("iwx_agent.app.bundling.bundle_live", live)
    assert iwx("bundle", "--max-size", told)[0] == 70
    assert wanted[0].size_bytes == size


def test_the_configuration_says_how_large(
    iwx: Run, here: Path, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text("[bundle]\nsize_bytes = 70000\n")
    code, _, err = iwx("bundle", "--from", SOURCE, "b")
    assert code == 0
    assert (here / "b").stat().st_size <= 70000
    (etc / "config.toml").write_text("[bundle]\nsize_bytes = 65535\n")
    code, _, err = iwx("bundle", "--from", SOURCE, "c")
    assert code == 2
    assert "config.toml:2: bundle.size_bytes: expected bytes between 65536 and 104857600" in err


def test_what_is_left_out_is_said(iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iwx_agent.app.bundling import Made
    from iwx_agent.replay.bundles import LeftOut

    out = tuple(LeftOut(kind="read", source=f"/var/log/\x1b[31m{n}", size_bytes=n) for n in range(12))
    made = Made(name="x.tar.gz", media_type="x", data=b"x", left_out=out)
    monkeypatch.setattr("iwx_agent.app.bundling.bundle_live", lambda *told, **more: made)
    code, _, err = iwx("bundle")
    assert code == 0
    assert "left out, for want of room: /var/log/\\x1b[31m0 (0 bytes)\n" in err
    assert "and 2 more: see manifest.json\n" in err
    assert "\x1b" not in err


def test_when_report_and_ticket_have_no_room(iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iwx_agent.app.bundling import BundleError

    def live(*told: Any, **more: Any) -> Any:
        raise BundleError("report and ticket alone are 9 bytes, the limit is 8: raise it with --max-size")

    monkeypatch.setattr("iwx_agent.app.bundling.bundle_live", live)
    code, out, err = iwx("bundle")
    assert (code, out) == (2, "")
    assert err.startswith("iwx-agent: report and ticket alone are 9 bytes, the limit is 8: raise it")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "source", "code", "hint"),
    [
        ("failed", "/x", 70, True),
        ("timeout", "/x", 70, True),
        ("refused", "/x", 2, False),
        ("not_found", "gpg", 2, False),
        ("failed", "gpg", 70, False),
    ],
)
def test_what_could_not_be_written_or_encrypted_leaves_nothing(
    iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, source: str, code: int, hint: bool
) -> None:
    def fail(*told: Any) -> Any:
        raise HostError(kind, "why not", source)

    monkeypatch.setattr("iwx_agent.app.bundling.encrypted", fail)
    ended, out, err = iwx("bundle", "--from", SOURCE, "--encrypt", "support@example.com")
    assert (ended, out) == (code, "")
    assert err.startswith("iwx-agent: no bundle was written: why not\n")
    assert ("--stdout" in err) is hint
    assert list(here.iterdir()) == []


def test_an_encrypted_bundle_is_named_so(iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def encrypt(workers: Any, data: bytes, argv: tuple[str, ...]) -> bytes:
        given.append((data, argv))
        return b"\x85encrypted"

    monkeypatch.setattr("iwx_agent.host.encryption.encrypt", encrypt)
    code, _, _ = iwx("bundle", "--from", SOURCE, "--encrypt", "support@example.com")
    (made,) = here.iterdir()
    assert code == 0
    assert made.name.endswith(".tar.gz.gpg")
    assert made.read_bytes() == b"\x85encrypted"
    assert given[0][0].startswith(b"\x1f\x8b")
    assert "<support@example.com>" in given[0][1]
    code, _, err = iwx("diagnose", "--from", made.name)
    assert code == 2
    assert "gpg --decrypt first" in err


def test_a_terminal_is_no_place_for_it(iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("iwx_agent.app.bundling.bundle_live", never)
    assert iwx("bundle", "--stdout")[0] == 2


class Live(FakeHost):
    """Stands in for the live host: answers that nothing is there."""

    def __init__(self, *, budget_s: float) -> None:
        super().__init__({})

    def answer(self, question: Question) -> Any:
        if isinstance(question, AskClock):
            return clock()
        raise HostError("not_found", NOT_FOUND, question.source)

    def abandoned(self) -> tuple[str, ...]:
        return ()

    in_progress = abandoned

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None: ...


def test_this_machine_is_asked_when_nothing_else_is_said(
    iwx: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Live)
    code, _, _ = iwx("bundle", "--note", "x")
    assert code == 0
    assert [path.name for path in here.iterdir()] == ["iwx-agent-iwx1.lab.invalid-20261123T160640Z.tar.gz"]
