"""Which logs are read, rotated ones too, what is passed over, and when the log cannot tell."""

from collections.abc import Mapping

import pytest
from fakes import NOW_AT, context
from msgspec import Struct
from transcripts import text
from yum_history import YumHistory

from iwx_agent.host import (
    AskProcesses,
    DirectoryEntry,
    DirectoryListing,
    FileContent,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    Stat,
    TailFile,
)
from iwx_agent.host.answers import FileStatus
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model import PackageLog, ParseError, Process, Processes
from iwx_agent.probes.package_log import package_log

LOG, RPM_LOG = TailFile(path="/var/log/dnf.log"), TailFile(path="/var/log/dnf.rpm.log")
YUM_LOG = TailFile(path="/var/log/yum.log")
LOGS, STATE = ListDirectory(path="/var/log"), ListDirectory(path="/var/lib/yum")
HISTORY = ListDirectory(path="/var/lib/yum/history")
DATABASE = ReadFile(path="/var/lib/yum/history/history-2024-03-01.sqlite")
Answers = dict[Question, Struct | HostError]

INIT = "INFO --- logging initialized ---"
STAMP = "2026-11-23T16:00:00+0000"  # 400 s before NOW_AT
OLD = "2026-11-10T16:00:00+0000"


def error(kind: ErrorKind = "not_found") -> HostError:
    return HostError(kind, f"{kind}, the machine said", "source")


def content(told: str | bytes, path: str = "", *, truncated: bool = False, at: float = NOW_AT) -> FileContent:
    data = told.encode() if isinstance(told, str) else told
    return FileContent(data=data, size_bytes=len(data), modified_at=at, truncated=truncated, path=path)


def names(*entries: str | tuple[str, float]) -> DirectoryListing:
    made = [(entry, NOW_AT) if isinstance(entry, str) else entry for entry in entries]
    return DirectoryListing(
        entries=tuple(
            DirectoryEntry(name=name, kind="file", size_bytes=9, modified_at=at) for name, at in sorted(made)
        )
    )


def run(stamp: str, *lines: str) -> str:
    return "".join(f"{stamp} {line}\n" for line in (INIT, *lines))


NO_YUM: Answers = {HISTORY: error(), YUM_LOG: error(), STATE: error()}
NO_DNF: Answers = {LOG: error()}
NOBODY: Answers = {AskProcesses(): Processes(entries=())}


def asked(*answers: Mapping[Question, Struct | HostError]) -> PackageLog:
    whole: Answers = {}
    for part in answers:
        whole.update(part)
    return package_log(context(whole))


def test_a_log_that_reaches_back_a_week_is_read_alone() -> None:
    told = asked({LOG: content(run(OLD, "INFO Complete!") + run(STAMP)), RPM_LOG: error()}, NO_YUM)
    assert told.sources == ("/var/log/dnf.log",)
    assert [found.outcome for found in told.runs] == ["done", "open"]
    assert told.covered_from_at == told.runs[0].started_at
    assert told.read_at == NOW_AT


def test_a_log_whose_start_was_not_read_is_read_alone_and_has_no_numbers() -> None:
    told = asked({LOG: content(run(STAMP), truncated=True), RPM_LOG: error()}, NO_YUM)
    assert told.runs[0].source == "/var/log/dnf.log"


def test_a_young_log_is_put_together_with_the_newest_rotated_one() -> None:
    listing = names(
        "dnf.log",
        ("dnf.log-20261115", NOW_AT - 900_000),
        ("dnf.log-20261122", NOW_AT - 90_000),
        "dnf.log-20261101.gz",
        "dnf.rpm.log",
        "dnf.logs",
        "messages",
    )
    older = TailFile(path="/var/log/dnf.log-20261122")
    told = asked(
        {LOG: content(run(STAMP, "INFO Complete!")), RPM_LOG: error(), LOGS: listing},
        {older: content(run(OLD, "CRITICAL Error: GPG check FAILED"))},
        NO_YUM,
    )
    assert [found.outcome for found in told.runs] == ["failed", "done"]
    assert told.sources == ("/var/log/dnf.log-20261122", "/var/log/dnf.log")


def test_dnfs_own_numbers_of_rotated_logs_are_known_too() -> None:
    listing = names("dnf.log", ("dnf.log.2", NOW_AT - 900_000), ("dnf.log.1", NOW_AT - 90_000))
    older = TailFile(path="/var/log/dnf.log.1")
    told = asked({LOG: content(""), RPM_LOG: error(), LOGS: listing, older: content(run(OLD))}, NO_YUM)
    assert told.sources == ("/var/log/dnf.log.1", "/var/log/dnf.log")


@pytest.mark.parametrize("rotated", [content(""), error()])
def test_a_rotated_log_that_is_empty_or_gone_meanwhile_adds_nothing(rotated: FileContent | HostError) -> None:
    answers: Answers = {
        LOG: content(run(STAMP)),
        RPM_LOG: error(),
        LOGS: names("dnf.log-20261122"),
        TailFile(path="/var/log/dnf.log-20261122"): rotated,
    }
    assert len(asked(answers, NO_YUM).runs) == 1


