"""Answers of the machine: values that can be recorded and replayed."""

from typing import Literal

from msgspec import Struct

FileKind = Literal["file", "directory", "symlink", "fifo", "socket", "device", "other"]


class FileContent(Struct, frozen=True, kw_only=True):
    """Bytes of a regular file; ``truncated`` when there is more than was read, on whichever side."""

    data: bytes
    size_bytes: int
    modified_at: float
    truncated: bool = False
    path: str = ""

    @property
    def text(self) -> str:
        """Return the bytes as text; invalid UTF-8 becomes U+FFFD, never an error."""
        return self.data.decode("utf-8", "replace")


class DirectoryEntry(Struct, frozen=True, kw_only=True):
    """One name in a directory."""

    name: str
    kind: FileKind
    size_bytes: int = 0
    modified_at: float = 0.0


class DirectoryListing(Struct, frozen=True, kw_only=True):
    """Names of a directory, sorted; ``truncated`` when there are more."""

    entries: tuple[DirectoryEntry, ...]
    truncated: bool = False


class TreeCount(Struct, frozen=True, kw_only=True):
    """Regular files below a directory; times None when there is none. ``truncated``: there are more."""

    files_count: int
    size_bytes: int
    oldest_at: float | None = None
    newest_at: float | None = None
    truncated: bool = False


class FileStatus(Struct, frozen=True, kw_only=True):
    """What ``stat`` says; ``mode`` is the permission bits."""

    kind: FileKind
    size_bytes: int
    modified_at: float
    mode: int
    uid: int = 0
    gid: int = 0


class FileSystemStatus(Struct, frozen=True, kw_only=True):
    """What ``statvfs`` says; ``available_bytes`` is what an ordinary user may still write."""

    total_bytes: int
    free_bytes: int
    available_bytes: int
    inodes_count: int
    inodes_free_count: int
    read_only: bool


class CommandAnswer(Struct, frozen=True, kw_only=True):
    """What a command did. ``exit_code`` is None when it was ended: at its deadline, or for too much output.

    Output is kept either way. A command that a signal ended has that signal's number, negative.
    ``left_behind`` names the processes that had to be ended or could not be: never an empty promise.
    """

    argv: tuple[str, ...]
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    duration_s: float
    truncated: bool = False
    timed_out: bool = False
    left_behind: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return standard output as text; invalid UTF-8 becomes U+FFFD."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        """Return standard error as text; invalid UTF-8 becomes U+FFFD."""
        return self.stderr.decode("utf-8", "replace")

    @property
    def source(self) -> str:
        """Return the command with its exit code, as evidence quotes it."""
        ended = f"exit {self.exit_code}"
        if self.exit_code is None:
            ended = "timed out" if self.timed_out else "cut off"
        return f"{' '.join(self.argv)} ({ended})"


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """Status, headers and the start of the body. Header names are lower case, in the order received."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    duration_s: float
    truncated: bool = False

    def header(self, name: str) -> str:
        """Return the first header of that name (any case), or an empty string."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    @property
    def text(self) -> str:
        """Return the body as text; invalid UTF-8 becomes U+FFFD."""
        return self.body.decode("utf-8", "replace")


class GreetingAnswer(Struct, frozen=True, kw_only=True):
    """What a peer said first; ``certificate`` is its DER certificate when TLS was spoken."""

    data: bytes
    duration_s: float
    certificate: bytes = b""


class DatagramAnswer(Struct, frozen=True, kw_only=True):
    """The reply to a datagram."""

    data: bytes
    duration_s: float


class ResolveAnswer(Struct, frozen=True, kw_only=True):
    """The addresses of a name, and how long it took."""

    addresses: tuple[str, ...]
    duration_s: float


class TableRows(Struct, frozen=True, kw_only=True):
    """Rows of a database table as text, None for NULL; ``columns`` names them in order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    duration_s: float
    truncated: bool = False


class ClockAnswer(Struct, frozen=True, kw_only=True):
    """The clock and who asks: epoch seconds, boot time, kernel host name, effective user id."""

    now_at: float
    booted_at: float
    host_name: str
    effective_uid: int
