"""Each rule hides what it says, is the only one that does, leaves what looks like it, and cannot run away."""

import base64
import html
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from redacting import FILES, RULES, redactor

from iwx_agent import redact
from iwx_agent.config import load_layout
from iwx_agent.redact import Rule, rules
from iwx_agent.redact.page import PLACEHOLDER, is_hidden

PARSER = importlib.import_module("re._parser")
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def leaks(using: Sequence[Rule]) -> list[str]:
    """Return the rules whose example is not hidden by the rules given."""
    one = redactor(using)
    return [rule.id for rule in RULES if rule.hides in one.redact_text(rule.example, rule.example_source)]


def test_all_rules_together_hide_all_examples() -> None:
    assert leaks(RULES) == []


@every_rule
def test_without_a_rule_its_example_leaks(rule: Rule) -> None:
    assert leaks([other for other in RULES if other is not rule]) == [rule.id]


@every_rule
def test_what_looks_like_it_stays_as_it_is(rule: Rule) -> None:
    assert redactor().redact_text(rule.counterexample, "a test") == rule.counterexample


@every_rule
def test_it_is_told_by_its_own_name(rule: Rule) -> None:
    one = redactor()
    one.redact_text(rule.example, rule.example_source)
    assert rule.id in [row.rule_id for row in one.report.rows]


IN_ESCAPES = [rule for rule in RULES if not rule.id.endswith(("-address", "-file", "escaped", "base64"))]


@pytest.mark.parametrize("rule", IN_ESCAPES, ids=lambda rule: rule.id)
def test_no_escape_hides_an_example_from_its_rule(rule: Rule) -> None:
    """What the escapes' rules take for worth a look has a word of every rule in it."""
    escapes: tuple[Callable[[str], str], ...] = (
        lambda text: quote(text, safe=""),
        lambda text: quote(quote(text, safe=""), safe=""),
        lambda text: json.dumps(f"\n{text}\n")[1:-1],
        lambda text: html.escape(f"<{text}>"),
        lambda text: base64.b64encode(text.encode()).decode(),
    )
    for escape in escapes:
        written = escape(rule.example)
        after = redactor().redact_text(f"x {written} y", "a test")
        assert after not in (f"x {written} y", written)
        assert escape(rule.hides) not in after
        assert rule.hides not in after


def test_ids_are_unique_and_placeholders_are_known() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert PLACEHOLDER.fullmatch(rule.placeholder), rule.id
        assert is_hidden(rule.placeholder)
        assert not set(rule.placeholder) & set("<>`\"'&\\\n ")  # at home in JSON, HTML, Markdown
        assert rule.kind in ("structure", "pattern")
        assert 10 < len(rule.reason) < 110
        assert "\n" not in rule.reason
        assert rule.hides in rule.example


# Files of which nothing leaves


@pytest.mark.parametrize(
    "source",
    [
        "/home/vpopmail/etc/vpopmail.mysql",
        "/home/vpopmail/etc/vpopmail.mysql:3",
        "/home/bob/var/example.com/ssl/example.com.priv.key",
    ],
)
def test_nothing_of_a_file_of_secrets_is_left(source: str) -> None:
    text = "localhost|0|user\nnot-a-real\n\nlast\n"
    assert redactor().redact_text(text, source) == "[hidden:secret-file]\n\n\n[hidden:secret-file]\n"


@pytest.mark.parametrize(
    "source",
    [
        "/home/vpopmail/etc/vpopmail.mysql.rpmnew",
        "/var/log/x about /home/vpopmail/etc/vpopmail.mysql",
        "/home/bob/x/y/var/example.com/ssl/example.com.priv.key",
    ],
)
def test_other_files_are_looked_at_line_by_line(source: str) -> None:
    assert redactor().redact_text("no such user", source) == "no such user"


