"""Facts about the panel itself: its pages, unit, processes, ports, PHP and cron."""

from functools import partial

from iwx_agent.host import KIB, MIB, HostError
from iwx_agent.model import (
    Alternative,
    LogLine,
    PageAnswer,
    ParseError,
    PortAnswer,
    Process,
    Unit,
)
from iwx_agent.model.panel import (
    CronDaemon,
    PanelCron,
    PanelPhp,
    PanelPorts,
    PanelProcesses,
    PoolSockets,
    page_works,
)
from iwx_agent.parsers.cron_log import parse_cron_log
from iwx_agent.parsers.journal import parse_json_lines
from iwx_agent.parsers.php_fpm import parse_pools
from iwx_agent.probes.context import Context, Probe, ask_page, ask_unix_socket, together
from iwx_agent.probes.machine import listening_sockets, panel, processes, units

_UNIT_LINES_COUNT = 20
_LOG_LINES_COUNT = 10
_POOL_FILES_COUNT = 12
_CRON_RECENT_S = 900.0  # three runs of the job
_CRON_WINDOW_S = 1800.0  # a log that reaches back less than this cannot show that a job does not run
_CRON_STALE_S = 7200.0  # cron.hourly alone writes to the log once an hour
_CRON_LINES_COUNTS = (
    200,
    6000,
)  # some minutes of a usual server; the second only when the first is not enough


def nodeworx_https(context: Context) -> PageAnswer:
    """NodeWorx' page over HTTPS on loopback, as an administrator's browser asks for it."""
    port = context.layout.port("port.nodeworx_https")
    return ask_page(
        context.host, f"https://localhost:{port}{context.layout.text('url.nodeworx')}", timeout_s=10.0
    )


def nodeworx_http(context: Context) -> PageAnswer:
    """NodeWorx' page over plain HTTP."""
    port = context.layout.port("port.nodeworx_http")
    return ask_page(
        context.host, f"http://localhost:{port}{context.layout.text('url.nodeworx')}", timeout_s=10.0
    )


def panel_unit(context: Context) -> Unit:
    """The panel's own unit."""
    return _existing_unit(context, "unit.panel")


def panel_processes(context: Context) -> PanelProcesses:
    """The panel's running processes, by name or by the program that was started."""
    layout = context.layout
    homes = tuple(f"{home}/" for home in layout.texts("path.home"))

    def part(key: str, programs: tuple[str, ...]) -> tuple[Process, ...]:
        names = layout.texts(key)
        return tuple(p for p in running if p.name in names or p.title.split(" ", 1)[0] in programs)

    running = tuple(p for p in processes(context).entries if p.state != "Z")
    workers = layout.texts("process.panel_php")
    return PanelProcesses(
        web=part("process.panel_web", layout.texts("path.panel_web_program")),
        database=part("process.panel_database", layout.texts("path.panel_database_program")),
        php=tuple(
            p
            for p in running
            if p.title in workers or (p.name.startswith("php-fpm") and any(h in p.title for h in homes))
        ),
        web_name=layout.text("process.panel_web"),
        database_name=layout.text("process.panel_database"),
    )


def panel_ports(context: Context) -> PanelPorts:
    """Who listens on the panel's web ports."""
    layout = context.layout
    ports = (layout.port("port.nodeworx_https"), layout.port("port.nodeworx_http"))
    sockets = listening_sockets(context)
    holders = tuple(socket for port in ports for socket in sockets.on("tcp", port))
    if any(not holder.process_name for holder in holders) and not panel_processes(context).web:
        raise HostError(
            "permission", "something listens on the panel's port, but not told which program", "sockets"
        )
    return PanelPorts(ports=ports, holders=holders, own_names=layout.texts("process.panel_port_holder"))


def panel_start_log(context: Context) -> tuple[LogLine, ...]:
    """What systemd and the panel's start script said last; nothing is read while the panel works."""
    unit = panel_unit(context)
    if unit.running and page_works(nodeworx_https(context)):
        return ()
    return (
        *_unit_journal(context, unit.name),
        *_last_lines(context, context.layout.text("path.panel_start_log")),
    )


