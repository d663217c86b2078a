"""yum 3: its history, an SQLite database, and the files that a transaction leaves when it is ended half-way.

The tables are those that yum's own ``history.py`` creates. The database is judged in memory: nothing is
written, and a query that does not end is cut off.

>>> parse_unfinished("install 0:vim-9-1.x86_64\\nerase 0:vim-8-1.x86_64\\n", "install 0:vim-9-1.x86_64\\n")
(('vim-9-1.x86_64', 'vim-8-1.x86_64'), ('vim-9-1.x86_64',))
"""

import re
import sqlite3

from iwx_agent.model import LogLine, PackageFailure, PackageRun, ParseError
from iwx_agent.model.packages import RunOutcome
from iwx_agent.parsers.dnf_rpm_log import scriptlet_failure
from iwx_agent.parsers.package_errors import classify, without_credentials
from iwx_agent.parsers.package_goal import goal_of

_MAGIC = b"SQLite format 3\0"
_STEPS_COUNT = 50_000_000  # of SQLite's machine: some seconds
_TRANSACTIONS_COUNT = 50
_LINES_COUNT = 200
_PACKAGES_COUNT = 2000
_QUOTED_CHARACTERS = 600
_ELEMENT = re.compile(r"(?:install|erase) (?:\(?\w{1,6}\)?:)?(\S{1,300})$", re.MULTILINE)

_RUNS = """
SELECT trans_beg.tid, trans_beg.timestamp, trans_end.timestamp, trans_end.return_code
FROM trans_beg LEFT JOIN trans_end USING (tid) ORDER BY trans_beg.tid DESC LIMIT ?
"""
_PACKAGES = """
SELECT name || '-' || version || '-' || release || '.' || arch, done, state
FROM trans_data_pkgs JOIN pkgtups USING (pkgtupid) WHERE tid = ? ORDER BY name LIMIT ?
"""
_ERRORS = "SELECT msg FROM trans_error WHERE tid = ? ORDER BY mid LIMIT ?"
_OUTPUT = "SELECT line FROM trans_script_stdout WHERE tid = ? ORDER BY lid LIMIT ?"
_COMMAND = "SELECT cmdline FROM trans_cmdline WHERE tid = ? LIMIT ?"
_NEW = ("Install", "True-Install", "Dep-Install", "Update", "Obsoleting", "Reinstall", "Downgrade", "Erase")


def parse_yum_history(data: bytes, *, source: str) -> tuple[PackageRun, ...]:
    """Return the last transactions, oldest first; one that has no end was killed or still runs.

    Raises:
        ParseError: for what is not such a database, or a damaged one.
    """
    if not data.startswith(_MAGIC):
        raise ParseError("an SQLite database", data[:16])
    try:
        connection = sqlite3.connect(":memory:")
        try:
            connection.deserialize(data)
            connection.set_progress_handler(lambda: 1, _STEPS_COUNT)
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            rows = connection.execute(_RUNS, (_TRANSACTIONS_COUNT,)).fetchall()
            return tuple(_run(connection, row, source) for row in reversed(rows))
        finally:
            connection.close()
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        raise ParseError(f"yum's history tables ({error})") from None


def parse_unfinished(planned: str, done: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what ``transaction-all`` planned and what ``transaction-done`` says was done of it."""
    return (
        tuple(dict.fromkeys(_ELEMENT.findall(planned)))[:_PACKAGES_COUNT],
        tuple(dict.fromkeys(_ELEMENT.findall(done)))[:_PACKAGES_COUNT],
    )


def _run(connection: sqlite3.Connection, row: tuple[object, ...], source: str) -> PackageRun:
    number, began, ended, code = row
    place = f"{source} transaction {number}"
    at = _number(began)

    def texts(query: str, limit_count: int = _LINES_COUNT) -> list[str]:
        return [str(found[0]) for found in connection.execute(query, (number, limit_count))]

    packages = connection.execute(_PACKAGES, (number, _PACKAGES_COUNT)).fetchall()
    wanted = [(str(name), str(done) == "TRUE") for name, done, state in packages if state in _NEW]
    outcome: RunOutcome = "killed" if ended is None else ("done" if code == 0 else "failed")
    words = without_credentials(" ".join(texts(_COMMAND, 1)))
    return PackageRun(
        tool="yum",
        command=f"yum {words}"[:300] if words else "",
        goal=goal_of(words),
        outcome=outcome,
        started_at=at,
        source=place,
        ended_at=_number(ended),
        transaction=True,
        transaction_at=at,
        planned=tuple(dict.fromkeys(name for name, _ in wanted)),
        changed=tuple(dict.fromkeys(name for name, done in wanted if done or outcome == "done")),
        failures=_failures(outcome, texts(_ERRORS), texts(_OUTPUT), place, at, wanted),
    )


def _failures(
    outcome: RunOutcome,
    errors: list[str],
    output: list[str],
    place: str,
    at: float | None,
    wanted: list[tuple[str, bool]],
) -> tuple[PackageFailure, ...]:
    found: list[PackageFailure] = []
    for index, text in enumerate(output):
        quoted = without_credentials("\n".join(output[max(0, index - 2) : index + 1]))[-_QUOTED_CHARACTERS:]
        failure = scriptlet_failure(text, LogLine(text=quoted, source=place, at=at))
        if failure is not None:
            found.append(failure)
    if outcome == "killed":
        line = LogLine(text="the history has no end of this transaction", source=place, at=at)
        reached = [name for name, done in wanted if done] or [name for name, _ in wanted[:1]] or [""]
        found.append(PackageFailure(kind="killed", line=line, package=reached[-1]))
    elif outcome == "failed":
        said = "\n".join(errors) or "return code is not 0"
        quoted = without_credentials(said)[:_QUOTED_CHARACTERS]
        found += classify(said[:8000], LogLine(text=quoted, source=place, at=at))
    return tuple(found)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
