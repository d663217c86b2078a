"""File access below one directory only: never through a symbolic link, never waiting on a FIFO."""

import os
import stat
from pathlib import Path

from iwx_agent.host import FileKind, HostError
from iwx_agent.replay.format import CaptureError

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_FILES_COUNT = 200_000
_MAX_DEPTH = 64
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_inside(root: Path, path: str) -> int | None:
    """Open what lies below ``root`` at an absolute path; None when nothing does.

    Raises:
        CaptureError: for ``..``, a symbolic link on the way, or an error of the file system.
    """
    parts = [part for part in path.split("/") if part]
    if ".." in parts or "\0" in path:
        raise CaptureError(str(root), f"refused path {path!r}")
    try:
        current = os.open(root, _FLAGS | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaptureError(str(root), error.strerror or str(error)) from None
    for part in parts:
        try:
            following = os.open(part, _FLAGS, dir_fd=current)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise CaptureError(f"{root}{path}", f"refused: {error.strerror}") from None
        finally:
            os.close(current)
        current = following
    return current


def refuse_irregular(root: Path) -> None:
    """Walk everything below ``root`` once, before anything is answered from it.

    Raises:
        CaptureError: for a symbolic link, FIFO, socket, device or oversized file, or far too much of all.
    """
    waiting = [("", 0)]
    seen_count = 0
    while waiting:
        path, depth = waiting.pop()
        for name, status in _names_of(root, path):
            seen_count += 1
            below = f"{path}/{name}"
            if seen_count > MAX_FILES_COUNT or depth > _MAX_DEPTH:
                raise CaptureError(f"{root}{below}", "refused: too many files, or too deep")
            if stat.S_ISDIR(status.st_mode):
                waiting.append((below, depth + 1))
            else:
                _refuse_odd(f"{root}{below}", status)


def _names_of(root: Path, path: str) -> list[tuple[str, os.stat_result]]:
    descriptor = open_inside(root, path)
    if descriptor is None:
        return []
    try:
        with os.scandir(descriptor) as names:
            return [(name.name, name.stat(follow_symlinks=False)) for name in names]
    except OSError as error:
        raise CaptureError(f"{root}{path}", error.strerror or str(error)) from None
    finally:
        os.close(descriptor)


def _refuse_odd(name: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise CaptureError(name, "refused: a symbolic link")
    if not stat.S_ISREG(status.st_mode):
        raise CaptureError(name, "refused: not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise CaptureError(name, f"larger than {MAX_FILE_BYTES} bytes")


def read_inside(root: Path, path: str) -> bytes | None:
    """Return the bytes of a regular file below ``root``; None when there is nothing at that path.

    Raises:
        HostError: ``not_regular`` for a directory, as the captured machine would have answered.
        CaptureError: for a FIFO, device or oversized file inside the capture.
    """
    descriptor = open_inside(root, path)
    if descriptor is None:
        return None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        os.close(descriptor)
        raise HostError("not_regular", "is a directory", path)
    return _read_regular(descriptor, f"{root}{path}")


def kind_inside(root: Path, path: str) -> tuple[FileKind | None, int]:
    """Return kind and size of what lies at a path below ``root``; kind None when nothing does."""
    descriptor = open_inside(root, path)
    if descriptor is None:
        return None, 0
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if stat.S_ISDIR(status.st_mode):
        return "directory", 4096
    return ("file", status.st_size) if stat.S_ISREG(status.st_mode) else ("other", 0)


def names_inside(root: Path, path: str) -> list[tuple[str, FileKind, int]]:
    """Return name, kind and size of what is in a directory below ``root``; empty when it is none."""
    if kind_inside(root, path)[0] != "directory":
        return []
    return [
        (name, "directory", 4096) if stat.S_ISDIR(status.st_mode) else (name, "file", status.st_size)
        for name, status in _names_of(root, path)
        if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
    ]


def read_own(path: Path) -> bytes | None:
    """Return the bytes of one of the capture's own files, or None when it is not there."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CaptureError(str(path), error.strerror or str(error)) from None
    return _read_regular(descriptor, str(path))


def _read_regular(descriptor: int, name: str) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # open() of a directory would raise, and leave it open
        raise CaptureError(name, "not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise CaptureError(name, f"larger than {MAX_FILE_BYTES} bytes")
    return data
