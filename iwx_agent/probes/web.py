"""Facts about the customers' web server: ports, sites, certificates, configuration test, journal."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from iwx_agent.host import KIB, HostError, TcpGreeting
from iwx_agent.model import PageAnswer, ParseError, Unit
from iwx_agent.model.web import (
    ConfigTest,
    ServedCertificate,
    Site,
    SiteAnswer,
    Sites,
    VirtualHost,
    WebCertificates,
    WebJournal,
    WebServer,
    WebSites,
)
from iwx_agent.parsers.httpd_test import config_error
from iwx_agent.parsers.journal import parse_json_lines
from iwx_agent.parsers.vhost import host_name, parse_virtual_hosts, site_of
from iwx_agent.parsers.x509 import parse_certificate
from iwx_agent.probes import machine
from iwx_agent.probes.addresses import address_to_ask, listening_address, own_addresses, sockets_or_none
from iwx_agent.probes.context import Context, Probe, ask_page, ask_port, together

T = TypeVar("T")

_SITES_COUNT = 12
_AT_ONCE_COUNT = 6
_SITE_S = 5.0
_FOLLOW_S = 4.0  # with less left a redirect is not followed: a busy site would only seem to be silent
_SERVER_S = 8.0
_CERTIFICATE_S = 4.0
_SITE_FILE_BYTES = 64 * KIB
_NETWORK_KINDS = ("timeout", "refused", "unreachable", "closed", "tls", "failed")


def configured_sites(context: Context) -> Sites:
    """A sample of the sites that have a virtual host file; not there at all when no site is configured."""
    directory = context.layout.text("path.web_sites")
    listing = context.host.list_directory(directory)
    names = [e.name for e in listing.entries if e.kind in ("file", "symlink") and _is_site_file(e.name)]
    if not names:
        raise HostError("not_found", "no site is configured", f"{directory}/vhost_*.conf")
    found: list[Site] = []
    unread: list[str] = []
    for name in spread(names, _SITES_COUNT):
        site = _read_site(context, f"{directory}/{name}")
        if isinstance(site, Site):
            found.append(site)
        else:
            unread.append(site)
    return Sites(
        sampled=tuple(found),
        files_count=len(names),
        directory=directory,
        unread=tuple(unread),
        truncated=listing.truncated,
    )


def web_server(context: Context) -> WebServer:
    """What ports 80 and 443 answer; not there at all when there is no Apache or it is switched off."""
    _refuse_when_off(context)
    layout = context.layout
    http, https = layout.port("port.http"), layout.port("port.https")
    url = "http://localhost/" if http == 80 else f"http://localhost:{http}/"
    plain_at = listening_address(context, http)
    name, tls_at = _tls_place(context, https)
    plain, tls = together(
        (
            lambda: ask_page(context.host, url, address=plain_at, timeout_s=_SERVER_S),
            lambda: ask_port(
                context.host,
                https,
                address=tls_at,
                tls=True,
                server_name=name,
                expect_greeting=False,
                timeout_s=_SERVER_S,
            ),
        )
    )
    return WebServer(
        plain=plain,  # type: ignore[arg-type]
        tls=tls,  # type: ignore[arg-type]
        unit=layout.text("unit.web"),
        programs=layout.texts("process.web"),
        replacements=layout.texts("process.web_replacement"),
    )


def web_sites(context: Context) -> WebSites:
    """What the sampled sites answer, each asked by name at its own address of this machine."""
    _refuse_when_off(context)
    sites = configured_sites(context)
    own = own_addresses(context)
    answers = in_turns([partial(_ask_site, context, site, own) for site in sites.sampled])
    asked = tuple(answer for answer in answers if isinstance(answer, SiteAnswer))
    not_asked = tuple(answer for answer in answers if isinstance(answer, str)) + sites.unread
    if not asked:
        raise HostError(
            "failed", f"none of {len(not_asked)} sites could be asked: {not_asked[0]}", sites.directory
        )
    return WebSites(answers=asked, files_count=sites.files_count, not_asked=not_asked)


def web_certificates(context: Context) -> WebCertificates:
    """The certificates that the sampled TLS sites really serve; not there at all when no site has TLS."""
    _refuse_when_off(context)
    sites = configured_sites(context)
    with_tls = [site for site in sites.sampled if site.tls]
    if not with_tls:
        raise HostError("not_found", f"none of {len(sites.sampled)} sampled sites has TLS", sites.directory)
    own = own_addresses(context)
    answers = in_turns([partial(_ask_certificate, context, site, own) for site in with_tls])
    served = tuple(answer for answer in answers if isinstance(answer, ServedCertificate))
    not_told = tuple(answer for answer in answers if isinstance(answer, str))
    if not served:
        raise HostError("failed", f"no site gave a certificate: {not_told[0]}", sites.directory)
    return WebCertificates(served=served, not_told=not_told)


def web_config_test(context: Context) -> ConfigTest:
    """Apache's own test of its configuration, which costs: only run when something is wrong already."""
    if not _suspicious(context):
        return ConfigTest(outcome="not_needed")
    answer = context.host.run(context.layout.command("command.web_config_test"), timeout_s=6.0)
    if answer.exit_code is None:
        raise HostError("timeout", "no verdict within 6 s", answer.source)
    if answer.exit_code == 0:
        return ConfigTest(outcome="passed", source=answer.source)
    place, message = config_error(f"{answer.error_text}\n{answer.text}")
    return ConfigTest(outcome="failed", message=message, place=place, source=answer.source)


