"""The checks of packages over facts that a test builds: limits, severities, whose it is, and what is said."""

from typing import Any

import pytest
from msgspec.structs import replace
from transcripts import package_log

from iwx_agent.checks import (
    packages_database,
    packages_lock,
    packages_repositories,
    packages_scriptlets,
    packages_transaction,
)
from iwx_agent.config import Settings
from iwx_agent.model import (
    Finding,
    LogLine,
    Missing,
    PackageFailure,
    PackageRun,
    Process,
    Scope,
    Severity,
    moment,
)
from iwx_agent.model.package_state import (
    DatabaseTrouble,
    PackageLock,
    PackageLocks,
    Repository,
    RepositoryAnswers,
    RepositoryFile,
    RepositoryFiles,
    RepositoryNow,
    RpmDatabase,
)
from iwx_agent.model.packages import FailureKind

NOW_AT = 1_795_450_000.0
WEEK_S = 7 * 86_400.0
PANEL, OTHER = "interworx-8.3.0-1.noarch", "nginx-1-1.noarch"


def failed(kind: FailureKind, package: str = "", age_s: float = 60.0, **more: Any) -> PackageRun:
    """Return a run with one failure; ``more`` goes to the run, what only a failure has to the failure."""
    of_failure = {key: more.pop(key) for key in ("repository", "host", "scriptlet", "text") if key in more}
    line = LogLine(text=of_failure.pop("text", "it failed"), source="/var/log/dnf.log:7", at=NOW_AT - age_s)
    values: dict[str, Any] = {
        "tool": "dnf",
        "command": "dnf -y update",
        "goal": ("update",),
        "outcome": "failed",
        "started_at": NOW_AT - age_s,
        "source": "/var/log/dnf.log:1",
        "failures": (PackageFailure(kind=kind, line=line, package=package, **of_failure),),
    }
    return PackageRun(**(values | more))


def transaction(*runs: PackageRun) -> list[Finding]:
    log = package_log(*runs, read_at=NOW_AT)
    return list(packages_transaction.judge(log, packages_transaction.Limits()))


