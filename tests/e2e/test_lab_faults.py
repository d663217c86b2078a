"""Each fault of the lab: broken for real, diagnosed inside, mended, and clean again."""

import pytest
from faults import FAULTS, Fault
from iwxlab_lib import judged
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


def test_a_healthy_server_is_clean_ten_times_in_a_row(server: Server, agent: str) -> None:
    said = [judged.wrong_when_healthy(judged.diagnose(server, agent)) for _ in range(10)]
    assert said == [[]] * 10


@pytest.mark.parametrize("fault", [f for f in FAULTS if not f.cluster], ids=lambda fault: fault.name)
def test_a_fault_is_found_with_its_cause_and_priority_and_gone_when_mended(
    server: Server, agent: str, fault: Fault
) -> None:
    seen, wrong = judged.try_fault(server, agent, fault)
    assert not wrong, f"{seen}"
