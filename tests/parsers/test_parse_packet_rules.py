"""nft and iptables: what each condition and statement means for the first packet to the SSH port."""

import doctest
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.packet_filter import FilterChain, FilterRule, Fit, verdict_of
from iwx_agent.parsers import iptables_rules, nft_ruleset
from iwx_agent.parsers.iptables_rules import parse_iptables
from iwx_agent.parsers.nft_ruleset import parse_nft

CAPTURES = Path(__file__).parent / "captures" / "filter"


@pytest.mark.parametrize("module", [nft_ruleset, iptables_rules])
def test_sample(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def outcome(name: str, port: int, interface: str = "eth0") -> tuple[str, str]:
    text = (CAPTURES / name).read_text()
    parse = parse_nft if name.endswith(".json") else parse_iptables
    verdict = verdict_of(parse(text, port=port, interface=interface), name)
    return verdict.outcome, verdict.text


@pytest.mark.parametrize("interface", ["eth0", ""])
@pytest.mark.parametrize(
    ("name", "port", "expected", "text"),
    [
        ("nft-none.json", 22, "open", ""),
        ("nft-zones.json", 22, "open", ""),
        ("nft-zones.json", 25, "blocked", "inet firewalld filter_INPUT, rule 25: drop"),
        ("nft-zones-without-ssh.json", 22, "blocked", "inet firewalld filter_INPUT, rule 25: drop"),
        ("nft-zones-listed.json", 22, "listed", "inet firewalld filter_INPUT, rule 25: drop"),
        ("nft-port-rejected.json", 22, "blocked", "inet filter input, rule 7: drop"),
        ("nft-port-rejected.json", 2222, "blocked", "inet filter input, rule 7: drop"),
        ("nft-port-rejected.json", 2230, "blocked", "inet filter input, rule 7: drop"),
        ("nft-port-rejected.json", 2231, "open", ""),
        ("nft-port-rejected.json", 25, "open", ""),  # accepted within a limit or after it
        ("nft-policy-drop.json", 22, "blocked", "ip filter INPUT: policy drop"),
        ("nft-policy-drop.json", 443, "open", ""),
        ("nft-redirect.json", 22, "unknown", "it may be sent to another port or machine"),
        ("nft-redirect.json", 23, "open", ""),  # the drop policy is IPv6's
        ("nft-of-iptables.json", 22, "unknown", "the rules depend on more than the port"),
        ("iptables-csf-like.txt", 22, "open", ""),
        ("iptables-csf-like.txt", 2443, "listed", "-A LOGDROPIN -j DROP"),  # one address is let in
        ("iptables-csf-like-without-ssh.txt", 22, "listed", "-A LOGDROPIN -j DROP"),
        (
            "iptables-rejects.txt",
            22,
            "blocked",
            "-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-host-prohibited",
        ),
        ("iptables-rejects.txt", 2300, "open", ""),
        ("iptables-rejects.txt", 25, "blocked", "-A INPUT -j REJECT --reject-with icmp-host-prohibited"),
    ],
)
def test_captured_rules(name: str, port: int, expected: str, text: str, interface: str) -> None:
    assert outcome(name, port, interface) == (expected, text)


# nft: one condition


def payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


def ct(key: str) -> dict[str, Any]:
    return {"ct": {"key": key}}


def nft(*expressions: Any, **chain: Any) -> FilterChain:
    owner = {"family": "inet", "table": "t"}
    told = [
        {"metainfo": {"version": "1.0.6"}},
        {"chain": {**owner, "name": "in", "type": "filter", "hook": "input", "policy": "accept", **chain}},
        {"rule": {**owner, "chain": "in", "handle": 1, "expr": list(expressions)}},
    ]
    (found,) = parse_nft(json.dumps({"nftables": told}), port=22, interface="eth0")
    return found


def fit(left: Any, right: Any, op: str = "==") -> str:
    (rule,) = nft({"match": {"op": op, "left": left, "right": right}}, {"drop": None}).rules
    assert rule.action == "drop"
    return rule.fit.name


DPORT, FLAGS = payload("tcp", "dport"), payload("tcp", "flags")
MASKED = {"&": [FLAGS, ["fin", "syn", "rst", "ack"]]}
FIB = {"fib": {"result": "type", "flags": ["daddr"]}}


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (DPORT, 22, "YES"),
        (DPORT, 23, "NO"),
        (DPORT, {"set": [80, 22]}, "YES"),
        (DPORT, {"set": [80, {"range": [20, 30]}]}, "YES"),
        (DPORT, {"set": [{"elem": {"val": 22, "comment": "x"}}]}, "YES"),
        (DPORT, {"set": [80, "@ports"]}, "MAYBE"),
        (DPORT, {"set": []}, "NO"),
        (DPORT, {"range": [23, 30]}, "NO"),
        (DPORT, {"range": ["a", "b"]}, "MAYBE"),
        (DPORT, {"range": [1]}, "MAYBE"),
        (DPORT, {"prefix": {"addr": "x", "len": 8}}, "MAYBE"),
        (DPORT, "@ports", "MAYBE"),
        (DPORT, None, "MAYBE"),
        (payload("th", "dport"), 22, "YES"),
        (payload("tcp", "sport"), 22, "MAYBE"),
        (payload("udp", "dport"), 22, "NO"),
        (payload("ip6", "saddr"), "2001:db8::1", "NO"),
        (payload("ip", "saddr"), "192.0.2.1", "LISTED"),
        (payload("ip", "saddr"), "@friends", "LISTED"),
        (payload("ip", "daddr"), "192.0.2.1", "MAYBE"),
        (payload("ip", "protocol"), "tcp", "YES"),
        (payload("ip", "protocol"), "icmp", "NO"),
        ({"concat": [payload("ip", "saddr"), DPORT]}, "@both", "LISTED"),
        ({"concat": [payload("ip", "daddr"), DPORT]}, "@both", "MAYBE"),
        ({"concat": 5}, "@both", "MAYBE"),
        (meta("l4proto"), {"set": ["icmp", "ipv6-icmp"]}, "NO"),
        (meta("l4proto"), "tcp", "YES"),
        (meta("nfproto"), "ipv6", "NO"),
        (meta("nfproto"), "ipv4", "YES"),
        (meta("iifname"), "lo", "NO"),
        (meta("iif"), "eth0", "YES"),
        (meta("iifname"), "eth1", "NO"),
        (meta("iifname"), "eth*", "MAYBE"),
        (meta("iifname"), {"set": ["lo", "eth0"]}, "YES"),
        (meta("iifname"), {"set": ["lo", ["x"]]}, "MAYBE"),
        (meta("iifname"), {"elem": 1}, "MAYBE"),
        (meta("iifname"), True, "MAYBE"),
        (meta("mark"), 1, "MAYBE"),
        (ct("state"), {"set": ["established", "related"]}, "NO"),
        (ct("state"), ["established", "new"], "YES"),
        (ct("status"), "dnat", "NO"),
        (ct("mark"), 1, "MAYBE"),
        (FIB, "local", "YES"),
        (FIB, "broadcast", "NO"),
        ({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False, "MAYBE"),
        ({"fib": {"result": "type", "flags": ["saddr"]}}, "local", "MAYBE"),
        ({"numgen": {"mode": "inc", "mod": 2}}, 0, "MAYBE"),
        ("x", 0, "MAYBE"),
        ({"payload": 5}, 0, "MAYBE"),
        (FLAGS, "syn", "YES"),
        (FLAGS, 0, "NO"),
        (MASKED, "syn", "YES"),
        (MASKED, ["fin", "syn"], "NO"),
        (MASKED, {"|": ["fin", "syn"]}, "NO"),
        (MASKED, {"set": ["syn"]}, "MAYBE"),
        (MASKED, ["syn", 7], "MAYBE"),
        ({"&": [FLAGS, 3]}, "syn", "MAYBE"),
        ({"&": [meta("mark"), 3]}, 1, "MAYBE"),
    ],
)
def test_a_condition(left: Any, right: Any, expected: str) -> None:
    assert fit(left, right) == expected


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("!=", DPORT, 22, "NO"),
        ("!=", DPORT, {"set": [80, 443]}, "YES"),
        ("!=", payload("ip", "saddr"), "192.0.2.0", "UNLISTED"),
        ("!=", meta("mark"), 1, "MAYBE"),
        ("!=", payload("udp", "dport"), 53, "NO"),  # it is no UDP packet either way
        ("in", ct("state"), "new", "YES"),
        (">", DPORT, 1023, "MAYBE"),
        ("!=", MASKED, "syn", "NO"),
        ("in", FLAGS, ["syn", "ack"], "YES"),
        ("in", FLAGS, ["fin", "rst"], "NO"),
        ("!", FLAGS, ["fin", "syn", "rst"], "NO"),
        (">", FLAGS, "syn", "MAYBE"),
    ],
)
def test_an_operator(op: str, left: Any, right: Any, expected: str) -> None:
    assert fit(left, right, op) == expected


