"""Kernel messages: what was killed, which disks fail, what is harmless; and syslog files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import LogLine
from iwx_agent.parsers.journal import parse_json_lines
from iwx_agent.parsers.kernel_log import disk_faults, flood_lines, oom_kills
from iwx_agent.parsers.syslog import parse_program

CAPTURES = Path(__file__).parent / "captures" / "system"


def lines(*texts: str) -> tuple[LogLine, ...]:
    return tuple(LogLine(text=text, source="kernel") for text in texts)


def captured(name: str, *, device: str = "loop0") -> tuple[LogLine, ...]:
    text = (CAPTURES / name).read_text().replace("loop0", device).replace("loop2", "sdb")
    return parse_json_lines(text, source="journalctl -k")


def test_the_captured_kill_is_one_of_a_control_group() -> None:
    (kill,) = oom_kills(captured("kernel-errors.json"))
    assert (kill.victim, kill.in_group, kill.line.at) == ("mysqld", True, 1795461195.087138)


def test_the_captured_faults_are_found_on_real_disks() -> None:
    found = [
        (fault.device, fault.kind) for fault in disk_faults(captured("kernel-errors.json", device="sda3"))
    ]
    assert found == [
        ("sda3", "file_system"),
        ("sda3", "file_system"),
        ("sda3", "read_only"),
        ("sdb", "device"),
    ]


def test_a_loop_device_counts_for_its_file_system_only() -> None:
    text = (CAPTURES / "kernel-errors.json").read_text()
    found = disk_faults(parse_json_lines(text, source="journalctl -k"))
    assert [(fault.device, fault.kind) for fault in found] == [
        ("loop0", "file_system"),
        ("loop0", "file_system"),
        ("loop0", "read_only"),
    ]


@pytest.mark.parametrize(
    ("text", "victim", "in_group"),
    [
        ("Out of memory: Killed process 12 (httpd) total-vm:1kB, anon-rss:1kB", "httpd", False),
        ("Memory cgroup out of memory: Killed process 12 (lsphp) total-vm:1kB", "lsphp", True),
        ("Killed process 12 (spamd child) total-vm:1kB", "spamd child", False),
        ("Killed process 12 ((sd-pam)) total-vm:1kB", "(sd-pam)", False),
        ("Killed process 12, UID 48, (httpd) total-vm:1kB", "httpd", False),
    ],
)
def test_a_kill_names_its_victim(text: str, victim: str, in_group: bool) -> None:
    (kill,) = oom_kills(lines(text))
    assert (kill.victim, kill.in_group) == (victim, in_group)


def test_release_7_announces_first_and_only_the_kill_counts() -> None:
    kills = oom_kills(
        lines(
            "Memory cgroup out of memory: Kill process 7 (httpd) score 50 or sacrifice child",
            "Killed process 9 (php-fpm) total-vm:1kB",
            "Memory cgroup out of memory: Kill process 7 (httpd) score 50 or sacrifice child",
            "Out of memory: Kill process 7 (mysqld) score 900 or sacrifice child",
            "Killed process 7 (mysqld) total-vm:1kB",
        )
    )
    assert [(kill.victim, kill.in_group) for kill in kills] == [("php-fpm", True), ("mysqld", False)]


@pytest.mark.parametrize(
    ("text", "device", "kind"),
    [
        ("blk_update_request: I/O error, dev sda, sector 12345 op 0x0:(READ) flags 0x0", "sda", "device"),
        (
            "blk_update_request: critical medium error, dev nvme0n1, sector 99 op 0x0:(READ)",
            "nvme0n1",
            "device",
        ),
        ("Buffer I/O error on dev dm-0, logical block 0, async page read", "dm-0", "device"),
        ("Buffer I/O error on device sdb1, logical block 7", "sdb1", "device"),
        ("md/raid1:md0: Disk failure on sda1, disabling device.", "sda1", "device"),
        ("nvme nvme0: controller is down; will reset: CSTS=0xffffffff", "nvme0", "device"),
        (
            "EXT4-fs error (device dm-2): ext4_find_entry:1455: inode #2: comm ls: reading",
            "dm-2",
            "file_system",
        ),
        ("Aborting journal on device dm-0-8.", "dm-0", "file_system"),
        ("JBD2: Detected IO errors while flushing file data on sda3-8", "sda3", "file_system"),
        ('XFS (dm-0): Metadata I/O error in "xfs_trans_read_buf_map"', "dm-0", "file_system"),
        ("XFS (sda1): Corruption detected. Unmount and run xfs_repair", "sda1", "file_system"),
        ("XFS (sda1): Filesystem has been shut down due to log error (0x2).", "sda1", "file_system"),
        ("BTRFS critical (device sdb1): corrupt leaf: root=2 block=30", "sdb1", "file_system"),
        ("BTRFS error (device sdb1: state A): bdev /dev/sdb1 errs: wr 1, rd 0", "sdb1", "device"),
        ("BTRFS info (device sdb1: state EA): forced readonly", "sdb1", "read_only"),
        ("EXT4-fs (dm-0): Remounting filesystem read-only", "dm-0", "read_only"),
    ],
)
def test_a_fault_names_its_device_and_kind(text: str, device: str, kind: str) -> None:
    (fault,) = disk_faults(lines(text))
    assert (fault.device, fault.kind) == (device, kind)


@pytest.mark.parametrize(
    "text",
    [
        "I/O error, dev fd0, sector 0 op 0x0:(READ)",
        "blk_update_request: I/O error, dev sr0, sector 0",
        "critical target error, dev sda, sector 4096 op 0x3:(DISCARD) flags 0x800",
        "I/O error, dev sda, sector 4096 op 0x9:(WRITE_ZEROES) flags 0x800",
        "EXT4-fs (sda1): mounted filesystem with ordered data mode",
        "XFS (sda1): Ending clean mount",
        "Firewall: *TCP_IN Blocked* IN=eth0 OUT= SRC=192.0.2.1",
        "nvme nvme0: pci function 0000:00:04.0",
    ],
)
def test_what_is_harmless_is_no_fault(text: str) -> None:
    assert disk_faults(lines(text)) == ()


def test_floods_are_told_in_the_words_of_old_and_new_kernels() -> None:
    assert len(flood_lines(captured("kernel-flood.json"))) == 1
    words = lines(
        "TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.  Check SNMP counters.",
        "nf_conntrack: table full, dropping packet",
        "nf_conntrack: nf_conntrack: table full, dropping packet",
        "nf_conntrack version 0.5.0 (65536 buckets, 262144 max)",
    )
    assert flood_lines(words) == words[:3]


@given(st.text())
def test_any_message_is_harmless_to_read(text: str) -> None:
    told = lines(text, text[::-1])
    assert len(oom_kills(told)) + len(disk_faults(told)) + len(flood_lines(told)) >= 0


@pytest.mark.parametrize(
    "start", ["XFS (", "Killed process 1 (", "JBD2: ", "EXT4-fs error (device ", "error, dev "]
)
def test_ten_megabytes_on_one_line_are_read_in_linear_time(start: str) -> None:
    told = lines(start * 20_000 + "a" * 1_000_000)
    assert disk_faults(told) == ()
    assert oom_kills(told) == ()


# --- syslog files ---


def epoch(*date: int) -> float:
    return datetime(*date, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


def program(text: str, written_at: float) -> list[tuple[str, float | None]]:
    found = parse_program(text, program="kernel", source="/var/log/messages", written_at=written_at)
    return [(line.text, line.at) for line in found]


def test_a_traditional_file_gets_its_zone_from_its_last_write() -> None:
    text = "Nov 23 16:27:18 iwx1 kernel: [  12.345678] a\nNov 23 16:27:20 iwx1 systemd[1]: b\n"
    assert program(text, epoch(2026, 11, 23, 21, 27, 20)) == [("a", epoch(2026, 11, 23, 21, 27, 18))]
    assert program(text, epoch(2026, 11, 23, 10, 57, 21)) == [("a", epoch(2026, 11, 23, 10, 57, 18))]


def test_december_is_last_year_in_january() -> None:
    text = "Dec 31 23:59:58 h kernel: old\nJan  1 00:00:01 h kernel: new\n"
    found = program(text, epoch(2027, 1, 1, 0, 0, 1))
    assert found == [("old", epoch(2026, 12, 31, 23, 59, 58)), ("new", epoch(2027, 1, 1, 0, 0, 1))]


def test_a_leap_day_falls_into_the_year_that_has_one() -> None:
    text = "Feb 29 10:00:00 h kernel: leap\nMar  1 10:00:00 h kernel: after\n"
    assert program(text, epoch(2028, 3, 1, 10, 0, 0))[0] == ("leap", epoch(2028, 2, 29, 10, 0, 0))
    assert program("Feb 30 10:00:00 h kernel: never\n", epoch(2028, 3, 1, 10)) == [("never", None)]


def test_a_zone_that_cannot_be_told_gives_no_times() -> None:
    text = "Nov 23 16:27:18 h kernel: a\n"
    assert program(text, epoch(2026, 11, 23, 16, 35, 0)) == [("a", None)]
    assert program(text, epoch(2026, 11, 25, 16, 27, 18)) == [("a", None)]


def test_iso_times_are_exact_and_nonsense_ones_are_none() -> None:
    text = "2026-11-23T16:27:18.5+02:00 h kernel: a\n2026-13-23T16:27:18+00:00 h kernel: b\n"
    assert program(text, 0.0) == [("a", epoch(2026, 11, 23, 14, 27, 18) + 0.5), ("b", None)]


@pytest.mark.parametrize(
    "text",
    ["", "garbage\n", "Foo 23 16:27:18 h kernel: a\n", "Nov 23 16:27:18 h  no program\n", "\x00\xff\n"],
)
def test_what_is_no_syslog_line_is_passed_over(text: str) -> None:
    assert program(text, epoch(2026, 11, 23, 16, 27, 18)) == []


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_file_is_harmless_to_read(text: str, written_at: float) -> None:
    assert isinstance(program(text, written_at), list)
