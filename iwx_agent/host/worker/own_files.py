"""The agent's own small files: written whole or not at all, and never through what somebody else put there.

Nothing else of the agent writes. The directory and the file belong to whoever runs it, or are left alone.
"""

import contextlib
import os
import stat
import time

from .operations import NoAnswer, kind_of_mode, read_up_to

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_GROWING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_STALE_S = 600.0


def keep(directory: str, name: str, data: bytes) -> bool:
    """Put ``data`` into a file of mode 0600 in a directory of mode 0700, which is made where it is missing.

    Not synced to the disk: what is kept here may be lost with the power, and a sick disk must hold nobody.
    """
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)  # noqa: PTH102
    place = _own_directory(directory)
    new = f".{name}.{os.getpid()}"
    try:
        with contextlib.suppress(FileNotFoundError):
            _refuse_foreign(os.stat(name, dir_fd=place, follow_symlinks=False), f"{directory}/{name}")
        _clear(place, f".{name}.")
        number = os.open(new, _NEW, 0o600, dir_fd=place)
        try:
            _write(number, data)
            os.rename(new, name, src_dir_fd=place, dst_dir_fd=place)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=place)
            raise
        finally:
            os.close(number)
    finally:
        os.close(place)
    return True


def kept(directory: str, name: str, max_bytes: int) -> bytes:
    """Return what was put there; larger than ``max_bytes`` is not the agent's."""
    place = _own_directory(directory)
    try:
        _refuse_foreign(os.stat(name, dir_fd=place, follow_symlinks=False), f"{directory}/{name}")
        number = os.open(name, _OLD, dir_fd=place)
        try:
            _refuse_foreign(os.fstat(number), f"{directory}/{name}")  # it may have been changed since
            data = read_up_to(number, max_bytes + 1)
        finally:
            os.close(number)
    finally:
        os.close(place)
    if len(data) > max_bytes:
        raise NoAnswer("failed", f"is larger than {max_bytes} bytes")
    return data


def append(directory: str, name: str, line: bytes) -> bool:
    """Append a line to a file that only grows, in one write, below one that a full disk has cut."""
    try:
        place = os.open(directory, _DIRECTORY)
    except FileNotFoundError:
        os.mkdir(directory, 0o700)  # noqa: PTH102
        place = os.open(directory, _DIRECTORY)
    try:
        _refuse_others(os.fstat(place), "the directory")
        number = os.open(name, _GROWING, 0o600, dir_fd=place)
    finally:
        os.close(place)
    try:
        _append_line(number, line)
    finally:
        os.close(number)
    return True


def _append_line(number: int, line: bytes) -> None:
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not a regular file")
    _refuse_others(status, "the file")
    cut = status.st_size > 0 and os.pread(number, 1, status.st_size - 1) != b"\n"
    data = (b"\n" if cut else b"") + line + b"\n"
    if os.write(number, data) < len(data):
        raise OSError("there was no room for the whole line")


def _refuse_others(status: os.stat_result, what: str) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise OSError(f"others may write to {what}")


def _own_directory(path: str) -> int:
    try:
        number = os.open(path, _DIRECTORY)
    except NotADirectoryError:  # also a symlink: O_DIRECTORY is looked at first
        raise NoAnswer("not_regular", f"{path} is no directory of its own; left alone") from None
    status = os.fstat(number)
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        os.close(number)
        raise NoAnswer("permission", f"others can write to {path}; left alone")
    return number


def _refuse_foreign(status: os.stat_result, path: str) -> None:
    kind = kind_of_mode(status.st_mode)
    if kind != "file":
        raise NoAnswer("not_regular", f"{path} is a {kind}, not a file; left alone")
    if status.st_uid != os.geteuid() or status.st_nlink != 1:
        raise NoAnswer("permission", f"{path} belongs to somebody else, too; left alone")


def _clear(place: int, beginning: str) -> None:
    """Remove what a run that was killed left behind; not what another run is writing now."""
    for name in os.listdir(place):
        if name.startswith(beginning):
            with contextlib.suppress(OSError):
                status = os.stat(name, dir_fd=place, follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and abs(time.time() - status.st_mtime) > _STALE_S:
                    os.unlink(name, dir_fd=place)


def _write(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]
