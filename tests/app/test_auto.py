"""A server's story as ``auto`` tells it: what is kept after each run, and what the help desk gets."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import AT, finding, result
from emergencies import MAIL, WEB, seen
from msgspec.structs import replace
from story import AUTHOR, BUNDLE, FIVE, KEY, Busy, Server

from iwx_agent.app.auto import STOP, Outcome, decide_and_keep, situation_of, why_silent, why_stopped
from iwx_agent.app.filing import Known, Writing, free_number, known_of
from iwx_agent.app.posted import Posted
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.model import CheckResult, Report, Severity, Status
from iwx_agent.model.changes import Change, ChangeGap, Changes
from iwx_agent.model.episode import Action, Decision, Ignored
from iwx_agent.model.sending import OutboxRules
from iwx_agent.model.window import Day, Window
from iwx_agent.outbox.machine import Outbox, State
from iwx_agent.outbox.shelf import StoreShelf
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.contract import Ignore, Past
from iwx_agent.state.door import StateError
from iwx_agent.state.memory import MemoryStore
from iwx_agent.triage.decision import decide


def row(decision: Decision) -> tuple[str, str]:
    return decision.action.value, decision.row


def test_what_a_wrong_clock_noted_holds_nothing_once_the_clock_is_known_to_be_right() -> None:
    ahead = seen(MAIL).collected_at + timedelta(days=300)
    known = Known(past=Past(said_at=(ahead,), filed_at=(ahead,)))
    rules = AutoSettings(enabled=True, drafts_count=0)

    def decided(*results: CheckResult) -> Decision:
        report = seen(MAIL)
        report = replace(report, results=(*report.results, *results))
        return decide(situation_of(report, known, rules, AT, stopped="", new_key=KEY))

    assert decided().row == "clock"
    assert decided(result(check_id="system.clock", status=Status.UNKNOWN)).row == "clock"
    assert decided(result(check_id="system.clock")).row == "first time"


def test_a_forgotten_ticket_leaves_a_free_key_whatever_returns_mean() -> None:
    """Without a since the key is the same again: it must not be that of the ticket that is there."""
    server = Server(return_within_s=30 * 86_400)
    undated = replace(MAIL, since_at=None)
    server.run(undated)
    server.now += timedelta(days=4)
    assert server.run(undated).row == "first time"
    assert len(server.texts()) == 2


# A story


def test_filed_once_updated_once_and_told_that_it_is_over() -> None:
    server = Server()
    assert row(server.run()) == ("nothing", "nothing")
    assert row(server.run(MAIL)) == ("file", "first time")
    assert row(server.run(MAIL)) == ("nothing", "unchanged")
    assert row(server.run(MAIL, WEB)) == ("update", "new member")
    assert row(server.run(MAIL, WEB)) == ("nothing", "unchanged")
    assert row(server.run(WEB)) == ("nothing", "better")
    assert row(server.run()) == ("nothing", "getting over")
    restarted = Change(
        kind="service",
        at=AT + 5 * FIVE + FIVE / 2,
        subject="httpd.service",
        said="restarted",
        source="journal",
    )
    changes = Changes(since_at=AT, entries=(restarted, replace(restarted, at=AT, subject="early.service")))
    assert row(server.run(changes=changes)) == ("recovery", "over")
    assert row(server.run()) == ("nothing", "nothing")
    first, update, recovery = server.texts()
    assert [text.entry.state for text in (first, update, recovery)] == [State.SENT] * 3
    assert server.kinds() == {"filed": 1, "said": 2, "draft": 0, "decision": 9}

    assert (first.entry.key, first.entry.chain) == (KEY, ("portal", "email"))
    assert first.letter.key == KEY
    assert first.letter.subject == f"[URGENT] Mail is down on iwx1.example.com [{KEY}]"
    assert (first.letter.priority, first.letter.assistance) == ("Urgent", "Yes")
    assert (first.letter.sender_name, first.letter.sender_mail) == (
        "Server administration",
        "admin@example.com",
    )
    assert (first.letter.attachments, first.letter.reference) == ((BUNDLE,), "")
    assert first.letter.written_at == (AT + FIVE).timestamp()

    assert (update.entry.key, update.entry.chain) == (f"{KEY}-2", ("portal",))
    assert (update.letter.key, update.letter.reference) == (KEY, "4711")
    assert update.letter.page == "https://desk.example.com/4711"
    assert update.letter.subject == first.letter.subject
    assert update.letter.attachments == ()
    lines = update.letter.message.splitlines()
    assert lines[0].startswith("UPDATE (by iwx-agent ")
    assert lines[1] == f"- The web server is down: new beside what {KEY} tells"
    assert any(line.startswith("1. The web server is down [WEB-001]") for line in lines)
    told = lines.index("TOLD BEFORE, AND STILL SO")
    assert lines[told + 1] == "- Mail is down"
    assert "TOLD BEFORE, AND NOT SEEN ANY MORE" not in lines
    assert lines[-1] == f"- Ticket key: {KEY}; this text: {KEY}-2"

    assert (recovery.entry.key, recovery.letter.reference) == (f"{KEY}-3", "4711")
    lines = recovery.letter.message.splitlines()
    assert lines[1] == f"- {KEY} is over: it lasted 55 min"  # since 14:56; last seen 15:51
    assert "- 55 min: from 2026-11-23 14:56 UTC to 2026-11-23 15:51 UTC, when it was seen last" in lines
    assert "- first run without it, in which every check could tell: 2026-11-23 15:56 UTC" in lines
    over = lines.index("WHAT THE TICKET TOLD, AND IS OVER")
    assert lines[over + 1 : over + 3] == ["- Mail is down", "- The web server is down"]
    assert "- 2026-11-23 15:54 UTC httpd.service: restarted (journal)" in lines
    assert not any("early.service" in line for line in lines)


def test_a_recovery_says_when_nothing_is_known_to_have_changed() -> None:
    gap = ChangeGap(kind="package", reason="the log of dnf could not be read")
    for changes, expected in (
        (None, "- could not be determined: it was not looked at"),
        (Changes(since_at=AT), "- no service, package, reboot or file of the configuration"),
        (
            Changes(since_at=AT, gaps=(gap,)),
            "- no service, package, reboot or file of the configuration among what could be determined",
        ),
    ):
        server = Server(good_runs_count=1)
        server.run(MAIL)
        server.run(changes=changes)
        lines = server.texts()[-1].letter.message.splitlines()
        heading = lines.index("WHAT CHANGED BETWEEN THE LAST RUN WITH IT AND THE FIRST WITHOUT")
        assert expected in lines[heading:]


def test_a_recovery_tells_the_changes_nearest_to_it_and_those_of_the_last_look() -> None:
    """What the last bad run has looked at may have been mended before that run was at its end."""
    server = Server(good_runs_count=1)
    bad_at = server.now
    server.run(MAIL)
    one = Change(kind="service", at=AT, subject="x", said="restarted", source="journal")
    seconds = (-61, *range(-60, 0, 2))
    many = tuple(replace(one, at=bad_at + timedelta(seconds=n), subject=f"unit{n}") for n in seconds)
    server.run(changes=Changes(since_at=AT, entries=many))
    told = server.texts()[-1].letter.message
    assert "\n- 10 earlier changes: in the agent's report\n" in told
    assert [n for n in seconds if f" unit{n}: " in told] == list(range(-40, 0, 2))


def test_a_desk_that_is_closed_gets_the_ticket_first_and_the_recovery_after_it() -> None:
    server = Server()
    server.desk_is_open = False
    assert row(server.run(MAIL)) == ("file", "first time")
    assert row(server.run(MAIL, WEB)) == ("hold", "new member, waits")
    assert row(server.run()) == ("nothing", "getting over")
    assert row(server.run()) == ("hold", "over, waits")
    assert row(server.run()) == ("hold", "over, waits")
    assert [text.entry.state for text in server.texts()] == [State.QUEUED]
    server.desk_is_open = True
    assert row(server.run()) == ("hold", "over, waits")  # it is delivered at the end of this run
    assert row(server.run()) == ("recovery", "over")
    assert [text.entry.state for text in server.texts()] == [State.SENT, State.SENT]


def test_a_draft_that_nobody_sends_is_taken_back_when_it_is_over() -> None:
    server = Server(drafts_count=1, good_runs_count=1)
    assert row(server.run(MAIL)) == ("draft", "draft")
    assert row(server.run(MAIL, WEB)) == ("hold", "new member, waits")
    assert row(server.run()) == ("nothing", "over")
    (draft,) = server.texts()
    assert (draft.entry.state, draft.entry.attempts[-1].ending) == (State.DROPPED, "dropped")
    assert row(server.run(MAIL)) == ("file", "first time")  # the same on the same day
    second = server.texts()[1]
    assert second.letter.key == key_of(seen(MAIL), number=2) != KEY
    assert f"[{second.letter.key}]" in second.letter.subject


def test_a_draft_that_a_person_sends_is_the_ticket() -> None:
    server = Server(drafts_count=1)
    server.run(MAIL)
    shelf = StoreShelf(server.store)
    draft = shelf.one(KEY)
    assert draft is not None
    assert (draft.entry.state, draft.entry.due_at) == (State.DRAFT, None)
    shelf.move(draft, Outbox(OutboxRules(), server.now).approved(draft.entry))
    assert row(server.run(MAIL)) == ("nothing", "unchanged")
    assert row(server.run(MAIL, WEB)) == ("update", "new member")


def test_what_came_back_is_told_to_the_same_ticket_with_all_that_is_so_now() -> None:
    server = Server(good_runs_count=1)
    server.run(MAIL)
    server.run()
    assert row(server.run(MAIL)) == ("update", "came back")
    lines = server.texts()[-1].letter.message.splitlines()
    assert any(line.startswith("1. Mail is down [MAIL-001]") for line in lines)
    assert [text.entry.key for text in server.texts()] == [KEY, f"{KEY}-2", f"{KEY}-3"]


def test_what_is_not_seen_any_more_is_named_in_the_next_update() -> None:
    server = Server()
    server.run(MAIL)
    assert row(server.run(WEB)) == ("update", "new member")
    lines = server.texts()[-1].letter.message.splitlines()
    assert lines[lines.index("TOLD BEFORE, AND NOT SEEN ANY MORE") + 1] == "- Mail is down"


def test_worse_tells_the_incident_again() -> None:
    server = Server()
    mild = replace(WEB, others=(finding("WEB-009", "x", title="A site is slow", severity=Severity.WARNING),))
    bad = replace(WEB, others=(finding("WEB-009", "x", title="A site is slow", severity=Severity.ERROR),))
    server.run(mild)
    assert row(server.run(bad)) == ("update", "worse")
    lines = server.texts()[1].letter.message.splitlines()
    assert any(line.startswith("1. The web server is down") for line in lines)


def test_the_decision_is_noted_with_action_row_and_sentence() -> None:
    server = Server()
    server.run(MAIL)
    event = server.store.events("decision", 1)[0]
    assert (event.at, event.key) == (AT.replace(microsecond=0), KEY)
    assert event.said == f"file: first time\nMail is down (MAIL-001): a new ticket, {KEY}"


# What a decision rests on


def kept_in(store: MemoryStore) -> Decision:
    sending = Sending(auto=AutoSettings(enabled=True, drafts_count=0))
    return decide_and_keep(seen(MAIL), store, sending, AUTHOR, AT)


def test_it_is_decided_again_when_another_process_was_faster() -> None:
    busy = Busy(2)
    assert row(kept_in(busy)) == ("file", "first time")
    assert len(busy.texts(9)) == 1


def test_always_too_late_is_an_error() -> None:
    with pytest.raises(StateError) as told:
        kept_in(Busy(3))
    assert told.value.kind == "conflict"


def situation(found: Report | None = None, past: Past | None = None, now: datetime = AT, **rules: Any) -> Any:
    return situation_of(
        found or seen(), Known(past=past or Past()), AutoSettings(**rules), now, stopped="", new_key="iwx-1"
    )


def test_a_clock_that_is_wrong_is_told() -> None:
    wrong = finding("SYSTEM-071", "clock", detail="The clock is 90 s fast.")
    assert situation(seen(results=(result(wrong),))).clock_wrong == "The clock is 90 s fast."
    assert situation(past=Past(said_at=(AT + FIVE,))).clock_wrong == ""
    late = AT + FIVE + timedelta(seconds=1)
    assert situation(past=Past(said_at=(late,))).clock_wrong == (
        "the last text is of 2026-11-23 15:31 UTC, which has not come yet"
    )


def test_the_window_is_that_of_its_zone() -> None:
    window = Window(days=(Day.MONDAY,), begins=AT.time().replace(hour=10), time_zone="America/New_York")
    assert situation(window=window).outside_window == ""  # 10:26 there
    assert "Monday 09:26 is outside" in situation(window=window, now=AT - timedelta(hours=1)).outside_window


def test_what_was_kept_is_handed_on() -> None:
    rule = Ignored(fingerprint="mail", until=AT + FIVE, reason="known")
    found = situation(past=Past(ignored=(rule,), filed_at=(AT,), drafts_count=3))
    assert (found.ignored, found.filed_at, found.drafts_made_count) == ((rule,), (AT,), 3)


def test_an_ignored_incident_is_not_filed() -> None:
    server = Server()
    rule = Ignored(fingerprint=MAIL.fingerprint, until=AT + timedelta(hours=1), reason="known")
    assert server.store.commit(Ignore(rule=rule))
    assert row(server.run(MAIL)) == ("nothing", "ignored")
    assert server.texts() == []


@pytest.mark.parametrize(
    ("state", "delivered", "given_up"),
    [
        (State.DRAFT, False, True),
        (State.QUEUED, False, False),
        (State.SENDING, False, False),
        (State.UNCERTAIN, False, False),
        (State.SENT, True, False),
        (State.FAILED, False, True),
        (State.DROPPED, False, True),
    ],
)
def test_what_became_of_the_ticket(state: State, delivered: bool, given_up: bool) -> None:
    server = Server()
    server.desk_is_open = False
    server.run(MAIL)
    shelf = StoreShelf(server.store)
    first = shelf.one(KEY)
    assert first is not None
    shelf.move(first, replace(first.entry, state=state))
    episode = known_of(server.store, AT).episode
    assert episode is not None
    assert (episode.delivered, episode.given_up) == (delivered, given_up)


def test_a_further_text_needs_a_ticket() -> None:
    writing = Writing(seen(MAIL), AUTHOR, AT)
    with pytest.raises(ValueError, match="no ticket is open"):
        writing.further(Decision(action=Action.UPDATE, row="worse", said="x"), Known(past=Past()))
    server = Server()
    server.run(MAIL)
    with pytest.raises(ValueError, match="no ticket is open"):
        writing.further(Decision(action=Action.UPDATE, row="worse", said="x"), known_of(server.store, AT))


def test_a_number_that_no_ticket_has() -> None:
    server = Server()
    assert free_number(server.store, seen(MAIL)) == 1
    server.run(MAIL)
    assert free_number(server.store, seen(MAIL)) == 2
    assert free_number(server.store, seen(WEB)) == 1


# Switches


def test_the_file_stops_everything_whatever_it_is(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    assert (why_silent(stop), why_stopped(AutoSettings(enabled=True), stop)) == ("", "")
    assert why_stopped(AutoSettings(), stop) == "auto is off; iwx-agent auto enable turns it on"
    stop.symlink_to("nowhere")
    assert (
        why_silent(stop)
        == why_stopped(AutoSettings(enabled=True), stop)
        == f"{stop} is there; remove it to go on"
    )
    below = stop / "x"
    stop.unlink()
    stop.touch()
    assert why_silent(below) == f"whether {below} is there could not be told: Not a directory"
    assert str(STOP) == "/etc/iwx-agent/stop"


def test_what_is_shown_of_a_run() -> None:
    server = Server()
    decision = server.run(MAIL)
    (sent,) = server.texts()
    outcome = Outcome(report=seen(MAIL), decision=decision, posted=Posted(moved=(sent,)))
    shown = outcome.sent
    assert (shown.action, shown.row, shown.key) == ("file", "first time", KEY)
    assert [(text.key, text.state, text.reference) for text in shown.texts] == [(KEY, "sent", "4711")]
    assert not outcome.posted.undelivered
    waiting = replace(sent, entry=replace(sent.entry, state=State.UNCERTAIN))
    assert Posted(moved=(sent, waiting)).undelivered
    assert Posted().lines(AT) == ()
