"""The report as JSON: by the published schema, with the keys that are promised, in a fixed order."""

import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from building import AT, finding, incident, report, result
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import (
    AssistanceReport,
    Evidence,
    IncidentState,
    Licence,
    Priority,
    ProviderMode,
    Scope,
    Severity,
    Status,
    Verdict,
)
from iwx_agent.report import assistance_to_json, from_json, json_schema, to_json

PUBLISHED = resources.files("iwx_agent").joinpath("schemas/report-v1.json").read_bytes()

FULL = report(
    incident(
        finding(
            "SYSTEM-001",
            "/var",
            severity=Severity.ERROR,
            scope=Scope.PROVIDER,
            since_at=datetime(2026, 11, 23, 3, 0, tzinfo=UTC),
            since_source="/var/log/messages:7",
            touches=("mail",),
            evidence=(Evidence(source="df", text="100 %", seen_at=AT),),
        ),
        finding("MAIL-030", "mail queue"),
        state=IncidentState.UNCONFIRMED,
        since_at=datetime(2026, 11, 23, 3, 0, tzinfo=UTC),
        since_source="/var/log/messages:7",
    ),
    verdict=Verdict(priority=Priority.HIGH, emergency=True, reasons=("because",)),
    results=(
        result(finding("MAIL-030", "mail queue"), check_id="mail.delivery"),
        *(result(check_id=f"x.{status}", status=status, reason="why") for status in Status),
    ),
)


def plain(**more: Any) -> Any:
    return json.loads(to_json(report(**more)))


def test_the_published_schema_is_the_generated_one() -> None:
    assert json_schema() == PUBLISHED


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(PUBLISHED))


@pytest.mark.parametrize("made", [report(), FULL], ids=["empty", "full"])
def test_a_report_is_valid_by_the_schema_and_comes_back(made: Any) -> None:
    encoded = to_json(made)
    jsonschema.validate(json.loads(encoded), json.loads(PUBLISHED))
    assert from_json(encoded) == made


@pytest.mark.parametrize("key", ["schema_version", "verdict", "incidents", "results", "host"])
def test_a_report_without_a_promised_key_is_not_valid(key: str) -> None:
    broken = json.loads(to_json(FULL))
    del broken[key]
    with pytest.raises(jsonschema.ValidationError, match=key):
        jsonschema.validate(broken, json.loads(PUBLISHED))
    with pytest.raises(msgspec.ValidationError, match=key):
        from_json(json.dumps(broken).encode())


def test_the_keys_that_are_promised() -> None:
    made = json.loads(to_json(FULL))
    assert list(made) == [
        "schema_version",
        "agent_version",
        "host",
        "collected_at",
        "verdict",
        "incidents",
        "results",
        "timings",
        "remote_assistance",
        "measures",
        "impact",
        "changes",
        "environment",
        "note",
    ]
    assert list(made["remote_assistance"]) == [
        "state",
        "ends_at",
        "source",
        "reason",
        "ready",
        "obstacles",
        "doubts",
    ]
    assert list(made["verdict"]) == [
        "priority",
        "emergency",
        "reasons",
        "in_scope",
        "scope",
        "scope_source",
        "turn_to",
        "fileable",
        "filing",
        "licence",
        "provider",
        "override",
        "expected",
        "trace",
    ]
    assert list(made["incidents"][0]) == [
        "fingerprint",
        "lead",
        "others",
        "state",
        "since_at",
        "since_source",
        "scope",
        "scope_source",
    ]
    assert list(made["results"][0]) == ["check_id", "status", "reason", "duration_s", "findings"]
    for told in (made["incidents"][0]["lead"], made["incidents"][0]["others"][0]):
        promised = {
            "code",
            "subject",
            "severity",
            "scope",
            "title",
            "detail",
            "remedy",
            "evidence",
            "inferred",
        }
        assert promised <= set(told)
    assert set(made["incidents"][0]["lead"]["evidence"][0]) == {"source", "text", "seen_at"}


def test_words_and_numbers_that_never_change() -> None:
    made = json.loads(to_json(FULL))
    assert made["schema_version"] == 1
    assert made["collected_at"] == "2026-11-23T15:26:40Z"
    verdict = made["verdict"]
    assert (verdict["priority"], verdict["emergency"], verdict["reasons"]) == ("High", True, ["because"])
    assert [str(licence) for licence in Licence] == ["direct", "reseller", "not_set"]
    assert [str(mode) for mode in ProviderMode] == ["redirect", "copy", "block"]
    assert made["incidents"][0]["state"] == "unconfirmed"
    assert made["incidents"][0]["lead"]["severity"] == 30
    assert made["incidents"][0]["lead"]["scope"] == "provider"
    assert {r["status"] for r in made["results"]} == {"ok", "problem", "unknown", "not_applicable", "crashed"}
    assert [int(severity) for severity in Severity] == [10, 20, 30, 40]
    assert {str(state) for state in IncidentState} == {
        "open",
        "confirmed",
        "unconfirmed",
        "passing",
        "in_progress",
    }
    assert [str(priority) for priority in Priority] == ["Information", "Low", "Medium", "High", "Urgent"]


def test_the_bytes_end_with_a_line_and_are_the_same_each_time() -> None:
    assert to_json(FULL).endswith(b"}\n")
    assert to_json(FULL) == to_json(from_json(to_json(FULL)))


@given(text=st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=12))
def test_any_text_becomes_json(text: str) -> None:
    made = report(incident(finding(title=text, detail="\ud800" + text)), timings={text: 1.0})
    told = json.loads(to_json(made))["incidents"][0]["lead"]
    assert told["detail"][0] == "\ufffd"
    if not any(0xD800 <= ord(character) < 0xE000 for character in text):
        assert told["title"] == text


def test_what_is_no_report_is_refused() -> None:
    for data in (b"", b"{", b"[]", b'{"schema_version": 1}'):
        with pytest.raises(msgspec.DecodeError):
            from_json(data)


def test_remote_assistance_alone_is_the_part_of_the_report() -> None:
    part = AssistanceReport(state="on", ends_at=AT, source="half a pair \ud800", ready=None, doubts=("x",))
    alone = json.loads(assistance_to_json(part))
    assert alone == plain(remote_assistance=part)["remote_assistance"]
    assert (alone["ends_at"], alone["source"]) == ("2026-11-23T15:26:40Z", "half a pair \ufffd")
