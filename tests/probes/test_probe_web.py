"""Probes of the web server: where each site is asked, what is a value, what is absent."""

from collections.abc import Mapping

import pytest
from fakes import FakeHost, command, content, context, layout
from msgspec import Struct

from iwx_agent.host import (
    AskSockets,
    DirectoryEntry,
    DirectoryListing,
    FileStatus,
    GreetingAnswer,
    HostError,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    Stat,
    TcpGreeting,
)
from iwx_agent.model import ListeningSocket, ListeningSockets, ParseError
from iwx_agent.parsers import systemctl
from iwx_agent.probes import Context, web

Answers = Mapping[Question, Struct | HostError | list[Struct | HostError]]

CONF = "/etc/httpd/conf.d"
OWN = "|-- 192.0.2.7\n   /32 host LOCAL\n|-- 127.0.0.1\n   /32 host LOCAL\n"
NO_SOCKETS = ListeningSockets(entries=())
PRESENT = FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755)


def vhost(name: str, *, address: str = "192.0.2.7", tls: bool = True, plain: bool = True) -> str:
    blocks = ""
    if plain:
        blocks += f"<VirtualHost {address}:80>\nServerName {name}\nServerAlias www.{name}\n</VirtualHost>\n"
    if tls:
        blocks += (
            f"<VirtualHost {address}:443>\nServerName {name}\nServerAlias www.{name}\nSSLEngine on\n"
            f"SSLCertificateFile /ssl/{name}.crt\n</VirtualHost>\n"
        )
    return blocks


def sites(files: Mapping[str, str | HostError], *more: str) -> dict[Question, Struct | HostError]:
    names = sorted([*files, *more])
    answers: dict[Question, Struct | HostError] = {
        ListDirectory(path=CONF): DirectoryListing(
            entries=tuple(DirectoryEntry(name=name, kind="file") for name in names)
        ),
        ReadFile(path="/proc/net/fib_trie"): content(OWN),
        ReadFile(path="/proc/net/if_inet6"): HostError("not_found", "no such file", "/proc/net/if_inet6"),
        AskSockets(): NO_SOCKETS,
    }
    for name, text in files.items():
        answers[ReadFile(path=f"{CONF}/{name}")] = content(text) if isinstance(text, str) else text
    return answers


def systemd(**states: str) -> dict[Question, Struct | HostError]:
    """Every unit of the layout, all of them not there but those given as name="ActiveState UnitFileState"."""
    names = layout().everything("unit")
    blocks = []
    for name in names:
        known = states.get(name.removesuffix(".service").replace("-", "_"))
        active, enabled = known.split() if known else ("inactive", "")
        load = "masked" if enabled == "masked" else "loaded" if known else "not-found"
        blocks.append(
            f"Id={name}\nLoadState={load}\nActiveState={active}\nSubState=x\nUnitFileState={enabled}\n"
        )
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(systemctl.PROPERTIES), "--", *names)
    return {RunCommand(argv=argv): command(argv, "\n".join(blocks))}


def page(url: str, status: int = 200, address: str = "192.0.2.7", **headers: str) -> dict[Question, Struct]:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    answer = HttpAnswer(url=url, status=status, headers=pairs, body=b"<title>t</title>", duration_s=0.1)
    return {HttpGet(url=url, address=address): answer}


def run(context: Context) -> FakeHost:
    assert isinstance(context.resample, FakeHost)
    return context.resample


def test_a_sample_of_many_sites_is_spread_and_default_files_are_left_out() -> None:
    files = {f"vhost_s{n:02}.example.com.conf": vhost(f"s{n:02}.example.com") for n in range(30)}
    asked = context(sites(files, "vhost_000_default.conf", "ssl.conf", "vhost_x.conf.rpmsave"))
    found = web.configured_sites(asked)
    names = [site.name for site in found.sampled]
    assert (found.files_count, len(names)) == (30, 12)
    assert (names[0], names[-1]) == ("s00.example.com", "s29.example.com")
    assert names == [s.name for s in web.configured_sites(context(sites(files))).sampled]
    assert len([q for q in run(asked).asked if isinstance(q, ReadFile)]) == 12


