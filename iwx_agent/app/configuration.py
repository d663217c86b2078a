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
    load_provider,
    load_settings,
    load_signatures,
)
from iwx_agent.config.gathering import Origin, gather
from iwx_agent.config.places import unread_files
from iwx_agent.config.schema import leaves
from iwx_agent.config.secrets import PLACES, load_secret
from iwx_agent.config.sending import Sending, judged_sending
from iwx_agent.config.settings import judged_settings
from iwx_agent.model import Licence

# Addresses that are a secret by themselves, as those of chat and heartbeat services: their path is hidden.
_TELLING = ("auto.heartbeat_url", "transport.webhook.url", "transport.webhook.look_up_url")
_COMMANDS = ("transport.command.command", "transport.command.look_up_command")


class Shown(Struct, frozen=True, kw_only=True):
    """One setting as it may be shown: plain data, and where it was set, with the line of a file."""

    key: str
    value: object
    origin: Origin
    line: int = 0


class Fault(Struct, frozen=True, kw_only=True):
    """What cannot be used: in which part of the configuration, where, and why; ``line`` 0 is not known."""

    part: str
    path: str
    line: int
    key: str
    why: str


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
    """Return whether everything below ``/etc/iwx-agent`` can be used; of each part the first fault."""
    found: dict[str, object] = {}
    faults: list[Fault] = []
    for part, load in _PARTS.items():
        try:
            found[part] = load()
        except ConfigError as error:
            faults.append(Fault(part=part, path=error.path, line=error.line, key=error.key, why=error.why))
    notes, parts = list(unread_files()), list(_PARTS)
    loaded = found.get("settings")
    if isinstance(loaded, tuple):
        settings, sending = loaded
        parts.append("passwords")
        faults += _faults_of_secrets(sending)
        notes += _notes_on(settings, sending)
    return Checked(parts=tuple(parts), faults=tuple(faults), notes=tuple(notes))


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
}


def _faults_of_secrets(sending: Sending) -> Iterator[Fault]:
    for name in PLACES:
        try:
            load_secret(name, sending)
        except ConfigError as error:
            yield Fault(part="passwords", path=error.path, line=error.line, key=error.key, why=error.why)


def _notes_on(settings: Settings, sending: Sending) -> Iterator[str]:
    """Yield what can be used and is perhaps not what was meant."""
    chain = sending.delivery.chain
    if sending.auto.enabled and not chain:
        place = sending.transport.file.directory
        yield f"auto is on, and its tickets stay in {place}: set delivery.chain"
    if sending.auto.enabled and settings.licence is not Licence.DIRECT:
        yield 'auto is on, and it files nothing by itself before it knows: set licence = "direct"'
    guest = sending.transport.portal is not None and not sending.transport.portal.user
    if guest and "portal" in chain and not sending.delivery.sender_mail:
        yield "guests of a portal are asked who they are: set delivery.sender_name and delivery.sender_mail"
    for name, (credential, file_key) in PLACES.items():
        table = getattr(sending.transport, name)
        if table is not None and name not in chain:
            yield f"[transport.{name}] is set up, and delivery.chain does not name it: it is never used"
        if _lacks_secret(name, table, sending):
            yield (
                f"no {credential} was found: set transport.{name}.{file_key}, or LoadCredential={credential} "
                "in the unit (a shell cannot see that one)"
            )


def _lacks_secret(name: str, table: object, sending: Sending) -> bool:
    """Return whether a transport is set up to log in or to sign, and has nothing to do it with."""
    if table is None or not getattr(table, "user", name == "webhook"):
        return False
    try:
        return load_secret(name, sending) is None
    except ConfigError:
        return False  # that is a fault, and told as one
