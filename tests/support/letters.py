"""A letter to send, and how a delivery of it ended."""

import time
from typing import Any

from iwx_agent.transports.contract import Attachment, Letter, Receipt, Transport, Undelivered

SECRET = "not-a-real-secret-9"
LATE_S = 1.0


def letter(**more: Any) -> Letter:
    values: dict[str, Any] = {
        "key": "IWX-7f3a",
        "category": "Support",
        "ip_address_or_hostname": "192.0.2.7 (iwx1.example.com)",
        "assistance": "Yes",
        "subject": "NodeWorx is down on iwx1.example.com [IWX-7f3a]",
        "message": "SUMMARY\n- NodeWorx is down\n.\n..two dots\nFrom here on\n",
        "priority": "Urgent",
        "sender_name": "Server iwx1",
        "sender_mail": "agent@iwx1.example.com",
        "attachments": (
            Attachment(name="bundle.tar.gz", media_type="application/gzip", data=b"\x1f\x8b\x00x"),
        ),
        "written_at": 1_795_450_000.0,
    }
    return Letter(**(values | more))


def ending(transport: Transport, one: Letter, *, limit_s: float = 5.0) -> Receipt | Undelivered:
    """Return how a delivery ended; within its limit, and without a secret in what it says."""
    started = time.monotonic()
    try:
        found: Receipt | Undelivered = transport.deliver(one, limit_s=limit_s)
    except Undelivered as error:
        found = error
    assert time.monotonic() - started < limit_s + LATE_S
    assert SECRET not in f"{found!r} {found} {vars(found) if isinstance(found, Undelivered) else ''}"
    return found


def kind_of(found: Receipt | Undelivered) -> str:
    return "accepted" if isinstance(found, Receipt) else found.kind
