"""What was heard without secrets: each recorded machine is judged as before, and no secret is left."""

import base64
import json
from typing import Any

import msgspec
import pytest
from every_answer import INFO, PAIRS
from fakes import command, content
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from redacting import FILES, KEY, SECRET, WORDS, redactor
from scenarios import NAMES, ROOTS, report_of

from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.redacted_capture import RedactedCapture, files_of, redacted_capture
from iwx_agent.app.sources import known
from iwx_agent.config import load_layout
from iwx_agent.host import (
    CommandAnswer,
    Datagram,
    DatagramAnswer,
    DirectoryEntry,
    DirectoryListing,
    DsnPlace,
    FileContent,
    FileStatus,
    GreetingAnswer,
    Host,
    HostError,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    PanelRows,
    Question,
    ReadFile,
    RunCommand,
    ScanFile,
    Stat,
    TableRows,
    TailFile,
    TcpGreeting,
)
from iwx_agent.model import Process, Processes, Report
from iwx_agent.redact import Canaries, CanaryError, Redactor, Tokens, rules
from iwx_agent.replay import Recorder, open_capture
from iwx_agent.replay.reading import replay_of
from iwx_agent.replay.redacting import Item, redacted
from iwx_agent.replay.trees import MemoryTree

KNOWN = known()
RULES = rules(load_layout().everything("secret_file"))


def judged(report: Report) -> Any:
    """Return what support acts on: which incidents, of which weight, with which priority."""
    return (
        [
            (
                [(one.code, one.subject, one.severity) for one in (incident.lead, *incident.others)],
                incident.state,
                incident.scope,
            )
            for incident in report.incidents
        ],
        report.verdict.priority,
        report.exit_code,
        [(result.check_id, result.status) for result in report.results],
    )


def capture_of(heard: list[Any], info: Any = INFO) -> RedactedCapture:
    return redacted_capture(info, heard, Redactor(RULES, Canaries(()), Tokens(KEY)))


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_judged_from_its_redacted_capture_as_from_its_own(name: str) -> None:
    host = open_capture(ROOTS / name)
    recorder = Recorder(host)
    diagnose(recorder, KNOWN, Request())
    capture = capture_of(recorder.heard, host.info)
    again = diagnose(replay_of(MemoryTree("x", files_of(capture, redactor()))), KNOWN, Request())
    assert judged(again) == judged(report_of(name))


class Public(Host):
    """The recorded machine with public addresses, as most of these servers have."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def answer(self, question: Question) -> Struct:
        found: Struct = moved(
            self._host.answer(moved(question, "203.0.113.", "10.99.0.")), "10.99.0.", "203.0.113."
        )
        return found

    def pause(self, duration_s: float) -> None:
        self._host.pause(duration_s)


def moved(value: Any, old: str, new: str) -> Any:
    match value:
        case Struct():
            return msgspec.structs.replace(
                value, **{name: moved(getattr(value, name), old, new) for name in value.__struct_fields__}
            )
        case str():
            return value.replace(old, new)
        case bytes():
            return value.replace(old.encode(), new.encode())
        case tuple():
            return tuple(moved(one, old, new) for one in value)
    return value


@pytest.mark.parametrize(
    "name",
    ["healthy", "cluster-manager-healthy", "support-firewalled", "dns-refuses-own-zones", "system-syn-flood"],
)
def test_so_is_one_whose_every_address_is_replaced(name: str) -> None:
    """No address is known as the server's own here: all are replaced, and all still parse."""
    host = open_capture(ROOTS / name)
    recorder = Recorder(Public(host))
    raw = diagnose(recorder, KNOWN, Request())
    assert b"203.0.113." in msgspec.json.encode(
        [found for _, found in recorder.heard if not isinstance(found, HostError)]
    )
    files = files_of(capture_of(recorder.heard, host.info), redactor())
    assert not [name for name, data in files.items() if b"203.0.113." in data or "203.0.113." in name]
    assert judged(diagnose(replay_of(MemoryTree("x", files)), KNOWN, Request())) == judged(raw)


# Secrets in every answer

