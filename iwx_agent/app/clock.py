"""The time by the server's clock."""

from datetime import UTC, datetime

from iwx_agent.host import Host
from iwx_agent.model import moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_of(host: Host) -> datetime:
    """Return the time by the server's clock; the epoch for one that no calendar has."""
    return moment(host.clock().now_at) or _EPOCH
