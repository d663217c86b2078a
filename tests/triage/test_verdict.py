"""What the incidents mean for support: priority, scope, whom to turn to, licence, filing, and each reason."""

from datetime import UTC, datetime
from typing import Any

import pytest
from building import finding, incident, result
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import load_policy, load_zone
from iwx_agent.model import (
    Incident,
    IncidentState,
    Licence,
    Override,
    Priority,
    Provider,
    Scope,
    Severity,
    Status,
    Step,
    Verdict,
)
from iwx_agent.triage import Circumstances, Clock, Zones, verdict_of

POLICY = load_policy()
OPEN_AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday, 10:00 in New York
ZONES = Zones(vendor=load_zone(POLICY), server=UTC)
SELLER = Provider(name="Example Hosting", address="support@example.com", text="We look after you.")


def verdict(*incidents: Incident, busy: str = "", checks: Any = None, **given: Any) -> Verdict:
    values: dict[str, Any] = {"clock": Clock(now=OPEN_AT), "zones": ZONES, "licence": Licence.DIRECT}
    circumstances = Circumstances(policy=POLICY, in_progress=busy, **(values | given))
    return verdict_of(tuple(incidents), checks or [result(check_id="c")], circumstances)


def state(
    name: str, severity: Severity = Severity.EMERGENCY, code: str = "PANEL-001", **more: Any
) -> Incident:
    """Return an incident of one finding, with a fingerprint of its own."""
    lead = finding(code, severity=severity, **more)
    return incident(lead, state=IncidentState(name), fingerprint=f"{code}-{lead.scope}-{name}")


def steps(found: Verdict, about: str) -> list[Step]:
    return [step for step in found.trace if step.about == about]


DISK = incident(
    finding("SYSTEM-001", "/var", severity=Severity.ERROR, scope=Scope.PROVIDER, title="The disk is full"),
    finding("PANEL-040", "db", title="The panel's database is down"),
    finding("SSH-002", "sshd", scope=Scope.PROVIDER, severity=Severity.WARNING),
    scope_source="guide 7.1, does not qualify: System administrator tasks",
    fingerprint="disk",
)
MAIL = state("confirmed", code="MAIL-001", title="Mail is down")


# Priority


@pytest.mark.parametrize(
    ("incidents", "priority", "emergency", "said"),
    [
        ([], None, False, ""),
        (
            [state("confirmed")],
            "Urgent",
            True,
            "Urgent: title of PANEL-001 (PANEL-001), confirmed by a second",
        ),
        (
            [state("unconfirmed")],
            "High",
            True,
            "High: not Urgent, for title of PANEL-001 (PANEL-001) was seen once, without a second look.",
        ),
        ([state("unconfirmed"), state("confirmed")], "Urgent", True, "Urgent: "),
        (
            [state("in_progress")],
            "Information",
            False,
            "Information: not an emergency yet: dnf runs. Look again",
        ),
        ([state("in_progress"), state("open", Severity.ERROR)], "Medium", False, "Medium: "),
        ([state("in_progress"), state("confirmed")], "Urgent", True, "Urgent: "),
        ([state("passing")], "Low", False, "Low: warnings only"),
        ([state("open", Severity.ERROR)], "Medium", False, "Medium: something is broken"),
        (
            [state("open", Severity.ERROR, touches=("mail",))],
            "High",
            False,
            "High: a service suffers (title of",
        ),
        (
            [
                state("open", Severity.ERROR),
                state("open", Severity.ERROR, code="FTP-001", touches=("ftp",)),
            ],
            "High",
            False,
            "High: a service suffers (title of FTP-001, FTP-001), but none of the guide's",
        ),
        (
            [incident(finding(severity=Severity.ERROR), finding("B"), state=IncidentState.PASSING)],
            "Low",
            False,
            "Low: ",
        ),
        ([state("open", Severity.WARNING, touches=("mail",))], "Low", False, "Low: warnings only"),
        ([state("open", Severity.NOTE)], "Information", False, "Information: notes only."),
        ([state("open", Severity.ERROR), state("open", Severity.WARNING)], "Medium", False, "Medium: "),
    ],
)
def test_the_priority_and_why(
    incidents: list[Incident], priority: str | None, emergency: bool, said: str
) -> None:
    found = verdict(*incidents, busy="dnf runs")
    assert (found.priority, found.emergency) == (priority, emergency)
    assert " ".join(found.reasons).startswith(said)
    (step,) = steps(found, "priority")
    assert step.said == (priority or "none")


