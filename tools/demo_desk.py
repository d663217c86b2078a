"""Send the ticket of a recorded server to a real help desk on loopback, and show what the desk has then.

The help desk is the lab's (django-helpdesk, see lab/README.md); it needs no root. Where it cannot be had,
that is said, and nothing is wrong. Usage: .venv/bin/python tools/demo_desk.py CAPTURE
"""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "lab"))

from desk.desk import Desk, DeskError, environment

from iwx_agent.app.bundling import Wanted, bundle_from
from iwx_agent.app.diagnose import Request
from iwx_agent.app.filing import Author, Writing
from iwx_agent.app.sources import diagnose_capture
from iwx_agent.app.way_in import confirmed
from iwx_agent.config import load_portal_form
from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Letter, Undelivered
from iwx_agent.transports.portal import Place, PortalTransport

LIMIT_S = 30.0
MESSAGE_LINES = 14


def main(capture: Path) -> int:
    """Send it; return the exit code."""
    try:
        environment()
    except DeskError as error:
        print(f"demo: no help desk here, so the ticket is not sent: {str(error).splitlines()[-1]}")
        return 0
    letter = letter_of(capture)
    with Desk("demo") as desk:
        form = f"{desk.url}/tickets/submit/"
        print(f"The form is {form}")
        with LiveHost(budget_s=2 * LIMIT_S) as host:
            portal = PortalTransport(host, Place(address=form), load_portal_form())
            try:
                receipt = portal.deliver(letter, limit_s=LIMIT_S)
            except Undelivered as error:
                print(f"Not sent: {error}. {error.next_step}".strip())
                return 1
        print(f"Accepted as {receipt.reference}. The help desk's database has:\n")
        for ticket in desk.tickets():
            print("\n".join(shown(ticket)))
    return 0


def letter_of(capture: Path) -> Letter:
    """Return the ticket of a capture with its bundle, as a person would send it."""
    request = Request(background=True)
    # On a server: submit --remote-assistance-confirmed; here the panel is down, and could not be asked.
    report = confirmed(diagnose_capture(capture, request))
    author = Author(ways=("portal",), name="The demo", mail="demo@example.com")
    bundle = bundle_from(capture, request, Wanted())
    return Writing(report, author, report.collected_at, lambda: (bundle.attachment,)).new()


def shown(ticket: dict[str, Any]) -> list[str]:
    """Return what the desk has of a ticket, its message cut."""
    lines = ticket["message"].replace("\r", "").split("\n")
    more = len(lines) - MESSAGE_LINES
    return [
        f"Ticket      {ticket['reference']}, queue {ticket['queue']}",
        f"Priority    {ticket['priority']} (1 is the highest)",
        f"Subject     {ticket['subject']}",
        f"From        {ticket['submitter_email']}",
        *(f"{label:<27} {value}" for label, value in ticket["custom"].items()),
        *(f"Attached    {one['name']}, {one['size_bytes']} bytes" for one in ticket["attachments"]),
        "Message",
        *(f"    {line}" for line in lines[:MESSAGE_LINES]),
        *([f"    ... and {more} lines more"] if more > 0 else []),
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
