"""Run a program within its limits: the agent's side, which reads the output and keeps the deadline."""

import contextlib
import errno
import itertools
import os
from typing import Any

from iwx_agent.host import answers as a
from iwx_agent.host import questions as q
from iwx_agent.host.contract import ErrorKind, HostError, UnheardError
from iwx_agent.host.deadline import READABLE, Deadline, Expired, Stopped
from iwx_agent.host.local import Report
from iwx_agent.host.worker import frames
from iwx_agent.host.workers import Worker, Workers, state_of

_DRAIN_S = 0.3  # what a program wrote before it ended is in the pipe already
_END_S = 0.92  # the supervisor needs at most 0.85 s to end a family
_READ_BYTES = 256 * 1024
_NAMED_MAX = 20
_marks = itertools.count(1)

_UNSTARTED: dict[int, tuple[ErrorKind, str]] = {
    errno.ENOENT: ("not_found", "no such program"),
    errno.ENOTDIR: ("not_found", "no such program"),
    errno.EACCES: ("permission", "may not be executed"),
    errno.EPERM: ("permission", "may not be executed"),
}


def run_command(
    workers: Workers, question: q.RunCommand, deadline: Deadline, report: Report, *, given: int | None = None
) -> a.CommandAnswer:
    """Run one command; HostError when it could not be started or the run was stopped meanwhile.

    UnheardError when its supervisor was ended, as for want of memory: it may have run to its end.
    ``given`` is a descriptor that becomes its standard input, which is closed otherwise: for a program that
    is handed something of the agent's own (``iwx_agent.host.encryption``), never for questions.
    """
    if not question.argv or not question.argv[0]:
        raise HostError("failed", "an empty command", question.source)
    worker = workers.borrow(deadline, question.source)
    running = _Running(worker, question, deadline, given)
    started = False
    try:
        running.start()
        started = True
        try:
            running.follow()
        except Expired:
            running.timed_out = not running.exited
        running.finish()
    except (EOFError, OSError) as error:
        if started:
            raise UnheardError("its supervisor was ended from outside", question.source) from None
        reason = f"could not be started: {getattr(error, 'strerror', None) or error}"
        raise HostError("failed", reason, question.source) from None
    except (Stopped, KeyboardInterrupt):
        with contextlib.suppress(EOFError, OSError, HostError):
            running.finish()
        raise
    finally:
        running.close()
        if running.clean:
            workers.give_back(worker)
        else:
            state = workers.discard(worker)
            if state:
                report(f"supervisor of {question.source} (pid {worker.pid}, state {state})")
        for name in running.stuck:
            report(name)
    return running.answer()


class _Running:
    """One command between its start and its answer."""

    def __init__(
        self, worker: Worker, question: q.RunCommand, deadline: Deadline, given: int | None = None
    ) -> None:
        self.worker = worker
        self.given = () if given is None else (given,)
        self.question = question
        self.deadline = deadline
        self.pipes: dict[int, bytearray] = {}
        self.outputs = (bytearray(), bytearray())
        self.exit_code: int | None = None
        self.exited = False
        self.alone = False
        self.timed_out = False
        self.truncated = False
        self.clean = False
        self.left_behind: list[str] = []
        self.stuck: list[str] = []

    def start(self) -> None:
        mark = f"{os.getpid()}-{next(_marks)}"
        write_ends: list[int] = []
        try:
            for output in self.outputs:
                read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
                os.set_blocking(write_end, True)
                self.pipes[read_end] = output
                write_ends.append(write_end)
            self.worker.send(("run", self.question.argv, mark), (*write_ends, *self.given))
        finally:
            for number in write_ends:
                os.close(number)

    def follow(self) -> None:
        """Read until it has ended and its pipes are empty, or there is too much, or the time is over."""
        drain: Deadline | None = None
        while not (self.exited and not self.pipes) and not self.truncated:
            if drain is None and self.exited:
                drain = Deadline(min(_DRAIN_S, self.deadline.left_s))
            wanted = [(number, READABLE) for number in self.pipes]
            if not self.exited:
                wanted.append((self.worker.fileno(), READABLE))
            ready = self.deadline.wait(*wanted, at_most_s=drain.left_s if drain else None)
            for number in ready & set(self.pipes):
                self._read(number)
            if self.worker.fileno() in ready:
                self._hear(self.worker.take())
            if drain and not ready:
                return

    def _read(self, number: int) -> bool:
        """Take what is in a pipe; False when there is nothing, now or ever."""
        output = self.pipes[number]
        try:
            data = os.read(number, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            del self.pipes[number]
            os.close(number)
            return False
        output += data
        if len(output) > self.question.max_bytes:
            del output[self.question.max_bytes :]
            self.truncated = True
        return True

    def _hear(self, message: Any) -> None:
        match message:
            case ("exited", int() as code, bool() as alone):
                self.exited, self.exit_code, self.alone = True, code, alone
                self.clean = alone
            case ("unstarted", int() as number, str() as words):
                self.clean = True
                kind, reason = _UNSTARTED.get(number, ("failed", words))
                raise HostError(
                    kind, f"{reason} ({errno.errorcode.get(number, number)})", self.question.source
                )
            case ("ended", list() as fates, bool() as left):
                self._name(fates)
                self.clean = not left

    def finish(self) -> None:
        """Have whatever is left of the family ended, and hear what became of it."""
        if self.alone:
            return
        if not self.exited:
            self.exit_code = None
        self.clean = False
        self.worker.send(("end",))
        patience = Deadline(_END_S)
        try:
            while not self._settled(self.worker.receive(patience)):
                self.clean = (
                    False  # until the last word has come, its line may not be used for another question
                )
        except Expired:
            self.stuck.append(
                f"supervisor of {self.question.source} {_process(self.worker.pid)} does not answer"
            )
        for number in list(self.pipes):
            while not self.truncated and self._read(number):
                pass

    def _settled(self, message: frames.Message) -> bool:
        try:
            self._hear(message)
        except HostError:
            self.clean = False
            raise
        if message[0] == "exited":  # it ended by itself while the word was on its way
            self.timed_out = False
        return bool(message[0] == "ended")

    def _name(self, fates: list[tuple[str, int, str]]) -> None:
        texts = [f"{name} (pid {pid}): {fate}" for name, pid, fate in fates]
        self.stuck += [text for text in texts if ", state " in text]
        # The list may be cut: first what is still there, then what did not want to end.
        texts.sort(key=lambda text: (text not in self.stuck, not text.endswith(": killed")))
        self.left_behind += texts[:_NAMED_MAX]
        if len(texts) > _NAMED_MAX:
            self.left_behind.append(f"and {len(texts) - _NAMED_MAX} more processes")

    def close(self) -> None:
        for number in self.pipes:
            os.close(number)
        self.pipes.clear()

    def answer(self) -> a.CommandAnswer:
        return a.CommandAnswer(
            argv=self.question.argv,
            exit_code=self.exit_code,
            stdout=bytes(self.outputs[0]),
            stderr=bytes(self.outputs[1]),
            duration_s=self.deadline.passed_s,
            truncated=self.truncated,
            timed_out=self.timed_out,
            left_behind=(*self.left_behind, *(s for s in self.stuck if s not in self.left_behind)),
        )


def _process(pid: int) -> str:
    return f"(pid {pid}, state {state_of(pid) or 'gone'})"
