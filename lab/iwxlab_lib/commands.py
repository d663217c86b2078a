"""Start programs and say clearly what went wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

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
    # Files, not pipes: what cannot be killed, since a server's file system hangs, is left behind.
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
        given.write((stdin or "").encode())
        given.seek(0)
        try:
            child = subprocess.Popen(words, stdin=given, stdout=output, stderr=errors)
        except FileNotFoundError as error:
            raise LabError(f"{words[0]} is not installed; run 'iwxlab install'") from error
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.returncode = 0  # not waited for, and not warned of
            raise LabError(f"'{' '.join(words[:6])}' did not end within {timeout_s:g} s") from error
        done = subprocess.CompletedProcess(words, code, text_of(output), text_of(errors))
    if check and done.returncode:
        raise LabError(
            f"'{' '.join(words[:6])}' ended with {done.returncode}\n{tail(done.stderr or done.stdout)}"
        )
    return done


def text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def tail(text: str) -> str:
    """The last lines of a program's output, indented."""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-TAIL_LINES:])
