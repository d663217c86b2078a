"""The panel's command queue moves: what was ordered for the nodes of a cluster is carried out on them.

Facts:
    panel: the panel is installed; command_queue: by node, what waits, since when, whether it moves, what
    failed; command_queue_complete: that nothing in the answers was left out because it was not understood.

Limits:
    stuck_s: how long the oldest command waits, with none ended since as far as is known and none gone within
    a few seconds, when the queue is stuck; lag_s: how long it waits when the queue is behind; long_count and
    very_long_count: how many wait when it is long; failed_recent_s: a failure up to that age is an error.

Codes:
    CLUSTER-001 the queue of a node is stuck; CLUSTER-002 commands failed on a node; CLUSTER-003 the queue of
    a node is behind or long, but is not stuck.

Source:
    Support guide 7.1, "Stuck command queues on cluster nodes"; vendor API manual, /nodeworx/command/queue.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Missing, PanelPresence, Scope, Severity, grade, moment
from iwx_agent.model.cluster import CommandQueue, Complete, NodeQueue, named

_SHOWN_COUNT = 10
_MINUTES_UP_TO = 180
_HOURS_UP_TO = 72
_INFERRED = "The queue's columns and states are not documented: they were recognised by usual names."
_THERE = "iwx-agent diagnose   # on the node itself: what keeps it from carrying out its commands?"
_KEEP = "Leave the waiting commands where they are: they show support what each node has missed."


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    stuck_s: float = 1800.0
    lag_s: float = 600.0
    long_count: int = 100
    very_long_count: int = 1000
    failed_recent_s: float = 86_400.0


def judge(
    panel: PanelPresence,
    command_queue: CommandQueue,
    command_queue_complete: Complete | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge each node's queue; all nodes with the same trouble are in one finding."""
    queue = command_queue
    stuck = [one for one in queue.nodes if _is_stuck(one, queue.read_at, limits)]
    slow = [one for one in queue.nodes if one not in stuck and _slowness(one, queue.read_at, limits)]
    failed = [one for one in queue.nodes if one.failed_count]
    if stuck:
        yield _stuck(stuck, queue)
    if failed:
        yield _failed(failed, queue, limits)
    if slow:
        yield _slow(slow, queue, limits)


def _is_stuck(one: NodeQueue, read_at: float, limits: Limits) -> bool:
    """Whether what waits is old, nothing is known to have ended since, and nothing left while watched."""
    if not one.waiting_count or one.oldest_at is None or one.left_count:
        return False
    moved_at = one.oldest_at if one.progress_at is None else max(one.oldest_at, one.progress_at)
    return read_at - moved_at >= limits.stuck_s


def _slowness(one: NodeQueue, read_at: float, limits: Limits) -> Severity | None:
    severity = grade(one.waiting_count, warning=limits.long_count, error=limits.very_long_count)
    if severity is None and one.oldest_at is not None and read_at - one.oldest_at >= limits.lag_s:
        return Severity.WARNING
    return severity


def _stuck(stuck: list[NodeQueue], queue: CommandQueue) -> Finding:
    # The database against the panel's own word, or a queue of which it could not be seen whether it moves:
    # true perhaps, but not sure enough to wake somebody.
    sure = [one for one in stuck if one.left_count == 0 and not (one.from_database and one.contradicted_by)]
    oldest_at = min(one.oldest_at for one in stuck if one.oldest_at is not None)
    return _finding(
        "CLUSTER-001",
        Severity.EMERGENCY if sure else Severity.ERROR,
        f"{_whose(stuck, queue)} stuck",
        stuck,
        queue,
        remedy=(_look(queue), _THERE, _KEEP),
        quotes=[(one.source, one.oldest_words) for one in stuck],
        since_at=oldest_at,
    )


