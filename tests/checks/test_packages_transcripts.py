"""The recorded runs of dnf before the checks of packages: which code each raises, and the well ones none.

The table was written by hand from the transcripts, as it should be if the run were the last of a server whose
panel's packages are interworx* and whose repositories are those that the transcript names.
"""

import pytest
from transcripts import TRANSCRIPTS, package_log, runs

from iwx_agent.checks import packages_repositories, packages_scriptlets, packages_transaction
from iwx_agent.model import Finding, PackageLog, Scope, Severity
from iwx_agent.model.package_state import Repository, RepositoryAnswers, RepositoryFile, RepositoryFiles

REPOSITORIES = (
    "base",
    "interworx",
    "update",
    "missing",
    "corrupt",
    "signed",
    "tampered",
    "conflict",
    "hang",
    "big",
)
FILES = RepositoryFiles(
    files=(
        RepositoryFile(
            path="/etc/yum.repos.d/all.repo",
            repositories=tuple(
                Repository(id=name, path="/etc/yum.repos.d/all.repo", bases=("http://repo.invalid/",))
                for name in REPOSITORIES
            ),
        ),
    )
)
ANSWERS = RepositoryAnswers(asked=("base",), source="dnf.log")
W, E, X = Severity.WARNING, Severity.ERROR, Severity.EMERGENCY
Row = tuple[str, str, Severity]  # code, subject, severity

RAISED: dict[str, Row] = {
    "06-update-nothing-provides": ("PACKAGES-001", "interworx", X),
    "06b-update-nobest": ("PACKAGES-006", "interworx", W),
    "20-repo-missing-file": ("PACKAGES-031", "missing", E),
    "20b-repo-missing-checkupdate": ("PACKAGES-031", "missing", E),
    "20c-repo-missing-skip": ("PACKAGES-031", "missing", W),
    "21-repo-conn-refused": ("PACKAGES-031", "missing", E),
    "23-repo-404": ("PACKAGES-031", "missing", E),
    "24-mirrorlist-404": ("PACKAGES-031", "missing", E),
    "25-repo-no-baseurl": ("PACKAGES-034", "missing", E),
    "28-metadata-checksum": ("PACKAGES-031", "corrupt", E),
    "31-gpg-keyfile-missing-nokeys": ("PACKAGES-003", "filea", W),
    "32-gpg-wrong-key": ("PACKAGES-003", "filea", W),
    "34-gpg-nokeys-configured": ("PACKAGES-003", "filea", W),
    "36-repo-gpgcheck": ("PACKAGES-031", "signed", E),
    "38-pkg-tampered-file": ("PACKAGES-003", "filea", W),
    "39-pkg-404": ("PACKAGES-003", "filea", W),
    "40-dep-conflict": ("PACKAGES-003", "mariadb-server", W),
    "41-file-conflict": ("PACKAGES-003", "filea", W),
    "42-nothing-provides": ("PACKAGES-003", "needsmissing", W),
    "42b-nothing-provides-skip": ("PACKAGES-003", "needsmissing", W),
    "51-post-fail": ("PACKAGES-041", "postfail", W),
    "61-check-dup": ("PACKAGES-007", "dnf check", W),
    "61b-check-duplicates": ("PACKAGES-007", "dnf check --duplicates", W),
    "63b-check-deps": ("PACKAGES-007", "dnf check --dependencies", W),
    "64-check-missing-dep2": ("PACKAGES-007", "dnf check", W),
    "80-disk-full-target": ("PACKAGES-005", "bigpkg", E),
    "81b-disk-full-makecache": ("PACKAGES-005", "dnf makecache", E),
    "log-0683-dns": ("PACKAGES-031", "missing", E),
    "log-1011-mirrorlist-empty": ("PACKAGES-031", "missing", E),
    "log-1230-repomd-cut": ("PACKAGES-031", "corrupt", E),
    "log-1386-no-keys-at-all": ("PACKAGES-031", "conflict", E),
    "log-1901-protected": ("PACKAGES-003", "yum", W),
    "log-1932-pre-fail": ("PACKAGES-041", "prefail", W),
    "log-2638-unsigned": ("PACKAGES-003", "fileb", W),
    "log-3449-killed": ("PACKAGES-004", "slowpost", E),
    "log-3640-ended-by-signal": ("PACKAGES-004", "afterslow", E),
    "log-3871-no-room-for-download": ("PACKAGES-005", "bigpkg", E),
    "log-4051-read-only": (
        "PACKAGES-005",
        "dnf install --repofrompath=c,/srv/lab/rpmtest/repos/conflict fileb",
        E,
    ),
    "log-5153-timeout": ("PACKAGES-031", "hang", E),
    "log-5250-interrupted": ("PACKAGES-004", "slowpost", E),
    # afterslow was installed by a later run; the script of slowpost never ran
    "log-3449-killed-then-next": ("PACKAGES-004", "slowpost", E),
}
# Failures of a command that leave nothing wrong on the server, or that another fact shows better.
NOTHING = {
    "26-repo-file-garbage",  # the file itself is read: packages.repositories, PACKAGES-033
    "45-no-match",  # a name that does not exist
    "46-all-matches-filtered",  # a name that was excluded on purpose
    "70b-dnf-exit-on-lock",  # packages.lock looks at who holds it now
    "72b-dnf-rpm-lock-held",
    "98c-repoclosure",  # a question about a repository
}


