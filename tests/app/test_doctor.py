"""Doctor on a machine that answers, refuses, hangs or is not there: always an answer, never a false one."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from building import AT
from fakes import FakeHost, clock, command
from remembered import ADD, NOW, note

from iwx_agent.app import doctor
from iwx_agent.app.doctor import examine, examine_live, send_heartbeat
from iwx_agent.host import (
    FileStatus,
    FileSystemStatus,
    HostError,
    Question,
    RunCommand,
    Stat,
    StatVfs,
)
from iwx_agent.host.questions import AskClock
from iwx_agent.model.watcher import Ailment, Health
from iwx_agent.parsers import watch_units
from iwx_agent.state import Door, StateError
from iwx_agent.state.store import DiskStore

LATER = NOW + timedelta(days=30)  # than the data that the package brings
STATE, STOP = "/var/lib/iwx-agent", "/etc/iwx-agent/stop"
BLOCK = "Id={}\nLoadState=loaded\nActiveState={}\nSubState=x\nResult=success\nUnitFileState=enabled\n"
SHOW = (
    BLOCK.format("iwx-agent.timer", "active")
    + "TimersCalendar={ OnCalendar=*-*-* *:00/5:00 ; next_elapse=n/a }\n"
    + "NextElapseUSecRealtime=Mon 2026-11-23 15:05:00 UTC\n\n"
    + BLOCK.format("iwx-agent.service", "inactive")
    + "OnFailure=iwx-agent-failed.service\nInactiveEnterTimestampMonotonic=1\n"
)
NOT_THERE = HostError("not_found", "there is no such file", "stat")


class Machine(FakeHost):
    """Answers what was listed; of everything else that it is not there."""

    def answer(self, question: Question) -> Any:
        if question.identity not in self._answers:
            raise HostError("not_found", "there is no such thing", question.source)
        return super().answer(question)


def show(**more: Any) -> tuple[Question, Any]:
    names = "--property=" + ",".join(watch_units.PROPERTIES)
    argv = ("systemctl", "show", "--no-pager", names, "--", "iwx-agent.timer", "iwx-agent.service")
    return RunCommand(argv=argv, timeout_s=8.0), command(argv, **({"stdout": SHOW} | more))


def machine(*more: tuple[Question, Any]) -> Machine:
    room = FileSystemStatus(
        total_bytes=10**10,
        free_bytes=10**9,
        available_bytes=10**9,
        inodes_count=10**6,
        inodes_free_count=10**5,
        read_only=False,
    )
    own = FileStatus(kind="directory", size_bytes=1, modified_at=0.0, mode=0o700)
    answers = {
        AskClock(): clock(now_at=LATER.timestamp()),
        Stat(path=STATE, follow=False): own,
        StatVfs(path=STATE): room,
    }
    return Machine(answers | dict([show()]) | dict(more))


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
    monkeypatch.setattr("iwx_agent.app.configuration._transports", lambda sending: iter(()))


@pytest.fixture
def state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have doctor look at the usual place, which this fake machine has."""
    monkeypatch.setattr("iwx_agent.app.doctor._directory", lambda: Path(STATE))


def states(health: Health) -> dict[str, str]:
    return {one.subject: one.state for one in health.ailments}


def said(health: Health, subject: str) -> Ailment:
    return next(one for one in health.ailments if one.subject == subject)


pytestmark = pytest.mark.usefixtures("state_directory")


