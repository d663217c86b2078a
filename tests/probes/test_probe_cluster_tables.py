"""The panel's database as the second source: which tables and columns are asked, and who is believed."""

import pytest
from fakes import NOW_AT, FakeHost, command, content, context, run
from msgspec import Struct

from iwx_agent.host import (
    DsnPlace,
    HostError,
    PanelRows,
    PanelTables,
    Question,
    ReadFile,
    TableRows,
)
from iwx_agent.model.cluster import NodeQueue
from iwx_agent.probes import Context
from iwx_agent.probes.cluster_queue import command_queue, command_queue_complete

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]
Row = tuple[str | None, ...]

NODES = ("nodeworx", "-u", "-n", "-c", "ClusterNodes", "-a", "listClusterNodes", "-o", "json")
USAGE = ("nodeworx", "-u", "-n", "-c", "CommandQueue")
AS_JSON = (*USAGE, "-a", "list", "-o", "json")
ONE = '[{"hostname": "iwx2.lab.invalid", "ipaddr": "10.99.0.20"}]'
DSN = DsnPlace(path="/usr/local/interworx/iworx.ini", section="iworx", key="dsn")
TABLES = PanelTables(dsn=DSN, words=("queue", "command", "cmd", "node"))
AT = NOW_AT - 3600
USUAL = {
    "id": "int",
    "node_id": "int",
    "command": "text",
    "status": "varchar",
    "created": "datetime",
    "updated": "datetime",
    "attempts": "int",
}
DONE = (
    *("done", "complete", "completed", "success", "successful", "succeeded", "finished", "ok", "executed"),
    *("processed", "sent", "closed"),
)


def machine(said: str = "[]", *more: str) -> Answers:
    return {
        ReadFile(path="/proc/self/mountinfo"): content("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"),
        ReadFile(path="/etc/fstab"): content(""),
        run(*NODES): command(NODES, ONE),
        run(*USAGE): command(USAGE, stderr="Usage: -a [list]", exit_code=11),
        run(*AS_JSON): [command(AS_JSON, text) for text in (said, *more)],
    }


def tables(**known: dict[str, str]) -> Answers:
    rows = tuple((table, name, kind) for table, columns in known.items() for name, kind in columns.items())
    return {TABLES: TableRows(columns=("table", "column", "type"), rows=rows, duration_s=0.01)}


def open_rows(**more: object) -> PanelRows:
    told: dict[str, object] = {
        "dsn": DSN,
        "table": "command_queue",
        "columns": ("id", "node_id", "status", "attempts"),
        "times": ("created", "updated"),
        "order_by": "id",
        "words_column": "status",
        "words": DONE,
        "without": True,
    }
    return PanelRows(**(told | more))  # type: ignore[arg-type]


def ended_rows() -> PanelRows:
    return open_rows(newest_first=True, without=False)


def answer(question: PanelRows, *rows: Row, truncated: bool = False) -> TableRows:
    columns = (*question.columns, *question.times)
    return TableRows(columns=columns, rows=rows, duration_s=0.01, truncated=truncated)


def database(*samples: tuple[Row, ...], ended: tuple[Row, ...] = (), truncated: bool = False) -> Answers:
    question = open_rows()
    return {
        **tables(command_queue=USUAL),
        question: [answer(question, *rows, truncated=truncated) for rows in samples],
        ended_rows(): answer(ended_rows(), *ended),
    }


def waiting(number: int, *, node: str = "2", at: float = AT) -> Row:
    return (str(number), node, "pending", "3", f"{at:.0f}", None)


def asked(told: Context) -> list[Question]:
    host = told.resample
    assert isinstance(host, FakeHost)
    return [q for q in host.asked if isinstance(q, PanelTables | PanelRows)]


def nodes_of(*answers: Answers) -> tuple[NodeQueue, ...]:
    together: Answers = {}
    for part in answers:
        together |= part
    return command_queue(context(together)).nodes


BROKEN = "PHP Fatal error: out of memory"


# What is asked


