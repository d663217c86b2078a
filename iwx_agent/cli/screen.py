"""The terminal as rich writes to it, without rich's own way of ending the program."""

from typing import NoReturn

from rich.console import Console


class Screen(Console):
    """A console that lets a closed pipe be told to the entry; rich's own would exit with code 1."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise instead of ending the program."""
        raise BrokenPipeError
