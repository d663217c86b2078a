"""Questions to the file system and the C library: each may hang for ever, so it is asked in a worker."""

import errno
import os
import stat

from . import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHUNK_BYTES = 256 * 1024
_SCAN_CHUNK_BYTES = 1024 * 1024
_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISLNK, "symlink"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


class NoAnswer(Exception):  # noqa: N818 (an outcome, not a defect)
    """The question has no answer; ``kind`` and ``reason`` are HostError's."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(reason)


def operate(request: frames.Message) -> frames.Message:
    """Answer one request: ``("answer", value)`` or ``("error", kind, reason)``."""
    try:
        return ("answer", _OPERATIONS[str(request[0])](*request[1:]))
    except NoAnswer as outcome:
        return ("error", outcome.kind, outcome.reason)
    except OSError as error:
        return ("error", kind_of_error(error), reason_of_error(error))
    except Exception as error:  # noqa: BLE001 (this process's one wall: a defect here must reach the agent as text)
        return ("error", "failed", f"{type(error).__name__}: {error}")


def kind_of_error(error: OSError) -> str:
    """Return HostError's kind for an error of the operating system."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "not_found"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission"
    return "failed"


def reason_of_error(error: OSError) -> str:
    """Return the system's own words with the error's short name, which people search for."""
    name = errno.errorcode.get(error.errno or 0, "")
    words = error.strerror or str(error) or type(error).__name__
    return f"{words} ({name})" if name else words


def kind_of_mode(mode: int) -> str:
    """Return answers.FileKind for a mode."""
    return next((name for test, name in _KINDS if test(mode)), "other")


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """Open a regular file without ever waiting; anything else raises NoAnswer."""
    try:
        number = os.open(path, _OPEN)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, or a device without a driver
            _refuse_irregular(os.stat(path).st_mode)  # noqa: PTH116
        raise
    status = os.fstat(number)
    try:
        _refuse_irregular(status.st_mode)
    except NoAnswer:
        os.close(number)
        raise
    return number, status


def _refuse_irregular(mode: int) -> None:
    kind = kind_of_mode(mode)
    if kind != "file":
        raise NoAnswer("not_regular", f"is {'a FIFO' if kind == 'fifo' else 'a ' + kind}, not a regular file")


def read_up_to(number: int, max_bytes: int) -> bytes:
    """Read until ``max_bytes`` or the end of the file."""
    parts: list[bytes] = []
    left = max_bytes
    while left > 0:
        part = os.read(number, min(left, _CHUNK_BYTES))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read(path: str, max_bytes: int) -> tuple[bytes, int, float, bool]:
    """Return data, size, time of change and whether there is more."""
    number, status = open_regular(path)
    try:
        data = read_up_to(number, max_bytes + 1)
    finally:
        os.close(number)
    return data[:max_bytes], max(status.st_size, len(data)), status.st_mtime, len(data) > max_bytes


def tail(path: str, max_bytes: int) -> tuple[bytes, int, float, bool]:
    """Return the last bytes from the start of a line; a line longer than ``max_bytes`` loses its start."""
    number, status = open_regular(path)
    try:
        if status.st_size == 0:  # /proc and /sys do not tell their size and cannot be read from the end
            data = read_up_to(number, 16 * max_bytes + 1)
            size = len(data)
        else:
            size = status.st_size
            os.lseek(number, max(0, size - max_bytes - 1), os.SEEK_SET)
            data = read_up_to(number, max_bytes + 1)  # one byte more: it tells whether a line starts after it
    finally:
        os.close(number)
    if len(data) <= max_bytes:
        return data, size, status.st_mtime, False
    before, kept = data[-max_bytes - 1], data[-max_bytes:]
    newline = kept.find(b"\n")
    if before != ord("\n") and 0 <= newline < len(kept) - 1:
        kept = kept[newline + 1 :]
    return kept, size, status.st_mtime, True


def scan(
    path: str, needles: "list[bytes]", scan_bytes: int, max_bytes: int
) -> tuple[bytes, int, float, bool]:
    """Return the last lines that contain a needle, from the end backwards until ``max_bytes`` are found.

    A line longer than a chunk counts as two, so that memory stays bounded whatever stands in the file.
    """
    number, status = open_regular(path)
    found: list[bytes] = []
    found_bytes = 0
    position = status.st_size
    stop = max(0, position - scan_bytes)
    rest = b""  # the start of what was read before, whose line begins further up
    try:
        while position > stop and found_bytes < max_bytes:
            start = max(stop, position - _SCAN_CHUNK_BYTES)
            chunk = os.pread(number, position - start, start) + rest
            position = start
            newline = chunk.find(b"\n") if start > 0 else -1
            rest = chunk[: newline + 1] if len(chunk) < 2 * _SCAN_CHUNK_BYTES else b""
            lines = _matching(chunk, newline + 1, needles)
            found[:0] = lines
            found_bytes += sum(len(line) + 1 for line in lines)
    finally:
        os.close(number)
    data = b"".join(line + b"\n" for line in found)
    truncated = position > 0 or len(data) > max_bytes
    if len(data) > max_bytes:
        data = data[-max_bytes:]
        data = data[data.find(b"\n") + 1 :]
    return data, status.st_size, status.st_mtime, truncated


def _matching(chunk: bytes, start: int, needles: "list[bytes]") -> "list[bytes]":
    """Return the lines of ``chunk`` from ``start`` on that contain a needle; only these are taken apart."""
    places: dict[int, int] = {}
    for needle in needles:
        at = chunk.find(needle, start)
        while at >= 0:
            begin = chunk.rfind(b"\n", start, at) + 1 or start
            end = chunk.find(b"\n", at)
            end = len(chunk) if end < 0 else end
            places[begin] = end
            at = chunk.find(needle, end)
    return [chunk[begin : places[begin]] for begin in sorted(places)]


