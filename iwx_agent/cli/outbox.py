"""``outbox``: what waits to be sent, one text in full, and what a person has done with it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from iwx_agent.cli.gate import gate

if TYPE_CHECKING:
    from iwx_agent.app.steering import RefusedError

_EXIT_USAGE = 2
_HINT = "See: iwx-agent outbox list --all"

Key = Annotated[
    str, typer.Argument(help="Its key, or a beginning that no other has.", metavar="KEY", show_default=False)
]
Format = Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of defects.")]


def list_texts(
    everything: Annotated[bool, typer.Option("--all", help="Also what was sent or dropped.")] = False,
    output: Format = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """List what waits to be sent and what has failed: since when, what is next, what was said last.

    Example: iwx-agent outbox list
    """
    from iwx_agent.app.outbox import listed
    from iwx_agent.app.steering import looking
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    with looking(say) as look:
        found = listed(look.latest, look.now, everything=everything)
    gate().redacted()
    if output == "json":
        print_json(found)
    else:
        from iwx_agent.rendering import outbox_text

        print_words(outbox_text.listed(found))


def show(
    key: Key,
    output: Format = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Show one text in full: its state, each attempt, and the text itself as it is sent.

    Example: iwx-agent outbox show iwx-3f2a
    """
    from iwx_agent.app.outbox import shown
    from iwx_agent.app.steering import looking
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    with _answered(), looking(say) as look:
        found = shown(look.latest, look.now, key)
    gate().redacted()
    if output == "json":
        print_json(found)
    else:
        from iwx_agent.rendering import outbox_text

        print_words(outbox_text.shown(found))


def retry(
    key: Key,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Send a draft, or have what failed or waits tried again, at the next run of auto or submit.

    What may have been accepted is looked for first. Example: iwx-agent outbox retry iwx-3f2a
    """
    from iwx_agent.app import outbox
    from iwx_agent.app.steering import changing
    from iwx_agent.config.sending import load_sending
    from iwx_agent.rendering import outbox_text

    # Without any way set up now, those count that were when it was written.
    ways = tuple(name for name in load_sending().delivery.chain if name != "file")
    with _answered(), changing(say) as hand:
        found = outbox.retry(hand, key, ways)
    gate().redacted()
    print_words(outbox_text.retried(found))


def drop(
    key: Key,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.", metavar="TEXT")] = "",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Drop a text that is not needed any more; not one that is being sent, or was sent.

    Example: iwx-agent outbox drop iwx-3f2a --reason "mended by hand, no ticket wanted"
    """
    from iwx_agent.app import outbox
    from iwx_agent.app.steering import changing, without_secrets
    from iwx_agent.cli.options import reason_of
    from iwx_agent.rendering import outbox_text

    why = without_secrets(reason_of(reason))
    with _answered(), changing(say) as hand:
        found = outbox.drop(hand, key, why)
    gate().redacted()
    print_words(outbox_text.dropped(found))


def say(said: str) -> None:
    """Say on standard error what a person has to know."""
    from iwx_agent.rendering.words import one_line

    sys.stderr.write(f"iwx-agent: {one_line(said, 1000)}\n")


def refuse(error: "RefusedError") -> typer.Exit:
    """Say why something cannot be done, and what can; return the end of the command."""
    from iwx_agent.rendering.words import one_line

    sys.stderr.write(f"iwx-agent: {one_line(error.why, 1000)}\n{one_line(error.next_step, 400)}\n")
    return typer.Exit(_EXIT_USAGE)


def print_json(told: object) -> None:
    """Print a value of ``model.steering`` for a program."""
    from iwx_agent.cli.printing import print_bytes
    from iwx_agent.report import steering_json

    print_bytes(steering_json(told))  # type: ignore[arg-type]


def print_words(text: str) -> None:
    """Print finished text."""
    from iwx_agent.cli.printing import print_text

    print_text(text)


@contextmanager
def _answered() -> Iterator[None]:
    """Turn what cannot be done into words and exit code 2."""
    from iwx_agent.app.naming import NotOneError
    from iwx_agent.app.steering import RefusedError
    from iwx_agent.cli.options import not_one

    try:
        yield
    except NotOneError as error:
        not_one("text", error, _HINT)
    except RefusedError as error:
        raise refuse(error) from None
