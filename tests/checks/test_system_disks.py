"""Disk space, inodes, read-only, disk errors: each limit from both sides, and what is well as it is."""

from typing import Any

import pytest

from iwx_agent.checks import system_disk_errors, system_disk_space, system_inodes, system_read_only
from iwx_agent.model import Finding, LogLine, Missing, Severity, moment
from iwx_agent.model.system import (
    DiskFault,
    DiskFaultKind,
    DiskFaults,
    FileSystem,
    FileSystems,
    Mount,
    Role,
    ServicePath,
)

MIB = 1024**2
GIB = 1024**3
NOW_AT = 1_795_450_000.0
GONE = Missing(reason="could not be read")


def mount(place: str = "/var", **more: Any) -> Mount:
    fields: dict[str, Any] = {"device": "/dev/sda3", "type": "ext4", "device_number": "8:3", **more}
    return Mount(mount_point=place, **fields)


def file_system(of: Mount | None = None, *, role: Role | None = "mail_queue", **more: Any) -> FileSystem:
    """Give one that is half full unless told otherwise; ``used_bytes`` and ``total_bytes`` make its space."""
    total_bytes = more.pop("total_bytes", 100 * GIB)
    available_bytes = more.pop("available_bytes", total_bytes // 2)
    inodes = {"inodes_count": 1_000_000, "inodes_free_count": 500_000}
    writers = (ServicePath(path="/var/qmail/queue", role=role),) if role else ()
    return FileSystem(
        mount=of or mount(),
        writers=writers,
        total_bytes=total_bytes,
        free_bytes=available_bytes,
        available_bytes=available_bytes,
        **{**inodes, **more},
    )


def all_of(*entries: FileSystem) -> FileSystems:
    return FileSystems(entries=entries)


# --- space ---


def space(*entries: FileSystem) -> list[Finding]:
    return list(system_disk_space.judge(all_of(*entries), system_disk_space.Limits()))


@pytest.mark.parametrize(
    ("total_bytes", "available_bytes", "codes"),
    [
        (100 * GIB, 50 * GIB, []),
        (100 * GIB, 0, ["SYSTEM-001"]),
        (10_000 * MIB, 200 * MIB, ["SYSTEM-001"]),  # 98.0 % and 200 MiB: both limits met
        (10_000 * MIB, 200 * MIB + 1, ["SYSTEM-002"]),  # below 98 %
        (100_000 * MIB, 201 * MIB, ["SYSTEM-002"]),  # 99.8 %, but more than 200 MiB
        (1000 * MIB, 21 * MIB, ["SYSTEM-002"]),  # little in bytes, but 97.9 %
        (1000 * MIB, 50 * MIB, ["SYSTEM-002"]),  # 95.0 %
        (1000 * MIB, 51 * MIB, []),
        (10_000 * GIB, 200 * GIB, []),  # 98 % of a large disk
        (200 * GIB, 5 * GIB, ["SYSTEM-002"]),
        (200 * GIB, 5 * GIB + 1, []),
    ],
)
def test_full_is_a_share_and_a_size_together(
    total_bytes: int, available_bytes: int, codes: list[str]
) -> None:
    found = space(file_system(total_bytes=total_bytes, available_bytes=available_bytes))
    assert [finding.code for finding in found] == codes


def test_a_full_file_system_names_what_it_stops() -> None:
    (finding,) = space(file_system(available_bytes=0))
    assert (finding.severity, finding.subject, finding.touches) == (Severity.ERROR, "/var", ("mail",))
    assert "/var/qmail/queue" in finding.detail


def test_what_root_may_still_write_does_not_count() -> None:
    reserved = FileSystem(mount=mount(), total_bytes=100 * GIB, free_bytes=5 * GIB, available_bytes=0)
    assert reserved.used_pct == 100.0
    assert [finding.code for finding in space(reserved)] == ["SYSTEM-003"]


def test_a_full_file_system_of_no_service_is_a_warning() -> None:
    (finding,) = space(file_system(mount("/backup"), role=None, available_bytes=0))
    assert (finding.code, finding.severity, finding.touches) == ("SYSTEM-003", Severity.WARNING, ())
    assert "No service" in finding.detail


@pytest.mark.parametrize(
    "quiet",
    [
        file_system(mount(read_only=True), available_bytes=0),
        file_system(total_bytes=0, available_bytes=0),
    ],
)
def test_what_cannot_be_written_to_or_has_no_size_is_not_full(quiet: FileSystem) -> None:
    assert space(quiet) == []


@pytest.mark.parametrize("role", ["sites", None])
def test_one_that_does_not_answer_is_an_error_whoever_writes_there(role: Role | None) -> None:
    hung = FileSystem(
        mount=mount("/home", device="nas.example.com:/home", type="nfs4"),
        writers=(ServicePath(path="/home", role=role),) if role else (),
        answered=False,
        detail="no answer within 3.0 s",
        limit_s=3.0,
    )
    (finding,) = space(hung)
    assert (finding.code, finding.severity) == ("SYSTEM-004", Severity.ERROR)
    assert "nas.example.com:/home" in finding.detail


def test_a_hostile_mount_point_is_quoted_in_the_remedy() -> None:
    (finding,) = space(file_system(mount("/x; rm -rf y"), available_bytes=0))
    assert all("/x; rm" not in step or "'/x; rm -rf y'" in step for step in finding.remedy)


# --- inodes ---


def inodes(*entries: FileSystem) -> list[Finding]:
    return list(system_inodes.judge(all_of(*entries), system_inodes.Limits()))


@pytest.mark.parametrize(
    ("count", "free_count", "codes"),
    [
        (1_000_000, 500_000, []),
        (1_000_000, 0, ["SYSTEM-010"]),
        (1_000_000, 200, ["SYSTEM-010"]),
        (1_000_000, 201, ["SYSTEM-011"]),
        (10_000, 101, ["SYSTEM-011"]),  # 98.99 %
        (10_000, 100, ["SYSTEM-010"]),
        (1_000_000, 50_000, ["SYSTEM-011"]),
        (1_000_000, 50_001, []),
        (100_000_000, 50_001, []),
        (0, 0, []),  # btrfs and vfat do not count
    ],
)
def test_inodes_run_out_by_share_and_number_together(count: int, free_count: int, codes: list[str]) -> None:
    found = inodes(file_system(inodes_count=count, inodes_free_count=free_count))
    assert [finding.code for finding in found] == codes


def test_a_file_system_that_counts_no_inodes_has_none_used() -> None:
    assert file_system(inodes_count=0, inodes_free_count=0).inodes_used_pct == 0.0


def test_severity_is_error_only_where_services_write() -> None:
    found = inodes(
        file_system(inodes_free_count=0), file_system(mount("/backup"), role=None, inodes_free_count=0)
    )
    assert [(f.subject, f.severity) for f in found] == [
        ("/var", Severity.ERROR),
        ("/backup", Severity.WARNING),
    ]


def test_xfs_without_space_is_short_of_space_not_of_inodes() -> None:
    xfs = mount(type="xfs")
    assert inodes(file_system(xfs, available_bytes=4 * GIB, inodes_free_count=0)) == []
    found = inodes(file_system(xfs, available_bytes=5 * GIB, inodes_free_count=0))
    assert [finding.code for finding in found] == ["SYSTEM-010"]


@pytest.mark.parametrize("more", [{"answered": False}, {"of": mount(read_only=True)}])
def test_inodes_that_mean_nothing_are_not_judged(more: dict[str, Any]) -> None:
    assert inodes(file_system(inodes_free_count=0, **more)) == []


# --- read-only ---


def fault(device: str, kind: DiskFaultKind = "device", at: float | None = NOW_AT - 60) -> DiskFault:
    return DiskFault(device=device, kind=kind, line=LogLine(text=f"{kind} {device}", source="journal", at=at))


def faults(*entries: DiskFault) -> DiskFaults:
    return DiskFaults(entries=entries, read_at=NOW_AT)


def read_only(entry: FileSystem, told: DiskFaults | Missing = GONE) -> list[Finding]:
    return list(system_read_only.judge(all_of(entry), told))


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        (file_system(), 0),
        (file_system(wanted_read_write=True), 0),
        (file_system(mount(read_only=True)), 0),  # mounted so, and fstab does not name it
        (file_system(mount(read_only=True), wanted_read_write=False), 0),
        (file_system(mount(read_only=True), wanted_read_write=True), 1),
        (file_system(mount(read_only=True, turned_read_only=True)), 1),
        (file_system(mount(read_only=True, turned_read_only=True), wanted_read_write=False), 1),
    ],
)
def test_read_only_is_a_fault_only_where_it_is_not_meant(entry: FileSystem, count: int) -> None:
    assert [finding.code for finding in read_only(entry)] == ["SYSTEM-020"] * count


