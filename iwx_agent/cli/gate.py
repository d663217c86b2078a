"""The one way out: all that a command writes leaves without the server's secrets, or not at all.

Standard output is held until the command has ended. Unless the command knows better, it is redacted as any
text, and then searched for the server's secrets. Standard error goes on at once, each piece looked at in the
same way.
"""

import io
import re
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TextIO

if TYPE_CHECKING:
    from iwx_agent.redact import Redactor

EXIT_STOPPED = 70
_COLOURS = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_open: list["Gate"] = []


def gate() -> "Gate":
    """Return the gate that is open: there is one while a command runs."""
    return _open[-1]


class Gate:
    """Takes the place of standard output and standard error while a command runs.

    What it holds is one of three kinds: ``text`` (the default: of the machine, or nobody knows), ``redacted``
    (made of what has been redacted: compared with the secrets only), ``plain`` (the agent's own words).
    """

    def __init__(self, stdout: TextIO | None, stderr: TextIO | None) -> None:
        self._stdout, self._stderr = stdout, stderr
        self._held = _Held(stdout)
        self._kind: Literal["text", "redacted", "plain"] = "text"
        self._redactor: Redactor | None = None
        self._here = True
        self._released: list[bytes] = []
        self._lock = threading.RLock()
        self._before: tuple[Any, ...] = ()
        self._texts: tuple[io.TextIOWrapper, ...] = ()
        self.stopped = False
        self.wrote = False
        self.untouched = True
        self._wholly = False

    def __enter__(self) -> Self:
        self._before = (sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook, threading.excepthook)
        self._texts = (
            _text(self._held, self._stdout),
            _text(_Passing(self._stderr, self.say), self._stderr),
        )
        sys.stdout, sys.stderr = self._texts  # kept here, too: one that is forgotten closes what it holds
        sys.excepthook = _only_its_kind
        sys.unraisablehook = _ignored
        threading.excepthook = _of_a_thread
        _open.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open.remove(self)
        sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook, threading.excepthook = self._before

    @property
    def terminal(self) -> TextIO:
        """Return what stands behind standard error: for progress, which is made of names of facts only."""
        return self._stderr if self._stderr is not None else io.StringIO()

    def begin(self, *, own_words: bool) -> None:
        """Take note that a command begins, which is no help text any more."""
        self.untouched = False
        if own_words:
            self.plain()

    def plain(self, *, wholly: bool = False) -> None:
        """Take what is held as the agent's own words; ``wholly`` also what goes to standard error."""
        self._kind = "plain"
        self._wholly = wholly

    def redacted(self) -> None:
        """Take what is held as made of what has been redacted: it is compared with the secrets only."""
        self._kind = "redacted"

    def of_a_report(self, redactor: "Redactor | None") -> None:
        """Take what is held as made of a report that this redacted; None: one that quotes nothing."""
        if redactor is None:
            self.plain()
        else:
            self.redacted()
            self._redactor = redactor

    def of_a_capture(self) -> None:
        """Do not look for this machine's secrets: it is another one that is spoken of."""
        self._here = False

    def write_released(self, data: bytes) -> None:
        """Hold bytes that have passed ``release`` in parts, before they were packed or encrypted."""
        self._released.append(data)

    def checked(self, data: bytes) -> bytes:
        """Return bytes that are to be written to a file, unchanged.

        Raises:
            CanaryError: one of the server's secrets is in them.
        """
        return self._compared().release(data)

    def say(self, data: bytes, kind: Literal["text", "redacted"] = "text") -> None:
        """Write to standard error now, redacted; or stop, and say only where the secret is kept.

        What is ``redacted`` already, or in the agent's own words, is compared with the secrets only.
        """
        with self._lock:
            if self.stopped:
                return
            try:
                told = data if self._wholly else self._looked_at(data, kind)
            except Exception as error:  # noqa: BLE001 - the wall: what could not be looked at stays here
                self.stop(error)
                return
            _write(self._stderr, told)

    def let_out(self) -> bool:
        """Write what is held to standard output; return false when it was stopped, and nothing was written.

        Raises:
            OSError: it could not be written.
        """
        with self._lock:
            data = b"" if self.stopped else self._held.getvalue()
            if data and self._kind != "plain":
                try:
                    data = self._looked_at(data, self._kind)
                except Exception as error:  # noqa: BLE001 - the wall: what could not be looked at stays here
                    self.stop(error)
            if self.stopped:
                return False
            told = b"".join((data, *self._released))
            _write(self._stdout, told)
            self.wrote = bool(told)
            return True

    def stop(self, error: Exception) -> None:
        """Let nothing out any more, and say why without any text that could hold a secret."""
        hit = getattr(error, "hit", None)
        if hit is not None:
            said = f"a secret of {hit.source} would have been in the output: nothing was written"
        else:
            kind = type(error).__name__
            said = f"the output could not be searched for secrets ({kind}): nothing was written"
        with self._lock:
            if not self.stopped:
                self.stopped = True
                _write(self._stderr, f"iwx-agent: {said}\n".encode("utf-8", "backslashreplace"))

    def _looked_at(self, data: bytes, kind: str) -> bytes:
        if kind == "redacted" and not self._here:
            return data
        redactor = self._compared()
        if kind == "text":
            encoding = _encoding(data, self._stdout)
            text = redactor.redact_text(data.decode(encoding, "replace"), "output")
            data = text.encode(encoding, "backslashreplace")
        redactor.release(data)
        if b"\x1b" in data:
            redactor.release(_COLOURS.sub(b"", data))  # a colour may begin or end in the midst of one
        return data

    def _compared(self) -> "Redactor":
        """Return the redactor of the run, or one made now; it is said then when secrets could not be read."""
        if self._redactor is None:
            from iwx_agent.app.redaction import redactor_here, redactor_of_rules, uncompared

            if not self._here:
                self._redactor = redactor_of_rules()
                return self._redactor
            self._redactor = redactor_here()
            said = uncompared(self._redactor.canaries)
            if said:
                _write(self._stderr, f"iwx-agent: {said}\n".encode())
        return self._redactor


