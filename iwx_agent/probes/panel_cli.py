"""Ask the panel's command line: read actions only, as JSON and, where that is refused, as plain columns."""

import re

from iwx_agent.host import CommandAnswer, Host, HostError
from iwx_agent.model import ParseError
from iwx_agent.model.panel_cli import PanelAnswer
from iwx_agent.parsers.panel_answer import parse_panel_answer
from iwx_agent.parsers.panel_usage import read_actions
from iwx_agent.probes.context import Context

_TIMEOUT_S = 10.0
_JSON = ("-o", "json")
# How tools refuse an option, an output format in particular; the second question is only asked then.
_JSON_REFUSED = re.compile(r"\bjson\b|output format|\boption\b|usage:", re.IGNORECASE)
READ_ONLY = re.compile(r"(?:list|query)[A-Za-z0-9]*\Z")


def panel_answer(context: Context, key: str) -> PanelAnswer:
    """Ask the question that the layout has under ``key`` (``command.banners``).

    Raises:
        HostError: when there is no answer: no such program, no end within 10 s, an exit code other than 0,
            or with exit code 0 something that is none.
    """
    return ask_panel(context, context.layout.command(key))


def ask_panel(context: Context, argv: tuple[str, ...], *, host: Host | None = None) -> PanelAnswer:
    """Ask one question of the panel's command line; see ``panel_answer``.

    ``host`` is ``context.resample`` for a second sample.
    """
    return understood(context, panel_said(context, argv, host=host))


def panel_said(context: Context, argv: tuple[str, ...], *, host: Host | None = None) -> CommandAnswer:
    """Ask one question and return what was said word for word, whatever it is.

    Raises:
        HostError: when the program could not be run at all, or the question is none that only reads.
    """
    asked = host or context.host
    action = argv[argv.index("-a") + 1] if "-a" in argv[:-1] else ""
    if not READ_ONLY.match(action):
        raise HostError("failed", f"{action!r} is not a read action: it is never asked", " ".join(argv))
    answer = asked.run((*argv, *_JSON), timeout_s=_TIMEOUT_S)
    if answer.exit_code not in (0, None) and _JSON_REFUSED.search(_said(answer)):
        # Lists have columns; what a query gives has names with -v only.
        named = ("-v",) if action.startswith("query") else ()
        answer = asked.run((*argv, *named), timeout_s=_TIMEOUT_S)
    return answer


def understood(context: Context, answer: CommandAnswer) -> PanelAnswer:
    """Return the rows of what was said; HostError when that is no answer, whatever the exit code."""
    _ended(answer)
    if answer.exit_code != 0:
        raise HostError("failed", _said(answer)[:300] or f"exit {answer.exit_code}", answer.source)
    if not answer.text.strip() and answer.error_text.strip():
        why = f"said with exit code 0, on standard error alone: {_said(answer)[:300]}"
        raise HostError("failed", why, answer.source)
    try:
        rows, named = parse_panel_answer(answer.text)
    except ParseError as error:
        raise HostError("failed", f"said with exit code 0: {error}", answer.source) from None
    return PanelAnswer(
        rows=rows,
        named=named,
        plain=answer.argv[-2:] != _JSON,
        source=answer.source,
        seen_at=context.host.clock().now_at,
    )


def read_actions_of(context: Context, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the read actions of a controller, from what the command line says when it is given none.

    That is a usage text, on whichever output and with whichever exit code. ``-n`` is in ``argv``: it never
    asks anything back.

    Raises:
        HostError: when it does not end, or names no read action; the reason quotes what it said.
    """
    if "-a" in argv or "-n" not in argv:
        raise HostError("failed", "only a question without action, and without prompts", " ".join(argv))
    answer = _ended(context.host.run(argv, timeout_s=_TIMEOUT_S))
    found = read_actions(f"{answer.error_text}\n{answer.text}")
    if not found:
        raise HostError(
            "failed", f"names no read action; it said: {_said(answer)[:200] or 'nothing'}", answer.source
        )
    return found


def _ended(answer: CommandAnswer) -> CommandAnswer:
    """Return the answer if it came to its end by itself; else raise HostError."""
    if answer.timed_out:
        raise HostError("timeout", f"no answer within {_TIMEOUT_S:g} s", answer.source)
    if answer.truncated:
        raise HostError("failed", "said far too much to be an answer", answer.source)
    return answer


def _said(answer: CommandAnswer) -> str:
    return " ".join(f"{answer.error_text} {answer.text}".split())
