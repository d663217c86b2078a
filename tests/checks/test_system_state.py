"""system.memory, load, clock, resolver, flood: each limit from both sides, and what is well as it is."""

from typing import Any

import pytest

from iwx_agent.checks import system_clock, system_flood, system_load, system_memory, system_resolver
from iwx_agent.model import Finding, LogLine, Missing, Process, Processes, Severity, moment
from iwx_agent.model.system import Flood, Load, Memory, NameServer, OomKill, OomKills, Resolver, TimeSync

MIB = 1024**2
GIB = 1024**3
NOW_AT = 1_795_450_000.0

# --- memory ---


def memory(**more: Any) -> Memory:
    fields = {
        "total_bytes": 16 * GIB,
        "available_bytes": 8 * GIB,
        "swap_total_bytes": 0,
        "swap_free_bytes": 0,
    }
    return Memory(**{**fields, **more})


def kill(victim: str, *, in_group: bool = False, at: float | None = NOW_AT - 60) -> OomKill:
    line = LogLine(text=f"Killed process 1 ({victim}) total-vm:1kB", source="journal", at=at)
    return OomKill(victim=victim, in_group=in_group, line=line)


def memory_findings(*kills: OomKill, now: Memory | None = None) -> list[Finding]:
    told = OomKills(entries=kills, read_at=NOW_AT)
    return list(system_memory.judge(now or memory(), told, system_memory.Limits()))


def test_enough_memory_and_no_kill_is_no_finding() -> None:
    assert memory_findings() == []


@pytest.mark.parametrize(("age_s", "count"), [(0.0, 1), (86_399.0, 1), (86_400.0, 1), (86_401.0, 0)])
def test_kills_of_the_last_day_count(age_s: float, count: int) -> None:
    assert len(memory_findings(kill("mysqld", at=NOW_AT - age_s))) == count


@pytest.mark.parametrize(
    ("victim", "touches"),
    [
        ("mysqld", ("mysql",)),
        ("mariadbd", ("mysql",)),
        ("iworx-db", ("database", "panel")),
        ("iworx-web", ("panel",)),
        ("php-fpm", ("web", "panel")),
        ("httpd", ("web",)),
        ("spamd child", ("mail",)),
        ("qmail-send", ("mail",)),
        ("tinydns", ("dns",)),
        ("proftpd", ("ftp",)),
        ("sshd", ("ssh",)),
        ("dnf", ("packages",)),
        ("java", ()),
    ],
)
def test_a_kill_reaches_what_its_victim_serves(victim: str, touches: tuple[str, ...]) -> None:
    (finding,) = memory_findings(kill(victim))
    assert (finding.code, finding.subject, finding.severity) == ("SYSTEM-040", victim, Severity.ERROR)
    assert finding.touches == touches


@pytest.mark.parametrize(
    ("victim", "severity", "touches"),
    [
        ("lsphp", Severity.WARNING, ()),
        ("php-cgi", Severity.WARNING, ()),
        ("python3", Severity.WARNING, ()),
        ("mysqld", Severity.ERROR, ("mysql",)),
    ],
)
def test_a_limit_of_its_own_group_is_no_shortage_of_the_machine(
    victim: str, severity: Severity, touches: tuple[str, ...]
) -> None:
    (finding,) = memory_findings(kill(victim, in_group=True))
    assert (finding.severity, finding.touches) == (severity, touches)


def test_one_kill_by_the_machine_among_those_of_a_group_makes_it_an_error() -> None:
    (finding,) = memory_findings(kill("lsphp", in_group=True), kill("lsphp"))
    assert (finding.severity, "2 time(s)" in finding.detail) == (Severity.ERROR, True)


def test_kills_are_told_since_the_first_and_without_a_time_without_a_beginning() -> None:
    found = memory_findings(kill("httpd", at=NOW_AT - 900), kill("java", at=None), kill("httpd"))
    assert [(f.subject, f.since_at) for f in found] == [("httpd", moment(NOW_AT - 900)), ("java", None)]


