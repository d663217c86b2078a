r"""``nft -j list ruleset``: the rules that decide over the first packet of a new TCP connection to one port.

The packet: IPv4, from outside to this machine itself, SYN alone, the port is the one that was asked for;
its source address and port are not known. What a condition means that is not understood is ``MAYBE``, what
a statement does that is not understood is ``unknown``: nothing is guessed.

>>> text = '''{"nftables": [{"chain": {"family": "inet", "table": "t", "name": "in", "hook": "input",
...   "type": "filter", "policy": "accept"}}, {"rule": {"family": "inet", "table": "t", "chain": "in",
...   "handle": 2, "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp",
...   "field": "dport"}}, "right": 22}}, {"drop": null}]}}]}'''
>>> chain, = parse_nft(text, port=22)
>>> chain.name, chain.hook, chain.rules[0].fit.name, chain.rules[0].action, chain.rules[0].text
('inet t in', 'input', 'YES', 'drop', 'inet t in, rule 2: drop')
"""

import json
from collections.abc import Iterable
from typing import Any

from iwx_agent.model import ParseError
from iwx_agent.model.packet_filter import Action, FilterChain, FilterRule, Fit

_FAMILIES = ("ip", "inet", "netdev")  # ip6, arp and bridge do not see the packet
_HOOKS = ("ingress", "prerouting", "input")
_FLAGS = frozenset(("syn",))
_OTHER_PROTOCOLS = (
    "ip6",
    "icmp",
    "icmpv6",
    "igmp",
    "udp",
    "udplite",
    "sctp",
    "dccp",
    "ah",
    "esp",
    "comp",
    "arp",
)
_ACTIONS: dict[str, Action] = {
    "accept": "accept",
    "drop": "drop",
    "reject": "drop",
    "return": "return",
    "continue": "next",
    "jump": "jump",
    "goto": "goto",
}
_HARMLESS = ("counter", "log", "comment", "mangle", "notrack", "ct helper", "ct timeout", "secmark", "flow")
_SOMETIMES = ("limit", "quota", "ct count", "meter", "set", "map")  # fit or not by what came before
# Targets of iptables that go on with the next rule.
_XT_GO_ON = (
    "LOG",
    "NFLOG",
    "ULOG",
    "TRACE",
    "AUDIT",
    "MARK",
    "CONNMARK",
    "SET",
    "TCPMSS",
    "CLASSIFY",
    "CT",
    "NOTRACK",
)


def parse_nft(text: str, *, port: int, interface: str = "") -> tuple[FilterChain, ...]:
    """Return the chains that the packet can come through; ``interface`` is where it comes in, if known.

    Raises:
        ParseError: for what is not the JSON of a whole rule set.
    """
    try:
        listed = json.loads(text)["nftables"]
        told = [next(iter(item.items())) for item in listed]
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, RecursionError):
        raise ParseError("the JSON of nft list ruleset", text) from None
    try:
        return _chains(told, _Packet(port, interface))
    except RecursionError:
        raise ParseError("rules that are not nested without end", text) from None


def _chains(told: list[tuple[str, Any]], packet: "_Packet") -> tuple[FilterChain, ...]:
    rules: dict[str, list[FilterRule]] = {}
    chains: dict[str, dict[str, Any]] = {}
    for kind, item in told:
        if not isinstance(item, dict) or item.get("family") not in _FAMILIES:
            continue
        if kind == "chain":
            chains[_name(item, "name")] = item
        elif kind == "rule":
            name = _name(item, "chain")
            rules.setdefault(name, []).extend(packet.rules(item, name))
    return tuple(_chain(name, item, tuple(rules.get(name, ()))) for name, item in chains.items())


def _name(item: dict[str, Any], key: str) -> str:
    return f"{item.get('family')} {item.get('table')} {item.get(key)}"


def _chain(name: str, item: dict[str, Any], rules: tuple[FilterRule, ...]) -> FilterChain:
    hook = item.get("hook")
    return FilterChain(
        name=name,
        rules=rules,
        hook=str(hook) if hook in _HOOKS else "",
        policy="drop" if item.get("policy") == "drop" else "accept",
        rewrites=item.get("type") == "nat",
    )


