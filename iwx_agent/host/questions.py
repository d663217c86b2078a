"""Questions to the machine: each is a value with its own bound in time and in size.

``identity`` is what makes two questions the same one: kind and subject, never the bounds, so that a capture
taken with other bounds still answers.
"""

from typing import Literal

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB


class Question(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all questions. ``identity`` leaves out the bounds: a replay answers whatever the bounds are."""

    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        """Return what was asked as a person would write it: a path, a command line, a URL."""
        raise NotImplementedError

    @property
    def identity(self) -> tuple[str, ...]:
        """Return what makes two questions the same one: kind and subject, not limits."""
        return (type(self).__name__, self.source)


class ReadFile(Question, frozen=True, kw_only=True, tag="read"):
    """The first ``max_bytes`` of a regular file."""

    path: str
    max_bytes: int = 1 * MIB
    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        return self.path


class TailFile(Question, frozen=True, kw_only=True, tag="tail"):
    """The last ``max_bytes`` of a regular file, from the start of a line."""

    path: str
    max_bytes: int = 256 * KIB
    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        return self.path


class ScanFile(Question, frozen=True, kw_only=True, tag="scan"):
    """The last lines of a regular file that contain one of ``needles``, at most ``max_bytes`` of them.

    Looks at no more than the last ``scan_bytes``; in constant memory, whatever the size of the file.
    """

    path: str
    needles: tuple[str, ...]
    scan_bytes: int = 64 * MIB
    max_bytes: int = 256 * KIB
    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        return self.path

    @property
    def identity(self) -> tuple[str, ...]:
        return ("ScanFile", self.path, *self.needles)


class ListDirectory(Question, frozen=True, kw_only=True, tag="list"):
    """Up to ``max_entries`` names of a directory with kind, size and time, sorted by name."""

    path: str
    max_entries: int = 5000
    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        return self.path


class CountTree(Question, frozen=True, kw_only=True, tag="count_tree"):
    """How many regular files lie below a directory, at most ``depth`` levels down; symlinks not followed."""

    path: str
    depth: int = 2
    max_entries: int = 200_000
    timeout_s: float = 10.0

    @property
    def source(self) -> str:
        return self.path


class Stat(Question, frozen=True, kw_only=True, tag="stat"):
    """What lies at a path; ``follow`` says whether a symlink is followed."""

    path: str
    follow: bool = True
    timeout_s: float = 3.0

    @property
    def source(self) -> str:
        return self.path

    @property
    def identity(self) -> tuple[str, ...]:
        return ("Stat", self.path, str(self.follow))


class StatVfs(Question, frozen=True, kw_only=True, tag="statvfs"):
    """Space and inodes of the file system at a path."""

    path: str
    timeout_s: float = 3.0

    @property
    def source(self) -> str:
        return self.path


class RunCommand(Question, frozen=True, kw_only=True, tag="run"):
    """A program with its arguments: no shell, stdin closed, C locale, fixed PATH, its own session."""

    argv: tuple[str, ...]
    timeout_s: float = 10.0
    max_bytes: int = 1 * MIB

    @property
    def source(self) -> str:
        return " ".join(self.argv)

    @property
    def identity(self) -> tuple[str, ...]:
        return ("RunCommand", *self.argv)


class HttpGet(Question, frozen=True, kw_only=True, tag="http"):
    """One GET without following redirects, over loopback or another given address.

    ``url`` gives scheme, name (Host header and TLS server name), port and path; ``address`` is where to
    connect. Certificates are not verified here: the agent asks its own machine, where self-signed is normal.
    """

    url: str
    address: str = "127.0.0.1"
    timeout_s: float = 10.0
    max_bytes: int = 64 * KIB

    @property
    def source(self) -> str:
        return f"GET {self.url} at {self.address}"


class TcpGreeting(Question, frozen=True, kw_only=True, tag="tcp"):
    """Connect, optionally speak TLS, and read the greeting up to its first newline or ``max_bytes``.

    ``farewell`` is sent before closing so that the server does not log a broken session.
    With ``expect_greeting`` false the question is answered as soon as the connection (and TLS) stands.
    """

    port: int
    address: str = "127.0.0.1"
    tls: bool = False
    server_name: str = ""
    expect_greeting: bool = True
    farewell: str = ""
    timeout_s: float = 10.0
    max_bytes: int = 4 * KIB

    @property
    def source(self) -> str:
        return f"{'tls' if self.tls else 'tcp'} {self.address}:{self.port}" + (
            f" as {self.server_name}" if self.server_name else ""
        )


class UnixGreeting(Question, frozen=True, kw_only=True, tag="unix"):
    """Connect to a unix stream socket and read what it says first (up to ``max_bytes``, one read)."""

    path: str
    expect_greeting: bool = True
    timeout_s: float = 5.0
    max_bytes: int = 4 * KIB

    @property
    def source(self) -> str:
        return f"unix {self.path}"


class Datagram(Question, frozen=True, kw_only=True, tag="datagram"):
    """One question and one answer over UDP, or over TCP with DNS' two-byte length before each."""

    payload: bytes
    port: int
    address: str = "127.0.0.1"
    protocol: Literal["udp", "tcp"] = "udp"
    timeout_s: float = 3.0
    attempts: int = 2
    label: str = ""  # what is asked, for people: the payload is bytes

    @property
    def source(self) -> str:
        return f"{self.protocol} {self.address}:{self.port} {self.label}".rstrip()


class Resolve(Question, frozen=True, kw_only=True, tag="resolve"):
    """Name to addresses through the system's resolver (getaddrinfo), which may hang and can be abandoned."""

    name: str
    timeout_s: float = 6.0

    @property
    def source(self) -> str:
        return f"resolve {self.name}"


class DsnPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a DSN stands: a key in a section of an ini file. What it says is read by the live host only."""

    path: str
    section: str
    key: str

    def __str__(self) -> str:
        return f"database of [{self.section}] {self.key} in {self.path}"


class PanelTables(Question, frozen=True, kw_only=True, tag="sql_tables"):
    """Columns of the tables whose name contains one of ``words``, in the database that a DSN leads to.

    The question says where the DSN stands, never what it says: its password is read, used and forgotten
    inside the live host, so that no capture or message can hold it.
    """

    dsn: DsnPlace
    words: tuple[str, ...]  # small letters and digits
    max_rows: int = 2000
    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        return f"{self.dsn}: its tables"

    @property
    def identity(self) -> tuple[str, ...]:
        return ("PanelTables", self.source, *self.words)


class PanelRows(Question, frozen=True, kw_only=True, tag="sql_rows"):
    """Some columns of one table of that database, at most ``max_rows`` rows in the order of one column.

    ``times`` are columns of a date type, asked as seconds since the epoch. With ``words`` only rows whose
    ``words_column`` is one of these (small letters) are given, with ``without`` only the others. There is no
    SQL in the question: the host writes it, and lets nothing but names of tables and columns into it.
    """

    dsn: DsnPlace
    table: str
    columns: tuple[str, ...]
    times: tuple[str, ...] = ()
    order_by: str
    newest_first: bool = False
    words_column: str = ""
    words: tuple[str, ...] = ()
    without: bool = False
    max_rows: int = 2000
    timeout_s: float = 5.0

    @property
    def source(self) -> str:
        return f"{self.dsn}: table {self.table}"

    @property
    def identity(self) -> tuple[str, ...]:
        asked = (*self.columns, "times", *self.times, "by", self.order_by, str(self.newest_first))
        limited = (self.words_column, str(self.without), *self.words) if self.words else ()
        return ("PanelRows", self.source, *asked, "words", *limited)


class AskProcesses(Question, frozen=True, kw_only=True, tag="processes"):
    """All processes."""

    timeout_s: float = 8.0

    @property
    def source(self) -> str:
        return "process list"


class AskSockets(Question, frozen=True, kw_only=True, tag="sockets"):
    """All listening TCP and bound UDP sockets."""

    timeout_s: float = 8.0

    @property
    def source(self) -> str:
        return "socket list"


class AskClock(Question, frozen=True, kw_only=True, tag="clock"):
    """The wall clock, the boot time, the machine's name and who is asking."""

    timeout_s: float = 1.0

    @property
    def source(self) -> str:
        return "clock"
