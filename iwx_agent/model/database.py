"""Facts about MySQL and MariaDB servers: what one says first when connected to, without any password."""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.machine import Boot, LogLine, Unit

DatabaseOutcome = Literal["greeted", "error", "refused", "no_socket", "silent", "closed", "garbled"]
DatabaseTrouble = Literal["", "down", "too_many", "frozen", "blocked", "other"]

TOO_MANY_CONNECTIONS = 1040  # ER_CON_COUNT_ERROR
HOST_IS_BLOCKED = 1129  # ER_HOST_IS_BLOCKED

_TROUBLES: dict[DatabaseOutcome, DatabaseTrouble] = {
    "greeted": "",
    "refused": "down",
    "no_socket": "down",
    "silent": "frozen",
    "closed": "other",
    "garbled": "other",
}


class ServerGreeting(Struct, frozen=True, kw_only=True):
    """The first packet of a server: its version, or with ``error_code`` not 0 why it takes no connection."""

    version: str = ""
    error_code: int = 0
    text: str = ""


class DatabaseAnswer(Struct, frozen=True, kw_only=True):
    """What a database server did when its unix socket was connected to.

    ``greeted`` comes with ``version``; ``error`` with ``error_code`` and the server's words in ``text``;
    ``refused`` means that nobody listens behind the socket file, ``no_socket`` that there is no such file;
    ``silent`` that it accepted and said nothing within ``limit_s``; ``garbled`` that it spoke, but not as a
    database server does. ``text`` says why for every outcome but ``greeted``.
    """

    path: str
    outcome: DatabaseOutcome
    version: str = ""
    error_code: int = 0
    text: str = ""
    duration_s: float = 0.0
    limit_s: float = 0.0

    @property
    def source(self) -> str:
        """Return what was asked and what it came to, as evidence quotes it."""
        came = f"error {self.error_code}" if self.outcome == "error" else self.outcome.replace("_", " ")
        return f"unix {self.path} ({came})"

    @property
    def trouble(self) -> DatabaseTrouble:
        """Return which kind of trouble this is; empty when the server greets."""
        if self.outcome == "error":
            known: dict[int, DatabaseTrouble] = {
                TOO_MANY_CONNECTIONS: "too_many",
                HOST_IS_BLOCKED: "blocked",
            }
            return known.get(self.error_code, "other")
        return _TROUBLES[self.outcome]

    @property
    def told(self) -> str:
        """Return what the server did as a person would say it, numbers included."""
        match self.outcome:
            case "greeted":
                return f"greets as {self.version} after {self.duration_s:.2f} s"
            case "error":
                return f"answers with error {self.error_code}: {self.text}"
            case "silent":
                return f"accepts the connection, but says nothing within {self.limit_s:g} s"
            case _:
                return self.text or self.outcome.replace("_", " ")


def still_starting(unit: Unit | None, boot: Boot, limit_s: float) -> bool:
    """Return whether systemd has been starting the unit for less than ``limit_s``."""
    if unit is None or unit.active_state != "activating" or unit.sub_state == "auto-restart":
        return False
    return unit.state_change_at is not None and boot.read_at - unit.state_change_at < limit_s


def trouble_since(
    answer: DatabaseAnswer, unit: Unit | None, log: tuple[LogLine, ...]
) -> tuple[float | None, str]:
    """Return since when a server is down and how that is known; only what is evidence counts."""
    if answer.trouble != "down":
        return None, ""
    if unit is not None and not unit.running and unit.state_change_at is not None:
        return unit.state_change_at, f"systemctl show {unit.name}: its last change of state"
    timed = next((line for line in reversed(log) if line.at is not None), None)
    return (None, "") if timed is None else (timed.at, timed.source)
