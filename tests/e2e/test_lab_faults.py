"""Each fault of the lab: broken for real, diagnosed inside, mended, and clean again."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import FAULTS, Fault
from iwxlab_lib import judged
from iwxlab_lib.health import await_healthy
from iwxlab_lib.layout import Layout
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

AGENT = str(Path(sys.prefix) / "bin" / "iwx-agent")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One lab server for all tests of this process, booted from the real parts."""
    booted = Server(Layout("e2e" + os.environ.get("PYTEST_XDIST_WORKER", "")))
    booted.up()
    await_healthy(booted)
    judged.prepare(booted, AGENT)
    yield booted
    booted.down()


def test_a_healthy_server_is_clean_ten_times_in_a_row(server: Server) -> None:
    said = [judged.wrong_when_healthy(judged.diagnose(server, AGENT)) for _ in range(10)]
    assert said == [[]] * 10


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_with_its_cause_and_priority_and_gone_when_mended(
    server: Server, fault: Fault
) -> None:
    seen, wrong = judged.try_fault(server, AGENT, fault)
    assert not wrong, f"{seen}"
