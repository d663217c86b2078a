"""Doctor asks this very machine, through real workers, and other machines that hang: it ends all the same."""

import time
from pathlib import Path

import pytest
from hook import Hook
from peers import Peers

from iwx_agent.app import doctor
from iwx_agent.app.doctor import examine_live
from iwx_agent.app.heartbeat import beat
from iwx_agent.host.live import LiveHost
from iwx_agent.model.watcher import Health
from iwx_agent.state import Door
from iwx_agent.state.store import DiskStore

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


def states(health: Health) -> dict[str, str]:
    return {one.subject: one.state for one in health.ailments}


def test_the_own_directory_is_looked_at_for_real(kept: Path) -> None:
    found = states(examine_live(offline=True))
    assert (found["state directory"], found["state"]) == ("fault", "ok")
    DiskStore(Door()).commit()
    kept.mkdir(mode=0o700, exist_ok=True)
    kept.chmod(0o700)
    assert states(examine_live(offline=True))["state directory"] == "ok"
    kept.chmod(0o755)
    wrong = next(one for one in examine_live(offline=True).ailments if one.subject == "state directory")
    assert wrong.fix == f"chown root:root {kept} && chmod 0700 {kept}"


def test_a_damaged_state_is_never_well(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    (kept / "state.db").write_bytes(b"no database at all" * 1000)
    (kept / "state.db").chmod(0o600)
    found = examine_live(offline=True)
    assert states(found)["state"] in ("fault", "unknown")
    assert found.exit_code == 1


def test_machines_that_hang_hold_nobody(monkeypatch: pytest.MonkeyPatch, etc: Path) -> None:
    peers = Peers()
    monkeypatch.setattr(doctor, "_PORTAL_S", 1.0)
    etc.mkdir()
    (etc / "config.toml").write_text(
        '[delivery]\nchain = ["portal", "email"]\nsender_mail = "a@example.com"\n'
        f'[transport.portal]\naddress = "http://127.0.0.1:{peers.tcp(peers.silent)}/new"\n'
        f'[transport.email]\nto = "b@example.com"\nserver = "127.0.0.1"\nport = {peers.tcp(peers.silent)}\n'
    )
    began = time.monotonic()
    found = examine_live()
    assert time.monotonic() - began < 15
    assert states(found)["portal"] == "fault"
    assert states(found)["mail server"] == "ok"  # it takes connections
    peers.close()


def test_the_heartbeat_is_over_within_its_limit_when_nothing_is_left_of_the_budget() -> None:
    with LiveHost(budget_s=0.001) as host, Hook() as receiver:
        time.sleep(0.01)
        assert beat(host.aside(5), receiver.url) == ""
