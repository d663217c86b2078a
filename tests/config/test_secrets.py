"""Passwords and keys: from credentials or guarded files alone, and never shown."""

import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from iwx_agent.config import ConfigError, load_settings
from iwx_agent.config import settings as settings_module
from iwx_agent.config.secrets import PLACES, Secret, load_secret, load_secrets
from iwx_agent.config.sending import Sending, load_sending
from iwx_agent.config.transport_tables import EmailTable, PortalTable, Transports, WebhookTable

Put = Callable[..., Path]
TEXT = "correct horse battery"


def email(path: Path | str = "") -> Sending:
    table = EmailTable(to="support@example.com", user="me", password_file=str(path))
    return Sending(transport=Transports(email=table))


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.mark.parametrize("mode", [0o600, 0o400])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_guarded_file_is_read(put: Put, mode: int, end: str) -> None:
    path = put("smtp-password", TEXT + end, mode)
    secret = load_secret("email", email(path))
    assert secret is not None
    assert (secret.text, secret.origin) == (TEXT, str(path))


@pytest.mark.parametrize("mode", [0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o644, 0o4600])
def test_a_file_that_others_can_reach_is_refused(put: Put, mode: int) -> None:
    path = put("smtp-password", TEXT, mode)
    with pytest.raises(ConfigError, match=f"chmod 0600 {path}") as raised:
        load_secret("email", email(path))
    assert f"{mode:04o}" in raised.value.why


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(put: Put) -> None:
    path = put("smtp-password", TEXT, 0o600)
    os.chown(path, 12345, 0)
    with pytest.raises(ConfigError, match="belongs to user 12345: chown root"):
        load_secret("email", email(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("a\nb", "one line"),
        ("a\0b", "one line"),
        ("x" * 4097, "at most 4096 bytes"),
    ],
)
def test_what_is_no_secret_is_refused_without_its_text(put: Put, text: str, said: str) -> None:
    path = put("smtp-password", text, 0o600)
    with pytest.raises(ConfigError, match=said) as raised:
        load_secret("email", email(path))
    assert (raised.value.path, raised.value.key) == (str(path), "transport.email.password_file")


def test_the_longest_secret(put: Put) -> None:
    secret = load_secret("email", email(put("smtp-password", "x" * 4096, 0o600)))
    assert secret is not None
    assert secret.text == "x" * 4096


def test_what_is_no_text_or_no_file_is_refused(put: Put, etc: Path) -> None:
    path = put("smtp-password", "", 0o600)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_secret("email", email(path))
    path.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        load_secret("email", email(path))
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigError, match="regular file"):  # and does not wait
        load_secret("email", email(path))


def test_a_credential_counts_before_the_file(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put("smtp-password", "of the file", 0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    found = load_secret("email", email(path))
    assert found is not None
    assert found.text == "of the file"
    (tmp_path / "smtp-password").write_text("handed over")
    (tmp_path / "smtp-password").chmod(0o400)
    found = load_secret("email", email(path))
    assert found is not None
    assert (found.text, found.origin) == ("handed over", str(tmp_path / "smtp-password"))
    assert load_secret("portal", email(path)) is None


def test_a_directory_of_credentials_that_is_no_full_path_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "tests")
    assert load_secrets(email()) == {}


def test_all_secrets_by_transport(put: Put) -> None:
    sending = Sending(
        transport=Transports(
            portal=PortalTable(
                address="https://support.example.com", password_file=str(put("a", "one", 0o600))
            ),
            email=EmailTable(to="support@example.com"),
            webhook=WebhookTable(url="https://hooks.example.com", key_file=str(put("b", "two", 0o600))),
        )
    )
    assert texts(load_secrets(sending)) == {"portal": "one", "webhook": "two"}
    assert load_secret("file", sending) is None


def test_one_that_cannot_be_used_keeps_no_other_from_its_own(put: Put) -> None:
    table = WebhookTable(url="https://hooks.example.com", key_file=str(put("b", "two", 0o600)))
    sending = Sending(transport=Transports(email=email(put("a", TEXT, 0o644)).transport.email, webhook=table))
    found = load_secrets(sending)
    assert texts(found) == {"webhook": "two"}
    assert isinstance(found["email"], ConfigError)
    assert found["email"].fix.startswith("chmod 0600 ")


def texts(found: dict[str, Secret | ConfigError]) -> dict[str, str]:
    return {name: secret.text for name, secret in found.items() if isinstance(secret, Secret)}


def test_what_is_missing_is_made_by_one_command(put: Put, etc: Path) -> None:
    with pytest.raises(ConfigError, match="No such file") as raised:
        load_secret("email", email(etc / "not there"))
    assert raised.value.fix.startswith(f"install -m 0600 /dev/null '{etc}/not there'")


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(TEXT, "/x")
    assert TEXT not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError, match="not stored"):
        pickle.dumps(secret)


LITERAL = [
    ("portal", "password"),
    ("portal", "token"),
    ("email", "password"),
    ("email", "passwd"),
    ("webhook", "key"),
    ("webhook", "secret"),
    ("command", "secret"),
]


@pytest.mark.parametrize(("transport", "name"), LITERAL)
@pytest.mark.parametrize("source", ["file", "environment", "command line"])
def test_a_secret_among_the_settings_is_refused_and_not_repeated(
    put: Put, monkeypatch: pytest.MonkeyPatch, transport: str, name: str, source: str
) -> None:
    key = f"transport.{transport}.{name}"
    if source == "file":
        put("config.toml", f'[transport.{transport}]\n{name} = "{TEXT}"\n')
    elif source == "environment":
        monkeypatch.setenv(f"IWX_AGENT_TRANSPORT__{transport}__{name}".upper(), TEXT)
    else:
        settings_module.COMMAND_LINE[key] = TEXT
    for load in (load_settings, load_sending):
        with pytest.raises(ConfigError, match="a secret does not stand here") as raised:
            load()
        assert raised.value.key == key
        assert TEXT not in "".join(traceback.format_exception(raised.value))
        if transport in PLACES:
            credential, file_key = PLACES[transport]
            assert f'{file_key} = "/etc/iwx-agent/{credential}"' in raised.value.why
