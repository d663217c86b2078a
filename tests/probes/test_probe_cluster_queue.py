"""The command queue from two undocumented sources: what is asked, what is believed, what is never "ok"."""

from typing import Any

import pytest
from fakes import NOW_AT, FakeHost, command, content, layout, run
from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.host import (
    CommandAnswer,
    DsnPlace,
    HostError,
    PanelTables,
    Question,
    ReadFile,
    RunCommand,
)
from iwx_agent.model import Alternative
from iwx_agent.model.cluster import CommandQueue, NodeQueue
from iwx_agent.probes import Context
from iwx_agent.probes.cluster_queue import command_queue, command_queue_complete

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]

NODES = ("nodeworx", "-u", "-n", "-c", "ClusterNodes", "-a", "listClusterNodes", "-o", "json")
USAGE = ("nodeworx", "-u", "-n", "-c", "CommandQueue")
LIST = (*USAGE, "-a", "listQueue")
AS_JSON = (*LIST, "-o", "json")
ONE = '[{"id": 2, "hostname": "iwx2.lab.invalid", "ipaddr": "10.99.0.20"}]'
NFS = "2 1 0:9 / /home rw - nfs4 10.99.0.10:/home rw\n"
DSN = DsnPlace(path="/usr/local/interworx/iworx.ini", section="iworx", key="dsn")
TABLES = PanelTables(dsn=DSN, words=("queue", "command", "cmd", "node"))
NO_DATABASE: Answers = {TABLES: HostError("failed", "PyMySQL is not installed", "db")}
AT = NOW_AT - 3600


