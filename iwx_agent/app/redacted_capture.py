"""A run's capture without secrets: its files, and the account of what was hidden in them."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from iwx_agent.model.network import OUTSIDE
from iwx_agent.redact import RedactionReport, RedactionRow, Redactor
from iwx_agent.rendering.words import in_json
from iwx_agent.replay import CaptureInfo
from iwx_agent.replay.archives import fits
from iwx_agent.replay.recording import capture_files
from iwx_agent.replay.redacting import Heard, Item, redacted

REDACTION = "redaction.json"


class RedactedCapture(Struct, frozen=True, kw_only=True):
    """What was heard, redacted, and what was hidden in it."""

    info: CaptureInfo
    items: tuple[Item, ...]
    account: RedactionReport


def redacted_capture(
    info: CaptureInfo, heard: Iterable[Heard], redactor: Redactor, *, started_s: Sequence[float] = ()
) -> RedactedCapture:
    """Return what was heard without secrets; a replay comes to the same incidents."""
    for_replay = redactor.for_replay(kept=(OUTSIDE,))
    items = redacted(heard, for_replay, started_s=started_s)
    source = for_replay.redact_text(info.source, "note")
    told = msgspec.structs.replace(info, source=source, base="", redacted=True)
    return RedactedCapture(info=told, items=items, account=for_replay.report)


def files_of(capture: RedactedCapture, redactor: Redactor, *, below: str = "") -> dict[str, bytes]:
    """Return the files of the capture by name, with its redaction report; each has passed ``release``.

    Only plain names become names of files, short enough for an archive in which they stand ``below`` another.

    Raises:
        CanaryError: one of the server's secrets is in one of them, or in a name.
    """
    heard = [(item.question, item.found) for item in capture.items]
    files = {REDACTION: account_json(capture.account)}
    files |= capture_files(capture.info, heard, fits=lambda path: fits(f"{below}files{path}"))
    for name, data in files.items():
        redactor.release(name.encode())
        redactor.release(data)
    return files


def account_json(*accounts: RedactionReport) -> bytes:
    """Return accounts together as JSON: what was hidden by which rule, where, how often; never what."""
    counts: Counter[tuple[str, str]] = Counter()
    for account in accounts:
        for row in account.rows:
            counts[row.source, row.rule_id] += row.count
    rows = tuple(
        RedactionRow(rule_id=rule_id, source=source, count=count)
        for (source, rule_id), count in sorted(counts.items())
    )
    whole = {"count": sum(row.count for row in rows), "rows": rows}
    return in_json(msgspec.json.format(msgspec.json.encode(whole), indent=2)) + b"\n"
