"""What goes to standard output: a report in one of its formats, or finished text or bytes."""

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iwx_agent.host import HostError
    from iwx_agent.model import Report, RunPoint

_WIDTH = 80  # columns, as on what is no terminal
_EXIT_USAGE = 2
_EXIT_INTERNAL = 70
_ASKED_WRONGLY = ("refused", "permission", "not_regular", "not_found")


def print_report(
    report: "Report", output: str, *, verbose: bool = False, points: "Sequence[RunPoint]" = ()
) -> None:
    """Print a report in one of ``report.FORMATS``, and do not leave it in a buffer."""
    if output in ("json", "html"):
        print_bytes(rendered(report, output, points=points))
        return
    if output != "text":
        from iwx_agent.report import render

        print_text(render(report, output, verbose=verbose))
        return
    from iwx_agent.cli.screen import Screen
    from iwx_agent.rendering import terminal

    terminal.print_report(report, Screen(highlight=False, emoji=False, markup=False), verbose=verbose)
    sys.stdout.flush()


def rendered(
    report: "Report", output: str, *, verbose: bool = False, points: "Sequence[RunPoint]" = ()
) -> bytes:
    """Return a report in one of the formats as it stands in a file: UTF-8, text without colours.

    ``points`` are the saved runs up to it, for the page.
    """
    from iwx_agent.report import render, to_html, to_json

    if output == "json":
        return to_json(report)
    if output == "html":
        from iwx_agent.config import load_settings

        return to_html(report, load_settings().ticket, points)
    if output != "text":
        return render(report, output, verbose=verbose).encode()
    from iwx_agent.rendering import terminal

    return terminal.as_text(report, width=_WIDTH, verbose=verbose).encode()


def print_text(text: str) -> None:
    """Print finished text."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_bytes(data: bytes) -> None:
    """Print finished bytes, UTF-8 in every locale."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def not_written(what: str, error: "HostError", hint: str = "") -> NoReturn:
    """Say that a file was not written and why, with a ``hint`` when it is not the path that is wrong; end."""
    import typer

    from iwx_agent.rendering.words import one_line

    asked_wrongly = error.kind in _ASKED_WRONGLY
    sys.stderr.write(f"iwx-agent: {what} was written: {one_line(error.reason, 500)}\n")
    if hint and not asked_wrongly:
        sys.stderr.write(f"{hint}\n")
    raise typer.Exit(_EXIT_USAGE if asked_wrongly else _EXIT_INTERNAL)
