"""Probes of the way in: Remote Assistance as the panel tells it, and the server's own rules for a login."""

import json
from typing import Any

import pytest
from fakes import NOW_AT, command, content, context, layout, run
from msgspec import Struct

from iwx_agent.host import (
    AskSockets,
    CommandAnswer,
    FileStatus,
    GreetingAnswer,
    HostError,
    Question,
    ReadFile,
    Stat,
    TailFile,
    TcpGreeting,
)
from iwx_agent.model import ListeningSockets
from iwx_agent.model.packet_filter import FilterVerdict
from iwx_agent.parsers import systemctl
from iwx_agent.probes import support

QUERY = ("nodeworx", "-u", "-n", "-c", "Help", "-a", "querySsh")
AS_JSON = (*QUERY, "-o", "json")
NFT = ("nft", "-j", "-t", "list", "ruleset")
NFT_OLD = ("nft", "-j", "list", "ruleset")
IPTABLES = ("iptables", "-S")
LEGACY = ("iptables-legacy", "-S")
ROUTE = ("ip", "-o", "route", "get", "192.0.2.1")
RECORD = TailFile(path="/var/log/iwx-agent/audit.log")
TABLES = ReadFile(path="/proc/net/ip_tables_names")
GONE = HostError("not_found", "no such file", "x")
DENIED = HostError("permission", "permission denied", "x")
Answers = dict[Question, Struct | HostError | list[Struct | HostError]]


def systemd(load_state: str = "loaded") -> Answers:
    names = layout().everything("unit")
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names)
    text = "\n".join(f"Id={name}\nLoadState={load_state}\nActiveState=active\n" for name in names)
    return {run(*argv): command(argv, text)}


# Remote Assistance


def asked(text: str, more: Answers | None = None) -> Any:
    return context({run(*AS_JSON): command(AS_JSON, text), **(more or {})})


def test_on_with_a_duration() -> None:
    found = support.remote_assistance(asked('{"mode": "1", "duration": "72 hours"}'))
    assert (found.on, found.ends_at, found.duration, found.read_at) == (True, None, "72 hours", NOW_AT)
    assert found.source == "nodeworx -u -n -c Help -a querySsh -o json (exit 0)"
    assert found.text == "mode=1, duration=72 hours"


def test_off() -> None:
    assert support.remote_assistance(asked('{"mode": "0", "duration": ""}')).on is False


def test_the_names_of_the_layout_hold_in_any_case() -> None:
    assert (
        support.remote_assistance(asked('{"Enabled": "ON", "Expires_At": 1795722762}')).ends_at
        == 1_795_722_762
    )


def test_the_zone_is_asked_for_only_when_the_date_has_none() -> None:
    date = ("date", "+%z")
    at = 1_795_722_762.0  # 2026-11-26 19:52:42 UTC
    said = '{"mode": "1", "expires": "2026-11-26 14:52:42"}'
    found = support.remote_assistance(asked(said, {run(*date): command(date, "-0500\n")}))
    assert found.ends_at == at
    assert support.remote_assistance(asked(said, {run(*date): command(date, "x")})).ends_at is None
    assert support.remote_assistance(asked(said, {run(*date): GONE})).ends_at is None
    known = asked('{"mode": "1", "expires": "2026-11-26 19:52:42 UTC"}')
    assert support.remote_assistance(known).ends_at == at


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>mode: 1</html>", "said with exit code 0"),
        ("PHP Fatal error: mode 1", "said with exit code 0"),
        ("Continue? ", "said with exit code 0"),
        ('{"ssh": "1"}', "expected one column called mode or enabled"),
        ("1\t72 hours\n", "expected one column called mode"),
        ("", "expected one column called mode"),
        ('{"mode": "perhaps"}', "got 'perhaps'"),
    ],
)
def test_an_answer_that_is_none_is_an_error(text: str, said: str) -> None:
    with pytest.raises(HostError, match=said) as caught:
        support.remote_assistance(asked(text, {RECORD: GONE}))
    assert caught.value.kind == "failed"
    assert caught.value.source == "nodeworx -u -n -c Help -a querySsh -o json (exit 0)"


def test_one_that_hangs_is_an_error() -> None:
    hung = CommandAnswer(
        argv=AS_JSON, exit_code=None, stdout=b"", stderr=b"", duration_s=10.0, timed_out=True
    )
    with pytest.raises(HostError, match="no answer within 10 s"):
        support.remote_assistance(context({run(*AS_JSON): hung, RECORD: GONE}))