def web_journal(context: Context) -> WebJournal:
    """The last journal lines of Apache's unit, only read when something is wrong already."""
    if not _suspicious(context):
        return WebJournal(lines=())
    argv = ("journalctl", "--no-pager", "-o", "json", "-n", "20", "-u", context.layout.text("unit.web"))
    answer = context.host.run(argv, timeout_s=6.0)
    if answer.exit_code != 0:
        raise HostError("failed", answer.error_text.strip()[:200] or "no journal", answer.source)
    lines = parse_json_lines(
        answer.text, source=" ".join(argv), truncated=answer.truncated, with_identifier=True
    )
    return WebJournal(lines=lines)


def spread(names: Sequence[T], count: int) -> tuple[T, ...]:
    """Return at most ``count`` of them, evenly spread from the first to the last: the same ones each time."""
    if len(names) <= count:
        return tuple(names)
    return tuple(names[index * (len(names) - 1) // (count - 1)] for index in range(count))


def in_turns(calls: Sequence[Callable[[], T]]) -> tuple[T, ...]:
    """Run bounded calls, at most six at once, and return their results in order."""
    results: tuple[T, ...] = ()
    for start in range(0, len(calls), _AT_ONCE_COUNT):
        results += together(calls[start : start + _AT_ONCE_COUNT])
    return results


def _is_site_file(name: str) -> bool:
    return name.startswith("vhost_") and name.endswith(".conf") and not name.startswith("vhost_0")


def _read_site(context: Context, path: str) -> Site | str:
    """Return the site of a file, or the file with the reason why there is none; a hanging file is raised."""
    try:
        content = context.host.read(path, max_bytes=_SITE_FILE_BYTES)
        hosts = parse_virtual_hosts(content.text, file=path, truncated=content.truncated)
    except HostError as error:
        if error.kind not in ("not_found", "permission", "not_regular"):
            raise
        return f"{path}: {error.reason}"
    except ParseError as error:
        return f"{path}: {error}"
    return site_of(hosts) or f"{path}: no virtual host with a usable name"


def web_unit(context: Context) -> Unit | None:
    """Return Apache's unit, None when systemd cannot be asked."""
    try:
        return machine.units(context).by_name[context.layout.text("unit.web")]
    except (HostError, ParseError):
        return None


def _refuse_when_off(context: Context) -> None:
    """Raise not_found when there is no Apache, or an administrator has switched it off.

    A unit that is disabled says so only where no site is configured: with sites, it may have been disabled by
    a broken update, and the sites are down all the same.
    """
    unit = web_unit(context)
    if unit is None or not unit.exists:
        context.host.stat(context.layout.text("path.web_config"))
    elif not unit.running and unit.load_state == "masked":
        raise HostError("not_found", f"{unit.name} is masked", "systemctl show")
    elif _disabled(unit) and not _has_sites(context) and not _listened_on(context):
        raise HostError("not_found", f"{unit.name} is stopped and not enabled, and no site is configured", "")


def _disabled(unit: Unit) -> bool:
    return not unit.running and not unit.failed and unit.unit_file_state == "disabled"


def _has_sites(context: Context) -> bool:
    try:
        return bool(configured_sites(context).files_count)
    except HostError as error:
        return error.kind != "not_found"


def _listened_on(context: Context) -> bool:
    sockets = sockets_or_none(context)
    return sockets is None or bool(sockets.on("tcp", context.layout.port("port.http")))


def _tls_place(context: Context, port: int) -> tuple[str, str]:
    """Return (name, address) of the first site with TLS: elsewhere Apache may well speak plain HTTP."""
    try:
        sites = configured_sites(context).sampled
    except HostError:
        sites = ()
    own = own_addresses(context) if sites else None
    for site in sites:
        if site.tls is not None and _port(site.tls) == port:
            address = address_to_ask(context, site.tls.address, port, own)
            if address is not None:
                return site.name, address
    return "", listening_address(context, port)


def _suspicious(context: Context) -> bool:
    unit = web_unit(context)
    refused = web_server(context).plain.outcome in ("refused", "unreachable")
    return refused or (unit is not None and unit.failed)


def _ask_site(context: Context, site: Site, own: frozenset[str] | None) -> SiteAnswer | str:
    """Ask a site where its visitors arrive: over TLS when it has it; one redirect to itself is followed."""
    host = site.tls or site.plain
    if host is None:  # site_of never makes such a one
        return f"{site.name}: no virtual host"
    page = _ask_host(context, host, own, _url(site.name, host), _SITE_S)
    if page is None:
        return f"{site.name}: its address {host.address} is not one of this machine's"
    url, other = _redirect_to_itself(site, page)
    left_s = _SITE_S - page.duration_s
    followed = None
    if other is not None and left_s >= _FOLLOW_S:
        followed = _ask_host(context, other, own, url, left_s)
    if followed is None:
        return SiteAnswer(name=site.name, file=site.file, page=page)
    return SiteAnswer(name=site.name, file=site.file, page=followed, asked_first=page)


def _ask_host(
    context: Context,
    host: VirtualHost,
    own: frozenset[str] | None,
    url: str,
    timeout_s: float,
) -> PageAnswer | None:
    address = address_to_ask(context, host.address, _port(host), own)
    return None if address is None else ask_page(context.host, url, address=address, timeout_s=timeout_s)


def _port(host: VirtualHost) -> int:
    return host.port or (443 if host.tls else 80)


def _url(name: str, host: VirtualHost) -> str:
    scheme, standard = ("https", 443) if host.tls else ("http", 80)
    port = _port(host)
    return f"{scheme}://{name}/" if port == standard else f"{scheme}://{name}:{port}/"


def _redirect_to_itself(site: Site, page: PageAnswer) -> tuple[str, VirtualHost | None]:
    """Return where a redirect leads within the site and its virtual host there; None for anything else."""
    scheme, separator, rest = page.location.partition("://")
    if page.status not in (301, 302, 303, 307, 308) or not separator or len(page.location) > 1000:
        return "", None
    host = {"http": site.plain, "https": site.tls}.get(scheme.lower())
    authority = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    if host is None or ":" in authority or page.location == page.url:
        return "", None
    if not all(" " < character < "\x7f" for character in page.location):
        return "", None  # written as it is read: browsers escape it, nobody asks for it so
    if host_name(authority) not in (site.name, *host.aliases):
        return "", None
    path = rest[len(authority) :].split("#", 1)[0]
    return f"{scheme.lower()}://{host_name(authority)}{path or '/'}", host


def _ask_certificate(context: Context, site: Site, own: frozenset[str] | None) -> ServedCertificate | str:
    if site.tls is None:
        return f"{site.name}: no TLS"
    port = _port(site.tls)
    address = address_to_ask(context, site.tls.address, port, own)
    if address is None:
        return f"{site.name}: its address {site.tls.address} is not one of this machine's"
    question = TcpGreeting(
        port=port,
        address=address,
        tls=True,
        server_name=site.name,
        expect_greeting=False,
        timeout_s=_CERTIFICATE_S,
    )
    try:
        der = context.host.greeting(question).certificate
        certificate = parse_certificate(der)
    except HostError as error:
        if error.kind not in _NETWORK_KINDS:
            raise
        return f"{site.name}: {error.reason}"
    except ParseError as error:
        return f"{site.name}: {error}"
    return ServedCertificate(
        name=site.name,
        address=address,
        port=port,
        subject=certificate.subject,
        issuer=certificate.issuer,
        self_issued=certificate.self_issued,
        not_before_at=certificate.not_before_at,
        not_after_at=certificate.not_after_at,
        fingerprint=hashlib.sha256(der).hexdigest(),
        file=site.tls.certificate_file,
    )


PROBES = (
    Probe(ask=web_server),
    Probe(ask=web_sites),
    Probe(ask=configured_sites),
    Probe(ask=web_config_test),
    Probe(ask=web_journal),
    Probe(ask=web_certificates),
)
