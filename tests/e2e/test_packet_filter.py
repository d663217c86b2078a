"""What is said of rules is what the kernel does: each is loaded for real, and a client knocks on the port."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iwx_agent.model.packet_filter import FilterOutcome, verdict_of
from iwx_agent.parsers.nft_ruleset import parse_nft

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]  # root, and nft of the lab's packages

SERVER, CLIENT = "10.98.0.1", "10.98.0.2"
LISTEN = f"""
import socket, time
peer = socket.create_server(("{SERVER}", 22))
print("listens", flush=True)
while True:
    peer.accept()[0].close()
"""
KNOCK = f"""
import socket, sys
try:
    socket.create_connection(("{SERVER}", 22), timeout=0.6).close()
except OSError:
    sys.exit(1)
"""
HOOK = "type filter hook input priority 0; policy"


class Network:
    """Two namespaces joined by a cable; the processes that hold them end with the test."""

    def __init__(self) -> None:
        self.holders: list[subprocess.Popen[bytes]] = []
        try:
            self._join()
        except BaseException:
            self.end()
            raise

    def _join(self) -> None:
        for _ in range(2):
            self.holders.append(self.start("unshare", "--net", "sleep", "infinity"))
        server, client = self.holders
        for holder in self.holders:
            while Path(f"/proc/{holder.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
                time.sleep(0.01)
        cable = ("type", "veth", "peer", "name", "outer", "netns", str(client.pid))
        self.inside(server, "ip", "link", "add", "name", "inner", *cable)
        for holder, link, address in ((server, "inner", SERVER), (client, "outer", CLIENT)):
            self.inside(holder, "ip", "address", "add", f"{address}/24", "dev", link)
            self.inside(holder, "ip", "link", "set", link, "up")
        listener = self.start(*self.enter(server), sys.executable, "-c", LISTEN)
        self.holders.append(listener)
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"listens\n"

    def start(self, *argv: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)

    def enter(self, holder: "subprocess.Popen[bytes]") -> list[str]:
        return ["nsenter", "--net", "-t", str(holder.pid)]

    def inside(self, holder: "subprocess.Popen[bytes]", *argv: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*self.enter(holder), *argv], input=stdin, capture_output=True, text=True, check=True, timeout=10
        )
        return done.stdout

    def rules(self, text: str) -> str:
        """Load the rules in place of all others; return how nft lists them."""
        self.inside(self.holders[0], "nft", "flush", "ruleset")
        self.inside(self.holders[0], "nft", "-f", "-", stdin=text)
        return self.inside(self.holders[0], "nft", "-j", "-t", "list", "ruleset")

    def lets_in(self) -> bool:
        knock = [*self.enter(self.holders[1]), sys.executable, "-c", KNOCK]
        return subprocess.run(knock, check=False, timeout=10).returncode == 0

    def end(self) -> None:
        for holder in reversed(self.holders):
            holder.kill()
            holder.communicate()


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.end()


def chain(rules: str, policy: str = "accept", more: str = "") -> str:
    return f"table inet t {{ {more}\nchain in {{ {HOOK} {policy};\n{rules}\n}}\n}}\n"


@pytest.mark.parametrize(
    ("rules", "outcome", "lets_in"),
    [
        ("", "open", True),
        (chain(""), "open", True),
        (chain("", "drop"), "blocked", False),
        (chain("tcp dport 22 accept", "drop"), "open", True),
        (chain("tcp dport 22 reject with tcp reset"), "blocked", False),
        (chain("tcp dport { 20-23, 80 } drop"), "blocked", False),
        (chain("tcp dport 23 drop\nudp dport 22 drop\nip6 saddr ::/0 drop"), "open", True),
        (chain('iifname "lo" accept\nct state established,related accept', "drop"), "blocked", False),
        (chain("ct state vmap { new : drop, established : accept }"), "blocked", False),
        (chain("ct state vmap { invalid : drop, established : accept }"), "open", True),
        (chain("tcp dport vmap { 22 : accept, 80 : drop }", "drop"), "open", True),
        (chain("tcp flags & (fin | syn | rst | ack) == syn drop"), "blocked", False),
        (chain("tcp flags & (fin | syn | rst | ack) != syn ct state new drop"), "open", True),
        (chain("jump x\ndrop", more="chain x { tcp dport 22 accept; }"), "open", True),
        (chain("goto x\ndrop", more="chain x { tcp dport 23 accept; }"), "open", True),
        (chain("jump x", more="chain x { tcp dport 22 return; drop; }"), "open", True),
        (chain("meta l4proto { icmp, tcp } drop"), "blocked", False),
        (chain("fib daddr type local tcp dport 22 drop"), "blocked", False),
        (chain("ip saddr 198.51.100.0/24 drop"), "open", True),
        (chain(f"ip saddr {CLIENT} tcp dport 22 accept", "drop"), "listed", True),
        (chain("ip saddr 198.51.100.7 accept", "drop"), "listed", False),
        (chain("ip saddr != 198.51.100.0/24 drop"), "listed", False),
        (chain("ip saddr @friends accept", "drop", "set friends { type ipv4_addr; }"), "listed", False),
        (chain("meta mark 7 drop"), "unknown", True),
        (chain("limit rate 1/second accept\ntcp dport 22 drop"), "unknown", True),
    ],
)
def test_the_kernel_agrees(network: Network, rules: str, outcome: FilterOutcome, lets_in: bool) -> None:
    listed = network.rules(rules)
    for interface in ("inner", ""):
        assert verdict_of(parse_nft(listed, port=22, interface=interface), "nft").outcome == outcome
    assert network.lets_in() is lets_in


def test_what_comes_in_elsewhere_is_told_apart_by_the_interface(network: Network) -> None:
    for name, outcome, lets_in in (("inner", "blocked", False), ("outer", "open", True)):
        listed = network.rules(chain(f'iifname "{name}" drop'))
        assert verdict_of(parse_nft(listed, port=22, interface="inner"), "nft").outcome == outcome
        assert verdict_of(parse_nft(listed, port=22), "nft").outcome == "unknown"
        assert network.lets_in() is lets_in


def test_a_port_that_is_sent_elsewhere_is_unknown(network: Network) -> None:
    chain = "chain pre { type nat hook prerouting priority dstnat; tcp dport 22 redirect to :2222; }"
    listed = network.rules(f"table ip n {{\n{chain}\n}}\n")
    assert verdict_of(parse_nft(listed, port=22, interface="inner"), "nft").outcome == "unknown"
    assert not network.lets_in()
