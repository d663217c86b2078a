"""Bundles on real file systems, read by real tar, unzip and gpg; full, read-only and dead disks; SIGKILL."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dead_mount import dead_file_system
from redacting import SECRET
from scenarios import ROOTS

from iwx_agent.host import HostError
from iwx_agent.host.encryption import command_for, encrypt
from iwx_agent.host.saving import in_memory, save
from iwx_agent.host.workers import Workers

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
SOURCE = str(ROOTS / "queue-stuck")
NOISE = hashlib.shake_256(b"x").digest(3_000_000)


def agent(*arguments: str, before: tuple[str, ...] = (), cwd: Path) -> "subprocess.CompletedProcess[bytes]":
    root = str(Path(__file__).parents[2])
    argv = [*before, sys.executable, "-m", "iwx_agent", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "LC_ALL": "C"}
    return subprocess.run(argv, capture_output=True, timeout=60, check=False, cwd=cwd, env=environment)


def mounted(place: Path, options: str) -> tuple[str, ...]:
    """Return what to put before a command so that it sees a small file system of its own at ``place``."""
    mount = f'mount -t tmpfs -o mode=0700,{options} tmpfs {place} && cd {place} && exec "$@"'
    return ("unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh")


def read_by(*argv: str, cwd: Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_real_programs_unpack_it_and_the_sums_are_those_of_the_manifest(tmp_path: Path, kind: str) -> None:
    done = agent("bundle", "--from", SOURCE, f"b.{kind}", "--note", f"password={SECRET}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "out").mkdir()
    if kind == "zip":
        assert "No errors detected" in read_by("unzip", "-t", "b.zip", cwd=tmp_path)
        read_by("unzip", "-q", "b.zip", "-d", "out", cwd=tmp_path)
    else:
        read_by("tar", "xzf", "b.tar.gz", "-C", "out", cwd=tmp_path)
        read_by("gzip", "--test", "b.tar.gz", cwd=tmp_path)
    (top,) = (tmp_path / "out").iterdir()
    manifest = json.loads((top / "manifest.json").read_text())
    there = sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())
    assert there == sorted([*(file["name"] for file in manifest["files"]), "manifest.json"])
    for file in manifest["files"]:
        path = top / file["name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]
        assert path.stat().st_mode & 0o777 == 0o600
    for path in top.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    assert agent("diagnose", "--from", f"out/{top.name}", cwd=tmp_path).returncode == 3  # unpacked by hand
    assert agent("diagnose", "--from", f"b.{kind}", cwd=tmp_path).returncode == 3


def test_to_a_pipe_it_is_the_same_kind_of_file_and_no_disk_is_needed(tmp_path: Path) -> None:
    done = agent("bundle", "--from", SOURCE, "--stdout", before=mounted(tmp_path, "size=4k,ro"), cwd=tmp_path)
    assert done.returncode == 0
    place = tmp_path / "b"
    place.write_bytes(done.stdout)
    assert "ticket.txt" in read_by("tar", "tzf", "b", cwd=tmp_path)


def test_a_full_disk_is_said_with_its_name_and_both_numbers_and_stays_as_it_is(tmp_path: Path) -> None:
    script = 'python3 -c "pass"; "$@"; code=$?; ls -A; exit $code'
    before = (*mounted(tmp_path, "size=80k"), "sh", "-c", script, "sh")
    done = agent("bundle", "--from", SOURCE, before=before, cwd=tmp_path)
    assert done.returncode == 70
    assert done.stdout == b""  # nothing is left there
    said = done.stderr.decode()
    assert f"bytes are needed and 81920 are free on {tmp_path} (tmpfs, tmpfs)" in said
    assert "--stdout" in said


def test_a_read_only_file_system_is_said(tmp_path: Path) -> None:
    done = agent("bundle", "--from", SOURCE, before=mounted(tmp_path, "ro"), cwd=tmp_path)
    assert done.returncode == 70
    assert f"{tmp_path} (tmpfs, tmpfs) is read-only" in done.stderr.decode()


def test_no_inode_is_said(tmp_path: Path) -> None:
    done = agent("bundle", "--from", SOURCE, before=mounted(tmp_path, "nr_inodes=1"), cwd=tmp_path)
    assert done.returncode == 70
    assert "1 inode is needed and none is free" in done.stderr.decode()


@needs_root
def test_a_file_system_that_never_answers_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iwx_agent.host.saving.SAVE_TIMEOUT_S", 1.5)
    with dead_file_system(tmp_path / "dead") as revive:
        started = time.monotonic()
        with pytest.raises(HostError, match=r"no answer within 1\.5 s"):
            save(f"{tmp_path}/dead/b", b"x")
        assert time.monotonic() - started < 5
        revive()


KILLED = """
import os, sys
from iwx_agent.host.saving import save
import iwx_agent.host.worker.saving as saving
print("ready", flush=True)
save(sys.argv[1], os.urandom(60_000_000))
"""


@pytest.mark.parametrize("after_s", [0.05, 0.15, 0.25, 0.4])
def test_who_is_killed_half_way_leaves_no_part_under_the_final_name(tmp_path: Path, after_s: float) -> None:
    place = tmp_path / "b.tar.gz"
    argv = [sys.executable, "-c", KILLED, str(place)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
    time.sleep(1.5)  # the workers notice, and end
    assert not place.exists() or place.stat().st_size == 60_000_000


# gpg


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Keyrings of their own, which real gpg makes; each call gives the fingerprint of a new key."""
    if shutil.which("gpg") is None:
        pytest.skip("no gpg here: apt-get install gpg")
    homes: list[str] = []

    def make(home: str, mail: str) -> str:
        (tmp_path / home).mkdir(mode=0o700, exist_ok=True)
        homes.append(str(tmp_path / home))
        gpg = ("gpg", "--homedir", str(tmp_path / home), "--batch", "--quiet")
        made = subprocess.run(
            (
                *gpg,
                "--passphrase",
                "",
                "--quick-generate-key",
                f"Not Real <{mail}>",
                "future-default",
                "default",
                "never",
            ),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        listed = read_by(*gpg, "--with-colons", "--list-keys", mail, cwd=tmp_path)
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    yield make
    for home in homes:
        ended = ["gpgconf", "--homedir", home, "--kill", "all"]
        subprocess.run(ended, capture_output=True, timeout=20, check=False)


def only_public(tmp_path: Path, source: str, target: str, mail: str) -> str:
    """Return a second home that knows the public key alone, as a server would."""
    (tmp_path / target).mkdir(mode=0o700)
    argv = ["gpg", "--homedir", str(tmp_path / source), "--export", mail]
    exported = subprocess.run(argv, capture_output=True, timeout=60, check=True)
    subprocess.run(
        ["gpg", "--homedir", str(tmp_path / target), "--batch", "--quiet", "--import"],
        input=exported.stdout,
        timeout=60,
        check=True,
        capture_output=True,
    )
    return str(tmp_path / target)


def test_who_has_the_key_reads_it_and_nothing_else_was_written(
    tmp_path: Path, keys: Callable[[str, str], str]
) -> None:
    fingerprint = keys("private", "support@example.com")
    public = only_public(tmp_path, "private", "public", "support@example.com")
    workers = Workers()
    try:
        data = encrypt(workers, NOISE, command_for(fingerprint, public))
        with pytest.raises(HostError, match="no key for the recipient that it trusts") as raised:
            encrypt(workers, NOISE, command_for("support@example.com", public))  # signed by nobody
        assert raised.value.kind == "refused"
        with pytest.raises(HostError, match="no key for the recipient"):
            encrypt(workers, NOISE, command_for("nobody@example.com", public))
        with pytest.raises(HostError, match="no key for the recipient"):
            encrypt(workers, NOISE, command_for("0" * 40, public))
        owner = encrypt(workers, b"x", command_for("support@example.com", str(tmp_path / "private")))
    finally:
        workers.close()
    assert NOISE[:64] not in data
    assert owner
    for one, plain in ((data, NOISE), (owner, b"x")):
        opened = subprocess.run(
            ["gpg", "--homedir", str(tmp_path / "private"), "--batch", "--quiet", "--decrypt"],
            input=one,
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert opened.stdout == plain


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 60", "did not end within 1 s"),
        ("trap '' TERM; sleep 60", "did not end within 1 s"),
        ("head -c 100000; printf '\\205part'; kill -9 $$", "gpg ended with -9"),
        ("printf '\\205part'; echo '[GNUPG:] BEGIN_ENCRYPTION' >&2; exit 2", "gpg ended with 2"),
        ("cat", "gpg ended with 0"),  # what it was given comes back, and nothing says that it is encrypted
        ("cat; echo '[GNUPG:] END_ENCRYPTION' >&2", "not encrypted"),
        ("exit 0", "gpg ended with 0"),
        ("cat >/dev/null; yes", "gpg ended with None"),
    ],
)
def test_a_gpg_that_hangs_or_fails_or_does_something_else(tmp_path: Path, script: str, said: str) -> None:
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    workers = Workers()
    started = time.monotonic()
    try:
        with pytest.raises(HostError, match=said):
            encrypt(workers, b"\x1f\x8b" + NOISE[:200_000], (str(program),), timeout_s=1.0)
    finally:
        workers.close()
    assert time.monotonic() - started < 8
    assert [path.name for path in tmp_path.iterdir()] == ["gpg"]


