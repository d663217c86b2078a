"""A ticket as files on this machine: what is left when nothing else works.

Each is a directory of its own, named by the letter's id: ``ticket.txt`` to be read and pasted,
``ticket.json`` for programs, the attachments beside them. It is there whole or not at all, and there once.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from iwx_agent.host.contract import HostError
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.wording import as_json, as_text, letter_id, names, plain_key

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

DIRECTORY = "/var/spool/iwx-agent"


class FileSettings(Struct, frozen=True, kw_only=True):
    """The directory; it is made where it is missing, root's alone. The one above it must be there."""

    directory: str = DIRECTORY


class FileTransport:
    """Puts each letter into the directory."""

    name = "file"

    def __init__(self, workers: "Workers", settings: FileSettings | None = None) -> None:
        self._workers = workers
        self._directory = (settings or FileSettings()).directory
        self._where = f"file, {self._directory}"

    def outgoing(self, letter: Letter) -> bytes:
        """Return the text that people read."""
        return as_text(letter).encode()

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Write the ticket and see it on the disk; one that is there already stays as it is."""
        from iwx_agent.host.handover import put_into_spool

        identity = letter_id(letter)
        files = (
            ("ticket.txt", self.outgoing(letter)),
            ("ticket.json", as_json(letter, with_data=False)),
            *zip(names(letter), (one.data for one in letter.attachments), strict=True),
        )
        try:
            new = put_into_spool(self._workers, self._directory, identity, files, limit_s=limit_s)
        except HostError as error:
            raise self._not_written(error) from None
        return self._receipt(identity, "written" if new else "was there already")

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Return whether the ticket with this key is in the directory."""
        from iwx_agent.host.handover import is_in_spool

        identity = plain_key(key)
        try:
            found = is_in_spool(self._workers, self._directory, identity, limit_s=limit_s)
        except HostError as error:
            return CannotLook(reason=f"{self._directory}: {error.reason}")
        if found:
            return self._receipt(identity, "is there")
        return NotFound(said=f"no {identity} in {self._directory}")

    def _receipt(self, identity: str, said: str) -> Receipt:
        place = f"{self._directory}/{identity}/ticket.txt"
        return Receipt(transport=self.name, reference=identity, url=f"file://{place}", said=said)

    def _not_written(self, error: HostError) -> Undelivered:
        if error.kind == "timeout":
            return Undelivered("uncertain", self._where, error.reason)
        if error.kind in ("permission", "not_regular"):
            step = "set a directory that belongs to root alone, or remove what is in its place"
            return Undelivered("permanent", self._where, error.reason, next_step=step)
        return Undelivered("later", self._where, error.reason)
