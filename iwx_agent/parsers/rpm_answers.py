"""What ``rpm -q`` prints: packages one by one, and what it complains of when its database is not sound.

A broken database also makes rpm say that a package is not installed: that is never believed.

>>> said = "interworx\\t0\\t8.2.0\\t2345.iworx\\tnoarch\\t1795449600\\npackage x is not installed\\n"
>>> entry, = parse_packages(said)
>>> entry.name, entry.version, entry.installed_at
('interworx', '8.2.0', 1795449600.0)
>>> database_trouble("error: cannot open Packages database in /var/lib/rpm\\nfile is not a database")
'damaged'
"""

import re

from iwx_agent.model import InstalledPackage, ParseError
from iwx_agent.model.package_state import DatabaseTrouble

PACKAGE_FORMAT = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{INSTALLTIME}\\n"
_ROW = re.compile(r"([^\t]{1,200})\t(\d{1,9})\t([^\t]{1,100})\t([^\t]{1,100})\t([^\t]{1,30})\t(\d{1,12})")
_ABSENT = re.compile(r"package .{1,200} is not installed")

# The first that is found decides: what the disk says comes before what rpm concludes from it.
# Compiled when first needed.
_TROUBLES: tuple[tuple[str, DatabaseTrouble], ...] = (
    (r"disk is full|No space left on device", "disk_full"),
    (r"Read-only file system|readonly database", "read_only"),
    (r"RUNRECOVERY|Thread died in Berkeley|out of available lock entries|BDB0060", "recovery"),
    (r"file is not a database|malformed|in the database is bad|damaged header|DB_PAGE_NOTFOUND", "damaged"),
    (r"DB_VERIFY_BAD|unexpected file type or format|rpmdbNextIterator: skipping", "damaged"),
    (r"unable to open database|Permission denied|cannot open Packages|rpmdb open failed", "unreadable"),
)


def parse_packages(text: str) -> tuple[InstalledPackage, ...]:
    """Return the packages in the order printed; those that are not installed are left out.

    Raises:
        ParseError: for a line of any other kind.
    """
    found = []
    for line in text.split("\n"):
        row = _ROW.fullmatch(line)
        if row:
            name, epoch, version, release, architecture, at = row.groups()
            found.append(
                InstalledPackage(
                    name=name,
                    version=version,
                    release=release,
                    architecture=architecture,
                    epoch=int(epoch),
                    installed_at=float(at) or None,
                )
            )
        elif line.strip() and not _ABSENT.fullmatch(line.strip()):
            raise ParseError("packages as rpm was asked to print them", line)
    return tuple(found)


def database_trouble(error_text: str) -> DatabaseTrouble | None:
    """Return what is wrong with the database by rpm's complaints; None when it complains of nothing known."""
    return next((trouble for words, trouble in _TROUBLES if re.search(words, error_text)), None)
