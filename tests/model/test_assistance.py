"""The way in: what surely keeps support out, what may, and what cannot be told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from iwx_agent.model import ListeningSocket, ListeningSockets, Missing, PortAnswer, PortOutcome
from iwx_agent.model.assistance import LoginRules, RemoteAssistance, WayIn, assistance_report, way_in
from iwx_agent.model.network import SshPort
from iwx_agent.model.packet_filter import FilterVerdict
from iwx_agent.model.system import FileSystem, FileSystems, Mount, Role, ServicePath

GAP = Missing(reason="not told", source="test")


def ssh(outcome: PortOutcome = "greeted", greeting: str = "SSH-2.0-x", port: int = 22) -> SshPort:
    answer = PortAnswer(
        address="127.0.0.1",
        port=port,
        tls=False,
        outcome=outcome,
        greeting=greeting,
        detail="why",
        limit_s=10,
    )
    return SshPort(answer=answer, unit="sshd.service", port_source="default")


def rules(outcome: Any = "open", text: str = "the rule", **more: Any) -> LoginRules:
    verdict = FilterVerdict(outcome=outcome, text=text, source="nft")
    return LoginRules(port=22, packet_filter=verdict, **more)


def bound(*addresses: str, port: int = 22) -> ListeningSockets:
    return ListeningSockets(
        entries=tuple(ListeningSocket(protocol="tcp", address=address, port=port) for address in addresses)
    )


def disk(role: Role = "root", **more: Any) -> FileSystems:
    values: dict[str, Any] = {
        "mount": Mount(mount_point="/", device="/dev/sda1", type="ext4", device_number="8:1"),
        "writers": (ServicePath(path="/", role=role),),
        "total_bytes": 10**9,
        "available_bytes": 10**8,
        "inodes_count": 1000,
        "inodes_free_count": 10,
    }
    return FileSystems(entries=(FileSystem(**(values | more)),))


def way(
    *,
    port: SshPort | Missing | None = None,
    login: LoginRules | Missing | None = None,
    sockets: ListeningSockets | Missing | None = None,
    disks: FileSystems | Missing | None = None,
) -> tuple[list[tuple[str, str]], tuple[str, ...], bool | None]:
    found = way_in(port or ssh(), login or rules(), sockets or bound("0.0.0.0", "::"), disks or disk())
    return (
        [(said, f"{seen.source}: {seen.text}") for said, seen in found.obstacles],
        found.doubts,
        found.ready,
    )


def test_a_server_that_lets_support_in() -> None:
    assert way() == ([], (), True)


@pytest.mark.parametrize(
    ("port", "obstacle"),
    [
        (ssh("refused"), ("sshd does not answer on port 22", "tcp 127.0.0.1:22 (refused): why")),
        (
            ssh("silent"),
            ("sshd does not answer on port 22", "tcp 127.0.0.1:22 (silent): no greeting within 10 s"),
        ),
        (
            ssh("greeted", "220 ftp", 2222),
            ("sshd does not answer on port 2222", "tcp 127.0.0.1:2222 (greeted): 220 ftp"),
        ),
        (
            Missing(reason="sshd.service is not installed", source="systemctl show", absent=True),
            (
                "there is no SSH server: sshd.service is not installed",
                "systemctl show: sshd.service is not installed",
            ),
        ),
    ],
)
def test_sshd_that_does_not_answer_is_an_obstacle(port: SshPort | Missing, obstacle: tuple[str, str]) -> None:
    assert way(port=port) == ([obstacle], (), False)


@pytest.mark.parametrize(
    ("addresses", "obstacles_count"),
    [(("127.0.0.1",), 1), (("127.0.0.1", "::1"), 1), (("::1", "192.0.2.7"), 0), (("0.0.0.0",), 0)],
)
def test_sshd_that_listens_for_itself_only_is_an_obstacle(
    addresses: tuple[str, ...], obstacles_count: int
) -> None:
    obstacles, doubts, _ = way(sockets=bound(*addresses))
    assert (len(obstacles), doubts) == (obstacles_count, ())
    if obstacles:
        said, seen = obstacles[0]
        assert said == "sshd listens for this machine itself only"
        assert seen == f"socket list: port 22 is bound to {', '.join(sorted(addresses))}"


def test_other_ports_on_loopback_do_not_matter() -> None:
    assert way(sockets=bound("127.0.0.1", port=2222)) == ([], (), True)


def test_a_firewall_that_lets_nobody_in_is_an_obstacle() -> None:
    obstacles, doubts, ready = way(login=rules("blocked"))
    assert obstacles == [("the server's own firewall lets nobody in on port 22", "nft: the rule")]
    assert (doubts, ready) == ((), False)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (rules("listed"), "lets only listed addresses in on port 22: whether support's are among them"),
        (
            rules("unknown", "x"),
            "whether the server's own firewall lets anybody in on port 22 cannot be told: x",
        ),
        (rules(named_only=("AllowUsers a",)), "sshd lets in by name (AllowUsers a)"),
        (rules(hosts_deny="ALL: ALL"), "hosts.deny refuses sshd to all (ALL: ALL)"),
        (rules(no_login_file="/etc/nologin"), "/etc/nologin is there: only root may log in"),
        (rules(unread=("x could not be read: y",)), "x could not be read: y"),
        (GAP, "what the server's own rules let in could not be told: not told"),
    ],
)
def test_what_may_keep_support_out_is_a_doubt(login: LoginRules | Missing, said: str) -> None:
    obstacles, doubts, ready = way(login=login)
    assert (obstacles, len(doubts), ready) == ([], 1, None)
    assert said in doubts[0]


@pytest.mark.parametrize(
    ("disks", "doubtful"),
    [
        (disk(), False),
        (disk(available_bytes=1024**2), False),
        (disk(available_bytes=1024**2 - 1), True),
        (disk(inodes_free_count=0), True),
        (disk(inodes_count=0, inodes_free_count=0), False),  # it does not count them
        (disk(available_bytes=0, total_bytes=0), False),
        (disk(answered=False, total_bytes=0), True),
        (disk("mysql", available_bytes=0), False),  # no login writes there
        (disk("logs", available_bytes=0), True),
        (GAP, True),
    ],
)
def test_a_disk_without_room_for_a_login_is_a_doubt(disks: FileSystems | Missing, doubtful: bool) -> None:
    obstacles, doubts, ready = way(disks=disks)
    assert (obstacles, bool(doubts), ready) == ([], doubtful, None if doubtful else True)


def test_what_could_not_be_asked_is_a_doubt() -> None:
    assert way(port=GAP)[1:] == (("whether sshd answers could not be told: not told",), None)
    assert way(sockets=GAP)[1:] == (("on which addresses sshd listens could not be told: not told",), None)


def test_an_obstacle_outweighs_a_doubt() -> None:
    assert way(port=ssh("refused"), disks=GAP)[2] is False


def assistance(on: bool = True, ends_at: float | None = None) -> RemoteAssistance:
    return RemoteAssistance(
        on=on, ends_at=ends_at, end="x", duration="72 hours", source="nodeworx", text="mode=1", read_at=0.0
    )


def test_the_report_tells_state_end_and_way() -> None:
    found = assistance_report(assistance(ends_at=1_795_722_762.0), WayIn(doubts=("x",)))
    assert (found.state, found.source, found.reason) == ("on", "nodeworx", "")
    assert found.ends_at == datetime(2026, 11, 26, 19, 52, 42, tzinfo=UTC)
    assert (found.ready, found.obstacles, found.doubts) == (None, (), ("x",))


def test_what_is_off_has_no_end() -> None:
    found = assistance_report(assistance(on=False, ends_at=1_795_722_762.0), WayIn())
    assert (found.state, found.ends_at, found.ready) == ("off", None, True)


def test_what_could_not_be_told_stays_unknown() -> None:
    blocked = way_in(ssh("refused"), rules(), bound("::"), disk())
    found = assistance_report(GAP, blocked)
    assert (found.state, found.source, found.reason) == ("unknown", "test", "not told")
    assert (found.ready, found.obstacles) == (False, ("sshd does not answer on port 22",))