def _failed(failed: list[NodeQueue], queue: CommandQueue, limits: Limits) -> Finding:
    newest_at = max(
        (one.failed_newest_at for one in failed if one.failed_newest_at is not None), default=None
    )
    recent = newest_at is not None and queue.read_at - newest_at <= limits.failed_recent_s
    whom = "this cluster node" if queue.part == "node" else named(one.node for one in failed)
    return _finding(
        "CLUSTER-002",
        Severity.ERROR if recent else Severity.WARNING,
        f"Commands for {whom} failed",
        failed,
        queue,
        remedy=(
            _look(queue),
            _THERE,
            "What failed was not done there: the node differs from its manager until it is.",
        ),
        quotes=[(one.source, one.failed_words) for one in failed],
    )


def _slow(slow: list[NodeQueue], queue: CommandQueue, limits: Limits) -> Finding:
    severities = [_slowness(one, queue.read_at, limits) or Severity.WARNING for one in slow]
    return _finding(
        "CLUSTER-003",
        max(severities),
        f"{_whose(slow, queue)} behind",
        slow,
        queue,
        remedy=(_look(queue), "uptime   # here and on the node: is one of them overloaded?", _THERE),
        quotes=[(one.source, one.oldest_words) for one in slow],
    )


def _whose(queues: list[NodeQueue], queue: CommandQueue) -> str:
    """Return the start of a title, up to its verb."""
    if queue.part == "node":
        return "The command queue of this cluster node is"
    several = len(queues) > 1
    nodes = named(one.node for one in queues)
    return f"The command queue{'s' if several else ''} of {nodes} {'are' if several else 'is'}"


def _look(queue: CommandQueue) -> str:
    return f"{queue.look}   # shows the queue, changes nothing"


def _numbers(one: NodeQueue, queue: CommandQueue) -> str:
    """Return one node's numbers as a sentence."""
    told = []
    if one.waiting_count:
        told.append(f"{'at least ' if queue.at_least else ''}{one.waiting_count} waiting")
        if one.oldest_at is not None:
            told.append(f"the oldest for {_span(queue.read_at - one.oldest_at)}")
        if one.left_count is not None:
            told.append(f"{one.left_count} left and {one.came_count or 0} came within {queue.between_s:g} s")
    if one.failed_count:
        told.append(f"{one.failed_count} failed")
    if one.progress_at is not None:
        told.append(
            f"the last command known to have ended did so {_span(queue.read_at - one.progress_at)} ago"
        )
    words = f"{one.node + ': ' if one.node else ''}{', '.join(told)}."
    return f"{words} But {one.contradicted_by}." if one.contradicted_by else words


def _span(age_s: float) -> str:
    minutes = age_s / 60
    if minutes < _MINUTES_UP_TO:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < _HOURS_UP_TO * 60 else f"{minutes / 1440:.0f} days"


def _finding(
    code: str,
    severity: Severity,
    title: str,
    queues: list[NodeQueue],
    queue: CommandQueue,
    *,
    remedy: tuple[str, ...],
    quotes: list[tuple[str, str]],
    since_at: float | None = None,
) -> Finding:
    seen_at = moment(queue.read_at)
    lines = [_numbers(one, queue) for one in queues[:_SHOWN_COUNT]]
    if len(queues) > _SHOWN_COUNT:
        lines.append(f"And {len(queues) - _SHOWN_COUNT} more nodes.")
    return Finding(
        code=code,
        subject="command queue",
        severity=severity,
        scope=Scope.VENDOR,
        title=title,
        detail=" ".join((*lines, _INFERRED)),
        remedy=remedy,
        evidence=tuple(
            Evidence(source=source, text=text, seen_at=seen_at)
            for source, text in quotes[:_SHOWN_COUNT]
            if text
        ),
        since_at=moment(since_at),
        since_source="the oldest command that waits" if moment(since_at) else "",
        touches=("cluster",),
    )


CHECK = Check(
    id="cluster.queue",
    title="Commands for cluster nodes are carried out",
    codes=("CLUSTER-001", "CLUSTER-002", "CLUSTER-003"),
    judge=judge,
    limits=Limits(),
    optional=("panel", "command_queue"),
    ok_needs=("command_queue_complete",),
    emergency=True,
    guide=8,
)
