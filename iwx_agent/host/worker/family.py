"""Find and end every descendant of this process, whatever session, environment or parent it has taken.

The process that calls this is a child subreaper: an orphan below it becomes its own child instead of init's,
so that the chain of parents is never broken and nothing has to be guessed from names or environments.
"""

import errno
import os
import time
from _signal import SIGCONT, SIGKILL, SIGTERM  # type: ignore[import-not-found]
from select import poll

POLL_S = 0.02
GRACE_S = 0.4  # from SIGTERM to SIGKILL
KILL_WAIT_S = 0.15  # from SIGKILL to giving up: what is not gone by then is stuck in the kernel
PATIENCE_S = 0.8  # for those that must not be killed
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

# A writer of the package database that is killed leaves it broken: these, and what they have started, get
# SIGTERM and time, never SIGKILL.
NEVER_KILLED = (
    "rpm",
    "rpmdb",
    "rpmkeys",
    "dnf",
    "dnf-3",
    "dnf5",
    "yum",
    "microdnf",
    "packagekitd",
    "dnf-automatic",
)
_SCRIPT_RUNNERS = ("python", "platform-python", "perl", "sh", "bash", "dash")

_prctl = None


def prctl(option: int, value: int) -> None:
    """Set a process attribute; without ctypes (or the call) the attribute is simply not set."""
    global _prctl  # noqa: PLW0603 (one library handle per process, loaded before the first fork)
    if _prctl is None:
        try:
            import ctypes

            _prctl = ctypes.CDLL(None).prctl
        except (ImportError, OSError, AttributeError, MemoryError):  # the last: memory may not be executable
            return
    _prctl(option, value, 0, 0, 0)


class Member:
    """One process as /proc shows it; ``key`` stays true when the kernel uses the number again."""

    __slots__ = ("key", "name", "parent", "pid", "state")

    def __init__(self, pid: int, stat: bytes) -> None:
        opened, closed = stat.index(b"("), stat.rindex(b")")
        fields = stat[closed + 2 :].split()
        self.pid = pid
        self.name = printable(stat[opened + 1 : closed])
        self.state = fields[0].decode("ascii")
        self.parent = int(fields[1])
        self.key = (pid, int(fields[19]))
        if self.state == "Z" and int(fields[17]) > 1:
            self.state = "S"  # only its first thread has ended: the process lives

    @property
    def alive(self) -> bool:
        """Return whether it still runs: a zombie has ended and only waits to be counted."""
        return self.state not in "ZXx"


def printable(raw: bytes) -> str:
    """Return bytes as text without control characters."""
    return "".join(c if c.isprintable() else "?" for c in raw.decode("utf-8", "replace"))


def read_small(path: str, max_bytes: int = 4096) -> bytes:
    """Return the start of a small file; empty when it is gone or may not be read."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(number, max_bytes)
    except OSError:
        return b""
    finally:
        os.close(number)


def member(pid: int) -> Member | None:
    """Return a process, or None when there is none of that number."""
    stat = read_small(f"/proc/{pid}/stat")
    return Member(pid, stat) if stat else None


def descendants(root: int) -> list[Member]:
    """Return all processes below ``root``, parents before children, zombies included."""
    below: dict[int, list[Member]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 (pathlib costs more than this process)
        if name.isdigit():
            found = member(int(name))
            if found is not None:
                below.setdefault(found.parent, []).append(found)
    reached: list[Member] = []
    parents = [root]
    while parents:
        children = below.pop(parents.pop(), [])
        reached.extend(children)
        parents.extend(child.pid for child in children)
    return reached


def must_not_be_killed(found: Member) -> bool:
    """Return whether a process is a package manager, or a script runner that runs one."""
    if found.name in NEVER_KILLED:
        return True
    runner = found.name.startswith(_SCRIPT_RUNNERS)
    if found.state == "D":
        return runner  # reading its command line could hang as it does; when in doubt, spare it
    words = read_small(f"/proc/{found.pid}/cmdline").split(b"\0")
    programs = [word.rpartition(b"/")[2].decode("utf-8", "replace") for word in words]
    if programs[0] in NEVER_KILLED:
        return True
    script = next((p for p in programs[1:] if p and not p.startswith("-")), "")
    return script in NEVER_KILLED and programs[0].startswith(_SCRIPT_RUNNERS)


def send(found: Member, number: int) -> None:
    """Signal a process if it is still the one that was found."""
    now = member(found.pid)
    if now is None or now.key != found.key:
        return
    try:
        os.kill(found.pid, number)
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.EPERM):  # gone, or another user's: then it is named as left
            raise


def reap() -> dict[int, int]:
    """Collect every child that has ended; return the wait status of each."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def childless() -> bool:
    """Return whether this process has no child left, which for a subreaper means no descendant."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


Fate = tuple[str, int, str]  # name, pid, what became of it


def end_family(
    root: int, *, grace_s: float = GRACE_S, patience_s: float = PATIENCE_S
) -> tuple[list[Fate], bool]:
    """End all descendants of ``root``: SIGTERM, then SIGKILL, then give up. Return what became of each.

    The second value is true when one is still there. Takes at most ``patience_s`` and a little.
    """
    started = time.monotonic()
    fates: dict[tuple[int, int], Fate] = {}
    killed: dict[tuple[int, int], bool] = {}  # whether it was sent SIGKILL: the choice is made once for each
    pause = poll()
    while True:
        reap()
        alive = [found for found in descendants(root) if found.alive]
        if not alive:
            return list(fates.values()), False
        passed = time.monotonic() - started
        for found in alive:
            if found.key not in fates:
                fates[found.key] = (found.name, found.pid, "ended")
                send(found, SIGTERM)
                send(found, SIGCONT)  # a stopped process would keep the SIGTERM waiting
            if passed >= grace_s and found.key not in killed:
                spared_pids = {key[0] for key, was_killed in killed.items() if not was_killed}
                killed[found.key] = found.parent not in spared_pids and not must_not_be_killed(found)
                if killed[found.key]:
                    fates[found.key] = (found.name, found.pid, "killed")
                    send(found, SIGKILL)
        spared = any(not killed.get(found.key, True) for found in alive)
        if passed >= (patience_s if spared else grace_s + KILL_WAIT_S):
            for found in alive:
                why = (
                    "left to finish, never killed"
                    if not killed.get(found.key, True)
                    else "could not be ended"
                )
                fates[found.key] = (found.name, found.pid, f"{why}, state {found.state}")
            return list(fates.values()), True
        pause.poll(POLL_S * 1000)
