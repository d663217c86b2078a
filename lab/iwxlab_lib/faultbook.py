"""Break one thing, see that it is broken; mend it, see that all is well again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict

from faults import FAULTS, Fault

from .commands import LabError
from .health import await_broken, await_healthy
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


def break_it(server: Server, fault: Fault) -> tuple[float, dict[str, str]]:
    """Bring the fault in and wait until it shows; seconds, and what each spoilt probe says."""
    if fault.name in broken(server):
        raise LabError(f"{fault.name} is broken already; 'iwxlab mend {fault.name}' first")
    server.refresh()
    started = time.monotonic()
    # /run is a file system of its own: the mark can be left when the disk is full.
    server.shell(f"{PREAMBLE}mkdir -p /run/iwxlab-broken\n: >/run/iwxlab-broken/{fault.name}\n{fault.breaks}")
    seen = await_broken(server, fault.spoils)
    return time.monotonic() - started, seen


def mend_it(server: Server, fault: Fault) -> float:
    """Take the fault out and wait until the server is healthy, unless other faults are in it; the seconds."""
    started = time.monotonic()
    server.shell(f"{PREAMBLE}{fault.mends}\nrm -f /run/iwxlab-broken/{fault.name}")
    if not broken(server):
        await_healthy(server)
    return time.monotonic() - started


def as_data() -> list[dict[str, object]]:
    """The table for other programs, without the scripts."""
    return [
        {
            "name": fault.name,
            "title": fault.title,
            "spoils": list(fault.spoils),
            "expect": asdict(fault.expect),
        }
        for fault in FAULTS
    ]


def table() -> Iterator[str]:
    wide = max(len(fault.name) for fault in FAULTS)
    for fault in FAULTS:
        yield f"{fault.name:<{wide}}  {fault.expect.lead:<10}  {fault.expect.priority:<6}  {fault.title}"
