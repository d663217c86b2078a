"""Mail is sent to a real SMTP server, and every way in which that server can behave has its ending."""

import email
import email.policy
import socket
import time
from email.message import EmailMessage
from typing import Any

import pytest
from certificates import Identity
from letters import ending, kind_of, letter
from mail_sink import PASSWORD, USER, Sink
from peers import Peers

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import CannotLook, Credentials, Receipt, Undelivered
from iwx_agent.transports.email import EmailSettings, EmailTransport

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

TO = "support@example.com"


def sender(
    host: LiveHost, port: int, *, login: bool = False, password: str = PASSWORD, **more: Any
) -> EmailTransport:
    values: dict[str, Any] = {"to": TO, "server": "localhost", "port": port, "tls": "none"} | more
    credentials = Credentials(USER, password) if login else None
    return EmailTransport(host, EmailSettings(**values), credentials)


def read(data: bytes) -> EmailMessage:
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_ticket_arrives_as_it_was_written(host: LiveHost) -> None:
    one = letter()
    with Sink() as sink:
        transport = sender(host, sink.port, copy_to=("copy@example.com",))
        found = transport.deliver(one, limit_s=5)
    assert found == Receipt(transport="email", said="250 2.0.0 Ok: queued as 4ZxYw")
    (got,) = sink.received
    assert (got.sender, got.recipients) == ("agent@iwx1.example.com", [TO, "copy@example.com"])
    assert got.data == transport.outgoing(one)
    mail = read(got.data)
    assert mail["Subject"] == one.subject
    assert mail["From"] == "Server iwx1 <agent@iwx1.example.com>"
    body = mail.get_body()
    assert body is not None
    assert "\n.\n..two dots\nFrom here on\n" in body.get_content().replace("\r\n", "\n")
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("bundle.tar.gz", "application/gzip")
    assert attached.get_content() == b"\x1f\x8b\x00x"


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ({"MAIL": "550 5.7.1 go away"}, "permanent", "MAIL FROM: 550 5.7.1 go away"),
        ({"MAIL": "530 5.7.0 authentication required"}, "permanent", "MAIL FROM: 530"),
        ({"MAIL": "452 4.3.1 no space"}, "later", "MAIL FROM: 452 4.3.1"),
        ({"MAIL": "421 4.3.2 shutting down"}, "later", "MAIL FROM: 421"),
        ({"MAIL": "drop"}, "later", "MAIL FROM: "),
        ({"RCPT": "550 5.1.1 no such user"}, "permanent", "RCPT TO: 550 5.1.1"),
        ({"RCPT": "451 4.7.1 Greylisted, please come again"}, "later", "RCPT TO: 451"),
        ({"RCPT": "drop"}, "later", "RCPT TO: "),
        ({"DATA": "554 5.6.0 refused as spam"}, "permanent", "after the final dot: 554"),
        ({"DATA": "552 5.3.4 too big"}, "permanent", "after the final dot: 552"),
        ({"DATA": "451 4.3.0 try again"}, "later", "after the final dot: 451"),
        ({"DATA": "421 4.3.2 shutting down"}, "later", "after the final dot: 421"),
        ({"DATA": "drop"}, "uncertain", "after the final dot: "),
        ({"DATA": "999 what"}, "uncertain", "after the final dot: an answer that no mail server gives: 999"),
    ],
)
def test_each_refusal_has_its_ending(host: LiveHost, answers: dict[str, str], kind: str, said: str) -> None:
    with Sink(answers) as sink:
        found = ending(sender(host, sink.port), letter())
    assert isinstance(found, Undelivered)
    assert found.kind == kind
    assert said in str(found)
    assert len(sink.received) == ("DATA" in answers)


def test_a_greylist_says_when_to_come_again(host: LiveHost) -> None:
    with Sink({"RCPT": "450 4.2.0 Greylisted, try again in 120 seconds"}) as sink:
        found = ending(sender(host, sink.port), letter())
    assert isinstance(found, Undelivered)
    assert found.retry_after_s == 120


def test_a_copy_that_is_refused_keeps_nobody_from_the_ticket(host: LiveHost) -> None:
    with Sink({"one@example.com": "550 5.1.1 unknown"}) as sink:
        transport = sender(host, sink.port, copy_to=("one@example.com", "two@example.com"))
        found = ending(transport, letter())
    assert isinstance(found, Receipt)
    assert "no copy to one@example.com: 550 5.1.1 unknown" in found.said
    assert [got.recipients for got in sink.received] == [[TO, "two@example.com"]]


