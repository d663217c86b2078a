"""``diagnose`` and ``capture``: the main job, on this machine or on a capture of another."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iwx_agent.cli.gate import gate

if TYPE_CHECKING:
    from iwx_agent.app.diagnose import Request
    from iwx_agent.model import Override, Report, RunPoint

From = Annotated[
    Path | None,
    typer.Option(
        "--from", help="Judge a capture or bundle, not this machine.", metavar="PATH", show_default=False
    ),
]
Only = Annotated[str, typer.Option(help="Only these checks or areas, divided by commas.", metavar="CHECKS")]
Skip = Annotated[str, typer.Option(help="All but these checks or areas.", metavar="CHECKS")]
Budget = Annotated[
    float | None,
    typer.Option(help="Seconds that the whole run may take (default 30).", metavar="SECONDS"),
]
Deep = Annotated[bool, typer.Option("--deep", help="Ask package repositories on the network too.")]
NoConfirm = Annotated[bool, typer.Option("--no-confirm", help="Do not look at emergencies a second time.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of defects.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every finding and every check.")]
Format = Annotated[
    str,
    typer.Option("--format", help="text, json, html, markdown, nagios or openmetrics.", metavar="FORMAT"),
]
SetPriority = Annotated[
    str, typer.Option("--priority", help="Your own priority instead of the suggested one.", metavar="P")
]
Reason = Annotated[str, typer.Option(help="Why, with --priority.", metavar="TEXT")]
NoSave = Annotated[bool, typer.Option("--no-save", help="Do not save the run for report, diff and why.")]


def diagnose(
    source: From = None,
    output: Format = "text",
    only: Only = "",
    skip: Skip = "",
    budget: Budget = None,
    deep: Deep = False,
    no_confirm: NoConfirm = False,
    priority: SetPriority = "",
    reason: Reason = "",
    no_save: NoSave = False,
    verbose: Verbose = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Find what is wrong: the worst first, since when, why, and what to do next.

    Examples: iwx-agent diagnose; iwx-agent diagnose --only mail,web; iwx-agent diagnose --format json
    """
    from iwx_agent.cli.options import one_of, override_of
    from iwx_agent.cli.printing import print_report
    from iwx_agent.report import FORMATS, exit_code

    one_of(output, FORMATS, "--format")
    override = override_of(priority, reason)
    request = request_of(only, skip, budget, deep=deep, no_confirm=no_confirm, override=override)
    meanwhile = _load_terminal if output == "text" else None
    report = report_of(source, request, meanwhile, save=not no_save)
    if output == "text" and source is None:
        tell_standing(report)
    points: tuple[RunPoint, ...] = ()
    if output == "html" and source is None:
        from iwx_agent.app.saved import points_until

        points = points_until(report)
    print_report(report, output, verbose=verbose, points=points)
    raise typer.Exit(exit_code(report, output))


def capture(
    directory: Annotated[Path, typer.Argument(help="A new directory for the capture.", metavar="DIR")],
    note: Annotated[str, typer.Option(help="What this capture shows; kept in it.", metavar="TEXT")] = "",
    budget: Budget = None,
    deep: Deep = False,
    unredacted: Annotated[
        bool, typer.Option("--unredacted", help="With all secrets in it, for tests of your own.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Write what the checks asked this machine and what it answered, for diagnose --from.

    Secrets are taken out, and people's addresses replaced. Example: iwx-agent capture /root/capture-1
    """
    from iwx_agent.app.sources import capture_live

    request = request_of("", "", budget, deep=deep, no_confirm=False)
    unsaved: list[str] = []
    answers_count = capture_live(directory, note, request, unredacted=unredacted, on_unkept=unsaved.append)
    for why in unsaved:
        sys.stderr.write(f"iwx-agent: {why}\n")
    said = "Redacted: redaction.json says where."
    if unredacted:
        said = "Not redacted: treat it as secret as this server."
    sys.stderr.write(
        f"{answers_count} answers written to {directory}. {said}\n"
        f"Judge it again with: iwx-agent diagnose --from {directory}\n"
    )


def _load_terminal() -> None:
    """Load what prints for people while the machine is being asked: afterwards it would be waited for."""
    import iwx_agent.cli.printing
    import iwx_agent.cli.screen
    import iwx_agent.rendering.terminal  # noqa: F401


def report_of(
    source: Path | None,
    request: "Request",
    meanwhile: Callable[[], None] | None = None,
    *,
    save: bool = True,
) -> "Report":
    """Return the report on this machine, which is saved, or a capture; with progress on a terminal."""
    from iwx_agent.app.sources import diagnose_capture, diagnose_live
    from iwx_agent.cli.progress import Progress

    unsaved: list[str] = []
    with Progress(gate().terminal) as progress:
        if source is not None:
            gate().of_a_capture()
            report = diagnose_capture(source, request, on_progress=progress.update)
            gate().redacted()
            return report
        report = diagnose_live(
            request,
            on_progress=progress.update,
            on_unkept=unsaved.append if save else None,
            meanwhile=meanwhile,
            on_redactor=gate().of_a_report,
        )
    for why in unsaved:
        sys.stderr.write(f"iwx-agent: {why}\n")
    return report


def tell_standing(report: "Report") -> None:
    """Say which ticket of the agent's is about the same, to who may be about to file another by hand."""
    if not report.incidents:
        return
    from iwx_agent.app.standing import standing_here
    from iwx_agent.cli.outbox import say

    if (found := standing_here(report)) is not None:
        say(found.said)
        sys.stderr.write(f"{found.instead}\n")


def request_of(
    only: str,
    skip: str,
    budget: float | None,
    *,
    deep: bool,
    no_confirm: bool,
    override: "Override | None" = None,
) -> "Request":
    """Return what the options ask for; wrong ones end with exit code 2."""
    from iwx_agent.app.diagnose import Request
    from iwx_agent.cli.options import select
    from iwx_agent.config import load_settings

    checks = select(only, skip)
    if budget is not None and not 1 <= budget <= 3600:  # nan is no number of seconds either
        raise typer.BadParameter(f"--budget: expected seconds between 1 and 3600, got {budget:g}.")
    budget_s = load_settings().budget_s if budget is None else budget
    return Request(checks=checks, budget_s=budget_s, deep=deep, confirm=not no_confirm, override=override)
