"""Whom it reaches, what was done of late, a note: on the screen and in Markdown, and nothing of it untold."""

import pytest
from building import AT, finding, incident, report
from msgspec.structs import replace

from iwx_agent.model import Report
from iwx_agent.model.changes import Change, ChangeGap, Changes, Impact
from iwx_agent.rendering import circumstances, markdown, terminal

BARE = report(incident(finding()))
WEB = Impact(
    area="web",
    what="websites that were asked fail",
    affected_count=12,
    total_count=12,
    names=("a.example.com", "b.example.com", "c.example.com", "d.example.com"),
)
RESTART = Change(kind="service", at=AT, subject="NodeWorx", said="restarted", source="journal")
CHANGES = Changes(since_at=AT, entries=(RESTART,), gaps=(ChangeGap(kind="config", reason="why"),))
FULL = replace(BARE, impact=(WEB,), changes=CHANGES, note="restarted it,\n\ntwice  *now*")
LINES = [
    (
        "Reaches",
        ("web: all 12 websites that were asked fail: a.example.com, b.example.com, c.example.com and 9 more"),
    ),
    ("Done in the last 24 hours (not all could be determined)", "NodeWorx restarted 15:26 UTC"),
    ("Note", "restarted it, twice *now*"),
]


def test_each_is_one_line() -> None:
    assert circumstances.lines(FULL) == LINES


@pytest.mark.parametrize("told", [BARE, replace(BARE, note=" \n")])
def test_what_was_not_asked_for_is_not_told(told: Report) -> None:
    assert circumstances.lines(told) == []
    assert "Around it" not in markdown.render(told)
    assert "Reaches" not in terminal.as_text(told, width=80)
    assert "\n\n\n" not in terminal.as_text(told, width=80)


def test_what_was_looked_at_and_not_found_is() -> None:
    told = replace(BARE, changes=Changes(since_at=AT))
    assert circumstances.lines(told) == [("Done in the last 24 hours", "nothing seen")]


@pytest.mark.parametrize(("count", "left"), [(6, None), (7, "1 more: iwx-agent ticket")])
def test_six_impacts_are_told_and_the_others_counted(count: int, left: str | None) -> None:
    lines = circumstances.lines(replace(BARE, impact=(WEB,) * count))
    assert len(lines) == count if left is None else lines[6:] == [("Reaches", left)]


def test_a_long_text_is_cut() -> None:
    lines = circumstances.lines(replace(FULL, impact=(replace(WEB, what="x" * 9000),), note="y" * 9000))
    assert max(len(told) for _, told in lines) == 500


def test_they_stand_below_the_incidents_on_the_screen() -> None:
    told = terminal.as_text(FULL, width=200)
    at = [
        told.index(said)
        for said in ("do next", "Reaches: web", "Done in the last", "Note: restarted", "more:")
    ]
    assert at == sorted(at)


def test_they_are_a_list_in_markdown() -> None:
    told = markdown.render(FULL)
    assert "\n## Around it\n\n- Reaches: web: all 12 websites" in told
    assert "\n- Note: restarted it, twice \\*now\\*\n" in told