def test_the_database_tells_the_queue_where_the_command_line_does_not() -> None:
    ended = (("9", "2", "done", "1", f"{AT - 90:.0f}", f"{AT + 60:.0f}"),)
    told = context(machine(BROKEN) | database((waiting(1), waiting(2)), (waiting(2),), ended=ended))
    queue = command_queue(told)
    (node,) = queue.nodes
    assert (node.node, node.waiting_count, node.left_count, node.progress_at) == ("node 2", 2, 1, AT + 60)
    assert (node.from_database, node.contradicted_by, node.oldest_at) == (True, "", AT)
    assert queue.source == node.source == open_rows().source
    assert command_queue_complete(told).source == queue.source
    assert len([q for q in asked(told) if q.identity == TABLES.identity]) == 1


def test_nodes_get_their_names_from_the_database_where_the_panel_does_not_number_them() -> None:
    question = PanelRows(
        dsn=DSN, table="nodes", columns=("id", "hostname", "ipaddr"), order_by="id", max_rows=500
    )
    nodes: Answers = {question: answer(question, ("2", "iwx2.lab.invalid", "10.99.0.20"))}
    found = tables(command_queue=USUAL, nodes={"id": "int", "hostname": "varchar", "ipaddr": "varchar"})
    (node,) = nodes_of(machine(BROKEN), database((waiting(1),)), nodes, found)
    assert node.node == "iwx2.lab.invalid"


@pytest.mark.parametrize(
    ("columns", "question"),
    [
        (
            {"queue_id": "int", "hostname": "varchar", "state": "enum", "queued_at": "timestamp"},
            open_rows(
                columns=("queue_id", "hostname", "state"),
                times=("queued_at",),
                order_by="queue_id",
                words_column="state",
            ),
        ),
        (  # a state that is a number has no words: all rows then
            {"ID": "int", "Status": "tinyint", "created": "int"},
            open_rows(
                columns=("ID", "Status", "created"), times=(), order_by="ID", words_column="Status", words=()
            ),
        ),
        (
            {"node": "varchar", "created": "datetime"},
            open_rows(columns=("node",), times=("created",), order_by="created", words_column="", words=()),
        ),
    ],
)
def test_columns_are_recognised_by_their_names(columns: dict[str, str], question: PanelRows) -> None:
    answers = machine() | tables(command_queue=columns)
    answers[question] = answer(question)
    if question.words:
        ended = open_rows(
            columns=question.columns,
            times=question.times,
            order_by=question.order_by,
            words_column=question.words_column,
            newest_first=True,
            without=False,
        )
        answers[ended] = answer(ended)
    told = context(answers)
    assert command_queue(told).nodes == ()
    assert question.identity in [q.identity for q in asked(told)]


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("nodes", "command_queue"), "command_queue"),
        (("mail_queue", "Command_Queue"), "Command_Queue"),
        (("old_command_queue", "command_queue"), "command_queue"),
        (("iw_command_queue_entries",), "iw_command_queue_entries"),
        (("queue_of_commands",), "queue_of_commands"),
    ],
)
def test_a_table_is_recognised_by_its_name(names: tuple[str, ...], taken: str) -> None:
    question = open_rows(table=taken)
    ended = open_rows(table=taken, newest_first=True, without=False)
    answers = machine(BROKEN) | tables(**dict.fromkeys(names, USUAL))
    answers |= {question: answer(question), ended: answer(ended)}
    assert command_queue(context(answers)).source == question.source


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (tables(), "no table is known to hold the command queue (none that could be)"),
        (tables(mail_queue=USUAL), "no table is known to hold the command queue (mail_queue)"),
        (tables(command_queue={"id": "int", "x": "int"}), "has not the columns of a queue"),
        (tables(command_queue={"status": "varchar"}), "has not the columns of a queue"),
        ({TABLES: HostError("failed", "PyMySQL is not installed", "db")}, "PyMySQL is not installed"),
        (
            {TABLES: HostError("timeout", "greeting took longer than 5.0 s", "db")},
            "greeting took longer than 5.0 s",
        ),
    ],
)
def test_a_database_that_does_not_tell_is_said(found: Answers, reason: str) -> None:
    for probe in (command_queue, command_queue_complete):
        with pytest.raises(HostError) as error:
            probe(context(machine(BROKEN) | found))
        assert error.value.kind == "failed"
        assert f"database: {reason}" in error.value.reason or reason in error.value.reason


def test_one_source_that_fails_does_not_matter_while_the_other_is_whole() -> None:
    told = context(machine() | tables(command_queue={"id": "int"}))
    assert command_queue(told).nodes == ()
    assert command_queue_complete(told).source.startswith("nodeworx")


