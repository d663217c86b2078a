"""A ticket as a mail: SMTP to a mail server that is named, or to this machine's own.

Sources: RFC 5321 (replies; after the final dot), 3463 (enhanced codes), 1870 (SIZE), 3207 (STARTTLS), 4954
(AUTH), 6647 (greylisting), 3834 (Auto-Submitted).
"""

import base64
import re
from typing import Literal

from msgspec import Struct

from iwx_agent.host.contract import Host, HostError
from iwx_agent.host.deadline import Deadline
from iwx_agent.rendering.words import one_line
from iwx_agent.transports.contract import (
    CannotLook,
    Credentials,
    Letter,
    NotFound,
    Receipt,
    Undelivered,
)
from iwx_agent.transports.wire import Wire, is_loopback, not_sent
from iwx_agent.transports.written_mail import MailError, addr_spec, mail_bytes

_ANSWERS_MAX_BYTES = 256 * 1024
_REPLY_CHARACTERS = 300
_GREYLISTED_S = 300.0
_LONGEST_WAIT_S = 6 * 3600.0
_WAIT = re.compile(
    r"\b(?:in|after|for)\s+(?:about\s+)?(\d{1,5})\s*(s|sec|second|m|min|minute|h|hour)s?\b", re.IGNORECASE
)
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0}
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,200}[A-Za-z0-9])?")
_SERVICE_CLOSES = 421
# Checks whose emergencies mean that a mail handed to this machine's own mail system does not leave it.
CARRIES_MAIL = ("mail.smtp", "mail.delivery", "mail.filters", "mail.supervise")

_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_BROKEN_S = 3600.0  # so long that the next way is tried at once


class EmailSettings(Struct, frozen=True, kw_only=True):
    """Where a mail goes, from whom, and through which server.

    Without ``server`` this machine's own mail system takes it. ``tls`` is ``starttls`` unless it says
    otherwise, ``implicit`` with port 465, and ``none`` to this machine; ``none`` to another one needs
    ``allow_plain``, and no password is sent over it. ``port`` 0 is the usual one: 587, with ``implicit`` 465,
    with ``none`` 25. ``authorities`` is a PEM file that is trusted instead of the system's. ``sender``, when
    set, stands for the letter's.
    """

    to: str
    copy_to: tuple[str, ...] = ()
    sender: str = ""
    server: str = ""
    port: int = 0
    tls: Literal["", "starttls", "implicit", "none"] = ""
    allow_plain: bool = False
    authorities: str = ""
    update_subject: str = "[{reference}] {subject}"

    @property
    def is_local(self) -> bool:
        """Return whether this machine's own mail system is meant."""
        return not self.server or is_loopback(self.server)


