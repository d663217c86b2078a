"""The machine itself: ``LiveHost`` answers every question within its limit and ends what it started."""

import copy
import itertools
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from msgspec import Struct

from iwx_agent.host import questions as q
from iwx_agent.host.commands import run_command
from iwx_agent.host.contract import Host, HostError
from iwx_agent.host.deadline import Deadline, Expired, Stopped
from iwx_agent.host.local import local_answer
from iwx_agent.host.workers import Workers

_CLOSE_WAIT_S = 1.2  # for the threads that are answering to end what they started


class LiveHost(Host):
    """Bounded access to this machine under one budget; safe to ask from many threads at once.

    Every answer, or HostError, comes within the question's limit and one second, whatever the machine does.
    ``close`` ends at once everything that was started here, also while other threads wait for answers.
    """

    def __init__(self, *, budget_s: float = 30.0) -> None:
        self._budget_s = budget_s
        self._ends = time.monotonic() + budget_s
        self._workers = Workers()
        self._stop_read, self._stop_write = os.pipe()
        self._closed = False
        self._state = threading.Condition()
        self._asked: dict[int, str] = {}
        self._numbers = itertools.count()
        self._abandoned: list[str] = []
        self._answerers: dict[type[q.Question], Callable[[q.Question, Deadline], Struct]] = {
            q.RunCommand: self._run,
            q.HttpGet: self._network,
            q.TcpGreeting: self._network,
            q.UnixGreeting: self._network,
            q.Datagram: self._network,
            q.PanelTables: self._network,
            q.PanelRows: self._network,
        }

    @property
    def workers(self) -> Workers:
        """Return the run's workers, for what the agent keeps of it before they end."""
        return self._workers

    def aside(self, budget_s: float) -> Self:
        """Return this host with a budget of its own, for what is asked when the run's may be used up."""
        other = copy.copy(self)
        other._budget_s = budget_s
        other._ends = time.monotonic() + budget_s
        return other

    def __enter__(self) -> Self:
        self._workers.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, question: q.Question) -> Struct:
        """Answer one question within its limit and what is left of the budget."""
        number = self._begin(question)
        try:
            deadline = self._deadline(question)
            try:
                return self._answerers.get(type(question), self._local)(question, deadline)
            except HostError as error:
                if error.kind in ("timeout", "failed") and deadline.cut and deadline.left_s <= 0:
                    raise self._over(question, deadline) from None
                raise
            except Expired:
                reason = f"no answer within {deadline.limit_s:.1f} s"
                kind: HostError = HostError("timeout", reason, question.source)
                raise (self._over(question, deadline) if deadline.cut else kind) from None
            except Stopped:
                raise HostError("over_budget", "the run was stopped", question.source) from None
        finally:
            with self._state:
                del self._asked[number]
                self._state.notify_all()

    def pause(self, duration_s: float) -> None:
        """Wait between two samples; ends early with the budget or with ``close``."""
        ends = min(time.monotonic() + duration_s, self._ends)
        with self._state:
            while not self._closed and (left := ends - time.monotonic()) > 0:
                self._state.wait(left)

    def in_progress(self) -> tuple[str, ...]:
        """Return the questions being answered now, the oldest first."""
        with self._state:
            return tuple(self._asked.values())

    def abandoned(self) -> tuple[str, ...]:
        """Return the processes that could not be ended, each with its number and state."""
        with self._state:
            return tuple(self._abandoned)

    def close(self) -> None:
        """End everything that was started here and wait (about a second at most) until it has ended."""
        with self._state:
            if self._closed:
                return
            self._closed = True
            os.close(self._stop_write)  # wakes every thread that waits
            self._state.notify_all()
            self._state.wait_for(lambda: not self._asked, _CLOSE_WAIT_S)
            quiet = not self._asked
        self._workers.close()
        if quiet:
            os.close(self._stop_read)

    def _begin(self, question: q.Question) -> int:
        with self._state:
            if self._closed:
                raise HostError("over_budget", "the run was stopped", question.source)
            number = next(self._numbers)
            self._asked[number] = question.source
            return number

    def _deadline(self, question: q.Question) -> Deadline:
        left_s = self._ends - time.monotonic()
        if left_s <= 0:
            reason = f"not asked: the run's budget of {self._budget_s:g} s was used up"
            raise HostError("over_budget", reason, question.source)
        cut = left_s < question.timeout_s
        return Deadline(min(left_s, question.timeout_s), cut=cut, stop=self._stop_read)

    def _over(self, question: q.Question, deadline: Deadline) -> HostError:
        reason = f"the run's budget of {self._budget_s:g} s ended after {deadline.limit_s:.1f} s of waiting"
        return HostError("over_budget", reason, question.source)

    def _report(self, name: str) -> None:
        with self._state:
            self._abandoned.append(name)

    def _local(self, question: q.Question, deadline: Deadline) -> Struct:
        return local_answer(self._workers, question, deadline, self._report)

    def _run(self, question: q.Question, deadline: Deadline) -> Struct:
        if not isinstance(question, q.RunCommand):
            raise TypeError("not a command")
        answer = run_command(self._workers, question, deadline, self._report)
        if answer.timed_out and deadline.cut:
            raise self._over(question, deadline)
        return answer

    def _network(self, question: q.Question, deadline: Deadline) -> Struct:
        from iwx_agent.host.network import network_answer

        return network_answer(question, deadline, self._local)
