"""The panel's web server runs, and nobody else holds its ports.

Facts:
    panel: the panel is installed; panel_processes: what runs of it; panel_ports: who listens on its ports;
    nodeworx_https: what its page answered.

Limits:
    none: a process and a port are there or not.

Codes:
    PANEL-030 the panel's web server is not running; PANEL-031 another program holds one of its ports.

Source:
    Support guide 7.1, "NodeWorx cannot be accessed"; names and ports from data/interworx.toml.
"""

import shlex
from collections.abc import Iterator

from iwx_agent.model import (
    Check,
    Evidence,
    Finding,
    ListeningSocket,
    Missing,
    PageAnswer,
    PanelPresence,
    Scope,
    Severity,
)
from iwx_agent.model.panel import PanelPorts, PanelProcesses

_OWN_WORDS = ("nodeworx", "siteworx", "interworx")
_REMEDY = (
    "systemctl status iworx.service --no-pager -l",
    "tail -n 50 /usr/local/interworx/var/log/error.log",
    "systemctl restart iworx.service   # restarts the panel only, not the customers' services",
)


def judge(
    panel: PanelPresence,
    panel_processes: PanelProcesses,
    panel_ports: PanelPorts,
    nodeworx_https: PageAnswer | Missing,
) -> Iterator[Finding]:
    """Judge only while no process of the panel's web server is seen and its page is not shown."""
    if panel_processes.web or _is_the_panel(nodeworx_https):
        return
    if not panel_ports.holders:
        yield _not_running(panel_processes, panel_ports)
        return
    for port in panel_ports.ports:
        foreign = [
            h for h in panel_ports.holders if h.port == port and h.process_name not in panel_ports.own_names
        ]
        if foreign:
            yield _held(port, foreign[0], panel_processes)


def _is_the_panel(page: PageAnswer | Missing) -> bool:
    if isinstance(page, Missing) or page.outcome != "answered":
        return False
    return any(word in f"{page.title} {page.text} {page.location}".lower() for word in _OWN_WORDS)


def _not_running(processes: PanelProcesses, ports: PanelPorts) -> Finding:
    told = (
        f"there is no process {processes.web_name}, and nothing listens on the ports "
        f"{' and '.join(str(port) for port in ports.ports)}"
    )
    return Finding(
        code="PANEL-030",
        subject=processes.web_name,
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=f"The panel's web server ({processes.web_name}) is not running",
        detail=f"Looked at all processes and listening sockets: {told}.",
        remedy=_REMEDY,
        evidence=(Evidence(source="process list and socket list", text=told),),
        touches=("panel",),
    )


def _held(port: int, holder: ListeningSocket, processes: PanelProcesses) -> Finding:
    told = f"{holder.process_name} (pid {holder.pid}) listens on {holder.address}:{port}"
    return Finding(
        code="PANEL-031",
        subject=f"port {port}",
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=f"Another program ({holder.process_name}) holds the panel's port {port}",
        detail=f"{told}; there is no process {processes.web_name}, which cannot start while that is so.",
        remedy=(
            f"ss -ltnp 'sport = :{port}'   # who holds the port",
            f"ps -o pid,user,lstart,args -C {shlex.quote(holder.process_name)}",
            "Stop that program or give it another port, then: systemctl restart iworx.service",
        ),
        evidence=(Evidence(source="socket list", text=told),),
        touches=("panel",),
    )


CHECK = Check(
    id="panel.web",
    title="The panel's web server runs on its own ports",
    codes=("PANEL-030", "PANEL-031"),
    judge=judge,
    optional=("panel",),
    emergency=True,
    guide=3,
)
