"""The ticket as the vendor's form asks for it: its fields in order, from the one report, at two lengths.

Source: support guide 7.1, "How to Submit a Support Ticket".
"""

from iwx_agent.rendering.ticket.fields import PORTAL, Assistance, Length, Ticket, ticket_of

__all__ = ["PORTAL", "Assistance", "Length", "Ticket", "ticket_of"]
