"""From whole tags to a page: one walk over the tree that Beautiful Soup makes, nothing done twice."""

import re
from collections.abc import Iterator
from itertools import islice

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from bs4.exceptions import ParserRejectedMarkup

from iwx_agent.transports.portal import labels
from iwx_agent.transports.portal.elements import is_hidden, is_unseen, link_of, pressed_text, row_of, value_of
from iwx_agent.transports.portal.markup import Markup, Unreadable
from iwx_agent.transports.portal.page import Button, Control, Form, Kind, Option, Page, is_token
from iwx_agent.transports.portal.words import one_line

CONTROLS_COUNT = 500
_ALL_CONTROLS_COUNT = 10_000
_TEXT_CHARACTERS = 500_000
_LINKS_COUNT = 2000
_ROWS_COUNT = 2000
_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "dd", "div", "dl", "dt", "fieldset",
     "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "label",
     "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "select", "table", "tbody",
     "td", "tfoot", "th", "thead", "tr", "ul")
)  # fmt: skip
_ERROR = re.compile(
    r"(?:^|[-_ ])(?:error|errors|errorlist|invalid|invalid-feedback|danger)(?:$|[-_ ])", re.IGNORECASE
)
_NEWS = re.compile(r"success|info|notice|primary|secondary|warning|light|dark", re.IGNORECASE)
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("", "text", "email", "url", "tel", "search", "number"), "text"),
    "radio": "radio",
    "checkbox": "checkbox",
    "file": "file",
    "password": "password",
    "hidden": "hidden",
}
_BUTTONS = ("submit", "image")
_CAPTCHAS = (
    (
        "reCAPTCHA",
        re.compile(r"\bg-recaptcha\b|recaptcha/(?:api|enterprise)|recaptcha\.net|grecaptcha", re.IGNORECASE),
    ),
    ("hCaptcha", re.compile(r"\bh-captcha\b|hcaptcha\.com", re.IGNORECASE)),
    (
        "Turnstile",
        re.compile(
            r"\bcf-turnstile\b|challenges\.cloudflare\.com|cf_chl_opt|/cdn-cgi/challenge", re.IGNORECASE
        ),
    ),
)
_WITHOUT_TEXT = ("template", "select", "textarea", "head")


def page_of(markup: Markup, charset: str) -> Page:
    """Return what stands on a page.

    Raises:
        Unreadable: when the parser refuses the markup, or a form has more fields than any form has.
    """
    try:
        soup = BeautifulSoup(markup.text, "html.parser")
    except (ParserRejectedMarkup, RecursionError) as error:
        raise Unreadable(f"the markup cannot be parsed: {type(error).__name__}") from None
    return _Reader(soup, markup).page(charset)


def _is_error(element: Tag) -> bool:
    """Return whether an element is marked as the place of an error; good news is marked as an alert, too."""
    words = value_of(element, "class")
    return bool(_ERROR.search(words)) or (value_of(element, "role") == "alert" and not _NEWS.search(words))


