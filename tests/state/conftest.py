"""What is kept is root's: tests of it look at it as root."""

import pytest


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
