"""What stands around the incidents, in a few lines: whom they reach, what was done, a person's note."""

from iwx_agent.model import Report
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket import summary, tried

_IMPACTS_COUNT = 6
_LINE_CHARACTERS = 500


def lines(report: Report) -> list[tuple[str, str]]:
    """Return (label, one harmless line) of each; nothing of what was not asked for."""
    told = [
        ("Reaches", words.one_line(summary.impact_line(impact), _LINE_CHARACTERS))
        for impact in report.impact[:_IMPACTS_COUNT]
    ]
    if len(report.impact) > _IMPACTS_COUNT:
        told.append(("Reaches", f"{len(report.impact) - _IMPACTS_COUNT} more: iwx-agent ticket"))
    if report.changes is not None:
        label, _, done = tried.in_a_line(report).partition(": ")
        told.append((label, words.one_line(done, _LINE_CHARACTERS)))
    if report.note.strip():
        told.append(("Note", words.one_line(report.note, _LINE_CHARACTERS)))
    return told
