"""Whether a program is one that only root can have put there, so that root may run it and tell it things.

Each directory on the way is opened from the one before, links are not followed: when all belong to root and
nobody else can write to them, nobody else can put another program there between this look and its start.
"""

import os
import stat

from .operations import NoAnswer, kind_of_mode

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def trusted(path: str) -> bool:
    """Refuse a program that others than root can have put there, or can change."""
    names = path.split("/")
    if names[0] != "" or len(names) < 2 or not all(name not in ("", ".", "..") for name in names[1:]):
        raise NoAnswer("permission", f"{path} is not an absolute path of a program, written out")
    number = os.open("/", _LOOK)
    try:
        seen = "/"
        _refuse_writable(os.fstat(number), seen)
        for place, name in enumerate(names[1:], start=1):
            inner = os.open(name, _LOOK, dir_fd=number)
            os.close(number)
            number = inner
            seen = "/".join(names[: place + 1])
            last = place == len(names) - 1
            status = os.fstat(number)
            _refuse_kind(status.st_mode, seen, "file" if last else "directory")
            _refuse_writable(status, seen)
        if not os.fstat(number).st_mode & _EXECUTABLE:
            raise NoAnswer("permission", f"{seen} is not executable")
    finally:
        os.close(number)
    return True


def _refuse_kind(mode: int, path: str, wanted: str) -> None:
    kind = kind_of_mode(mode)
    if kind == "symlink":
        raise NoAnswer("not_regular", f"{path} is a symlink: name the {wanted} that it points to")
    if kind != wanted:
        raise NoAnswer("not_regular", f"{path} is a {kind}, not a {wanted}")


def _refuse_writable(status: os.stat_result, path: str) -> None:
    if status.st_uid != 0:
        raise NoAnswer("permission", f"{path} belongs to user {status.st_uid}, not to root")
    if status.st_mode & 0o022:
        raise NoAnswer(
            "permission", f"others than root may write to {path} (mode {stat.S_IMODE(status.st_mode):o})"
        )
