"""The report as one HTML file that needs nothing else: no script but its own, nothing from elsewhere.

``templates/report.html.j2`` is the page. Three things stand between the machine's words and a reader's
browser, each enough by itself: every output is made harmless (``finalize``), every output is escaped
(``autoescape``), and the page's own policy lets no script and no style run but the two whose hash it names.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from iwx_agent.model import Finding, Report, RunPoint
from iwx_agent.model.ticket import TicketLimits
from iwx_agent.rendering import circumstances, ticket, timeline, words

_LIMITS = TicketLimits()
_INCIDENTS_COUNT = 20  # shown in full; the others get one line
_MORE_COUNT = 100
_OTHERS_COUNT = 40  # consequences, over all incidents
_LINES_COUNT = 40  # of one quote


class Shown(Struct, frozen=True, kw_only=True):
    """One incident as the page shows it; ``others`` are as many consequences as there is room for."""

    number: int
    lead: Finding
    scope: str
    scope_source: str
    others: tuple[Finding, ...]
    others_count: int
    grade: str
    tone: str
    state: str
    since: str
    ago: str


def render(report: Report, points: Sequence[RunPoint] = (), *, limits: TicketLimits = _LIMITS) -> str:
    """Return the page; ``points`` are saved runs, from two on they are drawn as a timeline.

    ``limits`` are those of the ticket, whose fields are the same as everywhere.
    """
    style, script = _part("report.css"), _part("report.js")
    shown = list(_shown(report))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            style=style,
            script=script,
            policy=_policy(style, script),
            headline=words.headline(report),
            tone=_tone(report),
            ticket=ticket.ticket_of(report, limits),
            portal=ticket.PORTAL,
            incidents=shown[:_INCIDENTS_COUNT],
            more_incidents=shown[_INCIDENTS_COUNT:_MORE_COUNT],
            incidents_left=max(len(shown) - _MORE_COUNT, 0),
            circumstances=circumstances.lines(report),
            blind=words.blind(report),
            caveats=words.caveats(report),
            server=words.environment(report),
            timings=sorted(report.timings.items(), key=lambda pair: (-pair[1], pair[0])),
            timeline=timeline.draw(points),
            timeline_width=timeline.WIDTH,
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("iwx_agent"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters["line"] = words.one_line
    made.filters["quoted"] = _quoted
    made.filters["at"] = words.at
    made.filters["iso"] = lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    made.filters["step"] = words.step
    made.filters["counted"] = words.counted
    made.globals["severity_words"] = words.SEVERITY_WORDS
    made.globals["inferred"] = words.INFERRED_WHY
    return made


def _quoted(text: str) -> str:
    lines = words.harmless(text.strip("\n"), 2000).split("\n")
    return "\n".join([*lines[:_LINES_COUNT], "…"] if len(lines) > _LINES_COUNT else lines)


def _harmless(value: object) -> object:
    """Return what an expression gives without anything hidden in it; its length is bounded by filters."""
    if isinstance(value, str) and not hasattr(value, "__html__"):  # markup of the template's own
        return words.harmless(value, len(value))
    return value


def _part(name: str) -> str:
    return resources.files("iwx_agent").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: nothing from anywhere, and nothing inline but these two."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(report: Report) -> Iterator[Shown]:
    left_count = _OTHERS_COUNT
    for number, incident in enumerate(report.incidents, start=1):
        others = incident.others[:left_count]
        left_count -= len(others)
        yield Shown(
            number=number,
            lead=incident.lead,
            scope=incident.scope.value,
            scope_source=incident.scope_source,
            others=others,
            others_count=len(incident.others),
            grade=words.grade_word(incident),
            tone=words.grade_word(incident).lower().replace(" ", "-"),
            state=words.state_words(incident),
            since=words.since(incident, report.collected_at),
            ago=words.ago(incident.since_at, report.collected_at) if incident.since_at else "",
        )


def _tone(report: Report) -> str:
    if report.verdict.emergency:
        return "emergency"
    if report.incidents:
        return "warning"
    return "unknown" if words.blind(report) else "ok"