def test_of_several_conditions_the_least_sure_counts() -> None:
    conditions = [
        {"match": {"op": "==", "left": left, "right": right}}
        for left, right in ((DPORT, 22), (payload("ip", "saddr"), "192.0.2.1"), (meta("mark"), 1))
    ]
    (rule,) = nft(*conditions, {"accept": None}).rules
    assert rule.fit is Fit.LISTED


@pytest.mark.parametrize(
    ("expressions", "fit", "action", "target"),
    [
        ([{"accept": None}], Fit.YES, "accept", ""),
        ([{"reject": {"type": "tcp reset"}}], Fit.YES, "drop", ""),
        ([{"return": None}], Fit.YES, "return", ""),
        ([{"jump": {"target": "x"}}], Fit.YES, "jump", "inet t x"),
        ([{"goto": {"target": "x"}}], Fit.YES, "goto", "inet t x"),
        ([{"jump": None}], Fit.YES, "jump", "inet t "),
        ([{"continue": None}], Fit.YES, "next", ""),
        ([{"counter": None}, {"log": None}, {"drop": None}], Fit.YES, "drop", ""),
        ([{"limit": {"rate": 5}}, {"drop": None}], Fit.MAYBE, "drop", ""),
        ([{"ct count": {"val": 3}}, {"drop": None}], Fit.MAYBE, "drop", ""),
        ([{"set": {"op": "add"}}, {"drop": None}], Fit.MAYBE, "drop", ""),
        ([{"match": None}, {"drop": None}], Fit.MAYBE, "drop", ""),
        ([{"counter": None}], Fit.YES, "next", ""),
        ([], Fit.YES, "next", ""),
        ([{"queue": {"num": 0}}], Fit.YES, "unknown", ""),
        ([{"redirect": {"port": 2222}}], Fit.YES, "unknown", ""),
        (["x"], Fit.YES, "unknown", ""),
        ([{"xt": {"type": "match", "name": "comment"}}, {"drop": None}], Fit.YES, "drop", ""),
        ([{"xt": {"type": "match", "name": "conntrack"}}, {"drop": None}], Fit.MAYBE, "drop", ""),
        ([{"xt": {"type": "target", "name": "REJECT"}}], Fit.YES, "drop", ""),
        ([{"xt": {"type": "target", "name": "LOG"}}], Fit.YES, "next", ""),
        ([{"xt": {"type": "target", "name": "TARPIT"}}], Fit.YES, "unknown", ""),
        ([{"xt": None}], Fit.YES, "unknown", ""),
    ],
)
def test_a_statement(expressions: list[Any], fit: Fit, action: str, target: str) -> None:
    (rule,) = nft(*expressions).rules
    assert (rule.fit, rule.action, rule.target) == (fit, action, target)