def list_directory(path: str, max_entries: int) -> tuple[list[tuple[str, str, int, float]], bool]:
    """Return name, kind, size and time of each entry, sorted, and whether there are more."""
    found: list[tuple[str, str, int, float]] = []
    truncated = False
    with os.scandir(path) as entries:
        for entry in entries:
            if len(found) >= max_entries:
                truncated = True
                break
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # it went away meanwhile
            name = os.fsencode(entry.name).decode("utf-8", "replace")
            found.append((name, kind_of_mode(status.st_mode), status.st_size, status.st_mtime))
    return sorted(found), truncated


def count_tree(path: str, depth: int, max_entries: int) -> tuple[int, int, float | None, float | None, bool]:
    """Return files, their bytes, oldest and newest time, and whether there are more."""
    files = size = seen = 0
    oldest: float | None = None
    newest: float | None = None
    waiting = [(path, 1)]
    while waiting:
        directory, level = waiting.pop()
        try:
            entries = os.scandir(directory)
        except FileNotFoundError:
            if directory == path:
                raise
            continue
        with entries:
            for entry in entries:
                seen += 1
                if seen > max_entries:
                    return files, size, oldest, newest, True
                if entry.is_dir(follow_symlinks=False):
                    if level < depth:
                        waiting.append((entry.path, level + 1))
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    files += 1
                    size += status.st_size
                    changed = status.st_mtime
                    oldest = changed if oldest is None or changed < oldest else oldest
                    newest = changed if newest is None or changed > newest else newest
    return files, size, oldest, newest, False


def status_of(path: str, follow: bool) -> tuple[str, int, float, int, int, int]:
    """Return kind, size, time, permission bits, user and group."""
    found = os.stat(path, follow_symlinks=follow)  # noqa: PTH116
    mode = found.st_mode
    return kind_of_mode(mode), found.st_size, found.st_mtime, stat.S_IMODE(mode), found.st_uid, found.st_gid


def file_system(path: str) -> tuple[int, int, int, int, int, bool]:
    """Return total, free and available bytes, inodes and free inodes, and whether it is read-only."""
    found = os.statvfs(path)
    unit = found.f_frsize or found.f_bsize
    return (
        found.f_blocks * unit,
        found.f_bfree * unit,
        found.f_bavail * unit,
        found.f_files,
        found.f_ffree,
        bool(found.f_flag & os.ST_RDONLY),
    )


def resolve(name: str) -> tuple[str, ...]:
    """Return the addresses that the system's resolver gives, in its order, each once."""
    import _socket

    try:
        found = _socket.getaddrinfo(name, None, 0, _socket.SOCK_STREAM)
    except _socket.gaierror as error:
        absent = (_socket.EAI_NONAME, getattr(_socket, "EAI_NODATA", _socket.EAI_NONAME))
        kind = "not_found" if error.errno in absent else "failed"
        raise NoAnswer(kind, str(error.strerror)) from None
    except UnicodeError as error:
        raise NoAnswer("failed", f"not a host name: {error}") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def processes() -> list[tuple[int, int, str, str, str, float, str]]:
    """Return all processes."""
    from . import machine

    return machine.processes()


def sockets(psutil_directory: str) -> list[tuple[str, str, int, int | None, str]]:
    """Return all listening TCP and bound UDP sockets."""
    from . import machine

    return machine.sockets(psutil_directory)


def booted_at() -> float:
    """Return the boot time in seconds since the epoch."""
    from . import machine

    return machine.booted_at()


def keep(directory: str, name: str, data: bytes) -> bool:
    """Write one of the agent's own files."""
    from . import own_files

    return own_files.keep(directory, name, data)


def kept(directory: str, name: str, max_bytes: int) -> bytes:
    """Return one of the agent's own files."""
    from . import own_files

    return own_files.kept(directory, name, max_bytes)


def append(directory: str, name: str, line: bytes) -> bool:
    """Append a line to one of the agent's own files."""
    from . import own_files

    return own_files.append(directory, name, line)


def spool(directory: str, name: str, files: tuple[tuple[str, int], ...], number: int) -> bool:
    """Put a ticket into a directory."""
    from . import spool as spooling

    return spooling.spool(directory, name, files, number)


def spooled(directory: str, name: str) -> bool:
    """Return whether a ticket is there."""
    from . import spool as spooling

    return spooling.spooled(directory, name)


def trusted(path: str) -> bool:
    """Refuse a program that others than root can have put there."""
    from . import trusted as trusting

    return trusting.trusted(path)


def transact(*request: "Any") -> "tuple[str, str, Any]":
    """Run one transaction of the agent's database."""
    from . import store

    return store.transact(*request)


def hold(directory: str, name: str) -> bool:
    """Hold a lock as long as this worker lives."""
    from . import lock

    return lock.hold(directory, name)


def save(*request: "Any") -> bool:
    """Write a file that a person asked for."""
    from . import saving

    return saving.save(*request)


def savable(*request: "Any") -> bool:
    """Say whether such a file could be written."""
    from . import saving

    return saving.savable(*request)


_OPERATIONS: "dict[str, Callable[..., Any]]" = {
    "read": read,
    "tail": tail,
    "scan": scan,
    "list": list_directory,
    "count_tree": count_tree,
    "stat": status_of,
    "statvfs": file_system,
    "resolve": resolve,
    "processes": processes,
    "sockets": sockets,
    "booted_at": booted_at,
    "keep": keep,
    "kept": kept,
    "append": append,
    "spool": spool,
    "spooled": spooled,
    "trusted": trusted,
    "transact": transact,
    "hold": hold,
    "save": save,
    "savable": savable,
}
