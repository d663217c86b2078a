"""Facts that all areas share: units, presence of the panel, names and addresses."""

from typing import Any

import pytest
from fakes import BOOTED_AT, NOW_AT, clock, command, content, context, layout, run

from iwx_agent.host import (
    AskClock,
    AskProcesses,
    AskSockets,
    FileStatus,
    HostError,
    Question,
    ReadFile,
    Resolve,
    ResolveAnswer,
    Stat,
)
from iwx_agent.model import (
    Boot,
    ListeningSockets,
    PanelPresence,
    ParseError,
    Processes,
    ServerZone,
)
from iwx_agent.parsers import systemctl
from iwx_agent.probes import machine

HOME = "/usr/local/interworx"
DIRECTORY = FileStatus(kind="directory", size_bytes=4096, modified_at=1.0, mode=0o755)
RPM = run("rpm", "-q", "--qf", "%{VERSION}\\n", "interworx")
ROUTE = run("ip", "-o", "route", "get", "192.0.2.1")
IPS = run(*layout().command("command.ip_addresses"))


def gone(question: Question, kind: Any = "not_found") -> HostError:
    return HostError(kind, "told so", question.source)


def test_boot_processes_and_sockets_are_as_the_host_tells() -> None:
    asked = context({AskProcesses(): Processes(entries=()), AskSockets(): ListeningSockets(entries=())})
    assert machine.boot(asked) == Boot(booted_at=BOOTED_AT, read_at=NOW_AT)
    assert machine.boot(asked).uptime_s == 86_400
    assert machine.processes(asked) == Processes(entries=())
    assert machine.listening_sockets(asked) == ListeningSockets(entries=())


# Units

NAMES = layout().everything("unit")
SHOW = run("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *NAMES)


def blocks(count: int) -> str:
    return "\n".join(f"Id=unit{n}.service\nLoadState=loaded\nActiveState=active\n" for n in range(count))


def test_units_are_named_as_they_were_asked_for_not_as_an_alias_answers() -> None:
    units = machine.units(context({SHOW: command(SHOW.argv, blocks(len(NAMES)))}))
    assert tuple(units.by_name) == NAMES
    assert units.by_name[NAMES[2]].name == "unit2.service"


@pytest.mark.parametrize("count", [1, -1])
def test_units_that_are_more_or_fewer_than_asked_for_are_not_guessed(count: int) -> None:
    with pytest.raises(ParseError, match=r"units from systemctl show"):
        machine.units(context({SHOW: command(SHOW.argv, blocks(len(NAMES) + count))}))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (command(SHOW.argv, exit_code=1, stderr="Failed to connect to bus\n"), "Failed to connect to bus"),
        (command(SHOW.argv, exit_code=4), "exit 4"),
    ],
)
def test_a_systemctl_that_fails_is_an_error_in_its_own_words(answer: Any, said: str) -> None:
    with pytest.raises(HostError, match=said):
        machine.units(context({SHOW: answer}))


def test_a_systemctl_that_hangs_is_an_error() -> None:
    from msgspec import structs

    hung = structs.replace(command(SHOW.argv, "Id=x"), timed_out=True, exit_code=None)
    with pytest.raises(HostError, match="no answer within 8 s"):
        machine.units(context({SHOW: hung}))


# The panel


def homes(first: Any, second: Any) -> dict[Question, Any]:
    return {Stat(path=HOME): first, Stat(path="/home/interworx"): second}


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (command(RPM.argv, "8.1.5\n"), "8.1.5"),
        (command(RPM.argv, "8.1.5\n8.1.4\n"), "8.1.5"),  # two at once: half an upgrade
        (command(RPM.argv, "x" * 100), "x" * 40),
        (command(RPM.argv, ""), ""),
        (command(RPM.argv, "package interworx is not installed\n", exit_code=1), ""),
        (gone(RPM), ""),
        (gone(RPM, "timeout"), ""),
    ],
)
def test_the_panel_is_there_whatever_rpm_says(answer: Any, version: str) -> None:
    found = machine.panel(context({**homes(DIRECTORY, DIRECTORY), RPM: answer}))
    assert found == PanelPresence(
        home=HOME, version=version, version_source="rpm -q interworx" if version else ""
    )


def test_the_panel_in_its_other_place() -> None:
    found = machine.panel(context({**homes(gone(RPM), DIRECTORY), RPM: gone(RPM)}))
    assert found.home == "/home/interworx"


@pytest.mark.parametrize("kind", ["file", "fifo"])
def test_what_is_no_directory_is_no_panel(kind: Any) -> None:
    other = FileStatus(kind=kind, size_bytes=1, modified_at=1.0, mode=0o644)
    with pytest.raises(HostError) as raised:
        machine.panel(context(homes(other, gone(RPM))))
    assert raised.value.kind == "not_found"
    assert HOME in raised.value.source


