"""``supervise/status`` of daemontools: 18 bytes that tell whether a service runs, since when, what is wanted.

Eight bytes of TAI64 seconds and four of nanoseconds, both big-endian; the process id in four bytes,
little-endian; one byte for paused; one for what supervise was told: ``u`` up, ``d`` down, 0 once.

>>> status = parse_status(bytes.fromhex("400000006b048fd323993284576100000075"))
>>> status.pid, round(status.since_at, 4), status.paused, status.wanted
(24919, 1795461065.5972, False, 'up')
"""

from iwx_agent.model import ParseError
from iwx_agent.model.mail import SuperviseStatus, Wanted
from iwx_agent.parsers.tai64 import epoch_of_tai64

_LENGTH_BYTES = 18
_WANTED: dict[int, Wanted] = {ord("u"): "up", ord("d"): "down", 0: "once"}


def parse_status(data: bytes) -> SuperviseStatus:
    """Return what the status file says; runit's and s6' files have other lengths and are refused."""
    if len(data) != _LENGTH_BYTES:
        raise ParseError(f"the {_LENGTH_BYTES} bytes of a supervise status file", data[:40])
    wanted = _WANTED.get(data[17])
    if wanted is None or data[16] not in (0, 1):
        raise ParseError("paused as 0 or 1, wanted as u, d or 0", data)
    return SuperviseStatus(
        pid=int.from_bytes(data[12:16], "little"),
        since_at=epoch_of_tai64(int.from_bytes(data[:8], "big"), int.from_bytes(data[8:12], "big")),
        paused=data[16] == 1,
        wanted=wanted,
    )
