"""What the logs of dnf and the history of yum 3 tell: which runs there were, and what went wrong in them.

Only files are read: dnf's own ``history`` would append to the log that is judged here, and costs 0.2 s.
"""

from msgspec.structs import replace

from iwx_agent.host import KIB, MIB, FileContent, Host, HostError
from iwx_agent.model import LogLine, PackageFailure, PackageLog, PackageRun
from iwx_agent.model.package_state import is_package_tool
from iwx_agent.parsers.dnf_log import parse_dnf_log
from iwx_agent.parsers.dnf_rpm_log import parse_dnf_rpm_log, with_rpm_log
from iwx_agent.parsers.package_goal import goal_of
from iwx_agent.probes.context import Context, Probe
from iwx_agent.probes.machine import processes

_LOG_BYTES = 256 * KIB  # four days of a server that refreshes its metadata every hour
_RPM_LOG_BYTES = 128 * KIB
_HISTORY_BYTES = 16 * MIB  # it is held in memory twice; most are smaller after ten years
_HISTORY_STALE_S = 90 * 86_400.0  # yum's, on a server that was upgraded to dnf
_COVERED_S = 7 * 86_400.0  # a log that reaches back less has just been rotated
_SAME_S = 120.0  # the files of a transaction are named by the second, its history begins a moment before
_UNFINISHED_COUNT = 5


def package_log(context: Context) -> PackageLog:
    """The runs of yum and dnf, oldest first; not_found when neither left a trace and neither is set up."""
    sources: list[str] = []
    of_dnf = _runs_of_dnf(context, sources)
    of_yum = _runs_of_yum(context, sources)
    if not sources:
        directory = context.layout.text("path.repository_files")
        context.host.stat(directory)
        raise HostError("failed", "neither a log of dnf nor a history of yum is there", directory)
    runs = _in_order(of_yum, of_dnf)
    begun = [run.started_at for run in runs if run.started_at is not None]
    return PackageLog(
        runs=_with_the_running(context, runs),
        sources=tuple(sources),
        read_at=context.host.clock().now_at,
        covered_from_at=min(begun) if begun else None,
        panel_packages=context.layout.texts("package.panel"),
        panel_repositories=context.layout.texts("repository.panel"),
    )


def _in_order(first: tuple[PackageRun, ...], second: tuple[PackageRun, ...]) -> tuple[PackageRun, ...]:
    """Put the runs last whose newest is newer; within each the log's order counts, whatever the clock did."""
    newest = [max((run.started_at or 0.0 for run in runs), default=0.0) for runs in (first, second)]
    return (*first, *second) if newest[0] <= newest[1] else (*second, *first)


def _with_the_running(context: Context, runs: tuple[PackageRun, ...]) -> tuple[PackageRun, ...]:
    """Leave open the last transaction without an end when a tool is at work that was there before it."""
    index = next((i for i in range(len(runs) - 1, -1, -1) if runs[i].transaction), None)
    if index is None or runs[index].outcome != "killed":
        return runs
    run = runs[index]
    begun_at = run.transaction_at if run.transaction_at is not None else run.started_at
    at_work = any(
        is_package_tool(process.name, process.title)
        and process.state not in "ZX"
        and (begun_at is None or process.started_at <= begun_at + 1.0)
        for process in processes(context).entries
    )
    if not at_work:
        return runs
    kept = tuple(failure for failure in run.failures if failure.kind != "killed")
    return (*runs[:index], replace(run, outcome="open", failures=kept), *runs[index + 1 :])


# --- dnf ---


def _runs_of_dnf(context: Context, sources: list[str]) -> tuple[PackageRun, ...]:
    path = context.layout.text("path.dnf_log")
    content = _content(context.host, path, _LOG_BYTES)
    if content is None:
        return ()
    runs = _parsed(content, path)
    older = None if content.truncated or _reaches_back(context, runs) else _rotated(context.host, path)
    if older is not None:
        runs = (*_parsed(older, older.path), *runs)
        sources.append(older.path)
    if not runs:
        raise HostError("failed", "is empty, and no rotated log lies beside it", path)
    sources.append(path)
    return _with_rpm(context, runs, sources, rotated=older is not None)


def _parsed(content: FileContent, path: str) -> tuple[PackageRun, ...]:
    """Parse one log; an empty one has no runs, one without a single line of dnf is an error."""
    if not content.data.strip():
        return ()
    return parse_dnf_log(content.text, source=path, numbered=not content.truncated)


def _reaches_back(context: Context, runs: tuple[PackageRun, ...]) -> bool:
    now_at = context.host.clock().now_at
    return any(run.started_at is not None and run.started_at <= now_at - _COVERED_S for run in runs[:1])


def _rotated(host: Host, path: str) -> FileContent | None:
    """Return the end of the newest rotated log that is not compressed, or None."""
    directory, _, name = path.rpartition("/")
    entries = host.list_directory(directory).entries
    rotated = [
        entry
        for entry in entries
        if entry.kind == "file"
        and entry.size_bytes
        and entry.name.startswith((f"{name}.", f"{name}-"))
        and entry.name.removeprefix(name)[1:].isdigit()
    ]
    if not rotated:
        return None
    newest = max(rotated, key=lambda entry: (entry.modified_at, entry.name))
    place = f"{directory}/{newest.name}"
    content = _content(host, place, _LOG_BYTES)
    return None if content is None else replace(content, path=place)


