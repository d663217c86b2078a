"""Whom the incidents reach: sites, mail services, nodes, databases, counted where the facts tell."""

from collections.abc import Iterable, Mapping

from iwx_agent.model import FactValue, Finding, Incident, Missing, PortAnswer, Severity
from iwx_agent.model.changes import Extent, Impact
from iwx_agent.model.cluster import ClusterNodes, CommandQueue
from iwx_agent.model.mail import MailboxAccess, MailPort, MailQueue, SupervisedServices
from iwx_agent.model.network import NameServer
from iwx_agent.model.web import WebSites

_NAMES_COUNT = 20
_FAILING_STATUS = 500
_GREETINGS = {"SMTP": "220", "submission": "220", "SMTPS": "220", "IMAP": "* OK", "POP3": "+OK"}
_UNASKED = Missing(reason="it was not looked at")
_NOTHING_COUNTED = "how many customers use it was not counted"

Facts = Mapping[str, FactValue]


def impact_of(incidents: Iterable[Incident], facts: Facts) -> tuple[Impact, ...]:
    """Return whom the incidents reach, area by area, in the order of the incidents; notes reach nobody."""
    found = [finding for incident in incidents for finding in (incident.lead, *incident.others)]
    serious = [finding for finding in found if finding.severity > Severity.NOTE]
    told: dict[str, Impact] = {}
    for finding in serious:
        for impact in _impacts(finding, serious, facts):
            told.setdefault(impact.area, impact)
    return tuple(told.values())


def _impacts(finding: Finding, serious: list[Finding], facts: Facts) -> Iterable[Impact]:
    area, number = finding.code.partition("-")[0], int(finding.code.rpartition("-")[2])
    match area:
        case "WEB" if number >= 30:
            yield _certificates(serious)
        case "WEB":
            yield _sites(facts)
        case "MAIL":
            yield from _mail(number, facts)
        case "PANEL":
            yield from _panel(number, finding)
        case "CLUSTER":
            yield from _cluster(number, facts)
        case "SYSTEM" if 50 <= number < 60:
            yield _databases(facts)
        case "SYSTEM" if finding.touches:
            yield Impact(area="services", what="those that need it may suffer", names=finding.touches)
        case "DNS":
            yield _zones(facts)
        case "FTP":
            yield Impact(area="FTP", what="customers cannot transfer files", note=_NOTHING_COUNTED)
        case "SSH":
            yield Impact(area="SSH", what="nobody can log in over SSH, InterWorx support included")
        case "PACKAGES":
            yield _packages(serious)


def _named(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:_NAMES_COUNT]


def _gap(fact: FactValue) -> str:
    return f"could not be counted: {fact.reason if isinstance(fact, Missing) else 'not told'}"


# --- web ---


def _sites(facts: Facts) -> Impact:
    sites = facts.get("web_sites", _UNASKED)
    if not isinstance(sites, WebSites):
        return Impact(area="web", what="websites", note=_gap(sites))
    pages = [(answer.name, answer.page) for answer in sites.answers]
    broken = [n for n, page in pages if page.outcome != "answered" or page.status >= _FAILING_STATUS]
    return Impact(
        area="web",
        what="websites that were asked fail",
        affected_count=len(broken),
        total_count=len(pages),
        names=_named(broken),
        note=f"{sites.files_count} are configured" if sites.files_count > len(pages) else "",
    )


def _certificates(serious: list[Finding]) -> Impact:
    names = [f.subject for f in serious if f.code.startswith("WEB-03")]
    return Impact(
        area="certificates",
        what="refused by browsers, now or soon",
        affected_count=len(names),
        names=_named(names),
    )


# --- mail ---


def _mail(number: int, facts: Facts) -> Iterable[Impact]:
    """Ports for what listens, services for what supervise runs, the queue for what waits in it."""
    if number < 30 or number >= 50:
        yield _ports(facts)
    elif number < 40:
        yield _queue(facts)
    else:
        yield _services(facts)
        yield _ports(facts)


def _ports(facts: Facts) -> Impact:
    asked: list[tuple[str, PortAnswer]] = []
    for name in ("smtp_port", "submission_port", "smtps_port", "imap_access", "pop3_access"):
        fact = facts.get(name, _UNASKED)
        if isinstance(fact, MailPort):
            asked.append((fact.service, fact.answer))
        elif isinstance(fact, MailboxAccess):
            asked.extend(((fact.protocol, fact.plain), (fact.protocol, fact.tls)))
    broken = [
        f"{service} (port {answer.port})"
        for service, answer in asked
        if answer.outcome != "greeted" or not answer.greeting.startswith(_GREETINGS.get(service, ""))
    ]
    domains = _domains(facts)
    if not asked:
        return Impact(area="mail", what="mail ports", note=f"could not be counted; {domains}")
    if not broken:
        what = "mail ports answer now; whether mail waits or is refused at times was not counted"
        return Impact(area="mail", what=what, total_count=len(asked), note=domains)
    return Impact(
        area="mail",
        what="mail ports do not answer as they should",
        affected_count=len(broken),
        total_count=len(asked),
        names=_named(broken),
        note=domains,
    )


