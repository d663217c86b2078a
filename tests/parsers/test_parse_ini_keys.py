"""Keys of an ini file: names, never values."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import ini_keys as module
from iwx_agent.parsers.ini_keys import ini_keys


def test_sample() -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ()),
        ("maintenance=1", ("maintenance",)),
        ('  maint.mode = "x"', ("maint.mode",)),
        ("a=1\na=2\nb=3\n", ("a", "b")),
        ("; maintenance=1\n# maintenance=1\n[maintenance]\n", ()),
        ("secret with maintenance in it", ()),
        ("=maintenance", ()),
        ("k" * 81 + "=1", ()),
        ("\ufffd\x00=1", ()),
    ],
)
def test_names_only(text: str, keys: tuple[str, ...]) -> None:
    assert ini_keys(text) == keys


@given(st.text(alphabet="ab= \"'\n", max_size=80))
def test_only_what_stands_before_the_equals_sign_ever_comes_out(text: str) -> None:
    names = {line.partition("=")[0].strip() for line in text.split("\n") if "=" in line}
    assert set(ini_keys(text)) <= names
