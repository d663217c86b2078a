"""Send what waits: all that leaves is looked through and traced; what is not accepted lies here as a copy."""

import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from iwx_agent.app.posted import Posted
from iwx_agent.app.traces import Traces
from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import State
from iwx_agent.outbox.sending import Kept, Sender
from iwx_agent.outbox.shelf import StoreShelf, entry_of
from iwx_agent.state.contract import KeptText, Store
from iwx_agent.state.door import StateError
from iwx_agent.transports.contract import (
    Attachment,
    CannotLook,
    Letter,
    NotFound,
    Receipt,
    ShowsOutgoing,
    Transport,
    Undelivered,
)
from iwx_agent.transports.wording import as_json, letter_id

if TYPE_CHECKING:
    from iwx_agent.redact import Redactor

COPIES = "file"
_COPY_LIMIT_S = 10.0
_RECENT_COUNT = 50  # texts that are looked at for a copy that an earlier run could not leave


def outgoing_of(transport: Transport, letter: Letter) -> bytes:
    """Return what a transport sends; of a form that it fills in, the fields and the attachments."""
    return transport.outgoing(letter) if isinstance(transport, ShowsOutgoing) else as_json(letter)


class Guarded:
    """A transport from which nothing leaves that the redactor has not seen, and nothing without a trace.

    ``pages`` are what the other side sent when only a person can go on, redacted, by the letter's id: for a
    report of the defect.
    """

    def __init__(self, transport: Transport, redactor: "Redactor", traces: Traces) -> None:
        self.name = transport.name
        self.pages: dict[str, bytes] = {}
        self._transport = transport
        self._redactor = redactor
        self._traces = traces

    def outgoing(self, letter: Letter) -> bytes:
        """Return what the transport sends."""
        return outgoing_of(self._transport, letter)

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        """Send it as the transport does, when none of the server's secrets is in it.

        Raises:
            Undelivered: ``person`` with the place where the secret is kept; as the transport does.
        """
        from iwx_agent.redact import CanaryError

        data = self.outgoing(letter)
        try:
            self._redactor.release(data)
        except CanaryError as error:
            why = f"a secret of {error.hit.source} would have been in it: nothing was sent"
            raise Undelivered("person", self.name, why) from None
        digest = hashlib.sha256(data).hexdigest()
        name = letter_id(letter)
        self._traces.write("send", "intent", self.name, f"{name}, {len(data)} bytes, sha256 {digest}")
        ending = "not known"
        try:
            receipt = self._transport.deliver(letter, limit_s=limit_s)
            ending = f"accepted as {receipt.reference or 'a ticket without a number'}"
        except Undelivered as error:
            ending = f"{error.kind}: {error.why}"
            if error.page:
                page = error.page.decode("utf-8", "replace")
                self.pages[name] = self._redactor.redact_text(page, f"page of {self.name}").encode()
            raise
        finally:
            self._traces.write("send", "outcome", self.name, f"{name}: {ending}")
        return receipt

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        """Look as the transport does."""
        return self._transport.look_up(key, limit_s=limit_s)


class Post:
    """Sends by the transports of the settings, within the time that is left."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        rules: OutboxRules,
        *,
        now: Callable[[], datetime],
        left_s: Callable[[], float],
        attempt_s: float,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5),  # noqa: S311 - against beating time
    ) -> None:
        self._transports: Mapping[str, Transport] = transports
        self._pages = {name: one.pages for name, one in transports.items() if isinstance(one, Guarded)}
        self._rules = rules
        self._now = now
        self._left_s = left_s
        self._attempt_s = attempt_s
        self._jitter = jitter

    def outgoing(self, way: str, letter: Letter) -> bytes:
        """Return the bytes that a transport would send.

        Raises:
            Undelivered: it cannot send them, or is not set up.
        """
        transport = self._transports.get(way)
        if transport is None:
            raise Undelivered("permanent", way, "it is not set up")
        return outgoing_of(transport, letter)

    def send(self, store: Store) -> Posted:
        """Make every move that is due, and leave a copy here of each text that nobody has accepted.

        Raises:
            StateError: a move could not be kept; what was not kept was not sent.
        """
        shelf = StoreShelf(store)
        sender = Sender(
            shelf,
            self._transports,
            self._rules,
            now=self._now,
            jitter=self._jitter,
            left_s=self._left_s,
            attempt_s=self._attempt_s,
            instead=tuple(name for name in self._transports if name != COPIES),
        )
        moved = sender.run()
        said = list(shelf.damaged)
        copied = tuple(self._copied(shelf, kept, said) for kept in moved)
        self._copy_others(store, shelf, {kept.entry.key for kept in moved}, said)
        return Posted(moved=copied, said=tuple(said))

    def _copy_others(self, store: Store, shelf: StoreShelf, done: set[str], said: list[str]) -> None:
        """Leave a copy of what an earlier run tried in vain and, killed or on a full disk, left none of."""
        for text in store.texts(_RECENT_COUNT):
            if text.key in done or not _lacks_copy(text):
                continue
            try:
                kept = shelf.one(text.key)
            except StateError as error:
                if error.kind != "damaged":
                    raise
                continue  # that is told elsewhere
            if kept is not None and not self._copied(shelf, kept, said).entry.copy:
                return  # the next would not succeed either, and each takes its time

    def _copied(self, shelf: StoreShelf, kept: Kept, said: list[str]) -> Kept:
        entry, files = kept.entry, self._transports.get(COPIES)
        if entry.state is State.SENT or entry.copy or COPIES in entry.chain or files is None:
            return kept
        try:
            receipt = files.deliver(self._with_pages(kept.letter), limit_s=_COPY_LIMIT_S)
        except Undelivered as error:
            said.append(f"{entry.key} could not be left here to be pasted either: {error}")
            return kept
        return shelf.move(kept, replace(entry, copy=receipt.url)) or kept

    def _with_pages(self, letter: Letter) -> Letter:
        """Return the letter with the pages that nobody could make sense of."""
        pages = tuple(
            Attachment(name=f"page-of-{name}.html", media_type="text/html", data=pages[letter_id(letter)])
            for name, pages in self._pages.items()
            if letter_id(letter) in pages
        )
        return replace(letter, attachments=(*letter.attachments, *pages)) if pages else letter


def _lacks_copy(text: KeptText) -> bool:
    try:
        entry = entry_of(text)
    except StateError:  # damaged: that is told elsewhere
        return False
    unsent = entry.state in (State.QUEUED, State.UNCERTAIN, State.FAILED)
    return unsent and bool(entry.attempts) and not entry.copy and COPIES not in entry.chain
