"""What the tests of all transports share: a letter, a live host, certificates."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from peers import Peers

from iwx_agent.host.live import LiveHost


class Identity(NamedTuple):
    """A key with its certificate in one PEM file, and the certificate of who has signed it."""

    pem: Path
    authority: Path


@pytest.fixture
def host() -> Iterator[LiveHost]:
    with LiveHost(budget_s=50) as live:
        yield live


@pytest.fixture
def peers() -> Iterator[Peers]:
    found = Peers()
    yield found
    found.close()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A certificate for ``localhost``, signed by an authority of this run's own."""
    place = tmp_path_factory.mktemp("identity")
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl(place, f"{make} -subj /CN=authority -keyout ca.key -out ca.pem")
    names = "-addext subjectAltName=DNS:localhost"
    signed = "-CA ca.pem -CAkey ca.key"
    openssl(place, f"{make} -subj /CN=localhost {names} {signed} -keyout own.key -out own.pem")
    pem = place / "identity.pem"
    pem.write_bytes((place / "own.key").read_bytes() + (place / "own.pem").read_bytes())
    return Identity(pem, place / "ca.pem")


def openssl(place: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=place, check=True, capture_output=True)
