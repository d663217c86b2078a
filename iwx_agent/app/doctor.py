"""``doctor``: ask for all that the watcher needs, side by side and bounded, and judge it; nothing is sent."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from iwx_agent import __version__
from iwx_agent.app.auto import STOP
from iwx_agent.app.clock import now_of
from iwx_agent.app.collecting import collect
from iwx_agent.app.diagnose import assistance_of
from iwx_agent.app.judging import facts_of, judge
from iwx_agent.checks import support_remote_assistance, system_clock
from iwx_agent.config import ConfigError, load_layout, load_policy, load_settings, toml_file
from iwx_agent.config.sending import Sending, load_sending
from iwx_agent.host import Host, HostError
from iwx_agent.model import Layout, moment
from iwx_agent.model.watcher import (
    Ailment,
    Configured,
    Fault,
    Health,
    Kept,
    NotAsked,
    Policy,
    Reached,
    StatePlace,
    StopFile,
    Switches,
    WatcherFacts,
    WatchUnits,
)
from iwx_agent.parsers import watch_units
from iwx_agent.probes import PROBES, Context, Probe
from iwx_agent.state import StateError, door
from iwx_agent.triage.watcher import doctor_report, heartbeat_of

BUDGET_S = 45.0
_PORTAL_S = 30.0
_MAIL_S = 8.0
_UNITS_S = 8.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ("iwx-agent.timer", "iwx-agent.service")
_UNREADABLE = ("damaged", "refused")
_FIXES = ("chmod ", "chown ", "install ", "ls ")  # of the configuration's fixes those that are commands
_CHECK = "iwx-agent config check"
_WATCHED = (system_clock.CHECK, support_remote_assistance.CHECK)
_SKIPPED = NotAsked(why="not asked (--offline)")

FoundT = TypeVar("FoundT")


def examine(host: Host, *, offline: bool = False) -> Health:
    """Return whether the watcher on this machine is well; every answer comes within the budget."""
    layout, sending = _loaded(load_layout), _loaded(load_sending)
    context = Context(host, layout if isinstance(layout, Layout) else Layout(entries={}))
    wanted = {fact for check in _WATCHED for fact in facts_of(check)}
    probes = [probe for probe in PROBES if probe.fact in wanted]
    clock = host.clock()  # first: later the budget may be used up
    facts = collect(context, (*_questions(sending, offline=offline), *probes), budget_s=BUDGET_S).facts
    return doctor_report(
        WatcherFacts(
            now=moment(clock.now_at) or _EPOCH,
            booted_at=moment(clock.booted_at) or _EPOCH,
            version=f"iwx-agent {__version__}",
            units=facts["units_of_the_watcher"],
            kept=facts["kept"],
            place=facts["place"],
            clock=judge(system_clock.CHECK, facts),
            assistance=assistance_of(facts),
            configured=facts["configured"],
            switches=facts["switches"],
            stop_file=facts["stop_file"],
            policy=facts["policy"],
            portal=facts["portal"],
            mail=facts["mail"],
        )
    )


def examine_live(*, offline: bool = False, heartbeat: bool = False) -> Health:
    """Return whether the watcher on this machine is well; with ``heartbeat`` tell that outside, if it is."""
    from msgspec.structs import replace

    from iwx_agent.host.live import LiveHost

    with LiveHost(budget_s=BUDGET_S) as host:
        health = examine(host, offline=offline)
        if not heartbeat:
            return health
        return replace(health, ailments=(*health.ailments, send_heartbeat(host, health)))


def send_heartbeat(host: Host, health: Health) -> Ailment:
    """Ask for the heartbeat's address, but not with a fault: whoever waits for it must miss it then."""
    from iwx_agent.app.heartbeat import LIMIT_S, beat, shown

    sending = _loaded(load_sending)
    if isinstance(sending, ConfigError):
        return heartbeat_of(NotAsked(why="not sent: the settings cannot be used"))
    url = sending.auto.heartbeat_url
    if not url:
        return heartbeat_of(NotAsked(why="not sent: auto.heartbeat_url is not set"))
    if any(ailment.state == "fault" for ailment in health.ailments):
        return heartbeat_of(NotAsked(why="not sent, because of what is wrong above"))
    why = beat(host.aside(LIMIT_S), url)
    return heartbeat_of(Reached(name=shown(url), why=why, fix="iwx-agent config show | grep heartbeat"))


def _loaded(load: Callable[[], FoundT]) -> FoundT | ConfigError:
    try:
        return load()
    except ConfigError as error:
        return error


def _questions(sending: Sending | ConfigError, *, offline: bool) -> Iterable[Probe]:
    """Return what is asked beside the probes that checks have, too."""

    def switches(context: Context) -> Switches:  # noqa: ARG001 - as below
        known = _usable(sending)
        licence = _usable(_loaded(load_settings)).licence
        return Switches(enabled=known.auto.enabled, licence=licence, ways=known.delivery.transports)

    def portal(context: Context) -> Reached | NotAsked:
        return _SKIPPED if offline else _portal(context.resample, _usable(sending))

    def mail(context: Context) -> Reached | NotAsked:
        return _SKIPPED if offline else _mail(context.resample, _usable(sending))

    return tuple(
        Probe(ask=ask)
        for ask in (portal, configured, mail, units_of_the_watcher, kept, place, stop_file, switches, policy)
    )


def _usable(found: Any) -> Any:
    """Return what was loaded.

    Raises:
        HostError: it cannot be used; what is wrong with it is told as the configuration's fault.
    """
    if isinstance(found, ConfigError):
        raise HostError("failed", "the settings cannot be used", found.path)
    return found


