"""Certificates of websites are valid: those that the sampled TLS sites really serve.

Facts:
    web_certificates: the served certificates; boot: what time it is on this machine.

Limits:
    soon_s and soon_share: a certificate ends soon when both no more than soon_s and no more than that share
    of its whole life is left, so that short-lived certificates are not reported before their own renewal.

Codes:
    WEB-030 expired; WEB-031 expires soon; WEB-032 not yet valid.

Source:
    RFC 5280, 4.1.2.5 (both ends inclusive). Support guide 7.1 lists SSL certificates among its topics.
"""

from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from iwx_agent.model import Boot, Check, Evidence, Finding, Scope, Severity, moment
from iwx_agent.model.web import ServedCertificate, WebCertificates

_DAY_S = 86_400
_NAMES_COUNT = 6


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    soon_s: float = 7.0 * _DAY_S
    soon_share: float = 0.1


def judge(web_certificates: WebCertificates, boot: Boot, limits: Limits) -> Iterator[Finding]:
    """Judge each certificate once, however many sites serve it.

    One that nobody signed but itself is not trusted before its end either: there, only being expired is told,
    and as a warning.
    """
    by_fingerprint: dict[str, list[ServedCertificate]] = {}
    for certificate in web_certificates.served:
        by_fingerprint.setdefault(certificate.fingerprint, []).append(certificate)
    for same in by_fingerprint.values():
        yield from _judge_one(same, boot.read_at, limits)


def _judge_one(same: list[ServedCertificate], now_at: float, limits: Limits) -> Iterator[Finding]:
    certificate = same[0]
    broken = Severity.WARNING if certificate.self_issued else Severity.ERROR
    left_s = certificate.not_after_at - now_at
    life_s = certificate.not_after_at - certificate.not_before_at
    if left_s < 0:
        days = int(-left_s // _DAY_S)
        title = f"The certificate of {certificate.name} has expired: browsers refuse the site"
        yield _finding("WEB-030", same, broken, title, f"It ended {days} days ago.", certificate.not_after_at)
    elif certificate.self_issued:
        return
    elif now_at < certificate.not_before_at:
        title = f"The certificate of {certificate.name} is not valid yet: browsers refuse the site"
        detail = "Either it begins later, or the clock of this server is wrong."
        yield _finding("WEB-032", same, broken, title, detail, None)
    elif left_s <= limits.soon_s and left_s <= life_s * limits.soon_share:
        title = f"The certificate of {certificate.name} expires soon"
        detail = f"{left_s / _DAY_S:.1f} days are left and it has not been renewed."
        yield _finding("WEB-031", same, Severity.WARNING, title, detail, None)


def _finding(
    code: str,
    same: list[ServedCertificate],
    severity: Severity,
    title: str,
    detail: str,
    since_at: float | None,
) -> Finding:
    certificate = same[0]
    names = ", ".join(other.name for other in same[:_NAMES_COUNT])
    more = f" and {len(same) - _NAMES_COUNT} more" if len(same) > _NAMES_COUNT else ""
    began, ends = moment(certificate.not_before_at), moment(certificate.not_after_at)
    issued = (
        "nobody but itself" if certificate.self_issued else certificate.issuer or "an issuer without a name"
    )
    return Finding(
        code=code,
        subject=certificate.name,
        severity=severity,
        scope=Scope.VENDOR,
        title=title,
        detail=f"{detail} Sites that serve it: {names}{more}. Signed by {issued}.",
        remedy=_remedy(code, certificate),
        evidence=(
            Evidence(
                source=certificate.source,
                text=f"subject {certificate.subject!r}, not before {began}, not after {ends}",
            ),
        ),
        since_at=moment(since_at),
        since_source=f"certificate of {certificate.name}" if since_at is not None else "",
        touches=("web",),
    )


def _remedy(code: str, certificate: ServedCertificate) -> tuple[str, ...]:
    place = quote(f"{_bracketed(certificate.address)}:{certificate.port}")
    steps = (
        f"openssl s_client -connect {place} -servername {quote(certificate.name)} </dev/null",
        f"openssl x509 -noout -dates -subject -in {quote(certificate.file)}" if certificate.file else "",
        "Renew or replace the certificate in SiteWorx (SSL Certificates) of the site.",
        "date   # is the clock right?" if code == "WEB-032" else "",
    )
    return tuple(step for step in steps if step)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


CHECK = Check(
    id="web.certificates",
    title="Certificates of websites are valid",
    codes=("WEB-030", "WEB-031", "WEB-032"),
    judge=judge,
    limits=Limits(),
    optional=("web_certificates",),
)
