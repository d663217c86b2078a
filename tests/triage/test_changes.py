"""What was done within the last day: facts to changes, each kind told, absent, or not determined."""

from typing import Any

import pytest
from building import finding, incident
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import Boot, Evidence, Missing, PackageLog, PackageRun
from iwx_agent.model.changes import (
    BootRecord,
    BootRecords,
    Changes,
    ConfigEdits,
    EditedFile,
    UnitEvent,
    UnitEvents,
)
from iwx_agent.model.mail import SupervisedService, SupervisedServices, SuperviseStatus
from iwx_agent.triage.changes import changes_of

NOW_AT = 1_795_464_000.0  # 2026-11-23T20:00:00Z
HOUR_S = 3600.0
LONG_AGO_AT = NOW_AT - 30 * 86_400
QUIET: dict[str, Any] = {
    "boot": Boot(booted_at=LONG_AGO_AT, read_at=NOW_AT),
    "boot_records": BootRecords(entries=(BootRecord(kind="boot", at=LONG_AGO_AT),), source="/var/log/wtmp"),
    "unit_events": UnitEvents(entries=(), source="the journal"),
    "supervised_services": Missing(reason="no such directory", absent=True),
    "package_log": PackageLog(
        runs=(),
        sources=(),
        read_at=NOW_AT,
        covered_from_at=LONG_AGO_AT,
        panel_packages=(),
        panel_repositories=(),
    ),
    "config_edits": ConfigEdits(entries=(), source="times of the files"),
}


def changes(**facts: Any) -> Changes:
    return changes_of(QUIET | facts, NOW_AT)


def told(made: Changes) -> list[tuple[str, str, str]]:
    return [(f"{change.at:%H:%M}", change.subject, change.said) for change in made.entries]


def test_a_quiet_day_is_told_without_a_doubt() -> None:
    made = changes()
    assert (made.entries, made.gaps, made.left_out_count) == ((), (), 0)
    assert f"{made.since_at:%Y-%m-%d %H:%M}" == "2026-11-22 20:00"


def test_what_was_not_asked_is_a_gap_of_its_kind() -> None:
    made = changes_of({}, NOW_AT)
    assert made.entries == ()
    assert {gap.kind for gap in made.gaps} == {"service", "package", "reboot", "config"}


@pytest.mark.parametrize(
    ("fact", "kind", "reason"),
    [
        ("unit_events", "service", "what systemd started and stopped: why (there)"),
        ("supervised_services", "service", "what supervise started and stopped: why (there)"),
        ("package_log", "package", "why (there)"),
        ("boot_records", "reboot", "earlier boots than the present one: why (there)"),
        ("config_edits", "config", "why (there)"),
    ],
)
def test_a_fact_that_is_missing_is_said_with_its_reason(fact: str, kind: str, reason: str) -> None:
    made = changes(**{fact: Missing(reason="why", source="there")})
    assert [(gap.kind, gap.reason) for gap in made.gaps] == [(kind, reason)]


def test_a_source_that_names_all_it_asks_for_is_left_out() -> None:
    assert changes(config_edits=Missing(reason="why", source="x" * 61)).gaps[0].reason == "why"
    assert changes(config_edits=Missing(reason="why")).gaps[0].reason == "why"


# Services