def _domains(facts: Facts) -> str:
    extent = facts.get("extent", _UNASKED)
    if not isinstance(extent, Extent) or extent.mail_domains_count is None:
        return "how many mailboxes are behind it could not be counted"
    least = "at least " if extent.at_least else ""
    return f"mail domains on this server: {least}{extent.mail_domains_count}"


def _queue(facts: Facts) -> Impact:
    queue = facts.get("mail_queue", _UNASKED)
    if not isinstance(queue, MailQueue):
        return Impact(area="mail queue", what="messages", note=_gap(queue))
    return Impact(
        area="mail queue",
        what="or more waiting in the queue" if queue.messages_truncated else "waiting in the queue",
        affected_count=queue.messages_count,
        note=f"{queue.unprocessed_count} of them not taken in yet" if queue.unprocessed_count else "",
    )


def _services(facts: Facts) -> Impact:
    found = facts.get("supervised_services", _UNASKED)
    if not isinstance(found, SupervisedServices):
        return Impact(area="mail services", what="services", note=_gap(found))
    services = [service for service in found.services if not service.name.endswith("/log")]
    ill = []
    for service in services:
        status = service.later or service.status
        if status is None or not status.pid or status.paused or not service.alive:
            ill.append(service.name)
        elif service.later is not None and service.status is not None and service.status.pid != status.pid:
            ill.append(service.name)  # another process each time: it keeps dying
    return Impact(
        area="mail services",
        what="supervised mail services do not run as they should",
        affected_count=len(ill),
        total_count=len(services),
        names=_named(ill),
    )


# --- panel, cluster, databases, the rest ---


def _panel(number: int, finding: Finding) -> Iterable[Impact]:
    if number < 10 and finding.severity < Severity.ERROR:
        yield Impact(area="panel", what="NodeWorx works, but not all of it as it should")
    elif number < 60 and finding.severity >= Severity.ERROR:
        what = "NodeWorx and SiteWorx cannot be used"
        yield Impact(area="panel", what=what, note="every customer of this server is concerned")
    elif number < 70:
        yield Impact(area="panel", what="the panel works; its own jobs or unit do not as they should")
    elif number < 80:
        yield Impact(area="panel", what="the panel says maintenance to everybody who asks")
    else:
        yield Impact(area="panel", what="the panel's own installation is not whole")


def _cluster(number: int, facts: Facts) -> Iterable[Impact]:
    nodes = facts.get("cluster_nodes", _UNASKED)
    total_count = len(nodes.answers) if isinstance(nodes, ClusterNodes) else None
    if number < 10:
        queue = facts.get("command_queue", _UNASKED)
        if isinstance(queue, CommandQueue):
            held = sorted(name for name in queue.waiting_nodes if name)
            yield Impact(
                area="command queue",
                what="cluster nodes have commands that wait or failed",
                affected_count=len(held),
                total_count=total_count,
                names=_named(held),
            )
        else:
            yield Impact(area="command queue", what="cluster nodes", note=_gap(queue))
    elif number < 20 and isinstance(nodes, ClusterNodes):
        away = [n.node.label for n in nodes.answers if n.answer.outcome != "greeted"]
        yield Impact(
            area="nodes",
            what="cluster nodes cannot be reached",
            affected_count=len(away),
            total_count=total_count,
            names=_named(away),
        )
    else:
        yield Impact(area="/home", what="the sites and mailboxes that lie on /home over the network")


def _databases(facts: Facts) -> Impact:
    extent = facts.get("extent", _UNASKED)
    what = "the customers' databases, and the websites that use them"
    if not isinstance(extent, Extent) or extent.databases_count is None:
        return Impact(area="databases", what=what, note="they could not be counted")
    least = "at least " if extent.at_least else ""
    return Impact(area="databases", what=what, note=f"on this server: {least}{extent.databases_count}")


def _zones(facts: Facts) -> Impact:
    server = facts.get("name_server", _UNASKED)
    if not isinstance(server, NameServer):
        return Impact(area="DNS", what="zones", note=_gap(server))
    wrong = [answer.zone for answer in server.udp if answer.outcome != "answered" or answer.rcode]
    if not wrong:
        what = "zones of its own get an answer over UDP; large answers and zone transfers need TCP"
        return Impact(area="DNS", what=what, total_count=len(server.udp))
    return Impact(
        area="DNS",
        what="zones of its own that were asked over UDP get no good answer",
        affected_count=len(wrong),
        total_count=len(server.udp),
        names=_named(wrong),
    )


def _packages(serious: list[Finding]) -> Impact:
    names = [f.subject for f in serious if f.code.startswith("PACKAGES")]
    return Impact(
        area="packages",
        what="installing or updating does not work as it should",
        names=_named(names),
    )
