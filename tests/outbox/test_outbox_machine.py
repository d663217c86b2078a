"""The life of a text that is to be sent: each move, each limit, and whatever order they come in."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import ENDS, Attempt, Entry, Outbox, State
from iwx_agent.transports.contract import CannotLook, NotFound, Receipt, Undelivered

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RULES = OutboxRules()
RECEIPT = Receipt(transport="portal", reference="4711", url="https://desk.example.com/4711", said="thank you")
BLIND = CannotLook(reason="mail cannot be looked up")


def entry(state: State = State.QUEUED, **more: Any) -> Entry:
    values: dict[str, Any] = {
        "key": "iwx-1",
        "chain": ("portal", "email", "file"),
        "created_at": NOW,
        "due_at": NOW,
    }
    return Entry(state=state, **(values | more))


def outbox(after: timedelta = timedelta(), jitter: float = 1.0) -> Outbox:
    return Outbox(RULES, NOW + after, jitter)


def undelivered(kind: Any, **more: Any) -> Undelivered:
    return Undelivered(kind, "https://desk.example.com", f"was {kind}", **more)


def sending(**more: Any) -> Entry:
    return outbox().begun(entry(**more))


def waited(found: Entry) -> float:
    assert found.due_at is not None
    return (found.due_at - NOW).total_seconds()


# One attempt


def test_what_is_accepted_is_sent_and_keeps_its_number() -> None:
    found = outbox().accepted(sending(), RECEIPT)
    assert (found.state, found.reference, found.url, found.due_at) == (
        State.SENT,
        "4711",
        "https://desk.example.com/4711",
        None,
    )
    assert found.attempts == (Attempt(at=NOW, transport="portal", ending="sent", said="thank you"),)


@pytest.mark.parametrize("kind", ["permanent", "person"])
def test_what_is_refused_goes_to_the_next_transport_at_once_and_fails_after_the_last(kind: Any) -> None:
    first = outbox().refused(sending(later_count=2), undelivered(kind))
    assert (first.state, first.transport, first.refused_by, waited(first)) == (
        State.QUEUED,
        "email",
        ("portal",),
        0,
    )
    last = outbox().refused(sending(position=2, refused_by=("portal", "email")), undelivered(kind))
    assert (last.state, last.due_at, last.attempts[-1].ending) == (State.FAILED, None, kind)
    assert last.refused_by == ("portal", "email", "file")


def test_what_is_put_off_waits_twice_as_long_each_time() -> None:
    waits = []
    found = entry(chain=("portal",))
    for _ in range(9):
        found = outbox().refused(outbox().begun(replace(found, state=State.QUEUED)), undelivered("later"))
        waits.append(waited(found))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert found.state is State.QUEUED  # the last transport is never given up


@pytest.mark.parametrize(
    ("asked_s", "jitter", "expected_s"), [(0, 1.5, 90), (0, 0.1, 30), (59, 1, 60), (470, 1, 470)]
)
def test_how_long_depends_on_what_was_asked_for_and_on_chance(
    asked_s: float, jitter: float, expected_s: float
) -> None:
    found = outbox(jitter=jitter).refused(sending(), undelivered("later", retry_after_s=asked_s))
    assert waited(found) == expected_s


def test_put_off_often_enough_the_next_transport_is_tried() -> None:
    third = outbox().refused(sending(later_count=2), undelivered("later"))
    assert (third.transport, third.later_count) == ("portal", 3)
    fourth = outbox().refused(sending(later_count=3), undelivered("later"))
    assert (fourth.transport, fourth.later_count, waited(fourth)) == ("email", 4, 0)


def test_when_all_have_put_it_off_they_are_asked_in_turn_and_none_before_it_may_be() -> None:
    asked = []
    now, found = NOW, entry(chain=("portal", "email"))
    while now < NOW + timedelta(hours=24):
        if Outbox(RULES, now).is_due(found):
            asked.append((found.transport, int((now - NOW).total_seconds()) // 60))
            error = undelivered("later", retry_after_s=7200 if found.transport == "portal" else 0)
            found = Outbox(RULES, now).refused(Outbox(RULES, now).begun(found), error)
        now += timedelta(minutes=5)
    portal = [minute for name, minute in asked if name == "portal"]
    assert {after - before for before, after in pairwise(portal)} == {120}
    emails = [minute for name, minute in asked if name == "email"]
    assert emails[0] == 5  # at the next run: two hours are too long to wait for one
    assert 24 <= len(emails) <= 30  # in the end about once an hour
    assert found.state is State.QUEUED


def test_who_has_refused_for_good_is_not_asked_again_until_a_person_wants_it() -> None:
    refused = outbox().refused(sending(chain=("portal", "email")), undelivered("permanent"))
    for _ in range(9):
        refused = outbox().refused(outbox().begun(refused), undelivered("later"))
        assert (refused.state, refused.transport) == (State.QUEUED, "email")
    again = outbox().approved(replace(refused, state=State.FAILED))
    assert (again.transport, again.refused_by, again.closed_until) == ("portal", (), {})


@pytest.mark.parametrize("state", [s for s in State if s is not State.QUEUED])
def test_only_what_is_queued_can_be_sent(state: State) -> None:
    with pytest.raises(ValueError, match="not queued"):
        outbox().begun(entry(state))


def test_when_a_step_is_due() -> None:
    assert outbox().is_due(entry())
    assert not outbox().is_due(entry(due_at=NOW + timedelta(seconds=1)))
    assert outbox(timedelta(seconds=1)).is_due(entry(due_at=NOW + timedelta(seconds=1)))
    assert not outbox().is_due(entry(due_at=None))
    assert not any(outbox().is_due(entry(state)) for state in (State.DRAFT, State.SENDING, *ENDS))
    tried = Attempt(at=NOW, transport="portal", ending="later")
    assert outbox().is_due(entry(attempts=(tried,) * 99))
    assert not outbox().is_due(entry(attempts=(tried,) * 100))
    assert outbox(timedelta(days=1)).is_due(entry(attempts=(tried,) * 100))


# Nobody knows


@pytest.mark.parametrize(
    "unknown",
    [outbox().refused(sending(), undelivered("uncertain")), outbox().lost(sending())],
)
def test_what_nobody_knows_is_looked_for_a_little_later(unknown: Entry) -> None:
    assert (unknown.state, unknown.transport, waited(unknown)) == (State.UNCERTAIN, "portal", 120)
    assert outbox().looked(unknown, RECEIPT).state is State.SENT
    absent = outbox().looked(unknown, NotFound(said="page 1 of 1"))
    assert (absent.state, absent.repeated, waited(absent)) == (State.QUEUED, False, 0)


def test_only_the_uncertain_is_looked_for_and_only_what_is_sent_can_be_lost() -> None:
    with pytest.raises(ValueError, match="not uncertain"):
        outbox().looked(entry(), BLIND)
    with pytest.raises(ValueError, match="not being sent"):
        outbox().lost(entry())


def test_where_nobody_can_look_it_is_sent_once_more_marked_and_then_left_to_a_person() -> None:
    found = outbox().lost(sending())
    for minutes in (2, 4, 8, 16):
        found = outbox(timedelta(minutes=minutes)).looked(found, BLIND)
        assert found.state is State.UNCERTAIN
    early = outbox(timedelta(minutes=29)).looked(found, BLIND)
    assert (early.state, early.looks_count) == (State.UNCERTAIN, 5)  # often enough, but not long enough
    fifth = outbox(timedelta(minutes=30)).looked(found, BLIND)
    assert (fifth.state, fifth.repeated) == (State.QUEUED, True)
    left = outbox(timedelta(minutes=31)).lost(outbox().begun(fifth))
    for hours in (1, 2, 3, 4):  # who could look may only be down
        left = outbox(timedelta(hours=hours)).looked(left, BLIND)
        assert left.due_at is not None
    left = outbox(timedelta(hours=40)).looked(left, BLIND)
    assert (left.state, left.due_at) == (State.UNCERTAIN, None)
    assert not outbox(timedelta(days=9)).is_due(left)


def test_what_a_lost_outbox_may_have_sent_is_looked_for_first_and_marked_where_nobody_can() -> None:
    doubt = outbox().in_doubt(entry(), "the outbox is lost")
    assert (doubt.state, outbox().is_due(doubt), doubt.repeated) == (State.UNCERTAIN, True, False)
    assert doubt.attempts == (
        Attempt(at=NOW, transport="portal", ending="in doubt", said="the outbox is lost"),
    )
    there = outbox().looked(doubt, RECEIPT)
    assert (there.state, there.reference) == (State.SENT, "4711")
    absent = outbox().looked(replace(doubt, chain=("portal",)), NotFound(said="listed"))
    assert (absent.state, absent.repeated, outbox().is_due(absent)) == (State.QUEUED, False, True)
    elsewhere = outbox().looked(doubt, NotFound(said="listed"))  # it may have gone by mail
    assert (elsewhere.state, elsewhere.repeated) == (State.QUEUED, True)
    blind = outbox().looked(doubt, BLIND)  # an emergency does not wait
    assert (blind.state, blind.repeated, outbox().is_due(blind)) == (State.QUEUED, True, True)
    down = outbox().refused(outbox().begun(blind), undelivered("later"))
    assert (down.state, down.repeated) == (State.UNCERTAIN, False)  # looked for again when it is back
    lost = outbox().lost(outbox().begun(blind))
    patient = outbox(timedelta(minutes=2)).looked(lost, BLIND)
    assert (patient.state, patient.repeated) == (State.UNCERTAIN, True)


def test_a_second_copy_that_was_put_off_is_not_sent_before_another_look() -> None:
    """The desk took the ticket and went down: its list is read first when it is back."""
    found = outbox().lost(sending())
    for minutes in (2, 4, 8, 16, 30):
        found = outbox(timedelta(minutes=minutes)).looked(found, BLIND)
    assert (found.state, found.repeated) == (State.QUEUED, True)
    at = timedelta(minutes=30)
    down = outbox(at).refused(outbox(at).begun(found), Undelivered("later", "portal", "refused"))
    assert (down.state, down.repeated, down.due_at) == (
        State.UNCERTAIN,
        False,
        NOW + at + timedelta(minutes=1),
    )
    blind = outbox(timedelta(minutes=40)).looked(down, BLIND)  # still down: it may only be the list
    assert (blind.state, blind.repeated) == (State.QUEUED, True)
    back = outbox(timedelta(minutes=40)).looked(down, Receipt(transport="portal", reference="7"))
    assert (back.state, back.reference) == (State.SENT, "7")


def test_a_second_copy_that_was_put_off_goes_marked_to_the_next_transport() -> None:
    found = outbox().lost(sending())
    for minutes in (2, 4, 8, 16, 30):
        found = outbox(timedelta(minutes=minutes)).looked(found, BLIND)
    at = timedelta(minutes=30)
    busy = Undelivered("later", "portal", "503", retry_after_s=86_400.0)
    turned = outbox(at).refused(outbox(at).begun(found), busy)
    assert (turned.state, turned.repeated, turned.transport) == (State.QUEUED, True, "email")


def test_no_time_holds_that_a_clock_noted_which_was_ahead() -> None:
    ahead = timedelta(days=400)
    put_off = outbox(ahead).refused(outbox(ahead).begun(entry()), undelivered("later"))
    assert outbox().is_due(put_off)
    assert not outbox(ahead).is_due(put_off)
    again = outbox().refused(outbox().begun(put_off), undelivered("later"))
    assert waited(again) == 120
    assert again.closed_until == {"portal": NOW + timedelta(seconds=120)}
    assert not outbox(timedelta(seconds=119)).is_due(again)
    assert outbox().is_due(entry(created_at=NOW + ahead, due_at=NOW + ahead))
    assert not outbox().is_due(
        entry(created_at=NOW + timedelta(minutes=5), due_at=NOW + timedelta(minutes=5))
    )
    unknown = outbox(ahead).lost(sending())
    for _ in range(5):
        assert outbox().is_due(unknown)
        unknown = outbox().looked(unknown, BLIND)
        unknown = replace(unknown, due_at=NOW)
    assert (unknown.state, unknown.repeated) == (State.QUEUED, True)


def test_long_enough_but_not_looked_often_enough_is_looked_for_again() -> None:
    found = outbox(timedelta(hours=2)).looked(outbox().lost(sending()), BLIND)
    assert (found.state, found.looks_count) == (State.UNCERTAIN, 1)


# A person


def test_a_person_sends_a_draft_and_tries_again_what_failed() -> None:
    for state in (State.DRAFT, State.FAILED):
        found = outbox().approved(entry(state, due_at=None, position=2, later_count=3))
        assert (found.state, found.transport, found.due_at) == (State.QUEUED, "portal", NOW)
    late = entry(due_at=NOW + timedelta(hours=1))
    assert outbox().approved(late).due_at == NOW
    held = outbox().approved(entry(State.UNCERTAIN, due_at=None, repeated=True))
    assert (held.state, held.due_at) == (State.UNCERTAIN, NOW)  # looked for again, not sent again
    for state in (State.SENDING, State.SENT, State.DROPPED):
        assert outbox().approved(entry(state)) == entry(state)


def test_a_person_drops_what_is_not_being_sent() -> None:
    found = outbox().dropped(entry(State.UNCERTAIN), "filed by hand")
    assert (found.state, found.due_at, found.attempts[-1].said) == (State.DROPPED, None, "filed by hand")
    for state in (State.SENDING, State.SENT):
        assert outbox().dropped(entry(state), "no") == entry(state)


def test_what_is_said_is_bounded_and_so_are_the_attempts() -> None:
    found = entry()
    for _ in range(60):
        found = outbox().dropped(found, "x" * 1000)
    assert len(found.attempts) == 60  # all of one day: they are counted
    assert len(found.attempts[0].said) == 300
    assert len(outbox(timedelta(days=2)).dropped(found, "late").attempts) == 50


# Whatever comes

ENDINGS = st.sampled_from(["accept", "permanent", "person", "later", "lost before", "lost after", "killed"])
LOOKS = st.sampled_from(["look", "blind"])


class Desk:
    """A stand-in for the other side: what it took, marked or not, and whether it lets itself be searched."""

    def __init__(self, *, can_look: bool) -> None:
        self.can_look = can_look
        self.taken: list[bool] = []

    def attempt(self, box: Outbox, found: Entry, ending: str) -> Entry:
        if ending in ("accept", "lost after"):
            self.taken.append(found.repeated)
        match ending:
            case "accept":
                return box.accepted(found, RECEIPT)
            case "lost before" | "lost after":
                return box.refused(found, undelivered("uncertain"))
            case "killed":
                return box.lost(found)
        return box.refused(found, undelivered(ending))

    def look(self, ending: str) -> Receipt | NotFound | CannotLook:
        if not self.can_look or ending == "blind":
            return BLIND
        return RECEIPT if self.taken else NotFound(said="listed")


@given(
    st.booleans(),
    st.sampled_from(["new", "in doubt", "there"]),
    st.lists(st.tuples(ENDINGS, LOOKS), min_size=60, max_size=60),
)
def test_nothing_is_lost_and_nothing_is_taken_twice_unmarked(
    can_look: bool, before: str, world: list[tuple[str, str]]
) -> None:
    desk = Desk(can_look=can_look)
    found = entry(chain=("portal",))
    if before != "new":
        found = outbox().in_doubt(found, "the outbox is lost")
    if before == "there":
        desk.taken.append(False)
    now = NOW
    for ending, look in world:
        if found.due_at is None:
            break
        now = max(now, found.due_at)
        box = Outbox(RULES, now)
        if not box.is_due(found):
            now += timedelta(days=1)
            continue
        if found.state is State.UNCERTAIN:
            found = box.looked(found, desk.look(look))
        else:
            found = desk.attempt(box, box.begun(found), ending)
    unmarked = desk.taken.count(False)
    assert unmarked <= 1
    assert len(desk.taken) <= 2
    if found.state is State.SENT:
        assert desk.taken
    if found.state is State.FAILED:  # only what surely was not taken by this attempt ends so
        assert found.attempts[-1].ending in ("permanent", "person")
    if found.state in (State.QUEUED, State.UNCERTAIN):
        assert found.due_at is not None or found.repeated  # a next step, or a person who was told
