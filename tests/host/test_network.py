"""Greetings, TLS, HTTP and datagrams: what a peer did is told apart, and every answer is exact."""

import socket
import ssl
import subprocess
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import Behaviour, Peers, UntilReset, resetting

from iwx_agent.host import Datagram, HostError, HttpAnswer, HttpGet, TcpGreeting, UnixGreeting
from iwx_agent.host.link import Link
from iwx_agent.host.live import LiveHost

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a fresh key and a certificate that nobody has signed."""
    path = tmp_path_factory.mktemp("tls") / "identity.pem"
    subprocess.run(
        [
            *"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail.example.com".split(),  # noqa: SIM905
            *("-keyout", str(path), "-out", f"{path}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def tls_peer(peers: Peers, identity: Path, inner: Behaviour, **settings: Any) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    if "ciphers" in settings:
        context.set_ciphers(settings["ciphers"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = settings.get("minimum", ssl.TLSVersion.TLSv1_2)
        context.maximum_version = settings.get("maximum", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    if "names" in settings:
        context.sni_callback = lambda _socket, name, _context: settings["names"].append(name)

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            inner(secured)

    return peers.tcp(behave)


def failed(host: LiveHost, question: Any) -> tuple[str, str]:
    with pytest.raises(HostError) as error:
        host.answer(question)
    assert error.value.source == question.source
    return error.value.kind, error.value.reason


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def hanging_up(connection: socket.socket) -> None:
    connection.recv(4096)


def test_greeting_ends_at_its_first_newline(host: LiveHost, peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"220 mail.example.com ESMTP\r\n250 more\r\n"))
    assert host.greeting(TcpGreeting(port=port)).data == b"220 mail.example.com ESMTP\r\n"


def test_greeting_in_pieces_is_put_together(host: LiveHost, peers: Peers) -> None:
    def pieces(connection: socket.socket) -> None:
        for piece in (b"22", b"0 ok", b"\r", b"\n"):
            connection.sendall(piece)
            peers.stopping.wait(0.03)

    assert host.greeting(TcpGreeting(port=peers.tcp(pieces))).data == b"220 ok\r\n"


def test_greeting_without_newline_ends_with_the_connection_or_the_limit(host: LiveHost, peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"go away"))
    assert host.greeting(TcpGreeting(port=port)).data == b"go away"
    assert host.greeting(TcpGreeting(port=port, max_bytes=2)).data == b"go"


def test_greeting_over_ipv6(host: LiveHost, peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"220 six\r\n"), "::1")
    assert host.greeting(TcpGreeting(port=port, address="::1")).data == b"220 six\r\n"


def test_farewell_reaches_the_peer_before_the_end(host: LiveHost, peers: Peers) -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def listen(connection: socket.socket) -> None:
        connection.sendall(b"220 ok\r\n")
        while data := connection.recv(100):
            heard.append(data)
        done.set()

    host.greeting(TcpGreeting(port=peers.tcp(listen), farewell="QUIT\r\n"))
    assert done.wait(2)
    assert b"".join(heard) == b"QUIT\r\n"


def test_a_peer_that_need_not_greet_is_only_connected_to(host: LiveHost, peers: Peers) -> None:
    found = host.greeting(TcpGreeting(port=peers.tcp(peers.silent), expect_greeting=False))
    assert found.data == b""
    assert found.duration_s < 1


def test_what_a_port_did_is_told_apart(host: LiveHost, peers: Peers) -> None:
    assert failed(host, TcpGreeting(port=closed_port())) == ("refused", "connection refused (ECONNREFUSED)")
    closing = peers.tcp(lambda connection: None)
    assert failed(host, TcpGreeting(port=closing)) == ("closed", "accepted, then closed without a word")
    reset = failed(host, TcpGreeting(port=peers.tcp(resetting)))
    assert reset == ("closed", "connection reset by peer (ECONNRESET) in the greeting")
    late = failed(host, TcpGreeting(port=peers.tcp(peers.silent), timeout_s=0.2))
    assert late == ("timeout", "greeting took longer than 0.2 s")
    assert failed(host, TcpGreeting(port=1, address="255.255.255.255"))[0] == "unreachable"
    kind, reason = failed(host, TcpGreeting(port=1, address="example.com"))
    assert (kind, reason) == ("failed", "'example.com' is not a numeric address")


def test_what_is_said_of_a_reset_hangs_not_on_how_soon_it_came(peers: Peers) -> None:
    port = peers.tcp(resetting)
    with Link(UntilReset(2), "test") as link:
        link.connect("127.0.0.1", port)
        link.stage = "greeting"
        with pytest.raises(HostError, match=r"reset by peer .* in the greeting") as plain:
            link.receive(10)
    with Link(UntilReset(2), "test") as link:
        link.connect("127.0.0.1", port)
        with pytest.raises(HostError, match="in the TLS handshake") as secured:
            link.start_tls("")
    assert (plain.value.kind, secured.value.kind) == ("closed", "tls")


def test_tls_tells_name_and_certificate(host: LiveHost, peers: Peers, identity: Path) -> None:
    names: list[str | None] = []
    port = tls_peer(peers, identity, peers.saying(b"* OK ready\r\n"), names=names)
    found = host.greeting(TcpGreeting(port=port, tls=True, server_name="mail.example.com"))
    assert found.data == b"* OK ready\r\n"
    assert ssl.DER_cert_to_PEM_cert(found.certificate) in identity.read_text()
    host.greeting(TcpGreeting(port=port, tls=True))
    assert names == ["mail.example.com", None]


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_every_tls_version_is_good_enough(host: LiveHost, peers: Peers, identity: Path, version: str) -> None:
    port = tls_peer(
        peers,
        identity,
        peers.saying(b"hello\n"),
        minimum=ssl.TLSVersion[version],
        maximum=ssl.TLSVersion[version],
        ciphers="ALL:@SECLEVEL=0",
    )
    assert host.greeting(TcpGreeting(port=port, tls=True)).data == b"hello\n"


def test_why_tls_failed_is_told_apart(host: LiveHost, peers: Peers, identity: Path) -> None:
    def tls(behaviour: Behaviour) -> tuple[str, str]:
        return failed(host, TcpGreeting(port=peers.tcp(behaviour), tls=True, timeout_s=2))

    plain = "the peer does not speak TLS (wrong version number)"
    assert tls(peers.saying(b"220 plain text\r\n")) == ("tls", plain)
    ended = tls(hanging_up)
    assert ended == ("tls", "connection closed in the TLS handshake (EOF)")
    assert tls(resetting)[0] == "tls"
    alert = tls(peers.saying(b"\x15\x03\x03\x00\x02\x02\x28"))
    assert alert[0] == "tls"
    assert "handshake failure" in alert[1]
    assert failed(host, TcpGreeting(port=closed_port(), tls=True))[0] == "refused"
    silent = tls_peer(peers, identity, peers.silent)
    late = failed(host, TcpGreeting(port=silent, tls=True, timeout_s=0.5))
    assert late == ("timeout", "greeting took longer than 0.5 s")


def get(host: LiveHost, port: int, target: str = "/", **settings: Any) -> HttpAnswer:
    found = host.answer(HttpGet(url=f"http://www.example.com:{port}{target}", timeout_s=5, **settings))
    assert isinstance(found, HttpAnswer)
    return found


def http(peers: Peers, data: bytes) -> int:
    return peers.tcp(peers.saying(data, first_receive=True))


def test_request_names_the_site_and_the_agent(host: LiveHost, peers: Peers) -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    port = peers.tcp(answer)
    get(host, port, "/path?q=1#part")
    lines = heard[0].decode().split("\r\n")
    assert lines[:2] == ["GET /path?q=1 HTTP/1.1", f"Host: www.example.com:{port}"]
    assert lines[2].startswith("User-Agent: iwx-agent/")
    assert lines[2].endswith(" (health check)")
    assert lines[3:] == ["Accept: */*", "Connection: close", "", ""]


@pytest.mark.parametrize(
    ("sent", "status", "body", "truncated"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, b"abc", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200, b"abc", True),
        ("HTTP/1.1 200 OK\r\nContent-Length: \u00b2\r\n\r\nabc".encode("latin-1"), 200, b"abc", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabc", 200, b"abc", False),
        (b"HTTP/1.0 500 Oops\n\nuntil the end", 500, b"until the end", False),
        (b"HTTP/1.1 503\r\n\r\n", 503, b"", False),
        (b"HTTP/1.1 304 Not\r\nContent-Length: 99\r\n\r\n", 304, b"", False),
        (b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n", 201, b"", False),
        (
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
            ),
            200,
            b"abc0123456789",
            False,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", 200, b"abc", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", 200, b"", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc", 200, b"", True),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302, b"", False),
    ],
)
def test_reads_answers_of_every_shape(
    host: LiveHost, peers: Peers, sent: bytes, status: int, body: bytes, truncated: bool
) -> None:
    found = get(host, http(peers, sent))
    assert (found.status, found.body, found.truncated) == (status, body, truncated)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 11\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\nb\r\n"]
)
def test_body_is_capped_at_its_limit(host: LiveHost, peers: Peers, framing: bytes) -> None:
    port = http(peers, b"HTTP/1.1 200 OK\r\n" + framing + b"hello world")
    found = get(host, port, max_bytes=10)
    assert (found.body, found.truncated) == (b"hello worl", True)


def test_headers_are_lower_case_in_order_and_unfolded(host: LiveHost, peers: Peers) -> None:
    port = http(
        peers, b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nX: one\r\n two\r\nnonsense\r\nSET-cookie: \xff\r\n\r\n"
    )
    found = get(host, port)
    assert found.headers == (("set-cookie", "a"), ("x", "one two"), ("set-cookie", "�"))
    assert found.header("Set-Cookie") == "a"


def test_what_a_web_server_did_is_told_apart(host: LiveHost, peers: Peers) -> None:
    def kind(sent: bytes) -> tuple[str, str]:
        return failed(host, HttpGet(url=f"http://localhost:{http(peers, sent)}/"))

    assert kind(b"") == ("closed", "accepted the request, then closed without an answer")
    assert kind(b"SSH-2.0-x \x1b[2J\r\n") == ("failed", "answered, but not with HTTP: SSH-2.0-x ?[2J")
    assert kind(b"HTTP/1.1 ok\r\n\r\n")[0] == "failed"
    assert kind(b"HTTP/1.1 2000 x\r\n\r\n")[0] == "failed"
    assert kind(b"HTTP/1.1 200 OK\r\nA: b\r\n") == (
        "closed",
        "closed within the headers of the answer with status 200",
    )
    assert kind(b"HTTP/1.1 200 OK\r\nA: b") == (
        "closed",
        "closed within the headers of the answer with status 200",
    )
    plain = http(peers, b"HTTP/1.1 400 Bad\r\n\r\n")
    assert failed(host, HttpGet(url=f"https://localhost:{plain}/"))[0] == "tls"


def test_https_and_ipv6_and_names(host: LiveHost, peers: Peers, identity: Path) -> None:
    names: list[str | None] = []
    secure = tls_peer(
        peers, identity, peers.saying(b"HTTP/1.1 200 OK\r\n\r\nhi", first_receive=True), names=names
    )
    found = host.http_get(f"https://panel.example.com:{secure}/")
    assert (found.status, found.body, names) == (200, b"hi", ["panel.example.com"])
    host.http_get(f"https://127.0.0.1:{secure}/")
    assert names[1] is None
    six = peers.tcp(peers.saying(b"HTTP/1.1 200 OK\r\n\r\nsix", first_receive=True), "::1")
    assert host.http_get(f"http://[::1]:{six}/", address="::1").body == b"six"


@pytest.mark.parametrize(
    "url", ["ftp://x/", "http:///", "http://a:b/", "/", "http://x/a b", "http://x/\r\nX: y", "http://é/"]
)
def test_only_plain_urls_are_asked(host: LiveHost, url: str) -> None:
    assert failed(host, HttpGet(url=url))[0] == "failed"


def test_unix_socket_is_greeted_and_told_apart(host: LiveHost, peers: Peers, tmp_path: Path) -> None:
    path = peers.unix(tmp_path / "ok", peers.saying(b"\x4a\0\0\0\x0a10.6"))
    assert host.greeting(UnixGreeting(path=path)).data == b"\x4a\0\0\0\x0a10.6"
    assert host.greeting(UnixGreeting(path=path, expect_greeting=False)).data == b""
    assert failed(host, UnixGreeting(path=str(tmp_path / "none")))[0] == "not_found"
    assert failed(host, UnixGreeting(path=str(tmp_path))) == ("failed", "is a directory, not a socket")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    assert failed(host, UnixGreeting(path=str(tmp_path / "left")))[0] == "refused"
    closing = peers.unix(tmp_path / "closing", lambda connection: None)
    assert failed(host, UnixGreeting(path=closing)) == ("closed", "accepted, then closed without a word")


def dns(port: int, protocol: Any = "udp", **settings: Any) -> Datagram:
    return Datagram(
        payload=b"\x12\x34 question", port=port, protocol=protocol, label="SOA example.com", **settings
    )


def test_udp_answer_is_the_one_to_this_question(host: LiveHost, peers: Peers) -> None:
    port = peers.udp(lambda data: data[:2] + b" answer")
    assert host.datagram(dns(port)).data == b"\x12\x34 answer"


def test_udp_is_asked_again_when_a_datagram_is_lost(host: LiveHost, peers: Peers) -> None:
    asked: list[bytes] = []

    def second_time(data: bytes) -> bytes | None:
        asked.append(data)
        return data if len(asked) > 1 else None

    found = host.datagram(dns(peers.udp(second_time), timeout_s=0.8))
    assert found.data == b"\x12\x34 question"
    assert 0.3 < found.duration_s < 0.8


def test_udp_refusal_is_told_at_once(host: LiveHost) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert failed(host, dns(port)) == ("refused", "connection refused (ECONNREFUSED) in the exchange")


def test_dns_over_tcp_has_lengths(host: LiveHost, peers: Peers) -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(connection.recv(100))
        connection.sendall(b"\0\x06ans")
        connection.sendall(b"wer+")

    assert host.datagram(dns(peers.tcp(answer), "tcp")).data == b"answer"
    assert heard == [b"\0\x0b\x12\x34 question"]
    cut = peers.tcp(peers.saying(b"\0\x09abc", first_receive=True))
    assert failed(host, dns(cut, "tcp")) == ("closed", "closed after 3 of 9 bytes")


def test_a_peer_is_asked_from_many_threads_at_once(host: LiveHost, peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"220 ok\r\n"))
    found: list[bytes] = []

    def ask(repeat: Callable[[], None] = lambda: None) -> None:
        found.append(host.greeting(TcpGreeting(port=port)).data)

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"220 ok\r\n"] * 30
