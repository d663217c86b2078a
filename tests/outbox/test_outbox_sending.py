"""Sending with a help desk that may lose its answer, and an agent that may be killed at any step."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import ENDS, Entry, State
from iwx_agent.outbox.sending import Kept, Sender
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Transport, Undelivered
from iwx_agent.transports.wording import marked, unmarked

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LETTER = Letter(
    key="iwx-1",
    category="Support",
    ip_address_or_hostname="iwx1.example.com",
    assistance="Yes",
    subject="[iwx-1] Mail is down",
    message="qmail-send is down.",
    priority="Urgent",
)
ENTRY = Entry(key="iwx-1", chain=("portal", "email"), state=State.QUEUED, created_at=NOW, due_at=NOW)


class Killed(BaseException):
    """The agent gets a SIGKILL here."""


class Fate:
    """Kills the agent at the steps that were drawn."""

    def __init__(self, at: frozenset[int] = frozenset()) -> None:
        self._at = at
        self.steps_count = 0

    def step(self) -> None:
        self.steps_count += 1
        if self.steps_count in self._at:
            raise Killed


class MemoryShelf:
    """What is kept survives the agent; a kill comes before or after it is."""

    def __init__(self, *entries: Entry, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        self.kept = {
            entry.key: Kept(entry=entry, letter=replace(LETTER, key=entry.key), version=0)
            for entry in entries
        }
        self.history: list[State] = []

    def waiting(self) -> tuple[Kept, ...]:
        self.fate.step()
        return tuple(kept for kept in self.kept.values() if kept.entry.state not in ENDS)

    def move(self, kept: Kept, entry: Entry) -> Kept | None:
        self.fate.step()
        if self.kept[entry.key].version != kept.version:
            return None
        moved = Kept(entry=entry, letter=kept.letter, version=kept.version + 1)
        self.kept[entry.key] = moved
        self.history.append(entry.state)
        self.fate.step()
        return moved


class Desk:
    """A help desk behind a line that may break; ``endings`` are drawn, then it accepts."""

    def __init__(
        self, name: str, endings: Iterator[str] | None = None, *, fate: Fate | None = None, looks: bool = True
    ) -> None:
        self.name = name
        self.received: list[Letter] = []
        self.limits_s: list[float] = []
        self._endings = endings if endings is not None else iter(())
        self._fate = fate or Fate()
        self._looks = looks

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        self.limits_s.append(limit_s)
        self._fate.step()
        ending: Any = next(self._endings, "accepted")
        if ending in ("accepted", "answer lost", "defect after"):
            self.received.append(letter)
            self._fate.step()
        if ending == "accepted":
            return Receipt(transport=self.name, reference="7")
        if ending == "defect after":
            raise RuntimeError("a secret text")
        kind: Any = "uncertain" if ending in ("answer lost", "line lost") else ending
        raise Undelivered(kind, self.name, f"was {ending}")

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        self.limits_s.append(limit_s)
        self._fate.step()
        if not self._looks:
            return CannotLook(reason="it has no list")
        found = any(letter.key == key for letter in self.received)
        return Receipt(transport=self.name, reference="7") if found else NotFound(said="its list")


def sender(shelf: MemoryShelf, *desks: Transport, now: datetime = NOW, left_s: float = 100.0) -> Sender:
    return Sender(
        shelf,
        {desk.name: desk for desk in desks},
        OutboxRules(),
        now=lambda: now,
        jitter=lambda: 1.0,
        left_s=lambda: left_s,
    )


def state_in(shelf: MemoryShelf) -> str:
    return shelf.kept["iwx-1"].entry.state.value


def test_it_is_written_down_before_and_after() -> None:
    shelf, desk = MemoryShelf(ENTRY), Desk("portal")
    (moved,) = sender(shelf, desk).run()
    assert (moved.entry.state, moved.entry.reference, moved.version) == (State.SENT, "7", 2)
    assert shelf.history == [State.SENDING, State.SENT]
    assert desk.received == [LETTER]


def test_what_the_first_refuses_goes_to_the_next_at_once() -> None:
    shelf = MemoryShelf(ENTRY)
    portal, mail = Desk("portal", iter(["permanent"])), Desk("email")
    (moved,) = sender(shelf, portal, mail).run()
    assert (moved.entry.state, moved.entry.transport) == (State.SENT, "email")
    assert (portal.received, mail.received) == ([], [LETTER])


def test_an_answer_that_was_lost_is_looked_for_not_sent_again() -> None:
    shelf, desk = MemoryShelf(ENTRY), Desk("portal", iter(["answer lost"]))
    sender(shelf, desk).run()
    assert state_in(shelf) == "uncertain"
    assert sender(shelf, desk, now=NOW + timedelta(seconds=119)).run() == ()
    sender(shelf, desk, now=NOW + timedelta(seconds=120)).run()
    assert state_in(shelf) == "sent"
    assert desk.received == [LETTER]


def test_a_defect_of_a_transport_is_not_known_and_not_quoted() -> None:
    shelf, desk = MemoryShelf(ENTRY), Desk("portal", iter(["defect after"]))
    (moved,) = sender(shelf, desk).run()
    assert moved.entry.state is State.UNCERTAIN
    assert moved.entry.attempts[-1].said == "a defect: RuntimeError"


def test_a_defect_while_looking_is_no_answer() -> None:
    class Broken(Desk):
        def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
            raise RuntimeError(key, limit_s)

    shelf, desk = MemoryShelf(ENTRY), Broken("portal", iter(["answer lost"]))
    sender(shelf, desk).run()
    sender(shelf, desk, now=NOW + timedelta(seconds=120)).run()
    entry = shelf.kept["iwx-1"].entry
    assert (entry.state, entry.looks_count) == (State.UNCERTAIN, 1)
    assert entry.attempts[-1].said == "a defect: RuntimeError"


def test_a_transport_that_is_gone_is_passed_over_and_cannot_be_looked_at() -> None:
    shelf, mail = MemoryShelf(ENTRY), Desk("email")
    sender(shelf, mail).run()
    assert mail.received == [LETTER]
    assert shelf.kept["iwx-1"].entry.attempts[0].said == "it is not configured any more"
    lost = MemoryShelf(replace(ENTRY, state=State.UNCERTAIN))
    sender(lost, mail).run()
    assert lost.kept["iwx-1"].entry.attempts[0].said == "portal is not configured any more"


def by_mail(shelf: MemoryShelf, mail: Desk) -> Sender:
    return Sender(
        shelf,
        {"email": mail},
        OutboxRules(),
        now=lambda: NOW,
        jitter=lambda: 1.0,
        left_s=lambda: 100.0,
        instead=("email",),
    )


def test_a_ticket_none_of_whose_transports_is_left_goes_by_one_that_is_configured() -> None:
    shelf, mail = MemoryShelf(replace(ENTRY, chain=("portal", "webhook"))), Desk("email")
    (moved,) = by_mail(shelf, mail).run()
    assert (moved.entry.state, moved.entry.transport) == (State.SENT, "email")
    assert moved.entry.chain == ("portal", "webhook", "email")
    assert mail.received == [LETTER]


def test_what_is_said_to_an_open_ticket_goes_nowhere_else() -> None:
    shelf, mail = MemoryShelf(replace(ENTRY, chain=("portal",))), Desk("email")
    shelf.kept["iwx-1"] = replace(shelf.kept["iwx-1"], letter=replace(LETTER, reference="4711"))
    (moved,) = by_mail(shelf, mail).run()
    assert moved.entry.state is State.FAILED
    assert mail.received == []


@pytest.mark.parametrize(("left_s", "count"), [(4.9, 0), (5.0, 1)])
def test_nothing_is_begun_when_the_time_is_nearly_over(left_s: float, count: int) -> None:
    shelf, desk = MemoryShelf(ENTRY), Desk("portal")
    assert len(sender(shelf, desk, left_s=left_s).run()) == count
    assert len(desk.received) == count


def test_one_attempt_takes_no_more_than_its_share() -> None:
    shelf, desk = MemoryShelf(ENTRY, replace(ENTRY, key="iwx-2")), Desk("portal")
    sender(shelf, desk, left_s=100.0).run()
    assert desk.limits_s == [60.0, 60.0]
    shelf, desk = MemoryShelf(ENTRY), Desk("portal")
    sender(shelf, desk, left_s=20.0).run()
    assert desk.limits_s == [20.0]


def test_what_another_process_has_moved_is_left_to_it() -> None:
    class Overtaken(MemoryShelf):
        def waiting(self) -> tuple[Kept, ...]:
            found = super().waiting()
            for kept in found:
                self.kept[kept.entry.key] = Kept(
                    entry=kept.entry, letter=kept.letter, version=kept.version + 1
                )
            return found

    shelf, desk = Overtaken(ENTRY), Desk("portal")
    assert sender(shelf, desk).run() == ()
    assert desk.received == []


def test_a_second_copy_says_so_once() -> None:
    again = marked(LETTER)
    assert again.message.startswith("This may be a duplicate of iwx-1: ")
    assert again.message.endswith(LETTER.message)
    assert marked(again) == again
    assert unmarked(again) == unmarked(LETTER) == LETTER.message


ENDINGS = st.sampled_from(
    ["accepted", "answer lost", "line lost", "later", "permanent", "person", "defect after"]
)


@settings(max_examples=400)
@given(
    st.lists(ENDINGS, max_size=8),
    st.lists(ENDINGS, max_size=4),
    st.frozensets(st.integers(1, 60), max_size=6),
)
def test_nothing_is_lost_and_nothing_is_there_twice_where_one_can_look(
    portal: list[str], mail: list[str], kills: frozenset[int]
) -> None:
    received, entry = lived(portal, mail, kills, looks=True)
    for letters in received:  # a refusal is sure, so each transport may have one
        assert len(letters) <= 1
    assert sum(map(len, received)) <= 1
    assert entry.state in (State.SENT, State.FAILED)
    assert (entry.state is State.SENT) == bool(sum(map(len, received)))


@settings(max_examples=400)
@given(
    st.lists(ENDINGS, max_size=8),
    st.lists(ENDINGS, max_size=4),
    st.frozensets(st.integers(1, 60), max_size=6),
)
def test_where_nobody_can_look_a_second_copy_is_marked_and_there_is_no_third(
    portal: list[str], mail: list[str], kills: frozenset[int]
) -> None:
    received, entry = lived(portal, mail, kills, looks=False)
    letters = [letter for copies in received for letter in copies]
    assert len(letters) <= 2
    assert letters.count(LETTER) <= 1
    assert all(letter in (LETTER, marked(LETTER)) for letter in letters)
    held = entry.state is State.UNCERTAIN and entry.due_at is None  # a person has to look
    assert held or entry.state in (State.SENT, State.FAILED)
    assert letters or held or entry.state is State.FAILED


def lived(
    portal: list[str], mail: list[str], kills: frozenset[int], *, looks: bool
) -> tuple[list[list[Letter]], Entry]:
    """Run the timer for three days, killed now and then; return what each desk has, and the entry."""
    fate = Fate(kills)
    shelf = MemoryShelf(ENTRY, fate=fate)
    desks = [
        Desk("portal", iter(portal), fate=fate, looks=looks),
        Desk("email", iter(mail), fate=fate, looks=looks),
    ]
    now = NOW
    for _ in range(400):
        try:
            sender(shelf, *desks, now=now).run()
        except Killed:
            continue  # systemd starts it again at once: harder than five minutes later
        now += timedelta(minutes=11)
    return [desk.received for desk in desks], shelf.kept["iwx-1"].entry


def said_to(shelf: MemoryShelf, *references: str) -> None:
    """Make the texts on a shelf further ones of these tickets."""
    for key, reference in zip(list(shelf.kept), references, strict=True):
        kept = shelf.kept[key]
        shelf.kept[key] = replace(kept, letter=replace(kept.letter, reference=reference))


THREE = [replace(ENTRY, key=key, chain=("portal",)) for key in ("iwx-1", "iwx-2", "iwx-3")]


def test_what_is_said_to_a_ticket_is_not_overtaken() -> None:
    shelf, desk = MemoryShelf(*THREE), Desk("portal", iter(["later"]))
    said_to(shelf, "4711", "4711", "4712")
    sender(shelf, desk).run()
    assert [one.key for one in desk.received] == ["iwx-3"]
    sender(shelf, desk, now=NOW + timedelta(seconds=30)).run()  # the first is not due yet
    assert [one.key for one in desk.received] == ["iwx-3"]
    sender(shelf, desk, now=NOW + timedelta(minutes=2)).run()
    assert [one.key for one in desk.received] == ["iwx-3", "iwx-1", "iwx-2"]


@pytest.mark.parametrize(
    "first",
    [
        replace(THREE[0], state=State.UNCERTAIN, due_at=None),
        replace(THREE[0], state=State.DRAFT, due_at=None),
        replace(THREE[0], state=State.FAILED, due_at=None),
    ],
)
def test_what_only_a_person_can_move_on_holds_nothing_up(first: Entry) -> None:
    shelf, desk = MemoryShelf(first, THREE[1]), Desk("portal")
    said_to(shelf, "4711", "4711")
    sender(shelf, desk).run()
    assert [one.key for one in desk.received] == ["iwx-2"]
