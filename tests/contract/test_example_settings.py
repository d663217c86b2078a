"""The example of settings holds every key with its default, and is a file that the agent takes."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from iwx_agent.app.limits import with_limits
from iwx_agent.checks import ALL
from iwx_agent.config import Settings, load_settings
from iwx_agent.config.schema import default_of, leaves
from iwx_agent.config.sending import Sending, load_sending

EXAMPLE = (Path(__file__).parents[2] / "packaging" / "config.toml.example").read_text(encoding="utf-8")
# As an administrator would: each setting uncommented, the prose left alone.
IN_FORCE = re.sub(r"^#(?=[a-z_]+ = |\[)", "", EXAMPLE, flags=re.MULTILINE)


def values(table: dict[str, Any], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        inner = values(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
        found |= inner
    return found


WRITTEN = values(tomllib.loads(IN_FORCE))
NEEDED = {
    "transport.portal.address",
    "transport.email.to",
    "transport.webhook.url",
    "transport.command.command",
}


def test_every_key_is_there_with_its_default() -> None:
    defaults = {key: default_of(field) for key, field, _ in leaves() if key != "limits"}
    assert {key for key, value in defaults.items() if value is msgspec.NODEFAULT} == NEEDED
    written = {key: value for key, value in WRITTEN.items() if not key.startswith("limits.")}
    assert written.keys() == defaults.keys()
    plain = {key: msgspec.to_builtins(value) for key, value in written.items()}
    expected = {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
    assert {key: plain[key] for key in plain.keys() - NEEDED} == {
        key: expected[key] for key in expected.keys() - NEEDED
    }


def test_as_it_is_it_changes_nothing(etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text(EXAMPLE, encoding="utf-8")
    assert (load_settings(), load_sending()) == (Settings(), Sending())


def test_with_all_of_it_in_force_it_is_taken(etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text(IN_FORCE, encoding="utf-8")
    settings = load_settings()
    assert with_limits(ALL, settings.limits) != ALL
    assert msgspec.structs.replace(settings, limits={}) == Settings()
    sending = load_sending()
    assert None not in msgspec.structs.astuple(sending.transport)
    assert msgspec.structs.replace(sending, transport=Sending().transport) == Sending()


def test_prose_is_told_from_settings() -> None:
    """What the tests above uncomment is every line that is no prose: nothing hides behind a blank."""
    for line in EXAMPLE.splitlines():
        assert not re.match(r"#\s+[a-z_]+ = ", line), line
        assert len(line) <= 120
