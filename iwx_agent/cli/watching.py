"""``incidents`` and ``ignore``: what ``auto`` has before it, and what a person has it be silent about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from iwx_agent.cli.gate import gate
from iwx_agent.cli.outbox import Debug, Format, print_json, print_words, refuse, say

_HINT = "See: iwx-agent incidents"


def incidents(
    output: Format = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Show what auto goes by: the open ticket, what the last saved run found, what is ignored until when.

    Example: iwx-agent incidents
    """
    from iwx_agent.app.incidents import watched
    from iwx_agent.app.steering import looking
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    with looking(say) as look:
        found = watched(look)
    gate().redacted()
    if output == "json":
        print_json(found)
    else:
        from iwx_agent.rendering import watch

        print_words(watch.watched(found))


def ignore(
    fingerprint: Annotated[
        str,
        typer.Argument(
            help="An incident of a saved run: its fingerprint, 6 of its digits or more, or its code.",
            metavar="[FINGERPRINT]",
            show_default=False,
        ),
    ] = "",
    until: Annotated[
        str,
        typer.Option(help="90min, 2h, 3d, or a time like 2026-12-01T08:00Z; 90d at most.", metavar="WHEN"),
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.", metavar="TEXT")] = "",
    unless_worse: Annotated[
        bool, typer.Option("--unless-worse", help="Only as long as it is not worse than it is now.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also a whole fingerprint that no saved run has.")
    ] = False,
    end: Annotated[bool, typer.Option("--end", help="Do not ignore it any more.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List what is ignored.")] = False,
    output: Annotated[str, typer.Option("--format", help="With --list: text or json.", metavar="FORMAT")] = (
        "text"
    ),
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Have auto be silent about an incident for a time. It silences auto only, never what diagnose shows.

    Example: iwx-agent ignore 3f2a91 --until 3d --reason "new disk is ordered" --unless-worse
    """
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    making = bool(until or reason or unless_worse or anyway)
    _refuse_contradictions(fingerprint, making=making, end=end, listed=listed)
    if output != "text" and not listed:
        raise typer.BadParameter("--format goes with --list only.")
    if listed:
        _list(output)
    elif end:
        _end(fingerprint)
    else:
        _begin(fingerprint, until, reason, unless_worse=unless_worse, anyway=anyway)


def _refuse_contradictions(fingerprint: str, *, making: bool, end: bool, listed: bool) -> None:
    if listed and (fingerprint or making or end):
        raise typer.BadParameter("--list goes without anything but --format.")
    if end and making:
        raise typer.BadParameter("--end goes with FINGERPRINT alone.")
    if not listed and not fingerprint.strip():
        raise typer.BadParameter(f"which incident? {_HINT}.")


def _list(output: str) -> None:
    from iwx_agent.app.steering import looking

    with looking(say) as look:
        now, found = look.now, look.latest.rules()
    gate().redacted()
    if output == "json":
        print_json(found)
    else:
        from iwx_agent.rendering import watch

        print_words(watch.rules(found, now))


def _end(fingerprint: str) -> None:
    from iwx_agent.app.incidents import heed
    from iwx_agent.app.steering import changing
    from iwx_agent.rendering import watch

    with _answered("ignored incident", "See: iwx-agent ignore --list"), changing(say) as hand:
        ended = heed(hand, fingerprint)
    gate().redacted()
    print_words(watch.heeded(ended))


def _begin(fingerprint: str, until: str, reason: str, *, unless_worse: bool, anyway: bool) -> None:
    from iwx_agent.app.incidents import end_of, ignore
    from iwx_agent.app.steering import changing, without_secrets
    from iwx_agent.cli.options import reason_of
    from iwx_agent.rendering import watch

    if not until.strip():
        raise typer.BadParameter("--until: say when it ends, like 2h, 3d or 2026-12-01T08:00Z.")
    why = without_secrets(reason_of(reason))
    with _answered("incident of a saved run", _HINT), changing(say) as hand:
        made = ignore(
            hand,
            fingerprint,
            until=end_of(until, hand.now),
            reason=why,
            unless_worse=unless_worse,
            anyway=anyway,
        )
    gate().redacted()
    print_words(watch.silenced(made))


@contextmanager
def _answered(kind: str, hint: str) -> Iterator[None]:
    """Turn what cannot be done into words and exit code 2."""
    from iwx_agent.app.incidents import WhenError
    from iwx_agent.app.naming import NotOneError
    from iwx_agent.app.steering import RefusedError
    from iwx_agent.cli.options import not_one

    try:
        yield
    except NotOneError as error:
        not_one(kind, error, hint)
    except WhenError as error:
        raise typer.BadParameter(f"--until: {error}.") from None
    except RefusedError as error:
        raise refuse(error) from None
