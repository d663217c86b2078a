"""``report`` and ``diff``: runs that were saved, shown again and compared."""

from typing import Annotated

import typer

from iwx_agent.cli.diagnosis import Debug, Format, Verbose
from iwx_agent.cli.gate import gate

_LISTED_COUNT = 50
_MODES = {"openmetrics": 0o644}  # node_exporter is not root, and nothing in it is for root only
Run = Annotated[
    str,
    typer.Option(
        "--run", help="A saved run, or the beginning of its name (default: the last).", metavar="ID"
    ),
]


def report(
    run: Run = "",
    listed: Annotated[bool, typer.Option("--list", help="List the saved runs, the newest first.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="With --list: all of them, not 50.")] = False,
    output: Format = "text",
    file: Annotated[
        str, typer.Option("--output", help="Write it into a new file.", metavar="FILE", show_default=False)
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="With --output: also in place of a file that is there.")
    ] = False,
    verbose: Verbose = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Show a saved run again, in any format; the exit code is that of the run.

    Examples: iwx-agent report; iwx-agent report --list; iwx-agent report --format html --output report.html
    """
    from iwx_agent.app.saved import points_until, saved_report, saved_runs
    from iwx_agent.cli.options import one_of
    from iwx_agent.cli.printing import print_bytes, print_report, print_text, rendered
    from iwx_agent.report import FORMATS, exit_code

    one_of(output, FORMATS, "--format")
    _refuse_contradictions(run, file, listed=listed, everything=everything, replace=replace)
    if listed:
        from iwx_agent.report import runs_json, runs_text

        one_of(output, ("text", "json"), "--format with --list")
        runs = saved_runs(None if everything else _LISTED_COUNT)
        gate().redacted()
        if output == "json":
            print_bytes(runs_json(runs))
        else:
            print_text(runs_text(runs))
        raise typer.Exit
    if file:
        _refuse_unsavable(file, replace=replace)
    name, found = saved_report(run)
    points = points_until(found, name) if output == "html" else ()
    gate().redacted()
    if file:
        data = gate().checked(rendered(found, output, verbose=verbose, points=points))
        _put(file, data, _MODES.get(output, 0o600), replace=replace)
    else:
        print_report(found, output, verbose=verbose, points=points)
    raise typer.Exit(exit_code(found, output))


def diff(
    before: Annotated[
        str,
        typer.Argument(help="A saved run, or the beginning of its name.", metavar="[RUN", show_default=False),
    ] = "",
    after: Annotated[
        str, typer.Argument(help="A later one (default: the last).", metavar="[RUN]]", show_default=False)
    ] = "",
    output: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Compare two saved runs: what is new, gone, worse, better. Without names the last two.

    What one of them could not tell is neither new nor gone, and said. Example: iwx-agent diff
    """
    from iwx_agent.app.saved import compare_saved
    from iwx_agent.cli.options import one_of
    from iwx_agent.cli.printing import print_bytes, print_text
    from iwx_agent.report import comparison_json, comparison_text

    one_of(output, ("text", "json"), "--format")
    compared = compare_saved(before, after)
    gate().redacted()
    if output == "json":
        print_bytes(comparison_json(compared))
    else:
        print_text(comparison_text(compared))
    raise typer.Exit


def _refuse_contradictions(run: str, file: str, *, listed: bool, everything: bool, replace: bool) -> None:
    if listed and (run or file):
        raise typer.BadParameter("--list goes without --run and --output.")
    if everything and not listed:
        raise typer.BadParameter("--all goes with --list only.")
    if replace and not file:
        raise typer.BadParameter("--replace goes with --output only.")
    if file.endswith("/"):
        raise typer.BadParameter("--output: expected the name of a file, got a directory.")


def _refuse_unsavable(file: str, *, replace: bool) -> None:
    from iwx_agent.cli.printing import not_written
    from iwx_agent.host import HostError
    from iwx_agent.host.saving import refuse_unsavable

    try:
        refuse_unsavable(file, replace=replace)
    except HostError as error:
        not_written("nothing", error)


def _put(file: str, data: bytes, mode: int, *, replace: bool) -> None:
    from iwx_agent.cli.printing import not_written
    from iwx_agent.host import HostError
    from iwx_agent.host.saving import save

    try:
        save(file, data, replace=replace, mode=mode)
    except HostError as error:
        not_written("nothing", error)
