"""Hostile markup made plain before a parser sees it: every tag whole, no comment, no script, bounded work.

Python's own HTML parser, which Beautiful Soup uses, takes minutes for 100 kB of half-open tags. What comes
out here has none; one pass, each piece of text looked at once.
"""

import html
import re

from msgspec import Struct

MAX_BYTES = 2 * 1024 * 1024
TAGS_COUNT = 40_000
_BROKEN_TAG_CHARACTERS = 4096

_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z][^\s<>/"'=]*+)"""
    r"""(?P<attributes>(?:[\s/]*+[^\s<>/"'=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s<>"']++))?+)*+)[\s/]*+>"""
)
_ATTRIBUTE = re.compile(r"""([^\s<>/"'=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s<>"']++)))?+""")
_NEXT = re.compile(r"<(?=[A-Za-z/!?])")
_COMMENT_END = re.compile("--!?>")
_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,60})")
# What these hold is no markup: a browser reads it as text up to their end.
_RAW = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
# A form is made of these: when one of them is damaged, what the form wants is a guess.
_OF_FORMS = (
    "form",
    "input",
    "select",
    "option",
    "optgroup",
    "textarea",
    "button",
    "label",
    "fieldset",
    "legend",
)
# Elements without an end, and those whose end may be left out: what opens ends what is still open of the
# second, up to the nearest of the third.
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_IMPLIED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "option": (("option",), ("select", "optgroup", "datalist")),
    "optgroup": (("option", "optgroup"), ("select",)),
    "li": (("li",), ("ul", "ol", "menu")),
    "td": (("td", "th"), ("tr", "table")),
    "th": (("td", "th"), ("tr", "table")),
    "tr": (("tr",), ("table",)),
    "dt": (("dt", "dd"), ("dl",)),
    "dd": (("dt", "dd"), ("dl",)),
    "p": (("p",), ("div", "td", "th", "li", "dd", "form", "fieldset", "section", "label", "table", "body")),
}
_DEPTH = 150


class Unreadable(Exception):  # noqa: N818 - how reading ends
    """A page whose markup cannot be relied on; ``why`` is for people."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Markup(Struct, frozen=True, kw_only=True):
    """``text`` has whole tags only; ``scripts`` is what its scripts are and where they come from."""

    text: str
    scripts: str
    scripts_count: int


def plain_markup(page: str) -> Markup:
    """Return a page's markup with whole tags only, and its scripts apart.

    Raises:
        Unreadable: for a form that is damaged, for too many tags, for a page that is cut off inside of one.
    """
    return _Reader(page.replace("\0", "")).read()


class _Reader:
    def __init__(self, page: str) -> None:
        self.page = page
        self.at = 0
        self.out: list[str] = []
        self.scripts: list[str] = []
        self.scripts_count = 0
        self.tags_count = 0
        self.open: list[str] = []

    def read(self) -> Markup:
        while found := _NEXT.search(self.page, self.at):
            self.text(self.page[self.at : found.start()])
            self.at = found.start()
            self.tags_count += 1
            if self.tags_count > TAGS_COUNT:
                raise Unreadable(f"the page has more than {TAGS_COUNT} tags")
            if self.page[self.at + 1] in "!?":
                self.declaration()
            else:
                self.tag()
        self.text(self.page[self.at :])
        if "form" in self.open:  # what is missing of it cannot be told: a hidden field, a button
            raise Unreadable("a form has no end")
        return Markup(
            text="".join(self.out), scripts="\n".join(self.scripts), scripts_count=self.scripts_count
        )

    def text(self, text: str) -> None:
        self.out.append(text.replace("<", "&lt;"))

    def declaration(self) -> None:
        """Pass over a comment, a doctype, a processing instruction."""
        if not self.page.startswith("<!--", self.at):
            self.at = self.after(">", self.at + 2)
        elif self.page.startswith((">", "->"), self.at + 4):  # comments that end as they begin
            self.at = self.after(">", self.at + 4)
        else:
            end = _COMMENT_END.search(self.page, self.at + 4)  # one search: a page may have many comments
            if end is None:
                raise Unreadable("a comment has no end")
            self.at = end.end()

    def after(self, end: str, start: int) -> int:
        place = self.page.find(end, start)
        if place < 0:
            raise Unreadable("the page ends within a tag")
        return place + len(end)

    def tag(self) -> None:
        found = _TAG.match(self.page, self.at)
        if found is None:
            self.broken_tag()
            return
        self.at = found.end()
        name = found["name"].lower()
        if found["close"]:
            self.closed(name)
            return
        attributes: dict[str, str] = {}
        for word, double, single, bare in _ATTRIBUTE.findall(found["attributes"]):
            attributes.setdefault(word.lower(), html.unescape(double or single or bare))
        if name in _RAW:
            self.raw(name, attributes)
        else:
            self.opened(name, attributes)

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name in _IMPLIED:
            ended, within = _IMPLIED[name]
            for other in reversed(self.open):
                if other in within:
                    break
                if other in ended:
                    self.closed(other)
                    break
        words = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
        self.out.append(f"<{name}{words}>")
        if name not in _VOID:
            self.open.append(name)
            if len(self.open) > _DEPTH:
                raise Unreadable(f"more than {_DEPTH} elements stand within each other")

    def closed(self, name: str) -> None:
        """End an element and what is open in it; the end of what is not open is passed over."""
        if name in self.open:
            while self.open.pop() != name:
                pass
            self.out.append(f"</{name}>")

    def raw(self, name: str, attributes: dict[str, str]) -> None:
        """Take what a browser does not read as markup: as text, or apart when it is a script."""
        end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(self.page, self.at)
        if end is None:
            raise Unreadable(f"<{name}> has no end")
        inside = self.page[self.at : end.start()]
        self.at = self.after(">", end.end())
        if name == "script":
            self.scripts_count += 1
            self.scripts.append(f"{attributes.get('src', '')}\n{inside}")
        elif name == "iframe":
            self.opened(name, attributes)
            self.closed(name)
        elif name in ("textarea", "title"):
            self.opened(name, attributes)
            self.text(inside)
            self.closed(name)

    def broken_tag(self) -> None:
        """Keep the name of a tag that is no tag, unless a form is made of such tags."""
        named = _NAME.match(self.page, self.at)
        end = self.page.find(">", self.at, self.at + _BROKEN_TAG_CHARACTERS)
        if named is None:  # "</ " and the like: a browser passes over it
            self.at = self.after(">", self.at + 2) if end < 0 else end + 1
            return
        name = named[2].lower()
        if end < 0:
            raise Unreadable(f"<{name}> has no end")
        if name in _OF_FORMS or name in _RAW:
            raise Unreadable(f"a tag <{name}> is damaged")
        self.at = end + 1
        if named[1]:
            self.closed(name)
        else:
            self.opened(name, {})
