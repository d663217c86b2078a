"""One deadline for one whole answer: every wait of it ends there, or at once when the run is stopped."""

import select
import time

READABLE = select.POLLIN
WRITABLE = select.POLLOUT


class Expired(Exception):  # noqa: N818 (an outcome, not a defect)
    """The deadline has passed."""


class Stopped(Exception):  # noqa: N818
    """The run was ended while waiting."""


class Deadline:
    """When an answer must be there; ``cut`` is true when the run's budget set it, not the question."""

    def __init__(self, limit_s: float, *, cut: bool = False, stop: int = -1) -> None:
        self.started = time.monotonic()
        self.limit_s = limit_s
        self.cut = cut
        self._ends = self.started + limit_s
        self._stop = stop

    @property
    def left_s(self) -> float:
        """Return the seconds left, at least 0."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def passed_s(self) -> float:
        """Return the seconds since the question was asked."""
        return time.monotonic() - self.started

    def share(self, parts: int) -> "Deadline":
        """Return a deadline at an equal share of what is left."""
        return Deadline(self.left_s / parts, cut=self.cut, stop=self._stop)

    def wait(self, *wanted: tuple[int, int], at_most_s: float | None = None) -> set[int]:
        """Wait until a descriptor has one of its events; return those that have.

        Returns an empty set when ``at_most_s`` is over first. Raises Expired or Stopped.
        """
        events = select.poll()
        for number, mask in wanted:
            events.register(number, mask)
        if self._stop >= 0:
            events.register(self._stop, READABLE)
        left = self.left_s
        if left <= 0:
            raise Expired
        wait_s = left if at_most_s is None else min(left, at_most_s)
        ready = {number for number, _ in events.poll(wait_s * 1000 + 1)}
        if self._stop in ready:
            raise Stopped
        if not ready and wait_s == left:
            raise Expired
        return ready
