"""What is said to a person who is about to paste a ticket: there is one already, or soon will be."""

from datetime import timedelta
from typing import Any

import pytest
from building import finding, incident
from emergencies import MAIL, WEB, seen
from msgspec.structs import replace
from story import AUTHOR, KEY, Server

from iwx_agent.app import auto as watching
from iwx_agent.app.standing import standing
from iwx_agent.app.submit import submit
from iwx_agent.config.sending import AutoSettings, DeliverySettings, Sending
from iwx_agent.model import AssistanceReport, Severity
from iwx_agent.outbox.machine import State
from iwx_agent.outbox.shelf import StoreShelf
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.contract import Event, Note

OFF = AutoSettings()
ON = AutoSettings(enabled=True, drafts_count=0)
PORTAL = DeliverySettings(chain=("portal",))
SLOW = incident(
    finding("WEB-020", "httpd", title="A site is slow", severity=Severity.WARNING), fingerprint="slow"
)


@pytest.fixture(autouse=True)
def no_stop_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(watching, "STOP", tmp_path / "stop")


def said(
    server: Server,
    *incidents: Any,
    auto: AutoSettings = OFF,
    delivery: DeliverySettings = PORTAL,
    **more: Any,
) -> str:
    sending = Sending(auto=auto, delivery=delivery)
    found = standing(seen(*incidents, **more), server.store, sending, server.now)
    return f"{found.said}. {found.instead}" if found is not None else ""


def test_what_has_been_filed_is_named_with_its_number_and_page() -> None:
    server = Server()
    server.run(MAIL)
    assert said(server, MAIL) == (
        f"ticket {KEY} (4711) at https://desk.example.com/4711 is about this: do not file another. "
        'Send it what you have to say: iwx-agent submit --note "..."'
    )


def test_what_opens_a_guest_s_ticket_for_everybody_is_not_in_it() -> None:
    server = Server()
    server.run(MAIL)
    (text,) = server.texts()
    url = "https://desk.example.com/view?ticket=4711&email=a@example.com&key=0f1e2d"
    StoreShelf(server.store).move(text, replace(text.entry, url=url))
    assert " at https://desk.example.com/view is about this" in said(server, MAIL)


def test_what_the_ticket_does_not_tell_yet_goes_to_it() -> None:
    server = Server()
    server.run(MAIL)
    assert said(server, MAIL, WEB) == (
        f"ticket {KEY} (4711) at https://desk.example.com/4711 is about this: do not file another. "
        "Send it what is new: iwx-agent submit"
    )


def test_one_that_waits_and_a_draft_are_named_as_such() -> None:
    server = Server()
    server.desk_is_open = False
    server.run(MAIL)
    assert said(server, MAIL) == (
        "a ticket about this lies in the outbox (queued): do not file another. "
        f"Look at it: iwx-agent outbox show {KEY}"
    )
    drafted = Server(drafts_count=1)
    drafted.run(MAIL)
    assert said(drafted, MAIL) == (
        f"a draft of auto's waits for a person: {KEY}. "
        f"Read it: iwx-agent outbox show {KEY}; or send your own: iwx-agent submit"
    )


def test_one_that_only_lies_here_is_to_be_pasted() -> None:
    server = Server()
    server.run(MAIL)
    (text,) = server.texts()
    here = replace(text.entry, chain=("file",), reference=KEY, url=f"file:///tickets/{KEY}/ticket.txt")
    StoreShelf(server.store).move(text, here)
    assert said(server, MAIL, delivery=DeliverySettings()) == (
        f"ticket {KEY} about this lies on this server only, for a person to paste. "
        f"file:///tickets/{KEY}/ticket.txt"
    )


def test_what_a_person_sent_of_no_emergency_counts_on_its_day() -> None:
    server = Server()
    submit(seen(SLOW), server.store, AUTHOR, server.now)
    server.deliver()
    assert said(server, SLOW).startswith(f"ticket {key_of(seen(SLOW))} (4711) at ")
    (text,) = server.texts()
    StoreShelf(server.store).move(text, replace(text.entry, state=State.DROPPED))
    assert said(server, SLOW) == ""


def test_nothing_is_said_where_nothing_has_been_filed() -> None:
    server = Server()
    assert said(server) == said(server, MAIL) == said(server, SLOW) == ""
    server.run(MAIL)
    assert said(server) == ""


def test_what_comes_back_soon_belongs_to_the_same_ticket_and_later_it_does_not() -> None:
    server = Server(good_runs_count=1)
    server.run(MAIL)
    server.run()
    assert said(server, MAIL).endswith("Send it what is new: iwx-agent submit")
    server.now += timedelta(hours=6)
    assert said(server, MAIL) == ""


def test_auto_will_file_it_only_when_nothing_is_in_its_way() -> None:
    server = Server()
    soon = (
        "auto is on, and files this at its next run: do not paste it too. "
        "Send it now, with what you have to say: iwx-agent submit"
    )
    assert said(server, MAIL, auto=ON) == soon
    server.store.commit(Note(event=Event(at=server.now, kind="filed")))
    assert said(server, MAIL, auto=ON) == soon.replace("at its next run", "when it may (now: pause)")
    server.now += timedelta(hours=1)
    assert said(server, SLOW, auto=ON) == ""
    assert said(server, MAIL, auto=replace(ON, drafts_count=1)) == ""
    off = AssistanceReport(state="off")
    assert said(server, MAIL, auto=ON, remote_assistance=off) == ""
    assert said(server, MAIL, auto=ON, delivery=DeliverySettings()) == ""
    watching.STOP.touch()
    assert said(server, MAIL, auto=ON) == ""