class _Packet:
    """The packet, and what each condition makes of it."""

    def __init__(self, port: int, interface: str) -> None:
        self._port = port
        self._interface = interface
        self._known: dict[tuple[str, str], frozenset[str]] = {
            ("tcp", "dport"): frozenset((str(port),)),
            ("th", "dport"): frozenset((str(port),)),
            ("ip", "protocol"): frozenset(("tcp", "6")),
            ("ip", "version"): frozenset(("4",)),
            ("meta", "l4proto"): frozenset(("tcp", "6")),
            ("meta", "nfproto"): frozenset(("ipv4", "2")),
            ("meta", "protocol"): frozenset(("ip",)),
            ("meta", "pkttype"): frozenset(("host", "unicast", "0")),
            ("ct", "state"): frozenset(("new",)),
            ("ct", "status"): frozenset(),
            ("ct", "direction"): frozenset(("original",)),
            ("fib", "type"): frozenset(("local",)),
        }

    def rules(self, item: dict[str, Any], chain: str) -> Iterable[FilterRule]:
        """Return what one rule comes to: one rule, or one for each value of its map of verdicts."""
        where = f"{chain}, rule {item.get('handle')}"
        fit = Fit.YES
        expressions = item.get("expr")
        for expression in expressions if isinstance(expressions, list) else ():
            kind, content = _single(expression)
            if kind == "match":
                fit = min(fit, self._match(content))
            elif kind in _SOMETIMES:
                fit = min(fit, Fit.MAYBE)
            elif kind == "vmap":
                return self._choices(content, fit, where)
            elif kind == "xt":
                ended, fit = _extension(content, fit)
                if ended:
                    return (_rule(fit, ended, where),)
            elif kind in _ACTIONS:
                target = content.get("target") if isinstance(content, dict) else ""
                full = " ".join((*chain.split(" ")[:2], str(target)))
                return (_rule(fit, _ACTIONS[kind], where, full if kind in ("jump", "goto") else ""),)
            elif kind not in _HARMLESS:
                return (_rule(fit, "unknown", where),)
        return (_rule(fit, "next", where),)

    def _choices(self, content: Any, fit: Fit, where: str) -> Iterable[FilterRule]:
        """Return the rules of a verdict map; which of them fits is told by its key."""
        pairs = content.get("data") if isinstance(content, dict) else None
        pairs = pairs.get("set") if isinstance(pairs, dict) else None
        if not isinstance(pairs, list):
            return (_rule(fit, "unknown", where),)
        found: list[FilterRule] = []
        for pair in pairs:
            value, verdict = pair if isinstance(pair, list) and len(pair) == 2 else ("@", None)
            kind, inside = _single(verdict)
            target = inside.get("target") if isinstance(inside, dict) else ""
            action = _ACTIONS.get(kind, "unknown")
            fits = min(fit, self._match({"op": "==", "left": content.get("key"), "right": value}))
            full = " ".join((*where.split(" ")[:2], str(target)))
            found.append(_rule(fits, action, where, full if action in ("jump", "goto") else ""))
        return found

    def _match(self, content: Any) -> Fit:
        if not isinstance(content, dict):
            return Fit.MAYBE
        left, right, operator = content.get("left"), content.get("right"), content.get("op", "==")
        kind, inside = _single(left)
        if kind == "payload" and isinstance(inside, dict) and inside.get("protocol") in _OTHER_PROTOCOLS:
            return Fit.NO  # whatever is compared: the packet has no such header
        flags = _flags(left)
        if flags is not None:
            return _compare_flags(flags, operator, right)
        if operator not in ("==", "in", "!="):
            return Fit.MAYBE
        fit = self._equal(kind, inside, right)
        return fit.negated if operator == "!=" else fit

    def _equal(self, kind: str, inside: Any, right: Any) -> Fit:
        if kind == "concat" and isinstance(inside, list):
            return Fit.LISTED if any(_is_source(*_single(part)) for part in inside) else Fit.MAYBE
        if _is_source(kind, inside):
            return Fit.LISTED
        if not isinstance(inside, dict):
            return Fit.MAYBE
        if kind == "meta" and inside.get("key") in ("iif", "iifname"):
            return self._on_interface(right)
        owner = inside.get("protocol") if kind == "payload" else kind
        field = inside.get("field" if kind == "payload" else "result" if kind == "fib" else "key")
        known = self._known.get((str(owner), str(field)))
        if known is None or (kind == "fib" and "daddr" not in str(inside.get("flags"))):
            return Fit.MAYBE
        return _among(known, right)

    def _on_interface(self, right: Any) -> Fit:
        names = _values(right)
        if names is None or any("*" in name for name in names):
            return Fit.MAYBE
        if not self._interface:
            return Fit.NO if set(names) == {"lo"} else Fit.MAYBE
        return Fit.YES if self._interface in names else Fit.NO


