"""``ticket``: the support ticket from a diagnosis, printed in the form's order; nothing is sent."""

from typing import Annotated

import typer
from msgspec.structs import replace

from iwx_agent.cli.diagnosis import (
    Budget,
    Debug,
    Deep,
    From,
    NoConfirm,
    NoSave,
    Only,
    Reason,
    SetPriority,
    Skip,
    report_of,
    request_of,
    tell_standing,
)

_LENGTHS = ("full", "short")


def ticket(
    source: From = None,
    output: Annotated[
        str, typer.Option("--format", help="text, json or markdown.", metavar="FORMAT")
    ] = "text",
    length: Annotated[
        str, typer.Option(help="full, or short for a pager: what, whom, since when.", metavar="LENGTH")
    ] = "full",
    note: Annotated[
        str, typer.Option(help="What you have to say to it: what was tried, what was seen.", metavar="TEXT")
    ] = "",
    edit: Annotated[bool, typer.Option("--edit", help="Write the note in $EDITOR.")] = False,
    only: Only = "",
    skip: Skip = "",
    budget: Budget = None,
    deep: Deep = False,
    no_confirm: NoConfirm = False,
    priority: SetPriority = "",
    reason: Reason = "",
    no_save: NoSave = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Print the support ticket, each field under its label in the form's order, ready to paste.

    Examples: iwx-agent ticket; iwx-agent ticket --note "restarted httpd"; iwx-agent ticket --length short
    """
    from iwx_agent.cli.options import checked_note, one_of, override_of
    from iwx_agent.cli.printing import print_bytes, print_text
    from iwx_agent.config import load_settings
    from iwx_agent.report import TICKET_FORMATS, render_ticket

    one_of(output, TICKET_FORMATS, "--format")
    one_of(length, _LENGTHS, "--length")
    override = override_of(priority, reason)
    request = request_of(only, skip, budget, deep=deep, no_confirm=no_confirm, override=override)
    limits = load_settings().ticket
    if edit:
        from iwx_agent.cli.editing import edited

        note = edited(note)
    asked = replace(request, background=True, note=checked_note(note))
    report = report_of(source, asked, save=not no_save)
    if source is None:
        tell_standing(report)
    told = render_ticket(report, output, limits, length="short" if length == "short" else "full")
    if output == "json":
        print_bytes(told.encode())
    else:
        print_text(told)
    raise typer.Exit(report.exit_code)
