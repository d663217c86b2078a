"""What of the past still holds: which later run ends which failure, and which two are the same one."""

import doctest

import pytest
from transcripts import package_log

from iwx_agent.model import (
    LogLine,
    PackageFailure,
    PackageRun,
    PresentFailure,
    package_name,
    package_state,
    packages,
)
from iwx_agent.model.packages import FailureKind, RunOutcome

AT = 1_795_450_000.0


def failure(
    kind: FailureKind, package: str = "", repository: str = "", at: float | None = AT
) -> PackageFailure:
    return PackageFailure(
        kind=kind, line=LogLine(text=kind, source="log", at=at), package=package, repository=repository
    )


def run(
    goal: str,
    *failures: PackageFailure,
    outcome: RunOutcome = "done",
    changed: tuple[str, ...] = (),
    planned: tuple[str, ...] = (),
    answered: tuple[str, ...] = (),
    at: float = AT,
) -> PackageRun:
    return PackageRun(
        tool="dnf",
        command=f"dnf {goal}",
        goal=tuple(goal.split(" ")),
        outcome=outcome,
        started_at=at,
        source=f"log:{goal}",
        transaction=bool(changed),
        changed=changed,
        planned=planned,
        answered=answered,
        failures=failures,
    )


def left(*runs: PackageRun) -> list[tuple[str, str]]:
    present = package_log(*runs).present()
    return [(p.failure.kind, p.failure.package or p.failure.repository) for p in present]


def failed(kind: FailureKind, package: str = "", repository: str = "", goal: str = "update") -> PackageRun:
    return run(goal, failure(kind, package, repository), outcome="failed")


def test_samples() -> None:
    assert doctest.testmod(packages).failed == 0
    assert doctest.testmod(package_state).failed == 0


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("interworx-8.2.0-2345.rhe9x.iworx.noarch", "interworx"),
        ("interworx-cli-8.2.0-1.el9.x86_64", "interworx-cli"),
        ("vim-2:9.0-1.el9.x86_64", "vim"),
        ("libstdc++-11.4-1.i686", "libstdc++"),
        ("php-fpm", "php-fpm"),
        ("php-fpm.x86_64", "php-fpm"),
        ("postfail", "postfail"),
        ("java-17-openjdk", "java-17-openjdk"),
        ("a-1", "a-1"),
        ("", ""),
    ],
)
def test_the_name_of_a_package(package: str, name: str) -> None:
    assert package_name(package) == name


def test_a_repository_is_over_when_it_answers_itself_and_nothing_else_ends_it() -> None:
    dead = failed("timeout", repository="epel", goal="makecache")
    assert left(dead, run("makecache", answered=("base",))) == [("timeout", "epel")]
    assert left(dead, run("update", changed=("a-1-1.noarch",))) == [("timeout", "epel")]
    assert left(dead, run("makecache", outcome="failed", answered=("base", "epel"))) == []


def test_a_repository_fails_in_several_ways_and_is_one_trouble_since_the_first() -> None:
    first = run("makecache", failure("dns", repository="epel", at=AT - 600), outcome="failed")
    (present,) = package_log(first, failed("timeout", repository="epel")).present()
    assert (present.failure.kind, present.first_at, present.times_count) == ("timeout", AT - 600, 2)


def test_after_a_success_it_begins_anew() -> None:
    first = run("makecache", failure("dns", repository="epel", at=AT - 600), outcome="failed")
    runs = (first, run("makecache", answered=("epel",)), failed("dns", repository="epel"))
    (present,) = package_log(*runs).present()
    assert (present.first_at, present.times_count) == (AT, 1)


def test_a_signature_of_a_repository_is_told_from_one_of_a_package() -> None:
    assert left(failed("gpg", repository="epel"), run("makecache", answered=("epel",))) == []
    of_package = failed("gpg", "a-1-1.noarch", "epel")
    assert left(of_package, run("makecache", answered=("epel",))) == [("gpg", "a-1-1.noarch")]


@pytest.mark.parametrize(
    "kind", ["dependency", "gpg", "download", "file_conflict", "damaged_package", "other"]
)
def test_a_package_is_over_when_it_was_changed_or_the_same_was_done(kind: FailureKind) -> None:
    before = failed(kind, "a-2-1.noarch", goal="install a")
    assert left(before, run("update", changed=("a-2-1.noarch",))) == []
    assert left(before, run("install a")) == []  # "Nothing to do": it is there
    assert left(before, run("update", changed=("b-1-1.noarch",))) == [(kind, "a-2-1.noarch")]
    assert left(before, run("install a", outcome="open")) == [(kind, "a-2-1.noarch")]


