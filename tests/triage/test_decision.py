"""Whether to speak now: each row of the decision table, below, at and above each limit."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from building import AT, finding, incident
from emergencies import DISK, MAIL, WEB, seen
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from iwx_agent.model import (
    AssistanceReport,
    Incident,
    IncidentState,
    Priority,
    Report,
    Severity,
)
from iwx_agent.model.episode import Action, AutoRules, Decision, Episode, Ignored, Told
from iwx_agent.triage.decision import Situation, decide
from iwx_agent.triage.incidents import fingerprint

RULES = AutoRules(drafts_count=0)
KEY = "iwx-1"
SIX_HOURS = timedelta(hours=6)
THREE_DAYS = timedelta(days=3)


def episode(*incidents: Incident, **more: Any) -> Episode:
    values: dict[str, Any] = {
        "key": KEY,
        "opened_at": AT - timedelta(hours=2),
        "began_at": AT - timedelta(hours=3),
        "told": tuple(
            Told(fingerprint=fingerprint(one), title=one.title, severity=one.severity)
            for found in incidents
            for one in (found.lead, *found.others)
        ),
        "told_at": AT - timedelta(hours=2),
        "priority": Priority.URGENT,
        "last_bad_at": AT - timedelta(minutes=10),
        "delivered": True,
    }
    return Episode(**(values | more))


def decided(now_seen: Report, before: Episode | None = None, **more: Any) -> Decision:
    values: dict[str, Any] = {"now": AT, "rules": RULES, "new_key": "iwx-new"}
    return decide(Situation(report=now_seen, episode=before, **(values | more)))


def row(decision: Decision) -> tuple[str, str]:
    return decision.action.value, decision.row


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


# Nothing open


def test_the_first_time_is_filed() -> None:
    found = decided(seen(MAIL))
    assert row(found) == ("file", "first time")
    assert found.said == "Mail is down (MAIL-001): a new ticket, iwx-new"
    assert found.episode is not None
    assert (found.episode.key, found.episode.began_at, found.episode.opened_at) == (
        "iwx-new",
        AT - minutes(30),
        AT,
    )
    assert [told.title for told in found.episode.told] == ["Mail is down"]
    assert not found.episode.delivered


def test_a_beginning_in_the_future_is_not_believed() -> None:
    found = decided(seen(replace(MAIL, since_at=AT + minutes(5))))
    assert found.episode is not None
    assert found.episode.began_at == AT


def test_nothing_seen_nothing_done() -> None:
    assert row(decided(seen())) == ("nothing", "nothing")


def test_the_first_tickets_are_drafts() -> None:
    rules = AutoRules(drafts_count=2)
    assert row(decided(seen(MAIL), rules=rules, drafts_made_count=1)) == ("draft", "draft")
    assert row(decided(seen(MAIL), rules=rules, drafts_made_count=2)) == ("file", "first time")
    said = decided(seen(MAIL), rules=rules).said
    assert said.endswith("a draft of a new ticket, iwx-new (number 1 of 2 that a person sends)")


@pytest.mark.parametrize(
    ("now_seen", "expected"),
    [
        (seen(blind=("mail.smtp",)), ("nothing", "unknowns")),
        (seen(DISK), ("nothing", "out of scope")),
        (seen(replace(MAIL, state=IncidentState.UNCONFIRMED)), ("hold", "seen once")),
        (seen(replace(MAIL, state=IncidentState.IN_PROGRESS)), ("hold", "in progress")),
        (seen(replace(MAIL, state=IncidentState.PASSING)), ("nothing", "passing")),
    ],
)
def test_what_is_no_emergency_of_ours_is_not_filed_and_why_is_said(
    now_seen: Report, expected: tuple[str, str]
) -> None:
    found = decided(now_seen)
    assert row(found) == expected
    assert found.episode is None


def test_who_could_not_tell_is_named_the_first_three() -> None:
    found = decided(seen(blind=("a.a", "b.b", "c.c", "d.d", "e.e")))
    assert found.said == "no emergency was seen, but a.a, b.b, c.c and 2 more could not tell"


def test_an_emergency_in_scope_is_filed_beside_one_that_is_not() -> None:
    found = decided(seen(DISK, MAIL))
    assert row(found) == ("file", "first time")
    assert found.episode is not None
    assert [told.title for told in found.episode.told] == ["Mail is down"]


@pytest.mark.parametrize(
    ("more", "expected", "words"),
    [
        ({"stopped": "/etc/iwx-agent/stop exists"}, ("nothing", "stopped"), "stop exists"),
        ({"clock_wrong": "two hours late"}, ("hold", "clock"), "two hours late"),
        ({"outside_window": "not before 08:00"}, ("hold", "outside the window"), "not before 08:00"),
        ({"filed_at": (AT - minutes(59),)}, ("hold", "pause"), "3600 s"),
        ({"filed_at": (AT - minutes(60),)}, ("file", "first time"), ""),
        ({"filed_at": (AT - minutes(90),) * 2}, ("file", "first time"), ""),
        ({"filed_at": (AT - minutes(90),) * 3}, ("hold", "daily cap"), "3 tickets were filed within a day"),
        ({"filed_at": (AT - minutes(24 * 60),) * 3}, ("file", "first time"), ""),
        ({"said_at": (AT - minutes(10),) * 7}, ("file", "first time"), ""),
        ({"said_at": (AT - minutes(10),) * 8}, ("hold", "storm"), "8 texts went out within an hour"),
        ({"said_at": (AT - minutes(60),) * 8}, ("file", "first time"), ""),
    ],
)
def test_what_holds_a_new_ticket_back(more: dict[str, Any], expected: tuple[str, str], words: str) -> None:
    found = decided(seen(MAIL), **more)
    assert row(found) == expected
    assert words in found.said


@pytest.mark.parametrize(("state", "words"), [("off", "is off"), ("unknown", "could not be told to be on")])
def test_without_remote_assistance_nothing_is_filed(state: Any, words: str) -> None:
    found = decided(seen(MAIL, remote_assistance=AssistanceReport(state=state)))
    assert row(found) == ("hold", "remote assistance")
    assert words in found.said


def test_what_may_not_be_filed_by_itself_is_held() -> None:
    verdict = replace(seen(MAIL).verdict, fileable=False, filing="where the licence was bought is not set")
    found = decided(seen(MAIL, verdict=verdict))
    assert row(found) == ("hold", "out of scope")
    assert "not by itself: where the licence was bought is not set" in found.said


# Ignored


def ignored(until: datetime | None = None, **more: Any) -> tuple[Ignored, ...]:
    until = until or AT + minutes(1)
    return (Ignored(fingerprint="mail", until=until, reason="known, 4711", **more),)


def test_what_is_ignored_is_not_filed_until_its_end() -> None:
    found = decided(seen(MAIL), ignored=ignored())
    assert row(found) == ("nothing", "ignored")
    assert found.said == "Mail is down (MAIL-001): ignored until 2026-11-23 15:27 UTC: known, 4711"
    assert row(decided(seen(MAIL), ignored=ignored(until=AT))) == ("file", "first time")
    assert row(decided(seen(MAIL, WEB), ignored=ignored())) == ("file", "first time")


def test_ignored_unless_it_is_worse() -> None:
    assert row(decided(seen(MAIL), ignored=ignored(unless_worse=True))) == ("nothing", "ignored")
    milder = ignored(unless_worse=True, severity=Severity.ERROR)
    assert row(decided(seen(MAIL), ignored=milder)) == ("file", "first time")


# A ticket is open


def test_the_same_is_not_told_twice() -> None:
    found = decided(seen(MAIL), episode(MAIL, good_runs_count=1))
    assert row(found) == ("nothing", "unchanged")
    assert found.episode is not None
    assert (found.episode.good_runs_count, found.episode.last_bad_at) == (0, AT)


def test_a_new_member_updates_the_ticket_once() -> None:
    found = decided(seen(MAIL, WEB), episode(MAIL))
    assert row(found) == ("update", "new member")
    assert found.said == "The web server is down: new beside what iwx-1 tells"
    assert found.episode is not None
    assert found.episode.updates_count == 1
    assert found.episode.told_at == AT
    assert row(decided(seen(MAIL, WEB), found.episode)) == ("nothing", "unchanged")


def test_a_cause_that_is_found_later_is_one_member_and_its_consequences_are_not_told_again() -> None:
    cause = incident(finding("PANEL-040", "db", title="The database is down"), MAIL.lead, fingerprint="db")
    found = decided(seen(cause), episode(MAIL))
    assert row(found) == ("update", "new member")
    assert found.said.startswith("The database is down: new")


def test_a_lesser_finding_that_comes_along_is_no_news() -> None:
    more = replace(MAIL, others=(finding("MAIL-009", "x", severity=Severity.WARNING),))
    assert row(decided(seen(more), episode(MAIL))) == ("nothing", "unchanged")


def test_worse_updates_the_ticket() -> None:
    milder = replace(MAIL, lead=replace(MAIL.lead, severity=Severity.ERROR))
    found = decided(seen(MAIL), episode(milder))
    assert row(found) == ("update", "worse")
    assert found.said == "Mail is down: worse than iwx-1 tells"
    urgent = decided(seen(MAIL), episode(MAIL, priority=Priority.HIGH))
    assert row(urgent) == ("update", "worse")
    assert urgent.episode is not None
    assert urgent.episode.priority is Priority.URGENT
    lower = replace(seen(MAIL).verdict, priority=Priority.HIGH)
    assert row(decided(seen(MAIL, verdict=lower), episode(MAIL))) == ("nothing", "unchanged")


def test_better_is_not_over() -> None:
    found = decided(seen(MAIL), episode(MAIL, WEB))
    assert row(found) == ("nothing", "better")
    assert "The web server is down: not seen any more" in found.said


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [(0, "unchanged"), (7201, "unchanged"), (7200, "repeat interval"), (3600, "repeat interval")],
)
def test_what_has_not_changed_is_told_again_when_that_is_wanted(after_s: int, expected: str) -> None:
    rules = replace(RULES, repeat_after_s=after_s)
    assert decided(seen(MAIL), episode(MAIL), rules=rules).row == expected


@pytest.mark.parametrize(
    ("more", "situation", "expected"),
    [
        ({"delivered": False}, {}, "new member, waits"),
        ({"updates_count": 10}, {}, "new member, cap"),
        ({"updates_count": 9}, {}, "new member"),
        ({"told_at": AT - timedelta(seconds=899)}, {}, "new member, pause"),
        ({"told_at": AT - timedelta(seconds=900)}, {}, "new member"),
        ({}, {"said_at": (AT - minutes(1),) * 8}, "new member, storm"),
    ],
)
def test_what_holds_an_update_back_leaves_it_to_be_told_later(
    more: dict[str, Any], situation: dict[str, Any], expected: str
) -> None:
    found = decided(seen(MAIL, WEB), episode(MAIL, **more), **situation)
    assert found.row == expected
    assert found.action is (Action.UPDATE if expected == "new member" else Action.HOLD)
    if found.action is Action.HOLD:
        assert found.episode is not None
        assert len(found.episode.told) == 1  # a later run tells it


# Over


def test_over_after_enough_good_runs_in_a_row() -> None:
    first = decided(seen(), episode(MAIL))
    assert row(first) == ("nothing", "getting over")
    assert first.said == "good run 1 of 2 before iwx-1 is called over"
    second = decided(seen(), first.episode)
    assert row(second) == ("recovery", "over")
    assert second.said == "iwx-1 is over: it lasted 2 h 50 min"  # from three hours ago to ten minutes ago
    assert second.episode is not None
    assert second.episode.over_at == AT
    assert row(decided(seen(), second.episode)) == ("nothing", "nothing")


@pytest.mark.parametrize(
    "unsure",
    [
        seen(blind=("mail.smtp",)),
        seen(replace(MAIL, state=IncidentState.IN_PROGRESS)),
        seen(replace(MAIL, state=IncidentState.PASSING)),
        seen(replace(MAIL, state=IncidentState.UNCONFIRMED)),
        seen(DISK),
    ],
)
def test_never_over_from_a_run_that_is_not_sure(unsure: Report) -> None:
    found = decided(unsure, episode(MAIL, good_runs_count=5))
    assert found.action is Action.NOTHING
    assert found.row in ("unknowns", "not over")
    assert found.episode is not None
    assert found.episode.good_runs_count == 0


def test_what_is_ignored_is_not_over() -> None:
    found = decided(seen(MAIL), episode(MAIL, good_runs_count=5), ignored=ignored())
    assert row(found) == ("nothing", "not over")


def test_over_before_it_was_delivered() -> None:
    before = episode(MAIL, good_runs_count=1, delivered=False)
    found = decided(seen(), before)
    assert row(found) == ("hold", "over, waits")
    assert found.said == "over before iwx-1 was delivered, and told when it is: it lasted 2 h 50 min"
    assert found.episode == replace(before, good_runs_count=2, first_good_at=AT)
    assert found.episode is not None
    delivered = decided(seen(), replace(found.episode, delivered=True))
    assert row(delivered) == ("recovery", "over")
    assert delivered.episode is not None
    assert delivered.episode.first_good_at == AT


def test_over_before_a_person_sent_it_is_told_to_nobody_and_never_updated() -> None:
    before = episode(MAIL, good_runs_count=1, delivered=False, given_up=True, draft=True)
    found = decided(seen(), before)
    assert row(found) == ("nothing", "over")
    assert found.said == "over before anybody sent iwx-1: it lasted 2 h 50 min"
    assert found.episode is not None
    assert found.episode.over_at == AT
    assert row(decided(seen(MAIL), found.episode, now=AT + timedelta(hours=1))) == ("file", "first time")


def test_over_before_it_was_surely_sent_says_so() -> None:
    found = decided(seen(), episode(MAIL, good_runs_count=1, delivered=False, given_up=True))
    assert row(found) == ("nothing", "over")
    assert found.said == "over before iwx-1 was surely sent: it lasted 2 h 50 min"


def test_an_end_that_nobody_saw_for_days_is_not_told() -> None:
    late = episode(MAIL, good_runs_count=1, began_at=AT - THREE_DAYS, last_bad_at=AT - THREE_DAYS)
    assert row(decided(seen(), late)) == ("recovery", "over")
    found = decided(seen(), replace(late, last_bad_at=late.last_bad_at - minutes(1)))
    assert row(found) == ("nothing", "over")
    assert found.said == "iwx-1 is over for long, which no run could tell: nothing is told of it"
    assert found.episode is not None
    assert found.episode.over_at == AT


def test_an_end_that_was_seen_is_told_however_late_the_ticket_is_delivered() -> None:
    seen_at_once = {
        "last_bad_at": AT - timedelta(days=9),
        "first_good_at": AT - timedelta(days=9) + minutes(5),
    }
    waiting = episode(MAIL, good_runs_count=2000, delivered=False, **seen_at_once)
    assert row(decided(seen(), waiting)) == ("hold", "over, waits")
    assert row(decided(seen(), replace(waiting, delivered=True))) == ("recovery", "over")
    # Meanwhile nothing overtakes it, nor is it closed in silence.
    assert row(decided(seen(WEB), waiting)) == ("hold", "new member, waits")
    assert decided(seen(), waiting, stopped="/etc/iwx-agent/stop is there").episode == waiting


def test_a_short_outage_is_told_in_minutes() -> None:
    short = episode(MAIL, good_runs_count=1, began_at=AT - minutes(14))
    assert decided(seen(), short).said == "iwx-1 is over: it lasted 4 min"


# Back again


def over(ago: timedelta = SIX_HOURS, **more: Any) -> Episode:
    return episode(MAIL, over_at=AT - ago, **more)


def test_what_comes_back_soon_belongs_to_the_same_ticket() -> None:
    found = decided(seen(MAIL), over())
    assert row(found) == ("update", "came back")
    assert found.episode is not None
    assert (found.episode.key, found.episode.over_at, found.episode.returns_count) == (KEY, None, 1)
    assert row(decided(seen(MAIL), over(minutes(360) + timedelta(seconds=1)))) == ("file", "first time")


def test_something_else_is_a_new_ticket() -> None:
    found = decided(seen(WEB), over(minutes(1)))
    assert row(found) == ("file", "first time")
    assert found.episode is not None
    assert found.episode.key == "iwx-new"


def test_back_for_the_third_time_is_flapping_and_says_nothing_more() -> None:
    assert row(decided(seen(MAIL), over(returns_count=1))) == ("update", "came back")
    found = decided(seen(MAIL), over(returns_count=2))
    assert row(found) == ("hold", "flapping")
    assert found.said == "Mail is down (MAIL-001): flapping, back for time 3; iwx-1 has been told of it"
    assert found.episode is not None
    assert found.episode.over_at is None


def test_flapping_is_over_after_it_was_quiet_for_long() -> None:
    flapping = episode(MAIL, good_runs_count=1, returns_count=3)
    restless = replace(flapping, last_bad_at=AT - minutes(360) + timedelta(seconds=1))
    assert row(decided(seen(), restless)) == ("hold", "flapping")
    assert row(decided(seen(), replace(flapping, last_bad_at=AT - minutes(360)))) == ("recovery", "over")


@pytest.mark.parametrize(
    ("more", "situation", "held"),
    [
        ({"updates_count": 10}, {}, "cap"),
        ({"told_at": AT - minutes(5)}, {}, "pause"),
        ({}, {"said_at": (AT,) * 8}, "storm"),
    ],
)
def test_what_came_back_and_was_held_is_told_by_a_later_run(
    more: dict[str, Any], situation: dict[str, Any], held: str
) -> None:
    before = over(minutes(5), over_told=True, **more)
    found = decided(seen(MAIL), before, **situation)
    assert (row(found), found.episode) == (("hold", f"came back, {held}"), before)
    later = AT + minutes(20)
    if held == "cap":  # the ticket takes no more: a new one does
        assert row(decided(seen(MAIL), found.episode, now=AT + SIX_HOURS)) == ("file", "first time")
    else:
        told = decided(seen(MAIL), found.episode, now=later)
        assert row(told) == ("update", "came back")
        assert told.episode is not None
        assert not told.episode.over_told


def test_what_flaps_and_then_stays_is_told_after_an_hour() -> None:
    held = decided(seen(MAIL), over(minutes(5), returns_count=2, over_told=True))
    assert row(held) == ("hold", "flapping")
    unchanged = decided(seen(MAIL), held.episode, now=AT + minutes(59))
    assert row(unchanged) == ("nothing", "unchanged")
    told = decided(seen(MAIL), unchanged.episode, now=AT + minutes(60))
    assert row(told) == ("update", "came back")
    assert told.said == "Mail is down (MAIL-001): back for 1 h 0 min now"
    assert row(decided(seen(MAIL), told.episode, now=AT + minutes(120))) == ("nothing", "unchanged")
    # A good run between: the hour begins anew.
    good = decided(seen(), unchanged.episode, now=AT + minutes(59))
    again = decided(seen(MAIL), good.episode, now=AT + minutes(64))
    assert row(again) == ("nothing", "unchanged")
    assert row(decided(seen(MAIL), again.episode, now=AT + minutes(123))) == ("nothing", "unchanged")
    assert row(decided(seen(MAIL), again.episode, now=AT + minutes(124))) == ("update", "came back")


def test_what_comes_back_with_breaks_is_said_to_have_had_them() -> None:
    found = decided(seen(), episode(MAIL, good_runs_count=1, returns_count=1))
    assert found.said == "iwx-1 is over: it lasted 2 h 50 min, with breaks"


# Not seen for long


ANEW = replace(MAIL, since_at=AT - minutes(1))


def told_before(ago: timedelta, *incidents: Incident, **more: Any) -> Episode:
    before = episode(*incidents, **more)
    mail = fingerprint(MAIL.lead)
    told = tuple(
        replace(one, seen_at=AT - ago if one.fingerprint == mail else AT - minutes(5)) for one in before.told
    )
    return replace(before, told=told)


def test_a_second_outage_long_after_the_ticket_was_told_of_the_first_is_news() -> None:
    long_ago = told_before(SIX_HOURS + minutes(1), MAIL, WEB)
    found = decided(seen(ANEW, WEB), long_ago)
    assert row(found) == ("update", "came back")
    assert found.said == "Mail is down: seen again, long after iwx-1 was told of it"
    assert row(decided(seen(ANEW, WEB), found.episode, now=AT + minutes(20))) == ("nothing", "unchanged")
    assert row(decided(seen(ANEW, WEB), told_before(SIX_HOURS, MAIL, WEB))) == ("nothing", "unchanged")


def test_an_outage_that_was_not_looked_at_for_long_is_the_same_one() -> None:
    since_then = replace(MAIL, since_at=AT - timedelta(hours=12))
    assert row(decided(seen(since_then), told_before(timedelta(hours=8), MAIL))) == ("nothing", "unchanged")
    unknown = replace(MAIL, since_at=None)
    assert decided(seen(unknown), told_before(timedelta(hours=8), MAIL)).row == "came back"


def test_a_second_outage_that_is_held_is_told_by_a_later_run() -> None:
    long_ago = told_before(SIX_HOURS + minutes(1), MAIL, WEB, told_at=AT)
    held = decided(seen(ANEW, WEB), long_ago)
    assert row(held) == ("hold", "came back, pause")
    assert row(decided(seen(ANEW, WEB), held.episode, now=AT + minutes(15))) == ("update", "came back")


def test_an_open_ticket_of_another_time_is_not_that_of_a_new_emergency() -> None:
    forgotten = episode(MAIL, last_bad_at=AT - THREE_DAYS - minutes(1))
    for found in (ANEW, replace(MAIL, since_at=None), WEB):
        assert row(decided(seen(found), forgotten)) == ("file", "first time")
    at_the_limit = replace(forgotten, last_bad_at=AT - THREE_DAYS)
    assert decided(seen(ANEW), at_the_limit).row == "came back"
    still = replace(MAIL, since_at=AT - timedelta(days=5))
    assert decided(seen(still), forgotten).row == "unchanged"


def test_a_ticket_that_nobody_will_read_does_not_swallow_another_emergency() -> None:
    stuck = episode(MAIL, delivered=False, given_up=True)
    found = decided(seen(MAIL, WEB), stuck)
    assert row(found) == ("file", "first time")
    assert found.episode is not None
    assert found.episode.key == "iwx-new"
    assert row(decided(seen(MAIL), stuck)) == ("nothing", "unchanged")
    draft = replace(stuck, draft=True)
    assert row(decided(seen(MAIL, WEB), draft)) == ("hold", "new member, waits")


def test_a_run_that_may_say_nothing_still_sees_an_end() -> None:
    stopped = {"stopped": "auto is off"}
    long_ago = episode(MAIL, last_bad_at=AT - SIX_HOURS - minutes(1))
    found = decided(seen(), long_ago, **stopped)
    assert row(found) == ("nothing", "stopped")
    assert found.episode == replace(long_ago, over_at=AT)
    assert decided(seen(), found.episode, **stopped).episode == found.episode
    for report, before in (
        (seen(), episode(MAIL, last_bad_at=AT - SIX_HOURS)),
        (seen(blind=("a.b",)), long_ago),
        (seen(replace(MAIL, state=IncidentState.PASSING)), long_ago),
    ):
        assert decided(report, before, **stopped).episode == before
    bad = decided(seen(MAIL), long_ago, **stopped).episode
    assert bad is not None
    assert (bad.last_bad_at, bad.told[0].seen_at, bad.over_at) == (AT, AT, None)


# Whatever comes

RUNS = st.lists(
    st.tuples(st.sets(st.sampled_from(["mail", "web", "disk"])), st.booleans()), min_size=1, max_size=40
)


@given(RUNS)
def test_one_open_ticket_at_most_and_every_text_has_its_ticket(runs: list[tuple[set[str], bool]]) -> None:
    by_name = {"mail": MAIL, "web": WEB, "disk": DISK}
    current: Episode | None = None
    open_key = ""
    told_states: set[tuple[str, frozenset[str]]] = set()
    for number, (names, unsure) in enumerate(runs):
        incidents = [by_name[name] for name in sorted(names)]
        found = decided(
            seen(*incidents, blind=("a.b",) if unsure else ()),
            current,
            now=AT + minutes(5 * number),
            new_key=f"iwx-{number}",
        )
        if found.action is Action.FILE:
            assert not open_key
            assert found.episode is not None
            open_key = found.episode.key
        if found.action in (Action.UPDATE, Action.RECOVERY):
            assert found.episode is not None
            assert found.episode.key == open_key or found.row == "came back"
            open_key = found.episode.key
        if found.action is Action.RECOVERY:
            assert not unsure
            assert not names
            open_key = ""
        if found.action is Action.UPDATE and found.row == "new member":
            assert found.episode is not None
            state = (found.episode.key, frozenset(told.fingerprint for told in found.episode.told))
            assert state not in told_states  # never the same text twice
            told_states.add(state)
        current = found.episode
        if current is not None:
            current = replace(current, delivered=True)
            open_key = current.key if current.over_at is None else ""
