"""The tools that judge a run: nothing is skipped in CI, and coverage has floors."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
FLOORS = ROOT / "tools" / "coverage_floors.py"

pytestmark = pytest.mark.e2e


def run_pytest(directory: Path, test: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_it.py").write_text(f"import pytest\n\n{test}\n", encoding="utf-8")
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = lab\n", encoding="utf-8")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "LAB", "IWXTEST_INSTALLED_ONLY")
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "ci_no_skips", "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(SUPPORT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_a_skip_fails_a_run_in_ci(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "def test_a():\n    pytest.skip('no such thing here')", CI="true")
    assert done.returncode == 1
    assert "in CI nothing may be skipped" in done.stdout
    assert "test_it.py::test_a" in done.stdout


def test_a_skipped_module_fails_a_run_in_ci(tmp_path: Path) -> None:
    module = "pytest.skip('not here', allow_module_level=True)"
    done = run_pytest(tmp_path, f"{module}\n\ndef test_a():\n    pass", CI="1")
    assert done.returncode != 0


def test_a_skip_is_allowed_elsewhere(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "def test_a():\n    pytest.skip('no such thing here')\n\ndef test_b(): pass")
    assert done.returncode == 0
    assert "1 passed, 1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "@pytest.mark.xfail\ndef test_a():\n    assert False", CI="true")
    assert done.returncode == 0


def test_a_test_of_the_lab_is_skipped_where_there_is_none(tmp_path: Path) -> None:
    test = "@pytest.mark.lab\ndef test_a():\n    assert False"
    left_out = run_pytest(tmp_path, test, LAB="no")
    assert left_out.returncode == 0
    assert "1 skipped" in left_out.stdout
    assert run_pytest(tmp_path, test, LAB="no", CI="true").returncode == 1


def test_the_source_tree_is_refused_where_the_wheel_is_meant(tmp_path: Path) -> None:
    (tmp_path / "iwx_agent").mkdir()
    (tmp_path / "iwx_agent" / "__init__.py").touch()
    test = "def test_a():\n    pass"
    shadowed = run_pytest(tmp_path, test, IWXTEST_INSTALLED_ONLY="1")
    assert shadowed.returncode == 4
    assert "source tree would be tested" in shadowed.stdout + shadowed.stderr
    assert run_pytest(tmp_path, test).returncode == 0


def measured(statements: int, covered: int, branches: int = 0, covered_branches: int = 0) -> dict[str, Any]:
    return {
        "summary": {
            "num_statements": statements,
            "covered_lines": covered,
            "num_branches": branches,
            "covered_branches": covered_branches,
        },
        "executed_lines": list(range(1, covered + 1)),
        "missing_lines": list(range(covered + 1, statements + 1)),
        "missing_branches": [[1, -1]] * (branches - covered_branches),
    }


def judge_coverage(tmp_path: Path, files: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
    pure = {
        f"lib/site-packages/iwx_agent/{name}": measured(10, 10)
        for name in ("checks/a.py", "parsers/a.py", "triage.py", "report.py", "rendering/a.py", "redact/a.py")
    }
    installed = {f"lib/site-packages/iwx_agent/{name}": one for name, one in files.items()}
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"files": {**pure, **installed}}), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(FLOORS), str(report), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_full_coverage_is_enough(tmp_path: Path) -> None:
    done = judge_coverage(tmp_path, {"host/live.py": measured(10, 9)})
    assert done.returncode == 0
    assert "over all: 98.6 %" in done.stdout  # 69 of 70 lines


def test_one_branch_missing_in_pure_code_is_too_little(tmp_path: Path) -> None:
    done = judge_coverage(tmp_path, {"checks/b.py": measured(500, 500, 100, 99)}, "--pure")
    assert done.returncode == 1
    assert "iwx_agent/checks/b.py: 1->exit" in done.stderr


def test_one_line_missing_in_pure_code_is_too_little(tmp_path: Path) -> None:
    done = judge_coverage(tmp_path, {"triage.py": measured(3, 2)}, "--pure")
    assert done.returncode == 1
    assert "iwx_agent/triage.py: line 3" in done.stderr


def test_less_than_nine_tenths_over_all_is_too_little(tmp_path: Path) -> None:
    files = {"host/live.py": measured(40, 29)}  # with the 60 pure lines: 89 of 100
    assert judge_coverage(tmp_path, files).returncode == 1
    assert judge_coverage(tmp_path, files, "--pure").returncode == 0
    assert judge_coverage(tmp_path, {"host/live.py": measured(40, 30)}).returncode == 0


def test_pure_code_that_was_not_measured_is_a_fault(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"files": {}}', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(FLOORS), str(report), "--pure"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "checks: was not measured at all" in done.stderr
