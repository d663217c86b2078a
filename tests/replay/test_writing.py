"""Writing a capture: into a new or empty directory of its own, or a clear error and nothing overwritten."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from building import AT

from iwx_agent.host import FileContent, HostError, Question, ReadFile
from iwx_agent.replay import CaptureError, CaptureInfo, open_capture, write_capture
from iwx_agent.replay.format import NOT_FOUND

INFO = CaptureInfo(format=1, host="iwx1", taken_at=AT, agent_version="0.1.0", source="a test")
HEARD: list[tuple[Question, FileContent | HostError]] = [
    (ReadFile(path="/etc/x"), FileContent(data=b"x" * 100_000, size_bytes=100_000, modified_at=1.0)),
    (ReadFile(path="/etc/y"), HostError("not_found", NOT_FOUND, "/etc/y")),
]


def write(directory: Path) -> int:
    return write_capture(directory, INFO, HEARD)


def test_a_new_and_an_empty_directory_will_do(tmp_path: Path) -> None:
    assert write(tmp_path / "new") == 2
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    assert open_capture(tmp_path / "empty").read("/etc/x").size_bytes == 100_000


def test_a_directory_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "capture.json").write_text("mine")
    with pytest.raises(CaptureError, match="not empty"):
        write(tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["capture.json"]
    assert (tmp_path / "full" / "capture.json").read_text() == "mine"


def test_a_link_is_not_followed_even_to_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for target in ("real", "nowhere"):
        (tmp_path / target / "..").resolve()
        link = tmp_path / f"link-{target}"
        link.symlink_to(target)
        with pytest.raises(CaptureError, match="is a symbolic link"):
            write(link)
    assert list((tmp_path / "real").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_file_in_the_way_and_a_parent_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CaptureError, match="file: File exists"):
        write(tmp_path / "file")
    with pytest.raises(CaptureError, match="No such file or directory"):
        write(tmp_path / "no" / "new")
    assert (tmp_path / "file").read_text() == "mine"


def test_something_that_appears_while_writing_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory was empty when it was looked at: O_EXCL holds all the same."""

    def put_in_the_way(directory: Path) -> None:
        directory.mkdir()
        (directory / "manifest.jsonl").symlink_to(tmp_path / "outside")

    monkeypatch.setattr("iwx_agent.replay.recording.make_directory", put_in_the_way)
    with pytest.raises(CaptureError, match=r"manifest\.jsonl: File exists"):
        write(tmp_path / "raced")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "raced" / "capture.json").exists()


SUPPORT = Path(__file__).parent.parent / "support"
WRITE = """
import os, sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
import test_writing as t
if sys.argv[2] == "nobody":
    os.setuid(65534)
try:
    t.write(Path(sys.argv[1]) / "capture")
except t.CaptureError as error:
    print(error)
"""


def written_by(user: str, place: Path, *before: str) -> str:
    """Write a capture below ``place`` in a process of its own; return what it says."""
    argv = [sys.executable, "-c", WRITE, str(place), user, str(Path(__file__).parent), str(SUPPORT)]
    done = subprocess.run([*before, *argv], capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.stdout


def mounted(place: Path, options: str) -> tuple[str, ...]:
    """Return what to put before a command so that it sees a small file system of its own at ``place``."""
    mount = f'mount -t tmpfs -o {options} tmpfs {place} && exec "$@"'
    return ("unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh")


@pytest.mark.e2e
def test_a_full_disk_is_said_and_what_is_there_is_no_capture(tmp_path: Path) -> None:
    said = written_by("same", tmp_path, *mounted(tmp_path, "size=64k"))
    assert said == f"{tmp_path / 'capture'}: No space left on device\n"


@pytest.mark.e2e
def test_a_read_only_file_system_is_said(tmp_path: Path) -> None:
    said = written_by("same", tmp_path, *mounted(tmp_path, "ro"))
    assert said == f"{tmp_path / 'capture'}: Read-only file system\n"


@pytest.mark.e2e
def test_a_directory_that_may_not_be_written_is_said() -> None:
    place = Path("/usr")  # belongs to root everywhere
    said = written_by("nobody" if os.geteuid() == 0 else "same", place)
    assert said == f"{place / 'capture'}: Permission denied\n"
