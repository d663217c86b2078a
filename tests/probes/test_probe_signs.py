"""Probes of the panel's words: what is asked and when; what is no answer is never taken for "nothing"."""

import json
from typing import Any

import pytest
from fakes import NOW_AT, FakeHost, command, content, layout, signatures
from msgspec import Struct, structs

from iwx_agent.host import (
    CommandAnswer,
    DirectoryEntry,
    DirectoryListing,
    HostError,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    Question,
    RunCommand,
    ScanFile,
    Stat,
    TailFile,
)
from iwx_agent.host.answers import FileStatus
from iwx_agent.host.contract import ErrorKind
from iwx_agent.model.signatures import Signature, Signatures, Signs
from iwx_agent.probes import Context, signs

HOME = "/usr/local/interworx"
NODEWORX = HttpGet(url="https://localhost:2443/nodeworx/")
SITEWORX = HttpGet(url="https://localhost:2443/siteworx/")
LOGS = {
    name: TailFile(path=f"{HOME}/var/log/{name}.log") for name in ("iworx", "iworx-init", "error", "stack")
}
FLAGS = [ListDirectory(path=path) for path in (HOME, f"{HOME}/var", f"{HOME}/var/run")]
SETTINGS = ScanFile(path=f"{HOME}/iworx.ini", needles=("MAINT", "Maint", "maint"))
RPM = RunCommand(argv=("rpm", "-q", "--qf", "%{VERSION}\\n", "interworx"))
Answers = dict[Question, Struct | HostError]


def cli(controller: str, action: str, *more: str) -> RunCommand:
    return RunCommand(argv=("nodeworx", "-u", "-n", "-c", controller, "-a", action, *more))


BANNERS = cli("Notice", "listBannerNotices", "-o", "json")
BANNERS_PLAIN = cli("Notice", "listBannerNotices")
HEALTH = cli("Health", "listHealthStatus", "-o", "json")
VERSION = cli("Overview", "listVersion", "-o", "json")


def error(kind: ErrorKind) -> HostError:
    return HostError(kind, f"{kind}, the machine said", "source")


def said(question: RunCommand, stdout: str = "", **more: Any) -> Answers:
    return {question: command(question.argv, stdout, **more)}


def hung(question: RunCommand, stdout: str = "") -> Answers:
    answer = CommandAnswer(
        argv=question.argv,
        exit_code=None,
        stdout=stdout.encode(),
        stderr=b"",
        duration_s=10.0,
        timed_out=True,
    )
    return {question: answer}


def page(question: HttpGet, body: str = "<p>Login</p>", status: int = 200, **headers: str) -> Answers:
    told = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return {
        question: HttpAnswer(
            url=question.url, status=status, headers=told, body=body.encode(), duration_s=0.1
        )
    }


INSTALLED: Answers = {
    Stat(path=HOME): FileStatus(kind="directory", size_bytes=0, modified_at=0.0, mode=0o755),
    RPM: command(RPM.argv, "8.2.0\n"),
}
WELL: Answers = INSTALLED | page(NODEWORX) | page(SITEWORX) | said(BANNERS, "[]")
SIGN = "InterWorx is in maintenance mode"


def asked(*parts: Answers, known: Signatures | None = None) -> Context:
    answers = {question: answer for part in (WELL, *parts) for question, answer in part.items()}
    return Context(FakeHost(answers), layout(), known or signatures())


def questions(context: Context) -> list[str]:
    host = context.resample
    assert isinstance(host, FakeHost)
    return [question.source for question in host.asked]


def ids(found: Signs) -> list[str]:
    return [sign.signature for sign in found.found]


# Pages


def test_a_login_page_says_nothing() -> None:
    assert signs.page_signs(asked()) == Signs()


