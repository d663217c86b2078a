"""Facts from the kernel's log: failing disks, processes killed for lack of memory."""

from iwx_agent.host import MIB, HostError
from iwx_agent.model import LogLine, ParseError
from iwx_agent.model.system import DiskFaults, OomKills
from iwx_agent.parsers import journal, kernel_log, syslog
from iwx_agent.probes.context import Context, Probe

_ERRORS = ("journalctl", "-k", "-p", "err", "-n", "1000", "-o", "json", "--no-pager")
_ANYTHING = ("journalctl", "-k", "-n", "1", "-o", "json", "--no-pager")
_LAST_HOUR = ("journalctl", "-k", "--since=-1h", "-n", "2000", "-o", "json", "--no-pager")
_SYSLOG = "/var/log/messages"
_CONTAINER_MARK = "/run/systemd/container"  # written by systemd itself in every container it boots in


def disk_faults(context: Context) -> DiskFaults:
    """Kernel messages about failing disks since boot; certain absence in a container that gets none."""
    found = kernel_log.disk_faults(_kernel_errors(context))
    return DiskFaults(entries=found, read_at=context.host.clock().now_at)


def oom_kills(context: Context) -> OomKills:
    """Processes killed for lack of memory since boot; a container that gets no kernel messages says so."""
    read_at = context.host.clock().now_at
    try:
        found = kernel_log.oom_kills(_kernel_errors(context))
    except HostError as error:
        if error.kind != "not_found":
            raise
        return OomKills(entries=(), read_at=read_at, kept_elsewhere=error.reason)
    return OomKills(entries=found, read_at=read_at)


def container_mark(context: Context) -> str:
    """Return the file that proves that this is a container, or an empty text."""
    try:
        context.host.stat(_CONTAINER_MARK)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ""
    return _CONTAINER_MARK


def last_hour(context: Context) -> tuple[LogLine, ...]:
    """Return the kernel's messages of the last hour; none where they cannot be read."""
    return _journal(context, _LAST_HOUR) or ()


def _kernel_errors(context: Context) -> tuple[LogLine, ...]:
    """Return the kernel's error messages since boot, from the journal or else from the syslog file.

    An empty answer is only believed where the journal holds anything of the kernel at all.
    """
    lines = _journal(context, _ERRORS)
    if lines or (lines is not None and _journal(context, _ANYTHING)):
        return lines
    lines = _syslog(context)
    if lines:
        return lines
    mark = container_mark(context)
    if mark:
        raise HostError("not_found", "a container: its kernel's messages go to its host", mark)
    raise HostError("failed", f"no kernel messages in the journal, nor at the end of {_SYSLOG}", "kernel log")


def _syslog(context: Context) -> tuple[LogLine, ...]:
    try:
        # The whole file, not its end: a firewall's lines soon push a disk's last words out of any end.
        content = context.host.scan(_SYSLOG, needles=(" kernel: ",))
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ()
    return syslog.parse_program(
        content.text, program="kernel", source=_SYSLOG, written_at=content.modified_at
    )


def _journal(context: Context, argv: tuple[str, ...]) -> tuple[LogLine, ...] | None:
    """Return the entries, or None when journalctl does not run or is not understood here."""
    try:
        answer = context.host.run(argv, timeout_s=6.0, max_bytes=4 * MIB)
        if answer.timed_out or not (answer.truncated or answer.exit_code == 0):
            return None
        return journal.parse_json_lines(answer.text, source=" ".join(argv), truncated=answer.truncated)
    except HostError as error:
        none_unless_over(error)
    except ParseError:
        pass
    return None


def none_unless_over(error: HostError) -> None:
    """Pass over what this machine does not have; the end of the budget or of a capture is no such thing."""
    if error.kind in ("over_budget", "not_captured"):
        raise error


PROBES = (
    Probe(ask=disk_faults),
    Probe(ask=oom_kills),
)
