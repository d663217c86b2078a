"""Faults of a cluster: its scripts run on the manager, some on the node or at the switch between the two."""

from __future__ import annotations

from .model import NOTHING, Elsewhere, Expect, Fault

NODE = "iwx2.lab.invalid"
CUT_OFF = Elsewhere(on="switch", breaks="ip link set to-node down", mends="ip link set to-node up")
HOME_GONE = Elsewhere(on="node", breaks="umount /home || umount -l /home", mends="mount /home")
OLD_QUEUE = "iwxlab-queue add --count 40 --age 7200"

CLUSTER = (
    Fault(
        name="cluster-node-cut-off",
        title="the network between manager and node is cut",
        cluster=True,
        elsewhere=(CUT_OFF,),
        spoils=("node-panel", "node/home-mount"),
        expect=Expect(lead="CLUSTER-010", subject=NODE, priority="High", in_scope=None),
    ),
    Fault(
        name="cluster-node-panel-stopped",
        title="the panel of the node is stopped",
        cluster=True,
        elsewhere=(Elsewhere(on="node", breaks="systemctl stop iworx", mends="systemctl start iworx"),),
        spoils=("node-panel", "node/unit:iworx", "node/panel-2443"),
        expect=Expect(lead="CLUSTER-010", codes=("CLUSTER-011",), subject=NODE, priority="High"),
        expect_on_node=Expect(
            lead="PANEL-022", codes=("PANEL-001", "PANEL-030", "PANEL-040"), subject="iworx"
        ),
    ),
    Fault(
        name="cluster-file-service-stopped",
        title="the manager's NFS service is stopped: /home of the node hangs",
        cluster=True,
        breaks="systemctl stop nfs-server",
        mends="systemctl start nfs-server",
        spoils=("nfs-2049", "node/home-mount"),
        expect=Expect(lead="CLUSTER-023", subject=NODE, priority="High"),
        expect_on_node=Expect(
            lead="CLUSTER-021",
            codes=("SYSTEM-004", "WEB-003", "WEB-010", "PANEL-061"),
            subject="/home",
            in_scope=None,
        ),
    ),
    Fault(
        name="cluster-file-service-frozen",
        title="the manager's NFS service accepts connections and says nothing: /home of the node hangs",
        cluster=True,
        breaks="freeze nfs-server",
        mends="thaw nfs-server",
        spoils=("nfs-2049", "node/home-mount"),
        expect=NOTHING,
        expect_on_node=Expect(
            lead="CLUSTER-021",
            codes=("SYSTEM-004", "WEB-003", "WEB-010", "PANEL-061"),
            subject="/home",
            in_scope=None,
        ),
    ),
    Fault(
        name="cluster-home-not-mounted",
        title="/home is not mounted on the node: it shows an empty directory",
        cluster=True,
        elsewhere=(HOME_GONE,),
        spoils=("node/home-mount", "node/site01"),
        expect=NOTHING,
        expect_on_node=Expect(lead="CLUSTER-020", codes=("WEB-010",), subject="/home", priority="High"),
    ),
    Fault(
        name="cluster-queue-stuck",
        title="40 commands for the node have waited for two hours",
        cluster=True,
        breaks=OLD_QUEUE,
        mends="iwxlab-queue clear",
        spoils=("command-queue",),
        expect=Expect(lead="CLUSTER-001", subject=NODE),
    ),
    Fault(
        name="cluster-queue-failed",
        title="commands for the node have failed",
        cluster=True,
        breaks="iwxlab-queue add --count 5 --age 300\niwxlab-queue fail 3",
        mends="iwxlab-queue clear",
        spoils=("command-queue",),
        expect=Expect(lead="CLUSTER-002", subject=NODE, priority="High"),
    ),
    Fault(
        name="cluster-node-lost",
        title="the node has lost its /home and is cut off, and the commands for it wait",
        cluster=True,
        breaks=OLD_QUEUE,
        mends="iwxlab-queue clear",
        elsewhere=(HOME_GONE, CUT_OFF),
        spoils=("node-panel", "command-queue", "node/home-mount"),
        expect=Expect(lead="CLUSTER-010", codes=("CLUSTER-001",), subject=NODE, in_scope=None),
    ),
)
