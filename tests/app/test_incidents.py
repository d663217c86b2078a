"""What auto goes by, and what a person has it be silent about: which incident, until when, how bad it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import AT, finding, incident, report
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace
from remembered import EPISODE
from steering import NOW, Server, lines_of

from iwx_agent.app.incidents import WhenError, decisions, end_of, heed, ignore, silences, watched
from iwx_agent.app.naming import NotOneError
from iwx_agent.app.saved import save_run
from iwx_agent.app.steering import Hand, Look, RefusedError
from iwx_agent.audit import Audit
from iwx_agent.config import Settings
from iwx_agent.model import Incident, IncidentState, Missing, Report, Scope, Severity
from iwx_agent.model.episode import Action, Decision, Ignored
from iwx_agent.model.steering import ToldDecision, decision_read, decision_written
from iwx_agent.state import Door, Runs, StateError
from iwx_agent.state.contract import Event, Ignore, KeepEpisode, Note, Store
from iwx_agent.state.latest import Latest
from iwx_agent.state.memory import MemoryStore
from iwx_agent.state.store import DiskStore
from iwx_agent.triage.decision import Situation, decide
from iwx_agent.triage.incidents import fingerprint

WEB = finding(title="NodeWorx does not answer")
MAIL = finding("MAIL-010", "queue", title="The queue does not move", severity=Severity.ERROR)
DISK = finding("DISK-001", "/", title="The disk is full", severity=Severity.WARNING)
DAY = timedelta(days=1)


def of(*findings: Any, **more: Any) -> Incident:
    return incident(*findings, fingerprint=fingerprint(findings[0]), **more)


FIRST, SECOND = fingerprint(WEB), fingerprint(MAIL)


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)


@pytest.fixture(params=[DiskStore, MemoryStore])
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param()
    return made


@pytest.fixture
def hand(store: Store, tmp_path: Path) -> Hand:
    return Hand(Server(), store, Runs(), Audit(tmp_path / "log", lambda line: None))


def save(*reports: Report) -> None:
    for made in reports:
        assert save_run(made, Settings()) == ""


def make(hand: Hand, given: str, **more: Any) -> Ignored:
    values: dict[str, Any] = {"until": NOW + DAY, "reason": "known", "unless_worse": False, "anyway": False}
    return ignore(hand, given, **(values | more)).rule


# Until when


@pytest.mark.parametrize(
    ("when", "until"),
    [
        ("1min", NOW + timedelta(minutes=1)),
        ("90min", NOW + timedelta(minutes=90)),
        ("2h", NOW + timedelta(hours=2)),
        (" 3d ", NOW + timedelta(days=3)),
        ("90d", NOW + timedelta(days=90)),
        ("2160h", NOW + timedelta(days=90)),
        ("2026-11-23T15:26:41Z", NOW + timedelta(seconds=1)),
        ("2026-11-23T17:00:00.9+01:00", datetime(2026, 11, 23, 16, 0, tzinfo=UTC)),
        ("2026-12-01 08:00", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_a_time_to_come(when: str, until: datetime) -> None:
    assert end_of(when, NOW) == until


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("0h", "in the future"),
        ("2026-11-23T15:26:40Z", "in the future"),
        ("2020-01-01", "in the future"),
        ("91d", "at most 90 days"),
        ("90d1h", "expected 90min"),
        ("2161h", "at most 90 days"),
        ("9999-12-31", "at most 90 days"),
        ("", "expected 90min"),
        ("2", "expected 90min"),
        ("2m", "expected 90min"),
        ("-2h", "expected 90min"),
        ("２h", "expected 90min"),
        ("9999999999h", "expected 90min"),
        ("0001-01-01T00:00+23:59", "expected 90min"),
        ("forever", "expected 90min"),
        ("\x1b[2J", "expected 90min"),
    ],
)
def test_no_time_at_which_it_could_end(when: str, said: str) -> None:
    with pytest.raises(WhenError, match=said):
        end_of(when, NOW)


@given(some.text(max_size=30) | some.from_regex(r"[0-9]{1,7}(min|h|d)", fullmatch=True))
@settings(max_examples=300)
def test_whatever_is_typed_it_ends_within_90_days_or_is_refused(when: str) -> None:
    try:
        until = end_of(when, NOW)
    except WhenError:
        return
    assert NOW - timedelta(seconds=1) < until <= NOW + timedelta(days=90)


# Which incident


@pytest.mark.parametrize(
    "given", [FIRST, FIRST[:6], FIRST[:10].upper(), f" {FIRST} ", "PANEL-001", "panel-001"]
)
def test_an_incident_of_the_last_run(given: str, store: Store, hand: Hand, tmp_path: Path) -> None:
    save(report(of(WEB, DISK), of(MAIL)))
    made = ignore(hand, given, until=NOW + DAY, reason="we know", unless_worse=True, anyway=False)
    rule = Ignored(
        fingerprint=FIRST, until=NOW + DAY, reason="we know", unless_worse=True, severity=Severity.EMERGENCY
    )
    assert (made.rule, made.title, made.code) == (rule, "NodeWorx does not answer", "PANEL-001")
    assert store.past(NOW).ignored == (rule,)
    (intent, outcome) = lines_of(tmp_path / "log" / "audit.log")
    said = "until 2026-11-24T15:26:40Z, unless it is worse: we know"
    assert (intent["action"], intent["outcome"]) == (f"ignore {FIRST}", said)
    assert outcome["outcome"] == f"done: {said}"


def test_how_bad_it_is_now_counts(hand: Hand) -> None:
    save(report(of(replace(MAIL, severity=Severity.EMERGENCY))), report(of(MAIL), collected_at=AT + DAY))
    assert make(hand, SECOND[:6]).severity is Severity.ERROR
    save(report(of(MAIL, replace(DISK, severity=Severity.EMERGENCY)), collected_at=AT + 2 * DAY))
    assert make(hand, SECOND[:6]).severity is Severity.EMERGENCY


def test_an_incident_of_an_earlier_run(hand: Hand) -> None:
    save(report(of(replace(MAIL, severity=Severity.WARNING))), report(of(MAIL)), report(of(WEB)), report())
    assert make(hand, SECOND[:6], unless_worse=True).severity is Severity.ERROR


def test_a_code_that_only_an_earlier_run_has_names_nothing(hand: Hand) -> None:
    save(report(of(MAIL)), report(of(WEB)))
    with pytest.raises(NotOneError) as told:
        make(hand, "MAIL-010")
    assert told.value.known == ("PANEL-001", FIRST, SECOND)


def test_a_code_of_a_consequence_names_nothing(hand: Hand) -> None:
    save(report(of(WEB, DISK)))
    with pytest.raises(NotOneError):
        make(hand, "DISK-001")


def test_a_code_of_two_incidents_is_not_clear(store: Store, hand: Hand) -> None:
    other = finding(subject="SiteWorx")
    save(report(of(WEB), of(other)))
    with pytest.raises(NotOneError) as told:
        make(hand, "PANEL-001")
    assert told.value.matching == (FIRST, fingerprint(other))
    assert store.past(NOW).ignored == ()


@pytest.mark.parametrize("given", [FIRST[:5], "", "zzzzzz", "f" * 17, f"{FIRST[:6]}0000000000x"])
@pytest.mark.parametrize("anyway", [False, True])
def test_what_names_no_incident(given: str, anyway: bool, store: Store, hand: Hand, tmp_path: Path) -> None:
    save(report(of(WEB)))
    with pytest.raises(NotOneError):
        make(hand, given, anyway=anyway)
    assert store.past(NOW).ignored == ()
    assert not (tmp_path / "log").exists()


def test_several_that_begin_so(hand: Hand) -> None:
    save(
        report(incident(WEB, fingerprint="abcdef0000000000"), incident(MAIL, fingerprint="abcdef1111111111"))
    )
    with pytest.raises(NotOneError) as told:
        make(hand, "abcdef")
    assert told.value.matching == ("abcdef0000000000", "abcdef1111111111")


def test_one_that_no_run_has_anyway(store: Store, hand: Hand) -> None:
    unknown = "0123456789abcdef"
    for saved in ((), (report(of(WEB)),)):
        save(*saved)
        with pytest.raises(NotOneError):
            make(hand, unknown)
        assert make(hand, unknown.upper(), anyway=True).fingerprint == unknown
        with pytest.raises(RefusedError, match="how bad 0123456789abcdef is now is not known"):
            make(hand, unknown, anyway=True, unless_worse=True)


def test_before_any_run_there_is_nothing_to_name(hand: Hand) -> None:
    with pytest.raises(NotOneError) as told:
        make(hand, FIRST)
    assert told.value.known == ()


class Unreadable(Runs):
    """Saved runs of which the last one, or the rest, cannot be read."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self._last = last

    def report(self, run: str = "") -> Any:
        if self._last or run:
            raise StateError("the saved run is damaged", "damaged")
        return super().report(run)