@pytest.mark.parametrize("kind", ["permission", "timeout", "not_captured"])
def test_a_place_that_could_not_be_seen_is_not_taken_for_absence(kind: Any) -> None:
    for answers in (homes(gone(RPM, kind), gone(RPM)), homes(gone(RPM), gone(RPM, kind))):
        with pytest.raises(HostError) as raised:
            machine.panel(context(answers))
        assert raised.value.kind == kind


# Names and addresses

FULL = "iwx1.lab.invalid"  # the clock's host name


def identity(**answers: Any) -> Any:
    given: dict[Question, Any] = {
        Resolve(name=FULL): answers.get("resolve", ResolveAnswer(addresses=("192.0.2.1",), duration_s=0.1)),
        IPS: answers.get("ips", command(IPS.argv, "10.0.0.5 203.0.113.7 eth0\n")),
        ROUTE: answers.get("route", command(ROUTE.argv, "1 via 2 dev eth0 src 10.0.0.5")),
    }
    return machine.identity(context(given | answers.get("more", {})))


def ips(found: Any) -> list[tuple[str, str]]:
    return [(address.ip, address.source) for address in found.addresses]


PANEL_LIST, DEFAULT_ROUTE = "the panel's address list", "source address of the default route"


def test_a_full_host_name_is_taken_as_it_is() -> None:
    found = identity()
    assert (found.name, found.fqdn, found.fqdn_source) == (FULL, FULL, "kernel host name")
    assert found.fqdn_resolves is True


@pytest.mark.parametrize(
    ("answer", "resolves"),
    [
        (ResolveAnswer(addresses=(), duration_s=0.1), False),
        (gone(RPM), False),
        (gone(RPM, "timeout"), None),
        (gone(RPM, "failed"), None),
    ],
)
def test_whether_the_name_resolves_or_could_not_be_told(answer: Any, resolves: bool | None) -> None:
    assert identity(resolve=answer).fqdn_resolves is resolves


@pytest.mark.parametrize(
    ("answer", "fqdn"),
    [
        (command(("hostname", "-f"), "short.example.com\n"), "short.example.com"),
        (command(("hostname", "-f"), "short\n"), "short"),
        (command(("hostname", "-f"), "a." * 200), "short"),
        (command(("hostname", "-f"), "x.y", exit_code=1), "short"),
        (gone(RPM), "short"),
    ],
)
def test_a_short_host_name_is_asked_for_its_full_one(answer: Any, fqdn: str) -> None:
    from msgspec import structs

    resolved = ResolveAnswer(addresses=("192.0.2.1",), duration_s=0.1)
    more = {
        AskClock(): structs.replace(clock(), host_name="short"),
        run("hostname", "-f"): answer,
        Resolve(name=fqdn): resolved,
    }
    found = identity(more=more)
    assert (found.name, found.fqdn) == ("short", fqdn)
    assert found.fqdn_source == ("hostname -f" if "." in fqdn else "kernel host name")


@pytest.mark.parametrize(
    ("ips_answer", "route_answer", "expected"),
    [
        ("10.0.0.5 8.8.4.4 eth0", "src 10.0.0.5", [("8.8.4.4", PANEL_LIST), ("10.0.0.5", DEFAULT_ROUTE)]),
        ("10.0.0.5 10.0.0.5 eth0", "src 8.8.4.4", [("8.8.4.4", DEFAULT_ROUTE), ("10.0.0.5", PANEL_LIST)]),
        (
            "8.8.4.4 8.8.4.4 eth0\n8.8.8.8 8.8.8.8 eth0",
            "src 8.8.4.4",
            [("8.8.4.4", PANEL_LIST), ("8.8.8.8", PANEL_LIST)],
        ),
        ("no list", "no route", []),
    ],
)
def test_addresses_come_public_first_the_panels_before_the_routes_each_once(
    ips_answer: str, route_answer: str, expected: list[tuple[str, str]]
) -> None:
    found = identity(ips=command(IPS.argv, ips_answer), route=command(ROUTE.argv, route_answer))
    assert ips(found) == expected
    assert [address.private for address in found.addresses] == [ip.startswith("10.") for ip, _ in expected]


def test_addresses_that_could_not_be_asked_for_are_none() -> None:
    assert ips(identity(ips=gone(RPM), route=gone(RPM))) == []
    assert ips(identity(ips=command(IPS.argv, "8.8.4.4 8.8.4.4", exit_code=1), route=gone(RPM))) == []


# The time zone

LOCALTIME = ReadFile(path="/etc/localtime")


def test_the_time_zone_is_the_file_as_it_is() -> None:
    found = machine.server_zone(context({LOCALTIME: content(b"TZif2 and more")}))
    assert found == ServerZone(data=b"TZif2 and more", source="/etc/localtime")


def test_a_file_that_is_no_time_zone_is_none() -> None:
    with pytest.raises(ParseError, match="a time zone"):
        machine.server_zone(context({LOCALTIME: content("Europe/London")}))


def test_a_server_without_the_file_has_none() -> None:
    with pytest.raises(HostError) as error:
        machine.server_zone(context({LOCALTIME: gone(LOCALTIME)}))
    assert error.value.kind == "not_found"
