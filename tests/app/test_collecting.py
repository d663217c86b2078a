"""collect(): every probe gives a fact or Missing, in time, whatever it does."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from fakes import context

from iwx_agent.app import collecting
from iwx_agent.app.collecting import collect
from iwx_agent.host import HostError
from iwx_agent.model import Missing, ParseError
from iwx_agent.probes import Context, Probe


def probe(name: str, ask: Callable[[], Any]) -> Probe:
    def asked(context: Context) -> Any:
        return ask()

    asked.__name__ = name
    return Probe(ask=asked)


def raising(error: BaseException) -> Callable[[], Any]:
    def ask() -> Any:
        raise error

    return ask


@pytest.fixture
def blocked() -> Iterator[Callable[[], Any]]:
    """A probe that never answers while the test runs."""
    release = threading.Event()
    yield lambda: release.wait(30)
    release.set()


def test_facts_come_by_name_with_their_durations() -> None:
    done: list[str] = []
    found = collect(
        context({}),
        [probe("one", lambda: 1), probe("none", lambda: None)],
        budget_s=10,
        on_done=done.append,
    )
    assert found.facts == {"one": 1, "none": None}
    assert sorted(done) == ["none", "one"]
    assert all(0 <= duration < 5 for duration in found.timings_s.values())


def test_what_is_done_meanwhile_is_done_while_the_answers_are_awaited() -> None:
    begun, told = threading.Event(), threading.Event()

    def answer() -> bool:
        begun.set()
        return told.wait(10)

    def meanwhile() -> None:
        assert begun.wait(10)
        told.set()

    assert collect(context({}), [probe("one", answer)], budget_s=10, meanwhile=meanwhile).facts == {
        "one": True
    }


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            HostError("timeout", "no answer within 3 s", "/x"),
            Missing(reason="no answer within 3 s", source="/x"),
        ),
        (
            HostError("not_found", "no such file", "/x"),
            Missing(reason="no such file", source="/x", absent=True),
        ),
        (HostError("not_captured", "no", "/x"), Missing(reason="no", source="/x")),
        (ParseError("a number", "x"), Missing(reason="expected a number, got 'x'", source="fact")),
        (KeyError("a"), Missing(reason="KeyError: 'a'", source="fact", crashed=True)),
        (RecursionError("deep"), Missing(reason="RecursionError: deep", source="fact", crashed=True)),
    ],
)
def test_an_error_becomes_missing_and_hides_nothing_else(error: Exception, expected: Missing) -> None:
    found = collect(context({}), [probe("fact", raising(error)), probe("other", lambda: 2)], budget_s=10)
    assert found.facts == {"fact": expected, "other": 2}


def test_probes_are_begun_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_THREADS_COUNT", 1)
    begun: list[int] = []
    collect(context({}), [probe(f"p{n}", partial(begun.append, n)) for n in range(30)], budget_s=10)
    assert begun == list(range(30))


def test_a_budget_that_ends_names_who_held_it_and_keeps_the_rest(blocked: Callable[[], Any]) -> None:
    started_s = time.monotonic()
    found = collect(
        context({}),
        [probe("stuck", blocked), probe("quick", lambda: 1)],
        budget_s=0.3,
        in_progress=lambda: ("stat /mnt/nfs", "run x", "run y", "run z"),
    )
    assert time.monotonic() - started_s < 3
    assert found.facts["quick"] == 1
    assert found.facts["stuck"] == Missing(
        reason="not answered within the budget of 0.3 s; held by: stat /mnt/nfs; run x; run y", source="stuck"
    )
    assert found.timings_s["stuck"] == 0.3


def test_more_stuck_probes_than_threads_leave_the_others_missing_not_waiting(
    blocked: Callable[[], Any],
) -> None:
    stuck = [probe(f"stuck{n}", blocked) for n in range(40)]
    found = collect(context({}), stuck, budget_s=0.2)
    assert set(found.facts) == {f"stuck{n}" for n in range(40)}
    assert found.facts["stuck39"].reason == "not answered within the budget of 0.2 s"


def test_threads_become_more_while_no_answer_comes_up_to_a_bound(blocked: Callable[[], Any]) -> None:
    before = threading.enumerate()
    collect(context({}), [probe(f"stuck{n}", blocked) for n in range(40)], budget_s=3)
    asking = [t for t in threading.enumerate() if t.name.startswith("probe-") and t not in before]
    assert len(asking) == 24
    assert all(thread.daemon for thread in asking)


def test_what_waits_behind_stuck_probes_is_asked_all_the_same(blocked: Callable[[], Any]) -> None:
    stuck = [probe(f"stuck{n}", blocked) for n in range(12)]
    found = collect(context({}), [*stuck, probe("quick", lambda: 1)], budget_s=2)
    assert found.facts["quick"] == 1


def test_no_probes_no_facts() -> None:
    assert collect(context({}), [], budget_s=1).facts == {}
