"""What may be left out of a test run: where its parts cannot be, a test is skipped; in CI nothing.

Loaded in every run (``-p ci_no_skips`` in pyproject.toml). It also says which iwx_agent is under test, and
ends a run meant for the installed wheel (``IWXTEST_INSTALLED_ONLY``) but would test the source tree.
"""

import importlib.util
import os
import shutil
from pathlib import Path

import chromium
import monitoring
import pytest

_SHOWN_COUNT = 20


def in_ci() -> bool:
    """Whether this is a run in which a skip is a failure."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def why_no_lab() -> str:
    """Return why tests marked ``lab`` cannot run here, or an empty string."""
    if os.environ.get("LAB") == "no":
        return "left out by choice (LAB=no)"
    if os.geteuid() != 0:
        return "not root: the lab makes namespaces and mounts"
    if shutil.which("dpkg-query") is None:
        return "not Debian: the lab is made of its packages"
    if shutil.which("systemd-nspawn") is None:
        return "no systemd-nspawn: lab/iwxlab install"
    return ""


def why_no_browser() -> str:
    """Return why tests marked ``browser`` cannot run here, or an empty string."""
    if not chromium.program():
        return "no Chromium: tools/browser.sh"
    return "" if chromium.AXE.is_file() else "no axe-core: tools/browser.sh"


def pytest_report_header(config: pytest.Config) -> str:
    """Say which iwx_agent is under test."""
    place = package_place()
    if os.environ.get("IWXTEST_INSTALLED_ONLY") and place.is_relative_to(config.rootpath / "iwx_agent"):
        pytest.exit(f"the source tree would be tested instead of the wheel: {place}", returncode=4)
    return f"iwx_agent: {place}"


def package_place() -> Path:
    """Return where iwx_agent would be imported from, without importing it."""
    found = importlib.util.find_spec("iwx_agent")
    return Path(found.origin).resolve() if found and found.origin else Path("not installed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests where their parts cannot be; in CI they run, and fail."""
    if in_ci():
        return
    reasons = (("lab", why_no_lab()), ("browser", why_no_browser()), ("monitoring", monitoring.why_none()))
    for marker, reason in reasons:
        for item in items:
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


class Watch:
    """Collects the skips of one run."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skipped test; an expected failure is no skip."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that skipped itself."""
        if report.skipped:
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Make a run with skips a failed one in CI."""
        if self.skipped and in_ci() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what makes the run fail."""
        if self.skipped and in_ci():
            terminalreporter.section("in CI nothing may be skipped", sep="=", red=True)
            for name in self.skipped[:_SHOWN_COUNT]:
                terminalreporter.line(f"SKIPPED {name}")


def pytest_configure(config: pytest.Config) -> None:
    """Watch this run."""
    config.pluginmanager.register(Watch(), "ci-no-skips-watch")
