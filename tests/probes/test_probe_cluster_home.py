"""/home over the network: what it does is a value, and the file server is asked in trouble only."""

import pytest
from fakes import FakeHost, command, content, context, run
from msgspec import Struct

from iwx_agent.host import (
    GreetingAnswer,
    HostError,
    Question,
    ReadFile,
    Resolve,
    ResolveAnswer,
    RunCommand,
    StatVfs,
    TcpGreeting,
)
from iwx_agent.host.answers import FileSystemStatus
from iwx_agent.model.cluster import ClusterHome, NetworkHome
from iwx_agent.probes.cluster_home import cluster_home
from iwx_agent.probes.cluster_mounts import server_of

Answers = dict[Question, Struct | HostError | list[Struct | HostError]]

LIST = ("nodeworx", "-u", "-n", "-c", "ClusterNodes", "-a", "listClusterNodes", "-o", "json")
ONE = '[{"id": 2, "hostname": "iwx2.lab.invalid", "ipaddr": "10.99.0.20"}]'
NFS = "2 1 0:9 / /home rw shared:2 - nfs4 10.99.0.10:/home rw,hard\n"
FSTAB = "10.99.0.10:/home /home nfs defaults 0 0\n"
WELL = FileSystemStatus(
    total_bytes=10,
    free_bytes=5,
    available_bytes=4,
    inodes_count=3,
    inodes_free_count=2,
    read_only=False,
)
ACCEPTED = GreetingAnswer(data=b"", duration_s=0.01)
REFUSED = HostError("refused", "connection refused (ECONNREFUSED)", "x")
HOME = StatVfs(path="/home")


def nfs_port(address: str) -> TcpGreeting:
    return TcpGreeting(port=2049, address=address, expect_greeting=False)


def machine(*, mounts: str = "", fstab: str = "", exports: str = "", nodes: str = "[]") -> Answers:
    return {
        ReadFile(path="/proc/self/mountinfo"): content("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + mounts),
        ReadFile(path="/etc/fstab"): content(fstab),
        ReadFile(path="/etc/exports"): content(exports),
        run(*LIST): command(LIST, nodes),
    }


def mounted(answers: Answers) -> NetworkHome:
    found = cluster_home(context(answers)).mounted
    assert found is not None
    return found


def test_a_home_that_answers_costs_the_question_that_is_asked_anyway() -> None:
    told = context({**machine(mounts=NFS), HOME: WELL})
    assert cluster_home(told) == ClusterHome(
        mounted=NetworkHome(
            path="/home",
            device="10.99.0.10:/home",
            type="nfs4",
            state="answers",
            source="statvfs /home (10.99.0.10:/home, nfs4)",
            limit_s=3.0,
        )
    )
    host = told.resample
    assert isinstance(host, FakeHost)
    assert not [q for q in host.asked if isinstance(q, RunCommand | TcpGreeting)]
    assert [q.timeout_s for q in host.asked if isinstance(q, StatVfs)] == [3.0]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (
            HostError("timeout", "no answer within 3.0 s and cannot be interrupted (state D)", "/home"),
            "silent",
        ),
        (HostError("failed", "Stale file handle (ESTALE)", "/home"), "stale"),
        (HostError("failed", "Transport endpoint is not connected (ENOTCONN)", "/home"), "failed"),
        (HostError("failed", "Connection timed out (ETIMEDOUT)", "/home"), "failed"),
        (HostError("permission", "Permission denied (EACCES)", "/home"), "failed"),
        (HostError("not_found", "No such file or directory (ENOENT)", "/home"), "failed"),
    ],
)
def test_what_it_does_is_a_value(error: HostError, state: str) -> None:
    home = mounted({**machine(mounts=NFS), HOME: error, nfs_port("10.99.0.10"): REFUSED})
    assert (home.state, home.detail) == (state, error.reason)
    assert (home.server_answer is None) == (state == "stale")
    if home.server_answer is not None:
        assert home.server_answer.outcome == "refused"


@pytest.mark.parametrize("kind", ["over_budget", "not_captured"])
def test_what_says_nothing_of_it_is_no_value(kind: str) -> None:
    error = HostError(kind, "x", "/home")  # type: ignore[arg-type]
    with pytest.raises(HostError):
        mounted({**machine(mounts=NFS), HOME: error})


