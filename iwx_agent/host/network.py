"""Answers over the network: greetings, HTTP and datagrams, each under one deadline."""

import errno
import os
import socket
from collections.abc import Callable

from msgspec import Struct

from iwx_agent.host import answers as a
from iwx_agent.host import questions as q
from iwx_agent.host.contract import HostError
from iwx_agent.host.deadline import READABLE, Deadline, Expired
from iwx_agent.host.link import Link, family_of, network_error

AskLocal = Callable[[q.Question, Deadline], Struct]  # what the file system must say first

_DATAGRAM_BYTES = 65_535
_ID_BYTES = 2
_LENGTH_BYTES = 2


def network_answer(question: q.Question, deadline: Deadline, ask_local: AskLocal) -> Struct:
    """Answer a question that goes over a socket."""
    match question:
        case q.HttpGet():
            from iwx_agent.host.http_get import http_get

            return http_get(question, deadline)
        case q.TcpGreeting():
            return _tcp_greeting(question, deadline)
        case q.UnixGreeting():
            look_at_socket(question.path, question.source, deadline, ask_local)
            return _unix_greeting(question, deadline)
        case q.Datagram():
            return (
                _datagram_tcp(question, deadline)
                if question.protocol == "tcp"
                else _datagram_udp(question, deadline)
            )
        case q.PanelTables() | q.PanelRows():
            from iwx_agent.host.database import table_rows

            return table_rows(question, deadline, ask_local)
    raise TypeError(f"{type(question).__name__} is not a question to the network")


def look_at_socket(path: str, source: str, deadline: Deadline, ask_local: AskLocal) -> None:
    """Have a worker look the path up first: the kernel does so when it connects, and that look may hang."""
    try:
        found = ask_local(q.Stat(path=path), deadline)
    except HostError as error:
        raise HostError(error.kind, error.reason, source) from None
    if isinstance(found, a.FileStatus) and found.kind != "socket":
        raise HostError("failed", f"is a {found.kind}, not a socket", source)


def _tcp_greeting(question: q.TcpGreeting, deadline: Deadline) -> a.GreetingAnswer:
    with Link(deadline, question.source) as link:
        link.connect(question.address, question.port)
        if question.tls:
            link.start_tls(question.server_name)
        data = _greeting(link, question.max_bytes, until_newline=True) if question.expect_greeting else b""
        duration_s = deadline.passed_s
        if question.farewell:
            link.say_farewell(question.farewell.encode())
        return a.GreetingAnswer(data=data, duration_s=duration_s, certificate=link.certificate)


def _unix_greeting(question: q.UnixGreeting, deadline: Deadline) -> a.GreetingAnswer:
    with Link(deadline, question.source) as link:
        link.connect_unix(question.path)
        data = _greeting(link, question.max_bytes, until_newline=False) if question.expect_greeting else b""
        return a.GreetingAnswer(data=data, duration_s=deadline.passed_s)


def _greeting(link: Link, max_bytes: int, *, until_newline: bool) -> bytes:
    """Read what the peer says first: one line, or with ``until_newline`` false one piece."""
    link.stage = "greeting"
    data = b""
    while len(data) < max_bytes:
        piece = link.receive(max_bytes - len(data))
        if not piece and not data:
            raise link.error("closed", "accepted, then closed without a word")
        data += piece
        if not piece or not until_newline:
            break
        line, newline, _ = data.partition(b"\n")
        if newline:
            return line + newline
    return data


def _datagram_tcp(question: q.Datagram, deadline: Deadline) -> a.DatagramAnswer:
    with Link(deadline, question.source) as link:
        link.connect(question.address, question.port)
        link.stage = "sending of the question"
        link.send(len(question.payload).to_bytes(_LENGTH_BYTES, "big") + question.payload)
        link.stage = "answer"
        length = int.from_bytes(_exactly(link, _LENGTH_BYTES), "big")
        return a.DatagramAnswer(data=_exactly(link, length), duration_s=deadline.passed_s)


def _exactly(link: Link, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = link.receive(count - len(data))
        if not piece:
            raise link.error("closed", f"closed after {len(data)} of {count} bytes")
        data += piece
    return data


def _datagram_udp(question: q.Datagram, deadline: Deadline) -> a.DatagramAnswer:
    try:
        family = family_of(question.address)
    except ValueError as error:
        raise HostError("failed", str(error), question.source) from None
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as peer:
            peer.settimeout(0)
            number = peer.connect_ex((question.address, question.port))
            if number:
                raise OSError(number, os.strerror(number))
            for attempt in range(max(1, question.attempts)):
                reply = _one_attempt(peer, question, deadline, left=max(1, question.attempts) - attempt)
                if reply is not None:
                    return a.DatagramAnswer(data=reply, duration_s=deadline.passed_s)
    except OSError as error:
        raise network_error(error, "exchange", question.source) from None
    reason = f"no answer to {max(1, question.attempts)} questions within {deadline.limit_s:.1f} s"
    raise HostError("timeout", reason, question.source)


def _one_attempt(peer: socket.socket, question: q.Datagram, deadline: Deadline, *, left: int) -> bytes | None:
    """Send the question and wait a fair share of the time; a reply to another question is not the answer."""
    share = deadline.share(left)
    peer.send(question.payload)
    while True:
        try:
            share.wait((peer.fileno(), READABLE))
            reply = peer.recv(_DATAGRAM_BYTES)
        except Expired:
            return None
        except BlockingIOError:
            continue  # a datagram with a wrong checksum woke us and was dropped
        except OSError as error:
            if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH) and left > 1:
                return None
            raise
        if reply[:_ID_BYTES] == question.payload[:_ID_BYTES]:
            return reply
