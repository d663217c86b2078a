"""A ticket as files on this machine: what is left when nothing else works.

Each is a directory of its own, named by the letter's id: ``ticket.txt`` to be read and pasted,
``ticket.json`` for programs, the attachments beside them. It is there whole or not at all, and there once.
Where the disk is what is broken, the spare directory in memory takes it, until the server is restarted.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from iwx_agent.host.contract import HostError, UnheardError
from iwx_agent.host.deadline import Deadline
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.wording import as_json, as_text, letter_id, names, plain_key

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

DIRECTORY = "/var/lib/iwx-agent/tickets"
SPARE = "/run/iwx-agent/tickets"
_FIRST_SHARE = 0.6  # of the time, for the directory; the rest for the spare one


class FileSettings(Struct, frozen=True, kw_only=True):
    """The directory, and the one for a disk that takes nothing (empty: none).

    Each is made where it is missing, root's alone, with the one above it.
    """

    directory: str = DIRECTORY
    spare: str = SPARE


class FileTransport:
    """Puts each letter into the directory."""

    name = "file"

    def __init__(self, workers: "Workers", settings: FileSettings | None = None) -> None:
        self._workers = workers
        self._settings = settings or FileSettings()
        self._where = f"file, {self._settings.directory}"

    def outgoing(self, letter: Letter) -> bytes:
        """Return the text that people read."""
        return as_text(letter).encode()

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Write the ticket and see it on the disk; one that is there already stays as it is."""
        identity = letter_id(letter)
        files = (
            ("ticket.txt", self.outgoing(letter)),
            ("ticket.json", as_json(letter, with_data=False)),
            *zip(names(letter), (one.data for one in letter.attachments), strict=True),
        )
        directory, spare = self._settings.directory, self._settings.spare
        deadline = Deadline(limit_s)
        try:
            first_s = limit_s * _FIRST_SHARE if spare else limit_s
            said = self._put(directory, identity, files, first_s)
        except HostError as error:
            if not spare:
                raise self._not_written(error) from None
            try:
                self._put(spare, identity, files, deadline.left_s)
            except HostError:
                raise self._not_written(error) from None
            why = f"in memory until the server is restarted, since {directory}: {error.reason}"
            return self._receipt(spare, identity, why)
        return self._receipt(directory, identity, said)

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Return whether the ticket with this key is in one of the directories."""
        from iwx_agent.host.handover import is_in_spool

        identity, deadline = plain_key(key), Deadline(limit_s)
        places = tuple(filter(None, (self._settings.directory, self._settings.spare)))
        unseen = ""
        for number, directory in enumerate(places):
            share_s = deadline.left_s / (len(places) - number)
            try:
                found = is_in_spool(self._workers, directory, identity, limit_s=share_s)
            except HostError as error:
                unseen = f"{directory}: {error.reason}"
                continue
            if found:
                return self._receipt(directory, identity, "is there")
        return CannotLook(reason=unseen) if unseen else NotFound(said=f"no {identity} in {places[0]}")

    def _put(
        self, directory: str, identity: str, files: tuple[tuple[str, bytes], ...], limit_s: float
    ) -> str:
        from iwx_agent.host.handover import put_into_spool

        new = put_into_spool(self._workers, directory, identity, files, limit_s=limit_s)
        return "written" if new else "was there already"

    def _receipt(self, directory: str, identity: str, said: str) -> Receipt:
        url = f"file://{directory}/{identity}/ticket.txt"
        return Receipt(transport=self.name, reference=identity, url=url, said=said)

    def _not_written(self, error: HostError) -> Undelivered:
        if error.kind == "timeout" or isinstance(error, UnheardError):
            return Undelivered("uncertain", self._where, error.reason)
        if error.kind in ("permission", "not_regular"):
            step = "set a directory that belongs to root alone, or remove what is in its place"
            return Undelivered("permanent", self._where, error.reason, next_step=step)
        return Undelivered("later", self._where, error.reason)
