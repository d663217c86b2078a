"""The fields of an understood form filled in with a letter; nothing that is sent is a guess. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from iwx_agent.transports.contract import Attachment, Letter
from iwx_agent.transports.portal.mapping import Assigned, Mapping, spoken
from iwx_agent.transports.portal.page import Control, Option
from iwx_agent.transports.portal.words import Vocabulary, forms_of, plain

_CUT = "\n[cut: the form takes no more]"


class File(Struct, frozen=True, kw_only=True):
    """One file of a form."""

    name: str
    attachment: Attachment | None  # None: the field stays empty, as a browser leaves it


class Filled(Struct, frozen=True, kw_only=True):
    """What is sent: names and values in the form's order, files; ``notes`` say what was cut or left out."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[File, ...] = ()
    notes: tuple[str, ...] = ()


class CannotFill(Exception):  # noqa: N818 - how filling in ends
    """The letter has no answer that this form takes; ``why`` is for people."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def cut_subject(subject: str, key: str, limit_characters: int) -> str:
    """Return a subject of at most so many characters (0: no limit) that still has the key in it.

    Raises:
        CannotFill: when there is not even room for the key.
    """
    if not limit_characters or len(subject) <= limit_characters:
        return subject
    word = next((word for word in subject.split() if key and key in word), key)
    if len(word) > limit_characters:
        word = key
    if len(word) > limit_characters:
        raise CannotFill(f"the subject may have {limit_characters} characters, too few for the key {key}")
    rest = " ".join(part for part in subject.split() if part != word)
    room = limit_characters - len(word) - 1
    if room < 1 or not rest:
        return word
    before = bool(key) and subject.lstrip().startswith(word)
    return f"{word} {rest[:room].rstrip()}" if before else f"{rest[:room].rstrip()} {word}".strip()


def fill_ticket(mapping: Mapping, letter: Letter, words: Vocabulary) -> Filled:
    """Return the form with the letter in it; what is not the ticket's stays as the page has it.

    Raises:
        CannotFill: when a field takes none of the letter's answers.
    """
    subject = mapping.field("subject")
    limit = subject.control.max_characters if subject is not None else 0
    wanted = {
        "subject": cut_subject(letter.subject, letter.key, limit),
        "message": letter.message,
        "category": letter.category,
        "place": letter.ip_address_or_hostname,
        "assistance": letter.assistance,
        "priority": letter.priority,
        "sender_name": letter.sender_name,
        "sender_mail": letter.sender_mail,
        "sender_mail_again": letter.sender_mail,
    }
    notes = ["the subject was cut to what the form takes"] if wanted["subject"] != letter.subject else []
    return _fill(mapping, wanted, letter.attachments, words, notes)


def fill_reply(mapping: Mapping, letter: Letter, words: Vocabulary) -> Filled:
    """Return the form for a reply with the letter's message in it. Raises CannotFill."""
    return _fill(mapping, {"reply": letter.message}, letter.attachments, words, [])


def choose(meaning: str, options: tuple[Option, ...], value: str, words: Vocabulary) -> Option:
    """Return the one option that means the value: by the value's own words first, then by their synonyms.

    Raises:
        CannotFill: when none does, or more than one.
    """
    usable = [option for option in options if not option.disabled and option.value.strip()]
    accepted = words.means(f"{meaning}.{value}")
    shown = ", ".join(repr(option.text) for option in usable[:8]) or "none"
    for fits in (
        lambda forms: forms[:1] == (plain(value),),
        lambda forms: plain(value) in forms,
        lambda forms: bool(accepted & set(forms[:1])),
        lambda forms: bool(accepted & set(forms)),
    ):
        found = [option for option in usable if fits(forms_of(option.text))]
        if len(found) == 1:
            return found[0]
        if found:
            raise CannotFill(f"more than one option of {spoken(meaning)} means {value!r}: {shown}")
    raise CannotFill(f"no option of {spoken(meaning)} means {value!r}; there are: {shown}")


def value_for(one: Assigned, value: str, words: Vocabulary) -> tuple[str, ...]:
    """Return what a field sends for a value: one text, or none for a check box that stays empty.

    Raises:
        CannotFill: when it cannot hold the value.
    """
    control = one.control
    if control.kind in ("select", "radio"):
        if one.meaning == "place":
            return (_place_option(control, value).value,)
        return (choose(one.meaning, control.options, value, words).value,)
    if control.kind == "checkbox":
        if value not in ("Yes", "No"):
            raise CannotFill(f"{spoken(one.meaning)} can be ticked or not; the answer is {value!r}")
        return (control.value or "on",) if value == "Yes" else ()
    if one.meaning.startswith("sender_") and control.value.strip():
        return (control.value,)  # the account's own: its list shows what was sent under that name
    if not value.strip():
        if not control.required or control.value.strip():
            return (control.value,)
        raise CannotFill(f"the form requires {spoken(one.meaning)}, and none is set")
    return (value,)