def test_an_empty_log_alone_cannot_tell() -> None:
    with pytest.raises(HostError, match="is empty") as caught:
        asked({LOG: content(" \n"), LOGS: names("dnf.log")}, NO_YUM)
    assert caught.value.kind == "failed"


@pytest.mark.parametrize(
    "torn", [b"\xff\xfe\x00" * 1000, b"x" * 200_000, b"Nov 23 10:00:00 something else\n"]
)
def test_a_log_that_is_none_cannot_tell(torn: bytes) -> None:
    with pytest.raises(ParseError):
        asked({LOG: content(torn)}, NO_YUM)


def test_invalid_utf_8_in_a_line_is_read_over() -> None:
    told = asked(
        {LOG: content(run(OLD).encode() + b"\xff\xfe\n" + run(STAMP).encode()), RPM_LOG: error()}, NO_YUM
    )
    assert len(told.runs) == 2


@pytest.mark.parametrize("kind", ["permission", "timeout", "not_regular", "over_budget"])
def test_a_log_that_cannot_be_read_cannot_tell(kind: ErrorKind) -> None:
    with pytest.raises(HostError, match=kind):
        asked({LOG: error(kind)}, NO_YUM)
    with pytest.raises(HostError, match=kind):
        asked({LOG: content(run(OLD)), RPM_LOG: error(kind)}, NO_YUM)


def test_what_rpm_said_is_put_to_its_run() -> None:
    told = asked(
        {LOG: content(text("51-post-fail", "dnf.log")), LOGS: names("dnf.log")},
        {RPM_LOG: content(text("51-post-fail", "dnf.rpm.log"))},
        NO_YUM,
    )
    assert told.sources == ("/var/log/dnf.log", "/var/log/dnf.rpm.log")
    assert [failure.kind for failure in told.runs[0].failures] == ["scriptlet"]


def test_what_rpm_said_before_it_was_rotated_too() -> None:
    listing = names("dnf.log-20261122", "dnf.rpm.log-20261122")
    older, older_rpm = (
        TailFile(path="/var/log/dnf.log-20261122"),
        TailFile(path="/var/log/dnf.rpm.log-20261122"),
    )
    told = asked(
        {LOG: content(run(STAMP)), RPM_LOG: content(""), LOGS: listing},
        {older: content(text("51-post-fail", "dnf.log"))},
        {older_rpm: content(text("51-post-fail", "dnf.rpm.log"))},
        NO_YUM,
    )
    assert [failure.kind for failure in told.runs[0].failures] == ["scriptlet"]
    assert told.sources[-2:] == ("/var/log/dnf.rpm.log-20261122", "/var/log/dnf.rpm.log")


# A transaction without an end

KILLED = run(OLD) + run(STAMP, "DDEBUG Command: dnf -y update", "DDEBUG RPM transaction start.")
BEGAN_AT = NOW_AT - 400


def tool(started_at: float, state: str = "S", name: str = "dnf") -> Answers:
    process = Process(
        pid=7, parent_pid=1, name=name, user="root", state=state, started_at=started_at, title=name
    )
    return {AskProcesses(): Processes(entries=(process,))}


def of_killed(*answers: Answers) -> str:
    told = asked({LOG: content(KILLED), RPM_LOG: error()}, NO_YUM, *answers)
    kinds = [failure.kind for failure in told.runs[-1].failures]
    assert kinds == (["killed"] if told.runs[-1].outcome == "killed" else [])
    return told.runs[-1].outcome


def test_nobody_at_work_means_that_it_was_killed() -> None:
    assert of_killed(NOBODY) == "killed"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (tool(BEGAN_AT - 5), "open"),
        (tool(BEGAN_AT + 1), "open"),
        (tool(BEGAN_AT + 2), "killed"),  # another one, begun later
        (tool(BEGAN_AT - 5, state="T"), "open"),  # stopped: the lock's check tells
        (tool(BEGAN_AT - 5, state="Z"), "killed"),
        (tool(BEGAN_AT - 5, name="httpd"), "killed"),
    ],
)
def test_a_tool_that_was_there_before_may_still_be_at_it(answers: Answers, outcome: str) -> None:
    assert of_killed(answers) == outcome


def test_an_older_killed_one_stays_killed_whoever_works_now() -> None:
    later = run(STAMP, "DDEBUG RPM transaction start.", "DDEBUG RPM transaction over.", "INFO Complete!")
    told = asked({LOG: content(KILLED + later), RPM_LOG: error()}, NO_YUM)  # processes are not asked
    assert [found.outcome for found in told.runs] == ["open", "killed", "done"]


# yum 3


def history(code: int | None = 0, began_at: float = NOW_AT - 400) -> bytes:
    made = YumHistory()
    made.add("-y update", began_at, [("interworx", "8", "1", "Update", code == 0)], code=code)
    return made.data


OF_YUM: Answers = {HISTORY: names("history-2019-01-01.sqlite", "history-2024-03-01.sqlite", "2024-03-01")}


