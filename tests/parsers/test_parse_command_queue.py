"""The command queue in rows: what is recognised, what is a gap, and what it comes to for each node."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import load_layout
from iwx_agent.model.cluster import ClusterNode, QueueEntry, QueueWords
from iwx_agent.model.panel_cli import PanelRow
from iwx_agent.parsers.command_queue import QueueReading, by_node, read_queue
from iwx_agent.parsers.panel_answer import parse_panel_answer

NOW_AT = 1_795_463_562.0  # 2026-11-23T19:52:42Z
NODES = (
    ClusterNode(name="iwx2.lab.invalid", address="10.99.0.20", node_id="2"),
    ClusterNode(name="iwx3.lab.invalid", address="10.99.0.30", node_id="3"),
)


@cache
def words() -> QueueWords:
    told = load_layout().words
    return QueueWords(
        entry_id=told("words.queue_id"),
        node=told("words.queue_node"),
        status=told("words.queue_status"),
        created=told("words.queue_created"),
        updated=told("words.queue_updated"),
        attempts=told("words.queue_attempts"),
        waiting=told("words.queue_waiting"),
        failed=told("words.queue_failed"),
        done=told("words.queue_done"),
    )


def reading(text: str, *, zone_s: float | None = 0.0, nodes: tuple[ClusterNode, ...] = NODES) -> QueueReading:
    return read_queue(parse_panel_answer(text)[0], words(), nodes, now_at=NOW_AT, zone_s=zone_s)


def entry(**more: object) -> QueueEntry:
    told = {"entry_id": "17", "node": "iwx2.lab.invalid", "state": "waiting", "status": "pending"}
    return QueueEntry(**(told | more))  # type: ignore[arg-type]


WHOLE = """[{"id": 17, "node_id": 2, "command": "set --password hunter2", "status": "pending",
 "created": "2026-11-23 19:00:00", "updated": null, "attempts": 3}]"""
AT = NOW_AT - 52 * 60 - 42  # 19:00:00
ODD_NAMES = """[{"id": 17, "node_hostname": "iwx2.lab.invalid", "command": "x", "state": "pending",
 "date_added": "2026-11-23 19:00:00", "updated": "2026-11-23 19:00:00", "attempts": "0"}]"""


def test_an_entry_with_the_usual_names() -> None:
    assert reading(WHOLE) == QueueReading(entries=(entry(attempts="3", created_at=AT),))


def test_what_the_command_is_is_not_kept() -> None:
    assert "hunter2" not in repr(reading(WHOLE))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"ID": 17, "Node": "iwx2.lab.invalid", "State": "Queued", "queued_at": 1795460400}]', "Queued"),
        ('[{"queue_id": 17, "server": "10.99.0.20", "result": "NEW", "timestamp": "1795460400"}]', "NEW"),
        ('[{"a": "pending", "id": 17, "c": "iwx2.lab.invalid", "d": "2026-11-23T19:00:00Z"}]', "pending"),
        (ODD_NAMES, "pending"),
        ("17\tiwx2.lab.invalid\tpending\t2026-11-23 19:00:00\trestart mail\n", "pending"),
        ("17 iwx2.lab.invalid pending 2026-11-23 19:00:00 restart mail\n", "pending"),
        ("17 2026-11-23 19:00:00 2026-11-23 19:30:00 10.99.0.20 running\n", "running"),
    ],
)
def test_other_names_and_columns_without_names(text: str, expected: str) -> None:
    found = reading(text)
    assert found.gaps == ()
    assert [(e.entry_id, e.node, e.state, e.status, e.created_at) for e in found.entries] == [
        ("17", "iwx2.lab.invalid", "waiting", expected, AT)
    ]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "waiting"),
        ("IN PROGRESS", "waiting"),
        ("Failed", "failed"),
        ("error", "failed"),
        ("done", "done"),
        ("Success", "done"),
        ("3", "unclear"),
        ("", "unclear"),
        ("abracadabra", "unclear"),
    ],
)
def test_a_state_is_one_of_the_known_words_or_unclear(status: str, state: str) -> None:
    text = f'[{{"id": 1, "status": "{status}", "created": 1795460400}}]'
    assert [e.state for e in reading(text).entries] == [state]


def test_a_queue_without_states_holds_what_waits() -> None:
    assert [e.state for e in reading('[{"id": 1, "created": 1795460400}]').entries] == ["waiting"]


@pytest.mark.parametrize(
    ("columns", "node"),
    [
        ('"node_id": 2', "iwx2.lab.invalid"),
        ('"node_id": 7', "node 7"),
        ('"node_id": 7, "hostname": "iwx7.lab.invalid"', "iwx7.lab.invalid"),
        ('"node_id": 7, "hostname": "IWX3.lab.invalid"', "iwx3.lab.invalid"),
        ('"node": ""', ""),
        ('"node": "\\u001b[31mx"', "\x1b[31mx"),  # made harmless where it is shown
    ],
)
def test_a_node_is_called_as_the_cluster_calls_it(columns: str, node: str) -> None:
    text = f'[{{"id": 1, "status": "pending", {columns}}}]'
    assert [e.node for e in reading(text).entries] == [node]


# Gaps


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ('[{"foo": "bar", "baz": 1}]', "1 rows were not understood (columns foo, baz)"),
        ('[{"id": 7, "command": "x"}]', "1 rows were not understood (columns id, command)"),
        ('["a", "b"]', "2 rows were not understood (columns 1)"),
        ("Nothing to see here\n", "1 rows were not understood (columns 1, 2, 3, 4)"),
        (
            '[{"id": 1, "status": "0", "date": 1795460400}, {"id": 2, "status": "1", "date": 1795460400}]',
            "2 entries are in a state that is not known (0, 1)",
        ),
        ('[{"id": 1, "status": null}, {"id": 2, "status": "pending"}]', "1 rows were not understood"),
        ('[{"id": 1, "status": "pending"}]', "1 commands wait, but since when cannot be read"),
        (
            '[{"id": 1, "status": "pending", "created": "today"}]',
            "1 commands wait, but since when cannot be read",
        ),
        ('[{"id": 1, "status": "pending", "created": 1795470000}]', "1 entries were made in the future"),
    ],
)
def test_what_is_not_understood_is_a_gap(text: str, gap: str) -> None:
    gaps = reading(text).gaps
    assert gaps[0].startswith(gap)
    assert len(gaps) == 1 or "since when" in gaps[1]


def test_states_that_are_not_known_are_said_once_and_not_all() -> None:
    rows = ",".join(f'{{"id": {n}, "status": "s{n}", "created": 1795460400}}' for n in range(9))
    assert reading(f"[{rows}]").gaps == ("9 entries are in a state that is not known (s0, s1, s2, s3, s4)",)


def test_nothing_in_the_queue_is_no_gap() -> None:
    assert reading("[]") == QueueReading(entries=())


def test_what_has_ended_needs_no_time() -> None:
    assert reading('[{"id": 1, "status": "done"}, {"id": 2, "status": "failed"}]').gaps == ()


@pytest.mark.parametrize(("ahead_s", "kept"), [(300, True), (301, False)])
def test_a_time_just_ahead_is_another_clock_and_no_nonsense(ahead_s: int, kept: bool) -> None:
    text = f'[{{"id": 1, "status": "pending", "created": {NOW_AT + ahead_s:.0f}}}]'
    assert (reading(text).entries[0].created_at is not None) == kept


def test_a_zone_is_needed_only_for_times_without_one() -> None:
    told = '[{"id": 1, "status": "pending", "created": "2026-11-23 14:00:00"}]'
    first = reading(told, zone_s=None)
    assert (first.zone_needed, first.entries[0].created_at) == (True, None)
    second = reading(told, zone_s=-18_000.0)
    assert (second.zone_needed, second.entries[0].created_at) == (False, AT)
    assert not reading(WHOLE.replace("19:00:00", "19:00:00Z"), zone_s=None).zone_needed
    assert not reading("[]", zone_s=None).zone_needed


# What it comes to


def test_a_queue_by_node() -> None:
    entries = (
        entry(entry_id="3", created_at=AT + 60),
        entry(entry_id="2", created_at=AT, attempts="4"),
        entry(entry_id="1"),
        entry(entry_id="4", state="failed", status="failed", created_at=AT - 9, updated_at=AT + 10),
        entry(entry_id="5", state="failed", status="error", created_at=AT + 30),
        entry(entry_id="6", state="done", status="done", created_at=AT - 90, updated_at=AT - 80),
        entry(entry_id="7", state="unclear", status="9"),
        entry(entry_id="8", node="iwx3.lab.invalid", state="done", updated_at=AT + 99),
    )
    two, three = by_node(entries, source="here")
    assert (two.node, two.waiting_count, two.failed_count, two.source) == ("iwx2.lab.invalid", 3, 2, "here")
    assert (two.oldest_at, two.failed_newest_at, two.progress_at) == (AT, AT + 30, AT + 10)
    assert (two.left_count, two.came_count) == (None, None)
    assert two.oldest_words == (
        "entry 2, for iwx2.lab.invalid, pending, made 2026-11-23 19:00:00 UTC, attempts: 4"
    )
    assert two.failed_words == "entry 5, for iwx2.lab.invalid, error, made 2026-11-23 19:00:30 UTC"
    assert (three.node, three.waiting_count, three.progress_at) == ("iwx3.lab.invalid", 0, AT + 99)
    assert (three.oldest_words, three.failed_words) == ("", "")


def test_what_was_last_touched_is_quoted() -> None:
    (queue,) = by_node((QueueEntry(entry_id="", node="", state="waiting", updated_at=AT),))
    assert queue.oldest_words == "an entry, last touched 2026-11-23 19:00:00 UTC"


@pytest.mark.parametrize(
    ("before", "after", "left", "came"),
    [
        (("1", "2"), ("1", "2"), 0, 0),
        (("1", "2"), ("2",), 1, 0),
        (("1", "2"), ("2", "3"), 1, 1),
        (("1", "2"), (), 2, 0),
        (("1",), ("1", "2", "3"), 0, 2),
        (("", "2"), ("2",), None, None),
        (("1",), ("",), None, None),
    ],
)
def test_two_samples_tell_whether_it_moves(
    before: tuple[str, ...], after: tuple[str, ...], left: int | None, came: int | None
) -> None:
    first = tuple(entry(entry_id=number) for number in before)
    later = (
        *(entry(entry_id=number) for number in after),
        entry(entry_id="1", state="done"),
        entry(entry_id="1", node="iwx3.lab.invalid"),
    )
    (queue,) = by_node(first, later)
    assert (queue.left_count, queue.came_count) == (left, came)


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["1", "2", "id", "node", "status", "created", "x"]),
                st.sampled_from(
                    ["", "1", "pending", "done", "2026-11-23", "19:00", "1795460400", "iwx2.lab.invalid"]
                ),
            ),
            max_size=6,
        ),
        max_size=5,
    )
)
def test_any_rows_give_entries_and_gaps(rows: list[list[tuple[str, str]]]) -> None:
    told = tuple(PanelRow(columns=tuple(row)) for row in rows)
    found = read_queue(told, words(), NODES, now_at=NOW_AT)
    assert len(found.entries) <= len(told)
    assert len(found.entries) == len(told) or found.gaps
    assert sum(queue.waiting_count for queue in by_node(found.entries)) <= len(told)
