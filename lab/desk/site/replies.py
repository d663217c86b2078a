"""Replies by the form on a ticket's page, from whoever has the ticket's key.

django-helpdesk 2.6.1 shows that form to everybody, with the key in it, and takes it from its staff only. Here
it is taken as its own function for that still says: that function finds the ticket, and another of its own
stores the reply.
"""

from django.http import HttpRequest, HttpResponseRedirect
from django.views.decorators.http import require_POST
from helpdesk.update_ticket import update_ticket
from helpdesk.views.staff import get_ticket_from_request_with_authorisation


@require_POST
def reply(request: HttpRequest, ticket_id: int) -> HttpResponseRedirect:
    """Store a reply, and lead back to the ticket's page."""
    ticket = get_ticket_from_request_with_authorisation(request, ticket_id, public=False)
    files = request.FILES.getlist("attachment")
    update_ticket(request.user, ticket, comment=request.POST.get("comment", ""), files=files, public=True)
    return HttpResponseRedirect(ticket.ticket_url)
