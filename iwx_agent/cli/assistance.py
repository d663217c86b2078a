"""``remote-assistance``: how it stands; on or off after an explicit yes: all that ever changes the server."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

import typer

from iwx_agent.cli.gate import gate

if TYPE_CHECKING:
    from iwx_agent.app.assistance import Turned
    from iwx_agent.model import AssistanceReport
    from iwx_agent.model.assistance import Turn

_EXIT_NOT = 1
_EXIT_USAGE = 2
_EXIT_UNKNOWN = 4
_YES = "yes"

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking; needed where there is no terminal.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of defects.")]


def status(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Look at a capture instead of this machine.", metavar="DIR", show_default=False
        ),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Say whether Remote Assistance is on, until when, and whether support could get in.

    Exit code: 0 on, 1 off or nobody can get in, 4 cannot tell. Example: iwx-agent remote-assistance status
    """
    from iwx_agent.app.assistance import look_at_capture, look_live
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    if source is not None:
        gate().of_a_capture()
    report = (look_live() if source is None else look_at_capture(source)).report
    if output == "json":
        from iwx_agent.report import assistance_to_json

        sys.stdout.buffer.write(assistance_to_json(report))
        sys.stdout.buffer.flush()
    else:
        from iwx_agent.rendering.assistance import status_text

        sys.stdout.write(status_text(report))
    raise typer.Exit(_exit_code(report))


def enable(
    hours: Annotated[int, typer.Option(help="For how long, 1 to 168.", metavar="HOURS", min=1, max=168)] = 72,
    renew: Annotated[
        bool, typer.Option("--renew", help="Turn it on anew while it is on: its time begins again.")
    ] = False,
    yes: Yes = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Let InterWorx support in: says what that grants, asks, turns it on, and looks whether it is on.

    Example: iwx-agent remote-assistance enable --hours 24
    """
    _turn("enable", hours=hours, yes=yes, again=renew)


def disable(
    yes: Yes = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Take the way in away again; a technician who is logged in is disconnected at once.

    Example: iwx-agent remote-assistance disable
    """
    _turn("disable", hours=72, yes=yes, again=False)


def _exit_code(report: "AssistanceReport") -> int:
    if report.state == "unknown":
        return _EXIT_UNKNOWN
    return 0 if report.state == "on" and report.ready is not False else _EXIT_NOT


def _turn(turn: "Turn", *, hours: int, yes: bool, again: bool) -> None:
    from iwx_agent.app.assistance import UntracedError, look_live, turn_live
    from iwx_agent.rendering.assistance import status_text
    from iwx_agent.rendering.words import one_line

    standing = look_live()
    if standing.no_panel:
        _refuse("there is no InterWorx panel on this machine")
    if not standing.as_root:
        _refuse("only root may do that: sudo iwx-agent remote-assistance " + turn)
    before = standing.report
    if before.state == ("on" if turn == "enable" else "off") and not again:
        hint = "It stays as it is. To begin its time anew: --renew\n" if turn == "enable" else ""
        sys.stdout.write(status_text(before) + hint)
        return
    _ask(turn, hours=hours, yes=yes)
    try:
        turned = turn_live(turn, before, hours=hours, say=_say)
    except UntracedError as error:
        sys.stderr.write(
            f"Not done: nothing could record who does it ({one_line(str(error), 400)}).\n"
            "By hand, as root: the vendor's enable-support-access.sh in the panel's bin directory.\n"
        )
        raise typer.Exit(_EXIT_NOT) from None
    _tell(turn, turned)


def _ask(turn: "Turn", *, hours: int, yes: bool) -> None:
    """Go on after a yes only: typed, or given as ``--yes``; never asked where nobody can answer."""
    from iwx_agent.audit import DIRECTORY, FILE_NAME
    from iwx_agent.rendering.assistance import explanation

    sys.stderr.write(explanation(turn, hours=hours, audit=f"{DIRECTORY}/{FILE_NAME}"))
    if yes:
        return
    stdin: TextIO | None = sys.stdin  # None when it was closed
    if stdin is None or not stdin.isatty():
        _refuse("nobody to ask here: say --yes to do it")
    sys.stderr.write('Type "yes" to go on: ')
    sys.stderr.flush()
    if stdin.readline().strip().lower() != _YES:
        sys.stderr.write("Nothing was changed.\n")
        raise typer.Exit(_EXIT_NOT)


def _say(said: str) -> None:
    sys.stderr.write(f"{said}\n")


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"iwx-agent: {why}. Nothing was changed.\n")
    raise typer.Exit(_EXIT_USAGE)


def _tell(turn: "Turn", turned: "Turned") -> None:
    from iwx_agent.rendering.assistance import LOOK_AT, status_text
    from iwx_agent.rendering.words import one_line

    for failure in turned.untraced:
        sys.stderr.write(f"Not recorded in {one_line(failure, 300)}\n")
    if turned.way == "script" and turn == "enable":
        sys.stderr.write("The vendor's script decides itself for how long.\n")
    if turned.confirmed:
        sys.stdout.write(
            f"Done through the {turned.way}, and the panel says so.\n{status_text(turned.report)}"
        )
        return
    wanted = "on" if turn == "enable" else "off"
    sys.stdout.write(
        f"NOT CONFIRMED: whether it is {wanted} now is not certain.\n"
        f"  the {turned.way} said: {turned.said}\n{status_text(turned.report)}{LOOK_AT}\n"
    )
    raise typer.Exit(_EXIT_NOT)
