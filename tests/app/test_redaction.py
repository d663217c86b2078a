"""The redactor of a run: what it knows, what it could not compare, and when there is nothing to redact."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from building import finding, incident, report, report_host, result
from fakes import clock, command, content
from msgspec.structs import replace
from redacting import SECRET, redactor

from iwx_agent.app import redaction, token_files
from iwx_agent.app.quoting import quotes
from iwx_agent.app.redaction import (
    learn,
    redacted_report,
    redactor_for,
    redactor_here,
    redactor_of_rules,
    remember_tokens,
    uncompared,
)
from iwx_agent.app.sources import known
from iwx_agent.host import (
    AskClock,
    Host,
    HostError,
    HttpAnswer,
    HttpGet,
    Question,
    ReadFile,
    RunCommand,
)
from iwx_agent.host.recorder import Recorder
from iwx_agent.host.worker.operations import operate
from iwx_agent.model import (
    AssistanceReport,
    CheckResult,
    Override,
    Priority,
    Provider,
    Report,
    Severity,
    Status,
)
from iwx_agent.model.changes import Environment
from iwx_agent.redact import Canaries, CanaryError, NumberedTokens, Redactor, Tokens, rules

INI = "/usr/local/interworx/iworx.ini"
SETTINGS = 'dsn="mysqli://iworx:c4nary-of-no-rule@unix(/x)/iworx"\n'
HEALTHY = report()


def of(one: CheckResult) -> Report:
    return report(results=(one,))


class Machine(Host):
    """Has its settings and a name server; all else is not there."""

    def __init__(self, *, replays: bool = False) -> None:
        self._replays = replays
        self.aside_count = 0

    @property
    def replays(self) -> bool:
        return self._replays

    def __call__(self, *, budget_s: float) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        pass

    def aside(self, budget_s: float) -> Self:
        self.aside_count += 1
        return self

    def pause(self, duration_s: float) -> None:
        pass

    def answer(self, question: Question) -> Any:
        if isinstance(question, AskClock):
            return clock()
        if isinstance(question, ReadFile) and question.path in (INI, "/etc/resolv.conf"):
            return content(SETTINGS if question.path == INI else "nameserver 203.0.113.53\nsearch x\n")
        raise HostError("not_found", "there is no such file", question.source)


def one_of(machine: Host, **more: Any) -> Redactor:
    return redactor_for(machine, replace(known(), **more), report(host=report_host()))


def test_a_live_machine_is_compared_with_its_secrets() -> None:
    machine = Machine()
    one = one_of(machine)
    with pytest.raises(CanaryError, match=INI):
        one.release(b"it was c4nary-of-no-rule")
    assert machine.aside_count == 2
    assert isinstance(one.tokens, Tokens)
    assert not isinstance(one.tokens, NumberedTokens)


def test_a_recorder_does_not_hear_the_secrets() -> None:
    recorder = Recorder(Machine())
    with pytest.raises(CanaryError):
        one_of(recorder).release(b"it was c4nary-of-no-rule")
    assert recorder.heard == []


def test_a_replayed_machine_has_no_secrets_here_and_tokens_by_number() -> None:
    for machine in (Machine(replays=True), Recorder(Machine(replays=True))):
        one = one_of(machine)
        assert len(one.canaries) == 0
        assert one.redact_text("from 198.51.100.9", "x") == "from ip-000001"


def test_own_addresses_name_servers_and_the_providers_mail_stay() -> None:
    provider = Provider(name="P", address="mailto:help@provider.example", text="or ask <bob@p.example>.")
    one = one_of(Machine(), provider=provider)
    text = "203.0.113.7 203.0.113.53 help@provider.example bob@p.example"
    assert one.redact_text(text, "x") == text
    assert "ip-" in one.redact_text("198.51.100.9", "x")


def test_without_name_servers_there_are_none_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_RESOLVER", "/etc/none")
    assert "ip-" in one_of(Machine()).redact_text("203.0.113.53", "x")


def test_secrets_that_were_heard_are_hidden_in_other_forms() -> None:
    heard: list[Any] = [
        (
            RunCommand(argv=("x",)),
            command(("x",), "nothing\n"),
        ),
        (
            HttpGet(url="http://localhost/"),
            HttpAnswer(
                url="x", status=200, headers=(("x", f"token={SECRET}"),), body=b"\xff", duration_s=0.1
            ),
        ),
        (ReadFile(path="/x"), HostError("failed", "password=other-s3cret-78", "/x")),
    ]
    one = redactor_for(Machine(), known(), report(host=report_host()), heard)
    assert one.redact_text(f"| {SECRET} |", "report") == "| [hidden:secret] |"
    assert one.redact_text("got 'other-s3cr'", "report") == "got '[hidden:secret]'"


def test_what_is_learned_from_is_bounded_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_LEARN_CHARACTERS", 40)
    read: list[str] = []
    one = redactor()
    monkeypatch.setattr(one, "learn", lambda text, source: read.append(text))
    learn(one, [(ReadFile(path="/x"), content(text)) for text in ("a" * 30, "a" * 30, "b" * 30, "c" * 10)])
    assert [text for text in read if text] == ["a" * 30, "c" * 10]


def test_a_report_says_which_secrets_it_was_not_compared_with() -> None:
    unread = {f"/place/{n}": "no answer within 1.0 s" for n in range(5)}
    one = Redactor(rules(), Canaries((), unread=unread), None)
    (said,) = redacted_report(HEALTHY, one).verdict.reasons
    assert said == (
        "The secrets of /place/0, /place/1, /place/2 and 2 more places could not be compared with this text "
        "(no answer within 1.0 s): rules alone hid them."
    )
    assert uncompared(Canaries((), unread={"/a": "why"})) == (
        "The secrets of /a could not be compared with this text (why): rules alone hid them."
    )
    assert uncompared(Canaries(())) == ""
    assert redacted_report(HEALTHY, redactor()).verdict.reasons == ()


def test_a_report_with_a_secret_of_no_rule_is_not_returned() -> None:
    ill = report(incident(finding(detail="it was c4nary-of-no-rule")))
    with pytest.raises(CanaryError, match="place"):
        redacted_report(ill, redactor(secrets=[("place", "c4nary-of-no-rule")]))


def test_a_report_is_redacted_in_all_its_texts() -> None:
    ill = report(incident(finding(title=f"password={SECRET}")), note=f"token={SECRET}")
    assert SECRET not in str(redacted_report(ill, redactor()))


def test_of_this_machine_for_what_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Machine())
    one = redactor_here()
    with pytest.raises(CanaryError, match=INI):
        one.release(b"c4nary-of-no-rule")
    assert one.redact_text(f"password={SECRET}", "x") == "password=[hidden:password]"
    assert one.redact_text("x", "/root/.my.cnf") == "[hidden:secret-file]"


def test_with_a_broken_layout_the_rules_still_hide_and_it_is_said(etc: Any) -> None:
    (etc / "interworx.d").mkdir(parents=True)
    (etc / "interworx.d" / "x.toml").write_text("[[path.nothing]]\nvalue = 1\n")
    one = redactor_here()
    assert uncompared(one.canaries).startswith("The secrets of this server could not be compared")
    assert one.redact_text(f"password={SECRET}", "x") == "password=[hidden:password]"


def test_rules_alone_give_no_tokens() -> None:
    assert redactor_of_rules().redact_text("a 203.0.113.7 b", "x") == "a [hidden:ip] b"


def test_tokens_are_remembered_by_live_runs_of_root_only(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    one = one_of(machine)
    one.redact_text("from 198.51.100.9", "x")
    assert remember_tokens(one, machine) == ""
    assert remember_tokens(redactor_of_rules(), machine) == ""


@pytest.fixture
def with_workers(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Give a machine whose workers do in this process what they would do for the agent's own files."""

    def ask(*request: object, workers: object = None) -> Any:
        answer = operate(request)
        if answer[0] == "error":
            raise HostError(answer[1], answer[2], str(request[1]))
        return answer[1]

    monkeypatch.setattr(token_files, "_ask", ask)
    monkeypatch.setattr(Machine, "workers", object(), raising=False)
    return Machine()


