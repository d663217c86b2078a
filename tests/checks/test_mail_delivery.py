"""mail.delivery: what waits, for how long, whether it moves, and what the send log says of it."""

import pytest
from msgspec.structs import replace

from iwx_agent.checks.mail_delivery import CHECK, Limits, judge
from iwx_agent.model import Finding, Missing, PanelPresence, Scope, Severity
from iwx_agent.model.mail import (
    Attempts,
    MailQueue,
    SendLog,
    SupervisedService,
    SupervisedServices,
    SuperviseStatus,
)

PANEL = PanelPresence(home="/usr/local/interworx")
NOW_AT = 1_795_450_000.0
NO_LOG = Missing(reason="no such file", source="/var/log/send/current", absent=True)
NO_SERVICES = Missing(reason="no services directory", absent=True)
EMPTY = MailQueue(
    path="/var/qmail/queue",
    read_at=NOW_AT,
    messages_count=0,
    messages_truncated=False,
    unprocessed_count=0,
    unprocessed_oldest_at=None,
    accepted_newest_at=None,
    oldest_at=None,
    sender_running=True,
)
FEW = Attempts(
    attempts_count=10, deferrals_count=0, failures_count=0, deferred_domains_count=0, since_at=NOW_AT - 3600
)
LOG = SendLog(
    path="/var/log/send/current",
    first_at=NOW_AT - 7200,
    last_at=NOW_AT - 1,
    last_line="status: local 0/10 remote 0/20",
    local=FEW,
    remote=FEW,
    last_attempt_at=NOW_AT - 1,
    last_taken_in_at=NOW_AT - 1,
)


def services(*, normally_down: bool = False, present: bool = True) -> SupervisedServices:
    send = SupervisedService(
        name="send", path="/service/send", supervise_running=True, normally_down=normally_down, status=None
    )
    return SupervisedServices(
        path="/service",
        services=(send,) if present else (),
        svscan_running=True,
        read_at=NOW_AT,
        core_names=("smtp", "send"),
        send_names=("send",),
    )


def found(
    queue: MailQueue, log: SendLog | Missing = LOG, given: SupervisedServices | Missing = NO_SERVICES
) -> list[Finding]:
    return list(judge(PANEL, queue, log, given, Limits()))


def waiting(count: int, age_s: float, later_count: int | None = None) -> MailQueue:
    return replace(
        EMPTY,
        messages_count=count,
        unprocessed_count=count,
        unprocessed_oldest_at=NOW_AT - age_s,
        unprocessed_later_count=count if later_count is None else later_count,
    )


def stuck_log(age_s: float) -> SendLog:
    """A log in which nothing was taken in since the oldest message came."""
    return replace(LOG, last_taken_in_at=NOW_AT - age_s - 1)


def brief(findings: list[Finding]) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in findings]


def test_an_empty_queue_is_no_finding_whatever_else_is_known() -> None:
    assert found(EMPTY) == []
    assert found(EMPTY, NO_LOG) == []
    assert found(replace(EMPTY, sender_running=False), NO_LOG, services()) == []


def test_messages_wait_while_qmail_send_does_not_run() -> None:
    queue = replace(EMPTY, messages_count=3, sender_running=False)
    exited = replace(LOG, exited_at=NOW_AT - 100, last_line="status: exiting")
    (finding,) = found(queue, exited, services())
    assert (finding.code, finding.severity) == ("MAIL-030", Severity.EMERGENCY)
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == NOW_AT - 100
    assert finding.since_source == LOG.path
    assert finding.evidence[1].text == "status: exiting"
    (finding,) = found(queue, LOG, NO_SERVICES)
    assert (finding.severity, finding.since_at, finding.since_source) == (Severity.EMERGENCY, None, "")
    assert brief(found(queue, NO_LOG, services())) == [("MAIL-030", Severity.EMERGENCY)]


def test_a_sender_that_is_off_on_purpose_or_not_set_up_is_a_warning() -> None:
    queue = replace(EMPTY, messages_count=3, sender_running=False)
    (off,) = found(queue, LOG, services(normally_down=True))
    (none,) = found(queue, LOG, services(present=False))
    assert (off.severity, none.severity) == (Severity.WARNING, Severity.WARNING)
    assert "/service/send/down" in off.detail
    assert "leftovers" in none.detail


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (119.0, []),
        (120.0, [("MAIL-031", Severity.WARNING)]),
        (599.0, [("MAIL-031", Severity.WARNING)]),
        (600.0, [("MAIL-030", Severity.EMERGENCY)]),
        (601.0, [("MAIL-030", Severity.EMERGENCY)]),
    ],
)
def test_a_message_not_taken_in_counts_by_its_age(age_s: float, expected: list[tuple[str, Severity]]) -> None:
    assert brief(found(waiting(5, age_s), stuck_log(age_s))) == expected


