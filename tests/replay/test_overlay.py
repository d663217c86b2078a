"""A capture over another one: what it says goes first, what it does not say comes from its base."""

from pathlib import Path
from typing import Any

import pytest
from building import make_capture, make_file, make_manifest

from iwx_agent.host import (
    AskProcesses,
    CommandAnswer,
    HostError,
    ListDirectory,
    ReadFile,
    RunCommand,
    StatVfs,
    TailFile,
    UnixGreeting,
)
from iwx_agent.replay import CaptureError, ReplayHost, open_capture

RUN = {"kind": "run", "argv": ["svstat", "/service/send"]}
ANSWER = {
    "argv": ["svstat", "/service/send"],
    "exit_code": 0,
    "stdout": "send: up (pid 10) 500 seconds\n",
    "stderr": "",
    "duration_s": 0.01,
}
PROCESSES = {"kind": "processes"}


def process(pid: int, name: str) -> dict[str, Any]:
    return {"pid": pid, "parent_pid": 1, "name": name, "user": "root", "state": "S", "started_at": 1.0}


def over(tmp_path: Path, base: list[dict[str, Any]], own: list[dict[str, Any]]) -> ReplayHost:
    make_capture(tmp_path / "base", *base)
    return open_capture(make_capture(tmp_path / "own", *own, base="base"))


def stdout(replay: ReplayHost) -> str:
    answer = replay.answer(RunCommand(argv=("svstat", "/service/send")))
    assert isinstance(answer, CommandAnswer)
    return answer.text


def test_what_the_overlay_does_not_say_comes_from_the_base(tmp_path: Path) -> None:
    replay = over(tmp_path, [{"question": RUN, "answer": ANSWER}], [])
    assert stdout(replay) == ANSWER["stdout"]


def test_an_answer_or_an_error_of_the_overlay_goes_first(tmp_path: Path) -> None:
    replay = over(
        tmp_path,
        [
            {"question": RUN, "answer": ANSWER},
            {"question": {"kind": "statvfs", "path": "/"}, "error": FAILED},
        ],
        [{"question": RUN, "answer": ANSWER | {"stdout": "send: down\n"}}],
    )
    assert stdout(replay) == "send: down\n"
    with pytest.raises(HostError, match="gone"):
        replay.answer(StatVfs(path="/"))


FAILED = {"kind": "timeout", "reason": "gone"}


def test_set_and_replace_edit_the_answer_of_the_base(tmp_path: Path) -> None:
    edit = {"question": RUN, "set": {"exit_code": 3}, "replace": {"stdout": [["up (pid 10)", "down"]]}}
    replay = over(tmp_path, [{"question": RUN, "answer": ANSWER}], [edit])
    answer = replay.answer(RunCommand(argv=("svstat", "/service/send")))
    assert isinstance(answer, CommandAnswer)
    assert (answer.exit_code, answer.text) == (3, "send: down 500 seconds\n")


def test_drop_and_add_edit_the_entries_of_the_base(tmp_path: Path) -> None:
    listed = {"entries": [process(1, "init"), process(2, "iworx-db"), process(3, "iworx-web")]}
    edit = {"question": PROCESSES, "drop": {"name": ["iworx-db", "iworx-web"]}, "add": [process(9, "dnf")]}
    replay = over(tmp_path, [{"question": PROCESSES, "answer": listed}], [edit])
    assert [entry.name for entry in replay.processes().entries] == ["init", "dnf"]


def test_a_second_line_edits_what_the_first_left(tmp_path: Path) -> None:
    edits: list[dict[str, Any]] = [
        {"question": PROCESSES, "drop": {"name": ["iworx-db"]}},
        {"question": PROCESSES, "add": [process(9, "dnf")]},
    ]
    listed = {"entries": [process(2, "iworx-db")]}
    replay = over(tmp_path, [{"question": PROCESSES, "answer": listed}], edits)
    assert [entry.name for entry in replay.processes().entries] == ["dnf"]


def test_a_second_turn_alone_leaves_the_first_to_the_base(tmp_path: Path) -> None:
    later = {"question": RUN, "turn": 2, "replace": {"stdout": [["up", "down"]]}}
    replay = over(tmp_path, [{"question": RUN, "answer": ANSWER}], [later])
    assert stdout(replay).startswith("send: up")
    assert [stdout(replay)[:10], stdout(replay)[:10]] == ["send: down", "send: down"]


