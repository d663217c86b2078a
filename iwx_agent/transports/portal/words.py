"""Words of a page made comparable: "Please enter your E-Mail address: *" is "e-mail address"."""

import re
import unicodedata

from iwx_agent.model.portal_form import PortalForm

_CHARACTERS = 300
_LEADING = re.compile(
    r"(?:please )?(?:(?:enter|select|choose|specify|provide|give|type|add) (?=(?:your|the|an?) ))?"
    r"(?:(?:your|the|an?) )?"
)
_TRAILING = re.compile(
    r" (?:of|for|about) (?:your|the|this) (?:request|ticket|issue|problem|question|server)$"
)
_MARKS = re.compile(r"[(\[]?\s*(?:\brequired\b|\boptional\b)\s*(?:field)?\s*[)\]]?", re.IGNORECASE)
_NUMBERING = re.compile(r"^\s*\d{1,3}\s*[.):-]\s*")
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_APOSTROPHE, _PLAIN_APOSTROPHE = "\u2019", "'"
_APART = re.compile(r"\s+[-\u2013\u2014]+\s+|[:;(\[,]")


def one_line(text: str) -> str:
    """Return text as a page shows it: one blank for white space, nothing invisible, bounded."""
    shown = "".join(c for c in text[: 4 * _CHARACTERS] if unicodedata.category(c) not in ("Cf", "Cs", "Co"))
    shown = "".join(c if c.isprintable() else " " for c in shown)
    return " ".join(shown.split())[:_CHARACTERS]


def plain(text: str) -> str:
    """Return what two spellings of one label have in common; empty when it has no words.

    What the field is about is left out, since all of the form is: "Category of your request" is "category".

    >>> plain("Please enter your E-Mail address: *"), plain("Subject (required)"), plain("IP / Hostname")
    ('e mail address', 'subject', 'ip or hostname')
    """
    text = unicodedata.normalize("NFKC", one_line(text)).casefold().replace(_APOSTROPHE, _PLAIN_APOSTROPHE)
    text = text.replace("/", " or ")
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)*", _MARKS.sub(" ", text)) or re.findall(
        r"\S+", text.strip(" *:?")
    )
    joined = _TRAILING.sub("", " ".join(words))
    leading = _LEADING.match(joined)
    return joined[leading.end() :] if leading and leading.end() < len(joined) else joined


def forms_of(option: str) -> tuple[str, ...]:
    """Return an option's text in whole, then without its numbering, then without what explains it.

    >>> forms_of("1. Urgent - services are down")
    ('1 urgent services are down', 'urgent services are down', 'urgent')
    """
    bare = _NUMBERING.sub("", one_line(option))
    found = (plain(option), plain(bare), plain(_APART.split(bare, maxsplit=1)[0]))
    return tuple(dict.fromkeys(form for form in found if form))


class Vocabulary:
    """The words of the portal's form, ready to compare."""

    def __init__(self, form: PortalForm) -> None:
        self.form = form
        self._plain: dict[str, frozenset[str]] = {}

    def means(self, meaning: str) -> frozenset[str]:
        """Return the comparable words for one meaning."""
        if meaning not in self._plain:
            self._plain[meaning] = frozenset(plain(word) for word in self.form.words(meaning)) - {""}
        return self._plain[meaning]

    def is_one(self, text: str, meaning: str) -> bool:
        """Return whether this text, in whole, has the meaning."""
        return plain(text) in self.means(meaning)

    def phrase_in(self, text: str, meaning: str) -> str:
        """Return the first phrase for the meaning that the text has as whole words; empty for none."""
        folded = _in_words(text)
        for phrase in self.form.words(meaning):
            words = _in_words(phrase)
            if words.strip() and words in folded:
                return phrase
        return ""


def _in_words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold().replace(_APOSTROPHE, _PLAIN_APOSTROPHE)))} "
