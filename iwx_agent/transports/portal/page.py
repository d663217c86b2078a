"""A page of the portal as a person meets it: labelled forms, links, text, signs of trouble. Pure."""

import re
from typing import Literal

from msgspec import Struct

How = Literal[
    "aria-labelledby",
    "label for",
    "label around",
    "aria-label",
    "legend",
    "label before",
    "table heading",
    "term before",
    "placeholder",
    "title",
]
Kind = Literal["text", "textarea", "select", "radio", "checkbox", "file", "password", "hidden", "other"]


class Label(Struct, frozen=True, kw_only=True):
    """What names a field, and how; ``texts`` are its words in whole, then without what explains them."""

    how: How
    texts: tuple[str, ...]


class Option(Struct, frozen=True, kw_only=True):
    """One of several to choose from; ``chosen`` when the page has it chosen."""

    value: str
    text: str
    chosen: bool = False
    disabled: bool = False


class Control(Struct, frozen=True, kw_only=True):
    """One field of a form, the strongest label first; the radio buttons of one name are one field.

    ``value`` is what the page has in it. ``max_characters`` is 0 when there is no limit. ``reloads`` when
    choosing in it makes the page anew, as its markup says. ``checked`` is for check boxes.
    ``unseen`` when the form hides it from people: what fills it in is taken for a program.
    """

    kind: Kind
    name: str
    type: str = ""
    labels: tuple[Label, ...] = ()
    options: tuple[Option, ...] = ()
    value: str = ""
    required: bool = False
    disabled: bool = False
    checked: bool = False
    multiple: bool = False
    max_characters: int = 0
    accept: str = ""
    reloads: bool = False
    unseen: bool = False

    @property
    def shown(self) -> str:
        """Return what to call it to a person."""
        texts = [label.texts[0] for label in self.labels if label.texts]
        return texts[0] if texts else (self.name or f"a field without a name ({self.type or self.kind})")


class Button(Struct, frozen=True, kw_only=True):
    """What sends a form; ``action`` and ``method`` are empty when the form's own hold."""

    text: str
    name: str = ""
    value: str = ""
    action: str = ""
    method: str = ""


class Form(Struct, frozen=True, kw_only=True):
    """One form; ``action`` as it stands in the page, ``method`` in lower case."""

    action: str
    method: str
    multipart: bool
    controls: tuple[Control, ...]
    buttons: tuple[Button, ...]

    @property
    def passwords_count(self) -> int:
        """Return how many passwords it asks for: one to log in, two to register."""
        return sum(control.kind == "password" for control in self.controls)


class Link(Struct, frozen=True, kw_only=True):
    """A link; ``href`` as it stands in the page, ``named`` what it is called where it has only a sign.

    ``is_next`` when the page says that the next one is there, ``off`` when it says that the link is none now.
    """

    href: str
    text: str
    named: str = ""
    is_next: bool = False
    off: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """A row of a table or an entry of a list, with the links in it; ``cut`` when it has more than is kept."""

    text: str
    links: tuple[Link, ...]
    cut: bool = False


class Page(Struct, frozen=True, kw_only=True):
    """What stands on a page. ``text`` is what is read, without the contents of fields, one line a block.

    ``captcha`` says what was seen of one; ``refresh`` is where the page leads by itself; ``headings`` are the
    heading cells of its tables; ``tokens`` are headers that its scripts would send along. ``pressed`` are the
    words on what is pressed and is no link, ``following`` is where its head says that it goes on. ``cut``
    when there is more text, links or rows than is kept.
    """

    title: str = ""
    base: str = ""
    text: str = ""
    forms: tuple[Form, ...] = ()
    links: tuple[Link, ...] = ()
    rows: tuple[Row, ...] = ()
    headings: tuple[str, ...] = ()
    pressed: tuple[str, ...] = ()
    following: tuple[str, ...] = ()
    cut: bool = False
    errors: tuple[str, ...] = ()
    captcha: str = ""
    refresh: str = ""
    scripts_count: int = 0
    tokens: tuple[tuple[str, str], ...] = ()
    charset: str = "utf-8"


_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE
)
_HEADER_CHARSET = re.compile(r"charset\s{0,5}=\s{0,5}[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
# What a browser takes for these names.
_SAME = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
}
# Codes that forms are written in; of the others that Python knows some are slow, and some none of text.
_CODES = re.compile(
    r"utf-?8|iso-?8859-\d{1,2}|(?:cp|windows-)125\d|koi8-[ru]|gbk|gb2312|gb18030|big5|euc-(?:jp|kr)|shift_jis"
)


def text_of(body: bytes, content_type: str) -> tuple[str, str]:
    """Return a page as text, and the name of its code: by the header's word, the page's, or UTF-8."""
    named = _HEADER_CHARSET.search(content_type[:500])
    inside = _META_CHARSET.search(body[:4096])
    found = (named[1] if named else inside[1].decode("ascii") if inside else "").lower()
    code = _SAME.get(found, found)
    for charset in (code, "utf-8") if _CODES.fullmatch(code) else ("utf-8",):
        try:
            return body.decode(charset), charset
        except (LookupError, UnicodeError):
            continue
    charset = "utf-8" if code in ("utf-8", "utf8") else "cp1252"
    return body.decode(charset, "replace"), charset


def is_token(text: str) -> bool:
    """Return whether a text can stand in a header as it is."""
    return bool(re.fullmatch(r"[!-~]{1,500}", text))


def read_page(body: bytes, content_type: str = "") -> Page:
    """Return what stands on a page.

    Raises:
        Unreadable: when its markup cannot be relied on.
    """
    from iwx_agent.transports.portal.markup import MAX_BYTES, Unreadable, plain_markup
    from iwx_agent.transports.portal.tree import page_of

    if len(body) > MAX_BYTES:
        raise Unreadable(f"the page has more than {MAX_BYTES} bytes")
    text, charset = text_of(body, content_type)
    return page_of(plain_markup(text), charset)
