"""The unit on a lab server: under its sandbox the checks come to the same, also on a sick server."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from iwxlab_lib import judged
from iwxlab_lib.commands import run
from iwxlab_lib.faultbook import break_it, find, mend_it
from iwxlab_lib.health import await_healthy
from iwxlab_lib.layout import Layout
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

UNITS = Path(__file__).parents[2] / "systemd"
AGENT = str(Path(sys.prefix) / "bin" / "iwx-agent")
COMMAND = f"{AGENT} diagnose --format json --no-save"
# A checkout below /tmp would not be there for a unit with a /tmp of its own.
SEEN = "PrivateTmp=no\n" if AGENT.startswith(("/tmp/", "/var/tmp/")) else ""
# The same run without a sandbox, as a unit too: what runs in the lab has fewer rights than its root shell.
FREE = "free.service"
FAULTS = (
    "disk-full",
    "queue-no-inodes",
    "read-only",
    "filesystem-stuck",
    "panel-port-taken",
    "panel-db-killed",
    "sshd-stopped",
)


def put(server: Server, path: str, text: str) -> None:
    run(server.enter(["sh", "-c", f"mkdir -p $(dirname {path}) && cat >{path}"]), stdin=text)


@pytest.fixture(scope="module")
def booted() -> Iterator[Server]:
    """A server of its own with the units, their command replaced by one that prints."""
    found = Server(Layout("units" + os.environ.get("PYTEST_XDIST_WORKER", "")))
    found.up()
    try:
        await_healthy(found)
        judged.prepare(found, AGENT)
        for path in UNITS.glob("iwx-agent*.*r*"):
            if path.suffix in (".service", ".timer"):
                put(found, f"/etc/systemd/system/{path.name}", path.read_text())
        drop_ins = "/etc/systemd/system/iwx-agent.service.d"
        put(found, f"{drop_ins}/container.conf", (UNITS / "iwx-agent-container.conf").read_text())
        shown = "[Service]\nExecStart=\nExecStart={}\nStandardOutput=truncate:/run/{}.json\n"
        put(found, f"{drop_ins}/test.conf", shown.format(COMMAND, "iwx-agent.service") + SEEN)
        plain = "Type=oneshot\nSuccessExitStatus=1 3 4\nKillMode=process\n"
        put(found, f"/etc/systemd/system/{FREE}", shown.format(COMMAND, FREE) + plain)
        found.shell("systemctl daemon-reload")
        yield found
    finally:
        found.down()


def report(server: Server, unit: str) -> dict[str, Any]:
    """Start a unit, see that its run went well, and return what it printed."""
    server.shell(f"rm -f /run/{unit}.json; systemctl start {unit}", timeout_s=100)
    assert server.shell(f"systemctl show -p Result --value {unit}").strip() == "success"
    told: dict[str, Any] = json.loads(server.shell(f"cat /run/{unit}.json"))
    return told


def results(told: dict[str, Any]) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    return {
        one["check_id"]: (one["status"], sorted((f["code"], f["subject"]) for f in one["findings"]))
        for one in told["results"]
    }


def alike(server: Server) -> None:
    under, free = report(server, "iwx-agent.service"), report(server, FREE)
    assert results(under) == results(free)
    assert under["remote_assistance"] == free["remote_assistance"]
    assert under["verdict"]["priority"] == free["verdict"]["priority"]


def test_on_a_healthy_server_the_sandbox_changes_no_result(booted: Server) -> None:
    told = report(booted, "iwx-agent.service")
    assert {one["status"] for one in told["results"]} == {"ok", "not_applicable"}
    alike(booted)


@pytest.mark.parametrize("name", FAULTS)
def test_on_a_sick_server_it_starts_and_changes_no_result(booted: Server, name: str) -> None:
    fault = find(name)
    break_it(booted, fault)
    try:
        alike(booted)
    finally:
        mend_it(booted, fault)


def with_capabilities(server: Server, names: list[str]) -> dict[str, Any]:
    """Diagnose from the lab's root shell, which has more rights than its units, with these capabilities."""
    kept = ",".join(("-all", *(f"+{name.removeprefix('CAP_').lower()}" for name in names)))
    argv = ["setpriv", "--no-new-privs", "--bounding-set", kept, *COMMAND.split()]
    told: dict[str, Any] = json.loads(run(server.enter(argv), check=False, timeout_s=100).stdout)
    return told


def test_each_capability_that_a_check_forces_open_is_needed(booted: Server) -> None:
    text = (UNITS / "iwx-agent.service").read_text()
    names = re.findall(r"^CapabilityBoundingSet=(.*)$", text, flags=re.MULTILINE)[0].split()
    free = json.loads(run(booted.enter(COMMAND.split()), check=False, timeout_s=100).stdout)
    own = with_capabilities(booted, names)
    assert results(own) == results(free)
    assert own["remote_assistance"] == free["remote_assistance"]
    for missing, check in (("CAP_DAC_OVERRIDE", "web.php"), ("CAP_SYS_PTRACE", "mail.filters")):
        seen = results(with_capabilities(booted, [name for name in names if name != missing]))
        assert seen[check][0] == "unknown"
    told = with_capabilities(booted, [name for name in names if name != "CAP_NET_ADMIN"])
    assert "own firewall" in told["remote_assistance"]["doubts"][0]


def test_its_directories_are_root_s_alone(booted: Server) -> None:
    report(booted, "iwx-agent.service")
    places = "/var/lib/iwx-agent /var/log/iwx-agent /run/iwx-agent"
    assert booted.shell(f"stat -c '%a %U' {places}").split("\n")[:3] == ["700 root"] * 3


def test_a_run_that_fails_is_said_where_monitoring_looks(booted: Server) -> None:
    put(
        booted,
        "/run/systemd/system/iwx-agent.service.d/zz.conf",
        "[Service]\nExecStart=\nExecStart=/usr/bin/false\nSuccessExitStatus=\n",
    )
    try:
        booted.shell("systemctl daemon-reload; systemctl start iwx-agent.service", check=False)
        seen = "journalctl -q -p crit -t iwx-agent -o cat --no-pager"
        booted.shell(f"for n in $(seq 50); do {seen} | grep -q . && break; sleep 0.1; done")
        assert "nobody watches this server now" in booted.shell(seen)
    finally:
        booted.shell("rm -rf /run/systemd/system/iwx-agent.service.d; systemctl daemon-reload")


def test_the_timer_waits_for_its_next_moment(booted: Server) -> None:
    booted.shell("systemctl start iwx-agent.timer")
    try:
        shown = booted.shell("systemctl show -p ActiveState,SubState,NextElapseUSecRealtime iwx-agent.timer")
        told = dict(line.split("=", 1) for line in shown.split("\n") if "=" in line)
        assert (told["ActiveState"], told["SubState"]) == ("active", "waiting")
        assert told["NextElapseUSecRealtime"]
    finally:
        booted.shell("systemctl stop iwx-agent.timer")
