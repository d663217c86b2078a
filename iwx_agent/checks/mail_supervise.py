"""The mail services under daemontools run: each is supervised, up, not paused and not dying again and again.

Facts:
    panel: the panel is installed; supervised_services: supervise's status files and the process list, with a
    second sample some seconds later of those that are young; smtp_port: whether port 25 greets all the same.

Limits:
    young_s: a service that is younger than this in two samples, with another process each time, is flapping.
    meant_s: a service that was stopped by request so long ago, and not started since, is meant to be off.

Codes:
    MAIL-040 supervise is not running for a service; MAIL-041 a service is down; MAIL-042 it is flapping;
    MAIL-043 it is paused; MAIL-044 svscan is not running.

Source:
    Support guide 7.1, "Email not processing"; supervise(8) and svstat(8) of daemontools 0.76, and its source
    for the bytes of supervise/status.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Missing, PanelPresence, Scope, Severity, moment
from iwx_agent.model.mail import MailPort, SupervisedService, SupervisedServices, SuperviseStatus


class Limits(Struct, frozen=True, kw_only=True):
    """``young_s`` is exclusive: below it a service has only just been started; ``meant_s`` is inclusive."""

    young_s: float = 5.0
    meant_s: float = 86_400.0


def judge(
    panel: PanelPresence,
    supervised_services: SupervisedServices,
    smtp_port: MailPort | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge svscan first: when it and all supervise processes are gone, that is one fault, not many."""
    found = supervised_services
    if not found.svscan_running:
        nothing_supervised = all(service.supervise_running is False for service in found.services)
        greets = isinstance(smtp_port, MailPort) and smtp_port.answer.outcome == "greeted"
        yield _svscan_gone(found, emergency=nothing_supervised and not greets and _core_stopped(found))
        if nothing_supervised:
            return
    for service in found.services:
        yield from _judge_one(service, found, limits)


def _judge_one(service: SupervisedService, found: SupervisedServices, limits: Limits) -> Iterator[Finding]:
    status = service.later or service.status
    if service.normally_down and (status is None or (status.pid == 0 and status.wanted != "up")):
        return  # switched off on purpose
    if service.supervise_running is False:
        yield _unsupervised(service, found)
    elif status is None:
        return  # supervise is there and has not written its first status yet
    elif _flapping(service, found.read_at, limits):
        yield _finding(
            "MAIL-042", service, found, f"The mail service {service.name} keeps dying and being restarted"
        )
    elif status.pid == 0:
        stopped_s = service.stopped_on_request_s(found.read_at)
        told = "" if stopped_s is None else " and was told to stop"
        meant = stopped_s is not None and stopped_s >= limits.meant_s
        yield _finding(
            "MAIL-041",
            service,
            found,
            f"The mail service {service.name} is down{told}" + (", more than a day ago" if meant else ""),
            Severity.WARNING if meant else None,
        )
    elif status.paused:
        yield _finding("MAIL-043", service, found, f"The mail service {service.name} is paused")


def _flapping(service: SupervisedService, read_at: float, limits: Limits) -> bool:
    """Whether the service was young in the first sample and another process in the second."""
    first, later = service.status, service.later
    if first is None or later is None or 0 in (first.pid, later.pid):
        return False
    return later.pid != first.pid and read_at - first.since_at < limits.young_s


def _unsupervised(service: SupervisedService, found: SupervisedServices) -> Finding:
    if service.alive:
        return _finding(
            "MAIL-040",
            service,
            found,
            f"The mail service {service.name} runs, but supervise does not watch it",
            Severity.ERROR,
        )
    return _finding(
        "MAIL-040", service, found, f"The mail service {service.name} is neither supervised nor running"
    )


def _finding(
    code: str,
    service: SupervisedService,
    found: SupervisedServices,
    title: str,
    severity: Severity | None = None,
) -> Finding:
    core = service.name in found.core_names
    path = shlex.quote(service.path)
    status = service.later or service.status
    ended_at = status.since_at if status and code == "MAIL-041" else None
    return Finding(
        code=code,
        subject=service.name,
        severity=severity or (Severity.EMERGENCY if core else Severity.ERROR),
        scope=Scope.VENDOR,
        title=title,
        detail=_meaning(service, core=core),
        remedy=(f"svstat {path}", *_remedy(code, service, found, path)),
        evidence=_evidence(service),
        since_at=moment(ended_at),
        since_source=f"{service.path}/supervise/status" if ended_at is not None else "",
        touches=("mail",),
    )


def _meaning(service: SupervisedService, *, core: bool) -> str:
    if service.name.endswith("/log"):
        return "It takes the log lines of its service, which stops as soon as nobody reads them."
    if core:
        return "Without it no mail is processed."
    return "Mail is processed without it, but not all ways to send or read mail work."


def _remedy(code: str, service: SupervisedService, found: SupervisedServices, path: str) -> tuple[str, ...]:
    name = service.name.removesuffix("/log")
    log = f"tail -n 50 {shlex.quote(f'/var/log/{name}/current')} | tai64nlocal"
    match code:
        case "MAIL-040":
            return (
                f"ps -eo pid,args | grep '[s]vscan'   # it starts supervise for each entry of {found.path}",
                log,
            )
        case "MAIL-041":
            return (log, f"svc -u {path}   # starts it")
        case "MAIL-043":
            return (f"svc -c {path}   # continues it",)
    return (
        log,
        f"cat {path}/run   # what is started, and by which user",
        f"svc -d {path}   # stops the circle, and the service: it stays off until svc -u {path}",
    )


def _evidence(service: SupervisedService) -> tuple[Evidence, ...]:
    samples = [status for status in (service.status, service.later) if status is not None]
    source = f"{service.path}/supervise/status"
    if not samples:
        return (Evidence(source=source, text="there is no such file: supervise never ran here"),)
    return tuple(Evidence(source=source, text=_told(status)) for status in samples)


def _told(status: SuperviseStatus) -> str:
    what = f"up (pid {status.pid})" if status.pid else "down"
    paused = ", paused" if status.paused else ""
    return f"{what} since {moment(status.since_at)}, told: {status.wanted}{paused}"


def _core_stopped(found: SupervisedServices) -> bool:
    """Whether there are services that mail cannot do without, meant to be on, and none of them runs."""
    core = [s for s in found.services if s.name in found.core_names and not s.normally_down]
    return bool(core) and not any(service.alive for service in core)


def _svscan_gone(found: SupervisedServices, *, emergency: bool) -> Finding:
    names = ", ".join(service.name for service in found.services)
    alive = [service.name for service in found.services if service.alive]
    still = f"Still running: {', '.join(alive)}." if alive else "None of them runs."
    return Finding(
        code="MAIL-044",
        subject="svscan",
        severity=Severity.EMERGENCY if emergency else Severity.ERROR,
        scope=Scope.VENDOR,
        title="svscan is not running: nothing starts or watches the mail services",
        detail=f"Services in {found.path}: {names}. {still}",
        remedy=(
            "systemctl list-units --all '*svscan*' '*daemontools*' --no-pager",
            "journalctl -b --no-pager | grep -i svscan | tail -n 20",
            f"svstat {shlex.quote(found.path)}/*",
            "systemctl restart UNIT   # the unit that the first command lists, in place of UNIT",
        ),
        evidence=(Evidence(source="process list", text="no process named svscan"),),
        touches=("mail", "dns"),
    )


CHECK = Check(
    id="mail.supervise",
    title="The mail services under daemontools run",
    codes=("MAIL-040", "MAIL-041", "MAIL-042", "MAIL-043", "MAIL-044"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    emergency=True,
    guide=1,
)
