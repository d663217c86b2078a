"""The repositories that the server is set up with give their metadata.

Facts:
    package_log: which repositories failed in the last runs, and why; a later answer of the same one ends it.
    repository_files: what is set up now: a repository that is gone or switched off no longer counts.
    repository_answers: that any of them was asked at all; repositories_now: what they answer the agent, with
    --deep only.

Limits:
    recent_s: a failure that no run has met again for this long weighs less.

Codes:
    PACKAGES-030 a repository of the panel fails; PACKAGES-031 another repository fails; PACKAGES-032 a
    repository's mirrors were switched off for good; PACKAGES-033 a repository file is skipped because it
    cannot be read; PACKAGES-034 a repository has no address.

Source:
    Support guide 7.1, "Yum failure messages"; dnf 4.14's words as recorded; dnf.conf(5); the end of CentOS 7
    as observed in nexcess/ansible-playbook-cloudhost (mirrorlist does not resolve, EPEL answers 410 Gone).
"""

import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Check,
    Evidence,
    Finding,
    LogLine,
    Missing,
    PackageFailure,
    PackageLog,
    PackageRun,
    PresentFailure,
    Scope,
    Severity,
    moment,
)
from iwx_agent.model.package_state import (
    Repository,
    RepositoryAnswers,
    RepositoryFile,
    RepositoryFiles,
    RepositoryNow,
)

_WHY = {
    "dns": "the name of its server cannot be resolved",
    "unreachable": "its server cannot be reached",
    "timeout": "its server does not answer in time",
    "tls": "the secure connection to its server fails",
    "not_found": "it is not where its address says (404)",
    "gone": "it was taken away for good (410 Gone)",
    "http": "its server answers with an error",
    "mirror_list": "its list of mirrors cannot be had",
    "no_address": "it has no address",
    "metadata": "its metadata came damaged",
    "gpg": "its signature cannot be checked",
}
_URL = re.compile(r"https?://[^\s\]\)]{1,300}")
_OF_THE_MOMENT = ("dns", "unreachable", "timeout", "not_found", "gone", "http", "mirror_list")
_LOOK = {
    "dns": "getent hosts {host}; cat /etc/resolv.conf",
    "unreachable": "curl -sSI -m 10 {url} | head -n 1   # refused, or dropped by a firewall?",
    "timeout": "curl -sSI -m 10 {url} | head -n 1   # slow, or dropped by a firewall?",
    "tls": "date; curl -sSI -m 10 {url} | head -n 1   # a wrong clock or old CA certificates fail too",
    "metadata": "dnf clean metadata   # the next run fetches it anew",
    "gpg": "grep -n -e gpgkey -e repo_gpgcheck /etc/yum.repos.d/*.repo",
}


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 7 * 86_400.0


