"""What the tests of all transports share: a live host, peers that misbehave, certificates."""

from collections.abc import Iterator

import pytest
from certificates import Identity, made_identity
from peers import Peers

from iwx_agent.host.live import LiveHost


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
    return made_identity(tmp_path_factory.mktemp("identity"))
