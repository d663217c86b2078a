"""What options mean: choices, selections of checks, and errors with the nearest match."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

import typer

from iwx_agent.model import Check


def unknown(kind: str, given: str, known: Iterable[str], hint: str) -> NoReturn:
    """End with exit code 2, naming the nearest match."""
    import difflib

    names = list(known)
    by_fold = {name.lower(): name for name in names}
    close = difflib.get_close_matches(given.lower(), by_fold, n=1, cutoff=0.5)
    near = f" Did you mean {by_fold[close[0]]}?" if close else ""
    shown = repr(given[:80]) if given.isprintable() else ascii(given[:80])
    raise typer.BadParameter(f"unknown {kind} {shown}.{near} {hint}.")


def one_of(given: str, choices: Sequence[str], option: str) -> None:
    """End with exit code 2 when the value is not one of the choices."""
    if given not in choices:
        unknown(f"value of {option}", given, choices, f"Choose from: {', '.join(choices)}")


def select(only: str, skip: str) -> tuple[Check, ...]:
    """Return the checks that ``--only`` and ``--skip`` leave: ids or areas, divided by commas."""
    from iwx_agent.checks import ALL

    wanted = _named(only) if only else {check.id for check in ALL}
    left = wanted - (_named(skip) if skip else set())
    if not left:
        raise typer.BadParameter("--only and --skip leave no check to run.")
    return tuple(check for check in ALL if check.id in left)


def _named(text: str) -> set[str]:
    from iwx_agent.checks import ALL

    ids = [check.id for check in ALL]
    areas = {check_id.partition(".")[0] for check_id in ids}
    found: set[str] = set()
    for name in filter(None, (part.strip() for part in text.split(","))):
        area = name.removesuffix(".*")
        matching = {check_id for check_id in ids if check_id == name or check_id.startswith(f"{area}.")}
        if not matching:
            unknown("check or area", name, [*ids, *areas], "See: iwx-agent checks")
        found |= matching
    return found
