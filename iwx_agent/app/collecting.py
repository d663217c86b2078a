"""Run probes side by side under one budget; each gives a fact or Missing, and its duration."""

import queue
import threading
import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from iwx_agent.host import HostError
from iwx_agent.model import FactValue, Missing, ParseError
from iwx_agent.probes import Context, Probe

# On a healthy machine more threads only get in each other's way; where answers do not come, more are added.
_THREADS_COUNT = 6
_THREADS_MAX = 24
_PATIENCE_S = 0.05


class Collected(Struct, frozen=True, kw_only=True):
    """Facts by name, and how long each probe took in seconds."""

    facts: dict[str, FactValue]
    timings_s: dict[str, float]


def collect(
    context: Context,
    probes: Iterable[Probe],
    *,
    budget_s: float,
    on_done: Callable[[str], None] | None = None,
    in_progress: Callable[[], tuple[str, ...]] = tuple,
    meanwhile: Callable[[], None] | None = None,
) -> Collected:
    """Ask all probes, in the given order as threads become free; what is not there in time is Missing.

    ``meanwhile`` is called once they are being asked: for short work that the answers need not wait for.

    The threads are daemons and every host question is bounded, so a probe that is given up holds nobody.
    """
    waiting = tuple(probes)
    started_s = time.monotonic()
    crew = _Crew(context, waiting)
    if meanwhile is not None:
        meanwhile()
    facts: dict[str, FactValue] = {}
    timings_s: dict[str, float] = {}
    while len(facts) < len(waiting):
        told = crew.next_answer(budget_s - (time.monotonic() - started_s))
        if told is None:
            break
        fact, value, duration_s = told
        facts[fact] = value
        timings_s[fact] = round(duration_s, 4)
        if on_done is not None:
            on_done(fact)
    for probe in waiting:
        if probe.fact not in facts:
            held = "; ".join(in_progress()[:3])
            reason = f"not answered within the budget of {budget_s:g} s" + (
                f"; held by: {held}" if held else ""
            )
            facts[probe.fact] = Missing(reason=reason, source=probe.fact)
            timings_s[probe.fact] = round(budget_s, 4)
    return Collected(facts=facts, timings_s=timings_s)


class _Crew:
    """The threads that ask: few at first, and one more whenever no answer comes for a moment."""

    def __init__(self, context: Context, probes: Iterable[Probe]) -> None:
        self._context = context
        self._jobs: queue.SimpleQueue[Probe] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[str, FactValue, float]] = queue.SimpleQueue()
        self._threads_count = 0
        for probe in probes:
            self._jobs.put(probe)
        for _ in range(_THREADS_COUNT):
            self._add_thread()

    def next_answer(self, left_s: float) -> tuple[str, FactValue, float] | None:
        """Return the next fact with its value and duration; None when none comes in the time that is left."""
        until_s = time.monotonic() + max(left_s, 0.001)
        while True:
            left_s = max(until_s - time.monotonic(), 0.0)
            short = self._threads_count < _THREADS_MAX and not self._jobs.empty() and left_s > _PATIENCE_S
            try:
                return self._results.get(timeout=_PATIENCE_S if short else left_s)
            except queue.Empty:
                if not short:
                    return None
                self._add_thread()

    def _add_thread(self) -> None:
        name = f"probe-{self._threads_count}"
        threading.Thread(target=self._work, name=name, daemon=True).start()
        self._threads_count += 1

    def _work(self) -> None:
        while True:
            try:
                probe = self._jobs.get_nowait()
            except queue.Empty:
                return
            asked_s = time.monotonic()
            value = ask(self._context, probe)
            self._results.put((probe.fact, value, time.monotonic() - asked_s))


def ask(context: Context, probe: Probe) -> FactValue:
    """Return the probe's fact; an error of the host or a parser is Missing, a defect is Missing, crashed."""
    try:
        return probe.ask(context)
    except HostError as error:
        return Missing(reason=error.reason, source=error.source, absent=error.kind == "not_found")
    except ParseError as error:
        return Missing(reason=str(error), source=probe.fact)
    except Exception as error:  # noqa: BLE001 - the wall: one broken probe never hides the others
        return Missing(reason=f"{type(error).__name__}: {error}"[:500], source=probe.fact, crashed=True)