def test_a_queue_that_does_not_move_says_since_when() -> None:
    (finding,) = found(
        waiting(5, 900.0), replace(stuck_log(900.0), alert="alert: oh no!", alert_at=NOW_AT - 901)
    )
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == NOW_AT - 900
    assert "todo" in finding.since_source
    assert [evidence.text for evidence in finding.evidence][-1] == "alert: oh no!"


def test_what_was_taken_in_after_the_oldest_came_shows_that_the_queue_moves() -> None:
    moving = replace(LOG, last_taken_in_at=NOW_AT - 899)
    assert brief(found(waiting(5, 900.0), moving)) == [("MAIL-031", Severity.WARNING)]
    assert brief(found(waiting(5, 900.0), replace(LOG, last_taken_in_at=NOW_AT - 900))) == [
        ("MAIL-030", Severity.EMERGENCY)
    ]


def test_fewer_in_the_second_sample_shows_that_the_queue_moves() -> None:
    assert brief(found(waiting(500, 900.0, 499), stuck_log(900.0))) == [("MAIL-031", Severity.ERROR)]
    assert found(waiting(5, 900.0, 0), stuck_log(900.0)) == []
    without = replace(waiting(5, 900.0), unprocessed_later_count=None)
    assert brief(found(without, stuck_log(900.0))) == [("MAIL-030", Severity.EMERGENCY)]


def test_without_the_log_a_stuck_queue_is_an_error_not_an_emergency() -> None:
    assert brief(found(waiting(5, 900.0), NO_LOG)) == [("MAIL-030", Severity.ERROR)]
    assert brief(found(waiting(5, 900.0), replace(LOG, last_taken_in_at=None))) == [
        ("MAIL-030", Severity.EMERGENCY)
    ]


@pytest.mark.parametrize(
    ("count", "severity"), [(99, Severity.WARNING), (100, Severity.ERROR), (101, Severity.ERROR)]
)
def test_a_backlog_is_an_error_from_a_hundred_messages(count: int, severity: Severity) -> None:
    assert brief(found(waiting(count, 200.0))) == [("MAIL-031", severity)]


def test_a_count_without_an_age_cannot_be_judged_and_is_not_invented() -> None:
    assert found(replace(waiting(5, 1.0), unprocessed_oldest_at=None)) == []


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (999, []),
        (1000, [("MAIL-032", Severity.WARNING)]),
        (1001, [("MAIL-032", Severity.WARNING)]),
        (9999, [("MAIL-032", Severity.WARNING)]),
        (10_000, [("MAIL-032", Severity.ERROR)]),
        (10_001, [("MAIL-032", Severity.ERROR)]),
    ],
)
def test_a_queue_is_large_from_a_thousand(count: int, expected: list[tuple[str, Severity]]) -> None:
    findings = found(replace(EMPTY, messages_count=count, oldest_at=NOW_AT - 86_400))
    assert brief(findings) == expected
    assert all(finding.scope is Scope.UNKNOWN for finding in findings)


def test_a_queue_too_large_to_count_says_at_least() -> None:
    (finding,) = found(replace(EMPTY, messages_count=200_000, messages_truncated=True))
    assert "at least 200000 messages" in finding.detail


@pytest.mark.parametrize(
    ("attempts", "deferrals", "domains", "expected"),
    [
        (19, 19, 9, []),
        (20, 15, 9, []),
        (20, 16, 9, [("MAIL-033", Severity.WARNING)]),
        (21, 17, 9, [("MAIL-033", Severity.WARNING)]),
        (20, 18, 9, [("MAIL-033", Severity.WARNING)]),
        (20, 19, 4, [("MAIL-033", Severity.WARNING)]),
        (20, 19, 5, [("MAIL-033", Severity.ERROR)]),
        (20, 20, 6, [("MAIL-033", Severity.ERROR)]),
    ],
)
def test_deferrals_count_by_share_number_and_spread(
    attempts: int, deferrals: int, domains: int, expected: list[tuple[str, Severity]]
) -> None:
    remote = replace(
        FEW,
        attempts_count=attempts,
        deferrals_count=deferrals,
        deferred_domains_count=domains,
        common_deferral="Connected_to_192.0.2.1_but_greeting_failed./",
    )
    findings = found(EMPTY, replace(LOG, remote=remote))
    assert brief(findings) == expected
    assert all("greeting_failed" in finding.evidence[0].text for finding in findings)


