"""A file that a person asked for, where they asked for it: all of it or nothing, never over something else.

It is written under another name beside its place, synced, and linked to its name, which fails when that is
taken. Room is looked for first: half a file on a disk that is full helps nobody.
"""

import contextlib
import errno
import os
import stat

from .operations import NoAnswer, read_up_to

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_TABLE_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_OWNER_ONLY = 0o600
_SPARE_BYTES = 64 * 1024  # for the file system's own needs


def save(directory: str, name: str, size_bytes: int, replace: bool, mode: int, number: int) -> bool:
    """Put the first ``size_bytes`` of an open file into a new one of this mode; ``number`` is closed.

    With ``replace`` a regular file that is there already goes the moment the new one is whole.
    """
    try:
        place = _open_directory(directory)
        try:
            _refuse_taken(place, name, f"{directory}/{name}", replace)
            _refuse_short(place, size_bytes)
            _write_new(place, name, size_bytes, replace, mode, number)
        finally:
            os.close(place)
    finally:
        os.close(number)
    return True


def savable(directory: str, name: str, replace: bool) -> bool:
    """Refuse what ``save`` would refuse before anything has been made; without a name yet, the directory."""
    place = _open_directory(directory)
    try:
        if name:
            _refuse_taken(place, name, f"{directory}/{name}", replace)
        _refuse_short(place, 0)
    finally:
        os.close(place)
    return True


def _open_directory(path: str) -> int:
    try:
        place = os.open(path, _DIRECTORY)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise NoAnswer("not_regular", f"{path} is a symbolic link or no directory") from None
        raise
    if os.fstat(place).st_mode & stat.S_IWOTH:
        os.close(place)
        raise NoAnswer("permission", f"everybody can write to {path}: choose a directory of your own")
    return place


def _refuse_taken(place: int, name: str, path: str, replace: bool) -> None:
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(name, dir_fd=place, follow_symlinks=False).st_mode
        if replace and stat.S_ISREG(mode):
            return
        what = "a symbolic link" if stat.S_ISLNK(mode) else "something"
        raise NoAnswer("refused", f"there is {what} at {path} already; nothing was overwritten")


def _refuse_short(place: int, size_bytes: int) -> None:
    """Look for room for the whole file before anything of it is written."""
    found = os.fstatvfs(place)
    free_bytes = found.f_bavail * (found.f_frsize or found.f_bsize)
    if found.f_flag & os.ST_RDONLY:
        raise NoAnswer("failed", f"{_file_system(place)} is read-only")
    if free_bytes < size_bytes + _SPARE_BYTES:
        needed = size_bytes + _SPARE_BYTES
        raise NoAnswer(
            "failed", f"{needed} bytes are needed and {free_bytes} are free on {_file_system(place)}"
        )
    if found.f_files and not found.f_favail:
        raise NoAnswer("failed", f"1 inode is needed and none is free on {_file_system(place)}")


def _file_system(place: int) -> str:
    """Return the file system of an open directory in words: where it is mounted, its type, its device."""
    mount = b""
    for line in _lines(f"/proc/self/fdinfo/{place}"):
        if line.startswith(b"mnt_id:"):
            mount = line.split()[1]
    for line in _lines("/proc/self/mountinfo"):
        fields = line.split()
        if fields[:1] == [mount] and b"-" in fields:
            kind, device = fields[fields.index(b"-") + 1 :][:2]
            return f"{os.fsdecode(fields[4])} ({os.fsdecode(kind)}, {os.fsdecode(device)})"
    return "its file system"


def _lines(path: str) -> list[bytes]:
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_up_to(number, _TABLE_BYTES).split(b"\n")
    finally:
        os.close(number)


def _write_new(place: int, name: str, size_bytes: int, replace: bool, mode: int, number: int) -> None:
    new = f".{name}.{os.getpid()}.part"
    written = os.open(new, _NEW, _OWNER_ONLY, dir_fd=place)
    try:
        _copy(number, written, size_bytes)
        if mode != _OWNER_ONLY:  # some file systems refuse any change
            os.fchmod(written, mode)
        os.fsync(written)
        _give_name(place, new, name, replace)
        os.fsync(place)
    finally:
        os.close(written)
        with contextlib.suppress(OSError):
            os.unlink(new, dir_fd=place)


def _copy(source: int, target: int, size_bytes: int) -> None:
    at = 0
    while at < size_bytes:
        data = memoryview(os.pread(source, min(_CHUNK_BYTES, size_bytes - at), at))
        if not data:
            raise NoAnswer("failed", f"only {at} of {size_bytes} bytes were there to write")
        at += len(data)
        while data:
            data = data[os.write(target, data) :]


def _give_name(place: int, new: str, name: str, replace: bool) -> None:
    if replace:
        _refuse_taken(place, name, name, replace)
        os.rename(new, name, src_dir_fd=place, dst_dir_fd=place)
        return
    try:
        os.link(new, name, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
    except FileExistsError:
        raise NoAnswer(
            "refused", f"something came to be at {name} meanwhile; nothing was overwritten"
        ) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links here (vfat): nobody but the owner can put something there between look and renaming.
        _refuse_taken(place, name, name, replace)
        os.rename(new, name, src_dir_fd=place, dst_dir_fd=place)
