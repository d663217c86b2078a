"""The contract of the host: the one door to the machine, live, recorded or replayed."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, TypeVar

from msgspec import Struct

from iwx_agent.host import answers as a
from iwx_agent.host import questions as q
from iwx_agent.model import ListeningSockets, Processes

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

AnswerT = TypeVar("AnswerT", bound=Struct)

ErrorKind = Literal[
    "not_found",  # certain: there is no such file, directory, program or name
    "permission",
    "not_regular",  # a FIFO, device, socket or directory where a file was expected
    "timeout",
    "refused",
    "unreachable",
    "closed",  # the peer accepted and closed or reset
    "tls",
    "failed",  # any other error of the operating system; the text says which
    "over_budget",  # the run's own budget ended first
    "not_captured",  # replay: this question was never asked when the capture was taken
]

ANSWER_TYPES: dict[type[q.Question], type[Struct]] = {
    q.ReadFile: a.FileContent,
    q.TailFile: a.FileContent,
    q.ScanFile: a.FileContent,
    q.ListDirectory: a.DirectoryListing,
    q.CountTree: a.TreeCount,
    q.Stat: a.FileStatus,
    q.StatVfs: a.FileSystemStatus,
    q.RunCommand: a.CommandAnswer,
    q.HttpGet: a.HttpAnswer,
    q.TcpGreeting: a.GreetingAnswer,
    q.UnixGreeting: a.GreetingAnswer,
    q.Datagram: a.DatagramAnswer,
    q.Resolve: a.ResolveAnswer,
    q.PanelTables: a.TableRows,
    q.PanelRows: a.TableRows,
    q.AskProcesses: Processes,
    q.AskSockets: ListeningSockets,
    q.AskClock: a.ClockAnswer,
}


class HostError(Exception):
    """A question without an answer: ``kind`` for code, ``reason`` for people, ``source`` what was asked."""

    def __init__(self, kind: ErrorKind, reason: str, source: str) -> None:
        self.kind: ErrorKind = kind
        self.reason = reason
        self.source = source
        super().__init__(f"{source}: {reason}")


class UnheardError(HostError):
    """It was begun, and who did it was ended before it told the outcome: perhaps it was done, perhaps not.

    For a question that makes no difference, and its ``kind`` is ``failed``. For what is handed over it does.
    """

    def __init__(self, reason: str, source: str) -> None:
        super().__init__("failed", reason, source)


class Host(ABC):
    """The only door to the machine. A subclass answers questions; everything here is spelling.

    All methods raise HostError when there is no answer, and are bounded in time whatever the machine does.
    """

    @abstractmethod
    def answer(self, question: q.Question) -> Struct:
        """Answer one question with the type that ``ANSWER_TYPES`` names."""

    @abstractmethod
    def pause(self, duration_s: float) -> None:
        """Wait between two samples, at most until the budget ends; a replay does not wait."""

    @property
    def workers(self) -> "Workers | None":
        """Return the workers of an open run, for the agent's own files; None where it has none to write."""
        return None

    @property
    def replays(self) -> bool:
        """Return whether it answers for another time or machine than that on which it is asked."""
        return False

    def aside(self, budget_s: float) -> "Host":  # noqa: ARG002 - for those that have one
        """Return the same machine for what the agent itself must know: a budget of its own, no recorder.

        Not to be used any more when this one has been closed.
        """
        return self

    def _ask(self, question: q.Question, kind: type[AnswerT]) -> AnswerT:
        found = self.answer(question)
        if not isinstance(found, kind):
            raise HostError("failed", f"answered with a {type(found).__name__}", question.source)
        return found

    def read(self, path: str, *, max_bytes: int = q.MIB, timeout_s: float = 5.0) -> a.FileContent:
        """Return the first ``max_bytes`` of a regular file."""
        return self._ask(q.ReadFile(path=path, max_bytes=max_bytes, timeout_s=timeout_s), a.FileContent)

    def tail(self, path: str, *, max_bytes: int = 256 * q.KIB, timeout_s: float = 5.0) -> a.FileContent:
        """Return the last ``max_bytes`` of a regular file, from the start of a line."""
        return self._ask(q.TailFile(path=path, max_bytes=max_bytes, timeout_s=timeout_s), a.FileContent)

    def scan(
        self, path: str, *, needles: tuple[str, ...], scan_bytes: int = 64 * q.MIB, timeout_s: float = 5.0
    ) -> a.FileContent:
        """Return the last lines of a regular file that contain one of ``needles``, however big it is."""
        question = q.ScanFile(path=path, needles=needles, scan_bytes=scan_bytes, timeout_s=timeout_s)
        return self._ask(question, a.FileContent)

    def list_directory(
        self, path: str, *, max_entries: int = 5000, timeout_s: float = 5.0
    ) -> a.DirectoryListing:
        """Return the names in a directory, sorted."""
        question = q.ListDirectory(path=path, max_entries=max_entries, timeout_s=timeout_s)
        return self._ask(question, a.DirectoryListing)

    def count_tree(self, path: str, *, depth: int = 2, max_entries: int = 200_000) -> a.TreeCount:
        """Return how many regular files lie below a directory, and the oldest and newest time."""
        return self._ask(q.CountTree(path=path, depth=depth, max_entries=max_entries), a.TreeCount)

    def stat(self, path: str, *, follow: bool = True) -> a.FileStatus:
        """Return what lies at a path."""
        return self._ask(q.Stat(path=path, follow=follow), a.FileStatus)

    def statvfs(self, path: str, *, timeout_s: float = 3.0) -> a.FileSystemStatus:
        """Return space and inodes of the file system at a path."""
        return self._ask(q.StatVfs(path=path, timeout_s=timeout_s), a.FileSystemStatus)

    def run(
        self, argv: tuple[str, ...], *, timeout_s: float = 10.0, max_bytes: int = q.MIB
    ) -> a.CommandAnswer:
        """Run a program; a deadline passed is an answer with ``timed_out``, no such program a HostError."""
        return self._ask(q.RunCommand(argv=argv, timeout_s=timeout_s, max_bytes=max_bytes), a.CommandAnswer)

    def http_get(self, url: str, *, address: str = "127.0.0.1", timeout_s: float = 10.0) -> a.HttpAnswer:
        """GET a URL at ``address`` without following redirects."""
        return self._ask(q.HttpGet(url=url, address=address, timeout_s=timeout_s), a.HttpAnswer)

    def greeting(self, question: q.TcpGreeting | q.UnixGreeting) -> a.GreetingAnswer:
        """Return what a TCP port or unix socket says first."""
        return self._ask(question, a.GreetingAnswer)

    def datagram(self, question: q.Datagram) -> a.DatagramAnswer:
        """Return the reply to one DNS question over UDP or TCP."""
        return self._ask(question, a.DatagramAnswer)

    def resolve(self, name: str, *, timeout_s: float = 6.0) -> a.ResolveAnswer:
        """Return the addresses of a name as the system's resolver gives them."""
        return self._ask(q.Resolve(name=name, timeout_s=timeout_s), a.ResolveAnswer)

    def table_rows(self, question: q.PanelTables | q.PanelRows) -> a.TableRows:
        """Return rows of a database, read-only; the question names the place of the DSN, not its password."""
        return self._ask(question, a.TableRows)

    def processes(self) -> Processes:
        """Return all processes."""
        return self._ask(q.AskProcesses(), Processes)

    def sockets(self) -> ListeningSockets:
        """Return all listening TCP and bound UDP sockets."""
        return self._ask(q.AskSockets(), ListeningSockets)

    def clock(self) -> a.ClockAnswer:
        """Return the time, the boot time, the machine's name and who asks."""
        return self._ask(q.AskClock(), a.ClockAnswer)


class Memo(Host):
    """A host that asks each question once per look: nothing is read twice, whoever asks.

    Two threads with the same question wait for one answer. ``resample`` is the host behind it, for second
    samples.
    """

    def __init__(self, host: Host) -> None:
        import threading

        self.resample = host
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, ...], _Slot] = {}

    def answer(self, question: q.Question) -> Struct:
        """Answer from memory, or ask once."""
        with self._lock:
            slot = self._slots.get(question.identity)
            mine = slot is None
            if slot is None:
                slot = self._slots[question.identity] = _Slot()
        if mine:
            slot.fill(self.resample, question)
        return slot.take()

    def pause(self, duration_s: float) -> None:
        """Wait as the host behind it does."""
        self.resample.pause(duration_s)


class _Slot:
    """One question's answer, error or defect, set once."""

    def __init__(self) -> None:
        import threading

        self._ready = threading.Event()
        self._found: Struct | None = None
        self._error: BaseException | None = None

    def fill(self, host: Host, question: q.Question) -> None:
        try:
            self._found = host.answer(question)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._ready.set()

    def take(self) -> Struct:
        self._ready.wait()
        if self._error is not None:
            raise self._error
        if self._found is None:
            raise RuntimeError("a slot is ready but empty")
        return self._found
