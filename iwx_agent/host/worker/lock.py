"""A lock that is held as long as the worker lives that took it: its end, however it comes, frees it."""

import contextlib
import fcntl
import os

from .own_files import _own_directory, _refuse_foreign

_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_held: dict[str, int] = {}


def hold(directory: str, name: str) -> bool:
    """Return whether the lock is held by this process now; false when another one holds it."""
    path = f"{directory}/{name}"
    if path in _held:
        return True
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)  # noqa: PTH102
    place = _own_directory(directory)
    try:
        with contextlib.suppress(FileNotFoundError):
            _refuse_foreign(os.stat(name, dir_fd=place, follow_symlinks=False), path)
        number = os.open(name, _FILE, 0o600, dir_fd=place)
    finally:
        os.close(place)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return False
    except OSError:
        os.close(number)
        raise
    _held[path] = number
    return True
