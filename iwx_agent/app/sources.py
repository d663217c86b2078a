"""Where the answers come from: this machine, a capture, or this machine while it is being captured."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import DecodeError

from iwx_agent import __version__
from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.support import Known
from iwx_agent.config import (
    load_causes,
    load_layout,
    load_policy,
    load_provider,
    load_settings,
    load_signatures,
)
from iwx_agent.model import LastVerdict, Report, moment, verdict_to_keep
from iwx_agent.report import explanation_from_json, explanation_json
from iwx_agent.state import StateError, keep_verdict, last_verdict

if TYPE_CHECKING:
    from iwx_agent.host import Host
    from iwx_agent.host.workers import Workers
    from iwx_agent.replay import CaptureInfo

OnProgress = Callable[[str, int, int], None]


def known() -> Known:
    """Return what this installation brings along; each broken file is refused before anything is asked."""
    return Known(
        layout=load_layout(),
        causes=load_causes(),
        settings=load_settings(),
        signatures=load_signatures(),
        policy=load_policy(),
        provider=load_provider(),
    )


def diagnose_live(
    request: Request,
    *,
    on_progress: OnProgress | None = None,
    on_unkept: Callable[[str], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Report:
    """Diagnose this machine; everything that was started is ended before it returns.

    With ``on_unkept`` the verdict is kept for ``why``; it is told why that could not be.
    """
    from iwx_agent.host.live import LiveHost

    with LiveHost(budget_s=request.budget_s) as host:
        report = diagnose(
            host,
            known(),
            request,
            in_progress=host.in_progress,
            abandoned=host.abandoned,
            on_progress=on_progress,
            meanwhile=meanwhile,
        )
        if on_unkept is not None and (why := keep(report, host.workers)):
            on_unkept(why)
    return report


def diagnose_capture(directory: Path, request: Request, *, on_progress: OnProgress | None = None) -> Report:
    """Diagnose a capture with the captured clock, through the same code.

    Raises:
        CaptureError: for what is not a capture.
    """
    from iwx_agent.replay import open_capture

    return diagnose(open_capture(directory), known(), request, on_progress=on_progress)


def keep(report: Report, workers: "Workers | None" = None) -> str:
    """Keep the verdict of a report for ``why``; return what to say when it could not be kept, else nothing.

    Only root keeps one: the place belongs to root.
    """
    if report.host.as_root:
        try:
            keep_verdict(explanation_json(verdict_to_keep(report)), workers)
        except StateError as error:
            return f"the verdict was not kept for iwx-agent why: {error}"
    return ""


def kept_verdict() -> LastVerdict:
    """Return the verdict that was kept last.

    Raises:
        StateError: when there is none, or what lies there is none.
    """
    data = last_verdict()
    try:
        return explanation_from_json(data)
    except DecodeError as error:
        raise StateError(f"is no verdict: {error}") from None


def capture_live(directory: Path, note: str, request: Request, *, unredacted: bool = False) -> int:
    """Diagnose this machine, write what was asked and answered, and return how many answers were written.

    Without secrets, unless ``unredacted``: that capture is as secret as the server.

    Raises:
        CanaryError: one of the server's secrets would have been in it; nothing was written.
    """
    from iwx_agent.host.live import LiveHost
    from iwx_agent.replay import Recorder, make_directory
    from iwx_agent.replay.recording import capture_files, write_files

    make_directory(directory)  # a wrong one is said before the run, not after it
    brought = known()
    with LiveHost(budget_s=request.budget_s) as host:
        recorder = Recorder(host)
        report = diagnose(recorder, brought, request, in_progress=host.in_progress)
        info = capture_info(recorder, note)
        if unredacted:
            return write_files(directory, capture_files(info, recorder.heard))
        from iwx_agent.app.redacted_capture import files_of, redacted_capture
        from iwx_agent.app.redaction import redactor_for

        redactor = redactor_for(host, brought, report)
    return write_files(directory, files_of(redacted_capture(info, recorder.heard, redactor), redactor))


def capture_info(host: "Host", note: str = "") -> "CaptureInfo":
    """Return what a capture of a machine says of itself."""
    from iwx_agent.replay import FORMAT, CaptureInfo

    clock = host.clock()
    return CaptureInfo(
        format=FORMAT,
        host=clock.host_name,
        taken_at=moment(clock.now_at) or datetime(1970, 1, 1, tzinfo=UTC),
        agent_version=__version__,
        source=note or f"iwx-agent capture on {clock.host_name}",
    )
