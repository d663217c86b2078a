"""What a verdict rests on besides findings: the true time, two zones, licence, provider; whole machines."""

import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from building import finding, result
from fakes import BOOTED_AT, NOW_AT, layout
from msgspec.structs import replace
from scenarios import report_of

from iwx_agent.app.diagnose import Request
from iwx_agent.app.sources import diagnose_capture
from iwx_agent.app.support import Known, circumstances
from iwx_agent.config import Settings, load_policy
from iwx_agent.model import Licence, Missing, Override, Priority, Provider, Scope, ServerZone
from iwx_agent.model.system import TimeSync
from iwx_agent.triage import Circumstances

ROOTS = Path(__file__).parents[1] / "roots"
POLICY = load_policy()
TOKYO = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
SYNC = TimeSync(now_at=NOW_AT, booted_at=BOOTED_AT, synchronized=True, offset_s=0.0)
FOUND = [result(finding())]


def given(zone: Any, *, known: Known | None = None, results: Any = FOUND, **more: Any) -> Circumstances:
    brought = known or Known(layout=layout(), causes=(), settings=Settings(), policy=POLICY)
    facts = {"server_zone": zone} | more.pop("facts", {"time_sync": SYNC})
    return circumstances(brought, facts, NOW_AT, results, more.pop("override", None), "")


def test_the_zones_of_vendor_and_server() -> None:
    made = given(ServerZone(data=TOKYO, source="/etc/localtime"))
    assert made.zones is not None
    assert made.clock.now is not None
    assert made.clock.now.astimezone(made.zones.vendor).strftime("%H:%M %Z") == "11:06 EST"
    assert made.clock.now.astimezone(made.zones.server).strftime("%H:%M %Z") == "01:06 JST"
    assert made.zones.note == ""


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (
            Missing(reason="no such file", absent=True),
            "could not be told (no such file): its times are given in",
        ),
        (ServerZone(data=b"TZif2", source="x"), "could not be told (x holds none)"),
        (ServerZone(data=TOKYO[:-30], source="x"), "could not be told (x holds none)"),
    ],
)
def test_a_zone_that_could_not_be_had_is_utc_and_said(zone: Any, said: str) -> None:
    made = given(zone)
    assert made.zones is not None
    assert said in made.zones.note
    assert str(made.zones.server) == "UTC"


def test_without_the_data_of_zones_there_are_none() -> None:
    known = Known(
        layout=layout(), causes=(), settings=Settings(), policy=replace(POLICY, time_zone="Mars/Olympus")
    )
    assert given(ServerZone(data=TOKYO, source="x"), known=known).zones is None


def test_zones_are_not_loaded_where_nothing_was_found() -> None:
    zone = ServerZone(data=b"TZif, never looked at", source="x")
    assert given(zone, results=[result()]).zones is None
    own = Override(priority=Priority.LOW, reason="x")
    assert given(zone, results=[result()], override=own).zones is not None


def test_a_clock_that_was_not_asked_about_is_not_checked() -> None:
    assert "was not checked" in given(Missing(reason="x"), facts={}).clock.note


def test_licence_and_provider_come_from_the_configuration() -> None:
    seller = Provider(name="Example Hosting")
    settings = Settings(licence=Licence.RESELLER)
    known = Known(layout=layout(), causes=(), settings=settings, policy=POLICY, provider=seller)
    made = given(Missing(reason="x"), known=known)
    assert (made.licence, made.provider) == ("reseller", seller)


# Whole machines. Their clock: Monday, 23 November 2026, about 20:00 UTC (15:00 in New York); their zone: UTC.

OPEN = "Support is open now, until Mon 16:00 EST (Mon 21:00 UTC here); the guide names no time for an answer."


@pytest.mark.parametrize(
    ("root", "scope", "in_scope", "turn_to", "answer"),
    [
        ("healthy", Scope.UNKNOWN, None, "", None),
        ("smtp-down", Scope.VENDOR, True, "", OPEN),
        ("panel-db-killed", Scope.VENDOR, True, "", OPEN),
        ("certificate-expired", Scope.VENDOR, True, "", OPEN),
        ("disk-full", Scope.PROVIDER, False, "the server's provider or administrator", None),
        ("mysql-killed", Scope.PROVIDER, False, "the server's provider or administrator", None),
        ("system-syn-flood", Scope.PROVIDER, False, "the server's provider or administrator", None),
        ("site-500", Scope.CUSTOMER, False, "the site's owner", None),
        ("sites-some-500", Scope.UNKNOWN, None, "", OPEN),
        ("mail-queue-large", Scope.UNKNOWN, None, "", OPEN),
    ],
)
def test_whose_a_whole_machine_is(
    root: str, scope: Scope, in_scope: bool | None, turn_to: str, answer: str | None
) -> None:
    verdict = report_of(root).verdict
    assert (verdict.scope, verdict.in_scope, verdict.turn_to) == (scope, in_scope, turn_to)
    assert (verdict.expected.text if verdict.expected else None) == answer
    assert not verdict.fileable  # the licence is not set


def test_a_direct_licence_makes_it_fileable(etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text('licence = "direct"')
    assert diagnose_capture(ROOTS / "smtp-down", Request()).verdict.fileable
    assert not diagnose_capture(ROOTS / "disk-full", Request()).verdict.fileable


def test_a_wrong_clock_of_a_machine_is_said() -> None:
    reasons = report_of("system-clock-wrong").verdict.reasons
    assert "The server's clock is 90 s fast; hours are reckoned by the right time." in reasons


DECIDED = {code for topic in POLICY.does_not_qualify for code in topic.codes}
MACHINES = [
    path.stem
    for path in sorted((ROOTS.parent / "golden" / "tickets").glob("*.txt"))
    if DECIDED & set(re.findall(r"[A-Z]+-\d{3}", path.read_text()))
]


def scopes(root: str) -> dict[tuple[str, str], Scope]:
    results = diagnose_capture(ROOTS / root, Request()).results
    return {(f.code, f.subject): f.scope for result in results for f in result.findings}


@pytest.mark.parametrize("root", MACHINES)
def test_the_shipped_lists_say_what_the_checks_say(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they would change would be a fault of one of the two."""
    by_policy = scopes(root)
    undecided = replace(POLICY, does_not_qualify=())
    monkeypatch.setattr("iwx_agent.app.sources.load_policy", lambda etc: undecided)
    assert scopes(root) == by_policy


def test_a_healthy_machine_does_not_pay_for_calendars(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dateutil.rrule", "zoneinfo"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it would fail
    assert diagnose_capture(ROOTS / "healthy", Request()).exit_code == 0