def one(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


# packages.transaction


@pytest.mark.parametrize(
    ("age_s", "severity"),
    [
        (-3600.0, Severity.EMERGENCY),
        (WEEK_S - 1, Severity.EMERGENCY),
        (WEEK_S, Severity.EMERGENCY),
        (WEEK_S + 1, Severity.ERROR),
    ],
)
def test_an_update_of_the_panel_that_fails_is_an_emergency_for_a_week(
    age_s: float, severity: Severity
) -> None:
    finding = one(transaction(failed("dependency", PANEL, age_s)))
    assert (finding.code, finding.subject) == ("PACKAGES-001", "interworx")
    assert (finding.severity, finding.scope) == (severity, Scope.VENDOR)
    assert finding.since_at == moment(NOW_AT - age_s)


@pytest.mark.parametrize(
    "kind", ["dependency", "gpg", "damaged_package", "download", "file_conflict", "other"]
)
def test_every_kind_of_failure_of_the_panel_has_its_words_and_steps(kind: FailureKind) -> None:
    finding = one(transaction(failed(kind, PANEL)))
    assert (finding.code, finding.severity) == ("PACKAGES-001", Severity.EMERGENCY)
    assert "interworx" in finding.title
    assert len(finding.remedy) >= 2


def test_a_package_of_another_name_from_the_panels_repository_is_the_panels() -> None:
    assert (
        one(transaction(failed("gpg", "mysql-1-1.noarch", repository="interworx-cp"))).code == "PACKAGES-001"
    )


@pytest.mark.parametrize(("kind", "outcome"), [("dependency", "done"), ("no_match", "failed")])
def test_the_panel_left_out_is_a_warning(kind: FailureKind, outcome: str) -> None:
    finding = one(transaction(failed(kind, PANEL, outcome=outcome)))
    assert (finding.code, finding.severity, finding.scope) == ("PACKAGES-006", Severity.WARNING, Scope.VENDOR)


@pytest.mark.parametrize(
    ("goal", "age_s", "severity"),
    [
        (("update",), 60.0, Severity.ERROR),
        (("update",), WEEK_S, Severity.ERROR),
        (("update",), WEEK_S + 1, Severity.WARNING),
        (("",), 60.0, Severity.ERROR),  # dnf-automatic
        (("install", "nginx"), 60.0, Severity.WARNING),
        (("install", "nginx"), WEEK_S, Severity.WARNING),
        (("install", "nginx"), WEEK_S + 1, None),
    ],
)
def test_other_packages_weigh_less_and_one_installation_least(
    goal: tuple[str, ...], age_s: float, severity: Severity | None
) -> None:
    found = transaction(failed("dependency", OTHER, age_s, goal=goal))
    assert [(f.code, f.severity, f.scope) for f in found] == (
        [] if severity is None else [("PACKAGES-003", severity, Scope.PROVIDER)]
    )


def test_what_names_no_package_is_named_by_its_command() -> None:
    finding = one(transaction(failed("other", goal=("distro-sync",))))
    assert (finding.code, finding.subject) == ("PACKAGES-003", "dnf distro-sync")
    assert finding.title.startswith("dnf distro-sync fails")


def test_the_update_of_everything_that_fails_says_that_nothing_is_updated() -> None:
    assert "No package at all" in one(transaction(failed("dependency", OTHER))).detail
    assert (
        "No package at all" not in one(transaction(failed("dependency", OTHER, goal=("install", "x")))).detail
    )


def test_it_says_how_often() -> None:
    assert "Seen 2 times" in one(transaction(failed("gpg", PANEL, 120), failed("gpg", PANEL, 60))).detail
    assert "Seen" not in one(transaction(failed("gpg", PANEL))).detail


@pytest.mark.parametrize(
    ("planned", "age_s", "row"),
    [
        ((PANEL, OTHER), 60.0, ("PACKAGES-002", Severity.EMERGENCY, Scope.VENDOR)),
        ((PANEL, OTHER), WEEK_S, ("PACKAGES-002", Severity.EMERGENCY, Scope.VENDOR)),
        ((PANEL, OTHER), WEEK_S + 1, ("PACKAGES-002", Severity.ERROR, Scope.VENDOR)),
        ((OTHER,), 60.0, ("PACKAGES-004", Severity.ERROR, Scope.PROVIDER)),
        ((OTHER,), 90 * 86_400.0, ("PACKAGES-004", Severity.ERROR, Scope.PROVIDER)),
        ((), 60.0, ("PACKAGES-004", Severity.ERROR, Scope.PROVIDER)),
    ],
)
def test_a_transaction_that_was_ended_half_way(
    planned: tuple[str, ...], age_s: float, row: tuple[str, Severity, Scope]
) -> None:
    killed = failed("killed", planned[-1] if planned else "", age_s, planned=planned, outcome="killed")
    finding = one(transaction(killed))
    assert (finding.code, finding.severity, finding.scope) == row
    for package in planned:
        assert package in finding.detail


@pytest.mark.parametrize(
    ("verb", "word"), [("update", "An update"), ("install", "An installation"), ("remove", "A removal")]
)
def test_what_was_ended_half_way_is_called_by_what_it_was(verb: str, word: str) -> None:
    killed = failed("killed", OTHER, planned=(OTHER,), outcome="killed", goal=(verb, "nginx"))
    assert one(transaction(killed)).title.startswith(word)


def test_yum_has_its_own_tools_for_it() -> None:
    killed = failed("killed", OTHER, planned=(OTHER,), outcome="killed")
    assert any(
        "yum-complete-transaction" in step for step in one(transaction(replace(killed, tool="yum"))).remedy
    )
    assert not any("yum" in step for step in one(transaction(killed)).remedy)


@pytest.mark.parametrize("kind", ["disk_full", "read_only"])
def test_what_could_not_be_written_is_the_providers_even_if_it_is_the_panel(kind: FailureKind) -> None:
    finding = one(transaction(failed(kind, PANEL)))
    assert (finding.code, finding.severity, finding.scope) == ("PACKAGES-005", Severity.ERROR, Scope.PROVIDER)
    assert any(step.startswith("df -h") for step in finding.remedy)
    assert len(transaction(failed(kind, PANEL, WEEK_S))) == 1
    assert transaction(failed(kind, PANEL, WEEK_S + 1)) == []
    assert "dnf update" in one(transaction(failed(kind, command=""))).remedy[-1]


def test_packages_that_do_not_fit_together_are_a_warning() -> None:
    finding = one(transaction(failed("inconsistent", goal=("check",), command="dnf check")))
    assert (finding.code, finding.subject, finding.severity) == (
        "PACKAGES-007",
        "dnf check",
        Severity.WARNING,
    )


@pytest.mark.parametrize(
    "kind", ["repository_file", "scriptlet", "lock", "rpm_database", "timeout", "no_match"]
)
def test_what_other_checks_judge_is_left_to_them(kind: FailureKind) -> None:
    assert transaction(failed(kind, OTHER, repository="epel")) == []


def test_a_question_that_failed_is_nothing_wrong_here() -> None:
    assert transaction(failed("other", goal=("repoclosure",))) == []


def test_nothing_is_found_in_a_log_without_failures() -> None:
    assert transaction() == []


def test_words_of_the_machine_in_a_command_are_quoted() -> None:
    hostile = failed("dependency", "a;reboot", goal=("install", "x"))
    assert any("'a;reboot'" in step for step in one(transaction(hostile)).remedy)


# packages.scriptlets


def scriptlets(*runs: PackageRun) -> list[Finding]:
    log = package_log(*runs, read_at=NOW_AT)
    return list(packages_scriptlets.judge(log, packages_scriptlets.Limits()))


@pytest.mark.parametrize(
    ("package", "scriptlet", "age_s", "row"),
    [
        (PANEL, "%post", 60.0, ("PACKAGES-040", Severity.EMERGENCY, Scope.VENDOR)),
        (PANEL, "%post", WEEK_S, ("PACKAGES-040", Severity.EMERGENCY, Scope.VENDOR)),
        (PANEL, "%post", WEEK_S + 1, ("PACKAGES-040", Severity.ERROR, Scope.VENDOR)),
        (PANEL, "%prein", 60.0, ("PACKAGES-040", Severity.EMERGENCY, Scope.VENDOR)),
        (PANEL, "%posttrans", 60.0, ("PACKAGES-040", Severity.EMERGENCY, Scope.VENDOR)),
        (PANEL, "%postun", 60.0, ("PACKAGES-040", Severity.ERROR, Scope.VENDOR)),
        (PANEL, "%preun", 60.0, ("PACKAGES-040", Severity.ERROR, Scope.VENDOR)),
        (OTHER, "%post", 60.0, ("PACKAGES-041", Severity.WARNING, Scope.PROVIDER)),
        (OTHER, "%post", WEEK_S + 1, ("PACKAGES-041", Severity.WARNING, Scope.PROVIDER)),
    ],
)
def test_a_failed_scriptlet(
    package: str, scriptlet: str, age_s: float, row: tuple[str, Severity, Scope]
) -> None:
    finding = one(scriptlets(failed("scriptlet", package, age_s, scriptlet=scriptlet, outcome="done")))
    assert (finding.code, finding.severity, finding.scope) == row
    assert scriptlet in finding.detail


def test_it_says_whether_the_package_is_installed() -> None:
    done = one(scriptlets(failed("scriptlet", PANEL, scriptlet="%post", outcome="done")))
    assert "is installed" in done.detail
    refused = one(scriptlets(failed("scriptlet", PANEL, scriptlet="%prein")))
    assert "was not changed" in refused.detail


def test_other_failures_are_no_scriptlets() -> None:
    assert scriptlets(failed("dependency", PANEL)) == []


# packages.database


def database(
    trouble: DatabaseTrouble | None, text: str = "error: said rpm\nmore", **more: Any
) -> list[Finding]:
    fact = RpmDatabase(trouble=trouble, text=text, source="rpm -q interworx (exit 1)", **more)
    return list(packages_database.judge(fact))


@pytest.mark.parametrize(
    ("trouble", "row"),
    [
        ("damaged", ("PACKAGES-010", Severity.EMERGENCY, Scope.VENDOR)),
        ("empty", ("PACKAGES-010", Severity.EMERGENCY, Scope.VENDOR)),
        ("recovery", ("PACKAGES-010", Severity.EMERGENCY, Scope.VENDOR)),
        ("entries", ("PACKAGES-011", Severity.ERROR, Scope.PROVIDER)),
        ("disk_full", ("PACKAGES-011", Severity.ERROR, Scope.PROVIDER)),
        ("read_only", ("PACKAGES-011", Severity.ERROR, Scope.PROVIDER)),
        ("unreadable", ("PACKAGES-011", Severity.ERROR, Scope.PROVIDER)),
        ("silent", ("PACKAGES-012", Severity.ERROR, Scope.PROVIDER)),
    ],
)
def test_what_is_wrong_with_the_database(trouble: DatabaseTrouble, row: tuple[str, Severity, Scope]) -> None:
    finding = one(database(trouble))
    assert (finding.code, finding.severity, finding.scope) == row
    assert finding.subject == "rpm database"
    assert finding.detail.startswith("error: said rpm")
    assert finding.evidence[0].text == "error: said rpm\nmore"


def test_a_database_that_answers_is_well() -> None:
    assert database(None) == []


def test_only_an_environment_is_moved_away_and_never_the_database() -> None:
    for trouble in ("damaged", "empty", "entries", "recovery", "disk_full", "silent"):
        finding = one(database(trouble))
        assert not any(step.startswith("rm ") for step in finding.remedy)
    assert any("__db.*" in step for step in one(database("recovery")).remedy)
    assert not any("__db.*" in step for step in one(database("damaged")).remedy)


def test_the_size_is_told_where_it_is_known() -> None:
    assert "212,992 bytes" in one(database("empty", size_bytes=212_992)).detail
    assert "bytes" not in one(database("empty")).detail


# packages.lock

DNF = Process(
    pid=7,
    parent_pid=1,
    name="dnf",
    user="root",
    state="S",
    started_at=NOW_AT - 100,
    title="/usr/bin/python3 /usr/bin/dnf",
)
PATH = "/var/lib/dnf/rpmdb_lock.pid"


def lock(
    holder: Process | None, pid: int | None = 7, text: str = "7", changed_at: float = NOW_AT - 99
) -> PackageLock:
    return PackageLock(path=PATH, pid=pid, text=text, changed_at=changed_at, holder=holder)


def locked(*locks: PackageLock, tools: tuple[Process, ...] = ()) -> list[Finding]:
    fact = PackageLocks(locks=locks, tools=tools, read_at=NOW_AT)
    return list(packages_lock.judge(fact, packages_lock.Limits()))


def codes(findings: list[Finding]) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in findings]


