"""Where settings come from, in rising order: files, the environment, the command line; each value's origin.

Loaded only where something is set at all.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from iwx_agent.config import settings, toml_file
from iwx_agent.config.settings import (
    ENVIRONMENT_PREFIX,
    settings_variables,
)
from iwx_agent.config.toml_file import ConfigError, drop_ins, line_of, nearest, read_toml

_Kind = TypeVar("_Kind", bound=Struct)


class Origin(Struct, frozen=True, kw_only=True):
    """Where a value was set: a file's path, a variable's name, or ``--set``."""

    kind: Literal["default", "file", "environment", "command line"]
    name: str = ""

    def line(self, key: str) -> int:
        """Return the line of a key in the file; 0 when it is not known."""
        return line_of(Path(self.name), key) if self.kind == "file" else 0


class Gathered:
    """All that is set, as one table, and where each value of it comes from."""

    def __init__(self, path: Path) -> None:
        self.table: dict[str, Any] = {}
        self._path = path
        self._origins: dict[str, Origin] = {}

    def add(self, table: Mapping[str, object], origin: Origin) -> None:
        """Put a table over what is there; tables are merged, all other values replaced."""
        self._merge(self.table, table, "", origin)

    def origin_of(self, key: str) -> Origin:
        """Return where a key, or what stands around or below it, was set last."""
        plain = key.partition("[")[0]
        while plain:
            below = [name for name in self._origins if name == plain or name.startswith(f"{plain}.")]
            if below:
                return self._origins[below[-1]]
            plain = plain.rpartition(".")[0]
        return Origin(kind="default")

    def error(self, key: str, why: str) -> ConfigError:
        """Return the error for a key, at the place where it was set."""
        origin = self.origin_of(key)
        place = {"environment": f"environment, {origin.name}", "command line": "command line, --set"}
        return ConfigError(place.get(origin.kind, origin.name or str(self._path)), key, why, origin.line(key))

    def set_keys(self) -> tuple[str, ...]:
        """Return every key that was set."""
        return tuple(self._origins)

    def convert(self, kind: type[_Kind]) -> _Kind:
        """Return the part of the table that is a Struct's.

        Raises:
            ConfigError: for an unknown key or a value of another type.
        """
        own = {name: self.table[name] for name in kind.__struct_fields__ if name in self.table}
        try:
            return msgspec.convert(own, kind)
        except msgspec.ValidationError as error:
            raise self.error(*_explained(error)) from None

    def _merge(self, into: dict[str, Any], table: Mapping[str, object], prefix: str, origin: Origin) -> None:
        for name, value in table.items():
            key = f"{prefix}{name}"
            if isinstance(value, Mapping) and value:
                if not isinstance(into.get(name), dict):
                    self._forget(key)
                    into[name] = {}
                self._merge(into[name], value, f"{key}.", origin)
                continue
            if not (isinstance(value, Mapping) and isinstance(into.get(name), dict)):
                self._forget(key)
                into[name] = value
            self._origins.pop(key, None)
            self._origins[key] = origin

    def _forget(self, key: str) -> None:
        for name in [name for name in self._origins if name == key or name.startswith(f"{key}.")]:
            del self._origins[name]


def gather(etc: Path | None = None) -> Gathered:
    """Return all that is set.

    Raises:
        ConfigError: for a file that is not TOML or that others may change, and for an unknown section.
    """
    directory = etc or toml_file.ETC
    gathered = Gathered(directory / "config.toml")
    for path in settings_files(directory):
        table = read_toml(path, guarded=True)
        if table is not None:
            gathered.add(table, Origin(kind="file", name=str(path)))
    for name in settings_variables():
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        _add_text(gathered, key, os.environ[name], Origin(kind="environment", name=name))
    for key, text in settings.COMMAND_LINE.items():
        _add_text(gathered, key, text, Origin(kind="command line", name="--set"))
    _refuse_unknown_sections(gathered)
    return gathered


def settings_files(directory: Path) -> Iterator[Path]:
    """Yield the files of settings in rising order, those that are not there left out."""
    if os.path.lexists(directory / "config.toml"):
        yield directory / "config.toml"
    yield from drop_ins(directory / "conf.d")


def _add_text(gathered: Gathered, key: str, text: str, origin: Origin) -> None:
    """Add a value that is a text by the type of its key."""
    from iwx_agent.config.schema import field_at, leaves, table_of
    from iwx_agent.config.secrets import why_no_literal

    def refused(why: str) -> ConfigError:
        place = f"environment, {origin.name}" if origin.kind == "environment" else "command line, --set"
        return ConfigError(place, key, why)

    if why := why_no_literal(key):
        raise refused(why)
    field = field_at(key)
    if field is None and key.startswith("limits."):
        raise refused("limits of checks are set in a file")
    if field is None or table_of(field.type) is not None or field.name == "limits":
        known = {name: name for name, _, _ in leaves()}
        if origin.kind == "environment":
            known = {variable_of(name): name for name in known}
        raise refused(
            f"unknown key{nearest(origin.name if origin.kind == 'environment' else key, set(known))}"
        )
    try:
        value = _typed(text, field.type)
    except ValueError as error:  # msgspec's errors and tomllib's are ValueErrors
        raise refused(_with_word(str(error).partition(" - at ")[0], field)) from None
    table: dict[str, object] = {key.rpartition(".")[2]: value}
    for name in reversed(key.split(".")[:-1]):
        table = {name: table}
    gathered.add(table, origin)


def variable_of(key: str) -> str:
    """Return the environment variable that sets a key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _typed(text: str, kind: Any) -> object:
    """Return a text as plain data of a type; a list has commas, or is written as in TOML."""
    plain: object = text
    if get_origin(kind) is tuple or tuple in (get_origin(one) for one in get_args(kind)):
        in_toml = text.lstrip().startswith("[")
        plain = (
            tomllib.loads(f"x = {text}")["x"]
            if in_toml
            else [one.strip() for one in text.split(",") if one.strip()]
        )
    return msgspec.to_builtins(msgspec.convert(plain, kind, strict=False))


def _refuse_unknown_sections(gathered: Gathered) -> None:
    from iwx_agent.config.schema import sections

    known = sections()
    for name in gathered.table:
        if name not in known:
            raise gathered.error(name, f"unknown key{_near(name, '')}")


def _explained(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return the key and what is wrong with it, with the nearest key or word."""
    from iwx_agent.config.schema import field_at

    why, _, place = str(error).partition(" - at ")
    key = place.strip("`").removeprefix("$").removeprefix(".")
    if unknown := re.search(r"unknown field `([^`]+)`", why):
        name = unknown.group(1)
        return (f"{key}.{name}" if key else name), f"unknown key{_near(name, key)}"
    return key, _with_word(why, field_at(key.partition("[")[0]))


def _with_word(why: str, field: FieldInfo | None) -> str:
    """Return msgspec's words, with the nearest one where a word is to be chosen."""
    from iwx_agent.config.schema import words_of

    choice = re.fullmatch(r"Invalid enum value '(.*)'", why)
    return f"{why}{nearest(choice.group(1), words_of(field))}" if choice and field else why


def _near(name: str, table: str) -> str:
    """Return the nearest key: of the same table, else one of the same name in another."""
    from iwx_agent.config.schema import fields_at, leaves

    if close := nearest(name, set(fields_at(table))):
        return close
    elsewhere = [key for key, _, _ in leaves() if key.rpartition(".")[2] == name]
    return f"; did you mean {' or '.join(elsewhere[:3])}?" if elsewhere else ""
