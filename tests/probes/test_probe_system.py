"""Probes of the machine: what is there, what is not, what hangs, what lies."""

from pathlib import Path
from typing import Any

import pytest
from fakes import NOW_AT, FakeHost, clock, command, content, context
from msgspec import Struct

from iwx_agent.host import (
    AskClock,
    Datagram,
    DatagramAnswer,
    FileKind,
    FileStatus,
    FileSystemStatus,
    HostError,
    Question,
    ReadFile,
    RunCommand,
    ScanFile,
    Stat,
    StatVfs,
)
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model import ParseError
from iwx_agent.model.system import Flood
from iwx_agent.parsers.dns_message import NS, build_query
from iwx_agent.probes import Context, kernel, system

CAPTURES = Path(__file__).parent.parent / "parsers" / "captures" / "system"
Answers = dict[Question, Struct | HostError | list[Struct | HostError]]


def captured(name: str) -> str:
    return (CAPTURES / name).read_text()


def error(kind: ErrorKind, source: str = "there") -> HostError:
    return HostError(kind, f"it is {kind}", source)


def file(path: str, text: str | HostError) -> Answers:
    return {ReadFile(path=path): text if isinstance(text, HostError) else content(text)}


CONTAINER = Stat(path="/run/systemd/container")
NO_CONTAINER: Answers = {CONTAINER: error("not_found")}
IN_CONTAINER: Answers = {CONTAINER: FileStatus(kind="file", size_bytes=15, modified_at=0.0, mode=0o644)}

# --- file systems ---

ROOT = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
HOME = "30 22 8:2 / /home rw,relatime - xfs /dev/sda2 rw\n"


def status(**more: Any) -> FileSystemStatus:
    fields: dict[str, Any] = {
        "total_bytes": 100,
        "free_bytes": 50,
        "available_bytes": 45,
        "inodes_count": 10,
        "inodes_free_count": 5,
        "read_only": False,
    }
    return FileSystemStatus(**{**fields, **more})


HOMES = ("/usr/local/interworx", "/home/interworx")


def homes(*kinds: FileKind) -> Answers:
    found: Answers = {
        Stat(path=path, follow=False): FileStatus(kind=kind, size_bytes=0, modified_at=0.0, mode=0o755)
        for path, kind in zip(HOMES, kinds, strict=True)
    }
    return found


def machine(table: str, *places: str, fstab: str | HostError = "", **answers: Struct | HostError) -> Context:
    asked: Answers = {
        **homes("directory", "symlink"),
        **file("/proc/self/mountinfo", table),
        **file("/etc/fstab", fstab),
    }
    asked.update({StatVfs(path=place): status() for place in places})
    asked.update({StatVfs(path=place): answer for place, answer in answers.items()})
    return context(asked)


def test_each_file_system_is_asked_once_and_knows_who_writes_there() -> None:
    bind = "31 22 8:2 /jail /home/jail/x rw - xfs /dev/sda2 rw\n"
    found = system.file_systems(
        machine(ROOT + HOME + bind, "/", "/home", fstab="/dev/sda2 /home xfs defaults 0 0")
    )
    assert [entry.mount.mount_point for entry in found.entries] == ["/", "/home"]
    root, home = found.entries
    assert (root.total_bytes, root.available_bytes, root.inodes_free_count) == (100, 45, 5)
    assert (root.wanted_read_write, home.wanted_read_write) == (None, True)
    assert {place.path: place.role for place in home.writers} == {
        "/home": "sites",
        "/home/vpopmail": "mailboxes",
    }
    assert "/home/vpopmail" not in {place.path for place in root.writers}
    assert {"root", "mail_queue", "mysql", "logs", "temporary", "packages", "panel", "dns"} <= {
        place.role for place in root.writers
    }


@pytest.mark.parametrize(
    ("answers", "place"),
    [
        (homes("directory", "symlink"), "/usr/local/interworx"),
        (homes("symlink", "directory"), "/home/interworx"),
        ({question: error("timeout") for question in homes("symlink", "symlink")}, "/usr/local/interworx"),
    ],
)
def test_the_panel_lies_where_its_directory_is_not_where_a_symlink_is(answers: Answers, place: str) -> None:
    asked: Answers = {
        **file("/proc/self/mountinfo", ROOT + HOME),
        **file("/etc/fstab", ""),
        StatVfs(path="/"): status(),
        StatVfs(path="/home"): status(),
        **answers,
    }
    entries = system.file_systems(context(asked)).entries
    (found,) = [p.path for entry in entries for p in entry.writers if p.role == "panel"]
    assert found == place


