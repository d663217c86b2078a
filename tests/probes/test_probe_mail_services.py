"""Services under daemontools: status and down files, who watches them, and when a second sample is due."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import NOW_AT, command, content, context
from msgspec import Struct

from iwx_agent.host import (
    AskProcesses,
    DirectoryEntry,
    DirectoryListing,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
)
from iwx_agent.model import ParseError, Process, Processes
from iwx_agent.model.mail import SupervisedService
from iwx_agent.probes.mail_services import supervised_services

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]
REAL = (Path(__file__).parents[1] / "parsers/captures/daemontools/status-up").read_bytes()
ROOT = ListDirectory(path="/service")


def status(pid: int = 100, age_s: float = 3600.0, wanted: bytes = b"u") -> bytes:
    seconds = 2**62 + 10 + int(NOW_AT - age_s)
    return seconds.to_bytes(8, "big") + bytes(4) + pid.to_bytes(4, "little") + b"\0" + wanted


def listing(*names: str) -> DirectoryListing:
    return DirectoryListing(entries=tuple(DirectoryEntry(name=name, kind="directory") for name in names))


def process(pid: int, name: str, title: str = "", state: str = "S") -> Process:
    return Process(
        pid=pid, parent_pid=1, name=name, user="root", state=state, started_at=NOW_AT - 9000, title=title
    )


SVSCAN = process(10, "svscan", "svscan /service")


def server(
    *processes: Process,
    services: Mapping[str, bytes | HostError],
    log: bool = False,
    down: tuple[str, ...] = (),
) -> Answers:
    answers: Answers = {ROOT: listing(*services, ".hidden"), AskProcesses(): Processes(entries=processes)}
    for name, data in services.items():
        inside = ["run", "supervise", *(["log"] if log else []), *(["down"] if name in down else [])]
        answers[ListDirectory(path=f"/service/{name}")] = listing(*inside)
        found = data if isinstance(data, HostError) else content(data)
        answers[ReadFile(path=f"/service/{name}/supervise/status")] = found
        if log:
            answers[ListDirectory(path=f"/service/{name}/log")] = listing("run", "supervise")
            answers[ReadFile(path=f"/service/{name}/log/supervise/status")] = content(status(200))
    return answers


def svok(path: str, exit_code: int) -> Answers:
    return {RunCommand(argv=("svok", path)): command(("svok", path), exit_code=exit_code)}


def only(answers: Answers) -> SupervisedService:
    (service,) = supervised_services(context(answers)).services
    return service


def test_a_service_that_runs() -> None:
    answers = server(
        SVSCAN,
        process(11, "supervise", "supervise smtp"),
        process(24919, "tcpserver"),
        services={"smtp": REAL},
    )
    asked = context(answers)
    found = supervised_services(asked)
    (service,) = found.services
    assert (service.name, service.path, service.supervise_running, service.alive) == (
        "smtp",
        "/service/smtp",
        True,
        True,
    )
    assert service.status is not None
    assert (service.status.pid, service.normally_down) == (24919, False)
    assert (found.path, found.svscan_running, found.read_at) == ("/service", True, NOW_AT)
    assert "send" in found.core_names
    assert "send" in found.send_names


def test_the_logger_is_a_service_of_its_own_and_dns_services_are_not_mail() -> None:
    answers = server(
        SVSCAN,
        process(11, "supervise", "supervise smtp"),
        process(12, "supervise", "supervise log"),
        process(100, "tcpserver"),
        services={"smtp": status()},
        log=True,
    )
    answers[ROOT] = listing("smtp", "tinydns", "dnscache")
    found = supervised_services(context(answers)).services
    assert [(s.name, s.supervise_running, s.alive) for s in found] == [
        ("smtp", True, True),
        ("smtp/log", True, False),
    ]


def test_svok_has_the_last_word_when_the_process_list_shows_no_supervise() -> None:
    answers = server(SVSCAN, process(100, "tcpserver"), services={"smtp": status()})
    assert only({**answers, **svok("/service/smtp", 0)}).supervise_running is True
    assert only({**answers, **svok("/service/smtp", 100)}).supervise_running is False
    assert only({**answers, **svok("/service/smtp", 111)}).supervise_running is False
    missing: Answers = {
        RunCommand(argv=("svok", "/service/smtp")): HostError("not_found", "no such program", "svok")
    }
    assert only({**answers, **missing}).supervise_running is False


def test_a_supervise_without_a_title_leaves_it_open() -> None:
    answers = server(SVSCAN, process(11, "supervise", "", "D"), services={"smtp": status()})
    missing: Answers = {
        RunCommand(argv=("svok", "/service/smtp")): HostError("not_found", "no such program", "svok")
    }
    assert only({**answers, **missing}).supervise_running is None


def test_a_supervise_that_svok_cannot_end_in_time_leaves_it_open() -> None:
    answers = server(SVSCAN, process(11, "supervise", "", "D"), services={"smtp": status()})
    argv = ("svok", "/service/smtp")
    hung = command(argv)
    answers[RunCommand(argv=argv)] = type(hung)(
        argv=argv, exit_code=None, stdout=b"", stderr=b"", duration_s=3.0, timed_out=True
    )
    assert only(answers).supervise_running is None


def test_loggers_are_told_apart_by_svok_when_not_all_are_there() -> None:
    answers = server(
        SVSCAN, process(11, "supervise", "supervise smtp"), services={"smtp": status()}, log=True
    )
    service, logger = supervised_services(context({**answers, **svok("/service/smtp/log", 100)})).services
    assert (service.supervise_running, logger.supervise_running) == (True, False)


def test_a_zombie_is_neither_supervise_nor_alive() -> None:
    answers = server(
        SVSCAN,
        process(11, "supervise", "supervise smtp", "Z"),
        process(100, "tcpserver", state="Z"),
        services={"smtp": status()},
    )
    service = only({**answers, **svok("/service/smtp", 100)})
    assert (service.supervise_running, service.alive) == (False, False)


def test_a_down_file_and_a_status_that_was_never_written() -> None:
    answers = server(
        SVSCAN,
        process(11, "supervise", "supervise smtp"),
        services={"smtp": HostError("not_found", "no such file", "status")},
        down=("smtp",),
    )
    service = only(answers)
    assert (service.normally_down, service.status, service.alive) == (True, None, False)


def test_a_service_that_supervise_never_touched_has_no_status() -> None:
    answers = server(SVSCAN, process(11, "supervise", "supervise smtp"), services={"smtp": status()})
    answers[ListDirectory(path="/service/smtp")] = listing("run")
    assert only(answers).status is None


def test_a_young_service_is_read_again_after_a_pause() -> None:
    answers = server(SVSCAN, process(11, "supervise", "supervise smtp"), services={"smtp": status(100, 1.0)})
    question = ReadFile(path="/service/smtp/supervise/status")
    answers[question] = [content(status(100, 1.0)), content(status(101, -2.0))]
    asked = context(answers)
    (service,) = supervised_services(asked).services
    assert service.later is not None
    assert service.later.pid == 101
    assert asked.resample.paused_s == 2.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "paused_s"),
    [
        (status(100, 4.0), 2.5),
        (status(100, 5.0), 0.0),
        (status(0, 1.0), 2.5),
        (status(0, 1.0, b"d"), 0.0),
        (status(100, -60.0), 2.5),
    ],
)
def test_only_what_may_be_flapping_costs_a_second_sample(data: bytes, paused_s: float) -> None:
    asked = context(server(SVSCAN, process(11, "supervise", "supervise smtp"), services={"smtp": data}))
    services = supervised_services(asked).services
    assert asked.resample.paused_s == paused_s  # type: ignore[attr-defined]
    assert (services[0].later is not None) == bool(paused_s)


def test_a_stale_status_without_supervise_is_not_sampled_again() -> None:
    answers = server(SVSCAN, services={"smtp": status(100, 1.0)})
    assert only({**answers, **svok("/service/smtp", 100)}).later is None


def test_the_second_place_is_asked_when_the_first_is_not_there() -> None:
    gone: Answers = {ROOT: HostError("not_found", "no such directory", "/service")}
    with pytest.raises(HostError) as caught:
        supervised_services(
            context(
                {**gone, ListDirectory(path="/etc/service"): HostError("not_found", "no", "/etc/service")}
            )
        )
    assert caught.value.kind == "not_found"
    with pytest.raises(HostError, match="none of the 1 services"):
        supervised_services(
            context(
                {
                    **gone,
                    ListDirectory(path="/etc/service"): listing("redis"),
                    AskProcesses(): Processes(entries=()),
                }
            )
        )


def test_services_that_supervise_never_touched_are_no_evidence() -> None:
    answers = server(services={"smtp": HostError("not_found", "no such file", "status")})
    with pytest.raises(HostError, match="supervise never ran here") as caught:
        supervised_services(context({**answers, **svok("/service/smtp", 100)}))
    assert caught.value.kind == "failed"


def test_without_svscan_a_status_is_still_evidence() -> None:
    answers = server(services={"smtp": status()})
    assert not supervised_services(context({**answers, **svok("/service/smtp", 100)})).svscan_running


@pytest.mark.parametrize("data", [b"", b"\0" * 18, REAL + b"\0\0"])
def test_a_status_of_another_supervisor_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        supervised_services(context(server(SVSCAN, services={"smtp": data})))


def test_what_cannot_be_read_is_an_error_not_an_absence() -> None:
    denied = HostError("permission", "permission denied", "status")
    with pytest.raises(HostError, match="permission denied"):
        supervised_services(context(server(SVSCAN, services={"smtp": denied})))
    with pytest.raises(HostError, match="permission denied"):
        supervised_services(context({ROOT: HostError("permission", "permission denied", "/service")}))


def test_a_link_that_leads_nowhere_is_no_service_and_hides_no_other() -> None:
    answers = server(
        SVSCAN, process(20, "supervise", "supervise smtp"), services={"smtp": status(), "pop3": b""}
    )
    answers[ListDirectory(path="/service/pop3")] = HostError(
        "not_found", "no such directory", "/service/pop3"
    )
    assert [service.name for service in supervised_services(context(answers)).services] == ["smtp"]
    answers[ListDirectory(path="/service/pop3")] = HostError("timeout", "no answer", "/service/pop3")
    with pytest.raises(HostError, match="no answer"):
        supervised_services(context(answers))
