#!/usr/bin/env python3
"""The lab's help desk: the real django-helpdesk with settings and a form of the lab's own. See lab/README.md.

    lab/desk/desk.py up --variant guest     prints its address
    lab/desk/desk.py tickets --json         what its database holds
    lab/desk/desk.py down

Django gets an environment of its own, made at the first use from the group `lab` of pyproject.toml: neither
the program nor its tests need it.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
VARIANTS = ("guest", "login", "renamed", "replies")
ACCOUNT = ("server1", "not-a-real-secret-2")
STAFF = ("desk", "not-a-real-secret-3")
_START_S = 30.0
_END_S = 5.0


class DeskError(Exception):
    """The help desk cannot be made, started or asked."""


def requirements() -> tuple[str, ...]:
    """Return what the environment is made of."""
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(project["dependency-groups"]["lab"])


def home() -> Path:
    """Return where environment, databases and running desks lie."""
    return Path(os.environ.get("IWXDESK_HOME") or HERE.parents[1] / ".nox" / "desk")


class Desk:
    """One help desk by its name; a context that is up, and down again."""

    def __init__(self, name: str = "desk", variant: str = "guest") -> None:
        if variant not in VARIANTS:
            raise DeskError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
        self.place = home() / "running" / name
        self.variant = variant
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self, life_s: float = 7200.0) -> str:
        """Start a fresh one, an old one of that name ended before; return its address."""
        self.down()
        python = environment()
        filled = _filled(python, self.variant)
        self.place.mkdir(parents=True)
        shutil.copy(filled, self.place / "desk.sqlite3")
        with (self.place / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(python), str(HERE / "site" / "serve.py")],
                env=_variables(self.place, self.variant) | {"IWXDESK_LIFE_S": str(life_s)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.place,
                start_new_session=True,
            )
        self._process = process
        (self.place / "pid").write_text(str(process.pid))
        until = time.monotonic() + _START_S
        while not (self.place / "port").exists():
            if process.poll() is not None or time.monotonic() > until:
                told = (self.place / "log").read_text(errors="replace")[-2000:]
                self.down()
                raise DeskError(f"the help desk does not start:\n{told}")
            time.sleep(0.02)
        return self.url

    @property
    def url(self) -> str:
        """Return the address of one that is up."""
        try:
            return f"http://127.0.0.1:{int((self.place / 'port').read_text())}"
        except OSError:
            raise DeskError(f"no help desk is up as {self.place.name}") from None

    def down(self) -> None:
        """End it, and forget its tickets; nothing happens when there is none."""
        with suppress(OSError, ValueError):
            self._end(int((self.place / "pid").read_text()))
        if self._process is not None:
            self._process.wait(timeout=_END_S)
            self._process = None
        shutil.rmtree(self.place, ignore_errors=True)

    def _end(self, pid: int) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self._is_ours(pid):
                return
            os.kill(pid, number)
            until = time.monotonic() + _END_S
            while self._is_ours(pid) and time.monotonic() < until:
                time.sleep(0.02)

    def _is_ours(self, pid: int) -> bool:
        """Return whether a process of this number lives and serves this desk: numbers come again."""
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"IWXDESK_PLACE={self.place}".encode() in variables

    def tickets(self) -> list[dict[str, Any]]:
        """Return all tickets as the database holds them, the oldest first."""
        path = self.place / "desk.sqlite3"
        if not path.exists():
            raise DeskError(f"no help desk is up as {self.place.name}")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
            database.row_factory = sqlite3.Row
            return [self._ticket(database, row) for row in database.execute(_TICKETS)]

    def _ticket(self, database: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
        custom = database.execute(_CUSTOM, (row["id"],))
        attached = database.execute(_ATTACHED, (row["id"],))
        said = database.execute(_SAID, (row["id"],))
        return {
            **dict(row),
            "custom": {one["label"]: one["value"] for one in custom},
            "attachments": [self._attachment(one) for one in attached],
            "follow_ups": [dict(one) for one in said],
        }

    def _attachment(self, row: sqlite3.Row) -> dict[str, Any]:
        data = (self.place / "media" / row["file"]).read_bytes()
        return {
            "name": row["filename"],
            "media_type": row["mime_type"],
            "size_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }


_TICKETS = """
SELECT t.id, q.title AS queue, q.slug || '-' || t.id AS reference, t.title AS subject,
       t.description AS message, t.priority, t.status, t.submitter_email, t.created
