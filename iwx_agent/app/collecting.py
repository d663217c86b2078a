"""Run probes side by side under one budget; each gives a fact or Missing, and its duration."""

import queue
import threading
import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from iwx_agent.host import HostError
from iwx_agent.model import FactValue, Missing, ParseError
from iwx_agent.probes import Context, Probe

_THREADS_COUNT = 16


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
) -> Collected:
    """Ask all probes, in the given order as threads become free; what is not there in time is Missing.

    The threads are daemons and every host question is bounded, so a probe that is given up holds nobody.
    """
    waiting = tuple(probes)
    started_s = time.monotonic()
    results: queue.Queue[tuple[str, FactValue, float]] = queue.Queue()
    jobs: queue.SimpleQueue[Probe] = queue.SimpleQueue()
    for probe in waiting:
        jobs.put(probe)

    def work() -> None:
        while True:
            try:
                probe = jobs.get_nowait()
            except queue.Empty:
                return
            asked_s = time.monotonic()
            value = ask(context, probe)
            results.put((probe.fact, value, time.monotonic() - asked_s))

    for index in range(min(_THREADS_COUNT, len(waiting))):
        threading.Thread(target=work, name=f"probe-{index}", daemon=True).start()
    facts: dict[str, FactValue] = {}
    timings_s: dict[str, float] = {}
    while len(facts) < len(waiting):
        left_s = budget_s - (time.monotonic() - started_s)
        try:
            fact, value, duration_s = results.get(timeout=max(left_s, 0.001))
        except queue.Empty:
            break
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
