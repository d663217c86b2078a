"""The settings that only sending needs: when ``auto`` may speak, how patiently, by which ways."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from iwx_agent.config.gathering import Gathered, gather
from iwx_agent.config.transport_tables import (
    Fault,
    TransportName,
    Transports,
    fault_of_mail,
    fault_of_url,
    faults_of_transports,
)
from iwx_agent.model.episode import AutoRules
from iwx_agent.model.sending import OutboxRules
from iwx_agent.model.window import Window

_DAY_S = 86_400
_NAME_CHARACTERS = 200
# Whatever no range is given for: a count from 0 to 1000, seconds from 0 to 30 days.
_RANGES: dict[str, tuple[float, float]] = {
    "auto.tickets_per_day_count": (1, 100),
    "auto.good_runs_count": (1, 1000),
    "auto.storm_count": (1, 1000),
    "outbox.first_wait_s": (1, _DAY_S),
    "outbox.longest_wait_s": (1, _DAY_S),
    "outbox.later_count": (1, 1000),
    "outbox.looks_count": (1, 1000),
    "outbox.attempts_per_day_count": (1, 1000),
    "delivery.limit_s": (5, 240),  # all attempts of a run together have 300
}
_COUNT, _SECONDS = (0, 1000), (0, 30 * _DAY_S)


class AutoSettings(AutoRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether and when ``auto`` may speak; ``heartbeat_url`` is asked for after each run that went well."""

    enabled: bool = False
    heartbeat_url: str = ""
    window: Window = Window()


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which ways a ticket goes, in order, in whose name, and for how long one attempt may last at most.

    A file on this server is always the last way, by itself.
    """

    chain: tuple[TransportName, ...] = ()
    sender_name: str = ""
    sender_mail: str = ""
    limit_s: float = 120.0

    @property
    def transports(self) -> tuple[str, ...]:
        """Return the names of the transports in order, ``file`` the last."""
        return (*self.ways, "file") if self.ways != ("file",) else ("file",)

    @property
    def ways(self) -> tuple[str, ...]:
        """Return the ways that reach somebody, in order; the file only where there is no other."""
        return tuple(name for name in self.chain if name != "file") or ("file",)


class Sending(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings that only sending needs, as they stand in ``config.toml``."""

    auto: AutoSettings = AutoSettings()
    outbox: OutboxRules = OutboxRules()
    delivery: DeliverySettings = DeliverySettings()
    transport: Transports = Transports()


def load_sending(etc: Path | None = None) -> Sending:
    """Return the settings of sending; the defaults where nothing is set.

    Raises:
        ConfigError: for an unknown key or a value that cannot be used, as ``load_settings``.
    """
    return judged_sending(gather(etc))


def judged_sending(gathered: Gathered) -> Sending:
    """Return the settings of sending among what was gathered."""
    from iwx_agent.config.secrets import refuse_literals

    refuse_literals(gathered)
    sending = gathered.convert(Sending)
    for key, why in _faults_of(sending):
        raise gathered.error(key, why)
    return sending


def _faults_of(sending: Sending) -> Iterator[Fault]:
    for section in ("auto", "outbox", "delivery"):
        yield from _out_of_range(section, getattr(sending, section))
    if sending.outbox.longest_wait_s < sending.outbox.first_wait_s:
        yield "outbox.longest_wait_s", "expected at least outbox.first_wait_s"
    if sending.auto.heartbeat_url and (why := fault_of_url(sending.auto.heartbeat_url)):
        yield "auto.heartbeat_url", why
    yield from _of_window(sending.auto.window)
    yield from _of_delivery(sending)
    for key, why in faults_of_transports(sending.transport):
        yield f"transport.{key}", why


def _out_of_range(section: str, values: Struct) -> Iterator[Fault]:
    for name in values.__struct_fields__:
        value, key = getattr(values, name), f"{section}.{name}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        least, most = _RANGES.get(key, _SECONDS if name.endswith("_s") else _COUNT)
        if not least <= value <= most:
            kind = "seconds" if name.endswith("_s") else "a number"
            yield key, f"expected {kind} between {least:.0f} and {most:.0f}, got {value}"


def _of_window(window: Window) -> Iterator[Fault]:
    if not window.days:
        yield "auto.window.days", "expected at least one day; to switch auto off set auto.enabled = false"
    for key in ("begins", "ends"):
        if getattr(window, key).tzinfo is not None:
            yield f"auto.window.{key}", "expected a time without an offset; the zone is auto.window.time_zone"
    if window.time_zone:
        from zoneinfo import ZoneInfo  # reads directories when it is loaded

        try:
            ZoneInfo(window.time_zone)
        except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError
            yield "auto.window.time_zone", f"no such time zone: {window.time_zone!r}"


def _of_delivery(sending: Sending) -> Iterator[Fault]:
    delivery = sending.delivery
    chain = delivery.chain
    if len(set(chain)) < len(chain):
        yield "delivery.chain", "expected each transport once"
    if "file" in chain[:-1]:
        yield (
            "delivery.chain",
            "file never fails, so nothing after it would be tried; it is the last by itself",
        )
    for name in chain:
        if getattr(sending.transport, name) is None:
            yield "delivery.chain", f"names {name}, and there is no [transport.{name}]"
    if delivery.sender_mail and (why := fault_of_mail(delivery.sender_mail)):
        yield "delivery.sender_mail", why
    if len(delivery.sender_name) > _NAME_CHARACTERS or not delivery.sender_name.isprintable():
        yield "delivery.sender_name", f"expected at most {_NAME_CHARACTERS} printable characters"
