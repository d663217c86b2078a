"""The source of the default route and the panel's list of addresses."""

import doctest
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers import iproute
from iwx_agent.parsers.iproute import is_address, is_private, panel_addresses, route_device, route_source


def test_sample() -> None:
    assert doctest.testmod(iproute).failed == 0


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (
            "192.0.2.1 via 10.99.0.1 dev eth0 src 10.99.0.10 uid 0 \\    cache \n",
            "10.99.0.10",
        ),  # captured in the lab
        ("2001:db8::1 via fe80::1 dev eth0 proto ra src 2001:db8::5 metric 1024 pref medium", "2001:db8::5"),
        ("src src 10.0.0.1", "10.0.0.1"),
        ("x src 10.0.0.1\ny src 10.0.0.2", "10.0.0.1"),
    ],
)
def test_the_source_of_a_route(text: str, source: str) -> None:
    assert route_source(text) == source


@pytest.mark.parametrize(
    "text", ["", "src", "unreachable 192.0.2.1", "src eth0", "src 10.0.0", "src fe80::1%\x1b[31m"]
)
def test_a_route_without_a_source(text: str) -> None:
    with pytest.raises(ParseError):
        route_source(text)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("10.99.0.10\t10.99.0.10\teth0\tshared\n", (("10.99.0.10", "10.99.0.10"),)),  # captured in the lab
        ("10.0.0.5 shared", (("10.0.0.5", "10.0.0.5"),)),
        ("Address Public\n----\n10.0.0.5 203.0.113.7 eth0\n\n", (("10.0.0.5", "203.0.113.7"),)),
        ("10.0.0.5 fe80::1%\x1b[31m", (("10.0.0.5", "10.0.0.5"),)),
        ("2001:db8::5 2001:db8::5 eth0", (("2001:db8::5", "2001:db8::5"),)),
    ],
)
def test_the_list_of_the_panel(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert panel_addresses(text) == pairs


@pytest.mark.parametrize("text", ["", "10.0.0.5", "An error occurred", "fe80::1%x\x1b y", "1.2.3.4.5 x"])
def test_no_list(text: str) -> None:
    with pytest.raises(ParseError):
        panel_addresses(text)


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("10.0.0.1", True),
        ("192.168.1.1", True),
        ("172.16.0.1", True),
        ("127.0.0.1", True),
        ("169.254.1.1", True),
        ("100.64.0.1", True),  # carrier-grade NAT, RFC 6598
        ("fd00::1", True),
        ("fe80::1", True),
        ("::1", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
    ],
)
def test_what_the_internet_cannot_reach(text: str, private: bool) -> None:
    assert is_private(text) == private


@given(st.text(max_size=40) | st.ip_addresses().map(str))
def test_an_address_is_only_an_address(text: str) -> None:
    if is_address(text):
        assert text.isascii()
        assert text.isprintable()
        ipaddress.ip_address(text)
    for parse in (route_source, panel_addresses):
        try:
            parse(f"src {text} x")
        except ParseError:
            continue


def test_the_interface_of_a_route() -> None:
    said = "192.0.2.1 via 10.99.0.1 dev eth0 src 10.99.0.10 uid 0 \\    cache \n"  # captured in the lab
    assert route_device(said) == "eth0"
    assert route_device("x dev a dev b") == "a"
    for text in ("", "dev", "unreachable 192.0.2.1"):
        with pytest.raises(ParseError):
            route_device(text)
