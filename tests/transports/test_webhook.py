"""A ticket is posted to a real receiver, and every way in which it can answer has its ending."""

import hashlib
import hmac
import json
import socket
import time
from typing import Any

import pytest
from certificates import Identity
from hook import Hook
from hypothesis import given
from hypothesis import strategies as st
from letters import SECRET, ending, kind_of, letter
from peers import Behaviour, Peers

from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import CannotLook, Credentials, NotFound, Receipt, Undelivered
from iwx_agent.transports.webhook import WebhookSettings, WebhookTransport, retry_after_s, signature

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

DAY_S = 86400.0


def hook(host: LiveHost, url: str, *, secret: str = "", **more: Any) -> WebhookTransport:
    credentials = Credentials("", secret) if secret else None
    return WebhookTransport(host, WebhookSettings(url=url, **more), credentials)


def peer(host: LiveHost, peers: Peers, behaviour: Behaviour, **more: Any) -> WebhookTransport:
    return hook(host, f"http://127.0.0.1:{peers.tcp(behaviour)}/hook", **more)


def test_a_ticket_is_posted_signed_and_with_its_key(host: LiveHost) -> None:
    with Hook(201, b'{"reference": "T-9", "url": "https://desk.example.com/9"}') as receiver:
        transport = hook(host, receiver.url + "/x?y=1", secret=SECRET)
        before_at = int(time.time())
        found = ending(transport, letter())
    assert found == Receipt(
        transport="webhook", reference="T-9", url="https://desk.example.com/9", said="status 201"
    )
    (got,) = receiver.received
    assert (got.method, got.path, got.body) == ("POST", "/hook/x?y=1", transport.outgoing(letter()))
    assert got.headers["content-type"] == "application/json"
    assert got.headers["content-length"] == str(len(got.body))
    assert got.headers["idempotency-key"] == "IWX-7f3a"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "cookie" not in got.headers
    assert "authorization" not in got.headers
    stamp, _, digest = got.headers["x-iwx-signature"].partition(",")
    now_at = stamp.removeprefix("t=")
    assert before_at <= int(now_at) <= time.time()
    wanted = hmac.new(SECRET.encode(), now_at.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert digest == f"v1={wanted}"
    assert json.loads(got.body)["ticket"]["subject"] == letter().subject


def test_the_signature_is_as_it_is_documented() -> None:
    """The digest is that of ``printf '1700000000.{}' | openssl dgst -sha256 -hmac key``."""
    wanted = "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    assert signature(b"{}", 1_700_000_000, Credentials("", "key")) == f"t=1700000000,v1={wanted}"


def test_without_a_secret_nothing_is_signed(host: LiveHost) -> None:
    with Hook(204) as receiver:
        assert kind_of(ending(hook(host, receiver.url), letter())) == "accepted"
    assert "x-iwx-signature" not in receiver.received[0].headers


def test_an_update_has_a_key_of_its_own(host: LiveHost) -> None:
    with Hook() as receiver:
        transport = hook(host, receiver.url)
        update = letter(reference="T-9")
        for one in (letter(), update, update, letter(reference="T-9", message="x")):
            ending(transport, one)
    keys = [got.headers["idempotency-key"] for got in receiver.received]
    assert (len(set(keys)), keys[1] == keys[2]) == (3, True)
    assert all(key.startswith("IWX-7f3a") for key in keys)


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "ä", "", "x" * 5000])
def test_a_hostile_key_adds_no_header(host: LiveHost, key: str) -> None:
    with Hook() as receiver:
        found = ending(hook(host, receiver.url), letter(key=key, subject="a\r\nX-Evil: 1"))
    assert kind_of(found) == "accepted"
    assert "x-evil" not in receiver.received[0].headers
    assert receiver.received[0].headers["idempotency-key"].startswith("key-")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "accepted"), (201, "accepted"), (202, "accepted"), (204, "accepted"), (299, "accepted"),
        (300, "permanent"), (301, "permanent"), (302, "permanent"), (307, "permanent"), (399, "permanent"),
        (400, "permanent"), (401, "permanent"), (403, "permanent"), (404, "permanent"), (407, "permanent"),
        (408, "later"), (409, "uncertain"), (410, "permanent"), (413, "permanent"), (422, "permanent"),
        (424, "permanent"), (425, "later"), (426, "permanent"), (428, "permanent"), (429, "later"),
        (430, "permanent"), (499, "permanent"), (500, "later"), (501, "later"), (502, "uncertain"),
        (503, "later"), (504, "uncertain"), (505, "later"), (599, "later"), (600, "uncertain"),
        (103, "uncertain"), (199, "uncertain"),
    ],
)  # fmt: skip
def test_each_status_has_its_ending(host: LiveHost, status: int, kind: str) -> None:
    elsewhere = {"Location": "http://127.0.0.1:1/elsewhere"} if 300 <= status <= 399 else None
    with Hook(status, b"" if status in (103, 199, 204) else b"<p>what it says</p>", elsewhere) as receiver:
        found = ending(hook(host, receiver.url), letter())
    assert kind_of(found) == kind
    assert len(receiver.received) == 1
    if isinstance(found, Undelivered):
        assert f"status {status}" in found.why
        assert found.page == (b"" if status < 200 else b"<p>what it says</p>")
        assert "<p>" not in str(found)


