"""Markup that is broken, hostile or huge becomes a page or is refused, in time that its size sets."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.transports.portal.markup import MAX_BYTES, TAGS_COUNT, Unreadable, plain_markup
from iwx_agent.transports.portal.page import read_page

PIECES = st.sampled_from(
    [
        *("<", ">", "/", "=", '"', "'", " ", "\0", "&lt;", "<!--", "-->", "--!>", "<!", "<?", "]]>"),
        *("<form>", "</form>", "<input name=a>", "<select>", "<option>", "<textarea>", "</textarea>"),
        *("<script>", "</script>", "<label for=a>", "<table>", "<tr>", "<td>", "<p>", "a", "class", "x\n"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_markup_is_a_page_or_is_refused(markup: str) -> None:
    try:
        page = read_page(markup.encode())
    except Unreadable:
        return
    assert "\0" not in page.text


@given(st.lists(PIECES, max_size=40).map("".join))
def test_plain_markup_is_plain_already(markup: str) -> None:
    try:
        found = plain_markup(markup)
    except Unreadable:
        return
    assert plain_markup(found.text).text == found.text


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        ("<form><input", "has no end"),
        ("<form><input name=a", "has no end"),
        ("<input name='a <p>", "<input> is damaged"),
        ("<form><p>", "a form has no end"),
        ("<!-- <form>", "a comment has no end"),
        ("<script>var a", "<script> has no end"),
        ("<textarea>a", "<textarea> has no end"),
        ("<!doctype", "ends within a tag"),
        ("<div>" * 200, "stand within each other"),
        ("<br>" * (TAGS_COUNT + 1), "has more than"),
        ("<form>" + "<input name=a>" * 501 + "</form>", "more than 500 fields"),
    ],
)
def test_what_cannot_be_relied_on_is_refused(markup: str, why: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_page(markup.encode())
    assert why in raised.value.why


def test_a_page_that_is_too_large_is_refused() -> None:
    with pytest.raises(Unreadable, match="has more than"):
        read_page(b"x" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a<!-- <form> -->b<!-->c<!--->d", "abcd"),
        ("a < b", "a < b"),
        ("<p>a</q></p>b", "a\nb"),
        ("<a b='<form>'>c</a>", "c"),
        ("<script>'<form>'</script>a", "a"),
        ("<style>x{}</style><iframe src=/x><form></iframe>a", "a"),
        ("<em class=>a</em>", "a"),
        ("<b =x>a</b>", "a"),
        ("</ x>a<?php ?>b", "ab"),
    ],
)
def test_odd_markup_is_read_as_a_browser_reads_it(markup: str, text: str) -> None:
    page = read_page(markup.encode())
    assert (page.text, page.forms) == (text, ())


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<a b='", "<!--", "</", "<p ", "<a/", "<b =", "&", "<textarea>", "<label>x", "'<\""]
)
def test_the_time_grows_with_the_size_only(piece: str) -> None:
    started = time.process_time()
    with contextlib.suppress(Unreadable):
        read_page((piece * (200_000 // len(piece))).encode())
    assert time.process_time() - started < 5


def test_many_comments_before_a_long_text_are_read_in_time() -> None:
    page = "<!--a--!>b" + "<!---->" * 5_000 + "--!-" * 400_000
    started = time.process_time()
    assert plain_markup(page).text.startswith("b--!-")
    assert time.process_time() - started < 3
