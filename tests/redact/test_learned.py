"""What a rule hid in what the machine said is hidden in what is made of it, in other words around it, too."""

import pytest
from corpus import LINES
from hypothesis import given
from hypothesis import strategies as st
from redacting import SECRET, WORDS, redactor

from iwx_agent.redact.learned import RULE_ID, Learned
from iwx_agent.redact.once import redacted_once
from iwx_agent.redact.page import Page

HIDDEN = "[hidden:secret]"


@pytest.mark.parametrize(
    ("said", "quoted", "shown"),
    [
        (f"password={SECRET}", f"it was {SECRET}, really", f"it was {HIDDEN}, really"),
        (f"password={SECRET}", f"got '{SECRET[:-4]}' here", f"got '{HIDDEN}' here"),
        (f"password={SECRET}", f"x {SECRET[:9]}…", f"x {HIDDEN}…"),
        (f"password={SECRET}", f"x {SECRET[:9]}...", f"x {HIDDEN}..."),
        (f"password={SECRET}", SECRET[:6], HIDDEN),
        (f"password={SECRET}", SECRET[:5], SECRET[:5]),
        (f"password={SECRET}", f"x{SECRET[:6]}", f"x{SECRET[:6]}"),
        (f"password={SECRET}", f"{SECRET[:8]} and so on", f"{SECRET[:8]} and so on"),
        (f"password={SECRET}", f"{SECRET[5:]} and so on", f"{HIDDEN} and so on"),
        (f"password={SECRET}", f"…{SECRET[-6:]}: x", f"…{HIDDEN}: x"),
        (f"password={SECRET}", SECRET[-5:], SECRET[-5:]),
        (f"password={SECRET[:10]}1 x\npassword={SECRET}", f"it was {SECRET}", f"it was {HIDDEN}"),
        (f'password="{WORDS}"', "not-a-real | two | words | 78", HIDDEN),
        (f'password="{WORDS}"', "1=not-a-real; 2=two; 3=words; 4=78", f"1={HIDDEN}"),
        (f"Cookie: a=b; c={SECRET}", f"c: {SECRET}", f"c: {HIDDEN}"),
    ],
)
def test_in_another_form(said: str, quoted: str, shown: str) -> None:
    one = redactor()
    one.learn(said, "/var/log/x")
    assert one.redact_text(quoted, "report") == shown
    rows = {row.rule_id: row.count for row in one.report.rows}
    assert rows == ({RULE_ID: 1} if shown != quoted else {})


def test_in_binary_data_nothing_moves() -> None:
    one = redactor()
    one.learn(f"password={SECRET}", "/var/log/x")
    data = b"\x00\xff" + SECRET.encode() + b"\xfe\x01" + SECRET.encode()
    told = one.overwrite_bytes(data, "/etc/x")
    assert told == b"\x00\xff" + b"x" * len(SECRET) + b"\xfe\x01" + b"x" * len(SECRET)
    assert {row.rule_id: row.count for row in one.report.rows} == {RULE_ID: 2}
    assert one.overwrite_bytes(b"\x00 nothing", "/etc/y") == b"\x00 nothing"
    assert one.report.count == 2


@pytest.mark.parametrize("name", LINES)
def test_twice_is_once(name: str) -> None:
    one = redactor()
    text, pieces = LINES[name]
    one.learn(text, "x")
    for quoted in (text, *pieces, *(piece[:-3] for piece in pieces)):
        once = one.redact_text(f"x {quoted} y '{quoted}", "report")
        assert one.redact_text(once, "report") == once


@pytest.mark.parametrize(
    "value",
    [
        "short77",
        "localhost",
        "interworx",
        "disabled",
        "12345678",
        "2026-11-23",
        "203.0.113.7",
        "/usr/bin/php8",
        "",
    ],
)
def test_what_could_be_any_word_is_not_learned(value: str) -> None:
    learned = Learned()
    learned.add(value)
    assert len(learned) == 0


def test_a_placeholder_is_not_learned() -> None:
    learned = Learned()
    learned.add("[hidden:password] and more")
    assert learned.hide("[hidden:password] and more") == ("[hidden:password] and more", 0)


def test_a_file_of_secrets_is_not_learned_whole_nor_what_escapes_hide() -> None:
    one = redactor()
    one.learn("localhost and all that", "/home/vpopmail/etc/vpopmail.mysql")
    one.learn("x %70assword%3Dwhatever77%26more y", "x")
    assert one.redact_text("localhost and all that", "report") == "localhost and all that"
    found: list[str] = []
    redacted_once(
        Page("password=abcdefgh1", "x"), redactor()._rules, __import__("collections").Counter(), found
    )
    assert found == ["abcdefgh1"]


def test_the_number_of_values_is_bounded_and_none_is_shown() -> None:
    learned = Learned()
    learned.add("\n".join(f"not-a-real-{number}" for number in range(1000)))
    assert len(learned) == 400
    assert repr(learned) == "Learned(400 values)"


def test_the_redactor_for_replay_knows_the_same() -> None:
    one = redactor()
    other = one.for_replay()
    one.learn(f"password={SECRET}", "x")
    assert other.redact_text(f"it is {SECRET}", "x") == f"it is {HIDDEN}"


@given(st.text(alphabet="ab1- |\n'", min_size=1, max_size=40), st.text(alphabet="ab1- |\n'", max_size=80))
def test_lines_stay_and_nothing_grows_without_bound(value: str, text: str) -> None:
    learned = Learned()
    learned.add(value)
    once, count = learned.hide(text)
    assert once.count("\n") <= text.count("\n")
    assert len(once) <= len(text) + count * len(HIDDEN)
    assert learned.hide(once)[0] == once
