"""A run in one file: what is in it, what is left out of it, and that no secret is."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from building import AT, finding, incident, make_capture, report, report_host
from every_answer import INFO
from fakes import FakeHost, clock, command, content
from redacting import SECRET, WORDS, redactor
from scenarios import ROOTS, report_of

from iwx_agent.app import bundling
from iwx_agent.app.bundling import BundleError, Made, Wanted, bundle_from, bundle_of
from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.sources import diagnose_capture, known
from iwx_agent.config.settings import BundleSettings
from iwx_agent.host import AskClock, HostError, Question, ReadFile, RunCommand, TailFile
from iwx_agent.model import Evidence
from iwx_agent.model.ticket import TicketLimits
from iwx_agent.redact import CanaryError, Redactor
from iwx_agent.replay import CaptureError, Recorder, open_capture
from iwx_agent.replay.archives import TAR, ZIP, unpacked
from iwx_agent.replay.bundles import Bundle, read_bundle

both = pytest.mark.parametrize("kind", [TAR, ZIP])
NAME = "iwx-agent-iwx1.example.com-20261123T152640Z"


def deterministic(host: object, known: object, report: object) -> Redactor:
    return redactor()


@pytest.fixture(autouse=True)
def one_redactor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "redactor_for", deterministic)


def noise(seed: str, size_bytes: int) -> str:
    """Return letters that do not get smaller by pressing, and no rule takes for a secret: short lines."""
    lines: list[str] = []
    while sum(len(line) for line in lines) < size_bytes:
        seed = hashlib.sha256(seed.encode()).hexdigest()
        lines.append(f"{seed[:7]} {seed[7:14]} {seed[14:21]} {seed[21:28]}\n")
    return "".join(lines)


QUOTED = "/var/log/quoted"
REPORT = report(incident(finding(evidence=(Evidence(source=f"{QUOTED}:3", text="said so"),))))
LARGE, SMALL = noise("large", 120_000), noise("small", 40_000)
HEARD: list[tuple[Question, Any]] = [
    (AskClock(), clock()),
    (ReadFile(path="/etc/x"), content(f"password={SECRET}\nfrom 203.0.113.7\n")),
    (RunCommand(argv=("svstat", "x")), command(("svstat", "x"), "up\n", exit_code=1)),
    (RunCommand(argv=("gone",)), HostError("not_found", "no such program", "gone")),
    (TailFile(path=QUOTED), content(noise("quoted", 60_000), truncated=True)),
    (ReadFile(path="/var/log/small"), content(SMALL)),
    (ReadFile(path="/var/log/large"), content(LARGE)),
]


def made(heard: Any = HEARD, one: Redactor | None = None, **wanted: Any) -> Made:
    return bundle_of(
        REPORT, heard, INFO, one or redactor(), Wanted(**wanted), started_s=[0.0, 0.5, 1.25, 2.0]
    )


def opened(bundle: Made, tmp_path: Path) -> Bundle:
    (tmp_path / bundle.name).write_bytes(bundle.data)
    return read_bundle(tmp_path / bundle.name)


@both
def test_what_is_in_a_bundle(tmp_path: Path, kind: str) -> None:
    bundle = made(kind=kind, note="it began at noon")
    assert bundle.name == f"{NAME}.{kind}"
    assert bundle.media_type == {"tar.gz": "application/gzip", "zip": "application/zip"}[kind]
    assert bundle.sha256 == hashlib.sha256(bundle.data).hexdigest()
    attached = bundle.attachment
    assert (attached.name, attached.media_type, attached.data) == (
        bundle.name,
        bundle.media_type,
        bundle.data,
    )
    told = opened(bundle, tmp_path)
    assert sorted(name for name in told.files if "/" not in name) == [
        "redaction.json",
        "report.html",
        "report.json",
        "report.txt",
        "ticket.txt",
    ]
    assert set(unpacked(BytesIO(bundle.data), "x")) == {
        f"{NAME}/{name}" for name in (*told.files, "manifest.json")
    }
    assert told.files["ticket.txt"].startswith(b"Category: Support\n")
    assert b"title of PANEL-001" in told.files["report.txt"]
    assert b"\x1b" not in told.files["report.txt"]
    assert told.files["report.html"].startswith(b"<!doctype html>")
    assert json.loads(told.files["report.json"])["host"]["fqdn"] == "iwx1.example.com"
    assert told.files["capture/files/etc/x"] == b"password=[hidden:password]\nfrom 240.41.32.171\n"
    assert told.manifest.note == "it began at noon"
    assert told.manifest.created_at == AT
    assert told.manifest.left_out == ()


def test_the_manifest_says_where_each_file_is_from_and_what_was_hidden(
    tmp_path: Path,
) -> None:
    told = opened(made(), tmp_path).manifest
    files = {file.name: file for file in told.files}
    own = files["capture/files/etc/x"]
    assert (own.source, own.redactions, own.truncated) == ("/etc/x", 2, False)
    assert files[f"capture/files{QUOTED}"].truncated
    assert files["report.json"].source == "iwx-agent"
    first, second = told.commands
    assert (first.argv, first.exit_code, first.duration_s, first.error) == (("svstat", "x"), 1, 0.01, "")
    assert first.started_at is not None
    assert first.started_at.timestamp() == int(clock().now_at + 1.25)  # whole seconds
    assert (second.argv, second.exit_code, second.duration_s) == (("gone",), None, None)
    assert second.error == "no such program"


def test_no_json_in_it_has_what_would_act_on_a_terminal(tmp_path: Path) -> None:
    name = "/var/log/safe\u202egnp.exe\x9b2J"
    heard = [*HEARD, (ReadFile(path=name), content(f"password={SECRET}\n"))]
    bundle = made(heard, note="it \u202e began")
    files = unpacked(BytesIO(bundle.data), "x")
    for told in (data for file, data in files.items() if file.endswith(".json")):
        assert "\u202e".encode() not in told
        assert "\x9b".encode() not in told
    assert opened(bundle, tmp_path).manifest.note == "it \u202e began"


def test_when_a_command_of_a_capture_began_is_not_known_and_not_guessed(tmp_path: Path) -> None:
    bundle = bundle_of(REPORT, HEARD, INFO, redactor(), Wanted())
    assert [told.started_at for told in opened(bundle, tmp_path).manifest.commands] == [None, None]


@both
def test_the_same_run_gives_the_same_bytes(kind: str) -> None:
    assert made(kind=kind).data == made(kind=kind).data
    assert made(kind=kind).data != made(HEARD[:-1], kind=kind).data


# Size


def test_a_bundle_of_just_the_limit_is_whole_and_one_byte_less_leaves_something_out() -> None:
    size_bytes = len(made(size_bytes=len(made().data)).data)  # the limit stands in the manifest, packed too
    assert made(size_bytes=size_bytes + 1).left_out == ()
    assert made(size_bytes=size_bytes).left_out == ()
    less = made(size_bytes=size_bytes - 1)
    assert len(less.data) <= size_bytes - 1
    assert [left.source for left in less.left_out] == ["/var/log/large"]
    assert less.left_out[0].kind == "read"
    assert len(LARGE) <= less.left_out[0].size_bytes <= len(LARGE) + 100


@both
def test_what_no_incident_quotes_goes_first_the_large_before_the_small(tmp_path: Path, kind: str) -> None:
    small = made(
        [pair for pair in HEARD if pair[0].source not in ("/var/log/large", "/var/log/small")], kind=kind
    )
    bundle = made(kind=kind, size_bytes=len(small.data) + 2000)
    told = opened(bundle, tmp_path)
    assert [left.source for left in told.manifest.left_out] == ["/var/log/small", "/var/log/large"]
    assert f"capture/files{QUOTED}" in told.files
    assert "ticket.txt" in told.files
    replay = open_capture(tmp_path / bundle.name)
    for path in ("/var/log/small", "/var/log/large"):
        with pytest.raises(HostError) as raised:
            replay.read(path)
        assert raised.value.kind == "not_captured"
        assert raised.value.reason == "left out of the bundle: it had no room"


def test_report_and_ticket_are_there_when_nothing_else_has_room(tmp_path: Path) -> None:
    least = made([HEARD[0]])
    told = opened(made(size_bytes=len(least.data) + 1500), tmp_path)
    assert {"report.json", "report.html", "report.txt", "ticket.txt"} <= set(told.files)
    assert not [name for name in told.files if name.startswith("capture/files/var")]


def test_when_not_even_these_have_room_it_is_said_with_both_numbers() -> None:
    with pytest.raises(
        BundleError, match=r"report and ticket alone are \d+ bytes, the limit is 1000: raise it"
    ):
        made(size_bytes=1000)


def test_a_recorder_keeps_no_more_than_it_may_and_says_so() -> None:
    answers = {question: found for question, found in HEARD if not isinstance(found, HostError)}
    recorder = Recorder(FakeHost(answers), max_bytes=50_000)
    assert recorder.read("/var/log/small").data == SMALL.encode()
    assert recorder.read("/var/log/large").data == LARGE.encode()  # who asks gets it
    assert recorder.read("/etc/x").size_bytes
    kinds = [type(found).__name__ for _, found in recorder.heard]
    assert kinds == ["FileContent", "HostError", "FileContent"]
    assert "more than 50000 bytes" in str(recorder.heard[1][1])
    assert recorder.started_s[0] == 0.0
    assert recorder.started_s == sorted(recorder.started_s)


# Secrets


@both
def test_no_byte_of_a_bundle_has_a_planted_secret(tmp_path: Path, kind: str) -> None:
    """In report, ticket, capture, names, note and manifest; the raw run has it in each of them."""
    planted = f"password={SECRET} api_key='{WORDS}' for alice.example@example.com from 203.0.113.77"
    ill = report(
        incident(finding(title=planted, detail=planted, evidence=(Evidence(source="/l:1", text=planted),)))
    )
    heard: list[Any] = [
        (AskClock(), clock()),
        (ReadFile(path="/etc/x"), content(planted)),
        (ReadFile(path=f"/etc/token={SECRET}"), content(planted)),
        (RunCommand(argv=("mysql", f"-p{SECRET}")), command((), planted, stderr=planted)),
        (RunCommand(argv=("x", f"--password={SECRET}")), HostError("failed", planted, planted)),
    ]
    bundle = bundle_of(ill, heard, INFO, redactor(), Wanted(kind=kind, note=planted))
    whole = unpacked(BytesIO(bundle.data), "x")
    for name, data in whole.items():
        for secret in (SECRET, WORDS, "two words 78", "alice.example", "203.0.113.77"):
            assert secret.encode() not in data, name
            assert secret not in name
    assert SECRET.encode() not in bundle.data


def test_a_secret_that_no_rule_knows_stops_the_bundle() -> None:
    for heard, note in (
        ([*HEARD, (ReadFile(path="/etc/y"), content("it is not-a-real-prose-secret"))], ""),
        ([*HEARD, (ReadFile(path="/etc/not-a-real-prose-secret"), content("x"))], ""),
        (HEARD, "it is not-a-real-prose-secret"),
    ):
        with pytest.raises(CanaryError, match=r"iworx\.ini"):
            made(heard, redactor(secrets=[("iworx.ini", "not-a-real-prose-secret")]), note=note)


# From a capture, and back


@both
def test_a_bundle_of_a_recorded_machine_is_judged_as_the_machine(tmp_path: Path, kind: str) -> None:
    bundle = bundle_from(ROOTS / "queue-stuck", Request(), Wanted(kind=kind, note="by hand"))
    (tmp_path / bundle.name).write_bytes(bundle.data)
    again = diagnose_capture(tmp_path / bundle.name, Request())
    before = report_of("queue-stuck")
    assert [one.lead.code for one in again.incidents] == [one.lead.code for one in before.incidents]
    assert again.verdict.priority == before.verdict.priority
    assert open_capture(tmp_path / bundle.name).info.source == "by hand"
    second = bundle_from(tmp_path / bundle.name, Request(), Wanted())
    assert second.name.removesuffix(".tar.gz") == bundle.name.removesuffix(f".{kind}")


def test_the_note_and_the_limits_of_the_ticket_reach_the_ticket_in_it(tmp_path: Path) -> None:
    short = TicketLimits(message_characters=1_000)
    for note, limits, cut in (("rang at\nnoon", TicketLimits(), False), ("", short, True)):
        bundle = bundle_from(ROOTS / "queue-stuck", Request(), Wanted(note=note, ticket=limits))
        files = opened(bundle, tmp_path).files
        ticket, page = files["ticket.txt"].decode(), files["report.html"].decode()
        assert ("A PERSON'S NOTE\n  | rang at\n  | noon\n" in ticket) == bool(note)
        assert json.loads(files["report.json"])["note"] == note
        assert ("\n... cut: " in ticket) == ("... cut: " in page) == cut


def test_nothing_is_lost_from_a_bundle_of_a_bundle(tmp_path: Path) -> None:
    host = open_capture(ROOTS / "healthy")
    recorder = Recorder(host)
    told = diagnose(recorder, known(), Request())
    one = bundle_of(told, recorder.heard, host.info, redactor(), Wanted())
    (tmp_path / "one").write_bytes(one.data)
    replayed = Recorder(open_capture(tmp_path / "one"))
    diagnose(replayed, known(), Request())
    two = bundle_of(told, replayed.heard, host.info, redactor(), Wanted())
    (tmp_path / "two").write_bytes(two.data)
    first, second = (read_bundle(tmp_path / name).files for name in ("one", "two"))
    files = [name for name in first if name.startswith("capture/files/")]
    assert len(files) > 30
    assert {name: first[name] for name in files} == {name: second.get(name) for name in files}


def test_what_is_no_capture_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="not a capture"):
        bundle_from(make_capture(tmp_path / "c").parent, Request(), Wanted())


@pytest.mark.parametrize(
    ("host", "name"),
    [("web1.example.com", "web1.example.com"), ("../\x1b[31m/etc", "31m-etc"), ("-.-", "server")],
)
def test_a_name_from_a_host_name_that_is_odd(host: str, name: str) -> None:
    told = report(host=report_host(fqdn=host, name=host))
    bundle = bundle_of(told, HEARD[:1], INFO, redactor(), Wanted())
    assert bundle.name == f"iwx-agent-{name}-20261123T152640Z.tar.gz"


def test_the_limit_of_the_configuration_is_that_of_the_code() -> None:
    assert BundleSettings().size_bytes == Wanted().size_bytes == 10 * 1024 * 1024
