"""No ticket and no password goes to an address that does not keep it: refused before anything is sent."""

import pytest
from fakes import FakeHost
from letters import letter

from iwx_agent.model.portal_form import PortalForm
from iwx_agent.transports.contract import CannotLook, Undelivered
from iwx_agent.transports.portal import Place, PortalTransport, faults_of, pasted


@pytest.mark.parametrize(
    "place",
    [
        Place(address="https://portal.example.com/submit"),
        Place(address="http://127.0.0.1:8000/", login_address="http://127.0.0.1:8000/login"),
        Place(address="http://[::1]/"),
        Place(address="https://x.example/", search_address="https://X.example:443/s?q={key}"),
        Place(address="https://x.example/", proxy="http://proxy.example:3128"),
    ],
)
def test_what_can_be_used(place: Place) -> None:
    assert list(faults_of(place)) == []


@pytest.mark.parametrize(
    ("place", "setting", "why"),
    [
        (Place(address=""), "address", "begins with https://"),
        (Place(address="http://portal.example.com/"), "address", "sent over TLS only"),
        (Place(address="http://localhost.example.com/"), "address", "sent over TLS only"),
        (Place(address="ftp://x.example/"), "address", "begins with https://"),
        (Place(address="https://u:p@x.example/"), "address", "would end up in logs"),
        (Place(address="https://x.example/a b"), "address", "without blanks"),
        (Place(address="https://x.example:99999/"), "address", "is no address"),
        (Place(address="https://[x/"), "address", "is no address"),
        (
            Place(address="https://x.example/", list_address="https://y.example/"),
            "list_address",
            "another host",
        ),
        (
            Place(address="https://x.example/", login_address="https://x.example:8443/"),
            "login_address",
            "another",
        ),
        (Place(address="https://x.example/", search_address="https://x.example/"), "search_address", "{key}"),
        (Place(address="https://x.example/", proxy="socks5://p.example"), "proxy", "begins with https://"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_sent(place: Place, setting: str, why: str) -> None:
    faults = dict(faults_of(place))
    assert why in faults[setting]
    host = FakeHost({})
    transport = PortalTransport(host, place, PortalForm(synonyms=()))
    with pytest.raises(Undelivered) as raised:
        transport.deliver(letter(), limit_s=1)
    assert raised.value.kind == "permanent"
    assert isinstance(transport.look_up("IWX-1", limit_s=1), CannotLook)
    assert host.asked == []


def test_a_ticket_to_paste_has_every_field_in_the_forms_order() -> None:
    text = pasted(letter(message="line 1\nline 2"), "https://x.example/submit")
    assert text == (
        "Open https://x.example/submit in a browser and paste the ticket:\n\n"
        "Category: Support\n\nIP Address or Hostname: 192.0.2.7 (iwx1.example.com)\n\n"
        "Remote Assistance Enabled?: Yes\n\nSubject: NodeWorx is down on iwx1.example.com [IWX-7f3a]\n\n"
        "Message:\nline 1\nline 2\n\nPriority: Urgent\n\nAttach: bundle.tar.gz\n"
    )


def test_a_reply_to_paste_says_where() -> None:
    update = letter(reference="T-1", page="https://x.example/ticket/1", message="down, too")
    text = pasted(update, "https://x.example/submit")
    assert text == "Open ticket T-1 at https://x.example/ticket/1 and reply with this:\n\ndown, too\n"
