"""The door through which the agent gives something to this machine: to a program, or into a directory.

It is apart from the questions on purpose, as ``actions`` is: what is recorded and replayed cannot reach it.
What is handed over goes through memory, never through a file that another could read.
"""

import os

from iwx_agent.host.answers import CommandAnswer
from iwx_agent.host.commands import run_command
from iwx_agent.host.contract import HostError
from iwx_agent.host.deadline import Deadline, Expired
from iwx_agent.host.local import ask_worker
from iwx_agent.host.questions import RunCommand
from iwx_agent.host.saving import in_memory
from iwx_agent.host.workers import Workers

_END_S = 1.0  # what ending a program's family may take after its time
_LOOK_S = 5.0


def hand_to_program(
    workers: Workers, argv: tuple[str, ...], data: bytes, *, limit_s: float, max_bytes: int
) -> CommandAnswer:
    """Run a program that only root can have put there, with ``data`` as its standard input.

    All is over within ``limit_s``, the end of its whole family included.

    Raises:
        HostError: when it was not started; ``permission`` and ``not_regular`` when it cannot be trusted.
        UnheardError: when it was, and how it ended is not known.
    """
    deadline = Deadline(max(0.1, limit_s - _END_S))
    stuck: list[str] = []  # the answer names them, too
    program = argv[0] if argv else ""
    refuse_untrusted(workers, program, limit_s=deadline.left_s)
    question = RunCommand(argv=argv, timeout_s=deadline.left_s, max_bytes=max_bytes)
    number = in_memory(data)
    try:
        return run_command(workers, question, deadline, stuck.append, given=number)
    except Expired:
        raise HostError("timeout", f"not started within {limit_s:g} s", program) from None
    finally:
        os.close(number)


def refuse_untrusted(workers: Workers, program: str, *, limit_s: float) -> None:
    """Do nothing for a program that only root can have put there, and all directories on the way to it.

    Raises:
        HostError: ``permission`` and ``not_regular`` when it cannot be trusted; else that cannot be told.
    """
    stuck: list[str] = []
    ask_worker(workers, ("trusted", program), Deadline(min(_LOOK_S, limit_s)), program, stuck.append)


def put_into_spool(
    workers: Workers, directory: str, name: str, files: tuple[tuple[str, bytes], ...], *, limit_s: float
) -> bool:
    """Put files under their names into a new directory ``name``: all of them and on the disk, or nothing.

    Returns whether it is new: one that is there already is left as it is.

    Raises:
        HostError: ``timeout`` when that is not known, as for an UnheardError; else nothing was put there.
    """
    sizes = tuple((file, len(data)) for file, data in files)
    number = in_memory(b"".join(data for _, data in files))
    stuck: list[str] = []
    try:
        request = ("spool", directory, name, sizes)
        handed = (number,)
        new: bool = ask_worker(workers, request, Deadline(limit_s), directory, stuck.append, handed=handed)
    finally:
        os.close(number)
    return new


def is_in_spool(workers: Workers, directory: str, name: str, *, limit_s: float) -> bool:
    """Return whether ``put_into_spool`` has put it there.

    Raises:
        HostError: when that cannot be told.
    """
    stuck: list[str] = []
    deadline = Deadline(limit_s)
    found: bool = ask_worker(workers, ("spooled", directory, name), deadline, directory, stuck.append)
    return found