class EmailTransport:
    """Sends by SMTP. ``down`` are the checks that see an emergency now: this machine's mail may be one."""

    name = "email"

    def __init__(
        self,
        host: Host,
        settings: EmailSettings,
        credentials: Credentials | None = None,
        *,
        down: frozenset[str] = frozenset(),
    ) -> None:
        self._host = host
        self._settings = settings
        self._credentials = credentials or Credentials("", "")
        self._down = down
        usual = "none" if settings.is_local else "starttls"
        self._tls = settings.tls or ("implicit" if settings.port == _PORTS["implicit"] else usual)
        usual_port = _PORTS[self._tls]
        self._server = settings.server or "127.0.0.1"
        self._port = settings.port or usual_port
        self._where = f"email, {one_line(self._server)}:{self._port}"

    @property
    def place(self) -> tuple[str, int]:
        """Return the server's name or address, and its port."""
        return self._server, self._port

    def outgoing(self, letter: Letter) -> bytes:
        """Return the mail as it is sent, before dots are doubled.

        Raises:
            Undelivered: ``permanent`` for an address that is none.
        """
        settings = self._settings
        try:
            return mail_bytes(
                letter,
                sender=settings.sender or letter.sender_mail,
                recipients=(settings.to, *settings.copy_to),
                update_subject=settings.update_subject,
            )
        except MailError as error:
            raise Undelivered("permanent", self._where, str(error), next_step="mend the address") from None

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Send a mail; it counts as accepted when the server has said so after the final dot."""
        deadline = Deadline(limit_s)
        self._refuse_what_cannot_be()
        data = self.outgoing(letter)
        with Wire(self._host, deadline, self._where, max_bytes=_ANSWERS_MAX_BYTES) as wire:
            dialog = _Dialog(wire, self._where, self._credentials)
            with dialog.step("connect"):
                wire.connect(self._server, self._port)
                if self._tls == "implicit":
                    wire.start_tls(self._server, self._settings.authorities)
            try:
                self._greet(dialog)
                said, refused = self._hand_over(dialog, data, letter.sender_mail)
            finally:
                wire.say_farewell(b"QUIT\r\n")
        return Receipt(transport=self.name, said="; ".join((said, *refused)))

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Return that this cannot be told: a mail that has left is in nobody's list."""
        del key, limit_s
        return CannotLook(
            reason="a mail that was sent cannot be looked up; only its recipient can tell that it came"
        )

    def _refuse_what_cannot_be(self) -> None:
        settings = self._settings
        broken = sorted(self._down.intersection(CARRIES_MAIL))
        if settings.is_local and broken:
            raise Undelivered(
                "later",
                self._where,
                f"this machine's mail is what is broken ({', '.join(broken)}), and no other server is set",
                retry_after_s=_BROKEN_S,
                next_step="set a mail server elsewhere for the agent's mail (server)",
            )
        if self._tls == "none" and not settings.is_local and not settings.allow_plain:
            raise Undelivered(
                "permanent",
                self._where,
                "mail would go over the network in plain text",
                next_step='use tls = "starttls" or "implicit", or allow_plain',
            )
        if self._tls == "none" and not settings.is_local and self._credentials:
            raise Undelivered(
                "permanent",
                self._where,
                "no password is sent over the network in plain text",
                next_step='use tls = "starttls" or "implicit"',
            )

    def _greet(self, dialog: "_Dialog") -> None:
        name = self._host.clock().host_name
        dialog.client.local_hostname = name if _HOST_NAME.fullmatch(name) else "localhost"
        dialog.hear("greeting", 220)
        dialog.ehlo()
        if self._tls == "starttls":
            dialog.start_tls(self._server, self._settings.authorities)
            dialog.ehlo()
        if self._credentials:
            dialog.log_in()

    def _hand_over(self, dialog: "_Dialog", data: bytes, sender_mail: str) -> tuple[str, tuple[str, ...]]:
        """Return what the server said at the end, and who of those that get a copy was refused."""
        settings = self._settings
        dialog.refuse_too_big(len(data))
        sender = addr_spec(settings.sender or sender_mail)
        size = f" SIZE={len(data)}" if dialog.offers("size") else ""
        dialog.ask("MAIL FROM", f"MAIL FROM:<{sender}>{size}", 250)
        # The one it is for comes first: when that one is refused, nobody gets it, and so nobody twice.
        dialog.ask("RCPT TO", f"RCPT TO:<{addr_spec(settings.to)}>", 250, 251)
        refused = []
        for address in settings.copy_to:
            code, text = dialog.say("RCPT TO", f"RCPT TO:<{addr_spec(address)}>")
            if code == _SERVICE_CLOSES:
                raise dialog.refusal("RCPT TO", code, text)
            if code not in (250, 251):
                refused.append(f"no copy to {one_line(address)}: {code} {dialog.shown(text)}")
        dialog.ask("DATA", "DATA", 354)
        return dialog.send(data), tuple(refused)


