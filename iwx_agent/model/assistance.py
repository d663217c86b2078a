"""Facts about the way in for the vendor's support: Remote Assistance, and whether SSH could let anybody in.

``way_in`` stands beside its facts: the check and the report judge them alike.
"""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import Evidence, Missing, moment
from iwx_agent.model.machine import ListeningSockets
from iwx_agent.model.network import SshPort
from iwx_agent.model.packet_filter import FilterVerdict
from iwx_agent.model.report import AssistanceReport
from iwx_agent.model.system import FileSystems

Turn = Literal["enable", "disable"]
Way = Literal["panel", "script"]

AUDIT_LOG = "/var/log/iwx-agent/audit.log"  # the agent's own record of what it changed

_ROOM_BYTES = 1024**2  # with less left nothing that a login writes finds room
_LOGIN_ROLES = ("root", "logs", "temporary", "packages")


class RemoteAssistance(Struct, frozen=True, kw_only=True):
    """What the panel says of Remote Assistance; ``ends_at`` is None when that was not told.

    ``end`` and ``duration`` are the panel's own words, ``text`` the whole answer on one line.
    """

    on: bool
    ends_at: float | None
    end: str
    duration: str
    source: str
    text: str
    read_at: float


class LoginRules(Struct, frozen=True, kw_only=True):
    """What decides who may log in over SSH, beside sshd itself; a text is quoted, empty when there is none.

    ``named_only`` are lines of sshd's configuration that let in by name, ``hosts_deny`` a line that refuses
    sshd to all, ``no_login_file`` the file that lets nobody but root in. ``unread`` says what could not be
    looked at.
    """

    port: int
    packet_filter: FilterVerdict
    named_only: tuple[str, ...] = ()
    hosts_deny: str = ""
    no_login_file: str = ""
    unread: tuple[str, ...] = ()


class WayIn(Struct, frozen=True, kw_only=True):
    """What surely keeps support out, with its evidence, and what may do so or could not be looked at."""

    obstacles: tuple[tuple[str, Evidence], ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def ready(self) -> bool | None:
        """Return whether support could get in as far as this machine can tell; None when it cannot."""
        if self.obstacles:
            return False
        return None if self.doubts else True


def way_in(
    ssh_port: SshPort | Missing,
    login_rules: LoginRules | Missing,
    listening_sockets: ListeningSockets | Missing,
    file_systems: FileSystems | Missing,
) -> WayIn:
    """Judge whether somebody from outside could log in over SSH, as far as it can be seen from inside."""
    obstacles: list[tuple[str, Evidence]] = []
    doubts: list[str] = []
    _by_port(ssh_port, obstacles, doubts)
    _by_sockets(ssh_port, listening_sockets, obstacles, doubts)
    _by_rules(login_rules, obstacles, doubts)
    _by_room(file_systems, doubts)
    return WayIn(obstacles=tuple(obstacles), doubts=tuple(doubts))


def _by_port(ssh_port: SshPort | Missing, obstacles: list[tuple[str, Evidence]], doubts: list[str]) -> None:
    if isinstance(ssh_port, Missing):
        if ssh_port.absent:
            seen = Evidence(source=ssh_port.source, text=ssh_port.reason)
            obstacles.append((f"there is no SSH server: {ssh_port.reason}", seen))
        else:
            doubts.append(f"whether sshd answers could not be told: {ssh_port.reason}")
        return
    answer = ssh_port.answer
    if not (answer.outcome == "greeted" and answer.greeting.startswith("SSH-")):
        seen = Evidence(source=answer.source, text=answer.told)
        obstacles.append((f"sshd does not answer on port {answer.port}", seen))


def _by_sockets(
    ssh_port: SshPort | Missing,
    sockets: ListeningSockets | Missing,
    obstacles: list[tuple[str, Evidence]],
    doubts: list[str],
) -> None:
    if isinstance(sockets, Missing):
        doubts.append(f"on which addresses sshd listens could not be told: {sockets.reason}")
    elif not isinstance(ssh_port, Missing):
        port = ssh_port.answer.port
        bound = sorted({socket.address for socket in sockets.on("tcp", port)})
        if bound and all(address == "::1" or address.startswith("127.") for address in bound):
            seen = Evidence(source="socket list", text=f"port {port} is bound to {', '.join(bound)}")
            obstacles.append(("sshd listens for this machine itself only", seen))


def _by_rules(rules: LoginRules | Missing, obstacles: list[tuple[str, Evidence]], doubts: list[str]) -> None:
    if isinstance(rules, Missing):
        doubts.append(f"what the server's own rules let in could not be told: {rules.reason}")
        return
    verdict, port = rules.packet_filter, rules.port
    if verdict.outcome == "blocked":
        seen = Evidence(source=verdict.source, text=verdict.text)
        obstacles.append((f"the server's own firewall lets nobody in on port {port}", seen))
    elif verdict.outcome == "listed":
        doubts.append(
            f"the server's own firewall lets only listed addresses in on port {port}: "
            "whether support's are among them is not known"
        )
    elif verdict.outcome == "unknown":
        doubts.append(
            f"whether the server's own firewall lets anybody in on port {port} cannot be told: {verdict.text}"
        )
    doubts.extend(
        f"sshd lets in by name ({line}); the name of support's account is not known"
        for line in rules.named_only
    )
    if rules.hosts_deny:
        doubts.append(
            f"hosts.deny refuses sshd to all ({rules.hosts_deny}); sshd before Enterprise Linux 8 obeys that"
        )
    if rules.no_login_file:
        doubts.append(f"{rules.no_login_file} is there: only root may log in")
    doubts.extend(rules.unread)


def _by_room(file_systems: FileSystems | Missing, doubts: list[str]) -> None:
    if isinstance(file_systems, Missing):
        doubts.append(
            f"whether there is room on the disk for a login could not be told: {file_systems.reason}"
        )
        return
    for system in file_systems.entries:
        serves = any(place.role in _LOGIN_ROLES for place in system.writers)
        no_inodes = system.inodes_count > 0 and system.inodes_free_count == 0
        full = (
            system.answered and system.total_bytes > 0 and (system.available_bytes < _ROOM_BYTES or no_inodes)
        )
        if serves and (full or not system.answered):
            what = "is full" if system.answered else "does not answer"
            doubts.append(f"the file system {system.mount.mount_point} {what}: a login may fail")


def assistance_report(assistance: RemoteAssistance | Missing, way: WayIn) -> AssistanceReport:
    """Return what a report says of Remote Assistance; what could not be told is unknown, with its reason."""
    if isinstance(assistance, Missing):
        return AssistanceReport(
            state="unknown",
            source=assistance.source,
            reason=assistance.reason,
            ready=way.ready,
            obstacles=tuple(said for said, _ in way.obstacles),
            doubts=way.doubts,
        )
    return AssistanceReport(
        state="on" if assistance.on else "off",
        ends_at=moment(assistance.ends_at) if assistance.on else None,
        source=assistance.source,
        ready=way.ready,
        obstacles=tuple(said for said, _ in way.obstacles),
        doubts=way.doubts,
    )
