"""Two spellings of one label are one; two labels are never one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import load_portal_form
from iwx_agent.model.portal_form import FIELDS, PortalForm, Synonym
from iwx_agent.transports.portal.words import Vocabulary, forms_of, one_line, plain

FORM = load_portal_form(Path("/nonexistent"))
WORDS = Vocabulary(FORM)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Subject", "subject"),
        ("  SUBJECT :*\n", "subject"),
        ("Subject (required)", "subject"),
        ("Your Subject [optional field]", "subject"),
        ("Please enter the subject:", "subject"),
        ("Enter a subject of your ticket", "subject"),
        ("IP Address / Hostname", "ip address or hostname"),
        ("E\u2011Mail\u200b Address", "e mail address"),
        ("Remote Assistance Enabled?", "remote assistance enabled"),
        ("I don\u2019t know", "i don't know"),
        ("Your", "your"),
        ("Enter key", "enter key"),  # what is to be entered is no order to enter
        ("About this server", "about this server"),
        ("#", "#"),
        (">>", ">>"),
        ("*", ""),
        ("", ""),
    ],
)
def test_what_spellings_have_in_common(text: str, found: str) -> None:
    assert plain(text) == found


@pytest.mark.parametrize(
    ("option", "forms"),
    [
        ("Urgent", ("urgent",)),
        ("1. Urgent", ("1 urgent", "urgent")),
        ("High - angry end users", ("high angry end users", "high")),
        ("Yes, it is enabled", ("yes it is enabled", "yes")),
        ("Low (no rush)", ("low no rush", "low")),
        ("---", ("---",)),
        ("", ()),
    ],
)
def test_an_option_is_known_without_what_explains_it(option: str, forms: tuple[str, ...]) -> None:
    assert forms_of(option) == forms


@given(st.text())
def test_no_text_of_a_page_breaks_a_line_or_grows(text: str) -> None:
    found = one_line(text)
    assert found.isprintable()
    assert len(found) <= 300
    assert one_line(found) == found
    assert plain(text) == plain(found)


def test_a_phrase_counts_in_whole_words() -> None:
    form = PortalForm(
        synonyms=(
            Synonym(meaning="said.denied", words=("no", "can't"), confidence="inferred", known_from="x"),
        )
    )
    words = Vocabulary(form)
    assert words.phrase_in("There is NO ticket", "said.denied") == "no"
    assert words.phrase_in("It can\u2019t be done", "said.denied") == "can't"
    assert words.phrase_in("Your note is known", "said.denied") == ""


def test_no_words_stand_for_two_fields_of_one_form() -> None:
    """A label that could be two fields is refused: the words that come with the program never are."""
    login = ("user", "password")
    reply = ("reply", "attachment")
    ticket = tuple(name for name in FIELDS if name not in (*login, "reply"))
    for names in (ticket, login, reply):
        for name in names:
            for other in names:
                assert name == other or not WORDS.means(name) & WORDS.means(other), (name, other)


@pytest.mark.parametrize("field", ["category", "assistance", "priority"])
def test_no_words_stand_for_two_options_of_one_field(field: str) -> None:
    meanings = {one.meaning for one in FORM.synonyms if one.meaning.startswith(f"{field}.")}
    for one in meanings:
        for other in meanings - {one}:
            assert not WORDS.means(one) & WORDS.means(other), (one, other)
