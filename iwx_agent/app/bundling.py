"""A run in one file, to attach to a ticket: report, ticket, redacted capture, what was hidden, a manifest."""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from iwx_agent import __version__
from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.redacted_capture import (
    REDACTION,
    RedactedCapture,
    account_json,
    files_of,
    redacted_capture,
)
from iwx_agent.app.redaction import learn, redacted_report, redactor_for, remember_tokens
from iwx_agent.app.sources import OnProgress, capture_info, known
from iwx_agent.host import AskClock, ClockAnswer, CommandAnswer, FileContent, HostError, RunCommand
from iwx_agent.host.recorder import size_of
from iwx_agent.model import Report, moment
from iwx_agent.model.ticket import TicketLimits
from iwx_agent.redact import RedactionReport, Redactor
from iwx_agent.rendering.words import in_json
from iwx_agent.replay import CaptureInfo, Recorder, open_capture
from iwx_agent.replay.archives import MEDIA_TYPES, TAR, packed
from iwx_agent.replay.bundles import (
    BUNDLE_FORMAT,
    CAPTURE,
    MANIFEST,
    BundleCommand,
    BundleFile,
    BundleManifest,
    LeftOut,
)
from iwx_agent.replay.redacting import Heard, Item
from iwx_agent.report import render_ticket, to_html, to_json
from iwx_agent.transports.contract import Attachment

SIZE_BYTES = 10 * 1024 * 1024
_TEXT_WIDTH = 100
_HOST_CHARACTERS = 40
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9.-]+")
_MARGIN = 0.02  # of the limit: what pressing pieces alone and together may differ by
_ROUNDS_MAX = 20


class BundleError(Exception):
    """No bundle was made; the text says what, how large, and what next."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What a bundle shall be: its archive, how large at most, a person's note, and how long its ticket."""

    kind: str = TAR
    size_bytes: int = SIZE_BYTES
    note: str = ""
    ticket: TicketLimits = TicketLimits()


