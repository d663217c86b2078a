"""The server's secrets are read aside, bounded; what exists and cannot be read is named."""

from typing import Any

import pytest
from fakes import FakeHost, content
from redacting import SECRET

from iwx_agent.app import secrets as module
from iwx_agent.app.secrets import canaries_of
from iwx_agent.config import load_layout
from iwx_agent.host import (
    DirectoryEntry,
    DirectoryListing,
    Host,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
)
from iwx_agent.redact import Canaries

INI = "/usr/local/interworx/iworx.ini"


class Files(Host):
    """Has the files that are told, and their directories; anything else is not there."""

    def __init__(self, **files: Any) -> None:
        self.files: dict[str, Any] = files
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Any:
        self.asked.append(question)
        if isinstance(question, ReadFile) and question.path in self.files:
            found = self.files[question.path]
            if isinstance(found, HostError):
                raise found
            return content(found) if isinstance(found, (str, bytes)) else found
        if isinstance(question, ListDirectory):
            if isinstance(self.files.get(question.path), HostError):
                raise self.files[question.path]
            above = f"{question.path}/"
            below = [path.removeprefix(above) for path in self.files if path.startswith(above)]
            names = {path.partition("/")[0] for path in below}
            if names:
                entries = (DirectoryEntry(name=name, kind="file") for name in sorted(names))
                return DirectoryListing(entries=tuple(entries))
        raise HostError("not_found", "there is no such file", question.source)

    def pause(self, duration_s: float) -> None:
        pass


def looked_for(**files: Any) -> Canaries:
    return canaries_of(Files(**files), load_layout())


def source_of(canaries: Canaries, secret: str) -> str:
    hit = canaries.check(f"x {secret} y".encode())
    return hit.source if hit is not None else ""


KEY_LINE = "notARealKeyOfAnybody" * 3 + "0123"
KEY = f"-----BEGIN PRIVATE KEY-----\n{KEY_LINE}\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("path", "text", "secret"),
    [
        (INI, f'[mysql]\nrootdsn="mysqli://iworx:{SECRET}@unix(/x)/mysql"\n', SECRET),
        (INI, f'[iworx.license]\nkey="{SECRET}"\n', SECRET),
        ("/home/interworx/iworx.ini", f'nss_root_pw="{SECRET}"\n', SECRET),
        ("/root/.my.cnf", f"[client]\npassword={SECRET}\n", SECRET),
        ("/home/vpopmail/etc/vpopmail.mysql", f"localhost|0|v|{SECRET}|v\n", SECRET),
        ("/etc/dovecot/dovecot-sql.conf.ext", f"connect = host=x password={SECRET}\n", SECRET),
        ("/etc/proftpd.conf", f"SQLConnectInfo d@h u {SECRET}\n", SECRET),
        ("/etc/libnss-mysql.cfg", f"password {SECRET}\n", SECRET),
        ("/etc/libnss-mysql-root.cfg", f"password {SECRET}\n", SECRET),
        (
            "/usr/local/interworx/lib/roundcube/config/config.inc.php",
            f"$config['des_key'] = '{SECRET}';",
            SECRET,
        ),
        ("/etc/mail/spamassassin/local.cf", f"bayes_sql_password {SECRET}\n", SECRET),
        ("/etc/shadow", f"root:$6${SECRET}:1:0:9:7:::\n", f"$6${SECRET}"),
        ("/home/bob/var/example.com/ssl/example.com.priv.key", KEY, KEY_LINE),
        ("/chroot/home/bob/var/example.com/ssl/a.priv.key", KEY, KEY_LINE),
        ("/etc/pki/tls/private/localhost.key", KEY, KEY_LINE),
        ("/etc/ssh/ssh_host_ed25519_key", KEY, KEY_LINE),
        ("/root/.ssh/id_ed25519", KEY, KEY_LINE),
        ("/etc/iwx-agent/portal-password", f"{SECRET}\n", SECRET),
    ],
)
def test_each_place_is_read_and_named(path: str, text: str, secret: str) -> None:
    canaries = looked_for(**{path: text})
    assert source_of(canaries, secret) == path
    assert canaries.unread == {}


