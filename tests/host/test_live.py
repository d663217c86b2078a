"""The host as a whole: budget, many threads, the end of a run, and workers that are ended from outside."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import Peers, descendants_of

from iwx_agent.host import (
    AskClock,
    CommandAnswer,
    HostError,
    Memo,
    Question,
    ReadFile,
    Resolve,
    RunCommand,
    Stat,
    TcpGreeting,
)
from iwx_agent.host.live import LiveHost

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]


def outcomes_of(host: LiveHost, questions: list[Question]) -> tuple[list[Any], list[threading.Thread]]:
    """Ask all questions at once; the list is complete when the threads have ended."""
    found: list[Any] = [None] * len(questions)

    def ask(index: int) -> None:
        try:
            found[index] = host.answer(questions[index])
        except HostError as error:
            found[index] = error

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(questions))]
    for thread in threads:
        thread.start()
    return found, threads


def until(condition: Callable[[], bool], limit_s: float = 3.0) -> None:
    ends = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < ends, "did not happen"
        time.sleep(0.01)


def test_a_run_begins_with_one_process_and_ends_with_none() -> None:
    host = LiveHost()
    assert not descendants_of(os.getpid())
    with host:
        assert len(descendants_of(os.getpid())) == 1  # the zygote starts while others still prepare
    assert not descendants_of(os.getpid())


def test_a_zygote_that_cannot_start_is_told_by_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with LiveHost() as host, pytest.raises(HostError, match="no worker process could be started"):
        host.run(("true",))


def test_a_hundred_questions_at_once(host: LiveHost, peers: Peers) -> None:
    port = peers.tcp(peers.saying(b"220 ok\r\n"))
    questions: list[Question] = []
    for number in range(20):
        questions += [
            ReadFile(path="/etc/passwd", max_bytes=100 + number),
            Stat(path="/"),
            RunCommand(argv=("sh", "-c", f"echo {number}; exit {number}")),
            TcpGreeting(port=port),
            Resolve(name="localhost"),
        ]
    found, threads = outcomes_of(host, questions)
    for thread in threads:
        thread.join(20)
    assert not [outcome for outcome in found if outcome is None or isinstance(outcome, HostError)]
    for number, outcome in enumerate(found[2::5]):
        assert (outcome.exit_code, outcome.stdout) == (number, f"{number}\n".encode())
    assert host.in_progress() == ()
    assert host.abandoned() == ()


def test_a_spent_budget_asks_nothing_more() -> None:
    with LiveHost(budget_s=0.05) as host:
        time.sleep(0.06)
        for question in (
            ReadFile(path="/etc/passwd"),
            RunCommand(argv=("true",)),
            TcpGreeting(port=1),
            AskClock(),
        ):
            with pytest.raises(HostError) as error:
                host.answer(question)
            assert error.value.kind == "over_budget"
            assert error.value.reason == "not asked: the run's budget of 0.05 s was used up"


def test_the_budget_cuts_a_question_and_says_so(peers: Peers) -> None:
    """The peer was not slower than its own limit: that must not look like a peer that does not answer."""
    with LiveHost(budget_s=0.4) as host:
        started = time.monotonic()
        questions: list[Question] = [
            RunCommand(argv=("sleep", "50")),
            TcpGreeting(port=peers.tcp(peers.silent)),
            TcpGreeting(port=peers.tcp(peers.silent), timeout_s=0.1),
        ]
        found, threads = outcomes_of(host, questions)
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < 1.4
    assert [outcome.kind for outcome in found] == ["over_budget", "over_budget", "timeout"]
    assert "budget of 0.4 s ended after 0.4 s" in found[0].reason


def test_in_progress_names_what_is_being_waited_for(host: LiveHost) -> None:
    _, threads = outcomes_of(host, [RunCommand(argv=("sleep", "0.6"))])
    until(lambda: host.in_progress() == ("sleep 0.6",))
    threads[0].join()
    assert host.in_progress() == ()


def test_close_ends_everything_at_once(peers: Peers) -> None:
    host = LiveHost()
    silent = peers.tcp(peers.silent)
    questions: list[Question] = [
        *(RunCommand(argv=("sh", "-c", "trap '' TERM; setsid sleep 99 & sleep 99")) for _ in range(4)),
        *(RunCommand(argv=("sleep", "98")) for _ in range(4)),
        *(TcpGreeting(port=silent, tls=tls) for tls in (False, True)),
    ]
    found, threads = outcomes_of(host, questions)
    until(lambda: len([name for name in descendants_of(os.getpid()).values() if "sleep 9" in name]) >= 12)
    started = time.monotonic()
    host.close()
    assert time.monotonic() - started < 1.5
    for thread in threads:
        thread.join(0.5)
    assert [(outcome.kind, outcome.reason) for outcome in found] == [
        ("over_budget", "the run was stopped")
    ] * 10
    assert not descendants_of(os.getpid())
    with pytest.raises(HostError, match="stopped"):
        host.read("/etc/passwd")
    host.close()


def test_pause_ends_in_time_with_the_budget_and_with_the_run() -> None:
    with LiveHost(budget_s=0.3) as host:
        started = time.monotonic()
        host.pause(0.1)
        assert 0.1 <= time.monotonic() - started < 0.25
        host.pause(10)
        assert time.monotonic() - started < 0.5
    other = LiveHost()
    threading.Timer(0.1, other.close).start()
    started = time.monotonic()
    other.pause(10)
    assert time.monotonic() - started < 1


def test_no_descriptor_and_no_thread_is_left(peers: Peers) -> None:
    def used() -> list[str]:
        return sorted(
            str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()
        )

    threads = threading.active_count()
    before = len(used())
    with LiveHost() as host:
        host.read("/etc/passwd")
        host.run(("sh", "-c", "sleep 9 & echo"))
        host.run(("sleep", "9"), timeout_s=0.1)
        for missing in (
            lambda: host.run(("none",)),
            lambda: host.read("/none"),
            lambda: host.greeting(TcpGreeting(port=1)),
        ):
            with pytest.raises(HostError):
                missing()
    assert len(used()) == before
    assert threading.active_count() == threads


def zygote_of(host: LiveHost) -> int:
    """Return the only child of this process: the worker that forks the others."""
    host.stat("/")
    children = [
        pid
        for pid in descendants_of(os.getpid())
        if Path(f"/proc/{pid}/stat").read_text().split()[3] == str(os.getpid())
    ]
    assert len(children) == 1
    return children[0]


def test_a_killed_zygote_is_replaced(host: LiveHost) -> None:
    os.kill(zygote_of(host), signal.SIGKILL)
    found, threads = outcomes_of(host, [RunCommand(argv=("sh", "-c", "sleep 0.2; echo ok"))] * 8)
    for thread in threads:
        thread.join(5)
    assert [getattr(outcome, "stdout", outcome) for outcome in found] == [b"ok\n"] * 8


def test_a_killed_worker_is_told_and_replaced(host: LiveHost) -> None:
    zygote = zygote_of(host)
    found, threads = outcomes_of(host, [RunCommand(argv=("sleep", "50"), timeout_s=5)])
    until(lambda: "sleep 50 " in descendants_of(os.getpid()).values())
    below = descendants_of(zygote)
    (supervisor,) = (pid for pid, name in below.items() if "sleep 50" not in name)
    os.kill(supervisor, signal.SIGKILL)
    threads[0].join(2)
    assert (found[0].kind, found[0].reason) == ("failed", "its supervisor was ended from outside")
    assert host.read("/etc/passwd").data


def test_an_idle_worker_that_was_killed_is_not_used(host: LiveHost) -> None:
    zygote = zygote_of(host)
    for pid in descendants_of(zygote):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not descendants_of(zygote))
    assert host.read("/etc/passwd").data


def test_workers_are_used_again(host: LiveHost) -> None:
    for _ in range(20):
        host.stat("/")
        assert host.run(("true",)).exit_code == 0
    assert len(descendants_of(os.getpid())) == 2  # the zygote and one worker


def test_memo_asks_once_for_two_threads(host: LiveHost, tmp_path: Path) -> None:
    memo = Memo(host)
    count = tmp_path / "count"
    question = RunCommand(argv=("sh", "-c", f"echo x >> {count}; sleep 0.2; echo done"))
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(memo.answer(question))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.read_text() == "x\n"
    assert len(found) == 2
    assert found[0] is found[1]
    assert isinstance(memo.resample.answer(question), CommandAnswer)
    assert count.read_text() == "x\nx\n"


def test_memo_remembers_errors_too(host: LiveHost, tmp_path: Path) -> None:
    memo = Memo(host)
    path = tmp_path / "later"
    for _ in range(2):
        with pytest.raises(HostError):
            memo.read(str(path))
        path.write_text("here now")
    assert host.read(str(path)).data == b"here now"
