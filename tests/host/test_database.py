"""Questions to a database: what is asked, that it ends, and that nobody learns the password."""

import builtins
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers import Behaviour, Peers

from iwx_agent.host import DsnPlace, HostError, PanelRows, PanelTables
from iwx_agent.host.database import NOT_INSTALLED, ini_value, login_plugin, parse_dsn, statement
from iwx_agent.host.live import LiveHost

CANARY = "canary@unix(x)7\u20ac"
DSN = DsnPlace(path="/etc/panel.ini", section="iworx", key="dsn")
TABLES = PanelTables(dsn=DSN, words=("queue", "node"))
ROWS = PanelRows(dsn=DSN, table="command_queue", columns=("id", "status"), times=("created",), order_by="id")


# What is asked


def test_tables_are_looked_up_in_the_own_database_only() -> None:
    sql, values, columns = statement(TABLES)
    assert sql == (
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = DATABASE() AND (LOWER(TABLE_NAME) LIKE %s OR LOWER(TABLE_NAME) LIKE %s)"
        " ORDER BY TABLE_NAME, ORDINAL_POSITION LIMIT 2001"
    )
    assert values == ("%queue%", "%node%")
    assert columns == ("table", "column", "type")


def test_rows_are_bounded_and_dates_come_as_seconds() -> None:
    assert statement(ROWS) == (
        "SELECT `id`, `status`, UNIX_TIMESTAMP(`created`) FROM `command_queue` ORDER BY `id` ASC LIMIT 2001",
        (),
        ("id", "status", "created"),
    )


@pytest.mark.parametrize(
    ("without", "condition"),
    [
        (False, "LOWER(CAST(`status` AS CHAR)) IN (%s, %s)"),
        (True, "COALESCE(NOT LOWER(CAST(`status` AS CHAR)) IN (%s, %s), TRUE)"),
    ],
)
def test_rows_of_some_states_only(without: bool, condition: str) -> None:
    question = PanelRows(
        dsn=DSN,
        table="q",
        columns=("id",),
        order_by="id",
        newest_first=True,
        words_column="status",
        words=("done", "ok"),
        without=without,
        max_rows=50,
    )
    assert statement(question) == (
        f"SELECT `id` FROM `q` WHERE {condition} ORDER BY `id` DESC LIMIT 51",
        ("done", "ok"),
        ("id",),
    )


@pytest.mark.parametrize(
    "question",
    [
        PanelTables(dsn=DSN, words=()),
        PanelTables(dsn=DSN, words=("queue", "%")),
        PanelRows(dsn=DSN, table="q` JOIN mysql.user", columns=("id",), order_by="id"),
        PanelRows(dsn=DSN, table="q", columns=("id", "a`b"), order_by="id"),
        PanelRows(dsn=DSN, table="q", columns=("id",), order_by="id; DROP TABLE q"),
        PanelRows(dsn=DSN, table="q", columns=("id",), times=("",), order_by="id"),
        PanelRows(dsn=DSN, table="q", columns=("id",), order_by="id", words_column="*", words=("a",)),
        PanelRows(dsn=DSN, table="q", columns=(), order_by="id"),
        PanelRows(dsn=DSN, table="x" * 65, columns=("id",), order_by="id"),
    ],
)
def test_nothing_but_names_gets_into_the_sql(question: PanelTables | PanelRows) -> None:
    with pytest.raises(HostError) as error:
        statement(question)
    assert error.value.kind == "failed"


def test_the_same_question_is_told_by_all_that_is_asked_and_no_bound() -> None:
    more: dict[str, Any] = {"dsn": DSN, "table": "q", "columns": ("id",), "order_by": "id"}
    first = PanelRows(**more)
    assert first.identity == PanelRows(**more, max_rows=5, timeout_s=1.0).identity
    others = [
        PanelRows(**{**more, "dsn": DsnPlace(path="/x", section="iworx", key="dsn")}),
        PanelRows(**{**more, "table": "r"}),
        PanelRows(**{**more, "columns": ("a",)}),
        PanelRows(**more, times=("t",)),
        PanelRows(**{**more, "order_by": "a"}),
        PanelRows(**more, newest_first=True),
        PanelRows(**more, words_column="s", words=("a",)),
        PanelRows(**more, words_column="s", words=("a",), without=True),
    ]
    assert len({question.identity for question in (first, *others)}) == 1 + len(others)
    assert TABLES.identity != PanelTables(dsn=DSN, words=("queue",)).identity


# The DSN


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mysqli://iworx:secret@unix(/run/db.sock)/iworx", ("iworx", b"secret", "/run/db.sock", "iworx")),
        ("mysql://iworx:s@c:r@unix(/run/db.sock)/iworx", ("iworx", b"s@c:r", "/run/db.sock", "iworx")),
        (
            "mysqli://iworx:a@unix(/x)/b@unix(/run/db.sock)/iworx",
            ("iworx", b"a@unix(/x)/b", "/run/db.sock", "iworx"),
        ),
        ("mysqli://iworx:@unix(/s)/iworx", ("iworx", b"", "/s", "iworx")),
        ("mysqli://iworx:secret@localhost:3306/iworx", None),
        ("mysqli://iworx:secret@unix(/run/db.sock)/", None),
        ("mysqli://iworx:secret@unix(/run/db.sock)/a b", None),
        ("pgsql://iworx:secret@unix(/s)/iworx", None),
        ("", None),
    ],
)
def test_a_dsn_is_taken_apart_at_its_last_at_unix(text: str, parts: tuple[object, ...] | None) -> None:
    login = parse_dsn(text)
    found = (login.user, login.password, login.socket_path, login.database) if login else None
    assert found == parts