def test_too_big_says_what_to_do(host: LiveHost) -> None:
    with Hook(413) as receiver:
        found = ending(hook(host, receiver.url), letter())
    assert isinstance(found, Undelivered)
    assert found.next_step == "send it without attachments"


def test_one_that_it_has_already_is_accepted(host: LiveHost) -> None:
    with Hook(409, b'{"key": "IWX-7f3a", "reference": "T-9"}') as receiver:
        found = ending(hook(host, receiver.url), letter())
        other = ending(hook(host, receiver.url), letter(key="IWX-other"))
    assert isinstance(found, Receipt)
    assert (found.reference, found.said) == ("T-9", "status 409: it has this one already")
    assert kind_of(other) == "uncertain"


@pytest.mark.parametrize(
    ("status", "value", "wait_s"),
    [
        (429, "120", 120.0), (503, "7", 7.0), (503, "", 0.0), (502, "9", 9.0), (400, "120", 0.0),
        (429, "99999999", DAY_S),
    ],
)  # fmt: skip
def test_it_is_told_when_to_come_again(host: LiveHost, status: int, value: str, wait_s: float) -> None:
    with Hook(status, headers={"Retry-After": value}) as receiver:
        found = ending(hook(host, receiver.url), letter())
    assert isinstance(found, Undelivered)
    assert found.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("0", 0.0), ("1", 1.0), ("86399", 86399.0), ("86400", DAY_S), ("86401", DAY_S), ("9" * 400, DAY_S),
        ("-1", 0.0), ("1.5", 0.0), ("²", 0.0), ("", 0.0), ("soon", 0.0),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),  # 1 700 000 010
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
        ("Thu, 16 Nov 2023 22:13:20 GMT", DAY_S),
        ("Tue, 14 Nov 2023 22:13:30", 0.0),  # in which zone?
        ("Tue, 99 Nov 2023 22:13:30 GMT", 0.0),
    ],
)  # fmt: skip
def test_a_time_to_wait_is_read(value: str, wait_s: float) -> None:
    assert retry_after_s(value, 1_700_000_000.0) == wait_s


@given(value=st.text(max_size=60))
def test_any_time_to_wait_is_bounded(value: str) -> None:
    assert 0 <= retry_after_s(value, 1_700_000_000.0) <= DAY_S


@pytest.mark.parametrize(
    "body",
    [
        b'{"reference": [1]}',
        b"\xff",
        b"[" * 60_000,
        b"null",
        b'{"url": "file:///etc/passwd"}',
        b"{}" * 50_000,
    ],
)
def test_an_answer_that_is_none_is_still_a_sign_of_acceptance(host: LiveHost, body: bytes) -> None:
    with Hook(200, body) as receiver:
        found = ending(hook(host, receiver.url), letter())
    assert found == Receipt(transport="webhook", said="status 200")


def test_hostile_words_in_an_answer_are_made_harmless(host: LiveHost) -> None:
    said = json.dumps({"reference": "T\x1b[31m\r\n9", "url": "https://a/\x00" + "x" * 900})
    with Hook(200, said.encode()) as receiver:
        found = ending(hook(host, receiver.url), letter())
    assert isinstance(found, Receipt)
    assert found.reference == "T\\x1b[31m 9"
    assert found.url.startswith("https://a/\\x00")
    assert len(found.url) < 510


# Lost, slow, broken


