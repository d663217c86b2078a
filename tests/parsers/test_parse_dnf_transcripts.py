"""Every recorded run of dnf is read as a person reads it: what went wrong, with which package and repository.

The table was written by hand from the transcripts. What only standard error or an exit code told is not in a
log; such runs stand in ``NOT_IN_A_LOG``, with what the agent sees of them instead.
"""

import pytest
from transcripts import TRANSCRIPTS, runs, text

from iwx_agent.model.packages import FailureKind, RunOutcome
from iwx_agent.parsers.rpm_answers import database_trouble

Told = tuple[FailureKind, str, str]  # kind, package, repository

WELL: dict[str, tuple[RunOutcome, ...]] = {
    "00-releasever-undetected": ("done",),
    "01-install-release": ("done",),
    "02-makecache": ("done",),
    "03-install-ok": ("done",),
    "04-check-update-none": ("done",),
    "05-check-update-available": ("done",),  # exit 100: there are updates
    "05b-yum-check-update": ("done",),
    "05c-check-update-quiet": ("done",),
    "07-history": ("done",),
    "07b-history-info": ("done",),
    "07c-history-list-iworx": ("done",),
    "08-check-ok": ("done",),
    "09-repolist": ("done",),
    "35-gpg-ok-import": ("done",),  # importing a key is logged as CRITICAL
    "61c-list-dup": ("done",),  # duplicates are there, but only standard output shows them
    "61d-repoquery-dup": ("done",),
    "62-remove-dup": ("done",),
    "70-dnf-lock-waiting": ("open",),  # it waits; who holds the lock is the lock check's to tell
    "70g-check-update-while-locked": ("done",),
    "71-dnf-stale-lock": ("done",),
    "73-metadata-lock": ("open",),
    "76-history-after-kill": ("done", "done"),
    "76b-check-after-kill": ("done",),
    "76c-next-install": ("done",),
    "78b-after-sigint": ("done",),
    "98-needs-restarting": ("done", "done"),
    "98b-versionlock": ("done", "done", "done"),
    "98d-updateinfo": ("done",),
    "98e-history-userinstalled": ("done",),
    "log-5109-two-at-once": ("open", "open"),  # ended by its time limit while another fetched
}

FAILED: dict[str, tuple[RunOutcome, Told]] = {
    "06-update-nothing-provides": ("failed", ("dependency", "interworx-7.14.0-3100.el9.noarch", "")),
    "06b-update-nobest": ("done", ("dependency", "interworx-7.14.0-3100.el9.noarch", "")),  # left out
    "20-repo-missing-file": ("failed", ("not_found", "", "missing")),
    "20b-repo-missing-checkupdate": ("failed", ("not_found", "", "missing")),
    "20c-repo-missing-skip": ("done", ("not_found", "", "missing")),  # exit 0: skip_if_unavailable
    "21-repo-conn-refused": ("failed", ("unreachable", "", "missing")),
    "23-repo-404": ("failed", ("not_found", "", "missing")),
    "24-mirrorlist-404": ("failed", ("mirror_list", "", "missing")),
    "25-repo-no-baseurl": ("failed", ("no_address", "", "missing")),
    "26-repo-file-garbage": ("done", ("repository_file", "", "/etc/yum.repos.d/missing.repo")),  # exit 0
    "28-metadata-checksum": ("failed", ("metadata", "", "corrupt")),
    "31-gpg-keyfile-missing-nokeys": ("failed", ("gpg", "filea-1-1.el9.noarch", "signed")),
    "32-gpg-wrong-key": ("failed", ("gpg", "filea-1-1.el9.noarch", "signed")),
    "34-gpg-nokeys-configured": ("failed", ("gpg", "filea-1-1.el9.noarch", "signed")),
    "36-repo-gpgcheck": ("failed", ("gpg", "", "signed")),
    "38-pkg-tampered-file": ("failed", ("damaged_package", "filea-1-1.el9.noarch", "tampered")),
    "39-pkg-404": ("failed", ("download", "filea-1-1.el9.noarch", "tampered")),  # 404 on standard output only
    "40-dep-conflict": ("failed", ("dependency", "mariadb-server-10.11.6-1.el9.noarch", "")),
    "41-file-conflict": ("failed", ("file_conflict", "filea-1-1.el9.noarch", "conflict")),
    "42-nothing-provides": ("failed", ("dependency", "needsmissing-1-1.el9.noarch", "")),
    "42b-nothing-provides-skip": ("done", ("dependency", "needsmissing-1-1.el9.noarch", "")),  # left out
    "45-no-match": ("failed", ("no_match", "no-such-package", "")),
    "46-all-matches-filtered": ("failed", ("no_match", "httpd", "")),
    "51-post-fail": ("done", ("scriptlet", "postfail-1-1.el9.noarch", "")),  # exit 0 and "Complete!"
    "61-check-dup": ("failed", ("inconsistent", "", "")),  # which packages: on standard output only
    "61b-check-duplicates": ("failed", ("inconsistent", "", "")),
    "63b-check-deps": ("failed", ("inconsistent", "", "")),
    "64-check-missing-dep2": ("failed", ("inconsistent", "", "")),
    "70b-dnf-exit-on-lock": ("failed", ("lock", "", "")),
    "72b-dnf-rpm-lock-held": ("failed", ("lock", "", "")),
    "80-disk-full-target": ("failed", ("disk_full", "bigpkg-1-1.el9.noarch", "big")),
    "81b-disk-full-makecache": ("failed", ("disk_full", "", "")),
    "98c-repoclosure": ("failed", ("other", "", "")),  # a question about a repository; nothing is wrong here
    "log-0683-dns": ("failed", ("dns", "", "missing")),
    "log-1011-mirrorlist-empty": ("failed", ("mirror_list", "", "missing")),
    "log-1230-repomd-cut": ("failed", ("metadata", "", "corrupt")),
    "log-1386-no-keys-at-all": ("failed", ("gpg", "", "conflict")),
    "log-1901-protected": ("failed", ("dependency", "yum", "")),
    "log-1932-pre-fail": ("failed", ("scriptlet", "prefail-1-1.el9.noarch", "")),
    "log-2638-unsigned": ("failed", ("gpg", "fileb-1-1.el9.noarch", "signed")),
    "log-3449-killed": ("killed", ("killed", "slowpost-1-1.el9.noarch", "")),
    "log-3640-ended-by-signal": ("killed", ("killed", "afterslow-1-1.el9.noarch", "")),
    "log-3871-no-room-for-download": ("failed", ("disk_full", "bigpkg-1-1.el9.noarch", "big")),
    "log-4051-read-only": ("failed", ("read_only", "", "")),
    "log-5153-timeout": ("failed", ("timeout", "", "hang")),
    "log-5250-interrupted": ("killed", ("killed", "slowpost-1-1.el9.noarch", "")),
}