def events(*made: Any, **more: Any) -> UnitEvents:
    entries = tuple(
        UnitEvent(unit="x.service", kind=kind, at=NOW_AT - before, result="".join(result))
        for kind, before, *result in made
    )
    return UnitEvents(entries=entries, source="the journal", **more)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([("started", 60)], [("19:59", "started")]),
        ([("stopped", 60)], [("19:59", "stopped")]),
        ([("reloaded", 60)], [("19:59", "reloaded")]),
        ([("reload_failed", 60)], [("19:59", "reload failed")]),
        ([("restarting", 61), ("started", 60)], [("19:59", "restarted")]),
        ([("restarting", 3600), ("started", 60)], [("19:59", "started")]),
        ([("failed", 60, "signal")], [("19:59", "failed (signal)")]),
        ([("failed", 60)], [("19:59", "failed")]),
        ([("failed", 120, "signal"), ("started", 60)], [("19:58", "failed (signal)"), ("19:59", "started")]),
        (
            [("restarting", 61), ("failed", 60, "exit-code"), ("start_failed", 60)],
            [("19:59", "restart failed: exit-code")],
        ),
        ([("start_failed", 60)], [("19:59", "start failed")]),
        (
            [("failed", 62, "exit-code"), ("automatic_restart", 61), ("restarting", 61), ("started", 60)],
            [("19:58", "failed (exit-code) and was started again by systemd itself")],
        ),
        (
            [("automatic_restart", 61), ("started", 60)],
            [("19:58", "ended and was started again by systemd itself")],
        ),
        (
            [("restarting", 60)],
            [("19:59", "stopped by a restart; that it started again is not told")],
        ),
        (
            [("started", 300), ("started", 200), ("started", 60)],
            [("19:59", "started, 3 times, the last time then")],
        ),
        (
            [("stopped", 300), ("started", 200), ("stopped", 60)],
            [("19:55", "stopped"), ("19:56", "started"), ("19:59", "stopped")],
        ),
    ],
)
def test_messages_of_systemd_become_what_was_done(made: list[Any], expected: list[tuple[str, str]]) -> None:
    found = told(changes(unit_events=events(*made)))
    assert found == [(at, "x.service", said) for at, said in expected]


def test_a_service_that_keeps_dying_is_one_line() -> None:
    each = [
        (kind, before + offset, *result)
        for before in (300, 200, 100)
        for kind, offset, *result in (
            ("failed", 3, "signal"),
            ("automatic_restart", 2),
            ("restarting", 1),
            ("started", 0),
        )
    ]
    said = told(changes(unit_events=events(*each)))
    assert [words for _, _, words in said] == [
        "failed (signal) and was started again by systemd itself, 3 times, the last time then"
    ]


def test_what_starts_with_the_server_is_no_change_of_its_own() -> None:
    boot = Boot(booted_at=NOW_AT - HOUR_S, read_at=NOW_AT)
    records = BootRecords(entries=(BootRecord(kind="boot", at=NOW_AT - HOUR_S),), source="/var/log/wtmp")
    late = events(("started", HOUR_S - 300), ("started", HOUR_S - 301))
    made = told(changes(boot=boot, boot_records=records, unit_events=late))
    assert made == [("19:00", "the server", "came up"), ("19:05", "x.service", "started")]


def test_too_many_messages_are_said() -> None:
    made = changes(unit_events=events(("stopped", HOUR_S), truncated=True))
    assert made.gaps[0].reason == "systemd's messages were too many: nothing before 19:00 UTC"
    assert changes(unit_events=events(truncated=True)).gaps == ()


def test_what_is_older_than_a_day_or_ahead_of_the_clock_is_left_out() -> None:
    assert told(changes(unit_events=events(("stopped", 86_401), ("stopped", -301)))) == []
    assert len(changes(unit_events=events(("stopped", 86_400), ("started", -300))).entries) == 2


def service(name: str, pid: int, before_s: float, **more: Any) -> SupervisedService:
    status = SuperviseStatus(
        pid=pid,
        since_at=NOW_AT - before_s,
        paused=more.pop("paused", False),
        wanted=more.pop("wanted", "up"),
    )
    return SupervisedService(
        name=name, path=f"/service/{name}", supervise_running=True, normally_down=False, status=status, **more
    )


def supervised(*services: SupervisedService) -> SupervisedServices:
    return SupervisedServices(
        path="/service",
        services=services,
        svscan_running=True,
        read_at=NOW_AT,
        core_names=(),
        send_names=(),
    )


