"""Whom incidents reach: counted where the facts tell, and said where they do not."""

from typing import Any

import pytest
from building import finding, incident

from iwx_agent.model import Missing, PageAnswer, PortAnswer, Severity
from iwx_agent.model.changes import Extent, Impact
from iwx_agent.model.cluster import ClusterNode, ClusterNodes, CommandQueue, NodeAnswer, NodeQueue
from iwx_agent.model.mail import (
    MailboxAccess,
    MailPort,
    MailQueue,
    SupervisedService,
    SupervisedServices,
    SuperviseStatus,
)
from iwx_agent.model.network import DnsAnswer, NameServer
from iwx_agent.model.web import SiteAnswer, WebSites
from iwx_agent.triage.impact import impact_of


def reached(*codes: str, subject: str = "x", **facts: Any) -> tuple[Impact, ...]:
    return impact_of([incident(*(finding(code, subject) for code in codes))], facts)


def one(code: str, **facts: Any) -> Impact:
    (made,) = reached(code, **facts)
    return made


def counts(made: Impact) -> tuple[int | None, int | None, tuple[str, ...]]:
    return made.affected_count, made.total_count, made.names


def page(outcome: Any = "answered", status: int = 200) -> PageAnswer:
    return PageAnswer(url="https://x/", address="127.0.0.1", outcome=outcome, status=status)


def port(number: int, outcome: Any = "greeted", greeting: str = "") -> PortAnswer:
    return PortAnswer(
        address="127.0.0.1",
        port=number,
        tls=False,
        outcome=outcome,
        greeting=greeting,
    )


# Web


def sites(*pages: PageAnswer, files_count: int = 0) -> WebSites:
    answers = tuple(SiteAnswer(name=f"s{n}", file="f", page=made) for n, made in enumerate(pages))
    return WebSites(answers=answers, files_count=files_count or len(pages))


@pytest.mark.parametrize("code", ["WEB-001", "WEB-011", "WEB-021"])
def test_websites_are_counted_by_what_they_answered(code: str) -> None:
    fact = sites(page(), page(status=499), page(status=500), page("silent", 0), files_count=9)
    made = one(code, web_sites=fact)
    assert counts(made) == (2, 4, ("s2", "s3"))
    assert made.note == "9 are configured"
    assert one(code, web_sites=sites(page())).note == ""


def test_websites_that_were_not_asked_are_not_counted() -> None:
    made = one("WEB-001", web_sites=Missing(reason="no such directory"))
    assert counts(made) == (None, None, ())
    assert made.note == "could not be counted: no such directory"
    assert one("WEB-001").note == "could not be counted: it was not looked at"


def test_certificates_are_counted_by_site() -> None:
    made = impact_of(
        [incident(finding("WEB-030", "a.example.com")), incident(finding("WEB-031", "b.example.com"))], {}
    )
    assert [counts(impact) for impact in made] == [(2, None, ("a.example.com", "b.example.com"))]


# Mail

PORTS: dict[str, Any] = {
    "smtp_port": MailPort(service="SMTP", answer=port(25, "refused")),
    "submission_port": MailPort(service="submission", answer=port(587, greeting="421 busy")),
    "smtps_port": MailPort(service="SMTPS", answer=port(465, greeting="220 x ESMTP")),
    "imap_access": MailboxAccess(
        protocol="IMAP", plain=port(143, greeting="* OK x"), tls=port(993, greeting="* BYE")
    ),
    "pop3_access": Missing(reason="not asked"),
}


def test_mail_ports_are_counted_by_their_greeting() -> None:
    made = one("MAIL-001", **PORTS, extent=Extent(mail_domains_count=37))
    assert counts(made) == (3, 5, ("SMTP (port 25)", "submission (port 587)", "IMAP (port 993)"))
    assert made.note == "mail domains on this server: 37"
    assert one("MAIL-001", **PORTS, extent=Extent(mail_domains_count=5, at_least=True)).note.endswith(
        "at least 5"
    )


@pytest.mark.parametrize("extent", [Missing(reason="x"), Extent()])
def test_mailboxes_that_were_not_counted_are_said(extent: Any) -> None:
    made = one("MAIL-050", extent=extent)
    assert counts(made) == (None, None, ())
    assert made.note == "could not be counted; how many mailboxes are behind it could not be counted"


def queue(**more: Any) -> MailQueue:
    values: dict[str, Any] = {
        "path": "/var/qmail/queue",
        "read_at": 0.0,
        "messages_count": 12,
        "messages_truncated": False,
        "unprocessed_count": 0,
        "unprocessed_oldest_at": None,
        "accepted_newest_at": None,
        "oldest_at": None,
        "sender_running": True,
    }
    return MailQueue(**(values | more))


def test_the_queue_is_counted() -> None:
    made = one("MAIL-032", mail_queue=queue())
    assert (made.affected_count, made.what, made.note) == (12, "waiting in the queue", "")
    more = one("MAIL-030", mail_queue=queue(messages_truncated=True, unprocessed_count=3))
    assert (more.what, more.note) == ("or more waiting in the queue", "3 of them not taken in yet")
    assert one("MAIL-030").note == "could not be counted: it was not looked at"


def service(name: str, pid: int, *, later_pid: int | None = None, **more: Any) -> SupervisedService:
    def status(number: int) -> SuperviseStatus:
        return SuperviseStatus(pid=number, since_at=0.0, paused=more.get("paused", False), wanted="up")

    return SupervisedService(
        name=name,
        path=name,
        supervise_running=True,
        normally_down=False,
        status=None if pid < 0 else status(pid),
        alive=more.get("alive", True),
        later=None if later_pid is None else status(later_pid),
    )


