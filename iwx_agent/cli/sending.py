"""``auto run`` and ``submit``: what there is to tell is sent, once."""

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

import typer
from msgspec.structs import replace

from iwx_agent.cli.diagnosis import (
    Budget,
    Debug,
    Deep,
    NoConfirm,
    Only,
    SetPriority,
    Skip,
    request_of,
)
from iwx_agent.cli.gate import gate
from iwx_agent.cli.outbox import print_json, print_words, say

if TYPE_CHECKING:
    from iwx_agent.app.submit import Plan, Submission
    from iwx_agent.model.steering import Sent

EXIT_DECLINED = 1
EXIT_USAGE = 2
EXIT_UNDELIVERED = 5
_YES = ("y", "yes")
_Output = Annotated[str, typer.Option("--format", help="text or json.", metavar="FORMAT")]


def run(
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when nothing is to be said.")] = False,
    budget: Budget = None,
    output: _Output = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Look at this server once; file its ticket, update it, or tell that it is over, if called for.

    The timer runs this. While auto is off, it files nothing, and sends only what a person has filed.

    Example: iwx-agent auto run
    """
    from iwx_agent.app.auto import run_auto
    from iwx_agent.cli.options import one_of
    from iwx_agent.cli.progress import Progress
    from iwx_agent.config.sending import load_sending

    one_of(output, ("text", "json"), "--format")
    request = request_of("", "", budget, deep=False, no_confirm=False)
    with Progress(gate().terminal) as progress:
        outcome = run_auto(
            request,
            load_sending(),
            progress.beside(say),
            on_progress=progress.update,
            on_redactor=gate().of_a_report,
        )
    for said in outcome.said:
        say(said)
    if not quiet or outcome.posted.moved or outcome.decision.action not in ("nothing", "hold"):
        _print(outcome.sent, output)
    raise typer.Exit(EXIT_UNDELIVERED if outcome.posted.undelivered else outcome.report.exit_code)


def submit(
    note: Annotated[
        str, typer.Option(help="What you have to say to it: what was tried, what was seen.", metavar="TEXT")
    ] = "",
    edit: Annotated[bool, typer.Option("--edit", help="Write the note in $EDITOR.")] = False,
    attach: Annotated[str, typer.Option(help="bundle: the run goes with it.", metavar="WHAT")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Send it without asking; needed where there is no terminal.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")
    ] = False,
    show_outgoing: Annotated[
        bool, typer.Option("--show-outgoing", help="Show the exact bytes, and send nothing.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read the portal's form, show how it is understood; send nothing.")
    ] = False,
    priority: SetPriority = "",
    reason: Annotated[str, typer.Option(help="Why, with --priority or --new-anyway.", metavar="TEXT")] = "",
    new_anyway: Annotated[
        bool, typer.Option("--new-anyway", help="A further ticket, though there is one about the same.")
    ] = False,
    assistance_confirmed: Annotated[
        bool,
        typer.Option("--remote-assistance-confirmed", help="You have seen that Remote Assistance is on."),
    ] = False,
    only: Only = "",
    skip: Skip = "",
    budget: Budget = None,
    deep: Deep = False,
    no_confirm: NoConfirm = False,
    output: _Output = "text",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Send the support ticket: shows it, asks, sends it by the ways that are set up.

    About one incident there is one ticket: is it filed already, what is new goes to it, or nothing.

    Examples: iwx-agent submit --dry-run; iwx-agent submit --note "restarted httpd" --attach bundle
    """
    from iwx_agent.app.submit import submission
    from iwx_agent.cli.options import checked_note, one_of, override_of
    from iwx_agent.cli.progress import Progress
    from iwx_agent.config.sending import load_sending

    one_of(output, ("text", "json"), "--format")
    one_of(attach, ("", "bundle"), "--attach")
    if check:
        _check_form()
    if new_anyway and not reason.strip():
        raise typer.BadParameter("--new-anyway goes with --reason.")
    override = override_of(priority, reason) if priority or not new_anyway else None
    request = request_of(only, skip, budget, deep=deep, no_confirm=no_confirm, override=override)
    if edit:
        from iwx_agent.cli.editing import edited

        note = edited(note)
    if new_anyway:
        note = f"{note}\nA further ticket about the same, because: {reason}".strip()
    request = replace(request, note=checked_note(note))
    sending = load_sending()
    with Progress(gate().terminal) as progress:
        entered = submission(
            request,
            sending,
            anyway=new_anyway,
            on_progress=progress.update,
            on_redactor=gate().of_a_report,
            on_unkept=say,
        )
        with entered as made:
            progress.end()
            if assistance_confirmed:
                made.assistance_confirmed()
            _refuse(made, assistance_confirmed=assistance_confirmed)
            plan = made.look()
            unsaid = bool(request.note) and plan.what == "nothing" and not dry_run
            if unsaid:
                say("what you had to say was not sent, since nothing is; say it again when that has changed")
            if show_outgoing and plan.what != "nothing":
                _show_outgoing(made, plan)
            if dry_run or plan.what == "nothing":
                _show(made, plan)
                _print(made.sent(plan), output)
                raise typer.Exit(EXIT_UNDELIVERED if unsaid else 0)
            refuse_stopped()
            _ask(made, plan, yes=yes)
            with Progress(gate().terminal, "sending") as waiting:
                sent = made.send(waiting.beside(say), with_bundle=attach == "bundle")
    _print(sent, output)
    raise typer.Exit(0 if sent.action == "nothing" or _accepted(sent) else EXIT_UNDELIVERED)


def _accepted(sent: "Sent") -> bool:
    """Return whether the text of this submission was accepted; what became of others does not count."""
    if all(text.key != sent.key for text in sent.texts):
        say(f"{sent.key} was not tried: iwx-agent outbox show {sent.key}")
    return any(text.key == sent.key and text.state == "sent" for text in sent.texts)


def _check_form() -> NoReturn:
    from iwx_agent.app.form_check import check_form
    from iwx_agent.cli.progress import Progress
    from iwx_agent.config.sending import load_sending
    from iwx_agent.transports.contract import Undelivered

    try:
        with Progress(gate().terminal, "asking the portal"):
            told, understood = check_form(load_sending())
    except Undelivered as error:
        say(f"{error}. {error.next_step}".strip())
        raise typer.Exit(EXIT_UNDELIVERED) from None
    print_words(told)
    raise typer.Exit(0 if understood else EXIT_UNDELIVERED)


def _refuse(made: "Submission", *, assistance_confirmed: bool) -> None:
    from iwx_agent.app.submit import refusals
    from iwx_agent.rendering.words import one_line

    found = list(refusals(made.report, assistance_confirmed=assistance_confirmed))
    if not found:
        return
    for refusal in found:
        sys.stderr.write(f"iwx-agent: {one_line(refusal.why, 500)}. {one_line(refusal.instead, 500)}\n")
    sys.stderr.write("Nothing was sent.\n")
    raise typer.Exit(EXIT_USAGE)


def _show(made: "Submission", plan: "Plan") -> None:
    """Show on standard error what would be sent: the ticket in the form's order, or the update."""
    from iwx_agent.app.submit import letter_of
    from iwx_agent.transports.wording import as_text

    letter = letter_of(plan, made.report, made.author, made.now)
    if letter is not None:
        show(f"{as_text(letter)}\nBy: {', then '.join(made.author.ways)}.\n")


def _show_outgoing(made: "Submission", plan: "Plan") -> NoReturn:
    import hashlib

    from iwx_agent.cli.printing import print_bytes
    from iwx_agent.transports.contract import Undelivered

    try:
        way, data = made.outgoing(plan)
    except Undelivered as error:
        say(f"{error}. {error.next_step}")
        raise typer.Exit(EXIT_UNDELIVERED) from None
    gate().redacted()
    print_bytes(data)
    sys.stderr.write(f"{len(data)} bytes by {way}, sha256 {hashlib.sha256(data).hexdigest()}\n")
    raise typer.Exit


def _ask(made: "Submission", plan: "Plan", *, yes: bool) -> None:
    """Go on after a yes only: typed, or given as ``--yes``; never asked where nobody can answer."""
    if yes:
        return
    _show(made, plan)
    asked_yes("Send it?", "say --yes to send it, or --dry-run to look")


def refuse_stopped() -> None:
    """End with exit code 2 while the file is there that stops everything."""
    from iwx_agent.app import auto

    if why := auto.why_silent(auto.STOP):
        say(f"nothing leaves this server: {why}. Nothing was sent")
        raise typer.Exit(EXIT_USAGE)


def show(redacted: str) -> None:
    """Show on standard error what has been redacted: it is compared with the server's secrets only."""
    gate().say(redacted.encode("utf-8", "backslashreplace"), "redacted")


def asked_yes(question: str, elsewhere: str) -> None:
    """Go on after a typed yes only; where nobody can answer end with exit code 2, and say what to do."""
    stdin: TextIO | None = sys.stdin  # None when it was closed
    if stdin is None or not stdin.isatty():
        say(f"nobody to ask here: {elsewhere}")
        raise typer.Exit(EXIT_USAGE)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if stdin.readline().strip().lower() not in _YES:
        sys.stderr.write("Nothing was sent.\n")
        raise typer.Exit(EXIT_DECLINED)


def _print(sent: "Sent", output: str) -> None:
    from iwx_agent.rendering.sent import sent_text

    gate().redacted()
    if output == "json":
        print_json(sent)
    else:
        print_words(sent_text(sent))