def judge(
    package_log: PackageLog | Missing,
    repository_files: RepositoryFiles,
    repository_answers: RepositoryAnswers | Missing,
    repositories_now: tuple[RepositoryNow, ...] | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge what the runs met, then what the files alone show."""
    asked = () if isinstance(repositories_now, Missing) else repositories_now
    well = {now.id for now in asked if now.kind is None}
    told: set[str] = set()
    if isinstance(package_log, PackageLog):
        for present in package_log.present():
            repository = present.failure.repository
            used = repository_files.uses(repository) or not repository
            over = repository in well and present.failure.kind in _OF_THE_MOMENT
            if not present.failure.of_repository or not used or over:
                continue
            told.add(repository)
            yield _failing(present, package_log.read_at, repository_files, limits)
    for now in asked:
        if now.kind is not None and now.id not in told:
            told.add(now.id)
            yield _failing_now(now, repository_files)
    for file in repository_files.files:
        if file.trouble:
            yield _skipped(file, panel=repository_files.of_panel(file.path.rpartition("/")[2]))
    for configured in repository_files.enabled:
        if configured.id in told or configured.id in well:
            continue
        if not configured.addresses:
            yield _without_address(configured, panel=repository_files.of_panel(configured.id))
        elif set(configured.hosts) & set(repository_files.ended_hosts):
            yield _ended(configured)


def _failing(present: PresentFailure, read_at: float, files: RepositoryFiles, limits: Limits) -> Finding:
    failure = present.failure
    panel = files.of_panel(failure.repository)
    ended = failure.kind == "gone" or failure.host in files.ended_hosts
    old = present.age_s(read_at) > limits.recent_s
    blocks = present.run.outcome == "failed"
    if panel:
        code, severity = "PACKAGES-030", Severity.ERROR if old else Severity.EMERGENCY
    else:
        code = "PACKAGES-034" if failure.kind == "no_address" else "PACKAGES-031"
        code = "PACKAGES-032" if ended else code
        severity = Severity.ERROR if blocks and not old else Severity.WARNING
    name = failure.repository or "any repository"
    whose = "The panel's repository" if panel else "The repository"
    title = f"{whose} {name} fails: {_WHY[failure.kind]}"
    if code == "PACKAGES-032":
        title = f"The repository {name} was switched off for good at the end of its release"
    effect = "Every yum and dnf stops at it." if blocks else "It is passed over: its updates do not come."
    since_at = moment(present.first_at)
    return Finding(
        code=code,
        subject=name,
        severity=severity,
        scope=Scope.VENDOR if panel else Scope.PROVIDER,
        title=title,
        detail=f"{_why_in_full(failure.line.text)}. {effect}",
        remedy=_steps(present, code),
        evidence=present.evidence,
        since_at=since_at,
        since_source=failure.line.source if since_at else "",
    )


def _failing_now(now: RepositoryNow, files: RepositoryFiles) -> Finding:
    """Word what the agent met itself, as the same trouble that a run of dnf would have met."""
    line = LogLine(text=f"GET {now.url}: {now.text}", source=f"GET {now.url}")
    failure = PackageFailure(kind=now.kind or "http", line=line, repository=now.id, host=now.host)
    run = PackageRun(
        tool="dnf", command="", goal=("makecache",), outcome="failed", started_at=None, source=line.source
    )
    present = PresentFailure(failure=failure, run=run, first_at=None)
    return _failing(present, 0.0, files, Limits())


def _steps(present: PresentFailure, code: str) -> tuple[str, ...]:
    failure, tool = present.failure, present.run.tool
    repository = failure.repository or "REPOSITORY"
    look = _LOOK.get(failure.kind, "curl -sSI -m 10 {url} | head -n 1   # what its server says")
    url = _URL.search(failure.line.text)
    again = f"{tool} --disablerepo='*' --enablerepo={shlex.quote(repository)} makecache   # is it over?"
    if code == "PACKAGES-032":
        return _archive(repository)
    shown = _set_up(failure.repository)
    off = (
        f"{tool} config-manager --set-disabled {shlex.quote(repository)}   # if it is not needed"
        if code == "PACKAGES-031"
        else "It is the vendor's: if names, network and clock are in order here, write to support."
    )
    asked = look.format(
        host=shlex.quote(failure.host or "HOST"), url=shlex.quote(url.group()) if url else "ADDRESS"
    )
    return (asked, shown, again, off)


def _set_up(repository: str) -> str:
    header = shlex.quote(f"[{repository}]")
    return f"grep -n -A 6 -F {header} /etc/yum.repos.d/*.repo   # where it is set up"


def _archive(repository: str) -> tuple[str, ...]:
    return (
        _set_up(repository),
        "CentOS: put # before mirrorlist= and set baseurl=https://vault.centos.org/RELEASE/... in its file.",
        "EPEL: baseurl=https://archives.fedoraproject.org/pub/archive/epel/RELEASE/$basearch in its file.",
        "No more security updates come for this release: plan the move to one that is maintained.",
    )


def _skipped(file: RepositoryFile, *, panel: bool) -> Finding:
    name = file.path.rpartition("/")[2]
    return Finding(
        code="PACKAGES-033",
        subject=file.path,
        severity=Severity.ERROR if panel else Severity.WARNING,
        scope=Scope.VENDOR if panel else Scope.PROVIDER,
        title=f"yum and dnf skip the repository file {name}: it cannot be read",
        detail=(
            f"{file.path}: {file.trouble}. yum and dnf only warn and go on without its repositories: "
            "updates from them do not come, and no command fails."
        ),
        remedy=(
            f"head -n 20 {shlex.quote(file.path)}   # an error page of a web server, or a torn edit?",
            f"rpm -qf {shlex.quote(file.path)}   # where it came from: take it from there again, or mend it",
        ),
        evidence=(Evidence(source=file.path, text=file.line),),
    )


def _without_address(repository: Repository, *, panel: bool) -> Finding:
    return Finding(
        code="PACKAGES-034",
        subject=repository.id,
        severity=Severity.ERROR,
        scope=Scope.VENDOR if panel else Scope.PROVIDER,
        title=f"The repository {repository.id} has no address",
        detail=(
            f"{repository.path} switches it on with neither baseurl nor mirrorlist nor metalink: "
            "every yum and dnf stops at it."
        ),
        remedy=(
            _set_up(repository.id),
            "Give it a baseurl, or enabled=0 if it is not needed.",
        ),
        evidence=(Evidence(source=repository.path, text=f"[{repository.id}] without an address"),),
    )


def _ended(repository: Repository) -> Finding:
    return Finding(
        code="PACKAGES-032",
        subject=repository.id,
        severity=Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"The repository {repository.id} was switched off for good at the end of its release",
        detail=f"{repository.path} asks {', '.join(repository.hosts)}, which no longer exists.",
        remedy=_archive(repository.id),
        evidence=(Evidence(source=repository.path, text="\n".join(repository.addresses)),),
    )


def _why_in_full(text: str) -> str:
    """Return what was said of the transfer, else what dnf made of it."""
    lines = [line.strip(" -") for line in text.split("\n") if line.strip(" -")]
    return lines[-1 if len(lines) < 3 else 1][:300].rstrip(".:;")


CHECK = Check(
    id="packages.repositories",
    title="Package repositories answer",
    codes=("PACKAGES-030", "PACKAGES-031", "PACKAGES-032", "PACKAGES-033", "PACKAGES-034"),
    judge=judge,
    limits=Limits(),
    optional=("repository_files",),
    ok_needs=("package_log", "repository_answers"),
    emergency=True,
    guide=7,
)