def recorded(at: str, turn: str = "enable") -> str:
    line = {
        "at": at,
        "action": f"remote-assistance {turn}",
        "phase": "outcome",
        "way": "script",
        "outcome": "x (exit 0)",
    }
    return json.dumps(line) + "\n"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            content(recorded("2026-11-23T15:06:40Z")),
            "; this agent's record of 2026-11-23 15:06 UTC: enable through the script: x (exit 0)",
        ),
        (
            content(recorded("2026-11-23T15:06:40Z") + recorded("2026-11-23T15:30:00Z", "disable")),
            "; this agent's record of 2026-11-23 15:30 UTC: disable through the script: x (exit 0)",
        ),
        (content(recorded("2026-11-16T16:06:40Z")), "2026-11-16 16:06 UTC"),  # a week ago
        (content(recorded("2026-11-16T16:06:39Z")), ""),
        (content(recorded("2026-11-23T16:06:41Z")), ""),  # the clock was wrong then, or is now
        (content("nothing"), ""),
        (GONE, ""),
        (DENIED, ""),
    ],
)
def test_when_the_panel_does_not_say_it_the_last_attempt_is_told(record: Any, said: str) -> None:
    failed = command(AS_JSON, exit_code=1, stderr="Unable to connect")
    with pytest.raises(HostError) as caught:
        support.remote_assistance(context({run(*AS_JSON): failed, RECORD: record}))
    assert caught.value.reason.startswith("Unable to connect")
    assert said in caught.value.reason
    assert ("record" in caught.value.reason) is bool(said)


# The packet filter


def ruleset(*expressions: Any, family: str = "inet", table: str = "t", policy: str = "accept") -> str:
    owner = {"family": family, "table": table}
    chain = {**owner, "name": "INPUT", "type": "filter", "hook": "input", "policy": policy}
    rule = {**owner, "chain": "INPUT", "handle": 7, "expr": list(expressions)}
    return json.dumps({"nftables": [{"chain": chain}, {"rule": rule}]})


OPEN = ruleset({"counter": None})
BLOCKED = ruleset({"drop": None})
UNCLEAR = ruleset({"queue": None})
OF_IPTABLES = ruleset(
    {"xt": {"type": "match", "name": "conntrack"}}, {"drop": None}, family="ip", table="filter"
)
LETS_IN = "-P INPUT ACCEPT\n"
LISTS = "-P INPUT DROP\n-A INPUT -s 192.0.2.1/32 -j ACCEPT\n"
DROPS = "-P INPUT DROP\n"


def filtered(
    nft: str | HostError | CommandAnswer = OPEN,
    *,
    iptables: str | HostError | None = None,
    legacy: str | HostError | None = None,
    tables: str | HostError = GONE,
    more: Answers | None = None,
) -> FilterVerdict:
    answers: Answers = {
        run(*NFT): command(NFT, nft) if isinstance(nft, str) else nft,
        TABLES: content(tables) if isinstance(tables, str) else tables,
        run(*ROUTE): command(ROUTE, "192.0.2.1 via 10.0.0.1 dev eth0 src 10.0.0.2"),
    }
    for argv, told in ((IPTABLES, iptables), (LEGACY, legacy)):
        if told is not None:
            answers[run(*argv)] = command(argv, told) if isinstance(told, str) else told
    return support._packet_filter(context(answers | (more or {})), 22)


@pytest.mark.parametrize(
    ("nft", "outcome", "text"),
    [
        (OPEN, "open", ""),
        (BLOCKED, "blocked", "inet t INPUT, rule 7: drop"),
        (UNCLEAR, "unknown", "the rules depend on more than the port"),  # and iptables wrote none of them
    ],
)
def test_nft_alone_is_asked_where_it_tells(nft: str, outcome: str, text: str) -> None:
    assert filtered(nft) == FilterVerdict(
        outcome=outcome,  # type: ignore[arg-type]
        text=text,
        source="nft -j -t list ruleset (exit 0)",
    )


@pytest.mark.parametrize(
    ("iptables", "outcome", "source"),
    [
        (LETS_IN, "open", "iptables -S (exit 0)"),
        (LISTS, "listed", "iptables -S (exit 0)"),
        (DROPS, "blocked", "iptables -S (exit 0)"),
        ("nonsense", "unknown", "iptables -S"),
        (GONE, "unknown", "iptables -S"),
    ],
)
def test_iptables_is_asked_for_the_rules_that_nft_does_not_show(
    iptables: str | HostError, outcome: str, source: str
) -> None:
    found = filtered(OF_IPTABLES, iptables=iptables)
    assert (found.outcome, found.source) == (outcome, source)


def test_what_stands_beside_the_rules_of_iptables_counts_too() -> None:
    def both(beside: str) -> str:
        listed = [*json.loads(OF_IPTABLES)["nftables"], *json.loads(beside)["nftables"]]
        return json.dumps({"nftables": listed})

    assert filtered(both(BLOCKED), iptables=LETS_IN).outcome == "blocked"
    assert filtered(both(UNCLEAR), iptables=LETS_IN).outcome == "unknown"
    assert filtered(both(UNCLEAR), iptables=DROPS).outcome == "blocked"
    assert filtered(both(OPEN), iptables=LISTS).outcome == "listed"


