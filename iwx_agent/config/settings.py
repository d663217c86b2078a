"""Everything an administrator may set."""

from pathlib import Path

import msgspec
from msgspec import Struct

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import ConfigError, line_of, placed, read_toml
from iwx_agent.model import Licence
from iwx_agent.model.ticket import TICKET_RANGES, TicketLimits

BUNDLE_LEAST_BYTES, BUNDLE_MOST_BYTES = 64 * 1024, 100 * 1024 * 1024
STATE_LEAST_BYTES, STATE_MOST_BYTES = 1024 * 1024, 1024 * 1024 * 1024


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for what the ticket says about where the server is."""

    host_name: str = ""
    ip_address: str = ""


class BundleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large a bundle may be, and where gpg's keys are (empty: root's own)."""

    size_bytes: int = 10 * 1024 * 1024
    gpg_home: str = ""


class StateSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many runs are saved, and how many bytes they may take together."""

    runs_count: int = 1000
    size_bytes: int = 20 * 1024 * 1024


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an administrator may set in ``/etc/iwx-agent/config.toml``; times in seconds."""

    identity: Identity = Identity()
    licence: Licence = Licence.NOT_SET
    budget_s: float = 30.0
    confirm_after_s: float = 4.0
    boot_grace_s: float = 300.0
    transaction_grace_s: float = 7200.0
    ticket: TicketLimits = TicketLimits()
    bundle: BundleSettings = BundleSettings()
    state: StateSettings = StateSettings()
    limits: dict[str, dict[str, int | float | str | bool]] = {}  # by check and name; judged in app.limits


def load_settings(etc: Path | None = None) -> Settings:
    """Return the settings of ``config.toml``; the defaults when there is no such file.

    Raises:
        ConfigError: for a file that is not TOML, an unknown key or a value of another type.
    """
    path = (etc or toml_file.ETC) / "config.toml"
    table = read_toml(path)
    if table is None:
        return Settings()
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        known = (Settings, Identity, TicketLimits, BundleSettings, StateSettings)
        raise placed(path, "", error, *known) from None
    for key, least_s in (
        ("budget_s", 1),
        ("confirm_after_s", 0),
        ("boot_grace_s", 0),
        ("transaction_grace_s", 0),
    ):
        if not least_s <= getattr(settings, key) <= 86_400:
            why = f"expected seconds between {least_s} and 86400"
            raise ConfigError(str(path), key, why, line_of(path, key))
    for key, (least, most) in TICKET_RANGES.items():
        if not least <= getattr(settings.ticket, key) <= most:
            place, why = f"ticket.{key}", f"expected characters between {least} and {most}"
            raise ConfigError(str(path), place, why, line_of(path, place))
    if not BUNDLE_LEAST_BYTES <= settings.bundle.size_bytes <= BUNDLE_MOST_BYTES:
        why = f"expected bytes between {BUNDLE_LEAST_BYTES} and {BUNDLE_MOST_BYTES}"
        raise ConfigError(str(path), "bundle.size_bytes", why, line_of(path, "bundle.size_bytes"))
    if not 2 <= settings.state.runs_count <= 100_000:
        why = "expected a number between 2 and 100000"
        raise ConfigError(str(path), "state.runs_count", why, line_of(path, "state.runs_count"))
    if not STATE_LEAST_BYTES <= settings.state.size_bytes <= STATE_MOST_BYTES:
        why = f"expected bytes between {STATE_LEAST_BYTES} and {STATE_MOST_BYTES}"
        raise ConfigError(str(path), "state.size_bytes", why, line_of(path, "state.size_bytes"))
    return settings


def wrong_setting(key: str, why: str) -> ConfigError:
    """Return the error for a value of ``config.toml`` that only others can judge."""
    path = toml_file.ETC / "config.toml"
    return ConfigError(str(path), key, why, line_of(path, key) if path.is_file() else 0)
