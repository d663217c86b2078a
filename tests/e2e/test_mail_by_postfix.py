"""A ticket goes through a real postfix, a server's own or one elsewhere, and arrives whole."""

import email
import email.policy
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, NamedTuple

import pytest
from certificates import Identity, made_identity
from letters import ending, kind_of, letter
from mail_sink import Received, Sink
from private_postfix import postfix, why_not

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Attachment, Receipt, Undelivered
from iwx_agent.transports.email import EmailSettings, EmailTransport

pytestmark = [pytest.mark.lab, pytest.mark.enable_socket, pytest.mark.timeout(180)]
ARRIVES_S = 20.0


class Relay(NamedTuple):
    """A postfix, and the sink behind it."""

    port: int
    sink: Sink
    identity: Identity


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    if reason := why_not():
        pytest.skip(reason)
    place = tmp_path_factory.mktemp("postfix")
    identity = made_identity(place)
    with Sink() as sink, postfix(place / "overlay", sink.port, identity.pem) as port:
        yield Relay(port, sink, identity)


@pytest.fixture
def host() -> Iterator[LiveHost]:
    with LiveHost(budget_s=100) as live:
        yield live


def through(host: LiveHost, relay: Relay, **more: Any) -> EmailTransport:
    values: dict[str, Any] = {"to": "support@example.com", "port": relay.port} | more
    return EmailTransport(host, EmailSettings(**values))


def arrived(relay: Relay, key: str) -> Received:
    until = time.monotonic() + ARRIVES_S
    while time.monotonic() < until:
        for one in relay.sink.received:
            if f"X-Iwx-Agent-Key: {key}\r\n".encode() in one.data:
                return one
        time.sleep(0.05)
    raise AssertionError(f"{key} did not arrive")


def test_a_ticket_arrives_whole(host: LiveHost, relay: Relay) -> None:
    data = bytes(range(256)) * 1000
    one = letter(
        key="IWX-whole",
        subject="Größe und Maß: NodeWorx is down [IWX-whole]",
        message="ä ☃\n.\n..two\nFrom here\n" + "x" * 5000 + "\n",
        attachments=(Attachment(name="bundle.tar.gz", media_type="application/gzip", data=data),),
    )
    found = ending(through(host, relay, copy_to=("copy@example.com",)), one, limit_s=20)
    assert isinstance(found, Receipt)
    assert found.said.startswith("250 2.0.0 Ok: queued as ")
    got = arrived(relay, "IWX-whole")
    assert got.sender == "agent@iwx1.example.com"
    assert sorted(got.recipients) == ["copy@example.com", "support@example.com"]
    mail = email.message_from_bytes(got.data, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == one.subject
    body = mail.get_body()
    assert body is not None
    assert one.message in body.get_content().replace("\r\n", "\n")
    assert [part.get_content() for part in mail.iter_attachments()] == [data]


def test_it_goes_through_starttls_with_a_private_authority(host: LiveHost, relay: Relay) -> None:
    safe = {"server": "localhost", "tls": "starttls", "authorities": str(relay.identity.authority)}
    one = letter(key="IWX-tls", subject="s [IWX-tls]")
    assert kind_of(ending(through(host, relay, **safe), one, limit_s=20)) == "accepted"
    assert b" with ESMTPS id " in arrived(relay, "IWX-tls").data
    unknown = ending(through(host, relay, server="localhost", tls="starttls"), letter(), limit_s=20)
    assert "the certificate cannot be trusted" in str(unknown)


@pytest.mark.parametrize(
    ("address", "kind", "said", "wait_s"),
    [
        ("refused@example.com", "permanent", "RCPT TO: 554 5.7.1", 0.0),
        ("later@example.com", "later", "RCPT TO: 451 4.7.1", 90.0),
    ],
)
def test_its_refusals_are_told_apart(
    host: LiveHost, relay: Relay, address: str, kind: str, said: str, wait_s: float
) -> None:
    found = ending(through(host, relay, to=address), letter(), limit_s=20)
    assert isinstance(found, Undelivered)
    assert (found.kind, found.retry_after_s) == (kind, wait_s)
    assert said in str(found)


def test_a_ticket_that_is_too_big_is_not_sent(host: LiveHost, relay: Relay) -> None:
    big = Attachment(name="b.zip", media_type="application/zip", data=b"\0" * 1_000_000)
    found = ending(through(host, relay), letter(attachments=(big,)), limit_s=20)
    assert isinstance(found, Undelivered)
    assert (found.kind, found.next_step) == ("permanent", "send it without attachments")
    assert "the server takes 1000000" in found.why
