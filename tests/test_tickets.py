"""The ticket of each recorded machine, read as a support engineer reads it, at every length."""

import re
import shlex
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scenarios import NAMES, report_of
from tickets import CHECKLIST, HEADINGS, missing, sections

from iwx_agent.model.ticket import TicketLimits
from iwx_agent.rendering.ticket import Ticket, ticket_of

ILL = tuple(name for name in NAMES if report_of(name).incidents)
# The programs that a step may call, each of which only looks with the arguments that steps give it.
LOOKERS = {
    *("curl", "openssl", "bash", "mysqladmin", "dig", "df", "systemctl", "nodeworx", "rpm", "nft", "chronyc"),
    *("journalctl", "sed", "tail", "ps", "cat", "head", "ss", "svstat", "ls", "/var/qmail/bin/qmail-qstat"),
    "yum",
}


def ticket(name: str, characters: int = 15_000) -> Ticket:
    return ticket_of(report_of(name), TicketLimits(message_characters=characters))


@pytest.mark.parametrize("name", ILL)
def test_every_question_of_the_checklist_is_answered(name: str) -> None:
    found = sections(ticket(name).message)
    assert missing(found) == set()
    assert 4 <= len(found["SUMMARY"]) <= 9  # the heading is the tenth line


IN_MANY_LINES = ("where seen", "impact")  # it takes more than one line less to leave these open


@pytest.mark.parametrize("name", ["httpd-bad-config", "smtp-down", "panel-start-fails"])
def test_the_checklist_fails_when_something_is_taken_away(name: str) -> None:
    found = sections(ticket(name).message)
    for heading in (h for h in HEADINGS if h in found and h != "COULD NOT BE DETERMINED"):
        assert missing({key: body for key, body in found.items() if key != heading}), heading
    for question, answered in CHECKLIST.items():
        taken_away = [
            {**found, heading: [kept for number, kept in enumerate(body) if number != left_out]}
            for heading, body in found.items()
            for left_out in range(len(body))
        ]
        assert any(not answered(less) for less in taken_away) or question in IN_MANY_LINES


def test_where_a_thing_is_seen_is_asked_for() -> None:
    found = sections(ticket("smtp-down").message)
    bare = [line for line in found["ERRORS, AND WHERE THEY ARE SEEN"] if "seen in" not in line]
    assert "where seen" in missing({**found, "ERRORS, AND WHERE THEY ARE SEEN": bare})


@pytest.mark.parametrize("name", ILL)
def test_every_step_is_a_command_that_only_looks(name: str) -> None:
    steps = sections(ticket(name).message)["STEPS TO REPRODUCE"]
    for line in steps:
        found = re.match(r"\d+\. \$ (.*)", line)
        if found is None:
            continue
        for part in re.split(r"; | \| ", found[1]):
            argv = shlex.split(re.sub(r" (2> |< )/dev/null", "", part))
            argv = argv[2:] if argv[0] == "timeout" else argv
            assert argv[0] in LOOKERS, line
            assert "$(" not in line
            if argv[0] == "systemctl":
                assert argv[1] == "status"
            if argv[0] == "yum":
                assert argv[1:3] == ["history", "info"]
            if argv[0] == "bash":
                assert re.fullmatch(r"(head -n 1 )?< /dev/tcp/[0-9a-f.:]+/\d+", argv[2])


@pytest.mark.parametrize("name", NAMES)
def test_each_ticket_keeps_to_its_limits(name: str) -> None:
    whole = ticket(name, 1_000_000)
    top = whole.message.split("\n\n")[0].splitlines()
    for characters in (1_000, 1_001, 1_500, 2_500, 4_000, 8_000, 20_000):
        made = ticket(name, characters)
        lines = made.message.split("\n")
        assert len(made.message) <= characters
        assert made.cut == (lines[-1].startswith("... cut: "))
        if characters >= 8_000:
            assert lines[: len(top)] == top  # the summary is the same
        first = made.message.split("\n\n")[0].splitlines()
        assert [line[:60] for line in first[: len(top)]] == [line[:60] for line in top]
        if made.cut:
            assert len(lines) <= len(whole.message.split("\n"))
            rest = [line for line in lines[len(top) : -1] if line]
            assert all(line in whole.message.split("\n") for line in rest)
        else:
            assert made.message.split("\n")[len(top) :] == whole.message.split("\n")[len(top) :]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NAMES), st.integers(1_000, 20_000), st.integers(80, 255))
def test_no_limit_is_passed(name: str, characters: int, subject: int) -> None:
    limits = TicketLimits(subject_characters=subject, message_characters=characters)
    for length in ("full", "short"):
        made = ticket_of(report_of(name), limits, length=length)
        assert len(made.message) <= (459 if length == "short" else characters)
        assert len(made.subject) <= subject
        assert made.subject.startswith(f"[{made.priority.upper()}] ")
        assert made.subject.endswith(f" on iwx1.lab.invalid [{made.key}]")


@pytest.mark.parametrize("name", ILL)
def test_the_short_one_has_what_whom_when_and_the_key(name: str) -> None:
    made = ticket_of(report_of(name), length="short")
    lines = made.message.split("\n")
    assert lines[0].startswith(f"iwx1.lab.invalid [{made.priority.upper()}] ")
    assert re.fullmatch(r"since (\d{4}-\d\d-\d\d \d\d:\d\d UTC|not known)", lines[1])
    assert 4 <= len(lines) <= 5
    assert lines[-1] == made.key
    assert made.cut


def test_each_kind_of_change_is_seen_on_some_machine() -> None:
    told = "\n".join("\n".join(sections(ticket(name).message)[HEADINGS[4]]) for name in ILL)
    for words in (
        "httpd.service: restarted (the journal)",
        "httpd.service: stopped (the journal)",
        "mariadb.service: failed (signal)",
        "vhost_site04.example.invalid.conf: changed",
        "12 files changed, the last then",
        "without a shutdown before it",
        "yum -y update: was killed half-way",
        "mail service smtp: stopped, as it was told to",
        "- configuration: could not be determined",
    ):
        assert words in told, words


def test_the_key_is_the_same_for_another_run_of_the_incident() -> None:
    report = report_of("smtp-down")
    (first, *_) = report.incidents
    later = replace(
        report,
        collected_at=report.collected_at + timedelta(hours=2),
        incidents=(replace(first, lead=replace(first.lead, detail="other numbers")),),
    )
    assert ticket_of(later).message != ticket_of(report).message
    assert ticket_of(later).key == ticket_of(report).key
    assert ticket("smtp-down").key != ticket("smtp-paused").key
