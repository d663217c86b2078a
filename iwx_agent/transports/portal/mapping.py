"""Which field of a form is which of the ticket's: by its label, in whole words, or not at all. Pure."""

import re
from collections.abc import Iterable

from msgspec import Struct

from iwx_agent.model.portal_form import FIELDS
from iwx_agent.transports.portal.page import Button, Control, Form, How, Option, Page
from iwx_agent.transports.portal.words import Vocabulary, plain

TICKET = ("category", "place", "assistance", "subject", "message", "priority")
_TICKET_EXTRAS = ("attachment", "sender_name", "sender_mail", "sender_mail_again")
_ASKING = re.compile(r"\W*(?:please|select|choose|pick)\b", re.IGNORECASE)
_WRITTEN = ("text", "textarea", "select", "radio", "checkbox", "file")
# What can be written into: a check box can answer yes or no only, a file field takes files only.
_TAKES = {
    "attachment": ("file",),
    "message": ("textarea", "text"),
    "reply": ("textarea", "text"),
    "subject": ("text", "textarea"),
    "category": ("select", "radio"),
    "priority": ("select", "radio"),
    "assistance": ("select", "radio", "checkbox"),
    "place": ("text", "textarea", "select"),
    "sender_name": ("text",),
    "sender_mail": ("text",),
    "sender_mail_again": ("text",),
    "user": ("text",),
}


class Assigned(Struct, frozen=True, kw_only=True):
    """A field of the form that is known to be this field of the ticket, by this label."""

    meaning: str
    control: Control
    how: How
    label: str


class Mapping(Struct, frozen=True, kw_only=True):
    """A form that is understood, or what keeps it from being so.

    ``form`` is None when the page has none that could be it. ``missing`` are fields that it lacks,
    ``problems`` all that forbids to send it, in words.
    """

    form: Form | None = None
    assigned: tuple[Assigned, ...] = ()
    button: Button | None = None
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def understood(self) -> bool:
        """Return whether the form can be sent without a guess."""
        return self.form is not None and not self.problems

    def field(self, meaning: str) -> Assigned | None:
        """Return the first field with this meaning."""
        return next((one for one in self.assigned if one.meaning == meaning), None)


def map_ticket(page: Page, words: Vocabulary) -> Mapping:
    """Return how a page's form for a new ticket is to be filled in."""
    return _best(page, words, (*TICKET, *_TICKET_EXTRAS), ("subject", "message"), "button.create")


def map_reply(page: Page, words: Vocabulary) -> Mapping:
    """Return how a page's form for a reply to an open ticket is to be filled in."""
    return _best(page, words, ("reply", "attachment"), ("reply",), "button.reply")


def map_login(page: Page, words: Vocabulary) -> Mapping:
    """Return how a page's login form is to be filled in; the user's field is the one labelled so."""
    forms = [form for form in page.forms if form.passwords_count == 1]
    if not forms:
        return Mapping(problems=("the page has no form that asks for one password",))
    mappings = []
    for form in forms:
        assigned, problems = _assign(form, words, ("user", "password"))
        names = {one.meaning for one in assigned}
        missing = tuple(name for name in ("user", "password") if name not in names)
        if missing and not problems:
            problems = [f"no field of the login form is labelled as the {name}" for name in missing]
        mappings.append(
            Mapping(
                form=form,
                assigned=assigned,
                button=form.buttons[0] if form.buttons else None,
                missing=missing,
                problems=(*problems, *_unknown(form, assigned)),
            )
        )
    usable = [mapping for mapping in mappings if mapping.understood]
    if len(usable) > 1:
        return Mapping(problems=("the page has more than one login form",))
    return usable[0] if usable else mappings[0]


def needed_but_missing(mapping: Mapping, words: Vocabulary) -> tuple[str, ...]:
    """Return the fields that a ticket needs and this form does not have."""
    return tuple(name for name in TICKET if name in words.form.needed and mapping.field(name) is None)


def _best(
    page: Page, words: Vocabulary, wanted: tuple[str, ...], core: tuple[str, ...], button: str
) -> Mapping:
    found = []
    for form in page.forms:
        if form.passwords_count == 0:
            assigned, problems = _assign(form, words, wanted)
            if {one.meaning for one in assigned} >= set(core):
                found.append((form, assigned, problems))
    if not found:
        return Mapping(missing=core, problems=(_why_none(page, core),))
    if len(found) > 1:
        return Mapping(problems=(f"the page has {len(found)} forms with the fields {' and '.join(core)}",))
    form, assigned, problems = found[0]
    mapping = Mapping(form=form, assigned=assigned)
    missing = needed_but_missing(mapping, words) if "subject" in core else ()
    pressed, trouble = _button(form, words, button)
    return Mapping(
        form=form,
        assigned=assigned,
        button=pressed,
        missing=missing,
        problems=(
            *problems,
            *(f"the form has no field for {spoken(name)}" for name in missing),
            *_unknown(form, assigned),
            *trouble,
            *_form_itself(form, pressed),
            *(captcha_in(page, words)),
        ),
    )


def _why_none(page: Page, core: tuple[str, ...]) -> str:
    if page.captcha:
        return f"the page has no form for a ticket, but {page.captcha}: only a person can answer that"
    if not page.forms and page.scripts_count:
        return "the page has no form in it, only scripts that would make one in a browser"
    if any(form.passwords_count for form in page.forms):
        return "the page asks to log in"
    names = " and ".join(spoken(name) for name in core)
    return (
        f"no form of the page has fields that are labelled as {names}"
        if page.forms
        else "the page has no form"
    )