class _Reader:
    """One walk; what it meets is put where it belongs."""

    def __init__(self, soup: BeautifulSoup, markup: Markup) -> None:
        self.soup = soup
        self.markup = markup
        self.text: list[str] = []
        self.elements: list[Tag] = []  # outside of templates, in order
        self.errors: dict[int, Tag] = {}  # those with no other error inside
        self.unseen: set[int] = set()
        self.fields = labels.Fields()

    def page(self, charset: str) -> Page:
        self._walk()
        title = self.soup.find("title")
        base = next((value_of(one, "href") for one in self._named("base") if value_of(one, "href")), "")
        text = "".join(self.text)
        linked = (link_of(one) for one in self._named("a") if one.has_attr("href"))
        links = list(islice(linked, _LINKS_COUNT + 1))
        in_rows = (row_of(one) for one in self._named("tr", "li") if not one.find(("tr", "li")))
        rows = list(islice(in_rows, _ROWS_COUNT + 1))
        pressed = tuple(islice(filter(None, map(pressed_text, self.elements)), _LINKS_COUNT + 1))
        kept = (len(text), _TEXT_CHARACTERS), (len(links), _LINKS_COUNT), (len(rows), _ROWS_COUNT)
        return Page(
            title=one_line(title.get_text()) if title else "",
            base=base,
            text=_lines(text[:_TEXT_CHARACTERS]),
            forms=self._forms(),
            links=tuple(links[:_LINKS_COUNT]),
            following=tuple(found.href for one in self._named("link") if (found := link_of(one)).is_next),
            rows=tuple(rows[:_ROWS_COUNT]),
            pressed=pressed[:_LINKS_COUNT],
            cut=any(count > limit for count, limit in (*kept, (len(pressed), _LINKS_COUNT))),
            headings=tuple(one_line(one.get_text(" ")) for one in self._named("th") if not one.find("th")),
            errors=self._errors(),
            captcha=self._captcha(),
            refresh=self._refresh(),
            scripts_count=self.markup.scripts_count,
            tokens=self._tokens(),
            charset=charset,
        )

    def _named(self, *names: str) -> Iterator[Tag]:
        return (element for element in self.elements if element.name in names)

    def _walk(self) -> None:
        """Gather elements and text; an explicit stack, since a page decides how deep it goes."""
        first = (self.soup, False, True, 0, (False, False))
        pending: list[tuple[Tag | NavigableString, bool, bool, int, tuple[bool, bool]]] = [first]
        while pending:
            node, leaving, read, around, kept_off = pending.pop()
            if isinstance(node, NavigableString):
                if read and type(node) is NavigableString:
                    self.text.append(re.sub(r"\s+", " ", node))
                continue
            if node.name in _BLOCKS:
                self.text.append("\n")
            if leaving:
                self.fields.leave(node)
            if leaving or node.name == "template":
                continue
            if node is not self.soup:
                self.elements.append(node)
            self.fields.enter(node)
            read = read and node.name not in _WITHOUT_TEXT and not is_hidden(node)
            if read and _is_error(node):
                self.errors.pop(around, None)
                around = id(node)
                self.errors[around] = node
            kept_off = self._kept_off(node, *kept_off)
            pending.append((node, True, read, around, kept_off))
            inside = [child for child in node.children if isinstance(child, (Tag, NavigableString))]
            pending.extend((child, False, read, around, kept_off) for child in reversed(inside))

    def _kept_off(self, node: Tag, unseen: bool, silent: bool) -> tuple[bool, bool]:
        """Note a field that the form hides from people; return if a node is unseen, or not read out.

        A form that is hidden in whole waits for its button; what it hides of itself is no person's.
        """
        if node.name == "form":
            return False, False
        unseen = unseen or is_unseen(node)
        silent = silent or value_of(node, "aria-hidden").lower() == "true"
        if node.name in ("input", "select", "textarea") and (
            unseen or (silent and value_of(node, "tabindex") == "-1")
        ):
            self.unseen.add(id(node))
        return unseen, silent

    # Forms

    def _forms(self) -> tuple[Form, ...]:
        forms = list(self._named("form"))
        named = {value_of(form, "id"): form for form in reversed(forms) if form.has_attr("id")}
        members: dict[int, list[Tag]] = {id(form): [] for form in forms}
        for element in self._named("input", "select", "textarea", "button"):
            if element.has_attr("form"):
                owner = named.get(value_of(element, "form"))
            else:
                owner = next((up for up in element.parents if id(up) in members), None)
            if owner is not None:
                members[id(owner)].append(element)
        if any(len(found) > CONTROLS_COUNT for found in members.values()):
            raise Unreadable(f"a form has more than {CONTROLS_COUNT} fields")
        if sum(map(len, members.values())) > _ALL_CONTROLS_COUNT:
            raise Unreadable(f"the page has more than {_ALL_CONTROLS_COUNT} fields")
        names = labels.Labels(self.elements, self.fields)
        return tuple(_form(form, members[id(form)], names, self.unseen) for form in forms)

    # What else stands on the page

    def _errors(self) -> tuple[str, ...]:
        texts = (
            one_line(one.get_text(" "))
            for one in self.errors.values()
            if one.name not in ("input", "select", "textarea")
        )
        return tuple(dict.fromkeys(text for text in texts if re.search(r"\w", text)))[:20]

    def _captcha(self) -> str:
        inside = " ".join(
            f"{value_of(one, 'class')} {value_of(one, 'id')} {value_of(one, 'src')} {value_of(one, 'name')}"
            for one in self._named(
                "div", "span", "iframe", "img", "input", "textarea", "form", "button", "canvas"
            )
        )
        seen = f"{inside} {self.markup.scripts}"
        known = next((name for name, sign in _CAPTCHAS if sign.search(seen)), "")
        return known or ("a captcha" if "captcha" in inside.lower() else "")

    def _refresh(self) -> str:
        for meta in self._named("meta"):
            if value_of(meta, "http-equiv").lower() == "refresh":
                found = re.search(
                    r"url\s{0,5}=\s{0,5}['\"]?([^'\"\s]+)", value_of(meta, "content"), re.IGNORECASE
                )
                if found:
                    return found[1]
        return ""

    def _tokens(self) -> tuple[tuple[str, str], ...]:
        """Return the header that a script would send: Rails and others have its value in the head."""
        for meta in self._named("meta"):
            content = value_of(meta, "content")
            if value_of(meta, "name").lower() in ("csrf-token", "_csrf", "csrf_token") and is_token(content):
                return (("X-CSRF-Token", content),)
        return ()


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _form(form: Tag, members: list[Tag], names: "labels.Labels", unseen: set[int]) -> Form:
    controls: list[Control] = []
    buttons: list[Button] = []
    radios: dict[str, list[Tag]] = {}
    for element in members:
        kind = value_of(element, "type").lower()
        if element.name == "button" or (
            element.name == "input" and kind in ("submit", "image", "button", "reset")
        ):
            if (element.name == "button" and kind in ("", "submit")) or kind in _BUTTONS:
                buttons.append(_button(element))
        elif kind == "radio" and element.name == "input":
            radios.setdefault(value_of(element, "name"), []).append(element)
            if len(radios[value_of(element, "name")]) == 1:
                controls.append(
                    Control(kind="radio", name=value_of(element, "name"))
                )  # its place; filled below
        else:
            controls.append(_control(element, names, unseen))
    return Form(
        action=value_of(form, "action").strip(),
        method=value_of(form, "method").strip().lower() or "get",
        multipart=value_of(form, "enctype").strip().lower() == "multipart/form-data",
        controls=tuple(
            _radio(one.name, radios[one.name], names, unseen) if one.kind == "radio" else one
            for one in controls
        ),
        buttons=tuple(buttons),
    )


