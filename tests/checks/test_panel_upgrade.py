"""panel.upgrade: messages of failed steps, the health list, what package tools left; what is over."""

from typing import Any

import pytest
from fakes import BOOTED_AT, NOW_AT
from msgspec import structs

from iwx_agent.app.judging import judge as run_check
from iwx_agent.checks.panel_upgrade import CHECK, Limits, judge
from iwx_agent.model import (
    Boot,
    Finding,
    InstalledPackage,
    InstalledPackages,
    LogLine,
    Missing,
    PackageFailure,
    PackageLog,
    PackageRun,
    PanelPresence,
    Scope,
    Severity,
    Status,
)
from iwx_agent.model.panel_cli import HealthList, HealthRow
from iwx_agent.model.signatures import Sign, Signs

WEEK_S = 7 * 86_400.0
GONE = Missing(reason="no answer within 10 s", source="nodeworx")
NONE = Signs()
WELL = HealthRow(name="Disk", state="well", words="disk Disk 0")
BAD = HealthRow(name="Raid array", state="bad", words="raid Raid array 1")
BANNER = Sign(
    signature="upgrade.failed-step",
    code="PANEL-080",
    group="notice",
    weight="present",
    confidence="inferred",
    seen="nodeworx -u (exit 0)",
    text="There are 2 failed upgrade steps",
)
HEALTH = structs.replace(BANNER, seen="nodeworx -u health (exit 0)", text="failed upgrade steps 1")
LOG = structs.replace(
    BANNER,
    group="log",
    weight="past",
    seen="iworx.log",
    text="upgrade step convert-dns failed",
    at=NOW_AT - 7200,
    written_at=NOW_AT - 10,
)
MAIN = InstalledPackage(
    name="interworx",
    version="8.2.0",
    release="2345.rhe9x.iworx",
    architecture="noarch",
    installed_at=NOW_AT - 90_000,
)
CLI = structs.replace(MAIN, name="interworx-cli")
PHP = structs.replace(MAIN, name="iworxphp82-php-fpm", version="8.2.20")
NEW = ("interworx-8.2.0-2345.rhe9x.iworx.noarch", "interworx-cli-8.2.0-2345.rhe9x.iworx.noarch")


def run(*failures: PackageFailure, **more: Any) -> PackageRun:
    values: dict[str, Any] = {
        "tool": "dnf",
        "command": "dnf -y update",
        "goal": ("update",),
        "outcome": "done",
        "started_at": NOW_AT - 7300,
        "source": "/var/log/dnf.log:10",
        "transaction": True,
        "planned": NEW,
        "changed": NEW,
    }
    return PackageRun(failures=failures, **(values | more))


def failure(kind: str, package: str = "", *, age_s: float = 7200.0, scriptlet: str = "") -> PackageFailure:
    line = LogLine(text=f"{kind} of {package}", source="/var/log/dnf.rpm.log:7", at=NOW_AT - age_s)
    return PackageFailure(kind=kind, line=line, package=package, scriptlet=scriptlet)  # type: ignore[arg-type]


def log(*runs: PackageRun) -> PackageLog:
    return PackageLog(
        runs=runs,
        sources=("/var/log/dnf.log",),
        read_at=NOW_AT,
        covered_from_at=NOW_AT - 30 * 86_400,
        panel_packages=("interworx", "interworx-*", "iworx*"),
        panel_repositories=("interworx*",),
    )


def installed(*entries: InstalledPackage) -> InstalledPackages:
    return InstalledPackages(entries=entries, asked=("interworx",), source="rpm -q interworx interworx-cli")


FACTS: dict[str, Any] = {
    "panel": PanelPresence(home="/usr/local/interworx"),
    "boot": Boot(booted_at=BOOTED_AT, read_at=NOW_AT),
    "banner_signs": NONE,
    "health_signs": NONE,
    "log_signs": NONE,
    "panel_health": HealthList(rows=(WELL,), source="nodeworx -u health (exit 0)"),
    "package_log": log(run()),
    "installed_panel_packages": installed(MAIN, CLI, PHP),
    "one_version_packages": ("interworx", "interworx-cli"),
}


