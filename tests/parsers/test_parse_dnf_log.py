"""dnf.log: how runs are told apart, what belongs to which, and logs that are torn, hostile or none."""

import doctest
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import text

from iwx_agent.model import PackageRun, ParseError
from iwx_agent.parsers import dnf_log, package_goal
from iwx_agent.parsers.dnf_log import parse_dnf_log
from iwx_agent.parsers.package_goal import goal_of

INIT = "INFO --- logging initialized ---"
START, OVER = "DDEBUG RPM transaction start.", "DDEBUG RPM transaction over."
DONE = "INFO Complete!"


def log(*lines: str, day: int = 23) -> str:
    """Return the lines with a time each, a second apart; a line that begins with a space has none."""
    stamped = [
        line if line.startswith(" ") else f"2026-11-{day}T10:00:{second:02}+0000 {line}"
        for second, line in enumerate(lines)
    ]
    return "".join(line + "\n" for line in stamped)


def parsed(*lines: str) -> tuple[PackageRun, ...]:
    return parse_dnf_log(log(*lines), source="dnf.log")


def test_samples() -> None:
    assert doctest.testmod(dnf_log).failed == 0
    assert doctest.testmod(package_goal).failed == 0


def test_a_recorded_update_is_read_in_full() -> None:
    (run,) = parse_dnf_log(text("06b-update-nobest", "dnf.log"), source="dnf.log")
    assert (run.tool, run.command, run.goal) == ("dnf", "dnf -y update --nobest", ("update",))
    assert run.started_at == 1_795_447_983.0  # date -u -d 2026-11-23T15:33:03Z +%s
    assert run.transaction_at == run.ended_at == 1_795_447_983.0
    assert run.planned == run.changed == ("httpd-2.4.57-11.el9.noarch", "openssl-libs-3.0.7-28.el9.noarch")
    assert run.answered == ()  # "using cache for" asks nobody
    assert run.source == "dnf.log:1"
    (failure,) = run.failures
    assert failure.line.text.startswith("Problem: cannot install the best update candidate for package")


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("00-releasever-undetected", ("base", "interworx")),  # downloaded
        ("02-makecache", ("base", "interworx")),  # revived: asked, and unchanged
        ("04-check-update-none", ()),
        ("05-check-update-available", ("update",)),
        ("23-repo-404", ("base", "interworx")),
    ],
)
def test_a_repository_answered_if_its_metadata_came_over_the_network(
    name: str, answered: tuple[str, ...]
) -> None:
    assert parse_dnf_log(text(name, "dnf.log"), source="dnf.log")[-1].answered == answered


def test_a_long_name_breaks_its_row_of_the_table() -> None:
    rule = "=" * 80
    (run,) = parsed(
        INIT,
        f"INFO {rule}",
        " Package   Arch   Version   Repository   Size",
        " ===",
        "   ",
        "DEBUG Command: dnf update",
        f"INFO {rule}\n Package Arch Version Repository Size\n{rule}\nInstalling:\n"
        " a-package-with-a-very-long-name-indeed-that-fills-the-column\n"
        "             x86_64  1.0-1.el9   appstream   1.2 M\n"
        " vim         x86_64  2:9.0-1.el9 baseos      2.0 M\n"
        "     replacing  vi.x86_64 8-1\n"
        "Removing unused dependencies:\n old x86_64 1-1 @baseos 10 k\n"
        "Skipping packages with broken dependencies:\n bad x86_64 1-1 epel 10 k\n"
        "\nTransaction Summary\n===\nInstall  2 Packages",
    )
    assert run.planned == (
        "a-package-with-a-very-long-name-indeed-that-fills-the-column-1.0-1.el9.x86_64",
        "vim-2:9.0-1.el9.x86_64",
        "old-1-1.x86_64",
    )


def test_a_run_that_waits_leaves_the_end_of_a_transaction_to_the_one_that_works() -> None:
    first, second = parsed(
        *(INIT, "DDEBUG Command: dnf -y update", START),
        *(INIT, "DDEBUG Command: dnf makecache --timer", "INFO Metadata cache created."),
        *(OVER, "DEBUG Upgraded: interworx-8.2.0-1.noarch", DONE),
    )
    assert (first.outcome, first.changed) == ("done", ("interworx-8.2.0-1.noarch",))
    assert (second.outcome, second.changed, second.transaction) == ("done", (), False)


