"""Repositories: how they are set up, which were asked of late, what they answer when the agent may ask."""

from collections.abc import Mapping
from typing import cast

import pytest
from fakes import NOW_AT, FakeHost, command, content, context, layout
from msgspec import Struct

from iwx_agent.host import (
    DirectoryEntry,
    DirectoryListing,
    HostError,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    Question,
    ReadFile,
    Resolve,
    ResolveAnswer,
    RunCommand,
    Stat,
    TailFile,
)
from iwx_agent.host.answers import FileStatus
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model.package_state import RepositoryAnswers, RepositoryFiles, RepositoryNow
from iwx_agent.probes import Context, repositories

Answers = dict[Question, Struct | HostError]


def error(kind: ErrorKind = "not_found") -> HostError:
    return HostError(kind, f"{kind}, the machine said", "source")


def joined(*answers: Mapping[Question, Struct | HostError]) -> Answers:
    whole: Answers = {}
    for part in answers:
        whole.update(part)
    return whole


def files(*rows: tuple[str, int]) -> DirectoryListing:
    return DirectoryListing(
        entries=tuple(
            DirectoryEntry(name=name, kind="file", size_bytes=size, modified_at=NOW_AT) for name, size in rows
        )
    )


# repository_files, repository_answers

REPOS = "/etc/yum.repos.d"
GOOD = "[interworx-cp]\nbaseurl=https://updates.invalid/\n[off]\nbaseurl=x://y\nenabled=0\n"


def repository_answers_of(*extra: Answers) -> Answers:
    return joined(
        {
            ListDirectory(path=REPOS): files(("a.repo", 9), ("a.repo.rpmsave", 9)),
            ReadFile(path=f"{REPOS}/a.repo"): content(GOOD),
            ReadFile(path="/etc/dnf/dnf.conf"): error(),
            ReadFile(path="/etc/yum.conf"): error(),
        },
        *extra,
    )


def repository_files(*extra: Answers) -> RepositoryFiles:
    return repositories.repository_files(context(repository_answers_of(*extra)))


def test_repository_files_are_read_and_others_left_alone() -> None:
    found = repository_files()
    assert [file.path for file in found.files] == [f"{REPOS}/a.repo"]
    assert [repository.id for repository in found.enabled] == ["interworx-cp"]
    assert found.of_panel("interworx-cp")
    assert "mirrorlist.centos.org" in found.ended_hosts


def test_the_configuration_can_name_repositories_too_and_the_first_there_is_counts() -> None:
    found = repository_files(
        {ReadFile(path="/etc/dnf/dnf.conf"): content("[main]\n[extra]\nbaseurl=x://y\n")}
    )
    assert [repository.id for repository in found.enabled] == ["interworx-cp", "extra"]


def test_a_file_that_cannot_be_read_cannot_tell() -> None:
    with pytest.raises(HostError, match="permission"):
        repository_files({ReadFile(path=f"{REPOS}/a.repo"): error("permission")})
    with pytest.raises(HostError, match="permission"):
        repository_files({ReadFile(path="/etc/dnf/dnf.conf"): error("permission")})
    with pytest.raises(HostError) as caught:
        repository_files({ListDirectory(path=REPOS): error()})
    assert caught.value.kind == "not_found"


def dnf_log(*lines: str, stamp: str = "2026-11-23T16:00:00+0000") -> Answers:
    told = "".join(f"{stamp} {line}\n" for line in ("INFO --- logging initialized ---", *lines))
    return {
        TailFile(path="/var/log/dnf.log"): content(told),
        TailFile(path="/var/log/dnf.rpm.log"): error(),
        ListDirectory(path="/var/log"): files(),
        ListDirectory(path="/var/lib/yum"): error(),
        ListDirectory(path="/var/lib/yum/history"): error(),
        TailFile(path="/var/log/yum.log"): error(),
    }


NO_CACHE: Answers = {ListDirectory(path="/var/cache/yum"): error()}


def answers_of(*extra: Answers) -> RepositoryAnswers:
    return repositories.repository_answers(context(repository_answers_of(*extra)))