def panel_php(context: Context) -> PanelPhp:
    """The unit of the panel's PHP: by the panel's release, else the one that runs."""
    known = units(context).by_name
    alternatives = context.layout.entries["unit.panel_php"]
    release = panel(context).version.split(".", 1)[0]
    fitting = tuple(a for a in alternatives if release.isdigit() and _fits(a, int(release)))
    there = [known[str(a.value)] for a in fitting or alternatives if known[str(a.value)].exists]
    others = [known[str(a.value)] for a in alternatives if known[str(a.value)].running]
    if not there and not others:
        names = ", ".join(str(a.value) for a in alternatives)
        raise HostError(
            "not_found", f"systemd knows none of the panel's PHP units ({names})", "systemctl show"
        )
    there.sort(key=lambda unit: (not unit.running, unit.active_state == "inactive"))
    by = f"release {release}" if fitting and there else "what systemd knows"
    return PanelPhp(unit=(there or others)[0], chosen_by=by)


def panel_php_journal(context: Context) -> tuple[LogLine, ...]:
    """What systemd said last of the panel's PHP; nothing is read while it runs."""
    unit = panel_php(context).unit
    return () if unit.running else _unit_journal(context, unit.name)


def panel_php_sockets(context: Context) -> PoolSockets:
    """Whether the pools of the panel's PHP accept connections; not asked while NodeWorx works."""
    directory = context.layout.text("path.panel_php_pools")
    if page_works(nodeworx_https(context)):
        return PoolSockets(answers=(), directory=directory)
    names = [e.name for e in context.host.list_directory(directory).entries if e.name.endswith(".conf")]
    pools = [
        place
        for name in names[:_POOL_FILES_COUNT]
        for _, place in parse_pools(context.host.read(f"{directory}/{name}", max_bytes=64 * KIB).text)
        if place.startswith("/")
    ]
    answers = together([partial(_pool_socket, context, path) for path in dict.fromkeys(pools)])
    return PoolSockets(answers=answers, directory=directory)


def cron_daemon(context: Context) -> CronDaemon:
    """The cron daemon's unit and processes."""
    names = context.layout.texts("process.cron")
    return CronDaemon(unit=_existing_unit(context, "unit.cron"), processes=processes(context).named(*names))


def panel_cron(context: Context) -> PanelCron:
    """The newest run of the panel's five-minute job, from the journal or the cron log, whichever is newer."""
    now_at = context.host.clock().now_at
    daemon = cron_daemon(context)
    if not daemon.processes and not daemon.unit.running:  # then it is the daemon that is judged
        return PanelCron(
            seen=None, covered_from_at=now_at, newest_at=now_at, source="not asked: no cron daemon"
        )
    found: list[PanelCron] = []
    reasons: list[str] = []
    for ask in (_cron_in_journal, _cron_in_file):
        try:
            found.append(ask(context))
        except (HostError, ParseError) as error:
            reasons.append(str(error))
            continue
        if _seen_at(found[-1]) >= now_at - _CRON_RECENT_S:
            return found[-1]
    if not found:
        raise HostError("failed", "; ".join(reasons)[:400], "cron log")
    return max(found, key=_seen_at)


def _seen_at(cron: PanelCron) -> float:
    return (cron.seen.at or 0.0) if cron.seen else 0.0


def _cron_in_journal(context: Context) -> PanelCron:
    """Look in the journal of this boot; a journal that itself stands still shows nothing of a job."""
    job = context.layout.text("process.panel_cron_job")
    lines: tuple[LogLine, ...] = ()
    for count in _CRON_LINES_COUNTS:
        lines = _journal(context, "-t", "CROND", "-b", "-r", "-n", str(count))
        if len(lines) < count or any(job in line.text for line in lines):
            break
    cron = _cron(context, lines[::-1], "journalctl -t CROND -b")
    now_at = context.host.clock().now_at
    if _seen_at(cron) < now_at - _CRON_RECENT_S:
        newest = _journal(context, "-n", "1")
        if not newest or (newest[0].at or 0.0) < now_at - _CRON_RECENT_S:
            raise HostError("failed", "the journal has no new entry of any program", cron.source)
    return cron


