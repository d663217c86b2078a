"""How the portal's form words what a ticket needs: labels, options, links and answers, each with its source.

The entries come from ``data/portal-form.toml`` and from ``/etc/iwx-agent/portal-form.d``. The guide names the
fields; how a portal words them today, or after its next release, is data that can be corrected on the server.
"""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.layout import Confidence

FIELDS = (
    "category",
    "place",  # IP Address or Hostname
    "assistance",  # Remote Assistance Enabled?
    "subject",
    "message",
    "priority",
    "attachment",
    "sender_name",
    "sender_mail",
    "sender_mail_again",
    "reply",  # the message of an update to an open ticket
    "user",
    "password",
)
# Without a field of these the form is not the one that the guide describes.
NEEDED = ("category", "place", "assistance", "subject", "message", "priority")
VALUES = ("category", "assistance", "priority")  # fields with options; a meaning is category.Support, for one

_OTHERS = (
    "button.create",
    "button.reply",
    "button.next",
    "link.login",
    "link.list",
    "link.next_page",
    "link.more",  # a list that goes on, nobody knows how
    "column.subject",  # the headings of a list of tickets
    "column.other",
    "said.accepted",  # a phrase of the page that confirms a ticket
    "said.denied",  # a word that turns such a phrase into its opposite
    "said.past",  # a word that makes of it what was before, and of another ticket
    "said.nothing_found",
    "said.general_error",  # says that something is wrong, not what
    "said.attachment",  # a word of an error that is about the attached file
    "said.captcha",
)

ValuedField = Literal["category", "assistance", "priority"]


def known_meaning(meaning: str) -> bool:
    """Return whether words can stand for this: a field, an option of one, a link, a button, a phrase."""
    field, dot, value = meaning.partition(".")
    return meaning in FIELDS or meaning in _OTHERS or bool(field in VALUES and dot and value.strip())


def meanings() -> tuple[str, ...]:
    """Return all that words can stand for, but the options."""
    return FIELDS + _OTHERS


class Synonym(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that mean one thing on the portal; ``known_from`` says who uses them."""

    meaning: str
    words: tuple[str, ...]
    confidence: Confidence
    known_from: str


class PortalForm(Struct, frozen=True, kw_only=True):
    """All words of this installation, and the fields without which no ticket is sent."""

    synonyms: tuple[Synonym, ...]
    needed: frozenset[str] = frozenset(NEEDED)

    def words(self, meaning: str) -> tuple[str, ...]:
        """Return the words for one meaning, without repeats, in order."""
        found = (word for entry in self.synonyms if entry.meaning == meaning for word in entry.words)
        return tuple(dict.fromkeys(found))
