"""panel.web: no process and no listener, a foreign holder, and everything that is not one."""

import pytest

from iwx_agent.checks.panel_web import judge
from iwx_agent.model import (
    Finding,
    ListeningSocket,
    Missing,
    PageAnswer,
    PanelPresence,
    Process,
    Severity,
)
from iwx_agent.model.panel import PanelPorts, PanelProcesses

WEB = Process(pid=7, parent_pid=1, name="iworx-web", user="root", state="S", started_at=0.0)


def processes(*web: Process) -> PanelProcesses:
    return PanelProcesses(web=web, database=(), php=(), web_name="iworx-web", database_name="iworx-db")


def socket(port: int, name: str) -> ListeningSocket:
    return ListeningSocket(protocol="tcp", address="0.0.0.0", port=port, pid=9, process_name=name)


def ports(*holders: ListeningSocket) -> PanelPorts:
    return PanelPorts(
        ports=(2443, 2080), holders=holders, own_names=("iworx-web", "httpd", "nginx", "systemd")
    )


def page(**more: object) -> PageAnswer:
    facts: dict[str, object] = {"outcome": "refused", **more}
    return PageAnswer(url="https://localhost:2443/nodeworx/", address="127.0.0.1", **facts)  # type: ignore[arg-type]


def found(of: PanelProcesses, held: PanelPorts, shown: PageAnswer | Missing | None = None) -> list[Finding]:
    return list(judge(PanelPresence(home="/usr/local/interworx"), of, held, shown or page()))


def test_a_running_web_server_is_no_finding_whoever_listens() -> None:
    assert found(processes(WEB), ports(socket(2443, "iworx-web"), socket(2080, "iworx-web"))) == []
    assert found(processes(WEB), ports(socket(2443, "python3"))) == []
    assert found(processes(WEB), ports()) == []


def test_no_process_and_no_listener_is_an_emergency() -> None:
    (finding,) = found(processes(), ports())
    assert (finding.code, finding.severity, finding.subject) == ("PANEL-030", Severity.EMERGENCY, "iworx-web")
    assert "2443 and 2080" in finding.detail


@pytest.mark.parametrize("port", [2443, 2080])
def test_a_port_held_by_a_foreign_program_is_an_emergency(port: int) -> None:
    (finding,) = found(processes(), ports(socket(port, "python3"), socket(port, "python3")))
    assert (finding.code, finding.severity, finding.subject) == (
        "PANEL-031",
        Severity.EMERGENCY,
        f"port {port}",
    )
    assert "python3" in finding.title


def test_a_hostile_program_name_is_quoted_in_the_remedy() -> None:
    (finding,) = found(processes(), ports(socket(2443, "x; rm -rf /")))
    assert "-C 'x; rm -rf /'" in finding.remedy[1]


@pytest.mark.parametrize("name", ["httpd", "nginx", "systemd"])
def test_a_program_that_may_serve_the_panel_is_not_called_foreign(name: str) -> None:
    assert found(processes(), ports(socket(2443, name))) == []


@pytest.mark.parametrize(
    "shown",
    [
        page(outcome="answered", status=200, title="NodeWorx Login"),
        page(outcome="answered", status=302, location="/nodeworx/login"),
        page(outcome="answered", status=503, text="InterWorx is in maintenance"),
    ],
)
def test_a_page_of_the_panel_outweighs_an_unknown_program_name(shown: PageAnswer) -> None:
    assert found(processes(), ports(socket(2443, "panelweb")), shown) == []


@pytest.mark.parametrize(
    "shown", [page(outcome="answered", status=200, title="It works"), Missing(reason="over budget")]
)
def test_another_page_or_none_does_not(shown: PageAnswer | Missing) -> None:
    assert [f.code for f in found(processes(), ports(socket(2443, "panelweb")), shown)] == ["PANEL-031"]
