"""``/var/log/yum.log`` of yum 3: one line for each package that was changed, and nothing of what failed.

Lines close together are one run. The time has neither year nor zone: both follow from when the file was
changed.

>>> text = "Nov 20 10:00:01 Updated: 1:openssl-1.0-26.x86_64\\nNov 20 10:00:02 Installed: vim-8-1.x86_64\\n"
>>> run, = parse_yum_log(text, source="yum.log", written_at=1795168802.0)
>>> run.changed, run.ended_at
(('openssl-1.0-26.x86_64', 'vim-8-1.x86_64'), 1795168802.0)
"""

import re

from iwx_agent.model import LogLine, PackageRun, ParseError
from iwx_agent.parsers.syslog import parse_program

_CHANGED = re.compile(
    r"^(\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d) (?:Installed|Updated|Erased|Obsoleted): (?:\d{1,5}:)?(\S{1,300})$"
)
_APART_S = 300.0  # a package takes less than this between two others of its transaction


def parse_yum_log(text: str, *, source: str, written_at: float) -> tuple[PackageRun, ...]:
    """Return the runs, oldest first, each done; lines of another kind are passed over.

    Raises:
        ParseError: for a text without any such line.
    """
    # With a host and a program it is a syslog line, whose times are read elsewhere already.
    rows = [found for line in text.split("\n") if (found := _CHANGED.match(line[:400]))]
    if not rows:
        raise ParseError("lines of yum with time, word and package", text)
    syslog = "\n".join(f"{row.group(1)} h yum: {row.group(2)}" for row in rows)
    lines = parse_program(syslog, program="yum", source=source, written_at=written_at)
    runs: list[list[LogLine]] = []
    for line in lines:
        before = runs[-1][-1] if runs else None
        if before is None or line.at is None or before.at is None or not 0 <= line.at - before.at <= _APART_S:
            runs.append([])
        runs[-1].append(line)
    return tuple(
        PackageRun(
            tool="yum",
            command="",
            goal=("yum.log",),  # it does not tell what was wanted
            outcome="done",
            started_at=run[0].at,
            source=source,
            ended_at=run[-1].at,
            transaction=True,
            transaction_at=run[0].at,
            changed=tuple(dict.fromkeys(line.text for line in run)),
        )
        for run in runs
    )