def test_a_first_turn_of_the_overlay_hides_the_second_of_the_base(tmp_path: Path) -> None:
    base = [
        {"question": RUN, "answer": ANSWER},
        {"question": RUN, "turn": 2, "answer": ANSWER | {"stdout": "base again\n"}},
    ]
    replay = over(tmp_path, base, [{"question": RUN, "answer": ANSWER | {"stdout": "own\n"}}])
    assert [stdout(replay), stdout(replay)] == ["own\n", "own\n"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"replace": {"stdout": [["never said", "x"]]}}, "exactly once"),
        ({"replace": {"stdout": [["s", "x"]]}}, "exactly once"),  # it stands there more than once
        ({"replace": {"stdout": [["", "x"]]}}, "exactly once"),
        ({"replace": {"exit_code": [["0", "1"]]}}, "exactly once"),
        ({"replace": {"stdout": "up"}}, "Expected `array`"),
        ({"set": {"stauts": 503}}, "unknown field of the answer: stauts"),
        ({"set": {"exit_code": "three"}}, "Expected `int"),
        ({"set": ["exit_code"]}, "Expected `object`"),
        ({"drop": {"name": ["x"]}}, "answer with entries"),
        ({"add": [{}]}, "answer with entries"),
        ({"sett": {}}, "expected one of"),
        ({}, "expected one of"),
        ({"answer": ANSWER, "set": {}}, "expected one of"),
    ],
)
def test_an_edit_that_does_nothing_or_does_not_fit_is_an_error(
    tmp_path: Path, edit: dict[str, Any], said: str
) -> None:
    with pytest.raises(CaptureError, match=said) as raised:
        over(tmp_path, [{"question": RUN, "answer": ANSWER}], [{"question": RUN, **edit}])
    assert (raised.value.path, raised.value.line) == (str(tmp_path / "own" / "answers.jsonl"), 1)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"drop": {"name": ["nobody"]}}, "no entry has name"),
        ({"add": [{"pid": 1}]}, "missing required field"),
        ({"add": [process(1, "x") | {"pidd": 1}]}, "unknown field of the entry: pidd"),
        ({"add": [1]}, "Expected `object`"),
        ({"set": {"entries": [1]}, "drop": {"name": ["x"]}}, "no entry has name"),
        ({"set": {"entries": [1]}}, "Expected `object`"),
        ({"set": {"entries": 1}, "add": []}, "answer with entries"),
        ({"set": {"entries": 1}}, "Expected `array`"),
    ],
)
def test_an_edit_of_entries_that_does_not_fit_is_an_error(
    tmp_path: Path, edit: dict[str, Any], said: str
) -> None:
    base = [{"question": PROCESSES, "answer": {"entries": [process(1, "init")]}}]
    with pytest.raises(CaptureError, match=said):
        over(tmp_path, base, [{"question": PROCESSES, **edit}])


def test_an_edit_needs_an_answer_to_edit(tmp_path: Path) -> None:
    for base in ([], [{"question": RUN, "error": FAILED}]):
        with pytest.raises(CaptureError, match="needs an answer in the base"):
            over(tmp_path, base, [{"question": RUN, "set": {"exit_code": 1}}])


def test_a_file_of_the_overlay_goes_before_everything_of_the_base(tmp_path: Path) -> None:
    base = make_capture(
        tmp_path / "base",
        {"question": {"kind": "tail", "path": "/var/log/x"}, "answer": content("base line\n")},
        {"question": {"kind": "read", "path": "/var/log/x"}, "turn": 2, "answer": content("base later\n")},
    )
    make_file(base, "/var/log/x", "base\n")
    make_file(base, "/var/log/y", "kept\n")
    own = make_capture(tmp_path / "own", base="base")
    make_file(own, "/var/log/x", "own\n")
    replay = open_capture(own)
    assert replay.tail("/var/log/x").data == b"own\n"
    assert [replay.read("/var/log/x").data, replay.read("/var/log/x").data] == [b"own\n", b"own\n"]
    assert replay.stat("/var/log/x").size_bytes == 4
    assert replay.read("/var/log/y").data == b"kept\n"


def content(text: str) -> dict[str, Any]:
    return {"data": text, "size_bytes": len(text), "modified_at": 1.0}


def test_metadata_of_the_overlay_and_its_base(tmp_path: Path) -> None:
    base = make_capture(tmp_path / "base")
    make_file(base, "/a", "aaaa")
    make_manifest(base, {"path": "/a", "kind": "file", "mode": 384, "modified_at": 7.0, "size_bytes": 4})
    own = make_capture(tmp_path / "own", base="base")
    make_manifest(
        own, {"path": "/b", "kind": "socket", "uid": 3}, {"path": "/c", "kind": "file", "size_bytes": 9}
    )
    replay = open_capture(own)
    status = replay.stat("/a")
    assert (status.mode, status.modified_at, status.size_bytes) == (0o600, 7.0, 4)
    assert (replay.stat("/b").kind, replay.stat("/b").uid) == ("socket", 3)
    assert replay.stat("/c").size_bytes == 9
    with pytest.raises(HostError, match="is a socket"):
        replay.read("/b")
    with pytest.raises(HostError, match="not in this capture"):
        replay.read("/c")


def test_what_the_overlay_calls_absent_is_gone_with_all_below_it(tmp_path: Path) -> None:
    base = make_capture(tmp_path / "base")
    make_manifest(
        base,
        {"path": "/panel", "kind": "directory", "entries": [{"name": "a", "kind": "file"}]},
        {"path": "/panel/deep", "kind": "directory", "entries": []},
    )
    make_file(base, "/panel/a", "x")
    own = make_capture(tmp_path / "own", base="base")
    make_manifest(own, {"path": "/panel", "kind": "absent"}, {"path": "/panel/b", "kind": "file"})
    make_file(own, "/panel/b", "back\n")
    replay = open_capture(own)
    asked = (
        ReadFile(path="/panel/a"),
        TailFile(path="/panel/a"),
        ListDirectory(path="/panel"),
        ListDirectory(path="/panel/deep"),
        UnixGreeting(path="/panel/x.sock"),
    )
    for question in asked:
        with pytest.raises(HostError) as raised:
            replay.answer(question)
        assert raised.value.kind == "not_found"
    assert replay.read("/panel/b").data == b"back\n"