# Nothing of these reaches a log. The value is what rpm's complaint says of its database, as the agent asks.
NOT_IN_A_LOG = {
    "44-rpm-failed-deps": None,  # rpm -U by hand: not seen
    "52-rpm-pre-fail": None,  # rpm -i by hand: not seen
    "70c-rpm-waiting-lock": None,  # seen by the process that holds the lock
    "72-rpm-lock-held": None,
    "80b-rpm-disk-full": None,  # seen by the file system
    "80c-rpm-disk-full-ignoresize": "disk_full",
    "82b-disk-full-rpmdb-rpm": None,
    "84b-rpmdb-readonly-rpm": "read_only",
    "90-rpmdb-notadb-rpmqa": "damaged",
    "90b-rpmdb-notadb-dnf": "damaged",  # dnf opens the database before its log
    "90c-rpmdb-notadb-install": "damaged",
    "90d-rpmdb-verify": "damaged",
    "90e-rpmdb-rebuild": "damaged",
    "91-rpmdb-malformed-rpmqa": "damaged",
    "91b-rpmdb-malformed-dnf": "damaged",
    "91c-rpmdb-malformed-check": "damaged",
    "91d-rpmdb-malformed-verify": "damaged",
    "91e-rpmdb-malformed-rebuild": "damaged",
    "94-rpmdb-perm": "unreadable",
}
SEQUENCES = {"log-3449-killed-then-next"}  # judged in tests/checks


def test_every_transcript_stands_in_one_table() -> None:
    names = [*WELL, *FAILED, *NOT_IN_A_LOG, *SEQUENCES]
    assert sorted(names) == sorted(path.name for path in TRANSCRIPTS.iterdir())


@pytest.mark.parametrize("name", WELL)
def test_a_run_without_failure(name: str) -> None:
    found = runs(name)
    assert tuple(run.outcome for run in found) == WELL[name]
    assert [run.failures for run in found if run.failures] == []


@pytest.mark.parametrize("name", FAILED)
def test_a_run_that_failed(name: str) -> None:
    (run,) = runs(name)
    outcome, told = FAILED[name]
    assert run.outcome == outcome
    assert [(f.kind, f.package, f.repository) for f in run.failures] == [told]
    assert run.failures[0].line.source.startswith(("dnf.log", "dnf.rpm.log:"))
    assert run.failures[0].line.at is not None


@pytest.mark.parametrize("name", NOT_IN_A_LOG)
def test_what_no_log_tells_rpm_says_of_its_database(name: str) -> None:
    assert text(name, "dnf.log") == ""
    assert database_trouble(text(name, "stderr")) == NOT_IN_A_LOG[name]