def test_what_is_mounted_below_a_service_serves_it_but_not_below_the_homes() -> None:
    table = ROOT + (
        "30 22 8:2 / /var/log/httpd rw - ext4 /dev/sda2 rw\n31 22 8:3 / /home/backup rw - ext4 /dev/sda3 rw\n"
    )
    found = system.file_systems(machine(table, "/", "/var/log/httpd", "/home/backup"))
    roles = {entry.mount.mount_point: [place.role for place in entry.writers] for entry in found.entries}
    assert (roles["/var/log/httpd"], roles["/home/backup"]) == (["logs"], [])


def test_what_is_no_storage_is_not_asked() -> None:
    others = (
        "23 22 0:4 / /proc rw - proc proc rw\n24 22 0:5 / /run rw - tmpfs tmpfs rw\n"
        "25 22 0:6 / /snap/x ro - squashfs /dev/loop0 ro\n26 22 0:7 / /mnt/cd ro - iso9660 /dev/sr0 ro\n"
        "27 22 0:8 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw\n28 22 0:9 / /net rw - autofs systemd-1 rw\n"
        "29 22 8:9 / /etc/hosts rw - ext4 /dev/sdz rw\n33 22 0:2 / /dev/shm rw - tmpfs tmpfs rw\n"
    )
    found = system.file_systems(machine(ROOT + others, "/"))
    assert [entry.mount.mount_point for entry in found.entries] == ["/"]


def test_a_containers_root_and_memory_backed_places_and_network_file_systems_are_asked() -> None:
    table = (
        "22 1 0:50 / / rw - overlay overlay rw\n23 22 0:51 / /tmp rw - tmpfs tmpfs rw\n"
        "24 22 0:52 / /home rw - nfs4 nas.example.com:/home rw\n25 22 0:53 / /mnt/s rw - fuse.sshfs a rw\n"
    )
    found = system.file_systems(machine(table, "/", "/tmp", "/home", "/mnt/s"))
    assert [entry.mount.mount_point for entry in found.entries] == ["/", "/home", "/tmp", "/mnt/s"]


@pytest.mark.parametrize("kind", ["timeout", "failed"])
def test_one_that_hangs_or_fails_is_a_value(kind: ErrorKind) -> None:
    found = system.file_systems(machine(ROOT + HOME, "/", **{"/home": error(kind)}))
    assert [(entry.mount.mount_point, entry.answered) for entry in found.entries] == [
        ("/", True),
        ("/home", False),
    ]
    assert (found.entries[1].detail, found.entries[1].limit_s) == (f"it is {kind}", 3.0)


@pytest.mark.parametrize("kind", ["permission", "not_found"])
def test_one_that_nobody_uses_and_this_process_may_not_see_is_left_out(kind: ErrorKind) -> None:
    private = "40 22 0:60 / /root/mnt rw - fuse.sshfs x rw\n"
    found = system.file_systems(machine(ROOT + private, "/", **{"/root/mnt": error(kind)}))
    assert [entry.mount.mount_point for entry in found.entries] == ["/"]


@pytest.mark.parametrize("kind", ["permission", "over_budget", "not_captured"])
def test_what_cannot_be_told_of_a_service_s_place_is_missing(kind: ErrorKind) -> None:
    with pytest.raises(HostError):
        system.file_systems(machine(ROOT + HOME, "/", **{"/home": error(kind)}))


def test_at_most_sixty_four_are_asked_and_the_rest_is_counted() -> None:
    table = ROOT + "".join(f"{n} 22 9:{n} / /mnt/{n:03} rw - ext4 /dev/sdb{n} rw\n" for n in range(100, 200))
    found = system.file_systems(machine(table, "/", *(f"/mnt/{n}" for n in range(100, 163))))
    assert (len(found.entries), found.left_out_count) == (64, 37)
    assert found.entries[0].mount.mount_point == "/"


def test_the_view_that_shows_the_turn_stands_for_its_file_system() -> None:
    table = "30 22 8:2 / /a ro - ext4 /dev/sda2 ro\n31 22 8:2 / /home/long rw - ext4 /dev/sda2 ro\n"
    (entry,) = system.file_systems(machine(table, "/home/long")).entries
    assert (entry.mount.mount_point, entry.mount.turned_read_only) == ("/home/long", True)


def test_a_table_that_was_cut_loses_only_its_last_line() -> None:
    asked: Answers = {
        **homes("directory", "symlink"),
        ReadFile(path="/proc/self/mountinfo"): content(ROOT + "30 22 8:2 / /ho", truncated=True),
        **file("/etc/fstab", error("not_found")),
        StatVfs(path="/"): status(),
    }
    assert len(system.file_systems(context(asked)).entries) == 1