def test_mail_services_that_changed_together_are_one_line() -> None:
    never = SupervisedService(
        name="new", path="/service/new", supervise_running=True, normally_down=False, status=None
    )
    made = supervised(
        service("send", 7, 600),
        service("smtp", 8, 650),
        service("smtp/log", 9, 600),
        service("smtp2", 10, 1800),
        service("pop3", 11, 90_000),
        never,
    )
    assert told(changes(supervised_services=made)) == [
        ("19:30", "mail service smtp2", "started"),
        ("19:50", "mail services send, smtp", "started"),
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (service("smtp", 0, 60, wanted="down"), "stopped, as it was told to"),
        (service("smtp", 0, 60), "went down"),
        (service("smtp", 7, 60, paused=True), "started, and paused since"),
        (
            service(
                "smtp", 7, 90_000, later=SuperviseStatus(pid=8, since_at=NOW_AT, paused=False, wanted="up")
            ),
            "started",
        ),
    ],
)
def test_the_last_state_of_a_mail_service(made: SupervisedService, said: str) -> None:
    assert [words for _, _, words in told(changes(supervised_services=supervised(made)))] == [said]


def test_mail_services_that_came_up_with_the_server() -> None:
    boot = Boot(booted_at=NOW_AT - HOUR_S, read_at=NOW_AT)
    made = changes(boot=boot, supervised_services=supervised(service("smtp", 7, HOUR_S - 60)))
    assert [change.kind for change in made.entries] == ["reboot"]


# Reboots


def boots(*made: tuple[str, float]) -> BootRecords:
    entries = tuple(BootRecord(kind=kind, at=NOW_AT - before) for kind, before in made)  # type: ignore[arg-type]
    return BootRecords(entries=entries, source="/var/log/wtmp")


def test_a_boot_without_a_shutdown_before_it_was_a_crash() -> None:
    records = boots(("boot", 80_000), ("boot", 7200), ("shutdown", 3700), ("boot", 3600))
    boot = Boot(booted_at=NOW_AT - 3604, read_at=NOW_AT)
    assert told(changes(boot=boot, boot_records=records)) == [
        ("21:46", "the server", "came up"),
        ("18:00", "the server", "came up without a shutdown before it: a crash, a power cut or a reset"),
        ("19:00", "the server", "came up"),
    ]


def test_the_kernel_knows_of_a_boot_that_is_not_on_record() -> None:
    boot = Boot(booted_at=NOW_AT - 3600, read_at=NOW_AT)
    made = changes(boot=boot, boot_records=boots())
    assert [(change.said, change.source) for change in made.entries] == [("came up", "the kernel's clock")]
    assert made.gaps == ()


def test_no_boot_at_all_is_a_gap() -> None:
    made = changes(boot=Missing(reason="no clock"), boot_records=boots())
    assert [gap.reason for gap in made.gaps] == ["no clock"]


# Packages


def run(**more: Any) -> PackageRun:
    values: dict[str, Any] = {
        "tool": "dnf",
        "command": "",
        "goal": ("update",),
        "outcome": "done",
        "started_at": NOW_AT - HOUR_S,
        "source": "/var/log/dnf.log:1",
        "transaction": True,
    }
    return PackageRun(**(values | more))


def packages(*runs: PackageRun, covered_from_at: float | None = LONG_AGO_AT) -> PackageLog:
    return PackageLog(
        runs=runs,
        sources=(),
        read_at=NOW_AT,
        covered_from_at=covered_from_at,
        panel_packages=(),
        panel_repositories=(),
    )


MANY = tuple(f"p{n}-1-1.noarch" for n in range(6))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (run(changed=MANY), "dnf update: changed 6 packages (p0, p1, p2, p3 and 2 more)"),
        (run(command="dnf -y update", changed=MANY[:1]), "dnf -y update: changed 1 package (p0)"),
        (run(command=f"dnf install {'x' * 68}"), f"dnf install {'x' * 68}"),
        (run(command=f"dnf install {'x' * 69} y"), "dnf install ... (2 more words)"),
        (run(command=f"{'x' * 81} y"), f"{'x' * 81} ... (1 more word)"),
        (
            run(outcome="killed", planned=MANY[:2]),
            "dnf update: was killed half-way; meant to change 2 packages (p0, p1)",
        ),
        (run(outcome="open"), "dnf update: did not end yet"),
        (run(outcome="failed", transaction=False), "dnf update: failed"),
        (run(), "dnf update"),
    ],
)
def test_a_run_of_the_package_tool(made: PackageRun, said: str) -> None:
    assert told(changes(package_log=packages(made))) == [("19:00", "dnf", said)]


