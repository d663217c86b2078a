"""SMTP answers: ports 25, 587 and 465 greet as a mail server does, soon enough.

Facts:
    panel: the panel is installed; smtp_port, submission_port, smtps_port: what the ports said over loopback;
    supervised_services: which of them are configured, and which are switched off on purpose.

Limits:
    slow_s: mail clients and other servers begin to give up. meant_s: a service that has been stopped by
    request for so long, and not started since, is meant to be off.

Codes:
    MAIL-001 refused; MAIL-002 accepts but is silent; MAIL-003 greets with an error; MAIL-004 TLS is broken;
    MAIL-005 greets slowly; MAIL-006 closes at once or does not speak SMTP.

Source:
    Support guide 7.1, "Email not processing"; RFC 5321, 3.1 (220, 554) and 3.8 (421).
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Check,
    Evidence,
    Finding,
    Missing,
    PanelPresence,
    PortAnswer,
    Scope,
    Severity,
    moment,
)
from iwx_agent.model.mail import MailPort, SupervisedService, SupervisedServices

_MAIN_PORT = 25
_TITLES = {
    "MAIL-001": "{} does not answer: nothing listens on {}",
    "MAIL-002": "{} accepts the connection on {} but says nothing",
    "MAIL-003": "{} turns everybody away on {}",
    "MAIL-004": "{} cannot be used: TLS on {} is broken",
    "MAIL-006": "{} does not work: no SMTP server answers on {}",
}


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    slow_s: float = 5.0
    meant_s: float = 86_400.0


def judge(
    panel: PanelPresence,
    smtp_port: MailPort,
    submission_port: MailPort,
    smtps_port: MailPort,
    supervised_services: SupervisedServices | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge each port by what it says; what is configured only decides how bad a refusal is."""
    for port in (smtp_port, submission_port, smtps_port):
        code = _code(port.answer)
        if code:
            yield from _broken(port, code, supervised_services, limits)
        elif port.answer.duration_s >= limits.slow_s:
            yield _slow(port)
        elif port.earlier is not None:
            yield _once(port)


def _code(answer: PortAnswer) -> str:
    match answer.outcome:
        case "refused" | "unreachable":
            return "MAIL-001"
        case "silent":
            return "MAIL-002"
        case "tls_failed":
            return "MAIL-004"
        case "greeted" if _is_reply(answer.greeting, ("220",)):
            return ""
        case "greeted" if _is_reply(answer.greeting, ("4", "5")):
            return "MAIL-003"
    return "MAIL-006"


def _is_reply(greeting: str, begins: tuple[str, ...]) -> bool:
    """Whether the text is an SMTP reply that begins so: three digits, then nothing, a space or a dash."""
    code = greeting[:3]
    is_code = len(code) == 3 and code.isascii() and code.isdigit() and greeting[3:4] in ("", " ", "-")
    return is_code and code.startswith(begins)


def _broken(
    port: MailPort, code: str, services: SupervisedServices | Missing, limits: Limits
) -> Iterator[Finding]:
    service = None if isinstance(services, Missing) else services.first(port.service_names)
    severity, why = _severity(port, code, services, service)
    if severity is Severity.EMERGENCY and code == "MAIL-001" and _long_stopped(services, service, limits):
        severity, why = Severity.WARNING, f"{why} It was told to stop more than a day ago: probably meant."
    if severity is None:
        return
    place = f"port {port.answer.port}"
    down_at = service.status.since_at if service and service.status and service.status.pid == 0 else None
    yield Finding(
        code=code,
        subject=place,
        severity=severity,
        scope=Scope.VENDOR,
        title=_TITLES[code].format(port.service, place),
        detail=f"{port.answer.source}: {port.answer.told}. {why}",
        remedy=_remedy(port, service),
        evidence=_evidence(port),
        since_at=moment(down_at),
        since_source=f"{service.path}/supervise/status" if service and down_at is not None else "",
        touches=("mail",),
    )