@pytest.mark.parametrize(("deferrals", "severity"), [(18, Severity.WARNING), (19, Severity.ERROR)])
def test_deferrals_to_mailboxes_here_have_one_cause_here(deferrals: int, severity: Severity) -> None:
    local = replace(FEW, attempts_count=20, deferrals_count=deferrals, deferred_domains_count=1)
    (finding,) = found(EMPTY, replace(LOG, local=local, remote=replace(FEW, attempts_count=500)))
    assert (finding.code, finding.subject, finding.severity) == ("MAIL-033", "local deliveries", severity)


def due(age_s: float, tried_ago_s: float | None) -> tuple[MailQueue, SendLog]:
    queue = replace(EMPTY, messages_count=1, accepted_newest_at=NOW_AT - age_s)
    return queue, replace(LOG, last_attempt_at=None if tried_ago_s is None else NOW_AT - tried_ago_s)


@pytest.mark.parametrize(
    ("age_s", "tried_ago_s", "codes"),
    [
        # Never tried since it came: due at once, so overdue by its whole age.
        (1799.0, 2000.0, []),
        (1800.0, 2000.0, ["MAIL-034"]),
        (1801.0, 2000.0, ["MAIL-034"]),
        # Tried when it came: due 400 s later.
        (2199.0, 2199.0, []),
        (2200.0, 2200.0, ["MAIL-034"]),
        # Tried at the age of 10000 s: due at (100 + 20)^2 = 14400 s, overdue by 1800 s at 16200 s.
        (16_199.0, 6199.0, []),
        (16_200.0, 6200.0, ["MAIL-034"]),
        # A week old and tried three hours ago: its next attempt is hours away, silence is normal.
        (604_800.0, 10_800.0, []),
    ],
)
def test_silence_counts_only_when_an_attempt_was_due_for_certain(
    age_s: float, tried_ago_s: float, codes: list[str]
) -> None:
    assert [finding.code for finding in found(*due(age_s, tried_ago_s))] == codes


def test_silence_without_any_attempt_in_the_log_counts_from_the_start_of_the_log() -> None:
    queue, log = due(1800.0, None)
    (finding,) = found(queue, log)
    assert (finding.code, finding.severity) == ("MAIL-034", Severity.ERROR)
    assert finding.since_at is not None
    assert finding.since_at.timestamp() == NOW_AT - 1800
    assert found(queue, replace(log, first_at=NOW_AT - 600)) == []


def test_deliveries_under_way_are_not_silence() -> None:
    queue, log = due(7200.0, 7200.0)
    assert brief(found(queue, log)) == [("MAIL-034", Severity.ERROR)]
    assert found(queue, replace(log, under_way_count=1)) == []


def test_silence_is_not_said_twice_when_qmail_send_does_not_run() -> None:
    queue, log = due(7200.0, 7200.0)
    assert brief(found(replace(queue, sender_running=False), log)) == [("MAIL-030", Severity.EMERGENCY)]


def test_the_check_declares_what_it_can_raise() -> None:
    assert CHECK.emergency
    assert CHECK.codes == tuple(f"MAIL-03{number}" for number in range(5))


@pytest.mark.parametrize(
    ("age_s", "came_since_count", "severity"),
    [
        (86_399.0, 0, Severity.EMERGENCY),
        (86_400.0, 0, Severity.WARNING),
        (86_400.0, 1, Severity.EMERGENCY),
    ],
)
def test_a_sender_stopped_by_request_long_ago_is_meant_unless_mail_still_comes(
    age_s: float, came_since_count: int, severity: Severity
) -> None:
    status = SuperviseStatus(pid=0, since_at=NOW_AT - age_s, paused=False, wanted="down")
    given = services()
    given = replace(given, services=(replace(given.services[0], status=status),))
    queue = replace(
        EMPTY,
        messages_count=3,
        sender_running=False,
        unprocessed_count=came_since_count,
        unprocessed_oldest_at=NOW_AT - 60 if came_since_count else None,
    )
    (finding,) = found(queue, LOG, given)
    assert (finding.code, finding.severity) == ("MAIL-030", severity)
    assert ("probably meant" in finding.detail) is (severity == Severity.WARNING)
