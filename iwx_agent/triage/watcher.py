"""Is the watcher itself well? Each thing that a run, a decision or a ticket needs, judged by itself.

What could not be looked at is never well. A text has to have left within an hour: that is the longest pause
between two attempts. The vendor's guide is compared with its data once a year at least.
"""

import shlex
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from iwx_agent.model import Missing, Status, moment
from iwx_agent.model.sending import LOST_FOR
from iwx_agent.model.steering import OutboxLine
from iwx_agent.model.support import Licence
from iwx_agent.model.watcher import (
    Ailment,
    Health,
    NotAsked,
    Reached,
    StatePlace,
    WatcherFacts,
    WatchUnits,
)
from iwx_agent.triage.decision_words import duration

PERIOD_S = 300  # of the timer as it is shipped
PERIODS_COUNT = 3
WAITING_S = 3600
ROOM_BYTES = 64 * 1024**2
INODES_COUNT = 1000
RENEW_AFTER = timedelta(days=365)
MODE = 0o700
_AHEAD = timedelta(minutes=5)
_SHOWN_COUNT = 3

_TIMER, _SERVICE = "iwx-agent.timer", "iwx-agent.service"
_ENABLE = f"systemctl enable --now {_TIMER}"
_INSTALL = f"cp systemd/iwx-agent*.service systemd/{_TIMER} /etc/systemd/system/ && systemctl daemon-reload"
_JOURNAL = f"journalctl -u {_SERVICE} -n 50 --no-pager"
_CHECK = "iwx-agent config check"
_LICENCE = (
    "mkdir -p /etc/iwx-agent/conf.d && echo 'licence = \"direct\"' > /etc/iwx-agent/conf.d/10-licence.toml"
)


def doctor_report(facts: WatcherFacts) -> Health:
    """Return everything that was looked at, in a fixed order; exactly the same for the same facts."""
    return Health(at=facts.now, ailments=tuple(one for judge in _JUDGES for one in judge(facts)))


def heartbeat_of(found: Reached | NotAsked) -> Ailment:
    """Return what came of a heartbeat, or why none was sent."""
    said = f"{found.name} was reached" if isinstance(found, Reached) else ""
    return _reached("heartbeat", found, said)


def _ok(subject: str, said: str) -> Ailment:
    return Ailment(subject=subject, state="ok", said=said)


def _fault(subject: str, said: str, fix: str) -> Ailment:
    return Ailment(subject=subject, state="fault", said=said, fix=fix)


def _unknown(subject: str, said: str) -> Ailment:
    return Ailment(subject=subject, state="unknown", said=said)


def _gap(subject: str, gap: Missing) -> Ailment:
    source = f" ({gap.source})" if gap.source else ""
    return _unknown(subject, f"{gap.reason}{source}")


def _timer(facts: WatcherFacts) -> Iterator[Ailment]:
    units = facts.units
    if isinstance(units, Missing):
        yield _gap("timer", units)
        return
    timer = units.timer
    if not timer.exists:
        yield _fault("timer", f"{_TIMER} is not installed: nothing runs the agent", _INSTALL)
    elif timer.load_state == "masked":
        yield _fault("timer", f"{_TIMER} is masked", f"systemctl unmask {_TIMER} && {_ENABLE}")
    elif not timer.running:
        yield _fault("timer", f"{_TIMER} is {timer.active_state}: nothing runs the agent", _ENABLE)
    elif timer.unit_file_state != "enabled":
        state = timer.unit_file_state or "not enabled"
        yield _fault("timer", f"{_TIMER} is {state}: it will not run after the next start", _ENABLE)
    elif timer.sub_state == "running":
        yield _ok("timer", "is on, and a run is on its way")
    elif units.next_run is None:
        yield _ok("timer", "is on")
    elif not units.next_run:
        yield _fault("timer", "is on, but plans no next run", f"systemctl restart {_TIMER}")
    else:
        yield _ok("timer", f"is on; next run: {units.next_run}")


