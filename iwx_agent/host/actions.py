"""The one door through which the agent changes the machine: Remote Assistance on and off, nothing else.

It is apart from the questions on purpose: a probe, a capture or a replay cannot reach it, and nobody can hand
it a command. What is run is the layout's command of the panel, or one of the vendor's two scripts; no shell.
"""

from abc import ABC, abstractmethod

from iwx_agent.host.answers import CommandAnswer
from iwx_agent.host.contract import Host, HostError
from iwx_agent.model import Layout
from iwx_agent.model.assistance import Turn, Way

ACTION_TIMEOUT_S = 60.0  # the panel first fetches the vendor's key from the network
_OUTPUT_BYTES = 64 * 1024
_WRITABLE_BY_OTHERS = 0o022
HOURS_MAX = 168


class Actions(ABC):
    """Turn Remote Assistance on or off. What came of it is told by asking the panel again, not by this."""

    @abstractmethod
    def remote_assistance(self, turn: Turn, way: Way, *, hours: int) -> CommandAnswer:
        """Do it by the panel's command line or by the vendor's script, and return what that said.

        Raises:
            HostError: when it was not started: no such program, a script that cannot be trusted.
        """


class LiveActions(Actions):
    """The door to this machine; ``host`` must be a live one of its own, which is not recorded."""

    def __init__(self, host: Host, layout: Layout) -> None:
        self._host = host
        self._layout = layout

    def remote_assistance(self, turn: Turn, way: Way, *, hours: int) -> CommandAnswer:
        """Do it within a minute; a program that does not end by then is ended."""
        argv = panel_command(self._layout, turn, hours) if way == "panel" else (self._script(turn),)
        return self._host.run(argv, timeout_s=ACTION_TIMEOUT_S, max_bytes=_OUTPUT_BYTES)

    def _script(self, turn: Turn) -> str:
        """Return the first script of the layout that is there; one that others could write is refused."""
        places = self._layout.texts(f"path.support_access_{turn}")
        homes = self._layout.texts("path.home")
        for path in places:
            try:
                status = self._host.stat(path, follow=False)
            except HostError as error:
                if error.kind != "not_found":
                    raise
                continue
            refused = ""
            if not any(path.startswith(f"{home}/") for home in homes) or "/../" in path:
                refused = "it lies outside the panel's home"
            elif status.kind != "file":
                refused = f"it is a {status.kind}, not a file"
            elif status.uid != 0:
                refused = f"it belongs to user {status.uid}, not to root"
            elif status.mode & _WRITABLE_BY_OTHERS:
                refused = f"others than its owner may write to it (mode {status.mode:o})"
            if refused:
                raise HostError("permission", f"not run: {refused}", path)
            return path
        raise HostError("not_found", "no such script", " or ".join(places))


def panel_command(layout: Layout, turn: Turn, hours: int) -> tuple[str, ...]:
    """Return the panel's command for it; the hours are the only thing in it that is not the layout's."""
    if not 1 <= hours <= HOURS_MAX:
        raise ValueError(f"expected 1 to {HOURS_MAX} hours, got {hours}")
    words = layout.command(f"command.remote_assistance_{turn}")
    return tuple(word.replace("{hours}", str(hours)) for word in words)