FROM helpdesk_ticket t JOIN helpdesk_queue q ON q.id = t.queue_id ORDER BY t.id
"""
_CUSTOM = """
SELECT f.label, v.value FROM helpdesk_ticketcustomfieldvalue v
JOIN helpdesk_customfield f ON f.id = v.field_id
WHERE v.ticket_id = ? ORDER BY f.ordering
"""
_ATTACHED = """
SELECT a.filename, a.mime_type, a.file FROM helpdesk_followupattachment a
JOIN helpdesk_followup f ON f.id = a.followup_id WHERE f.ticket_id = ? ORDER BY a.id
"""
_SAID = "SELECT title, comment, date, public FROM helpdesk_followup WHERE ticket_id = ? ORDER BY id"


def environment() -> Path:
    """Return the Python that has django-helpdesk, made at the first use."""
    place = home() / "venv"
    stamp, wanted = place / "made", f"{sys.version}\n{requirements()}"
    python = place / "bin" / "python"
    with _locked("venv"):
        if not stamp.exists() or stamp.read_text() != wanted:
            _run([sys.executable, "-m", "venv", "--clear", str(place)])
            options = ("--quiet", "--disable-pip-version-check", "--no-input")
            _run([str(python), "-m", "pip", "install", *options, *requirements()])
            stamp.write_text(wanted)
    return python


def _filled(python: Path, variant: str) -> Path:
    """Return a database of a variant as it is before the first ticket; made once: that takes seconds."""
    digest = hashlib.sha256(repr((sys.version, requirements())).encode())
    for path in sorted((HERE / "site").glob("*.py")):
        digest.update(path.read_bytes())
    made = home() / "filled" / f"{variant}-{digest.hexdigest()[:16]}.sqlite3"
    with _locked(f"filled-{variant}"):
        if not made.exists():
            place = home() / "filling" / variant
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            _run([str(python), str(HERE / "site" / "seed.py")], env=_variables(place, variant))
            made.parent.mkdir(exist_ok=True)
            (place / "desk.sqlite3").replace(made)
            shutil.rmtree(place, ignore_errors=True)
    return made


def _variables(place: Path, variant: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "IWXDESK_PLACE": str(place),
        "IWXDESK_VARIANT": variant,
    }


def _run(argv: list[str], env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DeskError(f"{' '.join(argv[:4])} ended with {done.returncode}:\n{done.stderr[-2000:]}")


@contextmanager
def _locked(name: str) -> Iterator[None]:
    home().mkdir(parents=True, exist_ok=True)
    with (home() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    parser = argparse.ArgumentParser(
        description="The real django-helpdesk, with settings and a form of the lab's."
    )
    parser.add_argument("verb", choices=("install", "up", "down", "url", "tickets"))
    parser.add_argument("--name", default="desk", help="several can be up at once")
    parser.add_argument("--variant", default="guest", choices=VARIANTS)
    parser.add_argument("--json", action="store_true", help="tickets as JSON")
    given = parser.parse_args()
    desk = Desk(given.name, given.variant)
    try:
        match given.verb:
            case "install":
                python = environment()
                for variant in VARIANTS:
                    _filled(python, variant)
            case "up":
                print(desk.up())
            case "url":
                print(desk.url)
            case "down":
                desk.down()
            case _:
                tickets = desk.tickets()
                lines = [f"{one['reference']}: {one['subject']}" for one in tickets]
                print(json.dumps(tickets, indent=2) if given.json else "\n".join(lines))
    except DeskError as error:
        print(f"desk: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
