"""Where the answers come from: this machine, a capture, or this machine while it is being captured."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from iwx_agent import __version__
from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.quoting import quotes
from iwx_agent.app.saved import dated, save_run
from iwx_agent.app.support import Known
from iwx_agent.config import (
    load_causes,
    load_layout,
    load_policy,
    load_provider,
    load_settings,
    load_signatures,
)
from iwx_agent.model import Report, moment

if TYPE_CHECKING:
    from iwx_agent.host import Host
    from iwx_agent.redact import Redactor
    from iwx_agent.replay import CaptureInfo

OnProgress = Callable[[str, int, int], None]


def known(etc: Path | None = None) -> Known:
    """Return what this installation brings along; each broken file is refused before anything is asked.

    ``etc`` is where the administrator's files are, ``/etc/iwx-agent`` by default.
    """
    return Known(
        layout=load_layout(etc),
        causes=load_causes(),
        settings=load_settings(etc),
        signatures=load_signatures(etc),
        policy=load_policy(etc),
        provider=load_provider(etc),
    )


def diagnose_live(
    request: Request,
    *,
    on_progress: OnProgress | None = None,
    on_unkept: Callable[[str], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
    on_redactor: Callable[["Redactor | None"], None] | None = None,
) -> Report:
    """Diagnose this machine and return the report as it may leave; all that was started is ended then.

    With ``on_unkept`` the run is saved; it is told why that could not be, or why tokens for people's
    addresses could not be kept. ``on_redactor`` gets what the report was redacted with, before it is saved;
    None when it quotes nothing of the machine.

    Raises:
        CanaryError: one of the server's secrets would have been in the report.
    """
    from iwx_agent.host.live import LiveHost
    from iwx_agent.host.recorder import Recorder

    with LiveHost(budget_s=request.budget_s) as host:
        brought = known()
        recorder = Recorder(host)
        report = diagnose(
            recorder,
            brought,
            request,
            in_progress=host.in_progress,
            abandoned=host.abandoned,
            on_progress=on_progress,
            meanwhile=meanwhile,
        )
        report, trouble = dated(report, host.workers)
        said = ""
        redactor: Redactor | None = None
        if quotes(report):
            from iwx_agent.app.redaction import redacted_report, redactor_for, remember_tokens

            redactor = redactor_for(host, brought, report, recorder.heard)
            report = redacted_report(report, redactor)
            said = remember_tokens(redactor, host)
        if on_redactor is not None:
            on_redactor(redactor)
        if on_unkept is not None:
            # A disk that has just kept the agent waiting is not waited for again.
            unsaved = f"this run was not saved: {trouble}" if trouble else ""
            for why in filter(None, (said, unsaved or save_run(report, brought.settings, host.workers))):
                on_unkept(why)
    return report


def diagnose_capture(
    directory: Path, request: Request, *, on_progress: OnProgress | None = None, etc: Path | None = None
) -> Report:
    """Diagnose a capture with the captured clock, through the same code; ``etc`` as in ``known``.

    Raises:
        CaptureError: for what is not a capture.
    """
    from iwx_agent.app.redaction import redacted_report, redactor_for
    from iwx_agent.replay import Recorder, open_capture

    brought = known(etc)
    host = Recorder(open_capture(directory))
    report = diagnose(host, brought, request, on_progress=on_progress)
    return redacted_report(report, redactor_for(host, brought, report, host.heard))


def capture_live(
    directory: Path,
    note: str,
    request: Request,
    *,
    unredacted: bool = False,
    on_unkept: Callable[[str], None] | None = None,
) -> int:
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
        report = diagnose(recorder, brought, replace(request, background=True), in_progress=host.in_progress)
        info = capture_info(recorder, note)
        if unredacted:
            return write_files(directory, capture_files(info, recorder.heard))
        from iwx_agent.app.redacted_capture import files_of, redacted_capture
        from iwx_agent.app.redaction import redactor_for, remember_tokens

        redactor = redactor_for(host, brought, report, recorder.heard)
        files = files_of(redacted_capture(info, recorder.heard, redactor), redactor)
        if on_unkept is not None and (said := remember_tokens(redactor, host)):
            on_unkept(said)
    return write_files(directory, files)


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