def _rule(fit: Fit, action: Action, where: str, target: str = "") -> FilterRule:
    said = "does something that is not understood" if action == "unknown" else action
    return FilterRule(fit=fit, action=action, target=target, text=f"{where}: {said}")


def _single(expression: Any) -> tuple[str, Any]:
    """Return the one key of an expression and what it holds."""
    if isinstance(expression, dict) and len(expression) == 1:
        key, value = next(iter(expression.items()))
        return str(key), value
    return "", None


def _is_source(kind: str, inside: Any) -> bool:
    return (
        kind == "payload"
        and isinstance(inside, dict)
        and inside.get("protocol") == "ip"
        and inside.get("field") == "saddr"
    )


def _extension(content: Any, fit: Fit) -> tuple[Action | None, Fit]:
    """Return what an extension of iptables does, which nft names but does not show."""
    told = content if isinstance(content, dict) else {}
    name = str(told.get("name"))
    if told.get("type") == "match":
        return None, fit if name == "comment" else min(fit, Fit.MAYBE)
    if name in ("REJECT", "DROP"):
        return "drop", fit
    return (None if name in _XT_GO_ON else "unknown"), fit


def _values(right: Any) -> tuple[str, ...] | None:
    """Return the plain values of the right side; None when it has others, as a named set has."""
    if isinstance(right, bool) or right is None:
        return None
    if isinstance(right, str | int):
        return None if str(right).startswith("@") else (str(right),)
    items = right if isinstance(right, list) else right.get("set") if isinstance(right, dict) else None
    if not isinstance(items, list):
        return None
    found = [_values(item) if isinstance(item, str | int) else None for item in items]
    return None if None in found else tuple(value for values in found for value in values or ())


def _among(known: frozenset[str], right: Any) -> Fit:
    """Return whether the packet's value is among those of the right side."""
    if isinstance(right, list) or (isinstance(right, dict) and isinstance(right.get("set"), list)):
        parts = [_among(known, part) for part in (right if isinstance(right, list) else right["set"])]
        return max(parts, default=Fit.NO)  # a named set in it is MAYBE, which any sure YES beats
    if isinstance(right, dict):
        kind, inside = _single(right)
        if kind == "elem" and isinstance(inside, dict):
            return _among(known, inside.get("val"))
        if kind == "range" and isinstance(inside, list) and len(inside) == 2:
            return _between(known, *inside)
        return Fit.MAYBE
    values = _values(right)
    if values is None:
        return Fit.MAYBE
    return Fit.YES if known & {value.lower() for value in values} else Fit.NO


def _between(known: frozenset[str], first: Any, last: Any) -> Fit:
    if not (isinstance(first, int) and isinstance(last, int)):
        return Fit.MAYBE
    return Fit.YES if any(v.isdigit() and first <= int(v) <= last for v in known) else Fit.NO


def _flags(left: Any) -> frozenset[str] | None:
    """Return the packet's TCP flags as a condition sees them, perhaps masked; None: it is not about flags."""
    kind, inside = _single(left)
    if kind == "payload" and inside == {"protocol": "tcp", "field": "flags"}:
        return _FLAGS
    if kind == "&" and isinstance(inside, list) and len(inside) == 2 and _flags(inside[0]) is not None:
        mask = _flag_names(inside[1])
        return None if mask is None else _FLAGS & mask
    return None


def _flag_names(right: Any) -> frozenset[str] | None:
    if right == 0:
        return frozenset()
    kind, inside = _single(right)
    if kind == "|":
        right = inside
    if isinstance(right, str):
        return frozenset((right,))
    if not isinstance(right, list):
        return None
    parts = [_flag_names(part) for part in right]
    return None if None in parts else frozenset(name for part in parts for name in part or ())


def _compare_flags(flags: frozenset[str], operator: Any, right: Any) -> Fit:
    wanted = _flag_names(right)
    if wanted is None:
        return Fit.MAYBE
    answers = {
        "==": flags == wanted,
        "!=": flags != wanted,
        "in": bool(flags & wanted),
        "!": not flags & wanted,
    }
    if operator not in answers:
        return Fit.MAYBE
    return Fit.YES if answers[operator] else Fit.NO
