"""diagnose(): from a host to the one result; the second look; what is always in it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from building import finding, make_capture
from fakes import NOW_AT, FakeHost, Live, clock, layout
from msgspec import structs

from iwx_agent.app import sources
from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.sources import capture_live, diagnose_capture, diagnose_live
from iwx_agent.app.support import Known
from iwx_agent.checks import ALL
from iwx_agent.config import Identity, Settings, load_policy
from iwx_agent.host import AskClock, HostError
from iwx_agent.model import (
    Address,
    Boot,
    Check,
    Finding,
    HostIdentity,
    Missing,
    PanelPresence,
    Process,
    Processes,
    Provider,
    Report,
    ServerZone,
    Severity,
)
from iwx_agent.model.assistance import RemoteAssistance
from iwx_agent.probes import Context, Probe
from iwx_agent.replay import CaptureError, open_capture
from iwx_agent.report import to_json

IDENTITY = HostIdentity(
    name="iwx1",
    fqdn="iwx1.example.com",
    fqdn_source="hostname -f",
    fqdn_resolves=True,
    addresses=(Address(ip="203.0.113.7", source="panel", private=False),),
)
POLICY = load_policy()
UTC_ZONE = (Path(__file__).parents[1] / "roots" / "healthy" / "files" / "etc" / "localtime").read_bytes()
FACTS: dict[str, Any] = {
    "boot": Boot(booted_at=NOW_AT - 86_400, read_at=NOW_AT),
    "identity": IDENTITY,
    "panel": PanelPresence(home="/usr/local/interworx", version="8.1.5"),
    "processes": Processes(entries=()),
    "server_zone": ServerZone(data=UTC_ZONE, source="/etc/localtime"),
    "remote_assistance": RemoteAssistance(
        on=True, ends_at=None, end="", duration="72 hours", source="nodeworx", text="mode=1", read_at=NOW_AT
    ),
}


def judging(answer: list[Finding]) -> Iterator[Finding]:
    yield from answer


def checking(name: str, codes: tuple[str, ...] = ("A-001", "A-002"), *, emergency: bool = False) -> Check:
    """A check whose one fact is the list of its findings."""
    scope: dict[str, Any] = {"judging": judging}
    exec(f"def judge({name}):\n    yield from judging({name})", scope)
    return Check(id=f"area.{name}", title=name, codes=codes, judge=scope["judge"], emergency=emergency)


class Machine:
    """Probes whose facts are told in advance: a list of looks for each, the last one for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.asked: list[str] = []
        self.deep: list[bool] = []
        self.host = FakeHost({})

    left_behind: tuple[str, ...] = ()
    provider: Provider | None = None

    def run(self, facts: dict[str, list[Any]], *, settings: Settings | None = None, **request: Any) -> Report:
        looks = {name: [fact] for name, fact in FACTS.items()} | facts
        probes = tuple(self._probe(name, iter(given)) for name, given in looks.items())
        self._monkeypatch.setattr("iwx_agent.app.diagnose.PROBES", probes)
        checks = tuple(checking(name) for name in facts if name not in FACTS)
        known = Known(
            layout=layout(), causes=(), settings=settings or Settings(), policy=POLICY, provider=self.provider
        )
        made = Request(**({"checks": checks} | request))
        return diagnose(self.host, known, made, abandoned=lambda: self.left_behind)

    def _probe(self, name: str, looks: Iterator[Any]) -> Probe:
        given = list(looks)
        count = itertools.count()

        def ask(context: Context) -> Any:
            self.asked.append(name)
            self.deep.append(context.deep)
            found = given[min(next(count), len(given) - 1)]
            if isinstance(found, Exception):
                raise found
            return found

        ask.__name__ = name
        return Probe(ask=ask)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


DOWN = finding("A-001", "smtp")


def states(report: Report) -> list[tuple[str, str]]:
    return [(incident.lead.code, incident.state.value) for incident in report.incidents]


def test_a_well_machine(machine: Machine) -> None:
    report = machine.run({"smtp": [[]], "imap": [[]]})
    assert [(r.check_id, r.status.value) for r in report.results] == [
        ("area.smtp", "ok"),
        ("area.imap", "ok"),
    ]
    assert (report.incidents, report.exit_code, report.verdict.priority) == ((), 0, None)
    assert (
        sorted(report.timings)
        == list(report.timings)
        == ["boot", "identity", "imap", "panel", "processes", "remote_assistance", "server_zone", "smtp"]
    )
    assert machine.host.paused_s == 0
    assert report.collected_at.timestamp() == int(NOW_AT)
    assert (report.host.panel_home, report.host.panel_version) == ("/usr/local/interworx", "8.1.5")


