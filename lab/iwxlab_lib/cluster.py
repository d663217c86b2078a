"""Make a manager and a node of two hosts that have booted."""

from __future__ import annotations

from .health import await_all_healthy
from .server import Server

# The order is that of people: the manager exports /home and knows the node, then the node mounts it.
MANAGER = """
echo '/home {node}(rw,sync,no_root_squash)' >/etc/exports
systemctl -q enable --now nfs-server
iwxlab-queue node 1 {host}.lab.invalid {node}
"""
# Below the mount lies an empty directory, so that a missing mount shows as it does on a real node.
NODE = """
rm -rf /home/site*
echo '{manager}:/home /home nfs rw,hard,_netdev 0 0' >>/etc/fstab
mount /home
"""


def join(server: Server) -> None:
    """Let the server manage its node."""
    node = server.node
    server.shell(MANAGER.format(node=node.role.address, host=node.host))
    node.shell(NODE.format(manager=server.role.address))


def up(server: Server, *, cluster: bool) -> None:
    """Boot a fresh server, or a cluster of two, and wait until every probe is content."""
    server.up(cluster=cluster)
    if cluster:
        join(server)
    await_all_healthy(server.hosts)
