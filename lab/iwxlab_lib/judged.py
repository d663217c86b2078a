"""Let the agent diagnose the server: healthy, and with each fault; compare with what the fault expects."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faults import FAULTS, Expect, Fault

from . import cluster
from .commands import LabError, run
from .faultbook import break_it, mend_it
from .server import Server

# The server boots on a kernel that may have come up a minute ago, and shares its load with whatever
# else runs there; and a lab need not wait as people do.
SETTINGS = """\
boot_grace_s = 0
licence = "direct"
confirm_after_s = 1.5
[limits."system.clock"]
settle_s = 0
[limits."system.load"]
warning_per_cpu = 1000
error_per_cpu = 1000
"""
DIAGNOSE_LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the agent said, as far as the table needs it."""

    exit_code: int
    priority: str
    emergency: bool
    incidents: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Lead code, lead subject and title, codes of the consequences; worst first."""
    blind: tuple[str, ...]
    """Checks that could not tell or crashed, with the reason."""
    took_s: float
    in_scope: bool | None = None

    @property
    def codes(self) -> set[str]:
        return {code for lead, _, others in self.incidents for code in (lead, *others)}


def find_agent(given: str) -> str:
    """The agent's path: as given, or the virtual environment of this tree, or the one on PATH."""
    places = (
        [given] if given else [str(Path(__file__).parents[2] / ".venv/bin/iwx-agent"), *on_path("iwx-agent")]
    )
    for place in places:
        if os.access(place, os.X_OK):
            return str(Path(place).absolute())
    raise LabError(f"no agent at {' or '.join(places)}; name it with --agent", exit_code=2)


def on_path(name: str) -> Iterator[str]:
    for folder in os.environ.get("PATH", "").split(":"):
        if (Path(folder) / name).exists():
            yield str(Path(folder) / name)


def prepare(server: Server, agent: str = "") -> None:
    """Write the agent's settings; copy the agent's environment in where the server cannot see it."""
    if agent and run(server.enter(["test", "-x", agent]), check=False).returncode:
        bring(server, Path(agent).parents[1])
    server.shell(f"mkdir -p /etc/iwx-agent && cat >/etc/iwx-agent/config.toml <<'END'\n{SETTINGS}END")


def bring(server: Server, environment: Path) -> None:
    """Copy a virtual environment to the same place inside: a tree below /tmp or /home is hidden there."""
    with tempfile.TemporaryFile() as packed:
        subprocess.run(["tar", "-C", "/", "-c", str(environment)[1:]], stdout=packed, check=True, timeout=60)
        packed.seek(0)
        unpack = server.enter(["tar", "-C", "/", "-x"])
        subprocess.run(unpack, stdin=packed, check=True, timeout=60)


def diagnose(server: Server, agent: str) -> Seen:
    """Run the agent inside and read its report."""
    started = time.monotonic()
    done = run(server.enter([agent, "diagnose", "--format", "json"]), timeout_s=DIAGNOSE_LIMIT_S, check=False)
    took_s = time.monotonic() - started
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise LabError(
            f"the agent ended with {done.returncode} and no report: {done.stderr.strip()[:500]}"
        ) from None
    return Seen(
        exit_code=done.returncode,
        priority=report["verdict"]["priority"] or "none",
        emergency=report["verdict"]["emergency"],
        incidents=tuple(
            (
                incident["lead"]["code"],
                f"{incident['lead']['subject']} {incident['lead']['title']} {incident['lead']['detail']}",
                tuple(sorted(finding["code"] for finding in incident["others"])),
            )
            for incident in report["incidents"]
        ),
        blind=tuple(
            f"{result['check_id']}: {result['reason']}"
            for result in report["results"]
            if result["status"] in ("unknown", "crashed")
        ),
        took_s=took_s,
        in_scope=report["verdict"]["in_scope"],
    )


def wrong_when_healthy(seen: Seen) -> list[str]:
    """What a diagnosis of a healthy server should not have said."""
    wrong = [f"says {lead} ({text[:120]})" for lead, text, _ in seen.incidents]
    wrong += [f"could not tell {reason}" for reason in seen.blind]
    if seen.exit_code != 0:
        wrong.append(f"exit code {seen.exit_code}, not 0")
    return wrong


