"""From rules to a verdict: what becomes of a stranger's packet, and of one that some rule may name."""

import pytest

from iwx_agent.model.packet_filter import Action, FilterChain, FilterRule, Fit, verdict_of

Rule = tuple[Fit, Action] | tuple[Fit, Action, str]


def chain(name: str, *rules: Rule, hook: str = "", drop: bool = False, rewrites: bool = False) -> FilterChain:
    listed = tuple(
        FilterRule(
            fit=rule[0], action=rule[1], target=rule[2] if len(rule) > 2 else "", text=f"{name}.{number}"
        )
        for number, rule in enumerate(rules, start=1)
    )
    return FilterChain(
        name=name, rules=listed, hook=hook, policy="drop" if drop else "accept", rewrites=rewrites
    )


def base(*rules: Rule, drop: bool = False) -> FilterChain:
    return chain("in", *rules, hook="input", drop=drop)


def judged(*chains: FilterChain) -> tuple[str, str]:
    found = verdict_of(chains, "nft")
    assert found.source == "nft"
    return found.outcome, found.text


NO, LISTED, MAYBE, UNLISTED, YES = Fit


def test_the_opposite_of_each_fit() -> None:
    assert [fit.negated for fit in Fit] == [YES, UNLISTED, MAYBE, LISTED, NO]


@pytest.mark.parametrize(
    ("rules", "drop", "expected"),
    [
        ((), False, ("open", "")),
        ((), True, ("blocked", "in: policy drop")),
        (((YES, "drop"), (YES, "accept")), False, ("blocked", "in.1")),
        (((YES, "accept"), (YES, "drop")), True, ("open", "")),
        (((NO, "drop"),), False, ("open", "")),
        (((MAYBE, "drop"),), False, ("unknown", "the rules depend on more than the port")),
        (((MAYBE, "accept"),), True, ("unknown", "the rules depend on more than the port")),
        (((MAYBE, "drop"), (YES, "drop")), False, ("blocked", "in.2")),
        (((MAYBE, "accept"), (YES, "accept")), True, ("open", "")),
        (((LISTED, "drop"),), False, ("open", "")),
        (((LISTED, "accept"),), True, ("listed", "in: policy drop")),
        (((UNLISTED, "drop"),), False, ("listed", "in.1")),
        (((UNLISTED, "accept"),), True, ("open", "")),
        (((YES, "return"), (YES, "drop")), False, ("open", "")),
        (((YES, "next"), (YES, "drop")), False, ("blocked", "in.2")),
        (((YES, "unknown"),), False, ("unknown", "the rules depend on more than the port")),
        (((YES, "unknown"), (YES, "drop")), False, ("unknown", "the rules depend on more than the port")),
    ],
)
def test_one_chain(rules: tuple[Rule, ...], drop: bool, expected: tuple[str, str]) -> None:
    assert judged(base(*rules, drop=drop)) == expected


def test_a_jump_comes_back_and_a_goto_does_not() -> None:
    side = chain("side", (NO, "drop"))
    assert judged(base((YES, "jump", "side"), (YES, "drop")), side) == ("blocked", "in.2")
    assert judged(base((YES, "goto", "side"), (YES, "drop")), side) == ("open", "")
    assert judged(base((YES, "goto", "side"), drop=True), side) == ("blocked", "in: policy drop")


def test_what_drops_in_another_chain_is_named() -> None:
    assert judged(base((YES, "jump", "side")), chain("side", (NO, "accept"), (YES, "drop"))) == (
        "blocked",
        "side.2",
    )


def test_a_chain_that_is_not_there_or_jumps_in_a_circle_is_unknown() -> None:
    said = ("unknown", "the rules depend on more than the port")
    assert judged(base((YES, "jump", "gone"))) == said
    assert (
        judged(base((YES, "jump", "a")), chain("a", (YES, "jump", "b")), chain("b", (YES, "jump", "a")))
        == said
    )


def test_jumps_deeper_than_the_kernel_allows_are_not_followed() -> None:
    chains = [chain(f"c{number}", (YES, "jump", f"c{number + 1}")) for number in range(5000)]
    assert judged(base((YES, "jump", "c0")), *chains) == ("unknown", "the rules depend on more than the port")


def test_every_chain_with_a_hook_must_let_it_in() -> None:
    early = chain("early", (YES, "accept"), hook="prerouting")
    assert judged(early, base((YES, "drop"))) == ("blocked", "in.1")
    assert judged(early, base((LISTED, "accept"), drop=True)) == ("listed", "in: policy drop")
    assert judged(early, base()) == ("open", "")
    assert judged(chain("never", (YES, "drop")), base()) == ("open", "")
    assert judged() == ("open", "")


def test_translation_that_may_change_the_port_makes_it_unknown() -> None:
    nat = chain("nat", (MAYBE, "unknown"), hook="prerouting", rewrites=True)
    assert judged(nat, base((YES, "drop"))) == ("unknown", "it may be sent to another port or machine")
    harmless = chain("nat", (NO, "unknown"), hook="prerouting", rewrites=True)
    assert judged(harmless, base((YES, "drop"))) == ("blocked", "in.1")
