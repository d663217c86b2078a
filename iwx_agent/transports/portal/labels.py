"""What names a field, as a person reads it: its label, wherever the page keeps it."""

import re
from collections.abc import Iterable, Sequence

from bs4.element import NavigableString, Tag

from iwx_agent.transports.portal.page import How, Label
from iwx_agent.transports.portal.words import one_line

_CONTROLS = ("input", "select", "textarea", "button")
_EXPLAINS = ("small", "em", "i", "sup", "abbr", "p", "div", "ul")
_HELP = re.compile(
    r"(?:^|[-_ ])(?:help|hint|note|muted|description|desc|required|asterisk|tooltip|info)(?:$|[-_ ])",
    re.IGNORECASE,
)
_REQUIRED_MARK = re.compile(r"\*|\brequired\b", re.IGNORECASE)
_REQUIRED_CLASS = re.compile(r"(?:^|[-_ ])required(?:$|[-_ ])", re.IGNORECASE)
_FIELDS = ("input", "select", "textarea")
_UNSEEN = ("hidden", "submit", "button", "image", "reset")
_LABELS_COUNT = 5  # for one field; the first is what counts
_REFERRED_COUNT = 10
_CELLS_COUNT = 50
_UP_COUNT = 3  # how far a label without "for" may stand from its field


class Fields:
    """Which fields that a person sees stand in which element, gathered while the page is walked through."""

    def __init__(self) -> None:
        self._seen_count = 0
        self._span: dict[int, tuple[int, int]] = {}

    def enter(self, element: Tag) -> None:
        """Note that an element begins."""
        self._span[id(element)] = (self._seen_count, self._seen_count)
        if element.name in _FIELDS and _attribute(element, "type").lower() not in _UNSEEN:
            self._seen_count += 1

    def leave(self, element: Tag) -> None:
        """Note that an element ends."""
        self._span[id(element)] = (self._span[id(element)][0], self._seen_count)

    def only(self, box: Tag, group: Sequence[Tag]) -> bool:
        """Return whether a box holds these fields and no others."""
        start, end = self._span.get(id(box), (0, 0))
        numbers = [self._span[id(one)][0] for one in group if id(one) in self._span]
        return len(numbers) == len(group) == end - start and all(start <= number < end for number in numbers)

    def first(self, box: Tag, element: Tag) -> bool:
        """Return whether this is the first field in a box."""
        return self._span.get(id(box), (0, 0))[0] == self._span.get(id(element), (-1, -1))[0]


