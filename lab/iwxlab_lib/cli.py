"""The verbs of `lab/iwxlab`."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import cluster
from .commands import LabError
from .faultbook import as_data, break_it, broken, find, fits, markdown, mend_it, table
from .health import ask, await_healthy, unwell
from .install import base_is_current, build_base, install_packages, require_root
from .judged import chosen, diagnose, find_agent, prepare, row_text, rows, wrong_when_healthy
from .layout import DEFAULT_NAME, NODE_SUFFIX, Layout
from .record import record_fault, record_healthy
from .server import NODE, Server

Verb = Callable[[argparse.Namespace, Server], int]


def install(_args: argparse.Namespace, server: Server) -> int:
    require_root()
    names = install_packages()
    print(f"packages: {len(names)} installed" if names else "packages: all there")
    if base_is_current(server.layout):
        print(f"base layer: current ({server.layout.base_tar})")
    else:
        print(f"base layer: built in {build_base(server.layout):.1f} s ({server.layout.base_tar})")
    return 0


def up(args: argparse.Namespace, server: Server) -> int:
    if server.role is NODE:
        raise LabError(f"{server.layout.name} is a node: it comes up with its manager", exit_code=2)
    with server.locked():
        started = time.monotonic()
        cluster.up(server, cluster=args.cluster)
        what = "manager and node healthy" if args.cluster else "healthy"
        print(f"{server.layout.name}: {what} after {time.monotonic() - started:.1f} s; try 'iwxlab shell'")
    return 0


def wait(args: argparse.Namespace, server: Server) -> int:
    server.leader()
    for host in server.hosts:
        print(f"{host.layout.name}: healthy after {await_healthy(host, args.timeout):.1f} s")
    return 0


def shell(args: argparse.Namespace, server: Server) -> int:
    host = server.node if args.host == "node" else server
    host.refresh()
    return subprocess.call(host.enter(["/bin/bash", "-l"]))


def run_command(args: argparse.Namespace, server: Server) -> int:
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not words:
        raise LabError("run: what? For example: iwxlab run -- systemctl --failed", exit_code=2)
    host = server.node if args.host == "node" else server
    host.refresh()
    argv = host.enter(words)
    sys.stdout.flush()
    os.execvp(argv[0], argv)


def break_fault(args: argparse.Namespace, server: Server) -> int:
    fault = find(args.fault)
    server.leader()
    with server.locked():
        took_s, seen = break_it(server, fault)
    print(f"{fault.name}: {fault.title} ({took_s:.1f} s)")
    for name, why in seen.items():
        print(f"  {name}: {why}")
    return 0


def mend_fault(args: argparse.Namespace, server: Server) -> int:
    fault = find(args.fault)
    server.leader()
    with server.locked():
        took_s = mend_it(server, fault)
        left = broken(server)
    print(
        f"{fault.name}: mended in {took_s:.1f} s"
        + (f"; still broken: {', '.join(left)}" if left else "; healthy")
    )
    return 0


def status(args: argparse.Namespace, server: Server) -> int:
    if not server.is_up():
        print(f"{server.layout.name}: down")
        return 3
    left = broken(server)
    bad = unwell(ask(server))
    bad |= {f"node/{name}": why for host in server.hosts[1:] for name, why in unwell(ask(host)).items()}
    if args.json:
        print(json.dumps({"name": server.layout.name, "broken": left, "unwell": bad}))
        return 1 if bad else 0
    word = "healthy" if not bad else f"{len(bad)} probes unwell"
    print(f"{server.layout.name}: up, {word}" + (f"; broken: {', '.join(left)}" if left else ""))
    for name, why in bad.items():
        print(f"  {name}: {why}")
    return 1 if bad else 0


def down(_args: argparse.Namespace, server: Server) -> int:
    require_root()
    with server.locked():
        started = time.monotonic()
        found = server.down()
    print(
        f"{server.layout.name}: " + (f"down in {time.monotonic() - started:.1f} s" if found else "was not up")
    )
    return 0


def list_faults(args: argparse.Namespace, _server: Server) -> int:
    if args.json:
        print(json.dumps(as_data(), indent=2))
    else:
        print("\n".join(markdown() if args.markdown else table()))
    return 0


def selftest(args: argparse.Namespace, server: Server) -> int:
    """Break and mend each fault in turn."""
    names = args.faults or [entry["name"] for entry in as_data()]
    server.leader()
    is_cluster = server.node.is_up()
    failed = 0
    for name in names:
        fault = find(str(name))
        if not fits(server, fault) and not args.faults:
            print(f"skip  {fault.name}: takes a cluster", flush=True)
            continue
        try:
            with server.locked():
                broken_s, _seen = break_it(server, fault)
                mended_s = mend_it(server, fault)
            print(f"ok    {fault.name}: broken in {broken_s:.1f} s, mended in {mended_s:.1f} s", flush=True)
        except LabError as error:
            failed += 1
            print(f"FAIL  {fault.name}: {error}", flush=True)
            with server.locked():
                cluster.up(server, cluster=is_cluster)
    return 1 if failed else 0


def check(args: argparse.Namespace, server: Server) -> int:
    """Let the agent diagnose each fault, and the healthy server, and print the table."""
    agent, faults = find_agent(args.agent), chosen(args.faults)
    server.leader()
    if not args.faults:
        faults = tuple(fault for fault in faults if fits(server, fault))
    for host in server.hosts:
        prepare(host, agent)
    failed = 0
    for host in server.hosts * args.healthy:
        seen = diagnose(host, agent)
        wrong = wrong_when_healthy(seen)
        failed += bool(wrong)
        said = f"{host.host} healthy  {seen.took_s:.1f} s  {'; '.join(wrong)}"
        print(f"{'FAIL' if wrong else 'ok  '} {said}".rstrip(), flush=True)
    if args.healthy and not args.faults:
        return 1 if failed else 0
    print(f"     {'fault':<22} {'cause':<11} {'consequences, +others':<42} {'priority':<8}")
    for fault, seen, wrong in rows(server, agent, faults):
        failed += bool(wrong)
        print(row_text(fault, seen, wrong), flush=True)
    print(f"{len(faults)} faults, {failed} not as expected")
    return 1 if failed else 0


def record(args: argparse.Namespace, server: Server) -> int:
    """Record the healthy server or faults as captures."""
    agent, faults = find_agent(args.agent), chosen(args.faults)
    server.leader()
    asked = server.node if args.host == "node" else server
    prepare(asked, agent)
    into = Path(args.into)
    if args.base:
        print(record_healthy(asked, agent, into, args.note), flush=True)
    for fault in faults if args.faults or not args.base else ():
        print(record_fault(server, agent, into, fault, args.note, asked=asked), flush=True)
    return 0


def server_of(name: str) -> Server:
    """The server of that name; a node has its manager's name with an ending."""
    return Server(Layout(name), NODE) if name.endswith(NODE_SUFFIX) else Server(Layout(name))


