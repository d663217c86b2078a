"""``why``: the last verdict explained, line by line."""

from typing import Annotated

import typer

from iwx_agent.cli.diagnosis import Debug, From
from iwx_agent.cli.gate import gate
from iwx_agent.cli.saved import Run


def why(
    source: From = None,
    run: Run = "",
    output: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Explain the last verdict line by line: what it says, by which rule, because of what.

    The last saved run counts, or the one that --run names. Example: iwx-agent why
    """
    from iwx_agent.cli.options import one_of
    from iwx_agent.cli.printing import print_bytes, print_text
    from iwx_agent.model import verdict_to_keep
    from iwx_agent.report import explanation_json, explanation_text

    one_of(output, ("text", "json"), "--format")
    if source and run:
        raise typer.BadParameter("--from and --run do not go together.")
    if source:
        from iwx_agent.app.diagnose import Request
        from iwx_agent.app.sources import diagnose_capture

        gate().of_a_capture()
        report = diagnose_capture(source, Request())
    else:
        from iwx_agent.app.saved import saved_report

        _, report = saved_report(run)
    kept = verdict_to_keep(report)
    gate().redacted()
    if output == "json":
        print_bytes(explanation_json(kept))
    else:
        print_text(explanation_text(kept))
    raise typer.Exit