ALICE = "alice.example@example.com"
CLIENT = "203.0.113.77"
PLANTED = f"password={SECRET}\nfrom {CLIENT} for {ALICE}\n"
DATA = PLANTED.encode()
NUL = b"\x00" + DATA + b"\x00"
LEAKS = (SECRET, WORDS, "two words 78", "alice.example", CLIENT)

HEARD: list[tuple[Question, Struct | HostError]] = [
    (ReadFile(path="/etc/x"), content(DATA)),
    (TailFile(path="/var/log/x"), content(DATA)),
    (ReadFile(path="/etc/nul"), content(NUL)),
    (ReadFile(path="/etc/odd"), content(b"\xff\xfe " + DATA)),
    (ScanFile(path="/var/log/y", needles=(f"token={SECRET}",)), content(DATA)),
    (ReadFile(path=f"/home/bob/password={SECRET}/x"), content("x")),
    (ReadFile(path=f"/home/{ALICE}/{CLIENT}"), content("x")),
    (ReadFile(path=f"/x/mysql://u:{SECRET}@x@host/db"), HostError("failed", PLANTED, f"/x/{SECRET}")),
    (
        ListDirectory(path=f"/srv/{ALICE}"),
        DirectoryListing(
            entries=(
                DirectoryEntry(name=f"password={SECRET}", kind="file"),
                DirectoryEntry(name=f"client-{CLIENT}", kind="file"),
            )
        ),
    ),
    (
        RunCommand(argv=("mysql", "-u", "root", f"-p{SECRET}", "--password", WORDS)),
        CommandAnswer(
            argv=("mysql", "-u", "root", f"-p{SECRET}", "--password", WORDS),
            exit_code=0,
            stdout=DATA,
            stderr=DATA,
            duration_s=0.1,
            left_behind=(f"mysql -p{SECRET}",),
        ),
    ),
    (RunCommand(argv=("journalctl", "-o", "json")), command((), json.dumps({"MESSAGE": PLANTED}))),
    (RunCommand(argv=("nodeworx",)), command((), json.dumps([{"banner": PLANTED, "api_key": WORDS}]))),
    (
        HttpGet(url=f"http://example.com/?token={SECRET}", address=CLIENT),
        HttpAnswer(
            url=f"http://example.com/?token={SECRET}",
            status=200,
            headers=(
                ("set-cookie", f"iworx={SECRET}; Path=/"),
                ("authorization", f"Bearer {SECRET}"),
                (f"x-password={SECRET}", "x"),
                ("location", f"https://u:{SECRET}@example.com/"),
            ),
            body=DATA,
            duration_s=0.1,
        ),
    ),
    (
        TcpGreeting(port=25, address=CLIENT),
        GreetingAnswer(data=b"220 " + DATA, duration_s=0.1, certificate=NUL),
    ),
    (Datagram(payload=NUL, port=53, label=ALICE), DatagramAnswer(data=NUL, duration_s=0.1)),
    (
        PanelRows(
            dsn=DsnPlace(path="/i", section="a", key="dsn"),
            table="q",
            columns=("id", "password"),
            order_by="id",
        ),
        TableRows(columns=("id", "password"), rows=((PLANTED, WORDS), (None, SECRET)), duration_s=0.1),
    ),
    (
        PAIRS[-3][0],
        Processes(
            entries=(
                Process(
                    pid=1,
                    parent_pid=0,
                    name="mysql",
                    user=ALICE,
                    state="S",
                    started_at=1.0,
                    title=f"mysql -p{SECRET}",
                ),
            )
        ),
    ),
    PAIRS[-1],
]


def forms(secret: str) -> tuple[bytes, ...]:
    raw = secret.encode()
    return (
        raw,
        base64.b64encode(raw),
        json.dumps(secret).strip('"').encode(),
        secret.replace(" ", "%20").encode(),
    )


def test_no_secret_is_left_in_any_file_name_or_answer() -> None:
    files = files_of(capture_of(HEARD), redactor())
    for name, data in files.items():
        for leak in LEAKS:
            for form in forms(leak):
                assert form not in data, (name, leak)
                assert form not in name.encode()
    whole = b"".join(files.values())
    for part in whole.split(b'{"base64":"')[1:]:
        decoded = base64.b64decode(part.partition(b'"')[0])
        assert not [leak for leak in LEAKS if leak.encode() in decoded]


