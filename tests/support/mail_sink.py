"""A mail server that takes what it is given, or refuses it in the way it is told. Real SMTP, by aiosmtpd."""

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "agent", "not-a-real-secret-päss"


class Received(NamedTuple):
    """One mail as it came."""

    sender: str
    recipients: list[str]
    data: bytes
    user: str
    tls: bool


class Sink:
    """One server on a free port of 127.0.0.1, up in a ``with`` block.

    ``answers`` maps a step (EHLO, MAIL, RCPT, DATA, or an address) to what is answered there; "drop" closes the
    connection instead. DATA is the answer after the final dot. ``auth`` wants a login, with ``identity`` (key
    and certificate in one PEM file) STARTTLS is offered, or TLS from the start with ``implicit``.
    """

    def __init__(
        self,
        answers: dict[str, str] | None = None,
        *,
        auth: bool = False,
        identity: Path | None = None,
        implicit: bool = False,
        size_bytes: int = 10_000_000,
    ) -> None:
        self.answers = answers or {}
        self.received: list[Received] = []
        self.logins: list[str] = []
        options: dict[str, Any] = {"data_size_limit": size_bytes, "auth_require_tls": identity is not None}
        if auth:
            options |= {"authenticator": self._authenticate, "auth_required": True}
        context = None
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity)
            options |= {} if implicit else {"tls_context": context}
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if implicit else None,
            server_kwargs=options,
            ready_timeout=10,
        )

    def __enter__(self) -> Self:
        # With port 0 the controller's own look whether it is up fails; the loop is started, and that is enough.
        self._controller._trigger_server = lambda: None  # type: ignore[method-assign]
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        assert self._controller.server is not None
        return int(self._controller.server.sockets[0].getsockname()[1])

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(mechanism)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False, auth_data=data)

    def _told(self, server: SMTP, *steps: str) -> str:
        told = next((self.answers[step] for step in steps if step in self.answers), "")
        if told == "drop":
            assert server.transport is not None
            server.transport.abort()
        return told

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = self._told(server, "MAIL")
        if not told:
            envelope.mail_from = address
        return told or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = self._told(server, address, "RCPT")
        if not told:
            envelope.rcpt_tos.append(address)
        return told or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        data = session.auth_data
        assert isinstance(envelope.content, bytes)
        self.received.append(
            Received(
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                data=envelope.content,
                user=data.login.decode() if isinstance(data, LoginPassword) else "",
                tls=session.ssl is not None,
            )
        )
        return self._told(server, "DATA") or "250 2.0.0 Ok: queued as 4ZxYw"
