"""The same facts are the same bytes in every process, whatever its hashes, zone, locale, terminal, user."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

SUPPORT = Path(__file__).parents[1] / "support"
# Emergencies and causes, a cluster, what could not be told, nothing.
ROOTS = ("panel-db-killed", "system-disk-full", "cluster-queue-stuck", "panel-log-unreadable", "healthy")
PRINTS_ALL = """
import hashlib, json, sys
from hostile import everywhere
from msgspec.structs import replace
from outputs import OUTPUTS
from scenarios import report_of
def steady(report):  # how long it took is a fact of the run that asked, and never the same
    results = tuple(replace(one, duration_s=0.0) for one in report.results)
    return replace(report, results=results, timings=dict.fromkeys(report.timings, 0.5))
told = {name: steady(report_of(name)) for name in sys.argv[1:]}
told["hostile"] = everywhere("k\\u00e4se \\u202e | <b>")
digests = {f"{output} of {name}": hashlib.sha256(made(report).encode()).hexdigest()
           for name, report in told.items() for output, made in OUTPUTS.items()}
print(json.dumps(digests))
"""
FIRST = {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "80", "TERM": "dumb"}
OTHERS = {
    "hashes": {"PYTHONHASHSEED": "4711"},
    "zone": {"TZ": "Asia/Kathmandu"},
    "locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8"},
    "terminal": {
        "COLUMNS": "132",
        "TERM": "xterm-256color",
        "FORCE_COLOR": "1",
        "NO_COLOR": "",
        "LANGUAGE": "de",
    },
    "user": {"HOME": "/nonexistent", "USER": "somebody", "LOGNAME": "somebody"},
}


def digests(**environment: str) -> dict[str, str]:
    """Return the digest of each output of each machine, made in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTS_ALL, *ROOTS],
        cwd=SUPPORT,  # not where the source tree would be taken for the wheel
        env=os.environ | FIRST | environment | {"PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        check=False,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, str] = json.loads(done.stdout)
    return made


@pytest.fixture(scope="module")
def first() -> dict[str, str]:
    return digests()


@pytest.mark.parametrize("other", OTHERS)
def test_all_outputs_are_the_same_in_another_process(first: dict[str, str], other: str) -> None:
    again = digests(**OTHERS[other])
    assert [name for name in first if first[name] != again[name]] == []
    assert len(first) > 100


def test_another_result_would_be_noticed(first: dict[str, str]) -> None:
    assert len({first[f"json of {name}"] for name in ROOTS}) == len(ROOTS)