def test_nobody_there_is_later(host: LiveHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = ending(hook(host, f"http://127.0.0.1:{port}/"), letter())
    assert kind_of(found) == "later"
    assert "connection refused" in str(found)


def test_a_name_without_address_is_later(host: LiveHost) -> None:
    found = ending(hook(host, "https://hook.invalid/secret-path"), letter())
    assert kind_of(found) == "later"
    assert "secret-path" not in str(found)


def reading_all(connection: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return body


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nX: ", b"hello\r\n\r\n", b"\xff" * 70_000]
)
def test_an_answer_that_is_lost_leaves_it_open(host: LiveHost, peers: Peers, answer: bytes) -> None:
    def accept(connection: socket.socket) -> None:
        reading_all(connection)
        connection.sendall(answer)

    found = ending(peer(host, peers, accept), letter())
    assert kind_of(found) == "uncertain"


def test_the_end_before_all_was_read_is_later_or_open_but_never_a_loss(host: LiveHost, peers: Peers) -> None:
    """A peer that resets in the middle: the kernel may have taken all of it, or not."""

    def reset(connection: socket.socket) -> None:
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    small = ending(peer(host, peers, reset), letter())
    assert kind_of(small) in ("uncertain", "later")
    big = ending(peer(host, peers, reset), letter(message="x" * 20_000_000))
    assert kind_of(big) == "later"


def test_a_refusal_in_the_middle_is_read(host: LiveHost, peers: Peers) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 too big\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        peers.stopping.wait(0.5)  # and then closes with the rest unread: a reset

    found = ending(peer(host, peers, refuse), letter(message="x" * 20_000_000))
    assert kind_of(found) in ("permanent", "later")
    assert isinstance(found, Undelivered)


def test_an_acceptance_before_all_was_sent_is_open(host: LiveHost, peers: Peers) -> None:
    def accept(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_RD)
        peers.stopping.wait(0.5)

    found = ending(peer(host, peers, accept), letter(message="x" * 20_000_000), limit_s=2)
    assert kind_of(found) in ("uncertain", "later")


DRIPS = {
    "nothing": b"",
    "status": b"HTTP/1.1 2",
    "header": b"HTTP/1.1 200 OK\r\nX-A: ",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("start", DRIPS.values(), ids=DRIPS.keys())
def test_a_slow_answer_holds_nobody_longer_than_the_limit(host: LiveHost, peers: Peers, start: bytes) -> None:
    drop = start if start.startswith(b"HTTP/1.1 100") else b"0"
    found = ending(peer(host, peers, dripping(peers, start, drop)), letter(), limit_s=0.7)
    assert kind_of(found) == "uncertain"


def dripping(peers: Peers, start: bytes, drop: bytes) -> Behaviour:
    def drip(connection: socket.socket) -> None:
        reading_all(connection)
        connection.sendall(start)
        while not peers.stopping.wait(0.1):
            connection.sendall(drop)

    return drip


def test_endless_headers_hold_nobody(host: LiveHost, peers: Peers) -> None:
    def flood(connection: socket.socket) -> None:
        reading_all(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-A: b\r\n" * 1000)

    assert kind_of(ending(peer(host, peers, flood), letter(), limit_s=3)) == "uncertain"


@pytest.mark.parametrize("length", [b"Content-Length: 1000000000", b"Transfer-Encoding: chunked", b"X: y"])
def test_the_body_of_an_acceptance_changes_nothing(host: LiveHost, peers: Peers, length: bytes) -> None:
    start = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n"
    found = ending(peer(host, peers, dripping(peers, start, b"1")), letter(), limit_s=0.7)
    assert found == Receipt(transport="webhook", said="status 200")


def test_a_peer_that_takes_nothing_is_later(host: LiveHost, peers: Peers) -> None:
    found = ending(peer(host, peers, peers.silent), letter(message="x" * 20_000_000), limit_s=1)
    assert kind_of(found) == "later"
    assert "sending of the request" in str(found)


# TLS and addresses


def test_it_goes_through_tls(host: LiveHost, identity: Identity) -> None:
    with Hook(identity=identity.pem) as receiver:
        found = ending(hook(host, receiver.url, authorities=str(identity.authority)), letter())
    assert kind_of(found) == "accepted"
    assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"


@pytest.mark.parametrize(
    ("more", "name", "said"),
    [
        ({}, "localhost", "the certificate cannot be trusted"),
        ({"authorities": True}, "127.0.0.1", "IP address mismatch"),
        ({"authorities": "/nowhere.pem"}, "localhost", "/nowhere.pem: No such file"),
    ],
)
def test_bad_tls_gets_nothing(
    host: LiveHost, identity: Identity, more: dict[str, Any], name: str, said: str
) -> None:
    if more.get("authorities") is True:
        more = {"authorities": str(identity.authority)}
    with Hook(identity=identity.pem) as receiver:
        url = receiver.url.replace("localhost", name)
        found = ending(hook(host, url, **more), letter())
    assert kind_of(found) == "later"
    assert said in str(found)
    assert receiver.received == []


def test_plain_http_where_tls_was_meant_is_later(host: LiveHost) -> None:
    with Hook() as receiver:
        found = ending(hook(host, receiver.url.replace("http:", "https:")), letter())
    assert kind_of(found) == "later"


def test_a_tls_handshake_that_drips_holds_nobody(host: LiveHost, peers: Peers) -> None:
    url = f"https://127.0.0.1:{peers.tcp(peers.dripping(b'', bytes([22])))}/"
    assert kind_of(ending(hook(host, url), letter(), limit_s=0.7)) == "later"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "not a plain http or https URL"),
        ("ftp://example.com/", "not a plain http or https URL"),
        ("file:///etc/passwd", "not a plain http or https URL"),
        ("https://", "not a plain http or https URL"),
        ("https://example.com/\r\nX: y", "not a plain http or https URL"),
        ("https://example.com/ä", "not a plain http or https URL"),
        ("https://example.com:x/", "cannot be understood"),
        ("https://example.com:99999/", "cannot be understood"),
        ("https://[::1/", "cannot be understood"),
        (f"https://user:{SECRET}@example.com/", "holds a user or a password"),
        ("http://example.com/", "plain text"),
        ("http://192.0.2.1/", "plain text"),
        ("http://127.example.com/", "plain text"),
    ],
)
def test_a_url_that_is_not_used_is_said_without_it(host: LiveHost, url: str, said: str) -> None:
    found = ending(hook(host, url), letter())
    assert kind_of(found) == "permanent"
    assert said in str(found)
    assert "example.com" not in str(found)
    asked = hook(host, "https://example.com", look_up_url=url or "x")
    assert isinstance(asked.look_up("k", limit_s=1), CannotLook)


