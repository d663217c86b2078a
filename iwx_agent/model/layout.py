"""What is known of the panel: paths, units, ports, commands, each with confidence and source.

The entries come from ``data/interworx.toml`` and from corrections under ``/etc/iwx-agent/interworx.d``.
An entry has alternatives because releases differ and some is only inferred: they are tried in order.
"""

from typing import Literal

from msgspec import Struct

Confidence = Literal["documented", "observed", "inferred"]


class Alternative(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One known value of an entry, for the panel's major ``versions`` (all of them when empty)."""

    value: str | int | tuple[str, ...]
    confidence: Confidence
    source: str
    versions: tuple[int, ...] = ()


class Layout(Struct, frozen=True, kw_only=True):
    """All entries by dotted key, such as ``path.home`` or ``unit.panel_php``."""

    entries: dict[str, tuple[Alternative, ...]]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return all alternatives of a text entry, in order."""
        return tuple(a.value for a in self.entries[key] if isinstance(a.value, str))

    def text(self, key: str) -> str:
        """Return the first alternative of a text entry."""
        return self.texts(key)[0]

    def port(self, key: str) -> int:
        """Return the first alternative of a port entry."""
        return next(a.value for a in self.entries[key] if isinstance(a.value, int))

    def command(self, key: str) -> tuple[str, ...]:
        """Return the first alternative of a command entry as an argument list."""
        return next(a.value for a in self.entries[key] if isinstance(a.value, tuple))

    def words(self, key: str) -> tuple[str, ...]:
        """Return the words of all alternatives of an entry of words, in order."""
        found = (word for a in self.entries[key] if isinstance(a.value, tuple) for word in a.value)
        return tuple(dict.fromkeys(found))

    def everything(self, group: str) -> tuple[str, ...]:
        """Return all text values of a group (``unit``), without repeats, in order."""
        found = (
            alternative.value
            for key, alternatives in self.entries.items()
            if key.startswith(f"{group}.")
            for alternative in alternatives
            if isinstance(alternative.value, str)
        )
        return tuple(dict.fromkeys(found))
