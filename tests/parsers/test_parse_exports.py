"""The exports file: which line exports a directory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers.exports import export_of


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("# /home *(rw)\n", ""),
        ("/home 10.99.0.20(rw,no_root_squash)\n", "/home 10.99.0.20(rw,no_root_squash)"),
        ("/home/ 10.99.0.20(rw) # nodes\n", "/home/ 10.99.0.20(rw)"),
        ('"/home"\t*(ro)\n', '"/home" *(ro)'),
        ("/home \\\n\t10.99.0.20(rw)\\\n\t10.99.0.21(rw)\n", "/home 10.99.0.20(rw) 10.99.0.21(rw)"),
        ("/srv *(ro)\n/home *(rw)", "/home *(rw)"),
        ("/home", "/home"),
        ("/home2 *(rw)\n/home/backup *(rw)\n/ *(ro)\n", ""),
        ('"/home', ""),
        ("\x00\xff", ""),
    ],
)
def test_the_line_of_a_directory(text: str, line: str) -> None:
    assert export_of("/home", text) == line


def test_a_long_line_is_cut() -> None:
    assert len(export_of("/home", "/home " + "10.0.0.1(rw) " * 100)) == 300


@given(st.text(max_size=200))
def test_any_text_gives_a_line_or_none(text: str) -> None:
    assert "\n" not in export_of("/home", text)
