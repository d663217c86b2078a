"""Incidents and verdict in words: terminal, JSON, ticket. The innards are in ``iwx_agent.rendering``."""

import re

import msgspec
from msgspec import Struct

from iwx_agent.model import AssistanceReport, LastVerdict, Report, RunPoint

FORMATS = ("text", "json", "html", "markdown", "nagios", "openmetrics")

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> bytes:
    """Return the report as JSON by ``schemas/report-v1.json``, indented, keys in a fixed order.

    Half of a surrogate pair (from a log that is not UTF-8) has no place in JSON and becomes U+FFFD.
    """
    return _indented(report)


def explanation_json(kept: LastVerdict) -> bytes:
    """Return a verdict with its trace as JSON; its parts are those of a report."""
    return _indented(kept)


def explanation_from_json(data: bytes) -> LastVerdict:
    """Return the verdict of JSON that ``explanation_json`` wrote.

    Raises:
        msgspec.DecodeError: for anything else.
    """
    return msgspec.json.decode(data, type=LastVerdict)


def explanation_text(kept: LastVerdict) -> str:
    """Return a verdict explained line by line."""
    from iwx_agent.rendering.explanation import explain

    return explain(kept)


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


def to_html(report: Report) -> bytes:
    """Return the report as one HTML file in UTF-8 that needs nothing from elsewhere."""
    from iwx_agent.rendering import html

    return html.render(report).encode()


def render(report: Report, output: str, point: RunPoint | None = None) -> str:
    """Return the report in one of ``FORMATS`` but text, json and html, which have ways of their own.

    ``point`` is this run as a saved one: nagios and openmetrics take from it what was measured.
    """
    if output == "markdown":
        from iwx_agent.rendering import markdown

        return markdown.render(report)
    if output == "nagios":
        from iwx_agent.rendering import nagios

        return nagios.render(report, point)
    from iwx_agent.rendering import openmetrics

    return openmetrics.render(report, point)


def exit_code(report: Report, output: str) -> int:
    """Return the exit code: the agent's own, or in the format ``nagios`` that ecosystem's."""
    if output == "nagios":
        from iwx_agent.rendering import nagios

        return nagios.exit_code(report)
    return report.exit_code


def ticket_text(report: Report) -> str:
    """Return the ticket as text to paste."""
    from iwx_agent.rendering import ticket

    return ticket.render(ticket.ticket_of(report))
