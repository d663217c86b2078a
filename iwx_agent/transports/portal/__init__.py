"""The portal's web form: found by its labels, filled in without a guess, its answer told apart.

Nothing heavy is imported before something is sent.
"""

from typing import TYPE_CHECKING

from iwx_agent.host.contract import Host
from iwx_agent.model.portal_form import PortalForm
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered
from iwx_agent.transports.portal.settings import Place, faults_of

if TYPE_CHECKING:
    from iwx_agent.transports.portal.checking import FormReading

__all__ = ["Place", "PortalTransport", "faults_of", "pasted"]


class PortalTransport:
    """The transport that fills in the vendor's form; the words by which it knows the form are data."""

    name = "portal"

    def __init__(self, host: Host, place: Place, form: PortalForm) -> None:
        self._host = host
        self._place = place
        self._form = form

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Send a new ticket, or a reply when ``letter.reference`` is set.

        Raises:
            Undelivered: for every ending but a positive sign of acceptance.
        """
        from iwx_agent.transports.portal.replying import send_reply
        from iwx_agent.transports.portal.sending import send_ticket
        from iwx_agent.transports.portal.visit import Visit

        self._usable()
        try:
            visit = Visit(self._host, self._place, self._form, limit_s)
            return send_reply(visit, letter) if letter.reference else send_ticket(visit, letter)
        except Undelivered as error:
            if error.kind in ("person", "permanent") and not error.next_step:
                error.next_step = pasted(letter, self._place.address)
            raise

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Return whether the portal has the ticket with this key; never raises for what it answers."""
        from iwx_agent.transports.portal.looking import find_ticket
        from iwx_agent.transports.portal.visit import Visit
        from iwx_agent.transports.wording import is_update

        if is_update(key):
            return CannotLook(
                reason="a portal knows no key of an update: its text is looked for before it is sent again"
            )
        try:
            self._usable()
            return find_ticket(Visit(self._host, self._place, self._form, limit_s), key)
        except Undelivered as error:
            return CannotLook(reason=str(error))

    def check(self, *, limit_s: float) -> "FormReading":
        """Return what the agent makes of the form; logs in if it must, and sends no ticket.

        Raises:
            Undelivered: when the portal does not show the form.
        """
        from iwx_agent.transports.portal.checking import read_form
        from iwx_agent.transports.portal.visit import Visit

        self._usable()
        return read_form(Visit(self._host, self._place, self._form, limit_s))

    def _usable(self) -> None:
        for setting, why in faults_of(self._place):
            raise Undelivered("permanent", "portal", f"{setting}: {why}")


def pasted(letter: Letter, address: str) -> str:
    """Return what a person does: where to go, and the ticket field by field, to paste."""
    if letter.reference:
        head = f"Open ticket {letter.reference} at {letter.page or address} and reply with this:"
        return f"{head}\n\n{letter.message}\n"
    rows = (
        ("Category", letter.category),
        ("IP Address or Hostname", letter.ip_address_or_hostname),
        ("Remote Assistance Enabled?", letter.assistance),
        ("Subject", letter.subject),
        ("Message", f"\n{letter.message}"),
        ("Priority", letter.priority),
        ("Attach", ", ".join(one.name for one in letter.attachments)),
    )
    text = "\n\n".join(f"{label}: {value}".replace(": \n", ":\n") for label, value in rows if value.strip())
    return f"Open {address} in a browser and paste the ticket:\n\n{text}\n"
