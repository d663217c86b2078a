"""Probes of the panel: its unit, processes, ports, PHP and cron; what is asked, and what is left alone."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes import NOW_AT, FakeHost, clock, command, content, layout, run
from msgspec import Struct

from iwx_agent.host import (
    AskClock,
    AskProcesses,
    AskSockets,
    CommandAnswer,
    DirectoryEntry,
    DirectoryListing,
    GreetingAnswer,
    HostError,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    Stat,
    TailFile,
    UnixGreeting,
)
from iwx_agent.host.answers import FileStatus
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model import ListeningSocket, ListeningSockets, Process, Processes
from iwx_agent.parsers.systemctl import PROPERTIES
from iwx_agent.probes import Context
from iwx_agent.probes import panel as probes

CAPTURES = Path(__file__).parents[1] / "parsers" / "captures" / "journal"
PAGE = HttpGet(url="https://localhost:2443/nodeworx/")
HOME = "/usr/local/interworx"
JOURNALCTL = ("journalctl", "-q", "--no-pager", "-o", "json")
CRON_FEW = run(*JOURNALCTL, "-t", "CROND", "-b", "-r", "-n", "200")
CRON_MANY = run(*JOURNALCTL, "-t", "CROND", "-b", "-r", "-n", "6000")
NEWEST = run(*JOURNALCTL, "-n", "1")
CRON_LOG = TailFile(path="/var/log/cron")
JOB = "(iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)"
Answers = dict[Question, Struct | HostError]


def error(kind: ErrorKind) -> HostError:
    return HostError(kind, f"{kind}, the machine said", "source")


def systemctl(**states: str) -> Answers:
    names = layout().everything("unit")
    blocks = []
    for name in names:
        active = states.get(name.removesuffix(".service").replace("-", "_"), "")
        load = "loaded" if active else "not-found"
        blocks.append(f"Id={name}\nLoadState={load}\nActiveState={active or 'inactive'}\n")
    argv = ("systemctl", "show", "--no-pager", "--property=" + ",".join(PROPERTIES), "--", *names)
    return {RunCommand(argv=argv): command(argv, "\n".join(blocks))}


def page(status: int | HostError) -> Answers:
    if isinstance(status, HostError):
        return {PAGE: status}
    return {PAGE: HttpAnswer(url=PAGE.url, status=status, headers=(), body=b"", duration_s=0.1)}


def process(name: str, title: str = "", *, state: str = "S", user: str = "root") -> Process:
    return Process(pid=7, parent_pid=1, name=name, user=user, state=state, started_at=0.0, title=title)


def running(*rows: Process) -> Answers:
    return {AskProcesses(): Processes(entries=rows)}


def listening(*rows: tuple[int, str]) -> Answers:
    entries = tuple(
        ListeningSocket(
            protocol="tcp", address="0.0.0.0", port=port, pid=7 if name else None, process_name=name
        )
        for port, name in rows
    )
    return {AskSockets(): ListeningSockets(entries=entries)}


def installed(version: str) -> Answers:
    rpm = run("rpm", "-q", "--qf", "%{VERSION}\\n", "interworx")
    return {
        Stat(path=HOME): FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755),
        rpm: command(rpm.argv, f"{version}\n") if version else command(rpm.argv, exit_code=1),
    }


def entries(*lines: tuple[float, str]) -> str:
    return "".join(
        json.dumps({"__REALTIME_TIMESTAMP": str(int((NOW_AT - age_s) * 1e6)), "MESSAGE": text}) + "\n"
        for age_s, text in lines
    )


def journal(question: RunCommand, *lines: tuple[float, str]) -> Answers:
    return {question: command(question.argv, entries(*lines))}


def asked(*parts: Mapping[Question, Struct | HostError]) -> Context:
    return Context(
        FakeHost({question: answer for part in parts for question, answer in part.items()}), layout()
    )


def sources(context: Context) -> list[str]:
    host = context.resample
    assert isinstance(host, FakeHost)
    return [question.source for question in host.asked]


CROND = {**systemctl(crond="active"), **running(process("crond"))}


def test_both_pages_are_asked_by_name_over_loopback() -> None:
    plain = HttpGet(url="http://localhost:2080/nodeworx/")
    context = asked(page(200), {plain: error("refused")})
    assert (probes.nodeworx_https(context).url, probes.nodeworx_https(context).status) == (PAGE.url, 200)
    assert (probes.nodeworx_http(context).url, probes.nodeworx_http(context).outcome) == (
        plain.url,
        "refused",
    )


def test_the_panels_unit_is_told_and_an_unknown_one_is_absent() -> None:
    assert probes.panel_unit(asked(systemctl(iworx="failed"))).failed
    with pytest.raises(HostError) as caught:
        probes.panel_unit(asked(systemctl()))
    assert (caught.value.kind, "iworx.service" in caught.value.reason) == ("not_found", True)


def test_processes_are_known_by_name_or_by_program_and_zombies_do_not_run() -> None:
    found = probes.panel_processes(
        asked(
            running(
                process("iworx-web", f"{HOME}/bin/httpd/iworx-web -f"),
                process("httpd", f"{HOME}/bin/httpd/httpd -f"),
                process("httpd", "/usr/sbin/httpd -DFOREGROUND"),
                process("iworx-db", state="Z"),
                process("mariadbd", f"{HOME}/mysql/sbin/mariadbd --defaults-file=x"),
                process("mariadbd", "/usr/sbin/mariadbd"),
                process("php-fpm", "php-fpm: pool iworx-web"),
                process("php-fpm", f"php-fpm: master process ({HOME}/etc/php-fpm.conf)"),
                process("php-fpm", "php-fpm: pool www"),
                process("vim", f"vim {HOME}/etc/php-fpm.conf"),
            )
        )
    )
    assert [p.title for p in found.web] == [f"{HOME}/bin/httpd/iworx-web -f", f"{HOME}/bin/httpd/httpd -f"]
    assert [p.name for p in found.database] == ["mariadbd"]
    assert [p.title for p in found.php] == [
        "php-fpm: pool iworx-web",
        f"php-fpm: master process ({HOME}/etc/php-fpm.conf)",
    ]
    assert (found.web_name, found.database_name) == ("iworx-web", "iworx-db")


def test_the_holders_of_the_panels_ports_are_told() -> None:
    held = probes.panel_ports(asked(listening((2443, "iworx-web"), (80, "httpd"), (2080, "nginx"))))
    assert [(h.port, h.process_name) for h in held.holders] == [(2443, "iworx-web"), (2080, "nginx")]
    assert held.ports == (2443, 2080)


def test_a_holder_without_a_name_is_unknown_unless_the_web_server_is_seen() -> None:
    unnamed = listening((2443, ""))
    with pytest.raises(HostError) as caught:
        probes.panel_ports(asked(unnamed, running()))
    assert caught.value.kind == "permission"
    assert len(probes.panel_ports(asked(unnamed, running(process("iworx-web")))).holders) == 1


def test_no_log_is_read_while_the_panel_works() -> None:
    context = asked(systemctl(iworx="active", iworxphp82_php_fpm="active"), page(200), installed("8.2.1"))
    assert probes.panel_start_log(context) == ()
    assert probes.panel_php_journal(context) == ()
    assert probes.panel_php_sockets(context).answers == ()
    assert not any("journalctl" in source for source in sources(context))


def test_the_journal_and_the_last_lines_of_the_start_log_are_told() -> None:
    unit_log = run(*JOURNALCTL, "-u", "iworx.service", "-n", "20")
    told = (CAPTURES / "iworx.json").read_text()
    start_log: Answers = {
        TailFile(path=f"{HOME}/var/log/iworx-init.log"): content("\n".join(f"line {n}" for n in range(30)))
    }
    lines = probes.panel_start_log(
        asked(
            systemctl(iworx="failed"),
            page(error("refused")),
            {unit_log: command(unit_log.argv, told)},
            start_log,
        )
    )
    assert [line.text for line in lines[:2]] == [
        "Starting iworx.service - InterWorx Control Panel (stand-in)...",
        "Started iworx.service - InterWorx Control Panel (stand-in).",
    ]
    assert lines[0].at == 1795460923.076333
    assert [line.text for line in lines[2:]] == [f"line {n}" for n in range(20, 30)]


@pytest.mark.parametrize(
    "answer", [error("not_found"), command(("journalctl",), exit_code=1), command(("journalctl",), "garbage")]
)
def test_a_log_that_cannot_be_had_is_no_line(answer: Struct | HostError) -> None:
    unit_log = run(*JOURNALCTL, "-u", "iworx.service", "-n", "20")
    start_log: Answers = {TailFile(path=f"{HOME}/var/log/iworx-init.log"): error("not_found")}
    context = asked(systemctl(iworx="inactive"), page(200), {unit_log: answer}, start_log)
    assert probes.panel_start_log(context) == ()


@pytest.mark.parametrize(
    ("version", "states", "name", "by"),
    [
        ("8.2.1", {"iworxphp82_php_fpm": "failed", "iworxphp72_php_fpm": "active"}, "82", "release 8"),
        ("7.13.4", {"iworxphp82_php_fpm": "active", "iworxphp72_php_fpm": "failed"}, "72", "release 7"),
        ("", {"iworxphp82_php_fpm": "failed", "iworxphp72_php_fpm": "active"}, "72", "what systemd knows"),
        ("", {"iworxphp82_php_fpm": "inactive", "iworxphp72_php_fpm": "failed"}, "72", "what systemd knows"),
        ("8.2.1", {"iworxphp72_php_fpm": "active"}, "72", "what systemd knows"),
        ("9.0.0", {"iworxphp82_php_fpm": "active"}, "82", "what systemd knows"),
    ],
)
def test_the_release_decides_which_php_unit_counts(
    version: str, states: dict[str, str], name: str, by: str
) -> None:
    found = probes.panel_php(asked(systemctl(**states), installed(version)))
    assert (found.unit.name, found.chosen_by) == (f"iworxphp{name}-php-fpm.service", by)


@pytest.mark.parametrize("states", [{}, {"iworxphp72_php_fpm": "inactive"}])
def test_no_known_php_unit_for_the_release_is_told_as_such(states: dict[str, str]) -> None:
    with pytest.raises(HostError) as caught:
        probes.panel_php(asked(systemctl(**states), installed("8.2.1")))
    assert caught.value.kind == "not_found"


def test_the_journal_of_a_php_unit_that_does_not_run_is_read() -> None:
    unit_log = run(*JOURNALCTL, "-u", "iworxphp82-php-fpm.service", "-n", "20")
    context = asked(
        systemctl(iworxphp82_php_fpm="failed"),
        installed("8.2.1"),
        journal(unit_log, (60, "Start request repeated")),
    )
    assert [line.text for line in probes.panel_php_journal(context)] == ["Start request repeated"]


def test_pool_sockets_are_asked_when_the_page_does_not_work() -> None:
    directory = f"{HOME}/etc/php-fpm.d"
    listing = DirectoryListing(
        entries=tuple(
            DirectoryEntry(name=name, kind="file") for name in ("a.conf", "b.conf", "c.conf", "x.rpmnew")
        )
    )
    context = asked(
        page(503),
        {
            ListDirectory(path=directory): listing,
            ReadFile(path=f"{directory}/a.conf"): content("[iworx-web]\nlisten = /run/a.sock\n"),
            ReadFile(path=f"{directory}/b.conf"): content(
                "[horde]\nlisten = /run/b.sock\n[pma]\nlisten = /run/c.sock\n"
            ),
            ReadFile(path=f"{directory}/c.conf"): content(
                "[tcp]\nlisten = 127.0.0.1:9000\n[again]\nlisten=/run/a.sock\n"
            ),
            UnixGreeting(path="/run/a.sock", expect_greeting=False): GreetingAnswer(data=b"", duration_s=0.0),
            UnixGreeting(path="/run/b.sock", expect_greeting=False): error("refused"),
            UnixGreeting(path="/run/c.sock", expect_greeting=False): error("not_found"),
        },
    )
    answers = probes.panel_php_sockets(context).answers
    assert [(answer.address, answer.outcome) for answer in answers] == [
        ("/run/a.sock", "greeted"),
        ("/run/b.sock", "refused"),
        ("/run/c.sock", "failed"),
    ]


def test_a_pool_socket_that_may_not_be_asked_is_unknown() -> None:
    directory = f"{HOME}/etc/php-fpm.d"
    context = asked(
        page(503),
        {
            ListDirectory(path=directory): DirectoryListing(
                entries=(DirectoryEntry(name="a.conf", kind="file"),)
            ),
            ReadFile(path=f"{directory}/a.conf"): content("[iworx-web]\nlisten = /run/a.sock\n"),
            UnixGreeting(path="/run/a.sock", expect_greeting=False): error("permission"),
        },
    )
    with pytest.raises(HostError):
        probes.panel_php_sockets(context)


def test_the_cron_daemon_is_its_unit_and_processes() -> None:
    daemon = probes.cron_daemon(asked(CROND))
    assert daemon.unit.running
    assert [p.name for p in daemon.processes] == ["crond"]


def test_without_a_daemon_no_log_is_asked() -> None:
    context = asked(systemctl(crond="failed"), running())
    assert probes.panel_cron(context).seen is None
    assert not any("journalctl" in source for source in sources(context))


def test_a_real_journal_tells_the_newest_run() -> None:
    real = (CAPTURES / "crond.json").read_text()
    now: Answers = {AskClock(): clock(now_at=1795461001.0 + 120)}
    cron = probes.panel_cron(asked(CROND, now, {CRON_FEW: command(CRON_FEW.argv, real)}))
    assert cron.seen is not None
    assert cron.seen.text == JOB
    assert cron.seen.at == 1795461001.379537
    assert cron.covered_from_at < cron.newest_at


def test_a_run_not_long_ago_asks_nothing_more() -> None:
    context = asked(CROND, journal(CRON_FEW, (30, "(root) CMD (x)"), (899, JOB), (1199, JOB)))
    cron = probes.panel_cron(context)
    assert cron.seen is not None
    assert cron.seen.at == NOW_AT - 899
    assert sum("journalctl" in source for source in sources(context)) == 1


def test_an_old_run_counts_when_the_journal_lives() -> None:
    context = asked(
        CROND,
        journal(CRON_FEW, (30, "(root) CMD (x)"), (3600, JOB)),
        journal(NEWEST, (5, "anything")),
        {CRON_LOG: error("not_found")},
    )
    cron = probes.panel_cron(context)
    assert cron.seen is not None
    assert (cron.seen.at, cron.newest_at) == (NOW_AT - 3600, NOW_AT - 30)


def test_a_newer_run_in_the_cron_log_wins() -> None:
    log = "Nov 23 10:00:01 h CROND[1]: (iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)\n"
    context = asked(
        CROND,
        journal(CRON_FEW, (30, "(root) CMD (x)"), (3600, JOB)),
        journal(NEWEST, (5, "anything")),
        {CRON_LOG: content(log, modified_at=NOW_AT - 100)},
    )
    cron = probes.panel_cron(context)
    assert cron.seen is not None
    assert (cron.seen.at, cron.source) == (NOW_AT - 100, "/var/log/cron")


@pytest.mark.parametrize("newest", [journal(NEWEST, (900.5, "old")), journal(NEWEST)])
def test_a_journal_that_stands_still_shows_nothing(newest: Answers) -> None:
    context = asked(CROND, journal(CRON_FEW, (3600, JOB)), newest, {CRON_LOG: error("permission")})
    with pytest.raises(HostError, match="no new entry of any program"):
        probes.panel_cron(context)


def test_a_busy_server_is_looked_at_further_back() -> None:
    others = [(float(n), "(site) CMD (x)") for n in range(200)]
    context = asked(CROND, journal(CRON_FEW, *others), journal(CRON_MANY, *others, (250, JOB)))
    cron = probes.panel_cron(context)
    assert cron.seen is not None
    assert cron.seen.at == NOW_AT - 250


@pytest.mark.parametrize(("oldest_s", "known"), [(1799.0, False), (1801.0, True)])
def test_a_job_never_seen_needs_half_an_hour_of_log(oldest_s: float, known: bool) -> None:
    context = asked(
        CROND,
        journal(CRON_FEW, (10, "(root) CMD (x)"), (oldest_s, "(root) CMD (x)")),
        journal(NEWEST, (5, "anything")),
        {CRON_LOG: error("not_found")},
    )
    if known:
        assert probes.panel_cron(context).seen is None
    else:
        with pytest.raises(HostError, match="does not reach back"):
            probes.panel_cron(context)


def test_an_unreadable_journal_leaves_the_cron_log() -> None:
    log = (
        "Nov 23 09:00:01 h CROND[1]: (iworx) CMD (./iworx.pex --fively)\n"
        "Nov 23 10:00:01 h CROND[2]: (root) CMD (x)\n"
    )
    failed: Answers = {CRON_FEW: command(CRON_FEW.argv, exit_code=1, stderr="No journal files were opened")}
    cron = probes.panel_cron(asked(CROND, failed, {CRON_LOG: content(log, modified_at=NOW_AT - 5)}))
    assert cron.seen is not None
    assert cron.seen.at == NOW_AT - 5 - 3600


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (content("Nov 23 10:00:01 h x: y\n", modified_at=NOW_AT - 7201), "for two hours"),
        (content("", modified_at=NOW_AT), "no line of the cron daemon"),
        (content("garbage\n", modified_at=NOW_AT), "expected a line"),
        (error("permission"), "permission"),
    ],
)
def test_two_unusable_logs_are_unknown_with_both_reasons(log: Struct | HostError, why: str) -> None:
    slow = CommandAnswer(
        argv=CRON_FEW.argv, exit_code=None, stdout=b"", stderr=b"", duration_s=5.0, timed_out=True
    )
    with pytest.raises(HostError) as caught:
        probes.panel_cron(asked(CROND, {CRON_FEW: slow, CRON_LOG: log}))
    assert "no answer within 5 s" in caught.value.reason
    assert why in caught.value.reason


def test_a_cut_journal_is_read_up_to_its_last_whole_line() -> None:
    whole = entries((10, JOB), (20, "(root) CMD (x)"))
    cut = CommandAnswer(
        argv=CRON_FEW.argv,
        exit_code=None,
        stdout=whole.encode()[:-9],
        stderr=b"",
        duration_s=0.1,
        truncated=True,
    )
    cron = probes.panel_cron(asked(CROND, {CRON_FEW: cut}))
    assert cron.seen is not None
    assert cron.covered_from_at == cron.newest_at == NOW_AT - 10