def found(**facts: Any) -> list[Finding]:
    return list(judge(limits=Limits(), **(FACTS | facts)))


def told(**facts: Any) -> list[tuple[str, str, Severity, bool]]:
    return [(f.code, f.subject, f.severity, f.inferred) for f in found(**facts)]


def seen(*signs: Sign) -> dict[str, Signs]:
    return {
        "banner_signs": Signs(found=tuple(s for s in signs if s is BANNER or s.seen == BANNER.seen)),
        "health_signs": Signs(found=tuple(s for s in signs if s.seen == HEALTH.seen)),
        "log_signs": Signs(found=tuple(s for s in signs if s.group == "log")),
    }


def test_a_well_panel_has_no_findings() -> None:
    assert found() == []
    assert run_check(CHECK, FACTS).status is Status.OK


# Messages


def sure(sign: Sign) -> Sign:
    return structs.replace(sign, confidence="documented")


ERROR = ("PANEL-080", "InterWorx", Severity.ERROR, True)
EMERGENCY = ("PANEL-080", "InterWorx", Severity.EMERGENCY, True)
SURE = ("PANEL-080", "InterWorx", Severity.EMERGENCY, False)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ([BANNER], ERROR),
        ([HEALTH], ERROR),
        ([LOG], ERROR),
        ([BANNER, HEALTH], ERROR),  # a health problem can be shown as a banner
        ([LOG, structs.replace(LOG, seen="error.log")], ERROR),
        ([BANNER, LOG], EMERGENCY),
        ([HEALTH, LOG], EMERGENCY),
        ([sure(BANNER)], SURE),
        ([sure(LOG)], SURE),
        ([BANNER, sure(LOG)], SURE),
    ],
)
def test_a_message_is_an_emergency_when_it_is_sure_or_two_places_agree(
    signs: list[Sign], expected: tuple[str, str, Severity, bool]
) -> None:
    assert told(**seen(*signs)) == [expected]


def test_the_message_is_quoted_with_where_it_stands_and_since_when() -> None:
    (finding,) = found(**seen(BANNER, LOG))
    assert finding.title == "A step of the panel's upgrade failed"
    assert finding.detail == "The panel's own words: There are 2 failed upgrade steps"
    assert [(e.source, e.text) for e in finding.evidence] == [
        (BANNER.seen, BANNER.text),
        (LOG.seen, LOG.text),
    ]
    assert finding.since_at is not None
    assert (finding.since_at.timestamp(), finding.since_source) == (NOW_AT - 7200, "iworx.log")
    assert finding.scope is Scope.VENDOR
    (single,) = found(**seen(BANNER))
    assert single.title == "A step of the panel's upgrade seems to have failed"
    assert (single.since_at, single.since_source) == (None, "")


def test_no_more_than_six_lines_are_quoted_each_once() -> None:
    many = [structs.replace(LOG, text=f"step {n} failed") for n in range(9)]
    (finding,) = found(log_signs=Signs(found=(*many, many[0])))
    assert len(finding.evidence) == 6


@pytest.mark.parametrize(
    ("age_s", "counts"), [(WEEK_S - 1, True), (WEEK_S, True), (WEEK_S + 1, False), (-3600.0, True)]
)
def test_a_line_of_a_log_counts_for_a_week(age_s: float, counts: bool) -> None:
    old = structs.replace(LOG, at=NOW_AT - age_s)
    assert bool(found(**seen(old), installed_panel_packages=GONE)) is counts


@pytest.mark.parametrize(("lines_after", "counts"), [(18, True), (19, True), (20, False)])
def test_a_line_without_a_time_counts_among_the_last_twenty(lines_after: int, counts: bool) -> None:
    assert bool(found(**seen(structs.replace(LOG, at=None, lines_after=lines_after)))) is counts


def test_a_failure_that_the_log_itself_ends_is_history() -> None:
    end = structs.replace(LOG, ends=True, at=NOW_AT - 60, lines_after=0)
    assert found(log_signs=Signs(found=(structs.replace(LOG, lines_after=1), end))) == []


