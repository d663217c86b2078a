"""The further texts of a ticket where there is much to tell, or little."""

from datetime import timedelta

from building import AT
from emergencies import MAIL, WEB, seen

from iwx_agent.model.changes import Change, ChangeGap, Changes
from iwx_agent.rendering.ticket import further

TEXT = further.Further(key="iwx-1", name="iwx-1-2", said="what is new")
OUTAGE = further.Outage(
    began_at=AT - timedelta(hours=1),
    last_bad_at=AT - timedelta(minutes=10),
    first_good_at=AT,
    lasted="50 min",
    titles=tuple(f"title {number}" for number in range(13)),
)


def changes(count: int) -> Changes:
    entries = tuple(
        Change(
            kind="service",
            at=AT - timedelta(seconds=count - number),
            subject=f"unit{number}.service",
            said="started",
            source="the journal",
        )
        for number in range(count)
    )
    gap = ChangeGap(kind="package", reason="no log")
    return Changes(since_at=AT - timedelta(days=1), entries=entries, gaps=(gap,))


def test_of_many_titles_the_first_are_told_and_the_others_counted() -> None:
    lines = further.recovery(seen(changes=changes(0)), TEXT, 15_000, OUTAGE).splitlines()
    at = lines.index("WHAT THE TICKET TOLD, AND IS OVER")
    assert lines[at + 1 : at + 14] == [f"- title {number}" for number in range(12)] + ["- and 1 more"]


def test_of_many_changes_the_last_are_told_since_they_have_more_likely_ended_it() -> None:
    for count, earlier in ((20, []), (21, ["- 1 earlier change: in the agent's report"])):
        lines = further.recovery(seen(changes=changes(count)), TEXT, 15_000, OUTAGE).splitlines()
        told = [line for line in lines if ".service: started" in line]
        assert len(told) == 20
        assert told[-1].endswith(f"unit{count - 1}.service: started (the journal)")
        assert [line for line in lines if "earlier change" in line] == earlier
        assert "- changes of packages: no log" in lines


def test_an_update_of_which_nothing_is_fresh_and_nothing_is_seen() -> None:
    told = further.update(seen(), TEXT, 15_000, fresh=(), still=("a",), gone=("b",))
    assert "ERRORS" not in told
    assert "IMPACT" not in told
    assert told.splitlines()[1] == "- what is new"
    full = further.update(seen(MAIL, WEB), TEXT, 15_000, fresh=(WEB,), still=(), gone=())
    assert "TOLD BEFORE" not in full
    assert "WEB-001" in full
    assert "IMPACT" in full


def test_a_long_one_is_cut_and_says_so() -> None:
    told = further.recovery(seen(changes=changes(20)), TEXT, 500, OUTAGE)
    assert len(told) <= 500
    assert told.splitlines()[-1].startswith("... cut: ")
