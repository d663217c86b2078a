"""Facts about the sites' PHP: the pools of the PHP-FPM services and what their logs say."""

from collections.abc import Iterator
from functools import partial

from iwx_agent.host import KIB, HostError
from iwx_agent.model import ParseError, PortAnswer, Unit
from iwx_agent.model.web import MaxChildren, PhpFpm, PhpFpmLog, PhpPool
from iwx_agent.parsers.php_fpm import parse_max_children, parse_pools
from iwx_agent.probes import machine
from iwx_agent.probes.addresses import LOOPBACK, address_to_ask, own_addresses
from iwx_agent.probes.context import Context, Probe, ask_port, ask_unix_socket
from iwx_agent.probes.web import in_turns, spread

_POOLS_COUNT = 24
_POOL_S = 2.0
_POOL_FILE_BYTES = 64 * KIB
_LOG_BYTES = 64 * KIB


def php_fpm(context: Context) -> PhpFpm:
    """The pools of the running PHP-FPM services, each asked whether it accepts; absent without a service."""
    units = _installed_units(context)
    files = {unit.name: _pool_files(context, unit) for unit in units}
    running = {unit.name for unit in units if unit.running}
    pools: list[tuple[str, str, str, str]] = []
    unread: list[str] = []
    candidates = [(unit, path) for unit, names in files.items() if unit in running for path in names]
    for unit, path in spread(candidates, _POOLS_COUNT):
        try:
            found = parse_pools(context.host.read(path, max_bytes=_POOL_FILE_BYTES).text)
        except ParseError as error:
            unread.append(f"{path}: {error}")
            continue
        pools += [(name, unit, path, listen) for name, listen in found]
    answers = in_turns([partial(_ask_pool, context, *pool) for pool in pools[:_POOLS_COUNT]])
    return PhpFpm(
        units=tuple(files),
        pools=tuple(answer for answer in answers if answer is not None),
        pools_count={unit: len(names) for unit, names in files.items()},
        unread=tuple(unread),
    )


def php_fpm_log(context: Context) -> PhpFpmLog:
    """What the logs of the PHP-FPM services say of pools at their limit; a log not there says nothing."""
    reached: tuple[MaxChildren, ...] = ()
    for path in _log_files(context):
        try:
            tail = context.host.tail(path, max_bytes=_LOG_BYTES)
        except HostError as error:
            if error.kind != "not_found":
                raise
            continue
        reached += parse_max_children(tail.text, source=path, modified_at=tail.modified_at)
    return PhpFpmLog(reached=reached)


def _installed_units(context: Context) -> tuple[Unit, ...]:
    units = machine.units(context)
    names = context.layout.texts("unit.php_fpm")
    found = tuple(units.by_name[name] for name in names if units.by_name[name].exists)
    if not found:
        raise HostError("not_found", "no PHP-FPM service is installed", "systemctl show")
    return found


def _version(unit: Unit) -> str:
    """Return ``php82`` for ``php82-php-fpm.service``, nothing for the distribution's own service."""
    return unit.name.removesuffix("php-fpm.service").removesuffix("-")


def _pool_files(context: Context, unit: Unit) -> tuple[str, ...]:
    version = _version(unit)
    key = "path.php_fpm_pools_of_version" if version else "path.php_fpm_pools"
    directory = context.layout.text(key).replace("{version}", version)
    try:
        listing = context.host.list_directory(directory)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ()
    return tuple(f"{directory}/{entry.name}" for entry in listing.entries if entry.name.endswith(".conf"))


def _log_files(context: Context) -> Iterator[str]:
    for unit in _installed_units(context):
        version = _version(unit)
        key = "path.php_fpm_log_of_version" if version else "path.php_fpm_log"
        yield context.layout.text(key).replace("{version}", version)


def _ask_pool(context: Context, name: str, unit: str, file: str, listen: str) -> PhpPool | None:
    """Ask a pool's socket whether it accepts; None for one on an address that is not this machine's."""
    if listen.startswith("/"):
        answer = _ask_path(context, listen)
    else:
        address, _, digits = listen.rpartition(":")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65_536):
            return None
        port = int(digits)
        where = address.strip("[]") or LOOPBACK
        own = frozenset({LOOPBACK, "::1"}) if where in (LOOPBACK, "::1") else own_addresses(context)
        place = address_to_ask(context, where, port, own)
        if place is None:
            return None
        answer = ask_port(context.host, port, address=place, expect_greeting=False, timeout_s=_POOL_S)
    return PhpPool(name=name, unit=unit, file=file, listen=listen, answer=answer)


def _ask_path(context: Context, path: str) -> PortAnswer:
    try:
        return ask_unix_socket(context.host, path, expect_greeting=False, timeout_s=_POOL_S)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return PortAnswer(
            address=path,
            port=0,
            tls=False,
            outcome="refused",
            detail="there is no such socket",
            limit_s=_POOL_S,
        )


PROBES = (
    Probe(ask=php_fpm),
    Probe(ask=php_fpm_log),
)
