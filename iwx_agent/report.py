"""Incidents and verdict in words: terminal, JSON, ticket. The innards are in ``iwx_agent.rendering``."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from iwx_agent.model import AssistanceReport, Comparison, LastVerdict, Report, RunPoint, SavedRun
from iwx_agent.model.ticket import TicketLimits

if TYPE_CHECKING:
    from iwx_agent.model.steering import ToldDecision

TICKET_FORMATS = ("text", "json", "markdown")
FORMATS = ("text", "json", "html", "markdown", "nagios", "openmetrics")

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> bytes:
    """Return the report as JSON by ``schemas/report-v1.json``, indented, keys in a fixed order.

    Half of a surrogate pair (from a log that is not UTF-8) has no place in JSON and becomes U+FFFD. What
    would act on a terminal is escaped, which changes no value.
    """
    return _indented(report)


def explanation_json(kept: LastVerdict, decisions: "tuple[ToldDecision, ...]" = ()) -> bytes:
    """Return a verdict with its trace and what ``auto`` decided as JSON; its parts are those of a report."""
    from iwx_agent.model.steering import Explained

    return _indented(Explained(**msgspec.structs.asdict(kept), decisions=decisions))


def explanation_text(kept: LastVerdict, decisions: "tuple[ToldDecision, ...]" = ()) -> str:
    """Return a verdict explained line by line, and below it what ``auto`` decided."""
    from iwx_agent.rendering.explanation import explain

    if not decisions:
        return explain(kept)
    from iwx_agent.rendering.watch import decided

    return f"{explain(kept)}\n{decided(decisions, 'What auto did')}"


def assistance_to_json(report: AssistanceReport) -> bytes:
    """Return what a report says of Remote Assistance as JSON, as ``to_json`` does."""
    return _indented(report)


def steering_json(told: Struct | tuple[Struct, ...]) -> bytes:
    """Return what a person is shown of ``auto`` and ``submit`` (``model.steering``) as JSON, as it is."""
    return _indented(told)


def _indented(told: Struct | tuple[Struct, ...]) -> bytes:
    from iwx_agent.rendering.words import in_json

    try:
        encoded = msgspec.json.encode(told)
    except UnicodeEncodeError:
        encoded = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(told)))
    return in_json(msgspec.json.format(encoded, indent=2)) + b"\n"


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


def to_html(report: Report, limits: TicketLimits | None = None, points: Sequence[RunPoint] = ()) -> bytes:
    """Return the report, with saved runs up to it, as one HTML file in UTF-8 that needs nothing else."""
    from iwx_agent.rendering import html

    return html.render(report, points, limits=limits or TicketLimits()).encode()


def render(report: Report, output: str, *, verbose: bool = False) -> str:
    """Return the report in one of ``FORMATS`` but text, json and html, which have ways of their own.

    ``verbose`` adds lines to the one of nagios.
    """
    if output == "markdown":
        from iwx_agent.rendering import markdown

        return markdown.render(report)
    if output == "nagios":
        from iwx_agent.rendering import nagios

        return nagios.render(report, verbose=verbose)
    from iwx_agent.rendering import openmetrics

    return openmetrics.render(report)


def runs_json(runs: tuple[SavedRun, ...]) -> bytes:
    """Return saved runs in short as a JSON list, in their order."""
    return _indented(runs)


def runs_text(runs: tuple[SavedRun, ...]) -> str:
    """Return saved runs as lines: name, exit code, incidents, what was worst."""
    from iwx_agent.rendering import runs as words_of_runs

    return words_of_runs.listed(runs)


def comparison_json(compared: Comparison) -> bytes:
    """Return two runs compared as JSON, as ``to_json`` does."""
    return _indented(compared)


def comparison_text(compared: Comparison) -> str:
    """Return two runs compared as text."""
    from iwx_agent.rendering import comparison

    return comparison.render(compared)


def exit_code(report: Report, output: str) -> int:
    """Return the exit code: the agent's own, or in the format ``nagios`` that ecosystem's."""
    if output == "nagios":
        from iwx_agent.rendering import nagios

        return nagios.exit_code(report)
    return report.exit_code


def ticket_text(report: Report) -> str:
    """Return the ticket as text to paste."""
    return render_ticket(report, "text")


def render_ticket(
    report: Report,
    output: str,
    limits: TicketLimits | None = None,
    *,
    length: Literal["full", "short"] = "full",
) -> str:
    """Return the ticket as ``text``, ``json`` or ``markdown``, as long as the limits and the length allow."""
    from iwx_agent.rendering.ticket import forms, ticket_of

    ticket = ticket_of(report, limits or TicketLimits(), length=length)
    if output == "json":
        return forms.json(ticket).decode()
    return forms.as_markdown(ticket) if output == "markdown" else forms.text(ticket)


def ticket_json_schema() -> bytes:
    """Return the JSON schema of a ticket: draft 2020-12, from the types; later agents may add fields."""
    from iwx_agent.rendering.ticket import forms

    return forms.json_schema()
