"""Every check keeps the contract: listed, codes of its own, facts of the right type, documented, shown."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import typing
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any

import pytest
from msgspec import Struct
from scenarios import NAMES, report_of

from iwx_agent import checks
from iwx_agent.app.diagnose import _ALWAYS
from iwx_agent.app.judging import facts_of
from iwx_agent.checks import ALL
from iwx_agent.config import load_causes, load_layout, load_signatures
from iwx_agent.model import EMERGENCIES, Check, Missing, Severity
from iwx_agent.model.signatures import SIGN_CODES
from iwx_agent.probes import PROBES

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "iwx_agent"
PAGES = ROOT / "docs" / "reference" / "checks"
ROOTS = ROOT / "tests" / "roots"
MODULES = sorted(name for _, name, _ in pkgutil.iter_modules(checks.__path__))
BY_FACT = {probe.fact: probe for probe in PROBES}

# First and last number of each check's block; an extra code is one of a later list of the same check.
BLOCKS = {
    "panel.nodeworx": ("PANEL", 1, 9),
    "panel.start": ("PANEL", 20, 29),
    "panel.web": ("PANEL", 30, 39),
    "panel.database": ("PANEL", 40, 49),
    "panel.php": ("PANEL", 50, 59),
    "panel.cron": ("PANEL", 60, 69),
    "panel.maintenance": ("PANEL", 70, 79),
    "panel.upgrade": ("PANEL", 80, 89),
    "mail.smtp": ("MAIL", 1, 9),
    "mail.imap": ("MAIL", 10, 19),
    "mail.pop3": ("MAIL", 20, 29),
    "mail.delivery": ("MAIL", 30, 39),
    "mail.supervise": ("MAIL", 40, 49),
    "mail.filters": ("MAIL", 50, 59),
    "web.server": ("WEB", 1, 9),
    "web.sites": ("WEB", 10, 19),
    "web.php": ("WEB", 20, 29),
    "web.certificates": ("WEB", 30, 39),
    "dns.server": ("DNS", 1, 9),
    "ftp.server": ("FTP", 1, 9),
    "ssh.server": ("SSH", 1, 9),
    "packages.transaction": ("PACKAGES", 1, 9),
    "packages.database": ("PACKAGES", 10, 19),
    "packages.lock": ("PACKAGES", 20, 29),
    "packages.repositories": ("PACKAGES", 30, 39),
    "packages.scriptlets": ("PACKAGES", 40, 49),
    "system.disk_space": ("SYSTEM", 1, 9),
    "system.inodes": ("SYSTEM", 10, 19),
    "system.read_only": ("SYSTEM", 20, 29),
    "system.disk_errors": ("SYSTEM", 30, 39),
    "system.memory": ("SYSTEM", 40, 49),
    "system.mysql": ("SYSTEM", 50, 59),
    "system.load": ("SYSTEM", 60, 69),
    "system.clock": ("SYSTEM", 70, 79),
    "system.resolver": ("SYSTEM", 80, 89),
    "system.flood": ("SYSTEM", 90, 99),
    "support.remote_assistance": ("SUPPORT", 1, 9),
    "cluster.queue": ("CLUSTER", 1, 9),
    "cluster.nodes": ("CLUSTER", 10, 19),
    "cluster.mount": ("CLUSTER", 20, 29),
}
every_check = pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)


def module_of(check: Check) -> Any:
    return importlib.import_module(f"iwx_agent.checks.{check.id.replace('.', '_')}")


# Listed, with ids and codes of their own


def test_every_file_is_listed_and_every_listed_check_has_its_file() -> None:
    assert sorted(check.id.replace(".", "_") for check in ALL) == MODULES
    for check in ALL:
        assert module_of(check).CHECK is check


def test_ids_and_codes_are_unique() -> None:
    codes = [code for check in ALL for code in check.codes]
    assert len(codes) == len(set(codes))
    assert len({check.id for check in ALL}) == len(ALL)


def test_no_check_that_was_promised_is_gone() -> None:
    assert set(BLOCKS) <= {check.id for check in ALL}


@every_check
def test_the_codes_lie_in_the_block_of_the_check(check: Check) -> None:
    area, first, last = BLOCKS[check.id]
    assert list(check.codes) == sorted(check.codes)
    for code in check.codes:
        assert re.fullmatch(rf"{area}-\d{{3}}", code)
        assert first <= int(code[-3:]) <= last


@every_check
def test_the_codes_in_the_file_are_the_codes_it_lists(check: Check) -> None:
    told = set(re.findall(r'"([A-Z]+-\d{3})"', inspect.getsource(module_of(check))))
    assert told == set(check.codes)


# Facts


def accepted(annotation: Any) -> tuple[set[Any], bool]:
    """Return the types of an annotation without Missing, and whether Missing was among them."""
    parts = set(typing.get_args(annotation)) if isinstance(annotation, UnionType) else {annotation}
    return parts - {Missing}, Missing in parts


@every_check
def test_every_parameter_is_a_fact_of_the_type_that_its_probe_gives(check: Check) -> None:
    hints = typing.get_type_hints(check.judge)
    for fact in facts_of(check):
        given, _ = accepted(typing.get_type_hints(BY_FACT[fact].ask)["return"])
        assert accepted(hints[fact])[0] == given, fact


@every_check
def test_limits_are_a_frozen_struct_of_the_declared_type(check: Check) -> None:
    annotation = typing.get_type_hints(check.judge).get("limits")
    assert (annotation is None) == (check.limits is None)
    if check.limits is not None:
        assert type(check.limits) is annotation
        assert isinstance(check.limits, Struct)
        assert check.limits.__struct_config__.frozen
        assert annotation() == check.limits  # the defaults are the limits


@every_check
def test_optional_facts_are_facts_of_the_check(check: Check) -> None:
    assert set(check.optional) <= set(facts_of(check))


@every_check
def test_facts_without_which_nothing_is_well_are_judged_without(check: Check) -> None:
    hints = typing.get_type_hints(check.judge)
    assert all(accepted(hints[fact])[1] for fact in check.ok_needs)


@every_check
def test_what_is_asked_for_once_is_a_fact_of_no_other_check(check: Check) -> None:
    """Else a second look at the other one would ask for it again after all."""
    assert set(check.once) <= set(facts_of(check))
    others = {fact for other in ALL if other is not check for fact in facts_of(other)}
    assert set(check.once) & others == set()


@every_check
def test_judge_is_a_generator_function(check: Check) -> None:
    assert inspect.isgeneratorfunction(check.judge)


def test_every_fact_has_one_probe_and_is_needed() -> None:
    assert len(BY_FACT) == len(PROBES)
    needed = {fact for check in ALL for fact in facts_of(check)} | set(_ALWAYS)
    told_by_others = {
        name
        for path in (SOURCE / "probes").glob("*.py")
        for name in re.findall(r"\b(\w+)\(context\)", path.read_text())
    }
    assert set(BY_FACT) - needed - told_by_others == set()


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.fact)
def test_every_probe_has_a_type_and_says_what_it_is(probe: Any) -> None:
    assert typing.get_type_hints(probe.ask)["return"] is not type(None)
    assert probe.ask.__doc__


# Documents


@every_check
def test_the_docstring_has_its_blocks_and_names_every_code(check: Check) -> None:
    text = module_of(check).__doc__
    places = [text.find(f"\n{block}:\n") for block in ("Facts", "Limits", "Codes", "Source")]
    if check.limits is None and places[1] < 0:
        places.pop(1)
    assert -1 not in places
    assert places == sorted(places)
    for code in check.codes:
        number = code.rpartition("-")[2]
        assert re.search(rf"\b{code}\b|\b{number}\b", text), code
    for fact in facts_of(check):
        assert fact in text, fact


def test_there_is_a_page_for_every_check_and_none_without() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(check.id for check in ALL)


@every_check
def test_the_page_names_every_code_and_every_limit_of_the_check_and_no_other(check: Check) -> None:
    text = (PAGES / f"{check.id}.md").read_text()
    assert text.startswith(f"# {check.id}\n")
    rows = re.findall(r"^\| ([A-Z]+-\d{3}) \| (?:\*\*)?(\w+)", text, flags=re.MULTILINE)
    assert sorted(code for code, _ in rows) == sorted(check.codes)
    for name in check.limits.__struct_fields__ if check.limits is not None else ():
        assert name in text, name


def test_no_file_of_a_check_is_too_long_to_read() -> None:
    for path in SOURCE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path


# Data


def layout_keys() -> list[tuple[str, str]]:
    """Return (file:line, key) for each key that code asks the layout for; a hole in it reads ``*``."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            if node.func.attr in (
                "text",
                "texts",
                "port",
                "command",
                "words",
                "everything",
            ) and "layout" in ast.unparse(node.func.value):
                key = pattern_of(node.args[0])
                if key:
                    suffix = ".*" if node.func.attr == "everything" else ""
                    found.append((f"{path.name}:{node.lineno}", key + suffix))
    return found