@pytest.mark.parametrize(
    ("later_s", "counts"), [(-60.0, True), (3599.0, True), (3600.0, True), (3601.0, False)]
)
def test_a_failure_before_a_later_installation_of_the_panel_is_history(later_s: float, counts: bool) -> None:
    again = structs.replace(MAIN, installed_at=LOG.at + later_s if LOG.at else None)
    assert bool(found(**seen(LOG), installed_panel_packages=installed(again, CLI))) is counts


@pytest.mark.parametrize(
    "entries",
    [
        (structs.replace(MAIN, installed_at=None), CLI),
        (MAIN, structs.replace(CLI, installed_at=NOW_AT - 10)),  # another package of the panel
        (structs.replace(MAIN, installed_at=NOW_AT + 86_400), CLI),  # by a clock that was ahead
    ],
)
def test_other_installations_end_nothing(entries: tuple[InstalledPackage, ...]) -> None:
    assert told(**seen(LOG), installed_panel_packages=installed(*entries)) == [ERROR]


def test_a_banner_that_is_there_now_is_never_history() -> None:
    again = structs.replace(MAIN, installed_at=NOW_AT - 10)
    assert told(**seen(BANNER), installed_panel_packages=installed(again, CLI)) == [ERROR]


def test_signs_of_other_codes_are_not_judged_here() -> None:
    assert found(**seen(structs.replace(BANNER, code="PANEL-070"))) == []


# The health list


def test_bad_entries_of_the_health_list_are_one_warning_with_their_names() -> None:
    health = HealthList(
        rows=(WELL, BAD, structs.replace(BAD, name="DNS")), source="nodeworx -u health (exit 0)"
    )
    (finding,) = found(panel_health=health)
    assert (finding.code, finding.subject, finding.severity) == ("PANEL-081", "health list", Severity.WARNING)
    assert finding.title == "The panel's own health list calls 2 of its 3 entries bad"
    assert finding.detail == "Bad: Raid array, DNS."
    assert finding.evidence[0].text == "raid Raid array 1"


def test_a_long_list_is_cut_and_says_so() -> None:
    rows = tuple(structs.replace(BAD, name=f"row {n}") for n in range(12))
    (finding,) = found(panel_health=HealthList(rows=rows, source="x"))
    assert "row 9 and 2 more." in finding.detail
    assert len(finding.evidence) == 6


def test_what_does_not_apply_is_not_bad() -> None:
    rows = (structs.replace(BAD, state="not_applicable"),)
    assert found(panel_health=HealthList(rows=rows, source="x")) == []


# Runs of package tools


@pytest.mark.parametrize(
    ("scriptlet", "age_s", "told_of"),
    [
        ("%post", WEEK_S - 1, True),
        ("%post", WEEK_S, True),
        ("%post", WEEK_S + 1, False),
        ("%post", -3600.0, True),  # by a clock that was ahead
        ("%pre", 60.0, True),
        ("%posttrans", 60.0, True),
        ("", 60.0, True),
        ("%preun", 60.0, False),
        ("%postun", 60.0, False),
        ("%triggerun", 60.0, False),
        ("%triggerpostun", 60.0, False),
    ],
)
def test_a_script_of_the_panels_package_failed(scriptlet: str, age_s: float, told_of: bool) -> None:
    broken = run(failure("scriptlet", NEW[1], age_s=age_s, scriptlet=scriptlet))
    expected = [("PANEL-082", "interworx-cli", Severity.EMERGENCY, False)] if told_of else []
    assert told(package_log=log(broken)) == expected


def test_a_script_that_failed_tells_which_and_where() -> None:
    (finding,) = found(package_log=log(run(failure("scriptlet", NEW[1], scriptlet="%post"))))
    assert finding.title == "A script of the panel's package interworx-cli failed during the upgrade"
    assert finding.detail.startswith(f"%post of {NEW[1]} ended with an error.")
    assert finding.evidence[0].source == "/var/log/dnf.rpm.log:7"
    assert finding.since_at is not None
    (nameless,) = found(package_log=log(run(failure("scriptlet", NEW[1]))))
    assert nameless.detail.startswith(f"A script of {NEW[1]} ended")


