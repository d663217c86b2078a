"""Facts about the ways in that are neither web nor mail: FTP and SSH."""

from functools import partial

from iwx_agent.host import KIB, HostError
from iwx_agent.model import ParseError, PortAnswer, Unit
from iwx_agent.model.network import FtpPort, SshPort
from iwx_agent.parsers.sshd_config import parse_ports
from iwx_agent.probes import machine
from iwx_agent.probes.addresses import listening_address, sockets_or_none
from iwx_agent.probes.context import Context, Probe, ask_port, together

_LIMIT_S = 10.0
_FAREWELLS = {"ftp": "QUIT\r\n", "ssh": ""}


def ftp_port(context: Context) -> FtpPort:
    """What the FTP server says first; not there at all when it is not installed or switched off.

    Its configuration holds a password and is not read: when nothing listens on the usual port, the port is
    the one on which its program listens.
    """
    unit = _installed(context, "ftp")
    answer = _ask(context, "ftp", context.layout.port("port.ftp"))
    _refuse_when_off(unit, answer)
    return FtpPort(answer=answer, unit=context.layout.text("unit.ftp"))


def ssh_port(context: Context) -> SshPort:
    """What the SSH server says first, on the port that its configuration names or on which it listens."""
    unit = _installed(context, "ssh")
    path = context.layout.text("path.ssh_config")
    try:
        named = parse_ports(context.host.read(path, max_bytes=64 * KIB).text)
    except HostError:
        named = ()
    ports = named or (context.layout.port("port.ssh"),)
    answers = together([partial(_ask, context, "ssh", port) for port in ports])
    answer = next((answer for answer in answers if answer.outcome == "greeted"), answers[0])
    _refuse_when_off(unit, answer)
    source = path if named else "default"
    if answer.port not in ports:
        source = "listening sockets"
    return SshPort(answer=answer, unit=context.layout.text("unit.ssh"), port_source=source)


def _installed(context: Context, service: str) -> Unit | None:
    """Return the service's unit, None when systemd cannot be asked; not_found when it is not installed."""
    try:
        unit = machine.units(context).first_existing(context.layout.texts(f"unit.{service}"))
    except (HostError, ParseError):
        context.host.stat(context.layout.text(f"path.{service}_config"))
        return None
    if unit is None:
        name = context.layout.text(f"unit.{service}")
        raise HostError("not_found", f"{name} is not installed", "systemctl show")
    return unit


def _refuse_when_off(unit: Unit | None, answer: PortAnswer) -> None:
    if answer.outcome == "greeted" or unit is None or unit.running or unit.failed:
        return
    if unit.load_state == "masked" or unit.unit_file_state in ("disabled", "masked", "masked-runtime"):
        raise HostError("not_found", f"{unit.name} is stopped and not enabled", "systemctl show")


def _ask(context: Context, service: str, port: int) -> PortAnswer:
    """Ask the port; when it refuses and the program listens on another public one, ask that instead."""
    first = _greeting(context, service, port)
    if first.outcome != "refused":
        return first
    other = _listens_on(context, context.layout.text(f"process.{service}"))
    return first if other is None or other == port else _greeting(context, service, other)


def _greeting(context: Context, service: str, port: int) -> PortAnswer:
    return ask_port(
        context.host,
        port,
        address=listening_address(context, port),
        farewell=_FAREWELLS[service],
        timeout_s=_LIMIT_S,
    )


def _listens_on(context: Context, program: str) -> int | None:
    """Return the lowest port on which the program listens for more than this machine itself.

    Loopback is left out: what sshd forwards for its users is bound there.
    """
    sockets = sockets_or_none(context)
    ports = [
        s.port
        for s in (sockets.entries if sockets else ())
        if s.protocol == "tcp"
        and s.process_name == program
        and s.address != "::1"
        and not s.address.startswith("127.")
    ]
    return min(ports, default=None)


PROBES = (
    Probe(ask=ftp_port),
    Probe(ask=ssh_port),
)
