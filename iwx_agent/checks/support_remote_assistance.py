"""Remote Assistance is on, does not end before support is likely to come, and nothing keeps support out.

Facts:
    panel: without a panel there is no Remote Assistance; remote_assistance: what the panel's command line
    says of it; ssh_port, login_rules, listening_sockets, file_systems: whether anybody could log in from
    outside.

Limits:
    ends_soon_s: less than this is left. A ticket filed just after midnight may be seen when the desk opens at
    8 AM, and then somebody still has to work: 9 hours.

Codes:
    SUPPORT-001 Remote Assistance is off; SUPPORT-002 it ends soon; SUPPORT-003 it is on, but support cannot
    get in.

Source:
    Support guide 7.1: Remote Assistance is required for all support tickets; answers after midnight may not
    come before the next morning; the desk opens at 8 AM. Vendor's page on Remote Assistance: a root session
    over SSH, with an end. Being off is no fault of a healthy server, so it is a note.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Check,
    Evidence,
    Finding,
    ListeningSockets,
    Missing,
    PanelPresence,
    Scope,
    Severity,
    moment,
)
from iwx_agent.model.assistance import LoginRules, RemoteAssistance, way_in
from iwx_agent.model.network import SshPort
from iwx_agent.model.system import FileSystems

_SUBJECT = "Remote Assistance"
_REQUIRED = "Support requires it for every ticket."


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limit of this check."""

    ends_soon_s: float = 9 * 3600.0


def judge(
    panel: PanelPresence,
    remote_assistance: RemoteAssistance,
    ssh_port: SshPort | Missing,
    login_rules: LoginRules | Missing,
    listening_sockets: ListeningSockets | Missing,
    file_systems: FileSystems | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge the state first; what keeps support out matters only while it is on."""
    if not remote_assistance.on:
        yield _finding(
            "SUPPORT-001",
            "Remote Assistance is off",
            f"{_REQUIRED} It lets the vendor's technicians log in as root over SSH, without a password.",
            remote_assistance,
            ("iwx-agent remote-assistance enable   # says what it grants and asks first",),
        )
        return
    left_s = (
        None if remote_assistance.ends_at is None else remote_assistance.ends_at - remote_assistance.read_at
    )
    if left_s is not None and left_s <= limits.ends_soon_s:
        yield _finding(
            "SUPPORT-002",
            "Remote Assistance ends soon" if left_s > 0 else "The time of Remote Assistance is over",
            f"It ends at {moment(remote_assistance.ends_at):%Y-%m-%d %H:%M} UTC. {_REQUIRED} "
            "After midnight Eastern time a ticket may not be seen before the desk opens at 8 AM.",
            remote_assistance,
            ("iwx-agent remote-assistance enable --renew   # begins its time anew; asks first",),
        )
    way = way_in(ssh_port, login_rules, listening_sockets, file_systems)
    if way.obstacles:
        said = "; ".join(said for said, _ in way.obstacles)
        yield Finding(
            code="SUPPORT-003",
            subject=_SUBJECT,
            severity=Severity.WARNING,
            scope=Scope.PROVIDER,
            title="Remote Assistance is on, but support cannot log in over SSH",
            detail=f"It is on, but {said}.",
            remedy=(
                "iwx-agent explain ssh.server   # if sshd does not answer",
                "nft list ruleset; iptables -S   # if it is the firewall: look for the rule that is quoted",
                "Let the SSH port in again, at least from the addresses that support names.",
                "iwx-agent remote-assistance status   # looks again",
            ),
            evidence=tuple(seen for _, seen in way.obstacles),
        )


def _finding(
    code: str, title: str, detail: str, assistance: RemoteAssistance, remedy: tuple[str, ...]
) -> Finding:
    return Finding(
        code=code,
        subject=_SUBJECT,
        severity=Severity.NOTE,
        scope=Scope.PROVIDER,
        title=title,
        detail=detail,
        remedy=(*remedy, "or in NodeWorx: Remote Assistance, Secure Support Account"),
        evidence=(
            Evidence(source=assistance.source, text=assistance.text, seen_at=moment(assistance.read_at)),
        ),
    )


CHECK = Check(
    id="support.remote_assistance",
    title="Support can get in: Remote Assistance is on",
    codes=("SUPPORT-001", "SUPPORT-002", "SUPPORT-003"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
)
