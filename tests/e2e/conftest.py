"""Servers of the lab, booted once for all tests of a process."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from iwxlab_lib import cluster as clusters
from iwxlab_lib import judged
from iwxlab_lib.layout import Layout
from iwxlab_lib.server import Server

AGENT = str(Path(sys.prefix) / "bin" / "iwx-agent")


@pytest.fixture(scope="session")
def agent() -> str:
    """The agent under test: that of the environment the tests run in."""
    return AGENT


def booted(name: str, *, cluster: bool) -> Iterator[Server]:
    one = Server(Layout(name + os.environ.get("PYTEST_XDIST_WORKER", "")))
    try:
        clusters.up(one, cluster=cluster)
        for host in one.hosts:
            judged.prepare(host, AGENT)
        yield one
    finally:
        one.down()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One lab server, booted from the real parts."""
    yield from booted("e2e", cluster=False)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Server]:
    """A manager and its node; one worker has all tests that want it (xdist_group)."""
    yield from booted("pair", cluster=True)
