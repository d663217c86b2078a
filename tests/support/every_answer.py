"""One question of each kind with an answer to it: for what must go through recording and replay."""

from building import AT
from msgspec import Struct

from iwx_agent.host import (
    AskClock,
    AskProcesses,
    AskSockets,
    ClockAnswer,
    CommandAnswer,
    CountTree,
    Datagram,
    DatagramAnswer,
    DirectoryEntry,
    DirectoryListing,
    DsnPlace,
    FileContent,
    FileStatus,
    FileSystemStatus,
    GreetingAnswer,
    HttpAnswer,
    HttpGet,
    ListDirectory,
    PanelRows,
    PanelTables,
    Question,
    ReadFile,
    Resolve,
    ResolveAnswer,
    RunCommand,
    ScanFile,
    Stat,
    StatVfs,
    TableRows,
    TailFile,
    TcpGreeting,
    TreeCount,
    UnixGreeting,
)
from iwx_agent.model import ListeningSocket, ListeningSockets, Process, Processes
from iwx_agent.replay import CaptureInfo

INFO = CaptureInfo(format=1, host="iwx1", taken_at=AT, agent_version="0.1.0", source="a test")
ODD = b"\xff\xfe caf\xc3\xa9\x00\x1b[31m\n"

PAIRS: list[tuple[Question, Struct]] = [
    (
        ReadFile(path="/etc/odd"),
        FileContent(data=ODD, size_bytes=len(ODD), modified_at=12.5, path="/etc/odd"),
    ),
    (TailFile(path="/var/log/x"), FileContent(data=b"a\n", size_bytes=2, modified_at=1.0, path="/var/log/x")),
    (
        ScanFile(path="/var/log/messages", needles=(" kernel: ",)),
        FileContent(data=b"a kernel: b\n", size_bytes=9_000_000, modified_at=1.0, path="/var/log/messages"),
    ),
    (
        ListDirectory(path="/var"),
        DirectoryListing(entries=(DirectoryEntry(name="log", kind="directory", modified_at=3.0),)),
    ),
    (CountTree(path="/var/qmail/queue/mess"), TreeCount(files_count=3, size_bytes=9, oldest_at=1.0)),
    (Stat(path="/s"), FileStatus(kind="socket", size_bytes=0, modified_at=2.0, mode=0o755, uid=5, gid=6)),
    (
        Stat(path="/s", follow=False),
        FileStatus(kind="symlink", size_bytes=7, modified_at=2.0, mode=0o777),
    ),
    (
        StatVfs(path="/"),
        FileSystemStatus(
            total_bytes=10,
            free_bytes=5,
            available_bytes=4,
            inodes_count=3,
            inodes_free_count=2,
            read_only=True,
        ),
    ),
    (
        RunCommand(argv=("printf", "a b")),
        CommandAnswer(
            argv=("printf", "a b"),
            exit_code=None,
            stdout=ODD,
            stderr=b"",
            duration_s=1.5,
            timed_out=True,
            left_behind=("sleep",),
        ),
    ),
    (
        HttpGet(url="https://localhost:2443/"),
        HttpAnswer(
            url="https://localhost:2443/",
            status=503,
            headers=(("server", "x"),),
            body=ODD,
            duration_s=0.1,
            truncated=True,
        ),
    ),
    (
        TcpGreeting(port=993, tls=True, server_name="mail.example.com"),
        GreetingAnswer(data=b"* OK\r\n", duration_s=0.2, certificate=b"\x30\x82"),
    ),
    (UnixGreeting(path="/run/x.sock"), GreetingAnswer(data=b"", duration_s=0.0)),
    (
        Datagram(payload=b"\x12\x34\x00", port=53, label="SOA example.com"),
        DatagramAnswer(data=b"\x12\x34\x80", duration_s=0.01),
    ),
    (Resolve(name="example.com"), ResolveAnswer(addresses=("192.0.2.1",), duration_s=0.3)),
    (
        PanelTables(dsn=DsnPlace(path="/p.ini", section="a", key="dsn"), words=("queue",)),
        TableRows(columns=("table", "column", "type"), rows=(("q", "id", "int"),), duration_s=0.1),
    ),
    (
        PanelRows(
            dsn=DsnPlace(path="/p.ini", section="a", key="dsn"),
            table="q",
            columns=("id",),
            times=("created",),
            order_by="id",
            words_column="status",
            words=("done",),
            without=True,
        ),
        TableRows(
            columns=("id", "created"), rows=(("7", None), ("8", "\ufffd")), duration_s=0.1, truncated=True
        ),
    ),
    (
        AskProcesses(),
        Processes(
            entries=(Process(pid=1, parent_pid=0, name="init", user="root", state="S", started_at=0.5),)
        ),
    ),
    (
        AskSockets(),
        ListeningSockets(entries=(ListeningSocket(protocol="tcp", address="::", port=25, pid=None),)),
    ),
    (AskClock(), ClockAnswer(now_at=100.5, booted_at=1.5, host_name="iwx1", effective_uid=12)),
]
