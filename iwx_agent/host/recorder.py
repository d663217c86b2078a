"""A host that remembers what was asked through it and answered, for a capture and for whatever looks back."""

import threading
import time

from msgspec import Struct

from iwx_agent.host.contract import Host, HostError
from iwx_agent.host.questions import Question

HEARD_MAX_BYTES = 32 * 1024 * 1024  # what is held in memory of one run: a healthy server answers half a MiB
_ENTRY_BYTES = 100


class Recorder(Host):
    """A host that answers through another one and remembers each question with its answer, in order.

    ``started_s`` says for each when it was asked, in seconds after the first question. Of answers beyond
    ``max_bytes`` in all it is remembered that they were not kept.
    """

    def __init__(self, host: Host, *, max_bytes: int = HEARD_MAX_BYTES) -> None:
        self._host = host
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._began_s = 0.0
        self._kept_bytes = 0
        self.heard: list[tuple[Question, Struct | HostError]] = []
        self.started_s: list[float] = []

    def answer(self, question: Question) -> Struct:
        """Answer and remember."""
        found: Struct | HostError
        started_s = time.monotonic()
        try:
            found = self._host.answer(question)
        except HostError as error:
            found = error
        self._remember(question, found, started_s)
        if isinstance(found, HostError):
            raise found
        return found

    def _remember(self, question: Question, found: Struct | HostError, started_s: float) -> None:
        size_bytes = size_of(found)
        with self._lock:
            self._began_s = self._began_s or started_s
            self._kept_bytes += size_bytes
            if self._kept_bytes > self._max_bytes:
                self._kept_bytes -= size_bytes
                reason = f"not kept: more than {self._max_bytes} bytes were answered"
                found = HostError("not_captured", reason, question.source)
            self.heard.append((question, found))
            self.started_s.append(max(0.0, started_s - self._began_s))

    def pause(self, duration_s: float) -> None:
        """Wait as the host behind it does."""
        self._host.pause(duration_s)

    @property
    def replays(self) -> bool:
        """Return what the host behind it says."""
        return self._host.replays

    def aside(self, budget_s: float) -> Host:
        """Return the host behind it: what is asked there is not remembered here."""
        return self._host.aside(budget_s)


def size_of(found: Struct | HostError) -> int:
    """Return how many bytes an answer holds, as near as counting is cheap; at least one."""
    if isinstance(found, HostError):
        return 1
    size_bytes = 1
    for name in found.__struct_fields__:
        value = getattr(found, name)
        if isinstance(value, (bytes, str)):
            size_bytes += len(value)
        elif isinstance(value, tuple):
            size_bytes += _ENTRY_BYTES * len(value)
    return size_bytes