def test_what_shows_a_login_does_not_show_its_password() -> None:
    login = parse_dsn(f"mysqli://iworx:{CANARY}@unix(/run/db.sock)/iworx")
    assert repr(login) == "Login('iworx' at '/run/db.sock')"
    assert str(login) == f"{login}" == "Login('iworx' at '/run/db.sock')"
    assert not hasattr(login, "__dict__")


INI = '[a]\ndsn="one"\n[iworx]\nuser="iworx"\n dsn = "two"\ndsn.orig="three"\n[b]\ndsn="four"\n'


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("iworx", "dsn", "two"), ("a", "dsn", "one"), ("b", "dsn", "four"), ("c", "dsn", ""), ("a", "user", "")],
)
def test_a_key_is_looked_up_in_its_own_section(section: str, key: str, value: str) -> None:
    assert ini_value(INI, section, key) == value


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_text_gives_a_value_and_a_login_or_none(text: str, key: str) -> None:
    parse_dsn(ini_value(text, "iworx", key))
    parse_dsn(text)


# The greeting


def greeting(plugin: str = "mysql_native_password", *, version: str = "5.5.5-10.11.19-MariaDB") -> bytes:
    """Return a server's first packet, as the protocol has it."""
    capabilities = 0x00080000 | 0x00008000 | 0x00000200 | 0x00000008 | 0x00000001
    body = b"\x0a" + version.encode() + b"\0" + struct.pack("<I", 7) + b"saltsalt\0"
    body += struct.pack("<H", capabilities & 0xFFFF) + b"\x2d" + struct.pack("<H", 2)
    body += struct.pack("<H", capabilities >> 16) + b"\x15" + bytes(10) + b"moresaltmore\0"
    return body + plugin.encode() + b"\0"


def packet(body: bytes, number: int) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def test_the_way_of_login_is_read_from_the_greeting() -> None:
    assert login_plugin(greeting()) == "mysql_native_password"
    assert login_plugin(greeting("sha256_password")) == "sha256_password"
    assert login_plugin(b"\x0a4.1.0\0" + bytes(20)) == ""


@pytest.mark.parametrize("data", [b"", b"\x0a", b"\x0a\0", b"\x09old\0", b"220 mail\r\n"])
def test_what_is_no_greeting_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no greeting"):
        login_plugin(data)


@given(st.binary(max_size=120))
def test_any_bytes_give_a_name_or_an_error(data: bytes) -> None:
    try:
        assert isinstance(login_plugin(data), str)
    except ValueError:
        return


# Servers that misbehave

Make = Callable[[Behaviour], PanelRows]


@pytest.fixture
def asking(tmp_path: Path, peers: Peers) -> Make:
    """Return what makes a question to a server that behaves as told, with the canary as its password."""

    def make(behaviour: Behaviour) -> PanelRows:
        place = peers.unix(tmp_path / "db.sock", behaviour)
        return question_to(tmp_path, place)

    return make


def question_to(directory: Path, place: str, **more: Any) -> PanelRows:
    ini = directory / "panel.ini"
    ini.write_text(f'[iworx]\ndsn="mysqli://iworx:{CANARY}@unix({place})/iworx"\n')
    dsn = DsnPlace(path=str(ini), section="iworx", key="dsn")
    asked: dict[str, Any] = {"table": "q", "columns": ("id",), "order_by": "id", "timeout_s": 1.0}
    return PanelRows(dsn=dsn, **(asked | more))


class Heard:
    """Speaks as a server until the login, answers that as told, and keeps what it was sent."""

    def __init__(self, *answers: bytes, plugin: str = "mysql_native_password") -> None:
        self.data = b""
        self._answers = answers
        self._plugin = plugin

    def __call__(self, connection: Any) -> None:
        connection.sendall(packet(greeting(self._plugin), 0))
        for answer in self._answers:
            self.data += connection.recv(65536)
            connection.sendall(answer)
        connection.settimeout(0.5)
        while piece := connection.recv(65536):
            self.data += piece


OK = b"\x00\x00\x00\x02\x00\x00\x00"
REFUSED = b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied for user 'iworx'@'localhost'"
TOO_MANY = b"\xff" + struct.pack("<H", 1040) + b"Too many connections"


def switch_to(plugin: str) -> bytes:
    return packet(b"\xfe" + plugin.encode() + b"\0" + b"saltsaltsaltsaltsalt\0", 2)


def silent_after_login(peers: Peers) -> Behaviour:
    def behave(connection: Any) -> None:
        connection.sendall(packet(greeting(), 0))
        connection.recv(65536)
        connection.sendall(packet(OK, 2))
        peers.silent(connection)

    return behave


