"""The ticket made from built reports: subject, key, sections, cutting, forms, hostile text in all of it."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from building import AT, finding, incident, report, report_host, result
from hostile import HOSTILE, TRIPWIRES, everywhere
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace
from tickets import HEADINGS, missing, sections

from iwx_agent.model import (
    Address,
    AssistanceReport,
    Evidence,
    IncidentState,
    Licence,
    Priority,
    Provider,
    ProviderMode,
    Report,
    Severity,
    Status,
    Step,
    Verdict,
)
from iwx_agent.model.changes import Change, ChangeGap, Changes, Environment, Impact
from iwx_agent.model.ticket import TicketLimits
from iwx_agent.rendering.ticket import Ticket, forms, ticket_of
from iwx_agent.rendering.ticket.section import Line, message_of, quoted, section
from iwx_agent.report import render_ticket, ticket_text

DOWN = incident(
    finding(
        "WEB-001",
        "httpd.service",
        title="Apache is not running",
        detail="It is dead.",
        evidence=(
            Evidence(source="GET http://localhost/ at 127.0.0.1 (refused)", text="connection refused"),
            Evidence(source="journalctl -u httpd.service", text="Stopping", seen_at=AT),
            Evidence(source="journalctl -u httpd.service", text="Stopped", seen_at=AT + timedelta(minutes=2)),
        ),
    ),
    finding("WEB-010", "websites", title="All websites fail"),
    since_at=AT - timedelta(hours=2),
    since_source="systemctl show httpd.service",
)
CHANGES = Changes(
    since_at=AT - timedelta(days=1),
    entries=(
        Change(
            kind="package", at=AT - timedelta(hours=4), subject="dnf", said="dnf update", source="dnf.log:1"
        ),
        Change(
            kind="reboot", at=AT - timedelta(hours=3), subject="the server", said="came up", source="wtmp"
        ),
        Change(
            kind="config",
            at=AT - timedelta(hours=3),
            subject="/etc/x",
            said="changed",
            source="times of the files",
        ),
        Change(
            kind="service",
            at=AT - timedelta(hours=2),
            subject="httpd.service",
            said="restarted",
            source="the journal",
        ),
        Change(kind="service", at=AT, subject="httpd.service", said="failed (signal)", source="the journal"),
    ),
)
FULL = report(
    DOWN,
    verdict=Verdict(
        priority=Priority.URGENT,
        emergency=True,
        reasons=("Urgent: Apache is not running (WEB-001), confirmed by a second look.",),
        trace=(
            Step(about="priority", said="Urgent", rule="r", because=(DOWN.fingerprint,)),
            Step(about="scope", said="In scope of the vendor's support.", rule="r"),
        ),
    ),
    impact=(
        Impact(
            area="web",
            what="websites that were asked fail",
            affected_count=3,
            total_count=9,
            names=("a.example.com", "b.example.com", "c.example.com"),
            note="90 are configured",
        ),
    ),
    changes=CHANGES,
    environment=Environment(system="AlmaLinux 9.4", kernel="5.14.0", role="manager", nodes_count=2),
    remote_assistance=AssistanceReport(state="on", ready=True),
)


def told(made: Report, **more: Any) -> dict[str, list[str]]:
    return sections(ticket_of(made, **more).message)


# The head

NAMES = "a.example.com, b.example.com, c.example.com"
DONE = (
    "httpd.service restarted 13:26 UTC and 1 more; 1 run of yum or dnf, the last 11:26 UTC; "
    "the server came up 12:26 UTC; 1 configuration change, none of what is named above"
)


def test_the_story_in_ten_lines() -> None:
    message = ticket_of(replace(FULL, note="\n I did it \n twice")).message
    assert message.split("\n\n")[0].split("\n") == [
        "SUMMARY (by iwx-agent 0.1.0, 2026-11-23 15:26 UTC)",
        "- Apache is not running [WEB-001]",
        "- Since 2026-11-23 13:26 UTC, 2 h ago (systemctl show httpd.service)",
        f"- Reaches web: 3 of 9 websites that were asked fail: {NAMES} (90 are configured)",
        "- It explains 1 further finding: All websites fail [WEB-010]",
        "- Urgent: an emergency, confirmed by a second look.",
        "- In scope of the vendor's support.",
        f"- Done in the last 24 hours: {DONE}",
        "- A person notes: I did it",
    ]


def test_a_summary_never_has_more_than_ten_lines() -> None:
    many = [incident(finding(f"A-{n:03}"), *(finding(f"B-{m:03}") for m in range(5))) for n in range(9)]
    made = replace(
        FULL,
        incidents=tuple(many),
        note="x",
        remote_assistance=AssistanceReport(state="off"),
        verdict=replace(FULL.verdict, reasons=("High: x (A-000).", "y"), trace=FULL.verdict.trace * 3),
    )
    lines = ticket_of(made).message.split("\n\n")[0].split("\n")
    assert len(lines) == 10
    assert "- Besides: title of A-001 [A-001]; title of A-002 [A-002] and 6 more" in lines
    assert "title of B-000 [B-000]; title of B-001 [B-001] and 3 more" in lines[4]


def test_a_ticket_is_about_the_incident_that_decided_the_priority() -> None:
    other = incident(finding("SYSTEM-001", "/", title="The disk is full"), fingerprint="f" * 16)
    made = replace(FULL, incidents=(other, DOWN))
    assert "Apache is not running" in ticket_of(made).subject
    assert ticket_of(made).key == ticket_of(FULL).key
    unknown = Step(about="priority", said="x", rule="r", because=("gone",))
    made = replace(made, verdict=replace(made.verdict, trace=(unknown,)))
    assert "The disk is full" in ticket_of(made).subject


# Subject and key


def test_the_subject_has_priority_what_where_and_key() -> None:
    assert ticket_of(FULL).subject == (
        f"[URGENT] Apache is not running on iwx1.example.com [{ticket_of(FULL).key}]"
    )


@pytest.mark.parametrize("characters", [80, 120, 255])
@pytest.mark.parametrize("title", ["x", "x" * 300, "\x1b" * 90])
@pytest.mark.parametrize("name", ["a.example", "n" * 253])
def test_what_is_cut_of_a_subject_is_the_middle(characters: int, title: str, name: str) -> None:
    made = report(incident(finding(title=title)), host=report_host(fqdn=name))
    subject = ticket_of(made, TicketLimits(subject_characters=characters)).subject
    assert len(subject) <= characters
    assert re.fullmatch(r"\[MEDIUM\] .+ on .+ \[iwx-[0-9a-f]{10}\]", subject)
    if len(name) < 20:
        assert f" on {name} [" in subject
    if len(title) > 200:
        assert len(subject) == characters


def test_the_key_does_not_hang_on_words_or_name_servers() -> None:
    key = ticket_of(FULL).key
    reworded = incident(
        finding("WEB-001", "httpd.service", title="other words"), since_at=DOWN.since_at, since_source="else"
    )
    other_name = report_host(fqdn="other.example.com", panel_version="")
    assert ticket_of(replace(FULL, incidents=(reworded,), host=other_name)).key == key
    by_hand = report_host(fqdn="web1.example.com", fqdn_source="configuration")
    assert ticket_of(replace(FULL, host=by_hand)).key != key


def test_whoever_remembers_the_beginning_decides_the_day() -> None:
    restarted = replace(DOWN, since_at=AT + timedelta(days=1))
    later = replace(FULL, incidents=(restarted,))
    assert ticket_of(later).key != ticket_of(FULL).key
    assert ticket_of(later, began_on=date(2026, 11, 23)).key == ticket_of(FULL).key
    timeless = replace(FULL, incidents=(replace(DOWN, since_at=None),))
    assert ticket_of(timeless).key == ticket_of(replace(timeless, collected_at=AT + timedelta(days=9))).key


# Sections


def test_the_sections_answer_the_checklist() -> None:
    found = told(FULL)
    assert missing(found) == set()
    assert found["ERRORS, AND WHERE THEY ARE SEEN"] == [
        "1. Apache is not running [WEB-001] (EMERGENCY, seen twice)",
        "   scope: vendor (guide 7.1, qualifies: NodeWorx)",
        "   It is dead.",
        "   seen in: GET http://localhost/ at 127.0.0.1 (refused)",
        "     | connection refused",
        "   seen in: journalctl -u httpd.service, 2026-11-23 15:26 UTC to 2026-11-23 15:28 UTC",
        "     | Stopping",
        "     | Stopped",
        "   - consequence: All websites fail [WEB-010]",
        "     seen in: /var/log/x:1",
        "       | said so",
    ]
    assert found[HEADINGS[4]] == [
        "- services:",
        "  2026-11-23 13:26 UTC  httpd.service: restarted (the journal)",
        "  2026-11-23 15:26 UTC  httpd.service: failed (signal) (the journal)",
        "- packages:",
        "  2026-11-23 11:26 UTC  dnf update (dnf.log:1)",
        "- reboots:",
        "  2026-11-23 12:26 UTC  the server: came up (wtmp)",
        "- configuration:",
        "  2026-11-23 12:26 UTC  /etc/x: changed (times of the files)",
        "- by a person: nothing was noted",
    ]
    assert "- Role: cluster manager, 2 nodes" in found["ENVIRONMENT"]
    assert found["STEPS TO REPRODUCE"][:2] == [
        "1. $ curl -vk --max-time 15 http://localhost/",
        "   | connection refused",
    ]


def test_what_was_not_asked_is_not_determined() -> None:
    found = told(report(DOWN))
    assert found["IMPACT"] == ["- could not be determined: it was not looked at"]
    assert found[HEADINGS[4]][0].startswith("- services, packages, reboots, configuration: could not be")
    assert "- Done in the last 24 hours: could not be determined" in found["SUMMARY"]
    assert "- Whom it reaches: could not be determined" in found["SUMMARY"]


def test_a_quiet_day_and_nobody_reached_are_said_too() -> None:
    found = told(replace(FULL, changes=Changes(since_at=AT), impact=()))
    assert found["IMPACT"] == ["- no site, mail service, node or database is seen to fail by it"]
    assert "- No site, mail service, node or database is seen to fail by it" in found["SUMMARY"]
    assert found[HEADINGS[4]] == [
        "- services: none seen to be started, stopped or restarted",
        "- packages: none seen to be installed, updated or removed",
        "- reboots: none seen",
        "- configuration: no file of it seen to change",
        "- by a person: nothing was noted",
    ]
    assert "- Done in the last 24 hours: nothing seen" in found["SUMMARY"]
    assert "COULD NOT BE DETERMINED" not in found


def test_gaps_are_listed_and_pointed_at() -> None:
    gaps = (ChangeGap(kind="service", reason="no journal"), ChangeGap(kind="config", reason="no find"))
    made = replace(
        FULL,
        changes=replace(CHANGES, gaps=gaps, entries=CHANGES.entries[-1:], left_out_count=7),
        environment=Environment(gaps=("operating system and kernel: no file",)),
        results=tuple(
            result(check_id=check, status=Status.UNKNOWN, reason=reason)
            for check, reason in (
                ("a.b", "why: so"),
                ("a.c", "package_log: is empty"),
                ("a.of_time", "of_time: why"),
                ("a.of_time", "a_of_time: why"),
            )
        ),
    )
    found = told(made)
    assert "- services; could not be determined wholly, see below:" in found[HEADINGS[4]]
    assert "- configuration: could not be determined, see below" in found[HEADINGS[4]]
    assert "- and 7 earlier changes in the agent's report" in found[HEADINGS[4]]
    assert found["COULD NOT BE DETERMINED"] == [
        "- a.b: why: so",
        "- a.c: package log: is empty",
        "- a.of_time: why",
        "- a.of_time: why",
        "- changes of services: no journal",
        "- changes of configuration: no find",
        "- operating system and kernel: no file",
    ]
    assert "- System: not determined" in found["ENVIRONMENT"]
    assert "- Role: not determined" in found["ENVIRONMENT"]
    done = (
        "- Done in the last 24 hours (not all could be determined): httpd.service failed (signal) 15:26 UTC"
    )
    assert done in found["SUMMARY"]


def test_many_changes_of_a_kind_are_counted_those_that_matter_shown() -> None:
    entries = (
        Change(
            kind="service", at=AT - timedelta(hours=9), subject="httpd.service", said="stopped", source="j"
        ),
        *(
            Change(
                kind="service", at=AT - timedelta(minutes=9 - n), subject=f"u{n}", said="started", source="j"
            )
            for n in range(9)
        ),
    )
    found = told(replace(FULL, changes=replace(CHANGES, entries=entries)))[HEADINGS[4]]
    assert found[0] == "- services; 4 more in the agent's report:"
    assert found[1] == "  2026-11-23 06:26 UTC  httpd.service: stopped (j)"
    assert [line.split("  ")[2][:2] for line in found[2:7]] == ["u4", "u5", "u6", "u7", "u8"]


def test_a_ticket_without_findings_has_the_persons_words() -> None:
    made = report(note="it is slow\nsince noon", changes=Changes(since_at=AT))
    found = told(made)
    assert list(found)[:3] == ["SUMMARY", "A PERSON'S NOTE", HEADINGS[4]]
    assert found["A PERSON'S NOTE"] == ["  | it is slow", "  | since noon"]
    assert found["SUMMARY"][0].endswith("the description is the person's own: it is slow")
    bare = told(report())
    assert bare["SUMMARY"][0].endswith("the description is the person's own, and none was given")
    assert "IMPACT" not in bare
    assert "- scope could not be determined: nothing was found" in bare["SCOPE AND ACCESS"]
    assert ticket_of(report()).subject.startswith("[MEDIUM] question about this server on iwx1.example.com [")
    assert ticket_of(report(), length="short").message.split("\n")[0] == "iwx1.example.com [MEDIUM] question"
    assert ticket_of(made, length="short").message.startswith("iwx1.example.com [MEDIUM] it is slow\niwx-")


def test_what_is_not_known_of_the_server_is_said() -> None:
    host = report_host(
        addresses=(), panel_version="", fqdn="", fqdn_resolves=None, booted_at=None, address_note="no address"
    )
    unknown = tuple(result(check_id=f"a.b{n}", status=Status.UNKNOWN, reason="why") for n in range(12))
    made = ticket_of(report(host=host, results=unknown))
    found = sections(made.message)
    assert made.ip_address_or_hostname == "iwx1"
    for line in ("Addresses: none found", "InterWorx: version not determined", "Up since: unknown"):
        assert f"- {line}" in found["ENVIRONMENT"]
    assert "- Note: no address" in found["ENVIRONMENT"]
    assert found["COULD NOT BE DETERMINED"][-1] == "- and 2 more checks"


def test_an_address_that_leads_nobody_here_is_marked() -> None:
    host = report_host(addresses=(Address(ip="10.0.0.1", source="route", private=True),))
    assert ticket_of(report(host=host)).ip_address_or_hostname == (
        "iwx1.example.com (private address 10.0.0.1)"
    )


@pytest.mark.parametrize(("state", "word"), [("on", "Yes"), ("off", "No"), ("unknown", "not determined")])
def test_remote_assistance_in_a_word(state: Any, word: str) -> None:
    made = replace(FULL, remote_assistance=AssistanceReport(state=state))
    assert ticket_of(made).assistance == word
    stands = any(line.startswith("- Remote Assistance: ") for line in told(made)["SUMMARY"])
    assert stands == (state != "on")


def test_a_door_that_is_open_but_barred_stands_in_the_summary() -> None:
    barred = AssistanceReport(state="on", ready=False, obstacles=("sshd is stopped",))
    lines = told(replace(FULL, remote_assistance=barred))["SUMMARY"]
    assert any("support cannot get in: sshd is stopped" in line for line in lines)


def test_many_incidents_are_counted() -> None:
    many = tuple(
        incident(finding(f"A-{n:03}", detail=" "), *(finding(f"B-{m:03}") for m in range(6)))
        for n in range(12)
    )
    found = told(report(*many))
    assert found["SINCE WHEN"][-1] == "- and 4 more incidents"
    errors = found["ERRORS, AND WHERE THEY ARE SEEN"]
    assert errors[-2:] == [
        "   - and 2 more consequences in the agent's report",
        "... and 6 more incidents in the agent's report",
    ]
    wide = finding("A-001", evidence=tuple(Evidence(source=f"/x:{n}", text="t") for n in range(9)))
    errors = told(report(incident(wide)))["ERRORS, AND WHERE THEY ARE SEEN"]
    assert errors[-1] == "   seen in 1 more place: in the agent's report"


def test_what_the_detail_quotes_is_not_quoted_again_and_silence_is_no_quote() -> None:
    lead = finding(
        detail="It said: so and so.",
        evidence=(Evidence(source="/a:1", text="so\nand so"), Evidence(source="/b:1", text=" ")),
    )
    errors = told(report(incident(lead)))["ERRORS, AND WHERE THEY ARE SEEN"]
    assert errors[3:] == ["   seen in: /a:1", "   seen in: /b:1"]


def test_what_an_incident_has_quoted_is_not_quoted_again() -> None:
    one, other = Evidence(source="/a:1", text="so"), Evidence(source="/a:1", text="not so")
    silent = Evidence(source="/b:1", text="")
    made = [
        finding(code, detail="", evidence=(quote, silent))
        for code, quote in (("A-001", one), ("A-002", one), ("A-003", other))
    ]
    errors = told(report(incident(*made), incident(made[0])))["ERRORS, AND WHERE THEY ARE SEEN"]
    quotes = [line for line in errors if "title of" not in line and "scope:" not in line]
    assert quotes == [
        *("   seen in: /a:1", "     | so", "   seen in: /b:1"),
        *("     seen in: /a:1 (as above)", "     seen in: /b:1"),
        *("     seen in: /a:1", "       | not so", "     seen in: /b:1"),
        *("   seen in: /a:1", "     | so", "   seen in: /b:1"),
    ]


def test_what_is_only_inferred_and_how_sure_it_is() -> None:
    lead = finding(inferred=True, severity=Severity.WARNING)
    made = report(incident(lead, finding("B-001", inferred=True), state=IncidentState.OPEN))
    text = ticket_of(made).message
    why = "inferred: it rests on what is not proven of the panel"
    assert f"1. title of PANEL-001 [PANEL-001] (EMERGENCY; {why})" in text
    assert f"- consequence: title of B-001 [B-001] ({why})" in text
    assert "- title of PANEL-001 [PANEL-001, inferred]" in text


def test_no_step_is_said() -> None:
    made = report(incident(finding(evidence=(Evidence(source="somewhere", text="x"),))))
    assert told(made)["STEPS TO REPRODUCE"][0].startswith("- could not be determined: no command")


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (Impact(area="a", what="sites fail", affected_count=3, total_count=3), "a: all 3 sites fail"),
        (Impact(area="a", what="sites fail", affected_count=1, total_count=1), "a: 1 of 1 sites fail"),
        (Impact(area="a", what="wait", affected_count=12000), "a: 12,000 wait"),
        (Impact(area="a", what="w", affected_count=9, names=("x",)), "a: 9 w: x and 8 more"),
        (Impact(area="a", what="w", names=("1", "2", "3", "4")), "a: w: 1, 2, 3 and 1 more"),
        (Impact(area="a", what="w", note="n"), "a: w (n)"),
    ],
)
def test_whom_it_reaches_in_a_line(made: Impact, line: str) -> None:
    assert f"- Reaches {line}" in told(replace(FULL, impact=(made,)))["SUMMARY"]


def test_titles_are_not_repeated_in_the_summary() -> None:
    steps = (
        *FULL.verdict.trace[:1],
        Step(
            about="scope",
            said="Whether it is in scope cannot be told (Apache is not running (WEB-001)).",
            rule="r",
        ),
    )
    reason = "High: a service suffers (Apache is not running, WEB-001), but no emergency."
    made = replace(FULL, verdict=replace(FULL.verdict, trace=steps, reasons=(reason,)))
    lines = told(made)["SUMMARY"]
    assert "- High: a service suffers, but no emergency." in lines
    assert "- Whether it is in scope cannot be told." in lines


# Cutting


def lines_of(count: int, *, finding_begins: bool = False) -> list[Line]:
    return [Line(text=f"- line {n} {'x' * 20}", finding=finding_begins) for n in range(count)]


def test_what_fits_is_whole() -> None:
    made = [section("ONE", lines_of(3)), section("TWO", lines_of(1), "why")]
    text = "ONE\n" + "\n".join(line.text for line in lines_of(3)) + "\n\nTWO (why)\n" + lines_of(1)[0].text
    assert message_of(made, len(text)) == (text, False)
    assert message_of(made, len(text) - 1)[1] is True


@pytest.mark.parametrize(
    ("limit", "kept", "note"),
    [
        # 62 characters are A, 3 the start of B, 30 each of its lines; then the note of 60, 59 or 43.
        (214, 4, "... cut: 5 findings and 2 sections are in the agent's report"),
        (215, 5, "... cut: 4 findings and 2 sections are in the agent's report"),
        (317, 8, "... cut: 1 finding and 2 sections are in the agent's report"),
        (318, 9, "... cut: 1 section is in the agent's report"),
    ],
)
def test_what_is_cut_is_counted(limit: int, kept: int, note: str) -> None:
    made = [
        section("A", lines_of(2)),
        section("B", lines_of(7, finding_begins=True)),
        section("C", lines_of(9)),
    ]
    text, was_cut = message_of(made, limit)
    assert was_cut
    assert text.split("\n")[-1] == note
    assert sum(line.startswith("- line") for line in text.split("\n")) == kept


def test_neither_a_heading_nor_an_empty_line_stands_last() -> None:
    made = [section("A", lines_of(2)), section("B", lines_of(1))]
    whole = message_of(made, 1_000)[0]
    for limit in range(105, len(whole)):
        text, _ = message_of(made, limit)
        assert text.split("\n")[-2] == lines_of(2)[1].text or text.split("\n")[-2] == lines_of(1)[0].text
        assert text.endswith("... cut: 1 section is in the agent's report") or "sections are" in text


def test_a_limit_that_nothing_fits_into_still_holds() -> None:
    assert message_of([section("A", lines_of(3))], 20) == ("... cut: 1 section i", True)


@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=6), st.integers(1_000, 3_000)
)
def test_no_message_is_longer_and_no_line_is_cut(parts: list[tuple[int, bool]], limit: int) -> None:
    made = [
        section(f"HEAD {n}", lines_of(count, finding_begins=begins))
        for n, (count, begins) in enumerate(parts)
    ]
    whole, _ = message_of(made, 10**9)
    text, was_cut = message_of(made, limit)
    assert len(text) <= limit
    assert was_cut == (len(whole) > limit)
    kept = text.split("\n")[: -1 if was_cut else None]
    assert whole.split("\n")[: len(kept)] == kept


def test_quotes_keep_their_lines_and_say_what_is_left_out() -> None:
    assert quoted("\na\n\n b  c\n", "  ", 5) == ["  | a", "  | b c"]
    assert quoted("a\nb\nc\nd", "", 2) == ["| a", "| b", "| ... 2 more lines"]
    assert quoted(" \n", "", 2) == []


# Forms


def test_the_fields_stand_in_the_order_of_the_form() -> None:
    labels = [label for label, _ in ticket_of(FULL).fields]
    assert labels == [
        "Category",
        "IP Address or Hostname",
        "Remote Assistance Enabled?",
        "Subject",
        "Message",
        "Priority",
    ]
    text = ticket_text(FULL)
    assert [text.index(f"{label}:") for label in labels] == sorted(
        text.index(f"{label}:") for label in labels
    )


def test_markdown_shows_every_field_as_it_is() -> None:
    tokens = MarkdownIt().parse(render_ticket(FULL, "markdown"))
    shown = [token.content for token in tokens if token.type in ("inline", "fence")]
    made = ticket_of(FULL)
    assert shown[:2] == ["Category", "`Support`"]
    assert made.message + "\n" in shown
    assert f"`{made.subject}`" in shown


def blocked(mode: ProviderMode) -> Report:
    provider = Provider(name="Example Hosting", text="Write to us.", mode=mode)
    return replace(FULL, verdict=replace(FULL.verdict, licence=Licence.RESELLER, provider=provider))


def test_a_ticket_that_may_not_go_out_has_no_fields_in_any_form() -> None:
    made = blocked(ProviderMode.BLOCK)
    assert ticket_text(made) == "To: Example Hosting\n  Write to us.\n"
    document = json.loads(render_ticket(made, "json"))
    assert (document["fields"], document["heading"]) == ([], ["To: Example Hosting", "  Write to us."])
    assert render_ticket(made, "markdown").count("##") == 0
    assert len(json.loads(render_ticket(blocked(ProviderMode.COPY), "json"))["fields"]) == 6


# Hostile text

IMITATIONS = [
    "\nPriority: Low\n",
    "x\r\nSubject: y\r\n\r\nMessage: z",
    "\n\nSUMMARY\n- all is well",
    "\nKEY\nTicket key: iwx-0000000000",
    "\n\n## Subject\n\n```\n</textarea>",
    "| a | b |\n|---|---|\n| c | d |",
    "``` ` ````text\n~~~",
    "\n1. $ rm -rf /\n",
    "... cut: 3 findings are in the agent's report",
]


def with_everything(text: str) -> Report:
    """The text wherever something of the machine, or a person, can stand in a ticket."""
    change = Change(kind="service", at=AT, subject=text, said=text, source=text)
    kinds: tuple[Any, ...] = ("service", "package", "reboot", "config")
    return replace(
        everywhere(text),
        impact=(Impact(area=text, what=text, names=(text,) * 5, note=text),),
        changes=Changes(
            since_at=AT,
            entries=tuple(replace(change, kind=kind) for kind in kinds),
            gaps=tuple(ChangeGap(kind=kind, reason=text) for kind in kinds),
        ),
        environment=Environment(system=text, kernel=text, gaps=(text,)),
        note=text,
        remote_assistance=AssistanceReport(state="unknown", reason=text),
    )


ALL_HOSTILE = [*HOSTILE, *TRIPWIRES, *IMITATIONS]
every_text = pytest.mark.parametrize("text", ALL_HOSTILE, ids=lambda text: ascii(text[:14]))


def forms_of(made: Report) -> list[tuple[str, Ticket]]:
    lengths: tuple[Any, ...] = ("full", "short")
    return [(length, ticket_of(made, length=length)) for length in lengths]


@every_text
def test_hostile_text_makes_no_line_field_or_heading(text: str) -> None:
    made = with_everything(text)
    plain = with_everything("text")
    wide = TicketLimits(message_characters=100_000)
    assert list(told(made, limits=wide)) == list(told(plain, limits=wide))
    for (_, ticket), (_, expected) in zip(forms_of(made), forms_of(plain), strict=True):
        assert len(ticket.message.split("\n")) <= 3 * len(expected.message.split("\n")) + 100
        for label, value in ticket.fields:
            assert label == "Message" or "\n" not in value
            for raw in ("\x1b", "\x07", "\r", "\x00", "\u2028", "\u202e", "\u2066", "\ud800"):
                assert raw not in value
            value.encode()
        assert len(ticket.subject) <= 120
        assert len(ticket.message) <= 15_000
    text_form = ticket_text(made)
    for label, _ in ticket_of(made).fields:
        assert sum(line.startswith(f"{label}:") for line in text_form.split("\n")) == 1
    assert all(
        step.startswith(("curl ", "sed ")) for step in re.findall(r"^\d+\. \$ (.*)$", text_form, re.MULTILINE)
    )


@every_text
def test_hostile_text_makes_no_markdown(text: str) -> None:
    tokens = MarkdownIt("js-default").parse(render_ticket(with_everything(text), "markdown"))
    kinds = {token.type for token in tokens}
    assert kinds <= {"heading_open", "inline", "heading_close", "paragraph_open", "paragraph_close", "fence"}
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "code_inline"}
    assert sum(token.type == "heading_open" for token in tokens) == 6


@every_text
def test_hostile_text_makes_no_json_key(text: str) -> None:
    document = json.loads(render_ticket(with_everything(text), "json"))
    assert [field["label"] for field in document["fields"]] == [label for label, _ in ticket_of(FULL).fields]


@given(st.text(max_size=60))
def test_no_text_makes_a_line_of_its_own(text: str) -> None:
    found = told(with_everything(text))
    assert set(found) <= set(HEADINGS)


def test_the_document_is_what_the_schema_says(golden: Callable[[str, str], None]) -> None:
    golden("ticket.json", forms.json(ticket_of(FULL)).decode())