def _cron_in_file(context: Context) -> PanelCron:
    path = context.layout.text("path.cron_log")
    content = context.host.tail(path)
    if content.modified_at < context.host.clock().now_at - _CRON_STALE_S:
        raise HostError("failed", "nothing was written to it for two hours, whatever runs", path)
    return _cron(context, parse_cron_log(content.text, source=path, changed_at=content.modified_at), path)


def _cron(context: Context, lines: tuple[LogLine, ...], source: str) -> PanelCron:
    """Pick the newest run out of cron's lines, oldest first."""
    job = context.layout.text("process.panel_cron_job")
    seen = next((line for line in reversed(lines) if job in line.text), None)
    times = [line.at for line in lines if line.at is not None]
    if not times:
        raise HostError("failed", "holds no line of the cron daemon", source)
    if seen is None and times[0] > context.host.clock().now_at - _CRON_WINDOW_S:
        raise HostError("failed", "does not reach back far enough", source)
    return PanelCron(seen=seen, covered_from_at=times[0], newest_at=times[-1], source=source)


def _journal(context: Context, *arguments: str) -> tuple[LogLine, ...]:
    """Ask journalctl; raises HostError when it fails, as it does for a user who may not read the journal."""
    argv = ("journalctl", "-q", "--no-pager", "-o", "json", *arguments)
    answer = context.host.run(argv, timeout_s=5.0, max_bytes=8 * MIB)
    if answer.exit_code != 0 and not answer.truncated:
        why = "no answer within 5 s" if answer.timed_out else answer.error_text.strip()[:200]
        raise HostError("failed", why or f"exit {answer.exit_code}", answer.source)
    return parse_json_lines(answer.text, source=" ".join(argv), truncated=answer.truncated)


def _unit_journal(context: Context, unit_name: str) -> tuple[LogLine, ...]:
    """Return a unit's last lines; none when they cannot be had, since they only illustrate what is known."""
    try:
        return _journal(context, "-u", unit_name, "-n", str(_UNIT_LINES_COUNT))
    except (HostError, ParseError):
        return ()


def _last_lines(context: Context, path: str) -> tuple[LogLine, ...]:
    try:
        content = context.host.tail(
            path, max_bytes=64 * KIB, timeout_s=3.0
        )  # as signs.py asks, the same answer
    except HostError:
        return ()  # it only illustrates, as above
    lines = [line for line in content.text.split("\n") if line.strip()]
    return tuple(LogLine(text=line[:500], source=path) for line in lines[-_LOG_LINES_COUNT:])


def _existing_unit(context: Context, key: str) -> Unit:
    names = context.layout.texts(key)
    unit = units(context).first_existing(names)
    if unit is None:
        raise HostError("not_found", f"systemd knows no {' or '.join(names)}", "systemctl show")
    return unit


def _fits(alternative: Alternative, release: int) -> bool:
    return not alternative.versions or release in alternative.versions


def _pool_socket(context: Context, path: str) -> PortAnswer:
    """Connect and say nothing: ``greeted`` means that it accepted, ``failed`` that there is no socket."""
    try:
        return ask_unix_socket(context.host, path, expect_greeting=False, timeout_s=3.0)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return PortAnswer(address=path, port=0, tls=False, outcome="failed", detail=error.reason, limit_s=3.0)


PROBES = (
    Probe(ask=nodeworx_https),
    Probe(ask=nodeworx_http),
    Probe(ask=panel_unit),
    Probe(ask=panel_processes),
    Probe(ask=panel_ports),
    Probe(ask=panel_start_log),
    Probe(ask=panel_php),
    Probe(ask=panel_php_journal),
    Probe(ask=panel_php_sockets),
    Probe(ask=cron_daemon),
    Probe(ask=panel_cron),
)