def test_a_server_without_gpg(tmp_path: Path) -> None:
    workers = Workers()
    try:
        with pytest.raises(HostError, match="gpg is not installed") as raised:
            encrypt(workers, b"x", (str(tmp_path / "gpg"),))
    finally:
        workers.close()
    assert raised.value.kind == "not_found"


def test_the_whole_command_encrypts_with_the_configured_keys(
    tmp_path: Path, keys: Callable[[str, str], str]
) -> None:
    fingerprint = keys("private", "support@example.com")
    public = only_public(tmp_path, "private", "public", "support@example.com")
    etc = tmp_path / "layer" / "iwx-agent"
    etc.mkdir(parents=True)
    (etc / "config.toml").write_text(f'[bundle]\ngpg_home = "{public}"\n')
    (tmp_path / "out").mkdir()
    overlay = f"mount -t overlay -o lowerdir={tmp_path}/layer:/etc overlay /etc"
    bind = f'{overlay} && exec "$@"'
    before = ("unshare", "--mount", "--map-root-user", "sh", "-c", bind, "sh")
    done = agent("bundle", "--from", SOURCE, "--encrypt", fingerprint, before=before, cwd=tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "out").iterdir()
    assert made.name.endswith(".tar.gz.gpg")
    opened = subprocess.run(
        ["gpg", "--homedir", str(tmp_path / "private"), "--batch", "--quiet", "--decrypt", str(made)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    (tmp_path / "b.tar.gz").write_bytes(opened.stdout)
    assert "ticket.txt" in read_by("tar", "tzf", "b.tar.gz", cwd=tmp_path)


def test_a_descriptor_of_memory_has_no_name() -> None:
    number = in_memory(b"x" * 100_000)
    try:
        assert os.fstat(number).st_nlink == 0
        assert os.read(number, 200_000) == b"x" * 100_000
    finally:
        os.close(number)
