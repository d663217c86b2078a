"""``submit --check``: how the portal's form is understood; no ticket is sent."""

from iwx_agent.config.secrets import load_secrets
from iwx_agent.config.sending import Sending
from iwx_agent.transports.contract import Undelivered

LIMIT_S = 60.0


def check_form(sending: Sending) -> tuple[str, bool]:
    """Return what the agent makes of the form, in words, and whether a ticket would be sent by it.

    Raises:
        Undelivered: no portal is set up, or it does not show the form.
    """
    from iwx_agent.app.transports import transports_of
    from iwx_agent.host.live import LiveHost
    from iwx_agent.transports.portal import PortalTransport
    from iwx_agent.transports.portal.checking import render

    if "portal" not in sending.delivery.transports:
        step = "Set [transport.portal] and delivery.chain; see: iwx-agent config check"
        raise Undelivered("permanent", "portal", "it is not in delivery.chain", next_step=step)
    with LiveHost(budget_s=LIMIT_S) as host:
        portal = transports_of(host, host.workers, sending, load_secrets(sending))["portal"]
        if not isinstance(portal, PortalTransport):
            raise Undelivered("permanent", "portal", "it cannot be used: iwx-agent config check says why")
        reading = portal.check(limit_s=min(LIMIT_S, sending.delivery.limit_s))
    return render(reading), reading.understood
