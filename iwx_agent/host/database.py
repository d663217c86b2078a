"""Rows of a MySQL or MariaDB database, read-only: the one place that ever knows its password.

PyMySQL speaks the protocol over a ``Link``, so that each of its waits ends at the deadline of the question;
its own time limits hold for one read only. Nothing that the server says of an error is passed on: its words
may name accounts, and what the number means is known here.
"""

import io
import re
import struct
from typing import TYPE_CHECKING, Any, cast

from iwx_agent.host import answers as a
from iwx_agent.host import questions as q
from iwx_agent.host.contract import HostError
from iwx_agent.host.deadline import Deadline
from iwx_agent.host.link import Link
from iwx_agent.host.network import AskLocal, look_at_socket

if TYPE_CHECKING:
    import socket

    from pymysql.connections import Connection

NOT_INSTALLED = "PyMySQL is not installed (pip install iwx-agent[cluster])"

_INI_BYTES = 256 * 1024
_RECEIVED_MAX_BYTES = 4 * 1024 * 1024
_VALUE_CHARACTERS = 300
_SERVER_LIMIT_S = 4  # the server gives up by itself before the agent does
_NAME = re.compile(r"[A-Za-z0-9_$]{1,64}\Z")
_WORD = re.compile(r"[a-z0-9]{1,40}\Z")
# user:password@unix(socket)/database; a password may hold "@unix(" too, so the last one counts.
_DSN = re.compile(
    r"mysqli?://(?P<user>[^:@/]*):(?P<password>.*)@unix\((?P<socket>[^)]+)\)/(?P<database>\w+)\Z"
)
_LOGINS = ("", "mysql_native_password")  # what is sent depends on a number of the server: no use to anybody
_REFUSED_LOGINS = (
    "mysql_clear_password",
    "mysql_old_password",
    "dialog",
    "sha256_password",
    "caching_sha2_password",
)
_UNKNOWN_VARIABLE = 1193
_WORDS = {
    1040: "too many connections",
    1044: "this account may not use the database",
    1045: "the login of the DSN is refused",
    1049: "there is no such database",
    1054: "a column is not there",
    1064: "too old a server for a read-only transaction",
    1129: "this host is blocked after too many connection errors",
    1142: "this account may not read the table",
    1143: "this account may not read a column",
    1146: "the table is not there",
    1205: "the table is locked",
    1969: "the server ended the question at its time limit",
    2006: "the connection was closed",
    2013: "the connection was closed",
}
# What a client library raises when a packet is not what the protocol says.
_GARBLED = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, RuntimeError, TypeError)


def table_rows(question: q.Question, deadline: Deadline, ask_local: AskLocal) -> a.TableRows:
    """Answer ``PanelTables`` or ``PanelRows`` in a read-only transaction with a time limit on both sides.

    Raises:
        HostError: not_found for a socket or ini file that is not there; failed for everything the server or
            the client library says, in words of this module.
    """
    if not isinstance(question, q.PanelTables | q.PanelRows):
        raise TypeError("not a question to a database")
    sql, values, columns = statement(question)
    try:
        import pymysql
    except ImportError:
        raise HostError("failed", NOT_INSTALLED, question.source) from None
    login = _login(question, deadline, ask_local)
    look_at_socket(login.socket_path, question.source, deadline, ask_local)
    with Link(deadline, question.source) as link:
        link.connect_unix(login.socket_path)
        try:
            rows = _ask(link, login, sql, values)
        except pymysql.MySQLError as error:
            raise HostError("failed", _why(error), question.source) from None
        except (*_GARBLED, ValueError, struct.error) as error:
            reason = f"an answer that no database gives ({type(error).__name__})"
            raise HostError("failed", reason, question.source) from None
    kept = rows[: question.max_rows]
    return a.TableRows(
        columns=columns,
        rows=tuple(tuple(_text(value) for value in row) for row in kept),
        duration_s=deadline.passed_s,
        truncated=len(kept) < len(rows),
    )


class Login:
    """A DSN's parts; what shows it never shows the password."""

    __slots__ = ("database", "password", "socket_path", "user")

    def __init__(self, user: str, password: bytes, socket_path: str, database: str) -> None:
        self.user = user
        self.password = password
        self.socket_path = socket_path
        self.database = database

    def __repr__(self) -> str:
        return f"Login({self.database!r} at {self.socket_path!r})"


