"""Record scenarios: a capture of the healthy server, and for each fault an overlay with what differs."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from faults import Fault

from .commands import LabError, run
from .faultbook import break_it, mend_it
from .server import Server

INSIDE = "/run/iwxlab-capture"
VOLATILE = ("duration_s",)


def record_healthy(server: Server, agent: str, into: Path, agent_version_note: str) -> Path:
    """Capture the healthy server as `into`/healthy."""
    target = into / "healthy"
    if target.exists():
        shutil.rmtree(target)
    capture(server, agent, target, f"lab, healthy; {agent_version_note}")
    return target


def record_fault(
    server: Server, agent: str, into: Path, fault: Fault, note: str, *, asked: Server | None = None
) -> Path:
    """Break, capture (on the host that is `asked`), mend; keep only what differs from `into`/healthy."""
    base = into / "healthy"
    target = into / fault.name
    if target.exists():
        shutil.rmtree(target)
    with server.locked(), tempfile.TemporaryDirectory() as folder:
        break_it(server, fault)
        try:
            whole = Path(folder) / "whole"
            capture(asked or server, agent, whole, f"lab, fault {fault.name}: {fault.title}; {note}")
        finally:
            mend_it(server, fault)
        reduce(whole, base, target)
    return target


def capture(server: Server, agent: str, target: Path, note: str) -> None:
    server.shell(f"rm -rf {INSIDE}")
    run(server.enter([agent, "capture", "--unredacted", INSIDE, "--note", note]), timeout_s=90.0)
    archive = run_bytes(server.enter(["tar", "-C", INSIDE, "-cf", "-", "."]))
    target.mkdir(parents=True)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")
    for path in sorted(target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    target.chmod(0o755)
    server.shell(f"rm -rf {INSIDE}")


def run_bytes(argv: list[str]) -> bytes:
    import subprocess

    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60.0, check=False)
    if done.returncode:
        raise LabError(f"'{' '.join(argv[:4])}' ended with {done.returncode}: {done.stderr[-300:]!r}")
    return done.stdout


def reduce(whole: Path, base: Path, target: Path) -> None:
    """Write to `target` what `whole` has and `base` has not, or has otherwise."""
    target.mkdir(parents=True)
    info = json.loads((whole / "capture.json").read_text())
    info["base"] = base.name
    (target / "capture.json").write_text(json.dumps(info, indent=2) + "\n")
    known = {key(line): plain(line) for line in lines(base / "answers.jsonl")}
    new = [line for line in lines(whole / "answers.jsonl") if known.get(key(line)) != plain(line)]
    write_lines(target / "answers.jsonl", new)
    entries = {line["path"]: line for line in lines(base / "manifest.jsonl")}
    changed = []
    for line in lines(whole / "manifest.jsonl"):
        path = line["path"].lstrip("/")
        data, before = bytes_of(whole / "files" / path), bytes_of(base / "files" / path)
        if data != before and data is not None:
            (target / "files" / path).parent.mkdir(parents=True, exist_ok=True)
            (target / "files" / path).write_bytes(data)
        if data != before or entries.get(line["path"]) != line:
            changed.append(line)
    write_lines(target / "manifest.jsonl", changed)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def write_lines(path: Path, kept: list[dict[str, Any]]) -> None:
    if kept:
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))


def key(line: dict[str, Any]) -> str:
    """What makes two lines answers to the same question."""
    return json.dumps([line["question"], line.get("turn", 1)], sort_keys=True)


def plain(line: dict[str, Any]) -> str:
    """The line without what differs between any two runs."""
    answer = {k: v for k, v in line.get("answer", {}).items() if k not in VOLATILE}
    return json.dumps([answer, line.get("error")], sort_keys=True)


def bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
