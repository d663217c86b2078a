"""Probes ask: each gives one fact, a value or Missing. ``PROBES`` lists them all, emergencies first."""

from iwx_agent.probes import (
    access,
    cluster,
    cluster_home,
    cluster_queue,
    database,
    dns,
    kernel,
    machine,
    mail,
    mail_queue,
    mail_services,
    package_log,
    packages,
    panel,
    php,
    repositories,
    signs,
    support,
    system,
    web,
)
from iwx_agent.probes.context import Context, Probe

PROBES: tuple[Probe, ...] = (
    *panel.PROBES,
    *signs.PROBES,
    *database.PROBES,
    *mail.PROBES,
    *mail_services.PROBES,
    *mail_queue.PROBES,
    *cluster_queue.PROBES,
    *cluster.PROBES,
    *cluster_home.PROBES,
    *web.PROBES,
    *php.PROBES,
    *package_log.PROBES,
    *packages.PROBES,
    *repositories.PROBES,
    *dns.PROBES,
    *access.PROBES,
    *support.PROBES,
    *system.PROBES,
    *kernel.PROBES,
    *machine.PROBES,
)

__all__ = ["PROBES", "Context", "Probe"]
