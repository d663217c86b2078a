"""One run as a directory: ``Recorder`` and ``write_capture`` make it, ``open_capture`` answers from it."""

from iwx_agent.host.recorder import Recorder
from iwx_agent.replay.format import FORMAT, CaptureError, CaptureInfo
from iwx_agent.replay.reading import ReplayHost, open_capture
from iwx_agent.replay.recording import make_directory, write_capture

__all__ = [
    "FORMAT",
    "CaptureError",
    "CaptureInfo",
    "Recorder",
    "ReplayHost",
    "make_directory",
    "open_capture",
    "write_capture",
]
