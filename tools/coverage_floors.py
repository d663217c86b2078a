"""Hold branch coverage against the house's floors: 100 % for pure code, 90 % over all.

usage: coverage_floors.py REPORT.json [--pure]

``REPORT.json`` is made by ``coverage json``. ``--pure`` leaves out the floor over all, for runs without the
tests on real parts.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PURE = ("checks", "parsers", "triage", "report", "rendering", "redact")
PURE_FLOOR_PCT = 100.0
OVERALL_FLOOR_PCT = 90.0
SOURCE = Path(__file__).parent.parent / "iwx_agent"
_SHOWN_COUNT = 12


def main(arguments: Sequence[str]) -> int:
    """Print one line per group and return 1 when one is below its floor."""
    paths = [argument for argument in arguments if not argument.startswith("--")]
    if len(paths) != 1 or set(arguments) - {*paths, "--pure"}:
        sys.stderr.write("usage: coverage_floors.py REPORT.json [--pure]\n")
        return 2
    files = by_module(json.loads(Path(paths[0]).read_text(encoding="utf-8"))["files"])
    faults = [fault for group in PURE if (fault := judge_group(group, files))]
    if "--pure" not in arguments:
        reached_pct = percent(files.values())
        said(f"over all: {reached_pct:.1f} % (floor {OVERALL_FLOOR_PCT:g} %)")
        if reached_pct < OVERALL_FLOOR_PCT:
            faults.append(f"over all {reached_pct:.1f} % is below {OVERALL_FLOOR_PCT:g} %")
    for fault in faults:
        sys.stderr.write(f"coverage: {fault}\n")
    return 1 if faults else 0


def by_module(files: dict[str, Any]) -> dict[str, Any]:
    """Return the files by their path below the package, wherever the package was installed."""
    return {path.rpartition("iwx_agent/")[2]: measured for path, measured in files.items()}


def judge_group(group: str, files: dict[str, Any]) -> str:
    """Return what is wrong with one group of pure code, or an empty string."""
    members = {p: m for p, m in files.items() if p == f"{group}.py" or p.startswith(f"{group}/")}
    if not members:
        exists = (SOURCE / f"{group}.py").exists() or (SOURCE / group).exists()
        return f"{group}: was not measured at all" if exists else ""
    reached_pct = percent(members.values())
    said(f"{group}: {reached_pct:.1f} % (floor {PURE_FLOOR_PCT:g} %)")
    if reached_pct >= PURE_FLOOR_PCT:
        return ""
    gaps = [
        f"  iwx_agent/{path}: {gap}"
        for path, measured in sorted(members.items())
        if (gap := gaps_of(measured))
    ]
    more = [f"  and {len(gaps) - _SHOWN_COUNT} more files"] if len(gaps) > _SHOWN_COUNT else []
    return "\n".join(
        [f"{group} {reached_pct:.1f} % is below {PURE_FLOOR_PCT:g} %", *gaps[:_SHOWN_COUNT], *more]
    )


def percent(measured: Iterable[Any]) -> float:
    """Return the share of lines and branches covered; exactly 100 only when nothing is missing."""
    summaries = [one["summary"] for one in measured]
    all_count = sum(s["num_statements"] + s["num_branches"] for s in summaries)
    covered_count = sum(s["covered_lines"] + s["covered_branches"] for s in summaries)
    return 100.0 * covered_count / all_count if all_count else 100.0


def gaps_of(measured: Any) -> str:
    """Return the lines and branches of one file that no test took."""
    lines = [f"line {number}" for number in measured["missing_lines"]]
    covered = set(measured["executed_lines"])
    branches = [
        f"{start}->{'exit' if end < 0 else end}"
        for start, end in measured["missing_branches"]
        if start in covered
    ]
    return ", ".join([*lines, *branches][:_SHOWN_COUNT])


def said(line: str) -> None:
    """Print one line."""
    sys.stdout.write(f"coverage: {line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
