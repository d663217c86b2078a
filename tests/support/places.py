"""A server with a help desk, as commands that send meet it: what is found, and what the desk is sent."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emergencies import MAIL, seen

from iwx_agent.model import Report
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Undelivered

SETTINGS = """
licence = "direct"
[auto]
enabled = true
drafts_count = 0
[delivery]
chain = ["webhook"]
[transport.webhook]
url = "https://desk.example.com/hook"
"""
Run = Callable[..., tuple[int, str, str]]


class Desk:
    """A help desk that takes what it is sent, or ends as it is told to."""

    name = "webhook"

    def __init__(self) -> None:
        self.received: list[Letter] = []
        self.error: Undelivered | None = None
        self.says = ""

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        if self.error is not None:
            raise self.error
        self.received.append(letter)
        where = "https://desk.example.com/4711"
        return Receipt(transport=self.name, reference="4711", url=where, said=self.says)

    def look_up(self, key: str, *, limit_s: float) -> Receipt | NotFound | CannotLook:
        return NotFound(said="its list")


class Files(Desk):
    name = "file"

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        self.received.append(letter)
        return Receipt(transport="file", reference=letter.key, url=f"file:///tickets/{letter.key}/ticket.txt")


class Place:
    """The server, its desk, and what the next look at it will find."""

    def __init__(self, etc: Path, log: Path) -> None:
        self.etc = etc
        self.log = log
        self.report: Report = seen(MAIL)
        self.asked: list[Any] = []
        self.desk = Desk()
        self.files = Files()

    def diagnose(self, host: Any, known: Any, request: Any, **more: Any) -> Report:
        self.asked.append(request)
        return self.report


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
