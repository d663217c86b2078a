"""From settings and secrets to transports: the order, what each is given, what stands for a broken one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import AUTHORITY
from here import Here, here
from letters import ending, letter
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from iwx_agent.app.transports import settings_of, transports_of
from iwx_agent.config import ConfigError
from iwx_agent.config.secrets import Secret, load_secrets
from iwx_agent.config.sending import DeliverySettings, Sending, load_sending
from iwx_agent.config.transport_tables import (
    CommandTable,
    EmailTable,
    FileTable,
    PortalTable,
    WebhookTable,
)
from iwx_agent.host import HostError
from iwx_agent.host.live import LiveHost
from iwx_agent.transports.command import CommandSettings, CommandTransport
from iwx_agent.transports.contract import CannotLook, Transport, Undelivered
from iwx_agent.transports.email import EmailSettings, EmailTransport
from iwx_agent.transports.file import FileSettings, FileTransport
from iwx_agent.transports.portal import Place, PortalTransport
from iwx_agent.transports.unusable import UnusableTransport
from iwx_agent.transports.webhook import WebhookSettings, WebhookTransport

Put = Callable[..., Path]
DESK = '[transport.portal]\naddress = "https://support.example.com"\n'
MAIL = '[transport.email]\nto = "support@example.com"\nserver = "localhost"\n'
HOOK = '[transport.webhook]\nurl = "https://hooks.example.com/x"\n'


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[LiveHost, Here]]:
    with here(monkeypatch, tmp_path) as found:
        yield found


@pytest.fixture
def put(etc: Path) -> Put:
    def put(name: str, text: str, mode: int = 0o644) -> Path:
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return put


def built(machine: tuple[LiveHost, Here], **more: Any) -> dict[str, Transport]:
    sending = load_sending()
    return transports_of(machine[0], machine[0].workers, sending, load_secrets(sending), **more)


def refusal(machine: tuple[LiveHost, Here], name: str) -> Undelivered:
    """Return what the way says at an attempt; it must be one that cannot be used."""
    one = built(machine)[name]
    assert isinstance(one, UnusableTransport)
    assert one.name == name
    found = ending(one, letter())
    assert isinstance(found, Undelivered)
    assert (found.kind, found.where) == ("later", name)
    assert one.look_up("IWX-1", limit_s=1) == CannotLook(reason=found.why)
    return found


def test_without_settings_there_is_a_file(machine: tuple[LiveHost, Here]) -> None:
    found = built(machine)
    assert list(found) == ["file"]
    assert isinstance(found["file"], FileTransport)


def test_the_order_is_that_of_the_chain_and_file_is_the_last(
    machine: tuple[LiveHost, Here], put: Put
) -> None:
    command = '[transport.command]\ncommand = ["/opt/x"]\n'
    mail = f'[delivery]\nsender_mail = "me@example.com"\nchain = ["command", "webhook", "email"]\n{MAIL}'
    put("config.toml", mail + HOOK + command)
    found = built(machine)
    assert list(found) == ["command", "webhook", "email", "file"]
    kinds = [CommandTransport, WebhookTransport, EmailTransport, FileTransport]
    assert [type(one) for one in found.values()] == kinds
    assert [one.name for one in found.values()] == list(found)


def test_what_no_chain_names_is_not_made(machine: tuple[LiveHost, Here], put: Put) -> None:
    put("config.toml", HOOK + MAIL + "[delivery]\nchain = ['webhook']\n")
    assert list(built(machine)) == ["webhook", "file"]


def test_a_portal_is_asked_as_a_guest_or_with_an_account(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put("pw", "not-a-real-secret-9", 0o600)
    put("config.toml", f'[delivery]\nchain = ["portal"]\n{DESK}')
    assert isinstance(built(machine)["portal"], PortalTransport)
    text = put("config.toml", f'[delivery]\nchain = ["portal"]\n{DESK}user = "me"\n')
    assert refusal(machine, "portal").why.endswith(f"there is no password for this user ({text}:5)")
    put("config.toml", f'[delivery]\nchain = ["portal"]\n{DESK}user = "me"\npassword_file = "{path}"\n')
    one = built(machine)["portal"]
    assert isinstance(one, PortalTransport)
    assert "Credentials(given)" in f"{vars(one)}"


def test_words_of_the_form_that_cannot_be_used_are_said(machine: tuple[LiveHost, Here], put: Put) -> None:
    put("config.toml", f'[delivery]\nchain = ["portal"]\n{DESK}')
    path = put("portal-form.d/x.toml", 'not_needed = ["nothing"]\n')
    assert f"({path}:1)" in refusal(machine, "portal").why


# What the settings say is what a transport gets

# A place has the account itself where the table has its user and file.
PAIRS: list[tuple[type[Struct], type[Struct], set[str], set[str]]] = [
    (PortalTable, Place, {"user", "password_file"}, {"account"}),
    (EmailTable, EmailSettings, {"user", "password_file"}, set()),
    (WebhookTable, WebhookSettings, {"key_file"}, set()),
    (CommandTable, CommandSettings, set(), set()),
    (FileTable, FileSettings, set(), {"spare"}),
]


@pytest.mark.parametrize(("table", "settings", "of_table", "of_settings"), PAIRS)
def test_keys_types_and_defaults_are_the_same_twice(
    table: type[Struct], settings: type[Struct], of_table: set[str], of_settings: set[str]
) -> None:
    """``of_table`` is what only the builder needs, ``of_settings`` what nobody can set."""

    def told(kind: type[Struct], without: set[str]) -> dict[str, tuple[object, object]]:
        known = {field.name: (field.type, field.default) for field in fields(kind)}
        assert without <= known.keys()
        return {name: one for name, one in known.items() if name not in without}

    assert told(table, of_table) == told(settings, of_settings)


@pytest.mark.parametrize(("table", "settings", "of_table", "of_settings"), PAIRS)
def test_every_value_is_handed_on(
    table: type[Struct], settings: type[Struct], of_table: set[str], of_settings: set[str]
) -> None:
    values = {field.name: _another(field) for field in fields(table)}
    found = settings_of(settings, table(**values))
    handed = {name: value for name, value in values.items() if name not in of_table}
    assert {name: getattr(found, name) for name in handed} == handed


def _another(field: FieldInfo) -> object:
    """Return a value that is not the default."""
    kinds: dict[object, object] = {str: "other", int: 7, bool: True, tuple[str, ...]: ("/other", field.name)}
    value = kinds.get(field.type, "implicit")
    assert field.default is NODEFAULT or value != field.default
    return value


def test_mail_knows_what_is_down(machine: tuple[LiveHost, Here], put: Put) -> None:
    put("config.toml", f'[delivery]\nsender_mail = "me@example.com"\nchain = ["email"]\n{MAIL}')
    one = built(machine, down=frozenset({"mail.delivery"}))["email"]
    found = ending(one, letter())
    assert isinstance(found, Undelivered)
    assert "this machine's mail is what is broken (mail.delivery)" in str(found)


# What cannot be used


def test_a_password_that_others_can_read_stops_one_way_only(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put("pw", "not-a-real-secret-9", 0o644)
    text = f'[delivery]\nsender_mail = "me@example.com"\nchain = ["email", "webhook"]\n{HOOK}{MAIL}'
    put("config.toml", f'{text}user = "me"\npassword_file = "{path}"\n')
    found = built(machine)
    assert [type(one) for one in found.values()] == [UnusableTransport, WebhookTransport, FileTransport]
    told = refusal(machine, "email")
    assert "transport.email.password_file: has mode 0644" in told.why
    assert f"({path})" in told.why
    assert told.next_step == f"chmod 0600 {path}"


def test_a_key_that_is_not_there_is_named(machine: tuple[LiveHost, Here], put: Put, etc: Path) -> None:
    put("config.toml", f'[delivery]\nchain = ["webhook"]\n{HOOK}key_file = "{etc}/key"\n')
    told = refusal(machine, "webhook")
    assert told.why == f"transport.webhook.key_file: No such file or directory ({etc}/key)"
    assert told.next_step.startswith(f"install -m 0600 /dev/null {etc}/key")


def test_a_user_without_a_password_is_not_sent_without(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put(
        "config.toml",
        f'[delivery]\nsender_mail = "me@example.com"\nchain = ["email"]\n{MAIL}user = "me"\n',
    )
    told = refusal(machine, "email")
    assert told.why == f"transport.email.user: there is no password for this user ({path}:7)"
    assert 'password_file = "/etc/iwx-agent/smtp-password"' in told.next_step


def test_a_password_that_nobody_asks_for_is_left_alone(
    machine: tuple[LiveHost, Here], put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "smtp-password").write_text("not-a-real-secret-9")
    (tmp_path / "smtp-password").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    put("config.toml", f'[delivery]\nsender_mail = "me@example.com"\nchain = ["email"]\n{MAIL}')
    assert isinstance(built(machine)["email"], EmailTransport)


def test_a_mail_from_nobody_is_not_sent(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put("config.toml", f'[delivery]\nchain = ["email"]\n{MAIL}')
    told = refusal(machine, "email")
    assert told.why == f"transport.email.sender: a mail is from somebody ({path}:3)"
    assert told.next_step == 'delivery.sender_mail = "you@example.com"'
    put("config.toml", f'[delivery]\nchain = ["email"]\n{MAIL}sender = "me@example.com"\n')
    assert isinstance(built(machine)["email"], EmailTransport)


@pytest.mark.parametrize("name", ["email", "webhook"])
def test_authorities_that_are_none_stop_their_way(
    machine: tuple[LiveHost, Here], put: Put, name: str
) -> None:
    path = put("ca.pem", "nothing\n")
    text = '[delivery]\nsender_mail = "me@example.com"\n'
    table = {"email": MAIL, "webhook": HOOK}[name]
    put("config.toml", f'{text}chain = ["{name}"]\n{table}authorities = "{path}"\n')
    told = refusal(machine, name)
    assert told.why == f"transport.{name}.authorities: there is no certificate in it ({path})"
    path.write_text(AUTHORITY)
    assert not isinstance(built(machine)[name], UnusableTransport)


def test_authorities_that_cannot_be_read_now_are_left_to_the_attempt(
    machine: tuple[LiveHost, Here], put: Put
) -> None:
    path = put("ca.pem", AUTHORITY)
    put("config.toml", f'[delivery]\nchain = ["webhook"]\n{HOOK}authorities = "{path}"\n')
    machine[1].refused["stat", str(path)] = HostError("timeout", "no answer within 5.0 s", str(path))
    assert isinstance(built(machine)["webhook"], WebhookTransport)


def test_a_table_that_went_away_is_said(machine: tuple[LiveHost, Here]) -> None:
    """Settings that were judged have each table of the chain: this is for those that were not."""
    for name in ("email", "webhook", "command"):
        sending = Sending(delivery=DeliverySettings(chain=(name,)))
        one = transports_of(machine[0], machine[0].workers, sending, {})[name]
        assert isinstance(ending(one, letter()), Undelivered)


def test_a_secret_is_shown_by_nothing(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put("pw", "not-a-real-secret-9", 0o600)
    text = f'[delivery]\nsender_mail = "me@example.com"\nchain = ["email", "webhook"]\n{HOOK}{MAIL}'
    put("config.toml", f'{text}user = "me"\npassword_file = "{path}"\n')
    sending = load_sending()
    secrets = load_secrets(sending)
    assert isinstance(secrets["email"], Secret)
    found = transports_of(machine[0], machine[0].workers, sending, secrets)
    told = [f"{vars(one)}" for one in found.values()]
    assert "not-a-real-secret-9" not in f"{found} {secrets} {told}"


# A file of authorities


def refused(machine: tuple[LiveHost, Here], path: Path | str) -> ConfigError:
    from iwx_agent.app.authorities import refuse_authorities

    with pytest.raises(ConfigError) as raised:
        refuse_authorities(machine[0], "a.key", str(path))
    assert (raised.value.path, raised.value.key) == (str(path), "a.key")
    assert raised.value.fix
    return raised.value


def test_no_authorities_are_those_of_the_system(machine: tuple[LiveHost, Here]) -> None:
    from iwx_agent.app.authorities import refuse_authorities

    refuse_authorities(machine[0], "a.key", "")
    assert machine[1].asked == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no certificate in it"),
        (AUTHORITY[:200], "there is no certificate in it"),
        (AUTHORITY.replace("MII", "AAA"), "a certificate in it cannot be read"),
        (f"{AUTHORITY}{AUTHORITY.replace('MII', 'AAA')}", "a certificate in it cannot be read"),
        (AUTHORITY.replace("MIIB", "é"), "a certificate in it cannot be read"),
        (f"{'x' * (2 * 1024 * 1024)}\n{AUTHORITY}", "expected at most"),
    ],
)
def test_a_file_without_certificates_is_refused(
    machine: tuple[LiveHost, Here], put: Put, text: str, why: str
) -> None:
    assert refused(machine, put("ca.pem", text)).why.startswith(why)


@pytest.mark.parametrize(
    "text",
    [
        AUTHORITY,
        f"# Autorité\n{AUTHORITY}\n# and once more\n{AUTHORITY}",
        AUTHORITY.replace("CERTIFICATE", "X509 CERTIFICATE"),
        AUTHORITY.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
    ],
)
def test_a_file_with_certificates_is_taken(machine: tuple[LiveHost, Here], put: Put, text: str) -> None:
    from iwx_agent.app.authorities import refuse_authorities

    refuse_authorities(machine[0], "a.key", str(put("ca.pem", text)))


def test_what_others_may_change_is_refused(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put("ca.pem", AUTHORITY, 0o646)
    told = refused(machine, path)
    assert (told.why, told.fix) == ("has mode 0646, and others may change it", f"chmod go-w {path}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_others_is_refused(machine: tuple[LiveHost, Here], put: Put) -> None:
    path = put("ca.pem", AUTHORITY)
    os.chown(path, 12345, 0)
    assert (refused(machine, path).why, refused(machine, path).fix) == (
        "belongs to user 12345",
        f"chown root {path}",
    )
    os.chown(path, 0, 12345)
    path.chmod(0o664)
    assert "others may change it" in refused(machine, path).why


def test_what_is_no_file_is_refused(machine: tuple[LiveHost, Here], etc: Path) -> None:
    etc.mkdir()
    assert "no such file" in refused(machine, etc / "none").why.lower()
    os.mkfifo(etc / "pipe")
    assert refused(machine, etc / "pipe").why  # and does not wait for a writer
    assert refused(machine, etc).why
