"""``bundle``: one file to attach to a ticket."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from iwx_agent.cli.diagnosis import Budget, Debug, Deep
from iwx_agent.cli.gate import gate

if TYPE_CHECKING:
    from iwx_agent.app.bundling import Made, Wanted
    from iwx_agent.config import Settings

_EXIT_USAGE = 2
_WITHOUT_A_DISK = "Without a disk: iwx-agent bundle --stdout | ssh other-server 'cat > bundle.tar.gz'"
_SHOWN_COUNT = 10
_UNITS = {"": 1, "K": 1024, "M": 1024 * 1024}


def bundle(
    file: Annotated[
        str,
        typer.Argument(
            help="A new file, or a directory with a slash (default: ./iwx-agent-HOST-TIME.tar.gz).",
            metavar="[FILE]",
            show_default=False,
        ),
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Of a capture or another bundle.", metavar="PATH", show_default=False),
    ] = None,
    as_zip: Annotated[bool, typer.Option("--zip", help="A zip, for portals that take only that.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="To standard output; needs no disk.")] = False,
    encrypt: Annotated[
        str,
        typer.Option(help="With gpg, for a full key fingerprint or a mail address.", metavar="RECIPIENT"),
    ] = "",
    max_size: Annotated[
        str, typer.Option(help="Largest size, as 500K or 5M (default 10M).", metavar="SIZE")
    ] = "",
    note: Annotated[
        str, typer.Option(help="What you have to say to it; for its ticket.", metavar="TEXT")
    ] = "",
    budget: Budget = None,
    deep: Deep = False,
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Write report, ticket and redacted capture into one file to attach to a ticket.

    The exit code is 0 when it was written, whatever is in it. Example: iwx-agent bundle
    """
    from iwx_agent.cli.printing import not_written
    from iwx_agent.config import load_settings
    from iwx_agent.host import HostError

    settings = load_settings()
    wanted = _wanted(file, max_size, settings, note=note, as_zip=as_zip)
    argv = _command(encrypt, settings)
    if stdout and (file or sys.stdout.isatty()):
        _refuse("--stdout goes to a pipe or a file of the shell, without FILE")
    try:
        if not stdout:
            from iwx_agent.host.saving import refuse_unsavable

            refuse_unsavable(file or "./")
        made = _encrypted(_made(source, wanted, budget, deep=deep), argv)
        _put(made, file, stdout=stdout)
    except HostError as error:
        not_written("no bundle", error, "" if error.source == "gpg" else _WITHOUT_A_DISK)


def _wanted(file: str, max_size: str, settings: "Settings", *, note: str, as_zip: bool) -> "Wanted":
    from iwx_agent.app.bundling import Wanted
    from iwx_agent.cli.options import checked_note
    from iwx_agent.replay.archives import TAR, ZIP

    size_bytes = _size(max_size) if max_size else settings.bundle.size_bytes
    kind = ZIP if as_zip or file.endswith(".zip") else TAR
    return Wanted(kind=kind, size_bytes=size_bytes, note=checked_note(note), ticket=settings.ticket)


def _size(told: str) -> int:
    from iwx_agent.config.settings import BUNDLE_LEAST_BYTES, BUNDLE_MOST_BYTES

    unit = told[-1:].upper() if told[-1:].isalpha() else ""
    digits = told[: len(told) - len(unit)]
    known = digits.isascii() and digits.isdigit() and len(digits) < 12 and unit in _UNITS
    size_bytes = int(digits) * _UNITS[unit] if known else 0
    if not BUNDLE_LEAST_BYTES <= size_bytes <= BUNDLE_MOST_BYTES:
        raise typer.BadParameter(
            f"--max-size: expected 64K to 100M, as 500K or 5M or a number of bytes, got {ascii(told)[:40]}."
        )
    return size_bytes


def _command(recipient: str, settings: "Settings") -> tuple[str, ...]:
    if not recipient:
        return ()
    from iwx_agent.host.encryption import RecipientError, command_for

    try:
        return command_for(recipient, settings.bundle.gpg_home)
    except RecipientError as error:
        raise typer.BadParameter(f"--encrypt: {error}, got {ascii(recipient)[:80]}.") from None


def _made(source: Path | None, wanted: "Wanted", budget: float | None, *, deep: bool) -> "Made":
    from iwx_agent.app.bundling import BundleError, bundle_from, bundle_live
    from iwx_agent.cli.diagnosis import request_of
    from iwx_agent.cli.progress import Progress

    request = request_of("", "", budget, deep=deep, no_confirm=False)
    unsaved: list[str] = []
    try:
        with Progress(gate().terminal) as progress:
            if source is not None:
                gate().of_a_capture()
                return bundle_from(source, request, wanted, on_progress=progress.update)
            return bundle_live(request, wanted, on_progress=progress.update, on_unkept=unsaved.append)
    except BundleError as error:
        _refuse(str(error))
    finally:
        for why in unsaved:
            sys.stderr.write(f"iwx-agent: {why}\n")


def _encrypted(made: "Made", argv: tuple[str, ...]) -> "Made":
    from iwx_agent.app.bundling import encrypted

    return encrypted(made, argv) if argv else made


def _put(made: "Made", file: str, *, stdout: bool) -> None:
    if stdout:
        gate().write_released(made.data)
    else:
        from iwx_agent.host.saving import save

        path = file + made.name if file.endswith("/") else file or f"./{made.name}"
        save(path, made.data)
        sys.stdout.write(f"{path}\n{len(made.data)} bytes, sha256 {made.sha256}\n")
    for left in made.left_out[:_SHOWN_COUNT]:
        from iwx_agent.rendering.words import one_line

        sys.stderr.write(f"left out, for want of room: {one_line(left.source)} ({left.size_bytes} bytes)\n")
    if len(made.left_out) > _SHOWN_COUNT:
        sys.stderr.write(f"and {len(made.left_out) - _SHOWN_COUNT} more: see manifest.json\n")


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"iwx-agent: {why}\n")
    raise typer.Exit(_EXIT_USAGE)
