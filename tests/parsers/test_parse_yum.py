"""yum 3: its history, what a transaction leaves when it is ended half-way, and its log."""

import doctest
import sqlite3
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yum_history import YumHistory

from iwx_agent.model import ParseError
from iwx_agent.parsers import yum_history as module
from iwx_agent.parsers import yum_log
from iwx_agent.parsers.yum_history import parse_unfinished, parse_yum_history
from iwx_agent.parsers.yum_log import parse_yum_log

AT = 1_795_428_000.0  # 2026-11-23T10:00:00Z
UPDATE = (("interworx", "8.3.0", "1", "Update", True), ("interworx", "8.2.0", "1", "Updated", True))


def test_samples() -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(yum_log).failed == 0


def test_a_transaction_that_succeeded() -> None:
    history = YumHistory()
    history.add("-y update", AT, UPDATE)
    (run,) = parse_yum_history(history.data, source="h")
    assert (run.tool, run.command, run.goal, run.outcome) == ("yum", "yum -y update", ("update",), "done")
    assert (run.started_at, run.ended_at, run.source) == (AT, AT + 20, "h transaction 1")
    assert run.planned == run.changed == ("interworx-8.3.0-1.noarch",)
    assert run.transaction
    assert run.failures == ()


def test_one_without_an_end_was_killed_and_had_come_to_what_is_done() -> None:
    history = YumHistory()
    packages = [
        ("a", "1", "1", "Install", True),
        ("b", "1", "1", "Dep-Install", False),
        ("c", "1", "1", "Erase", False),
    ]
    history.add("install a", AT, packages, code=None)
    (run,) = parse_yum_history(history.data, source="h")
    assert (run.outcome, run.ended_at) == ("killed", None)
    assert run.planned == ("a-1-1.noarch", "b-1-1.noarch", "c-1-1.noarch")
    assert run.changed == ("a-1-1.noarch",)
    assert [(f.kind, f.package) for f in run.failures] == [("killed", "a-1-1.noarch")]


@pytest.mark.parametrize(
    ("packages", "package"), [((("a", "1", "1", "Install", False),), "a-1-1.noarch"), ((), "")]
)
def test_one_that_had_done_nothing(
    packages: tuple[tuple[str, str, str, str, bool], ...], package: str
) -> None:
    history = YumHistory()
    history.add("", AT, packages, code=None)
    (run,) = parse_yum_history(history.data, source="h")
    assert run.failures[0].package == package
    assert (run.command, run.goal) == ("", ("",))


def test_a_failed_one_says_why() -> None:
    history = YumHistory()
    errors = ["installing package big-1-1.noarch needs 34MB on the / filesystem"]
    history.add("install big", AT, [("big", "1", "1", "Install", False)], code=1, errors=errors)
    history.add("install x", AT + 60, code=1)
    full, unknown = parse_yum_history(history.data, source="h")
    assert [(f.kind, f.package) for f in full.failures] == [("disk_full", "big-1-1.noarch")]
    assert (full.outcome, full.changed) == ("failed", ())
    assert [(f.kind, f.line.text) for f in unknown.failures] == [("other", "return code is not 0")]


def test_a_failed_scriptlet_stands_in_the_output_of_a_success() -> None:
    history = YumHistory()
    output = [
        "one",
        "two",
        "warning: %post(interworx-8.3.0-1.noarch) scriptlet failed, exit status 3",
        "four",
    ]
    history.add("-y update", AT, UPDATE, output=output)
    (run,) = parse_yum_history(history.data, source="h")
    (failure,) = run.failures
    assert (run.outcome, failure.kind, failure.scriptlet) == ("done", "scriptlet", "%post")
    assert failure.line.text == "\n".join(output[:3])


def test_the_newest_fifty_are_read_oldest_first() -> None:
    history = YumHistory()
    for number in range(53):
        history.add(f"install p{number}", AT + number)
    found = parse_yum_history(history.data, source="h")
    assert [found[0].goal[1], found[-1].goal[1], len(found)] == ["p3", "p52", 50]


def test_credentials_of_a_command_are_cut_out() -> None:
    history = YumHistory()
    history.add(
        "install x --repofrompath=a,https://u:s3cr3t@repo.invalid/", AT, code=1, errors=["password=s3cr3t"]
    )
    assert "s3cr3t" not in repr(parse_yum_history(history.data, source="h"))


