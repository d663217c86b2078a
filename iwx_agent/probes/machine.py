"""Facts that all areas share: units, processes, sockets, boot, the panel's presence, who this server is."""

from iwx_agent.host import KIB, HostError
from iwx_agent.model import (
    Address,
    Boot,
    HostIdentity,
    ListeningSockets,
    PanelPresence,
    ParseError,
    Processes,
    ServerZone,
    Units,
)
from iwx_agent.model.network import OUTSIDE
from iwx_agent.parsers import iproute, systemctl, tzif
from iwx_agent.probes.context import Context, Probe, together

# The panel's version; what else is asked of rpm's database on every run is answered by the same answer.
RPM_QUESTION = ("rpm", "-q", "--qf", "%{VERSION}\\n", "interworx")
RPM_TIMEOUT_S = 10.0


def boot(context: Context) -> Boot:
    """When the machine came up and what time it is."""
    clock = context.host.clock()
    return Boot(booted_at=clock.booted_at, read_at=clock.now_at)


def units(context: Context) -> Units:
    """All units that the layout names, in one question to systemd."""
    names = context.layout.everything("unit")
    answer = context.host.run(
        ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names),
        timeout_s=8.0,
    )
    if answer.timed_out or answer.exit_code != 0:
        why = "no answer within 8 s" if answer.timed_out else answer.error_text.strip()[:200]
        raise HostError("failed", why or f"exit {answer.exit_code}", "systemctl show")
    found = systemctl.parse_show(answer.text, booted_at=context.host.clock().booted_at)
    # An alias answers with another Id (mysqld is mariadb): blocks come in the order of the names.
    if len(found) != len(names):
        raise ParseError(f"{len(names)} units from systemctl show, in order", answer.text)
    return Units(by_name=dict(zip(names, found, strict=True)))


def processes(context: Context) -> Processes:
    """All processes."""
    return context.host.processes()


def listening_sockets(context: Context) -> ListeningSockets:
    """All listening TCP and bound UDP sockets."""
    return context.host.sockets()


def panel(context: Context) -> PanelPresence:
    """Whether the panel is installed, and its version from the rpm database if that can be told."""
    home = _panel_home(context)
    version, source = "", ""
    try:
        answer = context.host.run(RPM_QUESTION, timeout_s=RPM_TIMEOUT_S)
        if answer.exit_code == 0:
            version, source = answer.text.strip().splitlines()[0][:40], "rpm -q interworx"
    except (HostError, IndexError):
        pass  # the version is a courtesy; that the panel is here is the fact
    return PanelPresence(home=home, version=version, version_source=source)


def _panel_home(context: Context) -> str:
    places = context.layout.texts("path.home")
    unsure: HostError | None = None
    for place in places:
        try:
            if context.host.stat(place).kind == "directory":
                return place
        except HostError as error:
            if error.kind != "not_found":
                unsure = error
    if unsure is not None:
        raise unsure
    raise HostError("not_found", "no InterWorx panel on this machine", " or ".join(places))


def identity(context: Context) -> HostIdentity:
    """What the server is called and where it is reached: every candidate with its source, best first."""
    names: list[tuple[str, str, bool | None]] = []
    found: list[list[tuple[str, str]]] = [[], []]

    def ask_name() -> None:
        fqdn, source = _fqdn(context, context.host.clock().host_name)
        names.append((fqdn, source, _resolves(context, fqdn)))

    def ask_panel() -> None:
        found[0] = _panel_addresses(context)

    def ask_route() -> None:
        found[1] = _route_address(context)

    together([ask_name, ask_panel, ask_route])
    fqdn, fqdn_source, resolves = names[0]
    first_source: dict[str, str] = {}
    for ip, source in (*found[0], *found[1]):
        first_source.setdefault(ip, source)
    addresses = [
        Address(ip=ip, source=source, private=iproute.is_private(ip)) for ip, source in first_source.items()
    ]
    return HostIdentity(
        name=context.host.clock().host_name,
        fqdn=fqdn,
        fqdn_source=fqdn_source,
        fqdn_resolves=resolves,
        addresses=tuple(sorted(addresses, key=lambda address: address.private)),
    )


def _fqdn(context: Context, name: str) -> tuple[str, str]:
    if "." in name:
        return name, "kernel host name"
    try:
        answer = context.host.run(("hostname", "-f"), timeout_s=4.0)
    except HostError:
        return name, "kernel host name"
    full = answer.text.strip()
    if answer.exit_code == 0 and "." in full and len(full) <= 253:
        return full, "hostname -f"
    return name, "kernel host name"


def _resolves(context: Context, name: str) -> bool | None:
    try:
        return bool(context.host.resolve(name, timeout_s=4.0).addresses)
    except HostError as error:
        return False if error.kind == "not_found" else None


def _panel_addresses(context: Context) -> list[tuple[str, str]]:
    command = context.layout.command("command.ip_addresses")
    try:
        answer = context.host.run(command, timeout_s=10.0)
        if answer.exit_code != 0:
            return []
        pairs = iproute.panel_addresses(answer.text)
    except (HostError, ParseError):
        return []
    return [(public, "the panel's address list") for _, public in pairs]


def _route_address(context: Context) -> list[tuple[str, str]]:
    try:
        answer = context.host.run(("ip", "-o", "route", "get", OUTSIDE), timeout_s=4.0)
        return [(iproute.route_source(answer.text), "source address of the default route")]
    except (HostError, ParseError):
        return []


_ZONE_FILE = "/etc/localtime"


def server_zone(context: Context) -> ServerZone:
    """The time zone of the server; it is read into hours only when an answer is reckoned."""
    content = context.host.read(_ZONE_FILE, max_bytes=64 * KIB)
    tzif.check_magic(content.data)
    return ServerZone(data=content.data, source=_ZONE_FILE)


PROBES = (
    Probe(ask=boot),
    Probe(ask=units),
    Probe(ask=processes),
    Probe(ask=listening_sockets),
    Probe(ask=panel),
    Probe(ask=identity),
    Probe(ask=server_zone),
)
