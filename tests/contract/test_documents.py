"""What the documents say of the program is so: exit codes, settings, layers, commands."""

import re
import tomllib
from datetime import time
from pathlib import Path

import msgspec
import pytest

from iwx_agent.cli import entry
from iwx_agent.config.schema import default_of, leaves
from iwx_agent.redact import rules

ROOT = Path(__file__).parents[2]


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["README.md", "docs/reference/exit-codes.md"])
def test_a_table_of_exit_codes_is_whole(path: str) -> None:
    rows = re.findall(r"^\| (\d+) \| (\S.*) \|$", text_of(path), flags=re.MULTILINE)
    assert [int(code) for code, _ in rows] == [0, 1, 2, 3, 4, 5, 70]


def test_the_help_names_the_same_exit_codes() -> None:
    help_text = " ".join(str(entry.application().info.epilog).split())
    assert [int(code) for code in re.findall(r"(?:: |, )(\d+) ", help_text)] == [0, 1, 2, 3, 4, 5, 70]


def test_every_setting_stands_in_the_reference_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([^|]+) \| ", text_of("docs/reference/configuration.md"), re.MULTILINE
    )
    assert len(dict(rows)) == len(rows)
    written = {
        key: msgspec.NODEFAULT if value == "needed" else tomllib.loads(f"x = {value.strip('` ')}")["x"]
        for key, value in rows
        if key not in ALTERNATIVE
    }
    plain = {key: value.isoformat() if isinstance(value, time) else value for key, value in written.items()}
    defaults = {key: default_of(field) for key, field, _ in leaves()}
    assert plain == {
        key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()
    }


ALTERNATIVE = ("value", "confidence", "source", "versions")  # the page's second table, of entries


def test_every_command_stands_in_the_reference() -> None:
    headings = re.findall(r"^## ([a-z-]+)$", text_of("docs/reference/commands.md"), flags=re.MULTILINE)
    app = entry.application()
    commands = [command.callback.__name__ for command in app.registered_commands if command.callback]
    groups = [str(group.typer_instance.info.name) for group in app.registered_groups if group.typer_instance]
    assert headings == [*commands, *groups]


def test_the_picture_shows_the_layers_that_are_enforced() -> None:
    contracts = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    enforced = {name.strip().removeprefix("iwx_agent.") for layer in layers for name in layer.split("|")}
    drawn = set(re.findall(r'class="name"[^>]*>([a-z_]+)<', text_of("docs/explanation/layers.svg")))
    assert drawn == enforced - {"__main__"}


def test_the_table_of_redaction_rules_is_the_rules() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| ([a-z]+) \| ([a-z0-9-]+) \| (.+) \|$",
        text_of("docs/reference/redaction-rules.md"),
        flags=re.MULTILINE,
    )
    assert rows == [(rule.id, rule.kind, rule.label, rule.reason) for rule in rules()]
