"""Names of read actions in a usage text of unknown layout; nothing else is ever taken for one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers.panel_usage import read_actions
from iwx_agent.probes.panel_cli import READ_ONLY


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Usage: -c CommandQueue -a [list]", ["list"]),
        (
            "Usage: -c CommandQueue -a [clear|delete|listCommands|queryQueue|run]",
            ["listCommands", "queryQueue"],
        ),
        ("Usage: -c CommandQueue -a [clear|list|retry]", ["list"]),
        ("Usage: -c CommandQueue -a {list | query}", ["list", "query"]),
        ("Available actions:\n  delete\n  list\n  queryEdit\n", ["list", "queryEdit"]),
        ("  listQueue    List the queue\n  runQueue     Run it", ["listQueue"]),
        ("actions: list, listFailed, retry", ["list", "listFailed"]),
        ('{"status": 1, "actions": ["list", "clearList"]}', ["list"]),
        ("valid actions are 'listQueue' and 'clear'", ["listQueue"]),
        ("list\tshows the queue", ["list"]),
        ("list - shows the queue", ["list"]),
        ("-a=list", ["list"]),
        ("listQueue listQueue list|list", ["listQueue", "list"]),
        ("You need to choose from a list of actions.", []),
        ("Please query the manual for a list.", []),
        ("No such controller CommandQueue", []),
        ("mylistQueue relist listing enlist list-off delistQueue", []),
        ("<ul><li>Login</li></ul>", []),
        ("", []),
    ],
)
def test_the_read_actions_of_a_usage_text(text: str, names: list[str]) -> None:
    assert list(read_actions(text)) == names


def test_everything_is_bounded() -> None:
    assert len(read_actions(" ".join(f"list{n}A" for n in range(1000)))) == 100
    started = time.monotonic()
    assert read_actions("list " * 1_000_000) == ()
    assert time.monotonic() - started < 2.0


@given(st.text(max_size=200))
def test_any_text_gives_names_of_read_actions_only(text: str) -> None:
    assert all(READ_ONLY.match(name) for name in read_actions(text))


@given(st.lists(st.sampled_from(["list", "query", "listA", " ", "|", "\n", "x", "[", "--"]), max_size=20))
def test_pieces_of_usage_texts_give_names_of_read_actions_only(pieces: list[str]) -> None:
    assert all(READ_ONLY.match(name) for name in read_actions("".join(pieces)))
