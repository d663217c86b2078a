"""Websites answer: a sample of the configured sites, each asked by name where its virtual host listens.

Facts:
    web_sites: what the sampled sites answered; a redirect of a site to itself was followed once.

Limits:
    failing_status: an HTTP status from here on is a failure; anything below (401, 403, 404) is an answer.
    several_count: from here on failing sites are more than one site's own trouble.
    notice_s: a notice of a site's own (503) says to come back no sooner than this; a proxy's error does.
    notices_count: from here on, notices on all sites there are cannot be their owners' doing.

Codes:
    WEB-010 all sampled sites fail; WEB-011 several fail; WEB-012 one fails.

Source:
    Support guide 7.1: "Websites are down" is an emergency, "website code issues" do not qualify.
"""

from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, PageAnswer, Scope, Severity
from iwx_agent.model.web import SiteAnswer, WebSites

_SHOWN_COUNT = 6
_GATEWAY_STATUSES = (502, 503, 504)  # what the server itself says when the program behind it does not answer


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    failing_status: int = 500
    several_count: int = 2
    notice_s: int = 60
    notices_count: int = 3


def judge(web_sites: WebSites, limits: Limits) -> Iterator[Finding]:
    """Judge how many fail: all, several or one; a site alone must fail by the server's fault to be "all".

    Sites that say themselves that they are closed do not count, unless all do and there are several: one or
    two may be closed by their owners at the same time.
    """
    failed = [answer for answer in web_sites.answers if _fails(answer.page, limits)]
    failing = [answer for answer in failed if not _closed_by_itself(answer.page, limits)]
    if not failing and limits.notices_count <= len(failed) == len(web_sites.answers):
        failing = failed
    if not failing:
        yield from (_one(web_sites, answer, limits) for answer in failed)
        return
    count = len(web_sites.answers) - (len(failed) - len(failing))
    if len(failing) == count and (count >= limits.several_count or _server_at_fault(failing[0].page)):
        yield _finding(
            web_sites,
            failing,
            "WEB-010",
            "websites",
            Severity.EMERGENCY,
            Scope.VENDOR,
            "All websites that were asked fail" if count > 1 else "The only website of this server fails",
        )
    elif len(failing) >= limits.several_count:
        yield _finding(
            web_sites,
            failing,
            "WEB-011",
            "websites",
            Severity.ERROR,
            Scope.UNKNOWN,
            "Several websites fail while others answer",
        )
    else:
        yield _one(web_sites, failing[0], limits)


def _fails(page: PageAnswer, limits: Limits) -> bool:
    return page.outcome != "answered" or page.status >= limits.failing_status


def _server_at_fault(page: PageAnswer) -> bool:
    """Tell for the only site that fails and has no notice of its own: no answer, or a gateway's error."""
    return page.outcome != "answered" or page.status in _GATEWAY_STATUSES


def _closed_by_itself(page: PageAnswer, limits: Limits) -> bool:
    """Tell a site's own notice (WordPress in an update: 600 s) from a proxy's error (Varnish: 5 s)."""
    told = page.retry_after.strip()
    if page.status != 503 or not told:
        return False
    # Anything but seconds is a date, which only a person's notice has.
    return not (told.isascii() and told.isdigit()) or len(told) > 9 or int(told) >= limits.notice_s


def _one(web_sites: WebSites, answer: SiteAnswer, limits: Limits) -> Finding:
    page = answer.page
    closed_by_itself = _closed_by_itself(page, limits)
    own_doing = page.outcome in ("answered", "silent")
    return _finding(
        web_sites,
        [answer],
        "WEB-012",
        answer.name,
        Severity.NOTE if closed_by_itself else Severity.WARNING,
        Scope.CUSTOMER if own_doing else Scope.UNKNOWN,
        f"The website {answer.name} "
        + ("says that it is closed for maintenance" if closed_by_itself else f"fails: {_short(page)}"),
    )


def _finding(
    web_sites: WebSites,
    failing: list[SiteAnswer],
    code: str,
    subject: str,
    severity: Severity,
    scope: Scope,
    title: str,
) -> Finding:
    first = failing[0]
    names = ", ".join(answer.name for answer in failing[:_SHOWN_COUNT])
    more = f" and {len(failing) - _SHOWN_COUNT} more" if len(failing) > _SHOWN_COUNT else ""
    return Finding(
        code=code,
        subject=subject,
        severity=severity,
        scope=scope,
        title=title,
        detail=f"{len(failing)} fail: {names}{more}. {_sample(web_sites)}",
        remedy=(
            f"curl -skI --resolve {quote(_resolve(first.page))} {quote(first.page.url)}",
            f"less {quote(first.file)}   # DocumentRoot, ErrorLog and handler of the site",
            "tail -n 50 /var/log/httpd/error_log",
            "systemctl --no-pager list-units --all 'php*-fpm.service' httpd.service mariadb.service",
        ),
        evidence=tuple(
            Evidence(source=answer.page.source, text=_told(answer.page)) for answer in failing[:_SHOWN_COUNT]
        ),
        touches=("web",),
    )


def _sample(web_sites: WebSites) -> str:
    told = f"{len(web_sites.answers)} of {web_sites.files_count} configured sites were asked"
    return f"{told}; not asked: {'; '.join(web_sites.not_asked[:3])}." if web_sites.not_asked else f"{told}."


def _resolve(page: PageAnswer) -> str:
    """Return what curl's --resolve wants: name:port:address."""
    scheme, _, rest = page.url.partition("://")
    name, _, port = rest.split("/", 1)[0].partition(":")
    address = f"[{page.address}]" if ":" in page.address else page.address
    return f"{name}:{port or (443 if scheme == 'https' else 80)}:{address}"


def _short(page: PageAnswer) -> str:
    return f"HTTP {page.status}" if page.outcome == "answered" else f"no answer ({page.outcome})"


def _told(page: PageAnswer) -> str:
    if page.outcome == "answered":
        return f"HTTP {page.status}" + (f", title {page.title!r}" if page.title else "")
    reason = f": {page.detail}" if page.detail else ""
    return f"no answer ({page.outcome.replace('_', ' ')}){reason}"


CHECK = Check(
    id="web.sites",
    title="Websites answer",
    codes=("WEB-010", "WEB-011", "WEB-012"),
    judge=judge,
    limits=Limits(),
    optional=("web_sites",),
    emergency=True,
    guide=2,
)
