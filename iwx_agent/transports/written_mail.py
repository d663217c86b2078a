"""A letter as the bytes of a mail. Pure: the same letter gives the same bytes, whatever its texts say."""

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from iwx_agent.model.mail_address import is_mail_address
from iwx_agent.rendering.words import one_line
from iwx_agent.transports.contract import Letter
from iwx_agent.transports.wording import as_text, letter_id, media_type, names, plain_key

if TYPE_CHECKING:
    from email.message import EmailMessage

_SUBJECT_CHARACTERS = 300
_NAME_CHARACTERS = 100
# With "References: " they stay on one line: email.message breaks longer ones into pieces that are no ids.
_ID_CHARACTERS = 40
_DOMAIN_CHARACTERS = 22
_LONG_TEXT_BYTES = 256 * 1024


class MailError(ValueError):
    """No mail can be made of it."""


def addr_spec(address: str) -> str:
    """Return an address as it stands in MAIL FROM and RCPT TO.

    Raises:
        MailError: for anything that is no plain address, also one that would say more than an address.
    """
    if not is_mail_address(address):
        raise MailError(f"not a mail address that can be written to: {one_line(address, 100)!r}")
    return address


def message_id(identity: str, domain: str) -> str:
    """Return the Message-ID of a letter with this id: always the same."""
    if len(identity) > _ID_CHARACTERS:
        identity = hashlib.sha256(identity.encode()).hexdigest()[:_ID_CHARACTERS]
    if len(domain) > _DOMAIN_CHARACTERS:
        domain = "mail.iwx-agent.invalid"
    return f"<{identity}@{domain}>"


def mail_bytes(letter: Letter, *, sender: str, recipients: tuple[str, ...], update_subject: str) -> bytes:
    """Return the whole mail, lines ended by CR LF, ASCII only.

    Raises:
        MailError: for an address that is none.
    """
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.policy import SMTP

    domain = addr_spec(sender).rpartition("@")[2]
    mail = EmailMessage(SMTP.clone(cte_type="7bit"))
    mail["From"] = Address(_header(letter.sender_name, _NAME_CHARACTERS), addr_spec=sender)
    mail["To"] = [Address(addr_spec=addr_spec(recipients[0]))]
    if recipients[1:]:
        mail["Cc"] = [Address(addr_spec=addr_spec(address)) for address in recipients[1:]]
    mail["Subject"] = subject_of(letter, update_subject)
    if letter.written_at > 0:
        mail["Date"] = datetime.fromtimestamp(letter.written_at, UTC)
    mail["Message-ID"] = message_id(letter_id(letter), domain)
    if letter.reference:
        first = message_id(plain_key(letter.key), domain)
        mail["In-Reply-To"] = first
        mail["References"] = first
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Iwx-Agent-Key"] = plain_key(letter.key)
    _fill(mail, letter)
    return mail.as_bytes()


def subject_of(letter: Letter, update_subject: str) -> str:
    """Return the subject, with the vendor's reference for an update; the key is in it however long it is."""
    subject = letter.subject
    if letter.reference:
        subject = update_subject.replace("{reference}", letter.reference).replace("{subject}", letter.subject)
    cut = _header(subject, _SUBJECT_CHARACTERS)
    key = _header(letter.key, _NAME_CHARACTERS)
    return cut if key in cut else f"{cut} [{key}]"


def _header(text: str, limit: int) -> str:
    """Return text that can stand in a header: one line, nothing that could begin another."""
    return one_line(text, limit)


def _fill(mail: "EmailMessage", letter: Letter) -> None:
    text = as_text(letter).replace("\0", "\ufffd")
    if len(text) > _LONG_TEXT_BYTES:  # quoted-printable is made a character at a time
        mail.set_content(text, cte="base64")
    else:
        mail.set_content(text)
    for name, one in zip(names(letter), letter.attachments, strict=True):
        kind, _, subtype = media_type(one).partition("/")
        mail.add_attachment(one.data, maintype=kind, subtype=subtype, filename=name)
    if letter.attachments:
        digest = hashlib.sha256(text.encode())
        for one in letter.attachments:
            digest.update(hashlib.sha256(one.data).digest())
        # Of all that stands between: nobody can write a text that has it in it.
        mail.set_boundary(f"=_iwx-{digest.hexdigest()[:40]}")
