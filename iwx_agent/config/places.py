"""What lies below /etc/iwx-agent and is not read, though it looks as if it were meant to be."""

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from iwx_agent.config import toml_file

_FILES = ("config.toml", "provider.toml", "support-policy.toml")
_DIRECTORIES = ("conf.d", "interworx.d", "portal-form.d", "signatures.d")
_SHOWN_COUNT = 10
_NAMES_COUNT = 1000


def unread_files(etc: Path | None = None) -> Iterator[str]:
    """Yield a sentence for each file that is named almost as one that is read, the first ten."""
    directory = etc or toml_file.ETC
    said = (*_almost(directory), *(line for name in _DIRECTORIES for line in _not_toml(directory / name)))
    yield from said[:_SHOWN_COUNT]


def _almost(directory: Path) -> Iterator[str]:
    known = (*_FILES, *_DIRECTORIES)
    for name in _names(directory):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        if close and name not in known:
            yield f"{directory / name} is not read; {directory / close[0]} would be"


def _not_toml(directory: Path) -> Iterator[str]:
    for name in _names(directory):
        if not name.endswith(".toml") and not name.lower().startswith("readme"):
            yield f"{directory / name} is not read: its name does not end in .toml"


def _names(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))[:_NAMES_COUNT]  # noqa: PTH208
    except OSError:
        return []
