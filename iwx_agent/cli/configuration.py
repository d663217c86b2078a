"""``config``: what holds and where it was set, and whether it can be used."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from iwx_agent.cli.diagnosis import Debug
from iwx_agent.cli.gate import gate

if TYPE_CHECKING:
    from iwx_agent.app.configuration import Checked, Fault, Shown

_EXIT_USAGE = 2
_SCHEMA_VERSION = 1
_KEY_CHARACTERS, _VALUE_CHARACTERS = 40, 300
_Format = Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")]


def show(
    output: _Format = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Print every setting that holds and where it was set; secrets are hidden.

    Example: iwx-agent config show
    """
    from iwx_agent.app.configuration import shown_settings
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    gate().redacted()  # own words: no secret stands among settings, and a rule would hide what keys name
    shown = shown_settings()
    if output == "json":
        settings = [
            {
                "key": one.key,
                "value": one.value,
                "origin": one.origin.kind,
                "name": one.origin.name,
                "line": one.line,
            }
            for one in shown
        ]
        _print_json({"schema_version": _SCHEMA_VERSION, "settings": settings})
    else:
        sys.stdout.writelines(f"{line}\n" for line in map(_line, shown))


def check(
    output: _Format = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Look whether all that is set up can be used, each way to send as well; ends with 2 when not.

    Example: iwx-agent config check
    """
    from iwx_agent.app.configuration import check_configuration
    from iwx_agent.cli.options import one_of

    one_of(output, ("text", "json"), "--format")
    gate().redacted()
    checked = check_configuration()
    if output == "json":
        import msgspec

        told = {"schema_version": _SCHEMA_VERSION, "valid": not checked.faults}
        _print_json(told | msgspec.to_builtins(checked))
    else:
        _print_checked(checked)
    raise typer.Exit(_EXIT_USAGE if checked.faults else 0)


def _print_checked(checked: "Checked") -> None:
    from iwx_agent.rendering.words import one_line

    wrong = {fault.part for fault in checked.faults}
    for part in checked.parts:
        sys.stdout.write(f"{'wrong' if part in wrong else 'ok':<7}{part}\n")
        for fault in checked.faults:
            if fault.part == part:
                sys.stdout.write(f"       {_told(fault)}\n")
                if fault.fix:
                    sys.stdout.write(f"       Fix: {one_line(fault.fix, 500)}\n")
    for note in checked.notes:
        sys.stdout.write(f"note   {one_line(note, 500)}\n")
    if checked.faults:
        sys.stdout.write("Next: mend what is wrong, then run it again: iwx-agent config check\n")
    else:
        sys.stdout.write("Next: what holds, and where it was set: iwx-agent config show\n")


def _told(fault: "Fault") -> str:
    from iwx_agent.rendering.words import one_line

    place = f"{fault.path}:{fault.line}" if fault.line else fault.path
    return one_line(": ".join(filter(None, (place, fault.key, fault.why))), 1000)


def _line(one: "Shown") -> str:
    """Return a setting as it is written in TOML, and where it was set as a comment."""
    from iwx_agent.rendering.words import one_line

    place = one.origin.name or one.origin.kind
    if one.origin.kind == "environment":
        place = f"environment, {one.origin.name}"
    if one.origin.kind == "command line":
        place = "command line"
    where = f"{place}:{one.line}" if one.line else place
    value = one_line(_toml(one.value), _VALUE_CHARACTERS)
    key = one.key
    if key.startswith("limits."):  # a check's id has a dot in it
        check_id, _, name = key.removeprefix("limits.").rpartition(".")
        key = f'limits."{check_id}".{name}'
    return f"{f'{one_line(key)} = {value}':<{_KEY_CHARACTERS}}  # {one_line(where)}"


def _toml(value: object) -> str:
    import msgspec

    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return msgspec.json.encode(value).decode()


def _print_json(told: object) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    sys.stdout.buffer.flush()
