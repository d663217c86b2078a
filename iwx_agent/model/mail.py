"""Facts about mail: its ports, the supervised services, the queue, the send log, the filters.

``judge_mailbox`` stands beside its fact: IMAP and POP3 are judged alike, and no check may import another.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import Evidence, Finding, Scope, Severity
from iwx_agent.model.machine import PortAnswer


class MailPort(Struct, frozen=True, kw_only=True):
    """One mail port and what it said. ``service_names`` are the supervised services that may serve it.

    ``earlier`` is set when the first answer was a temporary refusal (4xx): then ``answer`` is the second one.
    """

    service: str  # what it is for people: SMTP, submission, SMTPS
    answer: PortAnswer
    earlier: PortAnswer | None = None
    service_names: tuple[str, ...] = ()


class MailboxAccess(Struct, frozen=True, kw_only=True):
    """The two ports of IMAP or POP3: plain (with STARTTLS) and TLS from the first byte.

    ``beside`` is set when nobody listens on either, while the same server serves the other protocol.
    """

    protocol: Literal["IMAP", "POP3"]
    plain: PortAnswer
    tls: PortAnswer
    beside: str = ""


class MailboxProtocol(Struct, frozen=True, kw_only=True):
    """What the checks of IMAP and POP3 differ in; ``greetings`` are how a good one begins, in capitals."""

    name: Literal["IMAP", "POP3"]
    beside: Literal["IMAP", "POP3"]  # the other protocol of the same server
    greetings: tuple[str, ...]
    refused_code: str
    silent_code: str
    greeting_code: str  # greets with an error, closes, or speaks another protocol
    tls_code: str

    def trouble(self, answer: PortAnswer) -> tuple[str, str]:
        """Return the code of what is wrong and the title with a hole for the port; empty if all is well."""
        match answer.outcome:
            case "refused" | "unreachable":
                return self.refused_code, f"{self.name} does not answer: nothing listens on {{}}"
            case "silent":
                return self.silent_code, f"{self.name} accepts the connection on {{}} but says nothing"
            case "tls_failed":
                return self.tls_code, f"{self.name} cannot be used: TLS on {{}} is broken"
            case "greeted" if answer.greeting.upper().startswith(self.greetings):
                return "", ""
        return self.greeting_code, f"{self.name} turns everybody away on {{}}"


def judge_mailbox(protocol: MailboxProtocol, access: MailboxAccess) -> Iterator[Finding]:
    """Both ports broken is the whole service, and one finding; one of two leaves customers another way in.

    A dovecot that serves only the other protocol was most likely told so: worth a look, not an alarm.
    """
    plain, tls = access.plain, access.tls
    (plain_code, _), (tls_code, _) = protocol.trouble(plain), protocol.trouble(tls)
    if plain_code == tls_code == protocol.refused_code and access.beside:
        yield _mailbox_finding(protocol, protocol.name, Severity.WARNING, plain, tls, beside=access.beside)
    elif plain_code and tls_code:
        yield _mailbox_finding(protocol, protocol.name, Severity.EMERGENCY, plain, tls)
    elif plain_code:
        # A refused plain port is often meant: administrators switch it off for TLS alone.
        severity = Severity.WARNING if plain_code == protocol.refused_code else Severity.ERROR
        yield _mailbox_finding(protocol, f"port {plain.port}", severity, plain)
    elif tls_code:
        yield _mailbox_finding(protocol, f"port {tls.port}", Severity.ERROR, tls)


def _mailbox_finding(
    protocol: MailboxProtocol, subject: str, severity: Severity, *broken: PortAnswer, beside: str = ""
) -> Finding:
    """Return the finding for the broken ports; the code is the first one's."""
    code, title = protocol.trouble(broken[0])
    alike = [answer.port for answer in broken if protocol.trouble(answer)[0] == code]
    place = f"port {alike[0]}" if len(alike) == 1 else f"ports {alike[0]} and {alike[1]}"
    alone = len(broken) == 1
    reach = "The other port answers as it should." if alone else f"Nobody can read mail over {protocol.name}."
    if beside:
        reach = f"{beside}, so {protocol.name} is probably switched off in its configuration."
    return Finding(
        code=code,
        subject=subject,
        severity=severity,
        scope=Scope.VENDOR,
        title=title.format(place),
        detail="; ".join(f"{answer.source}: {answer.told}" for answer in broken) + f". {reach}",
        remedy=(
            f"ss -ltnp 'sport = :{broken[0].port}'",
            "systemctl status dovecot.service --no-pager -l",
            "tail -n 50 /var/log/dovecot/dovecot.log",
            "doveconf -n   # shows what is configured, and complains about what is not valid",
            f"systemctl restart dovecot.service   # {protocol.name} and {protocol.beside} only",
        ),
        evidence=tuple(Evidence(source=answer.source, text=answer.told) for answer in broken),
        touches=("mail",),
    )


