"""A mail server that takes what it is given, or refuses it in the way it is told. Real SMTP, by aiosmtpd."""

import asyncio
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

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

    ``answers`` maps a step (MAIL, RCPT, DATA, or an address) to what is answered there; "drop" closes the
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
        self._options: dict[str, Any] = {
            "data_size_limit": size_bytes,
            "auth_require_tls": identity is not None,
            "enable_SMTPUTF8": True,
        }
        if auth:
            self._options |= {"authenticator": self._authenticate, "auth_required": True}
        self._implicit: ssl.SSLContext | None = None
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity)
            if implicit:
                self._implicit = context
            else:
                self._options["tls_context"] = context
        self.port = 0
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        """Serve until the ``with`` block ends; connections that are still open end with the loop."""
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        served: list[SMTP] = []

        def serve() -> SMTP:
            served.append(SMTP(self, loop=self._loop, **self._options))
            return served[-1]

        server = await self._loop.create_server(serve, "127.0.0.1", 0, ssl=self._implicit)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._ending.wait()
        server.close()
        for one in served:
            if isinstance(one.transport, asyncio.WriteTransport):
                one.transport.abort()
        await asyncio.sleep(0)  # in which they close

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
            assert isinstance(server.transport, asyncio.WriteTransport)
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
        data, content = cast("object", session.auth_data), envelope.content
        assert isinstance(content, bytes)
        self.received.append(
            Received(
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                data=content,
                user=data.login.decode() if isinstance(data, LoginPassword) else "",
                tls=cast("object", session.ssl) is not None,
            )
        )
        return self._told(server, "DATA") or "250 2.0.0 Ok: queued as 4ZxYw"