def test_both_pages_are_looked_at() -> None:
    context = asked(page(NODEWORX, SIGN), page(SITEWORX, f"<body>{SIGN}</body>", 503))
    found = signs.page_signs(context)
    assert ids(found) == ["maintenance.mode"] * 2
    assert [sign.seen for sign in found.found] == [
        "GET https://localhost:2443/nodeworx/ at 127.0.0.1 (status 200)",
        "GET https://localhost:2443/siteworx/ at 127.0.0.1 (status 503)",
    ]
    assert {sign.group for sign in found.found} == {"page"}
    assert questions(context).count("GET https://localhost:2443/nodeworx/ at 127.0.0.1") == 1


def test_title_headers_and_text_are_looked_at() -> None:
    assert ids(signs.page_signs(asked(page(NODEWORX, "<title>Maintenance</title>")))) == ["maintenance.title"]
    moved = page(NODEWORX, "", 302, location="/maintenance.html")
    assert ids(signs.page_signs(asked(moved))) == ["maintenance.redirect"]
    later = page(NODEWORX, f"<p>{'words ' * 200}</p><p>{SIGN}</p>")
    assert ids(signs.page_signs(asked(later))) == ["maintenance.mode"]
    words = Signature(
        id="x",
        sources=("nodeworx_page",),
        pattern="^retry-after: 3600$",
        code="PANEL-070",
        confidence="observed",
        known_from="a test",
    )
    wait = page(NODEWORX, "", 503, retry_after="3600")
    assert ids(signs.page_signs(asked(wait, known=Signatures(entries=(words,))))) == ["x"]


def test_the_first_run_page_and_a_dead_backend_are_no_maintenance() -> None:
    licence = "Please read the License Agreement. The panel may be down for scheduled maintenance."
    assert signs.page_signs(asked(page(NODEWORX, licence))) == Signs()
    dead = "unable to service your request due to maintenance downtime or capacity problems"
    assert signs.page_signs(asked(page(NODEWORX, dead, 503))) == Signs()


@pytest.mark.parametrize("kind", ["refused", "timeout", "closed", "tls", "unreachable"])
def test_a_page_that_does_not_answer_says_nothing(kind: ErrorKind) -> None:
    assert signs.page_signs(asked({NODEWORX: error(kind), SITEWORX: error(kind)})) == Signs()


def test_entries_hold_for_the_installed_release() -> None:
    known = signatures()
    old = Signatures(
        entries=tuple(structs.replace(entry, versions=(7,)) for entry in known.entries), groups=known.groups
    )
    told = page(NODEWORX, SIGN)
    assert ids(signs.page_signs(asked(told, known=old))) == []
    assert ids(signs.page_signs(asked(told, {RPM: error("timeout")}, known=old))) == ["maintenance.mode"]
    assert ids(signs.page_signs(asked(told, {RPM: command(RPM.argv, "x.y\n")}, known=old))) == [
        "maintenance.mode"
    ]


# The command line


def test_the_version_is_not_asked_for_while_the_pages_are_well() -> None:
    context = asked()
    assert signs.answer_signs(context) == Signs()
    assert not [source for source in questions(context) if "listVersion" in source]


@pytest.mark.parametrize(
    "reason",
    [
        page(NODEWORX, "Service Unavailable", 503),
        page(SITEWORX, "Service Unavailable", 503),
        page(NODEWORX, SIGN),
        {NODEWORX: error("refused")},
    ],
)
def test_a_page_that_is_not_well_is_reason_to_ask_for_the_version(reason: Answers) -> None:
    context = asked(reason, said(VERSION, '[{"version": "8.2.0"}]'))
    assert signs.answer_signs(context) == Signs()
    assert [source for source in questions(context) if "listVersion" in source]


@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_a_page_that_is_kept_from_us_is_no_reason(status: int) -> None:
    context = asked(page(SITEWORX, "", status))
    assert signs.answer_signs(context) == Signs()
    assert not [source for source in questions(context) if "listVersion" in source]


