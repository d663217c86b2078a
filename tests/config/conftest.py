"""Files below the stand-in for /etc/iwx-agent."""

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str], Path]


@pytest.fixture
def put(etc: Path) -> Write:
    def put(name: str, text: str, mode: int = 0o644) -> Path:
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return put
