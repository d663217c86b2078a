"""``config show`` and ``config check``: origins, nothing secret, each fault in its place, the next step."""

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import AUTHORITY
from here import Here, here

from iwx_agent.cli import run
from iwx_agent.config.schema import leaves
from iwx_agent.host import HostError

Run = Callable[..., tuple[int, str, str]]
Put = Callable[..., Path]
SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Here]:
    with here(monkeypatch, tmp_path) as (_, machine):
        yield machine


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def put(etc: Path) -> Put:
    def put(name: str, text: str, mode: int = 0o644) -> Path:
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return put


def test_every_setting_is_shown_with_its_origin(iwx: Run, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put("config.toml", 'budget_s = 60\n[limits."system.clock"]\nsettle_s = 5\n')
    monkeypatch.setenv("IWX_AGENT_BOOT_GRACE_S", "7")
    code, out, err = iwx("--set", "licence=direct", "config", "show")
    assert (code, err) == (0, "")
    told = {line.partition(" = ")[0]: line.partition("  # ")[2] for line in out.splitlines()}
    assert told["budget_s"] == f"{path}:1"
    assert told['limits."system.clock".settle_s'] == f"{path}:3"
    assert told["boot_grace_s"] == "environment, IWX_AGENT_BOOT_GRACE_S"
    assert told["licence"] == "command line"
    always = {key for key, _, needed in leaves() if needed and key != "limits"}
    assert told.keys() == always | {'limits."system.clock".settle_s'}
    assert {told[key] for key in always - {"budget_s", "boot_grace_s", "licence"}} == {"default"}


def test_what_is_shown_can_be_set_again(iwx: Run, put: Put, etc: Path) -> None:
    put("config.toml", '[identity]\nhost_name = "a\\"b \\u00e9"\n[auto.window]\nbegins = 08:00:00\n')
    shown = tomllib.loads(iwx("config", "show")[1])
    assert shown["identity"]["host_name"] == 'a"b é'
    assert shown["auto"]["window"]["begins"] == "08:00:00"
    put("config.toml", iwx("config", "show")[1])
    assert tomllib.loads(iwx("config", "show")[1]) == shown


def test_show_as_json(iwx: Run, put: Put) -> None:
    path = put("config.toml", "\nbudget_s = 60\n")
    code, out, _ = iwx("config", "show", "--format", "json")
    told = json.loads(out)
    assert (code, told["schema_version"]) == (0, 1)
    by_key = {one["key"]: one for one in told["settings"]}
    assert by_key["budget_s"] == {
        "key": "budget_s",
        "value": 60.0,
        "origin": "file",
        "name": str(path),
        "line": 2,
    }
    assert by_key["delivery.chain"]["value"] == []


def test_nothing_secret_is_shown(iwx: Run, put: Put) -> None:
    put("p", SECRET, 0o600)
    put(
        "config.toml",
        f'[auto]\nheartbeat_url = "https://beat.example.com/{SECRET}"\n'
        f'[transport.webhook]\nurl = "https://hooks.example.com:8443/{SECRET}?x={SECRET}"\n'
        f'look_up_url = "https://h.example.com/{SECRET}/{{key}}"\nkey_file = "{put("k", SECRET, 0o600)}"\n'
        f'[transport.command]\ncommand = ["/opt/file", "--token={SECRET}"]\n',
    )
    for form in ("text", "json"):
        code, out, err = iwx("config", "show", "--format", form)
        assert code == 0
        assert SECRET not in out + err
        assert "https://hooks.example.com:8443/(hidden)" in out
        code, out, err = iwx("config", "check", "--format", form)
        assert code == 0
        assert SECRET not in out + err
    assert '["/opt/file", "(hidden)"]' in iwx("config", "show")[1]


def test_a_wrong_file_is_said_by_show_as_by_every_command(iwx: Run, put: Put) -> None:
    path = put("config.toml", "budget = 1\n")
    assert iwx("config", "show") == (
        2,
        "",
        f"iwx-agent: {path}:1: budget: unknown key; did you mean budget_s?\n",
    )


def test_text_that_would_move_the_terminal_is_shown_as_text(iwx: Run, put: Put) -> None:
    put("config.toml", '[bundle]\ngpg_home = "\\u009b2J\\u001b[2J\\u202e"\n')
    out = iwx("config", "show")[1]
    assert not any(c in out for c in "\x9b\x1b\u202e")


def test_check_says_what_is_all_right_and_what_to_do_next(iwx: Run) -> None:
    code, out, err = iwx("config", "check")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "ok     settings",
        "ok     panel layout",
        "ok     signatures",
        "ok     support policy",
        "ok     provider",
        "ok     portal form",
        "ok     transport.file",
        "Next: what holds, and where it was set: iwx-agent config show",
    ]


