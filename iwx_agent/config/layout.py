"""What is known of the panel: the package's data, and an administrator's corrections."""

from pathlib import Path

import msgspec

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import ConfigError, drop_ins, line_of, nearest, placed, read_toml
from iwx_agent.model import Alternative, Layout


def load_layout(etc: Path | None = None) -> Layout:
    """Return what is known of the panel: the package's data, then each correction under ``interworx.d``."""
    entries = _layout_entries(toml_file.DATA / "interworx.toml")
    known = set(entries)
    for path in drop_ins((etc or toml_file.ETC) / "interworx.d"):
        corrections = _layout_entries(path, guarded=True)
        for key in corrections:
            if key not in known:
                why = f"unknown entry{nearest(key, known)}"
                raise ConfigError(str(path), key, why, line_of(path, key))
        entries.update(corrections)
    return Layout(entries=entries)


def _layout_entries(path: Path, *, guarded: bool = False) -> dict[str, tuple[Alternative, ...]]:
    entries: dict[str, tuple[Alternative, ...]] = {}
    for group, members in (read_toml(path, guarded=guarded) or {}).items():
        if not isinstance(members, dict):
            raise ConfigError(str(path), group, "expected a table of entries")
        for name, plain in members.items():
            try:
                alternatives = msgspec.convert(plain, tuple[Alternative, ...])
            except msgspec.ValidationError as error:
                raise placed(path, f"{group}.{name}", error, Alternative) from None
            _check_values(path, group, name, alternatives)
            entries[f"{group}.{name}"] = alternatives
    return entries


_GROUP_TYPES: dict[str, type] = {"port": int, "command": tuple, "words": tuple}


def _check_values(path: Path, group: str, name: str, alternatives: tuple[Alternative, ...]) -> None:
    expected = _GROUP_TYPES.get(group, str)
    key = f"{group}.{name}"

    def wrong(why: str) -> ConfigError:
        return ConfigError(str(path), key, why, line_of(path, key))

    if not alternatives:
        raise wrong("expected at least one alternative")
    for alternative in alternatives:
        value = alternative.value
        if not isinstance(value, expected) or value in ("", ()):
            raise wrong(f"expected a {expected.__name__} that is not empty, got {value!r}")
        if isinstance(value, int) and not 0 < value < 65536:
            raise wrong(f"expected a port from 1 to 65535, got {value}")
