"""A verdict in words: screen, ticket, line by line; whom a ticket is for; what is only inferred."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import msgspec
import pytest
from building import finding, incident, report, report_host, result
from rich.console import Console

from iwx_agent.config import load_policy, load_zone
from iwx_agent.model import (
    Incident,
    IncidentState,
    LastVerdict,
    Licence,
    Override,
    Priority,
    Provider,
    ProviderMode,
    Report,
    Scope,
    Severity,
    Status,
    Verdict,
    verdict_to_keep,
)
from iwx_agent.parsers.tzif import zone_of
from iwx_agent.rendering.terminal import print_report
from iwx_agent.report import (
    explanation_json,
    explanation_text,
    render,
    ticket_text,
    to_json,
)
from iwx_agent.triage import Circumstances, Clock, Zones, verdict_of

POLICY = load_policy()
TOKYO = zone_of(resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes())
SATURDAY_NIGHT = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)  # 22:30 in New York, Sunday 12:30 in Tokyo
SELLER = Provider(
    name="Example Hosting",
    address="support@example.com",
    text="Write to us first.\n\n  We are there day and night.\nPriority: ours",
)

MAIL = incident(
    finding("MAIL-041", "smtp", title="The mail service smtp is down", detail="Without it no mail comes in."),
    finding("MAIL-001", "smtp 25", title="SMTP does not answer on port 25", inferred=True),
    fingerprint="aaaa000011112222",
    scope_source="guide 7.1, qualifies: Mail services",
)
DISK = incident(
    finding(
        "SYSTEM-002",
        "/backup",
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title="The file system /backup is nearly full",
        inferred=True,
    ),
    fingerprint="bbbb000011112222",
    scope_source="guide 7.1, does not qualify: System administrator tasks",
    state=IncidentState.OPEN,
)


def judged(*incidents: Incident, **given: Any) -> Report:
    """Return a report with the verdict that triage makes of it, on a Saturday night, of a server in Tokyo."""
    zones = Zones(vendor=load_zone(POLICY), server=TOKYO)
    circumstances = Circumstances(policy=POLICY, clock=Clock(now=SATURDAY_NIGHT), zones=zones, **given)
    results = (
        result(*(i.lead for i in incidents)),
        result(check_id="dns.server", status=Status.UNKNOWN, reason="no answer within 3 s"),
    )
    verdict = verdict_of(incidents, results, circumstances)
    return report(*incidents, results=results, verdict=verdict, collected_at=SATURDAY_NIGHT)


def screen(made: Report, *, verbose: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, highlight=False, emoji=False, markup=False)
    print_report(made, console, verbose=verbose)
    return out.getvalue()


NIGHT = judged(MAIL, DISK)


def test_the_screen_on_a_saturday_night(golden: Callable[[str, str], None]) -> None:
    told = screen(NIGHT)
    golden("verdict-screen.txt", told)
    assert max(len(line) for line in told.splitlines()) <= 80


def test_the_ticket_on_a_saturday_night(golden: Callable[[str, str], None]) -> None:
    golden("verdict-ticket.txt", ticket_text(NIGHT))


def test_the_explanation_of_a_saturday_night(golden: Callable[[str, str], None]) -> None:
    golden("verdict-why.txt", explanation_text(verdict_to_keep(NIGHT)))


# What is only inferred


def test_what_is_inferred_is_marked_in_every_output() -> None:
    told = screen(NIGHT)
    assert "The file system /backup is nearly full  SYSTEM-002  inferred\n" in told
    assert "- SMTP does not answer on port 25  MAIL-001  inferred\n" in told
    assert "The mail service smtp is down  MAIL-041\n" in told
    assert "The file system /backup is nearly full (SYSTEM-002, inferred)\n" in render(NIGHT, "markdown")
    assert "- SMTP does not answer on port 25 (MAIL-001, inferred)\n" in render(NIGHT, "markdown")
    told = render(NIGHT, "nagios", verbose=True)
    assert "The file system /backup is nearly full (SYSTEM-002, inferred), since" in told
    assert "IWX CRITICAL: The mail service smtp is down (MAIL-041), and 1 other" in told
    text = ticket_text(NIGHT)
    why = "inferred: it rests on what is not proven of the panel"
    assert f"The file system /backup is nearly full [SYSTEM-002] (error; {why})\n" in text
    assert f"consequence: SMTP does not answer on port 25 [MAIL-001] ({why})\n" in text
    assert "Only inferred, not proven: SMTP does not answer on port 25 (MAIL-001)" in text
    assert "The mail service smtp is down [MAIL-041] (EMERGENCY, seen twice)\n" in text
    made = json.loads(to_json(NIGHT))["incidents"]
    assert [made[0]["lead"]["inferred"], made[0]["others"][0]["inferred"]] == [False, True]
    assert made[1]["lead"]["inferred"] is True


# Scope on the screen


def test_the_scope_of_each_incident_is_said_where_the_verdict_does_not() -> None:
    line = "scope: provider (guide 7.1, does not qualify: System administrator tasks)"
    assert line in screen(NIGHT)
    assert "scope: vendor" not in screen(NIGHT)
    assert "scope: vendor (guide 7.1, qualifies: Mail services)" in screen(NIGHT, verbose=True)
    assert line not in screen(judged(DISK))


# A person's own priority


def test_a_priority_of_ones_own_is_shown_everywhere() -> None:
    made = judged(MAIL, override=Override(priority=Priority.LOW, reason="we move it tonight"))
    assert "your priority: Low" in screen(made)
    assert "suggested priority" not in screen(made)
    assert "**Priority, set by a person: Low**" in render(made, "markdown")
    assert "**Suggested priority: Urgent**" in render(NIGHT, "markdown")
    text = ticket_text(made)
    assert text.endswith("Priority: Low\n")
    said = "- Low, set by a person: we move it tonight.\n- The agent suggests Urgent: an emergency, confirmed"
    assert said in text
    assert "override    Low, set by a person: we move it tonight\n" in explanation_text(verdict_to_keep(made))


# Whom the ticket is for


def begins(made: Report) -> str:
    return ticket_text(made).partition("Category:")[0]


def test_a_ticket_for_the_vendor_has_nothing_before_it() -> None:
    for licence in (Licence.DIRECT, Licence.NOT_SET):
        assert begins(judged(MAIL, licence=licence, provider=SELLER)) == ""


def test_the_licence_stands_in_the_ticket() -> None:
    told = {licence: ticket_text(judged(MAIL, licence=licence)) for licence in Licence}
    assert "Licence: bought from InterWorx (as configured)\n" in told[Licence.DIRECT]
    assert "Licence: bought from a reseller (as configured)\n" in told[Licence.RESELLER]
    assert "Licence: not stated; a person has to say before this is sent" in told[Licence.NOT_SET]


def test_a_reseller_without_a_name_is_still_whom_to_turn_to() -> None:
    expected = "Not for InterWorx support. Turn to the reseller or hosting company that sold the licence.\n\n"
    assert begins(judged(MAIL, licence=Licence.RESELLER)) == expected


TEXT = "  Write to us first.\n  We are there day and night.\n  Priority: ours\n"


@pytest.mark.parametrize(
    ("mode", "expected", "fields"),
    [
        (ProviderMode.REDIRECT, "To: Example Hosting (support@example.com)\n" + TEXT, True),
        (ProviderMode.COPY, "Copy to: Example Hosting (support@example.com)\n" + TEXT, True),
        (ProviderMode.BLOCK, "To: Example Hosting (support@example.com)\n" + TEXT, False),
    ],
)
def test_what_a_provider_wants(mode: ProviderMode, expected: str, fields: bool) -> None:
    provider = Provider(name=SELLER.name, address=SELLER.address, text=SELLER.text, mode=mode)
    text = ticket_text(judged(MAIL, licence=Licence.RESELLER, provider=provider))
    assert text.startswith(expected + ("\nCategory: Support\n" if fields else ""))
    assert (text == expected) == (not fields)


def test_a_long_text_of_a_provider_is_bounded() -> None:
    provider = Provider(name="x", text="line\n" * 100)
    told = begins(judged(MAIL, licence=Licence.RESELLER, provider=provider))
    assert told.count("line") == 40


# Kept and explained


def test_what_is_kept_has_no_evidence_and_comes_back() -> None:
    kept = verdict_to_keep(NIGHT)
    data = explanation_json(kept)
    assert msgspec.json.decode(data, type=LastVerdict) == kept
    assert b"said so" not in data  # the evidence of every built finding
    assert b"detail of" not in data
    made = json.loads(data)
    assert list(made) == [
        "schema_version",
        "agent_version",
        "host",
        "collected_at",
        "checks_count",
        "verdict",
        "incidents",
        "decisions",
    ]
    assert list(made["incidents"][0]) == ["fingerprint", "code", "subject", "title", "scope", "state"]


def test_what_is_kept_is_bounded() -> None:
    many = [incident(finding(f"A-{n:03}", "s" * 500, title="t" * 500)) for n in range(60)]
    kept = verdict_to_keep(report(*many))
    assert len(kept.incidents) == 50
    assert {(len(i.subject), len(i.title)) for i in kept.incidents} == {(200, 200)}


def test_a_server_without_a_full_name_is_named_all_the_same() -> None:
    assert verdict_to_keep(report(host=report_host(fqdn=""))).host == "iwx1"


def test_a_verdict_of_nothing_is_explained_too() -> None:
    told = explanation_text(verdict_to_keep(judged()))
    assert told.startswith("Verdict of 2026-11-22 03:30 UTC on iwx1.example.com: 2 checks, iwx-agent 0.1.0\n")
    assert "priority    none\n            rule: Nothing was found.\n" in told
    assert "filing      not by itself: nothing was found\n" in told


def test_many_incidents_behind_one_line_are_counted() -> None:
    many = [
        incident(
            finding(f"A-{n:03}", severity=Severity.NOTE), fingerprint=f"{n:016}", state=IncidentState.OPEN
        )
        for n in range(6)
    ]
    told = explanation_text(verdict_to_keep(judged(*many)))
    assert "because of: title of A-003 (A-003, NodeWorx)\n            because of: and 2 more\n" in told


def test_an_incident_that_is_not_kept_is_named_by_its_fingerprint() -> None:
    kept = verdict_to_keep(NIGHT)
    bare = LastVerdict(**{name: getattr(kept, name) for name in kept.__struct_fields__} | {"incidents": ()})
    assert "because of: aaaa000011112222" in explanation_text(bare)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "one\r\nVerdict of", "x" * 1_000_000, "half\ud800pair", "\u202e"]
)
def test_hostile_text_passes_through_no_explanation(text: str) -> None:
    hostile = incident(finding("A-001", text, title=text), fingerprint="cccc000011112222")
    made = judged(
        hostile,
        override=Override(priority=Priority.LOW, reason=text),
        provider=Provider(name=text, text=text, address=text),
        licence=Licence.RESELLER,
    )
    for told in (explanation_text(verdict_to_keep(made)), ticket_text(made), screen(made)):
        for raw in ("\x1b", "\r", "\ud800", "\u202e"):
            assert raw not in told
        assert len(told) < 30_000
        told.encode()
    assert explanation_text(verdict_to_keep(made)).count("\nVerdict of") == 0
    msgspec.json.decode(explanation_json(verdict_to_keep(made)), type=LastVerdict)


def test_a_verdict_by_hand_has_no_trace_and_still_renders() -> None:
    bare = report(MAIL, verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=("because",)))
    assert "because" in ticket_text(bare)
    assert explanation_text(verdict_to_keep(bare)).count("\n") == 1