def test_when_the_one_it_is_for_is_refused_nobody_gets_it(host: LiveHost) -> None:
    with Sink({TO: "550 5.1.1 unknown"}) as sink:
        found = ending(sender(host, sink.port, copy_to=("one@example.com",)), letter())
    assert kind_of(found) == "permanent"
    assert sink.received == []


def test_a_server_that_closes_in_the_middle_of_the_copies_takes_nothing(host: LiveHost) -> None:
    with Sink({"one@example.com": "421 4.3.2 closing"}) as sink:
        found = ending(sender(host, sink.port, copy_to=("one@example.com",)), letter())
    assert kind_of(found) == "later"
    assert sink.received == []


def test_a_mail_that_is_too_big_is_not_sent(host: LiveHost) -> None:
    with Sink(size_bytes=500) as sink:
        found = ending(sender(host, sink.port), letter())
    assert isinstance(found, Undelivered)
    assert (found.kind, found.next_step) == ("permanent", "send it without attachments")
    assert "the server takes 500" in found.why


# TLS and login


def test_it_goes_through_starttls_with_a_login(host: LiveHost, identity: Identity) -> None:
    with Sink(auth=True, identity=identity.pem) as sink:
        transport = sender(host, sink.port, login=True, tls="starttls", authorities=str(identity.authority))
        assert kind_of(ending(transport, letter())) == "accepted"
    assert [(got.user, got.tls) for got in sink.received] == [(USER, True)]


def test_it_goes_through_tls_from_the_start(host: LiveHost, identity: Identity) -> None:
    with Sink(identity=identity.pem, implicit=True) as sink:
        transport = sender(host, sink.port, tls="implicit", authorities=str(identity.authority))
        assert kind_of(ending(transport, letter())) == "accepted"


def test_the_port_for_tls_from_the_start_means_that(
    host: LiveHost, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sink(identity=identity.pem, implicit=True) as sink:
        ports = {"starttls": 587, "implicit": sink.port, "none": 25}
        monkeypatch.setattr("iwx_agent.transports.email._PORTS", ports)
        transport = sender(host, sink.port, tls="", authorities=str(identity.authority))
        assert kind_of(ending(transport, letter())) == "accepted"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    host: LiveHost, identity: Identity, tls: str
) -> None:
    with Sink(identity=identity.pem, implicit=tls == "implicit") as sink:
        found = ending(sender(host, sink.port, tls=tls), letter())
    assert kind_of(found) == "later"
    assert "the certificate cannot be trusted" in str(found)
    assert sink.received == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_for_another_name_is_refused(host: LiveHost, identity: Identity, tls: str) -> None:
    with Sink(identity=identity.pem, implicit=tls == "implicit") as sink:
        authorities = str(identity.authority)
        one = sender(host, sink.port, tls=tls, authorities=authorities, server="127.0.0.1")
        found = ending(one, letter())
    assert kind_of(found) == "later"
    assert "IP address mismatch" in str(found)
    assert sink.received == []


def test_authorities_that_are_not_there_are_said(host: LiveHost, identity: Identity) -> None:
    with Sink(identity=identity.pem) as sink:
        found = ending(sender(host, sink.port, tls="starttls", authorities="/nowhere.pem"), letter())
    assert "/nowhere.pem: No such file or directory" in str(found)


def test_without_starttls_nothing_is_sent(host: LiveHost) -> None:
    with Sink() as sink:
        found = ending(sender(host, sink.port, tls="starttls"), letter())
    assert kind_of(found) == "permanent"
    assert "does not offer STARTTLS" in str(found)


def test_a_wrong_password_is_told_at_once_and_not_repeated(host: LiveHost, identity: Identity) -> None:
    with Sink(auth=True, identity=identity.pem) as sink:
        started = time.monotonic()
        safe: dict[str, Any] = {"tls": "starttls", "authorities": str(identity.authority)}
        found = ending(
            sender(host, sink.port, login=True, password="wrong-päss", **safe), letter(), limit_s=20
        )
        assert time.monotonic() - started < 5
    assert isinstance(found, Undelivered)
    assert (found.kind, "AUTH: 535" in str(found)) == ("permanent", True)
    assert "user and the password" in found.next_step
    assert len(sink.logins) == 1


