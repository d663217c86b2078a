"""The panel's own database as a second source about a cluster: its tables are looked up, then read.

Nothing is known of these tables in public: they are recognised by their names and columns. Only columns that
count are asked for; what a command is, and with which parameters, stays in the database.
"""

from fnmatch import fnmatchcase

from msgspec import Struct

from iwx_agent.host import DsnPlace, Host, HostError, PanelRows, PanelTables, TableRows
from iwx_agent.model.cluster import ClusterNode, QueueWords, Words
from iwx_agent.model.panel_cli import PanelRow
from iwx_agent.parsers.cluster_nodes import NodeWords, read_nodes
from iwx_agent.probes.context import Context

_LIKELY_TABLES = ("queue", "command", "cmd", "node")
_DATES = ("datetime", "timestamp")
_TEXTS = ("char", "varchar", "enum", "set", "text", "tinytext", "mediumtext")
_ENDED_COUNT = 50  # rows of the newest commands that ended: when was the last one
_NODES_COUNT = 500


class QueueRows(Struct, frozen=True, kw_only=True):
    """The rows of the queue's table, and whether there are more than were read."""

    rows: tuple[PanelRow, ...]
    source: str
    truncated: bool


class _Table(Struct, frozen=True, kw_only=True):
    """A table: its columns with their types, by their names in small letters."""

    dsn: DsnPlace
    name: str
    columns: dict[str, tuple[str, str]]

    def column(self, known: Words) -> str:
        """Return the first column that has one of the names; empty when none has."""
        return next((self.columns[name][0] for name in known if name in self.columns), "")

    def is_of(self, column: str, types: tuple[str, ...]) -> bool:
        return column.lower() in self.columns and self.columns[column.lower()][1] in types


def node_words(context: Context) -> NodeWords:
    """Return by which names the columns of a node are recognised."""
    words = context.layout.words
    return NodeWords(
        node_id=words("words.node_id"), name=words("words.node_name"), address=words("words.node_address")
    )


def queue_words(context: Context) -> QueueWords:
    """Return by which names the columns and states of the queue are recognised."""
    words = context.layout.words
    return QueueWords(
        entry_id=words("words.queue_id"),
        node=words("words.queue_node"),
        status=words("words.queue_status"),
        created=words("words.queue_created"),
        updated=words("words.queue_updated"),
        attempts=words("words.queue_attempts"),
        waiting=words("words.queue_waiting"),
        failed=words("words.queue_failed"),
        done=words("words.queue_done"),
    )


def nodes_in_database(context: Context) -> tuple[ClusterNode, ...]:
    """Return the nodes that the panel's database lists.

    Raises:
        HostError: never not_found: that the database tells nothing proves nothing.
    """
    table = _table(context, "words.node_table", "nodes")
    words = node_words(context)
    columns = tuple(
        dict.fromkeys(filter(None, (table.column(w) for w in (words.node_id, words.name, words.address))))
    )
    if not (table.column(words.name) or table.column(words.address)):
        raise HostError(
            "failed", f"table {table.name} has no column for a node's name or address", table.name
        )
    question = PanelRows(
        dsn=table.dsn,
        table=table.name,
        columns=columns,
        order_by=columns[0],
        max_rows=_NODES_COUNT,
    )
    nodes, _ = read_nodes(_as_rows(_certain(context.host, question)), words)
    return nodes


def queue_in_database(context: Context, host: Host) -> QueueRows:
    """Return what the panel's database has in its command queue, without commands that ended well long ago.

    Raises:
        HostError: never not_found, as above.
    """
    table = _table(context, "words.queue_table", "the command queue")
    words = queue_words(context)
    parts = [words.entry_id, words.node, words.status, words.created, words.updated, words.attempts]
    wanted = list(dict.fromkeys(name for name in map(table.column, parts) if name))
    times = tuple(name for name in wanted if table.is_of(name, _DATES))
    status, created = table.column(words.status), table.column(words.created)
    order_by = table.column(words.entry_id) or created
    if not order_by or not (status or created):
        raise HostError("failed", f"table {table.name} has not the columns of a queue", table.name)

    def asked(max_rows: int, *, ended: bool) -> PanelRows:
        return PanelRows(
            dsn=table.dsn,
            table=table.name,
            columns=tuple(name for name in wanted if name not in times),
            times=times,
            order_by=order_by,
            newest_first=ended,
            words_column=status,
            words=words.done if table.is_of(status, _TEXTS) else (),
            without=not ended,
            max_rows=max_rows,
        )

    question = asked(2000, ended=False)
    found = _certain(host, question)
    rows = _as_rows(found)
    if question.words:
        rows += _as_rows(_certain(host, asked(_ENDED_COUNT, ended=True)))
    return QueueRows(rows=rows, source=question.source, truncated=found.truncated)


def _table(context: Context, key: str, what: str) -> _Table:
    """Return the table whose name comes first in the layout's list of names and patterns."""
    tables = _tables(context)
    for pattern in context.layout.words(key):
        for table in tables:
            if fnmatchcase(table.name.lower(), pattern):
                return table
    names = ", ".join(table.name[:40] for table in tables[:8]) or "none that could be"
    raise HostError("failed", f"no table is known to hold {what} ({names})", "the panel's database")


def _tables(context: Context) -> tuple[_Table, ...]:
    error: HostError | None = None
    layout = context.layout
    for path in layout.texts("path.panel_ini"):
        dsn = DsnPlace(
            path=path, section=layout.text("ini.panel_database"), key=layout.text("ini.panel_database_dsn")
        )
        try:
            found = context.host.table_rows(PanelTables(dsn=dsn, words=_LIKELY_TABLES))
        except HostError as failed:
            error = error or failed
            if failed.kind != "not_found":
                break
        else:
            return _grouped(dsn, found)
    raise _never_absent(error) if error else HostError("failed", "no place is known", "the panel's database")


def _grouped(dsn: DsnPlace, found: TableRows) -> tuple[_Table, ...]:
    columns: dict[str, dict[str, tuple[str, str]]] = {}
    for row in found.rows:
        table, column, kind = (value or "" for value in row)
        columns.setdefault(table, {})[column.lower()] = (column, kind.lower())
    return tuple(_Table(dsn=dsn, name=name, columns=columns[name]) for name in columns)


def _certain(host: Host, question: PanelRows) -> TableRows:
    try:
        return host.table_rows(question)
    except HostError as error:
        raise _never_absent(error) from None


def _never_absent(error: HostError) -> HostError:
    """Return the error as one that proves nothing: a missing socket is no missing queue."""
    return HostError("failed" if error.kind == "not_found" else error.kind, error.reason, error.source)


def _as_rows(found: TableRows) -> tuple[PanelRow, ...]:
    return tuple(
        PanelRow(columns=tuple((name, value or "") for name, value in zip(found.columns, row, strict=True)))
        for row in found.rows
    )
