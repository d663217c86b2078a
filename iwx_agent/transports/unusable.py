"""A way to send that is set up and cannot be used: it says why, and the next way is tried at once."""

from typing import NoReturn

from iwx_agent.transports.contract import CannotLook, Letter, Undelivered


class UnusableTransport:
    """Stands in the place of the transport ``name``; ``why`` names the setting, ``fix`` is what mends it."""

    def __init__(self, name: str, why: str, fix: str = "") -> None:
        self.name = name
        self._why = why
        self._fix = fix

    def deliver(self, letter: Letter, *, limit_s: float) -> NoReturn:
        """Send nothing.

        Raises:
            Undelivered: always, ``permanent``: only another setting helps.
        """
        del letter, limit_s
        raise Undelivered("permanent", self.name, self._why, next_step=self._fix)

    def look_up(self, key: str, *, limit_s: float) -> CannotLook:
        """Return that this cannot be told."""
        del key, limit_s
        return CannotLook(reason=self._why)