def test_without_a_login_that_is_wanted_it_is_said(host: LiveHost, identity: Identity) -> None:
    with Sink(auth=True, identity=identity.pem) as sink:
        transport = sender(host, sink.port, tls="starttls", authorities=str(identity.authority))
        found = ending(transport, letter())
    assert isinstance(found, Undelivered)
    assert (found.kind, found.next_step) == ("permanent", "the server wants a login: set user and password")


# What is not even tried


def test_mail_is_not_handed_to_a_mail_system_that_is_broken(host: LiveHost) -> None:
    transport = EmailTransport(host, EmailSettings(to=TO), down=frozenset({"mail.delivery", "web.server"}))
    found = ending(transport, letter())
    assert isinstance(found, Undelivered)
    assert (found.kind, "mail.delivery" in found.why, "web.server" in found.why) == ("later", True, False)
    assert "mail server elsewhere" in found.next_step


def test_a_named_server_is_used_when_the_own_mail_system_is_broken(
    host: LiveHost, identity: Identity
) -> None:
    settings = EmailSettings(to=TO, server="192.0.2.1", tls="none", allow_plain=True)
    transport = EmailTransport(host, settings, down=frozenset({"mail.smtp"}))
    assert "broken" not in str(ending(transport, letter(), limit_s=0.3))


@pytest.mark.parametrize("more", [{}, {"allow_plain": True, "login": True}])
def test_nothing_goes_over_the_network_in_plain_text(host: LiveHost, more: dict[str, Any]) -> None:
    found = ending(sender(host, 25, server="192.0.2.1", **more), letter())
    assert kind_of(found) == "permanent"
    assert "in plain text" in str(found)


