"""panel.maintenance: which signs make an emergency, which one less, and which none."""

from typing import Any

import pytest
from fakes import BOOTED_AT, NOW_AT
from msgspec import structs

from iwx_agent.app.judging import judge as run_check
from iwx_agent.checks.panel_maintenance import CHECK, Limits, judge
from iwx_agent.model import Boot, Finding, Missing, PageAnswer, PanelPresence, Scope, Severity, Status
from iwx_agent.model.signatures import Sign, Signs

URL = "https://localhost:2443/nodeworx/"
WELL = PageAnswer(url=URL, address="127.0.0.1", outcome="answered", status=200)
DEAD = PageAnswer(url=URL, address="127.0.0.1", outcome="refused", detail="connection refused (ECONNREFUSED)")
GONE = Missing(reason="no answer within 10 s", source="nodeworx")

PAGE = Sign(
    signature="maintenance.mode",
    code="PANEL-070",
    group="page",
    weight="present",
    confidence="inferred",
    seen=f"GET {URL} at 127.0.0.1 (status 503)",
    text="InterWorx is in maintenance mode",
)
COMMAND = structs.replace(PAGE, group="command", seen="nodeworx -u (exit 1)")
BANNER = structs.replace(PAGE, group="notice", seen="nodeworx -u (exit 0)")
LOG = structs.replace(
    PAGE,
    group="log",
    weight="past",
    seen="iworx.log",
    text="entering maintenance mode",
    at=NOW_AT - 3600,
    written_at=NOW_AT - 10,
)
FILE = structs.replace(
    PAGE, group="file", weight="hint", seen="/x/.maintenance", text=".maintenance", at=NOW_AT
)
KEY = structs.replace(PAGE, group="setting", weight="context", seen="/x/iworx.ini", text="maintenance_mode")
FACT = {
    "page": "page",
    "command": "answer",
    "notice": "banner",
    "log": "log",
    "file": "file",
    "setting": "setting",
}


def facts(*signs: Sign, page: PageAnswer = WELL, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        f"{name}_signs": Signs(found=tuple(sign for sign in signs if FACT[sign.group] == name))
        for name in FACT.values()
    }
    return {
        "panel": PanelPresence(home="/usr/local/interworx"),
        "boot": Boot(booted_at=BOOTED_AT, read_at=NOW_AT),
        "nodeworx_https": page,
        **told,
        **more,
    }


def found(*signs: Sign, page: PageAnswer = WELL, **more: Signs | Missing) -> list[Finding]:
    return list(judge(limits=Limits(), **facts(*signs, page=page, **more)))


def told(*signs: Sign, page: PageAnswer = WELL) -> tuple[str, Severity, bool] | None:
    findings = found(*signs, page=page)
    assert len(findings) <= 1
    return (findings[0].code, findings[0].severity, findings[0].inferred) if findings else None


def sure(sign: Sign) -> Sign:
    return structs.replace(sign, confidence="observed")


EMERGENCY = ("PANEL-070", Severity.EMERGENCY, True)
ERROR = ("PANEL-070", Severity.ERROR, True)
NOTE = ("PANEL-071", Severity.NOTE, True)
SURE = ("PANEL-070", Severity.EMERGENCY, False)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ([], None),
        ([PAGE], ERROR),
        ([PAGE, structs.replace(PAGE, signature="other", seen="SiteWorx")], ERROR),  # one web server
        ([COMMAND], ERROR),
        ([BANNER], ERROR),
        ([PAGE, COMMAND], EMERGENCY),
        ([PAGE, LOG], EMERGENCY),
        ([PAGE, FILE], EMERGENCY),
        ([COMMAND, BANNER], EMERGENCY),
        ([LOG], NOTE),  # NodeWorx answers as usual: it was, perhaps
        ([FILE], NOTE),
        ([LOG, FILE], ERROR),
        ([LOG, COMMAND], EMERGENCY),
        ([KEY], None),
        ([PAGE, KEY], ERROR),
        ([LOG, KEY], NOTE),
        ([sure(PAGE)], SURE),
        ([sure(COMMAND)], SURE),
        ([sure(FILE)], SURE),
        ([sure(LOG)], ("PANEL-070", Severity.ERROR, False)),
        ([sure(KEY)], None),
        ([PAGE, sure(LOG)], SURE),
    ],
)
def test_signs_are_weighed_while_nodeworx_answers(
    signs: list[Sign], expected: tuple[str, Severity, bool] | None
) -> None:
    assert told(*signs) == expected


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ([], None),
        ([LOG], ERROR),
        ([FILE], NOTE),
        ([LOG, FILE], EMERGENCY),
        ([LOG, structs.replace(LOG, seen="error.log")], ERROR),  # one event in two logs
        ([sure(LOG)], SURE),
        ([COMMAND, LOG], EMERGENCY),
    ],
)
@pytest.mark.parametrize("page", [DEAD, structs.replace(WELL, status=503)])
def test_signs_are_weighed_while_nodeworx_does_not(
    page: PageAnswer, signs: list[Sign], expected: tuple[str, Severity, bool] | None
) -> None:
    assert told(*signs, page=page) == expected