def _place_option(control: Control, value: str) -> Option:
    """Return the one server of a list that is this one: by address or by name."""
    names = {plain(part) for part in value.replace("(", " ").replace(")", " ").split()} | {plain(value)}
    found = [option for option in control.options if option.value.strip() and plain(option.text) in names]
    if len(found) != 1:
        raise CannotFill(f"the list of servers has {len(found)} entries for {value!r}")
    return found[0]


def _fill(
    mapping: Mapping,
    wanted: dict[str, str],
    attachments: tuple[Attachment, ...],
    words: Vocabulary,
    notes: list[str],
) -> Filled:
    known = {id(one.control): one for one in mapping.assigned}
    fields: list[tuple[str, str]] = []
    files: list[File] = []
    left = list(attachments)
    multipart = mapping.form is not None and mapping.form.multipart
    for control in mapping.form.controls if mapping.form is not None else ():
        one = known.get(id(control))
        if control.kind == "file":
            files.extend(_files(control, left if one is not None and multipart else []))
        elif one is not None:
            value = _shortened(one, wanted[one.meaning], notes)
            fields.extend((control.name, text) for text in value_for(one, value, words))
        else:
            fields.extend(untouched(control))
    if mapping.button is not None and mapping.button.name:
        fields.append((mapping.button.name, mapping.button.value))
    notes.extend(f"not attached, since the form does not take it: {attachment.name}" for attachment in left)
    return Filled(fields=tuple(fields), files=tuple(files), notes=tuple(notes))


def _shortened(one: Assigned, value: str, notes: list[str]) -> str:
    """Cut a message or an address to what the field takes; a line break counts two, as it is sent."""
    limit = one.control.max_characters
    value = value.replace("\r\n", "\n")
    if not limit or one.control.kind not in ("text", "textarea") or len(value) + value.count("\n") <= limit:
        return value
    if one.meaning in ("message", "reply") and limit > 10 * len(_CUT):
        notes.append(f"the message was cut to the {limit} characters that the form takes")
        room = limit - len(_CUT) - 1
        kept = value[:room]
        while len(kept) + kept.count("\n") > room:
            kept = kept[: -max(1, len(kept) + kept.count("\n") - room)]
        return kept + _CUT
    if one.meaning == "place" and len(value.partition(" (")[0]) <= limit:
        return value.partition(" (")[0]
    raise CannotFill(f"{spoken(one.meaning)} may have {limit} characters, and has {len(value)}")


def _files(control: Control, left: list[Attachment]) -> Iterable[File]:
    """Take from ``left`` what fits into one field for files."""
    fitting = [attachment for attachment in left if _accepts(control, attachment)]
    taken = fitting if control.multiple else fitting[:1]
    for attachment in taken:
        left.remove(attachment)
        yield File(name=control.name, attachment=attachment)
    if not taken and control.name and not control.disabled:
        yield File(name=control.name, attachment=None)


def _accepts(control: Control, attachment: Attachment) -> bool:
    kinds = [kind.strip().lower() for kind in control.accept.split(",") if kind.strip()]
    name, media = attachment.name.lower(), attachment.media_type.lower()
    return not kinds or any(
        name.endswith(kind) if kind.startswith(".") else kind in ("*/*", media) or _family(kind, media)
        for kind in kinds
    )


def _family(kind: str, media: str) -> bool:
    return kind.endswith("/*") and media.startswith(kind[:-1])


def untouched(control: Control) -> Iterable[tuple[str, str]]:
    """Return what a browser sends for a field that nobody touched."""
    if not control.name or control.disabled:
        return
    if control.kind == "checkbox":
        if control.checked:
            yield control.name, control.value or "on"
    elif control.kind == "radio":
        yield from (
            (control.name, option.value)
            for option in control.options
            if option.chosen and not option.disabled
        )
    elif control.kind == "select":
        chosen = [option for option in control.options if option.chosen and not option.disabled]
        if not chosen and not control.multiple:
            chosen = [option for option in control.options if not option.disabled][:1]
        yield from ((control.name, option.value) for option in (chosen if control.multiple else chosen[-1:]))
    elif control.kind != "password":
        yield control.name, control.value
