"""The form of the vendor's support guide, made of django-helpdesk's; once in its words, once in others.

Source of the words: support guide 7.1, "How to Submit a Support Ticket". What the vendor's help desk is made
of is not public; that its fields are found by their labels is what the variants are for.
"""

from helpdesk.forms import PublicTicketForm

PRIORITIES = ((5, "Information"), (4, "Low"), (3, "Medium"), (2, "High"), (1, "Urgent"))


class GuideForm(PublicTicketForm):
    """Labels, order and options as the guide tells them."""

    labels = {  # noqa: RUF012
        "queue": "Category",
        "title": "Subject",
        "body": "Message",
        "attachment": "Attachment",
        "submitter_email": "Your E-Mail Address",
    }
    order = (
        *("submitter_email", "custom_name", "queue", "custom_ip", "custom_remote_assistance"),
        *("title", "body", "priority", "attachment"),
    )
    priorities = PRIORITIES

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["due_date"]
        for name, label in self.labels.items():
            self.fields[name].label = label
            self.fields[name].help_text = ""
        self.fields["priority"].choices = self.priorities
        self.fields["priority"].help_text = ""
        self.order_fields(self.order)


class RenamedForm(GuideForm):
    """The same form after somebody has been at it: other names, another order, other words."""

    labels = {  # noqa: RUF012
        "queue": "Category of your request",
        "title": "Ticket Subject",
        "body": "Your Message",
        "attachment": "Attach a file",
        "submitter_email": "Email",
    }
    order = (
        *("priority", "custom_remote_assistance", "body", "title", "attachment", "queue"),
        *("custom_ip", "custom_phone", "custom_name", "submitter_email"),
    )
    priorities = (
        (1, "Urgent - emergency situation, services are down"),
        (2, "High - angry end users or other serious issue"),
        (3, "Medium - issue is causing a disruption"),
        (4, "Low - no rush"),
        (5, "Information - no immediate action required"),
    )
    names = {  # noqa: RUF012
        "queue": "f_17",
        "title": "ticket[headline]",
        "body": "f_03",
        "priority": "urgency",
        "attachment": "upload[]",
        "submitter_email": "f_99",
        "custom_ip": "f_21",
        "custom_remote_assistance": "f_22",
        "custom_name": "f_23",
        "custom_phone": "f_24",
    }

    def add_prefix(self, field_name: str) -> str:
        """Return the name that a field has in the page."""
        return self.names.get(field_name, field_name)