def _service(facts: WatcherFacts) -> Iterator[Ailment]:
    units = facts.units
    if isinstance(units, Missing):
        yield _gap("service", units)
        return
    service = units.service
    ended = moment(service.inactive_enter_at)
    code = f"{service.result}, exit {service.exec_main_status}"
    if not service.exists:
        yield _fault("service", f"{_SERVICE} is not installed", _INSTALL)
        return
    if service.load_state == "masked":
        yield _fault("service", f"{_SERVICE} is masked", f"systemctl unmask {_SERVICE}")
    elif service.failed or service.result not in ("success", ""):
        yield _fault("service", f"the last run failed: {code}", _JOURNAL)
    elif service.active_state in ("activating", "active", "deactivating"):
        yield _ok("service", "runs now")
    elif ended is None:
        yield _unknown("service", "has not run since the server was started")
    else:
        age = duration(facts.now - ended)
        yield _ok("service", f"the last run ended well {age} ago (exit {service.exec_main_status})")
    if not units.on_failure:
        yield _fault(
            "service",
            "a run that fails tells nobody: OnFailure= is empty",
            f"systemctl edit {_SERVICE}   # [Unit] OnFailure=iwx-agent-failed.service",
        )


def _last_run(facts: WatcherFacts) -> Iterator[Ailment]:
    kept, units = facts.kept, facts.units
    if isinstance(kept, Missing):
        yield _gap("last run", kept)
        return
    if kept.unread:
        yield _unknown("last run", "what is kept of it cannot be read")
        return
    period_s = PERIOD_S if isinstance(units, Missing) else units.period_s
    for what, at in (("run", kept.run_at), ("decision", kept.decision_at)):
        yield _fresh(what, at, period_s, facts, units)


def _fresh(
    what: str, at: datetime | None, period_s: int | None, facts: WatcherFacts, units: WatchUnits | Missing
) -> Ailment:
    subject = f"last {what}"
    said = f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else f"no {what} has been kept yet"
    if at is not None and at > facts.now + _AHEAD:
        return _unknown(subject, f"{said}, which has not come yet: the clock was set back")
    if period_s is None:
        return _unknown(subject, f"{said}; how often the timer runs could not be told")
    limit = timedelta(seconds=PERIODS_COUNT * period_s)
    if at is not None and facts.now - at <= limit:
        return _ok(subject, f"{said}, {duration(facts.now - at)} ago")
    if facts.now - _began(facts, units) <= limit:
        return _unknown(subject, f"{said}; timer or server were started a moment ago")
    return _fault(subject, f"{said}: the last should be {duration(limit)} old at most", _JOURNAL)


def _began(facts: WatcherFacts, units: WatchUnits | Missing) -> datetime:
    """Return since when the timer could have run: of the server's start and its own the later."""
    entered = None if isinstance(units, Missing) else moment(units.timer.active_enter_at)
    return max(facts.booted_at, entered or facts.booted_at)


def _clock(facts: WatcherFacts) -> Iterator[Ailment]:
    result = facts.clock
    for finding in result.findings:
        fix = finding.remedy[-1].partition("   #")[0] if finding.remedy else "timedatectl status"
        yield _fault("clock", f"{finding.title}: {finding.detail}", fix)
    if result.status is Status.OK:
        yield _ok("clock", "is right, as far as this machine can tell")
    elif not result.findings:
        yield _unknown("clock", result.reason)


def _place(facts: WatcherFacts) -> Iterator[Ailment]:
    place = facts.place
    if isinstance(place, Missing):
        if place.absent:
            yield _fault("state directory", "is not there: nothing is kept", f"systemctl start {_SERVICE}")
        else:
            yield _gap("state directory", place)
        return
    path = shlex.quote(place.path)
    if place.kind != "directory":
        yield _fault(
            "state directory", f"{place.path} is a {place.kind}, no directory", f"mv {path} {path}.aside"
        )
    elif place.uid != 0 or place.mode != MODE:
        said = f"{place.path} belongs to user {place.uid} and has mode {place.mode:04o}, not root's 0700"
        yield _fault("state directory", said, f"chown root:root {path} && chmod 0700 {path}")
    else:
        yield from _room(place, path)


