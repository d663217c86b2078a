r"""``iptables -S``: the rules that decide over the first packet of a new TCP connection to one port.

The same packet, the same caution as in ``nft_ruleset``; only what iptables' own listing shows in full and
nft hides.

>>> text = "-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j DROP\n"
>>> chain, = parse_iptables(text, port=22)
>>> chain.name, chain.hook, [rule.fit.name for rule in chain.rules]
('INPUT', 'input', ['NO', 'YES'])
"""

import re
from collections.abc import Iterator

from iwx_agent.model import ParseError
from iwx_agent.model.packet_filter import Action, FilterChain, FilterRule, Fit

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PORTS = re.compile(r"([0-9]{1,5})(?::([0-9]{1,5}))?")
_WORDS_MAX = 100
_POLICIES = ("ACCEPT", "DROP")
_ACTIONS: dict[str, Action] = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "RETURN": "return"}
_GO_ON = (
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
_SHOWN = ("tcp", "udp", "multiport", "state", "conntrack", "comment", "set", "iprange", "icmp")


def parse_iptables(text: str, *, port: int, interface: str = "") -> tuple[FilterChain, ...]:
    """Return the chains of the filter table that the packet can come through.

    Raises:
        ParseError: for what is not the listing of a whole filter table, with INPUT's policy.
    """
    policy = ""
    rules: dict[str, list[FilterRule]] = {}
    for line in text.split("\n"):
        words = [plain or quoted for quoted, plain in _WORD.findall(line)][:_WORDS_MAX]
        match words:
            case []:
                continue
            case ["-P", "INPUT", str(said), *_] if said in _POLICIES:
                policy = said
                rules.setdefault("INPUT", [])
            case ["-P", str(), str(said), *_] if said in _POLICIES:
                continue
            case ["-N", str(name)]:
                rules.setdefault(name, [])
            case ["-A", str(name), *rest]:
                rules.setdefault(name, []).append(_Rule(port, interface, line).read(rest, set(rules)))
            case _:
                raise ParseError("a line of iptables -S", line)
    if not policy:
        raise ParseError("the policy of INPUT from iptables -S", text)
    return tuple(
        FilterChain(
            name=name,
            rules=tuple(listed),
            hook="input" if name == "INPUT" else "",
            policy="drop" if name == "INPUT" and policy == "DROP" else "accept",
        )
        for name, listed in rules.items()
    )


class _Rule:
    """One rule while it is read, option by option."""

    def __init__(self, port: int, interface: str, line: str) -> None:
        self._port = port
        self._interface = interface
        self._line = " ".join(line.split())[:200]
        self._fit = Fit.YES

    def read(self, words: list[str], chains: set[str]) -> FilterRule:
        """Return the rule. Chains that are jumped to have been named before: -S prints them first."""
        rest = iter(words)
        opposite = False
        for word in rest:
            if word == "!":
                opposite = True
                continue
            if word in ("-j", "-g"):
                return self._target(word, next(rest, ""), chains)
            fit = self._option(word, rest)
            self._fit = min(self._fit, fit.negated if opposite else fit)
            opposite = False
        return self._done("next")

    def _target(self, word: str, name: str, chains: set[str]) -> FilterRule:
        if name in _ACTIONS:
            return self._done(_ACTIONS[name])
        if name in _GO_ON:
            return self._done("next")
        if name in chains:
            return self._done("goto" if word == "-g" else "jump", name)
        return self._done("unknown")

    def _done(self, action: Action, target: str = "") -> FilterRule:
        return FilterRule(fit=self._fit, action=action, target=target, text=self._line)

    def _option(self, word: str, rest: Iterator[str]) -> Fit:
        match word:
            case "-m":
                return Fit.YES if next(rest, "") in _SHOWN else Fit.MAYBE
            case "--comment":
                next(rest, "")
                return Fit.YES
            case "-p":
                return _sure(next(rest, "").lower() in ("tcp", "6", "all"))
            case "-s" | "--src-range":
                next(rest, "")
                return Fit.LISTED
            case "--match-set":
                next(rest, "")
                return Fit.LISTED if next(rest, "") == "src" else Fit.MAYBE
            case "-i":
                return self._on_interface(next(rest, ""))
            case "--state" | "--ctstate":
                return _sure("NEW" in next(rest, "").split(","))
            case "--dport" | "--dports" | "--ports":
                fit = self._ports(next(rest, ""))
                return Fit.MAYBE if word == "--ports" and fit is Fit.NO else fit
            case "--tcp-flags":
                return _flags(next(rest, ""), next(rest, ""))
            case "--syn":
                return Fit.YES
        return Fit.MAYBE  # whatever it is; what follows it is read as options, and is MAYBE as well

    def _on_interface(self, name: str) -> Fit:
        if name.endswith("+") or (not self._interface and name != "lo"):
            return Fit.MAYBE
        return _sure(name == self._interface)

    def _ports(self, text: str) -> Fit:
        for part in text.split(","):
            found = _PORTS.fullmatch(part)
            if found is None:
                return Fit.MAYBE
            if int(found[1]) <= self._port <= int(found[2] or found[1]):
                return Fit.YES
        return Fit.NO


def _flags(mask: str, wanted: str) -> Fit:
    """Compare the flags of a first packet (SYN alone), seen through the mask."""
    seen = {"SYN"} & set(mask.split(",")) if mask != "ALL" else {"SYN"}
    return _sure(seen == (set(wanted.split(",")) - {"NONE"}))


def _sure(fits: bool) -> Fit:
    return Fit.YES if fits else Fit.NO