def test_an_emergency_is_looked_at_twice_and_only_it(machine: Machine) -> None:
    report = machine.run({"smtp": [[DOWN]], "imap": [[finding("A-002", "imap", severity=Severity.ERROR)]]})
    assert states(report) == [("A-001", "confirmed"), ("A-002", "open")]
    assert (machine.asked.count("smtp"), machine.asked.count("imap")) == (2, 1)
    assert machine.host.paused_s == 4.0
    assert (report.verdict.priority, report.exit_code) == ("Urgent", 3)


@pytest.mark.parametrize("deep", [False, True])
def test_both_looks_go_as_deep_as_the_run(machine: Machine, *, deep: bool) -> None:
    machine.run({"smtp": [[DOWN]]}, deep=deep)
    assert machine.asked.count("smtp") == 2
    assert set(machine.deep) == {deep}


def test_an_emergency_that_is_gone_stays_as_passing(machine: Machine) -> None:
    report = machine.run({"smtp": [[DOWN], []]})
    assert states(report) == [("A-001", "passing")]
    assert (report.verdict.emergency, report.verdict.priority, report.exit_code) == (False, "Low", 1)
    assert report.results[0].status == "problem"


def test_the_same_outage_in_another_shape_is_confirmed_as_it_is_now(machine: Machine) -> None:
    report = machine.run({"smtp": [[DOWN], [finding("A-002", "smtp")]]})
    assert states(report) == [("A-002", "confirmed")]


def test_an_emergency_that_became_milder_is_what_it_is_now(machine: Machine) -> None:
    report = machine.run({"smtp": [[DOWN], [structs.replace(DOWN, severity=Severity.WARNING)]]})
    assert states(report) == [("A-001", "open")]
    assert report.exit_code == 1


def test_an_emergency_that_only_the_second_look_saw_is_unconfirmed(machine: Machine) -> None:
    report = machine.run({"smtp": [[DOWN], [finding("A-002", "imap")]]})
    assert states(report) == [("A-002", "unconfirmed"), ("A-001", "passing")]
    assert report.verdict.priority == "High"


@pytest.mark.parametrize("second", [HostError("timeout", "no answer", "x"), ZeroDivisionError(), [1]])
def test_a_second_look_that_could_not_tell_leaves_it_unconfirmed(machine: Machine, second: Any) -> None:
    report = machine.run({"smtp": [[DOWN], second]})
    assert states(report) == [("A-001", "unconfirmed")]
    assert (report.verdict.priority, report.exit_code) == ("High", 3)


@pytest.mark.parametrize(("budget_s", "looked", "paused_s"), [(2.5, 1, 0.0), (4.5, 2, 2.5), (30.0, 2, 4.0)])
def test_no_second_look_without_time_for_one(
    machine: Machine, budget_s: float, looked: int, paused_s: float
) -> None:
    report = machine.run({"smtp": [[DOWN]]}, budget_s=budget_s)
    assert machine.asked.count("smtp") == looked
    assert machine.host.paused_s == pytest.approx(paused_s, abs=0.5)
    assert states(report) == [("A-001", "confirmed" if looked == 2 else "unconfirmed")]


def judging_both(smtp: list[Finding], costly: list[Finding]) -> Iterator[Finding]:
    yield from (*smtp, *costly)


def judging_costly(costly: list[Finding]) -> Iterator[Finding]:
    yield from costly


COSTLY_ONCE = Check(
    id="area.both", title="both", codes=("A-001", "A-002"), judge=judging_both, once=("costly",)
)
COSTLY_TWICE = Check(id="area.costly", title="costly", codes=("A-001", "A-002"), judge=judging_costly)


def test_a_second_look_takes_from_the_first_what_is_asked_for_once(machine: Machine) -> None:
    raid = finding("A-002", "raid")
    report = machine.run({"smtp": [[DOWN]], "costly": [[raid], []]}, checks=(COSTLY_ONCE,))
    assert (machine.asked.count("smtp"), machine.asked.count("costly")) == (2, 1)
    assert states(report) == [("A-001", "confirmed"), ("A-002", "confirmed")]


def test_it_is_asked_again_when_another_check_needs_it_anew(machine: Machine) -> None:
    raid = finding("A-002", "raid")
    report = machine.run({"smtp": [[DOWN]], "costly": [[raid], []]}, checks=(COSTLY_ONCE, COSTLY_TWICE))
    assert machine.asked.count("costly") == 2
    assert ("A-002", "passing") in states(report)


def test_no_second_look_when_told_so_and_one_at_once_when_the_pause_is_zero(machine: Machine) -> None:
    assert states(machine.run({"smtp": [[DOWN], []]}, confirm=False)) == [("A-001", "unconfirmed")]
    report = machine.run({"smtp": [[DOWN]]}, settings=Settings(confirm_after_s=0), budget_s=2)
    assert states(report) == [("A-001", "confirmed")]


