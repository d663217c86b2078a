"""``dnf.log``: the runs of dnf, what each was asked, changed and got, and what went wrong in it.

Lines carry no process id, and two runs may write at once (one waits, one works): a line belongs to the run
that was begun last, but the end of a transaction to the one that is open, because only one can be.

>>> text = '''2026-11-23T15:33:01+0000 INFO --- logging initialized ---
... 2026-11-23T15:33:01+0000 DDEBUG Command: dnf -y update vim
... 2026-11-23T15:33:02+0000 DDEBUG RPM transaction start.
... 2026-11-23T15:33:04+0000 DDEBUG RPM transaction over.
... 2026-11-23T15:33:04+0000 DEBUG Upgraded: vim-9.0-1.el9.x86_64
... 2026-11-23T15:33:04+0000 INFO Complete!
... '''
>>> run, = parse_dnf_log(text, source="dnf.log")
>>> run.goal, run.outcome, run.changed, run.source
(('update', 'vim'), 'done', ('vim-9.0-1.el9.x86_64',), 'dnf.log:1')
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from iwx_agent.model import LogLine, PackageFailure, PackageRun, ParseError
from iwx_agent.model.packages import RunOutcome
from iwx_agent.parsers.package_errors import classify, without_credentials
from iwx_agent.parsers.package_goal import goal_of

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d{4}|Z)")
_TALK = frozenset(("DDEBUG", "DEBUG", "SUBDEBUG", "TRACE", "ALL"))
_LEVELS = _TALK | {"INFO", "WARNING", "ERROR", "CRITICAL"}
_TOLD = (  # what is read of the talk
    *("Command: ", "Installroot: ", "RPM transaction ", "Cleaning up.", "Errors occurred", "Failed: "),
    *(
        "repo: downloading",
        "reviving: ",
        "Installed: ",
        "Upgraded: ",
        "Removed: ",
        "Reinstalled: ",
        "Downgraded: ",
    ),
)
_ENDS = ("RPM transaction over", "Complete!", "Errors occurred", "Failed: ", "Error: Transaction failed")
_LONGEST_CHARACTERS = 8000  # of one message with the lines below it
_QUOTED_CHARACTERS = 380
_LONGEST_LINE_CHARACTERS = 600
_FAILURES_COUNT = 50
_PACKAGES_COUNT = 2000

_CHANGED = re.compile(r"(?:Installed|Upgraded|Removed|Reinstalled|Downgraded): (\S{1,300})$")
_ANSWERED = re.compile(r"reviving: '([^'\n]{1,200})' can be revived|(\S{1,200}): using metadata from ")
_FROM_REMOTE = re.compile(r"repo: downloading from remote: ([^\s,]{1,200})")
_ERRORS_OF = re.compile(
    r"Errors during downloading metadata for repository '([^'\n]{1,200})':\n(.*)", re.DOTALL
)
_SKIPPED_FILE = re.compile(
    r"failed loading '([^'\n]{1,400})', skipping|Parsing file \"?([^\"\n]{1,400}?)\"? failed"
)
_TABLE_ROW = re.compile(r"^ (\S{1,200})\s+(\S{1,30})\s+(\S{1,200})\s+(\S{1,200})\s+[\d.]{1,12} ?\S{0,3}\s*$")
_TABLE_NAME = re.compile(r"^ (\S{1,300})\s*$")
_TABLE_REST = re.compile(r"^ {2,}(\S{1,30})\s+(\S{1,200})\s+(\S{1,200})\s+[\d.]{1,12} ?\S{0,3}\s*$")
_PLANNED = ("Installing", "Upgrading", "Reinstalling", "Downgrading", "Removing")
# What dnf calls critical although nothing failed, or what only repeats what was said.
_NO_FAILURE = (
    "Importing GPG key",
    "KeyboardInterrupt",
    "Operation aborted",
    "No such command",
    "Error: Operation",
)


class _Record(NamedTuple):
    stamp: str
    level: str
    source: str
    message: str


class _Run:
    """One run while it is read."""

    def __init__(self, record: _Record) -> None:
        self.started = record.stamp
        self.source = record.source
        self.ended = ""
        self.command = ""
        self.elsewhere = False  # another root than this machine's
        self.transaction_started = ""
        self.transaction_source = ""
        self.transaction_over = False
        self.settled: RunOutcome | None = None
        self.asked: set[str] = set()
        self.answered: list[str] = []
        self.details: dict[str, str] = {}
        self.repository_of: dict[str, str] = {}  # by package
        self.changed: list[str] = []
        self.failed: list[str] = []
        self.failures: list[PackageFailure] = []


def parse_dnf_log(text: str, *, source: str, numbered: bool = True) -> tuple[PackageRun, ...]:
    """Return the runs in the order of the log; lines before the first beginning are a run of their own.

    ``numbered`` false means that the text does not start with the file's first line: sources have no number.

    Raises:
        ParseError: for a text in which no line is one of dnf's.
    """
    runs: list[_Run] = []
    changing: _Run | None = None  # began to change packages and has not said that it is done
    for record in _records(text, source, numbered=numbered):
        if record.message.startswith("--- logging initialized ---") or not runs:
            runs.append(_Run(record))
        current = runs[-1]
        if record.message.startswith("RPM transaction start"):
            changing = current
            current.transaction_started = record.stamp
            current.transaction_source = record.source
        elif changing is not None and changing is not current and _ends_transaction(record):
            current = changing
        _take(current, record)
        if current is changing and current.settled is not None:
            changing = None
    if not runs:
        raise ParseError("lines of dnf with time and level", text)
    return tuple(_finished(run) for run in runs if not run.elsewhere)


def _records(text: str, source: str, *, numbered: bool) -> Iterator[_Record]:
    """Give each message with the lines below it that have no time of their own; idle talk is left out."""
    current: tuple[str, str, str] | None = None
    parts: list[str] = []
    length = 0
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split(" ", 2) if line[:2] == "20" else ()
        if len(words) == 3 and words[1] in _LEVELS and _STAMP.fullmatch(words[0]):
            if current is not None:
                yield _Record(*current, "\n".join(parts))
            stamp, level, message = words
            current = None
            if level not in _TALK or message.startswith(_TOLD) or ": using metadata from " in message:
                current = (stamp, level, f"{source}:{number}" if numbered else source)
                parts, length = [message[:_LONGEST_CHARACTERS]], len(message)
        elif current is not None and length < _LONGEST_CHARACTERS:
            parts.append(line[: _LONGEST_CHARACTERS - length])
            length += len(parts[-1]) + 1
    if current is not None:
        yield _Record(*current, "\n".join(parts))


def _ends_transaction(record: _Record) -> bool:
    message = record.message
    return message.startswith(_ENDS) or _CHANGED.match(message) is not None


def _take(run: _Run, record: _Record) -> None:
    """Let one record change what is known of its run."""
    message = record.message
    run.ended = record.stamp
    match record.level:
        case level if level in _TALK:
            _take_detail(run, message)
        case "CRITICAL" if not message.startswith(_NO_FAILURE):
            _take_failure(run, record)
        case "CRITICAL" if message.startswith("KeyboardInterrupt"):
            run.settled = "killed" if run.transaction_started and not run.transaction_over else "open"
        case "WARNING":
            _take_warning(run, record)
        case "INFO" if message.startswith(("Complete!", "Metadata cache created")):
            run.settled = run.settled or "done"
        case "INFO" if message.startswith("=" * 20):
            _take_table(run, message)


def _take_detail(run: _Run, message: str) -> None:
    remote = _FROM_REMOTE.match(message)
    answered = _ANSWERED.match(message)
    changed = _CHANGED.match(message)
    if message.startswith("Command: "):
        run.command = without_credentials(message.removeprefix("Command: ").strip())
    elif message.startswith("Installroot: "):
        run.elsewhere = message.removeprefix("Installroot: ").strip() != "/"
    elif message.startswith("RPM transaction over"):
        run.transaction_over = True
    elif message.startswith("Cleaning up."):  # the last words of a run; some say no others
        if run.settled is None and (run.transaction_over or not run.transaction_started):
            run.settled = "done"
    elif message.startswith("Failed: "):
        run.failed.append(message.removeprefix("Failed: ").strip()[:300])
    elif remote:
        run.asked.add(remote.group(1))
    elif answered and (answered.group(1) or answered.group(2) in run.asked):
        run.answered.append(answered.group(1) or answered.group(2))
    elif changed and len(run.changed) < _PACKAGES_COUNT:
        run.changed.append(changed.group(1))


def _take_warning(run: _Run, record: _Record) -> None:
    """Some failures are no error to dnf: a repository that may be missing, a package that is skipped."""
    errors = _ERRORS_OF.match(record.message)
    skipped = _SKIPPED_FILE.search(record.message)
    if errors:
        run.details[errors.group(1)] = errors.group(2)
    elif skipped:
        path = skipped.group(1) or skipped.group(2)
        run.failures.append(PackageFailure(kind="repository_file", line=_quoted(record), repository=path))
    elif record.message.startswith("Error: Failed to ") or "Problem" in record.message[:40]:
        _take_failure(run, record, settles=False)


def _take_failure(run: _Run, record: _Record, *, settles: bool = True) -> None:
    message = record.message.removeprefix("Error: ")
    if settles:
        run.settled = "failed"
    details = "\n".join(run.details.get(name, "") for name in re.findall(r"'([^'\n]{1,200})'", message)[:3])
    said = dict.fromkeys(line.strip() for line in details.split("\n"))
    line = _quoted(record, "\n".join((message, *said)))
    repository = re.match(r"Problem repository: \[([^\]\n]{1,200})\]", message)
    if repository:  # what follows is its configuration, passwords and all
        line = _quoted(record, repository.group())
        run.failures.append(PackageFailure(kind="gpg", line=line, repository=repository.group(1)))
    elif len(run.failures) < _FAILURES_COUNT:
        run.failures += classify(message, line, details)


def _take_table(run: _Run, message: str) -> None:
    """Read which packages are to be changed, and from which repository; long names break their line."""
    wanted, name = False, ""
    for line in message.split("\n"):
        row, rest = _TABLE_ROW.match(line), _TABLE_REST.match(line)
        if line[:1].isalpha():
            wanted = line.startswith(_PLANNED)
            continue
        if not wanted or len(run.repository_of) >= _PACKAGES_COUNT:
            continue
        if row:
            package, architecture, version, repository = row.groups()
        elif rest and name:
            package, (architecture, version, repository) = name, rest.groups()
        else:
            alone = _TABLE_NAME.match(line)
            name = alone.group(1) if alone else ""
            continue
        run.repository_of[f"{package}-{version}.{architecture}"] = repository.lstrip("@")


def _quoted(record: _Record, text: str | None = None) -> LogLine:
    """Return the first line and as many whole lines after it as a reader wants to see."""
    said = without_credentials((record.message if text is None else text).strip()).split("\n")
    kept = said[0].rstrip()
    for line in said[1:]:
        if len(kept) + len(line) >= _QUOTED_CHARACTERS:
            break
        kept += f"\n{line.rstrip()}" if line.strip() else ""
    return LogLine(text=kept[:_LONGEST_LINE_CHARACTERS], source=record.source, at=_at(record.stamp))


def _at(stamp: str) -> float | None:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return None


def _finished(run: _Run) -> PackageRun:
    goal = goal_of(run.command)
    planned = tuple(run.repository_of)
    outcome = run.settled or "open"
    if run.transaction_started and not run.transaction_over and outcome in ("open", "failed"):
        outcome = "killed"
    failures = tuple(_with_repository(failure, run) for failure in _distinct(run))
    if outcome == "killed":
        line = LogLine(
            text="RPM transaction start. (no later line says that this transaction is over)",
            source=run.transaction_source,
            at=_at(run.transaction_started),
        )
        failures = (PackageFailure(kind="killed", line=line, package=planned[0] if planned else ""),)
    return PackageRun(
        tool="dnf",
        command=run.command[:300],
        goal=goal,
        outcome=outcome,
        started_at=_at(run.started),
        source=run.source,
        ended_at=_at(run.ended) if run.ended else None,
        transaction=bool(run.transaction_started),
        transaction_at=_at(run.transaction_started) if run.transaction_started else None,
        planned=planned,
        changed=tuple(dict.fromkeys(run.changed)),
        answered=tuple(dict.fromkeys(run.answered)),
        failures=failures,
    )


def _distinct(run: _Run) -> list[PackageFailure]:
    """Return each failure once, and none of those that only say again, with fewer words, that it failed."""
    found = {(f.kind, f.package, f.repository): f for f in reversed(run.failures)}
    kept = list(reversed(found.values()))
    named = {failure.kind for failure in kept if failure.package or failure.repository}
    said = [f for f in kept if f.package or f.repository or f.kind not in named]
    if any(failure.kind != "other" for failure in said):
        return [failure for failure in said if failure.kind != "other"]
    if run.failed and said:
        return [PackageFailure(kind="other", line=said[-1].line, package=name) for name in run.failed[:20]]
    return said[-1:]


def _with_repository(failure: PackageFailure, run: _Run) -> PackageFailure:
    """Add the repository that the package was to come from, or the package that was to come from it."""
    if failure.package and not failure.repository:
        return replace(failure, repository=run.repository_of.get(failure.package, ""))
    if failure.kind == "gpg" and not failure.package and run.repository_of:
        package, repository = next(iter(run.repository_of.items()))
        return replace(failure, package=package, repository=failure.repository or repository)
    return failure