def test_an_unreadable_fstab_is_not_an_empty_one() -> None:
    with pytest.raises(HostError):
        system.file_systems(machine(ROOT, "/", fstab=error("permission")))


# --- memory and load ---


def test_memory_with_pressure_and_where_it_is_not_measured() -> None:
    meminfo = file("/proc/meminfo", captured("meminfo.txt"))
    pressure = file("/proc/pressure/memory", captured("pressure-memory.txt"))
    assert system.memory(context({**meminfo, **pressure})).full_avg60_pct == 0.0
    kinds: tuple[ErrorKind, ...] = ("not_found", "failed")
    for kind in kinds:
        none = file("/proc/pressure/memory", error(kind))
        assert system.memory(context({**meminfo, **none})).full_avg60_pct is None


def test_memory_is_missing_when_the_budget_is_over_or_nothing_can_be_read() -> None:
    with pytest.raises(HostError):
        system.memory(context(file("/proc/pressure/memory", error("over_budget"))))
    with pytest.raises(HostError):
        system.memory(
            context(
                {**file("/proc/pressure/memory", error("failed")), **file("/proc/meminfo", error("failed"))}
            )
        )


def test_load() -> None:
    answers = {**file("/proc/loadavg", "4.00 2.00 1.00 1/9 5\n"), **file("/proc/stat", captured("stat.txt"))}
    found = system.load(context(answers))
    assert (found.one, found.five, found.fifteen, found.cpus_count) == (4.0, 2.0, 1.0, 2)


# --- clock ---

CHRONYC = ("chronyc", "-n", "tracking")
TIMEDATECTL = ("timedatectl", "status")
BOOTED_AT = NOW_AT - 86_400


def clock_context(**more: Struct | HostError) -> Context:
    commands = {"chronyc": CHRONYC, "timedatectl": TIMEDATECTL}
    asked: Answers = {RunCommand(argv=commands[name]): answer for name, answer in more.items()}
    return context({**NO_CONTAINER, AskClock(): clock(), **asked})


def test_chronyd_tells_how_far_the_clock_is_off() -> None:
    found = system.time_sync(clock_context(chronyc=command(CHRONYC, captured("chronyc-tracking-fast.txt"))))
    assert (found.synchronized, found.offset_s, found.now_at) == (True, 89.999992371, NOW_AT)
    assert (found.booted_at, found.source) == (BOOTED_AT, "chronyc -n tracking (exit 0)")


@pytest.mark.parametrize(
    "chronyc", [error("not_found"), command(CHRONYC, "506 Cannot talk to daemon\n", exit_code=1)]
)
def test_without_chronyd_timedatectl_is_asked(chronyc: Struct | HostError) -> None:
    said = command(TIMEDATECTL, "System clock synchronized: no\nNTP service: inactive\n")
    found = system.time_sync(clock_context(chronyc=chronyc, timedatectl=said))
    assert (found.synchronized, found.daemon_enabled, found.offset_s) == (False, False, None)


@pytest.mark.parametrize("stderr", ["Failed to connect to bus\n", ""])
def test_when_neither_answers_the_clock_is_unknown_not_absent(stderr: str) -> None:
    failed = command(TIMEDATECTL, exit_code=1, stderr=stderr)
    with pytest.raises(HostError) as told:
        system.time_sync(clock_context(chronyc=error("not_found"), timedatectl=failed))
    assert (told.value.kind, told.value.reason) == ("failed", stderr.strip() or "no answer")


def test_when_neither_is_installed_the_clock_is_unknown_not_absent() -> None:
    with pytest.raises(HostError) as told:
        system.time_sync(clock_context(chronyc=error("not_found"), timedatectl=error("not_found")))
    assert told.value.kind == "failed"


def test_a_containers_clock_is_its_hosts_unless_it_runs_chronyd_itself() -> None:
    asked: Answers = {**IN_CONTAINER, AskClock(): clock()}
    without = system.time_sync(context({**asked, RunCommand(argv=CHRONYC): error("not_found")}))
    assert (without.synchronized, without.now_at) == (None, NOW_AT)
    said = command(CHRONYC, captured("chronyc-tracking-unsynchronised.txt"))
    assert system.time_sync(context({**asked, RunCommand(argv=CHRONYC): said})).synchronized is False


def test_no_time_left_is_not_no_chronyd() -> None:
    with pytest.raises(HostError) as told:
        system.time_sync(clock_context(chronyc=error("over_budget")))
    assert told.value.kind == "over_budget"


# --- resolver ---

QUERY = build_query(".", kind=NS, recursive=True)