def test_a_rule_without_a_list_of_expressions_does_nothing() -> None:
    owner = {"family": "ip", "table": "t"}
    told = [
        {"rule": {**owner, "chain": "in", "expr": 5}},
        {"chain": {**owner, "name": "in", "hook": "input"}},
    ]
    (chain,) = parse_nft(json.dumps({"nftables": told}), port=22)
    assert chain.rules == (FilterRule(fit=Fit.YES, action="next", text="ip t in, rule None: next"),)


@pytest.mark.parametrize(
    ("key", "data", "expected"),
    [
        (ct("state"), [["new", {"accept": None}], ["invalid", {"drop": None}]], ["YES accept", "NO drop"]),
        (DPORT, [[22, {"jump": {"target": "x"}}]], ["YES jump"]),
        (payload("ip", "saddr"), [["192.0.2.1", {"drop": None}]], ["LISTED drop"]),
        (
            meta("mark"),
            [[1, {"drop": None}], ["broken"], 7],
            ["MAYBE drop", "MAYBE unknown", "MAYBE unknown"],
        ),
        (DPORT, "@verdicts", ["YES unknown"]),
    ],
)
def test_a_map_of_verdicts_is_a_rule_for_each(key: Any, data: Any, expected: list[str]) -> None:
    content = {"key": key, "data": {"set": data} if isinstance(data, list) else data}
    found = nft({"vmap": content}).rules
    assert [f"{rule.fit.name} {rule.action}" for rule in found] == expected
    assert {rule.target for rule in found} <= {"", "inet t x"}


