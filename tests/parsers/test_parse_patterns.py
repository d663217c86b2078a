"""Patterns of a data file: what they may cost is known before they are used.

The proof is by counting: a matcher written here tries every way as a backtracking one does, and counts. It
has to find what Python's own finds, in no more steps than were computed.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from fakes import signatures
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.patterns import PATTERN_CHARACTERS, REPEATS_MAX, STEPS_MAX, parse_pattern

SHIPPED = {
    pattern: (entry.example, entry.counterexample)
    for entry in signatures().entries
    for pattern in (entry.pattern, entry.unless)
    if pattern
}


class Counting:
    """A backtracking matcher that gives up nothing: it walks every way and counts each try of an item."""

    def __init__(self, pattern: str) -> None:
        self.tree: Any = list(re._parser.parse(pattern))  # type: ignore[attr-defined]
        self.single: dict[str, re.Pattern[str]] = {}
        self.steps = 0

    def ends(self, text: str, position: int) -> Iterator[int]:
        self.steps = 0
        yield from self._sequence(self.tree, text, position)

    def _sequence(self, items: Any, text: str, position: int) -> Iterator[int]:
        if not items:
            self.steps += 1
            yield position
            return
        for end in self._item(str(items[0][0]), items[0][1], text, position):
            yield from self._sequence(items[1:], text, end)

    def _item(self, operation: str, argument: Any, text: str, position: int) -> Iterator[int]:
        match operation:
            case "SUBPATTERN":
                yield from self._sequence(list(argument[3]), text, position)
            case "BRANCH":
                for part in argument[1]:
                    yield from self._sequence(list(part), text, position)
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inside = argument
                yield from self._repeat(least, most, inside, text, position, 0)
            case _:
                self.steps += 1
                if self._matches(operation, argument, text, position):
                    yield position + (operation != "AT")

    def _repeat(
        self, least: int, most: int, inside: Any, text: str, position: int, done: int
    ) -> Iterator[int]:
        if done < most:
            for end in self._sequence(list(inside), text, position):
                yield from self._repeat(least, most, inside, text, end, done + 1)
        if done >= least:
            self.steps += 1
            yield position

    def _matches(self, operation: str, argument: Any, text: str, position: int) -> bool:
        if operation == "AT":
            sign = {
                "AT_BOUNDARY": r"\b",
                "AT_BEGINNING": "^",
                "AT_END": "$",
                "AT_NON_BOUNDARY": r"\B",
                "AT_BEGINNING_STRING": r"\A",
                "AT_END_STRING": r"\Z",
            }
            return bool(re.compile(sign[str(argument)], re.ASCII).match(text, position))
        if position >= len(text):
            return False
        here = text[position]
        match operation:
            case "ANY":
                return here != "\n"
            case "LITERAL":
                return here.lower() == chr(argument).lower()
            case "NOT_LITERAL":
                return here.lower() != chr(argument).lower()
        inside = any(self._in(item, here.lower()) or self._in(item, here.upper()) for item in argument)
        negated = str(argument[0][0]) == "NEGATE"
        return inside is not negated

    def _in(self, item: Any, here: str) -> bool:
        match str(item[0]):
            case "LITERAL":
                return ord(here) == int(item[1])
            case "RANGE":
                return int(item[1][0]) <= ord(here) <= int(item[1][1])
            case "CATEGORY":
                kind = {"WORD": r"\w", "DIGIT": r"\d", "SPACE": r"\s", "NOT_SPACE": r"\S", "NOT_WORD": r"\W"}
                return bool(re.match(kind[str(item[1]).removeprefix("CATEGORY_")], here, re.ASCII))
        return False


def prove(pattern: str, text: str) -> None:
    checked = parse_pattern(pattern)
    counting = Counting(pattern)
    for position in range(len(text) + 1):
        ends = list(counting.ends(text, position))
        assert counting.steps <= checked.steps, (pattern, text, position)
        assert bool(ends) == bool(checked.regex.match(text, position)), (pattern, text, position)
    if checked.search(text):
        assert checked.needle in text.lower()


def hostile(pattern: str, example: str) -> tuple[str, ...]:
    """Texts that begin to match again and again, and never end: the worst for a backtracking matcher."""
    words = re.findall(r"[a-z]{2,}", pattern)
    return (
        example,
        example[:-1] * 2,
        f"{example[: len(example) // 2]} " * 4,
        " ".join(words) * 2,
        "".join(words),
        words[0] * 8 if words else "",
        f"{words[0] if words else ''} {'step ' * 20}",
        "a" * 120,
        " " * 120,
        ".maintenance" * 8,
        "location: /" + "/-_" * 30,
    )


@pytest.mark.parametrize("pattern", SHIPPED)
def test_no_shipped_pattern_takes_more_steps_than_were_computed(pattern: str) -> None:
    assert parse_pattern(pattern).steps <= STEPS_MAX
    for text in hostile(pattern, SHIPPED[pattern][0]):
        prove(pattern, text)


ATOMS = st.sampled_from(["a", "b", "ab", ".", r"\w", "[ab]", "[^a]", r"\b", "^", r"\d", "-", " "])
INSIDE = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.integers(0, 2), st.integers(2, 4)).map(lambda t: f"(?:{t[0]}){{{t[1]},{t[2]}}}"),
        inner.map(lambda part: f"({part})?"),
    ),
    max_leaves=6,
)
PATTERNS = st.tuples(INSIDE, st.sampled_from(["ab1", "b-a", "[ab]{3}", "(?:ab1|ab-)"])).map("".join)


@settings(max_examples=500, deadline=None)
@given(PATTERNS, st.text(alphabet="aAb- 1", max_size=14))
def test_no_accepted_pattern_takes_more_steps_than_were_computed(pattern: str, text: str) -> None:
    try:
        parse_pattern(pattern)
    except ParseError:
        reject()
    prove(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        # the classics
        (r"(a+)+$", "bound on each repeat"),
        (r"(a|aa)+$", "bound on each repeat"),
        (r"(.*)*x", "bound on each repeat"),
        (r"([a-zA-Z]+)*!", "bound on each repeat"),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "bound on each repeat"),
        (r"(\w+\s?)+$", "bound on each repeat"),
        (r".*maintenance.*mode.*", "bound on each repeat"),
        (r"maintenance.+", r"{1,80} instead of +"),
        (r"maintenance.*?mode", r"{0,80} instead of *"),
        (r"a{5,}bc", "bound on each repeat"),
        # the same with bounds
        (r"(a{1,20}){1,20}$", "around what can match in several ways"),
        (r"(?:a|aa){1,30}b", "around what can match in several ways"),
        (r"(?:a?){50}a{50}", "around what can match in several ways"),
        (r"(?:(?:ab){0,9}){3}", "around what can match in several ways"),
        (r"(?:\w{1,30} ?){1,30}$", "around what can match in several ways"),
        (r"a{0,90}a{0,90}a{0,90}abc", "steps from one position"),
        (r".{0,200}.{0,200}maintenance", "steps from one position"),
        (r"(?:[a-z]{100}){100}", "steps from one position"),
        (r"a{0,201}bcd", f"at most {REPEATS_MAX} repeats, not 201"),
        (r"a{99999999999999999999}", "too large"),
        # what cannot be counted
        (r"(a)\1bc", "no back-reference"),
        (r"(?P<x>ab)(?P=x)", "no back-reference"),
        (r"(?=maintenance)mode", "no look-ahead"),
        (r"(?!maintenance)mode", "no look-ahead"),
        (r"(?<=in )maintenance", "no look-ahead or look-behind"),
        (r"(?<!not )maintenance", "no look-ahead or look-behind"),
        (r"(a)?(?(1)bcd|efg)", "no condition on a group"),
        (r"(?>abc)", "no atomic group"),
        (r"ab++c", "no possessive repeat"),
        (r"(?i)maintenance", "no flags: case never matters"),
        (r"(?x)main tenance", "no flags"),
        (r"(?s:main.)", "no flags"),
        (r"(?-i:main)", "no flags"),
        # what is none, or matches everything
        ("(maintenance", "a regular expression"),
        ("maint[[enance]", "a regular expression"),
        ("*maintenance", "a regular expression"),
        ("(" * 150 + "abc" + ")" * 150, f"at most {PATTERN_CHARACTERS} characters"),
        ("", "at least 3 characters"),
        (".{0,80}", "at least 3 characters"),
        ("ab|maintenance", "at least 3 characters"),
        (r"\b$", "at least 3 characters"),
        ("a" * (PATTERN_CHARACTERS + 1), f"at most {PATTERN_CHARACTERS} characters"),
    ],
)
def test_a_pattern_that_could_hold_the_agent_up_is_refused_with_what_to_write(
    pattern: str, said: str
) -> None:
    with pytest.raises(ParseError) as raised:
        parse_pattern(pattern)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("abc", 4),  # three items and the end
        ("ab[cd]", 4),
        ("(?:ab|cd)e", 7),  # two first characters tried; a, b, their end; e in the one way left; the end
        ("(?:abx|acy)e", 8),  # a; two first characters tried; b, x, their end; e; the end
        ("(?:(abx)|cdy)e", 10),  # 3 to see the first characters; a, b, x and two ends; e; the end
        ("a{0,3}bcd", 26),  # a and its end three times; four stops; b, c, d and the end, each in four ways
    ],
)
def test_the_steps_are_those_worked_out_by_hand(pattern: str, steps: int) -> None:
    assert parse_pattern(pattern).steps == steps


@pytest.mark.parametrize(("length", "accepted"), [(PATTERN_CHARACTERS - 1, True), (PATTERN_CHARACTERS, True)])
def test_the_longest_pattern(length: int, accepted: bool) -> None:
    assert parse_pattern("a" * length).steps == length + 1


@pytest.mark.parametrize("most", [REPEATS_MAX - 1, REPEATS_MAX])
def test_the_most_repeats(most: int) -> None:
    assert parse_pattern(f"wxy{{0,{most}}}z").search("wxz")


def test_deep_nesting_is_an_error_or_works() -> None:
    text = "(" * 140 + "abc" + ")" * 140
    assert parse_pattern(text).search("xabcx")


@pytest.mark.parametrize(
    ("pattern", "needle"),
    [
        (r"\bmaintenance[ -]mode\b", "maintenance"),
        (r"(?:up|down)grade FAILED", "grade failed"),
        (r"a(?:bc)d{0,3}ef", "abc"),
        (r"(?:abc|abz|x)\d\d\d", ""),
        (r"(?:abc)?de\dfgh", "fgh"),
        ("grüne Welle", "ne welle"),
    ],
)
def test_every_match_holds_the_needle(pattern: str, needle: str) -> None:
    assert parse_pattern(pattern).needle == needle


def test_case_never_matters_and_classes_are_ascii() -> None:
    assert parse_pattern(r"maint\w{0,3}").search("MAINTENANCE")
    assert parse_pattern(r"^\w\w\w$").search("äöü") is None


@given(st.text(max_size=60))
def test_any_text_is_a_pattern_or_an_error(text: str) -> None:
    try:
        found = parse_pattern(text)
    except ParseError:
        return
    assert found.steps <= STEPS_MAX


def test_the_matcher_of_this_proof_counts() -> None:
    """It would be no proof if it did not explode where a backtracking matcher does."""
    counting = Counting(r"(?:a|aa){1,30}b")
    list(islice(counting.ends("a" * 16, 0), 1))
    assert counting.steps > 2000