def test_a_young_tool_with_its_lock_is_work_in_progress() -> None:
    assert locked(lock(DNF), tools=(DNF,)) == []
    assert locked() == []


def test_a_tool_hangs_when_it_no_longer_counts_as_work_in_progress() -> None:
    assert packages_lock.Limits().long_s == Settings().transaction_grace_s


@pytest.mark.parametrize("state", ["T", "t"])
def test_a_stopped_tool_holds_up_the_others_whether_it_has_a_lock_or_not(state: str) -> None:
    stopped = replace(DNF, state=state)
    finding = one(locked(lock(stopped), tools=(stopped,)))
    assert (finding.code, finding.severity, finding.subject) == ("PACKAGES-020", Severity.ERROR, "dnf")
    assert PATH in finding.detail
    assert "kill -CONT 7" in finding.remedy[2]
    assert codes(locked(tools=(replace(stopped, name="rpm", title="rpm -Uvh"),))) == [
        ("PACKAGES-020", Severity.ERROR)
    ]


@pytest.mark.parametrize(
    ("age_s", "found"),
    [
        (7199.0, []),
        (7200.0, [("PACKAGES-021", Severity.ERROR)]),
        (7201.0, [("PACKAGES-021", Severity.ERROR)]),
    ],
)
def test_a_tool_that_runs_for_two_hours_hangs(age_s: float, found: list[tuple[str, Severity]]) -> None:
    old = replace(DNF, started_at=NOW_AT - age_s)
    findings = locked(tools=(old,))
    assert codes(findings) == found
    assert [finding.since_at for finding in findings] == [moment(old.started_at) for _ in found]