def pattern_of(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in parts)
    return ""


@pytest.mark.parametrize(("place", "key"), layout_keys())
def test_every_key_of_the_layout_that_code_uses_is_there(place: str, key: str) -> None:
    pattern = re.escape(key).replace(r"\*", ".+")
    assert any(re.fullmatch(pattern, entry) for entry in load_layout().entries), place


def test_the_scan_for_keys_sees_them() -> None:
    keys = {key for _, key in layout_keys()}
    assert {"port.nodeworx_https", "path.home", "command.ip_addresses", "unit.*"} <= keys


def test_every_code_of_the_map_of_causes_can_be_raised() -> None:
    raised = {code for check in ALL for code in check.codes}
    told = {code for cause in load_causes() for code in (cause.code, *cause.explains)}
    assert told - raised == set()


def test_every_code_of_a_signature_is_one_that_a_check_raises_from_signs() -> None:
    asking = [check for check in ALL if any(name.endswith("_signs") for name in facts_of(check))]
    raised = {code for check in asking for code in check.codes}
    assert set(SIGN_CODES) <= raised
    assert {entry.code for entry in load_signatures().entries} == set(SIGN_CODES)


def test_what_a_cause_touches_some_check_can_say() -> None:
    sources = [path for part in ("checks", "model", "probes") for path in (SOURCE / part).glob("*.py")]
    text = "".join(path.read_text() for path in sources)
    for cause in load_causes():
        assert not cause.touches or f'"{cause.touches}"' in text, cause.code


