"""dnf.rpm.log: failed scriptlets, how far a killed transaction came, and to which run either belongs."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import runs, text

from iwx_agent.model import LogLine, PackageRun
from iwx_agent.parsers import dnf_rpm_log
from iwx_agent.parsers.dnf_rpm_log import (
    RpmLog,
    parse_dnf_rpm_log,
    scriptlet_failure,
    with_rpm_log,
)

AT = 1_795_428_000.0  # date -u -d 2026-11-23T10:00:00Z +%s
LINE = LogLine(text="quoted", source="log")


def stamped(second: int, line: str) -> str:
    return f"2026-11-23T10:00:{second:02}+0000 {line}\n"


def run(began_s: int, *planned: str, outcome: str = "done", transaction: bool = True) -> PackageRun:
    return PackageRun(
        tool="dnf",
        command="dnf -y update",
        goal=("update",),
        outcome=outcome,  # type: ignore[arg-type]
        started_at=AT + began_s,
        source=f"dnf.log:{began_s}",
        transaction=transaction,
        transaction_at=AT + began_s if transaction else None,
        planned=planned,
    )


def told(text: str) -> RpmLog:
    return parse_dnf_rpm_log(text, source="dnf.rpm.log")


def test_sample() -> None:
    assert doctest.testmod(dnf_rpm_log).failed == 0


def test_a_recorded_failure_quotes_what_the_script_said() -> None:
    (failure,) = told(text("51-post-fail", "dnf.rpm.log")).scriptlets
    assert (failure.package, failure.scriptlet) == ("postfail-1-1.el9.noarch", "%post")
    assert failure.line.text == (
        "postfail: service restart failed\n"
        "warning: %post(postfail-1-1.el9.noarch) scriptlet failed, exit status 3"
    )
    assert failure.line.source == "dnf.rpm.log:3"
    assert failure.line.at == 1_795_447_993.0  # 2026-11-23T15:33:13Z


@pytest.mark.parametrize(
    ("line", "package", "scriptlet"),
    [
        ("error: %prein(a-1-1.noarch) scriptlet failed, exit status 1", "a-1-1.noarch", "%prein"),
        ("warning: %post(a-1-1.noarch) scriptlet failed, signal 15", "a-1-1.noarch", "%post"),
        ("warning: %triggerin(a-1-1.noarch) scriptlet failed, exit status 1", "a-1-1.noarch", "%triggerin"),
        ("ERROR Error in POSTIN scriptlet in rpm package a", "a", "%post"),
        ("ERROR Error in POSTTRANS scriptlet in rpm package a", "a", "%posttrans"),
        ("Non-fatal POSTUN scriptlet failure in rpm package a-1-1.noarch", "a-1-1.noarch", "%postun"),
        ("Error in STRANGE scriptlet in rpm package a", "a", "%strange"),
    ],
)
def test_a_failed_scriptlet(line: str, package: str, scriptlet: str) -> None:
    failure = scriptlet_failure(line, LINE)
    assert failure is not None
    assert (failure.kind, failure.package, failure.scriptlet) == ("scriptlet", package, scriptlet)
    assert failure.line is LINE


@pytest.mark.parametrize("line", ["", "warning: %post of something", "scriptlet failed, exit status 1"])
def test_a_line_that_names_none(line: str) -> None:
    assert scriptlet_failure(line, LINE) is None


def test_what_dnf_says_again_with_fewer_words_counts_once() -> None:
    said = stamped(1, "INFO x\nwarning: %post(a-1-1.noarch) scriptlet failed, exit status 1") + stamped(
        1, "ERROR Error in POSTIN scriptlet in rpm package a"
    )
    assert len(told(said).scriptlets) == 1
    other = stamped(1, "ERROR Error in POSTIN scriptlet in rpm package b")
    assert [failure.package for failure in told(said + other).scriptlets] == ["a-1-1.noarch", "b"]
    assert len(told(other + other).scriptlets) == 2  # two versions of b, each said once


def test_a_failure_belongs_to_the_run_that_had_the_package() -> None:
    log = told(stamped(5, "INFO x\nwarning: %post(b-1-1.noarch) scriptlet failed, exit status 1"))
    first, second, third = with_rpm_log(
        (run(0, "a-1-1.noarch"), run(5, "b-1-1.noarch"), run(9, "b-1-1.noarch")), log
    )
    assert [len(r.failures) for r in (first, second, third)] == [0, 1, 0]


def test_without_the_package_it_belongs_to_the_newest_that_had_begun() -> None:
    log = told(stamped(5, "INFO x\nwarning: %post(z-1-1.noarch) scriptlet failed, exit status 1"))
    found = with_rpm_log((run(0, "a-1-1.noarch"), run(3, transaction=False), run(4, "b-1-1.noarch")), log)
    assert [len(r.failures) for r in found] == [0, 0, 1]


def test_one_of_no_known_run_is_a_run_of_its_own_at_its_time() -> None:
    log = told(stamped(5, "INFO x\nwarning: %post(z-1-1.noarch) scriptlet failed, exit status 1"))
    alone, later = with_rpm_log((run(7, "a-1-1.noarch"),), log)
    assert (alone.source, alone.started_at, alone.outcome) == ("dnf.rpm.log:1", AT + 5, "done")
    assert alone.failures[0].package == "z-1-1.noarch"
    assert later.failures == ()
    (last,) = with_rpm_log((), log)
    assert last.started_at == AT + 5


def test_one_without_a_time_is_alone_too() -> None:
    log = told("warning: %post(z-1-1.noarch) scriptlet failed, exit status 1\n")
    assert log.scriptlets[0].line.at is None
    alone, _ = with_rpm_log((run(1, "z-1-1.noarch"),), log)
    assert alone.started_at is None


def test_how_far_a_killed_transaction_came() -> None:
    (killed,) = runs("log-3449-killed")
    assert killed.changed == ("slowpost-1-1.el9.noarch",)
    assert killed.planned == ("afterslow-1-1.el9.noarch", "slowpost-1-1.el9.noarch")


def test_a_later_run_with_the_same_package_is_not_what_the_killed_one_reached() -> None:
    killed = run(0, "a-1-1.noarch", "b-1-1.noarch", outcome="killed")
    log = told(stamped(1, "SUBDEBUG Upgrade: a-1-1.noarch") + stamped(8, "SUBDEBUG Installed: b-1-1.noarch"))
    assert with_rpm_log((killed, run(5, "b-1-1.noarch")), log)[0].changed == ("a-1-1.noarch",)
    assert with_rpm_log((killed,), log)[0].changed == ("a-1-1.noarch", "b-1-1.noarch")


def test_the_failed_package_of_a_transaction_is_told_by_its_scriptlet_only() -> None:
    (failed,) = runs("log-1932-pre-fail")
    assert [failure.kind for failure in failed.failures] == ["scriptlet"]


def test_credentials_in_what_a_script_says_are_cut_out() -> None:
    failure = "warning: %post(a-1-1.noarch) scriptlet failed, exit status 1"
    said = f"INFO fetching https://u:s3cr3t@repo.invalid\n{failure}"
    assert "s3cr3t" not in repr(told(stamped(1, said)))


def test_a_time_that_no_clock_shows_and_a_number_that_is_not_known() -> None:
    line = "2026-13-41T25:61:61+0000 SUBDEBUG Installed: a-1-1.noarch\n"
    assert told(line).begun == ()
    failure = "INFO x\nwarning: %post(a-1-1.noarch) scriptlet failed, exit status 1"
    log = parse_dnf_rpm_log(stamped(1, failure), source="r.log", numbered=False)
    assert log.scriptlets[0].line.source == "r.log"


@given(st.text())
def test_any_text_is_output_of_some_script(text: str) -> None:
    assert isinstance(parse_dnf_rpm_log(text, source="l"), RpmLog)
