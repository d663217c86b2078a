"""Files, directories, file systems, processes and the clock, asked of the real machine."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from iwx_agent.host import HostError, ReadFile, TailFile
from iwx_agent.host.live import LiveHost
from iwx_agent.host.worker.machine import may_be_secret, sockets

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


def test_reads_a_file_with_its_size_and_time(host: LiveHost, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\n")
    os.utime(path, (1_000_000_000, 1_000_000_000.5))
    found = host.read(str(path))
    assert (found.data, found.size_bytes, found.modified_at) == (b"one\ntwo\n", 8, 1_000_000_000.5)
    assert (found.truncated, found.path) == (False, str(path))


@pytest.mark.parametrize(("size", "truncated"), [(0, False), (9, False), (10, False), (11, True)])
def test_reads_up_to_its_limit_inclusive(host: LiveHost, tmp_path: Path, size: int, truncated: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    found = host.read(str(path), max_bytes=10)
    assert (len(found.data), found.size_bytes, found.truncated) == (min(size, 10), size, truncated)


def test_reads_files_that_do_not_tell_their_size(host: LiveHost) -> None:
    found = host.read("/proc/version")
    assert found.text.startswith("Linux version")
    assert not found.truncated
    assert host.tail("/proc/version", max_bytes=10).data == found.data[-10:]


def test_invalid_utf_8_stays_as_it_is(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\xff\x00\xfe")
    found = host.read(str(tmp_path / "odd"))
    assert found.data == b"\xff\x00\xfe"
    assert found.text == "�\x00�"


@pytest.mark.parametrize(
    ("text", "limit", "kept", "truncated"),
    [
        (b"", 10, b"", False),
        (b"aaa\nbbb\n", 8, b"aaa\nbbb\n", False),
        (b"aaa\nbbb\n", 7, b"bbb\n", True),  # starts within the first line
        (b"aaa\nbbb\n", 4, b"bbb\n", True),  # starts exactly at a line
        (b"aaa\nbbb\n", 3, b"bb\n", True),  # the line is longer than the limit
        (b"aaa\nbbb", 5, b"bbb", True),
        (b"a" * 50, 10, b"a" * 10, True),
    ],
)
def test_tail_starts_at_a_line(
    host: LiveHost, tmp_path: Path, text: bytes, limit: int, kept: bytes, truncated: bool
) -> None:
    path = tmp_path / "log"
    path.write_bytes(text)
    found = host.tail(str(path), max_bytes=limit)
    assert (found.data, found.truncated, found.size_bytes) == (kept, truncated, len(text))


def test_tail_of_a_huge_file_is_quick(host: LiveHost, tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as huge:
        huge.truncate(1 << 40)
        huge.seek(0, os.SEEK_END)
        huge.write(b"\nlast line\n")
    started = time.monotonic()
    found = host.tail(str(path), max_bytes=1000)
    assert time.monotonic() - started < 1
    assert found.data == b"last line\n"
    assert found.size_bytes == (1 << 40) + 11


def test_a_missing_file_is_certain(host: LiveHost, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "none" / "below", Path("/etc/passwd/below")):
        for ask in (host.read, host.tail, host.stat, host.list_directory, host.count_tree, host.statvfs):
            with pytest.raises(HostError) as error:
                ask(str(path))
            assert error.value.kind == "not_found"
            assert error.value.source == str(path)


def test_a_link_in_a_circle_and_a_name_too_long_are_errors(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    for path in (str(tmp_path / "a"), f"/{'x' * 300}", "/a\0b"):
        with pytest.raises(HostError) as error:
            host.read(path)
        assert error.value.kind == "failed"


def test_a_file_that_may_not_be_read_says_permission(tmp_path: Path) -> None:
    path = tmp_path / "closed"
    path.write_text("x")
    path.chmod(0)
    program = (
        "import sys\n"
        "from iwx_agent.host import HostError\n"
        "from iwx_agent.host.live import LiveHost\n"
        "with LiveHost() as host:\n"
        "    for ask in (host.read, host.tail):\n"
        "        try:\n"
        "            ask(sys.argv[1])\n"
        "        except HostError as error:\n"
        "            print(error.kind, error.reason)\n"
    )
    argv = [sys.executable, "-c", program, str(path)]
    if os.geteuid() == 0:  # root reads everything unless it is taken from it
        argv = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *argv]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout
    assert told == "permission Permission denied (EACCES)\n" * 2


def test_lists_a_directory_sorted_and_with_kinds(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"12345")
    (tmp_path / "a").mkdir()
    (tmp_path / "c").symlink_to("nowhere")
    os.mkfifo(tmp_path / "d")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_text("")
    found = host.list_directory(str(tmp_path))
    assert [(entry.name, entry.kind) for entry in found.entries] == [
        ("a", "directory"),
        ("b", "file"),
        ("c", "symlink"),
        ("d", "fifo"),
        ("�", "file"),
    ]
    assert found.entries[1].size_bytes == 5
    assert not found.truncated
    assert len(host.list_directory(str(tmp_path), max_entries=4).entries) == 4
    assert host.list_directory(str(tmp_path), max_entries=4).truncated
    assert not host.list_directory(str(tmp_path), max_entries=5).truncated


def test_counts_files_of_a_tree_to_its_depth(host: LiveHost, tmp_path: Path) -> None:
    for name, size, at in (("one", 10, 100.0), ("x/two", 20, 50.0), ("x/y/three", 40, 10.0)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (at, at))
    (tmp_path / "link").symlink_to(tmp_path)
    shallow, deeper, deepest = (host.count_tree(str(tmp_path), depth=depth) for depth in (1, 2, 3))
    assert (shallow.files_count, shallow.size_bytes, shallow.oldest_at, shallow.newest_at) == (
        1,
        10,
        100.0,
        100.0,
    )
    assert (deeper.files_count, deeper.size_bytes, deeper.oldest_at, deeper.newest_at) == (2, 30, 50.0, 100.0)
    assert (deepest.files_count, deepest.oldest_at, deepest.truncated) == (3, 10.0, False)
    assert host.count_tree(str(tmp_path), max_entries=2).truncated


def test_an_empty_tree_has_no_times(host: LiveHost, tmp_path: Path) -> None:
    found = host.count_tree(str(tmp_path))
    assert (found.files_count, found.size_bytes, found.oldest_at, found.newest_at) == (0, 0, None, None)


def test_stat_follows_a_link_when_asked(host: LiveHost, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("abc")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    followed = host.stat(str(tmp_path / "link"))
    assert (followed.kind, followed.size_bytes, followed.mode, followed.uid) == (
        "file",
        3,
        0o640,
        os.getuid(),
    )
    assert host.stat(str(tmp_path / "link"), follow=False).kind == "symlink"


def test_statvfs_tells_what_the_kernel_tells(host: LiveHost, tmp_path: Path) -> None:
    found, expected = host.statvfs(str(tmp_path)), os.statvfs(tmp_path)
    assert found.total_bytes == expected.f_blocks * expected.f_frsize
    assert found.inodes_count == expected.f_files
    assert abs(found.available_bytes - expected.f_bavail * expected.f_frsize) < 1 << 30
    assert not found.read_only
    assert host.statvfs("/proc").total_bytes == 0


def test_finds_this_process_among_all(host: LiveHost) -> None:
    own = next(p for p in host.processes().entries if p.pid == os.getpid())
    assert own.parent_pid == os.getppid()
    assert own.state in "RS"
    assert abs(own.started_at - time.time()) < 3600
    assert own.name == Path("/proc/self/comm").read_text().strip()
    if os.geteuid() == 0:
        assert own.user == "root"


def test_shows_titles_and_not_arguments(host: LiveHost, spare_process: "object") -> None:
    assert callable(spare_process)
    start = "import sys,time; print(flush=True); time.sleep(60)"
    process = spare_process([sys.executable, "-c", start, "--password=hidden"])
    titled = spare_process(
        ["/bin/bash", "-c", "exec -a 'php-fpm: pool www' sleep 60"],
    )
    process.stdout.readline()
    deadline = time.monotonic() + 3
    while True:
        by_pid = {p.pid: p for p in host.processes().entries}
        if by_pid[titled.pid].title.startswith("php-fpm") or time.monotonic() > deadline:
            break
    assert by_pid[titled.pid].title.startswith("php-fpm: pool www")
    assert by_pid[process.pid].title == sys.executable
    assert "hidden" not in "".join(p.title for p in by_pid.values())


def test_finds_listening_sockets_with_their_process(host: LiveHost) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as tcp6,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.create_connection(tcp.getsockname()) as connected,
    ):
        udp.bind(("127.0.0.1", 0))
        found = host.sockets()
        name = Path("/proc/self/comm").read_text().strip()
        for protocol, server in (("tcp", tcp), ("tcp", tcp6), ("udp", udp)):
            address, port = server.getsockname()[:2]
            (entry,) = found.on(protocol, port)
            assert (entry.address, entry.pid, entry.process_name) == (address, os.getpid(), name)
        assert not found.on("tcp", connected.getsockname()[1])


def test_finds_sockets_without_a_look_at_deleted_files_that_somebody_holds_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """httpd held a deleted log below a /home whose file server was gone, and the list hung."""

    def hangs(path: str) -> bool:
        raise AssertionError(path)

    monkeypatch.setattr(psutil._pslinux, "path_exists_strict", hangs)
    with (tmp_path / "log").open("w"), socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "log").unlink()
        assert any(row[2:4] == (server.getsockname()[1], os.getpid()) for row in sockets(""))


def test_tells_the_time_and_who_asks(host: LiveHost) -> None:
    found = host.clock()
    assert abs(found.now_at - time.time()) < 2
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(found.now_at - found.booted_at - uptime_s) < 3
    assert (found.host_name, found.effective_uid) == (socket.gethostname(), os.geteuid())


def test_resolves_names_of_the_hosts_file(host: LiveHost) -> None:
    assert "127.0.0.1" in host.resolve("localhost").addresses
    assert host.resolve("127.0.0.2").addresses == ("127.0.0.2",)


@pytest.mark.parametrize("name", ["a" * 70 + ".example", ""])
def test_a_name_that_cannot_be_resolved_is_an_error(host: LiveHost, name: str) -> None:
    with pytest.raises(HostError) as error:
        host.resolve(name)
    assert error.value.kind in ("failed", "not_found")


def test_identity_leaves_out_the_bounds() -> None:
    assert ReadFile(path="/x", max_bytes=1).identity == ReadFile(path="/x", timeout_s=9).identity
    assert ReadFile(path="/x").identity != TailFile(path="/x").identity


@pytest.mark.parametrize(
    ("word", "secret"),
    [
        ("-psecret", True),
        ("--password", True),
        ("https://user:secret@example.com/", True),
        ("PASSWORD=secret", True),
        ("user@example.com", True),
        ("/usr/bin/dnf", False),
        ("smtp", False),
    ],
)
def test_a_second_word_that_could_be_a_secret_is_known(word: str, secret: bool) -> None:
    assert may_be_secret(word) is secret
