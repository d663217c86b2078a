"""``reveal``: whose address a token of a ticket stands for; on the server that gave it, and for root only."""

import sys
from typing import Annotated

import typer

from iwx_agent.cli.gate import gate

_EXIT_UNKNOWN = 1
_EXIT_USAGE = 2
_TOKENS_COUNT = 1000


def reveal(
    tokens: Annotated[
        list[str],
        typer.Argument(
            help="As they stand in a ticket or capture: ip-2920ab, mail-95d49a@example.com, 240.41.32.171.",
            metavar="TOKEN...",
            show_default=False,
        ),
    ],
    output: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")] = "text",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of defects.")] = False,  # noqa: ARG001
) -> None:
    """Say which address of a person a token stands for. Only root can, on the server that gave the token.

    Exit code: 0 all are known, 1 some are not. Example: iwx-agent reveal ip-2920ab
    """
    from iwx_agent.app.token_files import TokenFileError, known_tokens
    from iwx_agent.cli.options import one_of
    from iwx_agent.rendering.words import one_line

    one_of(output, ("text", "json"), "--format")
    if len(tokens) > _TOKENS_COUNT:
        raise typer.BadParameter(f"at most {_TOKENS_COUNT} tokens at once, got {len(tokens)}.")
    try:
        known = known_tokens()
    except TokenFileError as error:
        sys.stderr.write(f"iwx-agent: {one_line(str(error), 400)}\n")
        raise typer.Exit(_EXIT_USAGE) from None
    gate().redacted()  # what it is there for must not be made a token again
    found = [(token, known.reveal(token)) for token in tokens]
    if output == "json":
        import msgspec

        told = [{"token": token, "address": address} for token, address in found]
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    else:
        for token, address in found:
            said = one_line(address, 400) if address is not None else "not known here"
            sys.stdout.write(f"{one_line(token, 100)}  {said}\n")
    raise typer.Exit(0 if all(address is not None for _, address in found) else _EXIT_UNKNOWN)