def name_server(address: str) -> Datagram:
    return Datagram(payload=QUERY, port=53, address=address, label="NS .")


def reply(code: int) -> DatagramAnswer:
    return DatagramAnswer(data=QUERY[:2] + bytes([0x81, 0x80 | code]) + QUERY[4:], duration_s=0.25)


def test_every_configured_name_server_is_asked_in_order() -> None:
    conf = "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver ::1\n"
    found = system.resolver(
        context(
            {
                **file("/etc/resolv.conf", conf),
                name_server("192.0.2.1"): error("timeout"),
                name_server("192.0.2.2"): reply(2),
                name_server("::1"): reply(0),
            }
        )
    )
    assert [(s.address, s.outcome, s.response_code) for s in found.servers] == [
        ("192.0.2.1", "silent", 0),
        ("192.0.2.2", "answered", 2),
        ("::1", "answered", 0),
    ]
    assert (found.servers[2].duration_s, found.configured) == (0.25, True)


@pytest.mark.parametrize("conf", ["", "search example.com\n", error("not_found")])
def test_without_a_name_server_the_machine_itself_is_asked(conf: str | HostError) -> None:
    found = system.resolver(
        context({**file("/etc/resolv.conf", conf), name_server("127.0.0.1"): error("refused")})
    )
    assert [(s.address, s.outcome) for s in found.servers] == [("127.0.0.1", "refused")]
    assert not found.configured


@pytest.mark.parametrize("answer", [error("unreachable"), DatagramAnswer(data=b"\0", duration_s=0.1)])
def test_garbage_and_network_errors_are_values(answer: Struct | HostError) -> None:
    found = system.resolver(
        context({**file("/etc/resolv.conf", "nameserver ::1\n"), name_server("::1"): answer})
    )
    assert (found.servers[0].outcome, bool(found.servers[0].detail)) == ("failed", True)


def test_what_says_nothing_about_a_name_server_is_missing() -> None:
    for answers in (
        file("/etc/resolv.conf", error("permission")),
        {**file("/etc/resolv.conf", ""), name_server("127.0.0.1"): error("over_budget")},
    ):
        with pytest.raises(HostError):
            system.resolver(context(answers))


# --- flood ---

LAST_HOUR = ("journalctl", "-k", "--since=-1h", "-n", "2000", "-o", "json", "--no-pager")
NETSTAT = "/proc/net/netstat"
TRACKED = "/proc/sys/net/netfilter/nf_conntrack_"


def counters(sent: int, dropped: int = 0, overflows: int = 0) -> Struct:
    return content(
        f"TcpExt: SyncookiesSent TCPReqQFullDrop ListenOverflows\nTcpExt: {sent} {dropped} {overflows}\n"
    )


def flood(*samples: Struct, more: Answers | None = None) -> tuple[Flood, FakeHost]:
    host = context(
        {
            **NO_CONTAINER,
            ReadFile(path=NETSTAT): list(samples),
            **file(TRACKED + "count", error("not_found")),
            **file(TRACKED + "max", error("not_found")),
            RunCommand(argv=LAST_HOUR): command(LAST_HOUR, captured("kernel-flood.json")),
            **(more or {}),
        }
    )
    fake = host.resample
    assert isinstance(fake, FakeHost)
    return system.flood(host), fake


def test_a_machine_that_never_sent_a_cookie_is_sampled_once() -> None:
    found, host = flood(counters(0, overflows=7))
    assert (found.cookies_growth_count, found.between_s, host.paused_s) == (0, 0.0, 0.0)
    assert (found.tracked_count, found.tracked_limit_count) == (None, None)


def test_cookies_since_boot_are_sampled_twice() -> None:
    found, host = flood(counters(1935, 1, 2), counters(2935, 4, 8))
    assert (found.cookies_growth_count, found.requests_dropped_growth_count) == (1000, 3)
    assert (found.listen_overflows_growth_count, found.between_s, host.paused_s) == (6, 1.0, 1.0)
    assert [line.text for line in found.lines] == [
        "TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:80. Sending cookies."
    ]


def test_dropped_requests_alone_are_sampled_twice() -> None:
    assert flood(counters(0, 5), counters(0, 9))[0].requests_dropped_growth_count == 4


def test_the_connection_table_is_read_where_there_is_one() -> None:
    table = {**file(TRACKED + "count", "12\n"), **file(TRACKED + "max", "262144\n")}
    found, _ = flood(counters(0), more=table)
    assert (found.tracked_count, found.tracked_limit_count) == (12, 262144)
    with pytest.raises(ParseError):
        flood(counters(0), more=file(TRACKED + "count", "many\n"))


