r"""Regular expressions from a data file: only those whose work is small whatever text they meet.

A backtracking matcher tries each way through a pattern from each position of a line. Here the ways are
counted before the pattern is used, on the tree that Python's own parser makes of it: every repeat has an
upper bound, no repeat stands around what can match in several ways, and what is left is multiplied out.

>>> parse_pattern(r"\bmaintenance[ -]mode\b").needle
'maintenance'
>>> parse_pattern(r"(a{1,9}){1,9}")
Traceback (most recent call last):
iwx_agent.model.core.ParseError: expected no repeat around what can match in several ways, got '(a{1,9}){1,9}'
"""

import re
import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from msgspec import Struct

from iwx_agent.model import ParseError

PATTERN_CHARACTERS = 300
STEPS_MAX = 4000  # from one position; a line has at most 2,000, so one search ends within 8 million steps
REPEATS_MAX = 200
WIDTH_MIN = 3  # anything shorter matches lines about something else

# Python's parser of regular expressions. It has no public name; its tree has kept its shape since Python 3.6,
# and an operation that is not known here is refused, not guessed.
_parser: Any = re._parser  # type: ignore[attr-defined]
_ONE = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT")
_REFUSED = {
    "ASSERT": "no look-ahead or look-behind",
    "ASSERT_NOT": "no look-ahead or look-behind",
    "GROUPREF": "no back-reference",
    "GROUPREF_EXISTS": "no condition on a group",
    "ATOMIC_GROUP": "no atomic group",
    "POSSESSIVE_REPEAT": "no possessive repeat",
}


class Pattern(Struct, frozen=True, kw_only=True):
    """A pattern that may be used; every match holds ``needle`` (lower case, may be empty)."""

    regex: Any  # re.Pattern[str]: letters of either case, ASCII classes
    needle: str
    steps: int  # at most so many from one position of a line

    def search(self, line: str) -> "re.Match[str] | None":
        """Return the first match in one line."""
        found: re.Match[str] | None = self.regex.search(line)
        return found


class _Cost(Struct, frozen=True):
    """In how many ways an item can match from one position, and in how many steps all of them are tried."""

    ways: int
    steps: int


@lru_cache(maxsize=512)
def parse_pattern(pattern: str) -> Pattern:
    """Return the pattern, ready for use.

    Raises:
        ParseError: for what is no regular expression, may cost too much, or matches next to everything; the
            message says what to write instead.
    """
    if len(pattern) > PATTERN_CHARACTERS:
        raise ParseError(f"at most {PATTERN_CHARACTERS} characters", pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = _parser.parse(pattern)
            regex = re.compile(pattern, re.IGNORECASE | re.ASCII)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ParseError(f"a regular expression ({error})", pattern) from None
    if tree.state.flags != re.UNICODE:
        raise ParseError("no flags: case never matters, and classes are ASCII", pattern)
    cost = _of_sequence(tree, pattern)
    least, _ = tree.getwidth()
    if least < WIDTH_MIN:
        raise ParseError(f"a pattern that needs at least {WIDTH_MIN} characters to match", pattern)
    if cost.steps > STEPS_MAX:
        why = f"at most {STEPS_MAX} steps from one position, not {cost.steps}: shorter or fewer repeats"
        raise ParseError(why, pattern)
    return Pattern(regex=regex, needle=max(_runs(tree), key=len, default=""), steps=cost.steps)


def _of_sequence(items: Iterable[Any], pattern: str) -> _Cost:
    """What comes after an item, the end too, is reached once for each way in which the items before match."""
    ways, steps = 1, 0
    for operation, argument in items:
        cost = _of_item(str(operation), argument, pattern)
        steps += ways * cost.steps
        ways *= cost.ways
    return _Cost(ways, steps + ways)


def _of_item(operation: str, argument: Any, pattern: str) -> _Cost:
    match operation:
        case "SUBPATTERN":
            _, added, removed, inside = argument
            if added or removed:
                raise ParseError("no flags: case never matters, and classes are ASCII", pattern)
            return _of_sequence(inside, pattern)
        case "BRANCH":
            return _of_branch(argument[1], pattern)
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, inside = argument
            return _of_repeat(least, most, inside, pattern)
        case _ if operation in _ONE:
            return _Cost(1, 1)
        case _:
            raise ParseError(_REFUSED.get(operation, f"nothing like {operation}"), pattern)


def _of_branch(parts: Iterable[Any], pattern: str) -> _Cost:
    """Of alternatives that begin with different characters, all but those with the right one fail at once."""
    groups: dict[str, list[_Cost]] = {}
    failing_steps = 0
    for part in parts:
        character, steps = _first(part)
        failing_steps += steps
        groups.setdefault(character, []).append(_of_sequence(part, pattern))
    sums = {
        character: _Cost(sum(cost.ways for cost in costs), sum(cost.steps for cost in costs))
        for character, costs in groups.items()
    }
    anywhere = sums.pop("", _Cost(0, 0))
    ways = max((cost.ways for cost in sums.values()), default=0)
    steps = max((cost.steps for cost in sums.values()), default=0)
    return _Cost(ways + anywhere.ways, failing_steps + steps + anywhere.steps)


def _first(items: Iterable[Any]) -> tuple[str, int]:
    """Return the character, in lower case, that a match must begin with, and the steps to see it missing.

    Empty when a match can begin with several characters, or with none.
    """
    for tests, (operation, argument) in enumerate(items, start=1):
        if str(operation) == "LITERAL":
            return chr(argument).lower(), tests
        if str(operation) == "SUBPATTERN":
            character, inside = _first(argument[3])
            return character, tests + inside
        if str(operation) != "AT":
            break
    return "", 0


def _of_repeat(least: int, most: int, inside: Any, pattern: str) -> _Cost:
    if most == _parser.MAXREPEAT:
        raise ParseError("a bound on each repeat: {0,80} instead of *, {1,80} instead of +", pattern)
    if most > REPEATS_MAX:
        raise ParseError(f"at most {REPEATS_MAX} repeats, not {most}", pattern)
    once = _of_sequence(inside, pattern)
    if once.ways > 1 and most > 1:
        raise ParseError("no repeat around what can match in several ways", pattern)
    ways = most - least + (once.ways if most else 1)
    return _Cost(ways, most * once.steps + ways)


def _runs(items: Iterable[Any]) -> list[str]:
    """Return the runs of plain characters that every match must hold, in lower case."""
    runs = [""]
    for operation, argument in items:
        if str(operation) == "LITERAL" and argument < 128:
            runs[-1] += chr(argument).lower()
        elif str(operation) == "SUBPATTERN":
            first, *rest = _runs(argument[3])
            runs[-1] += first
            runs += rest
        elif str(operation) != "AT":
            runs.append("")
    return runs
