"""What a verdict rests on besides findings: policy, licence, provider, the true time, two time zones."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from msgspec import Struct

from iwx_agent import triage
from iwx_agent.config import ConfigError, Settings, load_zone
from iwx_agent.model import (
    Cause,
    CheckResult,
    FactValue,
    Layout,
    Missing,
    Override,
    ParseError,
    Provider,
    SupportPolicy,
)
from iwx_agent.model.signatures import Signatures
from iwx_agent.parsers.tzif import zone_of


class Known(Struct, frozen=True, kw_only=True):
    """What the agent brings along: what is known of the panel, causes, the vendor's policy, settings."""

    layout: Layout
    causes: tuple[Cause, ...]
    settings: Settings
    policy: SupportPolicy
    provider: Provider | None = None
    signatures: Signatures = Signatures()


def circumstances(
    known: Known,
    facts: Mapping[str, FactValue],
    now_at: float,
    results: Sequence[CheckResult],
    override: Override | None,
    in_progress: str,
) -> triage.Circumstances:
    """Return what the verdict rests on; zones are loaded only where there is something to ask the vendor."""
    needed = override is not None or any(result.findings for result in results)
    return triage.Circumstances(
        policy=known.policy,
        clock=triage.clock_of(now_at, facts.get("time_sync"), results),
        zones=_zones(known.policy, facts["server_zone"]) if needed else None,
        licence=known.settings.licence,
        provider=known.provider,
        override=override,
        in_progress=in_progress,
    )


def _zones(policy: SupportPolicy, found: FactValue) -> triage.Zones | None:
    """Return both zones; UTC, and said, for a server whose own could not be had."""
    try:
        vendor = load_zone(policy)
    except ConfigError:  # the data of time zones are gone: better no time than none of the report
        return None
    try:
        if not isinstance(found, Missing):
            return triage.Zones(vendor=vendor, server=zone_of(found.data))
        why = found.reason
    except ParseError:
        why = f"{found.source} holds none"
    note = f"The server's time zone could not be told ({why}): its times are given in UTC."
    return triage.Zones(vendor=vendor, server=UTC, note=note)
