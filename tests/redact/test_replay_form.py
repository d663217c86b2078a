"""Redacted texts that are parsed again: addresses stay addresses, binary data keeps its length."""

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redacting import FILES, KEY, RULES, SECRET, redacted, redactor, tokens

from iwx_agent.redact import Canaries, Redactor, Tokens
from iwx_agent.redact import redactor as redactor_module
from iwx_agent.redact.tokens import as_address, token_of

# ip-2920ab is 0x29, 0x20, 0xab: 41, 32, 171
CLIENT, SAME_CLIENT = "203.0.113.7", "240.41.32.171"


def test_a_token_for_replay_is_an_address_with_the_figures_of_the_token() -> None:
    text = f"{CLIENT} and 2001:db8::7 and alice@example.com and {CLIENT}:25"
    after = redactor().for_replay().redact_text(text, "x")
    six = after.split(" and ")[1]
    assert after == f"{SAME_CLIENT} and {six} and mail-95d49a@example.com and {SAME_CLIENT}:25"
    assert six.startswith("fd00::")
    assert token_of(six) == tokens().token("ip", "2001:db8::7")
    assert token_of(SAME_CLIENT) == "ip-2920ab"


def test_what_is_kept_is_kept_in_that_form_and_the_agents_own_address_too() -> None:
    one = redactor(kept=["203.0.113.9"]).for_replay(kept=["192.0.2.1"])
    text = "203.0.113.9 192.0.2.1"
    assert one.redact_text(text, "x") == text


def test_redacted_twice_is_redacted_once_and_without_tokens_nothing_changes() -> None:
    one = redactor().for_replay()
    after = one.redact_text(f"{CLIENT} 2001:db8::7", "x")
    assert one.for_replay().redact_text(after, "x") == after
    assert redacted(after) == after
    bare = Redactor(RULES, Canaries(()), None).for_replay()
    assert bare.redact_text(CLIENT, "x") == "[hidden:ip]"


def test_it_has_an_account_of_its_own() -> None:
    one = redactor()
    other = one.for_replay()
    other.redact_text(f"password={SECRET}", "x")
    assert (one.report.count, other.report.count) == (0, 1)


@pytest.mark.parametrize(
    ("token", "version", "address"),
    [
        ("ip-000001", 4, "240.0.0.1"),
        ("ip-ffffff", 4, "240.255.255.255"),
        ("ip-2920abc", 4, "240.146.10.188"),  # the last 24 of its 28 bits
        ("ip-2920ab", 6, "fd00::29:20ab"),
        ("ip-0123456789abcdef", 6, "fd00::123:4567:89ab:cdef"),
    ],
)
def test_the_address_of_a_token(token: str, version: int, address: str) -> None:
    assert as_address(token, version=version) == address
    assert not ip_address(address).is_global


@pytest.mark.parametrize("text", ["ip-2920ab", "10.0.0.1", "fd00:1::1", "no address", "241.0.0.1", "::1"])
def test_what_is_no_token_in_that_form_stays_as_it_is(text: str) -> None:
    assert token_of(text) == text


def test_the_map_knows_both_forms() -> None:
    one = Tokens(KEY)
    one.token("ip", CLIENT)
    assert one.map().reveal(SAME_CLIENT) == CLIENT
    assert one.map().reveal(f" {SAME_CLIENT}\n") == CLIENT
    assert one.map().reveal("240.0.0.1") is None


@given(figures=st.integers(min_value=0, max_value=2**24 - 1))
def test_every_token_of_six_figures_comes_back(figures: int) -> None:
    token = f"ip-{figures:06x}"
    assert token_of(as_address(token, version=4)) == token
    assert token_of(as_address(token, version=6)) == token


# Binary data


def test_in_binary_data_a_secret_is_overwritten_and_nothing_moves() -> None:
    data = b"\x30\x82\x00password=" + SECRET.encode() + b"\x00alice@example.com\xff from 203.0.113.7 \x00\n"
    one = redactor()
    after = one.overwrite_bytes(data, "a certificate")
    assert after == (
        b"\x30\x82\x00password=" + b"x" * len(SECRET) + b"\x00xxxxx@example.com\xff from xxxxxxxxxxx \x00\n"
    )
    assert one.overwrite_bytes(after, "x") == after
    assert {row.rule_id for row in one.report.rows} == {"named-password", "mail-address", "ip4-address"}


@given(data=st.binary(max_size=300))
def test_binary_data_keeps_its_length(data: bytes) -> None:
    one = redactor()
    after = one.overwrite_bytes(data, "x")
    assert len(after) == len(data)
    assert one.overwrite_bytes(after, "x") == after


def test_binary_data_without_secrets_is_the_same_and_not_in_the_account() -> None:
    one = redactor()
    data = bytes(range(256))
    assert one.overwrite_bytes(data, "x") is data
    assert one.report.count == 0


def test_lines_stay_where_they_are_when_a_whole_file_is_overwritten() -> None:
    after = redactor().overwrite_bytes(b"a|b\r\nc\0d\n", FILES[0])
    assert after == b"xxx\r\nx\0x\n"


def test_binary_data_is_looked_at_four_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(page: Any, *_: Any) -> str:
        return str(page.text[:-1])

    monkeypatch.setattr(redactor_module, "overwritten_once", once)
    assert redactor().overwrite_bytes(b"123456", "x") == b"12"


# Places


@pytest.mark.parametrize(
    ("place", "secret"),
    [
        (FILES[0], True),
        (f"{FILES[0]}:12", True),
        (f"{FILES[0]}.rpmsave", False),
        ("/home/bob/var/example.com/ssl/example.com.priv.key", True),
        ("/etc/hosts", False),
        ("", False),
    ],
)
def test_places_of_which_nothing_may_leave(place: str, secret: bool) -> None:
    assert redactor().hides_all_of(place) is secret


# What qmail says of a delivery, with a low line for each space


@pytest.mark.parametrize(
    "line",
    [
        "delivery 98: success: {}_accepted_message./Remote_host_said:_250_ok/",
        "delivery 9: deferral: Connected_to_{}_but_connection_died._(#4.4.2)/",
        "delivery 9: failure: Connected_to_{}_but_sender_was_rejected./Remote_host_said:_550_from_{}_no/",
    ],
)
def test_an_address_among_low_lines_is_found(line: str) -> None:
    assert redacted(line.replace("{}", CLIENT)) == line.replace("{}", "ip-2920ab")
