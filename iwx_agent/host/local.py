"""Questions to files, directories, the resolver and the process table, answered by a worker that may hang."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from iwx_agent.host import answers as a
from iwx_agent.host import questions as q
from iwx_agent.host.contract import HostError, UnheardError
from iwx_agent.host.deadline import Deadline, Expired
from iwx_agent.host.worker import frames
from iwx_agent.host.workers import Worker, Workers
from iwx_agent.model import ListeningSocket, ListeningSockets, Process, Processes

Report = Callable[[str], None]


def ask_worker(
    workers: Workers,
    request: frames.Message,
    deadline: Deadline,
    source: str,
    report: Report,
    *,
    handed: tuple[int, ...] = (),
) -> Any:
    """Have one request answered; a worker that does not answer in time is killed, or named to ``report``.

    ``handed`` are descriptors that the operation gets after the request's own words.

    Raises:
        HostError: when there is no answer; UnheardError when the worker was ended after it had been asked.
    """
    worker = workers.borrow(deadline, source)
    asked = False
    try:
        worker.send(request, handed)
        asked = True
        answer = worker.receive(deadline)
    except Expired:
        state = _discard(workers, worker, request, report)
        where = f" and cannot be interrupted (state {state})" if state else ""
        raise HostError("timeout", f"no answer within {deadline.limit_s:.1f} s{where}", source) from None
    except (EOFError, OSError):
        workers.discard(worker)
        reason = "the worker process that asked was ended from outside"
        raise (UnheardError(reason, source) if asked else HostError("failed", reason, source)) from None
    except BaseException:
        _discard(workers, worker, request, report)
        raise
    workers.give_back(worker)
    if answer[0] == "error":
        raise HostError(answer[1], answer[2], source)
    return answer[1]


def _discard(workers: Workers, worker: Worker, request: frames.Message, report: Report) -> str:
    state = workers.discard(worker)
    if state:
        what = " ".join(str(part) for part in request[:2])
        report(f"worker for {what} (pid {worker.pid}, state {state})")
    return state


def local_answer(workers: Workers, question: q.Question, deadline: Deadline, report: Report) -> Struct:
    """Answer a question that a worker asks the kernel or the C library."""

    def ask(*request: object) -> Any:
        return ask_worker(workers, request, deadline, question.source, report)

    match question:
        case q.ReadFile() | q.TailFile() | q.ScanFile():
            return _content(question.path, *ask(*_bytes_request(question)))
        case q.ListDirectory():
            rows, truncated = ask("list", question.path, question.max_entries)
            return _listing(rows, truncated=truncated)
        case q.CountTree():
            return _count(*ask("count_tree", question.path, question.depth, question.max_entries))
        case q.Stat():
            return _status(*ask("stat", question.path, question.follow))
        case q.StatVfs():
            return _file_system(*ask("statvfs", question.path))
        case q.Resolve():
            addresses = ask("resolve", question.name)
            return a.ResolveAnswer(addresses=addresses, duration_s=deadline.passed_s)
        case q.AskProcesses():
            return _processes(ask("processes"))
        case q.AskSockets():
            return _sockets(ask("sockets", _psutil_directory()))
        case q.AskClock():
            try:
                return _clock(ask("booted_at"))
            except HostError:  # no process can be started: the clock must tell the time all the same
                return _clock(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))
    raise TypeError(f"{type(question).__name__} is not a question to this machine")


def _bytes_request(question: q.ReadFile | q.TailFile | q.ScanFile) -> tuple[object, ...]:
    if isinstance(question, q.ScanFile):
        needles = [needle.encode() for needle in question.needles]
        return ("scan", question.path, needles, question.scan_bytes, question.max_bytes)
    operation = "read" if isinstance(question, q.ReadFile) else "tail"
    return (operation, question.path, question.max_bytes)


def _content(path: str, data: bytes, size: int, changed_at: float, truncated: bool) -> a.FileContent:
    return a.FileContent(data=data, size_bytes=size, modified_at=changed_at, truncated=truncated, path=path)


def _listing(rows: list[tuple[str, a.FileKind, int, float]], *, truncated: bool) -> a.DirectoryListing:
    entries = tuple(
        a.DirectoryEntry(name=name, kind=kind, size_bytes=size, modified_at=changed_at)
        for name, kind, size, changed_at in rows
    )
    return a.DirectoryListing(entries=entries, truncated=truncated)


def _count(
    files: int,
    size: int,
    oldest_at: float | None,
    newest_at: float | None,
    truncated: bool,
) -> a.TreeCount:
    return a.TreeCount(
        files_count=files, size_bytes=size, oldest_at=oldest_at, newest_at=newest_at, truncated=truncated
    )


def _status(kind: a.FileKind, size: int, changed_at: float, mode: int, uid: int, gid: int) -> a.FileStatus:
    return a.FileStatus(kind=kind, size_bytes=size, modified_at=changed_at, mode=mode, uid=uid, gid=gid)


def _file_system(
    total: int,
    free: int,
    available: int,
    inodes: int,
    inodes_free: int,
    read_only: bool,
) -> a.FileSystemStatus:
    return a.FileSystemStatus(
        total_bytes=total,
        free_bytes=free,
        available_bytes=available,
        inodes_count=inodes,
        inodes_free_count=inodes_free,
        read_only=read_only,
    )


def _processes(rows: list[tuple[int, int, str, str, str, float, str]]) -> Processes:
    return Processes(
        entries=tuple(
            Process(pid=pid, parent_pid=parent, name=name, user=user, state=state, started_at=at, title=title)
            for pid, parent, name, user, state, at, title in rows
        )
    )


def _sockets(rows: list[tuple[Any, str, int, int | None, str]]) -> ListeningSockets:
    return ListeningSockets(
        entries=tuple(
            ListeningSocket(protocol=protocol, address=address, port=port, pid=pid, process_name=name)
            for protocol, address, port, pid, name in rows
        )
    )


def _clock(booted_at: float) -> a.ClockAnswer:
    import os
    import socket

    return a.ClockAnswer(
        now_at=time.time(), booted_at=booted_at, host_name=socket.gethostname(), effective_uid=os.geteuid()
    )


def _psutil_directory() -> str:
    """Return where psutil lies, without paying for its import here."""
    from importlib.util import find_spec

    found = find_spec("psutil")
    return str(Path(found.origin).parent.parent) if found and found.origin else ""
