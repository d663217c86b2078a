"""Secrets in everything that a machine says: none in any output of any command, and each rule is needed."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from building import finding, make_capture, result
from places import SETTINGS, Place
from planted import CANARY, INI, Planted
from redacting import RULES
from scenarios import NAMES

from iwx_agent.app import redaction
from iwx_agent.app.diagnose import Request, diagnose
from iwx_agent.app.sources import diagnose_live, known
from iwx_agent.cli import run
from iwx_agent.config import load_layout
from iwx_agent.model import CheckResult, Evidence, Report
from iwx_agent.redact import Rule, rules
from iwx_agent.replay.archives import unpacked
from iwx_agent.transports.wording import as_json

HERE = redaction.redactor_here  # the real one: the fixture of this directory puts another in its place
SHREDS = ("not-a-r", "s3cret", "NotAReal", CANARY)
FORMATS = ("text", "json", "html", "markdown", "nagios", "openmetrics")
Run = Callable[..., tuple[int, str]]

# Of each kind of answer one machine whose trouble is quoted from it.
ILL = ("queue-stuck", "packages-panel-scriptlet", "mysql-killed", "panel-command-error-text")


def shreds(data: str | bytes) -> list[str]:
    """Return the lines of an output that have a shred of a secret in them."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return [line for line in text.splitlines() if any(shred in line for shred in SHREDS)]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Planted]:
    """Put a planted machine in the place of this one."""

    def put(root: str, **how: Any) -> Planted:
        machine = Planted(root, **how)
        monkeypatch.setattr("iwx_agent.host.live.LiveHost", machine)
        monkeypatch.setattr(redaction, "redactor_here", HERE)
        monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
        return machine

    return put


@pytest.fixture
def iwx(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*arguments: str) -> tuple[int, str]:
        code = run(arguments)
        told = capfdbinary.readouterr()
        return code, (told.out + told.err).decode("utf-8", "replace")

    return call


@pytest.mark.parametrize("instead", [False, True], ids=["beside", "instead"])
@pytest.mark.parametrize("root", NAMES[::5])
def test_no_shred_is_in_the_report_of_a_machine(
    plant: Callable[..., Planted], root: str, instead: bool
) -> None:
    plant(root, instead=instead)
    assert shreds(msgspec.json.format(msgspec.json.encode(diagnose_live(Request())))) == []


def test_it_would_be_in_most_of_them() -> None:
    """What the test above is worth: without the redactor there are secrets in nearly every report."""
    leaking = [
        root
        for root in NAMES[::20]
        if shreds(msgspec.json.encode(diagnose(Planted(root, instead=True), known(), Request())))
    ]
    assert len(leaking) >= len(NAMES[::20]) - 2


