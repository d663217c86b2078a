"""A server's part in a cluster and its nodes: cheap signs first, the panel's word, no guess in between."""

from collections.abc import Iterable
from typing import Any

import pytest
from fakes import FakeHost, command, content, context, run
from msgspec import Struct

from iwx_agent.host import (
    CommandAnswer,
    DsnPlace,
    GreetingAnswer,
    HostError,
    PanelRows,
    PanelTables,
    Question,
    ReadFile,
    Resolve,
    ResolveAnswer,
    RunCommand,
    TableRows,
    TcpGreeting,
)
from iwx_agent.model.cluster import ClusterNode
from iwx_agent.probes import Context
from iwx_agent.probes.cluster import cluster_nodes, cluster_nodes_complete, cluster_role

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]

LIST = ("nodeworx", "-u", "-n", "-c", "ClusterNodes", "-a", "listClusterNodes", "-o", "json")
CLUSTERABLE = ("nodeworx", "-u", "-n", "-c", "Overview", "-a", "listIsClusterable", "-o", "json")
ONE = '[{"id": 2, "hostname": "iwx2.lab.invalid", "ipaddr": "10.99.0.20"}]'
NODE = ClusterNode(name="iwx2.lab.invalid", address="10.99.0.20", node_id="2")
MOUNTINFO = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
NFS = "2 1 0:9 / /home rw shared:2 - nfs4 10.99.0.10:/home rw,hard\n"
DSN = DsnPlace(path="/usr/local/interworx/iworx.ini", section="iworx", key="dsn")
OTHER_DSN = DsnPlace(path="/home/interworx/iworx.ini", section="iworx", key="dsn")
WORDS = ("queue", "command", "cmd", "node")
NOT_THERE = HostError("not_found", "No such file or directory (ENOENT)", "x")
GREETED = GreetingAnswer(data=b"", duration_s=0.01)


def machine(*, mounts: str = "", fstab: str = "", exports: str = "") -> Answers:
    return {
        ReadFile(path="/proc/self/mountinfo"): content(MOUNTINFO + mounts),
        ReadFile(path="/etc/fstab"): content(fstab),
        ReadFile(path="/etc/exports"): content(exports) if exports else NOT_THERE,
    }


def panel(said: str | CommandAnswer | HostError, **more: Any) -> Answers:
    return {run(*LIST): command(LIST, said, **more) if isinstance(said, str) else said}


def clusterable(said: str) -> Answers:
    return {run(*CLUSTERABLE): command(CLUSTERABLE, said)}


HUNG = CommandAnswer(argv=LIST, exit_code=None, stdout=b"", stderr=b"", duration_s=10.0, timed_out=True)
BROKEN = command(LIST, exit_code=1, stderr="Unable to connect to the InterWorx database")
NO_DATABASE: Answers = {PanelTables(dsn=DSN, words=WORDS): HostError("failed", "not installed", "db")}


def database(
    *nodes: tuple[str | None, ...], columns: Iterable[str] = ("id", "hostname", "ipaddr")
) -> Answers:
    names = tuple(columns)
    return {
        PanelTables(dsn=DSN, words=WORDS): TableRows(
            columns=("table", "column", "type"),
            rows=tuple(("nodes", name, "varchar") for name in names),
            duration_s=0.01,
        ),
        PanelRows(dsn=DSN, table="nodes", columns=names, order_by=names[0]): TableRows(
            columns=names, rows=nodes, duration_s=0.01
        ),
    }


def asked(told: Context) -> list[Question]:
    host = told.resample
    assert isinstance(host, FakeHost)
    return host.asked


# The role


def test_a_single_server_costs_one_question_to_the_panel() -> None:
    told = context({**machine(), **panel("[]")})
    assert cluster_role(told).part == "single"
    assert len([q for q in asked(told) if isinstance(q, RunCommand)]) == 1
    assert not [q for q in asked(told) if isinstance(q, PanelTables | PanelRows)]