MISBEHAVING: list[tuple[str, Callable[[Peers], Behaviour], str, str]] = [
    ("silent", lambda peers: peers.silent, "timeout", "greeting took longer than 1.0 s"),
    ("drips", lambda peers: peers.dripping(b"", b"\x0a"), "timeout", "greeting took longer than 1.0 s"),
    ("closes", lambda peers: peers.saying(b""), "closed", "closed in the greeting"),
    ("mail", lambda peers: peers.saying(b"220 x\r\n" + b"x" * 200), "closed", "closed in the greeting"),
    (
        "garbage",
        lambda peers: peers.saying(packet(b"\x09abc", 0)),
        "failed",
        "no database gives (ValueError)",
    ),
    (
        "too many",
        lambda peers: peers.saying(packet(TOO_MANY, 0)),
        "failed",
        "too many connections (error 1040)",
    ),
    (
        "unknown error",
        lambda peers: peers.saying(packet(b"\xff\x0f\x27who@host", 0)),
        "failed",
        "the database says no (error 9999)",
    ),
    (
        "refuses",
        lambda peers: Heard(packet(REFUSED, 2)),
        "failed",
        "the login of the DSN is refused (error 1045)",
    ),
    (
        "cut",
        lambda peers: peers.saying(packet(greeting(), 0)),
        "failed",
        "the connection was closed (error 2013)",
    ),
    ("odd", lambda peers: Heard(packet(b"\x00", 2)), "failed", ""),
    ("silent later", silent_after_login, "timeout", "answer took longer than 1.0 s"),
]


@pytest.mark.e2e
@pytest.mark.enable_socket
@pytest.mark.parametrize(("name", "behave", "kind", "said"), MISBEHAVING, ids=[m[0] for m in MISBEHAVING])
def test_a_server_that_misbehaves_is_told_and_holds_nobody(
    host: LiveHost,
    peers: Peers,
    asking: Make,
    name: str,
    behave: Callable[[Peers], Behaviour],
    kind: str,
    said: str,
) -> None:
    question = asking(behave(peers))
    started = time.monotonic()
    with pytest.raises(HostError) as error:
        host.table_rows(question)
    assert time.monotonic() - started < 2.0
    assert (error.value.kind, error.value.source) == (kind, question.source)
    assert said in error.value.reason
    assert "canary" not in str(error.value) + repr(error.value)
    assert "who@host" not in str(error.value)


@pytest.mark.e2e
@pytest.mark.enable_socket
@pytest.mark.parametrize(
    "plugin",
    ["mysql_clear_password", "dialog", "sha256_password", "caching_sha2_password", "mysql_old_password"],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_no_server_is_shown_the_password(host: LiveHost, asking: Make, plugin: str, at_once: bool) -> None:
    """Whether it wants another way of login in its greeting or after the first one."""
    server = Heard(plugin=plugin) if at_once else Heard(switch_to(plugin), packet(b"\x01\x04", 4))
    with pytest.raises(HostError) as error:
        host.table_rows(asking(server))
    assert error.value.kind == "failed"
    assert "login" in error.value.reason
    time.sleep(0.05)
    assert b"canary" not in server.data
    assert (server.data == b"") == at_once


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_an_answer_without_end_is_cut_off(host: LiveHost, peers: Peers, asking: Make) -> None:
    def endless(connection: Any) -> None:
        connection.sendall(packet(greeting(), 0))
        connection.recv(65536)
        connection.sendall(packet(OK, 2))
        connection.recv(65536)
        while not peers.stopping.is_set():
            connection.sendall(b"\xff\xff\xff\x01" + b"x" * 0xFFFFFF)

    with pytest.raises(HostError, match=r"more than 4194304 bytes|took longer"):
        host.table_rows(asking(endless))


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_a_place_that_is_not_there_is_told(host: LiveHost, tmp_path: Path) -> None:
    with pytest.raises(HostError) as error:
        host.table_rows(question_to(tmp_path, str(tmp_path / "no.sock")))
    assert error.value.kind == "not_found"
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="is a file, not a socket"):
        host.table_rows(question_to(tmp_path, str(tmp_path / "file")))
    missing = PanelTables(
        dsn=DsnPlace(path=str(tmp_path / "no.ini"), section="iworx", key="dsn"), words=("q",)
    )
    with pytest.raises(HostError) as error:
        host.table_rows(missing)
    assert (error.value.kind, "no.ini" in error.value.reason) == ("not_found", True)
    other = PanelTables(dsn=DsnPlace(path=str(tmp_path / "panel.ini"), section="x", key="dsn"), words=("q",))
    with pytest.raises(HostError, match=r"no DSN of a unix socket as dsn in section \[x\]"):
        host.table_rows(other)


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_without_the_client_library_that_is_what_is_said(
    host: LiveHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "pymysql":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(HostError) as error:
        host.table_rows(question_to(tmp_path, "/run/x.sock"))
    assert error.value.reason == NOT_INSTALLED
    assert NOT_INSTALLED == "PyMySQL is not installed (pip install iwx-agent[cluster])"