def units_of_the_watcher(context: Context) -> WatchUnits:
    """Return what systemd says of timer and service."""
    names = "--property=" + ",".join(watch_units.PROPERTIES)
    answer = context.host.run(("systemctl", "show", "--no-pager", names, "--", *_UNITS), timeout_s=_UNITS_S)
    if answer.timed_out or answer.exit_code != 0:
        why = f"no answer within {_UNITS_S:g} s" if answer.timed_out else answer.error_text.strip()[:200]
        raise HostError("failed", why or f"exit {answer.exit_code}", "systemctl show")
    return watch_units.parse_watch_units(answer.text, booted_at=context.host.clock().booted_at)


def place(context: Context) -> StatePlace:
    """Return what lies in the state directory's place, and the room on its file system."""
    path = str(_directory())
    found, room = context.host.stat(path, follow=False), context.host.statvfs(path)
    return StatePlace(
        path=path,
        kind=found.kind,
        uid=found.uid,
        mode=found.mode,
        available_bytes=room.available_bytes,
        inodes_count=room.inodes_count,
        inodes_free_count=room.inodes_free_count,
        read_only=room.read_only,
    )


def _directory() -> Path:
    return door.DIRECTORY


def kept(context: Context) -> Kept:
    """Return what is kept on the disk and below /run; nothing is made by that."""
    from iwx_agent.app.outbox import listed
    from iwx_agent.state import Door, Runs
    from iwx_agent.state.latest import Latest

    workers = context.resample.workers
    try:
        latest = Latest(workers=workers)
        events, lost = latest.events("decision", 1), latest.events("lost", 1)
        latest.episode(), latest.rules()  # what of them cannot be read is said, too
        return Kept(
            run_at=_last_run(Runs(Door(workers=workers))),
            decision_at=events[0].at if events else None,
            texts=listed(latest, now_of(context.host)).texts,
            below_run=latest.below_run,
            said=latest.said,
            lost_at=lost[0].at if lost else None,
            lost=lost[0].said if lost else "",
        )
    except StateError as error:
        if error.kind in _UNREADABLE and door.is_root():
            return Kept(unread=str(error), unread_fix=f"ls -la {_directory()}")
        raise HostError("failed", error.why, error.path) from None


def _last_run(runs: Any) -> datetime | None:
    try:
        found = runs.listed(1)
    except StateError as error:
        if error.kind == "absent":
            return None
        raise
    return found[0].point.at if found else None


def stop_file(context: Context) -> StopFile:
    """Return the file that forbids that anything leaves; that it is not there is an error of its own."""
    context.host.stat(str(STOP), follow=False)
    return StopFile(path=str(STOP))


def configured(context: Context) -> Configured:  # noqa: ARG001 - what is asked here is asked as a probe is
    """Return what ``config check`` finds."""
    from iwx_agent.app.configuration import check_configuration

    checked = check_configuration()
    faults: list[Fault] = []
    for fault in checked.faults:
        where = f"{fault.path}:{fault.line}" if fault.line else fault.path
        is_command = fault.fix.startswith(_FIXES)
        said = ": ".join(filter(None, (where, fault.key, fault.why)))
        more = f" ({fault.fix})" if fault.fix and not is_command else ""
        faults.append(Fault(said=f"{said}{more}", fix=fault.fix if is_command else _CHECK))
    return Configured(faults=tuple(faults), notes_count=len(checked.notes))


def policy(context: Context) -> Policy:  # noqa: ARG001 - as above
    """Return of which day the data of the vendor's guide are."""
    guide = _usable(_loaded(load_policy)).guide
    own = (toml_file.ETC / "support-policy.toml").exists()
    return Policy(version=guide.version, as_of=guide.as_of, own=own)


def _transport(host: Host, sending: Sending, name: str) -> Any:
    """Return one transport of the chain; None when it is not in it."""
    from iwx_agent.app.transports import transports_of
    from iwx_agent.config.secrets import load_secrets

    if name not in sending.delivery.transports or host.workers is None:
        return None
    return transports_of(host, host.workers, sending, load_secrets(sending)).get(name)


def _portal(host: Host, sending: Sending) -> Reached | NotAsked:
    """Read the portal's form, which sends no ticket."""
    from iwx_agent.transports.contract import Undelivered
    from iwx_agent.transports.portal import PortalTransport
    from iwx_agent.transports.unusable import UnusableTransport

    found = _transport(host, sending, "portal")
    if found is None:
        return NotAsked(why="is not in delivery.chain")
    if isinstance(found, UnusableTransport) or not isinstance(found, PortalTransport):
        return Reached(why="it cannot be used as it is set up", fix=_CHECK)
    why = ""
    try:
        reading = found.check(limit_s=_PORTAL_S)
        why = "; ".join(reading.problems)
    except Undelivered as error:
        why = error.why
    return Reached(why=why, fix="iwx-agent submit --check")


def _mail(host: Host, sending: Sending) -> Reached | NotAsked:
    """Connect to the mail server, and say nothing."""
    from iwx_agent.host.deadline import Deadline
    from iwx_agent.transports.email import EmailTransport
    from iwx_agent.transports.wire import Wire

    found = _transport(host, sending, "email")
    if found is None:
        return NotAsked(why="is not in delivery.chain")
    if not isinstance(found, EmailTransport):
        return Reached(why="it cannot be used as it is set up", fix=_CHECK)
    server, port = found.place
    why = ""
    try:
        with Wire(host, Deadline(_MAIL_S), "mail server", max_bytes=1024) as wire:
            wire.connect(server, port)
    except HostError as error:
        why = error.reason
    return Reached(name=f"{server}:{port}", why=why, fix=f"openssl s_client -connect {server}:{port}")
