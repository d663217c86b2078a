"""The key and the map of tokens: kept for root, bounded; a key of the run where they cannot be."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from iwx_agent.app import token_files
from iwx_agent.app.token_files import ServerTokens, TokenFileError, keep_tokens, known_tokens, server_tokens
from iwx_agent.host import HostError
from iwx_agent.host.worker.operations import operate
from iwx_agent.host.workers import Workers
from iwx_agent.redact import TokenMap

NO_WORKERS = cast("Workers", None)
CLIENT = "203.0.113.7"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Do in this process what a worker would do; return the operations that were asked for."""
    asked: list[str] = []

    def ask(*request: object, workers: object = None) -> Any:
        asked.append(f"{request[0]} {request[2]}")
        answer = operate(request)
        if answer[0] == "error":
            raise HostError(answer[1], answer[2], str(request[1]))
        return answer[1]

    monkeypatch.setattr(token_files, "_ask", ask)
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
    return asked


def given() -> ServerTokens:
    return server_tokens(NO_WORKERS, frozenset())


def test_the_key_is_made_once_and_gives_the_same_tokens(kept: Path) -> None:
    first = given()
    key = kept / "tokens.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32
    assert first.token("ip", CLIENT) == given().token("ip", CLIENT)
    assert first.trouble == ""


def test_the_map_is_kept_grows_and_is_not_written_without_need(kept: Path, here: list[str]) -> None:
    one = given()
    assert keep_tokens(one, NO_WORKERS) == ""
    assert not (kept / "tokens.json").exists()
    token = one.token("ip", CLIENT)
    assert keep_tokens(one, NO_WORKERS) == ""
    assert stat.S_IMODE((kept / "tokens.json").stat().st_mode) == 0o600
    assert known_tokens().reveal(token) == CLIENT
    two = given()
    two.token("ip", CLIENT)
    here.clear()
    assert keep_tokens(two, NO_WORKERS) == ""
    assert here == []
    mail = two.token("mail", "alice@example.com")
    assert keep_tokens(two, NO_WORKERS) == ""
    assert known_tokens().reveal(token) == CLIENT
    assert known_tokens().reveal(f"{mail}@example.com") == "alice@example.com"


def test_two_runs_at_once_lose_nothing_of_each_other() -> None:
    one, two = given(), given()
    tokens = [one.token("ip", "203.0.113.1"), two.token("ip", "203.0.113.2")]
    assert keep_tokens(one, NO_WORKERS) == keep_tokens(two, NO_WORKERS) == ""
    assert [known_tokens().reveal(token) for token in tokens] == ["203.0.113.1", "203.0.113.2"]


def test_the_map_is_bounded_and_the_oldest_go_first(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_files, "_MAP_MAX_BYTES", 300)
    one = given()
    tokens = [one.token("ip", f"203.0.113.{number}") for number in range(30)]
    assert keep_tokens(one, NO_WORKERS) == ""
    assert (kept / "tokens.json").stat().st_size <= 300
    known = known_tokens()
    assert known.reveal(tokens[-1]) == "203.0.113.29"
    assert known.reveal(tokens[0]) is None
    assert 5 < len(known.originals) < 15


def damage(name: str, data: bytes) -> Callable[[Path], None]:
    def make(kept: Path) -> None:
        kept.mkdir(mode=0o700)
        (kept / name).write_bytes(data)

    return make


def foreign(kept: Path) -> None:
    kept.mkdir(mode=0o777)
    kept.chmod(0o777)


def linked(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    (kept / "tokens.key").symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (damage("tokens.key", b"short"), "is damaged: 5 bytes instead of 32; remove it for a new one"),
        (damage("tokens.key", b"x" * 33), "is larger than 32 bytes"),
        (foreign, "others can write to"),
        (linked, "is a symlink, not a file; left alone"),
    ],
)
def test_without_its_key_a_run_has_one_of_its_own_and_says_so(
    kept: Path, make: Callable[[Path], None], said: str
) -> None:
    make(kept)
    one, two = given(), given()
    assert keep_tokens(one, NO_WORKERS) == ""  # nothing was given, nothing is lost
    assert one.token("ip", CLIENT) != two.token("ip", CLIENT)
    told = keep_tokens(one, NO_WORKERS)
    assert told.startswith(f"people's addresses have tokens of this run only ({kept}/tokens.key: ")
    assert said in told
    assert not (kept / "tokens.json").exists()


def test_a_full_disk_is_said(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = HostError("failed", "No space left on device (ENOSPC)", "x")
    inner = token_files._ask

    def ask(*request: object, workers: object = None) -> Any:
        if request[0] == "keep":
            raise full
        return inner(*request)

    monkeypatch.setattr(token_files, "_ask", ask)
    one = given()
    one.token("ip", CLIENT)
    assert "of this run only" in keep_tokens(one, NO_WORKERS)
    assert "No space left" in keep_tokens(one, NO_WORKERS)


def test_a_map_that_cannot_be_written_is_said_and_the_key_is_good(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = given()
    one.token("ip", CLIENT)
    (kept / "tokens.json").symlink_to("/etc/passwd")
    said = keep_tokens(one, NO_WORKERS)
    assert said.startswith("people's addresses have tokens that iwx-agent reveal does not know (")
    assert "is a symlink" in said
    assert one.token("ip", CLIENT) == given().token("ip", CLIENT)
    (kept / "tokens.json").unlink()
    inner = token_files._ask

    def ask(*request: object, workers: object = None) -> Any:
        if request[0] == "keep":
            raise HostError("failed", "Read-only file system (EROFS)", "x")
        return inner(*request)

    monkeypatch.setattr(token_files, "_ask", ask)
    assert "reveal does not know" in keep_tokens(one, NO_WORKERS)
    assert "EROFS" in keep_tokens(one, NO_WORKERS)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"ip-000001": 7}', b"\xff" * 40])
def test_a_damaged_map_is_begun_anew(kept: Path, data: bytes) -> None:
    one = given()
    token = one.token("ip", CLIENT)
    (kept / "tokens.json").write_bytes(data)
    with pytest.raises(TokenFileError, match="is damaged"):
        known_tokens()
    assert keep_tokens(given(), NO_WORKERS) == ""
    assert keep_tokens(one, NO_WORKERS) == ""
    assert known_tokens().reveal(token) == CLIENT


def test_what_was_given_before_is_given_again_although_the_key_is_another_now(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    (kept / "tokens.json").write_bytes(msgspec.json.encode({"ip-000001": CLIENT}))
    assert given().token("ip", CLIENT) == "ip-000001"


def test_there_is_nothing_to_reveal_yet() -> None:
    with pytest.raises(TokenFileError, match="no token has been given on this server yet") as raised:
        known_tokens()
    assert raised.value.absent


def test_only_root_may_reveal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    with pytest.raises(TokenFileError, match="for root only") as raised:
        known_tokens()
    assert not raised.value.absent


def test_no_text_of_it_shows_an_address() -> None:
    one = given()
    one.token("ip", CLIENT)
    assert CLIENT not in repr(one) + repr(one.map()) + repr(TokenMap(originals={"ip-000001": CLIENT}))
