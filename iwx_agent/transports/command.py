"""A ticket given to a program of the server's own: JSON on its standard input, its exit code is the answer.

The program belongs to root, and so does every directory on the way to it. It is started without a shell, with
the environment that every command of the agent gets, and ended with all that it has started.
Exit codes as in sysexits.h; docs/reference/transports.md has the contract.
"""

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from iwx_agent.host.answers import CommandAnswer
from iwx_agent.host.contract import HostError, UnheardError
from iwx_agent.rendering.words import one_line
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.said import looked_up, receipt, said_in
from iwx_agent.transports.wording import PAYLOAD_VERSION, as_json, plain_key

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

ACCEPTED = 0
UNAVAILABLE = 69
UNKNOWN = 70
LATER = 75
_OUTPUT_MAX_BYTES = 64 * 1024
_LONGEST_WAIT_S = 24 * 3600.0


class CommandSettings(Struct, frozen=True, kw_only=True):
    """The program with its full path, and its arguments; and one that tells whether a ticket is there."""

    command: tuple[str, ...]
    look_up_command: tuple[str, ...] = ()


class CommandTransport:
    """Gives each letter to the program."""

    name = "command"

    def __init__(self, workers: "Workers", settings: CommandSettings) -> None:
        self._workers = workers
        self._settings = settings
        program = settings.command[0] if settings.command else "none set"
        self._where = f"command, {one_line(program)}"

    def outgoing(self, letter: Letter) -> bytes:
        """Return what the program reads."""
        return as_json(letter)

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Run the program; it has accepted the letter when it ends with 0."""
        try:
            answer = self._run(self._settings.command, self.outgoing(letter), limit_s)
        except UnheardError as error:
            why = f"how it ended is not known: {error.reason}"
            raise Undelivered("uncertain", self._where, why) from None
        except HostError as error:
            raise self._not_started(error) from None
        return receipt_of(answer, self._where)

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Ask the program that can tell, where there is one; only an answer that names the key counts."""
        if not self._settings.look_up_command:
            return CannotLook(reason="no look_up_command is set")
        identity = plain_key(key)
        question = msgspec.json.encode({"version": PAYLOAD_VERSION, "look_up": identity})
        try:
            answer = self._run(self._settings.look_up_command, question, limit_s)
        except HostError as error:
            return CannotLook(reason=f"look_up_command: {error.reason}")
        if answer.exit_code != ACCEPTED:
            ended = "did not end in time" if answer.timed_out else f"ended with {answer.exit_code}"
            return CannotLook(reason=f"look_up_command {ended}")
        return looked_up(self.name, said_in(answer.stdout), identity, "look_up_command", "ended with 0")

    def _run(self, argv: tuple[str, ...], given: bytes, limit_s: float) -> CommandAnswer:
        from iwx_agent.host.handover import hand_to_program

        return hand_to_program(self._workers, argv, given, limit_s=limit_s, max_bytes=_OUTPUT_MAX_BYTES)

    def _not_started(self, error: HostError) -> Undelivered:
        if error.kind in ("permission", "not_regular", "not_found"):
            step = "name a program by its full path that belongs to root, and so all directories above it"
            return Undelivered("permanent", self._where, f"not started: {error.reason}", next_step=step)
        return Undelivered("later", self._where, error.reason)


def receipt_of(answer: CommandAnswer, where: str) -> Receipt:
    """Return what the program's end means. Pure.

    Raises:
        Undelivered: for every end but 0.
    """
    said = said_in(answer.stdout)
    if answer.exit_code == ACCEPTED:
        first = _first_line(answer.stdout) if said is None else ""
        return receipt("command", said, first or "ended with 0")
    errors = _first_line(answer.stderr)
    because = f": {errors}" if errors else ""
    if answer.timed_out:
        why = f"did not end within {answer.duration_s:.1f} s and was ended{because}"
        raise Undelivered("uncertain", where, why)
    if answer.exit_code is None:
        raise Undelivered(
            "uncertain", where, f"was ended: it wrote more than {_OUTPUT_MAX_BYTES} bytes{because}"
        )
    if answer.exit_code < 0:
        raise Undelivered("uncertain", where, f"was ended by signal {-answer.exit_code}{because}")
    why = f"ended with {answer.exit_code}{because}"
    if answer.exit_code in (LATER, UNAVAILABLE):
        wait_s = said.retry_after_s if said else 0.0
        raise Undelivered("later", where, why, retry_after_s=min(max(wait_s, 0.0), _LONGEST_WAIT_S))
    if answer.exit_code == UNKNOWN:
        raise Undelivered("uncertain", where, why)
    raise Undelivered("permanent", where, why, next_step="run the program by hand and look at what it says")


def _first_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return one_line(lines[0], 300) if lines else ""