def test_an_absent_line_wins_over_bytes_that_lie_there_all_the_same(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    make_file(own, "/a", "x")
    make_manifest(own, {"path": "/a", "kind": "absent"})
    replay = open_capture(own)
    for ask in (replay.read, replay.stat):
        with pytest.raises(HostError) as raised:
            ask("/a")
        assert raised.value.kind == "not_found"


def test_an_error_line_answers_every_question_about_the_path(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    make_manifest(own, {"path": "/a", "kind": "error", "error": {"kind": "permission", "reason": "no"}})
    replay = open_capture(own)
    for ask in (replay.read, replay.stat, replay.list_directory, replay.count_tree):
        with pytest.raises(HostError) as raised:
            ask("/a")
        assert raised.value.kind == "permission"


def test_listings_merge(tmp_path: Path) -> None:
    base = make_capture(tmp_path / "base")
    entries = [
        {"name": "a", "kind": "file", "size_bytes": 1, "modified_at": 5.0},
        {"name": "b", "kind": "file", "size_bytes": 1, "modified_at": 5.0},
        {"name": "link", "kind": "symlink"},
        {"name": "s", "kind": "file", "size_bytes": 8, "modified_at": 5.0},
    ]
    make_manifest(
        base, {"path": "/d", "kind": "directory", "entries": entries}, {"path": "/d/x", "kind": "file"}
    )
    make_file(base, "/d/a", "longer than it was: the listing was taken before")
    own = make_capture(tmp_path / "own", base="base")
    make_file(own, "/d/b", "four")
    make_file(own, "/d/link/deeper", "x")
    make_file(own, "/d/new", "new")
    make_manifest(
        own,
        {"path": "/d/a", "kind": "absent"},
        {"path": "/d/s", "kind": "socket", "modified_at": 9.0},
        {"path": "/d/deep/er", "kind": "file"},
        {"path": "/d/broken", "kind": "error", "error": {"kind": "failed", "reason": "x"}},
    )
    replay = open_capture(own)
    listing = replay.list_directory("/d")
    assert [(e.name, e.kind, e.size_bytes) for e in listing.entries] == [
        ("b", "file", 4),
        ("link", "symlink", 0),
        ("new", "file", 3),
        ("s", "socket", 8),
        ("x", "file", 0),
    ]
    assert {e.name: e.modified_at for e in listing.entries}["b"] == 5.0
    assert {e.name: e.modified_at for e in listing.entries}["s"] == 9.0
    assert [e.name for e in replay.list_directory("/d", max_entries=2).entries] == ["b", "link"]
    assert replay.list_directory("/d", max_entries=2).truncated


def test_listings_and_turns(tmp_path: Path) -> None:
    base = make_capture(
        tmp_path / "base",
        {
            "question": {"kind": "list", "path": "/d"},
            "turn": 2,
            "answer": {"entries": [{"name": "later", "kind": "file"}]},
        },
        {"question": {"kind": "list", "path": "/e"}, "error": {"kind": "permission", "reason": "no"}},
    )
    make_manifest(
        base, {"path": "/d", "kind": "directory", "entries": []}, {"path": "/d/later", "kind": "absent"}
    )
    own = make_capture(tmp_path / "own", base="base")
    make_manifest(own, {"path": "/e", "kind": "directory", "entries": [], "truncated": True})
    make_file(own, "/d/own", "x")
    replay = open_capture(own)
    assert [e.name for e in replay.list_directory("/d").entries] == ["own"]
    assert [e.name for e in replay.list_directory("/d").entries] == ["later", "own"]
    assert replay.list_directory("/e").truncated
    assert open_capture(tmp_path / "base").clock().effective_uid == 0
    with pytest.raises(HostError) as raised:
        open_capture(tmp_path / "base").list_directory("/e")
    assert raised.value.kind == "permission"


def test_a_directory_where_a_file_is_asked_for(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    make_file(own, "/d/x", "x")
    with pytest.raises(HostError) as raised:
        open_capture(own).read("/d")
    assert raised.value.kind == "not_regular"
    make_manifest(own, {"path": "/d/x", "kind": "directory", "entries": []})
    assert open_capture(own).list_directory("/d/x").entries == ()


def test_the_base_is_found_beside_the_capture_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_capture(tmp_path / "base", {"question": PROCESSES, "answer": {"entries": [process(1, "init")]}})
    make_capture(tmp_path / "own", base="base")
    monkeypatch.chdir(tmp_path / "own")
    assert open_capture(Path()).answer(AskProcesses()) == open_capture(tmp_path / "base").processes()