def test_a_machine_that_answers(etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text('licence = "direct"\n')
    DiskStore(Door()).commit(note("decision", minutes=30 * 24 * 60 - 2, said="nothing"))
    found = examine(machine(), offline=True)
    assert found.at == LATER
    wrong = {name: state for name, state in states(found).items() if state not in ("ok", "skipped")}
    assert wrong == {"last run": "fault", "clock": "unknown", "Remote Assistance": "unknown"}
    assert said(found, "timer").said == "is on; next run: Mon 2026-11-23 15:05:00 UTC"
    assert said(found, "portal").said == said(found, "mail server").said == "not asked (--offline)"


def test_a_machine_where_nothing_is() -> None:
    found = examine(Machine({AskClock(): clock(now_at=LATER.timestamp())}), offline=True)
    assert states(found)["timer"] == states(found)["clock"] == "unknown"
    assert said(found, "state directory").fix == "systemctl start iwx-agent.service"
    assert said(found, "kill switch").state == "ok"
    assert found.exit_code == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"exit_code": 1, "stderr": "Failed to connect to bus: \x1b[31mHost is down\n"},
        {"stdout": ""},
        {"stdout": SHOW[:40]},
        {"stdout": SHOW.replace("ActiveState", "\x00")},
    ],
)
def test_an_odd_answer_of_systemd_is_not_taken_for_one(answer: dict[str, Any]) -> None:
    found = examine(machine(show(**answer)), offline=True)
    assert states(found)["timer"] == states(found)["service"] == "unknown"


@pytest.mark.parametrize("path", [STATE, STOP])
def test_what_may_not_be_looked_at_is_unknown(path: str) -> None:
    refused = HostError("permission", "permission denied", f"stat {path}")
    found = examine(machine((Stat(path=path, follow=False), refused)), offline=True)
    assert states(found)["state directory" if path == STATE else "kill switch"] == "unknown"


def test_the_kill_switch_is_a_fault() -> None:
    there = FileStatus(kind="file", size_bytes=0, modified_at=0.0, mode=0o600)
    found = examine(machine((Stat(path=STOP, follow=False), there)), offline=True)
    assert said(found, "kill switch").fix == "rm /etc/iwx-agent/stop"


def test_a_machine_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(Machine):
        def answer(self, question: Question) -> Any:
            if not isinstance(question, AskClock):
                time.sleep(5)
            return super().answer(question)

    monkeypatch.setattr(doctor, "BUDGET_S", 0.3)
    began = time.monotonic()
    found = examine(Hanging({AskClock(): clock()}), offline=True)
    assert time.monotonic() - began < 2
    assert {states(found)[name] for name in ("timer", "state directory", "kill switch")} == {"unknown"}


def test_settings_that_cannot_be_used_hide_nothing_else(etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text("nonsense = 1\n")
    found = examine(machine(), offline=False)
    fault = said(found, "configuration")
    assert (fault.state, fault.fix) == ("fault", "iwx-agent config check")
    assert "config.toml:1: nonsense" in fault.said
    for name in ("auto", "licence", "ways to send", "portal", "mail server"):
        assert states(found)[name] == "unknown"
    assert states(found)["timer"] == "ok"


def test_what_waits_is_told() -> None:
    DiskStore(Door()).commit(ADD)  # whose entry is none
    found = said(examine(machine(), offline=True), "outbox")
    assert (found.state, found.fix) == ("fault", "iwx-agent outbox drop iwx-1 --reason damaged")


@pytest.mark.parametrize(
    ("kind", "state"),
    [("damaged", "fault"), ("refused", "fault"), ("failed", "unknown"), ("busy", "unknown")],
)
def test_a_state_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, kind: Any, state: str) -> None:
    def refuse(*told: object, **more: object) -> None:
        raise StateError("cannot be read", kind)

    monkeypatch.setattr("iwx_agent.state.latest.Latest", refuse)
    found = examine(machine(), offline=True)
    assert states(found)["state"] == state
    assert states(found)["last run"] == states(found)["outbox"] == "unknown"


def test_a_run_that_was_damaged_is_not_taken_for_none() -> None:
    class Broken:
        def listed(self, count: int) -> None:
            raise StateError("is damaged", "damaged")

    with pytest.raises(StateError):
        doctor._last_run(Broken())


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    found = examine(machine(), offline=True)
    assert "not root" in said(found, "state").said
    assert states(found)["state"] == "unknown"


