"""Incidents and verdict in words: terminal, JSON, ticket. The innards are in ``iwx_agent.rendering``."""

import re

import msgspec
from msgspec import Struct

from iwx_agent.model import AssistanceReport, Report

FORMATS = ("text", "json")


_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> bytes:
    """Return the report as JSON by ``schemas/report-v1.json``, indented, keys in a fixed order.

    Half of a surrogate pair (from a log that is not UTF-8) has no place in JSON and becomes U+FFFD.
    """
    return _indented(report)


def assistance_to_json(report: AssistanceReport) -> bytes:
    """Return what a report says of Remote Assistance as JSON, as ``to_json`` does."""
    return _indented(report)


def _indented(told: Struct) -> bytes:
    try:
        encoded = msgspec.json.encode(told)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(told)))
    return msgspec.json.format(encoded, indent=2) + b"\n"


def _without_surrogates(plain: object) -> object:
    match plain:
        case str():
            return _SURROGATE.sub("\ufffd", plain)
        case dict():
            return {_without_surrogates(key): _without_surrogates(value) for key, value in plain.items()}
        case list() | tuple():
            return [_without_surrogates(value) for value in plain]
    return plain


def from_json(data: bytes) -> Report:
    """Return the report of JSON that ``to_json`` wrote.

    Raises:
        msgspec.DecodeError: for anything else.
    """
    return msgspec.json.decode(data, type=Report)


def json_schema() -> bytes:
    """Return the JSON schema of a report: draft 2020-12, from the types; later agents may add fields."""
    schema = msgspec.json.schema(Report)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iwx-agent report, schema version 1",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def ticket_text(report: Report) -> str:
    """Return the ticket as text to paste."""
    from iwx_agent.rendering import ticket

    return ticket.render(ticket.ticket_of(report))
