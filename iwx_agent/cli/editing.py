"""A note written in the person's own editor, in a private file that is gone afterwards."""

import contextlib
import os
import shlex
import sys
import tempfile

import typer

_HELP = """
# Lines that begin with # are left out. What have you seen, and what have you tried so far?
# Write no passwords: support gets in by Remote Assistance.
"""
_MAX_BYTES = 64 * 1024
_MEMORY = "/run"  # lies in memory: no sick disk holds it, and nothing of the note stays on one


def edited(note: str) -> str:
    """Return the note as the person leaves it in ``$VISUAL``, ``$EDITOR`` or vi.

    The file has mode 0600 in a directory of mode 0700, so that the editor's own copies are private, too.

    Raises:
        typer.BadParameter: when this is no terminal, the editor cannot be run, or it ends with an error.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter("--edit needs a terminal. Without one: --note TEXT.")
    try:
        argv = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    except ValueError as error:
        raise typer.BadParameter(f"--edit: $EDITOR cannot be read as a command: {error}.") from None
    if not argv:
        raise typer.BadParameter("--edit: $EDITOR names no program.")
    try:
        with tempfile.TemporaryDirectory(prefix="iwx-agent-", dir=_place()) as directory:
            return _in_file(argv, f"{directory}/note.txt", note)
    except OSError as error:
        why = f"{error.strerror or error}: {error.filename or argv[0]}"
        raise typer.BadParameter(f"--edit: {why}. Without an editor: --note TEXT.") from None


def _in_file(argv: list[str], path: str, note: str) -> str:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
        file.write(f"{note}{_HELP}")
    code = os.spawnvp(os.P_WAIT, argv[0], [*argv, path])  # noqa: S606 - the person's own editor
    if code != 0:
        raise typer.BadParameter(f"--edit: {argv[0]} ended with {code}; nothing was done.")
    with open(path, "rb") as edited_file:  # noqa: PTH123 - the editor may have put another file here
        text = edited_file.read(_MAX_BYTES).decode("utf-8", "replace")
    return "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()


def _place() -> str | None:
    """Return a directory in memory that takes files; None leaves it to TMPDIR or /tmp."""
    with contextlib.suppress(OSError):
        if os.access(_MEMORY, os.W_OK):
            return _MEMORY
    return None