def machine(nodes: str = ONE, *, mounts: str = "") -> Answers:
    return {
        ReadFile(path="/proc/self/mountinfo"): content("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + mounts),
        ReadFile(path="/etc/fstab"): content(""),
        ReadFile(path="/etc/exports"): content(""),
        run(*NODES): command(NODES, nodes),
        run(*USAGE): command(USAGE, exit_code=11, stderr="Usage: -c CommandQueue -a [clear|listQueue]"),
    }


def context(*answers: Answers, command_line: tuple[str, ...] = USAGE) -> Context:
    known = layout()
    entry = Alternative(value=command_line, confidence="inferred", source="here")
    together: Answers = {}
    for part in answers:
        together |= part
    entries = known.entries | {"command.command_queue": (entry,)}
    return Context(FakeHost(together), replace(known, entries=entries))


def host_of(told: Context) -> FakeHost:
    assert isinstance(told.resample, FakeHost)
    return told.resample


def listed(*samples: str) -> Answers:
    return {run(*AS_JSON): [command(AS_JSON, sample) for sample in samples]}


def row(number: int, status: str = "pending", *, node: int = 2, created: float | None = AT) -> str:
    at = "" if created is None else f', "created": {created:.0f}'
    return f'{{"id": {number}, "node_id": {node}, "status": "{status}"{at}, "command": "x --pw hunter2"}}'


def only(queue: CommandQueue) -> NodeQueue:
    (node,) = queue.nodes
    return node


# The command line


def test_an_empty_queue_costs_two_questions_more_and_no_second_sample() -> None:
    told = context(machine(), listed("[]"), NO_DATABASE)
    queue = command_queue(told)
    assert (queue.part, queue.nodes, queue.between_s) == ("manager", (), 0.0)
    assert queue.source == " ".join(AS_JSON) + " (exit 0)"
    assert queue.look == " ".join(LIST)
    assert command_queue_complete(told).source == queue.source
    assert host_of(told).paused_s == 0
    assert [q.argv for q in host_of(told).asked if isinstance(q, RunCommand)] == [NODES, USAGE, AS_JSON]


def test_what_waits_is_looked_at_twice() -> None:
    told = context(machine(), listed(f"[{row(1)}, {row(2)}]", f"[{row(2)}, {row(3)}]"), NO_DATABASE)
    queue = command_queue(told)
    node = only(queue)
    assert (node.node, node.waiting_count, node.oldest_at) == ("iwx2.lab.invalid", 2, AT)
    assert (node.left_count, node.came_count, queue.between_s) == (1, 1, 3.0)
    assert host_of(told).paused_s == 3.0
    assert "hunter2" not in repr(queue)


def test_where_the_second_sample_fails_it_is_not_known_whether_it_moves() -> None:
    answers = machine() | NO_DATABASE
    answers[run(*AS_JSON)] = [command(AS_JSON, f"[{row(1)}]"), command(AS_JSON, "oops", exit_code=1)]
    queue = command_queue(context(answers))
    assert (only(queue).waiting_count, only(queue).left_count) == (1, None)


def test_what_has_failed_only_is_looked_at_once() -> None:
    told = context(machine(), listed(f"[{row(1, 'failed')}]"), NO_DATABASE)
    assert only(command_queue(told)).failed_count == 1
    assert host_of(told).paused_s == 0


def test_on_a_node_its_own_queue_is_asked() -> None:
    told = context(machine("[]", mounts=NFS), listed('[{"id": 1, "status": "pending"}]'), NO_DATABASE)
    queue = command_queue(told)
    assert (queue.part, only(queue).node) == ("node", "")


def test_a_single_server_is_asked_nothing_of_a_queue() -> None:
    told = context(machine("[]"))
    for probe in (command_queue, command_queue_complete):
        with pytest.raises(HostError) as error:
            probe(told)
        assert error.value.kind == "not_found"
    assert [q.argv for q in host_of(told).asked if isinstance(q, RunCommand)] == [NODES]


@pytest.mark.parametrize(
    ("usage", "asked"),
    [
        ("Usage: -a [list|listQueue|queryEdit]", "listQueue"),
        ("actions:\n  list\n  listServicePage\n", "list"),
        ("actions: listPendingCommands, listServicePage", "listPendingCommands"),
        ("actions: listCommandQueue, listQueue", "listCommandQueue"),
        ('["listTheQueue"]', "listTheQueue"),
    ],
)
@pytest.mark.parametrize("where", ["stdout", "stderr"])
@pytest.mark.parametrize("exit_code", [0, 11])
def test_the_best_read_action_is_taken(usage: str, asked: str, where: str, exit_code: int) -> None:
    said: dict[str, Any] = {where: usage, "exit_code": exit_code}
    argv = (*USAGE, "-a", asked, "-o", "json")
    answers = machine() | {run(*USAGE): command(USAGE, **said), run(*argv): command(argv, "[]")} | NO_DATABASE
    told = context(answers)
    assert command_queue(told).look == f"nodeworx -u -n -c CommandQueue -a {asked}"


def test_an_action_that_an_administrator_knows_is_asked_without_looking_it_up() -> None:
    known = (*USAGE, "-a", "listMine")
    argv = (*known, "-o", "json")
    told = context(machine(), {run(*argv): command(argv, "[]")}, NO_DATABASE, command_line=known)
    assert command_queue(told).look == " ".join(known)
    assert USAGE not in [q.argv for q in host_of(told).asked if isinstance(q, RunCommand)]


def test_an_action_that_changes_something_is_never_asked_whoever_wrote_it_down() -> None:
    told = context(machine(), NO_DATABASE, command_line=(*USAGE, "-a", "clear"))
    with pytest.raises(HostError, match="not a read action"):
        command_queue(told)
    assert not [q for q in host_of(told).asked if isinstance(q, RunCommand) and "clear" in q.argv]


# What is no answer is never an empty queue

HUNG = CommandAnswer(argv=USAGE, exit_code=None, stdout=b"", stderr=b"", duration_s=10.0, timed_out=True)
NO_USAGE = [
    (command(USAGE, "Controller?"), "names no read action; it said: Controller?"),
    (command(USAGE, "<html><title>Login</title></html>"), "names no read action"),
    (command(USAGE, stderr="No such controller CommandQueue", exit_code=1), "No such controller"),
    (command(USAGE, ""), "it said: nothing"),
    (command(USAGE, "Usage: -a [clear|retry]"), "names no read action"),
    (
        command(USAGE, "Usage: -a [listServicePage|queryEdit]"),
        "none is known to list the queue: listServicePage",
    ),
    (HUNG, "no answer within 10 s"),
    (HostError("not_found", "No such file or directory (ENOENT)", "nodeworx"), "No such file"),
]


@pytest.mark.parametrize(("said", "reason"), NO_USAGE, ids=[str(n) for n in range(len(NO_USAGE))])
def test_a_usage_that_is_none_is_said(said: CommandAnswer | HostError, reason: str) -> None:
    told = context(machine() | {run(*USAGE): said}, NO_DATABASE)
    for probe in (command_queue, command_queue_complete):
        with pytest.raises(HostError) as error:
            probe(told)
        assert error.value.kind == "failed"
        assert reason in error.value.reason
        assert "database: PyMySQL is not installed" in error.value.reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "said nothing, with exit code 0"),
        ("Warning: mysqli_connect(): refused", "said with exit code 0"),
        ("<html>", "said with exit code 0"),
        ("Continue?", "said with exit code 0"),
        ('{"status": 11, "payload": "x"}', "said with exit code 0"),
        ('{"error": "denied"}', "said with exit code 0"),
        ("[{", "said with exit code 0"),
    ],
)
def test_an_answer_that_is_none_is_said(said: str, reason: str) -> None:
    told = context(machine(), listed(said), NO_DATABASE)
    with pytest.raises(HostError, match=reason) as error:
        command_queue(told)
    assert error.value.kind == "failed"


