"""A way to send that is set up and cannot be used: it says why, and the next way is tried at once."""

from typing import NoReturn

from iwx_agent.transports.contract import CannotLook, Letter, Undelivered

RETRY_AFTER_S = 3600.0  # so long that the next way is tried at once


class UnusableTransport:
    """Stands in the place of the transport ``name``; ``why`` names the setting, ``fix`` is what mends it."""

    def __init__(self, name: str, why: str, fix: str = "") -> None:
        self.name = name
        self._why = why
        self._fix = fix

    def deliver(self, letter: Letter, *, limit_s: float) -> NoReturn:
        """Send nothing.

        Raises:
            Undelivered: always, ``later``: another setting helps, and nothing is given up till then.
        """
        del letter, limit_s
        raise Undelivered("later", self.name, self._why, retry_after_s=RETRY_AFTER_S, next_step=self._fix)

    def look_up(self, key: str, *, limit_s: float) -> CannotLook:
        """Return that this cannot be told."""
        del key, limit_s
        return CannotLook(reason=self._why)
