"""What was done on the server within the last day, from what the journal, rpm, wtmp and file times tell."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from iwx_agent.model import Boot, FactValue, Incident, Missing, PackageLog, PackageRun, moment, package_name
from iwx_agent.model.changes import (
    WINDOW_S,
    BootRecords,
    Change,
    ChangeGap,
    ChangeKind,
    Changes,
    ConfigEdits,
    EditedFile,
    UnitEvent,
    UnitEvents,
)
from iwx_agent.model.mail import SupervisedService, SupervisedServices

_ENTRIES_COUNT = 60
_NAMED_COUNT = 4
_COMMAND_CHARACTERS = 80
_SOURCE_CHARACTERS = 60  # a longer one is a command that names all it asks for
_STARTING_S = 300.0  # what starts so soon after a boot starts with it
_RESTART_S = 900.0  # a start that follows a restart's stop so soon belongs to it
_SAME_S = 90.0
_AHEAD_S = 300.0  # what lies further ahead is no time of this clock
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNASKED = Missing(reason="it was not looked at")


class _Told:
    """The changes while they are gathered: what lies outside the day is left out."""

    def __init__(self, now_at: float) -> None:
        self.since_at = now_at - WINDOW_S
        self.until_at = now_at + _AHEAD_S
        self.entries: list[tuple[float, Change]] = []
        self.gaps: list[ChangeGap] = []

    def covers(self, at: float | None) -> bool:
        return at is not None and self.since_at <= at <= self.until_at

    def add(self, kind: ChangeKind, at: float, subject: str, said: str, source: str) -> None:
        seen_at = moment(at)
        if seen_at is not None and self.covers(at):
            change = Change(kind=kind, at=seen_at, subject=subject, said=said, source=source)
            self.entries.append((at, change))

    def lacks(self, kind: ChangeKind, reason: str) -> None:
        self.gaps.append(ChangeGap(kind=kind, reason=reason))


def changes_of(facts: Mapping[str, FactValue], now_at: float, incidents: Iterable[Incident] = ()) -> Changes:
    """Return what was changed in the day before ``now_at``, and which kind could not be told.

    A file that a finding of ``incidents`` names is told by itself, however many changed beside it.
    """
    told = _Told(now_at)
    boots = _boots(told, facts)
    _units(told, facts.get("unit_events", _UNASKED), boots)
    _supervised(told, facts.get("supervised_services", _UNASKED), boots)
    _packages(told, facts.get("package_log", _UNASKED))
    _edits(told, facts.get("config_edits", _UNASKED), _named_by(incidents))
    told.entries.sort(key=lambda entry: (entry[0], entry[1].kind, entry[1].subject))
    kept = told.entries[-_ENTRIES_COUNT:]
    return Changes(
        since_at=moment(told.since_at) or _EPOCH,
        entries=tuple(change for _, change in kept),
        gaps=tuple(told.gaps),
        left_out_count=len(told.entries) - len(kept),
    )


def _why(gap: Missing) -> str:
    return f"{gap.reason} ({gap.source})" if 0 < len(gap.source) <= _SOURCE_CHARACTERS else gap.reason


# --- reboots ---


def _boots(told: _Told, facts: Mapping[str, FactValue]) -> tuple[float, ...]:
    """Tell the boots of the day, each once, and return when they were."""
    boot, records = facts.get("boot", _UNASKED), facts.get("boot_records", _UNASKED)
    found: dict[float, tuple[str, str]] = {}
    if isinstance(records, BootRecords):
        before = ""
        for record in records.entries:
            if record.kind == "boot":
                crashed = " without a shutdown before it: a crash, a power cut or a reset"
                found[record.at] = ("came up" + (crashed if before == "boot" else ""), records.source)
            before = record.kind
    else:
        told.lacks("reboot", f"earlier boots than the present one: {_why(records)}")
    if isinstance(boot, Boot) and not any(abs(at - boot.booted_at) <= _STARTING_S for at in found):
        found[boot.booted_at] = ("came up", "the kernel's clock")
    if not found:
        told.lacks("reboot", _why(boot) if isinstance(boot, Missing) else "no boot is on record")
    for at, (said, source) in found.items():
        told.add("reboot", at, "the server", said, source)
    return tuple(found)


def _with_a_boot(at: float, boots: Iterable[float]) -> bool:
    return any(0.0 <= at - booted_at <= _STARTING_S for booted_at in boots)


# --- services ---


def _units(told: _Told, events: UnitEvents | Missing, boots: tuple[float, ...]) -> None:
    if isinstance(events, Missing):
        told.lacks("service", f"what systemd started and stopped: {_why(events)}")
        return
    if events.truncated and events.entries:
        first_at = moment(events.entries[0].at)
        told.lacks("service", f"systemd's messages were too many: nothing before {first_at:%H:%M} UTC")
    by_unit: dict[str, list[UnitEvent]] = {}
    for event in events.entries:
        by_unit.setdefault(event.unit, []).append(event)
    for unit, of_unit in by_unit.items():
        for at, said, times_count in _repeated(_deeds(of_unit, boots)):
            often = f", {times_count} times, the last time then" if times_count > 1 else ""
            told.add("service", at, unit, said + often, events.source)


def _deeds(events: list[UnitEvent], boots: tuple[float, ...]) -> Iterator[tuple[float, str]]:
    """Give (when, what) of one unit: a stop and a start that are one restart are told as one."""
    restarting_at = failed_at = 0.0
    failed = ""
    for event in sorted(events, key=lambda event: event.at):
        soon = event.at - restarting_at <= _RESTART_S
        match event.kind:
            case "restarting":
                restarting_at = event.at
            case "failed":
                failed_at, failed = event.at, f"failed ({event.result})" if event.result else "failed"
                continue
            case "automatic_restart":
                yield event.at, f"{failed or 'ended'} and was started again by systemd itself"
                failed, restarting_at = "", 0.0
                failed_at = event.at
                continue
            case "started":
                own = event.at - failed_at <= _SAME_S and not failed
                if not own and not _with_a_boot(event.at, boots):
                    yield event.at, "restarted" if soon else "started"
                restarting_at = 0.0
            case "start_failed":
                yield event.at, f"{'restart' if soon else 'start'} failed" + _because(failed)
                failed, restarting_at = "", 0.0
            case other:
                yield event.at, {"stopped": "stopped", "reloaded": "reloaded"}.get(other, "reload failed")
        if failed:
            yield failed_at, failed
            failed = ""
    if failed:
        yield failed_at, failed
    if restarting_at:
        yield restarting_at, "stopped by a restart; that it started again is not told"


def _because(failed: str) -> str:
    return f": {failed.removeprefix('failed ').strip('()')}" if failed else ""


def _repeated(deeds: Iterable[tuple[float, str]]) -> Iterator[tuple[float, str, int]]:
    """Give each deed once with the time of its last and how often it followed itself."""
    held: tuple[float, str, int] | None = None
    for at, said in sorted(deeds, key=lambda deed: deed[0]):
        if held is not None and held[1] == said:
            held = (at, said, held[2] + 1)
            continue
        if held is not None:
            yield held
        held = (at, said, 1)
    if held is not None:
        yield held


def _supervised(told: _Told, found: SupervisedServices | Missing, boots: tuple[float, ...]) -> None:
    """Tell which mail services changed their state; supervise keeps the last change of each only."""
    if isinstance(found, Missing):
        if not found.absent:
            told.lacks("service", f"what supervise started and stopped: {_why(found)}")
        return
    groups: list[tuple[float, str, list[str]]] = []
    for service in found.services:
        state = _state_of(service)
        if state is None or not told.covers(state[0]) or _with_a_boot(state[0], boots):
            continue
        at, said = state
        near = next((g for g in groups if g[1] == said and abs(g[0] - at) <= _SAME_S), None)
        if near is None:
            groups.append((at, said, [service.name]))
        else:
            near[2].append(service.name)
    for at, said, names in groups:
        many = "mail services" if len(names) > 1 else "mail service"
        told.add("service", at, f"{many} {', '.join(names)}", said, f"{found.path}/*/supervise/status")


def _state_of(service: SupervisedService) -> tuple[float, str] | None:
    status = service.later or service.status
    if status is None or service.name.endswith("/log"):
        return None
    if status.pid and status.paused:
        return status.since_at, "started, and paused since"
    if status.pid:
        return status.since_at, "started"
    return status.since_at, "stopped, as it was told to" if status.wanted == "down" else "went down"


# --- packages ---


def _packages(told: _Told, log: PackageLog | Missing) -> None:
    if isinstance(log, Missing):
        told.lacks("package", _why(log))
        return
    if log.covered_from_at is not None and log.covered_from_at > told.since_at:
        from_at = moment(log.covered_from_at)
        told.lacks(
            "package",
            f"the log begins at {from_at:%Y-%m-%d %H:%M} UTC" if from_at else "the log has no times",
        )
    for run in log.runs:
        at = run.transaction_at if run.transaction_at is not None else run.started_at
        if at is not None and (run.transaction or (run.wants_change and run.outcome == "failed")):
            told.add("package", at, run.tool, _run_said(run), run.source)


def _run_said(run: PackageRun) -> str:
    names = tuple(dict.fromkeys(package_name(package) for package in run.changed or run.planned))
    ended = {"done": "", "failed": "failed", "killed": "was killed half-way", "open": "did not end yet"}
    what = _shortened(run.command or " ".join(filter(None, (run.tool, *run.goal))))
    parts = [what, ended[run.outcome]]
    if names:
        did = "changed" if run.changed else "meant to change"
        parts.append(f"{did} {len(names)} package{'s' * (len(names) > 1)} ({_listed(names)})")
    return ": ".join(filter(None, (parts[0], "; ".join(filter(None, parts[1:])))))


def _shortened(command: str) -> str:
    """Return a command with as many whole words as are read at a glance; how many more it has is said."""
    words = command.split(" ")
    count = next((n for n in range(len(words), 1, -1) if len(" ".join(words[:n])) <= _COMMAND_CHARACTERS), 1)
    left_count = len(words) - count
    more = f" ... ({left_count} more word{'s' * (left_count > 1)})" if left_count else ""
    return " ".join(words[:count]) + more


def _listed(names: tuple[str, ...]) -> str:
    more_count = len(names) - _NAMED_COUNT
    return ", ".join(names[:_NAMED_COUNT]) + (f" and {more_count} more" if more_count > 0 else "")


# --- configuration ---


def _named_by(incidents: Iterable[Incident]) -> str:
    found = (f for incident in incidents for f in (incident.lead, *incident.others))
    return "\n".join(text for f in found for text in (f.subject, f.detail, *(e.source for e in f.evidence)))


def _edits(told: _Told, edits: ConfigEdits | Missing, named: str) -> None:
    """Tell the files that were changed; many of one directory together, the newest first."""
    if isinstance(edits, Missing):
        told.lacks("config", _why(edits))
        return
    if edits.unread:
        told.lacks("config", f"not all was seen: {edits.unread}")
    by_directory: dict[str, list[EditedFile]] = {}
    for file in edits.entries:
        if file.path in named:
            told.add("config", file.at, file.path, "changed", edits.source)
        elif told.covers(file.at):
            by_directory.setdefault(file.path.rpartition("/")[0], []).append(file)
    for directory, files in by_directory.items():
        files.sort(key=lambda file: (-file.at, file.path))
        if len(files) > _NAMED_COUNT:
            names = _listed(tuple(file.path.rpartition("/")[2] for file in files))
            said = f"{len(files)} files changed, the last then: {names}"
            told.add("config", files[0].at, f"{directory}/", said, edits.source)
        else:
            for file in files:
                told.add("config", file.at, file.path, "changed", edits.source)
