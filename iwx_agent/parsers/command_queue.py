"""The command queue in rows of an answer: what each row means, and what that comes to for each node.

Neither the columns' names nor the words for a state are public. They are recognised by lists of usual names
(``data/interworx.toml``), else by what the values look like. What is not recognised is said as a gap, never
counted as fine: entries in an unknown state are neither waiting nor done.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model.cluster import ClusterNode, EntryState, NodeQueue, QueueEntry, QueueWords
from iwx_agent.model.core import moment
from iwx_agent.model.panel_cli import PanelRow
from iwx_agent.parsers.wall_clock import CLOCK, DATE, has_no_zone, parse_time

_AHEAD_S = 300.0  # what another clock may be fast
_TEXT_CHARACTERS = 100
_SHOWN_COUNT = 5
_PARTS = ("entry_id", "node", "status", "created", "updated", "attempts")
_TELLING = ("entry_id", "node", "status", "created")


class QueueReading(Struct, frozen=True, kw_only=True):
    """The entries of one answer, and what of it could not be read, as ends of sentences.

    ``zone_needed``: its times are those of the server's clock on the wall, and no zone was given.
    """

    entries: tuple[QueueEntry, ...]
    gaps: tuple[str, ...] = ()
    zone_needed: bool = False


def read_queue(
    rows: tuple[PanelRow, ...],
    words: QueueWords,
    nodes: tuple[ClusterNode, ...],
    *,
    now_at: float,
    zone_s: float | None = None,
) -> QueueReading:
    """Return the entries of the rows; a row in which fewer than two parts are recognised is a gap."""
    rows = tuple(_with_whole_times(row) for row in rows)
    columns = _columns(rows, words, nodes)
    entries: list[QueueEntry] = []
    unread: list[PanelRow] = []
    future_count = 0
    for row in rows:
        told = {part: row.get(columns[part]).strip() for part in columns}
        if sum(bool(told.get(part)) for part in _TELLING) < 2:
            unread.append(row)
            continue
        told["node"] = _label((*(row.get(name) for name in words.node), told.get("node", "")), nodes)
        entry = _entry(told, words, zone_s, has_status="status" in columns)
        if entry.created_at is not None and entry.created_at > now_at + _AHEAD_S:
            future_count += 1
            entry = _without_times(entry)
        entries.append(entry)
    zone_needed = zone_s is None and any(
        has_no_zone(row.get(columns[part]))
        for row in rows
        for part in ("created", "updated")
        if part in columns
    )
    return QueueReading(
        entries=tuple(entries), gaps=tuple(_gaps(entries, unread, future_count)), zone_needed=zone_needed
    )


def by_node(
    entries: Iterable[QueueEntry], later: tuple[QueueEntry, ...] | None = None, *, source: str = ""
) -> tuple[NodeQueue, ...]:
    """Return what the entries come to for each node, by its name; ``later`` is a second sample."""
    queues: dict[str, list[QueueEntry]] = {}
    for entry in entries:
        queues.setdefault(entry.node, []).append(entry)
    return tuple(_node_queue(node, queues[node], later, source) for node in sorted(queues))


# --- rows ---


def _columns(rows: tuple[PanelRow, ...], words: QueueWords, nodes: tuple[ClusterNode, ...]) -> dict[str, str]:
    """Return which column is which part: by its name, else by its values."""
    names = list(dict.fromkeys(name for row in rows for name, _ in row.columns))
    by_lower = {name.lower(): name for name in reversed(names)}
    found: dict[str, str] = {}
    for part in _PARTS:
        known: tuple[str, ...] = getattr(words, part)
        named = next((by_lower[w] for w in known if w in by_lower and by_lower[w] not in found.values()), "")
        if named:
            found[part] = named
    states = {*words.waiting, *words.failed, *words.done}
    called = {told.lower() for node in nodes for told in (node.name, node.address) if told}
    looks: dict[str, Callable[[str], bool]] = {
        "status": lambda value: value.lower() in states,
        "node": lambda value: value.lower() in called,
        "created": lambda value: parse_time(value, zone_s=0.0) is not None,
    }
    for part, looks_like in looks.items():
        if part not in found:
            fitting = [name for name in names if name not in found.values() and _all(rows, name, looks_like)]
            if fitting:
                found[part] = (
                    min(fitting, key=lambda name: _first_time(rows, name))
                    if part == "created"
                    else fitting[0]
                )
    if "entry_id" not in found and names[:1] == ["1"] and "1" not in found.values() and _numbers_rows(rows):
        found["entry_id"] = "1"
    return found


def _all(rows: tuple[PanelRow, ...], name: str, looks_like: Callable[[str], bool]) -> bool:
    values = [value for row in rows if (value := row.get(name).strip())]
    return bool(values) and all(looks_like(value) for value in values)


def _first_time(rows: tuple[PanelRow, ...], name: str) -> float:
    """Return the earliest time of a column: an entry is created before anything else happens to it."""
    times = [parse_time(row.get(name), zone_s=0.0) for row in rows]
    return min(at for at in times if at is not None)


def _numbers_rows(rows: tuple[PanelRow, ...]) -> bool:
    numbers = [row.get("1") for row in rows]
    return all(n.isascii() and n.isdigit() for n in numbers) and len(set(numbers)) == len(numbers)


def _with_whole_times(row: PanelRow) -> PanelRow:
    """Put date and time of day together again where columns without names were told apart by spaces."""
    values = [value for _, value in row.columns]
    if not values or row.columns[0][0] != "1":  # the columns have names
        return row
    whole: list[str] = []
    for value in values:
        if whole and DATE.match(whole[-1]) and CLOCK.match(value):
            whole[-1] = f"{whole[-1]} {value}"
        else:
            whole.append(value)
    return PanelRow(columns=tuple((str(number), value) for number, value in enumerate(whole, start=1)))


def _entry(told: dict[str, str], words: QueueWords, zone_s: float | None, *, has_status: bool) -> QueueEntry:
    status = told.get("status", "")[:_TEXT_CHARACTERS]
    return QueueEntry(
        entry_id=told.get("entry_id", "")[:_TEXT_CHARACTERS],
        node=told["node"][:_TEXT_CHARACTERS],
        state=_state(status, words) if has_status else "waiting",
        status=status,
        attempts=told.get("attempts", "")[:_TEXT_CHARACTERS],
        created_at=parse_time(told.get("created", ""), zone_s=zone_s),
        updated_at=parse_time(told.get("updated", ""), zone_s=zone_s),
    )


def _state(status: str, words: QueueWords) -> EntryState:
    lower = status.lower()
    if lower in words.waiting:
        return "waiting"
    if lower in words.failed:
        return "failed"
    return "done" if lower in words.done else "unclear"


def _label(told: tuple[str, ...], nodes: tuple[ClusterNode, ...]) -> str:
    """Return the name of the node that a row tells in one column or several; a known one comes first."""
    values = [value.strip() for value in told if value.strip()]
    known = next((node.label for value in values for node in nodes if node.is_called(value)), "")
    named = next((value for value in values if not (value.isascii() and value.isdigit())), "")
    return known or named or (f"node {values[0]}" if values else "")


def _without_times(entry: QueueEntry) -> QueueEntry:
    return replace(entry, created_at=None, updated_at=None)


def _gaps(entries: list[QueueEntry], unread: list[PanelRow], future_count: int) -> Iterable[str]:
    if unread:
        names = ", ".join(name[:30] for name, _ in unread[0].columns[:8])
        yield f"{len(unread)} rows were not understood (columns {names})"
    unclear = [entry.status or "none" for entry in entries if entry.state == "unclear"]
    if unclear:
        shown = ", ".join(dict.fromkeys(status[:30] for status in unclear[:_SHOWN_COUNT]))
        yield f"{len(unclear)} entries are in a state that is not known ({shown})"
    if future_count:
        yield f"{future_count} entries were made in the future, by their times: the zone is not the server's"
    timeless = sum(entry.state == "waiting" and entry.created_at is None for entry in entries)
    if timeless > future_count:
        yield f"{timeless} commands wait, but since when cannot be read"


# --- what it comes to ---


def _node_queue(
    node: str, entries: list[QueueEntry], later: tuple[QueueEntry, ...] | None, source: str
) -> NodeQueue:
    waiting = [entry for entry in entries if entry.state == "waiting"]
    failed = [entry for entry in entries if entry.state == "failed"]
    ended = [e.updated_at for e in entries if e.state in ("done", "failed") and e.updated_at is not None]
    oldest = min(waiting, key=lambda e: (e.created_at is None, e.created_at or 0.0), default=None)
    newest = max(failed, key=lambda e: _ended_at(e) or 0.0, default=None)
    left_count, came_count = _moved(waiting, later, node)
    return NodeQueue(
        node=node,
        waiting_count=len(waiting),
        oldest_at=oldest.created_at if oldest else None,
        oldest_words=_words(oldest) if oldest else "",
        left_count=left_count,
        came_count=came_count,
        failed_count=len(failed),
        failed_newest_at=_ended_at(newest) if newest else None,
        failed_words=_words(newest) if newest else "",
        progress_at=max(ended, default=None),
        source=source,
    )


def _ended_at(entry: QueueEntry) -> float | None:
    return entry.updated_at if entry.updated_at is not None else entry.created_at


def _moved(
    waiting: list[QueueEntry], later: tuple[QueueEntry, ...] | None, node: str
) -> tuple[int | None, int | None]:
    """Return how many waiting entries left between the samples, and how many came."""
    if later is None:
        return None, None
    before = {entry.entry_id for entry in waiting}
    after = {entry.entry_id for entry in later if entry.state == "waiting" and entry.node == node}
    if "" in before or "" in after:
        return None, None
    return len(before - after), len(after - before)


def _words(entry: QueueEntry) -> str:
    """Return an entry as evidence quotes it: never the command itself, which may hold a password."""
    created, updated = moment(entry.created_at), moment(entry.updated_at)
    parts = (
        f"entry {entry.entry_id}" if entry.entry_id else "an entry",
        f"for {entry.node}" if entry.node else "",
        entry.status,
        f"made {created:%Y-%m-%d %H:%M:%S} UTC" if created else "",
        f"last touched {updated:%Y-%m-%d %H:%M:%S} UTC" if updated else "",
        f"attempts: {entry.attempts}" if entry.attempts else "",
    )
    return ", ".join(part for part in parts if part)
