"""The HTML report in a real browser: it copies, all can read it, it asks nobody anything, nothing gets in."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import chromium
import pytest
from building import AT, finding, incident, report, report_host, result
from hostile import CORPUS, HOSTILE, TRIPWIRES, everywhere

from iwx_agent.model import (
    Evidence,
    IncidentState,
    Missing,
    OpenIncident,
    Priority,
    Report,
    RunPoint,
    Severity,
    Status,
    Verdict,
)
from iwx_agent.rendering import html
from iwx_agent.rendering.ticket import ticket_of

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

Opened = Callable[..., chromium.Page]

LEAD = finding(
    "SYSTEM-001",
    "/var",
    title="The file system /var is full",
    remedy=(
        "du -xh --max-depth=2 /var 2>/dev/null | sort -h | tail -n 20",
        "awk '$3 ~ \"<&>\"' /var/log/x   # what it was",
        "Free some space, then look again.",
        "rm " + "x" * 400,
    ),
    evidence=(Evidence(source="/var/log/messages:4711", text="first\n  second <b>", seen_at=AT),) * 10,
)
FULL = report(
    incident(LEAD, finding("PANEL-040"), finding("PANEL-004"), since_at=AT - timedelta(hours=2)),
    incident(finding(severity=Severity.WARNING), state=IncidentState.PASSING),
    incident(finding(severity=Severity.ERROR), state=IncidentState.OPEN),
    incident(finding(severity=Severity.NOTE), state=IncidentState.OPEN),
    verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=("Urgent: it is full.", "Because.")),
    results=tuple(result(check_id=f"a.{status}", status=status, reason="why") for status in Status),
    host=report_host(panel_home="", as_root=False),
)


def past(title: str) -> tuple[RunPoint, ...]:
    """Thirty runs, one of which knew nothing."""
    seen = (OpenIncident(fingerprint="a", title=title, state=IncidentState.CONFIRMED),)
    return tuple(
        RunPoint(
            at=AT - timedelta(hours=n),
            complete=True,
            incidents=seen if n < 5 else Missing(reason="x") if n == 9 else (),
            disk_used_pct=Missing(reason="x") if n == 9 else 99.0 - n,
            queue_count=Missing(reason="x") if n == 9 else n * 7,
        )
        for n in range(30)
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Browser]:
    assert chromium.program(), "no Chromium: tools/browser.sh"
    with chromium.Browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def page(browser: chromium.Browser) -> Iterator[chromium.Page]:
    made = browser.page()
    made.call("Emulation.setFocusEmulationEnabled", enabled=True)
    yield made
    made.call("Page.close")


@pytest.fixture
def opened(page: chromium.Page, tmp_path: Path) -> Opened:
    """Open the page of a report as a file, as a person does."""

    def of(told: Report, title: str = "It is full") -> chromium.Page:
        (tmp_path / "report.html").write_bytes(html.render(told, past(title)).encode())
        page.open((tmp_path / "report.html").as_uri())
        return page

    return of


def allow(browser: chromium.Browser, setting: str) -> None:
    for name in ("clipboard-read", "clipboard-write"):
        browser.call("Browser.setPermission", permission={"name": name}, setting=setting)


def click(page: chromium.Page, selector: str) -> None:
    """Click in the middle of an element, as a mouse does."""
    place = page.run(
        f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
        " e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect();"
        " return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)


def status_of(page: chromium.Page) -> str:
    """Return what the page says after a click, waited for."""
    said = page.run(
        "new Promise(done => { const s = document.getElementById('status');"
        " const look = () => s.textContent ? done(s.textContent) : setTimeout(look, 5); look(); })"
    )
    return str(said)


def after_click(page: chromium.Page, place: str) -> str:
    """Click the button of a place and return what the page says then."""
    page.run("document.getElementById('status').textContent = ''")
    page.run("navigator.clipboard?.writeText('nothing').catch(() => 0)")
    click(page, f"button[data-copies={place}]")
    return status_of(page)


def copied(page: chromium.Page, place: str) -> str:
    """Return what is on the clipboard after a click on the button of a place."""
    assert after_click(page, place).startswith("Copied: ")
    return str(page.run("navigator.clipboard.readText()"))


# Support guide 7.1, "How to Submit a Support Ticket".
FORM = ("Category", "IP Address or Hostname", "Remote Assistance Enabled?", "Subject", "Message", "Priority")
ALL_TEXTS = [*HOSTILE, *TRIPWIRES]


@pytest.mark.parametrize("text", ["", *ALL_TEXTS], ids=lambda text: ascii(text[:12]))
def test_a_button_puts_the_exact_text_of_its_field_on_the_clipboard(
    browser: chromium.Browser, opened: Opened, text: str
) -> None:
    allow(browser, "granted")
    told = everywhere(text) if text else FULL
    page = opened(told)
    for number, (label, value) in enumerate(ticket_of(told).fields, start=1):
        if not text or label in ("IP Address or Hostname", "Subject", "Message"):  # text from the server
            assert copied(page, f"field-{number}") == value, label


def test_each_field_has_its_button_in_the_order_of_the_form(opened: Opened) -> None:
    told = opened(FULL).run(
        "[...document.querySelectorAll('.field')].map(f => [f.querySelector('label').textContent,"
        " f.querySelector('button').ariaLabel, f.querySelector('button').dataset.copies])"
    )
    assert told == [[label, f"Copy {label}", f"field-{n}"] for n, label in enumerate(FORM, start=1)]


def test_a_button_puts_the_exact_command_on_the_clipboard(browser: chromium.Browser, opened: Opened) -> None:
    allow(browser, "granted")
    page = opened(FULL)
    assert copied(page, "step-1-1") == LEAD.remedy[0]
    assert copied(page, "step-1-2") == "awk '$3 ~ \"<&>\"' /var/log/x"
    buttons = page.run("[...document.querySelectorAll('#incident-1 button')].map(b => b.dataset.copies)")
    assert buttons == ["step-1-1", "step-1-2"]  # no sentence, and nothing that is not shown whole


@pytest.mark.parametrize("setting", ["denied", "granted"])
def test_where_nothing_can_be_copied_the_text_is_selected(
    browser: chromium.Browser, opened: Opened, setting: str
) -> None:
    allow(browser, setting)
    page = opened(FULL)
    if setting == "granted":  # as in a page that came over plain HTTP
        page.run("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    assert after_click(page, "field-5") == "Selected: Message. Press Ctrl+C to copy it"
    field = "document.activeElement"
    selected = page.run(f"{field}.value.slice({field}.selectionStart, {field}.selectionEnd)")
    assert selected == ticket_of(FULL).message
    assert after_click(page, "step-1-1") == "Selected: step 1 of incident 1. Press Ctrl+C to copy it"
    assert page.run("getSelection().toString()") == LEAD.remedy[0]


@pytest.mark.parametrize(
    ("scheme", "width", "media"),
    [
        ("light", 1024, ""),
        ("dark", 1024, ""),
        ("light", 320, ""),
        ("dark", 320, ""),
        ("light", 1024, "print"),
    ],
)
def test_axe_finds_nothing_that_keeps_people_out(
    opened: Opened, page: chromium.Page, scheme: str, width: int, media: str
) -> None:
    page.resize(width, 768)
    page.emulate(media=media, scheme=scheme)
    opened(FULL)
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.run(chromium.AXE.read_text(encoding="utf-8") + "; 0")
    found = page.run("axe.run({resultTypes: ['violations']})")
    assert found["testEngine"]["name"] == "axe-core"
    told = [(v["id"], v["impact"], [n["html"] for n in v["nodes"]]) for v in found["violations"]]
    assert told == []


def test_axe_would_find_something(opened: Opened) -> None:
    page = opened(FULL)
    page.run("document.querySelector('label').remove()")
    page.run(chromium.AXE.read_text(encoding="utf-8") + "; 0")
    found = page.run("axe.run({resultTypes: ['violations']})")
    assert [violation["id"] for violation in found["violations"]] == ["label"]


def tags_of(page: chromium.Page) -> list[list[str]]:
    """Return each element with the names of its attributes, in order."""
    made: list[list[str]] = page.run(
        "[...document.querySelectorAll('*')].map(e => [e.tagName, ...e.getAttributeNames()])"
    )
    return made


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_text(page: chromium.Page, opened: Opened, text: str) -> None:
    page.call("Page.setBypassCSP", enabled=True)  # escaping has to do it alone
    page.call(
        "Page.addScriptToEvaluateOnNewDocument",
        source="window.trips = 0; window.tripped = () => { window.trips += 1 }",
    )
    opened(everywhere("text"), "text")
    plain = [tag for tag in tags_of(page) if tag[0] not in ("BUTTON", "SPAN")]
    begun = text if text in ALL_TEXTS else f"x{text}"  # a sentence is no command, nothing is no step
    opened(everywhere(begun), begun)
    assert [tag for tag in tags_of(page) if tag[0] not in ("BUTTON", "SPAN")] == plain
    page.run("for (const e of document.querySelectorAll('*')) e.dispatchEvent(new Event('focus'))")
    assert page.run("window.trips") == 0
    asked = [event["request"]["url"] for event in page.events("Network.requestWillBeSent")]
    assert len(asked) == 1, asked


def test_a_tripwire_would_be_noticed(page: chromium.Page, tmp_path: Path) -> None:
    page.call(
        "Page.addScriptToEvaluateOnNewDocument",
        source="window.trips = 0; window.tripped = () => { window.trips += 1 }",
    )
    (tmp_path / "bad.html").write_text(f"<title>x</title>{TRIPWIRES[0]}{TRIPWIRES[7]}")
    page.open((tmp_path / "bad.html").as_uri())
    assert page.run("window.trips") == 1
    asked = [event["request"]["url"] for event in page.events("Network.requestWillBeSent")]
    assert "https://tripwire.invalid/x.png" in asked


def test_what_got_in_all_the_same_could_do_nothing(opened: Opened) -> None:
    page = opened(FULL)
    page.run("window.trips = 0; window.tripped = () => { window.trips += 1 }")
    page.run(
        "for (const [tag, text] of [['script', 'tripped()'], ['style', 'h1 { display: none }']]) {"
        " const e = document.createElement(tag); e.textContent = text; document.body.append(e) }"
    )
    page.run("document.body.insertAdjacentHTML('beforeend', '<img src=\"x\" onerror=\"tripped()\">')")
    page.run("document.querySelector('h1').setAttribute('style', 'display: none')")
    page.run("new Promise(done => setTimeout(done, 50))")
    assert page.run("window.trips") == 0
    assert page.run("getComputedStyle(document.querySelector('h1')).display") == "block"
    refused = page.run("fetch('https://tripwire.invalid/').then(() => false, () => true)")
    assert refused
    said = " ".join(event["entry"]["text"] for event in page.events("Log.entryAdded"))
    assert "Content Security Policy" in said


def test_no_request_leaves_and_nothing_is_complained_of(opened: Opened, tmp_path: Path) -> None:
    page = opened(FULL)
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.run("scrollTo(0, document.body.scrollHeight)")
    asked = [event["request"]["url"] for event in page.events("Network.requestWillBeSent")]
    assert asked == [(tmp_path / "report.html").as_uri()]
    assert page.events("Log.entryAdded") == []
    assert page.events("Runtime.exceptionThrown") == []


@pytest.mark.parametrize("text", ["", *ALL_TEXTS], ids=lambda text: ascii(text[:12]))
def test_a_narrow_page_is_not_wider_than_its_window(page: chromium.Page, opened: Opened, text: str) -> None:
    page.resize(320, 640)
    opened(everywhere(text) if text else FULL, text or "It is full")
    page.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.run("[innerWidth, document.documentElement.scrollWidth]") == [320, 320]


def visible(page: chromium.Page, selector: str) -> list[bool]:
    options = "{visibilityProperty: true, contentVisibilityAuto: true, opacityProperty: true}"
    told: list[bool] = page.run(
        f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.checkVisibility({options}))"
    )
    assert told, selector
    return told


def test_on_paper_all_is_open_and_nothing_waits_for_a_click(page: chromium.Page, opened: Opened) -> None:
    opened(FULL)
    assert not any(visible(page, "details :is(figure, td, li)"))
    assert all(visible(page, "button, textarea"))
    page.emulate(media="print")
    assert all(visible(page, "details :is(figure, td, li), .field pre"))
    assert not any(visible(page, "button, textarea, .skip, #status"))
    content = page.run("getComputedStyle(document.querySelector('a[rel]'), '::after').content")
    assert "https://support.interworx.com" in content.replace('" "', "")
    told = [
        text.rstrip("\n")
        for text in page.run("[...document.querySelectorAll('.printed')].map(e => e.innerText)")
    ]
    assert told == [value for _, value in ticket_of(FULL).fields]


def test_printing_opens_what_is_folded_and_folds_it_again(page: chromium.Page, opened: Opened) -> None:
    opened(FULL)
    folded = "document.querySelectorAll('details:not([open])').length"
    page.run(f"addEventListener('beforeprint', () => {{ window.folded = {folded} }})")
    page.run("document.querySelector('details').open = true")
    page.call("Page.printToPDF")
    assert page.run("window.folded") == 0
    opened_after = page.run("[...document.querySelectorAll('details')].map(fold => fold.open)")
    assert opened_after == [True] + [False] * (len(opened_after) - 1)


def test_without_script_all_is_there_but_the_buttons(page: chromium.Page, opened: Opened) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    opened(FULL)
    assert not any(visible(page, "button"))
    assert page.run("[...document.querySelectorAll('textarea')].map(e => e.value)") == [
        value for _, value in ticket_of(FULL).fields
    ]
    assert all(visible(page, "textarea, summary, h1, h2, h3"))


def test_everything_can_be_done_with_a_keyboard(browser: chromium.Browser, opened: Opened) -> None:
    allow(browser, "granted")
    page = opened(FULL)
    page.press("Tab", 9)
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("document.activeElement.getBoundingClientRect().x >= 0")
    page.press("Enter", 13)
    assert page.run("document.activeElement.id") == "main"
    stops = []
    for _ in range(60):
        page.press("Tab", 9)
        stops.append(
            page.run(
                "(e => [e.dataset.copies || e.id || e.tagName, getComputedStyle(e).outlineStyle])"
                "(document.activeElement)"
            )
        )
        if stops[-1][0] == "BODY":
            break
        if stops[-1][0] == "SUMMARY":
            page.press(" ", 32)
            assert page.run("document.activeElement.parentElement.open")
        if stops[-1][0] == "field-4" and stops[-2][0] == "field-4":  # the button after the field
            page.press("Enter", 13)
            assert status_of(page) == "Copied: Subject"
    names = [name for name, _ in stops]
    assert [name for name in names if name.startswith("field-")] == [
        f"field-{number}" for number in range(1, 7) for _ in ("the field", "its button")
    ]
    assert {"step-1-1", "step-1-2", "SUMMARY", "A"} <= set(names)
    assert not [name for name, outline in stops[:-1] if outline == "none"]


def test_a_screen_reader_is_told_names_landmarks_and_what_was_copied(opened: Opened) -> None:
    page = opened(FULL)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    told: dict[str, list[str]] = {}
    for node in nodes:
        if not node["ignored"]:
            told.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    labels = [label for label, _ in ticket_of(FULL).fields]
    assert told["textbox"] == labels
    assert told["button"][:6] == [f"Copy {label}" for label in labels]
    assert told["button"][6:] == ["Copy step 1 of incident 1", "Copy step 2 of incident 1", *_others(told)]
    for landmark in ("banner", "main", "navigation", "contentinfo"):
        assert len(told[landmark]) == 1, landmark
    assert "Incidents, disk and mail queue over time" in told["image"]
    status = next(node for node in nodes if node.get("role", {}).get("value") == "status")
    live = {item["name"]: item["value"].get("value") for item in status["properties"]}
    assert live["live"] == "polite"
    levels = page.run("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def _others(told: dict[str, list[Any]]) -> list[str]:
    return [f"Copy step {n} of incident {i}" for i in (2, 3, 4) for n in (1, 2)]
