"""The server as a person steers it in tests: its clock, its lock and its audit log, in this process."""

import json
import os
from pathlib import Path
from typing import Any, Self

import pytest
from building import AT
from fakes import FakeHost, clock, content
from msgspec.structs import replace

from iwx_agent.host import AskClock, HostError, ReadFile
from iwx_agent.host.worker import lock as held_lock
from iwx_agent.host.worker.operations import operate
from iwx_agent.outbox.machine import Attempt, Entry, State
from iwx_agent.outbox.shelf import adding
from iwx_agent.state.contract import Store
from iwx_agent.transports.contract import Attachment, Letter

NOW = AT
LETTER = Letter(
    key="iwx-1a",
    category="Support",
    ip_address_or_hostname="iwx1.example.com",
    assistance="Yes",
    subject="[iwx-1a] Mail is down",
    message="qmail-send is down.\n\n  since 15:00 UTC\n",
    priority="Urgent",
    attachments=(Attachment(name="b.tar.gz", media_type="application/gzip", data=b"abc"),),
)
PUT_OFF = Attempt(at=NOW, transport="portal", ending="later", said="503 Service Unavailable")
CHAIN = ("portal", "email", "file")


def entry(key: str = "iwx-1a", state: State = State.QUEUED, **more: Any) -> Entry:
    values: dict[str, Any] = {"chain": CHAIN, "created_at": NOW, "due_at": NOW}
    return Entry(key=key, state=state, **(values | more))


def put(store: Store, *entries: Entry) -> None:
    """Put texts into a store; those at an end as if they had come to it."""
    from iwx_agent.outbox.machine import ENDS
    from iwx_agent.state.contract import MoveText

    for one in entries:
        change: Any = adding(one, replace(LETTER, key=one.key))
        assert store.commit(change)
        if one.state in ENDS:
            assert store.commit(MoveText(key=one.key, version=1, entry=change.entry, ended=True))


class Server(FakeHost):
    """Answers what a person's command asks: the clock, and who has logged in."""

    workers = None

    def __init__(self, *, budget_s: float = 1.0) -> None:
        super().__init__(
            {
                AskClock(): clock(now_at=NOW.timestamp()),
                ReadFile(path="/proc/self/loginuid", max_bytes=32): content("1000"),
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        pass


def set_up(monkeypatch: pytest.MonkeyPatch, directory: Path) -> Path:
    """Have commands meet ``Server``, take the lock in this process, and write a log; return its path."""

    def ask(workers: Any, request: tuple[Any, ...], *told: Any, **more: Any) -> Any:
        answer = operate(request)
        if answer[0] == "error":
            raise HostError(answer[1], answer[2], str(request[1]))
        return answer[1]

    journal: list[bytes] = []
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Server)
    monkeypatch.setattr("iwx_agent.host.local.ask_worker", ask)
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
    monkeypatch.setattr("iwx_agent.audit.DIRECTORY", directory / "log")
    monkeypatch.setattr("iwx_agent.audit._send_to_journal", journal.append)
    return directory / "log" / "audit.log"


def let_go() -> None:
    """Let go of the locks that were taken in this process, as a worker's end does."""
    while held_lock._held:
        os.close(held_lock._held.popitem()[1])


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Return the lines of the audit log."""
    return [json.loads(line) for line in log.read_text().splitlines()]