def test_a_map_that_is_none_may_do_anything() -> None:
    (rule,) = nft({"vmap": None}).rules
    assert rule.action == "unknown"


@pytest.mark.parametrize(
    ("more", "hook", "policy", "rewrites"),
    [
        ({}, "input", "accept", False),
        ({"policy": "drop"}, "input", "drop", False),
        ({"hook": "prerouting", "type": "nat"}, "prerouting", "accept", True),
        ({"hook": "output"}, "", "accept", False),
        ({"hook": ["x"]}, "", "accept", False),
    ],
)
def test_a_chain(more: dict[str, Any], hook: str, policy: str, rewrites: bool) -> None:
    chain = nft({"counter": None}, **more)
    assert (chain.hook, chain.policy, chain.rewrites) == (hook, policy, rewrites)


def test_without_the_interface_only_loopback_is_sure() -> None:
    told = {"family": "ip", "table": "t", "chain": "in", "handle": 1}
    rules = [
        {"rule": {**told, "expr": [{"match": {"op": "==", "left": meta("iifname"), "right": right}}]}}
        for right in ("lo", "eth0", {"set": ["lo", "eth0"]})
    ]
    chain = {"chain": {"family": "ip", "table": "t", "name": "in", "hook": "input"}}
    (found,) = parse_nft(json.dumps({"nftables": [chain, *rules]}), port=22)
    assert [rule.fit.name for rule in found.rules] == ["NO", "MAYBE", "MAYBE"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        '"x"',
        '{"nftables": 5}',
        '{"nftables": [5]}',
        '{"nftables": [{}]}',
        '{"nftables": [',
        "<html>",
    ],
)
def test_no_rule_set(text: str) -> None:
    with pytest.raises(ParseError, match="JSON of nft"):
        parse_nft(text, port=22)