def test_without_dnf_the_newest_history_of_yum_is_read() -> None:
    told = asked(NO_DNF, OF_YUM, {DATABASE: content(history()), STATE: names("history")})
    assert [(found.tool, found.outcome) for found in told.runs] == [("yum", "done")]
    assert told.sources == (DATABASE.path,)


def test_a_history_that_cannot_be_read_cannot_tell() -> None:
    with pytest.raises(ParseError):
        asked(NO_DNF, OF_YUM, {DATABASE: content(b"broken"), STATE: error()})
    with pytest.raises(HostError, match="permission"):
        asked(NO_DNF, {HISTORY: error("permission")})
    with pytest.raises(HostError, match="permission"):
        asked(NO_DNF, OF_YUM, {DATABASE: content(history()), STATE: error("permission")})


@pytest.mark.parametrize(
    "answers",
    [
        {HISTORY: error()},
        {HISTORY: names("2024-03-01")},
        {HISTORY: names(("history-2019-01-01.sqlite", NOW_AT - 91 * 86_400))},
        {**OF_YUM, DATABASE: content(history(), truncated=True)},
    ],
)
def test_without_a_history_of_use_the_log_tells_of_successes(answers: Answers) -> None:
    line = "Nov 23 16:06:40 Updated: interworx-8.2.0-1.noarch\n"
    told = asked(NO_DNF, answers, {YUM_LOG: content(line), STATE: error()})
    assert [(found.tool, found.outcome, found.started_at) for found in told.runs] == [("yum", "done", NOW_AT)]


@pytest.mark.parametrize("log", [content(""), content("x", at=NOW_AT - 91 * 86_400), error()])
def test_nothing_of_either_cannot_tell(log: FileContent | HostError) -> None:
    there = FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755)
    with pytest.raises(HostError, match="neither") as caught:
        asked(NO_DNF, NO_YUM, {YUM_LOG: log, Stat(path="/etc/yum.repos.d"): there})
    assert caught.value.kind == "failed"


def test_a_machine_without_yum_and_dnf_is_certain() -> None:
    with pytest.raises(HostError) as caught:
        asked(NO_DNF, NO_YUM, {Stat(path="/etc/yum.repos.d"): error()})
    assert caught.value.kind == "not_found"


ALL = "/var/lib/yum/transaction-all.2026-11-23.16:00.00"
LEFT: Answers = {
    STATE: names((ALL.rpartition("/")[2], NOW_AT - 400), "transaction-done.2026-11-23.16:00.00", "repos"),
    TailFile(path=ALL): content("install 0:interworx-8-1.noarch\nerase 0:interworx-7-1.noarch\n"),
}
DONE = TailFile(path=ALL.replace("-all.", "-done."))


def test_files_of_a_transaction_are_one_that_was_ended_half_way() -> None:
    told = asked(NO_DNF, {HISTORY: error(), YUM_LOG: error()}, LEFT, NOBODY, {DONE: content("")})
    (found,) = told.runs
    assert (found.tool, found.outcome, found.source) == ("yum", "killed", ALL)
    assert found.planned == ("interworx-8-1.noarch", "interworx-7-1.noarch")
    assert found.failures[0].package == "interworx-7-1.noarch"
    assert "2 packages not done" in found.failures[0].line.text


def test_what_is_done_of_it_is_told() -> None:
    done = content("install 0:interworx-8-1.noarch\n")
    (found,) = asked(NO_DNF, {HISTORY: error(), YUM_LOG: error()}, LEFT, NOBODY, {DONE: done}).runs
    assert (found.changed, found.failures[0].package) == (("interworx-8-1.noarch",), "interworx-8-1.noarch")


def test_the_history_knows_it_already() -> None:
    told = asked(NO_DNF, OF_YUM, LEFT, NOBODY, {DONE: error(), DATABASE: content(history(code=None))})
    assert [found.source for found in told.runs] == [f"{DATABASE.path} transaction 1"]


def test_an_older_transaction_that_left_its_files_stands_at_its_time() -> None:
    later = content(history(began_at=NOW_AT - 100))
    told = asked(NO_DNF, OF_YUM, LEFT, {DONE: error(), DATABASE: later})
    assert [found.outcome for found in told.runs] == ["killed", "done"]
    earlier = content(history(began_at=NOW_AT - 9000))
    told = asked(NO_DNF, OF_YUM, LEFT, NOBODY, {DONE: error(), DATABASE: earlier})
    assert [found.outcome for found in told.runs] == ["done", "killed"]


@pytest.mark.parametrize(
    ("began_at", "tools"), [(NOW_AT - 100, ["dnf", "yum"]), (NOW_AT - 86_400, ["yum", "dnf"])]
)
def test_of_two_tools_the_one_that_was_used_last_comes_last(began_at: float, tools: list[str]) -> None:
    told = asked(
        {LOG: content(run(STAMP)), RPM_LOG: error(), LOGS: names("dnf.log")},
        OF_YUM,
        {DATABASE: content(history(began_at=began_at)), STATE: error()},
    )
    assert [found.tool for found in told.runs] == tools
