"""Facts about rpm's database, the locks of yum and dnf, their repositories, and the panel's packages."""

import re
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from iwx_agent.model.machine import Process
from iwx_agent.model.packages import FailureKind


class InstalledPackage(Struct, frozen=True, kw_only=True):
    """One installed package as the rpm database has it."""

    name: str
    version: str
    release: str
    architecture: str
    epoch: int = 0
    installed_at: float | None = None


class InstalledPackages(Struct, frozen=True, kw_only=True):
    """The panel's installed packages among the names that were ``asked``; others are not seen.

    A package that stands here twice is installed twice.
    """

    entries: tuple[InstalledPackage, ...]
    asked: tuple[str, ...]
    source: str

    def named(self, name: str) -> tuple[InstalledPackage, ...]:
        """Return all installed packages of that name."""
        return tuple(entry for entry in self.entries if entry.name == name)


DatabaseTrouble = Literal[
    "damaged", "empty", "entries", "recovery", "disk_full", "read_only", "silent", "unreadable"
]


class RpmDatabase(Struct, frozen=True, kw_only=True):
    """Whether rpm can read its database; ``trouble`` None means that it answered a question from it.

    ``damaged``: a broken one; ``empty``: sound, but without the packages of a whole system; ``recovery``:
    Berkeley DB wants its environment removed; ``silent``: no answer in time; ``entries``: it answered, and
    complained of single entries. ``text`` is what rpm said.
    """

    trouble: DatabaseTrouble | None
    text: str
    source: str
    directory: str = "/var/lib/rpm"
    size_bytes: int | None = None  # of the database's own files together; None when it could not be told
    environment_files_count: int = 0  # Berkeley DB's __db.*


class PackageLock(Struct, frozen=True, kw_only=True):
    """One lock file of yum or dnf.

    ``pid`` is None for an empty or malformed one; ``holder`` None means that no such process runs.
    """

    path: str
    pid: int | None
    text: str
    changed_at: float
    holder: Process | None = None


class PackageLocks(Struct, frozen=True, kw_only=True):
    """Lock files, and the running programs that change packages, whether they hold a lock file or not."""

    locks: tuple[PackageLock, ...]
    tools: tuple[Process, ...]
    read_at: float


class Repository(Struct, frozen=True, kw_only=True):
    """One repository of a file; its addresses are as written, but without credentials."""

    id: str
    path: str
    enabled: bool = True
    lists: tuple[str, ...] = ()  # mirrorlist, metalink
    bases: tuple[str, ...] = ()  # baseurl

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return where it is fetched from, lists of mirrors first as dnf asks them."""
        return (*self.lists, *self.bases)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the hosts of the addresses, each once; none for a directory."""
        found = (
            address.partition("://")[2].partition("/")[0].partition(":")[0] for address in self.addresses
        )
        return tuple(dict.fromkeys(host for host in found if host))


class RepositoryFile(Struct, frozen=True, kw_only=True):
    """One ``.repo`` file; ``trouble`` says why yum and dnf cannot read it, empty when they can."""

    path: str
    repositories: tuple[Repository, ...] = ()
    trouble: str = ""
    line: str = ""  # the line that stops the reading


class RepositoryFiles(Struct, frozen=True, kw_only=True):
    """All files that name repositories; ``ended_hosts`` are mirrors that were switched off for good."""

    files: tuple[RepositoryFile, ...]
    ended_hosts: tuple[str, ...] = ()
    panel_patterns: tuple[str, ...] = ()  # shell patterns of the panel's own repositories and their files

    @property
    def enabled(self) -> tuple[Repository, ...]:
        """Return the repositories that are switched on."""
        return tuple(r for file in self.files for r in file.repositories if r.enabled)

    def of_panel(self, name: str) -> bool:
        """Return whether a repository or a file of that name is the panel's own."""
        return any(fnmatchcase(name, pattern) for pattern in self.panel_patterns)

    def uses(self, repository: str) -> bool:
        """Return whether a repository is switched on; a variable in a configured id stands for anything."""
        return any(
            known.id == repository or ("$" in known.id and fnmatchcase(repository, _as_pattern(known.id)))
            for known in self.enabled
        )


class RepositoryAnswers(Struct, frozen=True, kw_only=True):
    """Repositories that are switched on and were asked of late, whether they answered or failed."""

    asked: tuple[str, ...]
    source: str


class RepositoryNow(Struct, frozen=True, kw_only=True):
    """What one repository answered when the agent itself asked; ``kind`` None: it answered well."""

    id: str
    url: str
    text: str
    kind: FailureKind | None = None
    host: str = ""


def _as_pattern(configured: str) -> str:
    return re.sub(r"\$\{?\w+\}?", "*", configured)


_PACKAGE_TOOLS = ("dnf", "yum", "dnf-3", "dnf5", "microdnf")
_RPM_QUESTIONS = (
    *("-q", "-V", "-K", "-E", "--query", "--verify", "--checksig", "--eval", "--version", "--showrc"),
)


def is_package_tool(name: str, title: str) -> bool:
    """Return whether a process may change packages: a question to rpm (this agent asks one) does not.

    >>> is_package_tool("python3", "/usr/bin/python3 /usr/bin/dnf"), is_package_tool("rpm", "rpm -q")
    (True, False)
    """
    words = [word.rsplit("/", 1)[-1] for word in title.split()[:2]]
    tool = words[0] if words else name
    if len(words) > 1 and tool.startswith(("python", "platform-python")):
        tool = words[1]
    if "rpm" in (name, tool):
        return len(words) > 1 and not words[1].startswith(_RPM_QUESTIONS)
    return name in _PACKAGE_TOOLS or tool in _PACKAGE_TOOLS
