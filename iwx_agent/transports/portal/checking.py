"""What the agent makes of the portal's form, for a person to look at; no ticket is sent."""

from msgspec import Struct

from iwx_agent.transports.contract import CannotLook, NotFound, Undelivered
from iwx_agent.transports.portal.filling import CannotFill, choose
from iwx_agent.transports.portal.looking import find_ticket
from iwx_agent.transports.portal.mapping import TICKET, Assigned, Mapping, spoken
from iwx_agent.transports.portal.visit import Opened, Visit
from iwx_agent.transports.portal.words import Vocabulary, one_line


class FormRow(Struct, frozen=True, kw_only=True):
    """A field of the ticket: the label and name it has on the form, how it was recognised, what it takes.

    ``label`` is empty when the form does not have it. ``choices`` are its options; ``chosen`` says which of
    them stands for which value of the ticket.
    """

    asked: str
    label: str = ""
    how: str = ""
    kind: str = ""
    name: str = ""
    required: bool = False
    max_characters: int = 0
    choices: tuple[str, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()


class FormReading(Struct, frozen=True, kw_only=True):
    """A form as it was read; it can be sent when ``problems`` is empty. ``page`` is kept for a report.

    ``can_look`` says whether the portal can be asked for a ticket whose answer was lost, ``looking`` where
    that was seen, or why not.
    """

    url: str
    title: str
    logged_in: bool
    rows: tuple[FormRow, ...]
    others: tuple[str, ...]  # fields that stay as they are
    button: str
    problems: tuple[str, ...]
    can_look: bool
    looking: str
    page: bytes

    @property
    def understood(self) -> bool:
        """Return whether a ticket would be sent by this form."""
        return not self.problems


_VALUES = {
    "category": ("Support",),
    "assistance": ("Yes",),
    "priority": ("Information", "Low", "Medium", "High", "Urgent"),
}
_NO_KEY = "IWX-no-such-ticket"
_EXTRAS = ("sender_name", "sender_mail", "sender_mail_again", "attachment")


def read_form(visit: Visit) -> FormReading:
    """Return what the form is made of. Raises Undelivered when the portal does not show it."""
    opened, mapping = visit.ticket_form("Support")
    rows = [_row(name, mapping, visit.words) for name in TICKET]
    rows += [_row(name, mapping, visit.words) for name in _EXTRAS if mapping.field(name) is not None]
    can_look, looking = _looking(visit)
    return FormReading(
        url=opened.url,
        title=opened.page.title,
        logged_in=visit.logged_in,
        rows=tuple(rows),
        others=_others(mapping),
        button=mapping.button.text if mapping.button is not None else "",
        problems=(
            *mapping.problems,
            *_options_missing(mapping, visit.words),
            *_elsewhere(visit, opened, mapping),
        ),
        can_look=can_look,
        looking=visit.bare(looking),
        page=visit.kept(opened.answer.body),
    )


def _looking(visit: Visit) -> tuple[bool, str]:
    """Look for a ticket that cannot be there: who can tell that can tell of the others, too."""
    try:
        found = find_ticket(visit, _NO_KEY)
    except Undelivered as error:
        return False, error.why
    if isinstance(found, NotFound):
        return True, found.said
    if isinstance(found, CannotLook):
        return False, found.reason
    return False, f"a ticket that cannot be there is found: {found.said}"


def _row(name: str, mapping: Mapping, words: Vocabulary) -> FormRow:
    one = mapping.field(name)
    if one is None:
        return FormRow(asked=spoken(name))
    control = one.control
    return FormRow(
        asked=spoken(name),
        label=one.label,
        how=one.how,
        kind=control.kind,
        name=control.name,
        required=control.required,
        max_characters=control.max_characters,
        choices=tuple(option.text for option in control.options),
        chosen=tuple(_chosen(one, words)[0]),
    )


def _chosen(one: Assigned, words: Vocabulary) -> tuple[list[tuple[str, str]], list[str]]:
    """Return which option stands for which value, and the values that none stands for."""
    found: list[tuple[str, str]] = []
    missing: list[str] = []
    if one.control.kind in ("select", "radio"):
        for value in _VALUES.get(one.meaning, ()):
            try:
                found.append((value, choose(one.meaning, one.control.options, value, words).text))
            except CannotFill as error:
                missing.append(error.why)
    return found, missing


def _options_missing(mapping: Mapping, words: Vocabulary) -> tuple[str, ...]:
    return tuple(why for one in mapping.assigned for why in _chosen(one, words)[1])


def _elsewhere(visit: Visit, opened: Opened, mapping: Mapping) -> tuple[str, ...]:
    """Return why the form cannot be sent to where it wants to be."""
    if mapping.form is None:
        return ()
    try:
        visit.action_of(opened, mapping.form, mapping.button.action if mapping.button is not None else "")
    except Undelivered as error:
        return (error.why,)
    return ()


def _others(mapping: Mapping) -> tuple[str, ...]:
    known = {id(one.control) for one in mapping.assigned}
    controls = mapping.form.controls if mapping.form is not None else ()
    return tuple(one_line(one.shown) for one in controls if id(one) not in known and one.kind != "hidden")


def render(reading: FormReading) -> str:
    """Return a reading of the form as text."""
    lines = [
        f"Form: {reading.title or 'without a title'}",
        f"Page: {reading.url.partition('?')[0]}",
        f"As:   {'the account' if reading.logged_in else 'a guest'}",
        "",
    ]
    for row in reading.rows:
        lines.extend(_row_lines(row))
    if reading.others:
        lines.append(f"Left as they are: {', '.join(reading.others)}")
    if reading.button:
        lines.append(f"Sent by the button: {reading.button}")
    lines.append("")
    lines.extend(_looking_lines(reading))
    if reading.understood:
        lines.append("The form is understood. Nothing was sent.")
    else:
        lines.append("The form is not understood; a ticket would be handed to a person. Nothing was sent.")
        lines.extend(f"- {problem}" for problem in reading.problems)
    return "\n".join(lines) + "\n"


def _looking_lines(reading: FormReading) -> list[str]:
    if reading.can_look:
        return [f"A ticket whose answer is lost can be looked up ({reading.looking})."]
    return [
        f"A ticket whose answer is lost cannot be looked up: {reading.looking}",
        "It would be sent a second time after a while, marked as a possible duplicate.",
    ]


def _row_lines(row: FormRow) -> list[str]:
    if not row.label:
        return [f"{row.asked}", "    not on the form"]
    limit = f", at most {row.max_characters} characters" if row.max_characters else ""
    required = ", required" if row.required else ""
    shown = f"{row.kind} {one_line(row.name)!r}{required}{limit}"
    lines = [row.asked, f"    {one_line(row.label)!r} (known by: {row.how}; {shown})"]
    lines.extend(f"    {value} -> {one_line(option)!r}" for value, option in row.chosen)
    if row.choices and not row.chosen:
        lines.append(f"    options: {', '.join(map(repr, row.choices[:12]))}")
    return lines
