"""Facts about a cluster: this server's part in it, its nodes, their command queue, /home over the network."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import Evidence
from iwx_agent.model.machine import PortAnswer

Part = Literal["manager", "node", "single"]
Words = tuple[str, ...]
_NAMED_COUNT = 3


class ClusterNode(Struct, frozen=True, kw_only=True):
    """One node as the panel lists it; what it does not tell is empty."""

    name: str = ""
    address: str = ""
    node_id: str = ""

    @property
    def label(self) -> str:
        """Return what a person calls it."""
        return self.name or self.address or f"node {self.node_id}"

    def is_called(self, told: str) -> bool:
        """Return whether another answer means this node: by its name, address or number."""
        return bool(told) and told.lower() in (self.name.lower(), self.address.lower(), self.node_id.lower())


def named(labels: Iterable[str]) -> str:
    """Return nodes as a title names them: one, two or three by name, the rest as a number."""
    known = list(dict.fromkeys(label for label in labels if label))
    if not known:
        return "the cluster"
    if len(known) == 1:
        return f"cluster node {known[0]}"
    shown = ", ".join(known[:_NAMED_COUNT])
    more = f" and {len(known) - _NAMED_COUNT} more" if len(known) > _NAMED_COUNT else ""
    return f"{len(known)} cluster nodes ({shown}{more})"


class ClusterRole(Struct, frozen=True, kw_only=True):
    """This server's part in a cluster, and whence that is known.

    ``nodes_gap`` says why its nodes could not be listed; it is empty when the panel told them, or told that
    there are none.
    """

    part: Part
    source: str
    nodes: tuple[ClusterNode, ...] = ()
    nodes_gap: str = ""


class NodeAnswer(Struct, frozen=True, kw_only=True):
    """What the panel's port of one node did."""

    node: ClusterNode
    answer: PortAnswer

    @property
    def told(self) -> str:
        """Return what came of the question, in the network's words."""
        return self.answer.detail or self.answer.outcome

    @property
    def evidence(self) -> Evidence:
        """Quote what was asked and what came of it."""
        return Evidence(source=self.answer.source, text=f"{self.node.label}: {self.told}")


class ClusterNodes(Struct, frozen=True, kw_only=True):
    """What the nodes that could be asked did, in the panel's order."""

    answers: tuple[NodeAnswer, ...]
    source: str


class Complete(Struct, frozen=True, kw_only=True):
    """Nothing that was told had to be left out: where this fact is missing, no check may say ``ok``."""

    source: str


# --- the command queue ---

EntryState = Literal["waiting", "failed", "done", "unclear"]


class QueueWords(Struct, frozen=True, kw_only=True):
    """By which names the parts of a queue's row, and its states, are recognised; small letters."""

    entry_id: Words
    node: Words
    status: Words
    created: Words
    updated: Words
    attempts: Words
    waiting: Words
    failed: Words
    done: Words


class QueueEntry(Struct, frozen=True, kw_only=True):
    """One command in the queue; times are None where the answer tells none that can be read.

    What the command is and with which parameters is not kept: these can hold passwords.
    """

    entry_id: str
    node: str
    state: EntryState
    status: str = ""
    attempts: str = ""
    created_at: float | None = None
    updated_at: float | None = None


class NodeQueue(Struct, frozen=True, kw_only=True):
    """The queue of one node: ``node`` is empty where the answer names none.

    ``left_count`` and ``came_count`` compare two samples, None when there was one only or entries cannot be
    told apart. ``progress_at`` is the last time known at which a command ended, well or not.
    """

    node: str
    waiting_count: int = 0
    oldest_at: float | None = None
    oldest_words: str = ""
    left_count: int | None = None
    came_count: int | None = None
    failed_count: int = 0
    failed_newest_at: float | None = None
    failed_words: str = ""
    progress_at: float | None = None
    source: str = ""
    contradicted_by: str = ""  # what the other source says that does not go with this
    from_database: bool = False


class CommandQueue(Struct, frozen=True, kw_only=True):
    """The command queue by node, from the worse of the sources where they contradict each other."""

    part: Part
    nodes: tuple[NodeQueue, ...]
    source: str
    read_at: float
    between_s: float = 0.0
    look: str = ""  # the command that shows it to a person
    at_least: bool = False  # there is more than was read

    @property
    def waiting_nodes(self) -> frozenset[str]:
        """Return the nodes for which commands wait or have failed."""
        return frozenset(queue.node for queue in self.nodes if queue.waiting_count or queue.failed_count)


# --- /home over the network ---

MountState = Literal["answers", "silent", "stale", "failed", "not_mounted"]


class NetworkHome(Struct, frozen=True, kw_only=True):
    """/home as this server mounts it from another one, or should, by /etc/fstab.

    ``server_answer`` is what the port of NFS on that server did; it is asked in trouble only.
    """

    path: str
    device: str
    type: str
    state: MountState
    source: str
    detail: str = ""
    limit_s: float = 0.0
    server_answer: PortAnswer | None = None


class ServedHome(Struct, frozen=True, kw_only=True):
    """/home as this server exports it to its nodes: the line of the exports file, and its own port of NFS.

    ``nodes`` are the cluster's nodes by name, as far as they are known.
    """

    nodes: tuple[str, ...]
    path: str
    line: str
    source: str
    answer: PortAnswer


class ClusterHome(Struct, frozen=True, kw_only=True):
    """/home over the network, seen from the side or sides that this server is on."""

    mounted: NetworkHome | None = None
    served: ServedHome | None = None
