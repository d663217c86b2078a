"""The first worker: it does nothing but fork the others, which makes a new one cost one millisecond.

Standard input is its line to the agent. Each message on it carries one socket: the line of the worker to
fork. When the line closes, the agent has ended, in whatever way: everything below is ended then.
"""

import _signal  # type: ignore[import-not-found]
import gc
import os
import time
from _socket import CMSG_SPACE, SCM_RIGHTS, SOL_SOCKET, socket
from select import POLLIN, poll

from . import command, family, frames, operations

FAREWELL_S = 1.0  # for workers to end the families of their commands when the agent has gone
_DESCRIPTORS_COUNT = 3  # a command's standard output, error and, for one program, input
_workers: set[int] = set()


def received_descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """Return the file descriptors that came with a message."""
    found: list[int] = []
    for level, kind, data in ancillary:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            found.extend(int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data) // 4 * 4, 4))
    for number in found:
        os.set_inheritable(number, False)  # noqa: FBT003
    return found


def close_all_from(first: int) -> None:
    """Close whatever the agent's own caller left open."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(name) >= first:
            try:
                os.close(int(name))
            except OSError:
                continue  # the descriptor that listed the directory


def wake_up_pipe() -> int:
    """Return a descriptor that becomes readable whenever a child ends; works on every kernel."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    _signal.signal(_signal.SIGCHLD, lambda *_: None)
    _signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    return read_end


def main() -> None:
    """Fork a worker for each socket that arrives, until the line closes."""
    os.chdir("/")
    os.umask(0o022)
    close_all_from(3)
    line = socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
    for ignored in (_signal.SIGINT, _signal.SIGHUP, _signal.SIGQUIT):
        _signal.signal(ignored, _signal.SIG_IGN)  # the agent decides, not the terminal
    family.prctl(family.PR_SET_CHILD_SUBREAPER, 1)
    gc.disable()  # nothing here makes cycles, and a collection would touch the pages that forks share
    gc.freeze()
    awake = wake_up_pipe()
    events = poll()
    events.register(line.fileno(), POLLIN)
    events.register(awake, POLLIN)
    while True:
        ready = {number for number, _ in events.poll()}
        if awake in ready:
            command.drain(awake)
            _workers.difference_update(family.reap())
        if line.fileno() in ready:
            _, ancillary, _, _ = line.recvmsg(1, CMSG_SPACE(4))
            descriptors = received_descriptors(ancillary)
            if not descriptors:
                line.close()
                farewell()
                os._exit(0)  # nothing here needs to be put in order, and the agent waits
            fork_worker(line, awake, descriptors[0])


def fork_worker(line: socket, awake: int, channel: int) -> None:
    """Fork one worker that serves ``channel``."""
    pid = os.fork()
    if pid:
        _workers.add(pid)
        os.close(channel)
        return
    code = 1
    try:
        line.close()
        os.close(awake)
        os.close(_signal.set_wakeup_fd(-1))
        serve(socket(fileno=channel))
        code = 0
    finally:
        os._exit(code)


def farewell() -> None:
    """Wait a moment for the workers to end their own families, then end what is left.

    One that is stuck in the kernel is not waited for: the agent has named it already.
    """
    deadline = time.monotonic() + FAREWELL_S
    while time.monotonic() < deadline:
        _workers.difference_update(family.reap())
        found = [family.member(pid) for pid in _workers]
        if all(worker is None or worker.state == "D" for worker in found):
            break
        time.sleep(0.002)
    family.end_family(os.getpid(), grace_s=0.1, patience_s=0.2)


def serve(channel: socket) -> None:
    """Answer one request after the other; return when the agent has closed the line."""
    family.prctl(family.PR_SET_CHILD_SUBREAPER, 1)
    awake = wake_up_pipe()
    channel.sendall(frames.pack(("ready", os.getpid())))
    buffer = bytearray()
    descriptors: list[int] = []
    while True:
        request = frames.unpack(buffer)
        if request is None:
            data, ancillary, _, _ = channel.recvmsg(frames.RECEIVE_BYTES, CMSG_SPACE(4 * _DESCRIPTORS_COUNT))
            if not data:
                return
            buffer += data
            descriptors += received_descriptors(ancillary)
        elif request[0] == "run":
            _, argv, mark = request
            handed, descriptors = descriptors, []
            if not command.Supervisor(channel, awake, argv, mark, handed).watch():
                return
        elif request[0] == "end":
            channel.sendall(frames.pack(("ended", [], False)))  # it had ended when this was written
        else:
            family.prctl(family.PR_SET_PDEATHSIG, _signal.SIGKILL)
            handed, descriptors = descriptors, []
            answer = operations.operate((*request, *handed))  # the operation closes what it is handed
            family.prctl(family.PR_SET_PDEATHSIG, 0)
            channel.sendall(frames.pack(answer))