def _severity(
    port: MailPort, code: str, services: SupervisedServices | Missing, service: SupervisedService | None
) -> tuple[Severity | None, str]:
    """Return how bad it is and why; None for a port, not the main one, that is switched off on purpose."""
    main = port.answer.port == _MAIN_PORT
    if code == "MAIL-003" and port.earlier is None and port.answer.greeting.startswith("4"):
        return Severity.ERROR, "A temporary refusal seen once; a second answer could not be had."
    if code != "MAIL-001":
        return Severity.EMERGENCY, "Something listens there, so mail is expected on it."
    if service is not None and service.normally_down and _is_off(service):
        off = f"Service {service.name} is switched off on purpose: {service.path}/down is there."
        return (Severity.NOTE, off) if main else (None, off)
    if main:
        return Severity.EMERGENCY, "No mail from other servers comes in."
    if service is not None and service.alive and service.supervise_running is not False:
        # Which port an alternate SMTP service listens on is a setting of the panel.
        return Severity.WARNING, f"Service {service.name} runs, so it may be set to another port."
    if service is not None:
        return (
            Severity.EMERGENCY,
            f"Service {service.name} is set up for it, so customers cannot send mail here.",
        )
    if isinstance(services, Missing):
        return Severity.ERROR, f"Whether it was ever set up could not be told: {services.reason}."
    return Severity.WARNING, "No supervised service for it was found, so it may never have been set up."


def _long_stopped(
    services: SupervisedServices | Missing, service: SupervisedService | None, limits: Limits
) -> bool:
    """Whether the service has been off for so long, because somebody said so, that this must be meant."""
    if isinstance(services, Missing) or service is None:
        return False
    stopped_s = service.stopped_on_request_s(services.read_at)
    return stopped_s is not None and stopped_s >= limits.meant_s


def _is_off(service: SupervisedService) -> bool:
    """Whether nobody asked for the service: it is down (or its supervise never ran) and not told to be up."""
    return service.status is None or (service.status.pid == 0 and service.status.wanted != "up")


def _slow(port: MailPort) -> Finding:
    place = f"port {port.answer.port}"
    return Finding(
        code="MAIL-005",
        subject=place,
        severity=Severity.WARNING,
        scope=Scope.VENDOR,
        title=f"{port.service} greets slowly on {place}",
        detail=f"{port.answer.source}: {port.answer.told}, after {port.answer.duration_s:.1f} s.",
        remedy=(
            "time host 127.0.0.1   # reverse lookups that get no answer delay each connection",
            "cat /etc/resolv.conf",
            *_remedy(port, None)[1:],
        ),
        evidence=_evidence(port),
        touches=("mail",),
    )


def _once(port: MailPort) -> Finding:
    place = f"port {port.answer.port}"
    return Finding(
        code="MAIL-003",
        subject=place,
        severity=Severity.WARNING,
        scope=Scope.VENDOR,
        title=f"{port.service} turned one of two connections away on {place}",
        detail="The first greeting was a temporary refusal, the next, seconds later, was not: a load limit.",
        remedy=_remedy(port, None),
        evidence=_evidence(port),
        touches=("mail",),
    )


def _remedy(port: MailPort, service: SupervisedService | None) -> tuple[str, ...]:
    name = service.name if service else (port.service_names or ("smtp",))[0]
    path = shlex.quote(service.path if service else f"/service/{name}")
    return (
        f"svstat {path} {path}/log",
        f"ss -ltnp 'sport = :{port.answer.port}'",
        f"tail -n 50 {shlex.quote(f'/var/log/{name}/current')} | tai64nlocal   # status: 20/20 is full",
        f"svc -u {path}   # starts it" if service and _is_off(service) else f"svc -t {path}   # restarts it",
    )


def _evidence(port: MailPort) -> tuple[Evidence, ...]:
    answers = (port.answer,) if port.earlier is None else (port.earlier, port.answer)
    return tuple(Evidence(source=answer.source, text=answer.told) for answer in answers)


CHECK = Check(
    id="mail.smtp",
    title="SMTP answers on ports 25, 587 and 465",
    codes=("MAIL-001", "MAIL-002", "MAIL-003", "MAIL-004", "MAIL-005", "MAIL-006"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    emergency=True,
    guide=1,
)
