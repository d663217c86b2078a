"""No ticket and no password goes to whoever cannot prove to be the portal; a proxy only passes bytes on."""

import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from certificates import Identity
from desk.odd import PASSWORD, USER, OddDesk
from letters import ending, kind_of, letter
from peers import Peers

from iwx_agent.config import load_portal_form
from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Credentials, Receipt, Undelivered
from iwx_agent.transports.portal import Place, PortalTransport

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

FORM = load_portal_form(Path("/nonexistent"))
_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def portal(host: LiveHost, address: str, authority: Path | str, **more: Any) -> PortalTransport:
    account = Credentials(USER, PASSWORD)
    place = Place(address=address, account=account, authorities=str(authority), **more)
    return PortalTransport(host, place, FORM)


def signed(place: Path, identity: Identity, name: str, *, days: int = 2) -> Path:
    """Return a key with its certificate for a name, by the authority of ``identity``."""
    home = identity.authority.parent
    openssl(
        place,
        f"req {_KEY} -subj /CN={name} -addext subjectAltName=DNS:{name} -keyout own.key -out own.csr",
    )
    by = f"-CA {home}/ca.pem -CAkey {home}/ca.key -CAcreateserial -CAserial {place}/serial"
    openssl(place, f"x509 -req -in own.csr {by} -days {days} -copy_extensions copyall -out own.pem")
    pem = place / "own-identity.pem"
    pem.write_bytes((place / "own.key").read_bytes() + (place / "own.pem").read_bytes())
    return pem


def openssl(place: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=place, check=True, capture_output=True)


def refused(host: LiveHost, pem: Path, authority: Path | str, said: str) -> None:
    with OddDesk("get-login", identity=pem) as desk:
        found = ending(portal(host, desk.form, authority), letter())
        assert desk.requests == []
    assert isinstance(found, Undelivered)
    assert found.kind == "later"
    assert said in found.why


def test_a_ticket_is_sent_to_the_portal_that_the_authority_knows(host: LiveHost, identity: Identity) -> None:
    with OddDesk("get-login", identity=identity.pem) as desk:
        found = ending(portal(host, desk.form, identity.authority), letter())
    assert isinstance(found, Receipt), found
    assert (found.reference, len(desk.tickets)) == ("T-1", 1)


def test_a_certificate_that_nobody_knows_is_refused(host: LiveHost, identity: Identity) -> None:
    refused(host, identity.pem, "", "the certificate cannot be trusted")


def test_an_expired_certificate_is_refused(host: LiveHost, identity: Identity, tmp_path: Path) -> None:
    pem = signed(tmp_path, identity, "localhost", days=-1)
    refused(host, pem, identity.authority, "certificate has expired")


def test_the_certificate_of_another_name_is_refused(
    host: LiveHost, identity: Identity, tmp_path: Path
) -> None:
    pem = signed(tmp_path, identity, "other.example.com")
    refused(host, pem, identity.authority, "localhost")


def test_an_authority_that_is_not_there_is_said(host: LiveHost, identity: Identity, tmp_path: Path) -> None:
    refused(host, identity.pem, tmp_path / "none.pem", "none.pem")


def test_what_speaks_no_tls_is_sent_nothing(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        found = ending(portal(host, desk.form.replace("http://", "https://"), ""), letter())
        assert desk.requests == []
    assert kind_of(found) == "later"


class Proxy:
    """Passes on what follows a CONNECT; ``asked`` is what it was asked for, in the clear."""

    def __init__(self, peers: Peers, status: bytes = b"200 OK") -> None:
        self.asked: list[bytes] = []
        self._status = status
        self._peers = peers
        self.port = peers.tcp(self._serve)

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = client.recv(1)
            if not piece:
                return
            head += piece
        self.asked.append(head)
        client.sendall(b"HTTP/1.1 " + self._status + b"\r\nVia: lab\r\n\r\n")
        if self._status.startswith(b"200"):
            port = int(head.split()[1].rsplit(b":")[-1])
            server = self._peers.keep(socket.create_connection(("127.0.0.1", port)))
            threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()
            _pass_on(client, server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_proxy_sees_the_name_and_nothing_else(host: LiveHost, peers: Peers, identity: Identity) -> None:
    proxy = Proxy(peers)
    with OddDesk("get-login", identity=identity.pem) as desk:
        through = f"http://127.0.0.1:{proxy.port}"
        found = ending(portal(host, desk.form, identity.authority, proxy=through), letter())
        port = desk.server.server_address[1]
    assert isinstance(found, Receipt), found
    head = f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    assert set(proxy.asked) == {head}
    assert len(proxy.asked) == len(desk.requests)


@pytest.mark.parametrize(
    ("status", "said"),
    [(b"407 Log in first", "the proxy refused: 407 Log in first"), (b"", "the proxy refused")],
)
def test_a_proxy_that_refuses_is_said(host: LiveHost, peers: Peers, status: bytes, said: str) -> None:
    proxy = Proxy(peers, status)
    through = f"http://127.0.0.1:{proxy.port}"
    found = ending(portal(host, "https://localhost:1/", "", proxy=through), letter())
    assert isinstance(found, Undelivered)
    assert found.kind == "later"
    assert said in found.why


def test_a_proxy_that_never_answers_ends_with_the_time(host: LiveHost, peers: Peers) -> None:
    def drip(client: socket.socket) -> None:
        while not peers.stopping.wait(0.05):
            client.sendall(b"x")

    through = f"http://127.0.0.1:{peers.tcp(drip)}"
    found = ending(portal(host, "https://localhost:1/", "", proxy=through), letter(), limit_s=1)
    assert isinstance(found, Undelivered)
    assert (found.kind, "took longer than 1.0 s" in found.why) == ("later", True)
