"""Fences: outside ``e2e`` and ``lab`` no test opens a socket, starts a process or reads the real machine.

The audit hook sees what no import linter can: a builtin ``open`` deep inside a check or a parser.
"""

import importlib.util
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import pytest_socket

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C and hands that on; the tests that press it need the usual way.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
_REAL = ("e2e", "lab")  # markers of tests that meet the real machine
_PROCESS_EVENTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork")
_FILE_EVENTS = ("open", "os.listdir", "os.scandir")
_HOME = str(Path.home())
_FORBIDDEN = ("/etc", "/root", "/home", "/usr/local/interworx", "/var/log", "/var/qmail", _HOME)
_ALLOWED = tuple(
    os.path.realpath(path) for path in (ROOT, sys.prefix, sys.base_prefix, tempfile.gettempdir())
)
_PDBRC = f"{_HOME}/.pdbrc"  # doctest's debugger looks for it
_PACKAGE = Path(str(importlib.util.find_spec("iwx_agent").origin)).parent  # type: ignore[union-attr] # the wheel's
_PURE = tuple(f"{_PACKAGE}/{part}" for part in ("checks/", "parsers/", "model/", "redact/", "triage/"))


class FenceError(BaseException):
    """A test outside e2e touched the machine. No ``except Exception`` may swallow it."""


class _Fence:
    """Whether the fences stand right now, and what ran into them on other threads."""

    def __init__(self) -> None:
        self.stands = False
        self.hit: list[str] = []

    def refuse(self, what: str) -> None:
        self.hit.append(what)
        raise FenceError(what)


_FENCE = _Fence()
_INSIDE = threading.local()


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _FENCE.stands or getattr(_INSIDE, "busy", False):
        return
    if event in _PROCESS_EVENTS:
        _FENCE.refuse(f"{event} outside e2e: {arguments!r:.200}")
    if event in _FILE_EVENTS and arguments:
        _INSIDE.busy = True
        try:
            refused = _why_not(event, arguments[0])
        finally:
            _INSIDE.busy = False
        if refused:
            _FENCE.refuse(refused)


def _why_not(event: str, target: object) -> str:
    if isinstance(target, (str, bytes, os.PathLike)):
        path = os.path.abspath(os.fsdecode(target))  # noqa: PTH100 - resolve() would read the disk
        forbidden = _depth(path, _FORBIDDEN) > _depth(path, _ALLOWED)  # the nearer place decides
        if forbidden and path != _PDBRC:
            return f"{event} of the real machine outside e2e: {path}"
    caller = _pure_caller()
    return f"{event} by pure code: {caller}: {target!r:.200}" if caller else ""


def _depth(path: str, places: tuple[str, ...]) -> int:
    """Return the length of the longest of the places that the path lies in; 0 when it lies in none."""
    return max((len(place) for place in places if path == place or path.startswith(f"{place}/")), default=0)


def _pure_caller() -> str:
    """Return the file of pure code on the stack that asked for this; an import in it does not count."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return ""
        if name.startswith(_PURE):
            return name
        frame = frame.f_back
    return ""


# A hook in Python and coverage's tracing of threads do not go together before Python 3.12: `nox -s tests`
# runs once with the fence and once with coverage.
if not os.environ.get("IWX_AGENT_NO_FENCE"):
    sys.addaudithook(_hook)


def is_real(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in _REAL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if is_real(item):
        pytest_socket.enable_socket()
        yield
        return
    pytest_socket.disable_socket()
    _FENCE.stands = True
    try:
        yield
    finally:
        _FENCE.stands = False
        pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def no_fence_was_hit() -> Iterator[None]:
    """Fail also when another thread, or something that swallows everything, ran into a fence."""
    _FENCE.hit.clear()
    yield
    assert _FENCE.hit == []


@pytest.fixture
def fence_hits() -> Iterator[list[str]]:
    """Give the fence's own tests what it caught, and take it as expected."""
    yield _FENCE.hit
    _FENCE.hit.clear()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with ``tests/golden/NAME``; ``--snapshot-update`` writes it, for a person to read."""

    def compare(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("update_snapshots"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"no golden file {name}: read what --snapshot-update writes, then keep it"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(autouse=True)
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in for /var/lib/iwx-agent; what a worker would do there is done in this process outside e2e."""
    directory = tmp_path / "var-lib-iwx-agent"
    monkeypatch.setattr("iwx_agent.state.door.DIRECTORY", directory)
    monkeypatch.setattr("iwx_agent.state.lock.RUN_DIRECTORY", tmp_path / "run-iwx-agent")
    if not is_real(request.node):
        monkeypatch.setattr("iwx_agent.state.door._ask", _transact_here)
    return directory


@pytest.fixture(autouse=True)
def saved_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write in this process what a worker would write, outside e2e."""
    if is_real(request.node):
        return

    def ask(*request: object, path: str, limit_s: float, handed: tuple[int, ...] = ()) -> object:
        return _ask_here(*request, *(os.dup(number) for number in handed))

    monkeypatch.setattr("iwx_agent.host.saving._ask", ask)


def _transact_here(*request: object, handed: bytes, workers: object, limit_s: float) -> object:
    from iwx_agent.host.saving import in_memory

    return _ask_here(*request, in_memory(handed)) if handed else _ask_here(*request)


def _ask_here(*request: object) -> object:
    from iwx_agent.host import HostError
    from iwx_agent.host.worker.operations import operate

    answer = operate(request)
    if answer[0] == "error":
        raise HostError(answer[1], answer[2], str(request[1]))
    return answer[1]


@pytest.fixture(autouse=True)
def etc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in for /etc/iwx-agent: empty until a test writes into it."""
    directory = tmp_path / "etc-iwx-agent"
    monkeypatch.setattr("iwx_agent.config.toml_file.ETC", directory)
    return directory


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """With ``--dist=loadgroup`` give all tests of a cluster to one worker, every other to any.

    xdist's own groups ride on the ids of tests, which pytest 9.2 no longer lets it change.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    def scope_of(test: str) -> str:
        module = test.partition("::")[0]
        return module if module.endswith("test_lab_cluster.py") else test

    scheduling: object = LoadScopeScheduling(config, log)
    vars(scheduling)["_split_scope"] = scope_of
    return scheduling
