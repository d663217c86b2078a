"""Two runs compared, in words."""

from collections.abc import Iterator

from iwx_agent.model import ComparedRun, Comparison, Difference, DifferenceKind
from iwx_agent.rendering import words

_SHOWN_COUNT = 100
_NAMED_COUNT = 8
_KIND_WORDS: dict[DifferenceKind, str] = {
    "new": "new",
    "revealed": "there now",
    "worse": "worse",
    "better": "better",
    "gone": "gone",
    "unknown": "not known",
}


def render(compared: Comparison) -> str:
    """Return the comparison as text: what is new first."""
    return "".join(f"{line}\n" for line in _lines(compared))


def _lines(compared: Comparison) -> Iterator[str]:
    before, after = compared.before, compared.after
    yield f"from  {_run(before)}"
    yield f"to    {_run(after)}"
    yield ""
    yield from (_line(change) for change in compared.changes[:_SHOWN_COUNT])
    if len(compared.changes) > _SHOWN_COUNT:
        yield f"and {len(compared.changes) - _SHOWN_COUNT} more"
    if not compared.changes:
        yield "No finding has changed."
    if compared.unchanged_count:
        yield f"{words.counted(compared.unchanged_count, 'finding')} as before."
    yield from _numbers(before, after)
    yield from _blind("Only the first run could tell", set(after.blind) - set(before.blind))
    yield from _blind("Only the second run could tell", set(before.blind) - set(after.blind))
    yield from _blind("Neither could tell", set(before.blind) & set(after.blind))


def _run(run: ComparedRun) -> str:
    priority = f"priority {run.priority}" if run.priority else "no priority"
    return f"{words.one_line(run.id, 40) or '-'}  {words.at(run.collected_at)}  {priority}"


def _line(change: Difference) -> str:
    title = words.one_line(change.title, 200)
    about = words.one_line(f"{change.code}, {change.subject}", 120)
    return f"{_KIND_WORDS[change.kind]:<10} {title} ({about}): {_grades(change)}"


def _grades(change: Difference) -> str:
    was = words.graded(change.before, change.state_before) if change.before else ""
    now = words.graded(change.after, change.state_after) if change.after else ""
    if was and now:
        return f"{was}, now {now}"
    if now:
        return f"{now}; the first run could not tell" if change.kind == "revealed" else now
    return f"was {was}; the second run could not tell" if change.kind == "unknown" else f"was {was}"


def _numbers(before: ComparedRun, after: ComparedRun) -> Iterator[str]:
    pairs = (
        ("Fullest file system", before.measures.disk_used_pct, after.measures.disk_used_pct, "{:.1f} %"),
        ("Mail queue", before.measures.queue_count, after.measures.queue_count, "{:,.0f}"),
        ("Load", before.measures.load, after.measures.load, "{:.1f}"),
    )
    told = [
        f"{name} {_number(was, form)}, now {_number(now, form)}"
        for name, was, now, form in pairs
        if was is not None or now is not None
    ]
    if told:
        yield f"{'. '.join(told)}."


def _number(value: float | None, form: str) -> str:
    return "not known" if value is None else form.format(value)


def _blind(said: str, checks: set[str]) -> Iterator[str]:
    if checks:
        named = [words.one_line(check, 40) for check in sorted(checks)]
        more = f" and {len(named) - _NAMED_COUNT} more" if len(named) > _NAMED_COUNT else ""
        yield f"{said}: {', '.join(named[:_NAMED_COUNT])}{more}."