def test_files_that_cannot_be_used_are_named() -> None:
    denied = HostError("permission", "permission denied", "f")
    found = web.configured_sites(
        context(
            sites(
                {
                    "vhost_a.conf": vhost("a.example.com"),
                    "vhost_b.conf": denied,
                    "vhost_c.conf": "<VirtualHost *:80>\n",
                    "vhost_d.conf": "# suspended\n",
                }
            )
        )
    )
    assert [site.name for site in found.sampled] == ["a.example.com"]
    assert [line.split(":")[0] for line in found.unread] == [f"{CONF}/vhost_{n}.conf" for n in "bcd"]


def test_a_hanging_file_is_not_read_around() -> None:
    hanging = HostError("timeout", "no answer within 5 s", "f")
    with pytest.raises(HostError, match="no answer within 5 s"):
        web.configured_sites(context(sites({"vhost_a.conf": hanging})))


def test_no_site_is_absent() -> None:
    with pytest.raises(HostError) as caught:
        web.configured_sites(context(sites({}, "vhost_000_default.conf")))
    assert caught.value.kind == "not_found"


def test_each_site_is_asked_over_tls_at_its_own_address() -> None:
    asked = context(
        {
            **systemd(httpd="active enabled"),
            **sites(
                {
                    "vhost_a.conf": vhost("a.example.com"),
                    "vhost_b.conf": vhost("b.example.com", tls=False),
                    "vhost_c.conf": vhost("c.example.com", address="*"),
                    "vhost_d.conf": vhost("d.example.com", address="198.51.100.9"),
                    "vhost_e.conf": "no blocks",
                }
            ),
            **page("https://a.example.com/"),
            **page("http://b.example.com/", 404),
            HttpGet(url="https://c.example.com/"): HostError("timeout", "no answer", "c"),
        }
    )
    found = web.web_sites(asked)
    assert [(a.name, a.page.outcome, a.page.status) for a in found.answers] == [
        ("a.example.com", "answered", 200),
        ("b.example.com", "answered", 404),
        ("c.example.com", "silent", 0),
    ]
    assert found.not_asked[0] == "d.example.com: its address 198.51.100.9 is not one of this machine's"
    assert found.files_count == 5


def test_unknown_own_addresses_mean_loopback() -> None:
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com", tls=False)}),
        **page("http://a.example.com/", address="127.0.0.1"),
        ReadFile(path="/proc/net/fib_trie"): HostError("not_found", "no such file", "f"),
    }
    assert web.web_sites(context(answers)).answers[0].page.status == 200


def test_sites_that_are_all_elsewhere_are_unknown_not_well() -> None:
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com", address="198.51.100.9")}),
    }
    with pytest.raises(HostError) as caught:
        web.web_sites(context(answers))
    assert caught.value.kind == "failed"


@pytest.mark.parametrize(
    "location",
    [
        "http://a.example.com/x?y=1#z",
        "http://www.a.example.com/x?y=1",
        "HTTP://A.example.com/x?y=1",
    ],
)
def test_a_redirect_of_a_site_to_itself_is_followed_once(location: str) -> None:
    host = "www.a.example.com" if "www" in location else "a.example.com"
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com")}),
        **page("https://a.example.com/", 301, location=location),
        **page(f"http://{host}/x?y=1", 500),
    }
    (answer,) = web.web_sites(context(answers)).answers
    assert answer.page.status == 500
    assert answer.asked_first is not None
    assert answer.asked_first.status == 301


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (301, "https://elsewhere.example.net/"),
        (301, "https://a.example.com/"),
        (301, "/relative"),
        (301, "https://a.example.com:8443/"),
        (301, "ftp://a.example.com/"),
        (301, "https://a.example.com/" + "x" * 2000),
        (301, "https://a.example.com/über-uns"),
        (301, "https://a.example.com/a b"),
        (200, "http://a.example.com/"),
        (301, ""),
    ],
)
def test_any_other_redirect_is_an_answer(status: int, location: str) -> None:
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com")}),
        **page("https://a.example.com/", status, location=location),
    }
    (answer,) = web.web_sites(context(answers)).answers
    assert (answer.page.status, answer.asked_first) == (status, None)


@pytest.mark.parametrize(("duration_s", "followed"), [(1.0, True), (1.1, False), (4.5, False)])
def test_a_redirect_after_a_slow_answer_is_not_followed(duration_s: float, followed: bool) -> None:
    url = "https://a.example.com/"
    slow = HttpAnswer(
        url=url, status=301, headers=(("location", "http://a.example.com/"),), body=b"", duration_s=duration_s
    )
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com")}),
        HttpGet(url=url, address="192.0.2.7"): slow,
        **page("http://a.example.com/"),
    }
    assert (web.web_sites(context(answers)).answers[0].asked_first is not None) is followed


