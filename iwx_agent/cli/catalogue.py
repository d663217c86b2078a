"""``checks`` and ``explain``: what the agent can find, and what a code means."""

from typing import Annotated

import typer


def checks(
    output: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
) -> None:
    """List all checks with their codes.

    Example: iwx-agent checks
    """
    from iwx_agent.checks import ALL
    from iwx_agent.cli.options import one_of
    from iwx_agent.model import EMERGENCIES

    one_of(output, ("text", "json"), "--format")
    if output == "json":
        import msgspec

        listed = [
            {
                "check_id": c.id,
                "title": c.title,
                "codes": c.codes,
                "emergency": c.emergency,
                "guide": EMERGENCIES[c.guide - 1] if c.guide else "",
            }
            for c in ALL
        ]
        typer.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
        return
    for check in ALL:
        mark = "!" if check.emergency else " "
        typer.echo(f"{mark} {check.id:<22} {check.title:<46} {_span(check.codes)}")
    typer.echo("\nEmergencies of the support guide, and what looks for them:")
    for number, words in enumerate(EMERGENCIES, start=1):
        typer.echo(f"  {number}. {words}: {', '.join(c.id for c in ALL if c.guide == number)}")
    typer.echo("\n! can find an emergency. What a code means: iwx-agent explain CODE")


def explain(
    code: Annotated[str, typer.Argument(help="A finding's code or a check's id.", metavar="CODE")],
) -> None:
    """Show the page of a finding code or check: how it is seen, its limits, what to do.

    Example: iwx-agent explain PANEL-040
    """
    from iwx_agent.checks import ALL
    from iwx_agent.cli.options import unknown
    from iwx_agent.config import load_page

    wanted = code.strip()
    for check in ALL:
        if wanted.lower() == check.id or wanted.upper() in check.codes:
            typer.echo(load_page(check.id).rstrip())
            return
    known = [name for check in ALL for name in (check.id, *check.codes)]
    unknown("code or check", wanted, known, "See: iwx-agent checks")


def _span(codes: tuple[str, ...]) -> str:
    return codes[0] if len(codes) == 1 else f"{codes[0]} to {codes[-1].rpartition('-')[2]}"
