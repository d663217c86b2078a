"""What a rule is, and how its patterns are applied to a text."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

from msgspec import Struct

from iwx_agent.redact.page import PLACEHOLDER, Hit, Page, is_hidden

Kind = Literal["structure", "pattern"]
Verdict = Hit | list[Hit] | None
Judge = Callable[[Page, re.Match[Any]], Verdict]


class Rule(Struct, frozen=True, kw_only=True):
    """One thing that is hidden.

    ``label`` is what the placeholder says. Each pattern begins with literal text, which is searched for
    fast, and looks ahead a bounded distance only; ``judge`` decides about a match and says from where to
    where to hide. ``sees`` is what the patterns are held against: the text in lower case, the text itself,
    or its mask, in which each character that base64 uses is an A. ``example`` holds what the rule ``hides``
    and no other rule does; ``counterexample`` looks like it and stays as it is.
    """

    id: str
    kind: Kind
    label: str
    reason: str
    example: str
    hides: str
    counterexample: str
    patterns: tuple[re.Pattern[Any], ...]
    judge: Judge
    sees: Literal["lowered", "text", "mask"] = "lowered"
    sources: tuple[re.Pattern[str], ...] = ()  # a text from one of these is hidden whole
    example_source: str = "example"

    @property
    def placeholder(self) -> str:
        """Return what takes the place of a secret; no rule touches it again."""
        return f"[hidden:{self.label}]"

    def hits(self, page: Page) -> Iterator[Hit]:
        """Yield where the rule hides something; each pattern's hits in order."""
        if any(source.match(page.source) for source in self.sources):
            whole = hide(page, 0, len(page.text))
            if whole is not None:
                yield whole
        text = getattr(page, self.sees)
        for pattern in self.patterns:
            covered = 0
            for found in pattern.finditer(text):
                if found.start() < covered:
                    continue  # inside what is hidden already: nothing is looked at twice
                verdict = self.judge(page, found)
                if verdict is None:
                    continue
                hits = verdict if isinstance(verdict, list) else (verdict,)
                for hit in hits:
                    covered = hit.end
                    yield hit


_BEGINS_HIDDEN = re.compile(rf"{PLACEHOLDER.pattern}(?!\S)")


def hide(page: Page, start: int, end: int) -> Hit | None:
    """Return the hit for a stretch without the white space around it; None when it is hidden already."""
    content = page.text[start:end]  # nothing, when the end was not found
    stripped = content.strip()
    if not stripped or is_hidden(stripped) or _BEGINS_HIDDEN.match(stripped):
        return None
    start += len(content) - len(content.lstrip())
    return Hit(start, start + len(stripped))


def hide_group(page: Page, found: re.Match[str]) -> Hit | None:
    """Judge: hide the first group of the pattern, or all of it when there is none."""
    group = 1 if found.re.groups else 0
    return hide(page, *found.span(group))
