"""Probes of FTP and SSH: moved ports, services that are switched off or not there."""

import pytest
from fakes import command, content, context, layout
from msgspec import Struct

from iwx_agent.host import (
    AskSockets,
    FileStatus,
    GreetingAnswer,
    HostError,
    Question,
    ReadFile,
    RunCommand,
    Stat,
    TcpGreeting,
)
from iwx_agent.model import ListeningSocket, ListeningSockets
from iwx_agent.parsers import systemctl
from iwx_agent.probes import access

REFUSED = HostError("refused", "connection refused", "tcp")
CONFIG = ReadFile(path="/etc/ssh/sshd_config")
Answers = dict[Question, Struct | HostError | list[Struct | HostError]]


def systemd(state: str = "active enabled", *, known: bool = True) -> Answers:
    active, enabled = state.split()
    names = layout().everything("unit")
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names)
    load = "masked" if enabled == "masked" else "loaded" if known else "not-found"
    text = "\n".join(
        f"Id={name}\nLoadState={load}\nActiveState={active}\nUnitFileState={enabled}\n" for name in names
    )
    return {RunCommand(argv=argv): command(argv, text)}


def listening(*entries: tuple[str, int, str]) -> ListeningSockets:
    return ListeningSockets(
        entries=tuple(
            ListeningSocket(protocol="tcp", address=address, port=port, process_name=name)
            for address, port, name in entries
        )
    )


def greeting(text: str) -> GreetingAnswer:
    return GreetingAnswer(data=text.encode(), duration_s=0.01)


def test_ftp_greets_on_its_port() -> None:
    answers = {**systemd(), AskSockets(): listening(), TcpGreeting(port=21): greeting("220 ready\r\n")}
    found = access.ftp_port(context(answers))
    assert (found.answer.greeting, found.unit) == ("220 ready", "proftpd.service")


def test_ftp_on_another_port_is_found_by_its_socket() -> None:
    answers = {
        **systemd(),
        AskSockets(): listening(
            ("192.0.2.7", 2121, "proftpd"), ("127.0.0.1", 30, "proftpd"), ("::1", 31, "proftpd")
        ),
        TcpGreeting(port=21): REFUSED,
        TcpGreeting(port=2121, address="192.0.2.7"): greeting("220 ready"),
    }
    assert access.ftp_port(context(answers)).answer.port == 2121


@pytest.mark.parametrize("state", ["inactive disabled", "inactive masked"])
def test_a_service_that_is_switched_off_is_absent(state: str) -> None:
    answers = {**systemd(state), AskSockets(): listening(), TcpGreeting(port=21): REFUSED}
    with pytest.raises(HostError) as caught:
        access.ftp_port(context(answers))
    assert caught.value.kind == "not_found"


@pytest.mark.parametrize("state", ["failed disabled", "inactive enabled", "active disabled"])
def test_a_service_that_should_run_and_refuses_is_a_value(state: str) -> None:
    answers = {**systemd(state), AskSockets(): listening(), TcpGreeting(port=21): REFUSED}
    assert access.ftp_port(context(answers)).answer.outcome == "refused"


def test_a_service_that_is_off_but_greets_is_a_value() -> None:
    answers = {
        **systemd("inactive disabled"),
        AskSockets(): listening(),
        TcpGreeting(port=21): greeting("220"),
    }
    assert access.ftp_port(context(answers)).answer.outcome == "greeted"


def test_what_is_not_installed_is_absent() -> None:
    for ask in (access.ftp_port, access.ssh_port):
        with pytest.raises(HostError) as caught:
            ask(context(systemd(known=False)))
        assert caught.value.kind == "not_found"


def test_without_systemd_the_configuration_tells_whether_it_is_installed() -> None:
    hung: Answers = {next(iter(systemd())): HostError("timeout", "no answer", "systemctl")}
    config = Stat(path="/etc/proftpd.conf")
    with pytest.raises(HostError) as caught:
        access.ftp_port(context({**hung, config: HostError("not_found", "no such file", "f")}))
    assert caught.value.kind == "not_found"
    there = FileStatus(kind="file", size_bytes=1, modified_at=0.0, mode=0o600)
    answers: Answers = {
        **hung,
        config: there,
        AskSockets(): HostError("timeout", "no answer", "s"),
        TcpGreeting(port=21): REFUSED,
    }
    assert access.ftp_port(context(answers)).answer.outcome == "refused"


@pytest.mark.parametrize(
    ("config", "port", "source"),
    [
        (content("Port 2222\n"), 2222, "/etc/ssh/sshd_config"),
        (content("# nothing\n"), 22, "default"),
        (HostError("permission", "permission denied", "f"), 22, "default"),
    ],
)
def test_ssh_is_asked_where_its_configuration_says(
    config: Struct | HostError, port: int, source: str
) -> None:
    answers: Answers = {
        **systemd(),
        CONFIG: config,
        AskSockets(): listening(),
        TcpGreeting(port=port): greeting("SSH-2.0-OpenSSH_8.7\r\n"),
    }
    found = access.ssh_port(context(answers))
    assert (found.answer.port, found.answer.greeting, found.port_source) == (
        port,
        "SSH-2.0-OpenSSH_8.7",
        source,
    )


def test_one_of_several_ports_is_enough() -> None:
    answers = {
        **systemd(),
        CONFIG: content("Port 22\nPort 2222\n"),
        AskSockets(): listening(),
        TcpGreeting(port=22): REFUSED,
        TcpGreeting(port=2222): greeting("SSH-2.0-x"),
    }
    assert access.ssh_port(context(answers)).answer.port == 2222


def test_ssh_that_was_moved_elsewhere_is_found_by_its_socket() -> None:
    answers = {
        **systemd(),
        CONFIG: content(""),
        AskSockets(): listening(("0.0.0.0", 2200, "sshd"), ("127.0.0.1", 6010, "sshd")),
        TcpGreeting(port=22): REFUSED,
        TcpGreeting(port=2200): greeting("SSH-2.0-x"),
    }
    found = access.ssh_port(context(answers))
    assert (found.answer.port, found.port_source) == (2200, "listening sockets")


def test_a_silent_port_is_not_looked_for_elsewhere() -> None:
    answers = {
        **systemd(),
        CONFIG: content(""),
        AskSockets(): listening(("0.0.0.0", 22, "sshd")),
        TcpGreeting(port=22): HostError("timeout", "no greeting", "tcp"),
    }
    assert access.ssh_port(context(answers)).answer.outcome == "silent"