def wrong_when_broken(expect: Expect, seen: Seen) -> list[str]:
    """Where a diagnosis of the broken server differs from what was expected."""
    if not expect.lead:
        return wrong_when_healthy(seen)
    wrong = []
    lead, text, _ = seen.incidents[0] if seen.incidents else ("nothing", "", ())
    if lead != expect.lead:
        wrong.append(f"{lead} is on top, not {expect.lead}")
    elif expect.subject.lower() not in text.lower():
        wrong.append(f"{lead} does not name {expect.subject}: {text[:160]}")
    if extra := seen.codes - {expect.lead, *expect.codes}:
        wrong.append(f"also says {', '.join(sorted(extra))}")
    if seen.priority != expect.priority:
        wrong.append(f"priority {seen.priority}, not {expect.priority}")
    if seen.in_scope is not expect.in_scope:
        wrong.append(f"in scope: {seen.in_scope}, not {expect.in_scope}")
    expected_exit = {"Urgent": 3, "Information": 0}.get(expect.priority, 1)
    if seen.exit_code != expected_exit:
        wrong.append(f"exit code {seen.exit_code}, not {expected_exit}")
    return wrong


def try_fault(server: Server, agent: str, fault: Fault) -> tuple[Seen, list[str]]:
    """Break, diagnose, mend, diagnose again; what was seen when broken, and all that was not as expected."""
    with server.locked():
        break_it(server, fault)
        try:
            seen = diagnose(server, agent)
            wrong = wrong_when_broken(fault.expect, seen)
            if fault.expect_on_node:
                on_node = diagnose(server.node, agent)
                wrong += [f"on the node: {what}" for what in wrong_when_broken(fault.expect_on_node, on_node)]
        finally:
            mend_it(server, fault)
        for host in server.hosts if fault.cluster else (server,):
            after = [*wrong_when_healthy(diagnose(host, agent)), *tripped(host)]
            wrong += [f"after mending, on {host.host}: {what}" for what in after]
    return seen, wrong


def tripped(server: Server) -> list[str]:
    """Which actions of the panel's command line were called that change something; forgotten once told."""
    said = server.shell("cat /var/lib/interworx-stand-in/tripwire 2>/dev/null || true")
    if said:
        server.shell("rm -f /var/lib/interworx-stand-in/tripwire")
    return [f"the agent called {line}, which changes something" for line in said.splitlines()]


def rows(server: Server, agent: str, faults: tuple[Fault, ...]) -> Iterator[tuple[Fault, Seen, list[str]]]:
    """Try the faults one after the other; one that cannot be brought in or taken out is a wrong row too."""
    is_cluster = server.node.is_up()
    for fault in faults:
        try:
            seen, wrong = try_fault(server, agent, fault)
        except LabError as error:
            cluster.up(server, cluster=is_cluster)
            for host in server.hosts:
                prepare(host, agent)
            seen = Seen(exit_code=-1, priority="none", emergency=False, incidents=(), blind=(), took_s=0.0)
            wrong = [str(error)]
        yield fault, seen, wrong


def row_text(fault: Fault, seen: Seen, wrong: list[str]) -> str:
    """One row of the table: fault, cause on top, consequences, priority, seconds, what is wrong."""
    lead, _, others = seen.incidents[0] if seen.incidents else ("-", "", ())
    beside = [f"+{code}" for code, _, _ in seen.incidents[1:]]
    said = f"{lead:<11} {' '.join([*others, *beside]) or '-':<42} {seen.priority:<8} {seen.took_s:5.1f} s"
    return f"{'ok  ' if not wrong else 'FAIL'} {fault.name:<22} {said}" + "".join(
        f"\n       {what}" for what in wrong
    )


def chosen(names: list[str]) -> tuple[Fault, ...]:
    by_name = {fault.name: fault for fault in FAULTS}
    if unknown := [name for name in names if name not in by_name]:
        raise LabError(f"no fault is called {', '.join(unknown)}; 'iwxlab list' names them all", exit_code=2)
    return tuple(by_name[name] for name in names) if names else FAULTS
