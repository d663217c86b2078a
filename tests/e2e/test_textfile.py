"""The packaged units and the script that write the metrics: whole or not at all, and what was there stays."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

PACKAGING = Path(__file__).parents[2] / "packaging" / "monitoring"
ROOTS = Path(__file__).parents[1] / "roots"
UNITS = ("iwx-agent-metrics.service", "iwx-agent-metrics.timer")


def write(agent: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PACKAGING / "iwx-agent-textfile", target],
        env=os.environ | {"IWX_AGENT": str(agent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def stand_in(place: Path, script: str) -> Path:
    """Write an agent that does this."""
    path = place / "agent"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("root", "emergency"), [("healthy", 0), ("panel-db-killed", 1)])
def test_the_file_is_what_the_agent_says_and_others_may_read_it(
    tmp_path: Path, agent: str, root: str, emergency: int
) -> None:
    target = tmp_path / "iwx-agent.prom"
    done = write(stand_in(tmp_path, f'exec {agent} "$@" --from {ROOTS / root}'), target)
    assert (done.returncode, done.stderr) == (0, "")
    lines = target.read_text().splitlines()
    assert f"iwx_agent_emergency {emergency}" in lines
    assert lines[-1] == "# EOF"
    assert target.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent", "iwx-agent.prom"]


@pytest.mark.parametrize(
    "script",
    [
        "exit 70",
        "echo iwx_agent_emergency 0; exit 70",  # half of it
        "echo '# EOF'; echo iwx_agent_emergency",
        "kill -9 $$",
    ],
)
def test_half_a_file_never_takes_the_place_of_a_whole_one(tmp_path: Path, script: str) -> None:
    target = tmp_path / "iwx-agent.prom"
    target.write_text("as it was\n# EOF\n")
    done = write(stand_in(tmp_path, script), target)
    assert done.returncode == 1
    assert f"{target} was not written" in done.stderr
    assert target.read_text() == "as it was\n# EOF\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent", "iwx-agent.prom"]


def test_without_a_name_or_a_directory_it_says_so(tmp_path: Path) -> None:
    done = write(stand_in(tmp_path, "echo '# EOF'"), tmp_path / "gone" / "iwx-agent.prom")
    assert done.returncode == 1
    assert "was not written" in done.stderr
    done = subprocess.run(
        [PACKAGING / "iwx-agent-textfile"], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode != 0
    assert "usage: iwx-agent-textfile FILE.prom" in done.stderr


def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "iwx-agent.prom.new").symlink_to(tmp_path / "precious")
    (tmp_path / "iwx-agent.prom").symlink_to(tmp_path / "precious")
    assert write(stand_in(tmp_path, "echo '# EOF'"), tmp_path / "iwx-agent.prom").returncode == 0
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "iwx-agent.prom").read_text() == "# EOF\n"


def systemd_verify(place: Path) -> str:
    """Return what systemd has to say of the units; nothing when they are well."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *(str(place / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    return done.stderr


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    assert shutil.which("systemd-analyze"), "no systemd-analyze: apt-get install systemd"
    for name in UNITS:
        unit = (PACKAGING / name).read_text(encoding="utf-8")
        unit = unit.replace("/usr/local/sbin/iwx-agent-textfile", str(PACKAGING / "iwx-agent-textfile"))
        (tmp_path / name).write_text(unit)
    assert systemd_verify(tmp_path) == ""
    broken = (tmp_path / UNITS[1]).read_text().replace("FixedRandomDelay", "FixedRandom")
    (tmp_path / UNITS[1]).write_text(broken)
    assert "FixedRandom" in systemd_verify(tmp_path)
