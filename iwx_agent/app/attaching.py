"""The bundle of a run as it goes with its ticket."""

from collections.abc import Callable

from iwx_agent.app.bundling import BundleError, Wanted, bundle_of
from iwx_agent.app.sources import Run, capture_info
from iwx_agent.transports.contract import Attachment


def bundle_attached(run: Run, say: Callable[[str], None]) -> tuple[Attachment, ...]:
    """Return the bundle of a run; nothing, and that is said, when there can be none that may leave.

    That is when it would be larger than it may be, or when one of the server's secrets would have been in it:
    no ticket waits for that, which has been looked through by itself.
    """
    from iwx_agent.redact import CanaryError

    settings = run.brought.settings
    wanted = Wanted(size_bytes=settings.bundle.size_bytes, ticket=settings.ticket)
    heard, started_s = run.recorder.heard, run.recorder.started_s
    info = capture_info(run.recorder)
    try:
        made = bundle_of(run.report, heard, info, run.need_redactor(), wanted, started_s=started_s)
    except BundleError as error:
        say(f"no bundle goes with the ticket: {error}")
        return ()
    except CanaryError as error:
        say(f"no bundle goes with the ticket: a secret of {error.hit.source} would have been in it")
        return ()
    return (made.attachment,)
