"""What was done on the server of late, and what it is: asked only when there is something to report."""

from iwx_agent.host import KIB, MIB, DirectoryListing, HostError
from iwx_agent.model.changes import (
    BootRecords,
    ConfigEdits,
    Extent,
    OperatingSystem,
    UnitEvents,
)
from iwx_agent.model.cluster import ClusterRole
from iwx_agent.parsers.edited_files import parse_edited_files
from iwx_agent.parsers.os_release import parse_os_release
from iwx_agent.parsers.unit_events import MESSAGE_IDS, parse_unit_events
from iwx_agent.parsers.wtmp import parse_wtmp
from iwx_agent.probes import cluster
from iwx_agent.probes.context import Context, Probe, together

_EVENTS_COUNT = 300  # some 1 KiB each
_EVENTS_BYTES = 2 * MIB
_WTMP_BYTES = 768 * KIB  # two thousand records: a day of logins on a busy server
_FOUND_BYTES = 256 * KIB
_ENTRIES_COUNT = 5000
_OWN_DATABASES = ("mysql", "performance_schema", "sys", "information_schema", "#innodb_temp", "#rocksdb")


def unit_events(context: Context) -> UnitEvents:
    """What systemd did within a day with the units that the agent knows, the newest 300 messages."""
    units = context.layout.everything("unit")
    answer = context.host.run(
        (
            *("journalctl", "-q", "--no-pager", "-o", "json", "--since=-24h", "-n", str(_EVENTS_COUNT)),
            "_PID=1",  # anybody may write UNIT= into the journal, but not as systemd
            *(f"UNIT={unit}" for unit in units),
            *(f"MESSAGE_ID={message}" for message in MESSAGE_IDS),
        ),
        timeout_s=6.0,
        max_bytes=_EVENTS_BYTES,
    )
    if answer.exit_code != 0 and not answer.truncated:
        why = "no answer within 6 s" if answer.timed_out else answer.error_text.strip()[:200]
        raise HostError("failed", why or f"exit {answer.exit_code}", "journalctl of systemd's messages")
    entries = parse_unit_events(answer.text, truncated=answer.truncated)
    return UnitEvents(
        entries=entries,
        source="the journal",
        truncated=answer.truncated or len(entries) >= _EVENTS_COUNT,
    )


def boot_records(context: Context) -> BootRecords:
    """The boots and shutdowns on record."""
    path = context.layout.text("path.boot_records")
    content = context.host.tail(path, max_bytes=_WTMP_BYTES)
    return BootRecords(entries=parse_wtmp(content.data, truncated=content.truncated), source=path)


def config_edits(context: Context) -> ConfigEdits:
    """Which configuration files changed within a day: one ``find`` over the places that are known."""
    answer = context.host.run(
        (
            *("find", "-P", *context.layout.words("words.config_places")),
            *("-maxdepth", "4", "-xdev", "-type", "f", "-mtime", "-1", "!", "-path", "*[[:cntrl:]]*"),
            *("-printf", "%T@ %p\\n"),
        ),
        timeout_s=6.0,
        max_bytes=_FOUND_BYTES,
    )
    if answer.exit_code not in (0, 1) and not answer.truncated:  # 1: one of the places is not there
        why = "no answer within 6 s" if answer.timed_out else answer.error_text.strip()[:200]
        raise HostError("failed", why or f"exit {answer.exit_code}", "find of changed configuration")
    missed = [line for line in answer.error_text.splitlines() if "No such file" not in line]
    unread = missed[0][:200] if missed else ("there are more than were listed" if answer.truncated else "")
    return ConfigEdits(
        entries=parse_edited_files(answer.text, truncated=answer.truncated),
        source="times of the files",
        unread=unread,
    )


def operating_system(context: Context) -> OperatingSystem:
    """The operating system and its kernel."""
    system = context.host.read("/etc/os-release", max_bytes=16 * KIB)
    kernel = context.host.read("/proc/sys/kernel/osrelease", max_bytes=1 * KIB)
    return OperatingSystem(name=parse_os_release(system.text), kernel=kernel.text.strip()[:120])


def server_role(context: Context) -> ClusterRole:
    """This server's part in a cluster; where the checks have asked before, nothing is asked again."""
    return cluster.cluster_role(context)


def extent(context: Context) -> Extent:
    """How many mail domains and databases live here, by the names of their directories."""
    mail = f"{context.layout.text('path.mailboxes')}/domains"
    databases = context.layout.text("path.mysql_data")
    listed = together([lambda: _listed(context, mail), lambda: _listed(context, databases)])
    return Extent(
        mail_domains_count=_directories_count(listed[0], ()),
        databases_count=_directories_count(listed[1], _OWN_DATABASES),
        at_least=any(listing.truncated for listing in listed if listing is not None),
    )


def _listed(context: Context, path: str) -> DirectoryListing | None:
    try:
        return context.host.list_directory(path, max_entries=_ENTRIES_COUNT)
    except HostError:  # then it is not counted, and the report says so
        return None


def _directories_count(listing: DirectoryListing | None, own: tuple[str, ...]) -> int | None:
    if listing is None:
        return None
    return sum(
        entry.kind in ("directory", "symlink") and entry.name not in own and not entry.name.startswith(".")
        for entry in listing.entries
    )


PROBES = (
    Probe(ask=unit_events),
    Probe(ask=config_edits),
    Probe(ask=boot_records),
    Probe(ask=operating_system),
    Probe(ask=server_role),
    Probe(ask=extent),
)
