"""Each thing that the watcher needs: well, at fault with its fix, and not to be told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from building import finding, result
from msgspec.structs import replace

from iwx_agent.model import AssistanceReport, Licence, Missing, Status, Unit
from iwx_agent.model.steering import OutboxLine
from iwx_agent.model.watcher import (
    Ailment,
    Configured,
    Fault,
    Health,
    Kept,
    NotAsked,
    Policy,
    Reached,
    StatePlace,
    StopFile,
    Switches,
    WatcherFacts,
    WatchUnits,
)
from iwx_agent.triage.watcher import doctor_report, heartbeat_of

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
BOOTED = NOW - timedelta(days=30)
GONE = Missing(reason="no answer within 8 s", source="systemctl show")
TIMER = Unit(
    name="iwx-agent.timer",
    load_state="loaded",
    active_state="active",
    sub_state="waiting",
    unit_file_state="enabled",
    active_enter_at=BOOTED.timestamp(),
)
SERVICE = Unit(
    name="iwx-agent.service",
    load_state="loaded",
    active_state="inactive",
    sub_state="dead",
    result="success",
    exec_main_status=1,
    inactive_enter_at=NOW.timestamp() - 180,
)
UNITS = WatchUnits(
    timer=TIMER,
    service=SERVICE,
    next_run="Wed 2026-11-25 15:02:10 UTC",
    period_s=300,
    on_failure=("iwx-agent-failed.service",),
)
PLACE = StatePlace(
    path="/var/lib/iwx-agent",
    kind="directory",
    uid=0,
    mode=0o700,
    available_bytes=1024**3,
    inodes_count=10**6,
    inodes_free_count=10**5,
    read_only=False,
)
KEPT = Kept(run_at=NOW - timedelta(minutes=3), decision_at=NOW - timedelta(minutes=3))
ON = Switches(enabled=True, licence=Licence.DIRECT, ways=("portal", "file"))
WELL = WatcherFacts(
    now=NOW,
    booted_at=BOOTED,
    version="iwx-agent 1.2.3",
    units=UNITS,
    kept=KEPT,
    place=PLACE,
    clock=result(check_id="system.clock"),
    assistance=AssistanceReport(state="on", ready=True),
    configured=Configured(),
    switches=ON,
    stop_file=Missing(reason="there is no such file", absent=True),
    policy=Policy(version="7.1", as_of=date(2026, 11, 1)),
    portal=Reached(),
    mail=NotAsked(why="is not in delivery.chain"),
)


def told(subject: str, **changed: Any) -> list[tuple[str, str, str]]:
    """Return what is told of a subject: state, sentence, fix."""
    found = doctor_report(replace(WELL, **changed)).ailments
    return [(one.state, one.said, one.fix) for one in found if one.subject == subject]


def one(subject: str, **changed: Any) -> tuple[str, str, str]:
    (found,) = told(subject, **changed)
    return found


def timer(**changed: Any) -> WatchUnits:
    return replace(UNITS, timer=replace(TIMER, **changed))


def service(**changed: Any) -> WatchUnits:
    return replace(UNITS, service=replace(SERVICE, **changed))


def line(key: str = "iwx-1", state: str = "queued", *, age_s: float = 60, **more: Any) -> OutboxLine:
    created = NOW - timedelta(seconds=age_s)
    return OutboxLine(key=key, state=state, ended=False, created_at=created, **({"due_at": NOW} | more))


def test_a_watcher_that_is_well() -> None:
    health = doctor_report(WELL)
    assert health.exit_code == 0
    assert [(one.subject, one.state) for one in health.ailments] == [
        ("timer", "ok"),
        ("service", "ok"),
        ("last run", "ok"),
        ("last decision", "ok"),
        ("clock", "ok"),
        ("state directory", "ok"),
        ("state", "ok"),
        ("outbox", "ok"),
        ("auto", "ok"),
        ("licence", "ok"),
        ("ways to send", "ok"),
        ("kill switch", "ok"),
        ("configuration", "ok"),
        ("portal", "ok"),
        ("mail server", "skipped"),
        ("Remote Assistance", "ok"),
        ("version", "ok"),
        ("support guide", "ok"),
    ]
    assert not any(one.fix for one in health.ailments)


GAPS = ("units", "kept", "place", "configured", "switches", "stop_file", "policy", "portal", "mail")


@pytest.mark.parametrize("name", GAPS)
def test_what_could_not_be_asked_is_never_well(name: str) -> None:
    health = doctor_report(replace(WELL, **{name: GONE}))
    assert health.exit_code == 4
    assert any("no answer within 8 s (systemctl show)" in one.said for one in health.ailments)


def test_nothing_could_be_asked() -> None:
    unknown = replace(
        WELL,
        **dict.fromkeys(GAPS, Missing(reason="no")),
        clock=result(check_id="system.clock", status=Status.UNKNOWN, reason="no"),
        assistance=AssistanceReport(state="unknown", reason="no"),
    )
    health = doctor_report(unknown)
    assert {one.subject for one in health.ailments if one.state != "unknown"} == {"version"}
    assert len(health.ailments) == 17  # of run and decision together


@pytest.mark.parametrize(
    ("states", "code"),
    [((), 0), (("ok", "skipped"), 0), (("ok", "unknown"), 4), (("unknown", "fault", "ok"), 1)],
)
def test_a_fault_counts_before_what_could_not_be_told(states: tuple[Any, ...], code: int) -> None:
    ailments = tuple(Ailment(subject="x", state=state, said="y") for state in states)
    assert Health(at=NOW, ailments=ailments).exit_code == code


@pytest.mark.parametrize(
    ("units", "state", "said", "fix"),
    [
        (UNITS, "ok", "is on; next run: Wed 2026-11-25 15:02:10 UTC", ""),
        (timer(load_state="not-found"), "fault", "is not installed", "cp systemd/iwx-agent*.service"),
        (timer(load_state="masked"), "fault", "masked", "systemctl unmask iwx-agent.timer && systemctl en"),
        (timer(active_state="inactive"), "fault", "is inactive", "systemctl enable --now iwx-agent.timer"),
        (timer(active_state="failed"), "fault", "is failed", "systemctl enable --now iwx-agent.timer"),
        (timer(unit_file_state="disabled"), "fault", "is disabled", "systemctl enable --now iwx-agent.timer"),
        (timer(unit_file_state=""), "fault", "is not enabled", "systemctl enable --now iwx-agent.timer"),
        (replace(UNITS, next_run=""), "fault", "plans no next run", "systemctl restart iwx-agent.timer"),
        (replace(UNITS, next_run=None), "ok", "is on", ""),
        (replace(timer(sub_state="running"), next_run=""), "ok", "a run is on its way", ""),
    ],
)
def test_the_timer(units: WatchUnits, state: str, said: str, fix: str) -> None:
    found = one("timer", units=units)
    assert found[0] == state
    assert said in found[1]
    assert found[2].startswith(fix)
    assert bool(found[2]) == bool(fix)


@pytest.mark.parametrize(
    ("units", "state", "said", "fix"),
    [
        (UNITS, "ok", "the last run ended well 3 min ago (exit 1)", ""),
        (service(load_state="not-found"), "fault", "is not installed", "cp systemd/"),
        (service(load_state="masked"), "fault", "masked", "systemctl unmask iwx-agent.service"),
        (service(active_state="failed", result="timeout"), "fault", "timeout, exit 1", "journalctl -u"),
        (service(result="exit-code", exec_main_status=70), "fault", "exit-code, exit 70", "journalctl -u"),
        (service(active_state="activating"), "ok", "runs now", ""),
        (service(inactive_enter_at=None), "unknown", "has not run since", ""),
        (service(inactive_enter_at=1e14), "unknown", "has not run since", ""),
        (replace(UNITS, on_failure=()), "fault", "tells nobody", "systemctl edit iwx-agent.service"),
    ],
)
def test_the_service(units: WatchUnits, state: str, said: str, fix: str) -> None:
    found = told("service", units=units)[-1]
    assert found[0] == state
    assert said in found[1]
    assert found[2].startswith(fix)
    assert bool(found[2]) == bool(fix)


@pytest.mark.parametrize(
    ("age_s", "state"), [(0, "ok"), (899, "ok"), (900, "ok"), (901, "fault"), (-300, "ok"), (-301, "unknown")]
)
@pytest.mark.parametrize(("subject", "name"), [("last run", "run_at"), ("last decision", "decision_at")])
def test_the_last_one_is_at_most_three_periods_old(subject: str, name: str, age_s: int, state: str) -> None:
    kept = replace(KEPT, **{name: NOW - timedelta(seconds=age_s)})
    assert one(subject, kept=kept)[0] == state


def test_a_timer_of_another_period_has_another_limit() -> None:
    old = replace(KEPT, run_at=NOW - timedelta(minutes=40))
    assert one("last run", kept=old, units=replace(UNITS, period_s=900))[0] == "ok"
    found = one("last run", kept=old)
    assert found[0] == "fault"
    assert "15 min old at most" in found[1]
    assert one("last run", kept=old, units=replace(UNITS, period_s=None))[0] == "unknown"
    assert one("last run", kept=old, units=GONE)[0] == "fault"


@pytest.mark.parametrize("what", ["timer", "server"])
@pytest.mark.parametrize(("since_s", "state"), [(900, "unknown"), (901, "fault")])
def test_what_was_started_a_moment_ago_cannot_have_run(what: str, since_s: int, state: str) -> None:
    began = NOW - timedelta(seconds=since_s)
    changed: dict[str, Any] = {"kept": Kept()}
    if what == "timer":
        changed["units"] = timer(active_enter_at=began.timestamp())
    else:
        changed["booted_at"] = began
        changed["units"] = timer(active_enter_at=None)
    assert one("last run", **changed)[0] == state


def test_the_clock() -> None:
    remedy = ("timedatectl status", "chronyc makestep   # sets the clock at once")
    wrong = result(
        finding(title="The clock is wrong", detail="90 s fast.", remedy=remedy), check_id="system.clock"
    )
    assert one("clock", clock=wrong) == ("fault", "The clock is wrong: 90 s fast.", "chronyc makestep")
    bare = result(finding(title="a", detail="b", remedy=()), check_id="system.clock")
    assert one("clock", clock=bare)[2] == "timedatectl status"


@pytest.mark.parametrize(
    ("changed", "state", "said", "fix"),
    [
        ({}, "ok", "1024 MiB are free", ""),
        ({"kind": "symlink"}, "fault", "is a symlink", "mv '/var/lib/a b' '/var/lib/a b'.aside"),
        ({"uid": 1000}, "fault", "user 1000", "chown root:root '/var/lib/a b' && chmod 0700 '/var/lib/a b'"),
        ({"mode": 0o755}, "fault", "mode 0755", "chown root:root "),
        ({"read_only": True}, "fault", "read-only", "iwx-agent diagnose --only system.read_only"),
        ({"available_bytes": 64 * 1024**2}, "ok", "64 MiB", ""),
        ({"available_bytes": 64 * 1024**2 - 1}, "fault", "only 63 MiB", "df -h '/var/lib/a b'"),
        ({"inodes_free_count": 1000}, "ok", "", ""),
        ({"inodes_free_count": 999}, "fault", "only 999 inodes", "df -i '/var/lib/a b'"),
        ({"inodes_count": 0, "inodes_free_count": 0}, "ok", "", ""),  # as btrfs has it
    ],
)
def test_the_state_directory(changed: dict[str, Any], state: str, said: str, fix: str) -> None:
    found = one("state directory", place=replace(PLACE, path="/var/lib/a b", **changed))
    assert found[0] == state
    assert said in found[1]
    assert found[2].startswith(fix)


def test_no_state_directory() -> None:
    found = one("state directory", place=Missing(reason="there is none", absent=True))
    assert found[::2] == ("fault", "systemctl start iwx-agent.service")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (replace(KEPT, below_run=True), "below /run"),
        (replace(KEPT, said=("state.db: disk full; this is what has been kept in /run",)), "disk full"),
        (Kept(unread="state.db: is not this agent's", unread_fix="ls -la /x"), "is not this agent's"),
    ],
)
def test_what_is_kept(kept: Kept, said: str) -> None:
    found = one("state", kept=kept)
    assert found[0] == "fault"
    assert said in found[1]
    assert found[2] == (kept.unread_fix or "systemctl start iwx-agent.service")


@pytest.mark.parametrize(("hours", "state"), [(0, "fault"), (24, "fault"), (25, "ok")])
def test_a_store_that_was_found_damaged_is_named_for_a_day(hours: int, state: str) -> None:
    kept = replace(KEPT, lost_at=NOW - timedelta(hours=hours), lost="state.db.damaged-1")
    found = one("state", kept=kept)
    assert found[0] == state
    assert ("is now state.db.damaged-1" in found[1]) == (state == "fault")
    assert found[2] == ("iwx-agent diagnose --only system.disk_errors" if state == "fault" else "")


def test_what_cannot_be_read_is_told_once_as_a_fault() -> None:
    kept = Kept(unread="damaged", unread_fix="ls")
    assert [one(subject, kept=kept)[0] for subject in ("last run", "outbox")] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("texts", "state", "said", "fix"),
    [
        ((), "ok", "nothing waits", ""),
        ((line(), line("iwx-2", "uncertain")), "ok", "2 wait to be sent", ""),
        ((line(age_s=3600),), "ok", "1 wait", ""),
        ((line(age_s=3601), line("iwx-2")), "fault", "1 of 2 that wait", "iwx-agent outbox show iwx-1"),
        ((line(age_s=-99999),), "ok", "1 wait", ""),
        ((line(state="uncertain", due_at=None),), "fault", "1 of 1", "iwx-agent outbox show iwx-1"),
        ((line(state="draft"),), "fault", "is a draft", "iwx-agent outbox show iwx-1"),
        ((line(state="failed"),), "fault", "was refused", "iwx-agent outbox show iwx-1"),
        ((line(state="damaged"),), "fault", "damaged", "iwx-agent outbox drop iwx-1 --reason damaged"),
        ((line("a; rm -rf /", "draft"),), "fault", "draft", "iwx-agent outbox show 'a; rm -rf /'"),
    ],
)
def test_the_outbox(texts: tuple[OutboxLine, ...], state: str, said: str, fix: str) -> None:
    found = one("outbox", kept=replace(KEPT, texts=texts))
    assert found[0] == state
    assert said in found[1]
    assert found[2] == fix


def test_of_many_texts_some_are_named() -> None:
    found = told("outbox", kept=replace(KEPT, texts=tuple(line(f"iwx-{n}", "draft") for n in range(9))))
    assert len(found) == 4
    assert found[-1] == ("fault", "6 more wait for a person", "iwx-agent outbox list")


@pytest.mark.parametrize(
    ("enabled", "licence", "ways", "states"),
    [
        (True, Licence.DIRECT, ("email", "file"), ("ok", "ok", "ok")),
        (False, Licence.DIRECT, ("file",), ("skipped", "ok", "skipped")),
        (True, Licence.NOT_SET, ("file",), ("ok", "fault", "fault")),
        (False, Licence.NOT_SET, ("email", "file"), ("skipped", "fault", "ok")),
        (True, Licence.RESELLER, ("email", "file"), ("ok", "fault", "ok")),
        (False, Licence.RESELLER, ("email", "file"), ("skipped", "ok", "ok")),
    ],
)
def test_the_switches(
    enabled: bool, licence: Licence, ways: tuple[str, ...], states: tuple[str, ...]
) -> None:
    switches = Switches(enabled=enabled, licence=licence, ways=ways)
    found = [one(subject, switches=switches) for subject in ("auto", "licence", "ways to send")]
    assert tuple(state for state, _, _ in found) == states
    assert all(bool(fix) == (state == "fault") for state, _, fix in found)


def test_the_kill_switch() -> None:
    found = one("kill switch", stop_file=StopFile(path="/etc/iwx-agent/stop"))
    assert found[::2] == ("fault", "rm /etc/iwx-agent/stop")


def test_the_configuration() -> None:
    faults = (Fault(said="a", fix="chmod 0600 /x"), Fault(said="b", fix="iwx-agent config check"))
    assert told("configuration", configured=Configured(faults=faults, notes_count=3)) == [
        ("fault", "a", "chmod 0600 /x"),
        ("fault", "b", "iwx-agent config check"),
    ]
    noted = one("configuration", configured=Configured(notes_count=2))
    assert noted[0] == "ok"
    assert "(2): iwx-agent config check" in noted[1]


@pytest.mark.parametrize(("subject", "name"), [("portal", "portal"), ("mail server", "mail")])
def test_who_is_to_be_reached(subject: str, name: str) -> None:
    down = Reached(name="h:25", why="connection refused", fix="look")
    assert one(subject, **{name: down}) == ("fault", "h:25: connection refused", "look")
    assert one(subject, **{name: Reached(name="h:25", fix="look")})[::2] == ("ok", "")
    assert one(subject, **{name: Reached(why="a captcha", fix="look")})[1] == "a captcha"
    assert one(subject, **{name: NotAsked(why="--offline")}) == ("skipped", "--offline", "")


@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (AssistanceReport(state="on", ends_at=NOW), "ok", "is on until 2026-11-25 15:00 UTC"),
        (AssistanceReport(state="off"), "fault", "is off"),
        (AssistanceReport(state="on", ready=False, obstacles=("no sshd",)), "fault", "no sshd"),
        (AssistanceReport(state="unknown", reason="no panel"), "unknown", "no panel"),
    ],
)
def test_remote_assistance(found: AssistanceReport, state: str, said: str) -> None:
    got = one("Remote Assistance", assistance=found)
    assert got[0] == state
    assert said in got[1]


@pytest.mark.parametrize(
    ("as_of", "own", "state", "fix"),
    [
        (date(2025, 11, 25), False, "ok", ""),
        (date(2025, 11, 24), False, "fault", "/opt/iwx-agent/bin/pip install --upgrade ."),
        (date(2025, 11, 24), True, "fault", "vi /etc/iwx-agent/support-policy.toml"),
        (date(2026, 11, 26), False, "unknown", ""),
    ],
)
def test_the_guide_is_compared_once_a_year(as_of: date, own: bool, state: str, fix: str) -> None:
    found = one("support guide", policy=Policy(version="7.1", as_of=as_of, own=own))
    assert found[::2] == (state, fix)
    assert "release 7.1" in found[1]


def test_the_heartbeat() -> None:
    assert heartbeat_of(NotAsked(why="not set")).state == "skipped"
    assert heartbeat_of(Reached(name="https://beat.example.com")) == Ailment(
        subject="heartbeat", state="ok", said="https://beat.example.com was reached"
    )
    down = heartbeat_of(Reached(name="https://beat.example.com", why="status 500", fix="look"))
    assert (down.state, down.said, down.fix) == ("fault", "https://beat.example.com: status 500", "look")