def test_a_server_that_lists_nodes_is_their_manager() -> None:
    role = cluster_role(context({**machine(), **panel(ONE)}))
    assert (role.part, role.nodes, role.nodes_gap) == ("manager", (NODE,), "")
    assert role.source == " ".join(LIST) + " (exit 0)"


def test_a_manager_may_have_its_home_on_a_file_server() -> None:
    assert cluster_role(context({**machine(mounts=NFS), **panel(ONE)})).part == "manager"


@pytest.mark.parametrize(
    ("mounts", "fstab", "source"),
    [
        (NFS, "", "/proc/self/mountinfo"),
        (NFS.replace("nfs4", "nfs"), "", "/proc/self/mountinfo"),
        (NFS.replace("nfs4", "fuse.hangfs"), "", "/proc/self/mountinfo"),
        (NFS.replace("10.99.0.10:", "[2001:db8::10]:"), "", "/proc/self/mountinfo"),
        ("", "10.99.0.10:/home /home nfs rw,hard 0 0\n", "/etc/fstab"),
        (
            "2 1 0:9 / /home rw - autofs systemd-1 rw\n",
            "manager:/home /home nfs defaults 0 0\n",
            "/etc/fstab",
        ),
    ],
)
def test_a_server_with_home_from_another_one_is_a_node(mounts: str, fstab: str, source: str) -> None:
    role = cluster_role(context({**machine(mounts=mounts, fstab=fstab), **panel("[]")}))
    assert (role.part, role.source, role.nodes_gap) == ("node", source, "")


@pytest.mark.parametrize(
    ("mounts", "fstab"),
    [
        (NFS.replace("/home rw", "/home/backup rw"), ""),
        (NFS.replace("nfs4 10.99.0.10:/home", "ext4 /dev/sdb1"), ""),
        (NFS.replace("nfs4 10.99.0.10:/home", "fuse.mergerfs a:b"), ""),
        (NFS.replace("nfs4 10.99.0.10:/home", "fuse.sshfs backup@example.com:/home"), ""),
        (NFS.replace("nfs4 10.99.0.10:/home", "cifs //nas/home"), ""),
        ("", "10.99.0.10:/home /home nfs noauto 0 0\n"),
        ("", "/dev/sdb1 /home ext4 defaults 0 0\n"),
        ("", "# 10.99.0.10:/home /home nfs defaults 0 0\n"),
    ],
)
def test_another_home_is_no_sign_of_a_cluster(mounts: str, fstab: str) -> None:
    assert cluster_role(context({**machine(mounts=mounts, fstab=fstab), **panel("[]")})).part == "single"


def test_the_end_of_a_table_of_mounts_that_was_cut_is_not_taken_for_a_mount() -> None:
    told = machine()
    told[ReadFile(path="/proc/self/mountinfo")] = content(
        MOUNTINFO + "2 1 0:9 / /home rw - nf", truncated=True
    )
    assert cluster_role(context({**told, **panel("[]")})).part == "single"


def test_there_may_be_no_fstab() -> None:
    told = machine() | {ReadFile(path="/etc/fstab"): NOT_THERE}
    assert cluster_role(context({**told, **panel("[]")})).part == "single"


@pytest.mark.parametrize("path", ["/etc/fstab", "/etc/exports"])
def test_a_table_that_cannot_be_read_is_no_empty_one(path: str) -> None:
    told = {**machine(), **panel(BROKEN), ReadFile(path=path): HostError("permission", "EACCES", path)}
    with pytest.raises(HostError, match="EACCES"):
        cluster_role(context(told))


# When the panel does not tell

