"""Whether a cluster is well: asked on its manager and on its node; content where there is no cluster."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from probing import answers, need, talk

STATE = Path("/var/lib/interworx-stand-in")
OLD_S = 600


def stored(name: str) -> list[dict[str, str]]:
    path = STATE / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else []


def node_page() -> None:
    """The panel of every node answers over the private network."""
    for node in stored("cluster-nodes"):
        ask = f"GET /nodeworx/ HTTP/1.0\r\nHost: {node['hostname']}\r\n\r\n".encode()
        got = talk((node["ipaddr"], 2443), ask, node["hostname"], lambda _: False)
        need(b"NodeWorx" in got, f"{node['hostname']}: {got[:60]!r}")


def queue() -> None:
    """No command for a node has failed or waits for long."""
    entries = stored("command-queue")
    failed = [entry for entry in entries if entry["status"] == "failed"]
    need(not failed, f"{len(failed)} commands have failed")
    born = [datetime.fromisoformat(entry["created"]).timestamp() for entry in entries]
    oldest_s = time.time() - min(born, default=time.time())
    need(oldest_s < OLD_S, f"{len(entries)} commands wait, the oldest {oldest_s:.0f} s")


def file_service() -> None:
    """What /etc/exports promises is served."""
    exports = Path("/etc/exports")
    if exports.is_file() and exports.read_text().strip():
        talk(("127.0.0.1", 2049), b'{"operation": "ping"}\n', until=lambda got: got.endswith(b"\n"))


def home() -> None:
    """/home is mounted when fstab says so, and answers."""
    if not re.search(r"^\S+ /home nfs", Path("/etc/fstab").read_text(), re.MULTILINE):
        return
    need(" /home " in Path("/proc/self/mountinfo").read_text(), "/home is not mounted")
    answers("/home")


CLUSTER: dict[str, Callable[[], object]] = {
    "node-panel": node_page,
    "command-queue": queue,
    "nfs-2049": file_service,
    "home-mount": home,
}
