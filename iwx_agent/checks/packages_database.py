"""rpm can read its database.

Facts:
    rpm_database: what rpm said to a question that it answers from its database, and the database's files.

Codes:
    PACKAGES-010 the database is damaged, empty or has to be recovered: nothing can be installed or updated;
    PACKAGES-011 it cannot be opened for want of space, of a writable file system or of access, or single
    entries are damaged; PACKAGES-012 rpm does not answer.

Source:
    Support guide 7.1, "Yum failure messages"; rpm 4.18's words as recorded; for Berkeley DB public reports
    (NethServer/dev issue 5440, adoptium/infrastructure issue 1868); rpmdb(8).
"""

import shlex
from collections.abc import Iterator

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity
from iwx_agent.model.package_state import RpmDatabase

_TITLES = {
    "damaged": "rpm's database is damaged: nothing can be installed or updated",
    "empty": "rpm's database is empty: it does not know the packages of this server",
    "entries": "rpm's database has damaged entries",
    "recovery": "rpm's database has to be recovered: nothing can be installed or updated",
    "disk_full": "rpm cannot open its database: the disk is full",
    "read_only": "rpm cannot open its database: it may not be written",
    "unreadable": "rpm cannot open its database",
    "silent": "rpm does not answer",
}
_DAMAGED = ("damaged", "empty", "recovery")


def judge(rpm_database: RpmDatabase) -> Iterator[Finding]:
    """Judge by what rpm complained of; that it then calls packages not installed is never believed."""
    trouble = rpm_database.trouble
    if trouble is None:
        return
    damaged = trouble in _DAMAGED
    code = "PACKAGES-010" if damaged else "PACKAGES-012" if trouble == "silent" else "PACKAGES-011"
    size = "" if rpm_database.size_bytes is None else f" Its files have {rpm_database.size_bytes:,} bytes."
    effect = "yum and dnf stop with an error, the panel's updates too."
    if trouble == "entries":
        effect = "It still answers; what it does not know of a package can make an update fail."
    yield Finding(
        code=code,
        subject="rpm database",
        severity=Severity.EMERGENCY if damaged else Severity.ERROR,
        scope=Scope.VENDOR if damaged else Scope.PROVIDER,
        title=_TITLES[trouble],
        detail=f"{_first_line(rpm_database.text)}.{size} {effect}",
        remedy=_steps(rpm_database),
        evidence=(Evidence(source=rpm_database.source, text=rpm_database.text),),
    )


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:240].rstrip(".")


def _steps(database: RpmDatabase) -> tuple[str, ...]:
    place = shlex.quote(database.directory)
    saved = f"tar -C / -czf /root/rpmdb-$(date +%s).tar.gz {shlex.quote(database.directory.lstrip('/'))}"
    backup = f"{saved}   # keep it, whatever comes next"
    no_tool = (
        "pgrep -a 'dnf|yum|rpm'   # none may run while the database is touched; end none of them by force"
    )
    match database.trouble:
        case "disk_full" | "read_only" | "unreadable":
            return (
                f"df -h {place}; df -i {place}; findmnt --target {place}",
                f"ls -la {place}   # owned by root, not empty",
                "rpm -q interworx   # when that is mended",
            )
        case "silent":
            return (
                "ps -eo pid,etimes,stat,wchan:24,args | grep -E '[r]pm|[d]nf|[y]um'   # who holds it",
                f"ls -la {place}/__db.*   # left by a program that was killed: see below",
                f"If no such program runs and files __db.* are there: mv {place}/__db.* /root/",
            )
        case "recovery":
            return (
                no_tool,
                backup,
                f"mv {place}/__db.* /root/   # the environment of a program that was killed; it is made anew",
                "rpm -q interworx   # sound again? If not: rpm --rebuilddb",
            )
    return (
        no_tool,
        backup,
        f"ls -la {place}; df -h {place}   # is the disk full, or the file empty?",
        f"Put back {place} from the last backup of the server, if there is one.",
        "rpm --rebuilddb   # without a backup; it drops what it cannot read, and often fails with SQLite",
    )


CHECK = Check(
    id="packages.database",
    title="The rpm database is sound",
    codes=("PACKAGES-010", "PACKAGES-011", "PACKAGES-012"),
    judge=judge,
    optional=("rpm_database",),
    emergency=True,
    guide=7,
)
