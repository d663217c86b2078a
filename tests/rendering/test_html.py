"""The HTML page as text: what stands where, that it needs nothing else, that nothing hostile is markup."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest
from building import AT, finding, incident, report, report_host, result
from hostile import HOSTILE, TRIPWIRES, everywhere
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scenarios import report_of

from iwx_agent.model import (
    Evidence,
    IncidentState,
    Licence,
    Missing,
    OpenIncident,
    Priority,
    Provider,
    ProviderMode,
    Report,
    RunPoint,
    Severity,
    Status,
    Verdict,
)
from iwx_agent.model.changes import Changes, Impact
from iwx_agent.rendering import html
from iwx_agent.rendering.ticket import ticket_of
from iwx_agent.report import FORMATS, from_json, to_html, to_json

DISK = finding(
    "SYSTEM-001",
    "/var",
    title="The file system /var is full",
    detail="/var has 0 bytes free of 20.0 GiB.",
    remedy=("df -h /var", "lsof +L1 /var   # deleted but open", "Free some space."),
    evidence=(Evidence(source="/var/log/messages:4711", text="one\n  two\n", seen_at=AT),),
)
DATABASE = finding("PANEL-040", title="The panel's database is down", severity=Severity.ERROR)
FULL = report(
    incident(DISK, DATABASE, since_at=AT - timedelta(hours=2), since_source="/var/log/messages:4711"),
    incident(finding("WEB-031", severity=Severity.WARNING, remedy=(), evidence=()), state=IncidentState.OPEN),
    verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=("Urgent: it is full.", "Because.")),
    results=(
        result(DISK, check_id="system.disk_space"),
        result(check_id="dns.server", status=Status.UNKNOWN, reason="no answer"),
        result(check_id="php.pools", status=Status.NOT_APPLICABLE, reason="no such unit"),
        result(DATABASE, check_id="panel.database", status=Status.CRASHED, reason="broke"),
    ),
    timings={"b": 0.5, "a": 0.5, "c": 2.0},
)
RUNS = tuple(
    RunPoint(
        at=AT - timedelta(hours=n),
        complete=True,
        incidents=(OpenIncident(fingerprint="a", title="It is full", state=IncidentState.CONFIRMED),),
        disk_used_pct=90.0,
        queue_count=Missing(reason="x"),
    )
    for n in range(3)
)
VOID = {"meta", "link", "br", "img", "input", "line", "rect", "circle", "polyline", "base"}


class Page(HTMLParser):
    """The elements of a page, their attributes and their text; ends with what was opened and not closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[list[str]] = []
        self.open: list[int] = []
        self.feed(markup)
        self.close()
        assert self.open == [], [self.elements[number] for number in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append([])
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self.open:
            self.texts[number].append(data)

    def all(self, tag: str, **wanted: str) -> list[str]:
        """Return the text of each element of this kind, with its white space as it is."""
        return [
            "".join(text)
            for (name, attributes), text in zip(self.elements, self.texts, strict=True)
            if name == tag and wanted.items() <= attributes.items()
        ]

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def page(made: Report, points: tuple[RunPoint, ...] = ()) -> Page:
    return Page(html.render(made, points))


def lines(text: str) -> str:
    return " ".join(text.split())


# What stands where


def blocked(mode: ProviderMode) -> Report:
    provider = Provider(name="Example Hosting", text="Write to us.", mode=mode)
    return replace(FULL, verdict=replace(FULL.verdict, licence=Licence.RESELLER, provider=provider))


def test_a_ticket_that_may_not_go_out_has_no_fields_and_says_whom_to_turn_to() -> None:
    made = page(blocked(ProviderMode.BLOCK))
    assert made.all("textarea") == []
    assert made.all("p", **{"class": "heading"}) == ["To: Example Hosting\n  Write to us."]
    assert "No ticket goes to InterWorx support from here." in made.all("p")


def test_a_copy_for_the_provider_is_said_above_the_fields() -> None:
    made = page(blocked(ProviderMode.COPY))
    assert made.all("p", **{"class": "heading"}) == ["Copy to: Example Hosting\n  Write to us."]
    assert len(made.all("textarea")) == 6
    assert page(FULL).all("p", **{"class": "heading"}) == []


def test_impact_changes_and_note_stand_around_the_incidents() -> None:
    impact = Impact(area="web", what="websites that were asked fail", affected_count=2, total_count=3)
    told = page(replace(FULL, impact=(impact,), changes=Changes(since_at=AT), note="it began at noon"))
    assert told.all("h2", id="around") == ["Around it"]
    assert told.all("dt")[:3] == ["Reaches", "Done in the last 24 hours", "Note"]
    assert told.all("dd")[:3] == [
        "web: 2 of 3 websites that were asked fail",
        "nothing seen",
        "it began at noon",
    ]
    assert page(FULL).all("h2", id="around") == []


def test_the_page_as_a_whole(golden: Callable[[str, str], None]) -> None:
    """A recorded machine, without the style and script that every page has."""
    made = msgspec.structs.replace(report_of("panel-port-taken"), timings={"port_owners": 0.125})
    told = re.sub(r"(?s)<(style|script)>.*?</\1>", r"<\1></\1>", html.render(made))
    golden("report.html", re.sub("sha256-[^&]+", "sha256-", told))


def test_the_sections_stand_in_this_order() -> None:
    assert [lines(text) for text in page(FULL, RUNS).all("h2")] == [
        "Ticket",
        "Incidents",
        "Could not be determined",
        "Timeline",
        "Environment",
        "Details",
    ]
    assert page(report()).all("h2") == ["Ticket", "Incidents", "Environment", "Details"]


@pytest.mark.parametrize(
    ("made", "headline", "tone"),
    [
        (FULL, "1 EMERGENCY, 1 other problem", "emergency"),
        (report(incident(DATABASE), results=()), "1 problem, no emergency", "warning"),
        (
            report(results=(result(status=Status.UNKNOWN, reason="why"),)),
            "Nothing found, but not everything could be seen",
            "unknown",
        ),
        (report(), "Nothing wrong", "ok"),
    ],
)
def test_the_verdict_comes_first(made: Report, headline: str, tone: str) -> None:
    told = page(made)
    assert told.all("h1") == [headline]
    assert ("section", {"class": f"verdict {tone}", "aria-labelledby": "verdict"}) in told.elements
    assert lines(told.all("title")[0]) == (
        f"{headline.partition(', ')[0] if tone != 'unknown' else headline}: iwx1.example.com, "
        "2026-11-23 15:26 UTC"
    )


def test_the_verdict_says_priority_reasons_and_what_it_is_worth() -> None:
    told = page(msgspec.structs.replace(FULL, host=report_host(panel_home="", as_root=False)))
    verdict = lines(told.all("section", **{"aria-labelledby": "verdict"})[0])
    for words in (
        "Suggested priority: Urgent",
        "Urgent: it is full. Because.",
        "No InterWorx panel found here: 1 check not applicable.",
        "Not run as root",
        "EMERGENCY The file system /var is full SYSTEM-001 2 h ago",
        "warning title of WEB-031 WEB-031",
    ):
        assert words in verdict
    assert "Suggested priority" not in html.render(report())


def test_the_fields_are_those_of_the_ticket_byte_for_byte() -> None:
    told = page(FULL)
    fields = ticket_of(FULL).fields
    assert told.all("label") == [label for label, _ in fields]
    # A browser drops the first newline after the tag; the template puts it there.
    assert told.all("textarea") == [f"\n{value}" for _, value in fields]
    assert told.all("pre", **{"class": "printed"}) == [f"\n{value}" for _, value in fields]
    assert told.all("a", href="https://support.interworx.com", rel="noreferrer") == ["support.interworx.com"]


def test_an_incident_says_all_that_is_known() -> None:
    article = lines(page(FULL).all("article")[0])
    for words in (
        "EMERGENCY The file system /var is full SYSTEM-001",
        "since 2026-11-23 13:26 UTC, 2 h ago (/var/log/messages:4711); seen twice",
        "Subject: /var; scope: vendor",
        "/var has 0 bytes free of 20.0 GiB.",
        "Seen /var/log/messages:4711, 2026-11-23 15:26 UTC one two",
        "Do next df -h /var Copy lsof +L1 /var Copy deleted but open Free some space.",
        "This explains 1 further finding The panel's database is down PANEL-040 error",
    ):
        assert words in article
    assert page(FULL).all("pre")[6:8] == ["one\n  two", "said so"]
    bare = lines(page(FULL).all("article")[1])
    assert "since when: not known Subject: NodeWorx" in bare
    for words in ("Seen", "Do next", "This explains"):
        assert words not in bare


def test_only_what_is_a_whole_command_can_be_copied() -> None:
    steps = ("ls -l", "Look at it.", "rm " + "x" * 400, "echo 'a  b'", "rm \x1b", " true ")
    told = page(report(incident(finding(remedy=steps))))
    assert told.values("data-copies")[6:] == ["step-1-1", "step-1-6"]
    assert told.all("code", id="step-1-6") == ["true"]
    assert html.render(report(incident(finding(remedy=steps)))).count("do not run it like this") == 3


def test_checks_and_timings_are_all_there() -> None:
    told = page(FULL)
    cells = [lines(row) for row in told.all("tr")]
    assert cells == [
        "CheckResultFindings, or why none",
        "system.disk_spaceproblemSYSTEM-001",
        "dns.serverunknownno answer",
        "php.poolsnot applicableno such unit",
        "panel.databasecrashedPANEL-040; broke",
        "FactSeconds",
        "c2.000",
        "a0.500",
        "b0.500",
    ]
    assert "dns.server (unknown): no answer" in lines(told.all("ul", **{"class": "blind"})[0])


def test_nothing_is_told_by_colour_alone() -> None:
    for severity, word in ((10, "note"), (20, "warning"), (30, "error"), (40, "EMERGENCY")):
        told = page(report(incident(finding(severity=Severity(severity)))))
        assert word in told.all("span", **{"class": f"badge {word.lower()}"})
    for state, word in ((IncidentState.PASSING, "passing"), (IncidentState.IN_PROGRESS, "in progress")):
        told = page(report(incident(finding(), state=state)))
        assert word in told.all("span", **{"class": f"badge {word.replace(' ', '-')}"})


# That it needs nothing else


@pytest.mark.parametrize("made", [FULL, report(), everywhere("text")])
def test_nothing_points_elsewhere_but_the_link_to_the_portal(made: Report) -> None:
    told = page(made, RUNS)
    ids = told.values("id")
    assert len(ids) == len(set(ids))
    links = [link for link in told.values("href") if not link.startswith("#")]
    assert sorted(links) == ["data:,", "https://support.interworx.com"]
    inside = [link[1:] for link in told.values("href") if link.startswith("#")]
    for name in ("for", "data-copies", "aria-labelledby", "aria-describedby"):
        inside += told.values(name)
    assert set(inside) <= set(ids)
    for name in ("src", "srcset", "action", "style", "onclick", "onload", "background", "data", "poster"):
        assert told.values(name) == []
    assert "@import" not in html.render(made, RUNS)
    assert "url(" not in html.render(made, RUNS)


def test_the_policy_names_the_one_style_and_the_one_script() -> None:
    told = page(FULL)
    policy = told.values("content")[0]
    for kind in ("style", "script"):
        [text] = told.all(kind)
        found = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{found}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    # Before anything it is to rule over.
    assert [tag for tag, _ in told.elements].index("style") > told.elements.index(
        ("meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    )


@pytest.mark.parametrize("made", [FULL, report(), everywhere("text")])
def test_headings_go_down_one_at_a_time(made: Report) -> None:
    levels = [int(tag[1]) for tag, _ in page(made, RUNS).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_every_button_has_a_name_of_its_own_and_waits_for_the_script() -> None:
    buttons = [attributes for tag, attributes in page(FULL).elements if tag == "button"]
    names = [attributes["aria-label"] for attributes in buttons]
    assert names == [f"Copy {attributes['data-name']}" for attributes in buttons]
    assert len(set(names)) == len(names) == 8
    assert all("hidden" in attributes and attributes["type"] == "button" for attributes in buttons)


# Same facts, same bytes


def test_the_same_report_is_the_same_page() -> None:
    told = to_html(FULL)
    assert told == to_html(FULL) == to_html(from_json(to_json(FULL)))
    assert told.decode() == html.render(FULL)
    assert "html" in FORMATS


# Nothing hostile


@pytest.mark.parametrize("text", [*HOSTILE, *TRIPWIRES], ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_neither_markup_nor_hidden(text: str) -> None:
    def past(title: str) -> tuple[RunPoint, ...]:
        seen = (OpenIncident(fingerprint="a", title=title, state=IncidentState.CONFIRMED),)
        return tuple(msgspec.structs.replace(point, incidents=seen) for point in RUNS)

    told = html.render(everywhere(text), past(text))
    for raw in ("\x1b", "\x07", "\r", "\x00", "\u2028", "\u202e", "\u2066", "\ud800"):
        assert raw not in told
    told.encode()
    assert len(told) < 120_000
    shape, plain = page(everywhere(text), past(text)), page(everywhere("text"), past("text"))
    same = [tag for tag, _ in shape.elements if tag not in ("button", "span")]
    assert same == [tag for tag, _ in plain.elements if tag not in ("button", "span")]
    assert "49" not in told.partition("{{")[2][:20]  # 7 * 7 is not worked out


def test_what_a_filter_forgot_is_made_harmless_all_the_same() -> None:
    assert "0.1\\x1b[2J&lt;b&gt;" in html.render(report(agent_version="0.1\x1b[2J<b>"))


any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=12)


@given(any_text)
def test_any_text_makes_a_page_of_the_same_shape(text: str) -> None:
    made = page(report(incident(finding(text, text, title=text, detail=text, since_source=text))))
    plain = page(report(incident(finding("x", "x", title="x", detail="x"))))
    assert [tag for tag, _ in made.elements] == [tag for tag, _ in plain.elements]


# Bounds


def test_a_page_is_bounded_and_says_what_is_left_out() -> None:
    many = [incident(finding(f"A-{n:03}"), *(finding(f"B-{m:03}") for m in range(6))) for n in range(130)]
    told = html.render(report(*many))
    assert told.count("<article") == 20
    assert "100 further incidents" not in told
    assert "80 further incidents" in told
    assert "and 30 more incidents in the report as JSON" in told
    assert told.count("<bdi>title of B-") == 40  # six of each of six incidents, four of the next
    assert "This explains 6 further findings" in told
    assert "and 2 more findings in the report as JSON" in told
    assert "and 6 more findings in the report as JSON" in told
    seen = Evidence(source="log", text="line\n" * 300)
    told = html.render(report(incident(finding(evidence=(seen,) * 9), finding(evidence=(seen,) * 4))))
    assert told.count("<figure>") == 8 + 3
    assert told.count("and 1 more quote in the report as JSON") == 2
    assert told.count("\n…</pre>") == 11
    told = html.render(report(incident(finding(remedy=("true",) * 15))))
    assert told.count("<code") == 12
    assert "and 3 more steps in the report as JSON" in told


@pytest.mark.parametrize("name", ["healthy", "disk-full", "panel-port-taken", "sites-some-500"])
def test_a_usual_page_is_small(name: str) -> None:
    assert len(to_html(report_of(name))) < 60_000


# The timeline in the page


def test_the_timeline_is_there_from_two_runs_on() -> None:
    assert "<svg" not in html.render(FULL)
    assert "<svg" not in html.render(FULL, RUNS[:1])
    told = page(FULL, RUNS)
    assert told.all("text")[0] == "It is full"
    assert told.all("caption") == ["Incidents", "Runs"]
    assert "3 runs from 2026-11-23 13:26 UTC" in told.all("desc")[0]
    quiet = tuple(msgspec.structs.replace(point, incidents=()) for point in RUNS)
    assert page(FULL, quiet).all("caption") == ["Runs"]
