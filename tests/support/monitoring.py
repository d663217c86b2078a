"""The monitoring systems that judge the outputs, on loopback; ``tools/monitoring.sh`` unpacks them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging" / "monitoring"
UNPACKED = ROOT / ".nox" / "monitoring" / "root"
PROGRAMS = UNPACKED / "usr"
PROMTOOL = PROGRAMS / "bin" / "promtool"
PROMETHEUS = PROGRAMS / "bin" / "prometheus"
NODE_EXPORTER = PROGRAMS / "bin" / "prometheus-node-exporter"
NAGIOS = PROGRAMS / "sbin" / "nagios4"
NRPE = PROGRAMS / "sbin" / "nrpe"
CHECK_NRPE = PROGRAMS / "lib" / "nagios" / "plugins" / "check_nrpe"
NOBODY, NOBODYS_GROUP, NOBODY_ID = "nobody", "nogroup", 65534  # Debian's
LONGEST_S = 20.0


def why_none() -> str:
    """Return why tests marked ``monitoring`` cannot run here, or an empty string."""
    needed = (PROMTOOL, PROMETHEUS, NODE_EXPORTER, NAGIOS, NRPE, CHECK_NRPE)
    return "" if all(path.is_file() for path in needed) else "no monitoring systems: tools/monitoring.sh"


def promtool(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool on text; a warning of its linter is an exit code, too."""
    return subprocess.run(
        [PROMTOOL, *arguments], input=said, capture_output=True, text=True, check=False, timeout=LONGEST_S
    )


@contextlib.contextmanager
def everybodys() -> Iterator[Path]:
    """Give a directory that others may look into, as a textfile directory is; those of pytest are not."""
    directory = Path(tempfile.mkdtemp(prefix="iwx-monitoring-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def give_to_nobody(directory: Path) -> None:
    """Give a directory with all that is in it to whom root becomes."""
    if os.geteuid() == 0:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, NOBODY_ID, NOBODY_ID)


@contextlib.contextmanager
def running(*argv: str | Path, log: Path, nobody: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; ``nobody``: root becomes nobody first, as services do."""
    libraries = os.pathsep.join(str(path.parent) for path in UNPACKED.rglob("libwrap.so.0"))
    as_nobody = {"user": NOBODY_ID, "group": NOBODY_ID, "extra_groups": ()}
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env=os.environ | {"LD_LIBRARY_PATH": libraries},
            **(as_nobody if nobody and os.geteuid() == 0 else {}),  # type: ignore[call-overload]
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)


def free_port() -> int:
    """Return a port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when somebody listens on a port of loopback."""
    until = time.monotonic() + LONGEST_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def page(url: str) -> str:
    """Return what a page on loopback says, waited for until its server is there."""
    until = time.monotonic() + LONGEST_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
