"""A cluster whose every part hangs: the run ends, each part is told, and nothing is held."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dead_mount import dead_file_system
from fakes import layout
from msgspec.structs import replace
from peers import Peers, script

from iwx_agent.app.collecting import collect
from iwx_agent.host.live import LiveHost
from iwx_agent.model import Alternative, Layout, Missing
from iwx_agent.model.cluster import ClusterHome
from iwx_agent.probes import PROBES, Context

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")

FACTS = (
    "command_queue",
    "command_queue_complete",
    "cluster_nodes",
    "cluster_nodes_complete",
    "cluster_home",
    "file_systems",
)
BUDGET_S = 8.0


@pytest.fixture
def peers() -> Iterator[Peers]:
    found = Peers()
    yield found
    found.close()


def known(**told: Any) -> Layout:
    entries = {
        key.replace("__", "."): (Alternative(value=value, confidence="observed", source="here"),)
        for key, value in told.items()
    }
    return replace(layout(), entries=layout().entries | entries)


@needs_root
def test_a_cluster_that_hangs_in_every_part_holds_no_run(tmp_path: Path, peers: Peers) -> None:
    hung = script(tmp_path / "nodeworx", "sleep 60 & sleep 60")
    ini = tmp_path / "iworx.ini"
    ini.write_text(
        f'[iworx]\ndsn="mysqli://iworx:x@unix({peers.unix(tmp_path / "db.sock", peers.silent)})/iworx"\n'
    )
    home = tmp_path / "home"
    exports = tmp_path / "exports"
    exports.write_text(f"{home} *(rw)\n")
    place = known(
        path__panel_ini=str(ini),
        path__cluster_home=str(home),
        path__exports=str(exports),
        mount__cluster_home="fuse",
        command__cluster_nodes=(hung, "-n", "-a", "listClusterNodes"),
        command__command_queue=(hung, "-n"),
    )
    probes = [probe for probe in PROBES if probe.fact in FACTS]
    with dead_file_system(home, "127.0.0.1:/home") as revive:
        started = time.monotonic()
        with LiveHost(budget_s=BUDGET_S) as live:
            facts = SimpleNamespace(**collect(Context(live, place), probes, budget_s=BUDGET_S).facts)
        assert time.monotonic() - started < BUDGET_S + 3.0
        revive()
    assert len(vars(facts)) == len(FACTS)
    for fact in FACTS[:4]:
        told = getattr(facts, fact)
        assert isinstance(told, Missing), fact
        assert not told.absent, told
        assert not told.crashed, told
    hanging = [one for one in facts.file_systems.entries if one.mount.mount_point == str(home)]
    assert [one.answered for one in hanging] in (
        [False],
        [],
    )  # a place for temporary files may not be looked at


@needs_root
def test_a_home_that_hangs_is_told_within_its_limit(tmp_path: Path) -> None:
    nodes = script(tmp_path / "nodeworx", "echo '[]'")
    home = tmp_path / "home"
    place = known(
        path__cluster_home=str(home),
        mount__cluster_home="fuse",
        command__cluster_nodes=(nodes, "-n", "-a", "listClusterNodes"),
    )
    (probe,) = (probe for probe in PROBES if probe.fact == "cluster_home")
    with dead_file_system(home, "127.0.0.1:/home") as revive:
        started = time.monotonic()
        with LiveHost(budget_s=20.0) as live:
            found = collect(Context(live, place), [probe], budget_s=20.0).facts["cluster_home"]
            took_s = time.monotonic() - started
        revive()
    assert isinstance(found, ClusterHome)
    assert found.mounted is not None
    assert (found.mounted.state, found.mounted.device, found.mounted.server_answer) == (
        "silent",
        "127.0.0.1:/home",
        None,
    )
    assert 2.9 < took_s < 5.0
