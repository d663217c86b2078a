"""Saved runs in words: a list of them."""

from collections.abc import Iterable

from iwx_agent.model import Missing, SavedRun
from iwx_agent.rendering import words

_TITLE_CHARACTERS = 90
_WITHOUT_TITLE = {0: "nothing wrong", 4: "nothing found, but some checks could not tell"}


def listed(runs: Iterable[SavedRun]) -> str:
    """Return one line for each run, in their order, under a heading."""
    rows = [("run", "exit", "incidents", "worst"), *(_row(run) for run in runs)]
    return "".join(
        f"{name:<22}{code:>4}  {incidents:>9}  {worst}".rstrip() + "\n"
        for name, code, incidents, worst in rows
    )


def _row(run: SavedRun) -> tuple[str, str, str, str]:
    incidents = run.point.incidents
    count = "?" if isinstance(incidents, Missing) else str(len(incidents))
    said = words.one_line(run.headline, _TITLE_CHARACTERS) or _WITHOUT_TITLE.get(run.exit_code, "")
    return words.one_line(run.id, 40), str(run.exit_code), count, said
