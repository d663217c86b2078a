"""Measure iwx-agent beside its peers, on one machine in one run, and write ``bench/RESULTS.md``.

Needs root, the lab's packages (``lab/iwxlab install``) and Debian's sosreport and monitoring-plugins-basic.
Seconds are of this machine, ratios hold. Example: .venv/bin/python bench/run.py
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

from hangs import CASES, try_case  # noqa: E402
from iwxlab_lib.health import await_healthy  # noqa: E402
from iwxlab_lib.judged import prepare  # noqa: E402
from iwxlab_lib.layout import Layout  # noqa: E402
from iwxlab_lib.server import Server  # noqa: E402
from measured import Cost, cost, table  # noqa: E402
from redaction import redaction  # noqa: E402

import iwx_agent  # noqa: E402
from iwx_agent.host import Host  # noqa: E402

AGENT = str(Path(sys.prefix) / "bin" / "iwx-agent")
PYTHON = str(Path(sys.prefix) / "bin" / "python")
MEASURED = (
    "Measured by `bench/run.py` in one run on one machine: {} cores, Python {}, Linux {}. "
    "Ratios hold, seconds do not. "
    "The agent has its bytecode, as pip leaves it behind, and so have its peers.\n"
)
PLUGINS = "/usr/lib/nagios/plugins"
MIB = 1024 * 1024


def compiled() -> None:
    """Give the agent the bytecode that pip gives what it installs; a source tree may be without."""
    package = Path(iwx_agent.__file__).parent
    if not compileall.compile_dir(package, quiet=1):
        sys.exit(f"bench: {package} could not be compiled, as it is where the agent is installed")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def start_up() -> Iterator[str]:
    yield "## Start-up\n"
    nothing = cost([PYTHON, "-c", "pass"], times=15)
    rows = [["`python -c pass`", milliseconds(nothing.wall_s), "1", "", f"{nothing.peak_mib:.0f} MiB"]]
    for option, limit in (("--version", 8), ("--help", 12)):
        taken = cost([AGENT, option], times=15)
        ratio = taken.wall_s / nothing.wall_s
        rows.append(
            [
                f"`iwx-agent {option}`",
                milliseconds(taken.wall_s),
                f"{ratio:.1f}",
                verdict(ratio <= limit, f"at most {limit}"),
                f"{taken.peak_mib:.0f} MiB",
            ]
        )
    yield table(["run", "wall", "times `pass`", "limit", "peak memory"], rows)


def healthy(server: Server) -> Iterator[str]:
    yield "\n## A healthy server, beside its peers\n"
    ours = cost(server.enter([AGENT, "diagnose"]), times=7)
    report = json.loads(
        subprocess.run(
            server.enter([AGENT, "diagnose", "--format", "json"]), capture_output=True, check=False
        ).stdout
    )
    slowest, slowest_s = max(report["timings"].items(), key=lambda pair: pair[1])
    rows = [row("`iwx-agent diagnose`", ours, ours)]
    for name, argv in peers():
        rows.append(
            row(
                name,
                cost(server.enter(argv), times=1 if "sos" in name else 5, warm_up="sos" not in name),
                ours,
            )
        )
    yield table(["run", "wall", "CPU", "peak memory", "wall, times ours"], rows)
    sos = next(line for line in rows if "sos" in line[0])
    yield ""
    limits = [
        ["exit code", str(ours.exit_code), verdict(ours.exit_code == 0, "0")],
        [
            f"wall beyond the slowest probe (`{slowest}`, {milliseconds(slowest_s)})",
            milliseconds(ours.wall_s - slowest_s),
            verdict(ours.wall_s <= slowest_s + 0.3, "at most 300 ms"),
        ],
        ["CPU", milliseconds(ours.cpu_s), verdict(ours.cpu_s <= 0.6, "at most 600 ms")],
        ["peak memory", f"{ours.peak_mib:.0f} MiB", verdict(ours.peak_mib <= 48, "at most 48 MiB")],
        ["wall of sos, times ours", sos[4], verdict(float(sos[4]) >= 10, "at least 10")],
    ]
    yield table(["what", "measured", "limit"], limits)
    yield "\n### The timer's run: `auto run --quiet`\n"
    server.shell("cat >>/etc/iwx-agent/config.toml <<'END'\n[auto]\nenabled = true\nEND")
    timers = cost(server.enter([AGENT, "auto", "run", "--quiet"]), times=7)
    more = [
        ["exit code", str(timers.exit_code), verdict(timers.exit_code == 0, "0")],
        [
            f"wall beyond the slowest probe (`{slowest}`, {milliseconds(slowest_s)})",
            milliseconds(timers.wall_s - slowest_s),
            verdict(timers.wall_s <= slowest_s + 0.3, "at most 300 ms"),
        ],
        ["CPU", milliseconds(timers.cpu_s), verdict(timers.cpu_s <= 0.6, "at most 600 ms")],
        ["peak memory", f"{timers.peak_mib:.0f} MiB", verdict(timers.peak_mib <= 48, "at most 48 MiB")],
    ]
    yield table(["what", "measured", "limit"], more)
    yield "\n### Probes, the slowest first\n"
    timings = sorted(report["timings"].items(), key=lambda pair: -pair[1])
    yield table(["probe", "seconds"], [[f"`{name}`", f"{seconds:.3f}"] for name, seconds in timings[:12]])


def peers() -> Iterator[tuple[str, list[str]]]:
    # Debian's sos takes no part in a machine that looks like Enterprise Linux; with this file it does.
    sos = (
        "echo 12 >/etc/debian_version; sos report --batch --quiet --tmp-dir /var/tmp; "
        "rm -f /etc/debian_version /var/tmp/sosreport*"
    )
    yield "`sos report --batch`", ["sh", "-c", sos]
    for plugin, *arguments in (
        ("check_http", "-I", "127.0.0.1"),
        ("check_smtp", "-H", "127.0.0.1"),
        ("check_imap", "-H", "127.0.0.1"),
        ("check_disk", "-w", "5%", "-c", "2%", "-p", "/"),
        ("check_load", "-w", "50,50,50", "-c", "90,90,90"),
    ):
        yield f"`{plugin}`", [f"{PLUGINS}/{plugin}", *arguments]


def row(name: str, taken: Cost, ours: Cost) -> list[str]:
    return [
        name,
        milliseconds(taken.wall_s),
        milliseconds(taken.cpu_s),
        f"{taken.peak_mib:.0f} MiB",
        f"{taken.wall_s / ours.wall_s:.2f}",
    ]


def log_reading() -> Iterator[str]:
    from iwx_agent.host.live import LiveHost

    yield "\n## Reading logs\n"
    yield (
        "Normally the agent reads the end of a log (256 KiB), whatever its size. Where a whole one must be\n"
        "searched, it is scanned from its end; here for lines of which there is one in ten thousand.\n"
    )
    rows = []
    line = b"Nov 23 16:27:18 host nf: DROP IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=40 PROTO=TCP\n"
    mark = b"Nov 23 16:27:18 host kernel: EXT4-fs error (device sda3): ext4_find_entry:1455\n"
    block = line * 10_000 + mark
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder) / "log"
        for size_mib in (1, 64, 1024):
            with path.open("wb") as file:
                for _ in range(max(1, size_mib * MIB // len(block))):
                    file.write(block)
            # Into a pipe: with /dev/null as its output grep stops at the first match.
            grep = cost(["sh", "-c", 'grep -c " kernel: " "$0" | cat', str(path)], times=5)
            with LiveHost(budget_s=120) as host:
                host.tail(str(path))
                tail_s = min(timed(lambda: host.tail(str(path))) for _ in range(5))
                scan_s = min(timed(lambda: scan(host, path)) for _ in range(5))
            speed = grep.wall_s / scan_s
            rows.append(
                [
                    f"{size_mib} MiB",
                    milliseconds(grep.wall_s),
                    f"{tail_s * 1000:.1f} ms",
                    f"{scan_s * 1000:.1f} ms",
                    f"{speed:.2f}",
                    verdict(speed >= 0.5, "at least 0.5"),
                ]
            )
    yield table(["log", "`grep -c`", "the end of it", "scanning all", "scan, of grep's speed", "limit"], rows)


def scan(host: Host, path: Path) -> object:
    return host.scan(str(path), needles=(" kernel: ",), scan_bytes=2048 * MIB, timeout_s=30)


def timed(call: object) -> float:
    started_s = time.monotonic()
    call()  # type: ignore[operator]
    return time.monotonic() - started_s


def hang_corpus() -> Iterator[str]:
    yield "\n## Things that hang\n"
    yield "Each with a limit of 3 s: it has to end within 4 s, leave no process behind, and name what hung.\n"
    rows = []
    for case in CASES:
        seen = try_case(case, limit_s=3.0)
        fine = seen.took_s <= 4.0 and not seen.left_behind
        rows.append([case.name, f"{seen.took_s:.2f} s", verdict(fine, "4 s, nothing left"), seen.said])
    yield table(["case", "ended after", "limit", "what the agent says"], rows)


def growth(server: Server) -> Iterator[str]:
    yield "\n## Growth\n"
    rows = []
    for name, sizes, make, unmake in GROWTH:
        first: Cost | None = None
        for size in sizes:
            server.shell(make.format(size=size), timeout_s=300)
            try:
                taken = cost(server.enter([AGENT, "diagnose", "--no-confirm"]), times=3)
            finally:
                server.shell(unmake, timeout_s=300)
            first = first or taken
            rows.append(
                [
                    name,
                    f"{size:,}",
                    milliseconds(taken.wall_s),
                    milliseconds(taken.cpu_s),
                    f"{taken.peak_mib:.0f} MiB",
                    f"{taken.wall_s / first.wall_s:.2f}",
                ]
            )
    yield table(["what grows", "size", "wall", "CPU", "peak memory", "times the smallest"], rows)


VHOSTS = """
cd /etc/httpd/conf.d
first=$(ls vhost_[a-z]*.conf | head -1)
i=0
while [ $i -lt {size} ]; do cp $first vhost_zz-bench-$i.conf; i=$((i+1)); done
"""
QUEUE = """
cd /var/qmail/queue/mess
for d in $(seq 0 22); do
    seq -f "$d/9%08.0f" 1 $(({size} / 23)) | xargs -r touch -d '1 minute ago'