def test_a_hostile_process_name_is_quoted_in_the_remedy() -> None:
    (finding,) = memory_findings(kill("a'; reboot '"))
    (step,) = [step for step in finding.remedy if "reboot" in step]
    assert "'(a'\"'\"'; reboot '\"'\"')'" in step


@pytest.mark.parametrize(
    ("full_pct", "severities"),
    [
        (19.99, []),
        (20.0, [Severity.WARNING]),
        (49.99, [Severity.WARNING]),
        (50.0, [Severity.ERROR]),
    ],
)
def test_measured_pressure_decides_where_it_is_measured(full_pct: float, severities: list[Severity]) -> None:
    found = memory_findings(now=memory(available_bytes=MIB, full_avg60_pct=full_pct))
    assert [(f.code, f.severity) for f in found] == [("SYSTEM-041", severity) for severity in severities]


@pytest.mark.parametrize(
    ("available_bytes", "swap_total_bytes", "swap_free_bytes", "count"),
    [
        (480 * MIB, 0, 0, 1),  # 2.9 % and no swap
        (500 * MIB, 0, 0, 0),  # 3.05 %
        (480 * MIB, 1000, 100, 1),
        (480 * MIB, 1000, 101, 0),
    ],
)
def test_elsewhere_little_memory_and_no_swap_together_decide(
    available_bytes: int, swap_total_bytes: int, swap_free_bytes: int, count: int
) -> None:
    now = memory(
        available_bytes=available_bytes, swap_total_bytes=swap_total_bytes, swap_free_bytes=swap_free_bytes
    )
    found = memory_findings(now=now)
    assert [(f.code, f.severity) for f in found] == [("SYSTEM-041", Severity.WARNING)] * count


@pytest.mark.parametrize(("available_bytes", "count"), [(GIB, 1), (GIB + 1, 0)])
def test_three_per_cent_of_a_large_machine_are_enough(available_bytes: int, count: int) -> None:
    assert len(memory_findings(now=memory(total_bytes=256 * GIB, available_bytes=available_bytes))) == count


# --- load ---


def load_findings(one: float, five: float, processes: Processes | Missing | None = None) -> list[Finding]:
    told = Load(one=one, five=five, fifteen=0.5, cpus_count=2)
    return list(system_load.judge(told, processes or Missing(reason="none"), system_load.Limits()))


@pytest.mark.parametrize(
    ("one", "five", "severities"),
    [
        (15.9, 15.9, []),
        (16.0, 16.0, [Severity.WARNING]),
        (39.9, 39.9, [Severity.WARNING]),
        (40.0, 40.0, [Severity.ERROR]),
        (200.0, 15.9, []),  # has just begun
        (15.9, 200.0, []),  # is over
    ],
)
def test_the_lower_of_the_two_averages_decides(one: float, five: float, severities: list[Severity]) -> None:
    assert [f.severity for f in load_findings(one, five)] == severities


def test_high_load_tells_who_runs_and_who_waits() -> None:
    states = [("httpd", "D"), ("httpd", "D"), ("rsync", "D"), ("php", "R"), ("init", "S")]
    entries = tuple(
        Process(pid=n, parent_pid=1, name=name, user="root", state=state, started_at=0.0)
        for n, (name, state) in enumerate(states)
    )
    (finding,) = load_findings(50.0, 50.0, Processes(entries=entries))
    assert "Running: php (1). Waiting for a disk or file server: httpd (2), rsync (1)." in finding.detail
    (idle,) = load_findings(50.0, 50.0, Processes(entries=entries[4:]))
    assert "Running: none. Waiting for a disk or file server: none." in idle.detail


# --- clock ---