def judged(log: PackageLog) -> list[Finding]:
    return [
        *packages_transaction.judge(log, packages_transaction.Limits()),
        *packages_scriptlets.judge(log, packages_scriptlets.Limits()),
        *packages_repositories.judge(log, FILES, ANSWERS, (), packages_repositories.Limits()),
    ]


def rows(log: PackageLog) -> list[Row]:
    return [(finding.code, finding.subject, finding.severity) for finding in judged(log)]


def names() -> list[str]:
    return sorted(path.name for path in TRANSCRIPTS.iterdir() if (path / "dnf.log").exists())


@pytest.mark.parametrize("name", names())
def test_a_transcript_raises_what_stands_in_the_table(name: str) -> None:
    assert rows(package_log(*runs(name))) == ([RAISED[name]] if name in RAISED else [])


def test_the_tables_name_transcripts_only() -> None:
    assert {*RAISED, *NOTHING} <= set(names())


@pytest.mark.parametrize("name", RAISED)
def test_what_is_raised_says_whose_it_is_and_since_when(name: str) -> None:
    (finding,) = judged(package_log(*runs(name)))
    of_panel = finding.subject.startswith("interworx")
    assert finding.scope is (Scope.VENDOR if of_panel else Scope.PROVIDER)
    assert finding.since_at is not None
    assert finding.evidence[0].text
    assert finding.remedy


# A later success ends it

ENDED_BY = [
    ("06-update-nothing-provides", "98b-versionlock", 1),  # another goal: the update is still to be seen
    ("32-gpg-wrong-key", "35-gpg-ok-import", 0),  # the same package was installed
    ("31-gpg-keyfile-missing-nokeys", "35-gpg-ok-import", 0),
    ("42-nothing-provides", "35-gpg-ok-import", 1),  # another package
    ("61-check-dup", "08-check-ok", 0),  # dnf check again
    ("61-check-dup", "62-remove-dup", 0),  # packages were changed
    ("61-check-dup", "02-makecache", 1),  # metadata say nothing of packages
    ("80-disk-full-target", "03-install-ok", 1),  # there is room for other packages
    ("81b-disk-full-makecache", "02-makecache", 0),
    ("81b-disk-full-makecache", "03-install-ok", 0),
    ("log-4051-read-only", "03-install-ok", 0),
    ("log-4051-read-only", "02-makecache", 1),  # it writes elsewhere
    ("log-3449-killed", "71-dnf-stale-lock", 1),  # slowpost was removed, afterslow is still not installed
    ("51-post-fail", "03-install-ok", 1),  # other packages
]


@pytest.mark.parametrize(("before", "after", "left_count"), ENDED_BY)
def test_a_later_run_ends_what_it_proves_to_be_over(before: str, after: str, left_count: int) -> None:
    assert len(rows(package_log(*runs(before), *runs(after)))) == left_count
