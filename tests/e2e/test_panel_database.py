"""A real MariaDB as the panel's database: what it holds is read, nothing is written, no password gets out."""

import base64
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from building import AT
from fakes import layout
from msgspec.structs import replace
from peers import script

from iwx_agent.app.collecting import ask
from iwx_agent.host import DsnPlace, HostError, PanelRows, PanelTables
from iwx_agent.host.live import LiveHost
from iwx_agent.model import Alternative, Layout, Missing
from iwx_agent.model.cluster import CommandQueue
from iwx_agent.probes import Context
from iwx_agent.probes.cluster_queue import PROBES
from iwx_agent.replay import CaptureInfo, Recorder, open_capture, write_capture

pytestmark = [pytest.mark.lab, pytest.mark.enable_socket]

CANARY = "canary/7@unix(x)\u00e9"
ORDERED = "set --password hunter2-in-a-command"
OLD_S = 7200
# One statement on each line: so the server reads its init file.
START = f"""\
CREATE DATABASE iworx;
CREATE USER iworx@localhost IDENTIFIED BY '{CANARY}';
GRANT ALL ON iworx.* TO iworx@localhost;
USE iworx;
CREATE TABLE command_queue (id INT AUTO_INCREMENT PRIMARY KEY, node_id INT, command TEXT, status VARCHAR(20));
ALTER TABLE command_queue ADD created DATETIME, ADD updated DATETIME, ADD attempts INT;
SET @old = NOW() - INTERVAL {OLD_S} SECOND;
INSERT INTO command_queue VALUES (1, 2, '{ORDERED}', 'pending', @old, NULL, 3);
INSERT INTO command_queue VALUES (2, 2, '{ORDERED}', 'pending', @old, NULL, 3);
INSERT INTO command_queue VALUES (3, 2, '{ORDERED}', 'pending', @old, NULL, 3);
INSERT INTO command_queue VALUES (4, 2, 'x', 'Failed', NOW(), NOW(), 5), (5, 3, 'x', 'done', NOW(), NOW(), 1);
CREATE TABLE nodes (id INT PRIMARY KEY, hostname VARCHAR(99), ipaddr VARCHAR(40), api_key TEXT);
INSERT INTO nodes VALUES (2, 'iwx2.lab.invalid', '10.99.0.20', 'not-to-be-read');
CREATE TABLE locked_queue (id INT);
"""


class Database:
    """A private MariaDB with made-up tables, on a unix socket in the test's directory."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "iworx-db.sock"
        self.ini = directory / "iworx.ini"
        self._config = directory / "my.cnf"
        self._config.write_text(
            f"[mariadbd]\nuser=root\ndatadir={directory}/data\nsocket={self.socket}\nskip-networking\n"
            f"pid-file={directory}/pid\nlog-error={directory}/log\ninnodb_buffer_pool_size=16M\n"
            "loose-innodb-log-file-size=4M\n"
        )
        self._start = directory / "start.sql"
        self._start.write_text(START)
        self._process: subprocess.Popen[bytes] | None = None
        self.ini.write_text(f'[iworx]\ndsn="mysqli://iworx:{CANARY}@unix({self.socket})/iworx"\n')

    def start(self) -> None:
        install = ["mariadb-install-db", f"--defaults-file={self._config}", "--skip-test-db"]
        install.append("--auth-root-authentication-method=normal")
        subprocess.run(install, check=True, capture_output=True, timeout=50)
        serve = ["mariadbd", f"--defaults-file={self._config}", f"--init-file={self._start}"]
        self._process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 20
        while not self.socket.exists():
            assert time.monotonic() < ends, "mariadbd did not come up"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def sql(self, statement: str) -> str:
        client = ["mariadb", "--no-defaults", "-uroot", "-S", str(self.socket), "-N", "-e", statement]
        return subprocess.run(client, check=True, capture_output=True, timeout=20, text=True).stdout.strip()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    found = Database(tmp_path_factory.mktemp("mariadb"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture
def host() -> Iterator[LiveHost]:
    with LiveHost(budget_s=40) as live:
        yield live


def tables(database: Database, key: str = "dsn") -> PanelTables:
    dsn = DsnPlace(path=str(database.ini), section="iworx", key=key)
    return PanelTables(dsn=dsn, words=("queue", "node"))


def known(database: Database, directory: Path) -> Layout:
    """Return the layout with this database, and a command line that lists one node and no queue."""
    nodes = script(
        directory / "nodeworx", """echo '[{"hostname":"iwx2.lab.invalid","ipaddr":"10.99.0.20"}]'"""
    )
    told: dict[str, str | tuple[str, ...]] = {
        "path.panel_ini": str(database.ini),
        "command.cluster_nodes": (nodes, "-n", "-a", "listClusterNodes"),
        "command.command_queue": ("/bin/false", "-n"),
    }
    corrected = {
        key: (Alternative(value=value, confidence="observed", source="here"),) for key, value in told.items()
    }
    return replace(layout(), entries=layout().entries | corrected)


def test_tables_and_rows_are_read(host: LiveHost, database: Database) -> None:
    found = host.table_rows(tables(database))
    assert ("command_queue", "created", "datetime") in found.rows
    assert ("nodes", "hostname", "varchar") in found.rows
    rows = host.table_rows(
        PanelRows(
            dsn=tables(database).dsn,
            table="command_queue",
            columns=("id", "status"),
            times=("created", "updated"),
            order_by="id",
            words_column="status",
            words=("done",),
            without=True,
            max_rows=2,
        )
    )
    assert rows.columns == ("id", "status", "created", "updated")
    assert [row[1] for row in rows.rows] == ["pending", "pending"]
    assert rows.truncated
    assert abs(time.time() - OLD_S - float(rows.rows[0][2] or 0)) < 120
    assert rows.rows[0][3] is None


def test_nothing_can_be_written(host: LiveHost, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever were asked: the transaction itself is read-only."""
    monkeypatch.setattr(
        "iwx_agent.host.database.statement",
        lambda _: ("DELETE FROM command_queue", (), ("id",)),
    )
    with pytest.raises(HostError, match="error 1792"):  # cannot execute statement in a READ ONLY transaction
        host.table_rows(tables(database))
    assert database.sql("SELECT COUNT(*) FROM iworx.command_queue") == "5"


