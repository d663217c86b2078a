"""Captures come from strangers: whatever is in one, nothing outside is read; errors name file and line."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from building import make_capture, make_file, make_manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iwx_agent.host import HostError, ListDirectory, ReadFile, Stat, TailFile
from iwx_agent.replay import CaptureError, confined, open_capture
from iwx_agent.replay.confined import names_inside, read_inside

CANARY = "canary-7c1f: nobody may read this through a capture"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file beside the captures that no answer may ever show."""
    path = tmp_path / "outside" / "secret"
    path.parent.mkdir()
    path.write_text(CANARY)
    return path


def refused(directory: Path, name: str, said: str, line: int = 0) -> None:
    with pytest.raises(CaptureError, match=said) as raised:
        open_capture(directory)
    assert (raised.value.path, raised.value.line) == (str(directory / name), line)
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "truncated"),
        ('{"format": 1', "truncated"),
        ("[]", "Expected `object`"),
        ('{"format": 2}', "format 2; this agent reads format 1"),
        ('{"format": "1"}', "format '1'; this agent reads"),
        ('{"format": 1e999}', "out of range"),
        ('{"format": true}', "Expected `int`"),
        ("[" * 100_000, "recursion"),
        ("\0", "malformed"),
        ('{"format": 1}', "missing required field"),
    ],
)
def test_a_capture_json_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "capture.json").write_text(text)
    refused(tmp_path, "capture.json", said)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("host", 7, "Expected `str`"),
        ("extra", 1, "unknown field `extra`"),
        ("taken_at", "yesterday", "Invalid RFC3339"),
        ("taken_at", "2026-11-23T15:26:40", "with its zone"),
        ("taken_at", "1969-12-31T00:00:00Z", "between 1970 and 9998"),
        ("taken_at", "9999-01-01T00:00:00Z", "between 1970 and 9998"),
        ("taken_at", 10**400, "Expected `datetime`"),
        ("base", "..", "neighbour's name"),
        ("base", ".", "neighbour's name"),
        ("base", "../outside", "neighbour's name"),
        ("base", "/etc", "neighbour's name"),
        ("base", "a\0b", "neighbour's name"),
        ("base", "x" * 300, "File name too long"),
    ],
)
def test_a_field_of_capture_json_that_does_not_fit(
    tmp_path: Path, field: str, value: object, said: str
) -> None:
    refused(make_capture(tmp_path / "c", **{field: value}), "capture.json", said)  # type: ignore[arg-type]