Wanted = Literal["up", "down", "once"]


class SuperviseStatus(Struct, frozen=True, kw_only=True):
    """What supervise wrote of its service: ``pid`` 0 means down, ``since_at`` is when that began."""

    pid: int
    since_at: float
    paused: bool
    wanted: Wanted


class SupervisedService(Struct, frozen=True, kw_only=True):
    """One service under supervise; ``status`` is None when supervise never wrote one.

    ``normally_down`` is the administrator's ``down`` file: such a service is meant to be off.
    ``later`` is the status some seconds later, only asked for when the first one was young.
    """

    name: str  # "smtp", or "smtp/log" for its logger
    path: str
    supervise_running: bool | None  # None: could not tell
    normally_down: bool
    status: SuperviseStatus | None
    alive: bool = False  # the status names a process that is there
    later: SuperviseStatus | None = None

    def stopped_on_request_s(self, read_at: float) -> float | None:
        """Return for how long it has been down because somebody said so (``svc -d``); None otherwise.

        supervise forgets it at a reboot and never does so by itself: a service that dies is started again.
        """
        status = self.later or self.status
        if status is None or status.pid != 0 or status.wanted != "down":
            return None
        return read_at - status.since_at


class SupervisedServices(Struct, frozen=True, kw_only=True):
    """The mail services under daemontools. ``core_names`` are those without which no mail is processed."""

    path: str
    services: tuple[SupervisedService, ...]
    svscan_running: bool
    read_at: float
    core_names: tuple[str, ...]
    send_names: tuple[str, ...]

    def first(self, names: tuple[str, ...]) -> SupervisedService | None:
        """Return the first service that has one of ``names``, or None."""
        return next((s for name in names for s in self.services if s.name == name), None)


class MailQueue(Struct, frozen=True, kw_only=True):
    """qmail's queue: all messages, those that qmail-send has not taken in, those that it has.

    ``unprocessed_later_count`` is the second sample, only taken when something is unprocessed and all of it
    could be counted.
    """

    path: str
    read_at: float
    messages_count: int
    messages_truncated: bool
    unprocessed_count: int
    unprocessed_oldest_at: float | None
    accepted_newest_at: float | None  # when the newest message came that qmail-send has taken in
    oldest_at: float | None
    sender_running: bool  # a qmail-send process is there
    unprocessed_later_count: int | None = None


class Attempts(Struct, frozen=True, kw_only=True):
    """The last attempts to deliver, all local or all remote; none of them ended before ``since_at``."""

    attempts_count: int
    deferrals_count: int
    failures_count: int
    deferred_domains_count: int
    since_at: float
    common_deferral: str = ""


class SendLog(Struct, frozen=True, kw_only=True):
    """The end of qmail-send's log."""

    path: str
    first_at: float
    last_at: float
    last_line: str
    local: Attempts
    remote: Attempts
    last_attempt_at: float | None = None
    last_taken_in_at: float | None = None  # the last "new msg": qmail-send took a message into its queue
    exited_at: float | None = None  # "status: exiting" is the last word of qmail-send
    under_way_count: int = 0  # deliveries running, by the last status line
    alert: str = ""  # the last alert of qmail-send, if nothing was delivered after it
    alert_at: float | None = None


class MailFilter(Struct, frozen=True, kw_only=True):
    """A filter that SMTP asks, where it listens, and what it answered to a connection."""

    name: str
    known_by: str  # why it is expected to answer
    answer: PortAnswer
    unit: str = ""
    since_at: float | None = None  # when its unit came to its state
    starting: bool = False  # it is loading its signatures: not answering is normal for now


class MailFilters(Struct, frozen=True, kw_only=True):
    """The filters that are in use on this machine."""

    filters: tuple[MailFilter, ...]