def test_services_under_supervise_are_counted() -> None:
    fact = SupervisedServices(
        path="/service",
        services=(
            service("well", 7),
            service("well/log", 0),
            service("young", 7, later_pid=7),
            service("down", 0),
            service("never", -1),
            service("paused", 7, paused=True),
            service("dead", 7, alive=False),
            service("dying", 7, later_pid=8),
        ),
        svscan_running=True,
        read_at=0.0,
        core_names=(),
        send_names=(),
    )
    services, ports = reached("MAIL-041", supervised_services=fact, **PORTS)
    assert counts(services) == (5, 7, ("down", "never", "paused", "dead", "dying"))
    assert ports.area == "mail"
    assert reached("MAIL-044")[0].note == "could not be counted: it was not looked at"


# Panel, cluster, databases, the rest


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("PANEL-040", "NodeWorx and SiteWorx cannot be used"),
        ("PANEL-060", "its own jobs or unit"),
        ("PANEL-070", "maintenance"),
        ("PANEL-084", "installation is not whole"),
    ],
)
def test_the_panel_reaches_all_or_its_own(code: str, words: str) -> None:
    assert words in one(code).what


def test_mail_ports_that_all_answer_are_not_called_broken() -> None:
    made = one("MAIL-050", smtp_port=MailPort(service="SMTP", answer=port(25, greeting="220 x")))
    assert counts(made) == (None, 1, ())
    assert made.what.startswith("mail ports answer now; ")


def test_zones_that_answer_over_udp_are_not_called_broken() -> None:
    fact = NameServer(
        address="10.0.0.1",
        zones_source="data",
        udp=(answer("a"),),
        tcp=answer("a", "refused"),
        tcp_configured=True,
    )
    made = one("DNS-002", name_server=fact)
    assert counts(made) == (None, 1, ())
    assert "need TCP" in made.what


def test_a_nodeworx_that_works_in_part() -> None:
    made = impact_of([incident(finding("PANEL-006", severity=Severity.WARNING))], {})
    assert made[0].what == "NodeWorx works, but not all of it as it should"


def test_a_panel_that_works_all_the_same() -> None:
    made = impact_of([incident(finding("PANEL-023", severity=Severity.WARNING))], {})
    assert "the panel works" in made[0].what


def node(name: str, outcome: str) -> NodeAnswer:
    return NodeAnswer(node=ClusterNode(name=name), answer=port(2443, outcome))


NODES = ClusterNodes(answers=(node("n1", "refused"), node("n2", "greeted")), source="nodeworx")


def test_nodes_that_cannot_be_reached_are_counted() -> None:
    assert counts(one("CLUSTER-010", cluster_nodes=NODES)) == (1, 2, ("n1",))
    assert one("CLUSTER-010").area == "/home"  # without the answers nothing but the way is known
    assert one("CLUSTER-021", cluster_nodes=NODES).area == "/home"


def test_nodes_with_commands_that_wait_are_counted() -> None:
    fact = CommandQueue(
        part="manager",
        nodes=(
            NodeQueue(node="n2", waiting_count=1),
            NodeQueue(node="", waiting_count=1),
            NodeQueue(node="n1"),
        ),
        source="nodeworx",
        read_at=0.0,
    )
    assert counts(one("CLUSTER-001", command_queue=fact, cluster_nodes=NODES)) == (1, 2, ("n2",))
    assert counts(one("CLUSTER-001", command_queue=fact)) == (1, None, ("n2",))
    assert one("CLUSTER-001").note == "could not be counted: it was not looked at"


@pytest.mark.parametrize(
    ("extent", "note"),
    [
        (Extent(databases_count=4), "on this server: 4"),
        (Extent(databases_count=4, at_least=True), "on this server: at least 4"),
        (Extent(), "they could not be counted"),
        (Missing(reason="x"), "they could not be counted"),
    ],
)
def test_databases_of_customers(extent: Any, note: str) -> None:
    assert one("SYSTEM-050", extent=extent).note == note


def test_what_a_full_disk_touches() -> None:
    made = impact_of([incident(finding("SYSTEM-001", "/", touches=("mail", "web")))], {})
    assert [(impact.area, impact.names) for impact in made] == [("services", ("mail", "web"))]
    assert reached("SYSTEM-003") == ()


def answer(zone: str, outcome: Any = "answered", rcode: int = 0) -> DnsAnswer:
    return DnsAnswer(
        protocol="udp",
        zone=zone,
        address="10.0.0.1",
        port=53,
        outcome=outcome,
        rcode=rcode,
    )


def test_zones_are_counted() -> None:
    fact = NameServer(
        address="10.0.0.1",
        zones_source="data",
        udp=(answer("a"), answer("b", rcode=5), answer("c", "silent")),
        tcp=answer("a"),
        tcp_configured=True,
    )
    assert counts(one("DNS-003", name_server=fact)) == (2, 3, ("b", "c"))
    assert one("DNS-001").note == "could not be counted: it was not looked at"


def test_access_and_packages() -> None:
    assert one("FTP-001").area == "FTP"
    assert "InterWorx support included" in one("SSH-001").what
    assert one("PACKAGES-003").names == ("x",)


def test_each_area_is_told_once_and_notes_reach_nobody() -> None:
    made = reached("WEB-001", "WEB-010", "MAIL-001", web_sites=sites(page("refused", 0)))
    assert [impact.area for impact in made] == ["web", "mail"]
    note = incident(finding("WEB-012", severity=Severity.NOTE))
    assert impact_of([note], {}) == ()
    assert reached("SUPPORT-001") == ()


def test_names_are_bounded() -> None:
    many = sites(*[page("refused", 0)] * 500)
    made = one("WEB-010", web_sites=many)
    assert (made.affected_count, len(made.names)) == (500, 20)