def test_a_hostile_package_name_is_quoted_in_what_is_proposed() -> None:
    (finding,) = found(package_log=log(run(failure("scriptlet", "interworx-$(reboot)", scriptlet="%post"))))
    assert all("'interworx-$(reboot)'" in step for step in finding.remedy if "reboot" in step)


def test_a_script_of_another_package_or_one_that_ran_since_is_not_told() -> None:
    assert (
        found(package_log=log(run(failure("scriptlet", "httpd-2.4.57-1.el9.x86_64", scriptlet="%post"))))
        == []
    )
    assert found(package_log=log(run(failure("scriptlet", NEW[1], scriptlet="%post")), run())) == []


KILLED = run(failure("killed", NEW[0]), outcome="killed", changed=NEW[:1])
STOPPED = run(failure("disk_full"), outcome="failed", changed=NEW[:1])


@pytest.mark.parametrize(("broken", "how"), [(KILLED, "was killed"), (STOPPED, "failed")])
def test_an_upgrade_that_was_killed_or_failed_half_way(broken: PackageRun, how: str) -> None:
    (finding,) = found(package_log=log(broken))
    assert (finding.code, finding.subject, finding.severity) == ("PANEL-085", "interworx", Severity.EMERGENCY)
    assert finding.title == f"An upgrade of the panel {how} half-way"
    assert NEW[1] in finding.detail
    assert not finding.inferred


@pytest.mark.parametrize(("age_s", "told_of"), [(WEEK_S - 1, True), (WEEK_S, True), (WEEK_S + 1, False)])
def test_an_old_one_is_left_to_the_checks_of_packages(age_s: float, told_of: bool) -> None:
    broken = structs.replace(KILLED, failures=(failure("killed", NEW[0], age_s=age_s),))
    assert [f.code for f in found(package_log=log(broken))] == (["PANEL-085"] if told_of else [])


def test_one_without_a_time_counts_as_recent() -> None:
    line = LogLine(text="killed", source="dnf.log:1")
    broken = structs.replace(KILLED, failures=(PackageFailure(kind="killed", line=line),))
    (finding,) = found(package_log=log(broken))
    assert (finding.severity, finding.since_at, finding.since_source) == (Severity.EMERGENCY, None, "")


@pytest.mark.parametrize(
    "runs",
    [
        (structs.replace(STOPPED, changed=()),),  # refused before it changed anything
        (structs.replace(STOPPED, changed=NEW),),  # the panel's packages were done; another one failed
        (structs.replace(STOPPED, planned=("httpd-2.4.57-1.el9.x86_64",)),),
        (structs.replace(KILLED, planned=("httpd-2.4.57-1.el9.x86_64",)),),
        (structs.replace(STOPPED, outcome="done"),),
        (KILLED, run()),  # the same was done since
        (STOPPED, run()),
    ],
)
def test_what_is_no_half_upgrade_of_the_panel(runs: tuple[PackageRun, ...]) -> None:
    assert [f.code for f in found(package_log=log(*runs))] == []


def test_several_failures_of_one_upgrade_are_one_finding() -> None:
    broken = structs.replace(STOPPED, failures=(failure("disk_full"), failure("other", NEW[1])))
    assert [f.code for f in found(package_log=log(broken))] == ["PANEL-085"]


# What is installed


OLD_CLI = structs.replace(CLI, version="8.1.5", release="2301.rhe9x.iworx")


def test_a_package_that_is_there_twice() -> None:
    (finding,) = found(installed_panel_packages=installed(MAIN, CLI, OLD_CLI))
    assert (finding.code, finding.subject, finding.severity) == ("PANEL-084", "interworx-cli", Severity.ERROR)
    assert "interworx-cli-8.2.0-2345.rhe9x.iworx.noarch, interworx-cli-8.1.5" in finding.detail
    assert finding.evidence[0].source == "rpm -q interworx interworx-cli"


