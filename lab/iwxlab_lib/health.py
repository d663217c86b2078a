"""Ask the server's own judge which parts answer, and wait for a state."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .commands import LabError, run
from .server import Server

PROBE = "/usr/local/lib/iwxlab/probe"
ON_NODE = "node/"


def ask(server: Server, names: Sequence[str] = ()) -> dict[str, str]:
    """One look at the named probes (all when none is named): name -> what is wrong, "" when nothing is."""
    done = run(server.enter([PROBE, *names]), timeout_s=60, check=False)
    try:
        found: dict[str, str] = json.loads(done.stdout)
    except ValueError as error:
        raise LabError(
            f"the probe inside gave no answer: {(done.stderr or done.stdout).strip()[-300:]}"
        ) from error
    if missing := [name for name in names if name not in found]:
        raise LabError(f"the probe inside does not know {', '.join(missing)}")
    return found


def unwell(found: dict[str, str]) -> dict[str, str]:
    return {name: why for name, why in found.items() if why}


def await_healthy(server: Server, timeout_s: float = 40.0) -> float:
    """Wait until every probe is content; the seconds it took. What was unwell is asked again, then all."""
    started = time.monotonic()
    names: Sequence[str] = ()
    while True:
        bad = unwell(ask(server, names))
        if not bad and not names:
            return time.monotonic() - started
        if time.monotonic() - started > timeout_s:
            lines = "\n".join(f"  {name}: {why}" for name, why in bad.items())
            raise LabError(f"{server.layout.name} is not healthy after {timeout_s:g} s:\n{lines}")
        names = tuple(bad)
        time.sleep(0.2 if bad else 0)


def await_all_healthy(hosts: Sequence[Server]) -> None:
    """Wait until all are healthy, side by side."""
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(await_healthy, hosts):
            pass


def ask_all(server: Server, names: Sequence[str]) -> dict[str, str]:
    """One look at probes of the server and, named `node/NAME`, of its node."""
    here = [name for name in names if not name.startswith(ON_NODE)]
    there = [name.removeprefix(ON_NODE) for name in names if name.startswith(ON_NODE)]
    found = ask(server, here) if here else {}
    return found | {ON_NODE + name: why for name, why in (ask(server.node, there) if there else {}).items()}


def await_broken(server: Server, names: Sequence[str], timeout_s: float = 20.0) -> dict[str, str]:
    """Wait until every named probe is unwell; what each said. The fault did not take when one stays well."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = ask_all(server, names)
        if len(unwell(found)) == len(names):
            return found
        if time.monotonic() > deadline:
            well = ", ".join(name for name, why in found.items() if not why)
            raise LabError(f"the fault did not take: {well} still well after {timeout_s:g} s")
        time.sleep(0.3)
