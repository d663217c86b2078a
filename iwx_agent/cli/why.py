"""``why``: the last verdict explained, line by line."""

from typing import TYPE_CHECKING, Annotated

import typer

from iwx_agent.cli.diagnosis import Debug, From
from iwx_agent.cli.gate import gate
from iwx_agent.cli.saved import Run

if TYPE_CHECKING:
    from iwx_agent.model.steering import ToldDecision

_MOST_COUNT = 1000


def why(
    source: From = None,
    run: Run = "",
    count: Annotated[
        int | None,
        typer.Option(
            "--decisions",
            help="List the last N decisions of auto instead.",
            metavar="N",
            min=1,
            max=_MOST_COUNT,
            show_default=False,
        ),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Explain the last verdict line by line: what it says, by which rule, because of what.

    The last saved run counts, or the one that --run names. Then what auto did last, and why, if it has run.
    Examples: iwx-agent why; iwx-agent why --decisions 20
    """
    from iwx_agent.cli.options import one_of
    from iwx_agent.cli.printing import print_bytes, print_text
    from iwx_agent.model import verdict_to_keep
    from iwx_agent.report import explanation_json, explanation_text

    one_of(output, ("text", "json"), "--format")
    if source and run:
        raise typer.BadParameter("--from and --run do not go together.")
    if count is not None:
        if source or run:
            raise typer.BadParameter("--decisions goes without --from and --run: it is of all runs.")
        _list(count, output)
        raise typer.Exit
    decisions: tuple[ToldDecision, ...] = ()
    if source:
        from iwx_agent.app.diagnose import Request
        from iwx_agent.app.sources import diagnose_capture

        gate().of_a_capture()
        report = diagnose_capture(source, Request())
    else:
        from iwx_agent.app.saved import saved_report

        _, report = saved_report(run)
        decisions = () if run else _last_decision()
    kept = verdict_to_keep(report)
    gate().redacted()
    if output == "json":
        print_bytes(explanation_json(kept, decisions))
    else:
        print_text(explanation_text(kept, decisions))
    raise typer.Exit


def _list(count: int, output: str) -> None:
    from iwx_agent.app.incidents import decisions
    from iwx_agent.app.steering import reading
    from iwx_agent.cli.outbox import print_json, print_words, say
    from iwx_agent.rendering.watch import decided

    with reading(say) as latest:
        found = decisions(latest, count)
    gate().redacted()
    if output == "json":
        print_json(found)
    else:
        print_words(decided(found) if found else "auto has decided nothing yet: it has never run.\n")


def _last_decision() -> "tuple[ToldDecision, ...]":
    """Return the last decision; that it cannot be read is said, and the verdict explained all the same."""
    from iwx_agent.app.incidents import decisions
    from iwx_agent.app.steering import reading
    from iwx_agent.cli.outbox import say
    from iwx_agent.state import StateError

    try:
        with reading(say) as latest:
            return decisions(latest, 1)
    except StateError as error:
        say(f"what auto did cannot be read: {error}")
        return ()
