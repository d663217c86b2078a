"""Tickets in a directory: each a directory of its own, there whole or not at all, and there after a crash.

Written under another name beside its place, synced, and renamed, which fails when the name is taken. Like all
files of the agent they belong to whoever runs it, and what belongs to somebody else is left alone.
"""

import contextlib
import errno
import os
import stat
import time

from .operations import NoAnswer, kind_of_mode
from .own_files import _own_directory

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_CHUNK_BYTES = 256 * 1024
_STALE_S = 600.0


def spool(directory: str, name: str, files: tuple[tuple[str, int], ...], number: int) -> bool:
    """Put files of these names and sizes, one after the other in ``number``, into a new directory ``name``.

    Returns false when it was there already. ``number`` is closed.
    """
    try:
        for path in (os.path.dirname(directory), directory):  # noqa: PTH120
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)  # noqa: PTH102
        place = _own_directory(directory)
        try:
            return not _is_there(place, name, directory) and _write(place, name, files, number)
        finally:
            os.close(place)
    finally:
        os.close(number)


def spooled(directory: str, name: str) -> bool:
    """Return whether there is such a ticket."""
    try:
        place = _own_directory(directory)
    except FileNotFoundError:
        return False
    try:
        return _is_there(place, name, directory)
    finally:
        os.close(place)


def _is_there(place: int, name: str, directory: str) -> bool:
    try:
        status = os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        kind = kind_of_mode(status.st_mode)
        raise NoAnswer("not_regular", f"{directory}/{name} is a {kind}, not a ticket; left alone")
    if status.st_uid != os.geteuid():
        raise NoAnswer("permission", f"{directory}/{name} belongs to somebody else; left alone")
    return True


def _write(place: int, name: str, files: tuple[tuple[str, int], ...], number: int) -> bool:
    _clear(place)
    new = f".{name}.{os.getpid()}.part"
    os.mkdir(new, 0o700, dir_fd=place)
    done = False
    try:
        inside = os.open(new, _DIRECTORY, dir_fd=place)
        try:
            at = 0
            for file, size in files:
                _write_file(inside, file, number, at, size)
                at += size
            os.fsync(inside)
        finally:
            os.close(inside)
        try:
            os.rename(new, name, src_dir_fd=place, dst_dir_fd=place)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return False  # another run was faster
        done = True
        os.fsync(place)
    finally:
        if not done:
            _remove(place, new)
    return True


def _write_file(inside: int, name: str, source: int, at: int, size: int) -> None:
    written = os.open(name, _NEW, 0o600, dir_fd=inside)
    try:
        end = at + size
        while at < end:
            data = memoryview(os.pread(source, min(_CHUNK_BYTES, end - at), at))
            if not data:
                raise NoAnswer("failed", "less was handed over than was said")
            at += len(data)
            while data:
                data = data[os.write(written, data) :]
        os.fsync(written)
    finally:
        os.close(written)


def _clear(place: int) -> None:
    """Remove what a run that was killed left behind; not what another run is writing now."""
    for name in os.listdir(place):
        if name.startswith(".") and name.endswith(".part"):
            with contextlib.suppress(OSError):
                status = os.stat(name, dir_fd=place, follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and abs(time.time() - status.st_mtime) > _STALE_S:
                    _remove(place, name)


def _remove(place: int, name: str) -> None:
    with contextlib.suppress(OSError):
        inside = os.open(name, _DIRECTORY, dir_fd=place)
        try:
            for file in os.listdir(inside):  # noqa: PTH208
                os.unlink(file, dir_fd=inside)
        finally:
            os.close(inside)
        os.rmdir(name, dir_fd=place)
