"""One line for Nagios and its kin, with performance data; on demand, further lines name what is wrong.

Source: Monitoring Plugins Development Guidelines: status word, text, ``|``,
``label=value[unit];warn;crit;min;max``; exit codes 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. They replace the
agent's own in this format only.

A plugin's text ends up on web pages and, through ``$SERVICEOUTPUT$``, between the quotes of a shell command,
usually ``printf "%b"``. So nothing in it is a bar, markup, a quote, ``$``, a backtick or a backslash. Nagios
itself makes a colon of a semicolon.
"""

from iwx_agent.model import Report, Severity, Status, counts_as_emergency, worst
from iwx_agent.rendering import words

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_MORE_COUNT = 10
_TEXT_BYTES = 600  # with performance data below the 1024 bytes that old NRPE passes on
_LINE_BYTES = 350
_ALL_BYTES = 4000  # Nagios before version 4 reads 4096
_SAFE = str.maketrans(
    {"|": "/", "\\": "/", "<": "(", ">": ")", "'": "’", '"': "’", "`": "’", "$": "_", ";": ":"}
)


def exit_code(report: Report) -> int:
    """Return 2 for an emergency, 1 for another problem, 3 when checks could not tell, 0 when all is well.

    A problem that is known weighs more than one that could not be judged.
    """
    if report.verdict.emergency:
        return 2
    if any(worst(incident) >= Severity.WARNING for incident in report.incidents):
        return 1
    return 3 if words.blind(report) else 0


def render(report: Report, *, verbose: bool = False) -> str:
    """Return the line with its performance data, at most 1023 bytes of UTF-8.

    ``verbose`` adds a line for each incident and blind check. The whole is at most 4000 bytes then; the last
    line counts those that have no room.
    """
    word = _WORDS[exit_code(report)]
    first = f"IWX {word}: {_safe(_headline(report), _TEXT_BYTES)} | {_performance(report)}"
    further = _fitting(_further(report), _ALL_BYTES - _size(first)) if verbose else []
    return "\n".join([first, *further]) + "\n"


def _headline(report: Report) -> str:
    if report.incidents:
        lead = report.incidents[0].lead
        rest_count = len(report.incidents) - 1
        more = f", and {words.counted(rest_count, 'other problem')}" if rest_count else ""
        return f"{words.one_line(lead.title, 120)} ({words.marked(lead)}){more}"
    blind = words.blind(report)
    if blind:
        return f"nothing found, but {words.counted(len(blind), 'check')} could not tell"
    return "nothing wrong"


def _performance(report: Report) -> str:
    """Return counts and measures; a limit of ``0`` means that more than 0 is a warning or critical."""
    emergencies_count = sum(counts_as_emergency(incident) for incident in report.incidents)
    problems_count = sum(worst(incident) >= Severity.WARNING for incident in report.incidents)
    ok_count = sum(result.status is Status.OK for result in report.results)
    told = [
        f"emergencies={emergencies_count};;0;0",
        f"problems={problems_count};0;;0",
        f"unknown={len(words.blind(report))};;;0",
        f"ok={ok_count};;;0",
        f"slowest={max(report.timings.values(), default=0):.3f}s;;;0",
    ]
    used_pct, queue_count = words.measured(report)
    if used_pct is not None:
        told.append(f"disk={used_pct:.1f}%;;;0;100")
    if queue_count is not None:
        told.append(f"queue={queue_count:.0f};;;0")
    return " ".join(told)


def _further(report: Report) -> list[str]:
    blind = words.blind(report)
    lines = []
    for incident in report.incidents[:_MORE_COUNT]:
        lead = incident.lead
        since = words.since(incident, report.collected_at)
        title = words.one_line(lead.title, 120)
        lines.append(f"{words.grade_word(incident)}: {title} ({words.marked(lead)}), {since}")
    lines += [f"could not tell: {check}: {reason[:400]}" for check, _, reason in blind[:_MORE_COUNT]]
    left_count = max(len(report.incidents) - _MORE_COUNT, 0) + max(len(blind) - _MORE_COUNT, 0)
    return [_safe(line, _LINE_BYTES) for line in lines] + [""] * left_count


def _fitting(lines: list[str], bytes_count: int) -> list[str]:
    """Return the lines there is room for; an empty one has none. The others are counted."""
    kept: list[str] = []
    left_bytes = bytes_count - 100  # the line that counts
    for line in lines:
        left_bytes -= _size(line) + 1
        if not line or left_bytes < 0:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append(f"and {len(lines) - len(kept)} more: iwx-agent diagnose")
    return kept


def _size(text: str) -> int:
    return len(text.encode())


def _safe(text: str, limit_bytes: int) -> str:
    """Return one harmless line of at most so many bytes that nothing between here and a reader acts on."""
    shown = words.one_line(text, limit_bytes).translate(_SAFE)
    if _size(shown) <= limit_bytes:
        return shown
    return shown.encode()[: limit_bytes - 3].decode(errors="ignore") + "…"