def test_no_step_ends_a_writer_by_force() -> None:
    for state, age_s in (("T", 60.0), ("S", 8000.0)):
        finding = one(locked(tools=(replace(DNF, state=state, started_at=NOW_AT - age_s),)))
        assert not any("-KILL" in step or step.startswith("kill -9") for step in finding.remedy)
        assert finding.scope is Scope.PROVIDER


def test_a_lock_of_a_process_that_is_gone_is_a_note() -> None:
    finding = one(locked(lock(None)))
    assert (finding.code, finding.severity, finding.subject) == ("PACKAGES-022", Severity.NOTE, PATH)


@pytest.mark.parametrize(
    "holder",
    [
        replace(DNF, name="httpd", title="/usr/sbin/httpd -DFOREGROUND"),
        replace(DNF, started_at=NOW_AT - 97),  # a dnf, but it began after the file was written
    ],
)
def test_a_number_that_was_given_to_another_keeps_dnf_waiting(holder: Process) -> None:
    finding = one(locked(lock(holder)))
    assert (finding.code, finding.severity) == ("PACKAGES-023", Severity.ERROR)
    assert holder.name in finding.detail
    assert f"rm {PATH}" in finding.remedy[1]


@pytest.mark.parametrize("name", ["python3.9", "packagekitd", "platform-python"])
def test_other_programs_that_use_dnfs_library_may_hold_it(name: str) -> None:
    other = replace(DNF, name=name, title=name)
    assert locked(lock(other)) == []
    assert codes(locked(lock(replace(other, state="T")))) == [("PACKAGES-020", Severity.ERROR)]