def test_two_architectures_are_no_duplicate() -> None:
    entries = (MAIN, structs.replace(PHP, architecture="i686"), structs.replace(PHP, architecture="x86_64"))
    assert found(installed_panel_packages=installed(*entries)) == []


def test_a_panel_that_is_there_twice_has_no_version_to_compare_with() -> None:
    old = structs.replace(MAIN, version="8.1.5")
    assert told(installed_panel_packages=installed(MAIN, old, OLD_CLI)) == [
        ("PANEL-084", "interworx", Severity.ERROR, False)
    ]


@pytest.mark.parametrize(
    ("package_log", "severity", "inferred"),
    [
        (log(run()), Severity.ERROR, False),
        (
            log(run(planned=("interworx-1:8.2.0-2.noarch", "interworx-cli-8.2.0-9.noarch"))),
            Severity.ERROR,
            False,
        ),
        (log(run(planned=NEW[:1])), Severity.WARNING, True),
        (log(run(planned=(NEW[0], "interworx-cli-8.1.5-2301.noarch"))), Severity.WARNING, True),
        (log(run(planned=("interworx.noarch", "interworx-cli.noarch"))), Severity.WARNING, True),
        (log(run(planned=())), Severity.WARNING, True),
        (log(), Severity.WARNING, True),
        (GONE, Severity.WARNING, True),
    ],
)
def test_a_package_of_another_version_is_sure_when_both_came_together_before(
    package_log: PackageLog | Missing, severity: Severity, inferred: bool
) -> None:
    facts = {"package_log": package_log, "installed_panel_packages": installed(MAIN, OLD_CLI)}
    assert told(**facts) == [("PANEL-083", "interworx-cli", severity, inferred)]
    (finding,) = found(**facts)
    assert finding.title == "The panel's package interworx-cli is not of the panel's version"


@pytest.mark.parametrize(
    "entries",
    [
        (MAIN, CLI),
        (MAIN, PHP),
        (MAIN, structs.replace(CLI, version="2.3.1")),  # a version of its own
        (MAIN, structs.replace(OLD_CLI, name="interworx-roundcube")),
        (OLD_CLI,),  # the panel's own package is not there
        (),
    ],
)
def test_packages_that_have_versions_of_their_own(entries: tuple[InstalledPackage, ...]) -> None:
    assert found(package_log=log(), installed_panel_packages=installed(*entries)) == []


def test_any_package_that_came_with_the_panel_is_compared() -> None:
    horde = "interworx-horde-8.2.0-1.noarch"
    entry = structs.replace(OLD_CLI, name="interworx-horde")
    facts = {
        "package_log": log(run(planned=(NEW[0], horde))),
        "installed_panel_packages": installed(MAIN, CLI, entry),
    }
    assert told(**facts) == [("PANEL-083", "interworx-horde", Severity.ERROR, False)]


# What could not be told


@pytest.mark.parametrize(
    "name", ["banner_signs", "panel_health", "log_signs", "package_log", "installed_panel_packages"]
)
def test_what_could_not_be_asked_is_unknown_and_never_ok(name: str) -> None:
    result = run_check(CHECK, FACTS | {name: GONE})
    assert (result.status, result.reason) == (Status.UNKNOWN, f"{name}: no answer within 10 s (nodeworx)")


def test_what_was_found_counts_whatever_else_could_not_be_told() -> None:
    names = ("banner_signs", "health_signs", "panel_health", "package_log", "installed_panel_packages")
    result = run_check(CHECK, FACTS | seen(LOG) | dict.fromkeys(names, GONE))
    assert [f.code for f in result.findings] == ["PANEL-080"]


def test_a_server_without_the_panel_is_not_judged() -> None:
    absent = Missing(reason="no InterWorx panel", absent=True)
    assert run_check(CHECK, FACTS | {"panel": absent}).status is Status.NOT_APPLICABLE


def test_the_health_list_is_asked_for_once_in_a_run() -> None:
    assert CHECK.once == ("panel_health", "health_signs")
