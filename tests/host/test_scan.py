"""Scanning a log for its last matching lines: from the end, in constant memory, whatever stands in it."""

import os
from pathlib import Path

import pytest

from iwx_agent.host import MIB, FileContent, HostError, ScanFile
from iwx_agent.host.live import LiveHost

pytestmark = pytest.mark.e2e


def scan(
    host: LiveHost, path: Path, *needles: str, scan_bytes: int = 64 * MIB, max_bytes: int = MIB
) -> FileContent:
    question = ScanFile(path=str(path), needles=needles, scan_bytes=scan_bytes, max_bytes=max_bytes)
    found = host.answer(question)
    assert isinstance(found, FileContent)
    return found


def test_only_matching_lines_come_in_their_order(host: LiveHost, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one kernel: a\ntwo cron: b\nthree kernel: c\nfour sshd: d")
    found = scan(host, log, " kernel: ", " sshd: ")
    assert found.data == b"one kernel: a\nthree kernel: c\nfour sshd: d\n"
    assert (found.size_bytes, found.truncated) == (54, False)


@pytest.mark.parametrize("content", [b"", b"\n", b"no such line\n", b"\n\n\n"])
def test_nothing_is_found_in_nothing(host: LiveHost, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    assert scan(host, tmp_path / "log", "kernel").data == b""


def test_lines_across_the_borders_of_chunks_are_found_once(host: LiveHost, tmp_path: Path) -> None:
    """Every line is 1000 bytes long, so that borders at each MiB cut lines at every place."""
    lines = [b"%06d needle %s\n" % (number, b"x" * 985) for number in range(5000)]
    (tmp_path / "log").write_bytes(b"".join(lines))
    found = scan(host, tmp_path / "log", "needle", max_bytes=64 * MIB)
    assert found.data == b"".join(lines)
    assert not found.truncated


def test_the_last_ones_are_kept_when_there_are_too_many(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"".join(b"%06d needle\n" % number for number in range(200_000)))
    found = scan(host, tmp_path / "log", "needle", max_bytes=50)
    assert found.data == b"199997 needle\n199998 needle\n199999 needle\n"
    assert found.truncated


def test_no_more_than_the_limit_is_looked_at(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"early needle\n" + b"filler\n" * 10_000 + b"late needle\n")
    found = scan(host, tmp_path / "log", "needle", scan_bytes=1000)
    assert found.data == b"late needle\n"
    assert found.truncated


def test_a_line_of_ten_mebibytes_does_no_harm(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"needle first\n" + b"x" * (10 * MIB) + b"\nneedle last\n")
    found = scan(host, tmp_path / "log", "needle")
    assert found.data == b"needle first\nneedle last\n"


def test_a_fifo_is_refused_and_a_missing_file_said(host: LiveHost, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, kind in (("fifo", "not_regular"), ("none", "not_found")):
        with pytest.raises(HostError) as error:
            scan(host, tmp_path / name, "needle")
        assert error.value.kind == kind