def clock_findings(**more: Any) -> list[Finding]:
    fields: dict[str, Any] = {"now_at": NOW_AT, "booted_at": NOW_AT - 86_400, "source": "chronyc -n tracking"}
    told = TimeSync(**{**fields, **more})
    return list(system_clock.judge(told, system_clock.Limits()))


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        ({}, []),
        ({"synchronized": True, "offset_s": 0.001}, []),
        ({"synchronized": True, "offset_s": 59.9}, []),
        ({"synchronized": True, "offset_s": 60.0}, ["SYSTEM-071"]),
        ({"synchronized": True, "offset_s": -60.0}, ["SYSTEM-071"]),
        ({"synchronized": False}, ["SYSTEM-070"]),
        ({"synchronized": False, "booted_at": NOW_AT - 1799}, []),
        ({"synchronized": False, "booted_at": NOW_AT - 1800}, ["SYSTEM-070"]),
        ({"now_at": 1_767_225_600.0}, []),
        ({"now_at": 1_767_225_599.0}, ["SYSTEM-071"]),
        ({"now_at": 0.0, "synchronized": False}, ["SYSTEM-071"]),
    ],
)
def test_a_clock_is_wrong_only_when_it_is_proven(more: dict[str, Any], codes: list[str]) -> None:
    assert [finding.code for finding in clock_findings(**more)] == codes


@pytest.mark.parametrize(("offset_s", "words"), [(90.0, "90 s fast"), (-90.0, "90 s slow")])
def test_the_direction_is_told(offset_s: float, words: str) -> None:
    (finding,) = clock_findings(offset_s=offset_s, text="System time: ...")
    assert words in finding.detail
    assert (finding.severity, finding.evidence[0].text) == (Severity.ERROR, "System time: ...")


@pytest.mark.parametrize(("enabled", "words"), [(True, "is on"), (False, "No time daemon"), (None, "drift.")])
def test_whether_a_time_daemon_is_on_is_told(enabled: bool | None, words: str) -> None:
    (finding,) = clock_findings(synchronized=False, daemon_enabled=enabled)
    assert (finding.severity, words in finding.detail) == (Severity.WARNING, True)


# --- resolver ---


def answered(address: str = "192.0.2.1", duration_s: float = 0.01, code: int = 0) -> NameServer:
    return NameServer(
        address=address, outcome="answered", response_code=code, duration_s=duration_s, limit_s=3.0
    )


def silent(address: str = "192.0.2.2") -> NameServer:
    return NameServer(address=address, outcome="silent", limit_s=3.0)


REFUSED = NameServer(address="127.0.0.1", outcome="refused", limit_s=3.0, detail="connection refused")
FAILED = NameServer(address="::1", outcome="failed", limit_s=3.0)


def resolver_findings(*servers: NameServer, configured: bool = True) -> list[tuple[str, Severity]]:
    told = Resolver(servers=servers, configured=configured)
    return [(f.code, f.severity) for f in system_resolver.judge(told, system_resolver.Limits())]


DEAD = [("SYSTEM-080", Severity.ERROR)]
SLOW = [("SYSTEM-081", Severity.WARNING)]


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ((answered(),), []),
        ((answered(code=3),), []),  # "no such name" for the root is odd, and alive
        ((answered(code=5),), []),
        ((answered(code=2),), SLOW),
        ((answered(code=2), answered()), []),
        ((answered(code=2), silent()), SLOW),
        ((answered(duration_s=1.99),), []),
        ((answered(duration_s=2.0),), SLOW),
        ((answered(), silent()), []),
        ((silent(), answered()), SLOW),
        ((REFUSED, answered()), SLOW),
        ((silent(),), DEAD),
        ((silent(), REFUSED, FAILED), DEAD),
    ],
)
def test_each_answer_of_the_name_servers(
    servers: tuple[NameServer, ...], expected: list[tuple[str, Severity]]
) -> None:
    assert resolver_findings(*servers) == expected


