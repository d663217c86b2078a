"""Whether rpm, dnf and yum are well: what they own, and how their last run ended."""

from __future__ import annotations

import filecmp
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from probing import need, shell

LOG = Path("/var/log/dnf.log")
REPOSITORIES = Path("/etc/yum.repos.d")
WHEN_HEALTHY = Path("/usr/local/lib/iwxlab/repositories-when-healthy")
LOCKS = (Path("/var/lib/dnf/rpmdb_lock.pid"), Path("/var/cache/dnf/metadata_lock.pid"))
START = "logging initialized"


def repositories() -> None:
    """Every repository answers; those that the server was made with need no asking."""
    names = sorted(path.name for path in REPOSITORIES.iterdir())
    _, changed, unread = filecmp.cmpfiles(REPOSITORIES, WHEN_HEALTHY, names, shallow=False)
    if not (changed or unread):
        return
    options = ("logdir=/run/lab-probe", "cachedir=/run/lab-probe", "timeout=2", "retries=1")
    words = " ".join(f"--setopt={option}" for option in options)
    said = shell(f"mkdir -p /run/lab-probe && dnf {words} makecache")
    need("skipping" not in said, said.strip()[-300:])


def last_run() -> None:
    """The last run of dnf wrote down no error."""
    text = LOG.read_text(errors="replace").rpartition(START)[2]
    need(" CRITICAL " not in text, text[-300:])


def log_without_errors() -> None:
    lines = [line for line in LOG.read_text(errors="replace").splitlines() if " CRITICAL " in line]
    need(not lines, lines[-1] if lines else "")


def history() -> None:
    """The last transaction has an end."""
    with sqlite3.connect("file:/var/lib/dnf/history.sqlite?mode=ro", uri=True) as database:
        ask = "SELECT id, dt_end, state FROM trans ORDER BY id DESC LIMIT 1"
        number, ended_at, state = database.execute(ask).fetchone()
    need(bool(ended_at) and state == 1, f"transaction {number}: end {ended_at}, state {state}")


def scriptlets() -> None:
    text = Path("/var/log/dnf.rpm.log").read_text(errors="replace")
    found = re.findall(r".*scriptlet failed.*", text)
    need(not found, found[-1] if found else "")


def installed() -> list[tuple[str, str]]:
    lines = shell(r"rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n'").splitlines()
    return sorted((name, version) for name, version in (line.split() for line in lines))


def duplicates() -> None:
    names = [name for name, _ in installed()]
    twice = sorted({name for name in names if names.count(name) > 1})
    need(not twice, f"installed twice: {', '.join(twice)}")


def one_version() -> None:
    """The panel's own packages are of one version."""
    versions = {version for name, version in installed() if name in ("interworx", "interworx-cli")}
    need(len(versions) == 1, f"versions {', '.join(sorted(versions))}")


def locks() -> None:
    """No lock is left behind, or held by a program that has been stopped."""
    for path in LOCKS:
        try:
            pid = path.read_text().strip()
        except OSError:
            continue
        need(Path(f"/proc/{pid}").exists(), f"{path}: no process {pid}")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        need(state not in "tTZ", f"{path}: process {pid} is in state {state}")


PACKAGES: dict[str, Callable[[], object]] = {
    "dnf-repositories": repositories,
    "dnf-last-run": last_run,
    "dnf-log": log_without_errors,
    "dnf-history": history,
    "dnf-locks": locks,
    "rpm-scriptlets": scriptlets,
    "rpm-duplicates": duplicates,
    "rpm-panel-version": one_version,
}