def test_text_that_is_no_utf_8_is_read_all_the_same() -> None:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(YumHistory().data)
    connection.execute("INSERT INTO trans_beg VALUES (1, 5, '', 0)")
    connection.execute("INSERT INTO trans_cmdline VALUES (1, CAST(? AS TEXT))", (b"install \xff",))
    connection.commit()
    (run,) = parse_yum_history(connection.serialize(), source="h")
    assert run.goal == ("install", "�")


def damaged() -> list[bytes]:
    history = YumHistory()
    for number in range(200):
        history.add(f"install p{number}", AT + number, UPDATE)
    data = history.data
    return [
        b"",
        b"not a database at all",
        data[:100],
        data[:4096],
        data[: len(data) // 2],
        data[:2000] + b"\xff" * 3000 + data[5000:],
        b"SQLite format 3\0" + b"\0" * 5000,
    ]


@pytest.mark.parametrize("data", damaged(), ids=range(len(damaged())))
def test_what_is_no_sound_history_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_yum_history(data, source="h")


def test_a_database_of_another_kind_is_refused() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE trans_beg (tid INTEGER)")
    with pytest.raises(ParseError, match="history tables"):
        parse_yum_history(connection.serialize(), source="h")


def test_a_query_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS_COUNT", 10)
    history = YumHistory()
    history.add("install x", AT)
    with pytest.raises(ParseError, match="interrupted"):
        parse_yum_history(history.data, source="h")


@given(st.binary(max_size=4000))
def test_any_bytes_are_runs_or_refused(data: bytes) -> None:
    with suppress(ParseError):
        parse_yum_history(b"SQLite format 3\0" + data, source="h")


# The files of a transaction


def test_what_was_planned_and_what_was_done() -> None:
    planned = (
        "install 0:a-1-1.noarch\ninstall (none):b-1-1.noarch\nerase 2:a-0-1.noarch\ninstall c-1-1.noarch\n"
    )
    assert parse_unfinished(planned, "install 0:a-1-1.noarch\n") == (
        ("a-1-1.noarch", "b-1-1.noarch", "a-0-1.noarch", "c-1-1.noarch"),
        ("a-1-1.noarch",),
    )


@given(st.text(), st.text())
def test_any_text_plans_something_or_nothing(planned: str, done: str) -> None:
    assert len(parse_unfinished(planned, done)) == 2


# yum.log


def test_lines_close_together_are_one_run() -> None:
    text = (
        "Nov 22 10:00:00 Installed: vim-1-1.noarch\n"
        "Nov 23 09:59:58 Updated: 1:openssl-2-1.noarch\n"
        "Nov 23 10:00:00 Erased: old-1-1.noarch\n"
    )
    first, second = parse_yum_log(text, source="yum.log", written_at=AT)
    assert (first.changed, first.started_at) == (("vim-1-1.noarch",), AT - 86_400)
    assert (second.changed, second.started_at, second.ended_at) == (
        ("openssl-2-1.noarch", "old-1-1.noarch"),
        AT - 2,
        AT,
    )
    assert (second.outcome, second.transaction, second.wants_change) == ("done", True, True)


def test_the_run_of_a_log_does_not_tell_what_was_wanted() -> None:
    (run,) = parse_yum_log("Nov 23 10:00:00 Updated: a-1-1.noarch\n", source="yum.log", written_at=AT)
    assert run.goal == ("yum.log",)  # no command has this goal


def test_a_time_that_cannot_be_told_divides_runs() -> None:
    text = "Feb 31 10:00:00 Updated: a-1-1.noarch\nNov 23 10:00:00 Updated: b-1-1.noarch\n"
    first, second = parse_yum_log(text, source="yum.log", written_at=AT)
    assert (first.started_at, second.started_at) == (None, AT)


def test_a_clock_that_went_back_divides_runs() -> None:
    text = "Nov 23 10:05:00 Updated: a-1-1.noarch\nNov 23 10:00:00 Updated: b-1-1.noarch\n"
    assert len(parse_yum_log(text, source="yum.log", written_at=AT)) == 2


@pytest.mark.parametrize(
    "text", ["", "\n", "x" * 1_000_000, "Nov 23 10:00:00 Updated:\n", "2026-11-23T10:00:00 INFO x"]
)
def test_what_is_no_log_of_yum_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_yum_log(text, source="yum.log", written_at=AT)


@given(st.text(), st.floats(min_value=0, max_value=4e9))
def test_any_text_is_runs_or_refused(text: str, written_at: float) -> None:
    with suppress(ParseError):
        parse_yum_log(text, source="yum.log", written_at=written_at)