class Made(Struct, frozen=True, kw_only=True):
    """A bundle as bytes: its plain file name, its media type, and what there was no room for."""

    name: str
    media_type: str
    data: bytes
    left_out: tuple[LeftOut, ...] = ()

    @property
    def sha256(self) -> str:
        """Return the checksum of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def attachment(self) -> Attachment:
        """Return it as it goes with a ticket."""
        return Attachment(name=self.name, media_type=self.media_type, data=self.data)


def bundle_live(
    request: Request,
    wanted: Wanted,
    *,
    on_progress: OnProgress | None = None,
    on_unkept: Callable[[str], None] | None = None,
) -> Made:
    """Diagnose this machine and return the bundle of that run; ``on_unkept`` is told what was not kept.

    Raises:
        BundleError: even report and ticket are larger than was wanted.
        CanaryError: one of the server's secrets would have been in it.
    """
    from iwx_agent.host.live import LiveHost

    brought = known()
    with LiveHost(budget_s=request.budget_s) as host:
        recorder = Recorder(host)
        report = diagnose(
            recorder,
            brought,
            replace(request, background=True, note=wanted.note),
            in_progress=host.in_progress,
            abandoned=host.abandoned,
            on_progress=on_progress,
        )
        info = capture_info(recorder, wanted.note)
        redactor = redactor_for(host, brought, report)
        made = bundle_of(report, recorder.heard, info, redactor, wanted, started_s=recorder.started_s)
        if on_unkept is not None and (said := remember_tokens(redactor, host)):
            on_unkept(said)
    return made


def bundle_from(
    source: Path, request: Request, wanted: Wanted, *, on_progress: OnProgress | None = None
) -> Made:
    """Return a bundle of a capture or of another bundle, judged again; when it asked what is not known then.

    Raises:
        CaptureError: for what is no capture; the others as ``bundle_live`` does.
    """
    brought = known()
    replayed = open_capture(source)
    recorder = Recorder(replayed)
    told = replace(request, background=True, note=wanted.note)
    report = diagnose(recorder, brought, told, on_progress=on_progress)
    info = replace(replayed.info, source=wanted.note or replayed.info.source)
    redactor = redactor_for(replayed, brought, report)
    return bundle_of(report, recorder.heard, info, redactor, wanted)


def bundle_of(
    report: Report,
    heard: Iterable[Heard],
    info: CaptureInfo,
    redactor: Redactor,
    wanted: Wanted,
    *,
    started_s: Sequence[float] = (),
) -> Made:
    """Return the bundle of a report and of what was heard for it: the same bytes for the same.

    What has no room is left out in this order: answers that no incident quotes, the larger first, then those
    that one does. Report and ticket are never left out.
    """
    heard = tuple(heard)
    learn(redactor, heard)
    report = redacted_report(report, redactor)
    capture = redacted_capture(info, heard, redactor, started_s=started_s)
    making = _Making(report, capture, redactor, wanted)
    data, left_out = making.within_limit()
    name = f"{making.top}.{wanted.kind}"
    return Made(name=name, media_type=MEDIA_TYPES[wanted.kind], data=data, left_out=left_out)


def encrypted(made: Made, argv: tuple[str, ...]) -> Made:
    """Return the bundle encrypted by gpg's command line for a recipient.

    Raises:
        HostError: for every ending but gpg's word that it is; nothing unencrypted has been written anywhere.
    """
    from contextlib import closing

    from iwx_agent.host.encryption import encrypt
    from iwx_agent.host.workers import Workers

    with closing(Workers()) as workers:
        data = encrypt(workers, made.data, argv)
    return replace(made, name=f"{made.name}.gpg", media_type="application/pgp-encrypted", data=data)


def report_text(report: Report) -> str:
    """Return the report as a terminal shows it, every finding in full, without colours."""
    from iwx_agent.rendering.terminal import as_text

    return as_text(report, width=_TEXT_WIDTH, verbose=True)


class _Making:
    """One bundle in the making."""

    def __init__(self, report: Report, capture: RedactedCapture, redactor: Redactor, wanted: Wanted) -> None:
        at = report.collected_at.astimezone(UTC)
        host = _NOT_IN_NAME.sub("-", report.host.fqdn or report.host.name)[:_HOST_CHARACTERS].strip(".-")
        self.top = f"iwx-agent-{host or 'server'}-{at:%Y%m%dT%H%M%SZ}"
        self._report = report
        self._capture = capture
        self._redactor = redactor
        self._wanted = wanted
        self._at = at
        self._made = {
            "report.json": to_json(report),
            "report.html": to_html(report, wanted.ticket),
            "report.txt": report_text(report).encode("utf-8", "replace"),
            "ticket.txt": render_ticket(report, "text", wanted.ticket).encode("utf-8", "replace"),
            REDACTION: account_json(redactor.report, capture.account),
        }

    def within_limit(self) -> tuple[bytes, tuple[LeftOut, ...]]:
        """Return the bytes and what was left out of them."""
        limit_bytes = self._wanted.size_bytes
        out: set[tuple[str, ...]] = set()
        data, left_out = self._packed(out)
        waiting = self._least_useful_first() if len(data) > limit_bytes else []
        for _ in range(_ROUNDS_MAX):
            if len(data) <= limit_bytes or not waiting:
                break
            over_bytes = len(data) - limit_bytes * (1 - _MARGIN)
            while waiting and over_bytes > 0:
                size_bytes, identity = waiting.pop(0)
                out.add(identity)
                over_bytes -= size_bytes
            data, left_out = self._packed(out)
        if len(data) > limit_bytes:
            data, left_out = self._packed({identity for _, identity in self._least_useful_first()})
        if len(data) > limit_bytes:
            raise BundleError(
                f"report and ticket alone are {len(data)} bytes, the limit is {limit_bytes}: "
                "raise it with --max-size or size_bytes in [bundle]"
            )
        return data, left_out

    def _packed(self, out: set[tuple[str, ...]]) -> tuple[bytes, tuple[LeftOut, ...]]:
        items = [_without(item) if item.question.identity in out else item for item in self._capture.items]
        left_out = tuple(
            LeftOut(
                kind=str(type(item.question).__struct_config__.tag),
                source=item.question.source,
                size_bytes=size_of(item.found),
            )
            for item in self._capture.items
            if item.question.identity in out
        )
        capture = replace(self._capture, items=tuple(items))
        files = files_of(capture, self._redactor, below=f"{self.top}/{CAPTURE}")
        whole = self._made | {f"{CAPTURE}{name}": data for name, data in files.items()}
        whole[MANIFEST] = _json(self._manifest(whole, items, left_out))
        for name, data in whole.items():
            self._redactor.release(name.encode())
            self._redactor.release(data)
        members = {f"{self.top}/{name}": data for name, data in whole.items()}
        return packed(members, self._wanted.kind, self._at), left_out

    def _least_useful_first(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return what can be left out, with about what it saves: the unquoted first, of these the large."""
        quoted = tuple(
            evidence.source
            for incident in self._report.incidents
            for finding in (incident.lead, *incident.others)
            for evidence in finding.evidence
        )
        sizes: dict[tuple[str, ...], int] = {}
        used: dict[tuple[str, ...], bool] = {}
        for item in self._capture.items:
            if isinstance(item.question, AskClock) or isinstance(item.found, HostError):
                continue
            identity, source = item.question.identity, item.question.source
            pressed = len(zlib.compress(msgspec.json.encode(item.found), 1))
            sizes[identity] = sizes.get(identity, 0) + pressed
            used[identity] = any(told.startswith(source) for told in quoted)
        order = sorted(sizes, key=lambda identity: (used[identity], -sizes[identity], identity))
        return [(sizes[identity], identity) for identity in order]

    def _manifest(
        self, whole: dict[str, bytes], items: Sequence[Item], left_out: tuple[LeftOut, ...]
    ) -> BundleManifest:
        return BundleManifest(
            format=BUNDLE_FORMAT,
            agent_version=__version__,
            host=self._report.host.fqdn or self._report.host.name,
            created_at=self._at,
            size_limit_bytes=self._wanted.size_bytes,
            note=self._redactor.redact_text(self._wanted.note, "note"),
            files=_told(whole, items, self._redactor.report),
            commands=_commands(items),
            left_out=left_out,
        )


