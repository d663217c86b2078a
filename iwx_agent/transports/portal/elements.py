"""What one element of a page says by its own markup: values, words, whether a person sees it."""

import re

from bs4.element import Tag

from iwx_agent.transports.portal.page import Link, Row
from iwx_agent.transports.portal.words import one_line

_OFF_SCREEN = re.compile(
    r"(?:^|[;-])(?:left|right|top|bottom|text-indent|margin-left|margin-top):-[0-9]{3,}"
    r"|(?:^|;)opacity:0(?:\.0+)?(?:;|$)"
)
_ROW_CHARACTERS = 4000
_SHORT_CHARACTERS = 1200
_LINKS_IN_ROW_COUNT = 20
_OFF = frozenset(("disabled", "inactive", "unavailable"))
_PRESSED = ("submit", "image", "button")


def value_of(element: Tag, name: str) -> str:
    """Return an attribute as text; empty when there is none."""
    found = element.get(name, "")
    return " ".join(found) if isinstance(found, list) else str(found or "")


def is_hidden(element: Tag) -> bool:
    """Return whether a browser does not show this element, as its own markup says."""
    style = value_of(element, "style").replace(" ", "").lower()
    return element.has_attr("hidden") or "display:none" in style or "visibility:hidden" in style


def is_unseen(element: Tag) -> bool:
    """Return whether a person does not see this element: it is hidden, or off the screen."""
    style = value_of(element, "style").replace(" ", "").lower()
    return is_hidden(element) or bool(_OFF_SCREEN.search(style))


def link_of(element: Tag) -> Link:
    """Return a link; one that leads nowhere on the last page of a list is switched off."""
    return Link(
        href=value_of(element, "href").strip(),
        text=one_line(_short_text(element)),
        named=one_line(value_of(element, "aria-label") or value_of(element, "title") or _alt(element)),
        is_next="next" in value_of(element, "rel").lower().split(),
        off=_is_off(element),
    )


def row_of(element: Tag) -> Row:
    """Return a row with its links; ``cut`` when it has more than is kept."""
    text = " ".join(element.get_text(" ").split())
    links = element.find_all("a", href=True, limit=_LINKS_IN_ROW_COUNT + 1)
    return Row(
        text=text[:_ROW_CHARACTERS],
        links=tuple(link_of(one) for one in links[:_LINKS_IN_ROW_COUNT]),
        cut=len(text) > _ROW_CHARACTERS or len(links) > _LINKS_IN_ROW_COUNT,
    )


def pressed_text(element: Tag) -> str:
    """Return the words on what is pressed and is no link; empty for all else, and when it is switched off."""
    kind = value_of(element, "type").lower()
    if element.name == "a" and element.has_attr("href"):
        return ""
    pressed = (
        element.name == "button"
        or (element.name == "input" and kind in _PRESSED)
        or value_of(element, "role").lower() == "button"
        or any(name.lower().rpartition(":")[2].rpartition("-")[2].endswith("click") for name in element.attrs)
    )
    if not pressed or _is_off(element):
        return ""
    named = value_of(element, "aria-label") or value_of(element, "title")
    return one_line(_short_text(element) or value_of(element, "value") or named or _alt(element))


def _is_off(element: Tag) -> bool:
    around = [element, element.parent] if isinstance(element.parent, Tag) else [element]
    return any(
        one.has_attr("disabled")
        or value_of(one, "aria-disabled").lower() == "true"
        or bool(_OFF & set(value_of(one, "class").lower().split()))
        for one in around
    )


def _alt(element: Tag) -> str:
    image = element.find("img", alt=True)
    return value_of(image, "alt") if isinstance(image, Tag) else value_of(element, "alt")


def _short_text(element: Tag) -> str:
    """Return the words in an element; of a long one its beginning, since boxes may stand in each other."""
    texts: list[str] = []
    left = _SHORT_CHARACTERS
    for text in element.strings:
        texts.append(text)
        left -= len(text) + 1
        if left <= 0:
            break
    return " ".join(" ".join(texts).split())
