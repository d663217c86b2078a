"""The sites' PHP runs: PHP-FPM services, their pools' sockets, pools that are at their limit.

Facts:
    php_fpm: the services' pools and whether each accepts; units: the services' states; php_fpm_log: lines
    that say a pool reached its number of workers; boot: what time it is.

Limits:
    recent_s: a pool that reached its limit longer ago than this is history.

Codes:
    WEB-020 a service has failed, or is stopped though enabled; WEB-021 a pool of a running service does not
    accept; WEB-022 a pool reached pm.max_children lately.

Source:
    php-fpm.conf; unit names and paths from data/interworx.toml. Support guide 7.1: Apache and its related
    packages qualify.
"""

from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from iwx_agent.model import Boot, Check, Evidence, Finding, Scope, Severity, Unit, Units, moment
from iwx_agent.model.web import MaxChildren, PhpFpm, PhpFpmLog, PhpPool

_EFFECT = "Sites that use this PHP answer with an error."


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 3600.0


def judge(
    php_fpm: PhpFpm, units: Units, php_fpm_log: PhpFpmLog, boot: Boot, limits: Limits
) -> Iterator[Finding]:
    """Judge services, then pools of those that run, then pools at their limit."""
    for name in php_fpm.units:
        unit = units.by_name[name]
        if unit.failed or (unit.active_state == "inactive" and unit.unit_file_state == "enabled"):
            yield _stopped(unit, php_fpm.pools_count.get(name, 0))
    for pool in php_fpm.pools:
        if pool.answer.outcome != "greeted":
            yield _deaf(pool)
    latest: dict[tuple[str, str], MaxChildren] = {}
    for reached in php_fpm_log.reached:
        if reached.line.at is not None and boot.read_at - reached.line.at <= limits.recent_s:
            latest[reached.pool, reached.line.source] = reached
    for reached in latest.values():
        yield _at_limit(reached)


def _stopped(unit: Unit, pools_count: int) -> Finding:
    """A failed service with pools is an error; one without pools, or one that was only stopped, a warning."""
    serious = unit.failed and pools_count > 0
    since_at = moment(unit.inactive_enter_at or unit.state_change_at)
    told = f"{unit.name} is {unit.active_state} ({unit.sub_state}), result {unit.result or 'unknown'}"
    return Finding(
        code="WEB-020",
        subject=unit.name,
        severity=Severity.ERROR if serious else Severity.WARNING,
        scope=Scope.VENDOR,
        title=f"PHP ({unit.name}) "
        + ("has failed" if unit.failed else "is stopped, though it is enabled at boot"),
        detail=f"{told}; {pools_count} pool files. {_EFFECT}" if pools_count else f"{told}; it has no pools.",
        remedy=(
            f"systemctl status {quote(unit.name)} --no-pager -l",
            f"journalctl -u {quote(unit.name)} -n 50 --no-pager",
            f"systemctl restart {quote(unit.name)}",
        ),
        evidence=(Evidence(source=f"systemctl show {unit.name}", text=told),),
        since_at=since_at,
        since_source=f"systemctl show {unit.name}" if since_at else "",
        touches=("web",),
    )


def _deaf(pool: PhpPool) -> Finding:
    answer = pool.answer
    told = answer.detail or answer.outcome
    return Finding(
        code="WEB-021",
        subject=f"{pool.unit} pool {pool.name}",
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title=f"The PHP pool {pool.name} does not accept requests although {pool.unit} runs",
        detail=f"{answer.source}: {told}. {_EFFECT}",
        remedy=(
            f"less {quote(pool.file)}   # a pool added since the last reload is not loaded yet",
            f"journalctl -u {quote(pool.unit)} -n 50 --no-pager",
            f"systemctl reload {quote(pool.unit)}",
        ),
        evidence=(
            Evidence(source=answer.source, text=told),
            Evidence(source=pool.file, text=f"[{pool.name}] listen = {pool.listen}"),
        ),
        touches=("web",),
    )


def _at_limit(reached: MaxChildren) -> Finding:
    since_at = moment(reached.line.at)
    return Finding(
        code="WEB-022",
        subject=f"pool {reached.pool}",
        severity=Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"The PHP pool {reached.pool} reached its number of workers: its sites wait",
        detail=f"pm.max_children is {reached.limit_count}; the last time was within the last hour.",
        remedy=(
            f"grep max_children {quote(reached.line.source)} | tail   # how often",
            "Find the slow or flooded site of the pool (access log, slowlog) before raising the number.",
            "Raise pm.max_children only as far as memory allows, then reload the service.",
        ),
        evidence=(Evidence(source=reached.line.source, text=reached.line.text, seen_at=since_at),),
        since_at=since_at,
        since_source=reached.line.source,
        touches=("web",),
    )


CHECK = Check(
    id="web.php",
    title="The sites' PHP runs",
    codes=("WEB-020", "WEB-021", "WEB-022"),
    judge=judge,
    limits=Limits(),
    optional=("php_fpm",),
)
