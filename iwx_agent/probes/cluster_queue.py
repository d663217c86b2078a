"""The panel's command queue, from two sources: its command line, and read-only its database.

Both are asked, since neither is documented. Where one says that something waits or failed and the other does
not, the worse is told, and what the other says beside it: a false alarm is looked into, a false "ok" is not.
"""

import shlex
from collections.abc import Callable
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.host import Host, HostError
from iwx_agent.model import ParseError
from iwx_agent.model.cluster import ClusterNode, ClusterRole, CommandQueue, Complete, NodeQueue, QueueEntry
from iwx_agent.model.panel_cli import PanelRow
from iwx_agent.parsers.cluster_nodes import merged
from iwx_agent.parsers.command_queue import QueueReading, by_node, read_queue
from iwx_agent.parsers.wall_clock import parse_zone
from iwx_agent.probes.cluster import cluster_role
from iwx_agent.probes.cluster_tables import nodes_in_database, queue_in_database, queue_words
from iwx_agent.probes.context import Context, Probe
from iwx_agent.probes.panel_cli import ask_panel, panel_answer, read_actions_of

_SECOND_SAMPLE_AFTER_S = 3.0
_ROWS_MOST = 2000  # what one answer of the command line is read of
_QUOTED_CHARACTERS = 500


class _Told(Struct, frozen=True, kw_only=True):
    """What one source told of the queue."""

    entries: tuple[QueueEntry, ...]
    gaps: tuple[str, ...]
    source: str
    truncated: bool = False


_Ask = Callable[[Context, tuple[ClusterNode, ...], Host], _Told]


def command_queue(context: Context) -> CommandQueue:
    """The command queue by node; where something waits it is looked at again some seconds later."""
    role = _in_cluster(context)
    nodes = _known_nodes(context, role)
    first = _first_look(context, nodes)
    told = {ask: found for ask, found in first.items() if isinstance(found, _Told)}
    if not told:
        raise HostError("failed", _reasons(first), "the panel's command queue")
    later: dict[_Ask, tuple[QueueEntry, ...]] = {}
    if any(entry.state == "waiting" for found in told.values() for entry in found.entries):
        context.host.pause(_SECOND_SAMPLE_AFTER_S)
        later = _second_look(context, nodes, told)
    return CommandQueue(
        part="manager" if role.part == "manager" else "node",
        nodes=_by_node(told, later),
        source=" and ".join(found.source for found in told.values()),
        read_at=context.host.clock().now_at,
        between_s=_SECOND_SAMPLE_AFTER_S if later else 0.0,
        look=_look(context),
        at_least=any(found.truncated for found in told.values()),
    )


def _by_node(told: dict[_Ask, _Told], later: dict[_Ask, tuple[QueueEntry, ...]]) -> tuple[NodeQueue, ...]:
    queues = {
        ask: tuple(
            replace(queue, from_database=ask is _database)
            for queue in by_node(found.entries, later.get(ask), source=found.source)
        )
        for ask, found in told.items()
    }
    if len(queues) == 1:
        return next(iter(queues.values()))
    whole = {
        from_database: not told[ask].gaps
        for ask, from_database in ((_command_line, False), (_database, True))
    }
    return tuple(
        # What was read with gaps contradicts nothing.
        queue if whole[not queue.from_database] else replace(queue, contradicted_by="")
        for queue in _the_worse(queues[_command_line], queues[_database])
    )


def command_queue_complete(context: Context) -> Complete:
    """Whether at least one of the sources told the queue without a gap."""
    role = _in_cluster(context)
    first = _first_look(context, _known_nodes(context, role))
    whole = [found.source for found in first.values() if isinstance(found, _Told) and not found.gaps]
    if not whole:
        raise HostError("failed", _reasons(first), "the panel's command queue")
    return Complete(source=whole[0])


def _in_cluster(context: Context) -> ClusterRole:
    role = cluster_role(context)
    if role.part == "single":
        raise HostError("not_found", "this server is in no cluster", role.source)
    return role


def _known_nodes(context: Context, role: ClusterRole) -> tuple[ClusterNode, ...]:
    """Return the nodes with the numbers by which the queue may call them, which the panel may not list."""
    if role.part == "node" or all(node.node_id for node in role.nodes):
        return role.nodes
    try:
        return merged(role.nodes, nodes_in_database(context))
    except HostError:
        return role.nodes  # the queue is told by number then: node 2


# --- the sources ---


def _first_look(context: Context, nodes: tuple[ClusterNode, ...]) -> dict[_Ask, _Told | HostError]:
    found: dict[_Ask, _Told | HostError] = {}
    for ask in (_command_line, _database):
        try:
            found[ask] = ask(context, nodes, context.host)
        except HostError as error:
            found[ask] = error
    return found


def _second_look(
    context: Context, nodes: tuple[ClusterNode, ...], told: dict[_Ask, _Told]
) -> dict[_Ask, tuple[QueueEntry, ...]]:
    later: dict[_Ask, tuple[QueueEntry, ...]] = {}
    for ask in told:
        try:
            later[ask] = ask(context, nodes, context.resample).entries
        except HostError:
            continue  # one sample then: whether it moves is not known
    return later


