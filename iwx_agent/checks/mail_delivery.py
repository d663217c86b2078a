"""Mail is delivered: qmail's queue moves, is not swollen, and attempts do not all end in a deferral.

Facts:
    panel: the panel is installed; mail_queue: counts and ages of qmail's queue; send_log: the end of
    qmail-send's log; supervised_services: whether qmail-send is set up, or switched off on purpose.

Limits:
    unprocessed_s, stuck_s: age of the oldest message that qmail-send has not taken in; backlog_count: how
    many of them are an error; queue_warning_count, queue_error_count: size of the queue; deferral_share,
    deferral_error_share, deferral_attempts_count, deferral_domains_count: outcomes of the last attempts;
    overdue_s: how long after it was due for certain a message has not been tried. meant_s: a qmail-send that
    has been stopped by request for so long, and not started since, is meant to be off.

Codes:
    MAIL-030 the queue does not move; MAIL-031 messages wait to be taken in; MAIL-032 large queue;
    MAIL-033 most attempts are deferred; MAIL-034 no attempt is logged while messages are due.

Source:
    Support guide 7.1, "Email not processing"; INTERNALS and qmail-send.c of netqmail 1.06: a message is taken
    in at once, and tried again (sqrt(age at the last attempt) + 20)^2 seconds after it came (10 if local).
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Missing, PanelPresence, Scope, Severity, grade, moment
from iwx_agent.model.mail import Attempts, MailQueue, SendLog, SupervisedServices

_REMOTE_SKIP = (
    20  # of qmail-send's schedule; the local one (10) is due sooner, so this bound is safe for both
)
_LOOK = ("/var/qmail/bin/qmail-qstat", "/var/qmail/bin/qmail-qread | head -n 40")


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    unprocessed_s: float = 120.0
    stuck_s: float = 600.0
    backlog_count: int = 100
    queue_warning_count: int = 1000
    queue_error_count: int = 10_000
    deferral_share: float = 0.8
    deferral_error_share: float = 0.95
    deferral_attempts_count: int = 20
    deferral_domains_count: int = 5
    overdue_s: float = 1800.0
    meant_s: float = 86_400.0


def judge(
    panel: PanelPresence,
    mail_queue: MailQueue,
    send_log: SendLog | Missing,
    supervised_services: SupervisedServices | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge the queue by itself first; the log explains it, and is judged where it tells more."""
    log = None if isinstance(send_log, Missing) else send_log
    stopped = _sender_stopped(mail_queue, log, supervised_services, limits)
    if stopped is not None:
        yield stopped
    else:
        yield from _not_taken_in(mail_queue, log, limits)
    yield from _large(mail_queue, limits)
    if log is not None:
        yield from _deferred(log, limits)
        if stopped is None:
            yield from _silent(mail_queue, log, limits)


def _sender_stopped(
    queue: MailQueue, log: SendLog | None, services: SupervisedServices | Missing, limits: Limits
) -> Finding | None:
    if queue.sender_running or queue.messages_count == 0:
        return None
    since_at, since_source = (log.exited_at, log.path) if log else (None, "")
    severity, why = _how_bad(queue, services, limits)
    return _finding(
        "MAIL-030",
        "queue",
        severity,
        "Mail is not delivered: qmail-send is not running while messages wait",
        f"{_counts(queue)} and no process qmail-send.{why}",
        queue,
        log,
        remedy=("svstat /service/send /service/send/log", *_LOOK, "svc -u /service/send   # starts it"),
        since_at=since_at,
        since_source=since_source if since_at is not None else "",
    )


