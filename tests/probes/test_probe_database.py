"""Probes of database servers: every outcome is a value, what says nothing about the server is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import FakeHost, command, content, layout
from msgspec import Struct

from iwx_agent.host import (
    AskProcesses,
    DirectoryEntry,
    DirectoryListing,
    GreetingAnswer,
    HostError,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    TailFile,
    UnixGreeting,
)
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model import ParseError, Process, Processes
from iwx_agent.model.database import DatabaseAnswer
from iwx_agent.parsers.systemctl import PROPERTIES
from iwx_agent.probes import Context
from iwx_agent.probes.database import (
    ask_database,
    mysql_database,
    mysql_log,
    mysql_unit,
    panel_database,
    panel_database_log,
)

CAPTURES = Path(__file__).parents[1] / "parsers" / "captures" / "mysql"
GREETING = GreetingAnswer(data=(CAPTURES / "greeting-mariadb-10.11.bin").read_bytes(), duration_s=0.001)
TOO_MANY = GreetingAnswer(data=(CAPTURES / "too-many-mariadb-10.11.bin").read_bytes(), duration_s=0.001)
PANEL_PATH = "/usr/local/interworx/mysql/iworx-db.sock"
MYSQL_PATH = "/var/lib/mysql/mysql.sock"
PANEL_SOCKET, MYSQL_SOCKET = UnixGreeting(path=PANEL_PATH), UnixGreeting(path=MYSQL_PATH)
KERNEL = ReadFile(path="/proc/net/unix")
PAGE = HttpGet(url="https://localhost:2443/nodeworx/")
HEAD = "Num       RefCount Protocol Flags    Type St Inode Path\n"
Answers = dict[Question, Struct | HostError]


def error(kind: ErrorKind) -> HostError:
    return HostError(kind, f"{kind}, the machine said", "unix")


def systemctl(**states: str) -> Answers:
    """Answer for all units: ``mariadb="failed"`` or ``"inactive disabled"``; those not named do not exist."""
    names = layout().everything("unit")
    blocks = []
    for name in names:
        active, _, file_state = states.get(name.removesuffix(".service"), "").partition(" ")
        load = "loaded" if active else "not-found"
        blocks.append(
            f"Id={name}\nLoadState={load}\nActiveState={active or 'inactive'}\nUnitFileState={file_state}\n"
        )
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(PROPERTIES), "--", *names)
    return {RunCommand(argv=argv): command(argv, "\n".join(blocks))}


def no_systemd() -> Answers:
    ((question, _),) = systemctl().items()
    return {question: HostError("timeout", "no answer within 8 s", "systemctl show")}


def processes(*names: str) -> Answers:
    rows = (
        Process(pid=n, parent_pid=1, name=name, user="iworx", state="S", started_at=0.0)
        for n, name in enumerate(names)
    )
    return {AskProcesses(): Processes(entries=tuple(rows))}


def page(status: int) -> Answers:
    return {PAGE: HttpAnswer(url=PAGE.url, status=status, headers=(), body=b"", duration_s=0.1)}


def kernel(*paths: str) -> Answers:
    rows = "".join(f"0000: 00000002 00000000 00010000 0001 01 356 {path}\n" for path in paths)
    return {KERNEL: content(HEAD + rows)}


def asked(answers: Mapping[Question, Struct | HostError]) -> Context:
    return Context(FakeHost(answers), layout())


def test_a_greeting_gives_the_version() -> None:
    answer = panel_database(asked({PANEL_SOCKET: GREETING}))
    assert (answer.outcome, answer.version) == ("greeted", "10.11.19-MariaDB-0+deb12u1")
    assert (answer.path, answer.trouble) == (PANEL_PATH, "")


def test_an_error_packet_gives_its_code() -> None:
    answer = panel_database(asked({PANEL_SOCKET: TOO_MANY}))
    assert (answer.outcome, answer.error_code, answer.text) == ("error", 1040, "Too many connections")


@pytest.mark.parametrize(
    ("kind", "outcome"), [("refused", "refused"), ("timeout", "silent"), ("closed", "closed")]
)
def test_what_the_network_says_is_a_value(kind: ErrorKind, outcome: str) -> None:
    answer = panel_database(asked({PANEL_SOCKET: error(kind)}))
    assert (answer.outcome, answer.text, answer.limit_s) == (outcome, f"{kind}, the machine said", 5.0)


@pytest.mark.parametrize("kind", ["permission", "failed", "over_budget", "not_captured"])
def test_what_says_nothing_about_the_server_is_no_value(kind: ErrorKind) -> None:
    with pytest.raises(HostError):
        ask_database(FakeHost({PANEL_SOCKET: error(kind)}), PANEL_PATH)


@pytest.mark.parametrize(
    ("data", "outcome"), [(b"", "closed"), (b"220 ftp\r\n", "garbled"), (b"\xff" * 4096, "garbled")]
)
def test_hostile_bytes_are_a_value(data: bytes, outcome: str) -> None:
    answer = ask_database(FakeHost({PANEL_SOCKET: GreetingAnswer(data=data, duration_s=0.0)}), PANEL_PATH)
    assert answer.outcome == outcome
    assert answer.trouble == "other"


def test_no_socket_and_no_process_is_down() -> None:
    answer = panel_database(asked({PANEL_SOCKET: error("not_found"), **processes("httpd")}))
    assert (answer.outcome, answer.trouble) == ("no_socket", "down")


def test_a_socket_deleted_under_the_running_panel_database_is_down() -> None:
    answers = {PANEL_SOCKET: error("not_found"), **processes("iworx-db"), **kernel(MYSQL_PATH, PANEL_PATH)}
    answer = panel_database(asked(answers))
    assert (answer.outcome, "was deleted" in answer.told) == ("no_socket", True)


def test_a_panel_database_bound_elsewhere_is_asked_there() -> None:
    place = "/home/interworx/db/iworx-db.sock"
    answers = {
        PANEL_SOCKET: error("not_found"),
        UnixGreeting(path=place): GREETING,
        **processes("iworx-db"),
        **kernel(place),
    }
    answer = panel_database(asked(answers))
    assert (answer.outcome, answer.path) == ("greeted", place)


def test_a_panel_database_without_a_known_socket_is_unknown_while_the_panel_works() -> None:
    answers = {PANEL_SOCKET: error("not_found"), **processes("iworx-db"), **kernel(MYSQL_PATH)}
    with pytest.raises(HostError, match="the kernel knows no socket"):
        panel_database(asked({**answers, **page(200)}))
    assert panel_database(asked({**answers, **page(500)})).outcome == "no_socket"


def test_mysql_that_answers_needs_no_unit() -> None:
    assert mysql_database(asked({MYSQL_SOCKET: GREETING})).outcome == "greeted"
    assert mysql_database(asked({MYSQL_SOCKET: error("timeout")})).outcome == "silent"


def test_no_unit_and_no_socket_is_not_installed() -> None:
    with pytest.raises(HostError) as caught:
        mysql_database(asked({MYSQL_SOCKET: error("not_found"), **systemctl(httpd="active")}))
    assert caught.value.kind == "not_found"


def test_a_socket_left_behind_without_any_unit_is_unknown() -> None:
    with pytest.raises(HostError) as caught:
        mysql_database(asked({MYSQL_SOCKET: error("refused"), **systemctl()}))
    assert caught.value.kind == "failed"


@pytest.mark.parametrize("kind", ["refused", "not_found"])
@pytest.mark.parametrize(
    "state", ["failed enabled", "inactive enabled", "activating enabled", "failed disabled"]
)
def test_a_unit_that_does_not_run_is_down(kind: ErrorKind, state: str) -> None:
    answer = mysql_database(asked({MYSQL_SOCKET: error(kind), **systemctl(mariadb=state)}))
    assert answer.trouble == "down"


@pytest.mark.parametrize("kind", ["refused", "not_found"])
@pytest.mark.parametrize("state", ["disabled", "masked", "masked-runtime"])
def test_a_unit_switched_off_on_purpose_is_no_outage(kind: ErrorKind, state: str) -> None:
    with pytest.raises(HostError) as caught:
        mysql_database(asked({MYSQL_SOCKET: error(kind), **systemctl(mariadb=f"inactive {state}")}))
    assert caught.value.kind == "not_found"
    assert state in caught.value.reason


def test_without_systemd_only_a_socket_left_behind_proves_anything() -> None:
    assert mysql_database(asked({MYSQL_SOCKET: error("refused"), **no_systemd()})).outcome == "refused"
    with pytest.raises(HostError) as caught:
        mysql_database(asked({MYSQL_SOCKET: error("not_found"), **no_systemd()}))
    assert caught.value.kind == "timeout"


def test_mysql_active_without_its_socket_is_down_when_the_file_was_deleted() -> None:
    answers = {MYSQL_SOCKET: error("not_found"), **systemctl(mariadb="active")}
    assert mysql_database(asked({**answers, **kernel(MYSQL_PATH)})).outcome == "no_socket"
    with pytest.raises(HostError, match=r"mariadb\.service is active"):
        mysql_database(asked({**answers, **kernel(PANEL_PATH, "/srv/db/other.sock")}))
    with pytest.raises(ParseError):
        mysql_database(asked({**answers, KERNEL: content("garbage")}))


def test_of_several_units_the_one_that_runs_is_taken_then_the_failed_one() -> None:
    assert mysql_unit(asked(systemctl(mariadb="inactive", mysqld="active"))).name == "mysqld.service"
    assert mysql_unit(asked(systemctl(mariadb="inactive", mysql="failed"))).name == "mysql.service"
    assert mysql_unit(asked(systemctl(mariadb="inactive", mysqld="inactive"))).name == "mariadb.service"
    with pytest.raises(HostError) as caught:
        mysql_unit(asked(systemctl()))
    assert caught.value.kind == "not_found"


def test_no_log_is_read_while_the_server_greets() -> None:
    assert mysql_log(asked({MYSQL_SOCKET: GREETING})) == ()
    assert panel_database_log(asked({PANEL_SOCKET: GREETING})) == ()


def test_of_several_logs_the_newest_is_quoted() -> None:
    data = "/var/lib/mysql"
    listing = DirectoryListing(
        entries=(
            DirectoryEntry(name="ibdata1", kind="file"),
            DirectoryEntry(name="iwx1.err", kind="file"),
            DirectoryEntry(name="shop.err", kind="directory"),
        )
    )
    answers: Answers = {
        MYSQL_SOCKET: error("refused"),
        **systemctl(mariadb="failed"),
        TailFile(path="/var/log/mariadb/mariadb.log"): content("1 [ERROR] old\n", modified_at=10.0),
        TailFile(path="/var/log/mysqld.log"): error("not_found"),
        TailFile(path="/var/log/mysql/mysqld.log"): error("permission"),
        ListDirectory(path=data): listing,
        TailFile(path=f"{data}/iwx1.err"): content("2 [ERROR] new\n" * 12, modified_at=20.0),
    }
    lines = mysql_log(asked(answers))
    assert [(line.text, line.source) for line in lines] == [("2 [ERROR] new", f"{data}/iwx1.err")] * 10


def test_a_log_that_cannot_be_read_is_no_line() -> None:
    places = layout().texts("path.panel_database_log_directory")
    answers: Answers = {
        PANEL_SOCKET: error("refused"),
        **{ListDirectory(path=p): error("permission") for p in places},
    }
    assert panel_database_log(asked(answers)) == ()


def test_the_source_of_an_answer_names_socket_and_outcome() -> None:
    refused = DatabaseAnswer(path="/p", outcome="no_socket")
    assert refused.source == "unix /p (no socket)"
    assert DatabaseAnswer(path="/p", outcome="error", error_code=1040).source == "unix /p (error 1040)"
