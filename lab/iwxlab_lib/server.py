"""Bring one server up, enter it, take it down; with a second host beside it when a cluster is asked for.

Trees of processes make a server. `outside` is the world beyond its gateway: a network namespace with the
switch, the root name server and a mail sink; a node is plugged into its manager's. `nspawn` is a mount
namespace with the file system, in which systemd-nspawn boots systemd. Every mount and namespace belongs to
one of them; ending them leaves nothing behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from . import network
from .commands import LabError, run, tail
from .install import base_is_current, build_base, missing_packages, require_root
from .layout import Layout
from .processes import Process, children, reap, spawn

ADDRESS = "10.99.0.10"
ROOT_SIZE = "1500m"
BOOT_LIMIT_S = 30.0
LOCK_LIMIT_S = 90.0
SERVER = """
set -eu
mount -t tmpfs -o size={size},mode=755 iwxlab {folder}/fs
cd {folder}/fs
mkdir upper work root
tar --xattrs --xattrs-include='*' -C upper -xf {tar}
rm -rf upper/etc/machine-id upper/etc/hostname upper{state_home}
mkdir -p upper$(dirname {state_home})
mknod upper{state_home} c 0 0
echo {machine_id} >upper/etc/machine-id
echo {host}.lab.invalid >upper/etc/hostname
mkdir -p upper/var/log/journal/{machine_id}
cd upper
touch var/lib/interworx-stand-in/remote-assistance
sed -i -e 's/iwx1/{host}/g' -e 's/{own_address}/{address}/g' \
    etc/hosts etc/proftpd.conf etc/httpd/conf/httpd.conf \
    etc/httpd/conf.d/vhost_000_default.conf usr/local/interworx/iworx.ini \
    usr/local/interworx/etc/httpd/httpd.conf usr/local/interworx/etc/httpd/conf.d/listen.conf \
    var/qmail/control/me var/qmail/control/locals var/djbdns/tinydns/env/IP var/djbdns/axfrdns/env/IP \
    var/djbdns/dnscache/root/servers/*.invalid var/lib/interworx-stand-in/address
cd ..
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
for tree in {cgroup_trees}; do
    mkdir -p $tree/{cgroup}
    echo $$ >$tree/{cgroup}/cgroup.procs
done
exec systemd-nspawn -q -D root --boot --register=no --keep-unit --machine={name} \
    --hostname={host}.lab.invalid --console=passive \
    --network-namespace-path=/proc/{network_pid}/ns/net --resolv-conf=off --link-journal=no
"""
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
}


@dataclass(frozen=True)
class Role:
    """What a host is in its lab."""

    address: str
    port: str
    """The switch's port that it is plugged into."""
    host: str = ""
    """Its host name; empty for the lab's own name."""


ALONE = Role(address=ADDRESS, port="to-server")
NODE = Role(address="10.99.0.20", port="to-node", host="iwx2")


class Server:
    """One host: the lab's server, a cluster's manager when it has a node, or such a node."""

    def __init__(self, layout: Layout, role: Role = ALONE) -> None:
        self.layout, self.role = layout, role

    @property
    def host(self) -> str:
        return self.role.host or self.layout.name

    @property
    def node(self) -> Server:
        """The second host, up or not."""
        return Server(self.layout.of_node, NODE)

    @property
    def hosts(self) -> tuple[Server, ...]:
        """This server, and its node when that is up."""
        return (self, self.node) if self.node.is_up() else (self,)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one up, down, break or mend at a time for one server."""
        self.layout.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.layout.lock.open("w") as handle:
            deadline = time.monotonic() + LOCK_LIMIT_S
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise LabError(f"another iwxlab is at work on {self.layout.name}") from error
                    time.sleep(0.1)
            yield

    def stored(self) -> dict[str, Process]:
        """The processes that were written down, dead or alive; empty when there is no server."""
        try:
            kept = json.loads(self.layout.state.read_text())
            return {name: Process(*pair) for name, pair in kept["processes"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def store(self, processes: dict[str, Process]) -> None:
        kept = {"processes": {name: [one.pid, one.started_ticks] for name, one in processes.items()}}
        self.layout.state.write_text(json.dumps(kept))

    def leader(self) -> Process:
        """The server's own process 1."""
        found = self.stored().get("leader")
        if found is None or not found.alive():
            how = "iwxlab up --cluster" if self.role is NODE else "iwxlab up"
            raise LabError(f"server {self.layout.name} is not up; run '{how}'", exit_code=3)
        return found

    def is_up(self) -> bool:
        found = self.stored().get("leader")
        return found is not None and found.alive()

    # -- up --------------------------------------------------------------------------------------------------

    def up(self, *, cluster: bool = False) -> None:
        """Boot the server; returns when systemd has come to its target, not when all services answer."""
        require_root()
        if missing := missing_packages():
            raise LabError(f"packages are missing ({', '.join(missing)}); run 'iwxlab install'")
        if not base_is_current(self.layout):
            print("base layer is not current: building it", flush=True)
            build_base(self.layout)
        self.down()
        hosts = (self, self.node) if cluster else (self,)
        try:
            world = network.start_world(self.layout.folder / "outside", self.layout.log_made())
            for host in hosts:
                host.launch(world)
            for host in hosts:
                host.await_boot()
        except BaseException:
            self.down(keep_logs=True)
            raise

    def launch(self, world: Process) -> None:
        """Start all processes of this host; the server owns the world, a node is only plugged into it."""
        log = self.layout.log_made()
        (self.layout.folder / "fs").mkdir()
        processes = {} if self.role is NODE else {"outside": world}
        self.store(processes)
        processes["network"] = network.start_network(log)
        self.store(processes)
        pid = processes["network"].pid
        network.plug_in(pid, world.pid, port=self.role.port, address=self.role.address, log=log)
        processes["nspawn"] = spawn(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", self.script(pid)],
            self.layout.console,
        )
        self.store(processes)

    def script(self, network_pid: int) -> str:
        return SERVER.format(
            size=ROOT_SIZE,
            folder=self.layout.folder,
            tar=self.layout.base_tar,
            machine_id=uuid.uuid4().hex,
            name=self.layout.name,
            host=self.host,
            own_address=ADDRESS.replace(".", "[.]"),
            address=self.role.address,
            network_pid=network_pid,
            state_home=self.layout.base_tar.parent,
            cgroup=self.layout.cgroup,
            cgroup_trees=" ".join(str(tree) for tree in cgroup_trees()),
        )

    def await_leader(self, nspawn: Process) -> Process:
        """Wait until nspawn has a child in a process namespace of its own that has become systemd."""
        deadline = time.monotonic() + BOOT_LIMIT_S
        while time.monotonic() < deadline and nspawn.alive():
            for pid in children(nspawn.pid):
                found = Process.of(pid)
                if found and name_of(pid) == "systemd":
                    return found
            time.sleep(0.02)
        raise LabError(f"systemd did not start\n{tail(read(self.layout.console))}")

    def await_boot(self) -> None:
        processes = self.stored()
        processes["leader"] = self.await_leader(processes["nspawn"])
        self.store(processes)
        deadline = time.monotonic() + BOOT_LIMIT_S
        state = ""
        while time.monotonic() < deadline:
            done = run(self.enter(["systemctl", "is-system-running"]), check=False)
            state = (done.stdout or done.stderr).strip()
            if state in ("running", "degraded"):
                return
            time.sleep(0.05)
        raise LabError(f"the server did not finish booting within {BOOT_LIMIT_S:g} s: {state}")

    # -- inside ----------------------------------------------------------------------------------------------

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` inside, with a clean environment like that of a root login."""
        environment = [f"{key}={value}" for key, value in ENVIRONMENT.items()]
        if "TERM" in os.environ:
            environment.append(f"TERM={os.environ['TERM']}")
        return [
            "nsenter",
            "-t",
            str(self.leader().pid),
            "-a",
            "--",
            "env",
            "-i",
            "-C",
            "/root",
            *environment,
            *argv,
        ]

    def refresh(self) -> None:
        """Let the server see files of the machine that were changed since it came up.

        Below an overlay nothing should change; remounting makes it forget the names it has looked up.
        """
        run(["nsenter", "-t", str(self.leader().pid), "-m", "--", "mount", "-o", "remount", "/"], check=False)

    def shell(self, script: str, *, timeout_s: float = 60.0, check: bool = True) -> str:
        """Run a script of sh inside and return what it printed."""
        done = run(self.enter(["sh", "-eu", "-s"]), stdin=script, timeout_s=timeout_s, check=check)
        return done.stdout

    def at_switch(self, script: str) -> str:
        """Run a script of sh where the cables of this server and its node come together."""
        found = self.stored().get("outside")
        if found is None or not found.alive():
            raise LabError(f"{self.layout.name} has no switch", exit_code=3)
        return network.on_switch(found.pid, script)

    # -- down ------------------------------------------------------------------------------------------------

    def down(self, *, keep_logs: bool = False) -> bool:
        """End every process of the server and forget it; True when there was something to end."""
        if self.role is not NODE:
            self.node.down(keep_logs=keep_logs)
        processes = self.stored()
        found = False
        # Process 1 first: with it goes everything inside, also what is stuck in a file system that hangs.
        for name in ("leader", "nspawn", "network", "outside"):
            process = processes.get(name)
            if process is None:
                continue
            found = found or process.alive()
            if name == "nspawn" and process.alive() and "leader" in processes:
                wait_for_end(process)
            if not process.end():
                raise LabError(f"process {process.pid} ({name}) does not end; see /proc/{process.pid}/stack")
        remove_cgroups(self.layout.cgroup)
        if keep_logs:
            self.layout.state.unlink(missing_ok=True)
        elif self.layout.folder.exists():
            shutil.rmtree(self.layout.folder)
        return found


def name_of(pid: int) -> str:
    """Return the name of a process; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def wait_for_end(process: Process, timeout_s: float = 5.0) -> None:
    """Give nspawn the time to tidy up after its process 1 has gone."""
    deadline = time.monotonic() + timeout_s
    while process.alive() and time.monotonic() < deadline:
        reap(process.pid)
        time.sleep(0.02)


def cgroup_trees() -> list[Path]:
    """The hierarchies in which systemd keeps its units.

    Without a cgroup of its own two servers would share those of units of one name, and each systemd would
    find processes there that it cannot see.
    """
    places = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"))
    return [place for place in places if (place / "cgroup.procs").exists()]


def remove_cgroups(name: str) -> None:
    """Remove the cgroups of a server that has ended, the innermost first."""
    for tree in cgroup_trees():
        for folder, _, _ in os.walk(tree / name, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