def test_an_error_with_consequences_is_high() -> None:
    both = incident(
        finding("A", severity=Severity.ERROR),
        finding("B", severity=Severity.WARNING),
        state=IncidentState.OPEN,
    )
    assert verdict(both).priority is Priority.HIGH


def test_a_note_beside_an_error_makes_no_service_suffer() -> None:
    both = incident(
        finding("A", severity=Severity.ERROR), finding("B", severity=Severity.NOTE), state=IncidentState.OPEN
    )
    assert verdict(both).priority is Priority.MEDIUM


def test_the_emergency_is_named_also_when_it_is_a_consequence() -> None:
    assert verdict(DISK).reasons[0].startswith("Urgent: The panel's database is down (PANEL-040)")


def test_the_priority_is_explained_with_the_words_of_the_guide() -> None:
    (step,) = steps(verdict(MAIL), "priority")
    assert step.rule == (
        "An emergency of the guide that both looks have seen is Urgent. "
        'The guide: "Emergency situation/Services are down".'
    )
    assert step.because == (MAIL.fingerprint,)
    (nothing,) = steps(verdict(), "priority")
    assert (nothing.rule, nothing.because) == ("Nothing was found.", ())


def test_each_incident_has_its_line() -> None:
    mail, disk, busy, passing = steps(
        verdict(MAIL, DISK, state("in_progress"), state("passing", code="SYSTEM-001"), busy="dnf runs"),
        "incident",
    )
    assert (mail.said, mail.because) == ("an emergency, confirmed; scope: vendor", (MAIL.fingerprint,))
    assert mail.rule == (
        'The guide: "Email not processing". An emergency that both looks have seen is confirmed. '
        "Scope: guide 7.1, qualifies: NodeWorx."
    )
    assert disk.said == "an emergency, confirmed; scope: provider"
    assert disk.rule.startswith('The guide: "InterWorx will not start". An emergency')
    assert busy.said == "an emergency, in progress; scope: vendor"
    assert busy.rule.endswith(" Now: dnf runs.")
    guessed = state("open", Severity.WARNING, inferred=True)
    assert steps(verdict(guessed), "incident")[0].said == "a warning, open; scope: vendor; inferred"
    assert passing.rule.startswith(
        "An emergency that the second look did not see any more counts as a warning."
    )


def test_many_incidents_are_counted() -> None:
    many = [state("open", Severity.NOTE, code=f"A-{n:03}") for n in range(23)]
    lines = steps(verdict(*many), "incident")
    assert (len(lines), lines[-1].said) == (21, "and 3 more")
    assert len(steps(verdict(*many[:20]), "incident")) == 20


# What did not decide is said all the same


def test_an_emergency_seen_once_is_named_beside_one_that_was_seen_twice() -> None:
    once = state("unconfirmed", code="WEB-001", title="The web server is down")
    found = verdict(MAIL, once)
    assert "Seen once only, without a second look: The web server is down (WEB-001)." in found.reasons
    assert steps(found, "unconfirmed")[0].because == (once.fingerprint,)
    assert not steps(verdict(once), "unconfirmed")  # it decides, and the priority says it


def test_work_in_progress_is_named_beside_what_decides() -> None:
    waiting = state("in_progress", code="WEB-001", title="The web server is down")
    said = "Not an emergency yet: The web server is down (WEB-001). dnf runs."
    assert said in verdict(MAIL, waiting, busy="dnf runs").reasons
    assert said not in verdict(waiting, busy="dnf runs").reasons


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.CRASHED])
def test_checks_that_could_not_tell_are_counted(status: Status) -> None:
    blind = verdict(checks=[result(check_id="a.b", status=status), result(check_id="c.d", status=status)])
    assert blind.reasons == ("2 checks could not tell: a.b, c.d.",)
    assert verdict(checks=[result(check_id="c", status=status)]).reasons == ("1 check could not tell: c.",)
    assert verdict(checks=[result(status=Status.NOT_APPLICABLE)]).reasons == ()


def test_what_is_only_inferred_is_said() -> None:
    guessed = finding(
        "PANEL-061", "jobs", severity=Severity.WARNING, inferred=True, title="Jobs seem to stand"
    )
    found = verdict(MAIL, incident(finding("PANEL-060"), guessed))
    assert "Only inferred, not proven: Jobs seem to stand (PANEL-061)." in found.reasons
    assert steps(found, "inferred")[0].because == ("0123456789abcdef",)
    assert not any("inferred" in reason for reason in verdict(MAIL).reasons)


# Scope