def test_both_ports_are_asked_where_they_answer() -> None:
    greeting = GreetingAnswer(data=b"", duration_s=0.01, certificate=b"x")
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com")}),
        **page("http://localhost/", 404, address="192.0.2.7"),
        AskSockets(): ListeningSockets(
            entries=(ListeningSocket(protocol="tcp", address="192.0.2.7", port=80),)
        ),
        TcpGreeting(port=443, address="192.0.2.7", tls=True, server_name="a.example.com"): greeting,
    }
    found = web.web_server(context(answers))
    assert (found.plain.status, found.plain.address, found.tls.outcome) == (404, "192.0.2.7", "greeted")
    assert (found.unit, found.programs) == ("httpd.service", ("httpd",))


def refusing(**more: object) -> dict[Question, Struct | HostError]:
    refused = HostError("refused", "connection refused", "t")
    return {
        HttpGet(url="http://localhost/"): refused,
        TcpGreeting(port=443, tls=True): refused,
    }


def test_refusals_are_values() -> None:
    gone = HostError("not_found", "no such directory", CONF)
    answers = {
        **systemd(httpd="failed enabled"),
        **refusing(),
        ListDirectory(path=CONF): gone,
        AskSockets(): HostError("failed", "no sockets", "s"),
    }
    found = web.web_server(context(answers))
    assert (found.plain.outcome, found.tls.outcome) == ("refused", "refused")


@pytest.mark.parametrize(
    ("state", "has_site", "listening", "absent"),
    [
        ("inactive masked", True, False, True),
        ("inactive disabled", False, False, True),
        ("inactive disabled", True, False, False),
        ("inactive disabled", False, True, False),
        ("failed disabled", False, False, False),
        ("inactive enabled", False, False, False),
    ],
)
def test_a_server_that_was_switched_off_is_absent(
    state: str, has_site: bool, listening: bool, absent: bool
) -> None:
    files = {"vhost_a.conf": vhost("a.example.com", tls=False)} if has_site else {}
    bound = (ListeningSocket(protocol="tcp", address="0.0.0.0", port=80),) if listening else ()
    answers = {
        **systemd(httpd=state),
        **sites(files),
        **refusing(),
        AskSockets(): ListeningSockets(entries=bound),
    }
    if absent:
        with pytest.raises(HostError) as caught:
            web.web_server(context(answers))
        assert caught.value.kind == "not_found"
    else:
        assert web.web_server(context(answers)).plain.outcome == "refused"


def test_a_machine_without_apache_has_no_web_server() -> None:
    gone = HostError("not_found", "no such directory", "/etc/httpd")
    with pytest.raises(HostError) as caught:
        web.web_server(context({**systemd(), Stat(path="/etc/httpd"): gone}))
    assert caught.value.kind == "not_found"


def test_a_systemd_that_does_not_answer_does_not_hide_a_dead_server() -> None:
    argv = next(iter(systemd()))
    answers = {
        argv: HostError("timeout", "no answer", "systemctl"),
        Stat(path="/etc/httpd"): PRESENT,
        **sites({"vhost_a.conf": vhost("a.example.com", tls=False)}),
        **refusing(),
    }
    assert web.web_server(context(answers)).plain.outcome == "refused"


TEST = RunCommand(argv=("httpd", "-t"))
JOURNAL = RunCommand(argv=("journalctl", "--no-pager", "-o", "json", "-n", "20", "-u", "httpd.service"))


def test_while_all_is_well_nothing_is_tested_and_no_journal_read() -> None:
    answers = {
        **systemd(httpd="active enabled"),
        **sites({"vhost_a.conf": vhost("a.example.com", tls=False)}),
        **page("http://localhost/", address="127.0.0.1"),
        TcpGreeting(port=443, tls=True): HostError("refused", "refused", "t"),
    }
    assert web.web_config_test(context(answers)).outcome == "not_needed"
    assert web.web_journal(context(answers)).lines == ()


def dead() -> dict[Question, Struct | HostError]:
    return {**systemd(httpd="failed enabled"), **sites({}), **refusing()}


