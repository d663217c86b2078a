"""Which keys there are, and of which type: read off the Structs, never written down a second time."""

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from iwx_agent.config.sending import Sending
from iwx_agent.config.settings import Settings

ROOTS: tuple[type[Struct], ...] = (Settings, Sending)


def sections() -> dict[str, FieldInfo]:
    """Return what may stand at the top of ``config.toml``, by name."""
    return {field.name: field for root in ROOTS for field in fields(root)}


def leaves(
    kinds: tuple[type[Struct], ...] = ROOTS, prefix: str = "", *, needed: bool = True
) -> Iterator[tuple[str, FieldInfo, bool]]:
    """Yield each key that has a value of its own, its field, and whether its table is always there."""
    for kind in kinds:
        for field in fields(kind):
            key = f"{prefix}{field.name}"
            table = table_of(field.type)
            if table is None:
                yield key, field, needed
            else:
                yield from leaves((table,), f"{key}.", needed=needed and field.default is not None)


def table_of(kind: Any) -> type[Struct] | None:
    """Return the Struct that a type is, or may be beside None."""
    choices = get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,)
    return next((one for one in choices if isinstance(one, type) and issubclass(one, Struct)), None)


def fields_at(key: str) -> dict[str, FieldInfo]:
    """Return the fields of a table such as ``transport.email``; those at the top for an empty key."""
    known = sections()
    for name in filter(None, key.split(".")):
        table = table_of(known[name].type) if name in known else None
        known = {field.name: field for field in fields(table)} if table else {}
    return known


def field_at(key: str) -> FieldInfo | None:
    """Return the field of a key; None when there is none."""
    table, _, name = key.rpartition(".")
    return fields_at(table).get(name)


def words_of(field: FieldInfo) -> set[str]:
    """Return the words that a choice is made from; empty when it is none."""
    kind: Any = field.type
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return {str(word) for word in get_args(kind)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {str(word.value) for word in kind}
    return set()


def default_of(field: FieldInfo) -> object:
    """Return a field's default as plain data; ``msgspec.NODEFAULT`` when it must be set."""
    if field.default_factory is not NODEFAULT:
        return msgspec.to_builtins(field.default_factory())
    return field.default if field.default is NODEFAULT else msgspec.to_builtins(field.default)
