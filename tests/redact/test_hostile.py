"""Text made to hurt: it takes time in proportion to its length, and nothing worse."""

import importlib
import re
from typing import Any

import pytest
from redacting import RULES, redactor

PARSER = importlib.import_module("re._parser")
CHARACTERS = 400_000  # at the speed of the worst case about a second; in square it would be an hour


def beginning(pattern: re.Pattern[Any]) -> str:
    """Return the literal text that a pattern begins with."""
    text = ""
    for operation, code in PARSER.parse(pattern.pattern, pattern.flags & ~re.UNICODE):
        if str(operation) != "LITERAL":
            break
        text += chr(code)
    return text


BEGINNINGS = sorted({beginning(pattern) for rule in RULES for pattern in rule.patterns})
# What came out worst when every beginning was tried with every kind of what may follow (bench/redaction.py).
WORST = [
    "PASS %22",
    "LOGIN %22",
    "mysql -p",
    "AAAAAAAAAAAAAAAA=/etc/",
    "MIIEabcdefabcdef\n",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n",
    "MIIE\n-----END PRIVATE KEY-----\n",
    "-----BEGIN INTERWORX API KEY-----\n",
    "://:",
    ":://a:",
    "dsn=",
    "dsn=x://a:",
    "redirected to /login%3Fpassword%3Dx from here ",
    "%25",
    "password: |\n a\n",
    "password='\n",
    "password=\n",
    "password=[",
    'password="\\"',
    "]: password: incorrect ",
    "key=key=",
    "key=/etc/",
    "key: a ",
    "curl ",
    "#1 /x.php(1): a(",
    "::",
    "1:1:1:1:1:",
    "1.1.1.1-",
    "a@",
    "a@a.aa",
    "\\",
    "\\\\n",
    "&lt;",
    "[hidden:password]",
    "[hidden:",
    "password=[hidden:password] ",
    "login a password b ",
    "<a>",
    "\u2028",
    "İ",
]


def check(text: str) -> None:
    """Redact a text; the time limit of the test is what judges."""
    after = redactor().redact_text(text, "a test")
    assert after.count("\n") == text.count("\n")
    assert len(after) <= 8 * len(text) + 40


@pytest.mark.parametrize("unit", BEGINNINGS)
def test_the_beginning_of_a_pattern_again_and_again_takes_no_longer_than_its_length(unit: str) -> None:
    check(unit * (CHARACTERS // len(unit)))


@pytest.mark.parametrize("unit", WORST)
def test_the_worst_that_is_known_takes_no_longer_than_its_length(unit: str) -> None:
    check(unit * (CHARACTERS // len(unit)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_thousands_of_secrets_in_one_text_are_hidden(rule: Any) -> None:
    text = f"{rule.example} " * (CHARACTERS // len(rule.example))
    assert rule.hides not in redactor().redact_text(text, rule.example_source)


@pytest.mark.parametrize(
    "character", ["a", " ", "\n", "\t", "\\", '"', "=", "1", ".", ":", "@", "-", "/", "%", "\x00", "é"]
)
def test_five_megabytes_of_one_character_are_nothing(character: str) -> None:
    text = character * 5_000_000
    assert redactor().redact_text(text, "a test") == text


def test_a_long_value_is_hidden_whole() -> None:
    after = redactor().redact_text(f"x password={'s3cret' * 300_000} and more", "a test")
    assert after == "x password=[hidden:password] and more"


def test_a_secret_at_the_end_of_a_long_line_is_found() -> None:
    after = redactor().redact_text(f"{'x' * 3_000_000} password=s3cret", "a test")
    assert after.endswith("x password=[hidden:password]")
