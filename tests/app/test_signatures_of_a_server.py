"""Files under /etc change what is found on a machine, from the file to the verdict."""

from pathlib import Path

import pytest

from iwx_agent.app.diagnose import Request
from iwx_agent.app.sources import diagnose_capture
from iwx_agent.checks import panel_maintenance
from iwx_agent.config import ConfigError
from iwx_agent.model import Report

ROOTS = Path(__file__).parents[1] / "roots"
REQUEST = Request(checks=(panel_maintenance.CHECK,))
OWN = """
[[signature]]
id = "local.page"
sources = ["nodeworx_page"]
pattern = 'please come back later'
code = "PANEL-070"
confidence = "observed"
known_from = "this server"
"""


def judged(etc: Path, text: str, root: str = "maintenance-page-200") -> list[tuple[str, int, bool]]:
    (etc / "signatures.d").mkdir(parents=True, exist_ok=True)
    (etc / "signatures.d" / "local.toml").write_text(text)
    return told(diagnose_capture(ROOTS / root, REQUEST))


def told(report: Report) -> list[tuple[str, int, bool]]:
    return [(f.code, f.severity, f.inferred) for result in report.results for f in result.findings]


def test_one_sign_that_is_inferred_is_no_emergency(etc: Path) -> None:
    assert judged(etc, "") == [("PANEL-070", 30, True)]


def test_one_that_was_observed_is(etc: Path) -> None:
    assert judged(etc, OWN) == [("PANEL-070", 40, False)]


def test_one_for_another_release_is_not_looked_for(etc: Path) -> None:
    assert judged(etc, OWN + "versions = [7]\n") == [("PANEL-070", 30, True)]


def test_entries_that_are_switched_off_find_nothing(etc: Path) -> None:
    assert judged(etc, 'disable = ["maintenance.mode", "maintenance.title"]') == []


def test_a_broken_file_stops_the_run_before_anything_is_asked(etc: Path) -> None:
    with pytest.raises(ConfigError, match=r"local\.toml:5: signature\[0\]\.pattern: .*bound on each repeat"):
        judged(etc, OWN.replace("come back", "come.*back"))
