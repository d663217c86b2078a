"""What every way to send a ticket has in common.

A transport is given finished text that has passed the redactor; it changes nothing in it. It tells four
endings apart: accepted (a ``Receipt``, only on a positive sign), refused for ever, not now, and not known.
"""

from typing import Literal, NoReturn, Protocol

from msgspec import Struct


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that goes with a ticket; ``name`` is a plain name, ``media_type`` as in application/gzip."""

    name: str
    media_type: str
    data: bytes


class Letter(Struct, frozen=True, kw_only=True):
    """A ticket as it is sent: the form's fields in words, the key that makes it one and the same.

    ``key`` also stands in ``subject``. ``assistance`` is the form's Remote Assistance question as a plain
    answer. ``reference`` is the vendor's number of an open ticket that this is an update to, empty for a
    new one, and ``page`` the page of that ticket. ``sender_name`` and ``sender_mail`` are for guests and
    for mail. ``written_at`` is when the ticket was written, in seconds since the epoch, the same at every
    attempt; 0 when it is not told.
    """

    key: str
    category: str
    ip_address_or_hostname: str
    assistance: Literal["Yes", "No", "not determined"]
    subject: str
    message: str
    priority: str
    sender_name: str = ""
    sender_mail: str = ""
    reference: str = ""
    page: str = ""
    attachments: tuple[Attachment, ...] = ()
    written_at: float = 0.0


class Credentials:
    """A user and a password, or a secret alone. What shows it never shows the secret; it cannot be stored."""

    __slots__ = ("secret", "user")

    def __init__(self, user: str, secret: str) -> None:
        self.user = user
        self.secret = secret

    def __bool__(self) -> bool:
        return bool(self.secret)

    def __repr__(self) -> str:
        return "Credentials(given)" if self else "Credentials(none)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not stored")


class Receipt(Struct, frozen=True, kw_only=True):
    """The other side has accepted the ticket: its number there (may be empty), its page, and what it said."""

    transport: str
    reference: str = ""
    url: str = ""
    said: str = ""


class NotFound(Struct, frozen=True, kw_only=True):
    """The other side was looked through and does not have the ticket; ``said`` is where that was seen."""

    said: str


class CannotLook(Struct, frozen=True, kw_only=True):
    """Whether the other side has the ticket cannot be told."""

    reason: str


class Undelivered(Exception):  # noqa: N818 - how a delivery ends, as Receipt is
    """A ticket was not accepted, or nobody knows.

    ``kind``: ``permanent`` (the same again cannot help), ``later`` (after ``retry_after_s`` at the earliest,
    0 when nothing was said), ``uncertain`` (it may have been accepted: look before sending again), ``person``
    (only a person can: a captcha, a changed form). ``page`` is what the other side sent, bounded, for a
    report of the defect.
    """

    def __init__(
        self,
        kind: Literal["permanent", "later", "uncertain", "person"],
        where: str,
        why: str,
        *,
        retry_after_s: float = 0.0,
        next_step: str = "",
        page: bytes = b"",
    ) -> None:
        self.kind = kind
        self.where = where
        self.why = why
        self.retry_after_s = retry_after_s
        self.next_step = next_step
        self.page = page
        super().__init__(f"{where}: {why}")


class Transport(Protocol):
    """One way to send. All is over within ``limit_s``, whatever the other side does."""

    name: str

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Send a new ticket, or an update when ``letter.reference`` is set.

        Raises:
            Undelivered: for every ending but a positive sign of acceptance.
        """
        ...

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Return whether the other side has the ticket with this key; never raises for what it answers.

        ``key`` is the letter's id (``wording.letter_id``): a ticket's key, or an update's with what makes it
        this one. A ticket that is there does not prove that its update is.
        """
        ...