UNHELPFUL = [
    (BROKEN, "the panel did not tell its nodes: Unable to connect"),
    (HUNG, "the panel did not tell its nodes: no answer within 10 s"),
    (
        HostError("not_found", "No such file or directory (ENOENT)", "nodeworx"),
        "did not tell its nodes: No such",
    ),
    ("<html><title>Login</title></html>", "said with exit code 0"),
    ("Error: you are not allowed", "said with exit code 0"),
    ("Username:", "said with exit code 0"),
    ('{"status": 11, "payload": "validation"}', "said with exit code 0"),
    ('[{"foo": "bar"}]', "1 rows of the panel's list of nodes were not understood: bar"),
    ("Everything is fine today\n", "1 rows of the panel's list of nodes were not understood"),
]


@pytest.mark.parametrize(("said", "reason"), UNHELPFUL, ids=[str(n) for n in range(len(UNHELPFUL))])
def test_a_panel_that_does_not_tell_makes_no_server_single(
    said: str | CommandAnswer | HostError, reason: str
) -> None:
    told = {**machine(), **panel(said), **clusterable('[{"is_clusterable": "1"}]'), **NO_DATABASE}
    with pytest.raises(HostError) as error:
        cluster_role(context(told))
    assert error.value.kind == "failed"
    assert reason in error.value.reason
    assert "the database: not installed" in error.value.reason


def test_a_command_line_that_hangs_is_not_asked_again() -> None:
    told = context({**machine(), **panel(HUNG), **NO_DATABASE})
    with pytest.raises(HostError, match="no answer within 10 s"):
        cluster_role(told)
    assert [q for q in asked(told) if isinstance(q, RunCommand)] == [run(*LIST)]


@pytest.mark.parametrize("told", ['[{"is_clusterable": "0"}]', '{"clusterable": false}', '[{"x": "No"}]'])
def test_a_licence_without_clustering_has_no_cluster(told: str) -> None:
    assert cluster_role(context({**machine(), **panel(BROKEN), **clusterable(told)})).part == "single"


@pytest.mark.parametrize("told", ["[]", '[{"is_clusterable": "1"}]', "<html>", '[{"a": "0", "b": "1"}]'])
def test_a_licence_that_is_not_told_proves_nothing(told: str) -> None:
    with pytest.raises(HostError, match="Unable to connect"):
        cluster_role(context({**machine(), **panel(BROKEN), **clusterable(told), **NO_DATABASE}))


def test_nothing_said_and_no_sign_is_a_single_server() -> None:
    assert cluster_role(context({**machine(), **panel("\n")})).part == "single"


@pytest.mark.parametrize(("told", "part"), [("", "single"), ("2\tiwx2.lab.invalid\t10.99.0.20\n", "manager")])
def test_where_json_is_refused_plain_columns_are_believed_and_so_is_their_absence(
    told: str, part: str
) -> None:
    refused = command(LIST, exit_code=1, stderr="Unknown option: -o")
    plain: Answers = {run(*LIST[:-2]): command(LIST[:-2], told)}
    role = cluster_role(context({**machine(exports="/home *(rw)\n"), **panel(refused), **plain}))
    assert (role.part, role.nodes_gap) == (part, "")


def test_nothing_said_where_home_is_exported_is_a_manager_whose_nodes_are_not_known() -> None:
    told = {**machine(exports="/home 10.99.0.20(rw)\n"), **panel(""), **NO_DATABASE}
    role = cluster_role(context(told))
    assert (role.part, role.source, role.nodes) == ("manager", "/etc/exports", ())
    assert role.nodes_gap == (
        "asked for its nodes, the panel said nothing, with exit code 0; the database: not installed"
    )


def test_an_export_does_not_overrule_a_panel_that_has_no_nodes() -> None:
    told = {**machine(exports="/home 10.99.0.20(rw)\n"), **panel("[]")}
    assert cluster_role(context(told)).part == "single"


def test_the_database_tells_the_nodes_that_the_panel_does_not() -> None:
    rows = database(("2", "iwx2.lab.invalid", "10.99.0.20"), ("3", None, "10.99.0.30"))
    told = {**machine(), **panel(BROKEN), **clusterable("[]"), **rows}
    role = cluster_role(context(told))
    assert (role.part, role.source, role.nodes_gap) == ("manager", "the panel's database", "")
    assert role.nodes == (NODE, ClusterNode(address="10.99.0.30", node_id="3"))


