"""SSH answers: the server sends its version (RFC 4253). Support comes in this way.

Facts:
    ssh_port: what the SSH port says first, wherever it was moved to; units: since when the service is down.

Limits:
    None of its own: the greeting has a limit of 10 s, which the answer carries.

Codes:
    SSH-001 refused; SSH-002 accepts and says nothing; SSH-003 no SSH version, or closes at once.

Source:
    RFC 4253, 4.2; sshd closes at once, or with a line that says so, when MaxStartups is reached. Support
    guide 7.1 requires Remote Assistance for every ticket, which is a root login over SSH.
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Finding, Missing, Scope, Units
from iwx_agent.model.network import AccessProtocol, SshPort, judge_access

_SSH = AccessProtocol(
    name="SSH",
    greetings=("SSH-2.0-", "SSH-1.99-"),
    refused_code="SSH-001",
    silent_code="SSH-002",
    greeting_code="SSH-003",
    scope=Scope.PROVIDER,
    touches=("ssh",),
)


def judge(ssh_port: SshPort, units: Units | Missing) -> Iterator[Finding]:
    """Judge the greeting; the unit only tells since when."""
    name = ssh_port.unit
    yield from judge_access(
        _SSH,
        ssh_port,
        units,
        origin=f", port from {ssh_port.port_source}",
        effect=" Support cannot log in.",
        remedy=(
            "Keep the session that you have: a new one cannot be opened.",
            "sshd -t   # tests the configuration",
            f"systemctl status {name} --no-pager -l",
            f"systemctl restart {name}",
        ),
    )


CHECK = Check(
    id="ssh.server",
    title="SSH answers",
    codes=("SSH-001", "SSH-002", "SSH-003"),
    judge=judge,
    optional=("ssh_port",),
)