@pytest.mark.parametrize(
    ("scope", "in_scope", "turn_to", "said"),
    [
        (Scope.VENDOR, True, "", "In scope of the vendor's support (guide 7.1, qualifies: NodeWorx)."),
        (
            Scope.UNKNOWN,
            None,
            "",
            "Whether it is in scope cannot be told (title of PANEL-001 (PANEL-001)): a person decides.",
        ),
        (
            Scope.PROVIDER,
            False,
            "the server's provider or administrator",
            "Out of scope (guide 7.1, qualifies: NodeWorx): title of PANEL-001 (PANEL-001).",
        ),
        (
            Scope.CUSTOMER,
            False,
            "the site's owner",
            "Out of scope (guide 7.1, qualifies: NodeWorx): title of PANEL-001 (PANEL-001).",
        ),
    ],
)
@pytest.mark.parametrize("severity", Severity)
def test_the_scope_of_one_incident(
    severity: Severity, scope: Scope, in_scope: bool | None, turn_to: str, said: str
) -> None:
    name = "confirmed" if severity is Severity.EMERGENCY else "open"
    found = verdict(state(name, severity, scope=scope))
    assert (found.scope, found.in_scope, found.turn_to) == (scope, in_scope, turn_to)
    assert found.scope_source == "guide 7.1, qualifies: NodeWorx"
    assert found.reasons[1] == (f"{said} Turn to {turn_to} first." if turn_to else said)


def test_without_incidents_nothing_is_said_of_scope_and_licence() -> None:
    found = verdict(licence=Licence.RESELLER)
    assert (found.scope, found.in_scope, found.turn_to, found.reasons) == (Scope.UNKNOWN, None, "", ())
    assert (found.fileable, found.filing) == (False, "nothing was found")


def test_a_consequence_in_scope_of_a_cause_out_of_scope_goes_with_it() -> None:
    found = verdict(DISK)
    assert (found.in_scope, found.scope, found.emergency) == (False, Scope.PROVIDER, True)
    assert found.reasons[1:] == (
        f"Out of scope ({DISK.scope_source}): The disk is full (SYSTEM-001). Turn to {found.turn_to} first.",
        "What is left after that the vendor can be asked for: The panel's database is down (PANEL-040).",
    )


def test_an_emergency_in_scope_stays_in_scope_beside_one_that_is_not() -> None:
    for order in ((MAIL, DISK), (DISK, MAIL)):
        found = verdict(*order)
        assert (found.priority, found.in_scope, found.fileable) == ("Urgent", True, True)
        said = (
            "Not the vendor's: The disk is full (SYSTEM-001). Turn to the server's provider or administrator."
        )
        assert said in found.reasons


def test_an_emergency_in_scope_that_was_seen_once_is_asked_for_as_what_it_is() -> None:
    once = state("unconfirmed", code="MAIL-001")
    found = verdict(DISK, once)
    assert (found.priority, found.in_scope) == ("High", True)
    assert found.reasons[0].startswith("High: not Urgent, for title of MAIL-001")


def test_beside_an_emergency_out_of_scope_a_lesser_thing_in_scope_does_not_make_it_the_vendors() -> None:
    lesser = state("open", Severity.ERROR, code="FTP-001", title="FTP is slow", touches=("ftp",))
    found = verdict(DISK, lesser)
    assert (found.priority, found.in_scope) == ("Urgent", False)
    assert "The vendor can be asked for: FTP is slow (FTP-001)." in found.reasons


@pytest.mark.parametrize(
    ("own", "other", "in_scope"),
    [
        (Severity.ERROR, Severity.WARNING, True),
        (Severity.ERROR, Severity.ERROR, True),
        (Severity.WARNING, Severity.ERROR, False),
        (Severity.NOTE, Severity.WARNING, False),
    ],
)
def test_without_an_emergency_the_higher_priority_decides_and_the_vendor_at_a_tie(
    own: Severity, other: Severity, in_scope: bool
) -> None:
    found = verdict(
        state("open", own, code="FTP-001"), state("open", other, code="SYSTEM-002", scope=Scope.PROVIDER)
    )
    assert found.in_scope is in_scope
    beside = any(reason.startswith("Not the vendor's") for reason in found.reasons)
    assert beside == (in_scope and other >= Severity.ERROR)


def test_a_known_line_of_the_guide_goes_before_one_that_cannot_be_told() -> None:
    unknown = state("open", Severity.ERROR, code="MAIL-032", scope=Scope.UNKNOWN)
    known = state("open", Severity.ERROR, code="FTP-001")
    assert verdict(unknown, known).in_scope is True
    assert verdict(unknown, state("open", Severity.WARNING)).in_scope is None


