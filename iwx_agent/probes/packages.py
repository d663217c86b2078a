"""Facts about rpm's database, the locks of yum and dnf, their repository files, and the panel's packages."""

from collections.abc import Iterable

from iwx_agent.host import KIB, CommandAnswer, DirectoryEntry, Host, HostError
from iwx_agent.model import InstalledPackages, PanelPresence, package_name
from iwx_agent.model.package_state import (
    DatabaseTrouble,
    PackageLock,
    PackageLocks,
    RpmDatabase,
    is_package_tool,
)
from iwx_agent.parsers.rpm_answers import PACKAGE_FORMAT, database_trouble, parse_packages
from iwx_agent.probes.context import Context, Probe
from iwx_agent.probes.machine import RPM_QUESTION, RPM_TIMEOUT_S, panel, processes
from iwx_agent.probes.package_log import package_log

_WHOLE_SYSTEM_BYTES = (
    1024 * KIB
)  # the database of the smallest Enterprise Linux is larger than ten times this
_NAMES_COUNT = 20
_OWN_FILES = ("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages", "Packages.db")  # SQLite, Berkeley DB, ndb
_ENVIRONMENT = "__db."
_SAID_CHARACTERS = 600


def rpm_database(context: Context) -> RpmDatabase:
    """Whether rpm can read its database, by the question for the panel's version that is asked anyway."""
    directory = context.layout.text("path.rpm_database")
    entries = _entries(context.host, directory)
    answer = context.host.run(RPM_QUESTION, timeout_s=RPM_TIMEOUT_S)
    size_bytes, environment_count = _sizes(entries)
    trouble, said = _trouble(context, answer, size_bytes, directory)
    return RpmDatabase(
        trouble=trouble,
        text=said[:_SAID_CHARACTERS],
        source=answer.source,
        directory=directory,
        size_bytes=size_bytes,
        environment_files_count=environment_count,
    )


def _trouble(
    context: Context, answer: CommandAnswer, size_bytes: int | None, directory: str
) -> tuple[DatabaseTrouble | None, str]:
    """Return what is wrong, and what was said of it: complaints count, not what rpm calls absent."""
    said = answer.error_text.strip() or answer.text.strip()
    trouble = database_trouble(answer.error_text)
    if answer.timed_out:
        return "silent", f"rpm gave no answer within {RPM_TIMEOUT_S:g} s"
    if answer.exit_code == 0:
        return ("entries" if trouble == "damaged" else None), said
    if trouble == "unreadable" and context.host.clock().effective_uid != 0:
        raise HostError("permission", said[:200], answer.source)
    if trouble is not None:
        return (
            ("damaged", f"its file in {directory} is empty\n{said}") if size_bytes == 0 else (trouble, said)
        )
    if "is not installed" not in answer.text:
        raise HostError("failed", said[:200] or f"exit {answer.exit_code}", answer.source)
    if _too_small(context, size_bytes):
        return "empty", f"{said}, although the panel is here"
    return None, said


def _entries(host: Host, directory: str) -> tuple[DirectoryEntry, ...] | None:
    try:
        return host.list_directory(directory).entries
    except HostError as error:
        if error.kind in ("over_budget", "not_captured"):
            raise
        return None  # where the database lies elsewhere, what rpm says is all there is


def _sizes(entries: Iterable[DirectoryEntry] | None) -> tuple[int | None, int]:
    if entries is None:
        return None, 0
    own = [entry.size_bytes for entry in entries if entry.name in _OWN_FILES]
    return sum(own) if own else None, sum(entry.name.startswith(_ENVIRONMENT) for entry in entries)


def _too_small(context: Context, size_bytes: int | None) -> bool:
    """Whether this cannot be the database of the system that the panel was installed on."""
    if size_bytes is None or size_bytes >= _WHOLE_SYSTEM_BYTES:
        return False
    try:
        return isinstance(panel(context), PanelPresence)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return False


def installed_panel_packages(context: Context) -> InstalledPackages:
    """The panel's packages that are installed: of the names that are known, and those that the logs name.

    All of them (``rpm -qa``) would be read only by reading every package of the server.
    """
    database = rpm_database(context)
    if database.trouble is not None:
        raise HostError("failed", f"the rpm database is not sound: {database.text[:200]}", database.source)
    names = dict.fromkeys(context.layout.texts("package.panel_named"))
    try:
        log = package_log(context)
    except HostError:
        pass  # the known names can be asked for all the same
    else:
        told = (package for run in log.runs for package in (*run.planned, *run.changed))
        names |= dict.fromkeys(package_name(package) for package in told if log.of_panel(package))
    asked = tuple(names)[:_NAMES_COUNT]
    answer = context.host.run(("rpm", "-q", "--qf", PACKAGE_FORMAT, *asked), timeout_s=RPM_TIMEOUT_S)
    if answer.timed_out or database_trouble(answer.error_text):
        raise HostError("failed", answer.error_text.strip()[:200] or "no answer in time", answer.source)
    source = f"rpm -q {' '.join(asked)}"
    return InstalledPackages(entries=parse_packages(answer.text), asked=asked, source=source)


def package_locks(context: Context) -> PackageLocks:
    """Who holds the locks of yum and dnf, and which programs that change packages run now."""
    running = tuple(process for process in processes(context).entries if process.state not in "ZX")
    by_pid = {process.pid: process for process in running}
    locks = []
    for path in context.layout.texts("lock.packages"):
        try:
            content = context.host.read(path, max_bytes=64)
        except HostError as error:
            if error.kind != "not_found":
                raise
            continue
        text = content.text.strip()
        pid = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
        holder = by_pid.get(pid) if pid is not None else None
        locks.append(
            PackageLock(path=path, pid=pid, text=text[:64], changed_at=content.modified_at, holder=holder)
        )
    return PackageLocks(
        locks=tuple(locks),
        tools=tuple(process for process in running if is_package_tool(process.name, process.title)),
        read_at=context.host.clock().now_at,
    )


PROBES = (
    Probe(ask=rpm_database),
    Probe(ask=installed_panel_packages),
    Probe(ask=package_locks),
)