@pytest.mark.parametrize(
    "line",
    [
        "DEBUG reviving: 'interworx-cp' can be revived - repomd matches.",
        "WARNING Error: Failed to download metadata for repo 'interworx-cp': Status code: 404",
    ],
)
def test_a_repository_was_asked_if_it_answered_or_failed(line: str) -> None:
    found = answers_of(dnf_log(line))
    assert found == RepositoryAnswers(asked=("interworx-cp",), source="/var/log/dnf.log")


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        ("DEBUG reviving: 'old' can be revived", "2026-11-23T16:00:00+0000"),  # not set up
        ("DEBUG reviving: 'off' can be revived", "2026-11-23T16:00:00+0000"),  # switched off
        (
            "DEBUG reviving: 'interworx-cp' can be revived",
            "2026-11-16T16:00:00+0000",
        ),  # longer ago than a week
        ("DEBUG repo: using cache for: interworx-cp", "2026-11-23T16:00:00+0000"),
    ],
)
def test_otherwise_nothing_is_known_of_any(line: str, stamp: str) -> None:
    with pytest.raises(HostError, match="no log tells") as caught:
        answers_of(dnf_log(line, stamp=stamp), NO_CACHE)
    assert caught.value.kind == "failed"


def test_a_run_without_a_time_counts() -> None:
    line = "DEBUG reviving: 'interworx-cp' can be revived"
    assert answers_of(dnf_log(line, stamp="2026-13-41T25:61:61+0000")).asked == ("interworx-cp",)


def directory(*names: str) -> DirectoryListing:
    return DirectoryListing(entries=tuple(DirectoryEntry(name=name, kind="directory") for name in names))


def cookie(at: float) -> FileStatus:
    return FileStatus(kind="file", size_bytes=0, modified_at=at, mode=0o644)


CACHE: Answers = {
    ListDirectory(path="/var/cache/yum"): directory("x86_64"),
    ListDirectory(path="/var/cache/yum/x86_64"): directory("7"),
}
COOKIE = Stat(path="/var/cache/yum/x86_64/7/interworx-cp/cachecookie")


def test_yum_3_leaves_a_cookie_when_a_repository_answered() -> None:
    found = answers_of(dnf_log(), CACHE, {COOKIE: cookie(NOW_AT - 7 * 86_400)})
    assert found == RepositoryAnswers(asked=("interworx-cp",), source="/var/cache/yum")


@pytest.mark.parametrize("answer", [cookie(NOW_AT - 7 * 86_400 - 1), error()])
def test_an_old_cookie_or_none_tells_nothing(answer: Struct | HostError) -> None:
    with pytest.raises(HostError, match="no log tells"):
        answers_of(dnf_log(), CACHE, {COOKIE: answer})


@pytest.mark.parametrize("question", [COOKIE, ListDirectory(path="/var/cache/yum")])
def test_a_cache_that_may_not_be_read_cannot_tell(question: Question) -> None:
    with pytest.raises(HostError, match="permission"):
        answers_of(dnf_log(), CACHE, {question: error("permission")})


# repositories_now

ARCHITECTURE = RunCommand(argv=("rpm", "--eval", "%{_arch}"))
VARS = ListDirectory(path="/etc/dnf/vars")


def deep(*extra: Answers) -> Context:
    machine: Answers = {
        ARCHITECTURE: command(ARCHITECTURE.argv, "x86_64\n"),
        ReadFile(path="/etc/os-release"): content('NAME="AlmaLinux"\nVERSION_ID="9.4"\n'),
        VARS: error(),
        ListDirectory(path="/etc/yum/vars"): error(),
    }
    return Context(FakeHost(repository_answers_of(machine, *extra)), layout(), deep=True)


def now(*extra: Answers) -> tuple[RepositoryNow, ...]:
    return repositories.repositories_now(deep(*extra))


def set_up(text: str) -> Answers:
    return {ReadFile(path=f"{REPOS}/a.repo"): content(text)}


def server(url: str, answer: int | HostError, address: str = "192.0.2.7") -> Answers:
    host = url.split("/")[2].partition(":")[0]
    found: Struct | HostError = answer if isinstance(answer, HostError) else page(url, answer)
    return {
        Resolve(name=host): ResolveAnswer(addresses=(address, "192.0.2.8"), duration_s=0.01),
        HttpGet(url=url, address=address): found,
    }


def page(url: str, status: int) -> HttpAnswer:
    return HttpAnswer(url=url, status=status, headers=(), body=b"", duration_s=0.1)


INDEX = "https://updates.invalid/repodata/repomd.xml"


def test_the_network_is_left_alone_unless_the_run_may_ask_it() -> None:
    asked = context(repository_answers_of())
    assert repositories.repositories_now(asked) == ()
    assert cast("FakeHost", asked.resample).asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (200, None),
        (302, None),  # where it sends dnf is not followed
        (399, None),
        (401, None),  # the credentials of the address are not sent
        (403, None),
        (400, "http"),
        (404, "not_found"),
        (410, "gone"),
        (503, "http"),
        (error("refused"), "unreachable"),
        (error("unreachable"), "unreachable"),
        (error("closed"), "unreachable"),
        (error("timeout"), "timeout"),
        (error("tls"), "tls"),
    ],
)
def test_what_a_repository_answers(answer: int | HostError, kind: str | None) -> None:
    (found,) = now(server(INDEX, answer))
    assert (found.id, found.url, found.host, found.kind) == ("interworx-cp", INDEX, "updates.invalid", kind)
    assert found.text == (f"status {answer}" if isinstance(answer, int) else answer.reason)