def test_no_more_than_three_are_named() -> None:
    others = [state("open", Severity.ERROR, code=f"X-{n}", scope=Scope.CUSTOMER) for n in range(5)]
    found = verdict(MAIL, *others)
    assert sum(reason.startswith("Not the vendor's") for reason in found.reasons) == 3
    ours = [state("open", Severity.NOTE, code=f"Y-{n}", title="t") for n in range(5)]
    said = "The vendor can be asked for: t (Y-0), t (Y-1), t (Y-2) and 2 more."
    assert said in verdict(DISK, *ours).reasons


# Licence and provider


def test_a_licence_that_is_not_set_is_a_question_to_a_person() -> None:
    found = verdict(MAIL, licence=Licence.NOT_SET)
    said = "Direct or reseller licence? A person must say: set licence in /etc/iwx-agent/config.toml."
    assert said in found.reasons
    assert (found.in_scope, found.licence, found.fileable) == (True, "not_set", False)
    assert found.filing == "where the licence was bought is not set"


def test_it_is_no_question_where_the_vendor_is_not_asked() -> None:
    found = verdict(DISK, licence=Licence.NOT_SET)
    assert not steps(found, "licence")
    assert found.filing == "turn to the server's provider or administrator"


@pytest.mark.parametrize(
    ("provider", "whom"),
    [
        (None, "the reseller or hosting company that sold the licence"),
        (SELLER, "Example Hosting (support@example.com)"),
        (Provider(name="Example Hosting"), "Example Hosting"),
    ],
)
def test_the_customer_of_a_reseller_is_sent_there(provider: Provider | None, whom: str) -> None:
    found = verdict(MAIL, licence=Licence.RESELLER, provider=provider)
    assert (found.in_scope, found.scope, found.turn_to) == (False, Scope.VENDOR, whom)
    assert f"The licence is from a reseller: turn to {whom}, not to the vendor." in found.reasons
    assert (found.fileable, found.filing, found.expected) == (False, f"turn to {whom}", None)


def test_a_provider_has_its_name_where_it_is_meant() -> None:
    assert verdict(DISK, provider=SELLER).turn_to == "Example Hosting (support@example.com)"
    site = state("open", Severity.WARNING, scope=Scope.CUSTOMER)
    assert verdict(site, provider=SELLER).turn_to == "the site's owner"


def test_a_direct_licence_needs_no_word() -> None:
    found = verdict(MAIL)
    assert [step.said for step in steps(found, "licence")] == ["direct"]
    assert not any("icence" in reason for reason in found.reasons)


# The answer


def test_the_answer_is_reckoned_for_who_is_asked() -> None:
    found = verdict(MAIL)
    assert found.expected is not None
    assert found.expected.text in found.reasons
    (step,) = steps(found, "answer")
    assert step.rule == "Guide 7.1 of 2026-11-25, America/New_York: opening hours."
    assert verdict(DISK).expected is None
    assert verdict().expected is None


