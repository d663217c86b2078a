"""The real django-helpdesk gets the ticket through its own form, whole and once, in each of its variants."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk.desk import ACCOUNT, VARIANTS, Desk, DeskError, environment
from letters import ending, kind_of, letter
from msgspec.structs import replace

from iwx_agent.config import load_portal_form
from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Attachment, CannotLook, Credentials, NotFound, Receipt, Undelivered
from iwx_agent.transports.portal import Place, PortalTransport
from iwx_agent.transports.wording import marked

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.timeout(180)]

FORM = load_portal_form(Path("/nonexistent"))
LIMIT_S = 20.0
DATA = bytes(range(256)) * 400
UPDATE = """UPDATE
- The web server is down as well, since 14:05 <b>UTC</b>.
- 12,000 letters wait; see https://iwx1.example.com:2443/a/very/long/address?that=portals&shorten for more.
"""
MESSAGE = "SUMMARY\n- päd: <b>not bold</b> & \u2603\n\n\tindented\n-- \nend"


@pytest.fixture(scope="module")
def installed() -> None:
    try:
        environment()
    except DeskError as error:
        pytest.skip(f"no help desk: {error}")


@pytest.fixture(scope="module", params=VARIANTS)
def desk(request: pytest.FixtureRequest, installed: None) -> Iterator[Desk]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with Desk(f"portal{worker}-{request.param}", request.param) as one:
        yield one


@pytest.fixture
def host() -> Iterator[LiveHost]:
    with LiveHost(budget_s=150) as one:
        yield one


def portal(host: LiveHost, desk: Desk, **more: Any) -> PortalTransport:
    account = Credentials(*ACCOUNT) if desk.variant == "login" else None
    listed = f"{desk.url}/api/user_tickets/" if account else ""
    values: dict[str, Any] = {"address": f"{desk.url}/tickets/submit/", "account": account}
    return PortalTransport(host, Place(**(values | {"list_address": listed} | more)), FORM)


def test_a_ticket_stands_in_the_desk_as_it_was_written(host: LiveHost, desk: Desk) -> None:
    key = f"IWX-{desk.variant}1"
    name = "notes.txt" if desk.variant == "login" else "bundle.tar.gz"  # its list of suffixes has no archives
    attached = Attachment(name=name, media_type="application/octet-stream", data=DATA)
    before = len(desk.tickets())
    one = letter(key=key, subject=f"down [{key}]", message=MESSAGE, attachments=(attached,))
    found = ending(portal(host, desk), one, limit_s=LIMIT_S)
    (ticket,) = desk.tickets()[before:]
    assert isinstance(found, Receipt), found
    assert found.reference == ticket["reference"]
    assert found.url.startswith(f"{desk.url}/view/?ticket={ticket['reference']}&")
    assert ticket["queue"] == ("Technical Support" if desk.variant == "renamed" else "Support")
    assert (ticket["subject"], ticket["priority"]) == (one.subject, 1)
    assert ticket["message"].replace("\r\n", "\n") == MESSAGE
    mail = "server1@example.com" if desk.variant == "login" else "agent@iwx1.example.com"
    assert ticket["submitter_email"] == mail
    answers = ticket["custom"].values()
    assert {"192.0.2.7 (iwx1.example.com)", "Server iwx1"} <= set(answers)
    assert ("Yes, it is enabled" if desk.variant == "renamed" else "Yes") in answers
    assert [(file["name"], file["sha256"]) for file in ticket["attachments"]] == [
        (name, hashlib.sha256(DATA).hexdigest())
    ]


def test_what_the_desk_has_is_found_where_it_can_be_looked_for(host: LiveHost, desk: Desk) -> None:
    key = f"IWX-{desk.variant}2"
    transport = portal(host, desk)
    before = transport.look_up(key, limit_s=LIMIT_S)
    filed = ending(transport, letter(key=key, subject=f"down [{key}]", attachments=()), limit_s=LIMIT_S)
    after = transport.look_up(key, limit_s=LIMIT_S)
    assert isinstance(filed, Receipt)
    if desk.variant == "login":
        assert isinstance(before, NotFound)
        assert isinstance(after, Receipt)
        assert after.reference == filed.reference
        assert isinstance(transport.look_up(key[:-1], limit_s=LIMIT_S), NotFound)
    else:  # a guest has no list of tickets
        assert isinstance(before, CannotLook)
        assert isinstance(after, CannotLook)


def test_a_list_that_only_a_script_fills_proves_nothing(host: LiveHost, desk: Desk) -> None:
    found = portal(host, desk, list_address="").look_up("IWX-none", limit_s=LIMIT_S)
    assert isinstance(found, CannotLook)


def test_a_form_that_is_not_filled_in_whole_is_not_sent(host: LiveHost, desk: Desk) -> None:
    before = desk.tickets()
    found = ending(portal(host, desk), letter(assistance="not determined"), limit_s=LIMIT_S)
    assert kind_of(found) == "person"
    assert desk.tickets() == before


def test_what_the_desk_refuses_is_handed_to_a_person(host: LiveHost, desk: Desk) -> None:
    if desk.variant == "login":  # whose address is the account's
        return
    before = desk.tickets()
    found = ending(portal(host, desk), letter(sender_mail="nobody"), limit_s=LIMIT_S)
    assert isinstance(found, Undelivered)
    assert (found.kind, "Enter a valid email address." in found.why) == ("person", True)
    assert b"csrfmiddlewaretoken" in found.page
    assert desk.tickets() == before


def test_an_archive_that_the_desk_refuses_does_not_stop_the_ticket(host: LiveHost, desk: Desk) -> None:
    before = len(desk.tickets())
    found = ending(portal(host, desk), letter(), limit_s=LIMIT_S)
    (ticket,) = desk.tickets()[before:]
    assert isinstance(found, Receipt)
    refused = desk.variant == "login"
    assert ("sent without its attachments" in found.said) is refused
    assert len(ticket["attachments"]) == (0 if refused else 1)


def test_a_reply_that_the_desk_does_not_take_changes_nothing(host: LiveHost, desk: Desk) -> None:
    """django-helpdesk 2.6.1 shows its form for replies to everybody, and takes them from its staff only."""
    if desk.variant == "replies":
        return
    filed = ending(portal(host, desk), letter(attachments=()), limit_s=LIMIT_S)
    assert isinstance(filed, Receipt)
    before = desk.tickets()
    update = letter(reference=filed.reference, page=filed.url, message="The web server is down, too.")
    found = ending(portal(host, desk), update, limit_s=LIMIT_S)
    assert kind_of(found) == ("permanent" if desk.variant == "login" else "person")
    assert desk.tickets() == before


@pytest.mark.parametrize("with_account", [False, True])
def test_a_reply_stands_in_the_desk_once(host: LiveHost, desk: Desk, with_account: bool) -> None:
    if desk.variant != "replies":
        return
    key = f"IWX-reply{with_account}"
    account = Credentials(*ACCOUNT) if with_account else None
    listed = f"{desk.url}/api/user_tickets/" if with_account else ""
    transport = portal(host, desk, account=account, list_address=listed)
    mail = "server1@example.com"  # the account's, whose list has it
    filed = ending(transport, letter(key=key, subject=f"down [{key}]", sender_mail=mail), limit_s=LIMIT_S)
    assert isinstance(filed, Receipt), filed
    if with_account:
        assert transport.look_up(key, limit_s=LIMIT_S) == Receipt(
            transport="portal", reference=filed.reference, said=f"it stands in {listed}"
        )
    update = letter(key=key, reference=filed.reference, page=filed.url, message=UPDATE, attachments=())
    first = ending(transport, update, limit_s=LIMIT_S)
    again = ending(transport, update, limit_s=LIMIT_S)
    asked_twice = ending(transport, marked(update), limit_s=LIMIT_S)
    worse = ending(transport, replace(update, message=f"{UPDATE}FTP is down, too.\n"), limit_s=LIMIT_S)
    assert [one.said for one in (first, again, asked_twice, worse) if isinstance(one, Receipt)] == [
        "the reply stands on the ticket's page",
        "the reply stood on the ticket's page already",
        "the reply stood on the ticket's page already",
        "the reply stands on the ticket's page",
    ]
    (ticket,) = (one for one in desk.tickets() if one["reference"] == filed.reference)
    told = [one["comment"].replace("\r\n", "\n") for one in ticket["follow_ups"] if one["comment"]]
    assert told[-2:] == [UPDATE, f"{UPDATE}FTP is down, too.\n"]
    assert sum("The web server is down" in text for text in told) == 2


def test_a_check_reads_the_form_and_sends_nothing(host: LiveHost, desk: Desk) -> None:
    before = desk.tickets()
    reading = portal(host, desk).check(limit_s=LIMIT_S)
    assert reading.problems == ()
    assert reading.logged_in is reading.can_look is (desk.variant == "login")
    assert {row.asked for row in reading.rows if row.label} >= {
        *(
            "Category",
            "IP Address or Hostname",
            "Remote Assistance Enabled?",
            "Subject",
            "Message",
            "Priority",
        ),
    }
    assert desk.tickets() == before


def test_a_wrong_password_is_told_and_not_tried_again(host: LiveHost, desk: Desk) -> None:
    if desk.variant != "login":
        return
    account = Credentials(ACCOUNT[0], "not-a-real-secret-9")
    found = ending(portal(host, desk, account=account), letter(), limit_s=LIMIT_S)
    assert isinstance(found, Undelivered)
    assert found.kind == "permanent"
    assert "the login was refused" in found.why
    assert b"not-a-real-secret-9" not in found.page