@pytest.mark.parametrize(
    "answer",
    [
        said(VERSION, SIGN, exit_code=1),
        said(VERSION, stderr=f"Error: {SIGN}", exit_code=11),
        said(VERSION, stderr=f"Error: {SIGN}"),
        said(VERSION, f"<html><body>{SIGN}</body></html>"),
        said(VERSION, f"Error: {SIGN}"),
        said(VERSION, json.dumps({"status": 5, "payload": SIGN})),
        hung(VERSION, SIGN),
    ],
)
def test_maintenance_told_instead_of_a_version_is_a_sign(answer: Answers) -> None:
    found = signs.answer_signs(asked(page(NODEWORX, "x", 503), answer))
    assert ids(found) == ["maintenance.mode"]
    assert found.found[0].group == "command"
    assert found.found[0].seen.startswith("nodeworx -u -n -c Overview -a listVersion -o json (")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (hung(VERSION), "no answer within 10 s"),
        (said(VERSION, "Password: "), "prompt"),
        (said(VERSION, "<html><title>500</title></html>"), "exit code 0"),
        (said(VERSION, '{"foo": "bar"}'), "no version"),
        (said(VERSION), "no version"),
        (said(VERSION, "Fatal error: something"), "exit code 0"),
        (said(VERSION, stderr="PHP Fatal error: something"), "standard error alone"),
        (said(VERSION, exit_code=1, stderr="Unable to connect"), "Unable to connect"),
        ({VERSION: error("not_found")}, "not_found"),
    ],
)
def test_a_page_that_is_not_well_and_no_version_is_no_answer(answer: Answers, why: str) -> None:
    with pytest.raises(HostError, match=why) as raised:
        signs.answer_signs(asked(page(NODEWORX, "x", 503), answer))
    assert raised.value.kind != "not_found"  # that the command line is gone proves nothing


def test_what_is_said_instead_of_the_banners_is_looked_at_without_asking_more() -> None:
    context = asked(said(BANNERS, stderr=SIGN, exit_code=1))
    assert ids(signs.answer_signs(context)) == ["maintenance.mode"]
    assert not [source for source in questions(context) if "listVersion" in source]


def test_the_words_of_a_banner_are_no_answer_of_the_command_line() -> None:
    """Else one banner would be two signs that seem to agree."""
    context = asked(said(BANNERS, json.dumps([{"message": SIGN}])))
    assert signs.answer_signs(context) == Signs()


def test_a_command_line_that_hangs_is_not_asked_twice() -> None:
    context = asked(page(NODEWORX, "x", 503), hung(BANNERS))
    with pytest.raises(HostError, match="no answer within 10 s"):
        signs.answer_signs(context)
    assert not [source for source in questions(context) if "listVersion" in source]


def test_without_a_command_line_the_pages_still_count() -> None:
    assert signs.answer_signs(asked({BANNERS: error("not_found")})) == Signs()


# Banners


def test_no_banners_are_no_signs() -> None:
    assert signs.banner_signs(asked()) == Signs()
    assert signs.banner_signs(asked(said(BANNERS, ""))) == Signs()
    assert signs.banner_signs(asked(said(BANNERS, '{"status": 0, "payload": []}'))) == Signs()


def test_a_banner_is_looked_at_whatever_its_columns() -> None:
    for column in ("message", "foo"):
        told = json.dumps([{"id": 7, column: "There are 2 failed upgrade steps"}])
        found = signs.banner_signs(asked(said(BANNERS, told)))
        assert ids(found) == ["upgrade.failed-step"]
        assert found.found[0].text == "7 There are 2 failed upgrade steps"
        assert found.found[0].seen == "nodeworx -u -n -c Notice -a listBannerNotices -o json (exit 0)"