def test_a_dead_server_is_tested() -> None:
    text = "AH00526: Syntax error on line 21 of /etc/httpd/conf/httpd.conf:\nInvalid command\n"
    failed = web.web_config_test(
        context({**dead(), TEST: command(("httpd", "-t"), stderr=text, exit_code=1)})
    )
    assert (failed.outcome, failed.place) == ("failed", "/etc/httpd/conf/httpd.conf:21")
    passed = web.web_config_test(context({**dead(), TEST: command(("httpd", "-t"), stderr="Syntax OK\n")}))
    assert passed.outcome == "passed"


def test_a_test_that_ends_without_a_verdict_or_a_word_is_no_verdict() -> None:
    from iwx_agent.host import CommandAnswer

    hung = CommandAnswer(
        argv=("httpd", "-t"), exit_code=None, stdout=b"", stderr=b"", duration_s=6.0, timed_out=True
    )
    with pytest.raises(HostError):
        web.web_config_test(context({**dead(), TEST: hung}))
    with pytest.raises(ParseError):
        web.web_config_test(context({**dead(), TEST: command(("httpd", "-t"), exit_code=1)}))


def test_a_dead_server_has_a_journal() -> None:
    line = '{"__REALTIME_TIMESTAMP":"1795451255000000","SYSLOG_IDENTIFIER":"httpd","MESSAGE":"no sockets"}\n'
    found = web.web_journal(context({**dead(), JOURNAL: command(JOURNAL.argv, line)}))
    assert [(entry.text, entry.at) for entry in found.lines] == [("httpd: no sockets", 1795451255.0)]
    with pytest.raises(HostError, match="No journal files"):
        web.web_journal(
            context({**dead(), JOURNAL: command(JOURNAL.argv, exit_code=1, stderr="No journal files")})
        )


def test_certificates_are_those_that_are_served() -> None:
    from pathlib import Path

    der = (Path(__file__).parent.parent / "parsers/captures/x509/expired.der").read_bytes()

    def greeting(name: str) -> TcpGreeting:
        return TcpGreeting(port=443, address="192.0.2.7", tls=True, server_name=name)

    answers = {
        **systemd(httpd="active enabled"),
        **sites(
            {
                "vhost_a.conf": vhost("a.example.com"),
                "vhost_b.conf": vhost("b.example.com", tls=False),
                "vhost_c.conf": vhost("c.example.com"),
                "vhost_d.conf": vhost("d.example.com"),
                "vhost_e.conf": vhost("e.example.com", address="198.51.100.9"),
            }
        ),
        greeting("a.example.com"): GreetingAnswer(data=b"", duration_s=0.0, certificate=der),
        greeting("c.example.com"): HostError("tls", "handshake failure", "c"),
        greeting("d.example.com"): GreetingAnswer(data=b"", duration_s=0.0),
    }
    found = web.web_certificates(context(answers))
    (served,) = found.served
    assert (served.name, served.subject, served.self_issued) == (
        "a.example.com",
        "site03.example.invalid",
        True,
    )
    assert (served.file, len(served.fingerprint)) == ("/ssl/a.example.com.crt", 64)
    assert [line.split(":")[0] for line in found.not_told] == [
        "c.example.com",
        "d.example.com",
        "e.example.com",
    ]


def test_no_tls_is_absent_no_certificate_unknown_and_the_budget_is_told() -> None:
    base = systemd(httpd="active enabled")
    plain = sites({"vhost_a.conf": vhost("a.example.com", tls=False)})
    with pytest.raises(HostError) as caught:
        web.web_certificates(context({**base, **plain}))
    assert caught.value.kind == "not_found"
    question = TcpGreeting(port=443, address="192.0.2.7", tls=True, server_name="a.example.com")
    tls = sites({"vhost_a.conf": vhost("a.example.com")})
    for kind, expected in (("refused", "failed"), ("over_budget", "over_budget")):
        error = HostError(kind, "why", "q")  # type: ignore[arg-type]
        with pytest.raises(HostError) as caught:
            web.web_certificates(context({**base, **tls, question: error}))
        assert caught.value.kind == expected


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (3, [0, 1, 2]), (4, [0, 1, 3]), (100, [0, 49, 99])])
def test_spread(count: int, places: list[int]) -> None:
    assert list(web.spread(range(count), 3)) == places
