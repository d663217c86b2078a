"""qmail-send's log: a real one to exact values, odd lines, and bounds."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.mail import SendLog
from iwx_agent.parsers.send_log import parse_send_log

REAL = (Path(__file__).parent / "captures" / "qmail" / "send-current.tai64n").read_text()
START_AT = 1_795_449_518.5167625  # 2026-11-23 15:58:38.516762500 UTC


def stamp(at: int) -> str:
    return f"@{2**62 + 10 + at:016x}00000000"


def parsed(*lines: str, since_at: float = 0.0) -> SendLog:
    text = "".join(f"{stamp(100 + index)} {line}\n" for index, line in enumerate(lines))
    return parse_send_log(text, path="current", counted_since_at=since_at)


def test_a_real_log() -> None:
    log = parse_send_log(REAL, path="/var/log/send/current", counted_since_at=0.0)
    assert log.first_at == pytest.approx(START_AT, abs=1e-6)
    assert log.last_line == "end msg 2249"
    assert log.last_taken_in_at == pytest.approx(1_795_449_520.5906005, abs=1e-6)
    assert log.last_attempt_at == pytest.approx(1_795_449_520.5938695, abs=1e-6)
    assert (log.remote.attempts_count, log.remote.deferrals_count, log.remote.deferred_domains_count) == (
        25,
        25,
        5,
    )
    assert (log.local.attempts_count, log.local.deferrals_count, log.local.failures_count) == (1, 0, 0)
    assert log.remote.common_deferral == "Sorry,_I_wasn't_able_to_establish_an_SMTP_connection._(#4.4.1)/"
    assert (log.exited_at, log.under_way_count, log.alert) == (None, 0, "")


def test_attempts_that_ended_before_the_limit_are_not_counted_but_are_seen() -> None:
    log = parse_send_log(REAL, path="current", counted_since_at=START_AT + 60)
    assert (log.remote.attempts_count, log.local.attempts_count) == (0, 0)
    assert log.last_attempt_at is not None


def test_the_first_line_of_a_tail_may_be_cut() -> None:
    assert parse_send_log(REAL[9:], path="current", counted_since_at=0.0).remote.attempts_count == 25


def test_outcomes_go_to_their_channel() -> None:
    log = parsed(
        "starting delivery 1: msg 7 to local a@Example.COM",
        "starting delivery 2: msg 8 to remote b@example.net",
        "status: local 1/10 remote 1/20",
        "delivery 1: failure: no_mailbox/",
        "delivery 2: report mangled, will defer",
        "delivery 9: deferral: its_start_is_not_in_the_text/",
    )
    assert (log.local.failures_count, log.local.attempts_count) == (1, 1)
    assert (log.remote.deferrals_count, log.remote.common_deferral) == (1, "report mangled")
    assert log.under_way_count == 2
    assert log.last_attempt_at == 105.0


def test_only_the_last_fifty_attempts_of_a_channel_count() -> None:
    lines: list[str] = []
    for number in range(60):
        lines += [
            f"starting delivery {number}: msg 1 to remote a@example.com",
            f"delivery {number}: {'deferral: x' if number < 20 else 'success: y'}/",
        ]
    log = parsed(*lines)
    assert (log.remote.attempts_count, log.remote.deferrals_count) == (50, 10)


def test_an_exit_is_the_last_word_or_it_is_history() -> None:
    log = parsed("status: local 0/10 remote 3/20", "status: exiting")
    assert (log.exited_at, log.under_way_count) == (101.0, 0)
    assert parsed("status: exiting", "status: local 0/10 remote 0/20").exited_at is None


def test_an_alert_is_forgotten_after_a_success() -> None:
    alert = "alert: oh no! lost qmail-clean connection! dying..."
    log = parsed(alert, "new msg 7")
    assert (log.alert, log.alert_at, log.last_taken_in_at) == (alert, 100.0, 101.0)
    assert parsed(alert, "delivery 1: success: ok/").alert == ""
    assert parsed(alert, "delivery 1: deferral: later/").alert == alert


def test_without_any_stamped_line_it_is_no_such_log() -> None:
    for text in ("", "status: local 0/10 remote 0/20\n", "\0" * 100, "@4000\n"):
        with pytest.raises(ParseError):
            parse_send_log(text, path="current", counted_since_at=0.0)


def test_a_line_of_ten_megabytes_is_cut() -> None:
    log = parsed("alert: " + "x" * 10_000_000)
    assert len(log.alert) == len(log.last_line) == 300


def test_absurd_numbers_do_no_harm() -> None:
    log = parsed(
        f"status: local {'9' * 5000}/10 remote 0/20", f"starting delivery {'9' * 5000}: msg 1 to local a@b"
    )
    assert (log.under_way_count, log.last_attempt_at) == (0, None)


@given(st.text(max_size=300), st.lists(st.text(max_size=80), max_size=6))
def test_any_text_is_a_log_or_refused(text: str, lines: list[str]) -> None:
    stamped = text + "".join(f"\n{stamp(5)} {line}" for line in lines)
    try:
        log = parse_send_log(stamped, path="current", counted_since_at=0.0)
    except ParseError:
        return
    assert log.remote.deferrals_count <= log.remote.attempts_count