def _with_rpm(
    context: Context, runs: tuple[PackageRun, ...], sources: list[str], *, rotated: bool
) -> tuple[PackageRun, ...]:
    """Add what rpm said in the transactions; without that log a failed scriptlet cannot be seen."""
    path = context.layout.text("path.dnf_rpm_log")
    content = _content(context.host, path, _RPM_LOG_BYTES)
    if content is None:
        return runs
    older = _rotated(context.host, path) if rotated and not content.truncated else None
    for part, place in ((older, older.path if older else ""), (content, path)):
        if part is not None:
            told = parse_dnf_rpm_log(part.text, source=place, numbered=not part.truncated)
            runs = with_rpm_log(runs, told)
            sources.append(place)
    return runs


# --- yum 3 ---


def _runs_of_yum(context: Context, sources: list[str]) -> tuple[PackageRun, ...]:
    """Read yum's history; where there is none or a damaged one, its log, which tells of successes only."""
    state = context.layout.text("path.yum_state")
    runs = _history(context, f"{state}/history", sources)
    if runs is None:
        runs = _log_of_yum(context, sources)
    return _with_unfinished(context, state, runs, sources)


def _history(context: Context, directory: str, sources: list[str]) -> tuple[PackageRun, ...] | None:
    try:
        entries = context.host.list_directory(directory).entries
    except HostError as error:
        if error.kind != "not_found":
            raise
        return None
    names = [e for e in entries if e.name.startswith("history-") and e.name.endswith(".sqlite")]
    newest = max(names, key=lambda entry: entry.name, default=None)
    if newest is None or newest.modified_at < context.host.clock().now_at - _HISTORY_STALE_S:
        return None
    path = f"{directory}/{newest.name}"
    from iwx_agent.parsers.yum_history import parse_yum_history  # SQLite: only where there is yum 3

    content = context.host.read(path, max_bytes=_HISTORY_BYTES)
    if content.truncated:
        return None
    runs = parse_yum_history(content.data, source=path)
    sources.append(path)
    return runs


def _log_of_yum(context: Context, sources: list[str]) -> tuple[PackageRun, ...]:
    path = context.layout.text("path.yum_log")
    content = _content(context.host, path, _LOG_BYTES)
    stale_at = context.host.clock().now_at - _HISTORY_STALE_S
    if content is None or not content.data.strip() or content.modified_at < stale_at:
        return ()
    from iwx_agent.parsers.yum_log import parse_yum_log

    runs = parse_yum_log(content.text, source=path, written_at=content.modified_at)
    sources.append(path)
    return runs


def _with_unfinished(
    context: Context, state: str, runs: tuple[PackageRun, ...], sources: list[str]
) -> tuple[PackageRun, ...]:
    """Add transactions that left their files: yum deletes them only when it came to its end."""
    try:
        entries = context.host.list_directory(state).entries
    except HostError as error:
        if error.kind != "not_found":
            raise
        return runs
    from iwx_agent.parsers.yum_history import parse_unfinished

    names = [entry for entry in entries if entry.name.startswith("transaction-all.")]
    for entry in sorted(names, key=lambda e: e.modified_at)[-_UNFINISHED_COUNT:]:
        path = f"{state}/{entry.name}"
        done = _content(context.host, path.replace("/transaction-all.", "/transaction-done."), _LOG_BYTES)
        planned = context.host.tail(path, max_bytes=_LOG_BYTES)
        sources.append(path)
        runs = _with_one_unfinished(
            runs, parse_unfinished(planned.text, done.text if done else ""), path, entry.modified_at
        )
    return runs


def _with_one_unfinished(
    runs: tuple[PackageRun, ...], told: tuple[tuple[str, ...], tuple[str, ...]], path: str, at: float
) -> tuple[PackageRun, ...]:
    """Put it where it belongs by its time, unless the history knows it already."""
    near = [run for run in runs if run.transaction_at is not None and abs(run.transaction_at - at) <= _SAME_S]
    if any(run.outcome == "killed" for run in near):
        return runs
    planned, done = told
    left = tuple(package for package in planned if package not in done)
    line = LogLine(text=f"left behind by a transaction: {len(left)} packages not done", source=path, at=at)
    package = (done or planned or ("",))[-1]
    run = PackageRun(
        tool="yum",
        command="",
        goal=goal_of(""),
        outcome="killed",
        started_at=at,
        source=path,
        transaction=True,
        transaction_at=at,
        planned=planned,
        changed=done,
        failures=(PackageFailure(kind="killed", line=line, package=package),),
    )
    later = next((i for i, r in enumerate(runs) if (r.started_at or 0.0) > at), len(runs))
    return (*runs[:later], run, *runs[later:])


def _content(host: Host, path: str, max_bytes: int) -> FileContent | None:
    try:
        return host.tail(path, max_bytes=max_bytes)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return None


PROBES = (Probe(ask=package_log),)
