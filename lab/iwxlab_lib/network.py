"""Networks of the lab: namespaces joined by cables to one switch, none in the machine's own.

The switch stands in the world beyond the gateway; a host's cable ends there in the port named after its role.
"""

from __future__ import annotations

import time
from pathlib import Path

from .commands import LabError, run
from .layout import LAB
from .processes import Process, spawn

GATEWAY = "10.99.0.1"
SWITCH = "switch"


def start_world(folder: Path, log: Path) -> Process:
    """The world beyond the gateway, and the switch; its processes die with the one returned."""
    own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return spawn([*own, "sh", LAB / "outside" / "world.sh", folder], log)


def start_network(log: Path) -> Process:
    """A network namespace with nothing in it yet; it lives as long as the process returned."""
    return spawn(["unshare", "--net", "sleep", "infinity"], log)


def plug_in(network_pid: int, world_pid: int, *, port: str, address: str, log: Path) -> None:
    """Lay a cable from a namespace (as eth0, with its address) to the port of that name on the switch."""
    await_own_network(network_pid, log)
    await_own_network(world_pid, log)
    await_switch(world_pid, log)
    enter = ["nsenter", "--net", "-t", str(network_pid), "ip"]
    cable = f"link add eth0 type veth peer name {port} netns {world_pid}"
    run([*enter, *cable.split()])
    on_switch(world_pid, f"ip link set {port} master {SWITCH} up")
    for words in (
        "link set lo up",
        f"addr add {address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {GATEWAY} src {address}",
    ):
        run([*enter, *words.split()])


def on_switch(world_pid: int, script: str) -> str:
    """Run a script of sh where the switch is."""
    enter = ["nsenter", "--net", "-t", str(world_pid), "sh", "-eu", "-s"]
    return run(enter, stdin=script, timeout_s=20).stdout


def await_own_network(pid: int, log: Path) -> None:
    """Wait until `unshare` has really left the machine's own network namespace."""
    own, theirs = Path("/proc/self/ns/net").readlink(), Path(f"/proc/{pid}/ns/net")
    for _ in range(200):
        if theirs.exists() and theirs.readlink() != own:
            return
        time.sleep(0.01)
    raise LabError(f"no network namespace could be made; see {log}")


def await_switch(world_pid: int, log: Path) -> None:
    """Wait until the world has its switch."""
    look = ["nsenter", "--net", "-t", str(world_pid), "ip", "-br", "link", "show", "up", "dev", SWITCH]
    for _ in range(200):
        if run(look, check=False).stdout:
            return
        time.sleep(0.01)
    raise LabError(f"the world beyond the gateway did not start; see {log}")