@pytest.mark.parametrize("kind", ["not_found", "timeout", "failed"])
def test_a_name_that_does_not_resolve(kind: ErrorKind) -> None:
    (found,) = now({Resolve(name="updates.invalid"): error(kind)})
    assert (found.kind, found.text) == ("dns", f"updates.invalid: {kind}, the machine said")


@pytest.mark.parametrize("kind", ["over_budget", "not_captured"])
def test_what_says_nothing_of_the_repository_cannot_tell(kind: ErrorKind) -> None:
    with pytest.raises(HostError, match=kind):
        now({Resolve(name="updates.invalid"): error(kind)})
    with pytest.raises(HostError, match=kind):
        now(server(INDEX, error(kind)))


def test_variables_are_filled_in_as_dnf_does() -> None:
    text = "[base]\nmirrorlist=http://list.invalid/?release=$releasever&arch=${basearch}&infra=$infra\n"
    infra: Answers = {
        VARS: DirectoryListing(
            entries=(DirectoryEntry(name="infra", kind="file"), DirectoryEntry(name="x", kind="directory"))
        ),
        ReadFile(path="/etc/dnf/vars/infra"): content("stock\n"),
    }
    url = "http://list.invalid/?release=9&arch=x86_64&infra=stock"
    assert now(set_up(text), infra, server(url, 200))[0].url == url


def test_a_list_of_mirrors_is_asked_before_an_address() -> None:
    text = "[a]\nbaseurl=http://base.invalid/\nmetalink=https://meta.invalid/a\n"
    assert now(set_up(text), server("https://meta.invalid/a", 200))[0].url == "https://meta.invalid/a"


def test_of_an_address_with_an_unknown_variable_nothing_is_known() -> None:
    text = "[a]\nbaseurl=http://base.invalid/$unknown/\n        http://two.invalid/\n[b]\nbaseurl=http://b.invalid/$x/\n"
    found = now(set_up(text), server("http://two.invalid/repodata/repomd.xml", 200))
    assert [answer.id for answer in found] == ["a"]


@pytest.mark.parametrize(
    "text", ["[a]\nbaseurl=file:///srv/a\n", "[a]\nbaseurl=ftp://a.invalid/\n", "[a]\nbaseurl=\n"]
)
def test_a_directory_or_another_way_is_not_asked(text: str) -> None:
    assert now(set_up(text)) == ()


def test_a_machine_that_tells_neither_release_nor_architecture() -> None:
    silent: Answers = {
        ARCHITECTURE: command(ARCHITECTURE.argv, exit_code=1),
        ReadFile(path="/etc/os-release"): error(),
        VARS: DirectoryListing(entries=(DirectoryEntry(name="gone", kind="file"),)),
        ReadFile(path="/etc/dnf/vars/gone"): error(),
    }
    text = "[a]\nbaseurl=http://a.invalid/$basearch/$releasever\n[b]\nbaseurl=http://b.invalid/$arch\n"
    found = now(set_up(text), silent, server("http://b.invalid/x86_64/repodata/repomd.xml", 200))
    assert [answer.id for answer in found] == ["b"]


def test_behind_a_proxy_the_agent_cannot_tell() -> None:
    proxied: Answers = {
        ReadFile(path="/etc/dnf/dnf.conf"): content("[main]\nproxy=http://proxy.invalid:3128\n")
    }
    with pytest.raises(HostError, match="proxy"):
        now(proxied)
    direct: Answers = {ReadFile(path="/etc/dnf/dnf.conf"): content("[main]\nproxy=_none_\n")}
    assert len(now(direct, server(INDEX, 200))) == 1


@pytest.mark.parametrize("question", [VARS, ReadFile(path="/etc/os-release")])
def test_what_may_not_be_read_cannot_tell(question: Question) -> None:
    with pytest.raises(HostError, match="permission"):
        now({question: error("permission")})


def test_where_no_log_tells_the_agents_own_question_does() -> None:
    found = repositories.repository_answers(deep(dnf_log(), NO_CACHE, server(INDEX, 404)))
    assert found == RepositoryAnswers(asked=("interworx-cp",), source="--deep")
    with pytest.raises(HostError, match="no log tells"):
        repositories.repository_answers(deep(dnf_log(), NO_CACHE, set_up("[a]\nbaseurl=file:///srv\n")))
