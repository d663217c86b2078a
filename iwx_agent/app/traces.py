"""Lines in the audit log about what a person has the agent change: who, when, and what came of it."""

import os
from contextlib import suppress
from typing import Literal

from iwx_agent.audit import Audit, AuditEntry
from iwx_agent.host import Host, HostError
from iwx_agent.model import moment

PLACES_COUNT = 2  # the file and the journal
_UNSET_LOGIN = 4_294_967_295


class Traces:
    """Writes lines of one command; ``failed`` says which places did not take one and why, each once."""

    def __init__(self, host: Host, audit: Audit) -> None:
        self._host = host
        self._audit = audit
        self._clock = host.clock()
        self._login_uid = _login_uid(host)
        self._failed: dict[str, None] = {}

    @property
    def failed(self) -> tuple[str, ...]:
        """Return what a person has to know of lines that were not written."""
        return tuple(self._failed)

    def write(
        self, action: str, phase: Literal["intent", "outcome"], way: str, outcome: str
    ) -> tuple[str, ...]:
        """Write one line; return which places did not take it."""
        with suppress(HostError):  # with the budget used up the last time must do: the line is what counts
            self._clock = self._host.clock()
        failures = self._audit.write(
            AuditEntry(
                at=_rfc3339(self._clock.now_at),
                action=action,
                phase=phase,
                way=way,
                outcome=outcome,
                uid=self._clock.effective_uid,
                login_uid=self._login_uid,
                pid=os.getpid(),
            )
        )
        self._failed.update(dict.fromkeys(failures))
        return failures


def _rfc3339(at: float) -> str:
    found = moment(at)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else "unknown"


def _login_uid(host: Host) -> int | None:
    """Return who logged in, which su and sudo do not change; None for nobody (a timer) or not told."""
    try:
        text = host.read("/proc/self/loginuid", max_bytes=32).text.strip()
    except HostError:
        return None
    known = text.isascii() and text.isdigit() and int(text) != _UNSET_LOGIN
    return int(text) if known else None