def test_while_a_transaction_runs_nothing_is_an_emergency(machine: Machine) -> None:
    dnf = Process(pid=9, parent_pid=1, name="dnf", user="root", state="S", started_at=NOW_AT - 60)
    report = machine.run({"smtp": [[DOWN]], "processes": [Processes(entries=(dnf,))]})
    assert states(report) == [("A-001", "in_progress")]
    assert (report.verdict.emergency, report.exit_code) == (False, 1)


def test_one_broken_probe_hides_nothing_and_is_told(machine: Machine) -> None:
    report = machine.run({"smtp": [ZeroDivisionError("x")], "imap": [[finding("A-002", "imap")]]})
    assert [r.status.value for r in report.results] == ["crashed", "problem"]
    assert report.verdict.reasons[-1] == "1 check could not tell: area.smtp."
    assert machine.run({"smtp": [HostError("timeout", "x", "y")]}).exit_code == 4


def test_what_could_not_be_ended_is_named_in_the_verdict(machine: Machine) -> None:
    assert not any("left behind" in reason for reason in machine.run({"smtp": [[]]}).verdict.reasons)
    machine.left_behind = ("df (pid 7, state D)",)
    report = machine.run({"smtp": [[]]})
    said = "Could not be ended and was left behind, stuck in the kernel: df (pid 7, state D)."
    assert report.verdict.reasons[-1] == said
    assert report.exit_code == 0


OFF = structs.replace(FACTS["remote_assistance"], on=False)
UNTOLD = HostError("timeout", "no answer within 10 s", "nodeworx")


def test_remote_assistance_is_in_every_report(machine: Machine) -> None:
    report = machine.run({"smtp": [[]]}).remote_assistance
    assert (report.state, report.ready) == ("on", None)  # only one check ran: the way in was not looked at
    assert "it was not looked at" in report.doubts[0]
    report = machine.run({"smtp": [[]], "remote_assistance": [UNTOLD]}).remote_assistance
    assert (report.state, report.reason) == ("unknown", "no answer within 10 s")


@pytest.mark.parametrize(
    ("fact", "severity", "said"),
    [
        (OFF, Severity.EMERGENCY, "Remote Assistance is off, and support requires it"),
        (OFF, Severity.WARNING, "Remote Assistance is off, and support requires it"),
        (UNTOLD, Severity.WARNING, "Whether Remote Assistance is on could not be told"),
        (OFF, Severity.NOTE, ""),  # no ticket is meant
        (FACTS["remote_assistance"], Severity.EMERGENCY, ""),
    ],
)
def test_the_verdict_says_when_a_ticket_lacks_it(
    machine: Machine, fact: Any, severity: Severity, said: str
) -> None:
    report = machine.run(
        {"smtp": [[finding("A-001", severity=severity)]], "remote_assistance": [fact]}, confirm=False
    )
    assert any(said in reason for reason in report.verdict.reasons)
    about_it = [reason for reason in report.verdict.reasons if "Remote Assistance" in reason]
    assert len(about_it) == bool(said)


def test_without_a_panel_there_is_no_word_of_it(machine: Machine) -> None:
    gone = HostError("not_found", "no InterWorx panel on this machine", "x")
    report = machine.run({"smtp": [[DOWN]], "panel": [gone], "remote_assistance": [gone]}, confirm=False)
    assert not [reason for reason in report.verdict.reasons if "Remote Assistance" in reason]


def test_emergencies_are_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    monkeypatch.setattr("iwx_agent.app.collecting._THREADS_COUNT", 1)
    checks = (checking("load"), checking("smtp", emergency=True))
    machine.run({"load": [[]], "smtp": [[]]}, checks=checks)
    assert machine.asked[:2] == ["smtp", "load"]


def test_progress_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.run({"smtp": [[DOWN]]})
    told: list[tuple[str, int, int]] = []
    known = Known(layout=layout(), causes=(), settings=Settings(), policy=POLICY)
    request = Request(checks=(checking("smtp"),))
    diagnose(machine.host, known, request, on_progress=lambda *said: told.append(said))
    assert max(told[:-1], key=lambda said: said[1])[1:] == (7, 7)
    assert told[-1] == ("a second look at what seems to be an emergency", 7, 7)


