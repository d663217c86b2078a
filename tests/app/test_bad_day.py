"""Days on which all that can be down is down: nothing is lost or sent twice, and nobody is stormed."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import AT
from emergencies import MAIL, WEB, seen
from msgspec.structs import replace
from story import FIVE, KEY

from iwx_agent.app.auto import Sight, decide_and_keep
from iwx_agent.app.diagnose import Request
from iwx_agent.app.filing import Author
from iwx_agent.app.posted import Posted
from iwx_agent.app.posting import Post
from iwx_agent.app.submit import submit
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.host.workers import Workers
from iwx_agent.model import Incident, IncidentState, Severity
from iwx_agent.model.episode import Decision
from iwx_agent.outbox.machine import Entry, State
from iwx_agent.outbox.shelf import StoreShelf, entry_of
from iwx_agent.state.contract import MoveText, Store
from iwx_agent.state.door import Door, StateError
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.memory import MemoryStore
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.wording import letter_id, marked

DAY_COUNT = 288  # runs of five minutes


class Way:
    """A transport that a test takes down: ``down`` says how, empty when it is up; ``asked`` is when."""

    def __init__(self, name: str, *, looks: bool = True) -> None:
        self.name = name
        self.looks = looks
        self.down: Callable[[], Undelivered] | None = None
        self.takes_and_says_nothing = False
        self.received: list[Letter] = []
        self.asked: list[datetime] = []
        self.now = AT

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        self.asked.append(self.now)
        if self.down is not None:
            raise self.down()
        self.received.append(letter)
        if self.takes_and_says_nothing:
            self.takes_and_says_nothing = False
            raise Undelivered("uncertain", self.name, "the answer was lost")
        return Receipt(transport=self.name, reference="4711", url="https://desk.example.com/4711")

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        if self.down is not None or not self.looks:
            return CannotLook(reason="it does not answer")
        there = any(letter_id(letter) == key for letter in self.received)
        return Receipt(transport=self.name, reference="4711") if there else NotFound(said="its list")


class Copies(Way):
    """The files on this server, each there once."""

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        super().deliver(letter, limit_s=limit_s)
        self.received = list(dict.fromkeys(self.received))
        return Receipt(transport="file", url=f"file:///copies/{letter_id(letter)}")


class Life:
    """A server of which ``auto`` is run every five minutes, with the real outbox and one of the stores."""

    def __init__(self, *ways: Way, store: Callable[[], Store] | None = None) -> None:
        self.copies = Copies("file")
        self.ways = {way.name: way for way in (*ways, self.copies)}
        self.chain = tuple(way.name for way in ways)
        memory = MemoryStore()
        self.store = store or (lambda: memory)
        self.now = AT
        self.said: list[str] = []
        self.sending = Sending(auto=AutoSettings(enabled=True, drafts_count=0, update_pause_s=0))

    def run(self, *incidents: Incident) -> Decision:
        store = self.store()
        found = seen(*incidents, collected_at=self.now)
        author = Author(ways=self.chain)
        stopped = "" if getattr(store, "sure", True) else "not sure"
        decision = decide_and_keep(found, store, self.sending, author, self.now, stopped=stopped)
        self.said += [*getattr(store, "said", ()), *self.send(store).said]
        self.now += FIVE
        return decision

    def send(self, store: Store) -> Posted:
        for way in self.ways.values():
            way.now = self.now
        post = Post(
            self.ways,
            self.sending.outbox,
            now=lambda: self.now,
            left_s=lambda: 300.0,
            attempt_s=60.0,
            jitter=lambda: 1.0,
        )
        return post.send(store)

    def runs(self, count: int, *incidents: Incident) -> None:
        for _ in range(count):
            self.run(*incidents)

    def entry(self, key: str = KEY) -> Entry:
        text = self.store().text(key)
        assert text is not None
        return entry_of(text)


def later(retry_after_s: float = 0.0) -> Callable[[], Undelivered]:
    return lambda: Undelivered("later", "portal", "503", retry_after_s=retry_after_s)


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)


# The portal is down for a day


def test_a_portal_that_is_down_for_a_day_gets_the_ticket_when_it_is_back_then_what_is_new() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.down = later()
    life.runs(100, MAIL)
    life.runs(DAY_COUNT - 100, MAIL, WEB)
    assert portal.received == []
    assert 20 <= len(portal.asked) <= 40  # once an hour, after more often at first
    assert [letter.key for letter in life.copies.received] == [KEY]
    portal.down = None
    life.runs(14, MAIL, WEB)
    assert [letter_id(one).startswith(f"{KEY}.update-") for one in portal.received] == [False, True]
    assert "The web server is down" in portal.received[1].message
    life.runs(30)
    assert len(portal.received) == 3
    assert portal.received[2].message.startswith("RECOVERY") or "is over" in portal.received[2].message
    assert life.store().waiting() == ()
    assert life.said == []


def test_an_outage_that_is_over_before_the_portal_is_back_is_told_after_the_ticket() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.down = later()
    life.runs(5, MAIL)
    life.runs(DAY_COUNT - 5)
    portal.down = None
    life.runs(16)
    first, recovery = portal.received
    assert (first.key, first.reference) == (KEY, "")
    assert (recovery.key, recovery.reference) == (KEY, "4711")


def test_what_was_asked_for_is_waited_for() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.down = later(7200.0)
    life.runs(DAY_COUNT, MAIL)
    gaps = [b - a for a, b in zip(portal.asked, portal.asked[1:], strict=False)]
    assert len(portal.asked) == 12
    assert min(gaps) >= timedelta(seconds=7200)


def test_mail_takes_what_the_portal_puts_off_and_the_portal_does_not_get_it_as_well() -> None:
    portal, mail = Way("portal"), Way("email")
    life = Life(portal, mail)
    portal.down = later()
    life.runs(12, MAIL)
    assert len(mail.received) == 1
    assert life.entry().transport == "email"
    portal.down = None
    life.runs(DAY_COUNT, MAIL)
    assert portal.received == []
    assert len(mail.received) == 1


def test_a_ticket_that_was_taken_just_before_the_outage_is_not_sent_again_after_it() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.takes_and_says_nothing = True
    life.run(MAIL)
    portal.down = later()
    life.runs(DAY_COUNT, MAIL)
    portal.down = None
    life.runs(20, MAIL)
    assert len(portal.received) == 1
    assert life.entry().state is State.SENT


def test_where_nobody_can_look_it_is_sent_once_more_and_says_so() -> None:
    portal = Way("portal", looks=False)
    life = Life(portal)
    portal.takes_and_says_nothing = True
    life.runs(DAY_COUNT, MAIL)
    assert portal.received == [portal.received[0], marked(portal.received[0])]


def test_a_chain_that_is_changed_meanwhile_loses_nothing() -> None:
    portal, mail = Way("portal"), Way("email")
    life = Life(portal)
    portal.down = later()
    life.runs(20, MAIL)
    life.ways = {"email": mail, "file": life.copies}
    life.chain = ("email",)
    life.runs(DAY_COUNT, MAIL)
    assert len(mail.received) == 1
    assert life.entry().state is State.SENT


# The clock


def test_a_clock_that_jumps_forward_and_back_sends_nothing_twice_and_loses_nothing() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.down = later()
    life.runs(10, MAIL)
    life.now += timedelta(days=400)
    life.runs(10, MAIL)
    life.now = AT + timedelta(hours=2)
    portal.down = None
    life.runs(DAY_COUNT, MAIL)
    assert [letter.key for letter in portal.received] == [KEY]


# The disk


def full(monkeypatch: pytest.MonkeyPatch, kept: Path, after: int) -> None:
    """Let the disk take ``after`` writes, and then none; what it has can be read."""
    whole: Any = Door._transact
    left = [after]

    def transact(this: Door, steps: Any, *, create: bool, handed: bytes) -> Any:
        if this.directory == kept and create:
            if left[0] == 0:
                raise StateError("No space left on device", "unwritable", this.path)
            left[0] -= 1
        return whole(this, steps, create=create, handed=handed)

    monkeypatch.setattr(Door, "_transact", transact)


@pytest.mark.parametrize("after", range(12))
def test_a_disk_that_is_full_from_any_step_on_sends_each_text_once(
    kept: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    with monkeypatch.context() as patched:
        full(patched, kept, after)
        life.runs(4, MAIL)
        life.runs(2, MAIL, WEB)
    life.runs(4, MAIL, WEB)
    assert [one.reference for one in portal.received] == ["", "4711"]
    assert len({letter_id(one) for one in portal.received}) == 2
    assert any("No space left on device" in said for said in life.said)
    assert life.store().waiting() == ()


def test_what_waits_in_a_damaged_store_is_said_to_be_set_aside_and_its_copy_stays(kept: Path) -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    portal.down = later()
    life.runs(3, MAIL)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    portal.down = None
    life.run(MAIL)
    assert any("damaged" in said and "state.db.damaged-" in said for said in life.said)
    assert [letter.key for letter in life.copies.received] == [KEY]
    life.runs(3, MAIL)
    assert [letter.key for letter in portal.received] == [KEY]


def test_a_portal_that_is_down_for_days_hears_that_it_is_over_after_all() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.down = later()
    life.runs(12, MAIL)
    life.runs(5 * DAY_COUNT)
    portal.down = None
    life.runs(14)
    assert [one.message.split()[0] for one in portal.received] == ["SUMMARY", "OVER"]


def lost(way: Way, kept: Path) -> Life:
    """A server that has filed its ticket, and whose store is damaged then."""
    life = Life(way, store=CarefulStore)
    life.run(MAIL)
    assert [letter.key for letter in way.received] == [KEY]
    (kept / "state.db").write_bytes(b"hello" * 1000)
    return life


def test_what_was_filed_before_the_store_was_damaged_is_found_again_and_updated(kept: Path) -> None:
    portal = Way("portal")
    life = lost(portal, kept)
    assert life.run(MAIL).row == "first time"
    assert (life.entry().state, life.entry().reference) == (State.SENT, "4711")
    assert len(portal.asked) == 1
    life.run(MAIL, WEB)
    assert [letter.reference for letter in portal.received] == ["", "4711"]


def test_where_nobody_can_look_the_ticket_after_the_damage_says_that_it_may_be_a_second_one(
    kept: Path,
) -> None:
    mail = Way("email", looks=False)
    life = lost(mail, kept)
    life.runs(20, MAIL)
    first, second = mail.received
    assert second == marked(replace(first, written_at=second.written_at, message=second.message))
    assert second.message.startswith(f"This may be a duplicate of {KEY}: ")
    assert life.entry().state is State.SENT


def test_where_the_key_tells_no_day_an_old_ticket_is_not_taken_for_this_one(kept: Path) -> None:
    undated = replace(MAIL, since_at=None)
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    life.run(undated)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    life.run(undated)  # which could be of another day
    assert len(portal.received) == 2
    assert portal.received[1].message.startswith("This may be a duplicate of ")


def test_after_the_damage_nobody_has_to_send_a_first_draft_again(kept: Path) -> None:
    portal = Way("portal")
    life = lost(portal, kept)
    life.sending = Sending(auto=AutoSettings(enabled=True, drafts_count=1))
    assert life.run(WEB).row == "first time"
    assert len(portal.received) == 2


def test_after_the_damage_a_portal_that_is_down_is_looked_through_when_it_is_back(kept: Path) -> None:
    portal = Way("portal")
    life = lost(portal, kept)
    portal.down = later()
    life.runs(DAY_COUNT, MAIL)
    portal.down = None
    life.runs(14, MAIL)
    assert len(portal.received) == 1
    assert life.entry().state is State.SENT


def test_what_began_after_the_damage_is_new_and_so_is_a_further_ticket_that_a_person_wants(
    kept: Path,
) -> None:
    mail = Way("email", looks=False)
    life = lost(mail, kept)
    life.now = datetime.now(UTC) + timedelta(hours=1)  # the damage is noted at the server's own time
    life.run(replace(MAIL, since_at=life.now - timedelta(minutes=2)))
    assert not mail.received[1].message.startswith("This may be a duplicate")
    (kept / "state.db").write_bytes(b"hello" * 1000)
    found = seen(MAIL, collected_at=life.now)
    submit(found, life.store(), Author(ways=("email",)), life.now, anyway=True)
    life.send(life.store())
    assert not mail.received[2].message.startswith("This may be a duplicate")


def test_who_looks_before_the_run_and_finds_the_damage_says_it(kept: Path) -> None:
    Life(Way("portal"), store=CarefulStore).run(MAIL)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    sight = Sight()
    sight.look(Workers(), Request())
    (said,) = sight.said
    assert said.startswith(f"what was kept was damaged, and is now {kept}/state.db.damaged-")
    assert CarefulStore().said == ()


# One flipped bit


def flipped(kept: Path, table: str, column: str, key: str = KEY) -> None:
    """Set the highest bit of one byte in the midst of a row, as a bad memory chip does."""
    with closing(sqlite3.connect(kept / "state.db")) as database, database:
        (body,) = database.execute(f"SELECT {column} FROM {table} WHERE key = ?", (key,)).fetchone()
        at = body.index(b"iwx-") + 1
        body = body[:at] + bytes([body[at] | 0x80]) + body[at + 1 :]
        database.execute(f"UPDATE {table} SET {column} = ? WHERE key = ?", (body, key))


def test_an_open_tickets_episode_that_is_damaged_costs_a_repeated_update_not_a_ticket(kept: Path) -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    life.run(MAIL)
    life.run(MAIL, WEB)
    flipped(kept, "episodes", "body")
    life.runs(3, MAIL, WEB)
    assert [letter.reference for letter in portal.received] == ["", "4711", "4711"]
    assert any("is damaged" in said for said in life.said)
    life.said.clear()
    life.runs(4)
    assert [letter.reference for letter in portal.received] == ["", "4711", "4711", "4711"]
    assert life.said == []


def test_to_a_ticket_whose_letter_is_damaged_more_is_said_all_the_same(kept: Path) -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    life.run(MAIL)
    flipped(kept, "outbox", "letter")
    life.runs(2, MAIL, WEB)
    first, update = portal.received
    assert (update.reference, update.key, update.subject) == ("4711", KEY, first.subject)
    assert replace(update, message="", reference="", page="", written_at=0.0) == replace(
        first, message="", written_at=0.0
    )


@pytest.mark.parametrize("column", ["body", "letter"])
def test_a_waiting_ticket_that_is_damaged_is_filed_anew_and_says_so(kept: Path, column: str) -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    portal.down = later()
    life.run(MAIL)
    flipped(kept, "outbox", column)
    portal.down = None
    life.sending = Sending(auto=AutoSettings(enabled=True, drafts_count=0, pause_s=0))
    life.runs(3, MAIL)
    (only,) = portal.received
    assert only.message.startswith("This may be a duplicate of ")
    assert any("is damaged" in said for said in life.said)


@pytest.mark.parametrize("column", ["body", "letter"])
def test_another_text_that_is_damaged_stops_nothing(kept: Path, column: str) -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    portal.down = later()
    author = Author(ways=("portal",))
    slow = replace(WEB, lead=replace(WEB.lead, severity=Severity.ERROR), state=IncidentState.OPEN)
    found = seen(slow, collected_at=AT)
    submit(found, life.store(), author, AT)
    flipped(kept, "outbox", column, life.store().texts(1)[0].key)
    portal.down = None
    life.runs(2, MAIL)
    assert [letter.key for letter in portal.received] == [KEY]


# A kill


def test_a_copy_that_a_killed_run_did_not_leave_is_left_by_the_next() -> None:
    portal = Way("portal")
    life = Life(portal, store=CarefulStore)
    portal.down = later(86_400.0)
    life.copies.down = later()  # as if it had been killed before
    life.run(MAIL)
    assert life.entry().copy == ""
    life.copies.down = None
    life.run(MAIL)
    assert life.entry().copy == f"file:///copies/{KEY}"
    assert len(portal.asked) == 1


def test_of_many_texts_without_a_copy_a_full_disk_is_asked_once_a_run() -> None:
    portal = Way("portal")
    life = Life(portal)
    portal.down = later(864_000.0)
    life.run(MAIL)
    store = life.store()
    shelf = StoreShelf(store)
    first = shelf.one(KEY)
    assert first is not None
    from iwx_agent.outbox.shelf import adding

    for number in range(5):
        other = replace(first.entry, key=f"iwx-{number}", copy="")
        store.commit(adding(other, replace(first.letter, key=other.key)))
    store.commit(MoveText(key="iwx-0", version=1, entry=b"damaged", ended=False))
    life.copies.down = later()
    life.copies.asked.clear()
    life.run(MAIL)
    assert len(life.copies.asked) == 1
    life.copies.down = None
    life.run(MAIL)
    assert all(life.entry(f"iwx-{number}").copy for number in range(1, 5))
