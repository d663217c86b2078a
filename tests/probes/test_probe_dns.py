"""The probe of the name service: which zones, which address, and when it is not meant to run."""

from pathlib import Path

import pytest
from fakes import NOW_AT, content, context
from msgspec import Struct

from iwx_agent.host import (
    AskSockets,
    Datagram,
    DatagramAnswer,
    DirectoryEntry,
    DirectoryListing,
    FileStatus,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    Stat,
)
from iwx_agent.model import ListeningSocket, ListeningSockets
from iwx_agent.probes import dns

HOME = "/var/djbdns/tinydns"
CAPTURES = Path(__file__).parent.parent / "parsers/captures/dns"
REPLY = DatagramAnswer(data=(CAPTURES / "udp-example").read_bytes(), duration_s=0.01)
PRESENT = FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755)
Answers = dict[Question, Struct | HostError | list[Struct | HostError]]


def gone(what: str = "x") -> HostError:
    return HostError("not_found", "no such file", what)


def bound(*addresses: str, protocol: str = "udp", name: str = "tinydns") -> ListeningSockets:
    return ListeningSockets(
        entries=tuple(
            ListeningSocket(
                protocol="tcp" if protocol == "tcp" else "udp", address=a, port=53, process_name=name
            )
            for a in addresses
        )
    )


def linked(*names: str) -> DirectoryListing:
    return DirectoryListing(entries=tuple(DirectoryEntry(name=name, kind="symlink") for name in names))


def machine(**changes: Struct | HostError) -> Answers:
    """A machine whose tinydns serves example.invalid at 10.99.0.10; changes by a short name."""
    questions: dict[str, Question] = {
        "home": Stat(path=HOME),
        "axfrdns": Stat(path="/var/djbdns/axfrdns"),
        "data": ReadFile(path=f"{HOME}/root/data"),
        "ip": ReadFile(path=f"{HOME}/env/IP"),
        "fib": ReadFile(path="/proc/net/fib_trie"),
        "inet6": ReadFile(path="/proc/net/if_inet6"),
        "sockets": AskSockets(),
        "services": ListDirectory(path="/service"),
        "services2": ListDirectory(path="/etc/service"),
        "down": Stat(path="/service/tinydns/down"),
        "tcp_down": Stat(path="/service/axfrdns/down"),
        "status": ReadFile(path="/service/tinydns/supervise/status"),
        "status2": ReadFile(path="/etc/service/tinydns/supervise/status"),
        "udp": question("udp"),
        "tcp": question("tcp"),
    }
    answers: dict[str, Struct | HostError] = {
        "home": PRESENT,
        "axfrdns": PRESENT,
        "data": content(".example.invalid:10.99.0.10:ns1\n"),
        "ip": content("10.99.0.10\n"),
        "fib": content("|-- 10.99.0.10\n/32 host LOCAL\n|-- 127.0.0.1\n/32 host LOCAL\n"),
        "inet6": gone(),
        "sockets": bound("10.99.0.10"),
        "services": linked("tinydns", "axfrdns"),
        "services2": gone(),
        "down": gone(),
        "tcp_down": gone(),
        "status": gone(),
        "status2": gone(),
        "udp": REPLY,
        "tcp": REPLY,
    }
    return {questions[name]: answer for name, answer in (answers | changes).items()}


def question(protocol: str, *, address: str = "10.99.0.10", zone: str = "example.invalid") -> Datagram:
    return Datagram(
        payload=b"",
        port=53,
        address=address,
        protocol="tcp" if protocol == "tcp" else "udp",
        label=f"SOA {zone}",
    )


def test_a_zone_of_its_own_is_asked_over_udp_and_tcp() -> None:
    found = dns.name_server(context(machine()))
    assert (found.address, found.zones_source, found.tcp_configured) == (
        "10.99.0.10",
        f"{HOME}/root/data",
        True,
    )
    assert [(a.outcome, a.rcode, a.answers_count) for a in (*found.udp, found.tcp)] == [
        ("answered", 0, 1)
    ] * 2
    assert (found.listening_udp, found.listening_tcp, found.programs) == (True, False, ("tinydns",))


def test_three_zones_are_spread_over_the_file_and_what_they_answer_are_values() -> None:
    data = content("".join(f"Zz{number}.invalid:ns\n" for number in range(9)))
    answers = machine(data=data)
    outcomes: list[tuple[Struct | HostError, str]] = [
        (HostError("timeout", "no answer", "d"), "silent"),
        (DatagramAnswer(data=b"short", duration_s=0.0), "garbled"),
        (HostError("unreachable", "no route", "d"), "unreachable"),
    ]
    for number, (answer, _) in zip((0, 4, 8), outcomes, strict=True):
        answers[question("udp", zone=f"z{number}.invalid")] = answer
    answers[question("tcp", zone="z0.invalid")] = HostError("closed", "closed", "d")
    found = dns.name_server(context(answers))
    assert [(a.zone, a.outcome) for a in found.udp] == [
        ("z0.invalid", "silent"),
        ("z4.invalid", "garbled"),
        ("z8.invalid", "unreachable"),
    ]
    assert found.tcp.outcome == "closed"


