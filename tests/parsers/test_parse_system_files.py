"""Files of /proc and /etc, timedatectl, chronyc: real text and any text."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.system import TcpCounters
from iwx_agent.parsers.chrony import parse_tracking
from iwx_agent.parsers.dns_message import NS, build_query
from iwx_agent.parsers.loadavg import parse_load
from iwx_agent.parsers.meminfo import parse_meminfo
from iwx_agent.parsers.mounts import parse_fstab, parse_fstab_entries, parse_mountinfo, unescape
from iwx_agent.parsers.netstat import parse_tcp_counters
from iwx_agent.parsers.pressure import full_avg60_pct
from iwx_agent.parsers.resolv_conf import name_servers
from iwx_agent.parsers.timedatectl import parse_status

CAPTURES = Path(__file__).parent / "captures" / "system"


def captured(name: str) -> str:
    return (CAPTURES / name).read_text()


# --- mounts ---


def test_a_real_table_tells_turned_from_deliberately_read_only() -> None:
    found = {mount.mount_point: mount for mount in parse_mountinfo(captured("mountinfo.txt"))}
    states = {
        place: (found[place].read_only, found[place].turned_read_only)
        for place in ("/", "/srv/lab/m", "/srv/lab/ro dir")
    }
    assert states == {"/": (False, False), "/srv/lab/m": (True, True), "/srv/lab/ro dir": (True, False)}
    assert found["/srv/lab/bind"].device_number == found["/srv/lab/m"].device_number == "7:0"
    assert found["/dev/shm"].device_number == "0:27"  # the later mount hides 0:23


@pytest.mark.parametrize(
    ("view", "options", "read_only", "turned"),
    [
        ("rw,relatime", "rw", False, False),
        ("ro,relatime", "rw", False, False),  # a bind mount or a sandbox
        ("ro,relatime", "ro", True, False),  # mounted so
        ("rw,relatime", "ro,errors=remount-ro", True, True),
        ("rw", "rw,shutdown", True, True),
    ],
)
def test_the_two_lists_of_options_are_kept_apart(
    view: str, options: str, read_only: bool, turned: bool
) -> None:
    (mount,) = parse_mountinfo(f"260 25 8:3 / /home {view} shared:1 - ext4 /dev/sda3 {options}\n")
    assert (mount.read_only, mount.turned_read_only) == (read_only, turned)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "nonsense",
        "1 2 8:3 / /home rw ext4 /dev/sda3 rw",
        "1 2 x / /h rw - ext4 d rw",
        "1 2 - a b c",
    ],
)
def test_what_is_no_mountinfo_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_mountinfo(text)


def test_escapes_become_the_characters_they_stand_for() -> None:
    assert unescape(r"a\040b\134c\011d") == "a b\\c\td"
    assert unescape(r"\303\244") == "ä"
    assert unescape("ሴ\\040") == "ሴ "


def test_fstab_says_what_shall_be_writable() -> None:
    text = (
        "# comment\nUUID=1 / ext4 defaults 1 1\n/dev/sr0 /media/cd iso9660 ro,noauto 0 0\n"
        "/dev/sdb1 none swap sw 0 0\n/dev/sdc1 /srv/my\\040data ext4\nbroken\n"
    )
    assert parse_fstab(text) == {"/": True, "/media/cd": False, "/srv/my data": True}


def test_fstab_says_what_comes_from_where() -> None:
    text = (
        "10.99.0.10:/home /home nfs4 rw,noauto 0 0\nUUID=x / ext4\n# a b c\n10.0.0.1:/my\\040data none nfs\n"
    )
    nfs, root = parse_fstab_entries(text)
    assert (nfs.device, nfs.mount_point, nfs.type) == ("10.99.0.10:/home", "/home", "nfs4")
    assert (nfs.options, root.options) == (("rw", "noauto"), ())
    assert parse_fstab_entries("") == ()


# --- memory and load ---


def test_real_memory() -> None:
    memory = parse_meminfo(captured("meminfo.txt"), full_avg60_pct=1.5)
    assert memory.total_bytes == 24684100 * 1024
    assert 0 < memory.available_bytes < memory.total_bytes
    assert (memory.swap_total_bytes, memory.full_avg60_pct) == (0, 1.5)


def test_old_kernels_without_available_memory_have_it_reckoned() -> None:
    text = "MemTotal: 100 kB\nMemFree: 5 kB\nBuffers: 3 kB\nCached: 2 kB\nSwapTotal: 4 kB\nSwapFree: 1 kB\n"
    memory = parse_meminfo(text, full_avg60_pct=None)
    assert (memory.available_bytes, memory.swap_total_bytes, memory.swap_free_bytes) == (10240, 4096, 1024)


@pytest.mark.parametrize("text", ["", "MemTotal: 5 kB\n", captured("meminfo.txt").replace("MemTotal", "X")])
def test_half_a_meminfo_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_meminfo(text, full_avg60_pct=None)


def test_no_memory_at_all_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        parse_meminfo("MemTotal: 0 kB\nMemFree: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", full_avg60_pct=None)


def test_real_pressure_and_none() -> None:
    assert full_avg60_pct(captured("pressure-memory.txt")) == 0.0
    with pytest.raises(ParseError):
        full_avg60_pct("some avg10=0.00 avg60=99.00 avg300=0.00 total=0\n")


def test_real_load() -> None:
    assert parse_load(captured("loadavg.txt"), captured("stat.txt")).cpus_count == 2


@pytest.mark.parametrize(
    ("averages", "stat"), [("", "cpu0 1\n"), ("1.0 2.0", "cpu0 1\n"), ("1.0 2.0 3.0 1/2 3", "")]
)
def test_half_a_load_is_a_parse_error(averages: str, stat: str) -> None:
    with pytest.raises(ParseError):
        parse_load(averages, stat)


# --- network ---


def test_real_counters_of_a_flood() -> None:
    found = parse_tcp_counters(captured("netstat-flood.txt"))
    assert found == TcpCounters(cookies_sent_count=1935, requests_dropped_count=0, listen_overflows_count=0)


@pytest.mark.parametrize(
    "text",
    ["", "IpExt: A\nIpExt: 1\n", "TcpExt: A\nTcpExt: 1\n", "TcpExt: SyncookiesSent\nTcpExt: -1\n"],
)
def test_what_has_no_counters_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_tcp_counters(text)


def test_at_most_three_name_servers_count_as_for_the_c_library() -> None:
    text = "".join(f"nameserver 192.0.2.{number}\n" for number in range(1, 6))
    assert name_servers(text) == ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def test_what_is_no_name_server_is_passed_over() -> None:
    text = "search example.com\n#nameserver 192.0.2.1\nnameserver\nnameserver none\nnameserver 192.0.2.9\n"
    assert name_servers(text * 2) == ("192.0.2.9",)
    assert name_servers("") == ()


def test_the_question_to_a_resolver_is_for_the_root_and_wants_an_answer_found() -> None:
    header = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"  # recursion desired, one question
    assert build_query(".", kind=NS, recursive=True)[2:] == header + b"\x00\x00\x02\x00\x01"


# --- clock ---


@pytest.mark.parametrize(
    ("name", "synchronized", "offset_s"),
    [
        ("chronyc-tracking-normal.txt", True, 0.000000739),
        ("chronyc-tracking-fast.txt", True, 89.999992371),
        ("chronyc-tracking-unsynchronised.txt", False, None),
    ],
)
def test_real_tracking(name: str, synchronized: bool, offset_s: float | None) -> None:
    assert parse_tracking(captured(name)) == (synchronized, offset_s)


def test_a_slow_clock_is_negative() -> None:
    assert (
        parse_tracking(captured("chronyc-tracking-fast.txt").replace("fast of", "slow of"))[1]
        == -89.999992371
    )


@pytest.mark.parametrize("text", ["", "506 Cannot talk to daemon\n", "Leap status     : Normal\n"])
def test_what_is_no_tracking_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_tracking(text)


def test_timedatectl_in_the_words_of_both_releases() -> None:
    new = (
        "               Local time: Mon\nSystem clock synchronized: no\n              NTP service: inactive\n"
    )
    old = "      Local time: Mon\n     NTP enabled: yes\nNTP synchronized: yes\n RTC in local TZ: no\n"
    assert parse_status(new) == (False, False)
    assert parse_status(old) == (True, True)
    assert parse_status("NTP synchronized: yes\n") == (True, None)
    assert parse_status("NTP synchronized: yes\nNTP enabled: n/a\n") == (True, None)


@pytest.mark.parametrize("text", ["", "System clock synchronized: maybe\n", "NTP service: active\n"])
def test_timedatectl_that_does_not_say_is_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_status(text)


PARSERS: tuple[Callable[[str], object], ...] = (
    parse_mountinfo,
    parse_fstab,
    lambda text: parse_meminfo(text, full_avg60_pct=None),
    full_avg60_pct,
    lambda text: parse_load(text, text),
    parse_tcp_counters,
    name_servers,
    parse_tracking,
    parse_status,
)


@given(st.text())
def test_any_text_gives_a_value_or_a_parse_error(text: str) -> None:
    for parse in PARSERS:
        with contextlib.suppress(ParseError):
            assert parse(text) is not None


@pytest.mark.parametrize(
    "start", ["", "nameserver ", "TcpExt: ", "cpu", "Leap status : ", "MemTotal: 1", "\\040"]
)
def test_ten_megabytes_on_one_line_do_no_harm(start: str) -> None:
    for parse in PARSERS:
        with contextlib.suppress(ParseError):
            parse(start + "9\x00" * 1_000_000 + " " * 1_000_000)