@pytest.mark.parametrize("kind", ["disk_full", "read_only", "rpm_database", "lock", "other"])
def test_what_names_no_package_is_over_when_as_much_succeeded(kind: FailureKind) -> None:
    assert left(failed(kind), run("install a")) == []
    assert left(failed(kind), run("makecache")) == [(kind, "")]
    assert left(failed(kind, goal="makecache"), run("makecache")) == []
    assert left(failed(kind, goal="makecache"), run("update")) == []


def test_the_panel_left_out_is_over_when_it_is_updated() -> None:
    skipped = run("update", failure("dependency", "interworx-9-1.noarch"), changed=("httpd-2-1.noarch",))
    assert left(skipped) == [("dependency", "interworx-9-1.noarch")]
    assert left(skipped, skipped) == [("dependency", "interworx-9-1.noarch")]
    assert left(skipped, run("update", changed=("interworx-9-1.noarch",))) == []


def test_a_scriptlet_is_over_when_the_package_was_changed_again() -> None:
    broken = run("update", failure("scriptlet", "a-1-1.noarch"), changed=("a-1-1.noarch",))
    assert left(broken, run("update")) == [("scriptlet", "a-1-1.noarch")]
    assert left(broken, run("reinstall a", changed=("a-1-1.noarch",))) == []
    assert left(broken, broken) == [("scriptlet", "a-1-1.noarch")]


def killed(*planned: str) -> PackageRun:
    return run("update", failure("killed", planned[0] if planned else ""), outcome="killed", planned=planned)


def test_of_a_killed_transaction_is_left_what_no_later_run_changed() -> None:
    both = killed("a-1-1.noarch", "b-1-1.noarch")
    once = run("install a", changed=("a-1-1.noarch",))
    (present,) = package_log(both, once).present()
    assert present.run.planned == ("b-1-1.noarch",)
    assert left(both, once, run("install b", changed=("b-1-1.noarch",))) == []
    assert left(both, run("update")) == []  # the same goal, and nothing was left to do
    assert left(both, run("install c", changed=("c-1-1.noarch",))) == [("killed", "a-1-1.noarch")]
    assert left(both, run("update", outcome="failed")) == [("killed", "a-1-1.noarch")]


def test_a_killed_transaction_without_a_plan_is_over_when_the_same_succeeded() -> None:
    assert left(killed(), run("install c", changed=("c-1-1.noarch",))) == [("killed", "")]
    assert left(killed(), run("update")) == []


def test_each_killed_transaction_is_its_own() -> None:
    first = killed("a-1-1.noarch")
    second = run("install b", failure("killed", "b-1-1.noarch"), outcome="killed", planned=("b-1-1.noarch",))
    assert left(first, second) == [("killed", "a-1-1.noarch"), ("killed", "b-1-1.noarch")]


def test_a_file_is_skipped_as_long_as_every_run_says_so() -> None:
    skipping = run("makecache", failure("repository_file", repository="/x.repo"))
    assert left(skipping, skipping) == [("repository_file", "/x.repo")]
    assert left(skipping, run("makecache")) == []


def test_what_does_not_fit_together_is_over_when_packages_changed_or_dnf_was_content() -> None:
    check = failed("inconsistent", goal="check")
    assert left(check, run("makecache")) == [("inconsistent", "")]
    assert left(check, run("check")) == []
    assert left(check, run("remove a", changed=("a-1-1.noarch",))) == []


def test_the_panels_own_by_name_and_repository() -> None:
    log = package_log()
    assert [
        log.of_panel(p) for p in ("interworx-8.2.0-1.noarch", "interworx-cli", "iworx-db", "httpd", "")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [log.from_panel(r) for r in ("interworx-cp", "interworx", "epel", "")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("goal", "wants"),
    [
        ("update", True),
        ("install a", True),
        ("check-update", False),
        ("makecache", False),
        ("list", False),
        ("", True),
    ],
)
def test_what_wants_to_change_packages(goal: str, wants: bool) -> None:
    assert run(goal).wants_change is wants
    assert run(goal, changed=("a-1-1.noarch",)).wants_change


@pytest.mark.parametrize(("at", "age_s"), [(AT, 60.0), (AT + 60, 0.0), (AT + 7200, 0.0), (None, 0.0)])
def test_the_age_of_a_failure_is_never_negative(at: float | None, age_s: float) -> None:
    present = PresentFailure(failure=failure("other", at=at), run=run("update"), first_at=at)
    assert present.age_s(AT + 60) == age_s


def test_evidence_is_what_was_said_and_what_was_asked() -> None:
    told = PresentFailure(failure=failure("other"), run=run("update"), first_at=AT).evidence
    assert [(piece.source, piece.text) for piece in told] == [
        ("log", "other"),
        ("log:update", "command: dnf update"),
    ]
    import msgspec

    silent = msgspec.structs.replace(run("update"), command="")
    assert len(PresentFailure(failure=failure("other"), run=silent, first_at=AT).evidence) == 1