def test_a_file_without_a_number_is_refused_by_dnf_but_an_empty_one_is_not() -> None:
    assert codes(locked(lock(None, pid=None, text="garbage"))) == [("PACKAGES-023", Severity.ERROR)]
    assert locked(lock(None, pid=None, text="")) == []


# packages.repositories

FILE = "/etc/yum.repos.d/all.repo"


def repository(name: str, *addresses: str, enabled: bool = True) -> Repository:
    return Repository(id=name, path=FILE, enabled=enabled, bases=addresses or ("http://repo.invalid/",))


def repositories(
    *runs: PackageRun,
    known: tuple[Repository, ...] = (repository("epel"), repository("interworx-cp")),
    broken: tuple[RepositoryFile, ...] = (),
    log: Missing | None = None,
    now: tuple[RepositoryNow, ...] | Missing = (),
) -> list[Finding]:
    files = RepositoryFiles(
        files=(RepositoryFile(path=FILE, repositories=known), *broken),
        ended_hosts=("mirrorlist.centos.org",),
        panel_patterns=("interworx*", "iworx*"),
    )
    answers = RepositoryAnswers(asked=("epel",), source="dnf.log")
    fact = log or package_log(*runs, read_at=NOW_AT)
    return list(packages_repositories.judge(fact, files, answers, now, packages_repositories.Limits()))


@pytest.mark.parametrize(
    ("name", "age_s", "outcome", "row"),
    [
        ("interworx-cp", 60.0, "failed", ("PACKAGES-030", Severity.EMERGENCY, Scope.VENDOR)),
        ("interworx-cp", 60.0, "done", ("PACKAGES-030", Severity.EMERGENCY, Scope.VENDOR)),
        ("interworx-cp", WEEK_S, "failed", ("PACKAGES-030", Severity.EMERGENCY, Scope.VENDOR)),
        ("interworx-cp", WEEK_S + 1, "failed", ("PACKAGES-030", Severity.ERROR, Scope.VENDOR)),
        ("epel", 60.0, "failed", ("PACKAGES-031", Severity.ERROR, Scope.PROVIDER)),
        ("epel", 60.0, "done", ("PACKAGES-031", Severity.WARNING, Scope.PROVIDER)),
        ("epel", WEEK_S, "failed", ("PACKAGES-031", Severity.ERROR, Scope.PROVIDER)),
        ("epel", WEEK_S + 1, "failed", ("PACKAGES-031", Severity.WARNING, Scope.PROVIDER)),
    ],
)
def test_a_repository_that_fails(
    name: str, age_s: float, outcome: str, row: tuple[str, Severity, Scope]
) -> None:
    finding = one(repositories(failed("timeout", "", age_s, repository=name, outcome=outcome)))
    assert (finding.code, finding.severity, finding.scope) == row
    assert finding.subject == name


