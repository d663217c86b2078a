"""systemctl show: blocks in order, times from the monotonic clock, or ParseError."""

import doctest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError, Unit
from iwx_agent.parsers import systemctl
from iwx_agent.parsers.systemctl import parse_show

CAPTURE = Path(__file__).parent / "captures" / "systemctl" / "show.txt"


def test_sample() -> None:
    assert doctest.testmod(systemctl).failed == 0


def test_a_captured_answer() -> None:
    """Values compared by eye with the capture: a forking unit, a simple one, one that does not exist."""
    forking, simple, absent = parse_show(CAPTURE.read_text(), booted_at=1000.0)
    assert [(u.name, u.load_state, u.active_state, u.sub_state) for u in (forking, simple, absent)] == [
        ("iworx.service", "loaded", "active", "running"),
        ("httpd.service", "loaded", "active", "running"),
        ("iworxphp72-php-fpm.service", "not-found", "inactive", "dead"),
    ]
    assert [(u.type, u.main_pid, u.unit_file_state) for u in (forking, simple, absent)] == [
        ("forking", 0, "enabled"),
        ("simple", 39, "enabled"),
        ("", 0, ""),
    ]
    assert (forking.running, absent.running, forking.failed) == (True, False, False)
    assert (forking.exists, absent.exists) == (True, False)
    assert forking.active_enter_at == pytest.approx(1000.0 + 4231.136934)
    assert (forking.inactive_enter_at, absent.state_change_at) == (None, None)


def test_every_property_that_is_asked_for_is_read() -> None:
    values = dict(
        zip(
            systemctl.PROPERTIES,
            ["x.service", "loaded", "failed", "failed", "signal", "simple"],
            strict=False,
        )
    )
    values |= {name: str(number) for number, name in enumerate(systemctl.PROPERTIES) if name not in values}
    values["UnitFileState"] = "enabled"
    (unit,) = parse_show("\r\n".join(f"{key}={value}" for key, value in values.items()), booted_at=10.0)
    assert unit == Unit(
        name="x.service",
        load_state="loaded",
        active_state="failed",
        sub_state="failed",
        result="signal",
        type="simple",
        main_pid=6,
        exec_main_code=7,
        exec_main_status=8,
        restarts_count=9,
        unit_file_state="enabled",
        active_enter_at=10.0 + 11e-6,
        inactive_enter_at=10.0 + 12e-6,
        state_change_at=10.0 + 13e-6,
    )


def test_what_an_old_systemd_does_not_know_is_left_out_or_empty() -> None:
    (unit,) = parse_show("Id=a\nLoadState=loaded\nActiveState=active\nNRestarts=\nodd line\n", booted_at=0)
    assert (unit.restarts_count, unit.result, unit.state_change_at) == (0, "", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Failed to connect to bus",
        "Id=a\nLoadState=loaded",
        "Id=\nLoadState=loaded\nActiveState=active",
        "LoadState=loaded\nActiveState=active",
        "Id=a\nActiveState=active",
        "Id=a\nLoadState=loaded\nActiveState=active\nMainPID=-1",
        "Id=a\nLoadState=loaded\nActiveState=active\nMainPID=٣",
        "Id=a\nLoadState=loaded\nActiveState=active\nMainPID=" + "9" * 21,
        "Id=a\nLoadState=loaded\nActiveState=active\n\nId=b",
    ],
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_show(text, booted_at=0)


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["Id=a", "LoadState=x", "ActiveState=y", "MainPID=1", ""])).map("\n".join)
)
def test_any_text_gives_units_or_an_error(text: str) -> None:
    try:
        units = parse_show(text, booted_at=0)
    except ParseError:
        return
    assert units
    assert all(unit.name for unit in units)
