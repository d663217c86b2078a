r"""``journalctl -o json`` of systemd's own messages about units, told apart by their MESSAGE_ID.

Source: systemd's catalog (``journalctl --list-catalog``), alike since release 219; ``JOB_TYPE`` and
``UNIT_RESULT`` came later, and without them a restart shows as a stop and a start.

>>> line = '{"__REALTIME_TIMESTAMP":"1795586908615276","UNIT":"httpd.service","JOB_TYPE":"restart",'
>>> event, = parse_unit_events(line + '"MESSAGE_ID":"9d1aaa27d60140bd96365438aad20286"}\n')
>>> event.unit, event.kind, event.at
('httpd.service', 'restarting', 1795586908.615276)
"""

import msgspec

from iwx_agent.model import ParseError
from iwx_agent.model.changes import UnitEvent, UnitEventKind

_STARTED = "39f53479d3a045ac8e11786248231fbf"
_STOPPED = "9d1aaa27d60140bd96365438aad20286"
_START_FAILED = "be02cf6855d2428ba40df7e9d022f03d"
_RELOADED = "7b05ebc668384222baa8881179cfda54"
_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
_RESTART_SCHEDULED = "5eb03494b6584870a536b337290809b3"
MESSAGE_IDS = (_STARTED, _STOPPED, _START_FAILED, _RELOADED, _FAILED, _RESTART_SCHEDULED)

_KINDS: dict[str, UnitEventKind] = {
    _STARTED: "started",
    _STOPPED: "stopped",
    _START_FAILED: "start_failed",
    _RELOADED: "reloaded",
    _FAILED: "failed",
    _RESTART_SCHEDULED: "automatic_restart",
}


class _Entry(msgspec.Struct):
    MESSAGE_ID: str
    UNIT: str
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP")
    JOB_TYPE: str = ""
    JOB_RESULT: str = ""
    UNIT_RESULT: str = ""


_DECODER = msgspec.json.Decoder(_Entry)


def parse_unit_events(text: str, *, truncated: bool = False) -> tuple[UnitEvent, ...]:
    """Return what systemd did with its units, in the order printed; no entries is an empty tuple.

    ``truncated`` says that the output was cut, so that its last line may be half an entry and is left out.

    Raises:
        ParseError: for a line that is not such an entry.
    """
    lines = text.split("\n")
    if truncated:
        lines.pop()
    return tuple(_event(line) for line in lines if line.strip() and not line.startswith("-- "))


def _event(line: str) -> UnitEvent:
    try:
        entry = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ParseError("one message of systemd about a unit per line", line[:80]) from None
    kind = _KINDS.get(entry.MESSAGE_ID)
    if kind is None:
        raise ParseError("one of the messages that were asked for", entry.MESSAGE_ID[:80])
    if not (entry.realtime.isascii() and entry.realtime.isdigit()) or len(entry.realtime) > 20:
        raise ParseError("microseconds in __REALTIME_TIMESTAMP", entry.realtime[:80])
    if kind == "stopped" and entry.JOB_TYPE == "restart":
        kind = "restarting"
    if kind == "reloaded" and entry.JOB_RESULT not in ("", "done"):
        kind = "reload_failed"
    return UnitEvent(
        unit=entry.UNIT[:200], kind=kind, at=int(entry.realtime) / 1e6, result=entry.UNIT_RESULT[:60]
    )