def test_what_says_nothing_about_the_service_is_raised() -> None:
    with pytest.raises(HostError) as caught:
        dns.name_server(context(machine(udp=HostError("over_budget", "the budget is over", "d"))))
    assert caught.value.kind == "over_budget"


@pytest.mark.parametrize(
    "changes",
    [
        {"home": gone(HOME)},
        {"data": content("# nothing\n")},
        {
            "sockets": bound("127.0.0.1"),
            "services": linked("send"),
        },
        {"sockets": bound(), "down": FileStatus(kind="file", size_bytes=0, modified_at=0.0, mode=0o644)},
    ],
    ids=["not installed", "no zones", "not linked", "marked down"],
)
def test_a_name_service_that_is_not_meant_to_run_is_absent(changes: dict[str, Struct | HostError]) -> None:
    with pytest.raises(HostError) as caught:
        dns.name_server(context(machine(**changes)))
    assert caught.value.kind == "not_found"


def test_no_services_directory_or_a_linked_service_is_asked() -> None:
    refused = HostError("refused", "connection refused", "d")
    for services in (
        gone(),
        DirectoryListing(entries=()),
        linked("tinydns"),
    ):
        found = dns.name_server(
            context(machine(sockets=bound(), services=services, udp=refused, tcp=refused))
        )
        assert (found.udp[0].outcome, found.listening_udp) == ("refused", False)


def test_lost_data_is_unknown_and_not_absent() -> None:
    with pytest.raises(HostError) as caught:
        dns.name_server(context(machine(data=gone())))
    assert caught.value.kind == "failed"


def test_unknown_sockets_are_unknown() -> None:
    found = dns.name_server(context(machine(sockets=HostError("timeout", "no answer", "s"))))
    assert (found.listening_udp, found.listening_tcp) == (None, None)


def test_an_address_that_is_not_this_machines_is_never_asked() -> None:
    found = dns.name_server(context(machine(ip=content("192.0.2.99\n"))))
    assert [a.outcome for a in (*found.udp, found.tcp)] == ["unreachable", "unreachable"]
    assert "192.0.2.99, which is not an address of this machine" in found.udp[0].detail


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"ip": content("0.0.0.0\n")}, "127.0.0.1"),
        ({"ip": gone()}, "10.99.0.10"),
        ({"ip": content("junk\n"), "sockets": bound("0.0.0.0")}, "127.0.0.1"),
        ({"ip": content("192.0.2.99\n10.99.0.10\n")}, "10.99.0.10"),
        ({"fib": gone()}, "10.99.0.10"),
    ],
)
def test_the_address_to_ask(changes: dict[str, Struct | HostError], address: str) -> None:
    answers = machine(**changes)
    for protocol in ("udp", "tcp"):
        answers[question(protocol, address=address)] = REPLY
    assert dns.name_server(context(answers)).address == address


def test_delegations_stand_in_when_there_is_no_zone_of_its_own() -> None:
    found = dns.name_server(context(machine(data=content("&example.invalid::ns\n"), axfrdns=gone())))
    assert (found.udp[0].zone, found.tcp_configured) == ("example.invalid", False)


@pytest.mark.parametrize(
    ("services", "down", "configured"),
    [
        (linked("tinydns", "axfrdns"), gone(), True),
        (linked("tinydns"), gone(), False),
        (linked("tinydns", "axfrdns"), PRESENT, False),
        (gone(), gone(), True),
    ],
)
def test_tcp_is_expected_when_axfrdns_is_meant_to_run(
    services: Struct | HostError, down: Struct | HostError, configured: bool
) -> None:
    assert dns.name_server(context(machine(services=services, tcp_down=down))).tcp_configured is configured


def supervise_status(*, pid: int = 0, age_s: float = 86_400.0, wanted: bytes = b"d") -> Struct:
    seconds = 2**62 + 10 + int(NOW_AT - age_s)
    return content(seconds.to_bytes(8, "big") + bytes(4) + pid.to_bytes(4, "little") + b"\0" + wanted)


@pytest.mark.parametrize(
    ("status", "absent"),
    [
        (supervise_status(), True),
        (supervise_status(age_s=86_399.0), False),
        (supervise_status(wanted=b"u"), False),
        (supervise_status(pid=7), False),
        (content(b"odd"), False),
        (gone(), False),
    ],
    ids=["long ago", "not a day ago", "wanted up", "runs", "odd", "none"],
)
def test_a_name_service_that_was_stopped_by_request_more_than_a_day_ago_is_meant_to_be_off(
    status: Struct | HostError, absent: bool
) -> None:
    refused = HostError("refused", "connection refused", "d")
    asked = context(machine(sockets=bound(), status=status, udp=refused, tcp=refused))
    if absent:
        with pytest.raises(HostError, match="told to stop more than a day ago") as caught:
            dns.name_server(asked)
        assert caught.value.kind == "not_found"
    else:
        assert dns.name_server(asked).udp[0].outcome == "refused"


def test_want_of_buffers_is_no_dead_name_service() -> None:
    want = HostError("failed", "no buffer space available (ENOBUFS) in the exchange", "d")
    with pytest.raises(HostError, match="ENOBUFS"):
        dns.name_server(context(machine(udp=want)))
    other = HostError("failed", "protocol not available (ENOPROTOOPT) in the exchange", "d")
    assert dns.name_server(context(machine(udp=other))).udp[0].outcome == "failed"