def spoken(meaning: str) -> str:
    """Return a field's name as the support guide has it."""
    return {
        "place": "IP Address or Hostname",
        "assistance": "Remote Assistance Enabled?",
        "sender_name": "Name",
        "sender_mail": "E-mail address",
        "sender_mail_again": "E-mail address, again",
    }.get(meaning, meaning.capitalize())


def _assign(form: Form, words: Vocabulary, wanted: tuple[str, ...]) -> tuple[tuple[Assigned, ...], list[str]]:
    assigned: list[Assigned] = []
    problems: list[str] = []
    for control in form.controls:
        if control.kind == "password" and "password" in wanted:
            assigned.append(
                Assigned(meaning="password", control=control, how="label for", label=control.shown)
            )
        if control.kind not in _WRITTEN or control.unseen:
            continue
        found = _meanings(control, words, wanted)
        if len(found) > 1:
            problems.append(f"the field {control.shown!r} could be {' or '.join(map(spoken, found))}")
        for meaning in found:
            if control.disabled and meaning.startswith("sender_") and control.value.strip():
                continue  # the account's own, which a browser shows and does not send
            if control.disabled:
                problems.append(f"the field {control.shown!r} is switched off until a script switches it on")
            elif control.kind not in _TAKES.get(meaning, ()):
                problems.append(
                    f"the field {control.shown!r} is a {control.kind}, which cannot hold {spoken(meaning)}"
                )
            elif not control.name:
                problems.append(f"the field {control.shown!r} has no name: a script would send it")
            elif len(found) == 1:
                label = control.labels[0]
                assigned.append(
                    Assigned(meaning=meaning, control=control, how=label.how, label=label.texts[0])
                )
    return tuple(assigned), problems + _twice(assigned)


def _meanings(control: Control, words: Vocabulary, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a field's strongest label can mean; weaker ones count only where there is no stronger."""
    if not control.labels:
        return ()
    texts = control.labels[0].texts
    found = [meaning for meaning in wanted if any(words.is_one(text, meaning) for text in texts)]
    fitting = [meaning for meaning in found if control.kind in _TAKES.get(meaning, ())]
    return tuple(fitting or found)


def _twice(assigned: Iterable[Assigned]) -> list[str]:
    """Name the fields that two fields of the form claim to be; several for files are as good as one."""
    problems = []
    for meaning in FIELDS:
        claims = [one.control.shown for one in assigned if one.meaning == meaning]
        if len(claims) > 1 and meaning != "attachment":
            problems.append(f"{len(claims)} fields claim to be {spoken(meaning)}: {', '.join(claims)}")
    return problems


def _unknown(form: Form, assigned: tuple[Assigned, ...]) -> Iterable[str]:
    """Name what the form requires, nobody has filled in, and the ticket has no answer to."""
    known = {id(one.control) for one in assigned}
    for control in form.controls:
        if id(control) in known or not control.required or control.disabled or control.kind == "hidden":
            continue
        if control.unseen:  # a trap for programs, or of use when a script shows it
            continue
        if not _has_answer(control):
            yield f"the form requires {control.shown!r}, which is no field of the ticket"


def _has_answer(control: Control) -> bool:
    """Return whether the page has filled it in; the first of a list is no answer unless it is chosen."""
    if control.kind in ("select", "radio"):
        return any(
            option.chosen and option.value.strip() and not option.disabled
            for place, option in enumerate(control.options)
            if control.kind == "radio" or not _asks(option, place)
        )
    if control.kind == "checkbox":
        return control.checked
    return bool(control.value.strip()) and control.kind in ("text", "textarea")


def _asks(option: Option, place: int) -> bool:
    """Return whether an option of a list asks to choose, and is no answer."""
    nothing = place == 0 and option.value.strip() in ("0", "-1")
    return nothing or bool(_ASKING.match(option.text)) or not re.search(r"\w", option.text)


def _button(form: Form, words: Vocabulary, meaning: str) -> tuple[Button | None, tuple[str, ...]]:
    """Return the button that sends the form; a form without one is sent as it is."""
    named = [button for button in form.buttons if words.is_one(button.text, meaning)]
    literal = [button for button in named if plain(button.text) == plain(words.form.words(meaning)[0])]
    for choice in (named, literal, form.buttons):
        if len(choice) == 1:
            return choice[0], ()
    if not form.buttons:
        return None, ()
    texts = ", ".join(repr(button.text) for button in form.buttons[:5])
    return None, (f"which button sends the ticket cannot be told: {texts}",)


def _form_itself(form: Form, button: Button | None) -> Iterable[str]:
    method = (button.method if button is not None else "") or form.method
    if method != "post":
        yield f"the form would be sent by {method.upper()[:20]}, with the ticket in the address"
    action = ((button.action if button is not None else "") or form.action).strip().lower()
    if action.startswith(("javascript:", "mailto:", "data:")):
        yield "the form is sent by a script or by mail, not to the portal"


def captcha_in(page: Page, words: Vocabulary) -> Iterable[str]:
    """Name what only a person can answer: a captcha's marks, or a field labelled as one."""
    labelled = next(
        (
            control.shown
            for form in page.forms
            for control in form.controls
            for label in control.labels
            if any(words.phrase_in(text, "said.captcha") for text in label.texts)
        ),
        "",
    )
    if page.captcha or labelled:
        yield f"the page has {page.captcha or f'the question {labelled!r}'}, which only a person can answer"
