"""The machine's own packet filter, as far as it decides over the first packet of a connection to one port.

A *stranger* is a client whose address no rule names: what becomes of its packet is what becomes of
everybody's. A *friend* may be at any address that some rule or set names. Nobody outside the vendor knows
from where support comes, so it may be either.
"""

from enum import IntEnum
from typing import Literal

from msgspec import Struct

_DEPTH_MAX = 32  # the kernel allows 16 jumps


class Fit(IntEnum):
    """How surely a rule fits the packet. Of several conditions the lowest counts."""

    NO = 0
    LISTED = 1  # only from addresses that the rule or a set names
    MAYBE = 2
    UNLISTED = 3  # from all addresses but those that the rule or a set names
    YES = 4

    @property
    def negated(self) -> "Fit":
        """Return how surely the opposite condition fits."""
        return Fit(4 - self)


Action = Literal["accept", "drop", "return", "jump", "goto", "next", "unknown"]
FilterOutcome = Literal["open", "listed", "blocked", "unknown"]
_Ends = frozenset[str]


class FilterRule(Struct, frozen=True, kw_only=True):
    """One rule: how surely it fits, and what it then does; ``target`` is the chain of a jump or goto.

    ``next`` goes on with the following rule; ``unknown`` may do anything.
    """

    fit: Fit
    action: Action
    target: str = ""
    text: str = ""


class FilterChain(Struct, frozen=True, kw_only=True):
    """One chain; ``hook`` is empty for one that is only jumped to, ``policy`` what happens at its end.

    ``rewrites``: a chain of address translation, which drops nothing but can send the packet elsewhere.
    """

    name: str
    rules: tuple[FilterRule, ...]
    hook: str = ""
    policy: Literal["accept", "drop"] = "accept"
    rewrites: bool = False


class FilterVerdict(Struct, frozen=True, kw_only=True):
    """What the local rules do with a new connection to the port, and the rule or policy that decides.

    ``open``: let in from everywhere, but perhaps from addresses that are barred by name. ``listed``: let in
    from addresses that are named, from nowhere else. ``blocked``: from nowhere. ``unknown``: the rules do
    not tell.
    """

    outcome: FilterOutcome
    text: str = ""
    source: str = ""


def verdict_of(chains: tuple[FilterChain, ...], source: str) -> FilterVerdict:
    """Judge the chains of one rule set: the packet must pass every chain that has a hook."""
    stranger, friend = _Walk(chains, Fit.UNLISTED), _Walk(chains, Fit.LISTED)
    hooked = [chain for chain in chains if chain.hook]
    if any(chain.rewrites and friend.end(chain) != {"accept"} for chain in hooked):
        return FilterVerdict(
            outcome="unknown", text="it may be sent to another port or machine", source=source
        )
    for chain in hooked:
        if friend.end(chain) == {"drop"}:
            return FilterVerdict(outcome="blocked", text=friend.dropped(chain), source=source)
    if all(stranger.end(chain) == {"accept"} for chain in hooked):
        return FilterVerdict(outcome="open", source=source)
    for chain in hooked:
        if stranger.end(chain) == {"drop"}:
            return FilterVerdict(outcome="listed", text=stranger.dropped(chain), source=source)
    return FilterVerdict(outcome="unknown", text="the rules depend on more than the port", source=source)


class _Walk:
    """The ways of one kind of client through the chains; each chain is walked once.

    ``at_least`` is the lowest fit that may concern it: a friend may be listed, a stranger is never.
    """

    def __init__(self, chains: tuple[FilterChain, ...], at_least: Fit) -> None:
        self._by_name = {chain.name: chain for chain in chains}
        self._stranger = at_least is Fit.UNLISTED
        self._ends: dict[str, _Ends] = {}
        self._open: list[str] = []
        self._last_drop: dict[str, str] = {}

    def end(self, chain: FilterChain) -> _Ends:
        """Return what may become of the packet in a chain with a hook: accept, drop, unknown."""
        ends = self._through(chain.name)
        return frozenset(chain.policy if end == "return" else end for end in ends)

    def dropped(self, chain: FilterChain) -> str:
        """Return the rule that drops the packet in the end, or that the policy does."""
        by_policy = "return" in self._through(chain.name)
        return f"{chain.name}: policy drop" if by_policy else self._last_drop.get(chain.name, chain.name)

    def _through(self, name: str) -> _Ends:
        if name in self._ends:
            return self._ends[name]
        if name not in self._by_name or name in self._open or len(self._open) >= _DEPTH_MAX:
            return frozenset(("unknown",))
        self._open.append(name)
        ends = self._ends[name] = self._rules(self._by_name[name])
        self._open.pop()
        return ends

    def _rules(self, chain: FilterChain) -> _Ends:
        ends: set[str] = set()
        for rule in chain.rules:
            if rule.fit is Fit.NO or (rule.fit is Fit.LISTED and self._stranger):
                continue
            sure = rule.fit is Fit.YES or (rule.fit is Fit.UNLISTED and self._stranger)
            came = self._rule(rule)
            ends |= came - {"next"}
            if "drop" in came:
                self._last_drop[chain.name] = self._last_drop.get(rule.target) or rule.text
            if sure and "next" not in came:
                return frozenset(ends)
        return frozenset((*ends, "return"))

    def _rule(self, rule: FilterRule) -> _Ends:
        match rule.action:
            case "jump":
                return frozenset("next" if end == "return" else end for end in self._through(rule.target))
            case "goto":
                return self._through(rule.target)
            case "unknown":
                return frozenset(("unknown", "next"))
        return frozenset((rule.action,))
