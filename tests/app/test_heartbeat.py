"""The heartbeat meets a real receiver, in every way in which it can answer; its address is never told."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from building import AT, report
from certificates import Identity, made_identity
from hook import Hook
from peers import Peers
from steering import PUT_OFF, entry

from iwx_agent.app.auto import Outcome, _left_undelivered, went_well
from iwx_agent.app.heartbeat import beat, beat_after_run, shown
from iwx_agent.app.posted import Posted, any_undelivered
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.host.live import LiveHost
from iwx_agent.model.episode import Action, Decision
from iwx_agent.outbox.machine import ENDS, Entry, State
from iwx_agent.outbox.sending import Kept
from iwx_agent.state.contract import KeptText
from iwx_agent.state.door import StateError
from iwx_agent.state.memory import MemoryStore

TOKEN = "0123456789abcdef0123"


@pytest.fixture
def host() -> Iterator[LiveHost]:
    with LiveHost(budget_s=50) as live:
        yield live


@pytest.fixture
def peers() -> Iterator[Peers]:
    found = Peers()
    yield found
    found.close()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return made_identity(tmp_path_factory.mktemp("beat"))


@pytest.mark.e2e
@pytest.mark.enable_socket
class TestReal:
    @pytest.mark.parametrize("status", [200, 204, 299])
    def test_it_asks_once_and_sends_nothing_along(self, host: LiveHost, status: int) -> None:
        with Hook(status) as receiver:
            assert beat(host, f"{receiver.url}/{TOKEN}?x=1") == ""
        (got,) = receiver.received
        assert (got.method, got.path, got.body) == ("GET", f"/hook/{TOKEN}?x=1", b"")
        names = {"host", "user-agent", "connection", "accept-encoding"}
        assert set(got.headers) == names
        assert got.headers["user-agent"] == "iwx-agent"

    @pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
    def test_another_status_is_no_success(self, host: LiveHost, status: int) -> None:
        with Hook(status, b"<b>\x1b[31mno</b>") as receiver:
            assert beat(host, receiver.url) == f"status {status}"
        assert len(receiver.received) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, host: LiveHost, status: int) -> None:
        with Hook(200) as other, Hook(status, headers={"Location": f"{other.url}/{TOKEN}"}) as receiver:
            said = beat(host, receiver.url)
        assert said == f"status {status}: redirects are not followed, set the final address"
        assert other.received == []

    def test_it_goes_through_tls_with_a_private_authority(self, host: LiveHost, identity: Identity) -> None:
        with Hook(identity=identity.pem) as receiver:
            assert beat(host, receiver.url, authorities=str(identity.authority)) == ""
        assert len(receiver.received) == 1

    def test_who_cannot_prove_to_be_the_one_gets_nothing(self, host: LiveHost, identity: Identity) -> None:
        with Hook(identity=identity.pem) as receiver:
            said = beat(host, f"{receiver.url}/{TOKEN}")
            other = receiver.url.replace("localhost", "127.0.0.1")
            named = beat(host, f"{other}/{TOKEN}", authorities=str(identity.authority))
        assert "the certificate cannot be trusted" in said
        assert "IP address mismatch" in named
        assert TOKEN not in said + named
        assert receiver.received == []

    def test_nobody_there(self, host: LiveHost) -> None:
        with Hook() as gone:
            url = f"{gone.url}/{TOKEN}"
        said = beat(host, url)
        assert "refused" in said
        assert TOKEN not in said

    @pytest.mark.parametrize("kind", ["silent", "dripping"])
    def test_who_does_not_answer_in_time_holds_nobody(self, host: LiveHost, peers: Peers, kind: str) -> None:
        behaviour = {"silent": peers.silent, "dripping": peers.dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x")}[
            kind
        ]
        began = time.monotonic()
        said = beat(host, f"http://127.0.0.1:{peers.tcp(behaviour)}/{TOKEN}", 0.5)
        assert time.monotonic() - began < 2
        assert said
        assert TOKEN not in said

    def test_a_failure_after_a_run_is_said_without_the_address(self, host: LiveHost) -> None:
        told: list[str] = []
        with Hook(500) as receiver:
            url = f"{receiver.url}/{TOKEN}"
            beat_after_run(host, Sending(auto=AutoSettings(heartbeat_url=url)), told.append)
        assert told == [f"the heartbeat did not reach http://127.0.0.1:{receiver.port}: status 500"]

    def test_a_success_after_a_run_is_not_told(self, host: LiveHost) -> None:
        told: list[str] = []
        with Hook(200) as receiver:
            beat_after_run(host, Sending(auto=AutoSettings(heartbeat_url=receiver.url)), told.append)
        assert (told, len(receiver.received)) == ([], 1)


def test_without_an_address_nothing_is_asked() -> None:
    told: list[str] = []
    beat_after_run(None, Sending(), told.append)  # type: ignore[arg-type] # it must not be touched
    assert told == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://beat.example.com/x",
        "ftp://beat.example.com",
        "https://u:secret@beat.example.com",
        "https://[",
        "https://beat.example.com/\r\nX: y",
    ],
)
def test_an_address_that_cannot_be_used_is_not_asked(url: str) -> None:
    said = beat(None, url)  # type: ignore[arg-type] # it must not be touched
    assert said == "its address cannot be used: iwx-agent config check"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"https://beat.example.com/{TOKEN}?k={TOKEN}#{TOKEN}", "https://beat.example.com"),
        (f"https://u:{TOKEN}@beat.example.com:8443/x", "https://beat.example.com:8443"),
        (f"https://[2001:db8::1]:8443/{TOKEN}", "https://[2001:db8::1]:8443"),
        (f"https://[{TOKEN}", "the heartbeat's address"),
        (f"https://beat.example.com:{TOKEN}/", "the heartbeat's address"),
    ],
)
def test_only_scheme_and_host_are_shown(url: str, told: str) -> None:
    assert shown(url) == told


def outcome(**more: Any) -> Outcome:
    decision = Decision(action=Action.NOTHING, row="nothing", said="nothing is wrong")
    return Outcome(report=report(), decision=decision, **more)


def test_nobody_may_rely_on_a_run_that_could_not_decide_or_send(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    failed = Entry(key="iwx-1", chain=("file",), state=State.FAILED, created_at=AT, due_at=None)
    undelivered = Posted(moved=(Kept(entry=failed, letter=None, version=1),))  # type: ignore[arg-type]
    assert went_well(outcome(), stop)
    assert not went_well(outcome(sure=False), stop)
    assert not went_well(outcome(posted=undelivered), stop)
    assert not went_well(outcome(undelivered=True), stop)
    stop.touch()
    assert not went_well(outcome(), stop)


@pytest.mark.parametrize(
    ("state", "tried", "counts"),
    [
        (State.DRAFT, True, False),
        (State.QUEUED, False, False),
        (State.QUEUED, True, True),
        (State.SENDING, False, True),
        (State.UNCERTAIN, True, True),
        (State.SENT, True, False),
        (State.FAILED, True, True),
        (State.DROPPED, True, False),
    ],
)
def test_what_was_tried_in_vain_and_not_dropped_is_undelivered(
    state: State, tried: bool, counts: bool
) -> None:
    kept = entry(state=state, attempts=(PUT_OFF,) if tried else ())
    text = KeptText(key="iwx-1a", version=1, ended=state in ENDS, entry=msgspec.json.encode(kept))
    assert any_undelivered((text,)) is counts
    sent = msgspec.json.encode(entry(state=State.SENT))
    other = KeptText(key="iwx-2", version=1, ended=True, entry=sent)
    assert any_undelivered((other, text, other)) is counts


@pytest.mark.parametrize("ended", [False, True])
def test_what_waits_and_cannot_be_read_is_undelivered(ended: bool) -> None:
    assert any_undelivered((KeptText(key="iwx-1", version=1, ended=ended, entry=b"\xff"),)) is not ended


def test_of_no_texts_none_is_undelivered() -> None:
    assert not any_undelivered(())


def test_what_cannot_be_told_after_a_run_is_undelivered() -> None:
    class Gone(MemoryStore):
        def waiting(self) -> tuple[KeptText, ...]:
            raise StateError("the disk does not answer", "failed")

    assert not _left_undelivered(MemoryStore())
    assert _left_undelivered(Gone())
