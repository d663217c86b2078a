"""``auto enable`` and ``auto disable``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from iwx_agent.cli.diagnosis import Debug, request_of
from iwx_agent.cli.gate import gate
from iwx_agent.cli.outbox import print_words, say
from iwx_agent.cli.sending import EXIT_UNDELIVERED, EXIT_USAGE, asked_yes, refuse_stopped, show

if TYPE_CHECKING:
    from iwx_agent.app.sources import Run
    from iwx_agent.config.sending import Sending

_EXIT_NOT = 1
_ON = """Auto is on.{drafts}
The timer runs it: systemctl enable --now iwx-agent.timer
Off again: iwx-agent auto disable. At once, whatever runs: touch /etc/iwx-agent/stop
"""


def enable(
    yes: Annotated[bool, typer.Option("--yes", help="Send the test ticket without asking.")] = False,
    no_test: Annotated[bool, typer.Option("--no-test", help="Without a test ticket.")] = False,
    reason: Annotated[str, typer.Option(help="Why, with --no-test.", metavar="TEXT")] = "",
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """Have emergencies filed by themselves: sends a test ticket, and turns it on when that was accepted.

    Example: iwx-agent auto enable
    """
    from iwx_agent.app.configuration import check_configuration
    from iwx_agent.app.sources import run_here
    from iwx_agent.app.steering import without_secrets
    from iwx_agent.app.switching import obstacles
    from iwx_agent.config.sending import load_sending

    if no_test and not reason.strip():
        raise typer.BadParameter("--no-test goes with --reason.")
    if check_configuration().faults:
        say("something that is set up cannot be used, see: iwx-agent config check. Nothing was changed")
        raise typer.Exit(EXIT_USAGE)
    sending = load_sending()
    request = request_of("support,system.clock", "", None, deep=False, no_confirm=True)
    with run_here(request, on_redactor=gate().of_a_report, save=False) as run:
        found = list(obstacles(run.report, sending))
        for refusal in found:
            say(f"{refusal.why}. {refusal.instead}")
        if found:
            sys.stderr.write("Nothing was changed.\n")
            raise typer.Exit(EXIT_USAGE)
        if not no_test:
            _test(run, sending, yes=yes)
        said = f"without a test: {without_secrets(reason)}" if no_test else "after a test ticket"
        _switch(run, enabled=True, said=said)
    count = sending.auto.drafts_count
    drafts = f" Its first {count} tickets are drafts: iwx-agent outbox list." if count else ""
    print_words(_ON.format(drafts=drafts))


def disable(
    debug: Debug = False,  # noqa: ARG001 - read by the entry
) -> None:
    """File nothing by itself any more; what waits in the outbox still goes out.

    Example: iwx-agent auto disable
    """
    from iwx_agent.app.sources import run_here

    request = request_of("system.clock", "", None, deep=False, no_confirm=True)
    with run_here(request, on_redactor=gate().of_a_report, save=False) as run:
        if not run.report.host.as_root:
            say("only root may do that: sudo iwx-agent auto disable. Nothing was changed")
            raise typer.Exit(EXIT_USAGE)
        _switch(run, enabled=False, said="by a person")
    print_words("Auto is off: nothing is filed by itself. The timer may go on: it sends what waits.\n")


def _test(run: "Run", sending: "Sending", *, yes: bool) -> None:
    from iwx_agent.app.switching import may_be_there, send_test, test_letter
    from iwx_agent.cli.progress import Progress
    from iwx_agent.model.episode import Action
    from iwx_agent.model.steering import Sent
    from iwx_agent.rendering.sent import sent_text
    from iwx_agent.transports.wording import as_text

    refuse_stopped()
    if run.report.remote_assistance.state != "on":  # a form has no other answer than yes or no
        say("Remote Assistance is not known to be on, so no test is sent: iwx-agent remote-assistance status")
        raise typer.Exit(EXIT_USAGE)
    if not yes:
        text = as_text(test_letter(run.report, 0.0, sending, 1))
        show(f"{text}\nBy: {', then '.join(sending.delivery.ways)}.\n")
        asked_yes("Send this test ticket?", "say --yes to send it, or --no-test --reason TEXT")
    with Progress(gate().terminal, "sending the test ticket") as progress:
        posted = send_test(run, sending, progress.beside(say))
    texts = posted.lines(run.report.collected_at)
    sent = Sent(at=run.report.collected_at, action=Action.FILE, row="", said="a test", texts=texts)
    show(sent_text(sent))
    if not texts or posted.undelivered:
        if any(may_be_there(kept.entry) for kept in posted.moved):
            say("nobody knows whether the test ticket was accepted, so auto stays as it was")
            say(f"if {texts[0].key} is in the help desk: iwx-agent auto enable --no-test --reason 'it came'")
        else:
            say("the test ticket has not been accepted, so auto stays as it was")
        raise typer.Exit(EXIT_UNDELIVERED)


def _switch(run: "Run", *, enabled: bool, said: str) -> None:
    from iwx_agent.app.switching import SWITCH, switch
    from iwx_agent.cli.printing import not_written
    from iwx_agent.host import HostError

    try:
        other = switch(run, enabled=enabled, said=said)
    except HostError as error:
        not_written(f"{SWITCH} was not changed: nothing", error)
    if other is not None:
        wanted = "on" if enabled else "off"
        say(f"it is not {wanted}: {other.origin} says otherwise, and beats {SWITCH}")
        raise typer.Exit(_EXIT_NOT)
