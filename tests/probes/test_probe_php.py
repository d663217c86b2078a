"""Probes of the sites' PHP."""

import pytest
from fakes import NOW_AT, command, content, context, layout
from msgspec import Struct

from iwx_agent.host import (
    DirectoryEntry,
    DirectoryListing,
    GreetingAnswer,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    TailFile,
    TcpGreeting,
    UnixGreeting,
)
from iwx_agent.parsers import systemctl
from iwx_agent.probes import php

BASE = "/etc/php-fpm.d"
REMI = "/etc/opt/remi/php82/php-fpm.d"
LOG = "/var/log/php-fpm/error.log"
REMI_LOG = "/var/opt/remi/php82/log/php-fpm/error.log"
ACCEPTED = GreetingAnswer(data=b"", duration_s=0.01)
Answers = dict[Question, Struct | HostError | list[Struct | HostError]]


def systemd(**states: str) -> Answers:
    names = layout().everything("unit")
    blocks = []
    for name in names:
        active = states.get(name.removesuffix(".service").replace("-", "_"))
        blocks.append(
            f"Id={name}\nLoadState={'loaded' if active else 'not-found'}\n"
            f"ActiveState={active or 'inactive'}\n"
        )
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names)
    return {RunCommand(argv=argv): command(argv, "\n".join(blocks))}


def directory(path: str, *names: str) -> Answers:
    entries = tuple(DirectoryEntry(name=name, kind="file") for name in names)
    return {ListDirectory(path=path): DirectoryListing(entries=entries)}


def gone(what: str) -> HostError:
    return HostError("not_found", "no such file", what)


def test_pools_of_all_running_services_are_asked() -> None:
    answers: Answers = {
        **systemd(php_fpm="active", php82_php_fpm="active"),
        **directory(BASE, "www.conf", "www.conf.rpmnew"),
        **directory(REMI, "a.conf", "bad.conf"),
        ReadFile(path=f"{BASE}/www.conf"): content(
            "[www]\nlisten = /run/php-fpm/www.sock\n[b]\nlisten=9001\n"
        ),
        ReadFile(path=f"{REMI}/a.conf"): content(
            "[a]\nlisten = 0.0.0.0:9002\n[gone]\nlisten = /run/gone.sock\n"
        ),
        ReadFile(path=f"{REMI}/bad.conf"): content("nonsense\n"),
        ReadFile(path="/proc/net/fib_trie"): gone("fib_trie"),
        UnixGreeting(path="/run/php-fpm/www.sock"): ACCEPTED,
        UnixGreeting(path="/run/gone.sock"): gone("unix /run/gone.sock"),
        TcpGreeting(port=9001): HostError("refused", "connection refused", "tcp"),
        TcpGreeting(port=9002): ACCEPTED,
    }
    from iwx_agent.host import AskSockets
    from iwx_agent.model import ListeningSockets

    answers[AskSockets()] = ListeningSockets(entries=())
    found = php.php_fpm(context(answers))
    assert [(p.name, p.unit, p.answer.outcome) for p in found.pools] == [
        ("www", "php-fpm.service", "greeted"),
        ("b", "php-fpm.service", "refused"),
        ("a", "php82-php-fpm.service", "greeted"),
        ("gone", "php82-php-fpm.service", "refused"),
    ]
    assert found.pools[3].answer.detail == "there is no such socket"
    assert found.pools_count == {"php-fpm.service": 1, "php82-php-fpm.service": 2}
    assert found.unread[0].startswith(f"{REMI}/bad.conf: ")


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:0", "127.0.0.1:70000", "198.51.100.9:9000"])
def test_a_socket_that_is_none_or_elsewhere_is_not_asked(listen: str) -> None:
    answers: Answers = {
        **systemd(php_fpm="active"),
        **directory(BASE, "www.conf"),
        ReadFile(path=f"{BASE}/www.conf"): content(f"[www]\nlisten = {listen}\n"),
        ReadFile(path="/proc/net/fib_trie"): content("|-- 127.0.0.1\n/32 host LOCAL\n"),
        ReadFile(path="/proc/net/if_inet6"): content("0" * 31 + "1 01 80 10 80 lo\n"),
    }
    assert php.php_fpm(context(answers)).pools == ()


def test_pools_of_a_stopped_service_are_counted_and_not_asked() -> None:
    answers = {**systemd(php_fpm="failed"), **directory(BASE, "a.conf", "b.conf")}
    found = php.php_fpm(context(answers))
    assert (found.pools, found.pools_count) == ((), {"php-fpm.service": 2})


def test_a_service_without_a_pool_directory_has_no_pools_and_an_unreadable_one_is_told() -> None:
    answers = {**systemd(php_fpm="active"), ListDirectory(path=BASE): gone(BASE)}
    assert php.php_fpm(context(answers)).pools_count == {"php-fpm.service": 0}
    answers[ListDirectory(path=BASE)] = HostError("permission", "permission denied", BASE)
    with pytest.raises(HostError, match="permission denied"):
        php.php_fpm(context(answers))


def test_many_pools_are_sampled() -> None:
    names = [f"s{number:03}.conf" for number in range(200)]
    answers: Answers = {**systemd(php_fpm="active"), **directory(BASE, *names)}
    for name in names:
        answers[ReadFile(path=f"{BASE}/{name}")] = content(f"[{name}]\nlisten = /run/{name}\n")
        answers[UnixGreeting(path=f"/run/{name}")] = ACCEPTED
    found = php.php_fpm(context(answers))
    assert (len(found.pools), found.pools_count) == (24, {"php-fpm.service": 200})


def test_a_socket_that_could_not_be_asked_says_so() -> None:
    answers: Answers = {
        **systemd(php_fpm="active"),
        **directory(BASE, "a.conf"),
        ReadFile(path=f"{BASE}/a.conf"): content("[a]\nlisten = /run/a\n"),
        UnixGreeting(path="/run/a"): HostError("over_budget", "the budget is over", "unix"),
    }
    with pytest.raises(HostError, match="budget"):
        php.php_fpm(context(answers))


def test_without_a_service_there_is_no_php_fpm() -> None:
    for ask in (php.php_fpm, php.php_fpm_log):
        with pytest.raises(HostError) as caught:
            ask(context(systemd()))
        assert caught.value.kind == "not_found"


def test_logs_of_all_services_are_read_and_a_missing_one_says_nothing() -> None:
    text = "[23-Nov-2026 16:06:40] WARNING: [pool a] server reached pm.max_children setting (5), consider\n"
    answers: Answers = {
        **systemd(php_fpm="active", php82_php_fpm="active"),
        TailFile(path=LOG): gone(LOG),
        TailFile(path=REMI_LOG): content(text, modified_at=NOW_AT),
    }
    (reached,) = php.php_fpm_log(context(answers)).reached
    assert (reached.pool, reached.line.source, reached.line.at) == ("a", REMI_LOG, NOW_AT)
    answers[TailFile(path=LOG)] = HostError("failed", "Input/output error", LOG)
    with pytest.raises(HostError, match="Input/output"):
        php.php_fpm_log(context(answers))
