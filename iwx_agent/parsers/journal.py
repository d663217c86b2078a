r"""``journalctl -o json``: one JSON object per line, oldest first as journalctl prints them.

>>> line = '{"__REALTIME_TIMESTAMP":"1795451255868902","SYSLOG_IDENTIFIER":"CROND","MESSAGE":"(iworx) x"}\n'
>>> entry, = parse_json_lines(line, source="journalctl -u crond")
>>> entry.at, entry.text, entry.source
(1795451255.868902, '(iworx) x', 'journalctl -u crond')
>>> parse_json_lines(line, source="journalctl", with_identifier=True)[0].text
'CROND: (iworx) x'
"""

import msgspec

from iwx_agent.model import LogLine, ParseError

UNSHOWN = "(message not shown by journalctl)"  # null: journalctl leaves out fields beyond 4096 bytes
_LONGEST_CHARACTERS = 4000


class _Entry(msgspec.Struct):
    MESSAGE: str | list[int | str | None] | None = None
    SYSLOG_IDENTIFIER: str | list[int | str | None] | None = None
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")


_DECODER = msgspec.json.Decoder(_Entry)


def parse_json_lines(
    text: str, *, source: str, truncated: bool = False, with_identifier: bool = False
) -> tuple[LogLine, ...]:
    """Return one LogLine per entry, in the order printed; no entries is an empty tuple.

    ``truncated`` says that the output was cut, so that its last line may be half an entry and is left out.
    ``with_identifier`` puts the program's name before the message, as in a syslog file. Messages end at 4000
    characters.

    Raises:
        ParseError: for a line that is not a journal entry.
    """
    lines = text.split("\n")
    if truncated:
        lines.pop()
    return tuple(
        _line(line, source, with_identifier)
        for line in lines
        if line.strip() and not line.startswith("-- ")  # "-- No entries --" of older releases
    )


def _line(line: str, source: str, with_identifier: bool) -> LogLine:
    try:
        entry = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ParseError("one JSON object of journalctl -o json per line", line[:80]) from None
    told = _text(entry.MESSAGE)
    if with_identifier and entry.SYSLOG_IDENTIFIER:
        told = f"{_text(entry.SYSLOG_IDENTIFIER)}: {told}"
    return LogLine(text=told[:_LONGEST_CHARACTERS], source=source, at=_seconds(entry.realtime))


def _text(value: str | list[int | str | None] | None) -> str:
    """Return a field as text: a string, an array of byte values, or an array of repeated values."""
    if value is None:
        return UNSHOWN
    if isinstance(value, str):
        return value
    numbers = [item for item in value if isinstance(item, int)]
    if len(numbers) != len(value):
        return "\n".join(str(item) for item in value if item is not None)
    try:
        return bytes(numbers).decode("utf-8", "replace")
    except ValueError:
        raise ParseError("an array of byte values in a journal field", repr(value)[:80]) from None


def _seconds(microseconds: str) -> float | None:
    if not microseconds:
        return None
    if not (microseconds.isascii() and microseconds.isdigit()) or len(microseconds) > 20:
        raise ParseError("microseconds in __REALTIME_TIMESTAMP", microseconds)
    return int(microseconds) / 1e6
