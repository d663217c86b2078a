"""The server's own secrets, for one purpose: to be looked for in what is about to leave.

They are read through the host itself, never through a recorder, so that no capture can hold them; they stay
in the ``Canaries`` of this process. What exists and could not be read is named there: nothing was compared
with it.
"""

import time
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from iwx_agent.host import Host, HostError
from iwx_agent.model import Layout
from iwx_agent.redact import Canaries
from iwx_agent.redact.secrets import keys_in, secrets_in, users_in

BUDGET_S = 3.0
_FILE_BYTES = 256 * 1024
_KEY_BYTES = 16 * 1024  # of a file found by a pattern, whoever wrote it: more than any key has
_TIMEOUT_S = 1.0
_SECRETS_PER_FILE_COUNT = 64
_FILES_PER_PLACE_COUNT = 24  # of the keys of all sites the first ones: rules hide keys by their form, too
_DIRECTORIES_PER_PLACE_COUNT = 100
_ENTRIES_COUNT = 2000
_UNREAD_COUNT = 40


def canaries_of(host: Host, layout: Layout, *, public: Iterable[str] = ()) -> Canaries:
    """Return the secrets of a machine to look for; ``public`` are words that are none whatever a file says.

    The panel's settings come first, then files that hold secrets, then what has a ``*`` in its path.
    """
    reading = _Reading(host)
    places = dict.fromkeys(
        (*layout.texts("path.panel_ini"), *layout.everything("secret_file"), *layout.everything("secrets_in"))
    )
    found: list[tuple[str, str]] = []
    names: list[str] = list(public)
    of_customers = layout.texts("secret_file.site_keys")
    for place in sorted(places, key=lambda place: "*" in place):
        max_bytes = _KEY_BYTES if "*" in place else _FILE_BYTES
        for path in reading.paths(place):
            text = reading.text(path, max_bytes)
            if place in of_customers:
                found += ((path, key) for key in keys_in(text)[:_SECRETS_PER_FILE_COUNT])
                continue
            names += users_in(text)
            found += ((path, secret) for secret in secrets_in(text)[:_SECRETS_PER_FILE_COUNT])
    return Canaries(found, public=names, unread=reading.unread)


class _Reading:
    """Reads places; what is certainly not there is passed over, what else cannot be read is remembered."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ends_s = time.monotonic() + BUDGET_S
        self.unread: dict[str, str] = {}

    def text(self, path: str, max_bytes: int) -> str:
        if time.monotonic() > self._ends_s:  # what was read takes time, too, when it is made to
            self._remember(path, "no time was left")
            return ""
        try:
            answer = self._host.read(path, max_bytes=max_bytes, timeout_s=_TIMEOUT_S)
        except HostError as error:
            self._not_read(path, error)
            return ""
        if answer.truncated:
            self._remember(path, f"only its first {max_bytes} bytes")
        return answer.data.decode("utf-8", "replace")

    def paths(self, place: str) -> Iterator[str]:
        """Yield the paths that a place stands for; ``*`` is for one part of it, or for a part of that."""
        if "*" not in place:
            yield place
            return
        self._left = _DIRECTORIES_PER_PLACE_COUNT
        for number, path in enumerate(self._below("", place.strip("/").split("/"))):
            if number >= _FILES_PER_PLACE_COUNT:
                return
            yield path

    def _below(self, above: str, parts: list[str]) -> Iterator[str]:
        fixed = next((number for number, part in enumerate(parts) if "*" in part), len(parts))
        above = "/".join((above, *parts[:fixed]))
        if fixed == len(parts):
            yield above
            return
        for name in self._names(above):
            if fnmatchcase(name, parts[fixed]):
                yield from self._below(f"{above}/{name}", parts[fixed + 1 :])

    def _names(self, directory: str) -> tuple[str, ...]:
        if self._left <= 0:
            return ()
        self._left -= 1
        try:
            listing = self._host.list_directory(directory, max_entries=_ENTRIES_COUNT, timeout_s=_TIMEOUT_S)
        except HostError as error:
            self._not_read(directory, error)
            return ()
        return tuple(entry.name for entry in listing.entries)

    def _not_read(self, path: str, error: HostError) -> None:
        if error.kind != "not_found":
            self._remember(path, error.reason)

    def _remember(self, path: str, why: str) -> None:
        if len(self.unread) < _UNREAD_COUNT:
            self.unread.setdefault(path, why)