def test_a_second_transaction_proves_that_the_first_has_no_end() -> None:
    first, second = parsed(
        *(INIT, "DDEBUG Command: dnf -y update", START),
        *(INIT, "DDEBUG Command: dnf -y install vim", START, OVER, "DEBUG Installed: vim-1-1.noarch", DONE),
    )
    assert (first.outcome, second.outcome) == ("killed", "done")
    assert first.failures[0].line.source == "dnf.log:3"


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ((START, OVER, DONE), "done"),
        ((START,), "killed"),
        ((START, "CRITICAL KeyboardInterrupt: Terminated."), "killed"),
        ((START, OVER, "CRITICAL KeyboardInterrupt: Terminated."), "open"),
        (("CRITICAL KeyboardInterrupt: Terminated.",), "open"),
        (("CRITICAL Operation aborted.",), "open"),
        (("CRITICAL Importing GPG key 0x696C1C7E:",), "open"),
        (("CRITICAL No such command: upd.",), "open"),
        (("CRITICAL Error: rpmdb open failed",), "failed"),
        (("CRITICAL Error: rpmdb open failed", "DDEBUG Cleaning up."), "failed"),
        (("CRITICAL Error: x", DONE), "failed"),
        (("DDEBUG Cleaning up.",), "done"),
        ((START, "DDEBUG Cleaning up."), "killed"),
        ((START, OVER, "DDEBUG Cleaning up."), "done"),  # dnf-automatic
        ((START, OVER), "open"),
        ((START, "CRITICAL Error: something"), "killed"),
        (("ERROR Could not match packages",), "open"),
        ((), "open"),
    ],
)
def test_how_a_run_came_out(lines: tuple[str, ...], outcome: str) -> None:
    (run,) = parsed(INIT, *lines)
    assert run.outcome == outcome


def test_a_run_in_another_root_is_none_of_this_machine() -> None:
    assert parsed(INIT, "DDEBUG Installroot: /srv/root", "CRITICAL Error: x") == ()
    assert len(parsed(INIT, "DDEBUG Installroot: /", "CRITICAL Error: x")) == 1


def test_lines_before_the_first_beginning_are_a_run_of_their_own() -> None:
    torn, whole = parsed("CRITICAL Error: GPG check FAILED", INIT, DONE)
    assert (torn.outcome, torn.goal, whole.outcome) == ("failed", ("",), "done")


def test_a_failed_transaction_names_the_packages_that_failed() -> None:
    (run,) = parsed(INIT, START, OVER, "DEBUG Failed: a-1-1.noarch", "CRITICAL Error: Transaction failed")
    assert [(f.kind, f.package) for f in run.failures] == [("other", "a-1-1.noarch")]
    (run,) = parsed(INIT, START, OVER, "CRITICAL Error: Transaction failed")
    assert [(f.kind, f.package) for f in run.failures] == [("other", "")]


def test_a_configuration_that_dnf_dumps_with_its_passwords_is_not_quoted() -> None:
    (run,) = parsed(
        INIT,
        "CRITICAL \nYou have enabled checking of packages via GPG keys.\nyou do not have any GPG public keys",
        "CRITICAL Problem repository: [plesk]\nbaseurl: http://u:s3cr3t@repo.invalid\npassword: s3cr3t",
    )
    assert [(f.kind, f.repository) for f in run.failures] == [("gpg", "plesk")]
    assert "s3cr3t" not in repr(run)


def test_a_skipped_file_is_named() -> None:
    (run,) = parsed(INIT, "WARNING Warning: failed loading '/etc/yum.repos.d/x.repo', skipping.")
    assert [(f.kind, f.repository) for f in run.failures] == [("repository_file", "/etc/yum.repos.d/x.repo")]
    (run,) = parsed(INIT, "WARNING Parsing file \"/etc/yum.repos.d/y.repo\" failed: Missing '=' on line 2")
    assert run.failures[0].repository == "/etc/yum.repos.d/y.repo"


def test_other_warnings_are_no_failure() -> None:
    (run,) = parsed(INIT, "WARNING Failed to read PID 1's smaps.", DONE)
    assert run.failures == ()


def test_credentials_of_a_command_are_cut_out() -> None:
    (run,) = parsed(INIT, "DDEBUG Command: dnf install x --repofrompath=a,https://u:s3cr3t@repo.invalid/")
    assert run.command == "dnf install x --repofrompath=a,https://repo.invalid/"


def test_a_number_of_a_line_is_told_only_where_it_is_known() -> None:
    told = log(INIT, DONE)
    assert parse_dnf_log(told, source="dnf.log", numbered=False)[0].source == "dnf.log"


