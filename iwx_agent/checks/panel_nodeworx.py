"""NodeWorx can be reached: the panel's page answers over HTTPS on its own port.

Facts:
    panel: the panel is installed; nodeworx_https, nodeworx_http: what its pages answered over loopback.

Limits:
    slow_s: a login page that takes longer than this is as good as down for the person in front of it.

Codes:
    PANEL-001 refused on the HTTPS port; PANEL-002 accepts but does not answer, or far too slowly;
    PANEL-003 TLS is broken; PANEL-004 server error (5xx); PANEL-005 closes the connection, sends garbage or
    redirects in a circle; PANEL-006 plain HTTP does not answer while HTTPS does; PANEL-007 first-run page;
    PANEL-008 the port answers, but there is no NodeWorx page (404).

Source:
    Support guide 7.1, "NodeWorx cannot be accessed"; ports from data/interworx.toml.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Missing, PageAnswer, PanelPresence, Scope, Severity

_AFFECTS = "Administrators and site owners cannot use the panel; sites and mail are judged on their own."
_REMEDY_RESTART = (
    "systemctl status iworx.service --no-pager -l",
    "journalctl -u iworx.service -n 50 --no-pager",
    "tail -n 50 /usr/local/interworx/var/log/error.log",
    "systemctl restart iworx.service   # restarts the panel only, not the customers' services",
)
_FIRST_RUN_WORDS = ("license agreement", "licence agreement", "end user license", "activate your license")


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    slow_s: float = 8.0


def judge(
    panel: PanelPresence, nodeworx_https: PageAnswer, nodeworx_http: PageAnswer | Missing, limits: Limits
) -> Iterator[Finding]:
    """Judge the HTTPS page first; the plain port only matters when HTTPS is well."""
    page = nodeworx_https
    match page.outcome:
        case "refused" | "unreachable":
            yield _emergency(
                "PANEL-001", page, "NodeWorx cannot be reached: nothing listens on its HTTPS port"
            )
        case "silent":
            yield _emergency("PANEL-002", page, "NodeWorx accepts the connection but does not answer")
        case "tls_failed":
            yield _emergency("PANEL-003", page, "NodeWorx cannot be reached: TLS on its port is broken")
        case "closed" | "failed":
            yield _emergency("PANEL-005", page, "NodeWorx closes the connection or sends no valid answer")
        case _:  # answered
            yield from _judge_page(page, nodeworx_http, limits)


def _judge_page(page: PageAnswer, plain: PageAnswer | Missing, limits: Limits) -> Iterator[Finding]:
    if page.status >= 500:
        yield _emergency("PANEL-004", page, f"NodeWorx answers with an error: HTTP {page.status}")
        return
    if page.location in (page.url, f"/{page.url.split('/', 3)[-1]}") and not page.sets_cookie:
        yield _emergency("PANEL-005", page, "NodeWorx redirects to itself without end")
        return
    if page.status in (404, 410):
        yield _no_page(page)
        return
    if page.duration_s >= limits.slow_s:
        yield _emergency("PANEL-002", page, "NodeWorx answers far too slowly")
    if any(word in f"{page.title} {page.text}".lower() for word in _FIRST_RUN_WORDS):
        yield _warning(
            "PANEL-007",
            page,
            "NodeWorx shows its first-run page: the licence agreement has not been accepted",
            ("Open NodeWorx in a browser and finish the set-up.",),
        )
    if not isinstance(plain, Missing) and plain.outcome != "answered":
        yield _warning(
            "PANEL-006",
            plain,
            "NodeWorx answers over HTTPS, but not on its plain HTTP port",
            ("ss -ltnp 'sport = :2080'", *_REMEDY_RESTART[:2]),
        )


def _no_page(page: PageAnswer) -> Finding:
    """What answers has no NodeWorx: an error, since the path could be another one in another release."""
    return Finding(
        code="PANEL-008",
        subject="NodeWorx",
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title=f"NodeWorx' port answers, but there is no NodeWorx: HTTP {page.status}",
        detail=f"{page.source}: {_told(page)}. {_AFFECTS}",
        remedy=("ss -ltnp 'sport = :2443'   # is it the panel that answers?", *_REMEDY_RESTART),
        evidence=(Evidence(source=page.source, text=_told(page)),),
        touches=("panel",),
    )


def _emergency(code: str, page: PageAnswer, title: str) -> Finding:
    return Finding(
        code=code,
        subject="NodeWorx",
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=title,
        detail=f"{page.source}: {_told(page)}. {_AFFECTS}",
        remedy=_REMEDY_RESTART,
        evidence=(Evidence(source=page.source, text=_told(page)),),
        touches=("panel",),
    )


def _warning(code: str, page: PageAnswer, title: str, remedy: tuple[str, ...]) -> Finding:
    return Finding(
        code=code,
        subject="NodeWorx",
        severity=Severity.WARNING,
        scope=Scope.VENDOR,
        title=title,
        detail=f"{page.source}: {_told(page)}",
        remedy=remedy,
        evidence=(Evidence(source=page.source, text=_told(page)),),
        touches=("panel",),
    )


def _told(page: PageAnswer) -> str:
    if page.outcome != "answered":
        return page.detail or page.outcome
    words = f"HTTP {page.status} after {page.duration_s:.1f} s"
    return f"{words}, title {page.title!r}" if page.title else words


CHECK = Check(
    id="panel.nodeworx",
    title="NodeWorx answers over HTTPS",
    codes=(
        "PANEL-001",
        "PANEL-002",
        "PANEL-003",
        "PANEL-004",
        "PANEL-005",
        "PANEL-006",
        "PANEL-007",
        "PANEL-008",
    ),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    emergency=True,
    guide=3,
)
