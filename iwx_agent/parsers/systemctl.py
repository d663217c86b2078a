"""``systemctl show``: blocks of ``Key=value`` divided by empty lines, one block per unit.

Times come as microseconds of the monotonic clock, which every systemd since release 219 prints alike;
wall-clock times depend on the version and the zone.

>>> show = "Id=httpd.service\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\nResult=signal\\n"
>>> unit, = parse_show(show + "StateChangeTimestampMonotonic=5000000\\n", booted_at=100.0)
>>> unit.name, unit.failed, unit.result, unit.state_change_at
('httpd.service', True, 'signal', 105.0)
"""

from iwx_agent.model import ParseError, Unit

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "Type",
    "MainPID",
    "ExecMainCode",
    "ExecMainStatus",
    "NRestarts",
    "UnitFileState",
    "ActiveEnterTimestampMonotonic",
    "InactiveEnterTimestampMonotonic",
    "StateChangeTimestampMonotonic",
)


def parse_show(text: str, *, booted_at: float) -> tuple[Unit, ...]:
    """Return the units in the order printed; ``booted_at`` turns monotonic times into epoch seconds."""
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    if not blocks:
        raise ParseError("blocks of Key=value from systemctl show")
    return tuple(_unit(block, booted_at) for block in blocks)


def _unit(block: str, booted_at: float) -> Unit:
    values: dict[str, str] = {}
    for line in block.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key] = value
    if not values.get("Id") or "LoadState" not in values or "ActiveState" not in values:
        raise ParseError("Id, LoadState and ActiveState of a unit", block)
    return Unit(
        name=values["Id"],
        load_state=values["LoadState"],
        active_state=values["ActiveState"],
        sub_state=values.get("SubState", ""),
        result=values.get("Result", ""),
        type=values.get("Type", ""),
        main_pid=_number(values, "MainPID"),
        exec_main_code=_number(values, "ExecMainCode"),
        exec_main_status=_number(values, "ExecMainStatus"),
        restarts_count=_number(values, "NRestarts"),
        unit_file_state=values.get("UnitFileState", ""),
        active_enter_at=_instant(values, "ActiveEnterTimestampMonotonic", booted_at),
        inactive_enter_at=_instant(values, "InactiveEnterTimestampMonotonic", booted_at),
        state_change_at=_instant(values, "StateChangeTimestampMonotonic", booted_at),
    )


def _number(values: dict[str, str], key: str) -> int:
    value = values.get(key, "0") or "0"
    if not (value.isascii() and value.isdigit()) or len(value) > 20:
        raise ParseError(f"a number in {key}", value)
    return int(value)


def _instant(values: dict[str, str], key: str, booted_at: float) -> float | None:
    microseconds = _number(values, key)
    return booted_at + microseconds / 1e6 if microseconds else None