def test_an_empty_table_makes_no_server_single() -> None:
    with pytest.raises(HostError, match="the database lists none"):
        cluster_role(context({**machine(), **panel(BROKEN), **clusterable("[]"), **database()}))


def test_a_table_without_names_or_addresses_tells_no_nodes() -> None:
    told = {**machine(), **panel(BROKEN), **clusterable("[]"), **database(columns=("id", "colour"))}
    with pytest.raises(HostError, match="has no column for a node's name or address"):
        cluster_role(context(told))


def test_a_database_whose_place_is_not_there_proves_nothing() -> None:
    told = {
        **machine(),
        **panel(BROKEN),
        **clusterable("[]"),
        PanelTables(dsn=DSN, words=WORDS): NOT_THERE,
        PanelTables(dsn=OTHER_DSN, words=WORDS): NOT_THERE,
    }
    with pytest.raises(HostError) as error:
        cluster_role(context(told))
    assert error.value.kind == "failed"


def test_rows_that_are_not_there_any_more_prove_nothing() -> None:
    rows = database()
    question = next(q for q in rows if isinstance(q, PanelRows))
    told = {**machine(), **panel(BROKEN), **clusterable("[]"), **rows, question: NOT_THERE}
    with pytest.raises(HostError) as error:
        cluster_role(context(told))
    assert error.value.kind == "failed"


def test_a_node_of_which_the_panel_does_not_tell_may_be_a_manager() -> None:
    told = {**machine(mounts=NFS), **panel(BROKEN)}
    role = cluster_role(context(told))
    assert role.part == "node"
    assert role.nodes_gap.startswith("the panel did not tell its nodes")
    with pytest.raises(HostError) as error:
        cluster_nodes(context(told))
    assert error.value.kind == "failed"


def test_nodes_and_rows_that_were_not_understood() -> None:
    role = cluster_role(context({**machine(), **panel(f'{ONE[:-1]}, {{"foo": "bar"}}]')}))
    assert (role.part, role.nodes) == ("manager", (NODE,))
    assert role.nodes_gap.startswith("1 rows")


# The nodes


def node_port(address: str, name: str = "") -> TcpGreeting:
    return TcpGreeting(port=2443, address=address, tls=True, server_name=name, expect_greeting=False)


def listed(*nodes: str) -> Answers:
    return {**machine(), **panel(f"[{', '.join(nodes)}]")}


def test_each_node_is_asked_once_when_all_is_well() -> None:
    told = context(
        {
            **listed(ONE[1:-1], '{"hostname": "n3", "ip": "10.99.0.30"}'),
            node_port("10.99.0.20", "iwx2.lab.invalid"): GREETED,
            node_port("10.99.0.30", "n3"): GREETED,
        }
    )
    found = cluster_nodes(told)
    assert [(a.node.label, a.answer.address, a.answer.outcome) for a in found.answers] == [
        ("iwx2.lab.invalid", "10.99.0.20", "greeted"),
        ("n3", "10.99.0.30", "greeted"),
    ]
    assert cluster_nodes_complete(told).source == found.source
    host = told.resample
    assert isinstance(host, FakeHost)
    assert host.paused_s == 0
    assert len([q for q in host.asked if isinstance(q, TcpGreeting)]) == 2