def test_a_table_that_is_locked_holds_nobody(host: LiveHost, database: Database) -> None:
    locked = subprocess.Popen(
        [
            *("mariadb", "--no-defaults", "-uroot", "-S", str(database.socket), "-N", "-e"),
            "LOCK TABLES iworx.locked_queue WRITE; SELECT SLEEP(20)",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        time.sleep(0.5)
        started = time.monotonic()
        with pytest.raises(HostError, match=r"the table is locked|time limit"):
            host.table_rows(
                PanelRows(dsn=tables(database).dsn, table="locked_queue", columns=("id",), order_by="id")
            )
        assert time.monotonic() - started < 4.5
    finally:
        locked.kill()
        locked.communicate()


def test_a_wrong_password_is_told_without_it(host: LiveHost, database: Database) -> None:
    with database.ini.open("a") as ini:
        ini.write(f'other="mysqli://iworx:{CANARY}wrong@unix({database.socket})/iworx"\n')
    with pytest.raises(HostError) as error:
        host.table_rows(tables(database, "other"))
    assert error.value.reason == "the login of the DSN is refused (error 1045)"


def test_the_queue_is_read_from_the_database_where_the_command_line_tells_nothing(
    database: Database, tmp_path: Path
) -> None:
    with LiveHost(budget_s=40) as live:
        recorder = Recorder(live)
        context = Context(recorder, known(database, tmp_path))
        queue = ask(context, PROBES[0])
        assert isinstance(queue, CommandQueue)
        assert not isinstance(ask(context, PROBES[1]), Missing)
    node, other = sorted(queue.nodes, key=lambda one: one.node != "iwx2.lab.invalid")
    assert (node.node, node.waiting_count, node.failed_count, node.left_count) == (
        "iwx2.lab.invalid",
        3,
        1,
        0,
    )
    assert abs(time.time() - OLD_S - (node.oldest_at or 0)) < 120
    assert (other.node, other.waiting_count) == ("node 3", 0)
    assert "hunter2" not in repr(queue)
    held_back(recorder, tmp_path)
    again = ask(Context(open_capture(tmp_path / "capture"), known(database, tmp_path)), PROBES[0])
    assert isinstance(again, CommandQueue)
    assert [one.waiting_count for one in again.nodes] == [one.waiting_count for one in queue.nodes]


def held_back(recorder: Recorder, directory: Path) -> None:
    """Write the capture of a run and look for what must not be in it, in every shape it could have."""
    info = CaptureInfo(format=1, host="iwx1", taken_at=AT, agent_version="0.1.0", source="a test")
    write_capture(directory / "capture", info, recorder.heard)
    written = [path for path in (directory / "capture").rglob("*") if path.is_file()]
    text = "".join(path.read_text() for path in written)
    assert "command_queue" in text
    for secret in (CANARY, ORDERED, "not-to-be-read"):
        raw = secret.encode()
        shapes = {
            secret,
            quote(secret),
            quote(secret, safe=""),
            raw.hex(),
            base64.b64encode(raw).decode(),
            raw.decode("latin-1"),
            repr(secret)[1:-1],
            secret.encode("unicode_escape").decode(),
        }
        assert not [shape for shape in shapes if shape in text], secret
    for start in range(3):  # base64 of it within something longer
        part = base64.b64encode(bytes(start) + CANARY.encode())[4:16].decode()
        assert part not in text
    assert not [path for path in written if path.name == "iworx.ini"]
    assert os.stat(directory / "capture").st_mode & 0o077 == 0  # noqa: PTH116