def test_a_base_that_is_missing_a_link_or_rests_on_another(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own", base="base")
    with pytest.raises(CaptureError, match=r"base/capture\.json: not a capture"):
        open_capture(own)
    make_capture(tmp_path / "real")
    (tmp_path / "base").symlink_to("real")
    with pytest.raises(CaptureError, match="base: refused: a symbolic link"):
        open_capture(own)
    (tmp_path / "base").unlink()
    make_capture(tmp_path / "base", base="real")
    with pytest.raises(CaptureError, match="base: a base may not have a base itself"):
        open_capture(own)
    itself = make_capture(tmp_path / "itself", base="itself")
    with pytest.raises(CaptureError, match="may not have a base itself"):
        open_capture(itself)


QUESTION = {"kind": "run", "argv": ["x"]}
ANSWER = {"argv": ["x"], "exit_code": 0, "stdout": "", "stderr": "", "duration_s": 0.0}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"question"', "truncated"),
        ("[]", "expected an object"),
        ("null", "expected an object"),
        ("{}", "expected an object with a kind"),
        ('{"question": {"kind": "shell"}}', "unknown kind of question 'shell'"),
        ('{"question": {"kind": ["run"]}}', "unknown kind"),
        ('{"question": {"kind": "run"}}', "missing required field `argv`"),
        ('{"question": {"kind": "run", "argv": "x"}}', "Expected `array`"),
        (
            '{"question": {"kind": "run", "argv": ["x"], "shell": true}}',
            "unknown field of the question: shell",
        ),
        (
            '{"question": {"kind": "clock"}, "error": {"kind": "failed", "reason": "x"}}',
            "clock always answers",
        ),
        (json.dumps({"question": QUESTION}), "expected one of"),
        (json.dumps({"question": QUESTION, "answer": None}), "expected an object as answer"),
        (
            json.dumps({"question": QUESTION, "answer": {"status": 200}}),
            "unknown field of the answer: status",
        ),
        (json.dumps({"question": QUESTION, "answer": {}}), "missing required field"),
        (json.dumps({"question": QUESTION, "answer": ANSWER | {"stdout": 7}}), "stdout: expected text or"),
        (
            json.dumps({"question": QUESTION, "answer": ANSWER | {"stdout": {"base64": 1}}}),
            "stdout: expected",
        ),
        (json.dumps({"question": QUESTION, "answer": ANSWER | {"stdout": {"base64": "*"}}}), "not base64"),
        (json.dumps({"question": QUESTION, "answer": ANSWER | {"duration_s": 10**400}}), "out of range"),
        (json.dumps({"question": QUESTION, "answer": ANSWER})[:-1] + ', "x": 1e999}', "out of range"),
        (json.dumps({"question": QUESTION, "answer": ANSWER, "turn": 0}), "turn: expected 1 or more"),
        (json.dumps({"question": QUESTION, "answer": ANSWER, "turn": -(10**40)}), "turn: expected"),
        (json.dumps({"question": QUESTION, "answer": ANSWER, "turn": "2"}), "Expected `int`"),
        (json.dumps({"question": QUESTION, "error": {"kind": "odd", "reason": "x"}}), "Invalid enum value"),
        (json.dumps({"question": QUESTION, "error": "x"}), "Expected `object`"),
        ('{"question": ' + "[" * 100_000, "recursion"),
        ('{"question": "\\ud800"}', "truncated|surrogate"),
        ("\0", "malformed"),
    ],
)
def test_a_line_of_answers_that_is_none(tmp_path: Path, line: str, said: str) -> None:
    own = make_capture(tmp_path / "own", {"question": {"kind": "processes"}, "answer": {"entries": []}})
    with (own / "answers.jsonl").open("a") as file:
        file.write(f"\n{line}\n")
    refused(own, "answers.jsonl", said, line=3)


@pytest.mark.parametrize("at", [-1, -(10**30), 1e18, 253_370_764_800])
@pytest.mark.parametrize("field", ["now_at", "booted_at"])
def test_a_clock_that_no_clock_can_show(tmp_path: Path, field: str, at: float) -> None:
    answer = {"now_at": 1.0, "booted_at": 1.0, "host_name": "x", "effective_uid": 0} | {field: at}
    own = make_capture(tmp_path / "own", {"question": {"kind": "clock"}, "answer": answer})
    refused(own, "answers.jsonl", f"{field}: not a time|out of range", line=1)


