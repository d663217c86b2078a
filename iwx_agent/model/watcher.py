"""Whether the watcher itself is well: what ``doctor`` is told of the agent, and what it makes of that."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import CheckResult, Missing
from iwx_agent.model.machine import Unit
from iwx_agent.model.report import AssistanceReport
from iwx_agent.model.steering import OutboxLine
from iwx_agent.model.support import Licence

AilmentState = Literal["ok", "fault", "unknown", "skipped"]


class Ailment(Struct, frozen=True, kw_only=True):
    """One thing that was looked at; ``fix`` is the command that mends a fault.

    ``skipped`` is what was not to be looked at, or is not set up.
    """

    subject: str
    state: AilmentState
    said: str
    fix: str = ""


class Health(Struct, frozen=True, kw_only=True):
    """All that was looked at, at a time, in the order in which it is shown."""

    at: datetime
    ailments: tuple[Ailment, ...]

    @property
    def exit_code(self) -> int:
        """Return 1 with a fault, 4 when something could not be told, else 0."""
        states = {ailment.state for ailment in self.ailments}
        return 1 if "fault" in states else 4 if "unknown" in states else 0


class Examined(Struct, frozen=True, kw_only=True):
    """The same for a program."""

    schema_version: int = 1
    exit_code: int
    at: datetime
    ailments: tuple[Ailment, ...]


class WatchUnits(Struct, frozen=True, kw_only=True):
    """The timer and the service; ``next_run`` in systemd's words, empty: none is planned, None: not told.

    ``period_s`` is None when the timer does not say that it runs every so many minutes.
    """

    timer: Unit
    service: Unit
    next_run: str | None = None
    period_s: int | None = None
    on_failure: tuple[str, ...] = ()


class StatePlace(Struct, frozen=True, kw_only=True):
    """The state directory: what lies there, who owns it, and how much room there is."""

    path: str
    kind: str
    uid: int
    mode: int
    available_bytes: int
    inodes_count: int
    inodes_free_count: int
    read_only: bool


class Kept(Struct, frozen=True, kw_only=True):
    """What is kept: the last saved run, the last decision, and the outbox's texts that are not at an end.

    None: there has been none yet. ``below_run``: something waits below /run to be taken over to the disk.
    ``said`` is what a person has to know of the places.
    """

    run_at: datetime | None = None
    decision_at: datetime | None = None
    texts: tuple[OutboxLine, ...] = ()
    below_run: bool = False
    said: tuple[str, ...] = ()
    lost_at: datetime | None = None  # when a damaged store was set aside last, and a new one begun
    lost: str = ""  # what the damaged one is called now
    unread: str = ""  # why it cannot be read: it is damaged, or not this agent's
    unread_fix: str = ""


class Fault(Struct, frozen=True, kw_only=True):
    """What in the configuration cannot be used, and the command that mends it, or says more."""

    said: str
    fix: str


class Configured(Struct, frozen=True, kw_only=True):
    """What ``config check`` says: its faults, and how many notes it has."""

    faults: tuple[Fault, ...] = ()
    notes_count: int = 0


class Switches(Struct, frozen=True, kw_only=True):
    """The settings that decide whether a ticket leaves by itself, and by which ways, in order."""

    enabled: bool
    licence: Licence
    ways: tuple[str, ...]


class StopFile(Struct, frozen=True, kw_only=True):
    """The file that forbids that anything leaves by itself is there."""

    path: str


class Reached(Struct, frozen=True, kw_only=True):
    """Whether another machine could be reached and understood: ``why`` it could not, and what says more."""

    name: str = ""
    why: str = ""
    fix: str = ""


class NotAsked(Struct, frozen=True, kw_only=True):
    """Something that was not to be asked, or is not set up, and why."""

    why: str


class Policy(Struct, frozen=True, kw_only=True):
    """The version of the vendor's guide that is known, and the day on which the two were last compared."""

    version: str
    as_of: date
    own: bool = False  # a file under /etc replaces the package's


class WatcherFacts(Struct, frozen=True, kw_only=True):
    """All that ``doctor`` judges. ``booted_at`` and ``now`` are the server's clock."""

    now: datetime
    booted_at: datetime
    version: str
    units: WatchUnits | Missing
    kept: Kept | Missing
    place: StatePlace | Missing
    clock: CheckResult
    assistance: AssistanceReport
    configured: Configured | Missing
    switches: Switches | Missing
    stop_file: StopFile | Missing
    policy: Policy | Missing
    portal: Reached | NotAsked | Missing
    mail: Reached | NotAsked | Missing
