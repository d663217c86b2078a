"""What happened on the server of late, and what it is: what a ticket tells beside the findings.

The first part are facts, asked only where there is something to report; the second part stands in the report.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

WINDOW_S = 86_400.0  # "the last day"

UnitEventKind = Literal[
    "started",
    "start_failed",
    "stopped",
    "restarting",  # stopped by a restart: its start follows
    "reloaded",
    "reload_failed",
    "failed",  # it ended with an error
    "automatic_restart",  # systemd itself will start it again
]


class UnitEvent(Struct, frozen=True, kw_only=True):
    """One thing that systemd says it did with a unit; ``result`` is its word for how a failed one ended."""

    unit: str
    kind: UnitEventKind
    at: float
    result: str = ""


class UnitEvents(Struct, frozen=True, kw_only=True):
    """What systemd did with the units that the agent knows, oldest first; ``truncated``: only the newest."""

    entries: tuple[UnitEvent, ...]
    source: str
    truncated: bool = False


class BootRecord(Struct, frozen=True, kw_only=True):
    """One line of the system's log of boots: it came up, or it was shut down in order."""

    kind: Literal["boot", "shutdown"]
    at: float


class BootRecords(Struct, frozen=True, kw_only=True):
    """The boots and shutdowns that are on record, oldest first."""

    entries: tuple[BootRecord, ...]
    source: str


class EditedFile(Struct, frozen=True, kw_only=True):
    """A configuration file and when its content was last changed."""

    path: str
    at: float


class ConfigEdits(Struct, frozen=True, kw_only=True):
    """The configuration files that changed within the last day, oldest first; ``unread`` is why not all."""

    entries: tuple[EditedFile, ...]
    source: str
    unread: str = ""


class OperatingSystem(Struct, frozen=True, kw_only=True):
    """The system's own name for itself and its kernel's release; empty where one could not be read."""

    name: str
    kernel: str


class Extent(Struct, frozen=True, kw_only=True):
    """How much lives on this server; None where it could not be counted. ``at_least``: there are more."""

    mail_domains_count: int | None = None
    databases_count: int | None = None
    at_least: bool = False


# --- in the report ---

ChangeKind = Literal["service", "package", "reboot", "config"]
CHANGE_KINDS: tuple[ChangeKind, ...] = ("service", "package", "reboot", "config")


class Change(Struct, frozen=True, kw_only=True):
    """One thing that was changed: ``subject`` is the unit, package run or file, ``said`` what was done."""

    kind: ChangeKind
    at: datetime
    subject: str
    said: str
    source: str


class ChangeGap(Struct, frozen=True, kw_only=True):
    """A kind of change that could not be told, or not wholly, and why."""

    kind: ChangeKind
    reason: str


class Changes(Struct, frozen=True, kw_only=True):
    """What was changed since ``since_at``, oldest first; a kind that could not be told stands in ``gaps``."""

    since_at: datetime
    entries: tuple[Change, ...] = ()
    gaps: tuple[ChangeGap, ...] = ()
    left_out_count: int = 0


class Impact(Struct, frozen=True, kw_only=True):
    """Whom one part of the trouble reaches: ``affected_count`` of ``total_count`` of what ``what`` names.

    A count is None where it could not be told; ``note`` says why, or what else there is to say.
    """

    area: str
    what: str
    affected_count: int | None = None
    total_count: int | None = None
    names: tuple[str, ...] = ()
    note: str = ""


class Environment(Struct, frozen=True, kw_only=True):
    """What the server is: operating system, kernel, part in a cluster; empty where it could not be told."""

    system: str = ""
    kernel: str = ""
    role: Literal["", "single", "manager", "node"] = ""
    nodes_count: int | None = None
    gaps: tuple[str, ...] = ()
