"""Commands in this process: no secrets of the machine that runs the tests, unless a test plants some."""

import pytest
from redacting import redactor

from iwx_agent.redact import Redactor


@pytest.fixture(autouse=True)
def no_secrets_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def here() -> Redactor:
        return redactor()

    monkeypatch.setattr("iwx_agent.app.redaction.redactor_here", here)