def test_one_question_answered_twice(tmp_path: Path) -> None:
    line = {"question": QUESTION, "answer": ANSWER}
    refused(make_capture(tmp_path / "own", line, line), "answers.jsonl", "stand here twice", line=2)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"path": "/../outside/secret", "kind": "file"}, "plain absolute path"),
        ({"path": "/a/../../outside/secret", "kind": "file"}, "plain absolute path"),
        ({"path": "outside/secret", "kind": "file"}, "plain absolute path"),
        ({"path": "//outside", "kind": "file"}, "plain absolute path"),
        ({"path": "/a\0", "kind": "file"}, "plain absolute path"),
        ({"path": "", "kind": "file"}, "plain absolute path"),
        ({"path": "/a", "kind": "hardlink"}, "Invalid enum value"),
        ({"path": "/a", "kind": "error"}, "an error stands with kind error"),
        ({"path": "/a", "kind": "file", "error": {"kind": "failed", "reason": "x"}}, "only there"),
        ({"path": "/a", "kind": "file", "size": 1}, "unknown field `size`"),
        ({"path": "/a", "kind": "file", "size_bytes": "1"}, "Expected `int"),
        ({"path": "/a", "kind": "directory", "entries": [{"name": 1, "kind": "file"}]}, "Expected `str`"),
        ({"kind": "file"}, "missing required field `path`"),
    ],
)
def test_a_line_of_the_manifest_that_is_none(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    own = make_capture(tmp_path / "own")
    make_manifest(own, {"path": "/fine", "kind": "absent"}, entry)
    refused(own, "manifest.jsonl", said, line=2)


def test_a_path_that_stands_twice_in_the_manifest(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    make_manifest(own, {"path": "/a", "kind": "absent"}, {"path": "/a", "kind": "file"})
    refused(own, "manifest.jsonl", "/a stands here twice", line=2)


def test_a_line_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.replay.layers._MAX_LINES_COUNT", 3)
    own = make_capture(tmp_path / "own")
    (own / "answers.jsonl").write_text("\n\n\n\n")
    refused(own, "answers.jsonl", "more than 3 lines", line=4)


@pytest.mark.parametrize("name", ["capture.json", "answers.jsonl", "manifest.jsonl"])
def test_an_own_file_that_is_a_link_a_fifo_a_directory_a_socket_or_too_large(
    tmp_path: Path, canary: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make_capture(tmp_path / "own")
    (own / name).unlink(missing_ok=True)
    (own / name).symlink_to(canary)
    refused(own, name, "symbolic link")
    (own / name).unlink()
    os.mkfifo(own / name)
    refused(own, name, "not a regular file")
    (own / name).unlink()
    (own / name).mkdir()
    refused(own, name, "not a regular file|Is a directory")
    (own / name).rmdir()
    (own / name).write_bytes(b" " * 33)
    monkeypatch.setattr(confined, "MAX_FILE_BYTES", 32)
    if name != "capture.json":
        monkeypatch.setattr("iwx_agent.replay.reading.read_info", lambda tree: _info())
    refused(own, name, "larger than 32 bytes")


def _info() -> Any:
    from building import AT

    from iwx_agent.replay import CaptureInfo

    return CaptureInfo(format=1, host="x", taken_at=AT, agent_version="0.1.0", source="x")


def test_links_out_of_the_files_are_refused_at_once(tmp_path: Path, canary: Path) -> None:
    own = make_capture(tmp_path / "own")
    make_file(own, "/etc/plain", "x")
    for link, target in (("etc/secret", canary), ("etc/dir", canary.parent), ("deep", canary.parent)):
        (own / "files" / link).symlink_to(target)
        refused(own, f"files/{link}", "refused: a symbolic link")
        (own / "files" / link).unlink()
    os.mkfifo(own / "files" / "fifo")
    refused(own, "files/fifo", "not a regular file")


def test_files_itself_may_be_neither_link_nor_file(tmp_path: Path, canary: Path) -> None:
    own = make_capture(tmp_path / "own")
    (own / "files").symlink_to(canary.parent)
    refused(own, "files", "Not a directory|symbolic link")
    (own / "files").unlink()
    (own / "files").write_text("x")
    refused(own, "files", "Not a directory")


def test_links_in_the_base_are_refused_as_well(tmp_path: Path, canary: Path) -> None:
    base = make_capture(tmp_path / "base")
    (base / "files").mkdir()
    (base / "files" / "secret").symlink_to(canary)
    with pytest.raises(CaptureError, match="base/files/secret: refused"):
        open_capture(make_capture(tmp_path / "own", base="base"))


def test_a_link_that_appears_after_opening_is_not_followed(tmp_path: Path, canary: Path) -> None:
    """The walk at opening can be overtaken; each access refuses links by itself."""
    own = make_capture(tmp_path / "own")
    make_file(own, "/d/x", "x")
    make_manifest(own, {"path": "/d", "kind": "directory", "entries": []})
    replay = open_capture(own)
    (own / "files" / "d" / "secret").symlink_to(canary)
    (own / "files" / "dir").symlink_to(canary.parent)
    for path in ("/d/secret", "/dir/secret"):
        for question in (ReadFile(path=path), TailFile(path=path), Stat(path=path)):
            with pytest.raises(CaptureError, match="refused"):
                replay.answer(question)
    with pytest.raises(HostError, match="not in this capture"):
        replay.answer(ListDirectory(path="/dir"))
    assert [entry.name for entry in replay.list_directory("/d").entries] == ["x"]


def test_too_large_too_many_and_too_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = make_capture(tmp_path / "own")
    make_file(own, "/d/large", "x" * 200_000)
    monkeypatch.setattr(confined, "MAX_FILE_BYTES", 199_999)
    refused(own, "files/d/large", "larger than 199999 bytes")
    with pytest.raises(CaptureError, match="larger than"):
        read_inside(own / "files", "/d/large")
    monkeypatch.setattr(confined, "MAX_FILE_BYTES", 200_000)
    open_capture(own)
    monkeypatch.setattr(confined, "MAX_FILES_COUNT", 1)
    refused(own, "files/d/large", "too many files, or too deep")
    monkeypatch.undo()
    make_file(own, "/" + "a/" * 70 + "x", "x")
    with pytest.raises(CaptureError, match="too many files, or too deep"):
        open_capture(own)


def test_a_fifo_that_appears_after_opening_holds_nobody(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    make_file(own, "/x", "x")
    replay = open_capture(own)
    os.mkfifo(own / "files" / "fifo")
    assert replay.stat("/fifo").kind == "other"
    with pytest.raises(CaptureError, match="not a regular file"):
        replay.read("/fifo")


def test_traversal_by_a_question_reads_nothing_outside(tmp_path: Path, canary: Path) -> None:
    own = make_capture(tmp_path / "own")
    (own / "files").mkdir()
    replay = open_capture(own)
    for path in ("/../../outside/secret", "../../outside/secret", "/x/../../../outside/secret", str(canary)):
        for question in (ReadFile(path=path), Stat(path=path), ListDirectory(path=path), TailFile(path=path)):
            with pytest.raises(HostError, match="not in this capture"):
                replay.answer(question)
    with pytest.raises(CaptureError, match="refused path"):
        read_inside(own / "files", "/../../outside/secret")
    with pytest.raises(CaptureError, match="refused path"):
        read_inside(own / "files", "/a\0")


def test_what_is_no_directory_at_all(tmp_path: Path, canary: Path) -> None:
    with pytest.raises(CaptureError, match=r"secret: not a bundle"):
        open_capture(canary)
    with pytest.raises(CaptureError, match="not a capture: there is no"):
        open_capture(tmp_path / "nowhere")
    assert names_inside(tmp_path, "/nothing") == []
    assert names_inside(canary.parent, "/secret") == []
    assert read_inside(tmp_path / "nowhere", "/x") is None


def test_a_name_that_is_too_long_for_the_file_system(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    (own / "files").mkdir()
    with pytest.raises(CaptureError, match="File name too long"):
        open_capture(own).read("/" + "x" * 300)


def test_a_socket_in_the_capture(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own")
    (own / "files").mkdir()
    os.mknod(own / "files" / "s", 0o600 | stat.S_IFSOCK)  # a socket's node; no socket is needed for one
    refused(own, "files/s", "not a regular file")


def test_nothing_is_written_by_reading(tmp_path: Path) -> None:
    own = make_capture(tmp_path / "own", {"question": {"kind": "processes"}, "answer": {"entries": []}})
    make_file(own, "/x", "x")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    replay = open_capture(own)
    replay.read("/x")
    replay.processes()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["question", "answer", "error", "set", "drop", "kind", "argv", "entries", "path", "turn"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    name=st.sampled_from(["answers.jsonl", "manifest.jsonl", "capture.json"]),
)
def test_any_json_is_a_capture_or_a_capture_error(tmp_path: Path, line: Any, name: str) -> None:
    own = make_capture(tmp_path / "fuzz", {"question": QUESTION, "answer": ANSWER})
    (own / "manifest.jsonl").unlink(missing_ok=True)
    (own / name).write_text(json.dumps(line))
    try:
        open_capture(own)
    except CaptureError as error:
        assert error.path == str(own / name)  # noqa: PT017 - most are refused, some are captures