def test_a_live_run_of_root_uses_the_servers_key_and_keeps_what_it_gave(
    with_workers: Machine, kept: Path
) -> None:
    one, two = one_of(with_workers), one_of(with_workers)
    assert remember_tokens(one, with_workers) == ""
    assert not (kept / "tokens.json").exists()
    told = [each.redact_text("from 198.51.100.9", "x") for each in (one, two)]
    assert told[0] == told[1]
    assert remember_tokens(one, with_workers) == ""
    token = told[0].removeprefix("from ")
    assert json.loads((kept / "tokens.json").read_text()) == {token: "198.51.100.9"}


def test_a_run_without_root_has_tokens_of_its_own(with_workers: Machine, kept: Path) -> None:
    mortal = report(host=report_host(as_root=False))
    one = redactor_for(with_workers, known(), mortal)
    one.redact_text("from 198.51.100.9", "x")
    assert remember_tokens(one, with_workers) == ""
    assert not kept.exists()


# Whether there is anything to redact


@pytest.mark.parametrize(
    "change",
    [
        lambda told: report(incident(finding(severity=Severity.NOTE))),
        lambda told: of(result(finding(severity=Severity.NOTE))),
        lambda told: of(result(status=Status.UNKNOWN)),
        lambda told: of(result(status=Status.CRASHED)),
        lambda told: of(result(status=Status.NOT_APPLICABLE, reason="got 'a=b'")),
        lambda told: of(result(status=Status.NOT_APPLICABLE, reason="from 203.0.113.77")),
        lambda told: of(result(status=Status.NOT_APPLICABLE, reason="x@example.com")),
        lambda told: of(result(status=Status.NOT_APPLICABLE, reason="The Password it is")),
        lambda told: of(result(status=Status.NOT_APPLICABLE, reason="0aB9" * 8)),
        lambda told: replace(told, note="we rebooted it"),
        lambda told: replace(told, environment=Environment(system="password=x")),
        lambda told: replace(told, remote_assistance=AssistanceReport(state="unknown", reason="why")),
        lambda told: replace(told, remote_assistance=AssistanceReport(state="on", obstacles=("x",))),
        lambda told: replace(told, remote_assistance=AssistanceReport(state="on", doubts=("x",))),
        lambda told: replace(told, verdict=replace(told.verdict, reasons=("x",))),
        lambda told: replace(told, verdict=replace(told.verdict, provider=Provider(name="x"))),
        lambda told: replace(
            told, verdict=replace(told.verdict, override=Override(priority=Priority.HIGH, reason="x"))
        ),
        lambda told: replace(told, host=replace(told.host, fqdn="x.example.com/?token=x")),
        lambda told: replace(told, host=replace(told.host, panel_version="0aB9" * 8)),
    ],
)
def test_in_doubt_a_report_is_redacted(change: Callable[[Report], Report]) -> None:
    assert quotes(change(HEALTHY))


def test_a_healthy_report_needs_no_redactor() -> None:
    assert not quotes(HEALTHY)
    assert not quotes(of(result(status=Status.NOT_APPLICABLE, reason="no cluster here (x -n -c Y (exit 0))")))
    assert not quotes(replace(HEALTHY, environment=Environment(system="AlmaLinux 9.4", kernel="5.14.0")))