def test_plain_http_elsewhere_can_be_allowed(host: LiveHost) -> None:
    found = ending(hook(host, "http://192.0.2.1/", allow_plain=True), letter(), limit_s=0.3)
    assert kind_of(found) == "later"


def test_nothing_of_the_environment_is_used(host: LiveHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with Hook() as receiver:
        assert kind_of(ending(hook(host, receiver.url), letter())) == "accepted"


# Whether it is there


def test_without_a_url_for_it_nothing_can_be_looked_up(host: LiveHost) -> None:
    found = hook(host, "https://example.com").look_up("k", limit_s=1)
    assert found == CannotLook(reason="no look_up_url is set")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"key": "IWX-1", "found": true, "reference": "T-1"}', Receipt),
        (404, b'{"key": "IWX-1", "found": false}', NotFound),
        (200, b'{"key": "IWX-1", "found": false}', NotFound),
        (200, b'{"key": "IWX-2", "found": false}', CannotLook),
        (200, b'{"key": "IWX-1"}', CannotLook),
        (200, b"", CannotLook),
        (404, b"", CannotLook),
        (404, b"<h1>not found</h1>", CannotLook),
        (302, b'{"key": "IWX-1", "found": false}', CannotLook),
        (401, b'{"key": "IWX-1", "found": false}', CannotLook),
        (500, b'{"key": "IWX-1", "found": true}', CannotLook),
        (204, b"", CannotLook),
    ],
)
def test_only_a_clear_answer_counts(host: LiveHost, status: int, body: bytes, kind: type) -> None:
    with Hook(status, body) as receiver:
        transport = hook(host, receiver.url, look_up_url=receiver.url + "/{key}?a={key}", secret=SECRET)
        found = transport.look_up("IWX-1", limit_s=5)
    assert isinstance(found, kind)
    (got,) = receiver.received
    assert (got.method, got.path, got.body) == ("GET", "/hook/IWX-1?a=IWX-1", b"")
    assert got.headers["x-iwx-signature"].startswith("t=")
    if isinstance(found, Receipt):
        assert (found.reference, found.said) == ("T-1", "status 200, found")


def test_a_hostile_key_stays_in_its_place(host: LiveHost) -> None:
    with Hook(404) as receiver:
        hook(host, receiver.url, look_up_url=receiver.url + "/{key}").look_up("../x?y#z\r\nA: b", limit_s=5)
    assert receiver.received[0].path.startswith("/hook/key-")


def test_a_look_that_nobody_answers_is_no_look(host: LiveHost, peers: Peers) -> None:
    url = f"http://127.0.0.1:{peers.tcp(peers.silent)}/{{key}}"
    started = time.monotonic()
    assert isinstance(hook(host, url, look_up_url=url).look_up("k", limit_s=0.5), CannotLook)
    assert time.monotonic() - started < 1.5
