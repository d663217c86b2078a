"""Facts about the panel itself: its unit, its processes, its ports, its PHP, its cron; words about units."""

from msgspec import Struct

from iwx_agent.model.core import Evidence
from iwx_agent.model.machine import ListeningSocket, LogLine, PageAnswer, PortAnswer, Process, Unit


class PanelProcesses(Struct, frozen=True, kw_only=True):
    """The panel's own running processes by part, zombies left out; a part that does not run is empty."""

    web: tuple[Process, ...]
    database: tuple[Process, ...]
    php: tuple[Process, ...]
    web_name: str
    database_name: str


class PanelPorts(Struct, frozen=True, kw_only=True):
    """Who listens on the panel's web ports. ``own_names`` are programs that may well do so for the panel."""

    ports: tuple[int, ...]
    holders: tuple[ListeningSocket, ...]
    own_names: tuple[str, ...]


class PanelPhp(Struct, frozen=True, kw_only=True):
    """The unit of the panel's PHP for the release that is installed, and why it was taken for that."""

    unit: Unit
    chosen_by: str


class PoolSockets(Struct, frozen=True, kw_only=True):
    """What the pool sockets of the panel's PHP did; asked only while NodeWorx does not work."""

    answers: tuple[PortAnswer, ...]
    directory: str


class CronDaemon(Struct, frozen=True, kw_only=True):
    """The cron daemon: its unit and its processes."""

    unit: Unit
    processes: tuple[Process, ...]


class PanelCron(Struct, frozen=True, kw_only=True):
    """The newest run of the panel's five-minute job that the cron log shows.

    ``seen`` is None when the log shows none back to ``covered_from_at``; ``newest_at`` is its newest line.
    """

    seen: LogLine | None
    covered_from_at: float
    newest_at: float
    source: str


def page_works(page: PageAnswer) -> bool:
    """Return whether somebody in front of the page gets something else than an error of the server."""
    return page.outcome == "answered" and page.status < 500


def unit_evidence(unit: Unit) -> Evidence:
    """Return what systemd says of a unit, in systemd's own words."""
    words = f"ActiveState={unit.active_state} SubState={unit.sub_state} Result={unit.result}"
    if unit.exec_main_code or unit.exec_main_status:
        words += f" ExecMainCode={unit.exec_main_code} ExecMainStatus={unit.exec_main_status}"
    if unit.restarts_count:
        words += f" NRestarts={unit.restarts_count}"
    return Evidence(source=f"systemctl show {unit.name}", text=words)


def line_evidence(lines: tuple[LogLine, ...], last_count: int) -> tuple[Evidence, ...]:
    """Return the last lines as evidence, one for each source in the order of their first line."""
    sources = dict.fromkeys(line.source for line in lines)
    return tuple(
        Evidence(
            source=source,
            text="\n".join(line.text for line in [li for li in lines if li.source == source][-last_count:]),
        )
        for source in sources
    )
