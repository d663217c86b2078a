"""Secrets out of text: one redactor for everything that leaves. Pure: it is given all that it knows."""

from iwx_agent.redact.canaries import Canaries, CanaryError, CanaryHit, Refused
from iwx_agent.redact.redactor import FURTHER, RedactionReport, RedactionRow, Redactor
from iwx_agent.redact.rule import Rule
from iwx_agent.redact.rules import rules
from iwx_agent.redact.tokens import NumberedTokens, TokenMap, Tokens

__all__ = [
    "FURTHER",
    "Canaries",
    "CanaryError",
    "CanaryHit",
    "NumberedTokens",
    "RedactionReport",
    "RedactionRow",
    "Redactor",
    "Refused",
    "Rule",
    "TokenMap",
    "Tokens",
    "rules",
]