def test_each_of_them_would_be_there_without_the_redactor() -> None:
    """What is planted above is in the raw answers: the test before this one can fail."""
    bare = Redactor((), Canaries(()), None)
    files = files_of(redacted_capture(INFO, HEARD, bare), bare)
    whole = b"".join([*files.values(), *(name.encode() for name in files)])
    assert [leak for leak in LEAKS if leak.encode() not in whole] == []


def test_a_secret_that_no_rule_knows_stops_the_capture_and_is_not_named() -> None:
    one = redactor(secrets=[("iworx.ini [x] dsn", "not-a-real-prose-secret")])
    heard = [(ReadFile(path="/etc/x"), content("the word is not-a-real-prose-secret"))]
    with pytest.raises(CanaryError) as raised:
        files_of(redacted_capture(INFO, heard, one), one)
    assert "iworx.ini [x] dsn" in str(raised.value)
    assert "prose" not in str(raised.value)


def item(question: Question, found: Struct | HostError, **more: Any) -> Item:
    (told,) = redacted([(question, found)], redactor().for_replay(), **more)
    return told


# Forms


@pytest.mark.parametrize("question", [ReadFile(path=FILES[0]), TailFile(path=FILES[0])])
def test_a_file_of_secrets_is_left_out_and_that_it_was_there_is_not(question: Question) -> None:
    told = item(question, content("a|b|c"))
    assert isinstance(told.found, HostError)
    assert (told.found.kind, told.found.source) == ("not_captured", FILES[0])
    assert "holds nothing but secrets" in told.found.reason
    status = FileStatus(kind="file", size_bytes=5, modified_at=1.0, mode=0o600)
    assert item(Stat(path=FILES[0]), status) == Item(question=Stat(path=FILES[0]), found=status)
    missing = HostError("not_found", "No such file", FILES[0])
    kept = item(question, missing).found
    assert isinstance(kept, HostError)
    assert (kept.kind, kept.reason) == ("not_found", "No such file")


def test_so_is_what_a_command_says_of_one() -> None:
    told = item(RunCommand(argv=("cat", FILES[0])), command(("cat", FILES[0]), "x"))
    assert isinstance(told.found, HostError)


def test_a_path_is_redacted_as_the_name_in_its_listing() -> None:
    path = item(ReadFile(path=f"/logs/client-{CLIENT}"), content("x")).question.source
    listing = item(
        ListDirectory(path="/logs"),
        DirectoryListing(entries=(DirectoryEntry(name=f"client-{CLIENT}", kind="file"),)),
    ).found
    assert isinstance(listing, DirectoryListing)
    assert path == f"/logs/{listing.entries[0].name}"


def test_arguments_that_cannot_be_told_apart_any_more_are_hidden_all() -> None:
    told = item(RunCommand(argv=("echo", "password=a", "-----BEGIN PRIVATE KEY-----", "b")), command((), ""))
    assert told.question == RunCommand(argv=("[hidden:arguments]",))


def test_a_header_keeps_its_name_and_a_cookie_its_attributes() -> None:
    answer = HttpAnswer(
        url="http://x/",
        status=200,
        headers=(("set-cookie", f"a={SECRET}; Path=/"), ("server", "Apache"), ("x", "a: b")),
        body=b"",
        duration_s=0.0,
    )
    found = item(HttpGet(url="http://x/"), answer).found
    assert isinstance(found, HttpAnswer)
    assert [name for name, _ in found.headers] == ["set-cookie", "server", "x"]
    assert found.headers[0][1].endswith("; Path=/")
    assert found.headers[1:] == (("server", "Apache"), ("x", "a: b"))


def test_what_was_hidden_is_counted_for_each_answer_and_told_by_place_and_rule() -> None:
    capture = capture_of(HEARD[:2])
    assert [one.redactions for one in capture.items] == [3, 3]
    rows = {(row.source, row.rule_id, row.count) for row in capture.account.rows}
    assert ("/etc/x", "named-password", 1) in rows
    assert ("/var/log/x", "ip4-address", 1) in rows
    told = json.loads(files_of(capture, redactor())["redaction.json"])
    assert told["count"] == 6
    assert {"rule_id": "mail-address", "source": "/etc/x", "count": 1} in told["rows"]