def test_what_is_not_there_is_nothing_to_say() -> None:
    canaries = looked_for()
    assert (len(canaries), canaries.unread, canaries.refused) == (0, {}, ())


def test_what_exists_and_cannot_be_read_is_named_with_why() -> None:
    denied = HostError("permission", "Permission denied (EACCES)", "x")
    silent = HostError("timeout", "no answer within 1.0 s", "x")
    canaries = looked_for(**{INI: denied, "/root/.my.cnf": f"password={SECRET}", "/home": silent})
    assert canaries.unread == {INI: "Permission denied (EACCES)", "/home": "no answer within 1.0 s"}
    assert source_of(canaries, SECRET) == "/root/.my.cnf"


def test_a_file_that_is_larger_than_what_is_read_is_named() -> None:
    canaries = looked_for(**{INI: content(f'key="{SECRET}"\n', truncated=True)})
    assert canaries.unread == {INI: "only its first 262144 bytes"}
    assert source_of(canaries, SECRET) == INI


def test_users_of_dsns_and_public_words_are_no_canaries() -> None:
    text = 'dsn="mysqli://iworx_rc:iworx_rc@unix(/x)/x"\nkey="iwx1.example.com"\n'
    canaries = canaries_of(Files(**{INI: text}), load_layout(), public=("iwx1.example.com",))
    assert len(canaries) == 0
    assert {refused.source for refused in canaries.refused} == {INI}


def test_the_keys_of_sites_are_bounded() -> None:
    files: dict[str, Any] = {
        f"/home/u{n}/var/example.com/ssl/x.priv.key": KEY.replace("0123", f"{n:04}") for n in range(300)
    }
    host = Files(**files)
    canaries = canaries_of(host, load_layout())
    assert len(canaries) <= 4 * module._FILES_PER_PLACE_COUNT
    assert len([one for one in host.asked if isinstance(one, ListDirectory)]) < 3 * 100 + 20


@pytest.mark.parametrize(
    "text",
    [
        "password=NodeWorx does not answer\n",
        "NodeWorx does not answer\n",
        "-----BEGIN PRIVATE KEY-----\nNodeWorx does not answer on its port, and nothing else\n",
        "-----BEGIN PRIVATE KEY-----\npostmaster\n-----END PRIVATE KEY-----\n",
    ],
)
def test_no_customer_chooses_what_is_looked_for(text: str) -> None:
    """Each word of a report that one could choose would stop every ticket."""
    canaries = looked_for(**{"/home/bob/var/example.com/ssl/x.priv.key": text})
    assert (len(canaries), canaries.refused, canaries.unread) == (0, (), {})


def test_of_keys_less_is_read_than_of_settings() -> None:
    path = "/etc/pki/tls/private/x.key"
    assert looked_for(**{path: content(KEY, truncated=True)}).unread == {path: "only its first 16384 bytes"}


def test_what_there_was_no_time_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET_S", -1.0)
    canaries = looked_for(**{INI: f'key="{SECRET}"\n'})
    assert len(canaries) == 0
    assert canaries.unread[INI] == "no time was left"


def test_of_many_unread_places_the_first_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_UNREAD_COUNT", 2)
    denied = {path: HostError("permission", "no", path) for path in load_layout().everything("secret_file")}
    assert len(looked_for(**denied).unread) == 2


def test_every_question_is_short() -> None:
    host = Files()
    canaries_of(host, load_layout())
    assert len(host.asked) > 10
    assert {question.timeout_s for question in host.asked} == {1.0}


def test_a_listed_host_answers_nothing_else() -> None:
    with pytest.raises(AssertionError, match="not listed"):
        canaries_of(FakeHost({}), load_layout())


def test_the_directories_that_are_looked_into_are_bounded() -> None:
    host = Files(**{f"/home/u{n}/var/example.com/ssl/x.crt": "" for n in range(300)})
    assert len(canaries_of(host, load_layout())) == 0
    listed = [one.source for one in host.asked if isinstance(one, ListDirectory)]
    assert len([path for path in listed if path.startswith("/home/u")]) == 99  # and /home itself
