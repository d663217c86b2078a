"""qmail-send's log as multilog writes it (``/var/log/send/current``): TAI64N, then qmail-send's own words.

>>> log = parse_send_log(
...     "@400000006b0462ba1eec8ac4 starting delivery 1: msg 2149 to remote user1@remote1.invalid\\n"
...     "@400000006b0462ba1f05e6f4 delivery 1: deferral: Sorry,_I_could_not_connect/\\n",
...     path="current", counted_since_at=0.0)
>>> log.remote.attempts_count, log.remote.deferrals_count, log.remote.common_deferral
(1, 1, 'Sorry,_I_could_not_connect/')
"""

import re
from collections import Counter, deque
from typing import NamedTuple

from iwx_agent.model import ParseError
from iwx_agent.model.mail import Attempts, SendLog
from iwx_agent.parsers.tai64 import parse_tai64n

_KEPT_CHARACTERS = 300
_LAST_ATTEMPTS_COUNT = 50
_STARTING = re.compile(r"starting delivery (\d{1,20}): msg \d{1,20} to (local|remote) (\S{1,400})")
_ENDED = re.compile(r"delivery (\d{1,20}): (success|deferral|failure|report mangled)(?:: (.{0,300}))?")
_STATUS = re.compile(r"status: local (\d{1,9})/\d{1,9} remote (\d{1,9})/\d{1,9}")
_DEFERRED = ("deferral", "report mangled")  # qmail-send tries again after both


def parse_send_log(text: str, *, path: str, counted_since_at: float) -> SendLog:
    """Return what the end of the log tells, with the last 50 local and 50 remote attempts.

    Attempts that ended before ``counted_since_at`` are not counted, nor those whose start is not in the text.
    Lines without a time stamp (the first one of a tail may be cut) are left out.
    """
    reading = _Reading(counted_since_at)
    for line in text.splitlines():
        try:
            at, words = parse_tai64n(line)
        except ParseError:
            continue
        reading.take(at, words[:1000])
    return reading.result(path)


class _Outcome(NamedTuple):
    word: str
    domain: str
    told: str


class _Reading:
    def __init__(self, counted_since_at: float) -> None:
        self.since_at = counted_since_at
        self.first_at: float | None = None
        self.last_at = 0.0
        self.last_line = ""
        self.target_of: dict[str, tuple[str, str]] = {}  # delivery number -> channel, domain
        self.outcomes: dict[str, deque[_Outcome]] = {
            channel: deque(maxlen=_LAST_ATTEMPTS_COUNT) for channel in ("local", "remote")
        }
        self.last_attempt_at: float | None = None
        self.last_taken_in_at: float | None = None
        self.exited_at: float | None = None
        self.under_way_count = 0
        self.alert = ""
        self.alert_at: float | None = None

    def take(self, at: float, words: str) -> None:
        if self.first_at is None:
            self.first_at = at
        self.last_at, self.last_line = at, words[:_KEPT_CHARACTERS]
        self.exited_at = at if words.startswith("status: exiting") else None
        if words.startswith("new msg "):
            self.last_taken_in_at = at
        elif words.startswith("alert: "):
            self.alert, self.alert_at = words[:_KEPT_CHARACTERS], at
        elif started := _STARTING.match(words):
            self.last_attempt_at = at
            self.target_of[started[1]] = (started[2], started[3].rpartition("@")[2].lower())
        elif ended := _ENDED.match(words):
            self._end(at, ended[1], ended[2], ended[3] or "")
        elif status := _STATUS.match(words):
            self.under_way_count = int(status[1]) + int(status[2])

    def _end(self, at: float, number: str, word: str, told: str) -> None:
        self.last_attempt_at = at
        if word == "success":
            self.alert, self.alert_at = "", None
        channel, domain = self.target_of.pop(number, ("", ""))
        if channel and at >= self.since_at:
            self.outcomes[channel].append(_Outcome(word, domain, told))

    def result(self, path: str) -> SendLog:
        if self.first_at is None:
            raise ParseError("lines with a TAI64N time from qmail-send", self.last_line)
        return SendLog(
            path=path,
            first_at=self.first_at,
            last_at=self.last_at,
            last_line=self.last_line,
            local=self._attempts("local"),
            remote=self._attempts("remote"),
            last_attempt_at=self.last_attempt_at,
            last_taken_in_at=self.last_taken_in_at,
            exited_at=self.exited_at,
            under_way_count=0 if self.exited_at is not None else self.under_way_count,
            alert=self.alert,
            alert_at=self.alert_at,
        )

    def _attempts(self, channel: str) -> Attempts:
        outcomes = self.outcomes[channel]
        deferred = [outcome for outcome in outcomes if outcome.word in _DEFERRED]
        common = Counter(outcome.told or outcome.word for outcome in deferred).most_common(1)
        return Attempts(
            attempts_count=len(outcomes),
            deferrals_count=len(deferred),
            failures_count=sum(outcome.word == "failure" for outcome in outcomes),
            deferred_domains_count=len({outcome.domain for outcome in deferred}),
            since_at=self.since_at,
            common_deferral=common[0][0] if common else "",
        )