@pytest.mark.parametrize(
    ("age_s", "counts"), [(86_399, True), (86_400, True), (86_401, False), (-7200, True)]
)
def test_a_line_of_a_log_counts_for_a_day(age_s: float, counts: bool) -> None:
    assert bool(found(structs.replace(LOG, at=NOW_AT - age_s))) is counts


@pytest.mark.parametrize(("lines_after", "counts"), [(18, True), (19, True), (20, False)])
def test_a_line_without_a_time_counts_among_the_last_twenty(lines_after: int, counts: bool) -> None:
    assert bool(found(structs.replace(LOG, at=None, lines_after=lines_after))) is counts


def test_an_ended_maintenance_is_history() -> None:
    end = structs.replace(LOG, ends=True, at=NOW_AT - 60, lines_after=0)
    begin = structs.replace(LOG, lines_after=1)
    assert found(log_signs=Signs(found=(begin, end))) == []
    assert found(log_signs=Signs(found=(end, structs.replace(begin, lines_after=0, at=NOW_AT))))


def test_signs_of_other_codes_are_not_judged_here() -> None:
    assert found(structs.replace(PAGE, code="PANEL-080")) == []


def test_the_finding_tells_who_says_so_since_when_and_what_nodeworx_does_now() -> None:
    page = structs.replace(WELL, status=503, retry_after="3600")
    (finding,) = found(PAGE, LOG, KEY, page=page)
    assert finding.title == "InterWorx is in maintenance mode"
    assert finding.detail == (
        "Told by its page and a log. NodeWorx answers now: HTTP 503, "
        "to be asked again after 3600 (Retry-After)."
    )
    assert (finding.since_at.timestamp() if finding.since_at else None) == NOW_AT - 3600
    assert finding.since_source == "iworx.log"
    assert [quoted.text for quoted in finding.evidence] == [PAGE.text, LOG.text, KEY.text]
    assert (finding.subject, finding.scope, finding.touches) == ("InterWorx", Scope.VENDOR, ("panel",))


def test_one_sign_only_seems_and_a_trace_says_where() -> None:
    assert found(PAGE)[0].title == "InterWorx seems to be in maintenance mode"
    assert found(PAGE)[0].since_at is None
    assert found(LOG)[0].title == "There is a trace of maintenance mode in a log, but nothing else says so"
    odd = structs.replace(PAGE, group="elsewhere")
    assert "elsewhere" in found(page_signs=Signs(found=(odd,)))[0].detail


def test_a_page_that_does_not_answer_is_told_in_its_own_words() -> None:
    assert "NodeWorx answers now: connection refused (ECONNREFUSED)." in found(LOG, page=DEAD)[0].detail
    silent = structs.replace(DEAD, outcome="silent", detail="")
    assert "NodeWorx answers now: silent." in found(LOG, page=silent)[0].detail


def test_each_place_is_quoted_once_by_its_last_line_and_no_more_than_six() -> None:
    (finding,) = found(structs.replace(PAGE, text="Maintenance"), PAGE, COMMAND)
    assert [quoted.text for quoted in finding.evidence] == [PAGE.text, COMMAND.text]
    many = [structs.replace(PAGE, seen=f"page {number}") for number in range(9)]
    assert len(found(*many)[0].evidence) == 6


# What could not be told


@pytest.mark.parametrize("name", ["page_signs", "answer_signs"])
def test_without_pages_or_command_line_nothing_found_is_unknown(name: str) -> None:
    result = run_check(CHECK, facts() | {name: GONE})
    assert (result.status, result.reason) == (Status.UNKNOWN, f"{name}: no answer within 10 s (nodeworx)")


@pytest.mark.parametrize("name", ["banner_signs", "log_signs", "file_signs", "setting_signs"])
def test_the_other_places_only_add_to_what_the_panel_says_now(name: str) -> None:
    assert run_check(CHECK, facts() | {name: GONE}).status is Status.OK


def test_a_sign_counts_whatever_else_could_not_be_told() -> None:
    places = {f"{name}_signs": GONE for name in FACT.values() if name != "log"}
    result = run_check(CHECK, facts(LOG, page=DEAD, **places))
    assert [finding.severity for finding in result.findings] == [Severity.ERROR]


def test_a_server_without_the_panel_is_not_judged() -> None:
    absent = Missing(reason="no InterWorx panel", absent=True)
    assert run_check(CHECK, facts() | {"panel": absent}).status is Status.NOT_APPLICABLE
