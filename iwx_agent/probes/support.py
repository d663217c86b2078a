"""Facts about the way in for support: Remote Assistance as the panel tells it, who may log in over SSH."""

from iwx_agent.host import KIB, MIB, CommandAnswer, HostError
from iwx_agent.model import ParseError, moment
from iwx_agent.model.assistance import AUDIT_LOG, LoginRules, RemoteAssistance
from iwx_agent.model.network import OUTSIDE
from iwx_agent.model.packet_filter import FilterChain, FilterVerdict, verdict_of
from iwx_agent.parsers.assistance import (
    AssistanceWords,
    names_no_zone,
    parse_assistance,
    parse_end,
    parse_zone,
)
from iwx_agent.parsers.audit_log import last_turn
from iwx_agent.parsers.hosts_access import line_that_denies
from iwx_agent.parsers.iproute import route_device
from iwx_agent.parsers.iptables_rules import parse_iptables
from iwx_agent.parsers.nft_ruleset import parse_nft
from iwx_agent.parsers.sshd_config import parse_named_only
from iwx_agent.probes.access import ssh_port
from iwx_agent.probes.context import Context, Probe
from iwx_agent.probes.panel_cli import panel_answer

_RULES_BYTES = 4 * MIB
_RULES_TIMEOUT_S = 4.0
_NFT = (("nft", "-j", "-t", "list", "ruleset"), ("nft", "-j", "list", "ruleset"))  # old ones know no -t
_IPTABLES = ("iptables", "-S")
_IPTABLES_LEGACY = ("iptables-legacy", "-S")
_LEGACY_TABLES = "/proc/net/ip_tables_names"
_IPTABLES_TABLE = "ip filter "
_NO_LOGIN = ("/etc/nologin", "/run/nologin")
_RECORD_S = 7 * 86_400.0  # nothing that was turned on lasts longer


def remote_assistance(context: Context) -> RemoteAssistance:
    """Whether Remote Assistance is on, and until when, as the panel's command line says.

    When that does not say it, the reason also tells what this agent itself did last: that proves nothing, but
    whoever has to confirm it should know.
    """
    try:
        return _as_told(context)
    except HostError as error:
        raise HostError(error.kind, f"{error.reason}{_as_recorded(context)}", error.source) from None


def _as_recorded(context: Context) -> str:
    try:
        last = last_turn(context.host.tail(AUDIT_LOG, max_bytes=64 * KIB).text)
    except HostError:
        return ""
    if last is None or not 0 <= context.host.clock().now_at - last.at <= _RECORD_S:
        return ""
    when = f"{moment(last.at):%Y-%m-%d %H:%M} UTC"
    return f"; this agent's record of {when}: {last.turn} through the {last.way}: {last.outcome}"


def _as_told(context: Context) -> RemoteAssistance:
    answer = panel_answer(context, "command.remote_assistance")
    layout = context.layout
    words = AssistanceWords(
        state=_lower(layout.texts("column.assistance_state")),
        end=_lower(layout.texts("column.assistance_end")),
        duration=_lower(layout.texts("column.assistance_duration")),
        on=_lower(layout.texts("word.assistance_on")),
        off=_lower(layout.texts("word.assistance_off")),
    )
    try:
        told = parse_assistance(answer.rows, words)
    except ParseError as error:
        raise HostError("failed", str(error), answer.source) from None
    return RemoteAssistance(
        on=told.on,
        ends_at=_moment(context, told.end),
        end=told.end,
        duration=told.duration,
        source=answer.source,
        text=", ".join(f"{name}={value}" for row in answer.rows for name, value in row.columns)[:400],
        read_at=answer.seen_at,
    )


def _lower(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)


def _moment(context: Context, end: str) -> float | None:
    """Return when it ends; the server's zone is only asked for when the date has none."""
    zone_s = None
    if names_no_zone(end):
        try:
            zone_s = parse_zone(context.host.run(("date", "+%z"), timeout_s=3.0).text.strip())
        except HostError:
            return None
    return parse_end(end, zone_s=zone_s)


