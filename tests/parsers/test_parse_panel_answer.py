"""Answers of the panel's command line: every wrapping a client has seen, and all that is no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.panel_answer import parse_panel_answer


def columns(text: str) -> list[dict[str, str]]:
    return [dict(row.columns) for row in parse_panel_answer(text)[0]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('[{"id": 7, "message": "a"}]', [{"id": "7", "message": "a"}]),
        ('{"status": 0, "payload": [{"id": 7}]}', [{"id": "7"}]),
        ('{"status": 0, "payload": []}', []),
        ('{"payload": {"mode": "1"}}', [{"mode": "1"}]),
        ('{"mode": "1", "duration": "72 hours"}', [{"mode": "1", "duration": "72 hours"}]),
        ('{"7": {"id": 7}, "8": {"id": 8}}', [{"id": "7"}, {"id": "8"}]),
        ('["a", "b"]', [{"1": "a"}, {"1": "b"}]),
        ("[[1, 2]]", [{"1": "1"}, {"1": "2"}]),
        ('{"status": 0, "payload": "8.2.0"}', [{"1": "8.2.0"}]),
        ('{"status": 0, "payload": null}', []),
        ('{"on": true, "off": false, "none": null}', [{"on": "1", "off": "0", "none": ""}]),
        ('{"mode": {"value": "1"}}', [{"value": "1"}]),
        ('[{"who": ["a", "b"]}]', [{"who": '["a", "b"]'}]),
        ("[]", []),
        ("{}", []),
        ("\ufeff[]", []),
        ("", []),
        ("  \n", []),
        (
            "disk\tDisk space\t0\nraid\tRaid\t1\n",
            [
                {"1": "disk", "2": "Disk space", "3": "0"},
                {"1": "raid", "2": "Raid", "3": "1"},
            ],
        ),
        ("disk space 0\n", [{"1": "disk", "2": "space", "3": "0"}]),
        ("mode: 1\nduration: 72 hours\nnote:\n", [{"mode": "1", "duration": "72 hours", "note": ""}]),
        ('{"status": "1", "name": "disk"}', [{"status": "1", "name": "disk"}]),
        ('{"total": 1, "rows": [{"id": 7}]}', [{"id": "7"}]),
        ('{"nodes": []}', []),
        ('{"total": 0, "queue": []}', []),
        ('{"id": 7, "services": ["a"]}', [{"id": "7", "services": '["a"]'}]),
        ('{"nodes": [], "queue": []}', [{"nodes": "[]", "queue": "[]"}]),
        ('{"list": {"id": 7}}', [{"id": "7"}]),
        ('{"error": "", "rows": []}', []),
    ],
)
def test_an_answer_becomes_rows(text: str, rows: list[dict[str, str]]) -> None:
    assert columns(text) == rows


def test_columns_know_whether_they_are_named() -> None:
    assert parse_panel_answer('[{"a": 1}]')[1]
    assert parse_panel_answer("a: 1\n")[1]
    assert not parse_panel_answer("a 1\n")[1]


@pytest.mark.parametrize(
    "text",
    [
        "<html><title>503</title></html>",
        "Usage: -c CommandQueue -a [list]",
        "PHP Fatal error:  Uncaught Exception in /usr/local/interworx/include/x.php:3",
        "Warning: mysqli_connect(): Connection refused",
        "Unable to connect to the InterWorx database: No such file or directory",
        "Couldn't open the socket",
        "Please choose a controller:",
        "Controller?",
        "nodeworx>",
        '{"status": 11, "payload": "There was a problem validating the form."}',
        '{"status": "1", "result": []}',
        '{"error": "no such action"}',
        '{"error": "no such action", "code": 5}',
        '{"exception": {"message": "x"}, "rows": []}',
        '{"status": 0, "payload": false}',
        '[{"id": 7',
        '[{"id": 7}] and more',
        "[" * 100_000,
    ],
)
def test_what_is_no_answer_is_an_error_whatever_the_exit_code(text: str) -> None:
    with pytest.raises(ParseError):
        parse_panel_answer(text)


def test_everything_is_bounded() -> None:
    rows, _ = parse_panel_answer("x\n" * 5000)
    assert len(rows) == 2000
    wide, _ = parse_panel_answer("\t".join(["y" * 3000] * 70))
    assert (len(wide[0].columns), len(wide[0].get("1"))) == (60, 2000)


def test_a_row_is_asked_by_any_of_its_names() -> None:
    row = parse_panel_answer('[{"Message": "", "text": "b", "id": 3}]')[0][0]
    assert row.get("message", "TEXT") == "b"
    assert row.get("title") == ""
    assert row.text == "b | 3"


@given(st.text(max_size=300))
def test_any_text_gives_rows_or_an_error(text: str) -> None:
    try:
        rows, _ = parse_panel_answer(text)
    except ParseError:
        return
    assert all(isinstance(value, str) for row in rows for _, value in row.columns)
