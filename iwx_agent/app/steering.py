"""A person looks at what sending remembers, or changes it: as root, one process at a time, and traced."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Protocol

from iwx_agent.app.clock import now_of
from iwx_agent.app.traces import Traces
from iwx_agent.audit import Audit
from iwx_agent.host import Host
from iwx_agent.state import Door, Runs, StateError, door, lock
from iwx_agent.state.contract import Change, Store
from iwx_agent.state.latest import Latest

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

WAIT_S = 10
_STEP_S = 0.25
_BUDGET_S = 60.0
_WAY = "command line"

Say = Callable[[str], None]


class RefusedError(Exception):
    """What a person wants cannot be done; ``next_step`` says what can."""

    def __init__(self, why: str, next_step: str) -> None:
        self.why = why
        self.next_step = next_step
        super().__init__(why)


class Look:
    """What there is to see: what sending remembers, the saved runs, and the time by the server's clock."""

    def __init__(self, host: Host, latest: Latest, runs: Runs) -> None:
        self.now = now_of(host)
        self.latest = latest
        self.runs = runs


class Hand:
    """What a person changes: each change has a line before and one after it in the audit log."""

    def __init__(self, host: Host, store: Store, runs: Runs, audit: Audit) -> None:
        self.now = now_of(host)
        self.store = store
        self.runs = runs
        self._traces = Traces(host, audit)

    @property
    def untraced(self) -> tuple[str, ...]:
        """Return which places did not take the lines, and why."""
        return self._traces.failed

    def change(self, action: str, said: str, *changes: Change) -> None:
        """Keep all the changes.

        Raises:
            StateError: none was kept; for ``failed`` that may not be known.
        """
        self._traces.write(action, "intent", _WAY, said)
        outcome = "interrupted: whether it was done is not known"
        try:
            done = self.store.commit(*changes)
            outcome = f"done: {said}" if done else "not done: another process was faster"
        except StateError as error:
            outcome = f"not done: {error}"
            raise
        finally:
            self._traces.write(action, "outcome", _WAY, outcome)
        if not done:
            raise StateError("another iwx-agent was faster", "conflict")


class Turn(Protocol):
    """What lets one process send at a time."""

    def take(self) -> bool:
        """Return whether it is this one's turn."""
        ...


@contextmanager
def looking(say: Say) -> Iterator[Look]:
    """Give what there is to see on this machine; nothing is made, and nothing waited for twice.

    Raises:
        StateError: for who is not root, or when it cannot be read.
    """
    from iwx_agent.host.live import LiveHost

    with LiveHost(budget_s=_BUDGET_S) as host:
        yield Look(host, _latest(host.workers, say), _runs(host.workers))


@contextmanager
def reading(say: Say) -> Iterator[Latest]:
    """Give what sending remembers on this machine, as ``looking`` does, without the time.

    Raises:
        StateError: for who is not root, or when it cannot be read.
    """
    from iwx_agent.host.workers import Workers

    with closing(Workers()) as workers:
        yield _latest(workers, say)


def _latest(workers: "Workers | None", say: Say) -> Latest:
    latest = Latest(workers=workers)
    if latest.damaged:  # an empty list would be no answer
        raise StateError("; ".join(latest.damaged), "damaged")
    for said in latest.said:
        say(said)
    return latest


@contextmanager
def changing(say: Say) -> Iterator[Hand]:
    """Give a hand on this machine's store while nobody sends; say what a person has to know of it.

    Raises:
        StateError: for who is not root, when another process sends for too long (``busy``), or when what was
            kept cannot be read: then nothing may be changed without knowing it.
    """
    from iwx_agent.host.live import LiveHost
    from iwx_agent.state.fallback import CarefulStore

    if not door.is_root():
        raise StateError("kept for root only, and this is not root", "refused")
    with LiveHost(budget_s=_BUDGET_S) as host, lock.SendingLock() as held:
        take_turn(held, host, say)
        store = CarefulStore(workers=host.workers)
        if not store.sure:
            raise StateError(f"nothing was changed, because it cannot be read: {store.said[-1]}", "failed")
        hand = Hand(host, store, _runs(host.workers), Audit(workers=host.workers))
        try:
            yield hand
        finally:
            for said in (*store.said, *(f"not recorded in {place}" for place in hand.untraced)):
                say(said)


def take_turn(turn: Turn, host: Host, say: Say) -> None:
    """Wait until nobody else sends.

    Raises:
        StateError: ``busy`` when that takes more than ``WAIT_S`` seconds; what ``take`` raises.
    """
    if turn.take():
        return
    say(f"another iwx-agent is sending; waiting for it, {WAIT_S} s at most")
    for _ in range(int(WAIT_S / _STEP_S)):
        host.pause(_STEP_S)
        if turn.take():
            return
    path = f"{lock.RUN_DIRECTORY}/sending.lock"
    raise StateError(f"another iwx-agent has been sending for more than {WAIT_S} s", "busy", path)


def without_secrets(said: str) -> str:
    """Return a person's words as they may be kept and sent: on one line, and redacted.

    Raises:
        CanaryError: one of the server's secrets is still in them.
    """
    from iwx_agent.app.redaction import redactor_here

    redactor = redactor_here()
    told = redactor.redact_text(" ".join(said.split()), "reason")
    redactor.release(told.encode("utf-8", "replace"))
    return told


def _runs(workers: "Workers | None") -> Runs:
    return Runs(Door(workers=workers))
