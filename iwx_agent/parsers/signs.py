r"""Signs in text: which signatures match which lines. The text is bounded, line by line; case never matters.

>>> from iwx_agent.model import LogLine
>>> from iwx_agent.model.signatures import Signature, Signatures
>>> entry = Signature(id="a", sources=("banner",), pattern="upgrade failed", code="PANEL-080",
...                   confidence="inferred", known_from="a guess")
>>> line = LogLine(text="The upgrade FAILED", source="row 1")
>>> [(sign.text, sign.seen) for sign in find_signs("banner", (line,), Signatures(entries=(entry,)), None)]
[('The upgrade FAILED', 'row 1')]
"""

import re
from collections.abc import Sequence

from iwx_agent.model import LogLine, ParseError
from iwx_agent.model.signatures import SIGN_CODES, Sign, Signature, Signatures, SourceGroup, SourceName
from iwx_agent.parsers.patterns import parse_pattern

TEXT_CHARACTERS = 64 * 1024
LINE_CHARACTERS = 2000
_SIGNS_COUNT = 5  # of one signature in one source; the last ones, since they tell how things stand
_QUOTED_CHARACTERS = 300
_BEFORE_CHARACTERS = 100
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def find_signs(
    source: SourceName,
    lines: Sequence[LogLine],
    signatures: Signatures,
    release: int | None,
    *,
    written_at: float | None = None,
) -> tuple[Sign, ...]:
    """Return the signs in the lines of one source, oldest first, those included that say that it is over."""
    kept = _bounded(lines)
    everything = "\n".join(line.text for line in kept).lower()
    found: list[tuple[int, Sign]] = []
    for entry in signatures.of(source, release):
        if parse_pattern(entry.pattern).needle not in everything:
            continue  # most logs hold nothing of this: no line of theirs is looked at
        starts = [(index, sign_at(entry, line.text)) for index, line in enumerate(kept)]
        matches = [(index, start) for index, start in starts if start is not None]
        found += [
            (index, _sign(entry, signatures.group_of(source), kept, index, start, written_at))
            for index, start in matches[-_SIGNS_COUNT:]
        ]
    return tuple(sign for _, sign in sorted(found, key=lambda pair: (pair[0], pair[1].signature)))


def sign_at(entry: Signature, line: str) -> int | None:
    """Return where in a line the sign begins; None when the line is no sign."""
    found = parse_pattern(entry.pattern).search(line[:LINE_CHARACTERS])
    if found is None or (entry.unless and parse_pattern(entry.unless).search(line[:LINE_CHARACTERS])):
        return None
    return found.start()


def fault_of(entry: Signature) -> tuple[str, str] | None:
    """Return the key and the reason why an entry cannot be used; None when it can."""
    if not _ID.fullmatch(entry.id):
        return "id", "expected small letters, digits, dots, hyphens, underscores, at most 80"
    if not entry.sources:
        return "sources", "expected at least one source"
    if entry.code not in SIGN_CODES:
        return "code", f"expected one of {', '.join(SIGN_CODES)}"
    if not entry.known_from:
        return "known_from", "expected where this is known from"
    for key, text in (("pattern", entry.pattern), ("unless", entry.unless)):
        try:
            needle = parse_pattern(text).needle if text or key == "pattern" else ""
        except ParseError as error:
            return key, str(error)
        if key == "pattern" and "ini_key" in entry.sources and not needle:
            return key, "expected a plain word in every match: only lines with it are read from the settings"
    if entry.example and sign_at(entry, entry.example) is None:
        return "example", "the entry does not take it for a sign"
    if entry.counterexample and sign_at(entry, entry.counterexample) is not None:
        return "counterexample", "the entry takes it for a sign"
    return None


def _bounded(lines: Sequence[LogLine]) -> list[LogLine]:
    """Return the last lines that fit, each cut."""
    kept: list[LogLine] = []
    left_characters = TEXT_CHARACTERS
    for line in reversed(lines):
        text = line.text[:LINE_CHARACTERS]
        left_characters -= len(text) + 1
        if left_characters < 0:
            break
        kept.append(LogLine(text=text, source=line.source, at=line.at))
    return kept[::-1]


def _sign(
    entry: Signature,
    group: SourceGroup,
    lines: list[LogLine],
    index: int,
    start: int,
    written_at: float | None,
) -> Sign:
    line = lines[index]
    begin = max(0, start - _BEFORE_CHARACTERS)
    return Sign(
        signature=entry.id,
        code=entry.code,
        group=group.name,
        weight=group.weight,
        confidence=entry.confidence,
        seen=line.source,
        text=line.text[begin : begin + _QUOTED_CHARACTERS].strip(),
        ends=entry.ends,
        at=line.at,
        written_at=written_at,
        lines_after=len(lines) - 1 - index,
    )
