"""Mail ports: what the network answers is a value; where and when to ask again, when nothing is expected."""

from collections.abc import Mapping

import pytest
from fakes import command, content, context
from msgspec import Struct

from iwx_agent.host import (
    AskSockets,
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
    TcpGreeting,
)
from iwx_agent.model import ListeningSocket, ListeningSockets
from iwx_agent.parsers import systemctl
from iwx_agent.probes import Context
from iwx_agent.probes.mail import imap_access, pop3_access, smtp_port, smtps_port, submission_port

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]
REFUSED = HostError("refused", "connection refused", "tcp")
NO_SOCKETS = ListeningSockets(entries=())


def greeting(text: str, duration_s: float = 0.1) -> GreetingAnswer:
    return GreetingAnswer(data=f"{text}\r\n".encode(), duration_s=duration_s)


def tcp(port: int, *, tls: bool = False, address: str = "127.0.0.1") -> TcpGreeting:
    return TcpGreeting(port=port, tls=tls, address=address)


def listening(port: int, *addresses: str) -> ListeningSockets:
    return ListeningSockets(
        entries=tuple(ListeningSocket(protocol="tcp", address=address, port=port) for address in addresses)
    )


def test_each_smtp_port_is_asked_with_its_own_services() -> None:
    asked = context({tcp(port, tls=port == 465): greeting(f"220 mx{port}") for port in (25, 587, 465)})
    found = [probe(asked) for probe in (smtp_port, submission_port, smtps_port)]
    assert [(p.answer.port, p.answer.tls, p.answer.greeting) for p in found] == [
        (25, False, "220 mx25"),
        (587, False, "220 mx587"),
        (465, True, "220 mx465"),
    ]
    assert [p.service_names[0] for p in found] == ["smtp", "smtp2", "smtp-ssl"]


def test_a_temporary_refusal_is_asked_again_after_a_pause() -> None:
    twice: Answers = {tcp(25): [greeting("421 busy"), greeting("220 mx")]}
    asked = context(twice)
    port = smtp_port(asked)
    assert port.earlier is not None
    assert (port.earlier.greeting, port.answer.greeting) == ("421 busy", "220 mx")
    assert asked.resample.paused_s == 2.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "second", [HostError("timeout", "no answer", "tcp"), HostError("failed", "too many open files", "tcp")]
)
def test_a_second_answer_that_could_not_be_had_leaves_the_first(second: HostError) -> None:
    port = smtp_port(context({tcp(25): [greeting("421 busy"), second]}))
    assert (port.answer.greeting, port.earlier) == ("421 busy", None)


@pytest.mark.parametrize(("duration_s", "asked_count"), [(2.99, 2), (3.0, 1)])
def test_a_slow_refusal_leaves_no_time_for_a_second_one(duration_s: float, asked_count: int) -> None:
    asked = context({tcp(25): greeting("421 busy", duration_s)})
    smtp_port(asked)
    assert len(asked.resample.asked) == asked_count  # type: ignore[attr-defined]


def test_a_refusal_on_loopback_is_asked_again_where_the_service_listens() -> None:
    asked = context(
        {
            tcp(25): REFUSED,
            AskSockets(): listening(25, "fe80::1", "192.0.2.7"),
            tcp(25, address="192.0.2.7"): greeting("220 mx"),
        }
    )
    port = smtp_port(asked)
    assert (port.answer.address, port.answer.outcome) == ("192.0.2.7", "greeted")


@pytest.mark.parametrize(
    "sockets",
    [
        NO_SOCKETS,
        listening(25, "0.0.0.0"),
        listening(25, "192.0.2.7", "::"),
        listening(25, "fe80::1"),
        listening(26, "192.0.2.7"),
        HostError("timeout", "no answer", "socket list"),
    ],
)
def test_a_refusal_stays_one_where_nothing_else_listens(sockets: Struct | HostError) -> None:
    assert smtp_port(context({tcp(25): REFUSED, AskSockets(): sockets})).answer.outcome == "refused"


