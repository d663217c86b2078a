"""A server that is run over and over, its store, and a help desk that takes what it is sent."""

from datetime import timedelta
from typing import Any

from building import AT
from emergencies import MAIL, seen

from iwx_agent.app.auto import decide_and_keep
from iwx_agent.app.filing import Author
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.model.episode import Decision
from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import Outbox
from iwx_agent.outbox.sending import Kept
from iwx_agent.outbox.shelf import StoreShelf
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.contract import Change
from iwx_agent.state.memory import MemoryStore
from iwx_agent.transports.contract import Attachment, Receipt

FIVE = timedelta(minutes=5)
BUNDLE = Attachment(name="bundle.tar.gz", media_type="application/gzip", data=b"packed")
AUTHOR = Author(ways=("portal", "email"), name="Server administration", mail="admin@example.com")
KEY = key_of(seen(MAIL))


class Server:
    """A server with a help desk that takes what it is sent; each run is five minutes later."""

    def __init__(self, **rules: Any) -> None:
        values: dict[str, Any] = {"enabled": True, "drafts_count": 0, "update_pause_s": 0}
        self.sending = Sending(auto=AutoSettings(**(values | rules)))
        self.store = MemoryStore()
        self.now = AT
        self.desk_is_open = True

    def run(self, *incidents: Any, **more: Any) -> Decision:
        found = seen(*incidents, collected_at=self.now, **more)
        decision = decide_and_keep(
            found, self.store, self.sending, AUTHOR, self.now, attach=lambda: (BUNDLE,)
        )
        if self.desk_is_open:
            self.deliver()
        self.now += FIVE
        return decision

    def deliver(self) -> None:
        shelf, box = StoreShelf(self.store), Outbox(OutboxRules(), self.now)
        for kept in shelf.waiting():
            if box.is_due(kept.entry):
                begun = shelf.move(kept, box.begun(kept.entry))
                assert begun is not None
                receipt = Receipt(transport="portal", reference="4711", url="https://desk.example.com/4711")
                shelf.move(begun, box.accepted(begun.entry, receipt))

    def texts(self) -> list[Kept]:
        found = [StoreShelf(self.store).one(text.key) for text in self.store.texts(99)]
        return [kept for kept in reversed(found) if kept is not None]

    def kinds(self) -> dict[str, int]:
        return {kind: len(self.store.events(kind, 99)) for kind in ("filed", "said", "draft", "decision")}


class Busy(MemoryStore):
    """Another process is faster, ``count`` times."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left_count = count

    def commit(self, *changes: Change) -> bool:
        if self.left_count:
            self.left_count -= 1
            return False
        return super().commit(*changes)
