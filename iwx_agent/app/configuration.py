"""What holds on this server and where it was set, without secrets; and whether all of it can be used."""

from collections.abc import Callable, Iterator
from datetime import time
from urllib.parse import urlsplit

from msgspec import Struct, to_builtins

from iwx_agent.app.limits import with_limits
from iwx_agent.checks import ALL
from iwx_agent.config import (
    ConfigError,
    Settings,
    load_layout,
    load_policy,
    load_portal_form,
    load_provider,
    load_settings,
    load_signatures,
)
from iwx_agent.config.gathering import Origin, gather
from iwx_agent.config.places import unread_files
from iwx_agent.config.schema import leaves
from iwx_agent.config.sending import Sending, judged_sending
from iwx_agent.config.settings import judged_settings
from iwx_agent.model import Licence

# Addresses that are a secret by themselves, as those of chat and heartbeat services: their path is hidden.
_TELLING = ("auto.heartbeat_url", "transport.webhook.url", "transport.webhook.look_up_url")
_LOOK_BUDGET_S = 30.0
_COMMANDS = ("transport.command.command", "transport.command.look_up_command")


class Shown(Struct, frozen=True, kw_only=True):
    """One setting as it may be shown: plain data, and where it was set, with the line of a file."""

    key: str
    value: object
    origin: Origin
    line: int = 0


class Fault(Struct, frozen=True, kw_only=True):
    """What cannot be used: in which part of the configuration, where, and why; ``line`` 0 is not known.

    ``fix`` is what mends it; empty when ``why`` says it.
    """

    part: str
    path: str
    line: int
    key: str
    why: str
    fix: str = ""


class Checked(Struct, frozen=True, kw_only=True):
    """The parts that were looked at, what in them cannot be used, and what may not be meant so."""

    parts: tuple[str, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def shown_settings() -> tuple[Shown, ...]:
    """Return every setting that holds now, in the order of the reference; of checks those that were set.

    Raises:
        ConfigError: as ``load_settings``.
    """
    gathered = gather()
    settings, sending = judged_settings(gathered), judged_sending(gathered)
    with_limits(ALL, settings.limits)
    shown: list[Shown] = []
    for key, value in _values(settings, sending):
        origin = gathered.origin_of(key) if key in gathered.set_keys() else Origin(kind="default")
        shown.append(Shown(key=key, value=_open(key, value), origin=origin, line=origin.line(key)))
    return tuple(shown)


def _values(settings: Settings, sending: Sending) -> Iterator[tuple[str, object]]:
    for key, _, _ in leaves():
        value: object = settings if hasattr(settings, key.partition(".")[0]) else sending
        for name in key.split("."):
            value = getattr(value, name, None)
        if key == "limits":
            for check_id, limits in settings.limits.items():
                yield from ((f"limits.{check_id}.{name}", limit) for name, limit in limits.items())
        elif value is not None:
            yield key, value


def _open(key: str, value: object) -> object:
    """Return a value as it may be shown to anybody."""
    if key in _TELLING and isinstance(value, str) and value:
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc}/(hidden)"
    if key in _COMMANDS and isinstance(value, tuple):
        return [*value[:1], *(["(hidden)"] * (len(value) - 1))]
    return value.isoformat() if isinstance(value, time) else to_builtins(value)


def check_configuration() -> Checked:
    """Return whether everything that is set up can be used; of each file of settings the first fault."""
    found: dict[str, object] = {}
    faults: list[Fault] = []
    for part, load in _PARTS.items():
        try:
            found[part] = load()
        except ConfigError as error:
            faults.append(_fault(part, error))
    notes, parts = list(unread_files()), list(_PARTS)
    loaded = found.get("settings")
    if isinstance(loaded, tuple):
        settings, sending = loaded
        notes += _notes_on(settings, sending)
        for name, errors, said in _transports(sending):
            parts.append(f"transport.{name}")
            faults += (_fault(f"transport.{name}", error) for error in errors)
            notes += said
    return Checked(parts=tuple(parts), faults=tuple(faults), notes=tuple(notes))


def _fault(part: str, error: ConfigError) -> Fault:
    return Fault(part=part, path=error.path, line=error.line, key=error.key, why=error.why, fix=error.fix)


def _all_settings() -> tuple[Settings, Sending]:
    settings = load_settings()
    with_limits(ALL, settings.limits)
    return settings, judged_sending(gather())


_PARTS: dict[str, Callable[[], object]] = {
    "settings": _all_settings,
    "panel layout": load_layout,
    "signatures": load_signatures,
    "support policy": load_policy,
    "provider": load_provider,
    "portal form": load_portal_form,
}


def _transports(sending: Sending) -> Iterator[tuple[str, tuple[ConfigError, ...], tuple[str, ...]]]:
    """Yield each transport that is set up, what keeps it from being used, and what is to be noted."""
    from iwx_agent.app.transport_faults import Look, faults_of, notes_on, set_up
    from iwx_agent.config.secrets import load_secrets
    from iwx_agent.host.live import LiveHost

    with LiveHost(budget_s=_LOOK_BUDGET_S) as host:
        look = Look(host, host.workers, sending, load_secrets(sending))
        for name in set_up(sending):
            yield name, tuple(faults_of(name, look)), tuple(notes_on(name, look))


def _notes_on(settings: Settings, sending: Sending) -> Iterator[str]:
    """Yield what can be used and is perhaps not what was meant."""
    if sending.auto.enabled and not sending.delivery.chain:
        place = sending.transport.file.directory
        yield f"auto is on, and its tickets stay in {place}: set delivery.chain"
    if sending.auto.enabled and settings.licence is not Licence.DIRECT:
        yield 'auto is on, and it files nothing by itself before it knows: set licence = "direct"'
