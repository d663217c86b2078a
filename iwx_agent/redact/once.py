"""One pass of all rules over one text: what they found is put together, and hidden."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from iwx_agent.redact.page import OPENING, PLACEHOLDER, Page, blank, is_hidden
from iwx_agent.redact.rule import Rule

_SHORT_CHARACTERS = 65_536  # so short a text is looked at until nothing is found any more
_NEAR_CHARACTERS = 200
_WHOLE = ("escaped", "base64", "secret-file")  # these hide more than a secret
_KEPT_SIGNS = "\n\r\0"

_Address = tuple[
    int, int, int, str
]  # start, end with a minus, the rule's number, token: longer ones sort first


class _Secret(NamedTuple):
    start: int
    end: int
    order: int


def redacted_once(
    page: Page, rules: Sequence[Rule], counts: Counter[str], found: list[str] | None = None
) -> tuple[str, bool]:
    """Return the text with all that the rules find hidden, and whether it has to be looked at again.

    The secrets are added to what was ``found``, those in escapes excepted.

    It has when the hits were near one another, since each may have been the surroundings that another one was
    judged by, and when the text is short, since then it costs nothing.
    """
    secrets: list[_Secret] = []
    addresses: list[_Address] = []
    for order, rule in enumerate(rules):
        for start, end, replacement in rule.hits(page):
            if replacement is None:
                secrets.append(_Secret(start, end, order))
            else:
                addresses.append((start, -end, order, replacement))
    if secrets and OPENING in page.text:
        secrets = _around_placeholders(page.text, secrets)
    if not secrets and not addresses:
        return page.text, False
    hidden, again = _joined(secrets)
    apart, cut = _apart(addresses, hidden)
    again = again or cut or len(page.text) <= _SHORT_CHARACTERS
    puts = [(one.start, one.end, one.order, _put(page, one, rules)) for one in hidden] + apart
    puts.sort()
    if found is not None:
        found += (page.text[one.start : one.end] for one in hidden if rules[one.order].label not in _WHOLE)
    pieces: list[str] = []
    at = 0
    for start, end, order, put in puts:
        pieces += (page.text[at:start], put)
        at = end
        counts[rules[order].id] += 1
    pieces.append(page.text[at:])
    return "".join(pieces), again


def overwritten_once(page: Page, rules: Sequence[Rule], counts: Counter[str]) -> str:
    """Return the text with an ``x`` for each character that the rules hide, but for line breaks and NUL."""
    found = [(rule.id, hit.start, hit.end) for rule in rules for hit in rule.hits(page)]
    if not found:
        return page.text
    signs = list(page.text)
    for rule_id, start, end in found:
        hidden = [sign if sign in _KEPT_SIGNS else "x" for sign in signs[start:end]]
        counts[rule_id] += hidden != signs[start:end]
        signs[start:end] = hidden
    return "".join(signs)


def _put(page: Page, one: _Secret, rules: Sequence[Rule]) -> str:
    return blank(page.text[one.start : one.end], rules[one.order].placeholder)


def _around_placeholders(text: str, secrets: list[_Secret]) -> list[_Secret]:
    """Return the hits that do not begin inside a placeholder; one that ends inside of it takes all of it."""
    placed = [found.span() for found in PLACEHOLDER.finditer(text)]
    starts = [start for start, _ in placed]
    kept: list[_Secret] = []
    for one in secrets:
        before = bisect_left(starts, one.start) - 1
        if before >= 0 and one.start < placed[before][1]:
            continue
        last = bisect_left(starts, one.end) - 1
        end = max(one.end, placed[last][1]) if last >= 0 else one.end
        if not is_hidden(text[one.start : end].strip()):
            kept.append(one._replace(end=end))
    return kept


def _joined(secrets: list[_Secret]) -> tuple[list[_Secret], bool]:
    """Return the stretches without overlaps, the first rule's name on each; whether any two were near."""
    joined: list[_Secret] = []
    near = False
    for one in sorted(secrets):
        last = joined[-1] if joined else None
        if last is None or one.start > last.end:
            near = near or (last is not None and one.start - last.end < _NEAR_CHARACTERS)
            joined.append(one)
        elif one.end > last.end:
            near = True
            joined[-1] = last._replace(end=one.end)
    return joined, near


def _apart(addresses: list[_Address], hidden: list[_Secret]) -> tuple[list[_Address], bool]:
    """Return the addresses that touch no hidden stretch and no longer address; whether one did in part."""
    kept: list[_Address] = []
    cut, number, last = False, 0, 0
    for start, minus_end, order, token in sorted(addresses):
        end = -minus_end
        while number < len(hidden) and hidden[number].end <= start:
            number += 1
        if number < len(hidden) and end > hidden[number].start:
            cut = cut or start < hidden[number].start or end > hidden[number].end
        elif start < last:
            cut = cut or end > last
        else:
            kept.append((start, end, order, token))
            last = end
    return kept, cut