def test_a_node_that_does_not_answer_is_asked_twice() -> None:
    silent = HostError("timeout", "connect took longer than 3.0 s", "x")
    told = context(
        {
            **listed(ONE[1:-1], '{"hostname": "n3", "ip": "10.99.0.30"}', '{"ip": "10.99.0.40"}'),
            node_port("10.99.0.20", "iwx2.lab.invalid"): silent,
            node_port("10.99.0.30", "n3"): [silent, GREETED],
            node_port("10.99.0.40"): GREETED,
        }
    )
    found = cluster_nodes(told)
    assert [a.answer.outcome for a in found.answers] == ["silent", "greeted", "greeted"]
    assert found.answers[0].evidence.text == "iwx2.lab.invalid: connect took longer than 3.0 s"
    host = told.resample
    assert isinstance(host, FakeHost)
    assert host.paused_s == 2.0
    assert [q.address for q in host.asked if isinstance(q, TcpGreeting)][3:] == ["10.99.0.20", "10.99.0.30"]
    assert cluster_nodes_complete(told).source


def test_a_name_is_resolved_and_the_first_address_asked() -> None:
    told = context(
        {
            **listed('{"hostname": "n3.example.com"}'),
            Resolve(name="n3.example.com"): ResolveAnswer(
                addresses=("2001:db8::3", "10.9.9.9"), duration_s=0.1
            ),
            node_port("2001:db8::3", "n3.example.com"): GREETED,
        }
    )
    assert [a.answer.address for a in cluster_nodes(told).answers] == ["2001:db8::3"]
    assert cluster_nodes_complete(told).source


@pytest.mark.parametrize(
    ("node", "answers", "reason"),
    [
        ('{"hostname": "n3", "ip": "127.0.0.1"}', {}, "n3 was not asked: 127.0.0.1 is not another machine's"),
        (
            '{"hostname": "n3.example.com"}',
            {Resolve(name="n3.example.com"): HostError("timeout", "no answer within 3.0 s", "x")},
            "n3.example.com was not asked: its name does not resolve (no answer within 3.0 s)",
        ),
        (
            '{"hostname": "n3.example.com"}',
            {Resolve(name="n3.example.com"): ResolveAnswer(addresses=("::1",), duration_s=0.1)},
            "n3.example.com was not asked: ::1 is not another machine's",
        ),
        (
            '{"hostname": "n3.example.com"}',
            {Resolve(name="n3.example.com"): ResolveAnswer(addresses=(), duration_s=0.1)},
            "n3.example.com was not asked: its name has no address",
        ),
        ('{"foo": "bar"}', {}, "1 rows of the panel's list of nodes were not understood"),
    ],
)
def test_a_node_that_was_not_asked_is_no_node_that_is_well(node: str, answers: Answers, reason: str) -> None:
    told = context(
        {**listed(ONE[1:-1], node), node_port("10.99.0.20", "iwx2.lab.invalid"): GREETED, **answers}
    )
    assert len(cluster_nodes(told).answers) == 1
    with pytest.raises(HostError) as error:
        cluster_nodes_complete(told)
    assert error.value.kind == "failed"
    assert reason in error.value.reason


def test_there_is_a_limit_and_it_is_said() -> None:
    nodes = [f'{{"ip": "10.1.0.{n}"}}' for n in range(1, 71)]
    told = context({**listed(*nodes), **{node_port(f"10.1.0.{n}"): GREETED for n in range(1, 65)}})
    assert len(cluster_nodes(told).answers) == 64
    with pytest.raises(HostError, match="70 nodes are listed, only 64 were asked"):
        cluster_nodes_complete(told)


@pytest.mark.parametrize("mounts", ["", NFS])
def test_who_manages_no_cluster_has_no_nodes(mounts: str) -> None:
    told = {**machine(mounts=mounts), **panel("[]")}
    for probe in (cluster_nodes, cluster_nodes_complete):
        with pytest.raises(HostError) as error:
            probe(context(told))
        assert error.value.kind == "not_found"


def test_a_manager_whose_nodes_are_not_known_could_not_tell() -> None:
    told = {**machine(exports="/home *(rw)\n"), **panel(BROKEN), **NO_DATABASE}
    for probe in (cluster_nodes, cluster_nodes_complete):
        with pytest.raises(HostError, match="Unable to connect") as error:
            probe(context(told))
        assert error.value.kind == "failed"
