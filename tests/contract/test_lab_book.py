"""The lab's fault book: whole in itself, and told as it is by lab/README.md."""

import re
from pathlib import Path

import pytest
from faults import FAULTS, Fault
from iwxlab_lib.faultbook import markdown

README = (Path(__file__).parents[2] / "lab" / "README.md").read_text(encoding="utf-8")
CODE = re.compile(r"[A-Z]+-\d{3}")


def test_the_table_of_the_readme_is_the_fault_book() -> None:
    """`lab/iwxlab list --markdown` prints what belongs there."""
    told = README.partition("<!-- faults -->\n")[2].partition("<!-- end of faults -->")[0]
    assert told.strip().splitlines() == list(markdown())


def test_the_readme_counts_right() -> None:
    assert re.findall(r"(\d+) ways", README.replace("\n", " ")) == [str(len(FAULTS))]


def test_each_name_stands_once() -> None:
    names = [fault.name for fault in FAULTS]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_whole(fault: Fault) -> None:
    assert fault.spoils
    scripts = [(fault.breaks, fault.mends), *((part.breaks, part.mends) for part in fault.elsewhere)]
    assert any(breaks for breaks, _ in scripts)
    assert all(bool(breaks) == bool(mends) for breaks, mends in scripts)
    needs_node = bool(fault.elsewhere or fault.expect_on_node)
    assert fault.cluster or not (needs_node or any(name.startswith("node/") for name in fault.spoils))
    for expect in (fault.expect, fault.expect_on_node):
        if expect is not None and not expect.lead:
            assert (expect.codes, expect.priority) == ((), "none")
        elif expect is not None:
            assert all(CODE.fullmatch(code) for code in (expect.lead, *expect.codes))
            assert expect.priority != "none"
