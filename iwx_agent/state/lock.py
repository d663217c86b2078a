"""One sender at a time: a lock that is held by a worker, and gone with this process however it ends."""

from pathlib import Path
from types import TracebackType
from typing import Self

from iwx_agent.host import HostError
from iwx_agent.state.door import StateError

RUN_DIRECTORY = Path("/run/iwx-agent")  # in memory: there also when no disk can be written to
_NAME = "sending.lock"
_LIMIT_S = 5.0


class SendingLock:
    """Held from ``take`` to ``release``, or to the end of this process; a ``with`` statement releases it."""

    def __init__(self, directory: Path | None = None) -> None:
        from iwx_agent.host.workers import Workers

        self._directory = RUN_DIRECTORY if directory is None else directory
        self._workers = Workers()
        self.held = False

    def take(self) -> bool:
        """Return whether it is held now: false when another process sends.

        Raises:
            StateError: that cannot be told.
        """
        from iwx_agent.host.deadline import Deadline
        from iwx_agent.host.local import ask_worker

        path = f"{self._directory}/{_NAME}"
        request = ("hold", str(self._directory), _NAME)
        stuck: list[str] = []  # the error says it, too
        try:
            self.held = bool(ask_worker(self._workers, request, Deadline(_LIMIT_S), path, stuck.append))
        except HostError as error:
            self.release()
            raise StateError(error.reason, "failed", path) from None
        return self.held

    def release(self) -> None:
        """Let others send; the worker that holds the lock ends."""
        self.held = False
        self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
