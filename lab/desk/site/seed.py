"""Fill a new database: queues, the guide's two fields of its own, one account. Run once for each variant."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from helpdesk.models import CustomField, Queue  # noqa: E402

VARIANT = os.environ["IWXDESK_VARIANT"]
RENAMED = VARIANT == "renamed"
QUEUES = (("Support", "support"), ("Billing", "billing"), ("Licensing", "licensing"), ("General", "general"))
OTHER_QUEUES = (("Sales Questions", "sq"), ("Technical Support", "ts"), ("Billing and Invoices", "bi"))


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    for title, slug in OTHER_QUEUES if RENAMED else QUEUES:
        Queue.objects.create(title=title, slug=slug, allow_public_submission=True)
    fields = [
        ("name", "Full Name" if RENAMED else "Your Name", "varchar", False, ""),
        ("ip", "Server IP Address / Hostname" if RENAMED else "IP Address or Hostname", "varchar", True, ""),
        (
            "remote_assistance",
            "Is Remote Assistance enabled?" if RENAMED else "Remote Assistance Enabled?",
            "list",
            True,
            "Yes, it is enabled\nNo, it is disabled" if RENAMED else "Yes\nNo",
        ),
    ]
    if RENAMED:
        fields.append(("phone", "Phone (optional)", "varchar", False, ""))
    for number, (name, label, kind, required, values) in enumerate(fields):
        CustomField.objects.create(
            name=name,
            label=label,
            data_type=kind,
            required=required,
            max_length=255 if kind == "varchar" else None,
            list_values=values,
            empty_selection_list=kind == "list",
            ordering=number,
            staff_only=False,
        )
    people = get_user_model().objects
    people.create_user("server1", "server1@example.com", "not-a-real-secret-2")
    people.create_superuser("desk", "desk@example.com", "not-a-real-secret-3")


main()