def login_rules(context: Context) -> LoginRules:
    """What the server's own rules say of a login over SSH from outside; only asked, never changed."""
    port = _port(context)
    unread: list[str] = []

    def text_of(path: str) -> str:
        try:
            return context.host.read(path, max_bytes=64 * KIB).text
        except HostError as error:
            if error.kind != "not_found":
                unread.append(f"{path} could not be read: {error.reason}")
            return ""

    return LoginRules(
        port=port,
        packet_filter=_packet_filter(context, port),
        named_only=parse_named_only(text_of(context.layout.text("path.ssh_config"))),
        hosts_deny=line_that_denies(
            "sshd", deny=text_of("/etc/hosts.deny"), allow=text_of("/etc/hosts.allow")
        ),
        no_login_file=_no_login_file(context),
        unread=tuple(dict.fromkeys(unread)),
    )


def _port(context: Context) -> int:
    try:
        return ssh_port(context).answer.port
    except HostError:
        return context.layout.port("port.ssh")


def _no_login_file(context: Context) -> str:
    for path in _NO_LOGIN:
        try:
            context.host.stat(path)
        except HostError:
            continue
        return path
    return ""


def _packet_filter(context: Context, port: int) -> FilterVerdict:
    """Ask nft; and iptables where nft shows that iptables wrote rules, but not what they say.

    The old tables beside nft are only asked for when the kernel has them: asking would load them.
    """
    interface = _interface(context)
    chains: tuple[FilterChain, ...] = ()
    no_nft = False
    try:
        chains, source = _nft_chains(context, port, interface)
        native = verdict_of(chains, source)
    except (HostError, ParseError) as error:
        native = FilterVerdict(outcome="unknown", text=str(error), source="nft list ruleset")
        no_nft = isinstance(error, HostError) and error.kind == "not_found"
    if _legacy_tables(context):
        told = _iptables_verdict(context, port, interface, (_IPTABLES_LEGACY, _IPTABLES))
        return told if no_nft else _of_both(told, native)
    rest = tuple(chain for chain in chains if not chain.name.startswith(_IPTABLES_TABLE))
    if native.outcome == "unknown" and len(rest) < len(chains):
        told = _iptables_verdict(context, port, interface, (_IPTABLES,))
        return _of_both(told, verdict_of(rest, native.source))
    return native


def _of_both(told: FilterVerdict, beside: FilterVerdict) -> FilterVerdict:
    """Return the verdict of two rule sets that a packet must both pass: the one that lets fewer in."""
    for outcome in ("blocked", "unknown", "listed"):
        for verdict in (told, beside):
            if verdict.outcome == outcome:
                return verdict
    return told


def _interface(context: Context) -> str:
    try:
        answer = context.host.run(("ip", "-o", "route", "get", OUTSIDE), timeout_s=4.0)
        return route_device(answer.text)
    except (HostError, ParseError):
        return ""


def _nft_chains(context: Context, port: int, interface: str) -> tuple[tuple[FilterChain, ...], str]:
    answer = _rules(context, _NFT[0])
    if answer.exit_code not in (0, None):
        answer = _rules(context, _NFT[1])
    return parse_nft(_whole(answer), port=port, interface=interface), answer.source


def _iptables_verdict(
    context: Context, port: int, interface: str, commands: tuple[tuple[str, ...], ...]
) -> FilterVerdict:
    """Return what the first of the commands that is installed says; unknown when none says it."""
    why = ""
    for argv in commands:
        try:
            answer = _rules(context, argv)
            return verdict_of(parse_iptables(_whole(answer), port=port, interface=interface), answer.source)
        except (HostError, ParseError) as error:
            why = str(error)
            if not (isinstance(error, HostError) and error.kind == "not_found"):
                break
    return FilterVerdict(outcome="unknown", text=why, source="iptables -S")


def _rules(context: Context, argv: tuple[str, ...]) -> CommandAnswer:
    return context.host.run(argv, timeout_s=_RULES_TIMEOUT_S, max_bytes=_RULES_BYTES)


def _whole(answer: CommandAnswer) -> str:
    if answer.truncated:
        raise HostError("failed", f"more than {_RULES_BYTES // MIB} MiB of rules", answer.source)
    if answer.exit_code != 0:
        why = "no answer in time" if answer.timed_out else " ".join(answer.error_text.split())[:200]
        raise HostError("failed", why or f"exit {answer.exit_code}", answer.source)
    return answer.text


def _legacy_tables(context: Context) -> bool:
    try:
        return "filter" in context.host.read(_LEGACY_TABLES, max_bytes=4 * KIB).text.split()
    except HostError:
        return False


PROBES = (
    Probe(ask=remote_assistance),
    Probe(ask=login_rules),
)