class Labels:
    """Finds the labels of the fields of one page."""

    def __init__(self, elements: Sequence[Tag], fields: Fields) -> None:
        self._fields = fields
        self._texts: dict[int, tuple[str, ...]] = {}
        self._by_id: dict[str, Tag] = {}
        self._for: dict[str, list[Tag]] = {}
        for element in elements:
            if element.has_attr("id"):
                self._by_id.setdefault(str(element["id"]), element)
            if element.name == "label" and element.has_attr("for"):
                named = self._for.setdefault(str(element["for"]), [])
                if len(named) < _LABELS_COUNT:
                    named.append(element)

    def of(self, element: Tag) -> tuple[Label, ...]:
        """Return the labels of one field, the strongest first; hints in the field itself come last."""
        found = [*self._own(element)]
        if not found:
            found = [*self._beside(element, [element])]
        hints: Iterable[tuple[How, str]] = (
            ("placeholder", _attribute(element, "placeholder")),
            ("title", _attribute(element, "title")),
        )
        return tuple(found) + tuple(Label(how=how, texts=(text,)) for how, text in hints if text)

    def of_group(self, elements: list[Tag]) -> tuple[Label, ...]:
        """Return the labels of a group of radio buttons: not those of its members."""
        for up in elements[0].parents:
            if up.name == "form":
                break
            if not all(any(up is above for above in one.parents) for one in elements):
                continue
            if _attribute(up, "role") in ("radiogroup", "group"):
                named = self._referred(up) or _labels("aria-label", (_attribute(up, "aria-label"),))
                if named:
                    return named
        return tuple(self._beside(elements[0], elements))

    def text_of_choice(self, element: Tag) -> str:
        """Return the words of one radio button: its label's, or what follows it."""
        for label in self._own(element):
            return label.texts[0]
        following = element.next_sibling
        while isinstance(following, NavigableString) and not following.strip():
            following = following.next_sibling
        if isinstance(following, NavigableString):
            return one_line(following)
        if isinstance(following, Tag) and following.name not in (*_CONTROLS, "br"):
            return one_line(following.get_text(" "))
        return ""

    def _own(self, element: Tag) -> tuple[Label, ...]:
        """Return what is said to be the label of just this field."""
        around = next((up for up in element.parents if up.name == "label"), None)
        if around is not None and not self._fields.first(around, element):
            around = None  # a label belongs to the first field in it
        return (
            *self._referred(element),
            *(
                label
                for one in self._for.get(_attribute(element, "id"), ())
                for label in _labels("label for", self._texts_of(one))
            ),
            *(_labels("label around", self._texts_of(around)) if around is not None else ()),
            *_labels("aria-label", (_attribute(element, "aria-label"),)),
        )

    def _referred(self, element: Tag) -> tuple[Label, ...]:
        named = [
            self._by_id[one] for one in _attribute(element, "aria-labelledby").split() if one in self._by_id
        ][:_REFERRED_COUNT]
        if not named:
            return ()
        whole = " ".join(self._texts_of(one)[0] for one in named if self._texts_of(one))
        return _labels("aria-labelledby", (one_line(whole),))

    def _beside(self, element: Tag, group: list[Tag]) -> Iterable[Label]:
        """Return what stands beside the field: legend, label, cell, term."""
        fieldset = next((up for up in element.parents if up.name == "fieldset"), None)
        if fieldset is not None and self._fields.only(fieldset, group):
            legend = fieldset.find("legend")
            if isinstance(legend, Tag):
                yield from _labels("legend", self._texts_of(legend))
        yield from self._label_before(element, group)
        yield from self._cell_before(element, group)
        dd = next((up for up in element.parents if up.name == "dd"), None)
        if dd is not None and self._fields.only(dd, group):
            term = dd.find_previous_sibling(("dt", "dd"))
            if isinstance(term, Tag) and term.name == "dt":
                yield from _labels("term before", self._texts_of(term))

    def _label_before(self, element: Tag, group: list[Tag]) -> Iterable[Label]:
        """Return the one label without a field of its own that shares a box with this field alone."""
        for up in list(element.parents)[:_UP_COUNT]:
            if up.name in ("form", "body", "table", "fieldset") or not self._fields.only(up, group):
                return
            free = [
                one for one in up.find_all("label") if not one.has_attr("for") and not one.find(_CONTROLS)
            ]
            if len(free) == 1:
                yield from _labels("label before", self._texts_of(free[0]))
                return

    def _cell_before(self, element: Tag, group: list[Tag]) -> Iterable[Label]:
        """Return the cell to the left, or the heading of the column."""
        cell = next((up for up in element.parents if up.name in ("td", "th")), None)
        row = cell.find_parent("tr") if cell is not None else None
        if cell is None or row is None or not self._fields.only(cell, group):
            return
        before = cell.find_previous_sibling(("td", "th"))
        if isinstance(before, Tag) and self._fields.only(before, ()):
            yield from _labels("table heading", self._texts_of(before))
            return
        above = row.find_previous_sibling("tr")
        cells = row.find_all(("td", "th"), recursive=False, limit=_CELLS_COUNT)
        headings = above.find_all("th", recursive=False, limit=_CELLS_COUNT) if isinstance(above, Tag) else []
        place = next((number for number, one in enumerate(cells) if one is cell), _CELLS_COUNT)
        if len(headings) == len(cells) and place < len(headings):
            yield from _labels("table heading", self._texts_of(headings[place]))

    def _texts_of(self, element: Tag) -> tuple[str, ...]:
        """Return the words of a label, worked out once."""
        if id(element) not in self._texts:
            self._texts[id(element)] = texts_of(element)
        return self._texts[id(element)]


def is_required(element: Tag, found: tuple[Label, ...]) -> bool:
    """Return whether the page says that this field must be filled in: by attribute, by mark or by word."""
    if element.has_attr("required") or _attribute(element, "aria-required").lower() == "true":
        return True
    if _REQUIRED_CLASS.search(_attribute(element, "class")):
        return True
    return any(_REQUIRED_MARK.search(text) for label in found[:1] for text in label.texts[:1]) and not any(
        "not required" in text.lower() for label in found[:1] for text in label.texts
    )


def texts_of(element: Tag) -> tuple[str, ...]:
    """Return the words of a label in whole, then without what explains them; none of a field inside of it."""
    whole = one_line(" ".join(_strings(element, explained=True)))
    short = one_line(" ".join(_strings(element, explained=False)))
    return tuple(dict.fromkeys(text for text in (whole, short) if text))


def _strings(element: Tag, *, explained: bool) -> Iterable[str]:
    for child in element.children:
        if type(child) is NavigableString:
            yield str(child)
        elif isinstance(child, Tag) and child.name not in (*_CONTROLS, "template"):
            explains = child.name in _EXPLAINS or _HELP.search(_attribute(child, "class"))
            if explained or not explains:
                yield from _strings(child, explained=explained)


def _labels(how: How, texts: tuple[str, ...]) -> tuple[Label, ...]:
    kept = tuple(text for text in texts if text)
    return (Label(how=how, texts=kept),) if kept else ()


def _attribute(element: Tag, name: str) -> str:
    found = element.get(name, "")
    return one_line(" ".join(found) if isinstance(found, list) else str(found or ""))