def _how_bad(
    queue: MailQueue, services: SupervisedServices | Missing, limits: Limits
) -> tuple[Severity, str]:
    """Return how bad it is that qmail-send does not run, and what else is known of it."""
    if isinstance(services, Missing):
        return Severity.EMERGENCY, ""
    service = services.first(services.send_names)
    if service is None:
        return Severity.WARNING, f" No service for it is set up in {services.path}: these may be leftovers."
    if service.normally_down:
        return Severity.WARNING, f" It is switched off on purpose: {service.path}/down is there."
    stopped_s = service.stopped_on_request_s(services.read_at)
    # What is not taken in has come since it was stopped: then somebody does expect mail to be delivered.
    if stopped_s is not None and stopped_s >= limits.meant_s and queue.unprocessed_count == 0:
        return Severity.WARNING, " It was told to stop more than a day ago: probably meant."
    return Severity.EMERGENCY, ""


def _not_taken_in(queue: MailQueue, log: SendLog | None, limits: Limits) -> Iterator[Finding]:
    oldest_at = queue.unprocessed_oldest_at
    if queue.unprocessed_count == 0 or oldest_at is None:
        return
    age_s = queue.read_at - oldest_at
    if age_s < limits.unprocessed_s or queue.unprocessed_later_count == 0:
        return
    told = f"{_counts(queue)}; the oldest of those not taken in came {age_s:.0f} s ago"
    if age_s >= limits.stuck_s and not _takes_in(queue, log, oldest_at):
        yield _finding(
            "MAIL-030",
            "queue",
            Severity.ERROR if log is None else Severity.EMERGENCY,
            "Mail is not delivered: qmail-send takes no message into its queue",
            f"{told}, and none was taken in since.",
            queue,
            log,
            remedy=(
                *_LOOK,
                "ls -l /var/qmail/queue/lock/trigger   # expected: prw--w--w- qmails qmail, a FIFO",
                "svstat /service/send /service/send/log",
                "svc -t /service/send   # restarts qmail-send; nothing is lost",
            ),
            since_at=oldest_at,
            since_source=f"{queue.path}/todo, oldest file",
        )
        return
    yield _finding(
        "MAIL-031",
        "queue",
        grade(queue.unprocessed_count, warning=0, error=limits.backlog_count) or Severity.WARNING,
        "Messages wait before qmail-send takes them in",
        f"{told}.",
        queue,
        log,
        remedy=(*_LOOK, "tail -n 50 /var/log/send/current | tai64nlocal"),
        scope=Scope.UNKNOWN,
    )


def _takes_in(queue: MailQueue, log: SendLog | None, oldest_at: float) -> bool:
    """Whether anything was taken in after the oldest waiting message came, or right now while we watched."""
    later_count = queue.unprocessed_later_count
    if later_count is not None and later_count < queue.unprocessed_count:
        return True
    return log is not None and log.last_taken_in_at is not None and log.last_taken_in_at > oldest_at


def _large(queue: MailQueue, limits: Limits) -> Iterator[Finding]:
    severity = grade(queue.messages_count, warning=limits.queue_warning_count, error=limits.queue_error_count)
    if severity is None:
        return
    oldest = moment(queue.oldest_at)
    yield _finding(
        "MAIL-032",
        "queue",
        severity,
        "The mail queue is very large",
        f"{_counts(queue)}" + (f"; the oldest came {oldest:%Y-%m-%d %H:%M} UTC." if oldest else "."),
        queue,
        None,
        remedy=(
            *_LOOK,
            "Look for one sender or one subject in many messages: a hacked account or a form sends spam.",
        ),
        scope=Scope.UNKNOWN,
    )


def _deferred(log: SendLog, limits: Limits) -> Iterator[Finding]:
    """Judge the two channels apart: mail that arrives here says nothing about mail that should leave."""
    for channel, attempts in (("remote", log.remote), ("local", log.local)):
        if attempts.attempts_count < limits.deferral_attempts_count:
            continue
        share = attempts.deferrals_count / attempts.attempts_count
        if share >= limits.deferral_share:
            # One dead domain with many recipients is theirs; all mailboxes here have one cause here.
            spread = channel == "local" or attempts.deferred_domains_count >= limits.deferral_domains_count
            error = spread and share >= limits.deferral_error_share
            yield _mostly_deferred(channel, attempts, log.path, Severity.ERROR if error else Severity.WARNING)


