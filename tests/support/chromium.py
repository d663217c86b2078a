"""A real headless Chromium, spoken to over its DevTools pipe: no driver, no port, no library.

Source: https://chromedevtools.github.io/devtools-protocol/ ; ``--remote-debugging-pipe`` reads messages from
file descriptor 3 and writes them to 4, each ended by a NUL.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

AXE = Path(__file__).parents[2] / ".nox" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_LONGEST_S = 20.0


def program() -> str:
    """Return where Chromium is, or an empty string."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), "")


class Browser:
    """One browser with a fresh profile; it ends with the ``with`` block, and so does all that it started."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        # A shell puts the two ends where Chromium wants them: subprocess itself keeps their numbers.
        script = f'exec "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", program(), *self._options()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(commands, answers),
            start_new_session=True,
            env=os.environ | {"HOME": str(self._home)},
        )
        os.close(commands)
        os.close(answers)
        return self

    def _options(self) -> list[str]:
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        return [*_OPTIONS, *as_root, f"--user-data-dir={self._home / 'profile'}", "about:blank"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            self.call("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=5)
        os.close(self._to)
        os.close(self._from)

    def page(self, width: int = 1024, height: int = 768) -> "Page":
        """Return a new empty page of this size, with its network and log watched."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        return page

    def call(self, method: str, *, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Return the result of one command; what happens meanwhile is kept in ``events``."""
        self._number += 1
        told = {"id": self._number, "method": method, "params": parameters}
        message = json.dumps(told | ({"sessionId": session} if session else {})).encode() + b"\0"
        while message:
            message = message[os.write(self._to, message) :]
        until = time.monotonic() + _LONGEST_S
        while True:
            answer = self._next(until)
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise AssertionError(f"{method}: {answer['error']}")
            else:
                result: dict[str, Any] = answer["result"]
                return result

    def wait_for(self, method: str, session: str) -> None:
        """Return when an event has happened, also one that already had."""
        until = time.monotonic() + _LONGEST_S
        while not any(e.get("method") == method and e.get("sessionId") == session for e in self.events):
            self.events.append(self._next(until))

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(until - time.monotonic(), 0))
            if not ready:
                raise TimeoutError("Chromium does not answer")
            data = os.read(self._from, 1 << 20)
            if not data:
                raise EOFError("Chromium has ended")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told


class Page:
    """One page of a browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **parameters)

    def open(self, url: str) -> None:
        """Load a page to its end; what was seen of an earlier one is forgotten."""
        self._browser.events.clear()
        self.call("Page.navigate", url=url)
        self._browser.wait_for("Page.loadEventFired", self._session)

    def run(self, expression: str) -> Any:
        """Return the value of JavaScript in the page, waited for."""
        told = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return what was told of these events since the page was opened."""
        self.run("0")  # all that happened until now has been read then
        told = [event for event in self._browser.events if event.get("sessionId") == self._session]
        return [event["params"] for event in told if event.get("method") == method]

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def emulate(self, media: str = "", scheme: str = "light") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, key: str, code: int) -> None:
        """Press and release a key, as a keyboard does."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        told = {"key": key, "windowsVirtualKeyCode": code, "code": key}
        self.call("Input.dispatchKeyEvent", type="keyDown", **told, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    def picture(self, path: Path) -> None:
        """Write a PNG of the whole page, to be looked at."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))
