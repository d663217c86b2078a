"""Sessions of the house. Two environments serve them all: `.nox/tools` and `.nox/wheel`.

`tools` holds linters, type checker and documentation with this source tree; `wheel` holds the built wheel and
what the tests need, nothing else, so that what is missing from the wheel is missing in the tests.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nox
import nox.command

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "types", "layers", "docs", "tests", "e2e", "coverage"]
nox.options.default_venv_backend = "none"

ROOT = Path(__file__).parent
TOOLS = ROOT / ".nox" / "tools"
WHEEL = ROOT / ".nox" / "wheel"
COVERAGE = ROOT / ".nox" / "coverage"
SIDE_BY_SIDE = ("--numprocesses=auto",)  # not for tests on real parts: some measure time
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install")


def made(session: nox.Session, place: Path, *requirements: str) -> Path:
    """Return the bin directory of an environment, made anew when pyproject.toml is newer than it."""
    stamp = place / "made"
    wanted = f"{sys.version}\n" + (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        session.run(sys.executable, "-m", "venv", "--clear", str(place), external=True)
        session.run(str(place / "bin" / "python"), *PIP, *requirements, external=True)
        stamp.write_text(wanted, encoding="utf-8")
    return place / "bin"


def tool(session: nox.Session, *command: str) -> None:
    """Run a tool of the `tools` environment."""
    place = made(session, TOOLS, "-e", ".[lint,docs,test]")
    session.run(str(place / command[0]), *command[1:], external=True, env={"PATH": path_with(place)})


def path_with(place: Path) -> str:
    return f"{place}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, dependencies, and that the change log can be made."""
    commands = [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("codespell",),
        ("deptry", "iwx_agent"),
        ("towncrier", "build", "--draft", "--version", "next"),
    ]
    if compared_with := main_branch(session):
        commands.append(("towncrier", "check", "--compare-with", compared_with))
    failed = [command[0] for command in commands if not passes(session, *command)]
    if failed:
        session.error(f"failed: {', '.join(failed)}")


def passes(session: nox.Session, *command: str) -> bool:
    """Run a tool and return whether it was content, so that the next one is heard, too."""
    try:
        tool(session, *command)
    except nox.command.CommandFailed:
        return False
    return True


def main_branch(session: nox.Session) -> str:
    """Return the branch that a change is compared with; empty when this is it or there is none."""
    head = commit_of(session, "HEAD")
    for name in ("origin/main", "main"):
        known = commit_of(session, name)
        if known:
            return "" if known == head else name
    return ""


def commit_of(session: nox.Session, name: str) -> str:
    """Return the commit that a name stands for; empty when git does not know it."""
    asked = ("git", "rev-parse", "--quiet", "--verify", name)
    said = session.run(*asked, external=True, silent=True, log=False, success_codes=[0, 1, 128])
    return str(said).strip() if re.fullmatch(r"[0-9a-f]{40,64}", str(said).strip()) else ""


@nox.session(default=False, name="format")
def format_code(session: nox.Session) -> None:
    """Format the code and mend what the linter can mend by itself."""
    tool(session, "ruff", "check", "--fix-only", "--quiet", ".")
    tool(session, "ruff", "format", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict."""
    tool(session, "mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Who may import whom."""
    tool(session, "lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    tool(session, "sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests that need no real parts, on the built wheel: once fenced in, once measured."""
    for old in COVERAGE.glob("*.data"):  # of another state of the code
        old.unlink()
    on_wheel(session, "", "not e2e and not lab", (*SIDE_BY_SIDE, *session.posargs))
    if not session.posargs:
        options = (*SIDE_BY_SIDE, "--ignore=tests/test_fences.py", "-q")
        on_wheel(session, "tests", "not e2e and not lab", options)
        floors(session, "--pure")


@nox.session
def e2e(session: nox.Session) -> None:
    """The tests on real parts, on the built wheel; those of the lab on two servers side by side."""
    on_wheel(session, "e2e", "e2e and not lab", session.posargs)
    if os.environ.get("LAB") != "no":
        # By group, since the tests of a cluster share one.
        on_wheel(session, "lab", "lab", ("--numprocesses=2", "--dist=loadgroup", *session.posargs))


@nox.session
def coverage(session: nox.Session) -> None:
    """Judge what `tests` and `e2e` covered together."""
    floors(session)


def on_wheel(session: nox.Session, measured: str, markers: str, options: Sequence[str]) -> None:
    """Build the wheel and run the tests with these markers on it, not on the source tree.

    ``measured`` names the run's coverage data; the fence of tests/conftest.py stands in runs without.
    """
    place = made(session, WHEEL, "build", "hatchling", *test_requirements())
    python = str(place / "python")
    dist = ROOT / ".nox" / "dist"
    for old in dist.glob("*.whl"):
        old.unlink()
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist))
    session.run(python, *build, external=True, silent=True)
    session.run(python, *PIP, "--force-reinstall", "--no-deps", *map(str, dist.glob("*.whl")), external=True)
    COVERAGE.mkdir(parents=True, exist_ok=True)
    # Not `python -m pytest`, which would put the source tree in front of the wheel.
    session.run(
        str(place / "pytest"),
        "-m",
        markers,
        *(("--cov", "--cov-report=") if measured else ()),
        *options,
        external=True,
        env={
            "COVERAGE_FILE": str(COVERAGE / f"{measured}.data"),
            "IWXTEST_INSTALLED_ONLY": "1",
            "IWXTEST_NO_FENCE": "1" if measured else "",
            "PATH": path_with(place),
        },
    )


def test_requirements() -> list[str]:
    """Return what the wheel and the tests need, without the wheel itself."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"]]


def floors(session: nox.Session, *options: str) -> None:
    """Put the coverage of the runs so far together and hold it against the floors."""
    place = made(session, WHEEL, "build", "hatchling", *test_requirements())
    found = sorted(str(path) for path in COVERAGE.glob("*.data"))
    if not found:
        session.error("no coverage was measured yet: nox -s tests e2e")
    python = str(place / "python")
    env = {"COVERAGE_FILE": str(COVERAGE / "together")}
    session.run(python, "-m", "coverage", "combine", "--quiet", "--keep", *found, external=True, env=env)
    report = str(COVERAGE / "report.json")
    session.run(python, "-m", "coverage", "json", "--quiet", "-o", report, external=True, env=env)
    session.run(python, "tools/coverage_floors.py", report, *options, external=True)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of what the wheel needs; say so when their source cannot be reached."""
    made(session, WHEEL, "build", "hatchling", *test_requirements())
    place = made(session, ROOT / ".nox" / "audit", "pip-audit")
    found = ROOT / ".nox" / "audit" / "found.json"
    found.unlink(missing_ok=True)
    packages = next((WHEEL / "lib").glob("python3*")) / "site-packages"
    said = session.run(
        *(str(place / "pip-audit"), "--path", str(packages), "--format", "json", "--output", str(found)),
        *("--progress-spinner", "off", "--timeout", "15"),
        external=True,
        silent=True,
        success_codes=range(256),
    )
    if not found.exists():
        session.warn(f"not audited, the source of vulnerabilities gave no answer:\n{str(said)[-400:]}")
        return
    known = [one for one in json.loads(found.read_text(encoding="utf-8"))["dependencies"] if one.get("vulns")]
    for one in known:
        session.log(f"{one['name']} {one['version']}: {', '.join(vuln['id'] for vuln in one['vulns'])}")
    if known:
        session.error(f"{len(known)} packages have known vulnerabilities")
    session.log("no known vulnerabilities")
