"""The customers' web server answers: a page on port 80 and a TLS handshake on port 443.

Facts:
    web_server: what the two ports did; units, listening_sockets: why; configured_sites, web_sites: whether
    there are sites, whether they have TLS, and whether one of them answers all the same; web_config_test,
    web_journal: Apache's own words, only asked for when something is wrong.

Limits:
    None of its own: the ports are asked with a limit of 8 s, which the answers carry.

Codes:
    WEB-001 Apache does not run; WEB-002 nothing listens on the port; WEB-003 accepts but does not answer;
    WEB-004 Apache cannot start because of its configuration; WEB-005 another program holds the port;
    WEB-006 TLS is broken on port 443; WEB-007 closes the connection or sends no valid answer.

Source:
    Support guide 7.1, "Websites are down"; systemd and Apache in the captures host/05 and host/06.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Check,
    Evidence,
    Finding,
    ListeningSocket,
    ListeningSockets,
    Missing,
    Scope,
    Severity,
    Unit,
    Units,
    moment,
)
from iwx_agent.model.web import ConfigTest, Sites, WebJournal, WebServer, WebSites

_PORTS = (80, 443)
_BIND_WORDS = ("could not bind to address", "address already in use")
_JOURNAL_LINES_COUNT = 6


class _Seen(Struct, frozen=True, kw_only=True):
    """All facts of one judgement, so that they travel together."""

    server: WebServer
    unit: Unit | None
    foreign: ListeningSocket | None  # who holds a port instead of Apache
    own_holder: bool  # Apache itself listens, whatever systemd says
    sites: Sites | Missing
    answers: WebSites | Missing
    test: ConfigTest | Missing
    journal: WebJournal | Missing

    @property
    def worst(self) -> Severity:
        """Return how bad a dead server is: an emergency, unless it serves nobody or sites answer anyway.

        What a foreign program on the port answers is no proof: its welcome page looks like a site.
        """
        unused = isinstance(self.sites, Missing) and self.sites.absent
        return Severity.ERROR if unused or self.served else Severity.EMERGENCY

    @property
    def served(self) -> bool:
        """Return whether sites answer, and not from a foreign program."""
        return self.foreign is None and (self.alive("http") or self.alive("https"))

    def alive(self, scheme: str) -> bool:
        """Return whether a sampled site answers over the scheme: then the server is not down as a whole."""
        return not isinstance(self.answers, Missing) and any(
            answer.page.outcome == "answered" and answer.page.url.startswith(f"{scheme}://")
            for answer in self.answers.answers
        )


def judge(
    web_server: WebServer,
    units: Units | Missing,
    listening_sockets: ListeningSockets | Missing,
    configured_sites: Sites | Missing,
    web_sites: WebSites | Missing,
    web_config_test: ConfigTest | Missing,
    web_journal: WebJournal | Missing,
) -> Iterator[Finding]:
    """Judge port 80 first, and port 443 only when that is well: one dead server is one finding."""
    holders = () if isinstance(listening_sockets, Missing) else _holders(listening_sockets)
    known = (*web_server.programs, *web_server.replacements)
    seen = _Seen(
        server=web_server,
        unit=None if isinstance(units, Missing) else units.by_name.get(web_server.unit),
        foreign=next((s for s in holders if s.process_name and s.process_name not in known), None),
        own_holder=any(s.process_name in web_server.programs for s in holders),
        sites=configured_sites,
        answers=web_sites,
        test=web_config_test,
        journal=web_journal,
    )
    match web_server.plain.outcome:
        case "refused" | "unreachable":
            yield _dead(seen)
        case "answered":
            yield from _judge_answering(seen)
        case "silent":
            yield _stuck(seen, "WEB-003", "accepts connections on port 80 but does not answer")
        case _:
            yield _stuck(seen, "WEB-007", "closes connections on port 80 or sends no valid answer")


def _holders(sockets: ListeningSockets) -> tuple[ListeningSocket, ...]:
    return tuple(s for port in _PORTS for s in sockets.on("tcp", port))


def _dead(seen: _Seen) -> Finding:
    """Say why nothing answers: the most specific reason that can be proved."""
    name = seen.server.unit
    if isinstance(seen.test, ConfigTest) and seen.test.outcome == "failed":
        return _finding(
            seen,
            "WEB-004",
            name,
            seen.worst,
            f"Apache ({name}) cannot start: its configuration has an error",
            seen.test.message,
            _repair_configuration(seen.test.place),
        )
    running = seen.unit is not None and seen.unit.running
    if seen.foreign is not None and not running and _bind_failed(seen.journal) is not False:
        return _held(seen, seen.foreign)
    if seen.unit is not None and not running:
        return _finding(
            seen,
            "WEB-001",
            name,
            seen.worst,
            f"Apache ({name}) is not running"
            + (", though websites answer" if seen.served else ": no website can be reached"),
            f"{_told_unit(seen.unit)}; {seen.server.plain.source}.",
            (*_look(name), "httpd -t", f"systemctl restart {name}"),
        )
    return _not_listening(seen, running=running)


def _not_listening(seen: _Seen, *, running: bool) -> Finding:
    name = seen.server.unit
    over_tls = seen.alive("https")
    effect = "websites answer over HTTPS only" if over_tls else "no website can be reached"
    if seen.alive("http"):
        effect = "websites answer at other addresses"
    return _finding(
        seen,
        "WEB-002",
        "port 80",
        Severity.ERROR if over_tls else seen.worst,
        f"Nothing listens on port 80{' of this address' if seen.alive('http') else ''}: {effect}",
        f"{seen.server.plain.source}: {seen.server.plain.detail}. "
        + (f"{name} counts as running." if running else f"The state of {name} could not be told."),
        (
            "ss -ltnp '( sport = :80 or sport = :443 )'",
            "grep -rn '^ *Listen' /etc/httpd/conf /etc/httpd/conf.d",
            *_look(name),
        ),
    )


def _held(seen: _Seen, holder: ListeningSocket) -> Finding:
    return _finding(
        seen,
        "WEB-005",
        f"port {holder.port}",
        seen.worst,
        f"Another program ({holder.process_name}) holds port {holder.port}: Apache cannot start",
        f"{holder.process_name} has {holder.address}:{holder.port}; {seen.server.unit} does not run.",
        (
            f"ss -ltnp 'sport = :{holder.port}'   # which program it is",
            "If it is meant to be there (a proxy, another web server), find out why Apache is not behind it.",
            "Otherwise stop that program and keep it from starting again (systemctl disable --now its unit).",
            f"systemctl restart {seen.server.unit}",
        ),
    )


def _judge_answering(seen: _Seen) -> Iterator[Finding]:
    """Port 80 answers. Is it Apache that answers, and does TLS work beside it?"""
    unit = seen.unit
    wanted = unit is not None and not unit.running and (unit.failed or unit.unit_file_state == "enabled")
    if wanted and seen.foreign is not None:
        yield _dead(seen)
        return
    if unit is not None and unit.failed and seen.own_holder:
        yield _finding(
            seen,
            "WEB-001",
            unit.name,
            Severity.WARNING,
            f"Apache answers, but systemd calls {unit.name} failed: it runs outside of systemd's control",
            f"{_told_unit(unit)}; {seen.server.plain.source}.",
            (*_look(unit.name), f"apachectl stop; systemctl restart {unit.name}   # a short interruption"),
        )
    yield from _judge_tls(seen)


def _judge_tls(seen: _Seen) -> Iterator[Finding]:
    """Judge port 443 where it matters: some site has TLS and none answers (web.sites tells of one)."""
    tls = seen.server.tls
    if tls.outcome == "greeted" or seen.alive("https"):
        return
    severity = Severity.EMERGENCY
    if isinstance(seen.sites, Missing):
        # Whether any site has TLS could not be told, nor at which address: only an unmistakable sign counts.
        if seen.sites.absent or tls.outcome not in ("refused", "silent"):
            return
        severity = Severity.WARNING
    elif not any(site.tls for site in seen.sites.sampled):
        return
    code, title = {
        "refused": ("WEB-002", "Nothing listens on port 443: no website can be reached over HTTPS"),
        "unreachable": ("WEB-002", "Port 443 cannot be reached: no website can be reached over HTTPS"),
        "silent": ("WEB-003", "Port 443 accepts connections but does not finish the TLS handshake"),
    }.get(tls.outcome, ("WEB-006", "TLS is broken on port 443: browsers cannot open any website over HTTPS"))
    yield _finding(
        seen,
        code,
        "port 443",
        severity,
        title,
        f"{tls.source}: {tls.detail or 'no reason given'}. Port 80 answers.",
        (
            "ss -ltnp 'sport = :443'",
            "openssl s_client -connect 127.0.0.1:443 </dev/null",
            "tail -n 50 /var/log/httpd/error_log",
            "httpd -t   # does not notice a certificate whose key does not match",
        ),
    )


def _stuck(seen: _Seen, code: str, what: str) -> Finding:
    page = seen.server.plain
    return _finding(
        seen,
        code,
        "port 80",
        Severity.ERROR if seen.alive("http") or seen.alive("https") else seen.worst,
        f"Apache {what}",
        f"{page.source}: {page.detail or 'no answer'} (limit {page.limit_s:g} s).",
        (
            "tail -n 50 /var/log/httpd/error_log   # MaxRequestWorkers reached? workers that crash?",
            "ss -tn state established '( sport = :80 or sport = :443 )' | wc -l",
            *_look(seen.server.unit),
        ),
    )


def _finding(
    seen: _Seen,
    code: str,
    subject: str,
    severity: Severity,
    title: str,
    detail: str,
    remedy: tuple[str, ...],
) -> Finding:
    unit = seen.unit
    since_at = None
    if unit is not None and not unit.running:
        since_at = moment(unit.inactive_enter_at or unit.state_change_at)
    return Finding(
        code=code,
        subject=subject,
        severity=severity,
        scope=Scope.VENDOR,
        title=title,
        detail=detail,
        remedy=remedy,
        evidence=tuple(_evidence(seen)),
        since_at=since_at,
        since_source=f"systemctl show {seen.server.unit}" if since_at else "",
        touches=("web",),
    )


def _evidence(seen: _Seen) -> Iterator[Evidence]:
    plain, tls = seen.server.plain, seen.server.tls
    yield Evidence(source=plain.source, text=plain.detail or f"HTTP {plain.status}")
    yield Evidence(source=tls.source, text=tls.detail or tls.outcome)
    if seen.unit is not None:
        yield Evidence(source=f"systemctl show {seen.unit.name}", text=_told_unit(seen.unit))
    if seen.foreign is not None:
        yield Evidence(
            source="listening sockets",
            text=f"{seen.foreign.address}:{seen.foreign.port} {seen.foreign.process_name}",
        )
    if isinstance(seen.test, ConfigTest) and seen.test.outcome == "failed":
        yield Evidence(source=seen.test.place or seen.test.source, text=seen.test.message)
    if isinstance(seen.journal, WebJournal):
        for line in seen.journal.lines[-_JOURNAL_LINES_COUNT:]:
            yield Evidence(source=line.source, text=line.text, seen_at=moment(line.at))


def _bind_failed(journal: WebJournal | Missing) -> bool | None:
    """Return whether the journal says that Apache could not have the port; None when it says nothing."""
    if isinstance(journal, Missing) or not journal.lines:
        return None
    return any(word in line.text.lower() for line in journal.lines for word in _BIND_WORDS)


def _told_unit(unit: Unit) -> str:
    told = f"{unit.name} is {unit.active_state} ({unit.sub_state})"
    return f"{told}, result {unit.result}" if unit.result not in ("", "success") else told


def _look(name: str) -> tuple[str, ...]:
    return (
        f"systemctl status {name} --no-pager -l",
        f"journalctl -u {name} -n 50 --no-pager",
    )


def _repair_configuration(place: str) -> tuple[str, ...]:
    where = f"Correct what is wrong at {place}." if place else "Correct what the test complains of."
    return ("httpd -t", where, "httpd -t && systemctl restart httpd.service")


CHECK = Check(
    id="web.server",
    title="The web server answers on ports 80 and 443",
    codes=("WEB-001", "WEB-002", "WEB-003", "WEB-004", "WEB-005", "WEB-006", "WEB-007"),
    judge=judge,
    optional=("web_server",),
    emergency=True,
    guide=2,
)