def test_plain_columns_are_looked_at_where_json_is_refused() -> None:
    refused = said(BANNERS, stderr="Unknown option: o", exit_code=1)
    for text in ("7\tfailed upgrade step\tx", "7 There was a failed upgrade step"):
        assert ids(signs.banner_signs(asked(refused, said(BANNERS_PLAIN, text)))) == ["upgrade.failed-step"]
    assert signs.banner_signs(asked(refused, said(BANNERS_PLAIN, "7\tall is well\n"))) == Signs()
    assert signs.banner_signs(asked(refused, said(BANNERS_PLAIN, "7 well\n"))) == Signs()
    assert signs.banner_signs(asked(refused, said(BANNERS_PLAIN, ""))) == Signs()


@pytest.mark.parametrize("column", ["dismissed", "is_dismissed", "ignored"])
@pytest.mark.parametrize(
    ("value", "counts"), [(1, False), (True, False), ("yes", False), (0, True), ("", True)]
)
def test_a_dismissed_banner_does_not_count(column: str, value: object, counts: bool) -> None:
    told = json.dumps([{"message": "failed upgrade step", column: value}])
    assert bool(signs.banner_signs(asked(said(BANNERS, told))).found) is counts


def test_another_banner_is_no_sign() -> None:
    told = json.dumps([{"message": "InterWorx 8.2.1 is available"}])
    assert signs.banner_signs(asked(said(BANNERS, told))) == Signs()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (hung(BANNERS), "no answer within 10 s"),
        (said(BANNERS, "Username: "), "prompt"),
        (said(BANNERS, "<!DOCTYPE html><p>Login</p>"), "exit code 0"),
        (said(BANNERS, '[{"foo": "bar", "baz": 1}]'), r"columns: foo, baz"),
        (said(BANNERS, '["not allowed"]'), r"columns: 1"),
        (said(BANNERS, "Something went wrong in the panel"), "columns: 1, 2"),
        (said(BANNERS, "Error: something"), "exit code 0"),
        (said(BANNERS, stderr="Segmentation fault"), "standard error alone"),
        (said(BANNERS, exit_code=3), "exit 3"),
        ({BANNERS: error("not_found")}, "not_found"),
        ({BANNERS: error("permission")}, "permission"),
    ],
)
def test_banners_that_cannot_be_read_are_never_none(answer: Answers, why: str) -> None:
    with pytest.raises(HostError, match=why) as raised:
        signs.banner_signs(asked(answer))
    assert raised.value.kind != "not_found"


def test_a_sign_is_told_though_another_banner_is_not_understood() -> None:
    told = json.dumps([{"foo": "bar"}, {"message": "failed upgrade step"}])
    assert ids(signs.banner_signs(asked(said(BANNERS, told)))) == ["upgrade.failed-step"]


# Health


def test_the_health_list_is_read_and_only_its_bad_rows_are_looked_at() -> None:
    told = json.dumps(
        [
            {"code": "steps", "name": "failed upgrade steps", "status": "0"},
            {"code": "raid", "name": "Raid array", "status": "1"},
        ]
    )
    context = asked(said(HEALTH, told))
    health = signs.panel_health(context)
    assert [(row.name, row.state) for row in health.rows] == [
        ("failed upgrade steps", "well"),
        ("Raid array", "bad"),
    ]
    assert health.source.endswith("-o json (exit 0)")
    assert signs.health_signs(context) == Signs()
    assert questions(context).count("nodeworx -u -n -c Health -a listHealthStatus -o json") == 1
    bad = told.replace('"status": "0"', '"status": "1"')
    assert ids(signs.health_signs(asked(said(HEALTH, bad)))) == ["upgrade.failed-step"]


@pytest.mark.parametrize("answer", ["", "[]", '[{"foo": "bar"}]', "all is well here", "Login:", "<p>"])
def test_a_health_list_that_cannot_be_read_is_never_well(answer: str) -> None:
    with pytest.raises(HostError):
        signs.panel_health(asked(said(HEALTH, answer)))


# Logs


def logs(**told: str | bytes | HostError) -> Answers:
    found: Answers = {}
    for name, question in LOGS.items():
        answer = told.get(name.replace("-", "_"), b"")
        found[question] = answer if isinstance(answer, HostError) else content(answer)
    return found