@pytest.mark.parametrize(
    "kind",
    ["dns", "unreachable", "timeout", "tls", "not_found", "http", "mirror_list", "metadata", "gpg"],
)
def test_every_way_to_fail_has_its_words_and_a_first_step(kind: FailureKind) -> None:
    finding = one(repositories(failed(kind, repository="epel", host="repo.invalid")))
    assert finding.code == "PACKAGES-031"
    assert len(finding.remedy) == 4
    assert "{" not in "".join(finding.remedy)


def test_the_first_step_asks_the_address_that_was_asked() -> None:
    text = "Status code: 404 for http://repo.invalid/a/repomd.xml (IP: 192.0.2.1)"
    finding = one(repositories(failed("not_found", repository="epel", text=text)))
    assert finding.remedy[0].startswith("curl -sSI -m 10 http://repo.invalid/a/repomd.xml |")
    assert "ADDRESS" in one(repositories(failed("not_found", repository="epel"))).remedy[0]


def test_a_repository_that_is_no_longer_set_up_or_off_is_history() -> None:
    gone = failed("timeout", repository="old")
    assert repositories(gone) == []
    assert repositories(gone, known=(repository("old", enabled=False),)) == []
    assert codes(repositories(gone, known=(repository("old"),))) == [("PACKAGES-031", Severity.ERROR)]


def test_no_repository_at_all_is_told_of_all() -> None:
    finding = one(repositories(failed("no_address", text="There are no enabled repositories")))
    assert (finding.code, finding.subject) == ("PACKAGES-034", "any repository")


@pytest.mark.parametrize(
    ("kind", "host"), [("gone", "repo.invalid"), ("mirror_list", "mirrorlist.centos.org")]
)
def test_mirrors_that_were_switched_off_are_known(kind: FailureKind, host: str) -> None:
    finding = one(repositories(failed(kind, repository="epel", host=host)))
    assert (finding.code, finding.severity, finding.scope) == ("PACKAGES-032", Severity.ERROR, Scope.PROVIDER)
    assert any("vault.centos.org" in step for step in finding.remedy)
    assert one(repositories(failed(kind, repository="interworx-cp", host=host))).code == "PACKAGES-030"


def test_mirrors_that_were_switched_off_are_known_by_the_file_alone() -> None:
    old = repository("base", "http://mirrorlist.centos.org/?release=7")
    finding = one(repositories(known=(old,)))
    assert (finding.code, finding.severity, finding.subject) == ("PACKAGES-032", Severity.WARNING, "base")
    assert repositories(known=(replace(old, enabled=False),)) == []
    told = repositories(failed("dns", repository="base", host="mirrorlist.centos.org"), known=(old,))
    assert [finding.severity for finding in told] == [Severity.ERROR]  # told once


@pytest.mark.parametrize(
    ("path", "severity", "scope"),
    [
        ("/etc/yum.repos.d/mariadb.repo", Severity.WARNING, Scope.PROVIDER),
        ("/etc/yum.repos.d/interworx.repo", Severity.ERROR, Scope.VENDOR),
    ],
)
def test_a_file_that_is_skipped(path: str, severity: Severity, scope: Scope) -> None:
    broken = RepositoryFile(path=path, trouble="no section before the first setting", line="<html>")
    finding = one(repositories(broken=(broken,)))
    assert (finding.code, finding.subject, finding.severity, finding.scope) == (
        "PACKAGES-033",
        path,
        severity,
        scope,
    )
    assert finding.evidence[0].text == "<html>"