def test_an_error_on_the_agents_side_is_no_answer_of_the_port() -> None:
    with pytest.raises(HostError, match="too many open files"):
        smtp_port(context({tcp(25): HostError("failed", "too many open files", "tcp")}))


def test_hostile_greetings_are_only_text() -> None:
    asked = context({tcp(25): GreetingAnswer(data=b"\xff\x00\x1b[2J" + b"x" * 4000, duration_s=0.1)})
    assert smtp_port(asked).answer.greeting.startswith("\ufffd")


NO_SERVICES: Answers = {
    ListDirectory(path=path): HostError("not_found", "no such directory", path)
    for path in ("/service", "/etc/service")
}
NO_UNIT: dict[str, str] = {}
DOVECOT_CONF = ReadFile(path="/etc/dovecot/dovecot.conf")


def units(asked: Context, dovecot: Mapping[str, str]) -> tuple[RunCommand, Struct]:
    """The question for all units, and an answer in which only dovecot may exist."""
    names = asked.layout.everything("unit")
    blocks = []
    for name in names:
        values = {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""}
        if dovecot and name == "dovecot.service":
            values = {"LoadState": "loaded", **dovecot}
        blocks.append("\n".join([f"Id={name}", *(f"{key}={value}" for key, value in values.items())]))
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names)
    return RunCommand(argv=argv), command(argv, "\n\n".join(blocks) + "\n")


def refused_mailboxes(
    conf: Struct | HostError, extra: Answers = NO_SERVICES, dovecot: Mapping[str, str] = NO_UNIT
) -> Context:
    question, answer = units(context({}), dovecot)
    ports: Answers = {tcp(port, tls=port in (993, 995)): REFUSED for port in (143, 993, 110, 995)}
    return context({**ports, AskSockets(): NO_SOCKETS, DOVECOT_CONF: conf, question: answer, **extra})


NOT_THERE = HostError("not_found", "no such file", "/etc/dovecot/dovecot.conf")
ENABLED = {"UnitFileState": "enabled", "ActiveState": "failed"}


def test_both_ports_are_asked_and_one_that_answers_is_enough_to_be_expected() -> None:
    asked = context({tcp(143): REFUSED, AskSockets(): NO_SOCKETS, tcp(993, tls=True): greeting("* OK ready")})
    access = imap_access(asked)
    assert (access.protocol, access.plain.outcome, access.tls.greeting) == ("IMAP", "refused", "* OK ready")
    access = pop3_access(context({tcp(110): greeting("+OK"), tcp(995, tls=True): greeting("+OK")}))
    assert (access.protocol, access.plain.port, access.tls.port) == ("POP3", 110, 995)


def test_a_protocol_that_dovecot_leaves_out_is_switched_off() -> None:
    conf = content("protocols = imap lmtp\n")
    with pytest.raises(HostError, match="leaves it out") as caught:
        pop3_access(refused_mailboxes(conf, dovecot=ENABLED))
    assert caught.value.kind == "not_found"
    assert imap_access(refused_mailboxes(conf, dovecot=ENABLED)).plain.outcome == "refused"


def test_the_old_name_of_a_protocol_switches_it_on() -> None:
    assert (
        imap_access(refused_mailboxes(content("protocols = imaps\n"), dovecot=ENABLED)).tls.outcome
        == "refused"
    )


@pytest.mark.parametrize(
    ("state", "off"),
    [
        ({"UnitFileState": "disabled", "ActiveState": "inactive"}, True),
        ({"UnitFileState": "masked", "ActiveState": "inactive"}, True),
        ({"UnitFileState": "enabled", "ActiveState": "inactive"}, False),
        ({"UnitFileState": "disabled", "ActiveState": "failed"}, False),
    ],
)
def test_a_disabled_and_stopped_unit_is_switched_off(state: dict[str, str], off: bool) -> None:
    asked = refused_mailboxes(content("protocols = imap pop3\n"), dovecot=state)
    if off:
        with pytest.raises(HostError, match=r"dovecot\.service is"):
            imap_access(asked)
    else:
        assert imap_access(asked).plain.outcome == "refused"


