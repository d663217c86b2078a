"""Break one thing, see that it is broken; mend it, see that all is well again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict

from faults import FAULTS, Expect, Fault
from faults.model import Place

from .commands import LabError
from .health import await_all_healthy, await_broken
from .server import Server

PREAMBLE = ". /usr/local/lib/iwxlab/faults.sh\n"


def find(name: str) -> Fault:
    for fault in FAULTS:
        if fault.name == name:
            return fault
    near = [fault.name for fault in FAULTS if name in fault.name]
    hint = f"; perhaps {', '.join(near)}" if near else "; 'iwxlab list' names them all"
    raise LabError(f"no fault is called {name}{hint}", exit_code=2)


def broken(server: Server) -> list[str]:
    """The faults that are in the server now."""
    return server.shell("ls /run/iwxlab-broken 2>/dev/null || true").split()


def fits(server: Server, fault: Fault) -> bool:
    """Whether the fault can be brought in: some take a cluster."""
    return not fault.cluster or server.node.is_up()


def break_it(server: Server, fault: Fault) -> tuple[float, dict[str, str]]:
    """Bring the fault in and wait until it shows; seconds, and what each spoilt probe says."""
    if not fits(server, fault):
        raise LabError(f"{fault.name} takes a cluster: 'iwxlab up --cluster' first", exit_code=2)
    if fault.name in broken(server):
        raise LabError(f"{fault.name} is broken already; 'iwxlab mend {fault.name}' first")
    for host in server.hosts:
        host.refresh()
    started = time.monotonic()
    # /run is a file system of its own: the mark can be left when the disk is full.
    server.shell(f"{PREAMBLE}mkdir -p /run/iwxlab-broken\n: >/run/iwxlab-broken/{fault.name}\n{fault.breaks}")
    for part in fault.elsewhere:
        do_elsewhere(server, part.on, part.breaks)
    seen = await_broken(server, fault.spoils)
    return time.monotonic() - started, seen


def mend_it(server: Server, fault: Fault) -> float:
    """Take the fault out and wait until the server is healthy, unless other faults are in it; the seconds."""
    started = time.monotonic()
    for part in reversed(fault.elsewhere):
        do_elsewhere(server, part.on, part.mends)
    server.shell(f"{PREAMBLE}{fault.mends}\nrm -f /run/iwxlab-broken/{fault.name}")
    if not broken(server):
        await_all_healthy(server.hosts)
    return time.monotonic() - started


def do_elsewhere(server: Server, on: Place, script: str) -> None:
    if on == "node":
        server.node.shell(f"{PREAMBLE}{script}")
    else:
        server.at_switch(script)


def as_data() -> list[dict[str, object]]:
    """The table for other programs, without the scripts."""
    return [
        {
            "name": fault.name,
            "title": fault.title,
            "spoils": list(fault.spoils),
            "expect": asdict(fault.expect),
            "cluster": fault.cluster,
            "expect_on_node": asdict(fault.expect_on_node) if fault.expect_on_node else None,
        }
        for fault in FAULTS
    ]


def table() -> Iterator[str]:
    wide = max(len(fault.name) for fault in FAULTS)
    for fault in FAULTS:
        expect = told(fault)
        yield f"{fault.name:<{wide}}  {expect.lead or '-':<12}  {expect.priority:<11}  {fault.title}"


def markdown() -> Iterator[str]:
    """The table of lab/README.md."""
    yield "| fault | what is broken | cause | priority |"
    yield "|---|---|---|---|"
    for fault in FAULTS:
        expect = told(fault)
        where = " (on the node)" if expect is fault.expect_on_node else ""
        cause = f"{expect.lead}{where}" if expect.lead else "nothing is said"
        whose = "" if expect.in_scope else ", not the vendor's"
        priority = f"{expect.priority}{whose}" if expect.lead else ""
        yield f"| `{fault.name}` | {fault.title} | {cause} | {priority} |"


def told(fault: Fault) -> Expect:
    """What is said of it where it shows: on the node when the manager sees nothing of it."""
    return fault.expect if fault.expect.lead or fault.expect_on_node is None else fault.expect_on_node
