"""A whole chain from a file of settings, its secrets in force, against real receivers."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import Identity
from hook import Hook
from letters import ending, kind_of, letter
from mail_sink import PASSWORD, USER, Sink

from iwx_agent.app.transports import transports_of
from iwx_agent.config.secrets import load_secrets
from iwx_agent.config.sending import load_sending
from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Receipt, Transport, Undelivered

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

Built = Callable[[str], dict[str, Transport]]
SHELL = os.path.realpath("/bin/sh")  # root's own, and so is the way to it


@pytest.fixture
def built(host: LiveHost, etc: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    def built(text: str) -> dict[str, Transport]:
        (etc / "config.toml").write_text(text)
        sending = load_sending()
        return transports_of(host, host.workers, sending, load_secrets(sending))

    etc.mkdir()
    return built


def secret(etc: Path, text: str) -> Path:
    path = etc / "secret"
    path.write_text(f"{text}\n")
    path.chmod(0o600)
    return path


def test_each_way_takes_a_letter_as_it_is_set_up(
    built: Built, etc: Path, identity: Identity, tmp_path: Path
) -> None:
    path = secret(etc, PASSWORD)
    authorities = f'authorities = "{identity.authority}"\n'
    with Sink(auth=True, identity=identity.pem) as sink, Hook(identity=identity.pem) as hook:
        ways = built(
            '[delivery]\nsender_mail = "me@example.com"\nchain = ["email", "webhook", "command"]\n'
            f'[transport.email]\nto = "support@example.com"\nserver = "localhost"\nport = {sink.port}\n'
            f'tls = "starttls"\nuser = "{USER}"\npassword_file = "{path}"\n{authorities}'
            f'[transport.webhook]\nurl = "{hook.url}"\nkey_file = "{path}"\n{authorities}'
            f'[transport.command]\ncommand = ["{SHELL}", "-c", "cat > {tmp_path}/got"]\n'
            f'look_up_command = ["{SHELL}", "-c", "cat >&2; exit 3"]\n'
            f'[transport.file]\ndirectory = "{tmp_path}/kept/tickets"\n'
        )
        assert list(ways) == ["email", "webhook", "command", "file"]
        found = {name: ending(way, letter()) for name, way in ways.items()}
    assert {kind_of(one) for one in found.values()} == {"accepted"}
    assert all(isinstance(one, Receipt) and one.transport == name for name, one in found.items())
    assert (sink.received[0].user, sink.received[0].tls) == (USER, True)
    assert hook.received[0].headers["x-iwx-signature"].startswith("t=")
    assert b"IWX-7f3a" in (tmp_path / "got").read_bytes()
    assert (tmp_path / "kept/tickets/IWX-7f3a/ticket.txt").is_file()
    assert "look_up_command ended with 3" in str(ways["command"].look_up("IWX-7f3a", limit_s=5))


def test_only_the_authorities_that_are_named_are_trusted(
    built: Built, identity: Identity, tmp_path: Path
) -> None:
    with Hook(identity=identity.pem) as hook:
        ways = built(f'[delivery]\nchain = ["webhook"]\n[transport.webhook]\nurl = "{hook.url}"\n')
        found = ending(ways["webhook"], letter())
    assert isinstance(found, Undelivered)
    assert "certificate cannot be trusted" in str(found)
    assert hook.received == []
