"""`iwxlab install`: the packages, and the base layer that every server starts from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .commands import LabError, run, tail
from .layout import LAB, Layout, home

# fmt: off
PACKAGES = (
    "systemd-container", "dbus", "systemd-journal-remote", "daemontools", "ucspi-tcp",
    "dovecot-imapd", "dovecot-pop3d", "apache2", "mariadb-server", "mariadb-client", "tinydns",
    "axfrdns", "dnscache", "proftpd-core", "openssh-server", "php-fpm", "php-cli", "php-mysql",
    "cron", "rpm", "dnf", "createrepo-c", "python3", "python3-dnf", "python3-libdnf",
    "dnf-plugins-core", "fuse3", "libfuse2", "python3-fusepy", "faketime", "iproute2", "nftables",
    "procps", "curl", "openssl", "e2fsprogs", "util-linux",
)
# fmt: on
POLICY = Path("/usr/sbin/policy-rc.d")
# The mounts live in a mount namespace of their own: whatever happens, none of them is left behind.
BUILD = """
set -eu
mount -t tmpfs -o size=1500m,mode=755 iwxlab-build {mount}
cd {mount}
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
mount -t tmpfs tmpfs root/run
mount -t tmpfs tmpfs root/tmp
mount -t proc proc root/proc
mount --rbind /dev root/dev
mkdir root/run/iwxlab-build
mount --bind {lab} root/run/iwxlab-build
for step in {lab}/build/*.sh; do
    {{
        echo 'set -eu'
        echo '[ "$(stat -f -c %T /)" = overlayfs ] || {{ echo "not in the lab" >&2; exit 99; }}'
        cat "$step"
    }} >root/run/step
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LC_ALL=C.UTF-8 HOME=/root \\
        chroot root /bin/sh /run/step || {{ echo "build step ${{step##*/}} failed" >&2; exit 1; }}
done
tar --xattrs --xattrs-include='*' --one-file-system -C upper -cf {out} .
"""


def require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes namespaces and mounts", exit_code=2)


def missing_packages() -> list[str]:
    """The packages of the list that dpkg does not call installed."""
    if shutil.which("dpkg-query") is None:
        raise LabError("the lab needs a Debian machine: dpkg-query is not there", exit_code=2)
    done = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *PACKAGES], check=False)
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in PACKAGES if name not in installed]


@contextmanager
def services_held_back() -> Iterator[None]:
    """Keep apt from starting the servers it installs on the machine itself."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


def install_packages() -> list[str]:
    """Install what is missing and return its names."""
    names = missing_packages()
    if names:
        environment = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
        with services_held_back():
            run([*environment, "update"], timeout_s=300)
            run([*environment, "install", "-y", "--no-install-recommends", *names], timeout_s=1200)
    return names


def base_stamp() -> str:
    """A digest of everything the base layer is made from."""
    digest = hashlib.sha256()
    for path in sorted([*(LAB / "root").rglob("*"), *(LAB / "build").glob("*.sh"), Path(__file__)]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(LAB)} {path.stat().st_mode:o}\n".encode())
            digest.update(path.read_bytes())
    versions = run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES], check=False).stdout
    digest.update(versions.encode())
    return digest.hexdigest()


def base_is_current(layout: Layout) -> bool:
    stamp = layout.base_stamp
    return layout.base_tar.is_file() and stamp.is_file() and stamp.read_text() == base_stamp()


def build_base(layout: Layout) -> float:
    """Make the base layer and return how many seconds it took."""
    started = time.monotonic()
    mount = home() / "build"
    mount.mkdir(parents=True, exist_ok=True)
    with (home() / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not base_is_current(layout):
            make_base(layout, mount)
    return time.monotonic() - started


def make_base(layout: Layout, mount: Path) -> None:
    stamp = base_stamp()
    fresh = layout.base_tar.with_suffix(".new")
    script = BUILD.format(mount=mount, lab=LAB, out=fresh)
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        fresh.unlink(missing_ok=True)
        raise LabError(f"the base layer could not be built\n{tail(done.stderr)}")
    fresh.replace(layout.base_tar)
    layout.base_stamp.write_text(stamp)
