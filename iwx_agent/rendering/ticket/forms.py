"""A ticket as text to paste, as JSON for programs, as Markdown for a tracker."""

import re
from typing import Literal

import msgspec
from msgspec import Struct

from iwx_agent.rendering import markdown
from iwx_agent.rendering.ticket.fields import PORTAL, Assistance, Length, Ticket

_NAMES = (
    "category",
    "ip_address_or_hostname",
    "remote_assistance_enabled",
    "subject",
    "message",
    "priority",
)
_TICKS = re.compile("`+")


class Field(Struct, frozen=True, kw_only=True):
    """One field of the form: a name for programs, the label on the form, the value."""

    name: str
    label: str
    value: str


class Document(Struct, frozen=True, kw_only=True):
    """A ticket for programs: ``schemas/ticket-v1.json``. ``fields`` is empty where no ticket may go out."""

    schema_version: Literal[1]
    key: str
    length: Length
    cut: bool
    assistance: Assistance
    portal: str
    heading: tuple[str, ...]
    fields: tuple[Field, ...]


def text(ticket: Ticket) -> str:
    """Return the ticket as text to paste, each field under its label."""
    blocks = ["\n".join(ticket.heading)] if ticket.heading else []
    for label, value in () if ticket.blocked else ticket.fields:
        blocks.append(f"{label}:\n{value}" if "\n" in value else f"{label}: {value}")
    return "\n\n".join(blocks) + "\n"


def json(ticket: Ticket) -> bytes:
    """Return the ticket as indented JSON, keys in a fixed order."""
    shown = () if ticket.blocked else zip(_NAMES, ticket.fields, strict=True)
    document = Document(
        schema_version=1,
        key=ticket.key,
        length=ticket.length,
        cut=ticket.cut,
        assistance=ticket.assistance,
        portal=PORTAL,
        heading=ticket.heading,
        fields=tuple(Field(name=name, label=label, value=value) for name, (label, value) in shown),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def json_schema() -> bytes:
    """Return the JSON schema of ``json``: draft 2020-12, from the types; later agents may add fields."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iwx-agent ticket, schema version 1",
        **msgspec.json.schema(Document),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def as_markdown(ticket: Ticket) -> str:
    """Return the ticket as Markdown: every value as code, so that nothing in it is markup."""
    blocks = [markdown.code(line) for line in ticket.heading]
    for label, value in () if ticket.blocked else ticket.fields:
        blocks.append(f"## {label}")
        blocks.append(_fenced(value) if "\n" in value else markdown.code(value))
    return "\n\n".join(blocks) + "\n"


def _fenced(value: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(value)), default=0))
    return f"{fence}text\n{value}\n{fence}"
