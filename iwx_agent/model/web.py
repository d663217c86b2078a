"""Facts about the customers' web server: its ports, sites, certificates, configuration test and PHP."""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.machine import LogLine, PageAnswer, PortAnswer


class WebServer(Struct, frozen=True, kw_only=True):
    """What ports 80 and 443 did when they were asked, side by side.

    ``plain`` is a whole page of whichever site is the default; ``tls`` only a TLS handshake, because a site
    that is slow says nothing about the server. ``programs`` are the process names of the web server itself,
    ``replacements`` those of web servers that are known to take its place.
    """

    plain: PageAnswer
    tls: PortAnswer
    unit: str = "httpd.service"
    programs: tuple[str, ...] = ("httpd",)
    replacements: tuple[str, ...] = ()


class VirtualHost(Struct, frozen=True, kw_only=True):
    """One ``<VirtualHost>`` block; ``address`` is ``*`` or what stands there, ``port`` 0 when none does.

    ``tls`` tells that it is meant for TLS: SSLEngine is on, or it has port 443 or a certificate.
    """

    file: str
    line: int
    address: str
    port: int
    server_name: str
    aliases: tuple[str, ...] = ()
    document_root: str = ""
    tls: bool = False
    certificate_file: str = ""


class Site(Struct, frozen=True, kw_only=True):
    """One configured site: its plain and its TLS virtual host, of which at least one is there."""

    name: str
    file: str
    plain: VirtualHost | None = None
    tls: VirtualHost | None = None


class Sites(Struct, frozen=True, kw_only=True):
    """A sample of the configured sites, evenly spread over the sorted list of their files.

    ``files_count`` is how many there are (a lower bound when ``truncated``), ``unread`` which files of the
    sample could not be read or understood, and why.
    """

    sampled: tuple[Site, ...]
    files_count: int
    directory: str
    unread: tuple[str, ...] = ()
    truncated: bool = False


class SiteAnswer(Struct, frozen=True, kw_only=True):
    """What one site answered; ``asked_first`` is the redirect to its other scheme that was followed."""

    name: str
    file: str
    page: PageAnswer
    asked_first: PageAnswer | None = None


class WebSites(Struct, frozen=True, kw_only=True):
    """What the sampled sites answered, in the order of their names.

    ``not_asked`` names sites whose address is not one of this machine's, or whose file could not be read.
    """

    answers: tuple[SiteAnswer, ...]
    files_count: int
    not_asked: tuple[str, ...] = ()


class ConfigTest(Struct, frozen=True, kw_only=True):
    """What the web server's own test of its configuration said; ``not_needed`` while nothing is wrong."""

    outcome: Literal["not_needed", "passed", "failed"]
    message: str = ""
    place: str = ""  # file:line, when it says so
    source: str = ""


class WebJournal(Struct, frozen=True, kw_only=True):
    """The last journal lines of the web server's unit, oldest first; empty while nothing is wrong."""

    lines: tuple[LogLine, ...]


class ServedCertificate(Struct, frozen=True, kw_only=True):
    """The certificate that a site really serves; ``fingerprint`` is the SHA-256 of its DER form in hex."""

    name: str
    address: str
    port: int
    subject: str
    issuer: str
    self_issued: bool
    not_before_at: float
    not_after_at: float
    fingerprint: str
    file: str = ""

    @property
    def source(self) -> str:
        """Return what was asked, as evidence quotes it."""
        return f"tls {self.address}:{self.port} as {self.name}"


class WebCertificates(Struct, frozen=True, kw_only=True):
    """Certificates of the sampled TLS sites; ``not_told`` names those that gave none, with the reason."""

    served: tuple[ServedCertificate, ...]
    not_told: tuple[str, ...] = ()


class PhpPool(Struct, frozen=True, kw_only=True):
    """One pool of a PHP-FPM service and what its socket did; ``greeted`` means that it accepted."""

    name: str
    unit: str
    file: str
    listen: str
    answer: PortAnswer


class PhpFpm(Struct, frozen=True, kw_only=True):
    """The sampled pools of the PHP-FPM services.

    ``pools_count`` gives the number of pool files per unit: a service without pools serves nobody. ``unread``
    names files of the sample that could not be read or understood.
    """

    units: tuple[str, ...]
    pools: tuple[PhpPool, ...]
    pools_count: dict[str, int]
    unread: tuple[str, ...] = ()


class MaxChildren(Struct, frozen=True, kw_only=True):
    """The log's line that a pool reached its number of workers, with its time if that could be told."""

    pool: str
    limit_count: int
    line: LogLine


class PhpFpmLog(Struct, frozen=True, kw_only=True):
    """What the PHP-FPM logs say of pools at their limit, in the order of the logs."""

    reached: tuple[MaxChildren, ...]