def test_without_dovecot_and_without_a_supervised_service_nothing_is_expected() -> None:
    with pytest.raises(HostError, match="neither dovecot") as caught:
        imap_access(refused_mailboxes(NOT_THERE))
    assert caught.value.kind == "not_found"


@pytest.mark.parametrize(
    "asked",
    [
        refused_mailboxes(NOT_THERE, dovecot=ENABLED),
        refused_mailboxes(content("protocols = imap\n")),
        refused_mailboxes(HostError("permission", "permission denied", "dovecot.conf")),
        refused_mailboxes(content(b"\0\0")),
        refused_mailboxes(
            NOT_THERE, {ListDirectory(path="/service"): HostError("timeout", "no answer", "/service")}
        ),
    ],
    ids=["configuration gone", "unit gone", "not readable", "not text", "services hang"],
)
def test_a_refusal_stands_unless_it_is_proven_to_be_meant(asked: Context) -> None:
    assert imap_access(asked).plain.outcome == "refused"


@pytest.mark.parametrize("switched_off", [True, False])
def test_a_supervised_imap_service_is_expected_unless_it_has_a_down_file(switched_off: bool) -> None:
    down = Stat(path="/service/imap4/down")
    extra: Answers = {
        ListDirectory(path="/service"): DirectoryListing(
            entries=(DirectoryEntry(name="imap4", kind="symlink"),)
        ),
        down: FileStatus(kind="file", size_bytes=0, modified_at=0.0, mode=0o644)
        if switched_off
        else HostError("not_found", "no such file", down.path),
        Stat(path="/service/imap4"): FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755),
    }
    asked = refused_mailboxes(NOT_THERE, extra)
    if switched_off:
        with pytest.raises(HostError, match="neither dovecot"):
            imap_access(asked)
    else:
        assert imap_access(asked).tls.outcome == "refused"


RUNS = {"UnitFileState": "enabled", "ActiveState": "active"}


@pytest.mark.parametrize(
    ("dovecot", "sockets", "beside"),
    [
        (RUNS, listening(993, "0.0.0.0"), "dovecot.service runs and serves IMAP on port 993"),
        (RUNS, listening(25, "0.0.0.0"), ""),
        (ENABLED, listening(993, "0.0.0.0"), ""),
        (NO_UNIT, listening(993, "0.0.0.0"), ""),
        (RUNS, HostError("failed", "no such thing", "socket list"), ""),
    ],
    ids=["serves IMAP", "serves nothing", "has failed", "no unit", "sockets unknown"],
)
def test_a_dovecot_that_serves_the_other_protocol_is_told_beside_a_refusal(
    dovecot: Mapping[str, str], sockets: Struct | HostError, beside: str
) -> None:
    asked = refused_mailboxes(content("ssl = yes\n"), {**NO_SERVICES, AskSockets(): sockets}, dovecot)
    assert pop3_access(asked).beside == beside


def test_a_link_that_a_removed_package_left_is_no_service_that_is_expected() -> None:
    extra: Answers = {
        ListDirectory(path="/service"): DirectoryListing(
            entries=(DirectoryEntry(name="pop3", kind="symlink"),)
        ),
        Stat(path="/service/pop3/down"): HostError("not_found", "no such file", "down"),
        Stat(path="/service/pop3"): HostError("not_found", "no such file", "/service/pop3"),
    }
    with pytest.raises(HostError, match="leaves it out"):
        pop3_access(refused_mailboxes(content("protocols = imap\n"), extra, RUNS))
    extra[Stat(path="/service/pop3")] = HostError("permission", "denied", "/service/pop3")
    assert pop3_access(refused_mailboxes(content("protocols = imap\n"), extra, RUNS)).beside == ""