def test_a_time_that_no_clock_shows_is_no_time() -> None:
    (run,) = parse_dnf_log(f"2026-13-41T25:61:61+0000 {INIT}\n", source="dnf.log")
    assert (run.started_at, run.ended_at) == (None, None)


def test_times_of_release_8_end_with_a_letter() -> None:
    (run,) = parse_dnf_log(f"2026-11-23T10:00:00Z {INIT}\n", source="dnf.log")
    assert run.started_at == 1_795_428_000.0  # date -u -d 2026-11-23T10:00:00Z +%s


def test_more_failures_than_anyone_reads_are_left_out() -> None:
    (run,) = parsed(INIT, *("CRITICAL Error: Unable to find a match: " + "a " * 20 for _ in range(9)))
    assert len(run.failures) == 1  # the same name each time
    lines = [f"CRITICAL Error: Package p{n}-1-1.noarch.rpm is not signed" for n in range(59)]
    assert len(parsed(INIT, *lines)[0].failures) == 50


def test_a_message_of_ten_megabytes_is_cut() -> None:
    (run,) = parse_dnf_log(
        log(INIT, "CRITICAL Error: rpmdb open failed") + "x" * 10_000_000, source="dnf.log"
    )
    assert run.failures[0].kind == "rpm_database"
    assert len(run.failures[0].line.text) <= 600
    (run,) = parse_dnf_log(log(INIT, "CRITICAL Error: " + "x" * 10_000_000) + "more\n", source="dnf.log")
    assert len(run.failures[0].line.text) <= 600


def test_a_plan_and_changes_without_end_are_cut() -> None:
    rows = "\n".join(f" p{n} noarch 1-1 base 1 k" for n in range(3000))
    table = f"INFO {'=' * 80}\n Package\n{'=' * 80}\nInstalling:\n{rows}"
    (run,) = parsed(INIT, table[:8000])
    assert 100 < len(run.planned) <= 2000
    stamp = "2026-11-23T10:00:00+0000"
    changes = "".join(f"{stamp} DEBUG Installed: p{n}-1-1.noarch\n" for n in range(3000))
    (run,) = parse_dnf_log(f"{stamp} {INIT}\n{changes}", source="dnf.log")
    assert len(run.changed) == 2000


@pytest.mark.parametrize(
    "torn", ["", "\n\n", "x" * 100_000, "Nov 23 10:00:00 Updated: a\n", "2026-11-23 INFO x"]
)
def test_what_is_no_log_of_dnf_is_refused(torn: str) -> None:
    with pytest.raises(ParseError, match="lines of dnf"):
        parse_dnf_log(torn, source="dnf.log")


_WORDS = st.sampled_from(
    [INIT, START, OVER, DONE, "CRITICAL Error: x", "DEBUG Installed: a-1-1.noarch", " torn", "\x1b[31m", "�"]
)


@given(st.lists(_WORDS, max_size=12))
def test_any_order_of_lines_gives_runs(lines: list[str]) -> None:
    try:
        runs = parse_dnf_log(log(*lines), source="dnf.log")
    except ParseError:
        return
    assert all(run.outcome in ("done", "failed", "killed", "open") for run in runs)


@given(st.text())
def test_any_text_gives_runs_or_is_refused(text: str) -> None:
    with suppress(ParseError):
        parse_dnf_log(text, source="dnf.log")


# What a command wants


@pytest.mark.parametrize(
    ("command", "goal"),
    [
        ("dnf -y update", ("update",)),
        ("dnf upgrade -y --nobest", ("update",)),
        ("/usr/bin/dnf-3 update", ("update",)),
        ("yum -d 0 -e 0 -y update", ("update",)),
        ("yum -d=0 update", ("update",)),
        ("dnf --setopt=best=0 up", ("update",)),
        ("dnf install vim httpd", ("install", "httpd", "vim")),
        ("dnf install httpd vim", ("install", "httpd", "vim")),
        ("dnf update -x interworx", ("update", "-x=interworx")),
        ("dnf update --exclude=interworx", ("update", "--exclude=interworx")),
        ("dnf update --security", ("update", "--security")),
        ("dnf --repo epel makecache", ("makecache", "--repo=epel")),
        ("dnf update -x", ("update", "-x=")),
        ("dnf update -d", ("update",)),
        ("update -y", ("update",)),
        ("", ("",)),
        ("dnf", ("",)),
    ],
)
def test_two_commands_that_want_the_same_have_the_same_goal(command: str, goal: tuple[str, ...]) -> None:
    assert goal_of(command) == goal


@given(st.text())
def test_any_command_has_a_goal(command: str) -> None:
    assert len(goal_of(command)) >= 1
