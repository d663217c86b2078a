"""Short ways to build findings, results, reports and captures for tests."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iwx_agent.model import (
    Address,
    CheckResult,
    Evidence,
    Finding,
    Incident,
    IncidentState,
    Report,
    ReportHost,
    Scope,
    Severity,
    Status,
    Verdict,
)

AT = datetime(2026, 11, 23, 15, 26, 40, tzinfo=UTC)


def finding(code: str = "PANEL-001", subject: str = "NodeWorx", **more: Any) -> Finding:
    values: dict[str, Any] = {
        "severity": Severity.EMERGENCY,
        "scope": Scope.VENDOR,
        "title": f"title of {code}",
        "detail": f"detail of {code}",
        "remedy": ("first step", "second step"),
        "evidence": (Evidence(source="/var/log/x:1", text="said so"),),
    }
    return Finding(code=code, subject=subject, **(values | more))


def result(*findings: Finding, check_id: str = "panel.nodeworx", **more: Any) -> CheckResult:
    values: dict[str, Any] = {
        "status": Status.PROBLEM if findings else Status.OK,
        "reason": "",
        "duration_s": 0.01,
    }
    return CheckResult(check_id=check_id, findings=findings, **(values | more))


def incident(lead: Finding, *others: Finding, **more: Any) -> Incident:
    values: dict[str, Any] = {
        "fingerprint": "0123456789abcdef",
        "state": IncidentState.CONFIRMED,
        "since_at": None,
        "since_source": "",
        "scope": lead.scope,
        "scope_source": "guide 7.1, qualifies: NodeWorx",
    }
    return Incident(lead=lead, others=others, **(values | more))


def report_host(**more: Any) -> ReportHost:
    values: dict[str, Any] = {
        "name": "iwx1",
        "fqdn": "iwx1.example.com",
        "fqdn_source": "hostname -f",
        "fqdn_resolves": True,
        "addresses": (Address(ip="203.0.113.7", source="the panel's address list", private=False),),
        "address_note": "",
        "panel_home": "/usr/local/interworx",
        "panel_version": "8.1.5",
        "booted_at": datetime(2026, 11, 1, tzinfo=UTC),
        "as_root": True,
    }
    return ReportHost(**(values | more))


def report(*incidents: Incident, **more: Any) -> Report:
    values: dict[str, Any] = {
        "schema_version": 1,
        "agent_version": "0.1.0",
        "host": report_host(),
        "collected_at": AT,
        "verdict": Verdict(priority=None, emergency=False, reasons=()),
        "results": (result(),),
        "timings": {"nodeworx_https": 0.25},
    }
    return Report(incidents=incidents, **(values | more))


def make_capture(directory: Path, *lines: dict[str, Any], base: str = "", **info: Any) -> Path:
    """Write a capture by hand: the given lines are its answers."""
    directory.mkdir(parents=True, exist_ok=True)
    told = {
        "format": 1,
        "host": "iwx1.example.com",
        "taken_at": "2026-11-23T15:26:40Z",
        "agent_version": "0.1.0",
        "source": "made by a test",
        **({"base": base} if base else {}),
        **info,
    }
    (directory / "capture.json").write_text(json.dumps(told))
    if lines:
        (directory / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


def make_manifest(directory: Path, *lines: dict[str, Any]) -> None:
    (directory / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def make_file(directory: Path, path: str, data: bytes | str) -> None:
    place = directory / "files" / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data.encode() if isinstance(data, str) else data)
