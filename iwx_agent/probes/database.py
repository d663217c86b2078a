"""Facts about database servers, each through its unix socket: the panel's own one and the customers' MySQL.

Never over TCP: there a connection without a login counts against its address, until that is blocked.
"""

from collections.abc import Callable

from msgspec.structs import replace

from iwx_agent.host import KIB, Host, HostError, UnixGreeting
from iwx_agent.model import LogLine, ParseError, Unit
from iwx_agent.model.database import DatabaseAnswer, DatabaseOutcome
from iwx_agent.model.panel import page_works
from iwx_agent.parsers.mysql_greeting import parse_greeting
from iwx_agent.parsers.mysql_log import parse_errors
from iwx_agent.parsers.unix_sockets import parse_listening
from iwx_agent.probes.context import Context, Probe
from iwx_agent.probes.machine import units
from iwx_agent.probes.panel import nodeworx_https, panel_processes

_TIMEOUT_S = 5.0
_LOG_LINES_COUNT = 10
_LOGS_COUNT = 4
_UNBOUND = "the kernel knows no socket of this name"
_OUTCOMES: dict[str, DatabaseOutcome] = {
    "not_found": "no_socket",
    "refused": "refused",
    "timeout": "silent",
    "closed": "closed",
}


def panel_database(context: Context) -> DatabaseAnswer:
    """What the panel's own database says first."""
    answer = _first_there(context.host, context.layout.texts("path.database_socket"))
    if answer.outcome != "no_socket" or not panel_processes(context).database:
        return answer
    bound = _as_bound(context, answer.path)
    if bound is None and page_works(nodeworx_https(context)):
        raise HostError("failed", f"the panel's database runs, but {_UNBOUND}", answer.path)
    return bound or answer


def mysql_database(context: Context) -> DatabaseAnswer:
    """What the customers' MySQL says first; not_found when it is not installed or was switched off."""
    answer = _first_there(context.host, context.layout.texts("path.mysql_socket"))
    if answer.outcome not in ("no_socket", "refused"):
        return answer
    try:
        unit = _mysql_unit(context)
    except (HostError, ParseError):
        if answer.outcome == "refused":
            return answer  # somebody left the socket behind, so it was there: no word of systemd is needed
        raise
    if unit is None and answer.outcome == "no_socket":
        raise HostError("not_found", "no MySQL or MariaDB on this machine", answer.path)
    if unit is None:
        raise HostError("failed", "nobody listens on this socket, and no unit is known for it", answer.path)
    if unit.active_state == "inactive" and unit.unit_file_state in ("disabled", "masked", "masked-runtime"):
        raise HostError("not_found", f"{unit.name} is stopped and {unit.unit_file_state}", answer.path)
    if unit.running and answer.outcome == "no_socket":
        bound = _as_bound(context, answer.path)
        if bound is None:
            raise HostError("failed", f"{unit.name} is active, but {_UNBOUND}", answer.path)
        return bound
    return answer


def mysql_unit(context: Context) -> Unit:
    """The unit of the customers' MySQL: of several the one that runs, else the one that failed."""
    unit = _mysql_unit(context)
    if unit is None:
        raise HostError("not_found", "no unit of MySQL or MariaDB", "systemctl show")
    return unit


def panel_database_log(context: Context) -> tuple[LogLine, ...]:
    """The last errors in the log of the panel's database; nothing is read while it greets."""
    return _errors(context, panel_database, "", "path.panel_database_log_directory")


def mysql_log(context: Context) -> tuple[LogLine, ...]:
    """The last errors in the log of the customers' MySQL; nothing is read while it greets."""
    return _errors(context, mysql_database, "path.mysql_log", "path.mysql_log_directory")


def ask_database(host: Host, path: str) -> DatabaseAnswer:
    """Connect to a database's unix socket and read its greeting; what the server does is a value.

    Raises:
        HostError: for what says nothing about the server: no permission, the budget is over, not captured.
    """
    try:
        answer = host.greeting(UnixGreeting(path=path, timeout_s=_TIMEOUT_S))
    except HostError as error:
        if error.kind not in _OUTCOMES:
            raise
        return DatabaseAnswer(path=path, outcome=_OUTCOMES[error.kind], text=error.reason, limit_s=_TIMEOUT_S)
    if not answer.data:
        return DatabaseAnswer(path=path, outcome="closed", text="closes without a word", limit_s=_TIMEOUT_S)
    try:
        greeting = parse_greeting(answer.data)
    except ParseError as error:
        return DatabaseAnswer(path=path, outcome="garbled", text=str(error), limit_s=_TIMEOUT_S)
    return DatabaseAnswer(
        path=path,
        outcome="error" if greeting.error_code else "greeted",
        version=greeting.version,
        error_code=greeting.error_code,
        text=greeting.text,
        duration_s=answer.duration_s,
        limit_s=_TIMEOUT_S,
    )


def _first_there(host: Host, paths: tuple[str, ...]) -> DatabaseAnswer:
    """Ask the first socket that exists; ``no_socket`` names the first place of all."""
    answers = []
    for path in paths:
        answers.append(ask_database(host, path))
        if answers[-1].outcome != "no_socket":
            return answers[-1]
    return answers[0]


def _as_bound(context: Context, known_path: str) -> DatabaseAnswer | None:
    """Ask the socket of that file name where the kernel says it is bound; None when there is none.

    So a socket file that was deleted under a running server is told from one that lies in another place.
    """
    file_name = known_path.rsplit("/", 1)[-1]
    listening = parse_listening(context.host.read("/proc/net/unix").text)
    places = tuple(path for path in listening if path.rsplit("/", 1)[-1] == file_name)
    if not places:
        return None
    answer = _first_there(context.host, places[:3])
    if answer.outcome != "no_socket":
        return answer
    return replace(answer, text="the socket file was deleted; the server runs and is still bound to it")


def _mysql_unit(context: Context) -> Unit | None:
    known = units(context)
    names = context.layout.texts("unit.mysql")
    there = [known.by_name[name] for name in names if name in known.by_name and known.by_name[name].exists]
    there.sort(
        key=lambda unit: (not unit.running, unit.active_state == "inactive")
    )  # stable: the layout's order
    return there[0] if there else None


def _errors(
    context: Context, ask: Callable[[Context], DatabaseAnswer], files_key: str, directories_key: str
) -> tuple[LogLine, ...]:
    if ask(context).outcome == "greeted":
        return ()
    paths = list(context.layout.texts(files_key)) if files_key else []
    for directory in context.layout.texts(directories_key):
        paths += _error_files(context.host, directory)
    newest: tuple[float, tuple[LogLine, ...]] = (0.0, ())
    for path in paths[:_LOGS_COUNT]:
        try:
            content = context.host.tail(path, max_bytes=64 * KIB, timeout_s=2.0)
        except HostError:
            continue  # one of several places; most machines have one of them
        newest = max(
            newest, (content.modified_at, parse_errors(content.text, source=path)), key=lambda n: n[0]
        )
    return newest[1][-_LOG_LINES_COUNT:]


def _error_files(host: Host, directory: str) -> list[str]:
    try:
        names = [entry.name for entry in host.list_directory(directory).entries if entry.kind == "file"]
    except HostError:
        return []
    return [f"{directory}/{name}" for name in names if name.endswith(".err")][:2]


PROBES = (
    Probe(ask=panel_database),
    Probe(ask=mysql_database),
    Probe(ask=mysql_unit),
    Probe(ask=panel_database_log),
    Probe(ask=mysql_log),
)