def _command_line(context: Context, nodes: tuple[ClusterNode, ...], host: Host) -> _Told:
    answer = ask_panel(context, _question(context), host=host)
    if answer.silent:
        raise HostError("failed", "said nothing, with exit code 0", answer.source)
    reading = _read(context, answer.rows, nodes)
    gaps = reading.gaps
    if len(answer.rows) >= _ROWS_MOST:
        gaps = (*gaps, f"only the first {_ROWS_MOST} rows were read")
    return _Told(
        entries=reading.entries, gaps=gaps, source=answer.source, truncated=len(answer.rows) >= _ROWS_MOST
    )


def _database(context: Context, nodes: tuple[ClusterNode, ...], host: Host) -> _Told:
    found = queue_in_database(context, host)
    reading = _read(context, found.rows, nodes)
    gaps = (*reading.gaps, "there are more rows than were read") if found.truncated else reading.gaps
    return _Told(entries=reading.entries, gaps=gaps, source=found.source, truncated=found.truncated)


def _question(context: Context) -> tuple[str, ...]:
    """Return the command that lists the queue: its action is looked up, unless the layout has it."""
    argv = context.layout.command("command.command_queue")
    if "-a" in argv:
        return argv
    try:
        panel_answer(context, "command.cluster_nodes")
    except HostError as error:
        if error.kind == "timeout":  # asked for the nodes already: it would only hang again
            raise
    names = read_actions_of(context, argv)
    for pattern in context.layout.words("words.queue_action"):
        for name in names:
            if fnmatchcase(name.lower(), pattern):
                return (*argv, "-a", name)
    reason = f"of its read actions none is known to list the queue: {', '.join(names[:10])}"
    raise HostError("failed", reason, shlex.join(argv))


def _look(context: Context) -> str:
    try:
        return shlex.join(_question(context))
    except HostError:
        return shlex.join(context.layout.command("command.command_queue"))


def _read(context: Context, rows: tuple[PanelRow, ...], nodes: tuple[ClusterNode, ...]) -> QueueReading:
    words, now_at = queue_words(context), context.host.clock().now_at
    reading = read_queue(rows, words, nodes, now_at=now_at)
    if not reading.zone_needed:
        return reading
    try:
        zone_s = parse_zone(context.host.run(("date", "+%z"), timeout_s=3.0).text)
    except (HostError, ParseError):
        return reading
    return read_queue(rows, words, nodes, now_at=now_at, zone_s=zone_s)


def _reasons(first: dict[_Ask, _Told | HostError]) -> str:
    said = [
        f"{name}: {'; '.join(found.gaps) if isinstance(found, _Told) else found.reason}"
        for name, found in zip(("command line", "database"), first.values(), strict=True)
    ]
    return "; ".join(said)[:_QUOTED_CHARACTERS]


# --- two sources, one answer ---


def _the_worse(cli: tuple[NodeQueue, ...], database: tuple[NodeQueue, ...]) -> tuple[NodeQueue, ...]:
    """Return for each node the worse of what the sources say; where they differ, what the other one says."""
    if _names_nodes(cli) != _names_nodes(database) and cli and database:
        telling, other = (cli, database) if _names_nodes(cli) else (database, cli)
        sums = _summed(telling), _summed(other)
        if _agree(*sums):
            return telling
        worse, better = (telling, sums[1]) if _badness(sums[0]) >= _badness(sums[1]) else (other, sums[0])
        return tuple(replace(queue, contradicted_by=_words(better)) for queue in worse)
    by_cli, by_database = ({queue.node: queue for queue in told} for told in (cli, database))
    return tuple(
        _worse(
            by_cli.get(node, NodeQueue(node=node, source="the command line")),
            by_database.get(node, NodeQueue(node=node, source="the panel's database", from_database=True)),
        )
        for node in sorted({*by_cli, *by_database})
    )


def _worse(cli: NodeQueue, database: NodeQueue) -> NodeQueue:
    if not _agree(cli, database):
        worse, better = (cli, database) if _badness(cli) >= _badness(database) else (database, cli)
        return replace(worse, contradicted_by=_words(better))
    timeless = (cli.waiting_count and cli.oldest_at is None) or (
        cli.failed_count and cli.failed_newest_at is None
    )
    fuller = database if timeless else cli
    known = [at for at in (cli.progress_at, database.progress_at) if at is not None]
    left = [count for count in (cli.left_count, database.left_count) if count is not None]
    return replace(fuller, progress_at=max(known, default=None), left_count=max(left, default=None))


def _agree(one: NodeQueue, other: NodeQueue) -> bool:
    """Return whether both say alike that something waits, and that something failed; counts change."""
    return _badness(one)[:2] == _badness(other)[:2]


def _badness(queue: NodeQueue) -> tuple[bool, bool, int]:
    return bool(queue.waiting_count), bool(queue.failed_count), queue.waiting_count + queue.failed_count


def _words(queue: NodeQueue) -> str:
    source = "the panel's database" if queue.from_database else "the panel's command line"
    return f"{source} says: {queue.waiting_count} wait, {queue.failed_count} failed"


def _names_nodes(queues: tuple[NodeQueue, ...]) -> bool:
    return any(queue.node for queue in queues)


def _summed(queues: tuple[NodeQueue, ...]) -> NodeQueue:
    return NodeQueue(
        node="",
        waiting_count=sum(queue.waiting_count for queue in queues),
        failed_count=sum(queue.failed_count for queue in queues),
        from_database=any(queue.from_database for queue in queues),
    )


PROBES = (Probe(ask=command_queue), Probe(ask=command_queue_complete))
