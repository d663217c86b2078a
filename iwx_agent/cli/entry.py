"""The command line as a whole: the typer application, and the wall where errors become a line and a code."""

import errno
import functools
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from iwx_agent.cli import (
    assistance,
    bundling,
    catalogue,
    configuration,
    diagnosis,
    doctor,
    outbox,
    reveal,
    saved,
    sending,
    switching,
    ticketing,
    watching,
    why,
)
from iwx_agent.cli.gate import EXIT_STOPPED, Gate, gate

EXIT_USAGE = 2
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130
# What only writing can run into: all else of the machine reaches this file as another kind of error.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)

_EPILOG = (
    "Exit codes: 0 nothing wrong, 1 problems but no emergency, 2 wrong usage, 3 an emergency, "
    "4 nothing found but some checks could not tell, 5 a ticket could not be delivered, "
    "70 the agent itself failed."
)


def application() -> typer.Typer:
    """Return the application with all its commands."""
    app = typer.Typer(
        name="iwx-agent",
        help="Find emergencies on this InterWorx server and write the support ticket.",
        epilog=_EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(invoke_without_command=True)(_root)
    app.command()(_guarded(diagnosis.diagnose))
    app.command()(_guarded(ticketing.ticket))
    app.command()(_guarded(sending.submit))
    app.add_typer(
        _group(
            "auto",
            "File tickets by itself, from the timer: one run, on, off.",
            {"run": sending.run, "enable": switching.enable, "disable": switching.disable},
        )
    )
    app.command()(_guarded(diagnosis.capture))
    app.command()(_guarded(bundling.bundle))
    app.command()(_guarded(catalogue.checks, own_words=True))
    app.command()(_guarded(catalogue.explain, own_words=True))
    app.command()(_guarded(why.why))
    app.command()(_guarded(saved.report))
    app.command()(_guarded(saved.diff))
    app.command()(_guarded(watching.incidents))
    app.command()(_guarded(watching.ignore))
    app.command()(_guarded(reveal.reveal))
    app.command()(_guarded(doctor.doctor))
    app.add_typer(
        _group(
            "outbox",
            "Look at what waits to be sent, send a draft, try again, or drop it.",
            {"list": outbox.list_texts, "show": outbox.show, "retry": outbox.retry, "drop": outbox.drop},
        )
    )
    app.add_typer(
        _group(
            "remote-assistance",
            "Let InterWorx support in, or look whether they could come in. Every ticket needs it.",
            {"status": assistance.status, "enable": assistance.enable, "disable": assistance.disable},
        )
    )
    app.add_typer(
        _group(
            "config",
            "Show what is set and where, or look whether it can be used.",
            {"show": configuration.show, "check": configuration.check},
        )
    )
    return app


def _group(name: str, words: str, commands: Mapping[str, Callable[..., None]]) -> typer.Typer:
    """Return a group of commands by their names."""
    group = typer.Typer(name=name, help=words, no_args_is_help=True, rich_markup_mode=None)
    for called, command in commands.items():
        group.command(called)(_guarded(command))
    return group


class _InterruptedError(Exception):
    """Ctrl-C inside a command."""


class _ClosedPipeError(Exception):
    """Whoever read the output has gone."""


def _guarded(command: Callable[..., None], *, own_words: bool = False) -> Callable[..., None]:
    """Return the command with the two endings that typer would turn into exit code 1 as errors of our own.

    What it prints is compared with the server's secrets, unless it prints the agent's ``own_words`` only.
    """

    @functools.wraps(command)
    def guarded(*arguments: object, **options: object) -> None:
        gate().begin(own_words=own_words)
        try:
            command(*arguments, **options)
        except BrokenPipeError:
            raise _ClosedPipeError from None
        except KeyboardInterrupt:
            raise _InterruptedError from None

    return guarded


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting for this run, as budget_s=60.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    if given:
        from iwx_agent.cli.options import take_settings

        take_settings(given)
    if version:
        from iwx_agent import __version__

        typer.echo(f"iwx-agent {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; all that it writes passes the gate."""
    _write_anything()
    with Gate(sys.stdout, sys.stderr) as way_out:
        if not arguments:
            way_out.plain(wholly=True)  # there is nothing but help
        code = _ended(arguments)
        if code == 0 and way_out.untouched:
            way_out.plain()  # help, or the version
        code = _let_out(way_out, code)
    if way_out.wrote or way_out.stopped or code == EXIT_INTERRUPTED:
        return code
    from iwx_agent.cli import plugin

    return plugin.unknown() if plugin.is_asked_for(arguments) else code


def _let_out(way_out: Gate, code: int) -> int:
    try:
        return code if way_out.let_out() else EXIT_STOPPED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return EXIT_INTERRUPTED
    except OSError as error:
        return _say(error, debug=False)


def _ended(arguments: Sequence[str]) -> int:
    """Return the exit code of a command; nothing but this function decides what an exception means."""
    try:
        application()(args=list(arguments), prog_name="iwx-agent")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_INTERNAL
    except (_InterruptedError, KeyboardInterrupt):
        sys.stderr.write("iwx-agent: interrupted; nothing was left running\n")
        return EXIT_INTERRUPTED
    except (_ClosedPipeError, BrokenPipeError):
        _drop_output()
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the wall
        return _say(error, debug="--debug" in arguments)
    return 0


def _write_anything() -> None:
    """Let standard output take every character in every locale: escaped rather than not at all."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Send what is still buffered nowhere, or the interpreter complains at exit with a code of its own."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(error: Exception, *, debug: bool) -> int:
    """Say an exception in a line: a wrong file, capture or state is usage, all else a defect of the agent."""
    import traceback

    from iwx_agent.config import ConfigError
    from iwx_agent.redact import CanaryError
    from iwx_agent.rendering.words import one_line
    from iwx_agent.replay import CaptureError
    from iwx_agent.state import StateError

    if isinstance(error, CanaryError):
        gate().stop(error)
        return EXIT_STOPPED
    if debug:  # in one piece: the gate looks at each piece by itself
        sys.stderr.write("".join(traceback.format_exception(error)))
    if isinstance(error, ConfigError):  # own words: a rule would hide what follows a key
        gate().say(f"iwx-agent: {one_line(str(error), 1000)}\n".encode(), "redacted")
        return EXIT_USAGE
    if isinstance(error, CaptureError):
        sys.stderr.write(f"iwx-agent: {one_line(str(error), 1000)}\n")
        return EXIT_USAGE
    if isinstance(error, StateError):
        sys.stderr.write(f"iwx-agent: {one_line(str(error), 1000)}\n{error.next_step}\n")
        return EXIT_USAGE
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        _drop_output()
        why = one_line(error.strerror or str(error))
        sys.stderr.write(
            f"iwx-agent: the output could not be written: {why}\n"
            "Print it on the terminal, or into a file on another file system.\n"
        )
        return EXIT_INTERNAL
    said = one_line(f"{type(error).__name__}: {error}", 500)
    hint = "" if debug else "Run it again with --debug to see where.\n"
    sys.stderr.write(f"iwx-agent: internal error: {said}\n{hint}")
    return EXIT_INTERNAL
