"""A person sends a ticket: when not, and what there is to send beside what has been sent."""

from datetime import timedelta
from typing import Any

import pytest
from building import AT, finding, incident
from emergencies import DISK, MAIL, WEB, seen
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from story import AUTHOR, BUNDLE, FIVE, KEY, Busy, Server

from iwx_agent.app.auto import decide_and_keep
from iwx_agent.app.submit import Plan, letter_of, plan_of, refusals, submit
from iwx_agent.model import (
    AssistanceReport,
    IncidentState,
    Licence,
    Priority,
    Provider,
    ProviderMode,
    Report,
    Scope,
    Severity,
    Verdict,
)
from iwx_agent.outbox.machine import State
from iwx_agent.outbox.shelf import StoreShelf
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.door import StateError

SLOW = incident(
    finding("WEB-020", "httpd", title="A site is slow", severity=Severity.WARNING),
    fingerprint="slow",
    state=IncidentState.OPEN,
)
SELLER = Provider(mode=ProviderMode.BLOCK, name="Example Hosting", address="help@example.com")
NOTED = seen(note="How do I change the port?")


def why(found: Report, *, confirmed: bool = False) -> list[tuple[str, str]]:
    return [(one.why, one.instead) for one in refusals(found, assistance_confirmed=confirmed)]


def verdict(**more: Any) -> Verdict:
    values: dict[str, Any] = {"priority": Priority.URGENT, "emergency": True, "reasons": ()}
    return Verdict(**(values | more))


# When not


def test_nothing_forbids_an_emergency_with_the_way_in_open() -> None:
    assert why(seen(MAIL)) == []
    assert why(NOTED) == []


def test_remote_assistance_is_needed_or_seen_by_a_person() -> None:
    off = seen(MAIL, remote_assistance=AssistanceReport(state="off"))
    assert why(off) == [
        (
            "Remote Assistance is off, and support requires it",
            "Turn it on: iwx-agent remote-assistance enable",
        )
    ]
    untold = seen(MAIL, remote_assistance=AssistanceReport(state="unknown"))
    assert why(untold) == [
        (
            "Remote Assistance could not be told to be on, and support requires it",
            "Look at it in NodeWorx; if it is on: --remote-assistance-confirmed",
        )
    ]
    assert why(off, confirmed=True) == why(untold, confirmed=True) == []


def test_nothing_to_tell_is_no_ticket() -> None:
    assert (
        why(seen())
        == why(seen(note="  \n"))
        == [
            (
                "nothing was found, and nobody says what the ticket is about",
                'Say it: iwx-agent submit --note "..."',
            )
        ]
    )


def test_what_support_does_not_take_goes_to_whom_it_concerns() -> None:
    foreign = verdict(
        in_scope=False, scope=Scope.PROVIDER, turn_to="your provider", filing="out of scope: disk"
    )
    assert why(seen(DISK, verdict=foreign)) == [("out of scope: disk", "Turn to your provider.")]
    nobody = replace(foreign, turn_to="", filing="")
    assert why(seen(DISK, verdict=nobody)) == [("support does not take this", "See: iwx-agent why")]


@pytest.mark.parametrize(
    ("provider", "whom"),
    [
        (None, "Turn to the reseller or hosting company that sold the licence."),
        (SELLER, "Turn to Example Hosting (help@example.com)."),
    ],
)
def test_a_reseller_s_customer_turns_to_the_reseller(provider: Provider | None, whom: str) -> None:
    sold = verdict(licence=Licence.RESELLER, provider=provider, in_scope=False)
    ((reason, instead),) = why(seen(MAIL, verdict=sold))
    assert reason == "the licence is not from InterWorx directly"
    assert instead == whom


# What there is to send


def sent(server: Server, found: Report, *, anyway: bool = False) -> Plan:
    plan = submit(found, server.store, AUTHOR, server.now, anyway=anyway, attach=lambda: (BUNDLE,))
    server.deliver()
    server.now += FIVE
    return plan


def states(server: Server) -> list[tuple[str, State]]:
    return [(text.entry.key, text.entry.state) for text in server.texts()]


def test_an_emergency_is_filed_and_auto_goes_on_with_it() -> None:
    server = Server()
    plan = sent(server, seen(MAIL, note="restarted it"))
    assert (plan.what, plan.number) == ("file", 1)
    (text,) = server.texts()
    assert text.letter.attachments == (BUNDLE,)
    assert "restarted it" in text.letter.message
    assert server.run(MAIL).row == "unchanged"
    assert server.run(MAIL, WEB).row == "new member"
    assert server.kinds()["decision"] == 2  # those of auto only


