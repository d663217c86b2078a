"""What a probe gets, what a probe is, and the few ways of asking that all areas share."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from iwx_agent.host import Host, HostError, Memo, TcpGreeting, UnixGreeting
from iwx_agent.model import Layout, PageAnswer, PortAnswer
from iwx_agent.model.signatures import Signatures
from iwx_agent.parsers.page import page_text, page_title

T = TypeVar("T")
_NO_SIGNATURES = Signatures()


class Context:
    """What every probe is given: the host, asking each question once per look; what is known; how deep."""

    def __init__(
        self, host: Host, layout: Layout, signatures: Signatures = _NO_SIGNATURES, *, deep: bool = False
    ) -> None:
        self.memo = Memo(host)
        self.host: Host = self.memo
        self.resample: Host = host  # not memoised: for a second sample of the same thing
        self.layout = layout
        self.signatures = signatures
        self.deep = deep  # may ask servers on the network


class Probe(Struct, frozen=True, kw_only=True):
    """One fact: its name is the name of ``ask``, its type the return annotation of ``ask``.

    ``ask`` returns the fact, or lets HostError and ParseError pass: they become Missing in one place.
    """

    ask: Callable[[Context], Any]

    @property
    def fact(self) -> str:
        """Return the name of the fact."""
        return self.ask.__name__


def together(calls: Sequence[Callable[[], T]]) -> tuple[T, ...]:
    """Run bounded calls side by side and return their results in order; the first error is raised.

    Every host question is bounded, so each thread ends by itself.
    """
    results: dict[int, T] = {}
    errors: list[BaseException] = []

    def run(index: int, call: Callable[[], T]) -> None:
        try:
            results[index] = call()
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread below
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=(index, call), daemon=True, name=f"together-{index}")
        for index, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return tuple(results[index] for index in range(len(calls)))


def ask_port(
    host: Host,
    port: int,
    *,
    address: str = "127.0.0.1",
    tls: bool = False,
    server_name: str = "",
    expect_greeting: bool = True,
    farewell: str = "",
    timeout_s: float = 10.0,
) -> PortAnswer:
    """Ask a TCP port for its greeting; what the network answers is a value, also when it is a refusal.

    Raises:
        HostError: only for what says nothing about the port: no memory, the budget is over, not captured.
    """
    question = TcpGreeting(
        port=port,
        address=address,
        tls=tls,
        server_name=server_name,
        expect_greeting=expect_greeting,
        farewell=farewell,
        timeout_s=timeout_s,
    )
    return _port_answer(host, question, address, port, tls)


def ask_unix_socket(
    host: Host, path: str, *, expect_greeting: bool = True, timeout_s: float = 5.0
) -> PortAnswer:
    """Ask a unix socket for its greeting; ``address`` of the answer is the path, ``port`` 0.

    ``refused`` means that nobody listens behind the path; a path that is not there is HostError not_found.
    """
    question = UnixGreeting(path=path, expect_greeting=expect_greeting, timeout_s=timeout_s)
    return _port_answer(host, question, path, 0, tls=False)


# What the agent itself ran out of says nothing about whom it asked.
_OWN_SHORTAGES = ("(EMFILE)", "(ENFILE)", "(ENOBUFS)", "(ENOMEM)")
_OUTCOMES = {
    "refused": "refused",
    "timeout": "silent",
    "closed": "closed",
    "tls": "tls_failed",
    "unreachable": "unreachable",
    "failed": "failed",
}


def own_shortage(error: HostError) -> bool:
    """Return whether the question failed for want of memory, buffers or descriptors on the agent's side."""
    peer_spoke = error.reason.startswith("answered,")
    return error.kind == "failed" and not peer_spoke and any(n in error.reason for n in _OWN_SHORTAGES)


def ask_page(host: Host, url: str, *, address: str = "127.0.0.1", timeout_s: float = 10.0) -> PageAnswer:
    """GET a page; what the network or server answers is a value, also when it is a refusal.

    Raises:
        HostError: only for what says nothing about the server: no memory, the budget is over, not captured.
    """
    try:
        answer = host.http_get(url, address=address, timeout_s=timeout_s)
    except HostError as error:
        if error.kind not in _OUTCOMES or own_shortage(error):
            raise
        return PageAnswer(
            url=url,
            address=address,
            outcome=_OUTCOMES[error.kind],  # type: ignore[arg-type]
            detail=error.reason,
            duration_s=timeout_s if error.kind == "timeout" else 0.0,
            limit_s=timeout_s,
        )
    return PageAnswer(
        url=url,
        address=address,
        outcome="answered",
        status=answer.status,
        title=page_title(answer.text),
        text=page_text(answer.text),
        location=answer.header("location"),
        retry_after=answer.header("retry-after"),
        sets_cookie=bool(answer.header("set-cookie")),
        server=answer.header("server"),
        duration_s=answer.duration_s,
        limit_s=timeout_s,
    )


def _port_answer(
    host: Host, question: TcpGreeting | UnixGreeting, address: str, port: int, tls: bool
) -> PortAnswer:
    try:
        answer = host.greeting(question)
    except HostError as error:
        if error.kind not in _OUTCOMES or own_shortage(error):
            raise
        return PortAnswer(
            address=address,
            port=port,
            tls=tls,
            outcome=_OUTCOMES[error.kind],  # type: ignore[arg-type]
            detail=error.reason,
            duration_s=question.timeout_s if error.kind == "timeout" else 0.0,
            limit_s=question.timeout_s,
        )
    return PortAnswer(
        address=address,
        port=port,
        tls=tls,
        outcome="greeted",
        greeting=answer.data.decode("utf-8", "replace").strip(),
        duration_s=answer.duration_s,
        limit_s=question.timeout_s,
    )