def _without(item: Item) -> Item:
    reason = "left out of the bundle: it had no room"
    return replace(
        item, found=HostError("not_captured", reason, item.question.source), redactions=0, cut=False
    )


def _told(whole: dict[str, bytes], items: Sequence[Item], account: RedactionReport) -> tuple[BundleFile, ...]:
    """Return each file with where it is from."""
    read = {
        f"{CAPTURE}files{item.question.source}": item
        for item in reversed(items)
        if isinstance(item.found, FileContent)
    }
    in_lines = sum(item.redactions for item in items if not _lies_in(whole, item, read))
    made = {"report.json": account.count, f"{CAPTURE}answers.jsonl": in_lines}
    files = []
    for name in sorted(whole):
        item = read.get(name)
        found = item.found if item else None
        files.append(
            BundleFile(
                name=name,
                sha256=hashlib.sha256(whole[name]).hexdigest(),
                size_bytes=len(whole[name]),
                source=item.question.source if item else "iwx-agent",
                truncated=isinstance(found, FileContent) and found.truncated,
                redactions=item.redactions if item else made.get(name, 0),
            )
        )
    return tuple(files)


def _lies_in(whole: dict[str, bytes], item: Item, read: dict[str, Item]) -> bool:
    name = f"{CAPTURE}files{item.question.source}"
    return name in whole and read.get(name) is item


def _commands(items: Sequence[Item]) -> tuple[BundleCommand, ...]:
    """Return each command that was run, in the order in which they ended."""
    began_at = next((item.found.now_at for item in items if isinstance(item.found, ClockAnswer)), None)
    return tuple(
        _command(item.question.argv, item, began_at)
        for item in items
        if isinstance(item.question, RunCommand)
    )


def _command(argv: tuple[str, ...], item: Item, began_at: float | None) -> BundleCommand:
    known = began_at is not None and item.started_s is not None
    started_at = moment(round((began_at or 0.0) + (item.started_s or 0.0), 3)) if known else None
    told = BundleCommand(
        argv=argv, exit_code=None, started_at=started_at, duration_s=None, redactions=item.redactions
    )
    if isinstance(item.found, CommandAnswer):
        return replace(
            told,
            exit_code=item.found.exit_code,
            duration_s=round(item.found.duration_s, 4),
            truncated=item.found.truncated,
            timed_out=item.found.timed_out,
        )
    return replace(told, error=item.found.reason if isinstance(item.found, HostError) else "")


def _json(manifest: BundleManifest) -> bytes:
    return in_json(msgspec.json.format(msgspec.json.encode(manifest), indent=2)) + b"\n"
