"""The words of the portal's form: the package's, an administrator's own, an error for each odd entry."""

from pathlib import Path

import pytest

from iwx_agent.config import ConfigError, load_portal_form
from iwx_agent.config.toml_file import DATA
from iwx_agent.model.portal_form import FIELDS, NEEDED, known_meaning, meanings

ENTRY = (
    '[[synonym]]\nmeaning = "subject"\nwords = ["Betreff"]\nconfidence = "observed"\nknown_from = "here"\n'
)


def write(etc: Path, text: str) -> Path:
    path = etc / "portal-form.d" / "own.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_package_has_words_for_every_meaning() -> None:
    form = load_portal_form(Path("/nonexistent"))
    assert {name for name in meanings() if not form.words(name)} == set()
    assert form.needed == set(NEEDED)
    assert form.words("place")[0] == "IP Address or Hostname"
    assert all(entry.known_from for entry in form.synonyms)


def test_every_word_has_one_entry_for_its_meaning() -> None:
    form = load_portal_form(Path("/nonexistent"))
    words = [(entry.meaning, word) for entry in form.synonyms for word in entry.words]
    assert len(words) == len(set(words))
    assert (DATA / "portal-form.toml").is_file()


def test_an_administrator_adds_words_and_takes_some_away(etc: Path) -> None:
    write(etc, f'drop = ["Queue"]\nnot_needed = ["priority"]\n{ENTRY}')
    form = load_portal_form()
    assert "Betreff" in form.words("subject")
    assert "Queue" not in form.words("category")
    assert form.needed == set(NEEDED) - {"priority"}


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ('drop = ["Queue1"]\n', "drop", "no entry has the words Queue1; did you mean Queue?"),
        ('not_needed = ["attachment"]\n', "not_needed", "no field of the ticket is called attachment"),
        (
            ENTRY.replace("subject", "subjct"),
            "synonym[0].meaning",
            "nothing is called subjct; did you mean subject?",
        ),
        (ENTRY.replace('["Betreff"]', "[]"), "synonym[0].words", "expected words of 1 to 200 characters"),
        (ENTRY.replace("Betreff", " "), "synonym[0].words", "expected words of 1 to 200 characters"),
        (ENTRY.replace('"observed"', '"sure"'), "synonym[0].confidence", ""),
        (ENTRY.replace("known_from", "from"), "", ""),
        ('words = ["x"]\n', "words", ""),
        (ENTRY * 401, "synonym", "expected at most 400 entries in all"),
    ],
)
def test_an_entry_that_cannot_be_used_is_said(etc: Path, text: str, key: str, why: str) -> None:
    path = write(etc, text)
    with pytest.raises(ConfigError) as raised:
        load_portal_form()
    assert raised.value.path == str(path)
    assert raised.value.key.endswith(key)
    assert why in raised.value.why


def test_a_meaning_is_a_field_or_an_option_of_one_that_has_options() -> None:
    assert all(known_meaning(name) for name in FIELDS)
    assert known_meaning("priority.Urgent")
    assert not known_meaning("subject.Urgent")
    assert not known_meaning("priority.")
    assert not known_meaning("priority. ")
