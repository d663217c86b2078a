"""Limits that an administrator has set otherwise, put into the checks they belong to."""

import math
from collections.abc import Iterable, Mapping

from msgspec.structs import fields, replace

from iwx_agent.checks import ALL
from iwx_agent.config import nearest, wrong_setting
from iwx_agent.model import Check

Wanted = Mapping[str, Mapping[str, int | float | str | bool]]


def with_limits(checks: Iterable[Check], wanted: Wanted) -> tuple[Check, ...]:
    """Return the checks with the limits of ``config.toml`` (check id to limit to value) in place of theirs.

    Raises:
        ConfigError: for a check or limit that does not exist, or a value that is no limit.
    """
    known = {check.id: check for check in (*checks, *ALL)}
    for check_id, values in wanted.items():
        if check_id not in known:
            raise wrong_setting(f"limits.{check_id}", f"unknown check{nearest(check_id, set(known))}")
        limits = known[check_id].limits
        names = {field.name for field in fields(limits)} if limits is not None else set()
        for name, value in values.items():
            key = f"limits.{check_id}.{name}"
            if name not in names:
                raise wrong_setting(key, f"unknown limit{nearest(name, names)}")
            if isinstance(value, str | bool) or not math.isfinite(value) or value < 0:
                raise wrong_setting(key, f"expected a number from 0 on, got {value!r}")
    return tuple(_with(check, wanted.get(check.id, {})) for check in checks)


def _with(check: Check, values: Mapping[str, int | float | str | bool]) -> Check:
    if not values or check.limits is None:
        return check
    return replace(check, limits=replace(check.limits, **values))
