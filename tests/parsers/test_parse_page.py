"""The title and visible start of a page: quoting only, whatever the page."""

import doctest
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import page
from iwx_agent.parsers.page import page_text, page_title


def test_sample() -> None:
    assert doctest.testmod(page).failed == 0


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("", ""),
        ("no markup", ""),
        ("<title>One</title>", "One"),
        ("<TITLE lang='en'>\n Two \t words</TITLE >", "Two words"),
        ("<title>A &amp; B &lt;x&gt;</title>", "A & B <x>"),
        ("<title>first</title><title>second</title>", "first"),
        ("<title>never closed", ""),
        ("<title", ""),
        ("<title>" + "x" * 500 + "</title>", "x" * 200),
        (" " * 65_536 + "<title>too far down</title>", ""),
    ],
)
def test_the_title(html: str, title: str) -> None:
    assert page_title(html) == title


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>One</p><p>two</p>", "One two"),
        ("<head><title>T</title></head><body>B</body>", "B"),
        ("<script>if (a < b) x()</script>shown", "shown"),
        ("<STYLE>p{}</STYLE>shown<style>q{}</style>", "shown"),
        ("<script>never closed", "never closed"),
        ("</script>shown", "shown"),
        ("a<script></script", "a"),
        ("caf&eacute; &#8364;", "café €"),
        ("x" * 600, "x" * 500),
        ("a < b", "a"),
    ],
)
def test_the_visible_text(html: str, text: str) -> None:
    assert page_text(html) == text


@given(st.text(max_size=200))
def test_any_text_is_bounded_and_on_one_line(html: str) -> None:
    for found, limit in ((page_title(html), 200), (page_text(html), 500)):
        assert len(found) <= limit
        assert found == " ".join(found.split())


@pytest.mark.parametrize("piece", ["<script", "<script>", "</script>", "<", "&", "<title>"])
def test_hostile_pages_take_no_time(piece: str) -> None:
    started_s = time.monotonic()
    page_title(piece * 200_000)
    page_text(piece * 200_000)
    assert time.monotonic() - started_s < 2


@pytest.mark.parametrize("digits", ["9" * 8, "9" * 5000, "0" * 60_000])
def test_a_character_number_that_is_none_is_replaced_and_hides_nothing(digits: str) -> None:
    assert page_title(f"<title>down &#{digits}; now</title>") == "down \N{REPLACEMENT CHARACTER} now"
    assert page_text(f"<p>down &#{digits}; now</p>") == "down \N{REPLACEMENT CHARACTER} now"
    assert page_text("<p>&#65;&#x42;&#0000067;</p>") == "ABC"