@pytest.mark.parametrize("depth", [1, 100, 450, 600, 800, 5000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"set": [', "]}")])
def test_values_nested_without_end_are_refused(opening: str, closing: str, depth: int) -> None:
    deep = opening * depth + '"syn"' + closing * depth
    match = f'{{"op": "==", "left": {{"payload": {{"protocol": "tcp", "field": "flags"}}}}, "right": {deep}}}'
    rule = f'{{"family": "ip", "table": "t", "chain": "in", "expr": [{{"match": {match}}}]}}'
    try:
        assert parse_nft(f'{{"nftables": [{{"rule": {rule}}}]}}', port=22) == ()
    except ParseError:
        assert depth > 100


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["tcp", "dport", "@x", "lo", "eth0", "syn"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["match", "op", "left", "right", "payload", "meta", "ct", "set", "key", "vmap", "xt"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=4), json_values)
def test_any_json_gives_chains_or_a_parse_error(expressions: list[Any], other: Any) -> None:
    owner = {"family": "ip", "table": "t"}
    told = [
        {"chain": {**owner, "name": "in", "hook": "input"}},
        {"rule": {**owner, "chain": "in", "expr": expressions}},
        other,
    ]
    try:
        chains = parse_nft(json.dumps({"nftables": told}), port=22, interface="eth0")
    except ParseError:
        return
    assert verdict_of(chains, "x").outcome in ("open", "listed", "blocked", "unknown")


@given(st.text())
def test_any_text_gives_chains_or_a_parse_error(text: str) -> None:
    for parse in (parse_nft, parse_iptables):
        try:
            parse(text, port=22)
        except ParseError:
            continue


# iptables


def rule(text: str, interface: str = "eth0") -> FilterRule:
    listed = f"-P INPUT ACCEPT\n-N OTHER\n-A INPUT {text}\n"
    chains = parse_iptables(listed, port=22, interface=interface)
    return next(chain for chain in chains if chain.hook).rules[0]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ("", "YES"),
        ("-p tcp -m tcp --dport 22", "YES"),
        ("-p tcp -m tcp --dport 21:23", "YES"),
        ("-p tcp -m tcp --dport 23", "NO"),
        ("-p tcp -m tcp ! --dport 22", "NO"),
        ("-p tcp -m tcp --dport ssh", "MAYBE"),
        ("-p tcp -m tcp --dport 22:ssh", "MAYBE"),
        ("-p tcp -m tcp --dport ²", "MAYBE"),
        ("-p tcp -m multiport --dports 80,22", "YES"),
        ("-p tcp -m multiport --dports 80,2000:2443", "NO"),
        ("-p tcp -m multiport --ports 80", "MAYBE"),  # its own port may be 80
        ("-p tcp -m multiport --ports 22", "YES"),
        ("-p tcp -m tcp --sport 22", "MAYBE"),
        ("-p udp -m udp --dport 22", "NO"),
        ("! -p tcp", "NO"),
        ("-i lo", "NO"),
        ("! -i lo", "YES"),
        ("-i eth0", "YES"),
        ("-i eth1", "NO"),
        ("-i eth+", "MAYBE"),
        ("-s 192.0.2.1/32", "LISTED"),
        ("! -s 192.0.2.0/24", "UNLISTED"),
        ("-d 192.0.2.1/32", "MAYBE"),
        ("-m iprange --src-range 192.0.2.1-192.0.2.9", "LISTED"),
        ("-m set --match-set friends src", "LISTED"),
        ("-m set ! --match-set friends src", "UNLISTED"),
        ("-m set --match-set ports dst", "MAYBE"),
        ("-m state --state NEW", "YES"),
        ("-m state --state RELATED,ESTABLISHED", "NO"),
        ("-m conntrack --ctstate INVALID", "NO"),
        ("-m conntrack ! --ctstate NEW", "NO"),
        ('-m comment --comment "let \\"us\\" in -j DROP"', "YES"),
        ("-m tcp --tcp-flags FIN,SYN,RST,ACK SYN", "YES"),
        ("-m tcp --tcp-flags FIN,SYN FIN,SYN", "NO"),
        ("-m tcp --tcp-flags FIN,ACK NONE", "YES"),
        ("-m tcp --tcp-flags ALL NONE", "NO"),
        ("-m tcp ! --tcp-flags SYN,RST,ACK SYN", "NO"),
        ("-m tcp --syn", "YES"),
        ("-m limit --limit 5/min", "MAYBE"),
        ("-m owner --uid-owner 0", "MAYBE"),
        ("-o eth0", "MAYBE"),
    ],
)
def test_conditions_of_iptables(conditions: str, expected: str) -> None:
    found = rule(f"{conditions} -j DROP")
    assert (found.fit.name, found.action) == (expected, "drop")


def test_without_the_interface_only_loopback_is_sure_for_iptables() -> None:
    assert rule("-i lo -j DROP", "").fit is Fit.NO
    assert rule("-i eth0 -j DROP", "").fit is Fit.MAYBE


@pytest.mark.parametrize(
    ("target", "action"),
    [
        ("-j ACCEPT", "accept"),
        ("-j REJECT --reject-with tcp-reset", "drop"),
        ("-j RETURN", "return"),
        ('-j LOG --log-prefix "-j DROP "', "next"),
        ("-j OTHER", "jump"),
        ("-g OTHER", "goto"),
        ("-j TARPIT", "unknown"),
        ("-j", "unknown"),
        ("", "next"),
    ],
)
def test_targets_of_iptables(target: str, action: str) -> None:
    assert rule(f"-p tcp {target}").action == action


def test_the_policy_is_the_one_of_input() -> None:
    text = "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n\n-N X\n-A X -j DROP\n"
    found = parse_iptables(text, port=22)
    assert [(chain.name, chain.hook, chain.policy) for chain in found] == [
        ("INPUT", "input", "drop"),
        ("X", "", "accept"),
    ]


@pytest.mark.parametrize(
    "text", ["", "-N X\n", "-P FORWARD DROP\n", "-P INPUT SOME\n", "iptables: no\n", "-A\n"]
)
def test_no_list_of_iptables(text: str) -> None:
    with pytest.raises(ParseError):
        parse_iptables(text, port=22)