@pytest.mark.parametrize(
    ("question", "found", "expected"),
    [
        (ReadFile(path="/f"), content("abcdef"), {"data": b"abc", "truncated": True}),
        (TailFile(path="/f"), content("abcdef"), {"data": b"def", "truncated": True}),
        (ReadFile(path="/f"), content("abc"), {"data": b"abc", "truncated": False}),
        (RunCommand(argv=("x",)), command(("x",), "abcd"), {"stdout": b"abc", "truncated": True}),
        (
            HttpGet(url="http://x/"),
            HttpAnswer(url="http://x/", status=200, headers=(), body=b"abcd", duration_s=0.0),
            {"body": b"abc", "truncated": True},
        ),
    ],
)
def test_what_is_too_large_is_cut_after_it_was_redacted_and_marked(
    question: Question, found: Struct, expected: dict[str, Any]
) -> None:
    told = item(question, found, max_bytes=3)
    assert {name: getattr(told.found, name) for name in expected} == expected
    assert told.cut is expected["truncated"]


def test_too_many_names_and_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.replay.redacting._ENTRIES_COUNT", 1)
    listing = DirectoryListing(entries=tuple(DirectoryEntry(name=name, kind="file") for name in "ab"))
    found = item(ListDirectory(path="/d"), listing).found
    assert isinstance(found, DirectoryListing)
    assert (len(found.entries), found.truncated) == (1, True)
    asked = next(question for question, _ in PAIRS if isinstance(question, PanelRows))
    rows = item(asked, TableRows(columns=("a",), rows=(("1",), ("2",)), duration_s=0.0)).found
    assert isinstance(rows, TableRows)
    assert (len(rows.rows), rows.truncated) == (1, True)


@pytest.mark.parametrize(("question", "answer"), PAIRS, ids=lambda value: type(value).__name__)
def test_an_answer_without_secrets_is_as_it_was(question: Question, answer: Struct) -> None:
    told = item(question, answer)
    assert told.question.identity == moved(question, "192.0.2.1", "240.0.0.1").identity
    if not isinstance(answer, FileContent | CommandAnswer | HttpAnswer) and "192.0.2.1" not in str(answer):
        assert told.found == answer


@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_redacted_twice_is_redacted_once(data: bytes) -> None:
    heard: list[Any] = [
        (ReadFile(path="/f"), content(data + DATA)),
        (RunCommand(argv=("x",)), command((), PLANTED)),
    ]
    once = redacted(heard, redactor().for_replay())
    twice = redacted([(one.question, one.found) for one in once], redactor().for_replay())
    assert [(one.question, one.found) for one in twice] == [(one.question, one.found) for one in once]


def test_an_odd_name_is_a_line_and_no_file_and_still_answers() -> None:
    odd = "/etc/a b\n\u202e"
    heard: list[Any] = [
        (ReadFile(path=odd), content("x")),
        (ReadFile(path="/etc/c"), content("y")),
    ]
    files = files_of(capture_of(heard), redactor())
    assert [name for name in files if name.startswith("files/")] == ["files/etc/c"]
    replay = replay_of(MemoryTree("x", files))
    assert replay.read(odd).data == b"x"
    assert replay.read("/etc/c").data == b"y"


def test_a_file_in_the_place_of_a_directory_is_a_line() -> None:
    heard: list[Any] = [(ReadFile(path=path), content(path)) for path in ("/a/b", "/a", "/c", "/c/d")]
    files = files_of(capture_of(heard), redactor())
    assert [name for name in files if name.startswith("files/")] == ["files/a/b", "files/c"]
    replay = replay_of(MemoryTree("x", files))
    assert [replay.read(path).data.decode() for path in ("/a/b", "/a", "/c", "/c/d")] == [
        "/a/b",
        "/a",
        "/c",
        "/c/d",
    ]