@pytest.mark.parametrize(
    ("nft", "legacy", "iptables", "outcome"),
    [
        (OPEN, LETS_IN, None, "open"),
        (OPEN, DROPS, None, "blocked"),
        (BLOCKED, LETS_IN, None, "blocked"),
        (OPEN, GONE, DROPS, "blocked"),  # before Enterprise Linux 8 it is called iptables
        (OPEN, GONE, GONE, "unknown"),
        (OPEN, DENIED, None, "unknown"),
        (GONE, GONE, LETS_IN, "open"),  # no nft there: the old tables are all there is
        (GONE, LISTS, None, "listed"),
        (DENIED, LETS_IN, None, "unknown"),
        (DENIED, DROPS, None, "blocked"),
    ],
)
def test_the_old_tables_are_asked_for_when_the_kernel_has_them(
    nft: str | HostError, legacy: str | HostError, iptables: str | HostError | None, outcome: str
) -> None:
    found = filtered(nft, legacy=legacy, iptables=iptables, tables="nat\nfilter\n")
    assert found.outcome == outcome


def test_old_tables_without_a_filter_are_not_asked_for() -> None:
    assert filtered(OPEN, tables="nat\n").outcome == "open"
    assert filtered(GONE, tables="").outcome == "unknown"
    assert filtered(OPEN, tables=DENIED).outcome == "open"


def test_an_older_nft_is_asked_again_without_its_newest_option() -> None:
    refused = command(NFT, exit_code=1, stderr="nft: invalid option -- 't'")
    assert filtered(refused, more={run(*NFT_OLD): command(NFT_OLD, BLOCKED)}).outcome == "blocked"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            CommandAnswer(argv=NFT, exit_code=None, stdout=b"", stderr=b"", duration_s=4, timed_out=True),
            "in time",
        ),
        (
            CommandAnswer(argv=NFT, exit_code=None, stdout=b"[", stderr=b"", duration_s=1, truncated=True),
            "more than 4 MiB of rules",
        ),
        (command(NFT, "no JSON"), "JSON of nft list ruleset"),
    ],
)
def test_rules_that_could_not_be_read_are_unknown_with_the_reason(answer: CommandAnswer, said: str) -> None:
    found = filtered(answer)
    assert found.outcome == "unknown"
    assert said in found.text


@pytest.mark.parametrize(
    ("stderr", "said"), [("Operation not  permitted\n", "Operation not permitted"), ("", "exit 1")]
)
def test_without_root_the_rules_are_unknown(stderr: str, said: str) -> None:
    refused = command(NFT, exit_code=1, stderr=stderr)
    found = filtered(refused, more={run(*NFT_OLD): command(NFT_OLD, exit_code=1, stderr=stderr)})
    assert (found.outcome, said in found.text) == ("unknown", True)


@pytest.mark.parametrize("route", [GONE, "unreachable"])
def test_without_a_route_the_interface_is_not_known(route: str | HostError) -> None:
    on_eth0 = {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}
    answer = command(ROUTE, route) if isinstance(route, str) else route
    assert filtered(ruleset(on_eth0, {"drop": None})).outcome == "blocked"
    assert filtered(ruleset(on_eth0, {"drop": None}), more={run(*ROUTE): answer}).outcome == "unknown"


# The whole fact


def rules(more: Answers | None = None) -> Any:
    answers: Answers = {
        **systemd(),
        AskSockets(): ListeningSockets(entries=()),
        ReadFile(path="/etc/ssh/sshd_config"): content("Port 2222\n"),
        TcpGreeting(port=2222): GreetingAnswer(data=b"SSH-2.0-x", duration_s=0.01),
        ReadFile(path="/etc/hosts.deny"): GONE,
        ReadFile(path="/etc/hosts.allow"): GONE,
        Stat(path="/etc/nologin"): GONE,
        Stat(path="/run/nologin"): GONE,
        run(*NFT): command(NFT, OPEN),
        TABLES: GONE,
        run(*ROUTE): GONE,
    }
    return support.login_rules(context(answers | (more or {})))


def test_a_server_without_rules() -> None:
    found = rules()
    assert (found.port, found.packet_filter.outcome) == (2222, "open")
    assert (found.named_only, found.hosts_deny, found.no_login_file, found.unread) == ((), "", "", ())


def test_each_rule_is_quoted() -> None:
    found = rules(
        {
            ReadFile(path="/etc/ssh/sshd_config"): content("Port 2222\nAllowUsers admin\n"),
            ReadFile(path="/etc/hosts.deny"): content("sshd: ALL\n"),
            Stat(path="/run/nologin"): FileStatus(kind="file", size_bytes=0, modified_at=NOW_AT, mode=0o644),
        }
    )
    assert found.named_only == ("AllowUsers admin",)
    assert found.hosts_deny == "sshd: ALL"
    assert found.no_login_file == "/run/nologin"


def test_what_could_not_be_read_is_told() -> None:
    found = rules({ReadFile(path="/etc/hosts.deny"): DENIED, Stat(path="/etc/nologin"): DENIED})
    assert found.unread == ("/etc/hosts.deny could not be read: permission denied",)


def test_without_sshd_its_usual_port_is_meant() -> None:
    gone = {**systemd("not-found"), ReadFile(path="/etc/ssh/sshd_config"): GONE}
    assert rules(gone).port == 22