@pytest.mark.parametrize(
    "more",
    [
        {RunCommand(argv=LAST_HOUR): error("not_found")},
        {RunCommand(argv=LAST_HOUR): command(LAST_HOUR, exit_code=1)},
    ],
)
def test_without_a_journal_the_counters_still_tell(more: Answers) -> None:
    assert flood(counters(0), more=more)[0].lines == ()


# --- the kernel log ---

ERRORS = ("journalctl", "-k", "-p", "err", "-n", "1000", "-o", "json", "--no-pager")
ANYTHING = ("journalctl", "-k", "-n", "1", "-o", "json", "--no-pager")
SYSLOG = ScanFile(path="/var/log/messages", needles=(" kernel: ",))


def kernel_context(
    errors: Struct | HostError,
    anything: str = "",
    log: Struct | HostError | None = None,
    container: HostError | None = None,
) -> Context:
    return context(
        {
            CONTAINER: container or error("not_found"),
            AskClock(): clock(),
            RunCommand(argv=ERRORS): errors,
            RunCommand(argv=ANYTHING): command(ANYTHING, anything),
            SYSLOG: log or error("not_found"),
        }
    )


def test_the_journal_gives_kills_and_faults() -> None:
    text = captured("kernel-errors.json").replace("loop0", "sda3")
    asked = kernel_context(command(ERRORS, text))
    kills, faults = kernel.oom_kills(asked), kernel.disk_faults(asked)
    assert [kill.victim for kill in kills.entries] == ["mysqld"]
    assert [fault.kind for fault in faults.entries] == ["file_system", "file_system", "read_only"]
    assert (kills.read_at, faults.read_at) == (NOW_AT, NOW_AT)


def test_no_errors_are_believed_where_the_journal_holds_anything_of_the_kernel() -> None:
    assert kernel.disk_faults(kernel_context(command(ERRORS), '{"MESSAGE":"Linux version"}')).entries == ()


def test_an_empty_journal_is_not_believed() -> None:
    with pytest.raises(HostError) as told:
        kernel.disk_faults(kernel_context(command(ERRORS)))
    assert told.value.kind == "failed"


@pytest.mark.parametrize(
    "errors",
    [error("not_found"), command(ERRORS, exit_code=1), command(ERRORS, "not json\n"), command(ERRORS)],
)
def test_the_syslog_file_stands_in_for_the_journal(errors: Struct | HostError) -> None:
    text = "Nov 23 16:06:30 h kernel: Out of memory: Killed process 7 (httpd) total-vm:1kB\n"
    found = kernel.oom_kills(kernel_context(errors, log=content(text, modified_at=NOW_AT)))
    assert [(kill.victim, kill.line.source, kill.line.at) for kill in found.entries] == [
        ("httpd", "/var/log/messages", NOW_AT - 10)
    ]


@pytest.mark.parametrize(
    "log", [content("Nov 23 16:06:30 h sshd[1]: x\n"), error("permission"), error("not_found")]
)
def test_when_neither_tells_the_kernel_log_is_unknown_not_absent(log: Struct | HostError) -> None:
    with pytest.raises(HostError) as told:
        kernel.oom_kills(kernel_context(error("not_found"), log=log))
    assert told.value.kind in ("failed", "permission")


def in_container(errors: Struct) -> Context:
    return context(
        {
            **IN_CONTAINER,
            AskClock(): clock(),
            RunCommand(argv=ERRORS): errors,
            RunCommand(argv=ANYTHING): command(ANYTHING),
            SYSLOG: error("not_found"),
        }
    )


def test_a_container_without_kernel_messages_has_no_kernel_log() -> None:
    asked = in_container(command(ERRORS))
    with pytest.raises(HostError) as told:
        kernel.disk_faults(asked)
    assert (told.value.kind, told.value.source) == ("not_found", "/run/systemd/container")
    assert kernel.oom_kills(asked).kept_elsewhere == "a container: its kernel's messages go to its host"


def test_kernel_messages_that_a_container_does_get_count() -> None:
    found = kernel.oom_kills(in_container(command(ERRORS, captured("kernel-errors.json"))))
    assert ([kill.victim for kill in found.entries], found.kept_elsewhere) == (["mysqld"], "")


def test_whether_it_is_a_container_must_be_told() -> None:
    with pytest.raises(HostError) as told:
        kernel.oom_kills(kernel_context(command(ERRORS), container=error("timeout")))
    assert told.value.kind == "timeout"


def test_no_time_left_is_not_no_journal() -> None:
    with pytest.raises(HostError) as told:
        kernel.oom_kills(kernel_context(error("over_budget")))
    assert told.value.kind == "over_budget"
