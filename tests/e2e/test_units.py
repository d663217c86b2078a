"""The units as systemd itself sees them: valid, little exposed, one command without a shell."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from iwx_agent.model.assistance import AUDIT_LOG
from iwx_agent.state.door import DIRECTORY
from iwx_agent.state.lock import RUN_DIRECTORY
from iwx_agent.transports.file import FileSettings

UNITS = Path(__file__).parents[2] / "systemd"
NAMES = ("iwx-agent.service", "iwx-agent.timer", "iwx-agent-failed.service")
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = {"iwx-agent.service": 30, "iwx-agent-failed.service": 15}  # in tenths

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze"),
]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ANALYZE), *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False
    )


def values(name: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (UNITS / name).read_text(), flags=re.MULTILINE)


def test_every_unit_is_tested() -> None:
    assert {path.name for path in UNITS.iterdir()} == {*NAMES, "iwx-agent-container.conf"}


def test_systemd_has_nothing_to_say_about_them(tmp_path: Path) -> None:
    for name in NAMES:  # the agent itself is not installed here
        text = (UNITS / name).read_text().replace("/usr/local/bin/iwx-agent", "/usr/bin/true")
        (tmp_path / name).write_text(text)
    done = analyze("verify", *(tmp_path / name for name in NAMES))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mistake_would_be_seen(tmp_path: Path) -> None:
    """Verify ends with 0 for a key that it does not know: it is the empty stderr that counts."""
    text = (UNITS / "iwx-agent.timer").read_text().replace("FixedRandomDelay=", "FixedRandomDelai=")
    (tmp_path / "iwx-agent.timer").write_text(text)
    shutil.copy(UNITS / "iwx-agent-failed.service", tmp_path / "iwx-agent.service")
    assert "FixedRandomDelai" in analyze("verify", tmp_path / "iwx-agent.timer").stderr


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_little_is_exposed(name: str) -> None:
    threshold = f"--threshold={MOST_EXPOSED[name]}"
    done = analyze("security", "--offline=yes", "--no-pager", threshold, UNITS / name)
    assert done.returncode == 0, [*done.stdout.splitlines()[-1:], done.stderr]


def test_the_alarm_needs_no_room_no_mount_and_no_directory_of_users() -> None:
    text = (UNITS / "iwx-agent-failed.service").read_text()
    made = r"^(DynamicUser|PrivateTmp|PrivateDevices|ProtectHome|ProtectSystem=strict|\w+Directory)"
    assert re.findall(made, text, flags=re.MULTILINE) == []
    assert values("iwx-agent-failed.service", "User") == ["65534"]
    assert values("iwx-agent-failed.service", "CapabilityBoundingSet") == [""]


def test_the_container_s_drop_in_is_valid(tmp_path: Path) -> None:
    text = (UNITS / "iwx-agent.service").read_text().replace("/usr/local/bin/iwx-agent", "/usr/bin/true")
    (tmp_path / "iwx-agent.service").write_text(text)
    shutil.copy(UNITS / "iwx-agent-failed.service", tmp_path)
    (tmp_path / "iwx-agent.service.d").mkdir()
    shutil.copy(UNITS / "iwx-agent-container.conf", tmp_path / "iwx-agent.service.d" / "container.conf")
    done = analyze("verify", tmp_path / "iwx-agent.service")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_agent_is_started_by_itself() -> None:
    assert values("iwx-agent.service", "ExecStart") == ["/usr/local/bin/iwx-agent auto run --quiet"]
    assert values("iwx-agent.service", "OnFailure") == ["iwx-agent-failed.service"]
    assert values("iwx-agent.service", "SuccessExitStatus") == ["1 3 4"]  # exit codes of findings


def test_each_line_that_is_open_says_why() -> None:
    lines = (UNITS / "iwx-agent.service").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"(Protect|Private|Memory\w*Execute|ProcSubset)\w*=(no|all|full)$", line):
            before = lines[number - 1], lines[number - 2]
            assert any(said.startswith("# Open: ") for said in before), line
    capabilities = values("iwx-agent.service", "CapabilityBoundingSet")[0].split()
    said = "\n".join(line for line in lines if line.startswith("# "))
    assert all(name.removeprefix("CAP_") in said for name in capabilities)


def test_no_secret_is_in_force_and_each_credential_is_one_that_is_read() -> None:
    from iwx_agent.config.secrets import PLACES

    assert values("iwx-agent.service", "LoadCredential") == []
    commented = values("iwx-agent.service", "#LoadCredential")
    assert {text.partition(":")[0] for text in commented} == {name for name, _ in PLACES.values()}


def test_the_timer_comes_every_five_minutes_at_a_moment_of_its_own() -> None:
    told = {
        key: values("iwx-agent.timer", key)
        for key in ("OnCalendar", "FixedRandomDelay", "Persistent", "RandomizedDelaySec")
    }
    assert told == {
        "OnCalendar": ["*:0/5"],
        "FixedRandomDelay": ["yes"],
        "Persistent": ["yes"],
        "RandomizedDelaySec": ["4min"],
    }
    done = analyze("calendar", "--iterations=2", "*:0/5")
    assert "Normalized form: *-*-* *:00/5:00" in done.stdout


def test_every_place_that_the_agent_writes_to_is_made_by_the_unit_and_stays() -> None:
    above = {"State": "/var/lib", "Logs": "/var/log", "Runtime": "/run"}
    made = {Path(place, *values("iwx-agent.service", f"{kind}Directory")) for kind, place in above.items()}
    files = FileSettings()
    for path in (AUDIT_LOG, DIRECTORY, RUN_DIRECTORY, files.directory, files.spare):
        assert any(Path(path).is_relative_to(place) for place in made), path
    assert values("iwx-agent.service", "RuntimeDirectoryPreserve") == ["yes"]  # else a run's end empties it
    for key in ("ReadOnlyPaths", "InaccessiblePaths", "TemporaryFileSystem", "ProtectSystem"):
        assert values("iwx-agent.service", key) in ([], ["full"]), key
