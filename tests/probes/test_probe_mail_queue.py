"""qmail's queue, the send log and the filters: happy, not there, not readable, odd."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import NOW_AT, command, content, context
from msgspec import Struct

from iwx_agent.host import (
    AskProcesses,
    AskSockets,
    CountTree,
    DirectoryEntry,
    DirectoryListing,
    FileStatus,
    GreetingAnswer,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    Stat,
    TailFile,
    TcpGreeting,
    TreeCount,
    UnixGreeting,
)
from iwx_agent.model import ListeningSocket, ListeningSockets, ParseError, Process, Processes
from iwx_agent.parsers import systemctl
from iwx_agent.probes import Context
from iwx_agent.probes.mail_queue import mail_filters, mail_queue, send_log

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]
REAL_LOG = (Path(__file__).parents[1] / "parsers/captures/qmail/send-current.tai64n").read_bytes()
ACCEPTED = GreetingAnswer(data=b"", duration_s=0.001)


def absent(path: str) -> HostError:
    return HostError("not_found", "no such file or directory", path)


def process(name: str, title: str = "", *, pid: int = 50, state: str = "S", age_s: float = 9000.0) -> Process:
    return Process(
        pid=pid, parent_pid=1, name=name, user="root", state=state, started_at=NOW_AT - age_s, title=title
    )


def tree(part: str) -> CountTree:
    return CountTree(path=f"/var/qmail/queue/{part}")


def queue(unprocessed: Struct | HostError | list[Struct | HostError], *processes: Process) -> Answers:
    return {
        tree("mess"): TreeCount(
            files_count=9, size_bytes=900, oldest_at=10.0, newest_at=90.0, truncated=True
        ),
        tree("todo"): unprocessed,
        tree("info"): TreeCount(files_count=9, size_bytes=90, oldest_at=10.0, newest_at=80.0),
        AskProcesses(): Processes(entries=processes),
    }


NOTHING = TreeCount(files_count=0, size_bytes=0)


def test_a_queue_that_moves_is_sampled_once() -> None:
    asked = context(queue(NOTHING, process("qmail-send")))
    found = mail_queue(asked)
    assert (found.messages_count, found.messages_truncated, found.unprocessed_count) == (9, True, 0)
    assert (found.oldest_at, found.accepted_newest_at, found.unprocessed_oldest_at) == (10.0, 80.0, None)
    assert (found.sender_running, found.unprocessed_later_count, found.read_at) == (True, None, NOW_AT)
    assert asked.resample.paused_s == 0.0  # type: ignore[attr-defined]


def test_what_is_unprocessed_is_counted_again_after_a_pause() -> None:
    first = TreeCount(files_count=7, size_bytes=70, oldest_at=60.0, newest_at=90.0)
    asked = context(queue([first, TreeCount(files_count=5, size_bytes=50)], process("qmail-send", state="Z")))
    found = mail_queue(asked)
    assert (found.unprocessed_count, found.unprocessed_later_count, found.unprocessed_oldest_at) == (
        7,
        5,
        60.0,
    )
    assert not found.sender_running
    assert asked.resample.paused_s == 3.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [absent("todo"), HostError("permission", "permission denied", "todo")])
def test_a_queue_that_cannot_be_counted_is_no_empty_queue(error: HostError) -> None:
    with pytest.raises(HostError) as caught:
        mail_queue(context(queue(error)))
    assert caught.value.kind == error.kind


FIRST_LOG, SECOND_LOG = TailFile(path="/var/log/send/current"), TailFile(path="/var/log/qmail/send/current")


def test_the_send_log_is_read_where_it_is() -> None:
    log = send_log(context({FIRST_LOG: content(REAL_LOG)}))
    assert (log.path, log.last_line) == ("/var/log/send/current", "end msg 2249")
    assert log.remote.since_at == NOW_AT - 3600
    log = send_log(context({FIRST_LOG: absent("x"), SECOND_LOG: content(REAL_LOG)}))
    assert log.path == "/var/log/qmail/send/current"


def test_a_send_log_that_is_not_there_not_readable_or_odd() -> None:
    with pytest.raises(HostError) as caught:
        send_log(context({FIRST_LOG: absent("x"), SECOND_LOG: absent("y")}))
    assert caught.value.kind == "not_found"
    with pytest.raises(HostError, match="permission denied"):
        send_log(context({FIRST_LOG: HostError("permission", "permission denied", "x")}))
    with pytest.raises(ParseError):
        send_log(context({FIRST_LOG: content(b"\xff\0\xfe" * 1000)}))


def units(asked: Context, states: Mapping[str, tuple[str, str]]) -> Answers:
    names = asked.layout.everything("unit")
    blocks = []
    for name in names:
        active, enabled = states.get(name, ("inactive", ""))
        load = "loaded" if name in states else "not-found"
        blocks.append(
            f"Id={name}\nLoadState={load}\nActiveState={active}\nUnitFileState={enabled}\n"
            "StateChangeTimestampMonotonic=5000000"
        )
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names)
    return {RunCommand(argv=argv): command(argv, "\n\n".join(blocks) + "\n")}


SPAMD, CLAMD = TcpGreeting(port=783, expect_greeting=False), TcpGreeting(port=3310, expect_greeting=False)
CLAMD_CONFS = ("/etc/clamd.d/scan.conf", "/etc/clamd.conf")
CLAMD_SOCKETS = ("/run/clamav/clamd.sock", "/run/clamd.scan/clamd.sock", "/var/run/clamav/clamd.sock")


def server(
    states: Mapping[str, tuple[str, str]],
    *processes: Process,
    sockets: tuple[ListeningSocket, ...] = (),
    extra: Answers | None = None,
) -> Context:
    nothing: Answers = {ListDirectory(path=path): absent(path) for path in ("/service", "/etc/service")}
    nothing |= {ReadFile(path=path): absent(path) for path in CLAMD_CONFS}
    nothing |= {UnixGreeting(path=path, expect_greeting=False): absent(path) for path in CLAMD_SOCKETS}
    return context(
        {
            **units(context({}), states),
            **nothing,
            AskProcesses(): Processes(entries=processes),
            AskSockets(): ListeningSockets(entries=sockets),
            **(extra or {}),
        }
    )


def spamd_on(port: int, address: str = "127.0.0.1", pid: int = 50) -> ListeningSocket:
    return ListeningSocket(protocol="tcp", address=address, port=port, pid=pid)


def test_nothing_in_use_is_an_absence() -> None:
    with pytest.raises(HostError) as caught:
        mail_filters(server({"clamd.service": ("inactive", "disabled")}))
    assert caught.value.kind == "not_found"


def test_an_enabled_unit_whose_filter_is_not_there_is_refused_since_then() -> None:
    refused = HostError("refused", "connection refused", "tcp")
    (found,) = mail_filters(server({"spamd.service": ("failed", "enabled")}, extra={SPAMD: refused})).filters
    assert (found.name, found.answer.outcome, found.unit, found.starting) == (
        "spamd",
        "refused",
        "spamd.service",
        False,
    )
    assert found.since_at == NOW_AT - 86_400 + 5
    assert "spamd.service is enabled and failed" in found.known_by


def test_a_filter_that_runs_is_asked_where_it_listens() -> None:
    asked = server(
        {},
        process("spamd child", "spamd child"),
        sockets=(spamd_on(1783, "0.0.0.0"),),
        extra={TcpGreeting(port=1783, expect_greeting=False): ACCEPTED},
    )
    (found,) = mail_filters(asked).filters
    assert (found.answer.port, found.answer.address, found.answer.outcome) == (1783, "127.0.0.1", "greeted")
    assert (found.known_by, found.unit) == ("process spamd child runs", "")
    asked = server(
        {},
        process("perl", "/usr/bin/spamd -d"),
        sockets=(spamd_on(783, "192.0.2.7"), spamd_on(9, pid=1)),
        extra={TcpGreeting(port=783, address="192.0.2.7", expect_greeting=False): ACCEPTED},
    )
    assert mail_filters(asked).filters[0].answer.address == "192.0.2.7"


def test_spamd_on_no_tcp_port_cannot_be_asked() -> None:
    with pytest.raises(HostError, match="on no TCP port"):
        mail_filters(server({}, process("spamd")))


@pytest.mark.parametrize(
    ("name", "age_s", "starting"),
    [("clamd", 179.0, True), ("clamd", 180.0, False), ("spamd", 29.0, True), ("spamd", 30.0, False)],
)
def test_a_filter_that_was_just_started_is_starting(name: str, age_s: float, starting: bool) -> None:
    asked = server(
        {}, process(name, age_s=age_s), sockets=(spamd_on(783),), extra={SPAMD: ACCEPTED, CLAMD: ACCEPTED}
    )
    (found,) = mail_filters(asked).filters
    assert (found.name, found.starting) == (name, starting)


def test_a_unit_that_is_activating_is_starting() -> None:
    asked = server({"clamd@scan.service": ("activating", "disabled")}, extra={CLAMD: ACCEPTED})
    assert mail_filters(asked).filters[0].starting


def test_a_supervised_filter_is_in_use_unless_it_has_a_down_file() -> None:
    entries = (DirectoryEntry(name="clamd", kind="symlink"),)
    extra: Answers = {
        ListDirectory(path="/service"): DirectoryListing(entries=entries),
        Stat(path="/service/clamd/down"): absent("down"),
        Stat(path="/service/clamd"): FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755),
        CLAMD: ACCEPTED,
    }
    (found,) = mail_filters(server({}, extra=extra)).filters
    assert found.known_by == "service clamd is supervised"


ON = {"clamd.service": ("active", "enabled")}


def conf(text: str | bytes) -> Answers:
    return {ReadFile(path=CLAMD_CONFS[1]): content(text)}


def unix(path: str) -> UnixGreeting:
    return UnixGreeting(path=path, expect_greeting=False)


def test_clamd_is_asked_where_its_configuration_says() -> None:
    extra = {**conf("LocalSocket /run/x.sock\n"), unix("/run/x.sock"): ACCEPTED}
    assert mail_filters(server(ON, extra=extra)).filters[0].answer.address == "/run/x.sock"
    gone = {**conf("LocalSocket /run/x.sock\n"), unix("/run/x.sock"): absent("/run/x.sock")}
    (found,) = mail_filters(server(ON, extra=gone)).filters
    assert (found.answer.outcome, found.answer.detail) == ("refused", "there is no such socket")
    assert found.since_at is None
    both = {**gone, **conf("LocalSocket /run/x.sock\nTCPSocket 4410\n")}
    both[TcpGreeting(port=4410, expect_greeting=False)] = ACCEPTED
    assert mail_filters(server(ON, extra=both)).filters[0].answer.port == 4410


def test_clamd_is_asked_at_its_usual_places_when_no_configuration_tells() -> None:
    extra: Answers = {unix(CLAMD_SOCKETS[1]): ACCEPTED}
    assert mail_filters(server(ON, extra=extra)).filters[0].answer.address == CLAMD_SOCKETS[1]
    odd = {**conf(b"Example\n"), CLAMD: HostError("refused", "connection refused", "tcp")}
    assert mail_filters(server(ON, extra=odd)).filters[0].answer.outcome == "refused"


def test_what_cannot_be_read_or_asked_is_an_error() -> None:
    denied = HostError("permission", "permission denied", "there")
    cases: tuple[Answers, ...] = (
        {ReadFile(path=CLAMD_CONFS[0]): denied},
        {unix(CLAMD_SOCKETS[0]): denied},
        {unix(CLAMD_SOCKETS[0]): HostError("failed", "permission denied by something else", "there")},
    )
    for extra in cases:
        with pytest.raises(HostError, match="permission denied"):
            mail_filters(server(ON, extra=extra))


def test_a_clamd_that_runs_at_a_place_nobody_knows_cannot_be_asked() -> None:
    refused: Answers = {CLAMD: HostError("refused", "connection refused", "tcp")}
    with pytest.raises(HostError, match="at none of its usual places"):
        mail_filters(server(ON, process("clamd"), extra=refused))
    named = {**refused, **conf("TCPSocket 3310\n")}
    (found,) = mail_filters(server(ON, process("clamd"), extra=named)).filters
    assert found.answer.outcome == "refused"


def test_a_swollen_queue_is_counted_to_a_cap_that_is_no_second_sample() -> None:
    swollen = TreeCount(files_count=49_999, size_bytes=1, oldest_at=60.0, newest_at=90.0, truncated=True)
    asked = context(queue(swollen, process("qmail-send")))
    found = mail_queue(asked)
    assert (found.unprocessed_count, found.unprocessed_later_count) == (49_999, None)
    host = asked.resample
    counted = [q for q in host.asked if isinstance(q, CountTree)]  # type: ignore[attr-defined]
    assert {question.max_entries for question in counted} == {50_000}
    assert host.paused_s == 0.0  # type: ignore[attr-defined]
