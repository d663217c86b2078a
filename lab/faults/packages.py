"""Faults of dnf, yum and rpm: each is what the real programs make of it, run against local repositories."""

from __future__ import annotations

from .model import NOTHING, Expect, Fault

MEND = "packages_give_back"
PANEL_REPOSITORY = "interworx interworx-cp"
REFUSED = "Curl error (7)"
NO_SUCH_NAME = "Curl error (6)"
LAST_RUN = ("dnf-last-run", "dnf-log")


def unreachable(options: str, said: str, file_and_id: str = PANEL_REPOSITORY) -> str:
    """Dnf is run with a repository that does not answer, and must say so."""
    limits = "timeout=5 retries=1 gpgcheck=0"
    known = f"repository {file_and_id} {options} {limits}"
    return f"packages_keep\n{known}\nrun_dnf upgrade\ndnf_said '{said}'\n"


PACKAGES = (
    Fault(
        name="repository-refused",
        title="the panel's repository refuses connections: yum fails",
        breaks=unreachable("baseurl=http://10.99.0.1:81/interworx", REFUSED),
        mends=MEND,
        spoils=("dnf-repositories", *LAST_RUN),
        expect=Expect(lead="PACKAGES-030", subject="interworx-cp"),
    ),
    Fault(
        name="repository-404",
        title="the panel's repository answers 404: yum fails",
        breaks="""
mkdir -p /var/empty-site
hold repository /usr/bin/python3 -m http.server --directory /var/empty-site 8088
sleep 0.3
"""
        + unreachable("baseurl=http://127.0.0.1:8088/interworx", "Status code: 404"),
        mends="release repository\n" + MEND,
        spoils=("dnf-repositories", *LAST_RUN),
        expect=Expect(lead="PACKAGES-030", subject="interworx-cp"),
    ),
    Fault(
        name="repository-unknown-name",
        title="the name of the panel's repository does not resolve: yum fails",
        breaks="search_nothing\n"
        + unreachable("baseurl=http://updates.interworx.invalid/interworx", NO_SUCH_NAME),
        mends="give_back /etc/resolv.conf\n" + MEND,
        spoils=("dnf-repositories", *LAST_RUN),
        expect=Expect(lead="PACKAGES-030", subject="interworx-cp"),
    ),
    Fault(
        name="repository-third-party",
        title="a repository that is not the panel's refuses connections: yum fails",
        breaks=unreachable("baseurl=http://10.99.0.1:81/plugins", REFUSED, "plugins third-party-plugins"),
        mends=MEND,
        spoils=("dnf-repositories", *LAST_RUN),
        expect=Expect(lead="PACKAGES-031", subject="third-party-plugins", priority="Medium", in_scope=False),
    ),
    Fault(
        name="repository-mirror-list",
        title="the distribution's list of mirrors is gone: its name no longer resolves",
        breaks="search_nothing\n"
        + unreachable(
            "'mirrorlist=http://mirrorlist.centos.org/?release=7&arch=x86_64&repo=os'",
            NO_SUCH_NAME,
            "CentOS-Base base",
        ),
        mends="give_back /etc/resolv.conf\n" + MEND,
        spoils=("dnf-repositories", *LAST_RUN),
        expect=Expect(
            lead="PACKAGES-032", subject="mirrorlist.centos.org", priority="Medium", in_scope=False
        ),
    ),
    Fault(
        name="repository-garbage",
        title="a file of repositories cannot be read: dnf skips it and says that all is well",
        breaks="""
packages_keep
repository base base baseurl=file:///opt/iwxlab-repo gpgcheck=0
printf '<html>not found</html>\\n' >/etc/yum.repos.d/interworx.repo
run_dnf upgrade
dnf_said Complete!
""",
        mends=MEND,
        spoils=("dnf-repositories",),
        expect=Expect(lead="PACKAGES-033", subject="interworx.repo", priority="Medium"),
    ),
    Fault(
        name="package-unsigned",
        title="the panel's update is not signed: the check of signatures fails",
        breaks="""
packages_keep
repository interworx interworx-cp baseurl=file:///opt/iwxlab-faults/next gpgcheck=1
run_dnf upgrade
dnf_said 'GPG check FAILED'
""",
        mends=MEND,
        spoils=LAST_RUN,
        expect=Expect(lead="PACKAGES-001", subject="interworx"),
    ),
    Fault(
        name="package-file-conflict",
        title="two packages bring the same file: the transaction is refused",
        breaks="""
packages_keep
of_faults files
run_dnf install file-one file-two
dnf_said 'conflicts between attempted installs'
""",
        mends=MEND,
        spoils=LAST_RUN,
        expect=Expect(lead="PACKAGES-003", subject="file-one", priority="Low", in_scope=False),
    ),
    Fault(
        name="package-nothing-provides",
        title="the panel's update needs a library that no repository has",
        breaks="""
packages_keep
of_faults unmet interworx-cp-stand-in
run_dnf upgrade
dnf_said 'nothing provides libiworx.so.7'
""",
        mends=MEND,
        spoils=LAST_RUN,
        expect=Expect(lead="PACKAGES-001", subject="libiworx"),
    ),
    Fault(
        name="package-disk-full",
        title="a package does not fit on its file system: the transaction is refused",
        breaks="""
packages_keep
of_faults files
mkdir -p /opt/lab-big
mount -t tmpfs -o size=8m lab-big /opt/lab-big
run_dnf install file-big
dnf_said 'more space needed on the /opt/lab-big'
""",
        mends="umount /opt/lab-big\nrmdir /opt/lab-big\n" + MEND,
        spoils=LAST_RUN,
        expect=Expect(lead="PACKAGES-005", subject="/opt/lab-big", priority="Medium", in_scope=False),
    ),
    Fault(
        name="package-scriptlet",
        title="a package's script failed after its installation, and dnf said Complete!",
        breaks="packages_keep\nof_faults scripts\nrun_dnf install other-fails\ndnf_said Complete!",
        mends=MEND,
        spoils=("rpm-scriptlets",),
        expect=Expect(lead="PACKAGES-041", subject="other-fails", priority="Low", in_scope=False),
    ),
    Fault(
        name="transaction-killed",
        title="dnf was killed in the middle of a transaction",
        breaks="""
packages_keep
of_faults scripts
run_dnf install other-kills
dnf_said 'scriptlet: other-kills'
""",
        mends=MEND,
        spoils=("dnf-history", "dnf-locks"),
        expect=Expect(
            lead="PACKAGES-004",
            subject="other-kills",
            codes=("PACKAGES-022",),
            priority="Medium",
            in_scope=False,
        ),
    ),
    Fault(
        name="transaction-stopped",
        title="a dnf that has been stopped by a signal holds the lock",
        breaks="""
packages_keep
of_faults scripts
touch /run/lab-slow
rm -f /run/lab-slow-started
hold dnf dnf -y install other-slow
for _ in $(seq 100); do [ -e /run/lab-slow-started ] && break; sleep 0.1; done
kill -STOP $(cat /var/lib/dnf/rpmdb_lock.pid)
""",
        mends="""
rm -f /run/lab-slow
kill -CONT $(cat /var/lib/dnf/rpmdb_lock.pid)
for _ in $(seq 100); do systemctl -q is-active lab-hold-dnf || break; sleep 0.1; done
"""
        + MEND,
        spoils=("dnf-locks",),
        expect=Expect(lead="PACKAGES-020", subject="dnf", priority="Medium", in_scope=False),
    ),
    Fault(
        name="lock-left-behind",
        title="the lock of a dnf that no longer runs is left behind; the next dnf does not mind",
        breaks="""
packages_keep
repository slow slow baseurl=http://10.99.0.66/slow gpgcheck=0
hold dnf dnf makecache
for _ in $(seq 100); do [ -s /var/cache/dnf/metadata_lock.pid ] && break; sleep 0.1; done
systemctl kill -s KILL lab-hold-dnf
rm /etc/yum.repos.d/slow.repo
""",
        mends=MEND,
        spoils=("dnf-locks",),
        expect=Expect(
            lead="PACKAGES-022", subject="metadata_lock.pid", priority="Information", in_scope=False
        ),
    ),
    Fault(
        name="rpm-database-damaged",
        title="the rpm database is not a database any more: rpm and yum fail",
        breaks="""
packages_keep
rm -f /var/lib/rpm/rpmdb.sqlite-shm /var/lib/rpm/rpmdb.sqlite-wal
printf '%4096s' damaged | dd of=/var/lib/rpm/rpmdb.sqlite conv=notrunc 2>/dev/null
run_dnf upgrade
dnf_said 'file is not a database'
""",
        mends=MEND,
        spoils=("rpm",),
        expect=Expect(lead="PACKAGES-010", subject="rpm", codes=("PACKAGES-001",)),
    ),
    Fault(
        name="repository-back-again",
        title="yum failed because the panel's repository refused connections, and worked later",
        breaks=unreachable("baseurl=http://127.0.0.1:8088/", REFUSED)
        + """
hold repository /usr/bin/python3 -m http.server --directory /opt/iwxlab-repo 8088
sleep 0.3
run_dnf upgrade
dnf_said Complete!
""",
        mends="release repository\n" + MEND,
        spoils=("dnf-log",),
        expect=NOTHING,
    ),
)