def test_the_layout_names_the_files_of_secrets() -> None:
    files = load_layout().everything("secret_file")
    assert {"/root/.my.cnf", "/etc/libnss-mysql.cfg"} | set(FILES) <= set(files)
    one = redactor(rules(files))
    for path in files:
        assert one.redact_text("x", path.replace("*", "bob")) == "[hidden:secret-file]"


def test_without_files_there_is_nothing_to_hide_by_source() -> None:
    assert redactor(rules()).redact_text("x", "/root/.my.cnf") == "x"


# Patterns that begin with literal text, and that give nothing back that they could try again for ever


def first_literals(pattern: re.Pattern[Any]) -> int:
    """Return how many literal characters a pattern begins with."""
    count = 0
    for operation, _ in PARSER.parse(pattern.pattern, pattern.flags & ~re.UNICODE):
        if str(operation) != "LITERAL":
            break
        count += 1
    return count


@every_rule
def test_each_pattern_begins_with_literal_text(rule: Rule) -> None:
    for pattern in rule.patterns:
        assert first_literals(pattern) >= 1, pattern.pattern
        assert not pattern.flags & re.IGNORECASE  # or the search for the literal text is slow


def faults(pattern: re.Pattern[Any]) -> list[str]:
    """Return what in a pattern can be tried again and again: open ends that give back, repeats of repeats."""

    def walk(parts: Iterable[Any], *, last: bool, repeated: bool) -> Iterator[str]:
        parts = list(parts)
        for number, (operation, told) in enumerate(parts):
            at_end = last and number == len(parts) - 1
            match str(operation):
                case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT" as kind:
                    low, high, inner = told
                    gives_back = kind != "POSSESSIVE_REPEAT" and low != high
                    if gives_back and high == PARSER.MAXREPEAT and not at_end:
                        yield "an open end that gives back"
                    if gives_back and repeated and high > 1:
                        yield "a repeat in a repeat"
                    yield from walk(inner, last=False, repeated=repeated or (gives_back and high > 1))
                case "SUBPATTERN":
                    yield from walk(told[3], last=at_end, repeated=repeated)
                case "BRANCH":
                    for branch in told[1]:
                        yield from walk(branch, last=at_end, repeated=repeated)
                case "ASSERT" | "ASSERT_NOT":
                    yield from walk(told[1], last=True, repeated=repeated)
                case "ATOMIC_GROUP":
                    yield from walk(told, last=True, repeated=False)

    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, str) else pattern.flags
    return list(walk(PARSER.parse(pattern.pattern, flags), last=True, repeated=False))


def all_patterns() -> dict[str, re.Pattern[Any]]:
    found = {
        f"{rule.id} {number}": pattern
        for rule in RULES
        for number, pattern in enumerate((*rule.patterns, *rule.sources))
    }
    for module in pkgutil.iter_modules(redact.__path__):
        for name, value in vars(importlib.import_module(f"iwx_agent.redact.{module.name}")).items():
            for key, one in value.items() if isinstance(value, dict) else (("", value),):
                if isinstance(one, re.Pattern):
                    found[f"{module.name} {name} {key}"] = one
    return found


@pytest.mark.parametrize("name", sorted(all_patterns()))
def test_no_pattern_can_be_made_to_try_for_ever(name: str) -> None:
    assert faults(all_patterns()[name]) == []


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"(?:a{1,9}){1,9}b", r"a*b", r"(?:a|b*?)c", r"(?=a+b)c", r"(?:x(?:a*)y)z"]
)
def test_the_judge_of_patterns_sees_the_bad_ones(pattern: str) -> None:
    assert faults(re.compile(pattern)) != []


@pytest.mark.parametrize("pattern", [r"a*+b", r"(?>a+)b", r"a{1,9}b", r"ab(\S+)", r"(?:a++;){1,9}b"])
def test_the_judge_of_patterns_lets_the_good_ones_pass(pattern: str) -> None:
    assert faults(re.compile(pattern)) == []
