"""A cluster of two: its faults, its queue, and the node's /home, which hangs with the manager's file service.

All of this module runs on one worker (tests/conftest.py), which has the one cluster.
"""

import json
from typing import Any

import pytest
from faults import FAULTS, Fault
from iwxlab_lib import judged
from iwxlab_lib.commands import LabError, run
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

NODE = "iwx2.lab.invalid"


def told_by_panel(server: Server, controller: str, action: str) -> Any:
    return json.loads(server.shell(f"nodeworx -u -n -c {controller} -a {action} -o json"))


def test_a_healthy_cluster_is_clean_on_its_manager_and_on_its_node(cluster: Server, agent: str) -> None:
    said = {host.host: judged.wrong_when_healthy(judged.diagnose(host, agent)) for host in cluster.hosts}
    assert said == {cluster.host: [], "iwx2": []}


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.cluster], ids=lambda fault: fault.name)
def test_a_fault_of_a_cluster_is_found_with_its_cause_and_priority_and_gone_when_mended(
    cluster: Server, agent: str, fault: Fault
) -> None:
    seen, wrong = judged.try_fault(cluster, agent, fault)
    assert not wrong, f"{seen}"


ASK = (
    "mariadb --no-defaults -uiworx -pnot-a-real-secret-1 -S /usr/local/interworx/mysql/iworx-db.sock"
    " -NB iworx -e 'SELECT n.hostname, q.status, q.attempts, q.created < NOW() - INTERVAL 1 HOUR"
    " FROM command_queue q JOIN nodes n ON n.id = q.node_id ORDER BY q.id'"
)


def test_the_queue_of_the_database_and_of_the_command_line_are_in_step(cluster: Server) -> None:
    try:
        cluster.shell(
            "iwxlab-queue add --count 2; iwxlab-queue age 7200; iwxlab-queue fail; iwxlab-queue add"
        )
        in_database = [line.split("\t") for line in cluster.shell(ASK).splitlines()]
        assert in_database == [
            [NODE, "failed", "5", "1"],
            [NODE, "pending", "0", "1"],
            [NODE, "pending", "0", "0"],
        ]
        told = told_by_panel(cluster, "CommandQueue", "listCommands")
        assert [[row["node"], row["status"], row["attempts"]] for row in told] == [
            row[:3] for row in in_database
        ]
        assert told_by_panel(cluster, "CommandQueue", "queryQueue")[0]["failed"] == "1"
    finally:
        cluster.shell("iwxlab-queue clear")
    assert told_by_panel(cluster, "CommandQueue", "listCommands") == []


def test_the_panel_can_have_several_nodes(cluster: Server) -> None:
    third = ["3", "iwx3.lab.invalid", "10.99.0.30"]
    try:
        cluster.shell(f"iwxlab-queue node {' '.join(third)}; iwxlab-queue add --node 3")
        told = told_by_panel(cluster, "ClusterNodes", "listClusterNodes")
        assert [list(row.values()) for row in told] == [["1", NODE, "10.99.0.20"], third]
        assert told_by_panel(cluster, "CommandQueue", "listCommands")[0]["node"] == "iwx3.lab.invalid"
    finally:
        cluster.shell("iwxlab-queue clear; iwxlab-queue forget 3")


def test_the_node_has_the_managers_home(cluster: Server) -> None:
    mount = "10.99.0.10:/home - fuse.nfs-stand-in"
    line = cluster.node.shell("grep ' /home ' /proc/self/mountinfo")
    assert " ".join([line.split()[-2], *line.split()[-4:-2]]) == mount
    cluster.node.shell("su -s /bin/sh site01 -c 'echo from the node >/home/site01/word'")
    try:
        seen = cluster.shell("cat /home/site01/word; stat -c %U /home/site01/word")
        assert seen == "from the node\nsite01\n"
    finally:
        cluster.shell("rm /home/site01/word")
    gone = run(cluster.node.enter(["cat", "/home/site01/word"]), check=False)
    assert "No such file" in gone.stderr


def test_what_hangs_on_the_node_holds_nobody_outside(cluster: Server) -> None:
    cluster.shell("systemctl stop nfs-server")
    try:
        with pytest.raises(LabError, match="did not end within 2 s"):
            cluster.node.shell("ls /home/site01", timeout_s=2)
    finally:
        cluster.shell("systemctl start nfs-server")
    assert "site01.example.invalid" in cluster.node.shell("ls /home/site01")