def test_every_server_is_quoted_with_what_it_did() -> None:
    told = Resolver(servers=(silent(), REFUSED, FAILED), configured=False)
    (finding,) = system_resolver.judge(told, system_resolver.Limits())
    assert [e.text for e in finding.evidence] == [
        "192.0.2.2 did not answer within 3 s",
        "127.0.0.1: connection refused",
        "::1: failed",
    ]
    assert ("none in /etc/resolv.conf" in finding.detail, finding.touches) == (True, ("packages", "mail"))


def test_a_failing_server_is_said_to_fail() -> None:
    (finding,) = system_resolver.judge(Resolver(servers=(answered(code=2),)), system_resolver.Limits())
    assert "SERVFAIL" in finding.evidence[0].text


# --- flood ---

SYN = LogLine(text="Possible SYN flooding on port 80. Sending cookies.", source="journal", at=NOW_AT - 60)
TABLE = LogLine(text="nf_conntrack: table full, dropping packet", source="journal", at=NOW_AT - 90)


def flood_findings(**more: Any) -> list[Finding]:
    return list(system_flood.judge(Flood(read_at=NOW_AT, **more), system_flood.Limits()))


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 0),
        ({"cookies_growth_count": 49, "between_s": 1.0}, 0),
        ({"cookies_growth_count": 50, "between_s": 1.0}, 1),
        ({"cookies_growth_count": 99, "between_s": 2.0}, 0),
        ({"requests_dropped_growth_count": 50, "between_s": 1.0}, 1),
        ({"cookies_growth_count": 30, "requests_dropped_growth_count": 20, "between_s": 1.0}, 1),
        # the accept queue overflows as well: a program hangs, that is no flood
        ({"cookies_growth_count": 500, "listen_overflows_growth_count": 500, "between_s": 1.0}, 0),
        ({"cookies_growth_count": 500, "listen_overflows_growth_count": 499, "between_s": 1.0}, 1),
    ],
)
def test_a_flood_is_what_grows_now(more: dict[str, Any], count: int) -> None:
    assert [f.code for f in flood_findings(**more)] == ["SYSTEM-090"] * count


def test_a_flood_that_is_not_going_on_is_a_warning_and_explains_nothing() -> None:
    (finding,) = flood_findings(lines=(SYN,))
    assert (finding.code, finding.severity, finding.touches) == ("SYSTEM-090", Severity.WARNING, ())
    (now,) = flood_findings(lines=(SYN,), cookies_growth_count=50, between_s=1.0)
    assert (now.severity, now.touches) == (Severity.ERROR, ("web", "mail", "panel"))


def test_the_kernels_words_tell_since_when() -> None:
    (finding,) = flood_findings(cookies_growth_count=900, between_s=1.0, lines=(SYN,))
    assert (finding.since_at, finding.since_source) == (moment(NOW_AT - 60), "journal")
    (unsaid,) = flood_findings(cookies_growth_count=900, between_s=1.0)
    assert (unsaid.since_at, unsaid.since_source) == (None, "")


@pytest.mark.parametrize(
    ("tracked", "limit", "lines", "severities"),
    [
        (None, None, (), []),
        (94, 100, (), []),
        (95, 100, (), [Severity.ERROR]),
        (95, 0, (), []),
        (10, 100, (TABLE,), [Severity.WARNING]),
        (None, None, (TABLE,), [Severity.WARNING]),
        (100, 100, (TABLE,), [Severity.ERROR]),
    ],
)
def test_the_connection_table(
    tracked: int | None, limit: int | None, lines: tuple[LogLine, ...], severities: list[Severity]
) -> None:
    found = flood_findings(tracked_count=tracked, tracked_limit_count=limit, lines=lines)
    assert [(f.code, f.severity) for f in found] == [("SYSTEM-091", severity) for severity in severities]


def test_a_table_that_was_full_explains_nothing_now() -> None:
    (was,) = flood_findings(tracked_count=1, tracked_limit_count=100, lines=(TABLE,))
    (is_full,) = flood_findings(tracked_count=100, tracked_limit_count=100)
    assert (was.touches, "web" in is_full.touches) == ((), True)
    assert was.since_at == moment(NOW_AT - 90)