done
"""
LOG = """
cp -p /var/log/send/current /run/bench-current
yes '@400000006b0462ba1f05e6f4 status: local 0/10 remote 0/20' | head -c {size}M >/var/log/send/current
printf '\\n' >>/var/log/send/current
cat /run/bench-current >>/var/log/send/current
"""
GROWTH = (
    ("vhosts", (10, 100, 500, 2000), VHOSTS, "rm -f /etc/httpd/conf.d/vhost_zz-bench-*.conf"),
    (
        "queue entries",
        (0, 1000, 10_000, 100_000),
        QUEUE,
        "find /var/qmail/queue/mess -name '9????????' -delete",
    ),
    (
        "log size in MiB",
        (1, 64, 1024),
        LOG,
        "cat /run/bench-current >/var/log/send/current; rm -f /run/bench-current",
    ),
)


def verdict(fine: bool, limit: str) -> str:
    return f"{limit}: {'yes' if fine else '**no**'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="one of: start, hangs, logs, redaction, lab")
    parser.add_argument("--output", default=str(HERE / "RESULTS.md"))
    only = parser.parse_args().only
    compiled()
    parts = [
        "# What it costs\n",
        MEASURED.format(os.cpu_count(), platform.python_version(), platform.release().split("-")[0]),
    ]
    if only in ("", "start"):
        parts += start_up()
    if only in ("", "lab"):
        server = Server(Layout("bench"))
        server.up()
        try:
            await_healthy(server)
            prepare(server)
            parts += healthy(server)
            parts += growth(server)
        finally:
            server.down()
    if only in ("", "logs"):
        parts += log_reading()
    if only in ("", "redaction"):
        parts += redaction()
    if only in ("", "hangs"):
        parts += hang_corpus()
    text = "\n".join(parts) + "\n"
    Path(parser.parse_args().output).write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 1 if "**no**" in text else 0


if __name__ == "__main__":
    sys.exit(main())
