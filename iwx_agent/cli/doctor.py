"""``doctor``: whether the watcher itself is well, and how each fault is mended."""

from typing import Annotated

import typer

from iwx_agent.cli.diagnosis import Debug
from iwx_agent.cli.gate import gate
from iwx_agent.cli.outbox import Format, print_json, print_words


def doctor(
    output: Format = "text",
    offline: Annotated[bool, typer.Option("--offline", help="Ask no other machine.")] = False,
    heartbeat: Annotated[
        bool, typer.Option("--heartbeat", help="Ask for auto.heartbeat_url, when there is no fault.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Look whether the agent itself is well: timer, last run, state, outbox, settings, ways to send.

    Nothing is changed, and no ticket is sent. Each fault comes with the command that mends it.

    Example: iwx-agent doctor
    """
    from iwx_agent.app.doctor import examine_live
    from iwx_agent.cli.options import one_of
    from iwx_agent.cli.progress import Progress

    one_of(output, ("text", "json"), "--format")
    if offline and heartbeat:
        raise typer.BadParameter("--heartbeat asks another machine, --offline asks none.")
    with Progress(gate().terminal, "asking the server and the ways to send"):
        health = examine_live(offline=offline, heartbeat=heartbeat)
    if output == "json":
        from iwx_agent.model.watcher import Examined

        print_json(Examined(exit_code=health.exit_code, at=health.at, ailments=health.ailments))
    else:
        from iwx_agent.rendering import watcher

        print_words(watcher.told(health))
    raise typer.Exit(health.exit_code)