def test_a_home_that_should_be_mounted_and_is_not() -> None:
    home = mounted({**machine(fstab=FSTAB), nfs_port("10.99.0.10"): ACCEPTED})
    assert (home.state, home.source, home.type) == ("not_mounted", "/etc/fstab", "nfs")
    assert home.server_answer is not None
    assert home.server_answer.outcome == "greeted"


def test_one_that_is_mounted_when_somebody_looks_is_looked_at() -> None:
    on_demand = "2 1 0:9 / /home rw - autofs systemd-1 rw\n"
    assert mounted({**machine(mounts=on_demand, fstab=FSTAB), HOME: WELL}).state == "answers"


SILENT = HostError("timeout", "no answer within 3.0 s", "/home")


@pytest.mark.parametrize(
    ("device", "answers", "outcome"),
    [
        ("[2001:db8::10]:/home", {nfs_port("2001:db8::10"): REFUSED}, "refused"),
        (
            "manager:/home",
            {
                Resolve(name="manager"): ResolveAnswer(addresses=("10.99.0.10",), duration_s=0.1),
                nfs_port("10.99.0.10"): ACCEPTED,
            },
            "greeted",
        ),
        ("manager:/home", {Resolve(name="manager"): ResolveAnswer(addresses=(), duration_s=0.1)}, ""),
        ("manager:/home", {Resolve(name="manager"): SILENT}, ""),
        ("127.0.0.1:/home", {}, ""),
        (
            "10.99.0.10:/home",
            {nfs_port("10.99.0.10"): HostError("over_budget", "the budget is over", "x")},
            "",
        ),
    ],
)
def test_the_file_server_is_asked_where_it_can_be(device: str, answers: Answers, outcome: str) -> None:
    home = mounted({**machine(mounts=NFS.replace("10.99.0.10:/home", device)), HOME: SILENT, **answers})
    assert home.state == "silent"
    assert (home.server_answer.outcome if home.server_answer else "") == outcome


@pytest.mark.parametrize(
    ("device", "server"),
    [
        ("10.99.0.10:/home", "10.99.0.10"),
        ("nas.example.com:/vol/home", "nas.example.com"),
        ("[2001:db8::1]:/home", "2001:db8::1"),
        ("[x]:/home", ""),
        ("user@nas:/home", ""),
        ("nas:home", ""),
        ("-nas:/home", ""),
        ("/dev/sda1", ""),
        ("", ""),
    ],
)
def test_the_server_in_a_device(device: str, server: str) -> None:
    assert server_of(device) == server


# The manager's side

EXPORTS = "/home 10.99.0.20(rw,no_root_squash)\n"


@pytest.mark.parametrize(("answer", "outcome"), [(ACCEPTED, "greeted"), (REFUSED, "refused")])
def test_a_manager_is_asked_for_its_own_nfs(answer: Struct | HostError, outcome: str) -> None:
    told = {**machine(exports=EXPORTS, nodes=ONE), nfs_port("127.0.0.1"): answer}
    found = cluster_home(context(told))
    assert found.mounted is None
    assert found.served is not None
    assert (found.served.path, found.served.line, found.served.source) == (
        "/home",
        EXPORTS.strip(),
        "/etc/exports",
    )
    assert found.served.answer.outcome == outcome
    assert found.served.nodes == ("iwx2.lab.invalid",)


def test_a_quoted_path_is_shown_without_its_quotes() -> None:
    told = {**machine(exports='"/home" *(rw)\n', nodes=ONE), nfs_port("127.0.0.1"): ACCEPTED}
    served = cluster_home(context(told)).served
    assert served is not None
    assert served.path == "/home"


@pytest.mark.parametrize(
    "answers",
    [machine(), machine(exports=EXPORTS), machine(exports="/srv *(ro)\n", nodes=ONE), machine(nodes=ONE)],
)
def test_a_server_that_is_on_neither_side_has_nothing_to_judge(answers: Answers) -> None:
    with pytest.raises(HostError) as error:
        cluster_home(context(answers))
    assert error.value.kind == "not_found"


def test_a_server_can_be_on_both_sides() -> None:
    told = {**machine(mounts=NFS, exports=EXPORTS, nodes=ONE), HOME: WELL, nfs_port("127.0.0.1"): ACCEPTED}
    found = cluster_home(context(told))
    assert found.mounted is not None
    assert found.served is not None