@pytest.mark.parametrize(
    "bad", ["", "a", "a@b c", "a@b>\r\nRCPT TO:<c@d", "ä@example.com", "a@-", ".a@example.com"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(host: LiveHost, bad: str) -> None:
    for more in ({"to": bad}, {"sender": bad or "@"}, {"copy_to": (bad,)}):
        found = ending(sender(host, 1, **more), letter())
        assert kind_of(found) == "permanent"
        assert "not a mail address" in str(found)


def test_a_mail_cannot_be_looked_up(host: LiveHost) -> None:
    assert isinstance(sender(host, 1).look_up("IWX-1", limit_s=1), CannotLook)


# One deadline, whatever the other side does


def stuck_after(sent: list[bytes], peers: Peers, *, drip: bytes = b"", then: bytes | None = None) -> int:
    """Return the port of a server that gives these answers, one a line, and then hangs, drips or speaks."""

    def serve(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for number, answer in enumerate(sent):
            if number:
                lines.readline()
            connection.sendall(answer)
        if sent:
            lines.readline()
        if then is not None:
            connection.sendall(then)
            return
        while not peers.stopping.wait(0.1):
            connection.sendall(drip) if drip else None

    return peers.tcp(serve)


STEPS = [b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 go\r\n"]
HANGS = ["greeting", "EHLO", "MAIL FROM", "RCPT TO", "DATA"]


@pytest.mark.parametrize("drip", [b"", b"2"], ids=["silent", "drip"])
@pytest.mark.parametrize("answered", range(5), ids=HANGS)
def test_a_server_that_hangs_holds_nobody_longer_than_the_limit(
    host: LiveHost, peers: Peers, answered: int, drip: bytes
) -> None:
    port = stuck_after(STEPS[:answered], peers, drip=drip)
    found = ending(sender(host, port), letter(), limit_s=0.7)
    assert kind_of(found) == "later"
    assert f", {HANGS[answered]}: " in str(found)
    assert "longer than 0.7 s" in str(found)


@pytest.mark.parametrize("drip", [b"", b"2"], ids=["silent", "drip"])
def test_a_server_that_hangs_after_the_final_dot_leaves_it_open(
    host: LiveHost, peers: Peers, drip: bytes
) -> None:
    def serve(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for number, answer in enumerate(STEPS):
            if number:
                lines.readline()
            connection.sendall(answer)
        while lines.readline() != b".\r\n":
            pass
        while not peers.stopping.wait(0.1):
            connection.sendall(drip) if drip else None

    found = ending(sender(host, peers.tcp(serve)), letter(), limit_s=0.7)
    assert kind_of(found) == "uncertain"


def test_a_server_that_does_not_take_the_mail_itself_has_surely_not_accepted_it(
    host: LiveHost, peers: Peers
) -> None:
    port = stuck_after(STEPS, peers)  # it reads one line of it, and no more
    big = letter(message="x" * 70 + "\n" + "y\n" * 4_000_000)
    found = ending(sender(host, port), big, limit_s=3)
    assert kind_of(found) == "later"
    assert "sending of the mail" in str(found)


@pytest.mark.parametrize("answered", range(5), ids=HANGS)
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\r\n",
        b"hello\r\n",
        b"\xff\xfe\r\n",
        b"2500 x\r\n",
        b"x" * 10_000 + b"\r\n",
        b"250-x\r\n" * 60_000,
    ],
    ids=["closes", "empty", "words", "no-utf-8", "four-digits", "long-line", "endless"],
)
def test_a_server_that_breaks_the_protocol_has_surely_not_accepted_it(
    host: LiveHost, peers: Peers, answered: int, garbage: bytes
) -> None:
    found = ending(sender(host, stuck_after(STEPS[:answered], peers, then=garbage)), letter())
    assert kind_of(found) == "later"


def test_a_server_that_is_not_there_is_later(host: LiveHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = ending(sender(host, port), letter())
    assert kind_of(found) == "later"
    assert "connect: connection refused" in str(found)


def test_a_name_without_address_is_later(host: LiveHost) -> None:
    found = ending(sender(host, 25, server="mail.invalid", tls="starttls"), letter())
    assert kind_of(found) == "later"


def test_an_old_server_without_ehlo_is_spoken_to_in_the_old_way(host: LiveHost, peers: Peers) -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for answer in (b"220 x", b"500 what", *[b"250 x"] * 3, b"354 go"):
            connection.sendall(answer + b"\r\n")
            if answer[:3] != b"354":
                heard.append(lines.readline())
        while lines.readline() != b".\r\n":
            pass
        connection.sendall(b"250 ok\r\n")

    assert kind_of(ending(sender(host, peers.tcp(serve)), letter())) == "accepted"
    assert [line.split()[0].upper() for line in heard] == [b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA"]


def test_a_server_that_repeats_the_password_has_it_hidden(host: LiveHost, peers: Peers) -> None:
    def serve(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 x\r\n")
        lines.readline()
        connection.sendall(b"250-x\r\n250 AUTH LOGIN\r\n")
        lines.readline()
        connection.sendall(b"334 VXNlcm5hbWU6\r\n")
        lines.readline()
        connection.sendall(b"334 UGFzc3dvcmQ6\r\n")
        secret = lines.readline().strip()
        connection.sendall(b"535 not " + secret + b" nor " + PASSWORD.encode() + b"\r\n")

    found = ending(sender(host, peers.tcp(serve), login=True), letter())
    assert kind_of(found) == "permanent"
    assert "AUTH: 535 not [hidden:password] nor [hidden:password]" in str(found)


def test_a_login_that_is_not_known_is_not_tried(host: LiveHost, peers: Peers) -> None:
    port = stuck_after([b"220 x\r\n", b"250-x\r\n250 AUTH GSSAPI NTLM\r\n"], peers)
    found = ending(sender(host, port, login=True), letter())
    assert kind_of(found) == "permanent"
    assert "GSSAPI NTLM" in str(found)


def test_words_before_tls_count_for_nothing_after_it(
    host: LiveHost, peers: Peers, identity: Identity
) -> None:
    """What a third party puts behind the answer to STARTTLS (CVE-2011-0411) is not taken for the server's."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.pem)
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        plain = connection.makefile("rb", buffering=0)
        connection.sendall(b"220 x\r\n")
        plain.readline()
        connection.sendall(b"250-x\r\n250 STARTTLS\r\n")
        plain.readline()
        connection.sendall(b"220 go\r\n250 injected\r\n250 injected\r\n")
        with context.wrap_socket(connection, server_side=True) as safe:
            safe.settimeout(0.5)
            while data := safe.recv(1000):
                heard.append(data)

    transport = sender(host, peers.tcp(serve), tls="starttls", authorities=str(identity.authority))
    found = ending(transport, letter(), limit_s=3)
    assert kind_of(found) == "later"
    assert b"".join(heard).startswith(b"ehlo ")
    assert b"MAIL" not in b"".join(heard)
