"""What a client library takes for a socket keeps one deadline, and tries each address of a name."""

import copy
import pickle
import socket
from collections.abc import Callable

import pytest
from letters import SECRET
from msgspec import Struct
from peers import Peers, UntilReset, resetting

from iwx_agent.host import HostError
from iwx_agent.host import questions as q
from iwx_agent.host.answers import ResolveAnswer
from iwx_agent.host.contract import Host
from iwx_agent.host.deadline import Deadline
from iwx_agent.transports.contract import Credentials
from iwx_agent.transports.wire import Wire, is_loopback, not_sent

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


class Names(Host):
    """Knows addresses of names, and nothing else."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    def answer(self, question: q.Question) -> Struct:
        assert isinstance(question, q.Resolve)
        return ResolveAnswer(addresses=self._addresses, duration_s=0.0)

    def pause(self, duration_s: float) -> None:
        raise AssertionError


def wire(*addresses: str, limit_s: float = 2.0, max_bytes: int = 1000) -> Wire:
    return Wire(Names(*addresses), Deadline(limit_s), "test", max_bytes=max_bytes)


def failed(attempt: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(HostError) as caught:
        attempt()
    return caught.value.kind, caught.value.reason


def test_an_address_that_refuses_is_passed_over(peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"hello\r\n"))
    with wire("127.0.0.2", "127.0.0.3", "127.0.0.1") as one:
        one.connect("mail.example.com", port)
        assert one.makefile("rb").readline() == b"hello\r\n"
        assert one.last_line == b"hello\r\n"


class FirstUntilReset(Deadline):
    """The first of two shares ends no wait before the peer has hung up."""

    def share(self, parts: int) -> Deadline:
        return UntilReset(self.left_s) if parts == 2 else super().share(parts)


def test_an_address_that_resets_at_once_is_passed_over(peers: Peers) -> None:
    """Nothing was sent yet, so the next address is no second attempt."""
    port = peers.tcp(resetting, "127.0.0.2")
    with socket.create_server(("127.0.0.1", port)) as second:
        names = Names("127.0.0.2", "127.0.0.1")
        with Wire(names, FirstUntilReset(2), "test", max_bytes=1000) as one:
            one.connect("mail.example.com", port)
            with second.accept()[0] as connection:
                connection.sendall(b"hello\r\n")
            assert one.makefile("rb").readline() == b"hello\r\n"


def test_when_all_refuse_the_last_one_s_reason_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with wire("127.0.0.2", "127.0.0.1") as one:
        assert failed(lambda: one.connect("mail.example.com", port))[0] == "refused"


def test_no_more_than_four_addresses_are_tried(peers: Peers) -> None:
    port = peers.tcp(peers.silent)
    with wire("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1") as one:
        assert failed(lambda: one.connect("mail.example.com", port))[0] == "refused"


def test_a_name_without_address_is_not_found() -> None:
    with wire() as one:
        assert failed(lambda: one.connect("mail.example.com", 25)) == (
            "not_found",
            "mail.example.com has no address",
        )


@pytest.mark.parametrize(("size", "fits"), [(999, True), (1000, True), (1001, False)])
def test_what_is_received_is_bounded(peers: Peers, size: int, fits: bool) -> None:
    port = peers.tcp(peers.saying(b"x" * (size - 1) + b"\n"))
    with wire() as one:
        one.connect("127.0.0.1", port)
        reader = one.makefile("rb")
        if fits:
            assert len(reader.readline()) == size
        else:
            assert failed(reader.readline) == ("failed", "more than 1000 bytes of answer")


def test_a_client_library_can_neither_close_it_nor_give_it_a_limit(peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"a\nb\n"))
    with wire() as one:
        one.connect("127.0.0.1", port)
        one.settimeout(0.0)
        with one.makefile("rb") as reader:
            assert reader.readline() == b"a\n"
        one.close()
        one.sendall(b"still there")


def test_an_error_is_no_os_error() -> None:
    """``smtplib`` and ``urllib3`` take an OSError for one of their own sockets', and try again or hide it."""
    assert not issubclass(HostError, OSError)


@pytest.mark.parametrize(
    ("name", "is_own"),
    [
        ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True),
        ("127.evil.example.com", False),
        ("127.0.0.1.example.com", False), ("192.0.2.1", False), ("", False), ("localhost.example.com", False),
        ("::ffff:192.0.2.1", False),
    ],
)  # fmt: skip
def test_only_this_machine_is_loopback(name: str, is_own: bool) -> None:
    assert is_loopback(name) == is_own


def test_what_failed_before_is_later_with_what_to_do() -> None:
    found = not_sent(HostError("tls", "expired", "x"), "email, x")
    assert (found.kind, str(found), "certificate" in found.next_step) == ("later", "email, x: expired", True)
    assert not_sent(HostError("refused", "r", "x"), "w").next_step == ""


def test_credentials_show_and_keep_nothing() -> None:
    one = Credentials("user", SECRET)
    assert repr(one) == f"{one}" == "Credentials(given)"
    assert (bool(one), repr(Credentials("user", ""))) == (True, "Credentials(none)")
    for keep in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="credentials are not stored"):
            keep(one)
