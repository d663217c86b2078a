"""The ways of asking that all areas share: what the agent itself lacks is no answer of whom it asks."""

import pytest
from fakes import context
from msgspec import Struct

from iwx_agent.host import HostError, HttpGet, Question, TcpGreeting
from iwx_agent.probes.context import ask_page, ask_port

URL = "https://localhost:2443/nodeworx/"
Answers = dict[Question, Struct | HostError | list[Struct | HostError]]


@pytest.mark.parametrize(
    ("kind", "reason", "is_answer"),
    [
        ("failed", "cannot allocate memory (ENOMEM)", False),
        ("failed", "no buffer space available (ENOBUFS) in the sending of the request", False),
        ("failed", "too many open files (EMFILE)", False),
        ("failed", "too many open files in system (ENFILE)", False),
        ("failed", "protocol not available (ENOPROTOOPT)", True),
        ("failed", "answered, but not with HTTP: out of memory (ENOMEM)", True),
        ("refused", "connection refused (ECONNREFUSED)", True),
    ],
)
def test_want_of_memory_or_descriptors_is_the_agents_own(kind: str, reason: str, is_answer: bool) -> None:
    error = HostError(kind, reason, "q")  # type: ignore[arg-type]
    answers: Answers = {HttpGet(url=URL): error, TcpGreeting(port=25): error}
    host = context(answers).host
    if is_answer:
        assert ask_page(host, URL).outcome == kind
        assert ask_port(host, 25).outcome == kind
        return
    with pytest.raises(HostError, match=r"E[A-Z]+"):
        ask_page(host, URL)
    with pytest.raises(HostError, match=r"E[A-Z]+"):
        ask_port(host, 25)
