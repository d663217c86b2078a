"""Findings to incidents to a verdict: every rule from both sides, and what holds for any findings at all."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from building import finding, result
from fakes import BOOTED_AT, NOW_AT
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from iwx_agent.config import load_causes, load_policy
from iwx_agent.model import (
    Boot,
    Cause,
    Finding,
    Incident,
    IncidentState,
    Missing,
    Process,
    Processes,
    Scope,
    Severity,
)
from iwx_agent.model.support import Topic
from iwx_agent.triage import (
    Circumstances,
    Clock,
    fingerprint,
    identity,
    incidents_of,
    scoped,
    verdict_of,
    work_in_progress,
)

CAUSES = load_causes()
POLICY = load_policy()
EARLY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CONFIRMED, PASSING = IncidentState.CONFIRMED, IncidentState.PASSING


def grouped(*findings: Finding, causes: tuple[Cause, ...] = CAUSES, **more: Any) -> tuple[Incident, ...]:
    return incidents_of([result(*findings)], causes, more.pop("states", {}), policy=POLICY, **more)


def shape(incidents: tuple[Incident, ...]) -> list[tuple[str, list[str]]]:
    return [(i.lead.code, [other.code for other in i.others]) for i in incidents]


def explains(*pairs: tuple[str, str]) -> tuple[Cause, ...]:
    return tuple(Cause(code=cause, explains=(effect,), why="x") for cause, effect in pairs)


# Fingerprints


def test_a_fingerprint_is_made_of_code_and_subject_alone() -> None:
    expected = hashlib.sha256(b"SYSTEM-001\0/var").hexdigest()[:16]
    assert fingerprint(finding("SYSTEM-001", "/var")) == expected == "2abf9ead7f2b7944"  # by sha256sum(1)
    changed = finding("SYSTEM-001", "/var", title="x", detail="99 %", severity=Severity.NOTE, since_at=EARLY)
    assert fingerprint(changed) == expected
    assert fingerprint(finding("SYSTEM-001", "/va")) != expected
    assert fingerprint(finding("SYSTEM-00", "1/var")) != expected


# Grouping


def test_a_full_disk_explains_the_database_which_explains_nodeworx() -> None:
    disk = finding("SYSTEM-001", "/var", touches=("database", "panel"), severity=Severity.ERROR)
    found = grouped(finding("PANEL-004"), finding("PANEL-040", "panel database"), disk)
    assert shape(found) == [("SYSTEM-001", ["PANEL-004", "PANEL-040"])]
    assert found[0].fingerprint == fingerprint(disk)


@pytest.mark.parametrize("cause", ["SYSTEM-001", "SYSTEM-010", "SYSTEM-020"])
@pytest.mark.parametrize(
    "effect", ["MAIL-010", "MAIL-012", "MAIL-013", "MAIL-020", "MAIL-022", "MAIL-023", "MAIL-030"]
)
def test_a_dovecot_that_cannot_write_its_log_is_a_consequence_of_the_disk(cause: str, effect: str) -> None:
    """Seen in the lab: Dovecot ends (status 81, or 80 at its start); while it does, connections are reset."""
    disk = finding(cause, "/var/log", touches=("mail",), severity=Severity.ERROR)
    assert shape(grouped(finding(effect, "POP3"), disk)) == [(cause, [effect])]
    elsewhere = finding(cause, "/srv", touches=("web",), severity=Severity.ERROR)
    assert shape(grouped(finding(effect, "POP3"), elsewhere)) == [(effect, []), (cause, [])]


def test_a_chain_is_folded_under_its_first_link_only() -> None:
    found = grouped(
        finding("C", "c"), finding("A", "a"), finding("B", "b"), causes=explains(("A", "B"), ("B", "C"))
    )
    assert shape(found) == [("A", ["B", "C"])]


def test_what_a_cause_does_not_touch_stays_apart() -> None:
    disk = finding("SYSTEM-001", "/backup", touches=("mail",), severity=Severity.ERROR)
    found = grouped(disk, finding("PANEL-040", "panel database"), finding("MAIL-030", "mail queue"))
    assert shape(found) == [("PANEL-040", []), ("SYSTEM-001", ["MAIL-030"])]


def test_one_file_system_that_hangs_is_no_word_on_another() -> None:
    home = finding("CLUSTER-021", "/home", touches=("web",), severity=Severity.ERROR)
    same, other = (finding("SYSTEM-004", place, severity=Severity.ERROR) for place in ("/home", "/backup"))
    found = grouped(home, same, other)
    assert shape(found) == [("CLUSTER-021", ["SYSTEM-004"]), ("SYSTEM-004", [])]
    assert found[1].lead.subject == "/backup"


@pytest.mark.parametrize("touches", [("cluster",), ("cluster", "command_queue")])
def test_a_node_that_is_away_explains_a_queue_only_when_something_in_it_waits_for_it(
    touches: tuple[str, ...],
) -> None:
    away = finding("CLUSTER-010", "cluster nodes", touches=touches, severity=Severity.ERROR)
    found = grouped(away, finding("CLUSTER-001", "command queue"))
    if "command_queue" in touches:
        assert shape(found) == [("CLUSTER-010", ["CLUSTER-001"])]
    else:
        assert shape(found) == [("CLUSTER-001", []), ("CLUSTER-010", [])]


def test_unrelated_findings_are_incidents_of_their_own_the_worst_first() -> None:
    found = grouped(
        finding("SSH-001", "sshd", severity=Severity.ERROR),
        finding("WEB-031", "example.com", severity=Severity.WARNING),
        finding("MAIL-001", "smtp 25"),
    )
    assert shape(found) == [("MAIL-001", []), ("SSH-001", []), ("WEB-031", [])]


def test_of_two_causes_the_first_in_the_map_leads() -> None:
    causes = explains(("A", "X"), ("B", "X"))
    for order in (("A", "B", "X"), ("X", "B", "A")):
        found = grouped(*(finding(code, code) for code in order), causes=causes)
        assert shape(found) == [("A", ["X"]), ("B", [])]
    assert shape(grouped(*(finding(c, c) for c in "ABX"), causes=causes[::-1])) == [("A", []), ("B", ["X"])]


def test_the_entry_that_explains_it_counts_not_the_first_of_its_code() -> None:
    causes = explains(("A", "Y"), ("B", "X"), ("A", "X"))
    assert shape(grouped(*(finding(c, c) for c in "ABX"), causes=causes)) == [("A", []), ("B", ["X"])]


def test_of_two_causes_of_one_code_the_first_subject_leads() -> None:
    causes = explains(("A", "X"))
    found = grouped(finding("A", "/var"), finding("A", "/home"), finding("X", "x"), causes=causes)
    assert [(i.lead.subject, len(i.others)) for i in found] == [("/home", 1), ("/var", 0)]


def test_causes_that_explain_each_other_are_one_incident() -> None:
    for order in ("AB", "BA"):
        found = grouped(*(finding(code, code) for code in order), causes=explains(("B", "A"), ("A", "B")))
        assert shape(found) == [("B", ["A"])]


def test_a_circle_with_a_cause_outside_is_folded_under_it() -> None:
    causes = explains(("A", "B"), ("B", "A"), ("Z", "B"))
    found = grouped(*(finding(code, code) for code in "ABZ"), causes=causes)
    assert shape(found) == [("Z", ["A", "B"])]


def test_a_long_circle_and_what_hangs_on_it_end() -> None:
    causes = explains(("C", "A"), ("A", "B"), ("B", "C"), ("B", "X"))
    found = grouped(*(finding(code, code) for code in "XBAC"), causes=causes)
    assert shape(found) == [("C", ["A", "B", "X"])]


def test_a_finding_does_not_explain_itself_but_one_of_its_kind_may() -> None:
    causes = explains(("A", "A"))
    assert shape(grouped(finding("A", "1"), causes=causes)) == [("A", [])]
    assert shape(grouped(finding("A", "1"), finding("A", "2"), causes=causes)) == [("A", ["A"])]


def test_one_finding_told_twice_is_one_and_the_worse_of_both() -> None:
    mild = finding("A", "a", severity=Severity.NOTE)
    for order in ((mild, finding("A", "a")), (finding("A", "a"), mild)):
        (only,) = grouped(*order)
        assert (only.lead.severity, only.others) == (Severity.EMERGENCY, ())


# States


@pytest.mark.parametrize(
    ("told", "busy", "state"),
    [
        ([None], "", "unconfirmed"),
        ([CONFIRMED], "", "confirmed"),
        ([PASSING], "", "passing"),
        ([PASSING, None], "", "unconfirmed"),
        ([PASSING, CONFIRMED], "", "confirmed"),
        ([None, CONFIRMED], "", "confirmed"),
        ([None], "dnf runs", "in_progress"),
        ([CONFIRMED], "dnf runs", "in_progress"),
        ([PASSING], "dnf runs", "passing"),
        ([PASSING, None], "dnf runs", "in_progress"),
    ],
)
def test_the_state_of_an_incident(told: list[IncidentState | None], busy: str, state: str) -> None:
    codes = ["A", "B"][: len(told)]
    states = {(c, c): s for c, s in zip(codes, told, strict=True) if s is not None}
    found = grouped(
        *(finding(c, c) for c in codes), causes=explains(("A", "B")), states=states, in_progress=busy
    )
    assert [i.state.value for i in found] == [state]


def test_without_an_emergency_one_look_is_enough_even_while_work_is_in_progress() -> None:
    found = grouped(finding(severity=Severity.ERROR), in_progress="dnf runs")
    assert found[0].state is IncidentState.OPEN


def test_emergencies_that_count_stand_before_those_that_do_not() -> None:
    found = grouped(finding("A", "a"), finding("B", "b"), causes=(), states={("A", "a"): PASSING})
    assert shape(found) == [("B", []), ("A", [])]


# Since


@pytest.mark.parametrize(
    ("lead", "others", "expected"),
    [
        (None, [], (None, "")),
        ((EARLY, "log"), [(LATE, "unit")], (EARLY, "log")),
        ((LATE, "log"), [(EARLY, "unit")], (LATE, "log")),  # the cause's own beginning counts
        (None, [(LATE, "x"), (EARLY, "unit")], (EARLY, "unit")),
        (None, [None, (LATE, "x")], (LATE, "x")),
    ],
)
def test_since_when(lead: Any, others: list[Any], expected: Any) -> None:
    def at(code: str, told: Any) -> Finding:
        return finding(code, code, **({"since_at": told[0], "since_source": told[1]} if told else {}))

    codes = [f"B{number}" for number in range(len(others))]
    (only,) = grouped(
        at("A", lead),
        *(at(code, told) for code, told in zip(codes, others, strict=True)),
        causes=explains(*(("A", code) for code in codes)),
    )
    assert (only.since_at, only.since_source) == expected


# Scope


@pytest.mark.parametrize(
    ("code", "own", "scope", "source"),
    [
        ("MAIL-001", Scope.VENDOR, Scope.VENDOR, "guide 7.1, qualifies: Mail services"),
        ("PANEL-001", Scope.VENDOR, Scope.VENDOR, "guide 7.1, qualifies: NodeWorx"),
        (
            "PANEL-040",
            Scope.VENDOR,
            Scope.VENDOR,
            "guide 7.1, qualifies: InterWorx Control Panel software and its related packages",
        ),
        ("WEB-030", Scope.VENDOR, Scope.VENDOR, "guide 7.1, qualifies: SSL certificates"),
        ("WEB-012", Scope.CUSTOMER, Scope.CUSTOMER, "guide 7.1, does not qualify: Website code issues"),
        # The same code, seen to be somebody else's or nobody's: the words of the other side do not fit it.
        ("WEB-012", Scope.UNKNOWN, Scope.UNKNOWN, "no line of the guide names it: judged by its check"),
        ("WEB-012", Scope.PROVIDER, Scope.PROVIDER, "no line of the guide names it: judged by its check"),
        # A line that names a code decides, whatever the check said.
        (
            "SYSTEM-050",
            Scope.VENDOR,
            Scope.PROVIDER,
            "guide 7.1, does not qualify: System-level MySQL crashes",
        ),
        ("SYSTEM-030", Scope.UNKNOWN, Scope.PROVIDER, "guide 7.1, does not qualify: Hard drive crashes"),
        (
            "SYSTEM-999",
            Scope.PROVIDER,
            Scope.PROVIDER,
            "guide 7.1, does not qualify: System administrator tasks",
        ),
        ("SYSTEM-999", Scope.VENDOR, Scope.VENDOR, "no line of the guide names it: judged by its check"),
    ],
)
def test_the_scope_of_a_finding_and_of_its_incident(code: str, own: Scope, scope: Scope, source: str) -> None:
    (judged,) = scoped([result(finding(code, scope=own))], POLICY)
    assert [f.scope for f in judged.findings] == [scope]
    (found,) = incidents_of([judged], (), {}, policy=POLICY)
    assert (found.scope, found.scope_source) == (scope, source)


def test_another_policy_decides_otherwise() -> None:
    moved = Topic(id="mysql", words="MySQL as a whole", codes=("SYSTEM-050",))
    (judged,) = scoped(
        [result(finding("SYSTEM-050", scope=Scope.PROVIDER))], replace(POLICY, qualifies=(moved,))
    )
    assert judged.findings[0].scope is Scope.VENDOR


def test_an_incident_is_whose_its_cause_is() -> None:
    disk = finding("SYSTEM-001", "/var", scope=Scope.PROVIDER, touches=("database",), severity=Severity.ERROR)
    (found,) = grouped(disk, finding("PANEL-040", "panel database"))
    assert (found.scope, found.others[0].scope) == (Scope.PROVIDER, Scope.VENDOR)


def test_results_without_findings_stay_what_they_are() -> None:
    well = result()
    assert scoped([well], POLICY) == (well,)


# Work in progress


def busy(*processes: Process, uptime_s: float = 86_400, **limits: float) -> str:
    return work_in_progress(
        Processes(entries=processes),
        Boot(booted_at=NOW_AT - uptime_s, read_at=NOW_AT),
        boot_grace_s=limits.get("boot_grace_s", 300.0),
        transaction_grace_s=limits.get("transaction_grace_s", 7200.0),
    )


def process(name: str, title: str = "", *, age_s: float = 60.0, state: str = "S") -> Process:
    return Process(
        pid=7, parent_pid=1, name=name, user="root", state=state, started_at=NOW_AT - age_s, title=title
    )


@pytest.mark.parametrize(
    ("uptime_s", "said"), [(0, True), (299, True), (300, False), (301, False), (-5, False)]
)
def test_the_first_minutes_after_boot(uptime_s: float, said: bool) -> None:
    assert bool(busy(uptime_s=uptime_s)) == said
    assert ("within the first 300 s after boot" in busy(uptime_s=uptime_s)) == said


@pytest.mark.parametrize(("age_s", "said"), [(0, True), (7199, True), (7200, False), (90_000, False)])
def test_a_transaction_is_work_until_it_is_too_old(age_s: float, said: bool) -> None:
    assert bool(busy(process("dnf", "/usr/bin/python3 /usr/bin/dnf", age_s=age_s))) == said


@pytest.mark.parametrize(
    ("state", "said"), [("R", True), ("S", True), ("D", True), ("T", False), ("t", False)]
)
def test_a_stopped_transaction_is_a_problem_not_work(state: str, said: bool) -> None:
    assert bool(busy(process("dnf", "dnf update", state=state))) == said
    assert busy(process("yum", "yum update", state="Z")) == ""


@pytest.mark.parametrize(
    ("name", "title", "said"),
    [
        ("dnf", "", True),
        ("yum", "/usr/bin/python /usr/bin/yum", True),
        ("python3", "/usr/bin/python3 /usr/bin/dnf", True),
        ("platform-python", "/usr/libexec/platform-python /usr/bin/dnf-3", True),
        ("dnf5", "dnf5 upgrade", True),
        ("rpm", "rpm -Uvh", True),
        ("rpm", "/usr/bin/rpm --rebuilddb", True),
        ("rpm", "rpm -q", False),  # the agent's own question
        ("rpm", "/usr/bin/rpm -qa", False),
        ("rpm", "rpm -Va", False),
        ("rpm", "rpm --query", False),
        ("rpm", "rpm", False),
        ("rpm", "", False),
        ("man", "man dnf", False),
        ("vim", "vim /etc/dnf", False),
        ("grep", "grep rpm", False),
        ("python3", "/usr/bin/python3 /opt/x.py", False),
        ("python3", "python3", False),
        ("httpd", "", False),
    ],
)
def test_what_counts_as_a_package_transaction(name: str, title: str, said: bool) -> None:
    assert bool(busy(process("init"), process(name, title))) == said


def test_the_transaction_is_named() -> None:
    assert busy(process("dnf", "dnf update")) == "a package transaction is running: dnf update"
    assert busy(process("dnf")) == "a package transaction is running: dnf"


def test_facts_that_are_missing_explain_nothing_away() -> None:
    gone = Missing(reason="x")
    boot = Boot(booted_at=BOOTED_AT, read_at=NOW_AT)
    dnf = Processes(entries=(process("dnf"),))
    limits = {"boot_grace_s": 300.0, "transaction_grace_s": 7200.0}
    assert work_in_progress(gone, boot, **limits) == ""
    assert work_in_progress(dnf, gone, **limits) == ""
    assert work_in_progress(gone, Boot(booted_at=NOW_AT, read_at=NOW_AT), **limits) != ""


# What holds for any findings and any map

CODES = [f"C-{number}" for number in range(6)]
a_finding = st.builds(
    finding,
    st.sampled_from(CODES),
    st.sampled_from(["x", "y"]),
    severity=st.sampled_from(Severity),
    touches=st.sets(st.sampled_from(["mail", "web"])).map(tuple),
)
a_cause = st.builds(
    Cause,
    code=st.sampled_from(CODES),
    explains=st.lists(st.sampled_from(CODES), max_size=4).map(tuple),
    why=st.just("x"),
    touches=st.sampled_from(["", "mail"]),
    same_subject=st.booleans(),
)
some_findings = st.lists(a_finding, max_size=10, unique_by=identity)
some_causes = st.lists(a_cause, max_size=8).map(tuple)


@given(findings=some_findings, causes=some_causes)
def test_every_finding_lands_in_exactly_one_incident(
    findings: list[Finding], causes: tuple[Cause, ...]
) -> None:
    found = grouped(*findings, causes=causes)
    landed = [identity(member) for i in found for member in (i.lead, *i.others)]
    assert sorted(landed) == sorted(identity(f) for f in findings)


@given(findings=some_findings, causes=some_causes, data=st.data())
def test_the_order_of_findings_and_checks_changes_nothing(
    findings: list[Finding], causes: tuple[Cause, ...], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(findings))
    apart = incidents_of([result(f) for f in shuffled], causes, {}, policy=POLICY)
    assert apart == grouped(*findings, causes=causes)


@given(findings=some_findings, causes=some_causes)
def test_a_consequence_is_always_explained_by_somebody_in_its_incident(
    findings: list[Finding], causes: tuple[Cause, ...]
) -> None:
    for found in grouped(*findings, causes=causes):
        members = (found.lead, *found.others)
        for other in found.others:
            assert any(cause.covers(member, other) for cause in causes for member in members)


@given(findings=some_findings, causes=some_causes, busy=st.sampled_from(["", "dnf runs"]))
def test_an_emergency_always_reaches_the_verdict(
    findings: list[Finding], causes: tuple[Cause, ...], busy: str
) -> None:
    found = grouped(*findings, causes=causes, in_progress=busy)
    given = Circumstances(policy=POLICY, clock=Clock(now=LATE), in_progress=busy)
    said = verdict_of(found, [], given)
    emergencies = [f for f in findings if f.severity is Severity.EMERGENCY]
    assert said.emergency == (bool(emergencies) and not busy)
    assert (said.priority is None) == (not findings)
    assert not (said.priority and not said.reasons)