def parse_dsn(text: str) -> Login | None:
    """Return the parts of ``mysqli://user:password@unix(/socket)/database``; None for anything else."""
    found = _DSN.match(text)
    if found is None:
        return None
    return Login(found["user"], found["password"].encode(), found["socket"], found["database"])


def ini_value(text: str, section: str, key: str) -> str:
    """Return a key's value in a section of an ini file without its quotes; empty when it is not there."""
    inside = False
    for line in text.splitlines():
        told = line.strip()
        if told.startswith("["):
            inside = told == f"[{section}]"
        name, equals, value = told.partition("=")
        if inside and equals and name.strip() == key:
            return value.strip().strip('"')
    return ""


def statement(question: q.PanelTables | q.PanelRows) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the SQL, its values, and the names of its columns.

    Raises:
        HostError: for a name that is no plain name of a table or column.
    """
    if isinstance(question, q.PanelTables):
        words = tuple(word for word in question.words if _WORD.match(word))
        if not words or words != question.words:
            raise HostError("failed", "a word to look for is no plain word", question.source)
        likely = " OR ".join(["LOWER(TABLE_NAME) LIKE %s"] * len(words))
        sql = (
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS"  # noqa: S608
            f" WHERE TABLE_SCHEMA = DATABASE() AND ({likely})"
            f" ORDER BY TABLE_NAME, ORDINAL_POSITION LIMIT {int(question.max_rows) + 1}"
        )
        return sql, tuple(f"%{word}%" for word in words), ("table", "column", "type")
    return _rows_statement(question)


def _rows_statement(question: q.PanelRows) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    def quoted(name: str) -> str:
        if not _NAME.match(name):
            raise HostError("failed", f"not a name of a table or column: {name[:80]!r}", question.source)
        return f"`{name}`"

    wanted = [quoted(name) for name in question.columns]
    wanted += [f"UNIX_TIMESTAMP({quoted(name)})" for name in question.times]
    if not wanted:
        raise HostError("failed", "no column is asked for", question.source)
    sql = f"SELECT {', '.join(wanted)} FROM {quoted(question.table)}"  # noqa: S608 - quoted() lets names only in
    if question.words:
        # As text: compared with a number, every word would be 0.
        column = f"LOWER(CAST({quoted(question.words_column)} AS CHAR))"
        places = ", ".join(["%s"] * len(question.words))
        known = f"{column} IN ({places})"
        sql += f" WHERE {known}" if not question.without else f" WHERE COALESCE(NOT {known}, TRUE)"
    order = "DESC" if question.newest_first else "ASC"
    sql += f" ORDER BY {quoted(question.order_by)} {order} LIMIT {int(question.max_rows) + 1}"
    return sql, question.words, (*question.columns, *question.times)


def _login(question: q.PanelTables | q.PanelRows, deadline: Deadline, ask_local: AskLocal) -> Login:
    try:
        content = ask_local(q.ReadFile(path=question.dsn.path, max_bytes=_INI_BYTES), deadline)
    except HostError as error:
        raise HostError(error.kind, f"{question.dsn.path}: {error.reason}", question.source) from None
    text = content.text if isinstance(content, a.FileContent) else ""
    login = parse_dsn(ini_value(text, question.dsn.section, question.dsn.key))
    if login is None:
        reason = f"no DSN of a unix socket as {question.dsn.key} in section [{question.dsn.section}]"
        raise HostError("failed", f"{question.dsn.path}: {reason}", question.source)
    return login


def _ask(link: Link, login: Login, sql: str, values: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    import pymysql

    wire = _Wire(link)
    wire.read_greeting()
    connection: Connection[Any] = pymysql.connect(
        user=login.user,
        password=login.password,  # bytes are taken as they are, text only as Latin-1
        database=login.database,
        charset="utf8mb4",
        conv={},  # every value as text
        autocommit=None,
        ssl_disabled=True,  # the wire is a unix socket
        local_infile=False,
        auth_plugin_map=cast("Any", dict.fromkeys(_REFUSED_LOGINS, _RefusedLogin)),
        program_name="iwx-agent",
        defer_connect=True,
    )
    connection.connect(cast("socket.socket", wire))
    try:
        with connection.cursor() as cursor:
            _limit_on_the_server(cursor)
            cursor.execute("START TRANSACTION READ ONLY")
            cursor.execute(sql, values or None)
            return tuple(cursor.fetchall())
    finally:
        connection.close()


def _limit_on_the_server(cursor: Any) -> None:
    """Set the limits that this server knows: MariaDB's in seconds, MySQL's in milliseconds."""
    import pymysql

    for setting in (
        f"max_statement_time = {_SERVER_LIMIT_S}",
        f"max_execution_time = {_SERVER_LIMIT_S * 1000}",
        "lock_wait_timeout = 1",
    ):
        try:
            cursor.execute(f"SET SESSION {setting}")
        except pymysql.MySQLError as error:
            if _number(error) != _UNKNOWN_VARIABLE:
                raise


class _RefusedLogin:
    """Stands for every way of login in which a server could read the password."""

    def __init__(self, connection: object) -> None:
        del connection

    def authenticate(self, packet: object) -> None:
        """Raises OperationalError, always."""
        del packet
        from pymysql.err import OperationalError

        raise OperationalError(0, "refused")


def _number(error: Exception) -> int:
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def _why(error: Exception) -> str:
    number = _number(error)
    if not number:
        return "the server wants a login in which it could read the password, or breaks the protocol"
    return f"{_WORDS.get(number, 'the database says no')} (error {number})"


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:_VALUE_CHARACTERS]


def login_plugin(packet: bytes) -> str:
    """Return the way of login that a server's first packet names; empty for an old server, which has one.

    Raises:
        ValueError: for what is no greeting.
    """
    version, end, rest = packet[1:].partition(b"\0")
    if packet[:1] != b"\x0a" or not end or not version:
        raise ValueError("no greeting")
    # thread 4, salt 8, filler 1, capabilities 2, character set 1, status 2, capabilities 2, length 1 (at 20),
    # reserved 10, the rest of the salt
    salt_length = max(13, (rest[20] if len(rest) > 20 else 0) - 8)
    return rest[31 + salt_length :].partition(b"\0")[0].decode("ascii", "replace")


class _Wire(io.RawIOBase):
    """The socket that PyMySQL is given: a link with its deadline, and a bound on what is received."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._first = b""
        self._left_bytes = _RECEIVED_MAX_BYTES

    def read_greeting(self) -> None:
        """Read the first packet before anything is sent, and keep it for the client library.

        Raises:
            HostError: for an error instead of a greeting, or a way of login that is not used here.
        """
        self._link.stage = "greeting"
        header = self._exactly(4)
        packet = self._exactly(int.from_bytes(header[:3], "little"))
        if packet[:1] == b"\xff":
            number = int.from_bytes(packet[1:3], "little")
            raise self._link.error("failed", f"{_WORDS.get(number, 'the database says no')} (error {number})")
        plugin = login_plugin(packet)
        if plugin not in _LOGINS:
            reason = f"the server wants a login that is not used here: {plugin[:40]!r}"
            raise self._link.error("failed", reason)
        self._first = header + packet
        self._link.stage = "answer"

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._received(count - len(data))
            if not piece:
                raise self._link.error("closed", f"closed in the {self._link.stage}")
            data += piece
        return data

    def _received(self, max_bytes: int) -> bytes:
        if self._left_bytes <= 0:
            raise self._link.error("failed", f"more than {_RECEIVED_MAX_BYTES} bytes of answer")
        piece = self._link.receive(min(max_bytes, self._left_bytes))
        self._left_bytes -= len(piece)
        return piece

    def readable(self) -> bool:
        """Return true: this is the reading end that ``makefile`` promises."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what there is; 0 when the server has closed."""
        piece, self._first = self._first[: len(buffer)], self._first[len(buffer) :]
        if not piece:
            piece = self._received(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the reading end."""
        del mode
        return io.BufferedReader(self)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._link.send(data)

    def settimeout(self, timeout_s: float | None) -> None:
        """Do nothing: the link's deadline holds."""
