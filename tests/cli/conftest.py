"""Commands in this process: no secrets of the machine that runs the tests, unless a test plants some."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Live
from places import SETTINGS, Place, Run
from redacting import redactor
from steering import let_go, set_up

from iwx_agent.cli import run
from iwx_agent.redact import Redactor


@pytest.fixture(autouse=True)
def no_secrets_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def here() -> Redactor:
        return redactor()

    monkeypatch.setattr("iwx_agent.app.redaction.redactor_here", here)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    log = set_up(monkeypatch, tmp_path)
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "config.toml").write_text(SETTINGS)
    made = Place(etc, log)
    monkeypatch.setattr("iwx_agent.config.toml_file.ETC", etc)
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Live)
    monkeypatch.setattr("iwx_agent.app.sources.diagnose", made.diagnose)
    monkeypatch.setattr("iwx_agent.app.auto.STOP", tmp_path / "stop")
    both = {"webhook": made.desk, "file": made.files}
    monkeypatch.setattr("iwx_agent.app.transports.transports_of", lambda *told, **more: both)
    yield made
    let_go()


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    return call
