"""A file system that never answers: what asks it waits in the kernel, as with a dead NFS server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Mounts a FUSE file system, answers its first message, takes every other one and never answers it: what asks
# it then waits in the kernel and no signal ends that, as with a dead NFS server. Its end frees all.
DEAD_FILE_SYSTEM = r"""
import ctypes, os, select, struct, sys
fuse = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
if libc.mount(sys.argv[2].encode(), sys.argv[1].encode(), b"fuse", 0, options):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
try:
    while True:
        ready = select.select([0, fuse], [], [])[0]
        if 0 in ready:
            break
        message = os.read(fuse, 1 << 17)
        length, opcode, unique = struct.unpack("<IIQ", message[:16])
        if opcode == 26:  # FUSE_INIT
            body = struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0)
            os.write(fuse, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
            print("mounted", flush=True)
finally:
    os.close(fuse)
    libc.umount2(sys.argv[1].encode(), 2)
"""


@contextmanager
def dead_file_system(path: Path, device: str = "dead") -> Iterator[Callable[[], None]]:
    """Mount it at a new directory; yield what brings everything that waits for it back."""
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("no /dev/fuse")
    path.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-c", DEAD_FILE_SYSTEM, str(path), device],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    assert server.stdout.readline() == b"mounted\n"

    def revive() -> None:
        server.communicate()

    try:
        yield revive
    finally:
        server.communicate(timeout=5)