def test_what_auto_has_filed_is_not_filed_again() -> None:
    server = Server()
    server.run(MAIL)
    plan = sent(server, seen(MAIL))
    assert (plan.what, plan.said) == ("nothing", f"Mail is down (MAIL-001): {KEY} tells it")
    assert plan.filed is not None
    assert plan.filed.entry.reference == "4711"
    assert states(server) == [(KEY, State.SENT)]


def test_what_is_new_goes_to_the_open_ticket_whatever_the_bounds_of_auto_are() -> None:
    server = Server(updates_count=0, update_pause_s=3600, storm_count=1)
    server.run(MAIL)
    assert sent(server, seen(MAIL, WEB)).what == "update"
    assert states(server) == [(KEY, State.SENT), (f"{KEY}-2", State.SENT)]


def test_an_emergency_that_auto_may_not_file_is_filed_by_hand() -> None:
    server = Server(tickets_per_day_count=1)
    held = seen(MAIL, verdict=verdict(fileable=False, filing="the licence is not set"))
    assert sent(server, held).what == "file"


def test_a_ticket_that_waits_is_not_filed_again() -> None:
    server = Server()
    server.desk_is_open = False
    server.run(MAIL)
    plan = plan_of(seen(MAIL, WEB), server.store, server.now)
    assert plan.what == "nothing"
    assert f"{KEY} has not been delivered yet" in plan.said


def test_what_a_person_adds_goes_to_the_open_ticket_though_nothing_else_is_new() -> None:
    server = Server()
    server.run(MAIL)
    plan = sent(server, seen(MAIL, note="it began when we moved the queue"))
    assert (plan.what, plan.said) == (
        "update",
        f"a person has something to add; Mail is down (MAIL-001): {KEY} tells it",
    )
    update = server.texts()[1]
    assert update.entry.key == f"{KEY}-2"
    lines = update.letter.message.splitlines()
    at = lines.index("A PERSON'S NOTE")
    assert lines[at + 1] == "  | it began when we moved the queue"
    assert server.run(MAIL).row == "unchanged"
    assert sent(server, seen(MAIL)).what == "nothing"


def test_a_note_to_a_ticket_that_waits_is_not_sent_before_it() -> None:
    server = Server()
    server.desk_is_open = False
    server.run(MAIL)
    assert plan_of(seen(MAIL, note="more"), server.store, server.now).what == "nothing"


def test_a_further_ticket_is_one_also_soon_after_the_first_was_over() -> None:
    server = Server(good_runs_count=1)
    server.run(MAIL)
    server.run()
    assert plan_of(seen(MAIL), server.store, server.now).what == "update"  # it came back
    plan = plan_of(seen(MAIL), server.store, server.now, anyway=True)
    assert (plan.what, plan.number) == ("file", 2)


def test_instead_of_a_draft_a_person_sends_one_and_the_draft_is_taken_back() -> None:
    server = Server(drafts_count=1)
    server.run(MAIL)
    plan = sent(server, seen(MAIL))
    second = key_of(seen(MAIL), number=2)
    assert (plan.what, plan.number) == ("file", 2)
    assert states(server) == [(KEY, State.DROPPED), (second, State.SENT)]
    assert server.run(MAIL).row == "unchanged"


def test_a_further_ticket_when_a_person_wants_it() -> None:
    server = Server()
    server.run(MAIL)
    plan = sent(server, seen(MAIL), anyway=True)
    second = key_of(seen(MAIL), number=2)
    assert (plan.what, plan.number) == ("file", 2)
    assert states(server) == [(KEY, State.SENT), (second, State.SENT)]
    update = server.run(MAIL, WEB)
    assert update.episode is not None
    assert update.episode.key == second  # what is new goes to the newer one


def test_what_is_no_emergency_is_one_ticket_a_day() -> None:
    server = Server()
    assert sent(server, seen(SLOW)).what == "file"
    again = sent(server, seen(SLOW))
    assert again.what == "nothing"
    assert again.said == f"{key_of(seen(SLOW))}, filed within a day, is about the same"
    assert sent(server, seen(SLOW), anyway=True).number == 2
    assert sent(server, NOTED).what == "file"
    assert server.store.past(AT - timedelta(days=1)).episode is None
    assert server.run(MAIL).row == "first time"  # and auto's pauses do not count them