def test_the_fix_of_a_file_with_a_wrong_mode_is_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from iwx_agent.app.configuration import Checked, Fault

    one = Fault(part="p", path="/x", line=0, key="k", why="has mode 0644", fix="chmod 0600 /x")
    two = Fault(part="p", path="/y", line=3, key="k", why="no", fix='licence = "direct"')
    checked = Checked(parts=("p",), faults=(one, two), notes=("n",))
    monkeypatch.setattr("iwx_agent.app.configuration.check_configuration", lambda: checked)
    found = [one for one in examine(machine(), offline=True).ailments if one.subject == "configuration"]
    assert [(one.said, one.fix) for one in found] == [
        ("/x: k: has mode 0644", "chmod 0600 /x"),
        ('/y:3: k: no (licence = "direct")', "iwx-agent config check"),
    ]


def test_a_policy_of_ones_own_is_told_as_such(etc: Path) -> None:
    from iwx_agent.config import toml_file

    text = (toml_file.DATA / "support-policy.toml").read_text()
    etc.mkdir()
    (etc / "support-policy.toml").write_text(text.replace("as_of = 2026-", "as_of = 2024-"))
    assert said(examine(machine(), offline=True), "support guide").fix.startswith("vi /etc/iwx-agent/")


# The heartbeat

HEALTHY = Health(at=AT, ailments=(Ailment(subject="x", state="unknown", said="y"),))
SICK = Health(at=AT, ailments=(Ailment(subject="x", state="fault", said="y", fix="z"),))
TOKEN = "0123456789abcdef0123"


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch, etc: Path) -> list[str]:
    asked: list[str] = []
    etc.mkdir()
    (etc / "config.toml").write_text(f'[auto]\nheartbeat_url = "https://beat.example.com/{TOKEN}"\n')

    def beat(host: Any, url: str, *told: object) -> str:
        asked.append(url)
        return "status 500" if len(asked) > 1 else ""

    monkeypatch.setattr("iwx_agent.app.heartbeat.beat", beat)
    return asked


def test_a_heartbeat_is_sent_when_nothing_is_wrong(beats: list[str]) -> None:
    assert send_heartbeat(machine(), HEALTHY).state == "ok"
    failed = send_heartbeat(machine(), HEALTHY)
    assert (failed.state, failed.said) == ("fault", "https://beat.example.com: status 500")
    assert TOKEN not in f"{failed}"
    assert beats == [f"https://beat.example.com/{TOKEN}"] * 2


def test_none_is_sent_with_a_fault(beats: list[str]) -> None:
    assert send_heartbeat(machine(), SICK).state == "skipped"
    assert beats == []


@pytest.mark.parametrize(("text", "why"), [("", "is not set"), ("nonsense = 1", "cannot be used")])
def test_none_is_sent_without_an_address(beats: list[str], etc: Path, text: str, why: str) -> None:
    (etc / "config.toml").write_text(text)
    found = send_heartbeat(machine(), HEALTHY)
    assert (found.state, beats) == ("skipped", [])
    assert why in found.said


# Other machines


