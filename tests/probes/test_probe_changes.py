"""What was done of late and what the server is: each question, its bounds, and what is not told."""

import pytest
from fakes import command, content, context, layout

from iwx_agent.host import (
    CommandAnswer,
    DirectoryEntry,
    DirectoryListing,
    HostError,
    ListDirectory,
    ReadFile,
    RunCommand,
    TailFile,
)
from iwx_agent.model import ParseError
from iwx_agent.model.changes import Extent, OperatingSystem
from iwx_agent.parsers.unit_events import MESSAGE_IDS
from iwx_agent.probes import PROBES as OF_CHECKS
from iwx_agent.probes import changes, cluster
from iwx_agent.probes.changes import (
    PROBES,
    boot_records,
    config_edits,
    extent,
    operating_system,
    unit_events,
)

JOURNAL = (
    *("journalctl", "-q", "--no-pager", "-o", "json", "--since=-24h", "-n", "300", "_PID=1"),
    *(f"UNIT={unit}" for unit in layout().everything("unit")),
    *(f"MESSAGE_ID={message}" for message in MESSAGE_IDS),
)
FIND = (
    *("find", "-P", *layout().words("words.config_places")),
    *("-maxdepth", "4", "-xdev", "-type", "f", "-mtime", "-1", "!", "-path", "*[[:cntrl:]]*"),
    *("-printf", "%T@ %p\\n"),
)
STARTED = (
    '{"MESSAGE_ID":"39f53479d3a045ac8e11786248231fbf","UNIT":"httpd.service",'
    '"__REALTIME_TIMESTAMP":"1795449000000000"}\n'
)


def ended(argv: tuple[str, ...], *, truncated: bool = False, stdout: str = "") -> CommandAnswer:
    """A command that was ended at its deadline, or for too much output."""
    return CommandAnswer(
        argv=argv,
        exit_code=None,
        stdout=stdout.encode(),
        stderr=b"",
        duration_s=6.0,
        timed_out=not truncated,
        truncated=truncated,
    )


def test_no_check_pays_for_these_questions() -> None:
    assert {probe.fact for probe in PROBES} & {probe.fact for probe in OF_CHECKS} == set()
    assert [probe.fact for probe in PROBES] == [
        *("unit_events", "config_edits", "boot_records", "operating_system", "server_role", "extent"),
    ]


def test_only_systemd_is_believed_and_only_of_known_units() -> None:
    made = unit_events(context({RunCommand(argv=JOURNAL): command(JOURNAL, STARTED)}))
    assert [(event.unit, event.kind) for event in made.entries] == [("httpd.service", "started")]
    assert not made.truncated


def test_many_messages_are_the_newest_and_it_is_said() -> None:
    assert unit_events(context({RunCommand(argv=JOURNAL): command(JOURNAL, STARTED * 300)})).truncated
    cut = ended(JOURNAL, truncated=True, stdout=STARTED + STARTED[:20])
    made = unit_events(context({RunCommand(argv=JOURNAL): cut}))
    assert (len(made.entries), made.truncated) == (1, True)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ended(JOURNAL), "no answer within 6 s"),
        (
            command(JOURNAL, exit_code=1, stderr="No journal files were found."),
            "No journal files were found.",
        ),
        (command(JOURNAL, exit_code=1), "exit 1"),
    ],
)
def test_a_journal_that_does_not_tell_is_no_empty_one(answer: CommandAnswer, why: str) -> None:
    with pytest.raises(HostError) as error:
        unit_events(context({RunCommand(argv=JOURNAL): answer}))
    assert error.value.reason == why


def test_places_that_are_not_there_do_not_matter() -> None:
    answer = command(
        FIND,
        "1795449000.5 /etc/my.cnf\n",
        exit_code=1,
        stderr="find: '/etc/csf': No such file or directory\n",
    )
    made = config_edits(context({RunCommand(argv=FIND): answer}))
    assert ([file.path for file in made.entries], made.unread) == (["/etc/my.cnf"], "")


@pytest.mark.parametrize(
    ("answer", "unread"),
    [
        (
            command(FIND, exit_code=1, stderr="find: '/etc/csf': Permission denied\n"),
            "find: '/etc/csf': Perm",
        ),
        (ended(FIND, truncated=True, stdout="1 /etc/a\n1 /e"), "there are more than were listed"),
        (command(FIND), ""),
    ],
)
def test_what_was_not_seen_is_said(answer: CommandAnswer, unread: str) -> None:
    assert config_edits(context({RunCommand(argv=FIND): answer})).unread[:22] == unread[:22]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ended(FIND), "no answer within 6 s"),
        (command(FIND, exit_code=2, stderr="find: bad"), "find: bad"),
        (command(FIND, exit_code=2), "exit 2"),
    ],
)
def test_a_search_that_does_not_end_is_no_empty_one(answer: CommandAnswer, why: str) -> None:
    with pytest.raises(HostError) as error:
        config_edits(context({RunCommand(argv=FIND): answer}))
    assert error.value.reason == why


def test_boots_are_read_from_the_end_of_the_file() -> None:
    made = boot_records(context({TailFile(path="/var/log/wtmp"): content(b"")}))
    assert (made.entries, made.source) == ((), "/var/log/wtmp")
    with pytest.raises(ParseError):
        boot_records(context({TailFile(path="/var/log/wtmp"): content(b"x")}))


def test_the_system_and_its_kernel() -> None:
    made = operating_system(
        context(
            {
                ReadFile(path="/etc/os-release"): content("NAME=A\nVERSION_ID=9\n"),
                ReadFile(path="/proc/sys/kernel/osrelease"): content("5.14.0\n"),
            }
        )
    )
    assert made == OperatingSystem(name="A 9", kernel="5.14.0")


def listing(*names: str, kind: str = "directory", truncated: bool = False) -> DirectoryListing:
    entries = tuple(DirectoryEntry(name=name, kind=kind) for name in names)  # type: ignore[arg-type]
    return DirectoryListing(entries=entries, truncated=truncated)


MAIL = ListDirectory(path="/home/vpopmail/domains")
DATA = ListDirectory(path="/var/lib/mysql")


def test_what_lives_here_is_counted_by_directories() -> None:
    made = extent(
        context({MAIL: listing("example.com", ".x", "example.org"), DATA: listing("mysql", "sys", "shop")})
    )
    assert made == Extent(mail_domains_count=2, databases_count=1)


def test_what_cannot_be_counted_is_none_and_more_is_said() -> None:
    gone = HostError("not_found", "no", "x")
    made = extent(context({MAIL: gone, DATA: listing("shop", truncated=True)}))
    assert made == Extent(mail_domains_count=None, databases_count=1, at_least=True)
    files = extent(context({MAIL: listing("a", kind="file"), DATA: gone}))
    assert files == Extent(mail_domains_count=0, databases_count=None)


def test_the_part_in_a_cluster_is_the_one_of_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = context({})
    monkeypatch.setattr(cluster, "cluster_role", lambda asked: asked)
    assert changes.server_role(seen) is seen  # type: ignore[comparison-overlap]
