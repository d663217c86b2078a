"""The agent's side of its workers: start them, hand out idle ones, end them, name those that do not end."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from iwx_agent.host.contract import HostError
from iwx_agent.host.deadline import READABLE, Deadline, Expired
from iwx_agent.host.worker import frames

_IDLE_KEPT = 4
_WORKERS_MAX = 64
_END_WAIT_S = 0.1
_CLOSE_WAIT_S = 1.6  # a little more than the zygote needs at most
_UNRESPONSIVE_S = 2.0
_FORK_ATTEMPTS = 2
_BOOT = "import sys;sys.path.append(sys.argv[1]);from worker.zygote import main;main()"
_LOWEST_DESCRIPTOR = 3


def state_of(pid: int) -> str:
    """Return a process's state letter as /proc tells it; empty when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return stat[stat.rindex(b")") + 2 :][:1].decode("ascii", "replace")


class Worker:
    """One worker process and the line to it. One question at a time."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.pid = 0
        self._buffer = bytearray()

    def fileno(self) -> int:
        """Return the line's descriptor."""
        return self.line.fileno()

    def send(self, message: frames.Message, descriptors: tuple[int, ...] = ()) -> None:
        """Send one request; the line's buffer is larger than any request. Raises OSError when it is dead."""
        data = frames.pack(message)
        sent = socket.send_fds(self.line, [data], list(descriptors)) if descriptors else self.line.send(data)
        if sent < len(data):
            raise OSError("the request is too long for a worker")

    def take(self) -> frames.Message | None:
        """Return a message that has arrived whole, without waiting. Raises EOFError when it has ended."""
        message = frames.unpack(self._buffer)
        while message is None:
            try:
                data = self.line.recv(frames.RECEIVE_BYTES)
            except BlockingIOError:
                return None
            except OSError:
                data = b""
            if not data:
                raise EOFError
            self._buffer += data
            message = frames.unpack(self._buffer)
        return message

    def receive(self, deadline: Deadline) -> frames.Message:
        """Wait for the next message. Raises Expired, Stopped, EOFError."""
        while True:
            message = self.take()
            if message is not None:
                return message
            deadline.wait((self.fileno(), READABLE))

    @property
    def ended(self) -> bool:
        """Return whether its end of the line is closed, which the kernel does when the process has ended."""
        try:
            while self.line.recv(frames.RECEIVE_BYTES):
                pass
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def kill(self) -> str:
        """Kill it and close the line; return its state when it did not end, else an empty string.

        The line is looked at first: as long as it is open, the number is still this process's own.
        """
        state = ""
        if self.pid and not self.ended:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            give_up = time.monotonic() + _END_WAIT_S
            while not self.ended:
                if time.monotonic() >= give_up:
                    state = state_of(self.pid)
                    break
                time.sleep(0.002)
        self.line.close()
        return state


class Workers:
    """All workers of one host, forked by one zygote that starts with the first question at the latest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zygote: socket.socket | None = None
        self._zygote_pid = 0
        self._idle: list[Worker] = []
        self._slots = threading.BoundedSemaphore(_WORKERS_MAX)
        self._closed = False

    def start(self) -> None:
        """Begin to start the zygote, so that the first question need not wait for it; never waits itself."""
        with contextlib.suppress(HostError), self._lock:  # the first question tries again, and says why not
            if self._zygote is None and not self._closed:
                self._zygote = self._start_zygote("workers")

    def borrow(self, deadline: Deadline, source: str) -> Worker:
        """Return a worker that waits for a request; give it back or discard it."""
        if not self._slots.acquire(timeout=deadline.left_s):
            raise HostError(
                "failed", f"all {_WORKERS_MAX} workers were busy for {deadline.limit_s:g} s", source
            )
        try:
            while True:
                with self._lock:
                    worker = self._idle.pop() if self._idle else None
                if worker is None:
                    return self._fork(deadline, source)
                if not worker.ended:
                    return worker
                worker.line.close()
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, worker: Worker) -> None:
        """Take back a worker that has answered."""
        self._slots.release()
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE_KEPT:
                self._idle.append(worker)
                return
        worker.line.close()  # it ends by itself

    def discard(self, worker: Worker) -> str:
        """End a worker that did not answer; return its state when it cannot be ended."""
        self._slots.release()
        return worker.kill()

    def _fork(self, deadline: Deadline, source: str) -> Worker:
        for _ in range(_FORK_ATTEMPTS):
            worker = self._fork_once(deadline, source)
            if worker is not None:
                return worker
        raise HostError("failed", "no worker process could be started", source)

    def _fork_once(self, deadline: Deadline, source: str) -> Worker | None:
        """Have the zygote fork a worker; None when the zygote has ended, perhaps for want of memory."""
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        worker = Worker(ours)
        zygote: socket.socket | None = None
        try:
            try:
                zygote = self._order(theirs, source)
            finally:
                theirs.close()  # only the worker may hold it: its end must be seen here
            worker.pid = int(worker.receive(deadline)[1])
        except (EOFError, OSError):
            ours.close()
            self._forget(zygote)
            return None
        except Expired:
            ours.close()
            if deadline.limit_s >= _UNRESPONSIVE_S:
                self._forget(zygote)
            reason = f"the machine is too slow: no process could be started within {deadline.limit_s:.1f} s"
            raise HostError("failed", reason, source) from None
        except BaseException:
            ours.close()
            raise
        return worker

    def _order(self, line: socket.socket, source: str) -> socket.socket:
        with self._lock:
            if self._closed:
                raise HostError("over_budget", "the run has been stopped", source)
            if self._zygote is None:
                self._zygote = self._start_zygote(source)
            try:
                socket.send_fds(self._zygote, [b"f"], [line.fileno()], socket.MSG_DONTWAIT)
            except OSError:
                self._close_zygote(kill=True)
                raise
            return self._zygote

    def _start_zygote(self, source: str) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # With stdin closed the socket may have got number 0, and a descriptor cannot be moved onto itself.
        high = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, _LOWEST_DESCRIPTOR)
        theirs.close()
        argv = [sys.executable, "-I", "-S", "-B", "-c", _BOOT, str(Path(__file__).parent)]
        actions = [
            (os.POSIX_SPAWN_DUP2, high, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            self._zygote_pid = os.posix_spawn(
                sys.executable,
                argv,
                {"PATH": os.defpath, "LC_ALL": "C"},
                file_actions=actions,
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM],
            )
        except OSError as error:
            ours.close()
            raise HostError(
                "failed", f"no worker process could be started: {error.strerror}", source
            ) from None
        finally:
            os.close(high)
        return ours

    def _forget(self, zygote: socket.socket | None) -> None:
        """End a zygote that does not do its work; another thread may have replaced it already."""
        with self._lock:
            if zygote is not None and zygote is self._zygote:
                self._close_zygote(kill=True)

    def _close_zygote(self, *, kill: bool) -> None:
        if self._zygote is None:
            return
        self._zygote.close()
        self._zygote = None
        if kill:
            os.kill(self._zygote_pid, signal.SIGKILL)
        give_up = time.monotonic() + _CLOSE_WAIT_S
        with contextlib.suppress(ChildProcessError):  # somebody else in this process collects children
            while os.waitpid(self._zygote_pid, os.WNOHANG) == (0, 0) and time.monotonic() < give_up:
                time.sleep(0.002)

    def close(self) -> None:
        """End all idle workers and the zygote, and whatever is left below it."""
        with self._lock:
            self._closed = True
            for worker in self._idle:
                worker.line.close()
            self._idle.clear()
            self._close_zygote(kill=False)