def server_name(text: str) -> str:
    """A name that can be a host's and a directory's."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", text):
        raise argparse.ArgumentTypeError("lower-case letters, digits and hyphens, at most 31, a letter first")
    return text


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="iwxlab",
        description="A stand-in InterWorx server made of real parts, to be broken and mended.",
        epilog="example: iwxlab install && iwxlab up && iwxlab break panel-db-killed && iwxlab status",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, action: Verb, text: str, example: str) -> argparse.ArgumentParser:
        one = verbs.add_parser(name, help=text, description=text, epilog=f"example: {example}")
        one.add_argument(
            "--name", default=DEFAULT_NAME, type=server_name, help=f"which server (default {DEFAULT_NAME})"
        )
        one.set_defaults(action=action)
        return one

    def takes_host(one: argparse.ArgumentParser) -> None:
        one.add_argument(
            "--host",
            choices=("server", "node"),
            default="server",
            help="which host of a cluster (default server)",
        )

    verb("install", install, "Install the packages and build the base layer.", "iwxlab install")
    one = verb(
        "up",
        up,
        "Boot a fresh server and wait until it is healthy; an old one of that name is taken down first.",
        "iwxlab up --cluster",
    )
    one.add_argument(
        "--cluster", action="store_true", help="and a second host beside it: a cluster of manager and node"
    )
    one = verb("wait", wait, "Wait until the server is healthy.", "iwxlab wait --timeout 20")
    one.add_argument(
        "--timeout", type=float, default=40.0, metavar="S", help="how many seconds at most (default 40)"
    )
    takes_host(verb("shell", shell, "A shell inside.", "iwxlab shell"))
    one = verb(
        "run",
        run_command,
        "Run a command inside; stdin, output and exit code are the command's.",
        "iwxlab run --host node -- findmnt /home",
    )
    takes_host(one)
    one.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments"
    )
    one = verb("break", break_fault, "Bring a fault in and see that it shows.", "iwxlab break smtp-frozen")
    one.add_argument("fault", help="a name from 'iwxlab list'")
    one = verb(
        "mend", mend_fault, "Take a fault out and see that the server is healthy.", "iwxlab mend smtp-frozen"
    )
    one.add_argument("fault", help="a name from 'iwxlab list'")
    one = verb(
        "status",
        status,
        "Say whether it is up and which of the lab's own probes are unwell (exit 0 healthy, 1 not, 3 down).",
        "iwxlab status --json",
    )
    one.add_argument("--json", action="store_true", help="for programs")
    verb("down", down, "End the server; no mount, namespace or process stays.", "iwxlab down")
    one = verb("list", list_faults, "List the faults.", "iwxlab list --json")
    one.add_argument("--json", action="store_true", help="for programs, with what a diagnosis should say")
    one.add_argument("--markdown", action="store_true", help="the table of lab/README.md")
    one = verb(
        "selftest", selftest, "Break and mend every fault, or those named.", "iwxlab selftest panel-db-killed"
    )
    one.add_argument("faults", nargs="*", metavar="FAULT", help="names from 'iwxlab list'")
    one = verb(
        "check",
        check,
        "Let the agent diagnose each fault, or those named, and print the table; exit 1 when "
        "a row is not as expected.",
        "iwxlab check panel-db-killed",
    )
    one.add_argument("faults", nargs="*", metavar="FAULT", help="names from 'iwxlab list'")
    one.add_argument(
        "--agent", default="", metavar="PATH", help="the agent (default: .venv/bin/iwx-agent of this tree)"
    )
    one.add_argument(
        "--healthy", type=int, default=0, metavar="N", help="diagnose the healthy server N times instead"
    )
    one = verb(
        "record",
        record,
        "Record faults, or those named, as captures that lie on a healthy one.",
        "iwxlab record --into tests/roots --base",
    )
    one.add_argument("faults", nargs="*", metavar="FAULT", help="names from 'iwxlab list'")
    one.add_argument(
        "--agent", default="", metavar="PATH", help="the agent (default: .venv/bin/iwx-agent of this tree)"
    )
    one.add_argument("--into", required=True, metavar="DIR", help="where the captures go")
    one.add_argument(
        "--base", action="store_true", help="record the healthy server (alone when no fault is named)"
    )
    takes_host(one)
    one.add_argument("--note", default="recorded by iwxlab", metavar="TEXT", help="kept in each capture")
    return top


def main() -> int:
    args = parser().parse_args()
    try:
        action: Verb = args.action
        return action(args, server_of(args.name))
    except LabError as error:
        print(f"iwxlab: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