@pytest.mark.parametrize(("name", "scope"), [("epel", Scope.PROVIDER), ("interworx-cp", Scope.VENDOR)])
def test_a_repository_without_an_address(name: str, scope: Scope) -> None:
    nowhere = replace(repository(name), bases=())
    finding = one(repositories(known=(nowhere,)))
    assert (finding.code, finding.severity, finding.scope) == ("PACKAGES-034", Severity.ERROR, scope)
    told = one(repositories(failed("no_address", repository=name), known=(nowhere,)))
    assert told.code == ("PACKAGES-030" if name == "interworx-cp" else "PACKAGES-034")


def test_without_a_log_the_files_are_judged_all_the_same() -> None:
    nowhere = replace(repository("interworx-cp"), bases=())
    gone = Missing(reason="is empty", source="/var/log/dnf.log")
    finding = one(repositories(known=(nowhere,), log=gone))
    assert (finding.code, finding.scope) == ("PACKAGES-034", Scope.VENDOR)


def answered(name: str, kind: FailureKind | None) -> RepositoryNow:
    text = "status 200" if kind is None else f"it is {kind}"
    return RepositoryNow(
        id=name, url=f"https://{name}.invalid/", text=text, kind=kind, host=f"{name}.invalid"
    )


@pytest.mark.parametrize(
    ("name", "kind", "row"),
    [
        ("interworx-cp", "not_found", ("PACKAGES-030", Severity.EMERGENCY, Scope.VENDOR)),
        ("epel", "timeout", ("PACKAGES-031", Severity.ERROR, Scope.PROVIDER)),
        ("epel", "gone", ("PACKAGES-032", Severity.ERROR, Scope.PROVIDER)),
    ],
)
def test_what_the_agent_itself_met_counts_without_a_log(
    name: str, kind: FailureKind, row: tuple[str, Severity, Scope]
) -> None:
    gone = Missing(reason="is empty", source="/var/log/dnf.log")
    finding = one(repositories(log=gone, now=(answered(name, kind),)))
    assert (finding.code, finding.severity, finding.scope) == row
    assert finding.evidence[0].source == f"GET https://{name}.invalid/"
    assert f"it is {kind}" in finding.detail
    assert finding.since_at is None


@pytest.mark.parametrize(
    ("kind", "left_count"),
    [
        ("timeout", 0),
        ("dns", 0),
        ("not_found", 0),
        ("mirror_list", 0),
        ("tls", 1),
        ("gpg", 1),
        ("metadata", 1),
    ],
)
def test_a_good_answer_ends_what_it_disproves(kind: FailureKind, left_count: int) -> None:
    found = repositories(failed(kind, repository="epel"), now=(answered("epel", None),))
    assert len(found) == left_count


def test_what_log_and_agent_met_is_told_once_by_the_log() -> None:
    found = repositories(failed("timeout", repository="epel"), now=(answered("epel", "timeout"),))
    assert one(found).evidence[0].source == "/var/log/dnf.log:7"


def test_a_host_that_is_known_to_be_gone_and_answers_all_the_same_is_no_finding() -> None:
    old = repository("base", "http://mirrorlist.centos.org/?release=7")
    assert repositories(known=(old,), now=(answered("base", None),)) == []


def test_without_the_agents_own_answers_the_log_counts() -> None:
    unknown = Missing(reason="a proxy", source="/etc/dnf/dnf.conf")
    assert len(repositories(failed("timeout", repository="epel"), now=unknown)) == 1


def test_other_failures_are_no_repositories() -> None:
    assert repositories(failed("dependency", OTHER, repository="epel")) == []


def test_the_reason_is_what_was_said_of_the_transfer() -> None:
    text = "Failed to download metadata for repo 'epel': All mirrors\n- Status code: 500\n- Curl error (7)"
    assert one(repositories(failed("http", repository="epel", text=text))).detail.startswith(
        "Status code: 500."
    )
    assert one(repositories(failed("http", repository="epel", text="a\nb"))).detail.startswith("b.")


def test_an_odd_name_is_quoted_in_commands() -> None:
    odd = "x'; reboot"
    finding = one(repositories(failed("timeout", repository=odd, host="$(reboot)"), known=(repository(odd),)))
    for step in finding.remedy:
        assert "reboot" not in step.replace("""'x'"'"'; reboot'""", "").replace(
            """'[x'"'"'; reboot]'""", ""
        ).replace("'$(reboot)'", "")
