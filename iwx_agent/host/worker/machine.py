"""Processes, listening sockets and the boot time, from /proc."""

import os
import time

from . import family

TITLE_CHARACTERS = 200
_TITLE_WORDS = 2
_REWRITTEN_WORDS = 4

ProcessRow = tuple[int, int, str, str, str, float, str]
SocketRow = tuple[str, str, int, int | None, str]


def booted_at() -> float:
    """Return the boot time in seconds since the epoch."""
    for line in family.read_small("/proc/stat", 4 * 1024 * 1024).split(b"\n"):
        if line.startswith(b"btime "):
            return float(line.split()[1])
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def user_names() -> dict[int, str]:
    """Return the names in /etc/passwd by number: a name service could hang and is not asked."""
    names: dict[int, str] = {}
    for line in family.read_small("/etc/passwd", 4 * 1024 * 1024).split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 2 and fields[2].isdigit():
            names.setdefault(int(fields[2]), family.printable(fields[0]))
    return names


def processes() -> list[ProcessRow]:
    """Return pid, parent, name, user, state, start and title of each process, by pid."""
    users = user_names()
    boot_at = booted_at()
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    rows: list[ProcessRow] = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 (pathlib costs more than this process)
        if not entry.isdigit():
            continue
        found = family.member(int(entry))
        if found is None:
            continue
        try:
            uid = os.stat(f"/proc/{entry}").st_uid  # noqa: PTH116
        except OSError:
            continue  # it ended meanwhile
        started_at = boot_at + found.key[1] / ticks_per_s
        rows.append(
            (
                found.pid,
                found.parent,
                found.name,
                users.get(uid, str(uid)),
                found.state,
                started_at,
                title(found),
            )
        )
    return sorted(rows)


def title(found: family.Member) -> str:
    """Return the first two words of the command line; empty for a kernel thread and for one that may hang.

    A program that rewrites its title names itself with a colon (``php-fpm: pool www``) and gets four words.
    A second word that could hold a password (``-pSECRET``, a URL, NAME=VALUE) is left out, but for package
    tools, whose options tell a question from a transaction.
    """
    if found.state in "DZXx":  # reading the command line of a process stuck in the kernel can hang as it does
        return ""
    raw = family.read_small(f"/proc/{found.pid}/cmdline")
    words = family.printable(raw.replace(b"\0", b" ")).split()
    if words and words[0].endswith(":"):
        return " ".join(words[:_REWRITTEN_WORDS])[:TITLE_CHARACTERS]
    if len(words) > 1 and may_be_secret(words[1]) and found.name not in family.NEVER_KILLED:
        del words[1:]
    return " ".join(words[:_TITLE_WORDS])[:TITLE_CHARACTERS]


def may_be_secret(word: str) -> bool:
    """Return whether a word of a command line has the look of an option, a URL, an assignment or a login."""
    return word.startswith("-") or any(mark in word for mark in ("://", "=", "@"))


def sockets(psutil_directory: str) -> list[SocketRow]:
    """Return protocol, address, port, pid and process name of each listening TCP and bound UDP socket."""
    import sys

    if psutil_directory not in sys.path:
        sys.path.append(psutil_directory)
    import psutil
    from psutil import _pslinux

    # For a deleted file that a process holds open psutil looks whether the name is there again: that hangs
    # with the network mount that the file was on.
    _pslinux.readlink = os.readlink
    tcp = 1  # socket.SOCK_STREAM
    rows: set[SocketRow] = set()
    for found in psutil.net_connections("inet"):
        protocol = "tcp" if found.type == tcp else "udp"
        listening = found.status == psutil.CONN_LISTEN if protocol == "tcp" else not found.raddr
        if not listening or not found.laddr:
            continue
        owner = family.member(found.pid) if found.pid else None
        rows.add((protocol, found.laddr.ip, found.laddr.port, found.pid, owner.name if owner else ""))
    return sorted(rows, key=lambda row: (row[0], row[2], row[1], row[3] or 0))