def test_the_map_of_causes_has_no_circle() -> None:
    """Triage ends either way, but a circle in the shipped map means that nobody decided which one leads."""
    explains: dict[str, set[str]] = {}
    for cause in load_causes():
        explains.setdefault(cause.code, set()).update(cause.explains)

    def reach(code: str, seen: frozenset[str]) -> None:
        assert code not in seen, (code, sorted(seen))
        for below in explains.get(code, ()):
            reach(below, seen | {code})

    for code in explains:
        reach(code, frozenset())


# Purity that an import linter cannot see

CLOCKS = ("now", "utcnow", "today", "time", "monotonic", "perf_counter", "getenv", "environ", "urandom")


@pytest.mark.parametrize(
    "path",
    [
        *sorted((SOURCE / "checks").glob("*.py")),
        *sorted((SOURCE / "model").glob("*.py")),
        *sorted((SOURCE / "parsers").glob("*.py")),
        *sorted((SOURCE / "redact").glob("*.py")),
        *sorted((SOURCE / "triage").glob("*.py")),
    ],
    ids=lambda path: f"{path.parent.name}.{path.stem}",
)
def test_pure_code_calls_no_clock_and_opens_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in ("open", "print", "input", "exec", "eval", "__import__"), (
                    node.lineno
                )
            if isinstance(node.func, ast.Attribute):
                assert node.func.attr not in CLOCKS, node.lineno


# Scenarios


@cache
def raised_by_scenarios() -> frozenset[str]:
    return frozenset(
        finding.code for name in NAMES for result in report_of(name).results for finding in result.findings
    )


@pytest.mark.parametrize("code", [code for check in ALL for code in check.codes])
def test_every_code_is_raised_by_some_scenario(code: str) -> None:
    assert code in raised_by_scenarios()


@pytest.mark.parametrize("number", range(1, len(EMERGENCIES) + 1), ids=lambda number: EMERGENCIES[number - 1])
def test_every_emergency_of_the_guide_has_a_check_and_a_machine_that_shows_it(number: int) -> None:
    looking = {check.id for check in ALL if check.guide == number}
    assert looking
    assert all(check.emergency for check in ALL if check.id in looking)
    assert any(
        finding.severity >= Severity.EMERGENCY
        for name in NAMES
        for result in report_of(name).results
        if result.check_id in looking
        for finding in result.findings
    )


def test_every_scenario_says_where_it_comes_from() -> None:
    for root in ROOTS.iterdir():
        told = json.loads((root / "capture.json").read_text())
        assert len(told["source"]) > 10, root.name
