"""One line of progress on a terminal when a run takes longer than two seconds; silent everywhere else."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

_QUIET_S = 2.0
_EVERY_S = 0.2


class Progress:
    """Writes to a terminal only, begins after two seconds, and leaves a clean line behind."""

    def __init__(self, stream: TextIO, doing: str = "asking the server") -> None:
        self._stream = stream
        self._shown = False
        self._line = doing
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._thread = threading.Thread(target=self._run, daemon=True, name="progress")
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Leave a clean line behind: something else is said now."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        if self._shown:
            self._shown = False
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def beside(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """Return what says something on a clean line, after which there is no progress any more."""

        def told(said: str) -> None:
            self.end()
            say(said)

        return told

    def update(self, what: str, done: int, total: int) -> None:
        """Say what was done last and how far the run is."""
        self._line = f"{done} of {total} facts  {what.replace('_', ' ')}"

    def _run(self) -> None:
        started_s = time.monotonic()
        if self._ended.wait(_QUIET_S):
            return
        while True:
            self._shown = True
            self._stream.write(f"\r\x1b[K{time.monotonic() - started_s:4.0f} s  {self._line[:70]}")
            self._stream.flush()
            if self._ended.wait(_EVERY_S):
                return
