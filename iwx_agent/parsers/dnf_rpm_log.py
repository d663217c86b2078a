"""``dnf.rpm.log``: what rpm did and said inside dnf's transactions. A failed scriptlet stands nowhere else.

>>> text = '''2026-11-23T15:33:13+0000 SUBDEBUG Installed: postfail-1-1.el9.noarch
... 2026-11-23T15:33:13+0000 INFO postfail: service restart failed
... warning: %post(postfail-1-1.el9.noarch) scriptlet failed, exit status 3
...
... 2026-11-23T15:33:13+0000 ERROR Error in POSTIN scriptlet in rpm package postfail
... '''
>>> told = parse_dnf_rpm_log(text, source="dnf.rpm.log")
>>> [(f.package, f.scriptlet, f.line.source) for f in told.scriptlets], [p for _, p in told.begun]
([('postfail-1-1.el9.noarch', '%post', 'dnf.rpm.log:2')], ['postfail-1-1.el9.noarch'])
"""

import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model import LogLine, PackageFailure, PackageRun, package_name
from iwx_agent.parsers.package_errors import without_credentials

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d{4}|Z) ")
_LEVEL = re.compile(r"^[A-Z]{4,8} ")
_BEGUN = re.compile(r"SUBDEBUG (?:Installed|Upgrade|Reinstall|Downgrade|Erase): (\S{1,300})$")
_SCRIPTLET = re.compile(
    r"(?:warning|error): (%\w{1,30})\((\S{1,300}?)\) scriptlet failed, (exit status \d{1,5}|signal \d{1,3})"
)
_WORD = re.compile(r"(?:Error in|Non-fatal) (\w{1,30}) scriptlet (?:failure )?in rpm package (\S{1,300})")
_NAMES = {
    "PREIN": "%prein",
    "POSTIN": "%post",
    "PREUN": "%preun",
    "POSTUN": "%postun",
    "PRETRANS": "%pretrans",
    "POSTTRANS": "%posttrans",
    "TRIGGERIN": "%triggerin",
    "TRIGGERUN": "%triggerun",
    "TRIGGERPOSTUN": "%triggerpostun",
}
_QUOTED_CHARACTERS = 600


class RpmLog(Struct, frozen=True, kw_only=True):
    """Packages as rpm began with them, with the time, and the scriptlets that failed; in the log's order."""

    begun: tuple[tuple[float, str], ...] = ()
    scriptlets: tuple[PackageFailure, ...] = ()


def parse_dnf_rpm_log(text: str, *, source: str, numbered: bool = True) -> RpmLog:
    """Return what rpm did; lines that are not understood are output of scriptlets and are passed over."""
    begun: list[tuple[float, str]] = []
    scriptlets: list[PackageFailure] = []
    at: float | None = None
    said: list[str] = []  # by the scriptlet, since the last line with a time
    place = source
    for number, line in enumerate(text.split("\n"), start=1):
        stamped = _STAMP.match(line) if line[:2] == "20" else None
        if stamped:
            at, place, said = _at(stamped.group().strip()), f"{source}:{number}" if numbered else source, []
        rest = line[stamped.end() :][:_QUOTED_CHARACTERS] if stamped else line[:_QUOTED_CHARACTERS]
        said = [*said[-3:], _LEVEL.sub("", rest)]
        package = _BEGUN.match(rest)
        if package and at is not None:
            begun.append((at, package.group(1)))
        failure = scriptlet_failure(rest, LogLine(text=_quoted(said), source=place, at=at))
        if failure is not None and not (scriptlets and _same(scriptlets[-1], failure)):
            scriptlets.append(failure)
    return RpmLog(begun=tuple(begun), scriptlets=tuple(scriptlets))


def with_rpm_log(runs: tuple[PackageRun, ...], told: RpmLog) -> tuple[PackageRun, ...]:
    """Give each run the scriptlets that failed in it, and one that was killed the package it had come to.

    A run is known by its time and its packages. A scriptlet that belongs to no known run is one of its own.
    """
    found: dict[int, list[PackageFailure]] = {}
    alone: list[PackageRun] = []
    for failure in told.scriptlets:
        index = _run_of(runs, failure.line.at, failure.package)
        if index is None:
            alone.append(_run_alone(failure))
        else:
            found.setdefault(index, []).append(failure)
    merged = [
        _with(run, tuple(found.get(index, ())), _reached(runs, index, told)) for index, run in enumerate(runs)
    ]
    for run in alone:  # before the first run that is later
        later = (i for i, r in enumerate(merged) if (r.started_at or 0.0) > (run.started_at or 0.0))
        merged.insert(next(later, len(merged)), run)
    return tuple(merged)


def _reached(runs: tuple[PackageRun, ...], index: int, told: RpmLog) -> tuple[str, ...]:
    """Return the packages that a killed run had begun with, before the next run changed anything."""
    run = runs[index]
    if run.outcome != "killed" or run.transaction_at is None:
        return ()
    until = next((r.transaction_at for r in runs[index + 1 :] if r.transaction_at is not None), None)
    names = {package_name(package) for package in run.planned}
    return tuple(
        dict.fromkeys(
            package
            for at, package in told.begun
            if run.transaction_at <= at and (until is None or at < until) and package_name(package) in names
        )
    )


def _with(run: PackageRun, scriptlets: tuple[PackageFailure, ...], reached: tuple[str, ...]) -> PackageRun:
    if reached:
        failures = tuple(replace(failure, package=reached[-1]) for failure in run.failures)
        return replace(run, changed=reached, failures=(*failures, *scriptlets))
    names = {failure.name for failure in scriptlets}
    kept = tuple(f for f in run.failures if not (f.kind == "other" and f.name in names))
    return replace(run, failures=(*kept, *scriptlets))


def _run_of(runs: tuple[PackageRun, ...], at: float | None, package: str) -> int | None:
    """Return the run that this belongs to: the newest that had begun, best one with the package."""
    begun = [
        index
        for index, run in enumerate(runs)
        if at is not None and run.transaction_at is not None and run.transaction_at <= at
    ]
    name = package_name(package)
    with_it = [i for i in begun if name in {package_name(p) for p in (*runs[i].planned, *runs[i].changed)}]
    return (with_it or begun)[-1] if begun else None


def _run_alone(failure: PackageFailure) -> PackageRun:
    return PackageRun(
        tool="dnf",
        command="",
        goal=("",),
        outcome="done",
        started_at=failure.line.at,
        source=failure.line.source,
        transaction=True,
        failures=(failure,),
    )


def scriptlet_failure(text: str, line: LogLine) -> PackageFailure | None:
    """Return the failed scriptlet that a line of rpm, yum or dnf names; ``line`` is what is quoted."""
    exact = _SCRIPTLET.search(text)
    if exact:
        return PackageFailure(kind="scriptlet", line=line, package=exact.group(2), scriptlet=exact.group(1))
    word = _WORD.search(text)
    if word is None:
        return None
    kind, package = word.groups()
    return PackageFailure(
        kind="scriptlet", line=line, package=package, scriptlet=_NAMES.get(kind, f"%{kind.lower()}")
    )


def _same(before: PackageFailure, after: PackageFailure) -> bool:
    """Return whether dnf only repeats, by name and word, what rpm said in full."""
    return (
        before.name == after.name and before.scriptlet == after.scriptlet and before.package != after.package
    )


def _quoted(lines: list[str]) -> str:
    return without_credentials("\n".join(line.strip() for line in lines if line.strip()))[
        -_QUOTED_CHARACTERS:
    ]


def _at(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return None
