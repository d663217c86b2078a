"""This machine without a process of its own for each question, for tests that must not start any."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from iwx_agent.host import HostError
from iwx_agent.host.live import LiveHost
from iwx_agent.host.worker.operations import operate
from iwx_agent.host.workers import Workers

_ROOTS_OWN = ("directory", 4096, 0.0, 0o755, 0, 0)


class Here:
    """Answers in this process what workers would: in ``place`` what is so, elsewhere an empty machine.

    ``refused`` are answers instead, by what is asked: ``("trusted", "/path")``. ``asked`` is all that was.
    """

    def __init__(self, place: Path) -> None:
        self._place = f"{place}/"
        self.refused: dict[tuple[str, str], HostError] = {}
        self.asked: list[tuple[object, ...]] = []

    def answer(self, workers: object, request: tuple[object, ...], *told: object, **more: object) -> Any:
        self.asked.append(request)
        if refused := self.refused.get((str(request[0]), str(request[1] if len(request) > 1 else ""))):
            raise refused
        answer = operate(request) if self._is_real(request) else self._made_up(request)
        if answer[0] == "error":
            raise HostError(answer[1], answer[2], str(request[1]))
        return answer[1]

    def _is_real(self, request: tuple[object, ...]) -> bool:
        return len(request) > 1 and f"{request[1]}/".startswith(self._place)

    def _made_up(self, request: tuple[object, ...]) -> tuple[Any, ...]:
        match request:
            case ("spooled", *_):
                return ("answer", False)
            case ("trusted", *_):
                return ("answer", True)
            case ("stat", "/var/lib" | "/usr/local/sbin", *_):
                return ("answer", _ROOTS_OWN)
            case ("booted_at",):
                return ("answer", 0.0)
        return ("error", "not_found", "there is no such file (ENOENT)")


@contextmanager
def here(monkeypatch: pytest.MonkeyPatch, place: Path) -> Iterator[tuple[LiveHost, Here]]:
    """Give a live host and what answers for it, as for every live host that is made meanwhile."""
    machine = Here(place)
    monkeypatch.setattr(Workers, "start", lambda self: None)
    monkeypatch.setattr("iwx_agent.host.local.ask_worker", machine.answer)
    monkeypatch.setattr("iwx_agent.host.handover.ask_worker", machine.answer)
    with LiveHost(budget_s=60) as host:
        yield host, machine
