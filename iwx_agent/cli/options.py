"""What options mean: choices, selections of checks, and errors with the nearest match."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

import typer

from iwx_agent.model import Check, Override, Priority

_REASON_CHARACTERS = 300
_NOTE_CHARACTERS = 4000


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


def override_of(priority: str, reason: str) -> Override | None:
    """Return a person's own priority with its reason; None without. One without the other is wrong usage."""
    if not priority and not reason:
        return None
    names = {str(known).lower(): known for known in Priority}
    if priority and priority.strip().lower() not in names:
        unknown("priority", priority, Priority, f"Choose from: {', '.join(Priority)}")
    why = " ".join(reason.split())
    if not priority or not why:
        raise typer.BadParameter(
            "--priority and --reason go together: a priority of your own needs a reason."
        )
    if len(why) > _REASON_CHARACTERS:
        raise typer.BadParameter(
            f"--reason: expected at most {_REASON_CHARACTERS} characters, got {len(why)}."
        )
    return Override(priority=names[priority.strip().lower()], reason=why)


def checked_note(note: str) -> str:
    """Return the note; one that is too long is wrong usage."""
    if len(note) > _NOTE_CHARACTERS:
        raise typer.BadParameter(f"--note: expected at most {_NOTE_CHARACTERS} characters, got {len(note)}.")
    return note


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