class _Held(io.BytesIO):
    """Bytes that are kept; to whoever asks what it is, it is what it will be written to."""

    def __init__(self, behind: TextIO | None) -> None:
        super().__init__()
        self._behind = behind

    def isatty(self) -> bool:
        return self._behind is not None and self._behind.isatty()

    def fileno(self) -> int:
        if self._behind is None:
            raise io.UnsupportedOperation("closed")
        return self._behind.fileno()


class _Passing(_Held):
    """Bytes that are handed on at once."""

    def __init__(self, behind: TextIO | None, to: Any) -> None:
        super().__init__(behind)
        self._to = to

    def write(self, data: Any, /) -> int:
        told = bytes(data)
        self._to(told)
        return len(told)


def _text(held: _Held, like: TextIO | None) -> io.TextIOWrapper:
    encoding = getattr(like, "encoding", None) or "utf-8"
    return io.TextIOWrapper(held, encoding=encoding, errors="backslashreplace", write_through=True)


def _encoding(data: bytes, stream: TextIO | None) -> str:
    """Return in which encoding bytes are: data for programs is UTF-8 in every locale."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return getattr(stream, "encoding", None) or "latin-1"
    return "utf-8"


def _write(stream: TextIO | None, data: bytes) -> None:
    if stream is None or not data:
        return
    stream.flush()
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(data.decode("utf-8", "replace"))
    else:
        buffer.write(data)
        buffer.flush()
    stream.flush()


def _only_its_kind(kind: type[BaseException], *_: object) -> None:
    """Say of an error outside of everything what kind it is: its text was not looked at."""
    sys.stderr.write(f"iwx-agent: internal error: {kind.__name__}\n")


def _ignored(told: "sys.UnraisableHookArgs") -> None:
    sys.stderr.write(f"iwx-agent: internal error, ignored: {told.exc_type.__name__}\n")


def _of_a_thread(told: threading.ExceptHookArgs) -> None:
    """Say what broke in a thread in one piece: in pieces a secret could be between two of them."""
    import traceback

    trace = traceback.format_exception(told.exc_type, told.exc_value, told.exc_traceback)
    sys.stderr.write("".join(trace))