@pytest.mark.parametrize("root", ILL)
def test_no_shred_is_in_what_any_command_writes(
    plant: Callable[..., Planted], iwx: Run, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(root)
    monkeypatch.chdir(tmp_path)
    commands = [
        *(("diagnose", "--verbose", "--format", output) for output in FORMATS),
        *(("ticket", "--format", output) for output in ("text", "json", "markdown")),
        ("ticket", "--length", "short", "--note", "password=not-a-real-s3cret-77"),
        ("diagnose", "--debug", "--reason", "it is password=not-a-real-s3cret-77", "--priority", "High"),
        ("why",),
        ("why", "--format", "json"),
        *(("report", "--verbose", "--format", output) for output in FORMATS),
        *(("report", "--format", output, "--output", f"r.{output}") for output in FORMATS),
        ("report", "--list"),
        ("diff",),
        ("diff", "--format", "json"),
        ("remote-assistance", "status"),
        ("remote-assistance", "status", "--format", "json"),
        ("bundle", "b.tar.gz", "--note", "password=not-a-real-s3cret-77"),
        ("capture", "c", "--note", "password=not-a-real-s3cret-77"),
        ("diagnose", "--from", "c", "--format", "json"),
        ("ticket", "--from", "b.tar.gz"),
    ]
    for command in commands:
        code, told = iwx(*command)
        assert code in (0, 1, 2 if "nagios" in command else 0, 3, 4), (command, told[:500])
        assert shreds(told) == [], command
    written = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    written |= unpacked(BytesIO(written[str(tmp_path / "b.tar.gz")]), "b")
    assert len(written) > 60
    for name, data in written.items():
        assert shreds(name) == [], name
        assert shreds(data) == [], name


@pytest.mark.parametrize("root", ILL)
def test_no_shred_is_in_what_is_sent_and_in_what_is_kept_of_it(
    plant: Callable[..., Planted],
    iwx: Run,
    root: str,
    place: Place,
    kept: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(root)
    monkeypatch.setattr("iwx_agent.app.sources.diagnose", diagnose)  # the real one
    (place.etc / "config.toml").write_text(SETTINGS + 'key_file = "/nowhere"\n')
    note = ("--note", "password=not-a-real-s3cret-77")
    commands: list[tuple[str, ...]] = [
        ("submit", "--dry-run", *note),
        ("submit", "--show-outgoing", "--remote-assistance-confirmed", *note),
        ("auto", "run"),
        ("submit", "--yes", "--remote-assistance-confirmed", "--attach", "bundle", *note),
        ("auto", "run", "--format", "json", "--debug"),
        ("outbox", "list", "--all"),
        ("outbox", "list", "--all", "--format", "json"),
        ("incidents",),
        ("incidents", "--format", "json"),
        ("why", "--decisions", "9"),
        ("config", "show"),
        ("doctor", "--offline"),
        ("doctor", "--offline", "--format", "json", "--debug"),
    ]
    for command in commands:
        code, told = iwx(*command)
        assert code in (0, 1, 2, 3, 4), (command, told[:500])
        assert shreds(told) == [], command
    assert place.desk.received
    for letter in place.desk.received:
        assert shreds(as_json(letter)) == []
        code, told = iwx("outbox", "show", letter.key)
        assert (code, shreds(told)) == (0, [])
        for attached in letter.attachments:
            inside = unpacked(BytesIO(attached.data), "b")
            assert len(inside) > 20
            assert [name for name, data in inside.items() if shreds(name) or shreds(data)] == []
    places = (*kept.rglob("*"), *tmp_path.rglob("*.log"))
    written = {str(path): path.read_bytes() for path in places if path.is_file()}
    assert any(name.endswith("audit.log") for name in written)
    assert [name for name, data in written.items() if shreds(data)] == []


@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["", "debug"])
@pytest.mark.parametrize("command", ["diagnose", "ticket", "bundle", "capture", "remote-assistance"])
def test_no_shred_is_in_a_crash_with_a_quoted_line_in_it(
    plant: Callable[..., Planted],
    iwx: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    debug: tuple[str, ...],
) -> None:
    plant("queue-stuck")
    monkeypatch.chdir(tmp_path)

    def broken(*told: object, **more: object) -> None:
        raise ValueError('line 7: dsn="mysqli://iworx:not-a-real-s3cret-77@unix(/x.sock)/iworx"')

    for place in ("app.diagnose.collect", "app.assistance.collect"):
        monkeypatch.setattr(f"iwx_agent.{place}", broken)
    arguments = {"capture": ("c",), "remote-assistance": ("status",)}.get(command, ())
    code, told = iwx(command, *arguments, *debug)
    assert code == 70
    assert "internal error: ValueError: line 7: dsn=" in told
    assert ("Traceback" in told) is bool(debug)
    assert shreds(told) == []


# Canaries: what no rule knows stops every command, and nothing of it is written

STOPPED = f"iwx-agent: a secret of {INI} would have been in the output: nothing was written\n"


@pytest.mark.parametrize(
    "command",
    [
        *(("diagnose", "--format", output) for output in FORMATS),
        ("ticket",),
        ("ticket", "--format", "json", "--length", "short"),
        ("bundle", "b"),
        ("bundle", "--stdout"),
        ("capture", "c"),
        ("remote-assistance", "status"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("written", [CANARY, CANARY.replace(" ", "%20"), json.dumps({"m": f"\n{CANARY}"})])
def test_a_secret_that_no_rule_knows_stops_the_output_and_only_its_place_is_named(
    plant: Callable[..., Planted],
    iwx: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kept: Path,
    command: tuple[str, ...],
    written: str,
) -> None:
    plant("panel-command-error-text", texts=(f"the words {written} of it",), instead=True)
    monkeypatch.chdir(tmp_path)
    assert iwx(*command) == (70, STOPPED)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != kept] == []


@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["", "debug"])
def test_one_in_a_crash_stops_it_too(
    plant: Callable[..., Planted], iwx: Run, monkeypatch: pytest.MonkeyPatch, debug: tuple[str, ...]
) -> None:
    plant("healthy")

    def broken(*told: object, **more: object) -> None:
        raise ValueError(f"it was {CANARY}")

    monkeypatch.setattr("iwx_agent.app.diagnose.collect", broken)
    assert iwx("diagnose", *debug) == (70, STOPPED)


def test_secrets_are_read_aside_and_in_no_capture(
    plant: Callable[..., Planted], iwx: Run, tmp_path: Path
) -> None:
    machine = plant("queue-stuck", texts=("nothing",))
    assert iwx("capture", str(tmp_path / "c"))[0] == 0
    assert INI in machine.aside_asked
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("command", [("capture", "c"), ("bundle", "b.tar.gz")], ids=" ".join)
def test_what_one_text_names_a_password_is_hidden_in_all_of_a_capture(
    plant: Callable[..., Planted],
    iwx: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    plant("queue-stuck", texts=("password=not-a-real-s3cret-77", "it was not-a-real-s3cret-77 again"))
    monkeypatch.chdir(tmp_path)
    assert iwx(*command)[0] == 0
    below = tmp_path / command[1]
    written = {str(path): path.read_bytes() for path in below.rglob("*") if path.is_file()}
    if below.is_file():
        written = unpacked(BytesIO(below.read_bytes()), "b")
    assert any(b"it was [hidden:secret] again" in data for data in written.values())
    assert [name for name, data in written.items() if shreds(data)] == []


# Each rule is needed, from the finding to the output


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_capture(tmp_path_factory.mktemp("rules") / "capture")


@pytest.fixture
def leaks(iwx: Run, capture: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Rule | None], list[str]]:
    """Return the rules whose example comes out of ``diagnose`` as it is, without one rule."""
    quoted = tuple(Evidence(source=rule.example_source, text=rule.example) for rule in RULES)

    def judge(check: Any, facts: Any) -> CheckResult:
        ill = check.id == "panel.nodeworx"
        return result(finding(evidence=quoted)) if ill else result(check_id=check.id)

    monkeypatch.setattr("iwx_agent.app.diagnose.judge", judge)

    def leaking(without: Rule | None) -> list[str]:
        def fewer(files: tuple[str, ...] = ()) -> tuple[Rule, ...]:
            return tuple(rule for rule in rules(files) if without is None or rule.id != without.id)

        monkeypatch.setattr(redaction, "rules", fewer)
        _, told = iwx("diagnose", "--format", "json", "--no-confirm", "--from", str(capture))
        report = msgspec.json.decode(told.encode(), type=Report)
        shown = [evidence.text for evidence in report.incidents[0].lead.evidence]
        assert len(shown) == len(RULES)
        return [rule.id for rule, text in zip(RULES, shown, strict=True) if rule.hides in text]

    return leaking


def test_with_all_rules_nothing_leaks(leaks: Callable[[Rule | None], list[str]]) -> None:
    assert leaks(None) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_without_a_rule_its_secret_leaks(leaks: Callable[[Rule | None], list[str]], rule: Rule) -> None:
    assert leaks(rule) == [rule.id]


def test_the_layout_brings_the_files_of_the_rule_for_them() -> None:
    assert set(load_layout().everything("secret_file")) >= {"/home/vpopmail/etc/vpopmail.mysql"}
