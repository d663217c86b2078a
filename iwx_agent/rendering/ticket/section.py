"""What a ticket's message is made of: sections of whole lines, cut from the bottom where it is too long.

A heading stands at the left edge in capitals. Everything else begins with "- ", a number or two spaces, and
what is quoted with "| " behind them: so no text of the machine can look like a heading or a field.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from iwx_agent.rendering import words

_QUOTED_CHARACTERS = 300


class Line(Struct, frozen=True, kw_only=True):
    """One line; ``finding`` says that a finding begins here."""

    text: str
    finding: bool = False


class Section(Struct, frozen=True, kw_only=True):
    """A heading, a remark behind it in parentheses, and lines."""

    heading: str
    lines: tuple[Line, ...]
    remark: str = ""


def section(heading: str, lines: Iterable[Line | str], remark: str = "") -> Section:
    """Return a section of lines and plain texts."""
    made = tuple(line if isinstance(line, Line) else Line(text=line) for line in lines)
    return Section(heading=heading, lines=made, remark=remark)


def item(text: str, limit: int = 400) -> str:
    """Return one harmless line of a list."""
    return f"- {words.one_line(text, limit)}"


def quoted(text: str, indent: str, lines_count: int) -> list[str]:
    """Return quoted text line by line, each behind its mark; what is left out is said."""
    lines = [line for line in words.harmless(text.strip("\n"), 4000).split("\n") if line.strip()]
    told = [f"{indent}| {words.one_line(line, _QUOTED_CHARACTERS)}" for line in lines[:lines_count]]
    if len(lines) > lines_count:
        told.append(f"{indent}| ... {words.counted(len(lines) - lines_count, 'more line')}")
    return told


def message_of(sections: Sequence[Section], limit: int) -> tuple[str, bool]:
    """Return the message of at most ``limit`` characters, whole lines only, and whether it was cut.

    What was cut is counted in the last line: findings that are not shown, and sections that are not whole.
    """
    lines = _lines(sections)
    whole = "\n".join(text for text, _, _ in lines)
    if len(whole) <= limit:
        return whole, False
    ends, total = [], 0
    for text, _, _ in lines:
        total += len(text) + 1
        ends.append(total)
    count = len(lines)
    while count > 0:
        count -= 1
        if not lines[count - 1][0] or _is_heading(lines, count - 1):
            continue  # neither an empty line nor a heading without its lines stands last
        note = _note(lines, count)
        if ends[count - 1] + len(note) <= limit:
            return "\n".join([*(text for text, _, _ in lines[:count]), note]), True
    return _note(lines, 0)[:limit], True


def _lines(sections: Sequence[Section]) -> list[tuple[str, int, bool]]:
    """Return (text, number of the section, whether a finding begins) of each line."""
    told: list[tuple[str, int, bool]] = []
    for number, part in enumerate(sections):
        if told:
            told.append(("", number - 1, False))
        remark = f" ({part.remark})" if part.remark else ""
        told.append((f"{part.heading}{remark}", number, False))
        told.extend((line.text, number, line.finding) for line in part.lines)
    return told


def _is_heading(lines: list[tuple[str, int, bool]], index: int) -> bool:
    return index == 0 or not lines[index - 1][0]


def _note(lines: list[tuple[str, int, bool]], count: int) -> str:
    findings_count = sum(finding for _, _, finding in lines[count:])
    sections_count = len({number for text, number, _ in lines[count:] if text})
    parts = [words.counted(findings_count, "finding")] if findings_count else []
    parts.append(words.counted(sections_count, "section"))
    verb = "is" if findings_count + sections_count == 1 else "are"
    return f"... cut: {' and '.join(parts)} {verb} in the agent's report"