def test_check_names_the_fault_of_each_file(iwx: Run, put: Put) -> None:
    paths = {
        "settings": (put("conf.d/1.toml", "\n[auto]\nenabl = true\n"), 3, "auto.enabl", "enabled?"),
        "panel layout": (put("interworx.d/a.toml", "[path]\nhme = []\n"), 2, "path.hme", "at least one"),
        "signatures": (put("signatures.d/a.toml", 'disable = ["maintenance.mod"]'), 1, "disable", "mode?"),
        "support policy": (put("support-policy.toml", "zone = 1"), 1, "zone", "unknown key"),
        "provider": (put("provider.toml", 'naem = "x"'), 1, "naem", "did you mean name?"),
        "portal form": (put("portal-form.d/a.toml", 'not_needed = ["massage"]'), 1, "not_needed", "message?"),
    }
    code, out, err = iwx("config", "check")
    assert (code, err) == (2, "")
    lines = out.splitlines()
    for part, (path, line, key, said) in paths.items():
        told = lines[lines.index(f"wrong  {part}") + 1]
        assert told.startswith(f"       {path}:{line}: {key}: "), told
        assert said in told
    assert "transport" not in out  # nobody could look at them
    assert lines[-1] == "Next: mend what is wrong, then run it again: iwx-agent config check"
    code, out, _ = iwx("config", "check", "--format", "json")
    told_json = json.loads(out)
    assert (code, told_json["valid"]) == (2, False)
    assert {one["part"]: (one["path"], one["line"], one["key"]) for one in told_json["faults"]} == {
        part: (str(path), line, key) for part, (path, line, key, _) in paths.items()
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_check_looks_at_limits_and_passwords(iwx: Run, put: Put, form: str) -> None:
    put("config.toml", '[limits."system.clok"]\nx = 1\n')
    code, out, _ = iwx("config", "check", "--format", form)
    assert (code, "did you mean system.clock?" in out) == (2, True)
    path = put("pw", SECRET, 0o644)
    put(
        "config.toml",
        f'[transport.email]\nto = "a@example.com"\nuser = "me"\npassword_file = "{path}"\n',
    )
    code, out, _ = iwx("config", "check", "--format", form)
    assert (code, f"chmod 0600 {path}" in out, SECRET in out) == (2, True, False)


# Whether each way to send can be used


def told_of(iwx: Run, name: str) -> tuple[int, list[str]]:
    """Return the exit code, and the line of a transport with what is told below it."""
    code, out, _ = iwx("config", "check")
    lines = out.splitlines()
    first = next(number for number, line in enumerate(lines) if line[7:] == f"transport.{name}")
    below = next(number for number, line in enumerate(lines) if number > first and line[:1] != " ")
    return code, [line.strip() for line in lines[first:below]]


def test_each_way_that_can_be_used_is_a_line_in_the_chains_order(iwx: Run, put: Put) -> None:
    secret, authority = put("pw", SECRET, 0o600), put("ca.pem", AUTHORITY)
    put(
        "config.toml",
        '[delivery]\nchain = ["webhook", "email"]\nsender_mail = "me@example.com"\n'
        f'[transport.email]\nto = "a@example.com"\nserver = "mail.example.com"\nuser = "me"\n'
        f'password_file = "{secret}"\nauthorities = "{authority}"\n'
        f'[transport.webhook]\nurl = "https://h.example.com"\nkey_file = "{secret}"\n',
    )
    code, out, _ = iwx("config", "check")
    assert code == 0
    assert [line for line in out.splitlines() if "transport" in line] == [
        "ok     transport.webhook",
        "ok     transport.email",
        "ok     transport.file",
    ]
    assert "note" not in out


def test_all_that_is_wrong_with_a_way_is_said_each_with_its_fix(iwx: Run, put: Put) -> None:
    path = put("pw", SECRET, 0o644)
    config = put(
        "config.toml",
        '[delivery]\nchain = ["email"]\n[transport.email]\nto = "a@example.com"\nserver = "m.example.com"\n'
        f'user = "me"\npassword_file = "{path}"\nauthorities = "/nowhere.pem"\n',
    )
    assert told_of(iwx, "email") == (
        2,
        [
            "wrong  transport.email",
            f"{path}: transport.email.password_file: has mode 0644, and others must not read it",
            f"Fix: chmod 0600 {path}",
            "/nowhere.pem: transport.email.authorities: there is no such file (ENOENT)",
            'Fix: name a file of certificates (PEM); transport.email.authorities = "" is the system',
            f"{config}:3: transport.email.sender: a mail is from somebody",
            'Fix: delivery.sender_mail = "you@example.com"',
        ],
    )
    told = json.loads(iwx("config", "check", "--format", "json")[1])
    assert next(one["fix"] for one in told["faults"]) == f"chmod 0600 {path}"
    assert told["parts"][-2:] == ["transport.email", "transport.file"]


@pytest.mark.parametrize(
    ("kind", "why", "fix"),
    [
        (
            "permission",
            "/opt/x belongs to user 12, not to root",
            "nobody else may write to it: namei -l /opt/x",
        ),
        ("not_regular", "/opt/x is a symlink", "readlink -f /opt/x"),
        ("not_found", "there is no such file (ENOENT)", "install it, or correct transport.command.command"),
        ("timeout", "no answer within 5.0 s", "look why"),
    ],
)
def test_a_program_that_root_may_not_trust(
    iwx: Run, put: Put, machine: Here, kind: Any, why: str, fix: str
) -> None:
    path = put(
        "config.toml", '[delivery]\nchain = ["command"]\n[transport.command]\ncommand = ["/opt/x", "-v"]\n'
    )
    machine.refused["trusted", "/opt/x"] = HostError(kind, why, "/opt/x")
    code, told = told_of(iwx, "command")
    assert (code, told[:2]) == (
        2,
        ["wrong  transport.command", f"{path}:4: transport.command.command: /opt/x: {why}"],
    )
    assert fix in told[2]


def test_both_programs_are_looked_at_and_may_be_all_right(iwx: Run, put: Put, machine: Here) -> None:
    put(
        "config.toml",
        '[delivery]\nchain = ["command"]\n'
        '[transport.command]\ncommand = ["/opt/x"]\nlook_up_command = ["/opt/y"]\n',
    )
    machine.refused["trusted", "/opt/y"] = HostError("permission", "/opt/y is not executable", "/opt/y")
    code, told = told_of(iwx, "command")
    assert (code, len(told), "look_up_command: /opt/y: /opt/y is not" in told[1]) == (2, 3, True)
    del machine.refused["trusted", "/opt/y"]
    assert told_of(iwx, "command") == (0, ["ok     transport.command"])


def test_a_directory_for_tickets_is_made_with_the_one_above_and_no_more(
    iwx: Run, put: Put, tmp_path: Path
) -> None:
    for below in ("", "/a", "/a/b"):
        put("config.toml", f'[transport.file]\ndirectory = "{tmp_path}{below}"\n')
        assert told_of(iwx, "file") == (0, ["ok     transport.file"])
    path = put("config.toml", f'[transport.file]\ndirectory = "{tmp_path}/a/b/c"\n')
    code, told = told_of(iwx, "file")
    assert (code, told[0]) == (2, "wrong  transport.file")
    assert told[1].startswith(f"{path}:2: transport.file.directory: {tmp_path}/a/b/c cannot be made")
    assert told[2] == f"Fix: install -d -m 0700 {tmp_path}/a/b/c"


def test_a_directory_that_is_not_the_agents_own_is_said(iwx: Run, put: Put, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir(mode=0o777)
    (tmp_path / "t").chmod(0o777)
    put("config.toml", f'[transport.file]\ndirectory = "{tmp_path}/t"\n')
    code, told = told_of(iwx, "file")
    assert (code, told[0]) == (2, "wrong  transport.file")
    assert "transport.file.directory: " in told[1]
    assert f"ls -ld {tmp_path}/t" in told[2]
    (tmp_path / "f").write_text("")
    put("config.toml", f'[transport.file]\ndirectory = "{tmp_path}/f"\n')
    assert told_of(iwx, "file")[0] == 2


def test_what_only_root_can_see_is_noted(iwx: Run, machine: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    place = "/var/lib/iwx-agent/tickets"
    machine.refused["spooled", place] = HostError("permission", "Permission denied (EACCES)", place)
    code, out, _ = iwx("config", "check")
    assert (code, "ok     transport.file" in out) == (0, True)
    assert f"note   only root can see whether tickets can be left in {place}" in out
    del machine.refused["spooled", place]
    assert "note" not in iwx("config", "check")[1]
    machine.refused["spooled", place] = HostError("timeout", "no answer within 5.0 s", place)
    code, out, _ = iwx("config", "check")
    assert (code, "note" in out, "no answer within 5.0 s" in out) == (2, False, True)


def test_a_disk_that_does_not_answer_is_said(iwx: Run, put: Put, machine: Here, tmp_path: Path) -> None:
    put("config.toml", '[transport.webhook]\nurl = "https://h.example.com"\nauthorities = "/mnt/ca.pem"\n')
    machine.refused["stat", "/mnt/ca.pem"] = HostError("timeout", "no answer within 5.0 s", "/mnt/ca.pem")
    machine.refused["stat", "/var/lib/iwx-agent"] = HostError("failed", "Input/output error (EIO)", "x")
    code, told = told_of(iwx, "webhook")
    assert (code, told[1]) == (2, "/mnt/ca.pem: could not be looked at: no answer within 5.0 s")
    assert "Input/output error (EIO)" in told_of(iwx, "file")[1][1]


MAIL_OF = '[delivery]\nchain = ["email"]\nsender_mail = "a@example.com"\n'
PORTAL = '[transport.portal]\naddress = "https://support.example.com"\n'


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("[auto]\nenabled = true\n", "its tickets stay in /var/lib/iwx-agent/tickets: set delivery.chain"),
        ("[auto]\nenabled = true\n", 'set licence = "direct"'),
        (PORTAL, "[transport.portal] is set up, and delivery.chain does not name it"),
        (f'[delivery]\nchain = ["portal"]\n{PORTAL}', "set delivery.sender_name and delivery.sender_mail"),
        (f'[delivery]\nchain = ["portal"]\n{PORTAL}user = "me"\n', "no portal-password was found"),
        ('[transport.webhook]\nurl = "https://h.example.com"\n', "no webhook-key was found"),
        (
            f'{MAIL_OF}[transport.email]\nto = "a@example.com"\n',
            "mail is handed to this server's own mail system, which may be what is broken",
        ),
        ('[transport.command]\ncommand = ["/opt/x"]\n', "[transport.command] is set up, and delivery.chain"),
    ],
)
def test_what_is_perhaps_not_meant_is_noted(iwx: Run, put: Put, text: str, note: str) -> None:
    put("config.toml", text)
    code, out, _ = iwx("config", "check")
    assert code == 0
    assert any(line.startswith("note   ") and note in line for line in out.splitlines())


def test_what_is_meant_is_not_noted(iwx: Run, put: Put) -> None:
    secret = put("portal-password", SECRET, 0o600)
    put(
        "config.toml",
        'licence = "direct"\n[auto]\nenabled = true\n[delivery]\nchain = ["portal"]\n'
        f'sender_mail = "a@example.com"\n{PORTAL}user = "me"\npassword_file = "{secret}"\n',
    )
    put("conf.d/README", "")
    put("provider.toml", 'name = "Example"')
    assert "note" not in iwx("config", "check")[1]


def test_files_that_are_nearly_read_are_named(iwx: Run, put: Put, etc: Path) -> None:
    put("config.tml", "")
    put("signature.d/x.toml", "")
    put("conf.d/auto.conf", "")
    for number in range(20):
        put(f"interworx.d/{number}", "")
    notes = [line for line in iwx("config", "check")[1].splitlines() if line.startswith("note")]
    assert notes[0] == f"note   {etc}/config.tml is not read; {etc}/config.toml would be"
    assert notes[1] == f"note   {etc}/signature.d is not read; {etc}/signatures.d would be"
    assert notes[2] == f"note   {etc}/conf.d/auto.conf is not read: its name does not end in .toml"
    assert len(notes) == 10


@pytest.mark.parametrize("command", ["show", "check"])
def test_an_unknown_format_is_wrong_usage(iwx: Run, command: str) -> None:
    code, _, err = iwx("config", command, "--format", "yaml")
    assert (code, "unknown value of --format" in err) == (2, True)


@pytest.mark.parametrize("given", ["budget_s", "=1", " =1"])
def test_a_setting_on_the_command_line_has_a_key_and_a_value(iwx: Run, given: str) -> None:
    code, _, err = iwx("--set", given, "config", "show")
    assert (code, "as --set budget_s=60" in err) == (2, True)


def test_what_is_wrong_with_a_secrets_place_is_said_whole(iwx: Run) -> None:
    """The way out hides what follows the name of a secret; here that is the agent's own advice."""
    code, out, err = iwx("--set", f"transport.email.passwd={SECRET}", "config", "show")
    assert (code, out, SECRET in err) == (2, "", False)
    assert "a secret does not stand here" in err
    assert 'password_file = "/etc/iwx-agent/smtp-password"' in err