def test_the_kernels_words_give_reason_and_moment() -> None:
    told = faults(
        fault("sda3", "file_system", NOW_AT - 90), fault("sda3", "read_only"), fault("sdb1", "read_only")
    )
    (finding,) = read_only(file_system(mount(read_only=True)), told)
    assert finding.since_at == moment(NOW_AT - 60)
    assert [evidence.text for evidence in finding.evidence[1:]] == ["file_system sda3", "read_only sda3"]
    assert (finding.severity, finding.touches) == (Severity.ERROR, ("mail",))


def test_one_that_was_mounted_writable_again_is_history() -> None:
    assert read_only(file_system(), faults(fault("sda3", "read_only"))) == []


def test_without_a_writer_it_is_a_warning() -> None:
    (finding,) = read_only(file_system(mount(read_only=True, turned_read_only=True), role=None))
    assert (finding.severity, finding.since_at) == (Severity.WARNING, None)


@pytest.mark.parametrize(
    ("device", "of", "lies"),
    [
        ("sda3", mount(), True),
        ("sda", mount(), True),
        ("sda1", mount(), False),
        ("sd", mount(), False),
        ("sda", mount(device="/dev/sdaa1"), False),
        ("nvme0n1", mount(device="/dev/nvme0n1p2"), True),
        ("nvme0", mount(device="/dev/nvme0n1p2"), False),
        ("dm-0", mount(device="/dev/mapper/rl-root", device_number="253:0"), True),
        ("dm-1", mount(device="/dev/mapper/rl-root", device_number="253:0"), False),
        ("dm-3", mount(), False),
    ],
)
def test_a_mount_knows_its_device_in_the_kernels_words(device: str, of: Mount, lies: bool) -> None:
    assert of.lies_on(device) is lies