class Asked:
    """A form as it was read, or the error of the portal."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems


def set_up(etc: Path, chain: str) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text(
        f'[delivery]\nchain = ["{chain}"]\nsender_mail = "a@example.com"\n'
        '[transport.portal]\naddress = "https://desk.example.com/new"\n'
        '[transport.email]\nto = "support@example.com"\nserver = "127.0.0.1"\nport = 1\n'
    )


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Machine, "workers", object())


@pytest.mark.parametrize(
    ("problems", "state", "more"),
    [((), "ok", "understood"), (("no field for Category", "a captcha"), "fault", "Category; a captcha")],
)
@pytest.mark.usefixtures("workers")
def test_the_portal_is_asked(
    monkeypatch: pytest.MonkeyPatch, etc: Path, problems: tuple[str, ...], state: str, more: str
) -> None:
    set_up(etc, "portal")
    monkeypatch.setattr(
        "iwx_agent.transports.portal.PortalTransport.check", lambda *_, **__: Asked(*problems)
    )
    kept = monkeypatch.setattr
    kept("iwx_agent.state.latest.Latest", _refused)
    found = said(examine(machine()), "portal")
    assert found.state == state
    assert more in found.said
    assert found.fix == ("iwx-agent submit --check" if problems else "")


def _refused(*told: object, **more: object) -> None:
    raise StateError("not asked here", "failed")


@pytest.mark.usefixtures("workers")
def test_a_portal_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, etc: Path) -> None:
    from iwx_agent.transports.contract import Undelivered

    def check(*told: object, **more: object) -> None:
        raise Undelivered("later", "portal", "connection refused")

    set_up(etc, "portal")
    monkeypatch.setattr("iwx_agent.transports.portal.PortalTransport.check", check)
    monkeypatch.setattr("iwx_agent.state.latest.Latest", _refused)
    found = said(examine(machine()), "portal")
    assert (found.state, found.said) == ("fault", "connection refused")


@pytest.mark.parametrize(("name", "subject"), [("portal", "portal"), ("email", "mail server")])
@pytest.mark.usefixtures("workers")
def test_a_way_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, etc: Path, name: str, subject: str
) -> None:
    from iwx_agent.transports.unusable import UnusableTransport

    set_up(etc, name)
    unusable = {name: UnusableTransport(name, "no password", "set it")}
    monkeypatch.setattr("iwx_agent.app.transports.transports_of", lambda *_, **__: unusable)
    monkeypatch.setattr("iwx_agent.state.latest.Latest", _refused)
    found = said(examine(machine()), subject)
    assert (found.state, found.fix) == ("fault", "iwx-agent config check")


@pytest.mark.parametrize("why", ["", "connection refused"])
@pytest.mark.usefixtures("workers")
def test_the_mail_server_is_asked(monkeypatch: pytest.MonkeyPatch, etc: Path, why: str) -> None:
    asked: list[tuple[str, int]] = []

    def connect(self: object, name: str, port: int) -> None:
        asked.append((name, port))
        if why:
            raise HostError("refused", why, "mail server")

    set_up(etc, "email")
    monkeypatch.setattr("iwx_agent.transports.wire.Wire.connect", connect)
    monkeypatch.setattr("iwx_agent.state.latest.Latest", _refused)
    found = said(examine(machine()), "mail server")
    assert asked == [("127.0.0.1", 1)]
    assert found.state == ("fault" if why else "ok")
    assert found.fix == ("openssl s_client -connect 127.0.0.1:1" if why else "")


def test_without_a_chain_nobody_is_asked() -> None:
    found = examine(machine())
    assert [said(found, name).said for name in ("portal", "mail server")] == ["is not in delivery.chain"] * 2


def test_the_last_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    DiskStore(Door()).commit(note("decision"))
    monkeypatch.setattr(doctor, "_last_run", lambda runs: LATER - timedelta(minutes=10))
    found = said(examine(machine(), offline=True), "last run")
    assert (found.state, found.said) == ("ok", "2026-12-23 14:50 UTC, 10 min ago")


class Alive(Machine):
    """The machine as doctor opens it."""

    def __init__(self, *, budget_s: float) -> None:
        super().__init__({AskClock(): clock(now_at=LATER.timestamp())})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        pass


@pytest.mark.parametrize("heartbeat", [False, True])
def test_the_heartbeat_is_the_last_thing_told(monkeypatch: pytest.MonkeyPatch, heartbeat: bool) -> None:
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Alive)
    found = examine_live(offline=not heartbeat, heartbeat=heartbeat)
    assert (found.ailments[-1].subject == "heartbeat") == heartbeat