def _room(place: StatePlace, path: str) -> Iterator[Ailment]:
    available = f"{place.available_bytes // 1024**2} MiB"
    if place.read_only:
        yield _fault(
            "state directory", "its file system is read-only", "iwx-agent diagnose --only system.read_only"
        )
    elif place.available_bytes < ROOM_BYTES:
        said = f"only {available} are left on its file system"
        yield _fault("state directory", said, f"df -h {path}; iwx-agent diagnose --only system.disk_space")
    elif place.inodes_count and place.inodes_free_count < INODES_COUNT:
        said = f"only {place.inodes_free_count} inodes are left on its file system"
        yield _fault("state directory", said, f"df -i {path}; iwx-agent diagnose --only system.inodes")
    else:
        yield _ok("state directory", f"{place.path} is root's alone, {available} are free")


def _kept(facts: WatcherFacts) -> Iterator[Ailment]:
    kept = facts.kept
    if isinstance(kept, Missing):
        yield _gap("state", kept)
    elif kept.unread:
        yield _fault("state", kept.unread, kept.unread_fix)
    elif kept.lost_at is not None and abs(facts.now - kept.lost_at) <= LOST_FOR:
        said = f"what was kept was found damaged at {kept.lost_at:%Y-%m-%d %H:%M} UTC, and is now {kept.lost}"
        yield _fault("state", said, "iwx-agent diagnose --only system.disk_errors")
    elif kept.said or kept.below_run:
        said = "; ".join(kept.said) or "something is kept below /run since the disk did not take it"
        yield _fault("state", said, f"systemctl start {_SERVICE}")
    else:
        yield _ok("state", "can be read; nothing had to go to /run")


def _outbox(facts: WatcherFacts) -> Iterator[Ailment]:
    kept = facts.kept
    if isinstance(kept, Missing) or kept.unread:
        yield _unknown("outbox", "what is kept of it cannot be read")
        return
    by_person = [line for line in kept.texts if line.state in _BY_A_PERSON]
    waiting = [line for line in kept.texts if line.state not in _BY_A_PERSON]
    for line in by_person[:_SHOWN_COUNT]:
        words, fix = _BY_A_PERSON[line.state]
        yield _fault("outbox", f"{line.key} {words}", fix.format(shlex.quote(line.key)))
    if len(by_person) > _SHOWN_COUNT:
        more = len(by_person) - _SHOWN_COUNT
        yield _fault("outbox", f"{more} more wait for a person", "iwx-agent outbox list")
    stuck = [line for line in waiting if _waits_too_long(line, facts.now)]
    for line in stuck[:1]:
        said = (
            f"{len(stuck)} of {len(waiting)} that wait are too old, or need a person; the oldest: {line.key}"
        )
        yield _fault("outbox", said, f"iwx-agent outbox show {shlex.quote(line.key)}")
    if not by_person and not stuck:
        waits = f"{len(waiting)} wait" if len(waiting) > 1 else "1 waits" if waiting else "nothing waits"
        yield _ok("outbox", f"{waits} to be sent")


_BY_A_PERSON = {
    "draft": (
        "is a draft: iwx-agent outbox retry sends it when you have read it",
        "iwx-agent outbox show {}",
    ),
    "failed": ("was refused by every way to send", "iwx-agent outbox show {}"),
    "damaged": ("is damaged, and cannot be sent", "iwx-agent outbox drop {} --reason damaged"),
}


def _waits_too_long(line: OutboxLine, now: datetime) -> bool:
    """Return whether it should have left by now; what waits for a person to look at it should, too."""
    created = line.created_at
    return created is None or line.due_at is None or (now - created).total_seconds() > WAITING_S


def _switches(facts: WatcherFacts) -> Iterator[Ailment]:
    found = facts.switches
    if isinstance(found, Missing):
        yield from (_gap(subject, found) for subject in ("auto", "licence", "ways to send"))
        return
    if found.enabled:
        yield _ok("auto", "is on")
    else:
        said = "is off: nothing is filed by itself; to turn it on: iwx-agent auto enable"
        yield Ailment(subject="auto", state="skipped", said=said)
    if found.licence is Licence.NOT_SET:
        said = (
            "where it was bought is not set, so nothing is filed by itself; the fix is for one from InterWorx"
        )
        yield _fault("licence", said, _LICENCE)
    elif found.licence is Licence.RESELLER and found.enabled:
        said = "was bought from a reseller, and auto is on: it files nothing"
        yield _fault("licence", said, "iwx-agent auto disable")
    else:
        sold = "InterWorx" if found.licence is Licence.DIRECT else "a reseller"
        yield _ok("licence", f"was bought from {sold}, as configured")
    reaching = [name for name in found.ways if name != "file"]
    if reaching:
        yield _ok("ways to send", ", then ".join(found.ways))
    elif found.enabled:
        yield _fault("ways to send", "auto is on, and its tickets stay on this server", _CHECK)
    else:
        said = "none is set up: tickets stay on this server (delivery.chain)"
        yield Ailment(subject="ways to send", state="skipped", said=said)


