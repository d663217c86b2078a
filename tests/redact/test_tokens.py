"""Tokens for addresses: the same for the same address, a way back on the server only."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redacting import KEY, redacted, redactor, tokens

from iwx_agent.redact import Canaries, NumberedTokens, Redactor, TokenMap, Tokens, rules
from iwx_agent.redact import tokens as tokens_module

# printf mail:alice@example.com | openssl dgst -sha256 -hmac not-a-real-key-for-tokens-of-tests
ALICE = "mail-95d49a"
CLIENT = "ip-2920ab"


def test_a_token_is_a_keyed_hash_of_kind_and_address() -> None:
    assert tokens().token("mail", "alice@example.com") == ALICE
    assert tokens().token("ip", "203.0.113.7") == CLIENT


def test_the_same_address_is_the_same_token_in_any_case_and_place() -> None:
    text = "to alice@example.com\nfrom Alice@Example.COM via 203.0.113.7\nonce more 203.0.113.7\n"
    assert redacted(text) == (
        f"to {ALICE}@example.com\nfrom {ALICE}@Example.COM via {CLIENT}\nonce more {CLIENT}\n"
    )


def test_another_key_gives_other_tokens() -> None:
    assert Tokens(b"another key of a test").token("ip", "203.0.113.7") != CLIENT


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes, not 15"):
        Tokens(b"x" * 15)


# Mail addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<alice@example.com>", f"<{ALICE}@example.com>"),
        ("to=alice@example.com,", f"to={ALICE}@example.com,"),
        ("user=<alice@example.com>", f"user=<{ALICE}@example.com>"),
        ("mailto:alice@example.com.", f"mailto:{ALICE}@example.com."),
        ("?email=alice%40example.com&x", f"?email={ALICE}%40example.com&x"),
        ("to local example.com-alice@example.com", f"to local example.com-{ALICE}@example.com"),
        ("first\\nalice@example.com", f"first\\n{ALICE}@example.com"),
        ("alice@example.com:/x", f"{ALICE}@example.com:/x"),
    ],
)
def test_an_address_is_found_in_its_surroundings(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "address",
    [
        "alice+shop@example.com",
        "a.l-i_c.e@mail.example.com",
        "list-return-12-alice=example.org@lists.example.com",
        "srs0=ab12=cd=example.org=alice@example.net",
        "jürgen@example.com",
        "alice%2Bshop%40example.com",
        "bob@münchen.example",
    ],
)
def test_nothing_of_the_part_before_the_sign_is_left(address: str) -> None:
    local = address.replace("%40", "@").partition("@")[0]
    after = redacted(f"to {address} now")
    assert local not in after
    assert "alice" not in after
    assert "rgen" not in after
    assert after.startswith("to mail-")


@pytest.mark.parametrize(
    "text",
    [
        "postmaster@example.com and root@web1.example.com",
        "user@1000.service, logo@2x.png, x@tty1.timer",
        "alice@localhost",
        "#@[] and <> and @example.com",
        "@400000006b0462ba1f05e6f4 new msg 1",
        "-=+@example.com",
        "mail-abcdef@example.com",
        "system@0123abc.journal",
    ],
)
def test_nobody_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_what_is_too_long_for_an_address_is_hidden_without_a_way_back() -> None:
    one = tokens()
    text = Redactor(rules(), Canaries(()), one).redact_text(f"{'a' * 300}@example.com", "x")
    assert text == "[hidden:mail]@example.com"
    assert one.map().originals == {}


def test_without_tokens_addresses_are_hidden() -> None:
    one = Redactor(rules(), Canaries(()), None)
    text = "alice@example.com from 203.0.113.7 and 2001:db8::7"
    assert one.redact_text(text, "x") == "[hidden:mail]@example.com from [hidden:ip] and [hidden:ip]"


# IP addresses


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "from {}.",
        "[{}]:25",
        "{}:443",
        "({})",
        "rip={},",
        "http://{}/x",
        "/query/ip/{}",
        "client/{}",
        "::ffff:{}",
        "{}.static.isp.example",
        "x-{} y",
        "{}-",
        "a\n{}",
        "{}, {}",
    ],
)
def test_a_client_is_found_in_its_surroundings(text: str) -> None:
    assert redacted(text.replace("{}", "203.0.113.7")) == text.replace("{}", CLIENT)


def test_a_range_is_two_clients() -> None:
    after = redacted("203.0.113.7-203.0.113.9")
    assert after.startswith(f"{CLIENT}-ip-")
    assert "203.0" not in after


@pytest.mark.parametrize(
    "text",
    [
        "300.1.1.1 and 1.2.3.256 and 1234.1.1.1 and 1.1.1.1234",
        "1.2.3.4.5 and 1.3.6.1.4.1.2021",
        "v1.2.3.4 and 1.2.3.4b",
        "version 1.2.3.4, Version: 1.2.3.4, release=1.2.3.4",
        "nginx/1.18.0.2 and (OpenVPN/2.4.7.1)",
        "foo-1.2.3.4-5.el9 and foo-1.2.3.4.tar.gz",
        "# 2.3.19.1 (9b53102964)",
        "a_1.2.3.4",
        "foo-1.2.3.4.el9_2 and foo-1.2.3.4.x86_64 and x.1.2.3.4.so",
        "foo_1.2.3.4.zip and 1.2.3.4.src.rpm and 1.2.3.4.rc1",
    ],
)
def test_a_version_is_no_client(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    "address", ["2001:db8::7", "2001:DB8:0:0:0:0:0:7", "2001:0db8:0000:0000:0000:0000:0000:0007"]
)
@pytest.mark.parametrize("text", ["from {}", "[{}]:443", "rip={}, x", "{}: gone", "{}/64"])
def test_a_client_of_ipv6_has_one_token_however_it_is_written(text: str, address: str) -> None:
    token = tokens().token("ip", "2001:db8::7")
    assert redacted(text.replace("{}", address)) == text.replace("{}", token)


@pytest.mark.parametrize(
    "text",
    [
        "::1 and [::]:80",
        "fe80::1%eth0 and fd00::1 and ff02::1",
        "19:52:42",
        "52:54:00:12:34:56",
        "1:2:3:4:5:6:7:8:9",
        "Foo::Bar, a::b::c, 2001:db8::g",
        "2001:db8::12345",
        "a:" * 40,
        "2001:db8::7x",
    ],
)
def test_what_only_looks_like_ipv6_stays(text: str) -> None:
    assert redacted(text) == text


# The map


def test_the_map_reveals_and_is_quiet() -> None:
    one = tokens()
    one.token("mail", "Alice@example.com")
    known = one.map()
    assert known.reveal(ALICE) == "alice@example.com"
    assert known.reveal(f" {ALICE.upper()}\n") == "alice@example.com"
    assert known.reveal("mail-000000") is None
    assert repr(known) == "TokenMap(1 tokens)"
    assert repr(one) == "Tokens(1 given)"
    assert "alice" not in f"{known} {one}"
    assert KEY.decode() not in repr(vars(one).keys())


def test_the_map_outlives_the_run() -> None:
    one = tokens()
    first = one.token("mail", "alice@example.com")
    kept = msgspec.json.encode(one.map())
    again = Tokens(b"another key of a test", msgspec.json.decode(kept, type=TokenMap))
    assert again.token("mail", "alice@example.com") == first
    assert json.loads(kept) == {"originals": {ALICE: "alice@example.com"}}


def test_a_map_once_given_does_not_change() -> None:
    one = tokens()
    before = one.map()
    one.token("ip", "203.0.113.7")
    assert before.originals == {}


def test_two_addresses_with_the_same_beginning_get_longer_tokens() -> None:
    taken = TokenMap(originals={ALICE: "somebody@example.net"})
    one = Tokens(KEY, taken)
    longer = one.token("mail", "alice@example.com")
    assert longer[:-1] == ALICE
    assert one.map().reveal(longer) == "alice@example.com"
    assert one.map().reveal(ALICE) == "somebody@example.net"
    assert one.token("mail", "alice@example.com") == longer


def test_a_flood_of_addresses_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "_REMEMBERED_COUNT", 1)
    one = tokens()
    one.token("ip", "203.0.113.7")
    further = one.token("ip", "203.0.113.8")
    assert one.token("ip", "203.0.113.8") == further
    assert len(further) == len("ip-") + 16
    assert one.map().originals == {CLIENT: "203.0.113.7"}


@given(st.lists(st.ip_addresses(v=4), max_size=30))
def test_no_two_addresses_share_a_token(addresses: list[object]) -> None:
    one = tokens()
    given_out = {str(address): one.token("ip", str(address)) for address in addresses}
    assert len(set(given_out.values())) == len(given_out)
    known = one.map()
    assert all(known.reveal(token) == address for address, token in given_out.items())


def test_hidden_secrets_come_before_addresses() -> None:
    after = redactor().redact_text("mysql://u:p@ss@db.example.com/x and password=alice@example.com", "x")
    assert after == "mysql://u:[hidden:password]@db.example.com/x and password=[hidden:password]"


@pytest.mark.parametrize(
    "text",
    [
        "{}.log",
        "access-{}.log.1",
        "/etc/x/{}.conf",
        "{}.php",
        "{}.tar.gz",
        "{} (1234567)",
        "/srv/{}.zip",
        "{}.rcn.example",
        "{}.some.example",
    ],
)
def test_a_file_or_name_after_a_client_is_no_version(text: str) -> None:
    assert redacted(text.replace("{}", "203.0.113.7")) == text.replace("{}", CLIENT)


# Addresses that stay, and tokens without a key


def test_a_mail_address_that_is_kept_stays_in_any_case() -> None:
    one = Redactor(rules(), Canaries(()), tokens("Help@Provider.example"))
    assert one.redact_text("ask help@provider.example, not alice@example.com", "x") == (
        f"ask help@provider.example, not {ALICE}@example.com"
    )


def test_numbers_are_given_in_the_order_in_which_the_rules_find_addresses() -> None:
    for _ in range(2):
        one = Redactor(rules(), Canaries(()), NumberedTokens(kept=frozenset({"203.0.113.1"})))
        text = "203.0.113.1 203.0.113.9 alice@example.com 203.0.113.8 203.0.113.9"
        assert one.redact_text(text, "x") == (
            "203.0.113.1 ip-000002 mail-000001@example.com ip-000003 ip-000002"
        )


def test_a_flood_of_numbered_addresses_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "_REMEMBERED_COUNT", 2)
    numbered = NumberedTokens()
    given = [numbered.token("ip", f"203.0.113.{n}") for n in range(4)]
    assert given == ["ip-000001", "ip-000002", "ip-000003", "ip-000003"]
    assert len(numbered.map().originals) == 2


def test_a_mail_token_is_revealed_with_its_domain_too() -> None:
    given = tokens()
    given.token("mail", "alice@example.com")
    assert given.map().reveal(f"{ALICE}@example.com") == "alice@example.com"
    assert given.map().reveal(ALICE.upper()) == "alice@example.com"
