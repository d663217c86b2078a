"""Remote Assistance: look at it, turn it on or off after a yes, and believe only what is seen afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from iwx_agent.app.collecting import collect
from iwx_agent.app.diagnose import assistance_of
from iwx_agent.app.judging import facts_of
from iwx_agent.app.traces import PLACES_COUNT, Traces
from iwx_agent.audit import Audit
from iwx_agent.checks.support_remote_assistance import CHECK
from iwx_agent.config import load_layout
from iwx_agent.host import CommandAnswer, Host, HostError
from iwx_agent.host.actions import Actions
from iwx_agent.model import AssistanceReport, Layout, Missing, ParseError
from iwx_agent.model.assistance import Turn, Way
from iwx_agent.parsers.panel_answer import parse_panel_answer
from iwx_agent.probes import PROBES, Context
from iwx_agent.rendering.words import one_line

_STATUS_BUDGET_S = 25.0
_TURN_BUDGET_S = 200.0
_LOOKS_COUNT = 6
_UNKNOWN_LOOKS_COUNT = 2
_BETWEEN_LOOKS_S = 1.0
_WAYS: tuple[tuple[Way, Way], tuple[Way, Way]] = (("panel", "script"), ("script", "panel"))

Say = Callable[[str], None]


class Standing(Struct, frozen=True, kw_only=True):
    """How Remote Assistance stands, whether root asks, and whether there surely is no panel here."""

    report: AssistanceReport
    as_root: bool
    no_panel: bool = False


class Turned(Struct, frozen=True, kw_only=True):
    """What came of an attempt: ``confirmed`` only when the panel itself says so afterwards."""

    report: AssistanceReport
    confirmed: bool
    way: Way
    said: str  # what the last command that was run came to
    untraced: tuple[str, ...] = ()  # places that did not take the audit line


class UntracedError(Exception):
    """Nothing was done, because no place took the line that says who does it; the text says which and why."""


def look(host: Host, layout: Layout, budget_s: float = _STATUS_BUDGET_S) -> Standing:
    """Return how it stands, asked anew."""
    wanted = facts_of(CHECK)
    probes = tuple(probe for probe in PROBES if probe.fact in wanted)
    facts = collect(Context(host, layout), probes, budget_s=budget_s).facts
    panel = facts["panel"]
    return Standing(
        report=assistance_of(facts),
        as_root=host.clock().effective_uid == 0,
        no_panel=isinstance(panel, Missing) and panel.absent,
    )


def look_live() -> Standing:
    """Return how it stands on this machine."""
    from iwx_agent.host.live import LiveHost

    with LiveHost(budget_s=_STATUS_BUDGET_S) as host:
        return look(host, load_layout())


def look_at_capture(directory: Path) -> Standing:
    """Return how it stood when the capture was taken.

    Raises:
        CaptureError: for what is not a capture.
    """
    from iwx_agent.replay import open_capture

    return look(open_capture(directory), load_layout())


def turn_live(turn: Turn, before: AssistanceReport, *, hours: int, say: Say) -> Turned:
    """Turn it on or off on this machine; everything that was started is ended before it returns."""
    from iwx_agent.host.actions import LiveActions
    from iwx_agent.host.live import LiveHost

    layout = load_layout()
    with LiveHost(budget_s=_TURN_BUDGET_S) as host:
        return Turning(host, LiveActions(host, layout), Audit(workers=host.workers), layout, say).turn(
            turn, before, hours=hours
        )


class Turning:
    """One attempt: write the intent, act, look whether it is so, write the outcome; else go the other way.

    The panel goes first; while it does not answer, the vendor's script, which was made for that.
    """

    def __init__(self, host: Host, actions: Actions, audit: Audit, layout: Layout, say: Say) -> None:
        self._host = host
        self._actions = actions
        self._traces = Traces(host, audit)
        self._layout = layout
        self._say = say

    def turn(self, turn: Turn, before: AssistanceReport, *, hours: int) -> Turned:
        """Return what came of it; ``before`` is how it stood.

        Raises:
            UntracedError: nothing was done: turning it on must leave a trace in one place at least.
        """
        first, second = _WAYS[before.state == "unknown"]
        turned, acted = self._try(turn, first, before, hours)
        if turned.confirmed or (acted and turned.report.state == "unknown"):
            return turned
        self._say(f"Not through the {first}: {turned.said}. Now through the {second}.")
        return self._try(turn, second, before, hours)[0]

    def _try(self, turn: Turn, way: Way, before: AssistanceReport, hours: int) -> tuple[Turned, bool]:
        lasting = turn == "enable" and way == "panel"  # the script decides itself for how long
        untraced = self._write(turn, way, "intent", f"{hours} hours" if lasting else "")
        if turn == "enable" and len(untraced) == PLACES_COUNT:
            raise UntracedError("; ".join(untraced))
        wanted = "on" if turn == "enable" else "off"
        outcome = "interrupted: how it stands is not known"
        try:
            acted, said = self._act(turn, way, hours)
            report = self._look_for(wanted, before, patiently=acted)
            outcome = f"{said}; afterwards the panel says: {report.state}"
        finally:
            self._write(turn, way, "outcome", outcome)
        confirmed = report.state == wanted and (acted or before.state != wanted)
        return Turned(
            report=report, confirmed=confirmed, way=way, said=said, untraced=self._traces.failed
        ), acted

    def _act(self, turn: Turn, way: Way, hours: int) -> tuple[bool, str]:
        """Return whether it was done as far as the program says, and its words; that proves nothing yet."""
        try:
            answer = self._actions.remote_assistance(turn, way, hours=hours)
        except HostError as error:
            return False, one_line(str(error), 300)
        said = one_line(f"{answer.source}: {answer.error_text} {answer.text}".rstrip(" :"), 300)
        return answer.exit_code == 0 and not (way == "panel" and _complains(answer)), said

    def _look_for(self, wanted: str, before: AssistanceReport, *, patiently: bool) -> AssistanceReport:
        """Ask the panel again until it says what is wanted, a few times when something was done.

        One that did not answer before is not asked twice: that it hangs may take its whole limit each time.
        """
        unknown_max = 1 if before.state == "unknown" else _UNKNOWN_LOOKS_COUNT
        seen: list[AssistanceReport] = []
        while True:
            seen.append(self._look())
            unknown_count = sum(report.state == "unknown" for report in seen)
            over = unknown_count >= unknown_max or len(seen) >= _LOOKS_COUNT
            if seen[-1].state == wanted or over or not patiently:
                return seen[-1]
            self._host.pause(_BETWEEN_LOOKS_S)

    def _look(self) -> AssistanceReport:
        try:
            return look(self._host, self._layout).report
        except HostError as error:  # the budget is used up
            return AssistanceReport(state="unknown", source=error.source, reason=error.reason)

    def _write(
        self, turn: Turn, way: Way, phase: Literal["intent", "outcome"], outcome: str
    ) -> tuple[str, ...]:
        return self._traces.write(f"remote-assistance {turn}", phase, way, outcome)


def _complains(answer: CommandAnswer) -> bool:
    try:
        parse_panel_answer(answer.text)
    except ParseError:
        return True
    return False
