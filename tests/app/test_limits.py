"""Limits set in config.toml: put into their check, and refused when no check has them."""

from pathlib import Path

import msgspec
import pytest
from iwxlab_lib.judged import SETTINGS

from iwx_agent.app.limits import with_limits
from iwx_agent.checks import ALL
from iwx_agent.checks.system_clock import CHECK as CLOCK
from iwx_agent.checks.system_clock import Limits as ClockLimits
from iwx_agent.checks.system_inodes import CHECK as INODES
from iwx_agent.config import ConfigError, load_settings


def test_a_limit_is_replaced_and_the_others_stay() -> None:
    clock, inodes = with_limits((CLOCK, INODES), {"system.clock": {"settle_s": 5}})
    assert clock.limits == ClockLimits(settle_s=5)
    assert inodes == INODES
    assert CLOCK.limits == ClockLimits()  # the declaration itself is not touched


def test_nothing_wanted_changes_nothing() -> None:
    assert with_limits(ALL, {}) == ALL


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"system.clok": {}}, r"limits\.system\.clok: unknown check; did you mean system\.clock\?"),
        ({"system.clock": {"setle_s": 1}}, r"limits\.system\.clock\.setle_s: .*did you mean settle_s\?"),
        ({"system.clock": {"settle_s": -1}}, "expected a number from 0 on, got -1"),
        ({"system.clock": {"settle_s": float("nan")}}, "expected a number from 0 on, got nan"),
        ({"system.clock": {"settle_s": float("inf")}}, "expected a number from 0 on, got inf"),
        ({"ftp.server": {"any": 1}}, r"limits\.ftp\.server\.any: unknown limit"),
    ],
)
def test_a_limit_that_nobody_has_is_an_error_also_when_its_check_does_not_run(
    wanted: dict[str, dict[str, float]], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        with_limits((INODES,), wanted)


def test_the_settings_of_the_lab_hold(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS)
    settings = load_settings(tmp_path)
    assert with_limits((CLOCK,), settings.limits)[0].limits == ClockLimits(settle_s=0)


@pytest.mark.parametrize("value", ['"5"', "true"])
def test_a_limit_is_a_number_and_the_error_names_its_line(etc: Path, value: str) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text(f'budget_s = 9\n\n[limits."system.clock"]\nsettle_s = {value}\n')
    with pytest.raises(ConfigError, match=r"config\.toml:4: .*expected a number from 0 on, got"):
        with_limits((CLOCK,), load_settings().limits)


def test_every_limit_of_every_check_is_a_number() -> None:
    for check in ALL:
        values = msgspec.to_builtins(check.limits) if check.limits is not None else {}
        assert all(isinstance(value, int | float) for value in values.values()), check.id
