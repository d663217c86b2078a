"""The way to another machine, for client libraries that have no limit of their own on a whole exchange.

``smtplib`` and ``http.client`` limit each single read, so that a peer that sends a byte a second holds them
for hours. Here they are given a wire instead of a socket: every wait of it ends at one deadline, what it
receives is bounded, names are looked up by a worker that can be left behind, and TLS is always verified.
"""

import io
from typing import TYPE_CHECKING, Any, Self

from iwx_agent.host.contract import Host, HostError
from iwx_agent.host.deadline import Deadline
from iwx_agent.host.link import Link, family_of
from iwx_agent.transports.contract import Undelivered

if TYPE_CHECKING:
    from types import TracebackType

_LOOK_UP_S = 6.0
_ADDRESSES_COUNT = 4


class Wire(io.RawIOBase):
    """What a client library takes for a connected socket.

    All that goes wrong on it is a ``HostError``, which is no ``OSError``: no client library swallows it.
    ``stage`` is what is being done, for the reason of an error; ``last_line`` is the last line that was
    read as one, with its end; empty when there was none any more.
    """

    def __init__(self, host: Host, deadline: Deadline, source: str, *, max_bytes: int) -> None:
        self._host = host
        self._link = Link(deadline, source)
        self._deadline = deadline
        self._left_bytes = max_bytes
        self._max_bytes = max_bytes
        self.last_line = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        trace: "TracebackType | None",
    ) -> None:
        self._link.__exit__(kind, error, trace)

    @property
    def stage(self) -> str:
        """What is being done, in words."""
        return self._link.stage

    @stage.setter
    def stage(self, words: str) -> None:
        self._link.stage = words

    def connect(self, name: str, port: int) -> None:
        """Connect to a name or an address; of a name's addresses the first that answers.

        Raises:
            HostError: what the last of them said, or the resolver.
        """
        addresses = (name,) if _is_address(name) else self._addresses(name)
        for number, address in enumerate(addresses):
            left = len(addresses) - number
            link = Link(self._deadline.share(left), self._link.source)
            try:
                link.connect(address, port)
                link.must_stand()  # here it is certain that nothing was sent
            except HostError:
                link.__exit__(None, None, None)
                if left == 1:
                    raise
            else:
                link.deadline = self._deadline
                self._link = link
                return

    def _addresses(self, name: str) -> tuple[str, ...]:
        limit_s = min(_LOOK_UP_S, self._deadline.left_s)
        found = self._host.resolve(name, timeout_s=limit_s).addresses[:_ADDRESSES_COUNT]
        if not found:
            raise HostError("not_found", f"{name} has no address", self._link.source)
        return found

    def start_tls(self, name: str, authorities: str) -> None:
        """Speak TLS with whoever can prove to be ``name``; ``authorities`` as for ``verifying_context``."""
        from iwx_agent.host.tls import verifying_context

        try:
            context = verifying_context(authorities)
        except OSError as error:
            reason = f"no authorities to verify with: {authorities}: {error.strerror or error}"
            raise HostError("tls", reason, self._link.source) from None
        self._link.start_tls(name, context)

    # What client libraries call

    def readable(self) -> bool:
        """Return true: this is the reading end that ``makefile`` promises."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what there is; 0 when the peer has closed."""
        if self._left_bytes <= 0:
            raise self._link.error("failed", f"more than {self._max_bytes} bytes of answer")
        piece = self._link.receive(min(len(buffer), self._left_bytes))
        self._left_bytes -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the reading end."""
        del mode
        return _Reader(self)

    def sendall(self, data: Any) -> None:
        """Send all of it."""
        self._link.send(bytes(data))

    def settimeout(self, timeout_s: float | None) -> None:
        """Do nothing: the deadline holds."""

    def close(self) -> None:
        """Do nothing: the connection ends with the ``with`` block, whoever closes the file over it before."""

    def say_farewell(self, data: bytes) -> None:
        """Send the last words; nothing that fails here matters."""
        self._link.say_farewell(data)


class _Reader(io.BufferedReader):
    """The reading end, which notes the last line."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._wire = wire

    def readline(self, size: int | None = -1, /) -> bytes:
        self._wire.last_line = super().readline(size)
        return self._wire.last_line


def not_sent(error: HostError, where: str) -> Undelivered:
    """Return the ending of an exchange that failed before the other side can have accepted anything."""
    step = "look at the certificate of the other side, or name its authority" if error.kind == "tls" else ""
    return Undelivered("later", where, error.reason, next_step=step)


def is_loopback(name: str) -> bool:
    """Return whether a server's name or address is this machine itself."""
    return name in ("localhost", "::1") or (name.startswith("127.") and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        family_of(name)
    except ValueError:
        return False
    return True
