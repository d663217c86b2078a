"""Start programs and say clearly what went wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

TAIL_LINES = 15


class LabError(Exception):
    """Something the person at the keyboard should read; `exit_code` is what the program ends with."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    timeout_s: float = 60.0,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end and give back its output; a failure becomes a LabError that quotes it."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed; run 'iwxlab install'") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"'{' '.join(words[:6])}' did not end within {timeout_s:g} s") from error
    if check and done.returncode:
        raise LabError(
            f"'{' '.join(words[:6])}' ended with {done.returncode}\n{tail(done.stderr or done.stdout)}"
        )
    return done


def tail(text: str) -> str:
    """The last lines of a program's output, indented."""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-TAIL_LINES:])
