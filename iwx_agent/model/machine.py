"""Facts about the machine that several areas share: units, processes, sockets, mounts, port answers."""

from typing import Literal

from msgspec import Struct

PortOutcome = Literal["greeted", "refused", "silent", "closed", "tls_failed", "unreachable", "failed"]


class PortAnswer(Struct, frozen=True, kw_only=True):
    """What one TCP port or unix socket did when it was asked for its greeting.

    ``silent`` means that it accepted and said nothing within ``limit_s``; ``closed`` that it accepted and
    closed or reset; ``tls_failed`` that the TLS handshake failed, with the reason in ``detail``.
    """

    address: str
    port: int
    tls: bool
    outcome: PortOutcome
    greeting: str = ""
    detail: str = ""
    duration_s: float = 0.0
    limit_s: float = 0.0

    @property
    def source(self) -> str:
        """Return what was asked and what it came to, as evidence quotes it."""
        kind = "tls" if self.tls else "tcp"
        place = f"{kind} {self.address}:{self.port}" if self.port else f"unix {self.address}"
        return f"{place} ({self.outcome.replace('_', ' ')})"

    @property
    def told(self) -> str:
        """Return what it said, or why it said nothing, as evidence quotes it."""
        if self.outcome == "greeted":
            return self.greeting[:200] or "an empty line"
        if self.outcome == "silent":
            return f"no greeting within {self.limit_s:g} s"
        return self.detail or self.outcome


PageOutcome = Literal["answered", "refused", "silent", "closed", "tls_failed", "unreachable", "failed"]


class PageAnswer(Struct, frozen=True, kw_only=True):
    """What one GET of a page brought; redirects are not followed, ``location`` says where one points.

    ``answered`` covers every HTTP status; the other outcomes have status 0 and the reason in ``detail``.
    ``text`` is the start of the page without markup, at most 500 characters.
    """

    url: str
    address: str
    outcome: PageOutcome
    status: int = 0
    title: str = ""
    text: str = ""
    location: str = ""
    retry_after: str = ""
    sets_cookie: bool = False  # then a redirect to the page itself is how a session begins, not a circle
    server: str = ""
    detail: str = ""
    duration_s: float = 0.0
    limit_s: float = 0.0

    @property
    def source(self) -> str:
        """Return what was asked and what it came to, as evidence quotes it."""
        came = f"status {self.status}" if self.outcome == "answered" else self.outcome.replace("_", " ")
        return f"GET {self.url} at {self.address} ({came})"


class Unit(Struct, frozen=True, kw_only=True):
    """One systemd unit as ``systemctl show`` tells it; times are seconds since the epoch, None for never."""

    name: str
    load_state: str
    active_state: str
    sub_state: str
    result: str = ""
    type: str = ""
    main_pid: int = 0
    exec_main_code: int = 0
    exec_main_status: int = 0
    restarts_count: int = 0
    unit_file_state: str = ""
    active_enter_at: float | None = None
    inactive_enter_at: float | None = None
    state_change_at: float | None = None

    @property
    def exists(self) -> bool:
        """Return whether systemd knows the unit at all."""
        return self.load_state not in ("not-found", "")

    @property
    def failed(self) -> bool:
        """Return whether systemd calls it failed."""
        return self.active_state == "failed"

    @property
    def running(self) -> bool:
        """Return whether it is active (running, exited one-shot, listening) or being reloaded."""
        return self.active_state in ("active", "reloading")


class Units(Struct, frozen=True, kw_only=True):
    """The units that the agent asked systemd about, by name."""

    by_name: dict[str, Unit]
    source: str = "systemctl show"

    def first_existing(self, names: tuple[str, ...]) -> Unit | None:
        """Return the first of ``names`` that systemd knows, or None."""
        return next((self.by_name[n] for n in names if n in self.by_name and self.by_name[n].exists), None)


class Process(Struct, frozen=True, kw_only=True):
    """One process; ``title`` is the start of its command line (first two words: titles, not arguments)."""

    pid: int
    parent_pid: int
    name: str
    user: str
    state: str  # as /proc tells it: R S D T Z ...
    started_at: float
    title: str = ""


class Processes(Struct, frozen=True, kw_only=True):
    """All processes of the machine at one moment."""

    entries: tuple[Process, ...]

    def named(self, *names: str) -> tuple[Process, ...]:
        """Return the processes whose name is one of ``names``, zombies left out."""
        return tuple(p for p in self.entries if p.name in names and p.state != "Z")


class ListeningSocket(Struct, frozen=True, kw_only=True):
    """A listening TCP socket or a bound UDP socket; ``pid`` is None when it cannot be told (not root)."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int
    pid: int | None = None
    process_name: str = ""


class ListeningSockets(Struct, frozen=True, kw_only=True):
    """All listening TCP and bound UDP sockets."""

    entries: tuple[ListeningSocket, ...]

    def on(self, protocol: str, port: int) -> tuple[ListeningSocket, ...]:
        """Return those of ``protocol`` on ``port``."""
        return tuple(s for s in self.entries if s.protocol == protocol and s.port == port)


class Address(Struct, frozen=True, kw_only=True):
    """One candidate for the public IP address, and where it is known from."""

    ip: str
    source: str
    private: bool


class HostIdentity(Struct, frozen=True, kw_only=True):
    """How the server is called and reached."""

    name: str
    fqdn: str
    fqdn_source: str
    fqdn_resolves: bool | None  # None: could not tell
    addresses: tuple[Address, ...]  # best candidate first


class Boot(Struct, frozen=True, kw_only=True):
    """When the machine came up, and what time it was when the facts were read."""

    booted_at: float
    read_at: float

    @property
    def uptime_s(self) -> float:
        """Return the seconds since boot."""
        return self.read_at - self.booted_at


class ServerZone(Struct, frozen=True, kw_only=True):
    """The time zone of the server, as its own programs read it; ``data`` is the file (TZif)."""

    data: bytes
    source: str


class PanelPresence(Struct, frozen=True, kw_only=True):
    """The panel is installed: where, and in which version (empty when it cannot be told)."""

    home: str
    version: str = ""
    version_source: str = ""


class LogLine(Struct, frozen=True, kw_only=True):
    """One line of a log or journal with its time (None when the line has none) and where it stands."""

    text: str
    source: str
    at: float | None = None
