"""Facts about mail ports: SMTP, submission, SMTPS, and the two ports each of IMAP and POP3."""

from functools import partial
from typing import Literal

from iwx_agent.host import HostError
from iwx_agent.model import ParseError, PortAnswer
from iwx_agent.model.mail import MailboxAccess, MailPort
from iwx_agent.parsers.dovecot import enabled_protocols
from iwx_agent.probes import machine
from iwx_agent.probes.context import Context, Probe, ask_port, together
from iwx_agent.probes.mail_services import switched_on

_NOBODY_THERE = ("refused", "unreachable")
_ON_EVERY_ADDRESS = ("0.0.0.0", "::", "*", "127.0.0.1", "::ffff:127.0.0.1")  # noqa: S104 - compared, not bound
_ASK_AGAIN_AFTER_S = 2.0
_QUICK_S = 3.0  # a refusal this quick leaves time to ask a second time within ten seconds


def smtp_port(context: Context) -> MailPort:
    """What port 25 says."""
    return _smtp(context, "SMTP", "smtp")


def submission_port(context: Context) -> MailPort:
    """What port 587 says."""
    return _smtp(context, "submission", "submission")


def smtps_port(context: Context) -> MailPort:
    """What port 465 says, over TLS."""
    return _smtp(context, "SMTPS", "smtps", tls=True)


def _smtp(context: Context, service: str, key: str, *, tls: bool = False) -> MailPort:
    port, names = context.layout.port(f"port.{key}"), context.layout.texts(f"supervised.{key}")
    answer = _answer(context, port, tls=tls, farewell="QUIT\r\n")
    temporary = answer.outcome == "greeted" and answer.greeting.startswith("4")
    if temporary and answer.duration_s < _QUICK_S:
        # 421 may be the load of one moment: only a second one says that nobody gets in.
        context.host.pause(_ASK_AGAIN_AFTER_S)
        again = ask_port(
            context.resample, port, address=answer.address, tls=tls, farewell="QUIT\r\n", timeout_s=5.0
        )
        if again.outcome not in ("silent", "failed"):
            return MailPort(service=service, answer=again, earlier=answer, service_names=names)
    return MailPort(service=service, answer=answer, service_names=names)


def _answer(context: Context, port: int, *, tls: bool, farewell: str) -> PortAnswer:
    """Ask on loopback; where that is refused and the service listens on another address only, ask there."""
    answer = ask_port(context.host, port, tls=tls, farewell=farewell)
    if answer.outcome in _NOBODY_THERE:
        address = _other_address(context, port)
        if address:
            answer = ask_port(context.host, port, address=address, tls=tls, farewell=farewell, timeout_s=8.0)
    if answer.outcome == "failed":  # an error on the agent's side says nothing about the port
        raise HostError("failed", answer.detail or "could not be asked", answer.source)
    return answer


def _other_address(context: Context, port: int) -> str:
    try:
        listening = [socket.address for socket in context.host.sockets().on("tcp", port)]
    except HostError:
        return ""
    if any(address in _ON_EVERY_ADDRESS for address in listening):
        return ""
    return next((address for address in listening if not address.startswith("fe80:")), "")


def imap_access(context: Context) -> MailboxAccess:
    """What the ports 143 and 993 say; not_found when IMAP is switched off here."""
    return _mailbox(context, "IMAP", "a LOGOUT\r\n")


def pop3_access(context: Context) -> MailboxAccess:
    """What the ports 110 and 995 say; not_found when POP3 is switched off here."""
    return _mailbox(context, "POP3", "QUIT\r\n")


def _mailbox(context: Context, protocol: Literal["IMAP", "POP3"], farewell: str) -> MailboxAccess:
    key = protocol.lower()
    ports = (context.layout.port(f"port.{key}"), context.layout.port(f"port.{key}s"))
    plain, tls = together(
        [
            partial(_answer, context, ports[0], tls=False, farewell=farewell),
            partial(_answer, context, ports[1], tls=True, farewell=farewell),
        ]
    )
    if plain.outcome in _NOBODY_THERE and tls.outcome in _NOBODY_THERE:
        why = _switched_off(context, key)
        if why:
            raise HostError(
                "not_found", f"{protocol} is switched off here: {why}", f"ports {ports[0]}, {ports[1]}"
            )
        return MailboxAccess(protocol=protocol, plain=plain, tls=tls, beside=_beside(context, key))
    return MailboxAccess(protocol=protocol, plain=plain, tls=tls)


def _beside(context: Context, key: str) -> str:
    """Return that dovecot runs and serves the other protocol, or "" when it does not or that cannot be told.

    Its master process holds all its ports: one that it does not hold is one that it was not told to serve.
    """
    other = {"imap": "pop3", "pop3": "imap"}[key]
    try:
        unit = machine.units(context).first_existing(context.layout.texts("unit.imap_pop3"))
        if (
            unit is None
            or not unit.running
            or switched_on(context, context.layout.texts(f"supervised.{key}"))
        ):
            return ""
        sockets = context.host.sockets()
    except (HostError, ParseError):
        return ""
    ports = [context.layout.port(f"port.{other}"), context.layout.port(f"port.{other}s")]
    served = [port for port in ports if sockets.on("tcp", port)]
    return f"{unit.name} runs and serves {other.upper()} on port {served[0]}" if served else ""


def _switched_off(context: Context, key: str) -> str:
    """Return why nothing is expected on the protocol's ports, or "" when it is expected or cannot be told."""
    try:
        if switched_on(context, context.layout.texts(f"supervised.{key}")):
            return ""
        return _not_served(context, key)
    except (HostError, ParseError):
        return ""  # a port that refuses stays the fact when nothing proves that this is meant


def _not_served(context: Context, key: str) -> str:
    path = context.layout.text("path.dovecot_config")
    try:
        enabled = enabled_protocols(context.host.read(path, max_bytes=64 * 1024).text)
    except HostError as error:
        if error.kind != "not_found":
            raise
        configured = False
    else:
        configured = True
        if enabled is not None and not enabled.intersection((key, f"{key}s")):
            return f"protocols in {path} leaves it out"
    unit = machine.units(context).first_existing(context.layout.texts("unit.imap_pop3"))
    if unit is None:
        return "" if configured else "neither dovecot nor a supervised service for it is installed"
    if unit.unit_file_state in ("disabled", "masked") and unit.active_state == "inactive":
        return f"{unit.name} is {unit.unit_file_state} and stopped"
    return ""


PROBES = (
    Probe(ask=smtp_port),
    Probe(ask=submission_port),
    Probe(ask=smtps_port),
    Probe(ask=imap_access),
    Probe(ask=pop3_access),
)
