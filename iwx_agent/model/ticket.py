"""How long a ticket may be, and the key that makes it one and the same."""

from datetime import date

from msgspec import Struct


class TicketLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lengths that the portal takes, in characters."""

    subject_characters: int = 120
    message_characters: int = 15_000


TICKET_RANGES = {"subject_characters": (80, 255), "message_characters": (1_000, 1_000_000)}
_DIGITS_COUNT = 10


def ticket_key(host: str, fingerprint: str, began_on: date | None) -> str:
    """Return the key of the ticket about one incident of one server: ``iwx-`` and ten hexadecimal digits.

    It is the start of the SHA-256 of host, NUL, the lead incident's fingerprint, NUL, and the day (UTC) on
    which the incident began, empty when that is not known. So two renderings of one run and two runs of one
    incident have the same key, whatever the wording, the numbers and the consequences are by then; another
    server, another cause, or the same cause on another day has another one.

    ``host`` has to be the same in every run: the kernel's name of the server, or the one that the settings
    give it, never what a name server says. Whoever remembers incidents passes the day on which it first saw
    this one: what the evidence tells can move past midnight when somebody restarts what is broken.

    >>> ticket_key("iwx1", "0123456789abcdef", date(2026, 11, 23))
    'iwx-b223bd941d'
    """
    import hashlib  # opens OpenSSL, which a healthy server need not pay for

    day = began_on.isoformat() if began_on is not None else ""
    told = f"{host}\0{fingerprint}\0{day}".encode("utf-8", "replace")
    return f"iwx-{hashlib.sha256(told).hexdigest()[:_DIGITS_COUNT]}"