def _mostly_deferred(channel: str, attempts: Attempts, path: str, severity: Severity) -> Finding:
    where = "to other servers" if channel == "remote" else "to mailboxes here"
    share_pct = 100 * attempts.deferrals_count / attempts.attempts_count
    steps = {
        "remote": (
            "/var/qmail/bin/qmail-tcpto   # hosts that qmail-remote cannot reach",
            "To many domains: is port 25 outwards blocked, or this server on a block list? To one: theirs.",
        ),
        "local": ("df -h /home /var; df -i /home /var", "Is the database of the mailboxes (iworx-db) up?"),
    }
    return Finding(
        code="MAIL-033",
        subject=f"{channel} deliveries",
        severity=severity,
        scope=Scope.UNKNOWN,
        title=f"Most attempts to deliver mail {where} are deferred",
        detail=(
            f"{attempts.deferrals_count} of the last {attempts.attempts_count} attempts were deferred "
            f"({share_pct:.0f} %), for {attempts.deferred_domains_count} domains; "
            f"{attempts.failures_count} failed for good."
        ),
        remedy=("tail -n 200 /var/log/send/current | tai64nlocal | grep deferral", *steps[channel]),
        evidence=(Evidence(source=path, text=f"most often: {attempts.common_deferral}"),),
        touches=("mail",),
    )


def _silent(queue: MailQueue, log: SendLog, limits: Limits) -> Iterator[Finding]:
    """The newest message taken in is the next one due; its next attempt follows from the last one logged."""
    born_at = queue.accepted_newest_at
    if born_at is None or log.under_way_count:
        return
    tried_at = log.last_attempt_at if log.last_attempt_at is not None else log.first_at
    due_at = born_at if tried_at < born_at else born_at + ((tried_at - born_at) ** 0.5 + _REMOTE_SKIP) ** 2
    if queue.read_at - due_at < limits.overdue_s:
        return
    yield _finding(
        "MAIL-034",
        "send log",
        Severity.ERROR,
        "qmail-send logs no attempt to deliver although messages are due",
        f"{_counts(queue)}; the newest was due {queue.read_at - due_at:.0f} s ago, no attempt came since.",
        queue,
        log,
        remedy=(
            "svstat /service/send /service/send/log",
            *_LOOK,
            "tail -n 20 /var/log/send/current | tai64nlocal",
        ),
        since_at=due_at,
        since_source=f"{log.path}, last attempt, and qmail-send's schedule",
    )


def _counts(queue: MailQueue) -> str:
    more = "at least " if queue.messages_truncated else ""
    return f"{more}{queue.messages_count} messages in the queue, {queue.unprocessed_count} not taken in"


def _finding(
    code: str,
    subject: str,
    severity: Severity,
    title: str,
    detail: str,
    queue: MailQueue,
    log: SendLog | None,
    *,
    remedy: tuple[str, ...],
    scope: Scope = Scope.VENDOR,
    since_at: float | None = None,
    since_source: str = "",
) -> Finding:
    evidence = [Evidence(source=queue.path, text=_counts(queue), seen_at=moment(queue.read_at))]
    if log is not None:
        evidence.append(Evidence(source=log.path, text=log.last_line, seen_at=moment(log.last_at)))
        if log.alert:
            evidence.append(Evidence(source=log.path, text=log.alert, seen_at=moment(log.alert_at)))
    return Finding(
        code=code,
        subject=subject,
        severity=severity,
        scope=scope,
        title=title,
        detail=detail,
        remedy=remedy,
        evidence=tuple(evidence),
        since_at=moment(since_at),
        since_source=since_source,
        touches=("mail",),
    )


CHECK = Check(
    id="mail.delivery",
    title="Mail in the queue is delivered",
    codes=("MAIL-030", "MAIL-031", "MAIL-032", "MAIL-033", "MAIL-034"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    ok_needs=("send_log",),
    emergency=True,
    guide=1,
)