def test_the_rule_of_an_answer_out_of_hours() -> None:
    sunday = Clock(now=datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
    (step,) = steps(verdict(MAIL, clock=sunday), "answer")
    assert "outside the hours High, Urgent ring a phone; emergencies alone are taken" in step.rule


def test_only_an_emergency_that_decides_is_answered_out_of_hours() -> None:
    sunday = Clock(now=datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
    urgent = verdict(MAIL, clock=sunday).expected
    serious = verdict(state("open", Severity.ERROR, touches=("mail",)), clock=sunday).expected
    assert urgent is not None
    assert serious is not None
    assert (urgent.answer_by is not None, serious.answer_by is not None) == (True, False)


@pytest.mark.parametrize("incidents", [(MAIL,), (DISK,)])
def test_a_wrong_clock_is_said_whoever_is_asked(incidents: tuple[Incident, ...]) -> None:
    found = verdict(*incidents, clock=Clock(now=None, wrong=True, note="The clock is wrong."))
    assert "The clock is wrong." in found.reasons
    assert len(steps(found, "clock")) == 1


def test_without_a_right_clock_the_rule_says_so() -> None:
    (step,) = steps(verdict(MAIL, clock=Clock(now=None, wrong=True, note="x")), "answer")
    assert step.rule.endswith("America/New_York. Without a right clock nothing is reckoned.")


def test_a_clock_that_was_not_checked_is_said_where_it_matters() -> None:
    unsure = Clock(now=OPEN_AT, note="Not checked.")
    assert "Not checked." in verdict(MAIL, clock=unsure).reasons
    assert "Not checked." not in verdict(DISK, clock=unsure).reasons


def test_without_the_vendors_zone_it_is_said_that_nothing_is_reckoned() -> None:
    found = verdict(MAIL, zones=None)
    said = "When to expect an answer cannot be told: the time zone America/New_York is missing here."
    assert said in found.reasons
    assert found.expected is None


# A person's own priority


def test_a_person_may_set_the_priority_with_a_reason() -> None:
    found = verdict(MAIL, override=Override(priority=Priority.LOW, reason="we move it tonight"))
    assert (found.priority, found.emergency) == ("Low", True)
    assert found.override == Override(
        priority=Priority.LOW, reason="we move it tonight", suggested=Priority.URGENT
    )
    assert found.reasons[:2] == (
        "Low, set by a person: we move it tonight.",
        "The agent suggests Urgent: Mail is down (MAIL-001), confirmed by a second look.",
    )
    assert [step.about for step in found.trace[1:3]] == ["override", "priority"]


def test_also_where_nothing_was_found() -> None:
    found = verdict(override=Override(priority=Priority.HIGH, reason="a question"), licence=Licence.NOT_SET)
    assert found.reasons[:2] == ("High, set by a person: a question.", "The agent found nothing by itself.")
    assert found.expected is not None
    assert steps(found, "licence")
    assert found.filing == "nothing was found"


# Filing


@pytest.mark.parametrize(
    ("incidents", "why"),
    [
        ([MAIL], ""),
        ([state("unconfirmed")], ""),
        ([state("open", Severity.WARNING)], ""),
        ([state("open", Severity.WARNING, scope=Scope.UNKNOWN)], "whether it is in scope cannot be told"),
        ([state("open", Severity.WARNING, scope=Scope.CUSTOMER)], "turn to the site's owner"),
        ([state("in_progress")], "work in progress explains it for now"),
        ([state("passing")], "it was over at the second look"),
        ([state("passing"), state("open", Severity.WARNING)], ""),
    ],
)
def test_what_may_be_filed_without_a_person(incidents: list[Incident], why: str) -> None:
    found = verdict(*incidents, busy="dnf runs")
    assert found.fileable == (not why)
    assert found.filing == (why or "in scope, with a direct licence")
    (step,) = steps(found, "filing")
    assert step.said == (f"not by itself: {why}" if why else "by itself: in scope, with a direct licence")


# What holds for any incidents

an_incident = st.builds(
    lambda code, severity, scope, name: incident(
        finding(code, severity=severity, scope=scope), state=name, fingerprint=f"{code}{scope}{name}"
    ),
    st.sampled_from(["MAIL-001", "SYSTEM-001", "WEB-012"]),
    st.sampled_from(Severity),
    st.sampled_from(Scope),
    st.sampled_from([s for s in IncidentState if s is not IncidentState.OPEN]),
)


@given(
    incidents=st.lists(an_incident, max_size=6),
    licence=st.sampled_from(Licence),
    provider=st.sampled_from([None, SELLER]),
    zones=st.sampled_from([None, ZONES]),
)
def test_nothing_that_is_not_surely_the_vendors_is_ever_filed(
    incidents: list[Incident], licence: Licence, provider: Provider | None, zones: Zones | None
) -> None:
    found = verdict(*incidents, licence=licence, provider=provider, zones=zones, busy="dnf runs")
    if found.fileable:
        assert found.in_scope
        assert licence is Licence.DIRECT
        assert not found.turn_to
        assert any(i.scope is Scope.VENDOR for i in incidents)
    assert (found.in_scope is False) == bool(found.turn_to)
    assert not (found.in_scope is False and found.expected)
    assert bool(found.filing)
    known = {i.fingerprint for i in incidents}
    assert all(set(step.because) <= known for step in found.trace)
    assert all(step.said and step.rule for step in found.trace)
    said_in_trace = " ".join(step.said for step in found.trace)
    assert found.priority is None or found.priority in said_in_trace


def test_the_order_of_the_lines() -> None:
    found = verdict(
        MAIL,
        DISK,
        licence=Licence.NOT_SET,
        clock=Clock(now=OPEN_AT, note="Not checked."),
        checks=[result(status=Status.UNKNOWN)],
        override=Override(priority=Priority.HIGH, reason="x"),
    )
    assert [step.about for step in found.trace] == [
        *("incident", "incident", "override", "priority", "scope", "scope"),
        *("licence", "answer", "clock", "unknown", "filing"),
    ]
