"""Facts about mail on its way: qmail's queue, the end of qmail-send's log, and the filters that SMTP asks."""

from functools import partial

from iwx_agent.host import HostError
from iwx_agent.model import ParseError, PortAnswer, Process, Processes, Unit
from iwx_agent.model.mail import MailFilter, MailFilters, MailQueue, SendLog
from iwx_agent.parsers.clamd import ClamdListens, listens_at
from iwx_agent.parsers.send_log import parse_send_log
from iwx_agent.probes import machine
from iwx_agent.probes.context import Context, Probe, ask_port, ask_unix_socket, together
from iwx_agent.probes.mail_services import switched_on

_SECOND_SAMPLE_AFTER_S = 3.0
_COUNTED_S = 3600.0
_ENTRIES_COUNT = 50_000  # five times what is an error: beyond it only time is lost, on a disk that is busy
# clamd loads its signatures for a minute or two before it listens, spamd its rules for some seconds.
_LOADING_S = {"spam_filter": 30.0, "virus_filter": 180.0}


def mail_queue(context: Context) -> MailQueue:
    """How many messages lie in qmail's queue, and whether those not yet taken in become fewer."""
    path = context.layout.text("path.mail_queue")
    messages, unprocessed, accepted = together(
        [
            partial(context.host.count_tree, f"{path}/{part}", depth=2, max_entries=_ENTRIES_COUNT)
            for part in ("mess", "todo", "info")
        ]
    )
    later_count: int | None = None
    if (
        unprocessed.files_count and not unprocessed.truncated
    ):  # two counts that both end at the cap tell nothing
        context.host.pause(_SECOND_SAMPLE_AFTER_S)
        later_count = context.resample.count_tree(
            f"{path}/todo", depth=2, max_entries=_ENTRIES_COUNT
        ).files_count
    senders = context.host.processes().named(*context.layout.texts("process.mail_send"))
    return MailQueue(
        path=path,
        read_at=context.host.clock().now_at,
        messages_count=messages.files_count,
        messages_truncated=messages.truncated,
        unprocessed_count=unprocessed.files_count,
        unprocessed_oldest_at=unprocessed.oldest_at,
        accepted_newest_at=accepted.newest_at,
        oldest_at=messages.oldest_at,
        sender_running=bool(senders),
        unprocessed_later_count=later_count,
    )


def send_log(context: Context) -> SendLog:
    """What the end of qmail-send's log tells; outcomes are counted over the last hour."""
    places = context.layout.texts("path.send_log")
    since_at = context.host.clock().now_at - _COUNTED_S
    for path in places:
        try:
            content = context.host.tail(path)
        except HostError as error:
            if error.kind != "not_found":
                raise
        else:
            return parse_send_log(content.text, path=path, counted_since_at=since_at)
    raise HostError("not_found", "no log of qmail-send", " or ".join(places))


def mail_filters(context: Context) -> MailFilters:
    """What spamd and clamd answer, as far as they are in use; not_found when neither is."""
    found: list[MailFilter] = []
    units = machine.units(context)
    for name, key in (("spamd", "spam_filter"), ("clamd", "virus_filter")):
        unit = units.first_existing(context.layout.texts(f"unit.{key}"))
        known_by = _in_use(context, key, unit)
        if known_by:
            answer = _spamd(context) if key == "spam_filter" else _clamd(context)
            found.append(_filter(context, name, key, known_by, unit, answer))
    if not found:
        raise HostError(
            "not_found", "neither spamd nor clamd is in use here", "units, services and processes"
        )
    return MailFilters(filters=tuple(found))


def _filter(
    context: Context, name: str, key: str, known_by: str, unit: Unit | None, answer: PortAnswer
) -> MailFilter:
    now_at = context.host.clock().now_at
    started_at = [process.started_at for process in _processes(context, key)]
    young = any(now_at - at < _LOADING_S[key] for at in started_at)
    return MailFilter(
        name=name,
        known_by=known_by,
        answer=answer,
        unit=unit.name if unit else "",
        since_at=unit.state_change_at if unit and not unit.running else None,
        starting=young or (unit is not None and unit.active_state == "activating"),
    )


def _in_use(context: Context, key: str, unit: Unit | None) -> str:
    """Return why an answer is expected: it is enabled, was started, or runs; "" when nothing says so."""
    if unit is not None and (unit.unit_file_state.startswith("enabled") or unit.active_state != "inactive"):
        return f"{unit.name} is {unit.unit_file_state or 'known'} and {unit.active_state}"
    supervised = switched_on(context, context.layout.texts(f"supervised.{key}"))
    if supervised:
        return f"service {supervised[0]} is supervised"
    running = _processes(context, key)
    return f"process {running[0].name} runs" if running else ""


def _processes(context: Context, key: str) -> tuple[Process, ...]:
    names = context.layout.texts(f"process.{key}")
    processes: Processes = context.host.processes()
    # spamd is a Perl script that renames itself: "spamd child", "/usr/bin/spamd -d".
    return tuple(
        process
        for process in processes.entries
        if process.state != "Z"
        and (process.name.split(" ")[0] in names or process.title.split(" ")[0].rpartition("/")[2] in names)
    )


def _spamd(context: Context) -> PortAnswer:
    pids = {process.pid for process in _processes(context, "spam_filter")}
    bound = [s for s in context.host.sockets().entries if s.protocol == "tcp" and s.pid in pids]
    if pids and not bound:
        raise HostError(
            "failed", "spamd runs, but on no TCP port: where it answers cannot be told", "socket list"
        )
    port = bound[0].port if bound else context.layout.port("port.spam_filter")
    return _connection(context, port, bound[0].address if bound else "127.0.0.1")


def _clamd(context: Context) -> PortAnswer:
    listens = _clamd_listens(context)
    paths = (listens.socket_path,) if listens.socket_path else context.layout.texts("path.clamd_socket")
    absent: PortAnswer | None = None
    for path in paths:
        try:
            return _usable(ask_unix_socket(context.host, path, expect_greeting=False))
        except HostError as error:
            if error.kind != "not_found":
                raise
            absent = absent or PortAnswer(
                address=path, port=0, tls=False, outcome="refused", detail="there is no such socket"
            )
    if listens.socket_path and not listens.port and absent is not None:
        return absent
    answer = _connection(context, listens.port or context.layout.port("port.virus_filter"), "127.0.0.1")
    if answer.outcome == "refused" and not listens.port and _processes(context, "virus_filter"):
        raise HostError(
            "failed", "clamd runs, but at none of its usual places: where it answers cannot be told", paths[0]
        )
    return answer


def _clamd_listens(context: Context) -> ClamdListens:
    for path in context.layout.texts("path.clamd_config"):
        try:
            return listens_at(context.host.read(path, max_bytes=64 * 1024).text)
        except HostError as error:
            if error.kind != "not_found":
                raise
        except ParseError:
            continue
    return ClamdListens()


def _connection(context: Context, port: int, address: str) -> PortAnswer:
    where = "127.0.0.1" if address in ("0.0.0.0", "::", "*") else address  # noqa: S104 - compared, not bound
    return _usable(ask_port(context.host, port, address=where, expect_greeting=False, timeout_s=5.0))


def _usable(answer: PortAnswer) -> PortAnswer:
    if answer.outcome == "failed":  # an error on the agent's side says nothing about the filter
        raise HostError("failed", answer.detail or "could not be asked", answer.source)
    return answer


PROBES = (
    Probe(ask=mail_queue),
    Probe(ask=send_log),
    Probe(ask=mail_filters),
)