class _Dialog:
    """One conversation with a mail server, step by step; every step but the last ends surely not accepted."""

    def __init__(self, wire: Wire, where: str, credentials: Credentials) -> None:
        import smtplib

        self._wire = wire
        self._where = where
        self._credentials = credentials
        self.client: smtplib.SMTP = smtplib.SMTP(local_hostname="localhost")  # it connects to nothing
        vars(self.client)["sock"] = wire

    def step(self, name: str, *, lost: Literal["later", "uncertain"] = "later") -> "_Step":
        """Return the guard of one step; ``lost`` is what it means when there is no answer to it."""
        self._wire.stage = name
        return _Step(f"{self._where}, {name}", lost)

    def hear(self, name: str, *wanted: int) -> str:
        """Return what the server says, when its code is one of those."""
        with self.step(name):
            code, text = self.client.getreply()
        return self._judged(name, code, text, wanted)

    def say(self, name: str, command: str) -> tuple[int, bytes]:
        """Return code and text of the answer to a command."""
        with self.step(name):
            self.client.putcmd(command)
            return self.client.getreply()

    def ask(self, name: str, command: str, *wanted: int) -> str:
        """Return the text of the answer to a command, when its code is one of those."""
        return self._judged(name, *self.say(name, command), wanted)

    def _judged(self, name: str, code: int, text: bytes, wanted: tuple[int, ...]) -> str:
        if code in wanted:
            return self.shown(text)
        raise self.refusal(name, code, text)

    def shown(self, text: bytes) -> str:
        """Return the server's words for people; one that repeats the password is not repeated."""
        words = text.decode("utf-8", "replace")
        for secret in self._secrets():
            words = words.replace(secret, "[hidden:password]")
        return one_line(words, _REPLY_CHARACTERS)

    def _secrets(self) -> tuple[str, ...]:
        if not self._credentials:
            return ()
        return (self._plain_login(), _base64(self._credentials.secret), self._credentials.secret)

    def refusal(self, name: str, code: int, text: bytes) -> Undelivered:
        """Return the ending for an answer that is not the one that was wanted."""
        where, words = f"{self._where}, {name}", self.shown(text)
        if not 400 <= code <= 599:
            return Undelivered("later", where, f"an answer that no mail server gives: {code} {words}")
        if code < 500:
            return Undelivered("later", where, f"{code} {words}", retry_after_s=wait_s(words))
        return Undelivered("permanent", where, f"{code} {words}", next_step=_next_step(name, code, words))

    def ehlo(self) -> None:
        """Introduce oneself, and keep what the server can do; an old server is spoken to in the old way."""
        with self.step("EHLO"):
            code, text = self.client.ehlo()
        if code in (500, 501, 502, 504):
            with self.step("HELO"):
                code, text = self.client.helo()
        self._judged("EHLO", code, text, (250,))

    def offers(self, extension: str) -> bool:
        """Return whether the server knows an extension."""
        return self.client.has_extn(extension)

    def start_tls(self, name: str, authorities: str) -> None:
        """Go on in TLS; what was said before it counts for nothing."""
        if not self.offers("starttls"):
            raise Undelivered(
                "permanent",
                f"{self._where}, STARTTLS",
                "the server does not offer STARTTLS, and nothing is sent without",
                next_step='look whether it is the right server and port, or use tls = "implicit"',
            )
        self.ask("STARTTLS", "STARTTLS", 220)
        self.client.file = None  # with all that came before TLS and was not read yet
        self.client.esmtp_features = {}
        with self.step("STARTTLS"):
            self._wire.start_tls(name, authorities)

    def log_in(self) -> None:
        """Log in by PLAIN, or by LOGIN where that is all there is."""
        offered = self.client.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, text = self.say("AUTH", f"AUTH PLAIN {self._plain_login()}")
        elif "LOGIN" in offered:
            code, text = self.say("AUTH", "AUTH LOGIN")
            for answer in (self._credentials.user, self._credentials.secret):
                if code == 334:
                    code, text = self.say("AUTH", _base64(answer))
        else:
            why = f"no way of login that is used here; it offers: {one_line(' '.join(offered)) or 'none'}"
            raise Undelivered("permanent", f"{self._where}, AUTH", why, next_step="needs PLAIN or LOGIN")
        self._judged("AUTH", code, text, (235,))

    def _plain_login(self) -> str:
        return _base64(f"\0{self._credentials.user}\0{self._credentials.secret}")

    def refuse_too_big(self, size_bytes: int) -> None:
        """Do nothing when the server takes a mail of this size, as far as it has told."""
        told = self.client.esmtp_features.get("size", "").strip()
        if told.isascii() and told.isdigit() and 0 < int(told[:18]) < size_bytes:
            why = f"the mail has {size_bytes} bytes, the server takes {int(told[:18])}"
            raise Undelivered(
                "permanent", f"{self._where}, SIZE", why, next_step="send it without attachments"
            )

    def send(self, data: bytes) -> str:
        """Send the mail and the final dot; only now may it have been accepted without our knowing."""
        body = re.sub(rb"(?m)^\.", b"..", data)
        with self.step("sending of the mail"):
            self._wire.sendall(body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        name = "after the final dot"
        with self.step(name, lost="uncertain"):
            code, text = self.client.getreply()
        if 200 <= code <= 299:
            return f"{code} {self.shown(text)}"
        if not 400 <= code <= 599:
            why = f"an answer that no mail server gives: {code} {self.shown(text)}"
            raise Undelivered("uncertain", f"{self._where}, {name}", why)
        raise self.refusal(name, code, text)


class _Step:
    """Turns everything that can go wrong in one step into its ending."""

    def __init__(self, where: str, lost: Literal["later", "uncertain"]) -> None:
        self._where = where
        self._lost = lost

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        import smtplib

        if isinstance(error, HostError):
            if self._lost == "uncertain":
                raise Undelivered("uncertain", self._where, error.reason) from None
            raise not_sent(error, self._where) from None
        if isinstance(error, smtplib.SMTPServerDisconnected):
            raise Undelivered(self._lost, self._where, "the server closed the connection") from None
        if isinstance(error, smtplib.SMTPResponseException):  # smtplib's own, for a line without an end
            raise Undelivered(self._lost, self._where, "an answer that no mail server gives") from None


def wait_s(words: str) -> float:
    """Return the seconds that a server asks to wait; five minutes for a greylist that does not say; else 0.

    Source: RFC 6647, section 5: most lists let a second attempt through after one to five minutes.
    """
    told = _WAIT.search(words)
    if told:
        return min(float(told[1]) * _UNIT_S[told[2][0].lower()], _LONGEST_WAIT_S)
    return _GREYLISTED_S if re.search(r"gr[ea]y-?list", words, re.IGNORECASE) else 0.0


def _next_step(name: str, code: int, words: str) -> str:
    """Return what a person can do about a refusal for ever."""
    if name == "AUTH":
        return "look at the user and the password for this mail server"
    if code == 530:
        return "the server wants a login: set user and password"
    if code == 552 or "5.3.4" in words:
        return "send it without attachments"
    if name in ("MAIL FROM", "RCPT TO"):
        return "look at the addresses, and whether this server takes mail for them from here"
    return ""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