def test_what_is_no_emergency_leaves_an_open_ticket_alone() -> None:
    server = Server()
    server.run(MAIL)
    assert sent(server, seen(SLOW)).what == "file"
    assert server.run(MAIL).row == "unchanged"


def test_what_was_seen_once_and_is_filed_by_hand_is_not_filed_again_by_auto() -> None:
    server = Server()
    once = replace(MAIL, state=IncidentState.UNCONFIRMED)
    assert sent(server, seen(once)).what == "file"
    assert server.run(MAIL).row == "unchanged"
    assert len(server.texts()) == 1


def test_a_ticket_of_long_ago_does_not_swallow_a_new_outage_while_auto_is_off() -> None:
    """Nobody sees the end of what a person has filed where no timer runs."""
    server = Server(enabled=False)
    sent(server, seen(MAIL))
    for days, what in ((1, "update"), (60, "file")):
        server.now = AT + timedelta(days=days)
        again = replace(MAIL, since_at=server.now - timedelta(minutes=2))
        assert sent(server, seen(again, collected_at=server.now)).what == what
    server.now += timedelta(days=60)
    assert server.run().row == "getting over"
    assert server.run().action == "nothing"  # of an end that nobody saw nothing is told
    assert len(server.texts()) == 3


def test_where_a_run_may_say_nothing_the_end_is_seen_all_the_same() -> None:
    server = Server()
    sent(server, seen(MAIL))
    for _ in range(80):
        found = seen(collected_at=server.now)
        decide_and_keep(found, server.store, server.sending, AUTHOR, server.now, stopped="auto is off")
        server.now += FIVE
    kept = server.store.past(AT).episode
    assert kept is not None
    assert kept.episode.over_at is not None
    assert len(server.texts()) == 1


def test_what_was_dropped_is_sent_when_it_is_wanted_after_all_and_then_once() -> None:
    server = Server()
    server.desk_is_open = False
    submit(seen(SLOW), server.store, AUTHOR, AT)
    (text,) = server.texts()
    StoreShelf(server.store).move(text, replace(text.entry, state=State.DROPPED))
    assert sent(server, seen(SLOW)).number == 2
    assert sent(server, seen(SLOW)).what == "nothing"
    assert plan_of(seen(SLOW), server.store, AT + timedelta(days=1)).number == 3  # another day's


def test_it_is_planned_again_when_another_process_was_faster() -> None:
    assert submit(seen(MAIL), Busy(2), AUTHOR, AT).what == "file"
    with pytest.raises(StateError) as told:
        submit(seen(MAIL), Busy(3), AUTHOR, AT)
    assert told.value.kind == "conflict"


def test_the_letter_that_is_shown_is_the_one_that_is_sent() -> None:
    server = Server()
    for found in (seen(MAIL), seen(MAIL, WEB)):
        shown = letter_of(plan_of(found, server.store, server.now), found, AUTHOR, server.now)
        sent(server, found)
        assert shown is not None
        assert shown == replace(server.texts()[-1].letter, attachments=())
    assert letter_of(plan_of(seen(MAIL, WEB), server.store, AT), seen(MAIL, WEB), AUTHOR, AT) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["auto", "submit"]), st.sampled_from([(), (MAIL,), (WEB,), (MAIL, WEB), (SLOW,)])
    ),
    max_size=12,
)


@given(STEPS)
def test_whoever_files_there_is_never_a_second_ticket_about_an_open_one(steps: list[Any]) -> None:
    server = Server(tickets_per_day_count=99, pause_s=0)
    for who, incidents in steps:
        before = server.store.past(AT - timedelta(days=1)).episode
        count = len(server.texts())
        if who == "auto":
            server.run(*incidents)
        elif incidents:
            sent(server, seen(*incidents, collected_at=server.now))
        new = [text for text in server.texts()[count:] if not text.letter.reference]
        assert len(new) <= 1
        emergencies = [one for one in incidents if one is not SLOW]
        if before is not None and before.episode.over_at is None and emergencies:
            assert new == []
    keys = [text.entry.key for text in server.texts()]
    assert len(keys) == len(set(keys))
    texts = [(text.letter.key, text.letter.message) for text in server.texts()]
    assert len(texts) == len(set(texts))  # the same is never told twice