def test_rows_that_were_cut_off_are_a_gap() -> None:
    told = context(machine(BROKEN) | database((waiting(1),), truncated=True))
    assert command_queue(told).at_least
    with pytest.raises(HostError, match="there are more rows than were read"):
        command_queue_complete(told)


# Who is believed


def cli(number: int, status: str = "pending", *, at: float | None = AT, node: str = "2") -> str:
    created = "" if at is None else f', "created": {at:.0f}'
    told = "" if not node else f', "node_id": {node}'
    return f'{{"id": {number}, "status": "{status}"{told}{created}}}'


FAILED: Row = ("5", "2", "failed", "9", f"{AT:.0f}", f"{AT + 10:.0f}")


def test_sources_that_agree_tell_more_together() -> None:
    ended = (("9", "2", "done", "1", f"{AT - 90:.0f}", f"{AT + 60:.0f}"),)
    (node,) = nodes_of(machine(f"[{cli(1)}]", f"[{cli(1)}]"), database((waiting(1), waiting(2)), ended=ended))
    assert (node.waiting_count, node.contradicted_by, node.from_database) == (1, "", False)
    assert (node.oldest_at, node.progress_at, node.left_count) == (AT, AT + 60, 0)


def test_movement_that_either_source_saw_is_movement() -> None:
    (node,) = nodes_of(machine(f"[{cli(1)}]"), database((waiting(1), waiting(2)), (waiting(2),)))
    assert node.left_count == 1


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_of_two_that_agree_the_one_with_times_is_taken(status: str) -> None:
    rows = (waiting(1),) if status == "pending" else (FAILED,)
    (node,) = nodes_of(machine(f"[{cli(1, status, at=None)}]"), database(rows))
    assert node.from_database
    assert AT <= (node.oldest_at or node.failed_newest_at or 0) <= AT + 10


def test_what_only_the_database_says_is_told_and_so_is_the_panels_word() -> None:
    (node,) = nodes_of(machine("[]"), database((waiting(1), FAILED)))
    assert (node.waiting_count, node.failed_count, node.from_database) == (1, 1, True)
    assert node.contradicted_by == "the panel's command line says: 0 wait, 0 failed"


def test_what_only_the_command_line_says_is_told_too() -> None:
    (node,) = nodes_of(machine(f"[{cli(1)}]"), database(()))
    assert (node.waiting_count, node.from_database) == (1, False)
    assert node.contradicted_by == "the panel's database says: 0 wait, 0 failed"


def test_each_node_is_compared_for_itself() -> None:
    two, three = nodes_of(
        machine(f"[{cli(1)}, {cli(2, 'failed', node='3')}]"),
        database((waiting(1), waiting(2, node="3"), waiting(3, node="3"))),
    )
    assert (two.node, two.contradicted_by) == ("node 2", "")
    assert (three.node, three.waiting_count, three.failed_count) == ("node 3", 2, 0)
    assert three.contradicted_by == "the panel's command line says: 0 wait, 1 failed"


def test_what_was_read_with_gaps_contradicts_nothing() -> None:
    (node,) = nodes_of(machine(f"[{cli(1, '7')}]"), database((waiting(1),)))
    assert (node.waiting_count, node.from_database, node.contradicted_by) == (1, True, "")


def test_a_source_that_names_no_nodes_is_compared_as_a_whole() -> None:
    (node,) = nodes_of(machine(f"[{cli(1, node='')}]"), database((waiting(1),)))
    assert (node.node, node.from_database, node.contradicted_by) == ("node 2", True, "")


def test_one_without_nodes_that_is_worse_is_told() -> None:
    (node,) = nodes_of(machine(f"[{cli(1, node='')}]"), database((FAILED,)))
    assert (node.node, node.waiting_count, node.from_database) == ("", 1, False)
    assert node.contradicted_by == "the panel's database says: 0 wait, 1 failed"


def test_one_with_nodes_that_is_worse_is_told() -> None:
    (node,) = nodes_of(machine(f"[{cli(1, 'failed', node='')}]"), database((waiting(1),)))
    assert (node.node, node.waiting_count, node.from_database) == ("node 2", 1, True)
    assert node.contradicted_by == "the panel's command line says: 0 wait, 1 failed"