def _button(element: Tag) -> Button:
    text = element.get_text(" ") if element.name == "button" else value_of(element, "value") or "Submit"
    return Button(
        text=one_line(text) or one_line(value_of(element, "aria-label") or value_of(element, "alt")),
        name=value_of(element, "name"),
        value=value_of(element, "value"),
        action=value_of(element, "formaction").strip(),
        method=value_of(element, "formmethod").strip().lower(),
    )


def _control(element: Tag, names: "labels.Labels", unseen: set[int]) -> Control:
    kind: Kind = "other"
    if element.name in ("select", "textarea"):
        kind = "select" if element.name == "select" else "textarea"
    else:
        kind = _KINDS.get(value_of(element, "type").lower(), "other")
    found = names.of(element)
    changes = value_of(element, "onchange").lower()
    return Control(
        kind=kind,
        name=value_of(element, "name"),
        type=value_of(element, "type").lower(),
        labels=found,
        options=_options(element) if kind == "select" else (),
        value=_text_within(element) if kind == "textarea" else value_of(element, "value"),
        required=labels.is_required(element, found),
        disabled=_is_disabled(element),
        checked=element.has_attr("checked"),
        multiple=element.has_attr("multiple"),
        max_characters=_number(value_of(element, "maxlength")),
        accept=value_of(element, "accept"),
        reloads="submit" in changes or "location" in changes,
        unseen=id(element) in unseen and kind not in ("file", "hidden"),  # a button stands for a file's field
    )


def _text_within(element: Tag) -> str:
    text = element.get_text().replace("\r\n", "\n")
    return text.removeprefix("\n")


def _radio(name: str, elements: list[Tag], names: "labels.Labels", unseen: set[int]) -> Control:
    group = names.of_group(elements)
    return Control(
        kind="radio",
        name=name,
        labels=group,
        options=tuple(
            Option(
                value=value_of(one, "value") if one.has_attr("value") else "on",
                text=names.text_of_choice(one),
                chosen=one.has_attr("checked"),
                disabled=_is_disabled(one),
            )
            for one in elements
        ),
        required=any(labels.is_required(one, ()) for one in elements)
        or labels.is_required(elements[0], group),
        disabled=all(_is_disabled(one) for one in elements),
        unseen=all(id(one) in unseen for one in elements),
    )


def _options(element: Tag) -> tuple[Option, ...]:
    return tuple(
        Option(
            value=value_of(one, "value") if one.has_attr("value") else one_line(one.get_text()),
            text=one_line(one.get_text()) or one_line(value_of(one, "label")),
            chosen=one.has_attr("selected"),
            disabled=_is_disabled(one),
        )
        for one in element.find_all("option", limit=CONTROLS_COUNT)
    )


def _is_disabled(element: Tag) -> bool:
    return element.has_attr("disabled") or any(
        up.name in ("fieldset", "optgroup") and up.has_attr("disabled") for up in element.parents
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text.strip()) else 0