def test_runs_that_changed_nothing_are_no_changes() -> None:
    looked = run(transaction=False, goal=("makecache",))
    refused = run(transaction=False, outcome="failed", goal=("makecache",))
    timeless = run(started_at=None)
    assert told(changes(package_log=packages(looked, refused, timeless))) == []
    late = run(transaction_at=NOW_AT - 60)
    assert told(changes(package_log=packages(late)))[0][0] == "19:59"


def test_a_log_that_begins_today_is_said() -> None:
    made = changes(package_log=packages(covered_from_at=NOW_AT - 60))
    assert made.gaps[0].reason == "the log begins at 2026-11-23 19:59 UTC"
    assert changes(package_log=packages(covered_from_at=None)).gaps == ()
    beyond = changes(package_log=packages(covered_from_at=1e15))
    assert beyond.gaps[0].reason == "the log has no times"


# Configuration


def edits(*paths: str, unread: str = "", before_s: float = 60) -> ConfigEdits:
    entries = tuple(EditedFile(path=path, at=NOW_AT - before_s) for path in paths)
    return ConfigEdits(entries=entries, source="times of the files", unread=unread)


def test_files_are_told_one_by_one_and_many_of_a_directory_together() -> None:
    made = edits("/etc/my.cnf", *(f"/etc/httpd/conf.d/{n}.conf" for n in range(5)))
    assert told(changes(config_edits=made)) == [
        (
            "19:59",
            "/etc/httpd/conf.d/",
            "5 files changed, the last then: 0.conf, 1.conf, 2.conf, 3.conf and 1 more",
        ),
        ("19:59", "/etc/my.cnf", "changed"),
    ]
    assert changes(config_edits=edits("/etc/my.cnf", before_s=90_000)).entries == ()


def test_a_file_that_a_finding_names_is_told_by_itself() -> None:
    made = edits(*(f"/etc/httpd/conf.d/{n}.conf" for n in range(9)))
    seen = finding(evidence=(Evidence(source="/etc/httpd/conf.d/7.conf:15", text="x"),))
    found = told(changes_of(QUIET | {"config_edits": made}, NOW_AT, [incident(seen)]))
    assert [(subject, said[:15]) for _, subject, said in found] == [
        ("/etc/httpd/conf.d/", "8 files changed"),
        ("/etc/httpd/conf.d/7.conf", "changed"),
    ]


def test_files_that_could_not_be_seen_are_said() -> None:
    assert changes(config_edits=edits(unread="Permission denied")).gaps[0].reason == (
        "not all was seen: Permission denied"
    )


# Bounds


@given(st.lists(st.tuples(st.sampled_from(["started", "stopped"]), st.floats(-1e6, 1e6)), max_size=300))
def test_whatever_happened_the_changes_are_bounded_and_in_order(made: list[tuple[str, float]]) -> None:
    found = changes(config_edits=edits(*(f"/etc/{n}/x" for n in range(70))), unit_events=events(*made))
    assert len(found.entries) == 60
    assert found.left_out_count >= 10
    assert [change.at for change in found.entries] == sorted(change.at for change in found.entries)


def test_a_clock_that_means_nothing_is_survived() -> None:
    assert changes_of(QUIET, float("inf")).since_at.year == 1970
    assert changes_of(QUIET | {"config_edits": edits("/etc/a")}, 1e300).entries == ()


def test_a_boot_alone_starts_its_services_in_silence() -> None:
    boot = Boot(booted_at=NOW_AT - HOUR_S, read_at=NOW_AT)
    made = changes(boot=boot, unit_events=events(("started", HOUR_S - 10)))
    assert [change.kind for change in made.entries] == ["reboot"]
