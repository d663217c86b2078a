"""TLS that never waits by itself: as a health check needs it, or with the certificate verified.

A health check takes whatever version and whatever certificate: nothing secret goes over its connections and
nothing they say is trusted, they only show whether the machine's own services speak TLS. Whoever sends
something out of this machine gives a ``verifying_context``.
"""

import contextlib
import re
import ssl
from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")

_CERTIFICATE = re.compile(
    rb"-----BEGIN (?:X509 )?CERTIFICATE-----.*?-----END (?:X509 )?CERTIFICATE-----", re.DOTALL
)
_RECORD_BYTES = 16 * 1024
_WORDS = {
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS (wrong version number)",
    "PACKET_LENGTH_TOO_LONG": "the peer does not speak TLS (packet length too long)",
    "HTTP_REQUEST": "the peer speaks HTTP, not TLS",
    "UNEXPECTED_EOF_WHILE_READING": "connection closed in the TLS handshake (EOF)",
}


def tolerant_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate and any version that this OpenSSL still knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    return context


def verifying_context(authorities: str = "") -> ssl.SSLContext:
    """Return a context that verifies certificate and name, by the system's authorities or a file of others.

    ``authorities`` is the path of a PEM file; then no other authority is trusted. The system's are where this
    OpenSSL was built to look. Not ``create_default_context``: it obeys SSL_CERT_FILE and SSL_CERT_DIR, and
    writes the secrets of each connection to the file that SSLKEYLOGFILE names.

    Raises:
        OSError: when there is no such file, or no certificate in it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities:
        context.load_verify_locations(cafile=authorities)
        return context
    built = ssl.get_default_verify_paths()
    for place in ({"cafile": built.openssl_cafile}, {"capath": built.openssl_capath}):
        with contextlib.suppress(OSError):  # without any nothing is trusted, and the handshake says so
            context.load_verify_locations(**place)
    return context


def why_no_authorities(data: bytes) -> str:
    """Return why the bytes of a PEM file give no authority to verify with; empty when they do."""
    blocks = _CERTIFICATE.findall(data)
    if not blocks:
        return "" if b"-----BEGIN TRUSTED CERTIFICATE-----" in data else "there is no certificate in it"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=b"\n".join(blocks).decode("ascii"))
    except (UnicodeDecodeError, ssl.SSLError):  # whose own words are "unknown error"
        return "a certificate in it cannot be read"
    return ""


def reason_of(error: OSError) -> str:
    """Return in few words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate cannot be trusted: {error.verify_message or error.reason}"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):  # which one depends on the OpenSSL
        return _WORDS["UNEXPECTED_EOF_WHILE_READING"]
    name = getattr(error, "reason", None) or ""
    return _WORDS.get(name, f"TLS handshake failed: {name.lower().replace('_', ' ') or error}")


class HandshakeError(Exception):
    """The handshake failed; ``reason`` is for people."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Session:
    """TLS over two functions that send and receive some bytes; these keep the deadline.

    Not an ``SSLSocket``: that one leaks its descriptor when the peer resets the connection early.
    """

    def __init__(
        self,
        send_some: Callable[[memoryview], int],
        receive_some: Callable[[int], bytes],
        server_name: str,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._send_some = send_some
        self._receive_some = receive_some
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = (context or tolerant_context()).wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name or None
        )

    @property
    def certificate(self) -> bytes:
        """Return the peer's certificate, DER."""
        return self._tls.getpeercert(binary_form=True) or b""

    def handshake(self) -> None:
        """Raises HandshakeError."""
        try:
            self._exchange(self._tls.do_handshake)
        except OSError as error:
            raise HandshakeError(reason_of(error)) from None

    def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        self._exchange(lambda: self._tls.write(data))

    def receive(self, max_bytes: int) -> bytes:
        """Return some bytes; empty when the peer has closed, politely or not."""
        try:
            return self._exchange(lambda: self._tls.read(max_bytes))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _exchange(self, operation: Callable[[], ResultT]) -> ResultT:
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._receive_some(_RECORD_BYTES)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        left = memoryview(self._outgoing.read())
        while left:
            left = left[self._send_some(left) :]
