"""What is packaged for monitoring systems speaks of metrics that there are, and is documented."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging" / "monitoring"
RULES = (PACKAGING / "iwx-agent.rules.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((PACKAGING / "grafana-dashboard.json").read_text(encoding="utf-8"))
HOW_TO = (ROOT / "docs" / "how-to" / "monitor-a-server.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]


@pytest.mark.parametrize("told", [RULES, json.dumps(DASHBOARD)], ids=["rules", "dashboard"])
def test_each_metric_that_is_asked_for_is_documented(told: str) -> None:
    known = set(re.findall(r"\| `(iwx_agent_[a-z_]+)", REFERENCE))
    asked = set(re.findall(r"iwx_agent_[a-z_]+", told))
    assert len(asked) > 5
    assert asked <= known


def test_each_alert_is_documented_with_its_severity_and_nothing_else() -> None:
    made = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", RULES, re.DOTALL)
    assert re.findall(r"\| `(Iwx\w+)` \| (\w+) \|", HOW_TO) == made
    assert len(made) == RULES.count("- alert:")


def test_each_packaged_file_is_named_where_its_use_is_told() -> None:
    assert [path.name for path in PACKAGING.iterdir() if path.name not in HOW_TO] == []


def test_no_panel_says_zero_where_nothing_is_known() -> None:
    assert "vector(" not in json.dumps(PANELS)


def test_panels_have_names_of_their_own_and_do_not_lie_over_each_other() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_question_goes_to_the_source_that_was_chosen() -> None:
    for panel in PANELS:
        for asking in (panel, *panel["targets"]):
            assert asking["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert all("$instance" in target["expr"] for target in panel["targets"]), panel["title"]
