"""Run one program for the agent and see to it that nothing of it is left.

The agent holds the reading ends of the program's output and the deadline; this side starts it, tells when and
how it ended, and ends its whole family when told to, or when the agent is gone.
"""

import _signal  # type: ignore[import-not-found]
import errno
import os
from _socket import MSG_DONTWAIT, socket
from select import POLLIN, poll

from . import family, frames

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEFAULT_SIGNALS = (
    _signal.SIGPIPE,
    _signal.SIGXFSZ,
    _signal.SIGHUP,
    _signal.SIGINT,
    _signal.SIGQUIT,
    _signal.SIGTERM,
    _signal.SIGCHLD,
)


def home() -> str:
    """Return the home directory without asking a name service, which may hang: only /etc/passwd is read."""
    uid = os.geteuid()
    if uid == 0:
        return "/root"
    for line in family.read_small("/etc/passwd", 256 * 1024).split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 5 and fields[2] == b"%d" % uid:
            return os.fsdecode(fields[5])
    return "/"


def environment(mark: str) -> dict[str, str]:
    """Return the whole environment of a command: never the caller's."""
    return {
        "PATH": PATH,
        "LC_ALL": "C",
        "LANG": "C",
        "HOME": home(),
        "TERM": "dumb",
        "IWX_AGENT_QUESTION": mark,
    }


def become(argv: tuple[str, ...], mark: str, handed: list[int], failure: int) -> None:
    """Turn this fork into the program; on failure write ``errno reason`` to ``failure`` and exit 127.

    ``handed`` are its standard output, its standard error and, for one that is given something, its input.
    """
    try:
        os.setsid()
        for number, place in zip(handed, (1, 2, 0), strict=False):
            os.dup2(number, place)
        for number in _DEFAULT_SIGNALS:
            _signal.signal(number, _signal.SIG_DFL)
        _execute(argv, environment(mark))
    except OSError as error:
        os.write(failure, f"{error.errno or 0} {error.strerror}".encode())
    except ValueError as error:  # a NUL in an argument
        os.write(failure, f"{errno.EINVAL} {error}".encode())
    finally:
        os._exit(127)


def _execute(argv: tuple[str, ...], variables: dict[str, str]) -> None:
    program = argv[0]
    if "/" in program:
        _execute_file(program, argv, variables)
    refused: OSError | None = None
    for directory in PATH.split(":"):
        try:
            _execute_file(f"{directory}/{program}", argv, variables)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            refused = error
    raise refused or FileNotFoundError(errno.ENOENT, "no such program")


def _execute_file(path: str, argv: tuple[str, ...], variables: dict[str, str]) -> None:
    try:
        os.execve(path, argv, variables)  # noqa: S606 (no shell is the point)
    except FileNotFoundError:
        if os.path.lexists(path):  # the program is there; what runs it is not
            raise OSError(errno.ENOEXEC, "its interpreter or the target of its link is missing") from None
        raise


class Supervisor:
    """One command from start to the last of its descendants."""

    def __init__(
        self, channel: socket, awake: int, argv: tuple[str, ...], mark: str, handed: list[int]
    ) -> None:
        self.channel = channel
        self.awake = awake
        self.events = poll()
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        self.failure = read_end
        self.pid = os.fork()
        if self.pid == 0:
            become(argv, mark, handed, write_end)
        for number in (write_end, *handed):
            os.close(number)

    def watch(self) -> bool:
        """Report until the command and its family are gone; return whether this process is clean again."""
        for number in (self.channel.fileno(), self.awake, self.failure):
            self.events.register(number, POLLIN)
        try:
            while True:
                ready = {number for number, _ in self.events.poll()}
                if self._failed_to_start():
                    return True
                if self.awake in ready and self._ended_alone():
                    return True
                if self.channel.fileno() in ready:
                    return self._end()
        finally:
            self._close_failure()

    def _failed_to_start(self) -> bool:
        """Look whether the program could not be executed; the pipe closes by itself when it could."""
        if self.failure < 0:
            return False
        try:
            told = os.read(self.failure, 500)
        except BlockingIOError:
            return False
        self._close_failure()
        if not told:
            return False
        number, _, reason = told.decode("utf-8", "replace").partition(" ")
        family.end_family(os.getpid())
        self._send(("unstarted", int(number), reason))
        return True

    def _close_failure(self) -> None:
        if self.failure >= 0:
            self.events.unregister(self.failure)
            os.close(self.failure)
            self.failure = -1

    def _ended_alone(self) -> bool:
        drain(self.awake)
        status = family.reap().get(self.pid)
        if status is None:
            return False
        alone = family.childless()
        self._send(("exited", os.waitstatus_to_exitcode(status), alone))
        return alone

    def _end(self) -> bool:
        """End the family because the agent says so, or because the agent is gone."""
        try:
            gone = not self.channel.recv(65536, MSG_DONTWAIT)  # one word at most: "end"
        except OSError:
            gone = True
        fates, left = family.end_family(os.getpid())
        if not gone:
            self._send(("ended", fates, left))
        return not left and not gone

    def _send(self, message: frames.Message) -> None:
        try:
            self.channel.sendall(frames.pack(message))
        except OSError:
            return  # the agent is gone: its end of the channel says so again at the next look


def drain(number: int) -> None:
    """Empty the wake-up pipe."""
    try:
        while os.read(number, 4096):
            pass
    except BlockingIOError:
        return
