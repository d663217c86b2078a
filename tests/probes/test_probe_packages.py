"""rpm's database, locks, the panel's packages: what is asked, and what is not believed."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import NOW_AT, clock, command, content, context
from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.host import (
    AskClock,
    AskProcesses,
    CommandAnswer,
    DirectoryEntry,
    DirectoryListing,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    Stat,
    TailFile,
)
from iwx_agent.host.answers import FileStatus
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model import InstalledPackages, Process, Processes
from iwx_agent.model.package_state import PackageLocks, RpmDatabase
from iwx_agent.parsers.rpm_answers import PACKAGE_FORMAT
from iwx_agent.probes import packages as probes

CAPTURES = Path(__file__).parents[1] / "parsers" / "captures" / "dnf"
VERSION = RunCommand(argv=("rpm", "-q", "--qf", "%{VERSION}\\n", "interworx"))
DIRECTORY = ListDirectory(path="/var/lib/rpm")
HOME = Stat(path="/usr/local/interworx")
KNOWN = ("interworx", "interworx-cli", "iworxphp82-php-fpm", "iworxphp72-php-fpm")
Answers = dict[Question, Struct | HostError]


def error(kind: ErrorKind = "not_found") -> HostError:
    return HostError(kind, f"{kind}, the machine said", "source")


def joined(*answers: Mapping[Question, Struct | HostError]) -> Answers:
    whole: Answers = {}
    for part in answers:
        whole.update(part)
    return whole


def files(*rows: tuple[str, int]) -> DirectoryListing:
    return DirectoryListing(
        entries=tuple(
            DirectoryEntry(name=name, kind="file", size_bytes=size, modified_at=NOW_AT) for name, size in rows
        )
    )


SOUND = files((".rpm.lock", 0), ("rpmdb.sqlite", 40_000_000), ("rpmdb.sqlite-wal", 1000))
SMALL = files((".rpm.lock", 0), ("rpmdb.sqlite", 212_992))
PANEL: Answers = {
    HOME: FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755),
}


def rpm(stdout: str, exit_code: int = 0, stderr: str = "") -> CommandAnswer:
    return command(VERSION.argv, stdout, exit_code=exit_code, stderr=stderr)


ABSENT = "package interworx is not installed\n"


def database(
    answer: CommandAnswer, listing: DirectoryListing | HostError = SOUND, **more: Answers
) -> RpmDatabase:
    return probes.rpm_database(context(joined({VERSION: answer, DIRECTORY: listing}, PANEL, *more.values())))


# rpm_database


def test_a_database_that_tells_the_version_is_sound() -> None:
    found = database(rpm("8.2.0\n"))
    assert (found.trouble, found.text, found.size_bytes) == (None, "8.2.0", 40_001_000)
    assert found.environment_files_count == 0


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("90-rpmdb-notadb-rpmqa", "damaged"),
        ("91-rpmdb-malformed-rpmqa", "damaged"),
        ("94-rpmdb-perm", "unreadable"),
    ],
)
def test_a_broken_database_is_told_by_rpms_complaint_whatever_it_calls_not_installed(
    name: str, trouble: str
) -> None:
    said = (CAPTURES / name / "stderr").read_text()
    found = database(rpm(ABSENT, 1, said))
    assert found.trouble == trouble
    assert "is not installed" not in found.text
    assert found.source == "rpm -q --qf %{VERSION}\\n interworx (exit 1)"


def test_what_may_not_be_read_by_another_user_cannot_tell() -> None:
    said = (CAPTURES / "94-rpmdb-perm" / "stderr").read_text()
    with pytest.raises(HostError) as caught:
        database(rpm(ABSENT, 1, said), who={AskClock(): clock(uid=1000)})
    assert caught.value.kind == "permission"


def test_a_file_without_a_byte_is_a_damaged_database_whatever_rpm_makes_of_it() -> None:
    said = "error: sqlite failure: attempt to write a readonly database"  # recorded with rpm 4.18
    found = database(rpm(ABSENT, 1, said), files(("rpmdb.sqlite", 0)))
    assert (found.trouble, found.size_bytes) == ("damaged", 0)
    assert found.text.startswith("its file in /var/lib/rpm is empty")
    assert database(rpm(ABSENT, 1, said), files(("rpmdb.sqlite", 9))).trouble == "read_only"


def test_a_database_that_does_not_know_the_panel_and_is_tiny_is_empty() -> None:
    assert database(rpm(ABSENT, 1), SMALL).trouble == "empty"
    assert database(rpm(ABSENT, 1), SOUND).trouble is None  # the panel was installed without rpm
    assert database(rpm(ABSENT, 1), files(("rpmdb.sqlite", 1024 * 1024 - 1))).trouble == "empty"
    assert database(rpm(ABSENT, 1), files(("rpmdb.sqlite", 1024 * 1024))).trouble is None
    assert database(rpm(ABSENT, 1), files()).trouble is None  # it lies elsewhere
    assert database(rpm("8.2.0\n"), SMALL).trouble is None


def test_without_the_panel_a_small_database_is_what_it_is() -> None:
    homes: Answers = {HOME: error(), Stat(path="/home/interworx"): error()}
    assert database(rpm(ABSENT, 1), SMALL, homes=homes).trouble is None
    with pytest.raises(HostError, match="timeout"):
        database(rpm(ABSENT, 1), SMALL, homes={HOME: error("timeout"), Stat(path="/home/interworx"): error()})


def test_berkeley_db_leaves_its_environment() -> None:
    listing = files(("Packages", 60_000_000), ("__db.001", 1), ("__db.002", 1))
    found = database(rpm(ABSENT, 1, "error: DB_RUNRECOVERY: Fatal error"), listing)
    assert (found.trouble, found.environment_files_count, found.size_bytes) == ("recovery", 2, 60_000_000)


def test_no_answer_in_time_is_a_value() -> None:
    hung = replace(rpm(""), exit_code=None, timed_out=True)
    assert database(hung).trouble == "silent"


def test_complaints_beside_an_answer() -> None:
    assert (
        database(rpm("8.2.0\n", 0, "error: rpmdb: damaged header #7 retrieved -- skipping.")).trouble
        == "entries"
    )
    assert database(rpm("8.2.0\n", 0, "warning: something")).trouble is None


@pytest.mark.parametrize(
    "answer", [rpm("", 127, "rpm: broken"), rpm("", 1), replace(rpm(""), exit_code=None)]
)
def test_an_answer_that_is_none_cannot_tell(answer: CommandAnswer) -> None:
    with pytest.raises(HostError) as caught:
        database(answer)
    assert caught.value.kind == "failed"


def test_a_directory_that_cannot_be_listed_is_not_needed() -> None:
    found = database(rpm("8.2.0\n"), error("permission"))
    assert (found.trouble, found.size_bytes) == (None, None)
    with pytest.raises(HostError, match="over_budget"):
        database(rpm("8.2.0\n"), error("over_budget"))


# installed_panel_packages


def packages_of(*names: str) -> RunCommand:
    return RunCommand(argv=("rpm", "-q", "--qf", PACKAGE_FORMAT, *names))


NO_LOG: Answers = {
    TailFile(path="/var/log/dnf.log"): error(),
    TailFile(path="/var/log/yum.log"): error(),
    ListDirectory(path="/var/lib/yum"): error(),
    ListDirectory(path="/var/lib/yum/history"): error(),
    Stat(path="/etc/yum.repos.d"): error(),
}
HEALTHY: Answers = {VERSION: rpm("8.2.0\n"), DIRECTORY: SOUND}
ROW = "interworx\t0\t8.2.0\t1\tnoarch\t1795449600\n"


def installed(*answers: Answers) -> InstalledPackages:
    return probes.installed_panel_packages(context(joined(HEALTHY, NO_LOG, *answers)))


def test_known_names_are_asked_for_and_what_is_not_installed_is_left_out() -> None:
    question = packages_of(*KNOWN)
    found = installed({question: command(question.argv, ROW + "package x is not installed\n", exit_code=1)})
    assert found.asked == KNOWN
    assert [(entry.name, entry.version) for entry in found.entries] == [("interworx", "8.2.0")]
    assert len(found.named("interworx")) == 1
    assert found.named("interworx-cli") == ()
    assert found.source == f"rpm -q {' '.join(KNOWN)}"


def test_names_of_the_log_are_asked_for_too() -> None:
    log = (
        "2026-11-23T16:00:00+0000 INFO --- logging initialized ---\n"
        "2026-11-23T16:00:00+0000 DEBUG Installed: iworx-mariadb-10-1.noarch\n"
        "2026-11-23T16:00:00+0000 DEBUG Installed: httpd-2-1.noarch\n"
    )
    answers: Answers = {
        TailFile(path="/var/log/dnf.log"): content(log),
        TailFile(path="/var/log/dnf.rpm.log"): error(),
        ListDirectory(path="/var/log"): files(),
    }
    question = packages_of(*KNOWN, "iworx-mariadb")
    assert installed(answers, {question: command(question.argv, ROW * 2)}).asked[-1] == "iworx-mariadb"


def test_a_broken_database_has_no_packages_to_tell_of() -> None:
    broken: Answers = {VERSION: rpm(ABSENT, 1, "error: file is not a database")}
    with pytest.raises(HostError, match="not sound"):
        installed(broken)
    question = packages_of(*KNOWN)
    with pytest.raises(HostError, match="malformed"):
        installed({question: command(question.argv, ABSENT, exit_code=1, stderr="malformed")})
    with pytest.raises(HostError, match="no answer in time"):
        installed({question: replace(command(question.argv), timed_out=True, exit_code=None)})


# package_locks

LOCKS = (
    "/var/lib/dnf/rpmdb_lock.pid",
    "/var/cache/dnf/metadata_lock.pid",
    "/var/cache/dnf/download_lock.pid",
    "/var/run/yum.pid",
)


def locks(told: Mapping[str, str | HostError], *processes: Process) -> PackageLocks:
    answers: Answers = {ReadFile(path=path): error() for path in LOCKS}
    for path, text in told.items():
        answers[ReadFile(path=path)] = text if isinstance(text, HostError) else content(text)
    answers[AskProcesses()] = Processes(entries=processes)
    return probes.package_locks(context(answers))


def process(
    pid: int, name: str = "dnf", title: str = "/usr/bin/python3 /usr/bin/dnf", state: str = "S"
) -> Process:
    return Process(
        pid=pid, parent_pid=1, name=name, user="root", state=state, started_at=NOW_AT - 9, title=title
    )


def test_no_lock_and_nobody_at_work() -> None:
    assert locks({}, process(1, "systemd", "systemd")) == PackageLocks(locks=(), tools=(), read_at=NOW_AT)


def test_a_lock_has_its_holder() -> None:
    found = locks({LOCKS[0]: "6900", LOCKS[3]: "7\n"}, process(6900))
    assert [(lock.path, lock.pid, lock.holder is not None) for lock in found.locks] == [
        (LOCKS[0], 6900, True),
        (LOCKS[3], 7, False),
    ]
    assert found.tools == (process(6900),)


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_process_that_has_ended_holds_nothing(state: str) -> None:
    found = locks({LOCKS[0]: "6900"}, process(6900, state=state))
    assert (found.locks[0].holder, found.tools) == (None, ())


@pytest.mark.parametrize("text", ["", " \n", "garbage", "-5", "٣", "99999999999"])
def test_a_file_without_a_number_names_nobody(text: str) -> None:
    (lock,) = locks({LOCKS[0]: text}).locks
    assert (lock.pid, lock.holder) == (None, None)


def test_questions_to_rpm_are_no_work_on_packages() -> None:
    asking = process(8, "rpm", "rpm -q")
    assert locks({}, asking, process(9, "rpm", "rpm -Uvh")).tools == (process(9, "rpm", "rpm -Uvh"),)


def test_a_lock_that_may_not_be_read_cannot_tell() -> None:
    with pytest.raises(HostError, match="permission"):
        locks({LOCKS[0]: error("permission")})