def test_each_log_is_looked_at_for_its_own_signs() -> None:
    text = "2026-11-23 16:06:40 entering maintenance mode\n"
    found = signs.log_signs(asked(logs(iworx=text, stack="failed upgrade step\n")))
    assert [(sign.signature, sign.seen) for sign in found.found] == [
        ("maintenance.log-begins", f"{HOME}/var/log/iworx.log"),
        ("upgrade.failed-step", f"{HOME}/var/log/stack.log"),
    ]
    assert [sign.at for sign in found.found] == [NOW_AT, None]
    assert found.found[0].written_at == NOW_AT
    assert found.looked_at == tuple(question.path for question in LOGS.values())


def test_empty_and_broken_logs_are_read() -> None:
    assert signs.log_signs(asked(logs())).found == ()
    odd = b"\xff\xfe\x00 \x80\n" + b"y" * 10_000_000
    assert signs.log_signs(asked(logs(iworx=odd))).found == ()
    told = b"\xff\xfe failed upgrade step \xff\n"
    assert ids(signs.log_signs(asked(logs(error=told)))) == ["upgrade.failed-step"]


def test_a_log_that_is_not_there_is_passed_over() -> None:
    absent = error("not_found")
    found = signs.log_signs(asked(logs(iworx=absent, stack=absent)))
    assert found.looked_at == (f"{HOME}/var/log/iworx-init.log", f"{HOME}/var/log/error.log")


def test_no_log_at_all_is_no_answer() -> None:
    absent = {name.replace("-", "_"): error("not_found") for name in LOGS}
    with pytest.raises(HostError, match="none of the panel's logs") as raised:
        signs.log_signs(asked(logs(**absent)))
    assert raised.value.kind == "failed"


def test_a_log_that_cannot_be_read_is_no_answer_unless_another_tells() -> None:
    with pytest.raises(HostError, match="permission"):
        signs.log_signs(asked(logs(iworx=error("permission"))))
    told = logs(iworx=error("permission"), error="failed upgrade step")
    assert ids(signs.log_signs(asked(told))) == ["upgrade.failed-step"]


# Names of files and of settings


def listing(*entries: tuple[str, str], truncated: bool = False) -> DirectoryListing:
    return DirectoryListing(
        entries=tuple(
            DirectoryEntry(name=name, kind=kind, modified_at=NOW_AT - 60)  # type: ignore[arg-type]
            for name, kind in entries
        ),
        truncated=truncated,
    )


def test_a_file_with_a_telling_name_is_a_hint_with_its_time() -> None:
    first, second, third = FLAGS
    told: Answers = {
        first: listing(("bin", "directory"), ("maintenance", "directory")),
        second: listing((".maintenance", "file"), ("maintenance.html", "file")),
        third: error("not_found"),
    }
    (sign,) = signs.file_signs(asked(told)).found
    assert (sign.signature, sign.weight, sign.at) == ("maintenance.flag-file", "hint", NOW_AT - 60)
    assert sign.seen == f"{HOME}/var/.maintenance"


def test_a_directory_that_cannot_be_listed_is_no_answer() -> None:
    with pytest.raises(HostError, match="permission"):
        signs.file_signs(asked({question: error("permission") for question in FLAGS}))


def test_of_the_settings_only_names_of_keys_are_seen() -> None:
    text = 'maintenance_mode="sesame"\ndsn="mysqli://x:maintain@unix(y)/z"\n'
    found = signs.setting_signs(asked({SETTINGS: content(text)}))
    assert [(sign.text, sign.weight) for sign in found.found] == [("maintenance_mode", "context")]
    assert "sesame" not in str(found)


def test_without_signatures_for_settings_nothing_is_read() -> None:
    assert signs.setting_signs(asked(known=Signatures())) == Signs()


def test_the_packages_of_one_version_are_known() -> None:
    assert signs.one_version_packages(asked()) == ("interworx", "interworx-cli")
