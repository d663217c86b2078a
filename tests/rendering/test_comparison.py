"""Two runs compared, in words: what is new first, and what was not known is said to be so."""

import json
from datetime import timedelta

from building import AT, finding, incident, report, result

from iwx_agent.model import Measures, Priority, Report, Severity, Status, Verdict
from iwx_agent.report import comparison_json, comparison_text
from iwx_agent.triage.comparison import compare

DISK = finding("SYSTEM-001", "/", severity=Severity.ERROR, title="The file system / is full")
QUEUE = finding("MAIL-010", "queue", severity=Severity.WARNING, title="The queue grows")
BEFORE = report(
    incident(DISK),
    results=(
        result(DISK, check_id="system.disk_space"),
        result(check_id="mail.smtp", status=Status.UNKNOWN),
        result(check_id="mail.delivery"),
        result(check_id="web.server", status=Status.CRASHED),
    ),
    verdict=Verdict(priority=Priority.HIGH, emergency=False, reasons=()),
    measures=Measures(disk_used_pct=99.9, queue_count=1200),
)
AFTER = report(
    incident(QUEUE),
    results=(
        result(check_id="system.disk_space"),
        result(check_id="mail.smtp"),
        result(QUEUE, check_id="mail.delivery"),
        result(check_id="web.server", status=Status.UNKNOWN),
    ),
    collected_at=AT + timedelta(minutes=5),
    measures=Measures(disk_used_pct=40.0, load=0.5),
)


def text(before: Report, after: Report) -> str:
    return comparison_text(compare(before, after, before_id="one", after_id="two"))


def test_in_words() -> None:
    assert text(BEFORE, AFTER) == (
        "from  one  2026-11-23 15:26 UTC  priority High\n"
        "to    two  2026-11-23 15:31 UTC  no priority\n"
        "\n"
        "new        The queue grows (MAIL-010, queue): warning\n"
        "gone       The file system / is full (SYSTEM-001, /): was error\n"
        "Fullest file system 99.9 %, now 40.0 %. Mail queue 1,200, now not known. Load not known, now 0.5.\n"
        "Only the second run could tell: mail.smtp.\n"
        "Neither could tell: web.server.\n"
    )


def test_nothing_has_changed() -> None:
    told = text(AFTER, AFTER)
    assert "No finding has changed.\n1 finding as before.\n" in told
    assert comparison_text(compare(report(), report())).startswith(
        "from  -  2026-11-23 15:26 UTC  no priority\n"
    )


def test_what_one_of_them_could_not_tell() -> None:
    blind = report(results=(result(check_id="system.disk_space", status=Status.UNKNOWN),))
    seeing = report(incident(DISK), results=(result(DISK, check_id="system.disk_space"),))
    assert (
        "not known  The file system / is full (SYSTEM-001, /): was error; the second run could not tell\n"
        in text(seeing, blind)
    )
    assert "Only the first run could tell: system.disk_space.\n" in text(seeing, blind)
    assert (
        "there now  The file system / is full (SYSTEM-001, /): error; the first run could not tell\n"
        in text(blind, seeing)
    )


def test_worse_says_from_what_to_what() -> None:
    worse = finding("MAIL-010", "queue", title="The queue stands")
    after = report(incident(worse), results=(result(worse, check_id="mail.delivery"),))
    assert "worse      The queue stands (MAIL-010, queue): warning, now EMERGENCY\n" in text(AFTER, after)


def test_hostile_words_and_very_many_of_them() -> None:
    many = [
        finding("MAIL-010", f"\x1b[2J{number}\n\u202e", title="\x1b]0;x\x07\ntwo" * 300)
        for number in range(120)
    ]
    checks = [result(check_id=f"x.{number}", status=Status.UNKNOWN) for number in range(20)]
    told = text(
        report(results=(result(check_id="y"), *checks)),
        report(results=(result(*many, check_id="y"), *checks)),
    )
    for raw in ("\x1b", "\u202e", "\x07"):
        assert raw not in told
    assert told.count("\n") == 3 + 100 + 1 + 1
    assert "\nand 20 more\n" in told
    assert told.endswith("and 12 more.\n")
    assert len(told) < 50_000


def test_for_a_program() -> None:
    told = json.loads(comparison_json(compare(BEFORE, AFTER, before_id="one", after_id="two")))
    assert list(told) == ["before", "after", "changes", "unchanged_count"]
    assert told["before"]["blind"] == ["mail.smtp", "web.server"]
    assert [
        (change["kind"], change["code"], change["before"], change["after"]) for change in told["changes"]
    ] == [
        ("new", "MAIL-010", None, 20),
        ("gone", "SYSTEM-001", 30, None),
    ]
    assert json.loads(comparison_json(compare(report(), AFTER)))["after"]["measures"] == {
        "disk_used_pct": 40.0,
        "queue_count": None,
        "load": 0.5,
    }