@pytest.mark.parametrize(
    ("facts", "settings", "expected"),
    [
        ({}, {}, ("iwx1.example.com", "hostname -f", True, ("203.0.113.7",), "")),
        (
            {"identity": Missing(reason="x")},
            {},
            (
                "iwx1.lab.invalid",
                "kernel host name",
                None,
                (),
                "the public IP address could not be determined",
            ),
        ),
        (
            {},
            {"host_name": "www.example.com", "ip_address": "198.51.100.1"},
            ("www.example.com", "configuration", None, ("198.51.100.1", "203.0.113.7"), ""),
        ),
        (
            {},
            {"ip_address": "203.0.113.7"},
            ("iwx1.example.com", "hostname -f", True, ("203.0.113.7",), ""),
        ),
        (
            {
                "identity": structs.replace(
                    IDENTITY, addresses=(Address(ip="10.0.0.1", source="x", private=True),)
                )
            },
            {},
            (
                "iwx1.example.com",
                "hostname -f",
                True,
                ("10.0.0.1",),
                "only private addresses were found: the server is behind NAT; set identity.ip_address",
            ),
        ),
        (
            {
                "identity": structs.replace(
                    IDENTITY,
                    addresses=tuple(
                        Address(ip=ip, source="x", private=ip.startswith("10."))
                        for ip in ("203.0.113.7", "203.0.113.8", "10.0.0.1")
                    ),
                )
            },
            {},
            (
                "iwx1.example.com",
                "hostname -f",
                True,
                ("203.0.113.7", "203.0.113.8", "10.0.0.1"),
                "several public addresses were found; the first is the panel's or the default route's",
            ),
        ),
    ],
)
def test_how_the_server_is_named(
    machine: Machine, facts: dict[str, Any], settings: dict[str, str], expected: tuple[Any, ...]
) -> None:
    given = {name: [fact] for name, fact in facts.items()}
    host = machine.run({"smtp": [[]], **given}, settings=Settings(identity=Identity(**settings))).host
    ips = tuple(address.ip for address in host.addresses)
    assert (host.fqdn, host.fqdn_source, host.fqdn_resolves, ips, host.address_note) == expected


def test_without_a_panel_and_without_root(machine: Machine) -> None:
    machine.host = FakeHost({AskClock(): clock(uid=1000)})
    host = machine.run({"smtp": [[]], "panel": [HostError("not_found", "no panel", "x")]}).host
    assert (host.panel_home, host.panel_version, host.as_root) == ("", "", False)


def test_a_clock_that_shows_nonsense_is_not_a_reason_to_break(machine: Machine) -> None:
    machine.host = FakeHost({AskClock(): clock(now_at=1e18, booted_at=-1.0)})
    report = machine.run({"smtp": [[]]})
    assert (report.collected_at.year, report.host.booted_at) == (1970, None)


# The whole of it, from a capture


def without_durations(report: Report) -> bytes:
    results = tuple(structs.replace(result, duration_s=0.0) for result in report.results)
    return to_json(structs.replace(report, results=results, timings=dict.fromkeys(report.timings, 0.0)))


def test_the_same_capture_gives_the_same_bytes_but_for_how_long_it_took(tmp_path: Path) -> None:
    page = {"kind": "http", "url": "https://localhost:2443/nodeworx/"}
    refused = {"question": page, "error": {"kind": "refused", "reason": "connection refused"}}
    directory = make_capture(tmp_path / "capture", refused)
    first, second = (diagnose_capture(directory, Request()) for _ in range(2))
    assert without_durations(first) == without_durations(second)
    assert len(first.results) == len(ALL)


def test_an_empty_capture_says_nothing_of_anything(tmp_path: Path) -> None:
    report = diagnose_capture(make_capture(tmp_path / "capture"), Request())
    assert {result.status.value for result in report.results} == {"unknown"}
    assert (report.incidents, report.exit_code) == ((), 4)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Live)
    monkeypatch.setattr(Live, "closed", False)
    return lambda: Live.closed


def test_a_machine_without_a_panel(live: Callable[[], bool]) -> None:
    told: list[str] = []
    report = diagnose_live(Request(), on_progress=lambda what, done, total: told.append(what))
    assert live()
    assert told
    statuses = {result.check_id: result.status.value for result in report.results}
    assert statuses["panel.nodeworx"] == "not_applicable"
    assert not report.incidents


@pytest.mark.parametrize("unredacted", [False, True])
def test_a_capture_of_this_machine_is_judged_like_it(
    live: Callable[[], bool], tmp_path: Path, unredacted: bool
) -> None:
    seen = diagnose_live(Request())
    count = capture_live(tmp_path / "capture", "", Request(), unredacted=unredacted)
    replay = open_capture(tmp_path / "capture")
    assert replay.info.redacted is not unredacted
    assert count > 10
    assert (replay.info.source, replay.info.host) == (
        "iwx-agent capture on iwx1.lab.invalid",
        "iwx1.lab.invalid",
    )
    again = diagnose_capture(tmp_path / "capture", Request())
    assert without_durations(again) == without_durations(seen)


def test_a_directory_that_will_not_do_is_said_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*told: object, **more: object) -> None:
        pytest.fail("asked the machine first")

    monkeypatch.setattr(sources, "diagnose", never)
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Live)
    (tmp_path / "x").write_text("")
    with pytest.raises(CaptureError, match="not empty"):
        capture_live(tmp_path, "", Request())
