"""FTP answers: the server greets with 220 (RFC 959).

Facts:
    ftp_port: what the FTP port says first; units: since when the service is down.

Limits:
    None of its own: the greeting has a limit of 10 s, which the answer carries.

Codes:
    FTP-001 refused; FTP-002 accepts and says nothing; FTP-003 another greeting than 220, or closes at once.

Source:
    RFC 959; ProFTPD closes without a word when MaxInstances is reached. Support guide 7.1 lists FTP.
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Finding, Missing, Scope, Units
from iwx_agent.model.network import AccessProtocol, FtpPort, judge_access

_FTP = AccessProtocol(
    name="FTP",
    greetings=("220",),
    refused_code="FTP-001",
    silent_code="FTP-002",
    greeting_code="FTP-003",
    scope=Scope.VENDOR,
    touches=("ftp",),
)


def judge(ftp_port: FtpPort, units: Units | Missing) -> Iterator[Finding]:
    """Judge the greeting; the unit only tells since when."""
    name = ftp_port.unit
    yield from judge_access(
        _FTP,
        ftp_port,
        units,
        remedy=(
            f"systemctl status {name} --no-pager -l",
            "proftpd -t   # tests the configuration",
            f"ss -ltnp 'sport = :{ftp_port.answer.port}'",
            f"systemctl restart {name}",
        ),
    )


CHECK = Check(
    id="ftp.server",
    title="FTP answers",
    codes=("FTP-001", "FTP-002", "FTP-003"),
    judge=judge,
    optional=("ftp_port",),
)