def test_runs_that_cannot_be_read_are_an_error_unless_it_is_named_in_full(
    store: Store, tmp_path: Path
) -> None:
    audit = Audit(tmp_path / "log", lambda line: None)
    hand = Hand(Server(), store, Unreadable(last=True), audit)
    with pytest.raises(StateError, match="is damaged"):
        make(hand, FIRST)
    assert make(hand, FIRST, anyway=True).fingerprint == FIRST


def test_a_damaged_earlier_run_costs_its_words(store: Store, tmp_path: Path) -> None:
    save(report(of(MAIL)), report(of(WEB)))
    hand = Hand(Server(), store, Unreadable(last=False), Audit(tmp_path / "log", lambda line: None))
    made = ignore(hand, SECOND, until=NOW + DAY, reason="x", unless_worse=False, anyway=False)
    assert (made.title, made.rule.severity) == ("", Severity.EMERGENCY)


def test_a_run_that_does_not_know_its_incidents(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    save(report(of(WEB)))
    (run,) = Runs().listed()
    unknown = replace(run, point=replace(run.point, incidents=Missing(reason="not told")))
    monkeypatch.setattr(Runs, "listed", lambda *told: (unknown,))
    assert make(hand, FIRST).fingerprint == FIRST


def test_a_second_rule_takes_the_place_of_the_first(store: Store, hand: Hand) -> None:
    save(report(of(WEB)))
    make(hand, FIRST, reason="first")
    make(hand, FIRST, reason="second", until=NOW + 2 * DAY)
    assert [(rule.reason, rule.until) for rule in store.past(NOW).ignored] == [("second", NOW + 2 * DAY)]


def test_what_has_been_over_for_long_is_taken_back_meanwhile(store: Store, hand: Hand) -> None:
    save(report(of(WEB)))
    for name, days in (("a" * 16, 31), ("b" * 16, 29), (FIRST, 40)):
        store.commit(Ignore(rule=Ignored(fingerprint=name, until=NOW - days * DAY, reason="old")))
    make(hand, FIRST)
    assert {rule.fingerprint for rule in store.past(NOW).ignored} == {FIRST, "b" * 16}


# Taken back


def test_a_rule_is_taken_back(store: Store, hand: Hand, tmp_path: Path) -> None:
    save(report(of(WEB)))
    rule = make(hand, FIRST)
    assert heed(hand, FIRST[:6].upper()).rule == rule
    assert store.past(NOW).ignored == ()
    assert lines_of(tmp_path / "log" / "audit.log")[-1]["action"] == f"ignore {FIRST} --end"
    with pytest.raises(NotOneError):
        heed(hand, FIRST)
    assert make(hand, FIRST) == rule
    assert store.past(NOW).ignored == (rule,)


@pytest.mark.parametrize("given", [FIRST[:5], SECOND, ""])
def test_no_rule_to_take_back(given: str, store: Store, hand: Hand) -> None:
    save(report(of(WEB)))
    rule = make(hand, FIRST)
    with pytest.raises(NotOneError):
        heed(hand, given)
    assert store.past(NOW).ignored == (rule,)


# A rule silences what the decision says it silences


@pytest.mark.parametrize("severity", [Severity.ERROR, Severity.EMERGENCY])
@pytest.mark.parametrize("unless_worse", [False, True])
@pytest.mark.parametrize("left_s", [-1, 0, 1])
@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_rules_mean_what_the_decision_takes_them_for(
    severity: Severity, unless_worse: bool, left_s: int, name: str
) -> None:
    until = NOW + timedelta(seconds=left_s)
    rule = Ignored(fingerprint=name, until=until, reason="x", unless_worse=unless_worse, severity=severity)
    down = of(WEB)
    decided = decide(Situation(now=NOW, report=report(down), rules=_RULES, new_key="iwx-1", ignored=(rule,)))
    assert silences(rule, down, NOW) is (decided.row == "ignored")


def _rules() -> Any:
    from iwx_agent.model.episode import AutoRules

    return AutoRules()


_RULES = _rules()


# What there is to see


def look() -> Look:
    return Look(Server(), Latest(), Runs())


def test_before_anything_there_is_nothing() -> None:
    found = watched(look())
    assert (found.episode, found.run, found.run_at, found.incidents, found.rules) == (None, "", None, (), ())
    assert found.unread == "nothing has been kept yet"


def test_what_auto_goes_by() -> None:
    rule = Ignored(fingerprint=SECOND, until=NOW + DAY, reason="known")
    over = Ignored(fingerprint=FIRST, until=NOW - DAY, reason="was known")
    save(report(of(WEB)), report(of(WEB, DISK, since_at=AT), of(MAIL, state=IncidentState.PASSING)))
    DiskStore().commit(KeepEpisode(episode=EPISODE), Ignore(rule=rule), Ignore(rule=over))
    found = watched(look())
    assert (found.episode, found.run_at, found.unread, found.rules) == (EPISODE, AT, "", (rule, over))
    assert found.run == Runs().listed(1)[0].id
    first, second = found.incidents
    assert (first.fingerprint, first.code, first.title) == (FIRST, "PANEL-001", "NodeWorx does not answer")
    assert (first.severity, first.since_at, first.scope) == (Severity.EMERGENCY, AT, Scope.VENDOR)
    assert first.rule is None
    assert (second.rule, second.state) == (rule, IncidentState.PASSING)


def test_runs_that_cannot_be_read_are_said() -> None:
    found = watched(Look(Server(), Latest(), Unreadable(last=True)))
    assert (found.run_at, found.unread) == (None, "the saved run is damaged")


# Decisions

DECISION = Decision(action=Action.FILE, row="first time", said="Mail is down: a new ticket, iwx-1")


def told(said: str) -> tuple[str, str, str]:
    found = decision_read(said, NOW)
    return found.action, found.row, found.said


def test_a_decision_comes_back_as_it_was_written() -> None:
    assert told(decision_written(DECISION)) == ("file", "first time", "Mail is down: a new ticket, iwx-1")


@pytest.mark.parametrize("action", Action)
@given(row=some.from_regex(r"[a-z, ]+", fullmatch=True), said=some.text(min_size=1))
@settings(max_examples=20)
def test_any_decision_does(action: Action, row: str, said: str) -> None:
    assert told(decision_written(Decision(action=action, row=row, said=said))) == (action, row, said)


@pytest.mark.parametrize(
    "said", ['{"action":"hold"}', "odd: row\nx", "just a sentence", "file: first time", "", "half\ud800pair"]
)
def test_what_was_kept_another_way_is_its_own_sentence(said: str) -> None:
    assert told(said) == ("", "", said)


@given(some.text())
@settings(max_examples=200)
def test_anything_that_was_kept_can_be_told(said: str) -> None:
    assert isinstance(decision_read(said, NOW), ToldDecision)


def test_the_last_decisions_come_first() -> None:
    assert decisions(Latest(), 5) == ()
    for minutes in range(3):
        event = Event(at=NOW, kind="decision", key=f"iwx-{minutes}", said=decision_written(DECISION))
        DiskStore(Door()).commit(Note(event=event))
    assert [one.key for one in decisions(Latest(), 2)] == ["iwx-2", "iwx-1"]
    assert decisions(Latest(), 1)[0].row == "first time"
