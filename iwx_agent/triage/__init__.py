"""Findings to incidents to a verdict: pure, the same findings always give the same answer.

The rules come from the vendor's support guide (``data/support-policy.toml``) and from ``data/causes.toml``.
"""

from iwx_agent.triage.expectation import Clock, Zones, clock_of, expected_answer
from iwx_agent.triage.incidents import (
    Identity,
    fingerprint,
    identity,
    incidents_of,
    scoped,
    work_in_progress,
)
from iwx_agent.triage.verdict import Circumstances, verdict_of

__all__ = [
    "Circumstances",
    "Clock",
    "Identity",
    "Zones",
    "clock_of",
    "expected_answer",
    "fingerprint",
    "identity",
    "incidents_of",
    "scoped",
    "verdict_of",
    "work_in_progress",
]
