"""Facts about this server's own name service: what tinydns answers for zones that it surely serves."""

from functools import partial

from msgspec.structs import replace

from iwx_agent.host import KIB, Datagram, HostError
from iwx_agent.model import ListeningSocket, ParseError
from iwx_agent.model.network import DnsAnswer, NameServer
from iwx_agent.parsers.dns_message import build_query, parse_reply
from iwx_agent.parsers.iproute import is_address
from iwx_agent.parsers.supervise import parse_status
from iwx_agent.parsers.tinydns import parse_zones
from iwx_agent.probes.addresses import LOOPBACK, WILDCARDS, own_addresses, sockets_or_none
from iwx_agent.probes.context import Context, Probe, own_shortage, together
from iwx_agent.probes.web import spread

_ZONES_COUNT = 3
_DATA_BYTES = 256 * KIB
_ANSWER_S = 3.0
_MEANT_S = 86_400.0  # stopped by request for so long and not started since: that is meant
_OUTCOMES = {
    "refused": "refused",
    "timeout": "silent",
    "closed": "closed",
    "unreachable": "unreachable",
    "failed": "failed",
}


def name_server(context: Context) -> NameServer:
    """What tinydns answers over UDP and TCP; not there at all without it, without zones, or switched off."""
    home = context.layout.text("path.tinydns")
    context.host.stat(home)
    _refuse_when_off(context)
    zones = _zones(context, home)
    address, why_not = _address(context, home)
    port = context.layout.port("port.dns")
    udp, tcp = _bound(context, "udp", port), _bound(context, "tcp", port)
    if why_not:
        answers = tuple(_unreachable(zone, address, port, why_not) for zone in zones)
        asked = (*answers, _unreachable(zones[0], address, port, why_not, "tcp"))
    else:
        asked = together(
            [
                *(partial(_ask, context, zone, address, port, "udp") for zone in zones),
                partial(_ask, context, zones[0], address, port, "tcp"),
            ]
        )
    return NameServer(
        address=address,
        zones_source=f"{home}/root/data",
        udp=asked[:-1],
        tcp=asked[-1],
        tcp_configured=_tcp_configured(context),
        listening_udp=None if udp is None else any(s.address in (*WILDCARDS, address) for s in udp),
        listening_tcp=None if tcp is None else any(s.address in (*WILDCARDS, address) for s in tcp),
        programs=tuple(sorted({s.process_name for s in (udp or ()) if s.process_name})),
    )


def _tcp_configured(context: Context) -> bool:
    home = context.layout.text("path.axfrdns")
    return _exists(context, home) and not _why_off(context, home.rpartition("/")[2])


def _refuse_when_off(context: Context) -> None:
    """Raise not_found when the service is not meant to run: not linked for svscan, marked down, long off."""
    sockets = _bound(context, "udp", context.layout.port("port.dns"))
    if sockets and any(not s.address.startswith("127.") and s.address != "::1" for s in sockets):
        return
    name = context.layout.text("process.name_server")
    why = _why_off(context, name) or _long_off(context, name)
    if why:
        raise HostError("not_found", why, context.layout.text("path.services"))


def _why_off(context: Context, name: str) -> str:
    """Return why a supervised service is not meant to run; empty when it is, or when that cannot be told."""
    for services in context.layout.texts("path.services"):
        try:
            entries = context.host.list_directory(services).entries
        except HostError:
            continue
        if entries and name not in {entry.name for entry in entries}:
            return f"{name} is not among the supervised services"
        if entries and _exists(context, f"{services}/{name}/down"):
            return f"{name} is marked as normally down"
        if entries:
            break
    return ""


def _long_off(context: Context, name: str) -> str:
    """Return why a service that was told to stop is meant to be off: more than a day ago, and not missed.

    supervise forgets such a request at a reboot and never makes it by itself.
    """
    for services in context.layout.texts("path.services"):
        try:
            status = parse_status(context.host.read(f"{services}/{name}/supervise/status", max_bytes=64).data)
        except (HostError, ParseError):
            continue
        off_s = context.host.clock().now_at - status.since_at
        if status.pid == 0 and status.wanted == "down" and off_s >= _MEANT_S:
            return f"{name} was told to stop more than a day ago and not started since"
    return ""


def _exists(context: Context, path: str) -> bool:
    try:
        context.host.stat(path)
    except HostError as error:
        return error.kind != "not_found"
    return True


def _zones(context: Context, home: str) -> tuple[str, ...]:
    """Return a few zones, spread over the file; delegations only when there is no zone with an SOA record."""
    path = f"{home}/root/data"
    try:
        content = context.host.read(path, max_bytes=_DATA_BYTES)
    except HostError as error:  # the program is there: that its data is not is no proof of "not used"
        raise HostError("failed", error.reason, path) from None
    zones = parse_zones(content.text, truncated=content.truncated)
    found = spread(zones.own or zones.delegated, _ZONES_COUNT)
    if not found:
        raise HostError("not_found", "no zone is configured", path)
    return found


def _address(context: Context, home: str) -> tuple[str, str]:
    """Return the address that tinydns is set to, and why it cannot be asked there (empty when it can)."""
    own = own_addresses(context)
    path = f"{home}/env/IP"
    try:
        lines = context.host.read(path, max_bytes=4 * KIB).text.split()
    except HostError:
        lines = []
    configured = [line for line in lines if is_address(line)]
    for address in configured:
        if address in WILDCARDS:
            return LOOPBACK, ""
        if own is None or address in own:
            return address, ""
    if configured:
        return configured[0], f"{path} names {configured[0]}, which is not an address of this machine"
    sockets = _bound(context, "udp", context.layout.port("port.dns")) or ()
    name = context.layout.text("process.name_server")
    bound = sorted(s.address for s in sockets if s.process_name == name and s.address not in WILDCARDS)
    return (bound[0] if bound else LOOPBACK), ""


def _bound(context: Context, protocol: str, port: int) -> tuple[ListeningSocket, ...] | None:
    sockets = sockets_or_none(context)
    return None if sockets is None else sockets.on(protocol, port)


def _ask(context: Context, zone: str, address: str, port: int, protocol: str) -> DnsAnswer:
    query = build_query(zone)
    over_tcp = protocol == "tcp"
    question = Datagram(
        payload=query,
        port=port,
        address=address,
        protocol="tcp" if over_tcp else "udp",
        timeout_s=_ANSWER_S,
        label=f"SOA {zone}",
    )
    made = DnsAnswer(
        protocol=question.protocol,
        zone=zone,
        address=address,
        port=port,
        outcome="answered",
        limit_s=_ANSWER_S,
    )
    try:
        answer = context.host.datagram(question)
        reply = parse_reply(answer.data, query)
    except HostError as error:
        if error.kind not in _OUTCOMES or own_shortage(error):
            raise
        return replace(made, outcome=_OUTCOMES[error.kind], detail=error.reason)
    except ParseError as error:
        return replace(made, outcome="garbled", detail=str(error))
    return replace(made, rcode=reply.rcode, answers_count=reply.answers_count, duration_s=answer.duration_s)


def _unreachable(zone: str, address: str, port: int, why: str, protocol: str = "udp") -> DnsAnswer:
    return DnsAnswer(
        protocol="tcp" if protocol == "tcp" else "udp",
        zone=zone,
        address=address,
        port=port,
        outcome="unreachable",
        detail=why,
    )


PROBES = (Probe(ask=name_server),)