# --- disk errors ---


def errors(told: DiskFaults, known: FileSystems | Missing = GONE) -> list[Finding]:
    return list(system_disk_errors.judge(told, known, system_disk_errors.Limits()))


@pytest.mark.parametrize(("age_s", "count"), [(0.0, 1), (86_399.0, 1), (86_400.0, 1), (86_401.0, 0)])
def test_errors_of_the_last_day_count(age_s: float, count: int) -> None:
    assert len(errors(faults(fault("sda", at=NOW_AT - age_s)))) == count


def test_each_device_is_one_finding_with_its_first_moment() -> None:
    found = errors(faults(fault("sda", at=NOW_AT - 500), fault("sdb"), fault("sda", at=NOW_AT - 5)))
    assert [(f.subject, f.since_at) for f in found] == [
        ("sda", moment(NOW_AT - 500)),
        ("sdb", moment(NOW_AT - 60)),
    ]
    assert found[0].severity == Severity.ERROR
    assert "2 message(s)" in found[0].detail


def test_many_messages_are_quoted_first_and_last() -> None:
    told = [fault("sda", at=NOW_AT - 100 + number) for number in range(50)]
    (finding,) = errors(faults(*told))
    assert [e.seen_at for e in finding.evidence] == [moment(NOW_AT - 100 + n) for n in (0, 1, 2, 3, 49)]


def test_a_message_without_a_time_counts_but_gives_no_beginning() -> None:
    (finding,) = errors(faults(fault("sda", at=None)))
    assert (finding.since_at, finding.since_source) == (None, "")


def test_errors_reach_what_lies_on_the_device_or_on_the_layers_above_it() -> None:
    home = file_system(mount("/home"), role="sites")
    root = file_system(mount("/", device="/dev/mapper/rl-root", device_number="253:0"), role="mail_queue")
    found = errors(faults(fault("sda"), fault("dm-0"), fault("sdb")), all_of(home, root))
    assert {f.subject: f.touches for f in found} == {
        "sda": ("web", "ftp"),
        "dm-0": ("mail",),
        "sdb": ("mail",),
    }


@pytest.mark.parametrize(
    ("devices", "subject"),
    [
        (("sda", "sda3"), "sda"),
        (("vdb1", "vdb2"), "vdb"),
        (("nvme0n1p2", "nvme0n1"), "nvme0n1"),
        (("dm-0", "dm-0"), "dm-0"),
        (("md127",), "md127"),
        (("nvme0",), "nvme0"),
    ],
)
def test_partitions_of_one_disk_are_one_finding(devices: tuple[str, ...], subject: str) -> None:
    assert [f.subject for f in errors(faults(*map(fault, devices)))] == [subject]


def test_a_damaged_file_system_reaches_only_itself_on_its_disk() -> None:
    home = file_system(mount("/home", device="/dev/sda2"), role="sites")
    (finding,) = errors(faults(fault("sda3", "file_system")), all_of(home, file_system()))
    assert (finding.subject, finding.touches) == ("sda", ("mail",))


def test_a_device_that_carries_nothing_known_reaches_nothing() -> None:
    (finding,) = errors(faults(fault("sdb")), all_of(file_system()))
    assert (finding.touches, "no file system" in finding.detail) == ((), True)