@pytest.mark.parametrize(
    ("said", "gap"),
    [
        ('[{"foo": "bar", "x": 1}]', "1 rows were not understood (columns foo, x)"),
        ("all is well\n", "1 rows were not understood"),
        (f"[{row(1, '7')}]", "1 entries are in a state that is not known (7)"),
        (f"[{row(1, created=None)}]", "1 commands wait, but since when cannot be read"),
        (f"[{row(1, created=NOW_AT + 7200)}]", "1 entries were made in the future"),
        (f"[{', '.join(row(n, 'done') for n in range(2000))}]", "only the first 2000 rows were read"),
    ],
)
def test_an_answer_with_gaps_is_not_complete(said: str, gap: str) -> None:
    told = context(machine(), listed(said), NO_DATABASE)
    assert isinstance(command_queue(told), CommandQueue)
    with pytest.raises(HostError) as error:
        command_queue_complete(told)
    assert gap in error.value.reason


def test_a_command_line_that_hung_once_is_not_asked_again() -> None:
    hung = CommandAnswer(argv=NODES, exit_code=None, stdout=b"", stderr=b"", duration_s=10.0, timed_out=True)
    told = context(machine(mounts=NFS) | {run(*NODES): hung}, NO_DATABASE)
    with pytest.raises(HostError, match="no answer within 10 s"):
        command_queue(told)
    assert [q.argv for q in host_of(told).asked if isinstance(q, RunCommand)] == [NODES]


def test_where_json_is_refused_no_columns_are_an_empty_queue() -> None:
    answers = machine() | NO_DATABASE
    answers[run(*AS_JSON)] = command(AS_JSON, exit_code=1, stderr="Usage: -o [pretty]")
    answers[run(*LIST)] = command(LIST, "")
    told = context(answers)
    assert command_queue(told).nodes == ()
    assert command_queue_complete(told).source == " ".join(LIST) + " (exit 0)"


DATE = RunCommand(argv=("date", "+%z"))
LOCAL = (
    '[{"id": 1, "status": "pending", "created": "2026-11-23 17:06:40"}]'  # an hour before, two hours ahead
)


def test_times_without_a_zone_are_the_servers() -> None:
    told = context(machine(), listed(LOCAL), NO_DATABASE, {DATE: command(DATE.argv, "+0200\n")})
    assert only(command_queue(told)).oldest_at == AT


@pytest.mark.parametrize("said", [command(DATE.argv, "what?"), HostError("not_found", "no date", "date")])
def test_without_the_zone_such_times_are_not_known(said: Struct | HostError) -> None:
    told = context(machine(), listed(LOCAL), NO_DATABASE, {DATE: said})
    assert only(command_queue(told)).oldest_at is None
    with pytest.raises(HostError, match="since when cannot be read"):
        command_queue_complete(told)