def _stop_file(facts: WatcherFacts) -> Iterator[Ailment]:
    found = facts.stop_file
    if not isinstance(found, Missing):
        said = f"{found.path} is there: nothing leaves by itself"
        yield _fault("kill switch", said, f"rm {shlex.quote(found.path)}")
    elif found.absent:
        yield _ok("kill switch", "is not there")
    else:
        yield _gap("kill switch", found)


def _configured(facts: WatcherFacts) -> Iterator[Ailment]:
    found = facts.configured
    if isinstance(found, Missing):
        yield _gap("configuration", found)
        return
    yield from (_fault("configuration", fault.said, fault.fix) for fault in found.faults)
    if not found.faults:
        notes = f"; worth a look ({found.notes_count}): {_CHECK}" if found.notes_count else ""
        yield _ok("configuration", f"can be used, and passwords are root's alone{notes}")


def _portal(facts: WatcherFacts) -> Iterator[Ailment]:
    found = facts.portal
    yield (
        _gap("portal", found)
        if isinstance(found, Missing)
        else _reached("portal", found, "answers, and its form is understood; nothing was sent")
    )


def _mail(facts: WatcherFacts) -> Iterator[Ailment]:
    found = facts.mail
    if isinstance(found, Missing):
        yield _gap("mail server", found)
    else:
        yield _reached("mail server", found, "takes connections; nothing was sent")


def _reached(subject: str, found: Reached | NotAsked, well: str) -> Ailment:
    if isinstance(found, NotAsked):
        return Ailment(subject=subject, state="skipped", said=found.why)
    why = f"{found.name}: {found.why}" if found.name else found.why
    return _fault(subject, why, found.fix) if found.why else _ok(subject, well)


def _assistance(facts: WatcherFacts) -> Iterator[Ailment]:
    found, subject = facts.assistance, "Remote Assistance"
    if found.state == "unknown":
        yield _unknown(subject, found.reason)
    elif found.state == "off":
        said = "is off, and every ticket needs it"
        yield _fault(subject, said, "iwx-agent remote-assistance enable")
    elif found.ready is False:
        said = f"is on, but support cannot get in: {'; '.join(found.obstacles)}"
        yield _fault(subject, said, "iwx-agent remote-assistance status")
    else:
        until = f" until {found.ends_at:%Y-%m-%d %H:%M} UTC" if found.ends_at is not None else ""
        yield _ok(subject, f"is on{until}")


def _version(facts: WatcherFacts) -> Iterator[Ailment]:
    yield _ok("version", facts.version)


def _policy(facts: WatcherFacts) -> Iterator[Ailment]:
    found, subject = facts.policy, "support guide"
    if isinstance(found, Missing):
        yield _gap(subject, found)
        return
    today, told = facts.now.date(), f"release {found.version}, compared on {found.as_of}"
    renew_on = found.as_of + RENEW_AFTER
    if found.as_of > today:
        yield _unknown(subject, f"{told}, which has not come yet: the clock was set back")
    elif today <= renew_on:
        yield _ok(subject, f"{told}; due again on {renew_on}")
    elif found.own:
        said = f"{told}: compare /etc/iwx-agent/support-policy.toml with the vendor's guide again"
        yield _fault(subject, said, "vi /etc/iwx-agent/support-policy.toml")
    else:
        said = f"{told}, more than a year ago: install a newer iwx-agent, from a copy of it"
        yield _fault(subject, said, "/opt/iwx-agent/bin/pip install --upgrade .")


_JUDGES: tuple[Callable[[WatcherFacts], Iterator[Ailment]], ...] = (
    _timer,
    _service,
    _last_run,
    _clock,
    _place,
    _kept,
    _outbox,
    _switches,
    _stop_file,
    _configured,
    _portal,
    _mail,
    _assistance,
    _version,
    _policy,
)
