"""Everything an administrator may set that a run needs; ``config.sending`` has what only sending needs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import ConfigError, drop_ins
from iwx_agent.model import Licence
from iwx_agent.model.ticket import TICKET_RANGES, TicketLimits

if TYPE_CHECKING:
    from iwx_agent.config.gathering import Gathered

BUNDLE_LEAST_BYTES, BUNDLE_MOST_BYTES = 64 * 1024, 100 * 1024 * 1024
STATE_LEAST_BYTES, STATE_MOST_BYTES = 1024 * 1024, 1024 * 1024 * 1024
ENVIRONMENT_PREFIX = "IWX_AGENT_"
_NO_SETTINGS = ("IWX_AGENT_QUESTION",)  # marks what the agent itself has started
COMMAND_LINE: dict[str, str] = {}  # key and text of each --set of this run

_RANGES: dict[str, tuple[float, float, str]] = {
    "budget_s": (1, 86_400, "seconds"),
    "confirm_after_s": (0, 86_400, "seconds"),
    "boot_grace_s": (0, 86_400, "seconds"),
    "transaction_grace_s": (0, 86_400, "seconds"),
    "bundle.size_bytes": (BUNDLE_LEAST_BYTES, BUNDLE_MOST_BYTES, "bytes"),
    "state.runs_count": (2, 100_000, "a number"),
    "state.size_bytes": (STATE_LEAST_BYTES, STATE_MOST_BYTES, "bytes"),
    **{f"ticket.{name}": (least, most, "characters") for name, (least, most) in TICKET_RANGES.items()},
}


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
    """Everything an administrator may set that a run needs; times in seconds."""

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
    """Return the settings; the defaults where nothing is set. What only sending needs is judged as well.

    Raises:
        ConfigError: for a file that is not TOML or that others may change, an unknown key, a value of another
            type or out of range.
    """
    if not _anything_set(etc or toml_file.ETC):
        return Settings()
    from iwx_agent.config.gathering import gather

    gathered = gather(etc)
    settings = judged_settings(gathered)
    if gathered.table.keys() - set(Settings.__struct_fields__):
        from iwx_agent.config.sending import judged_sending

        judged_sending(gathered)
    return settings


def judged_settings(gathered: "Gathered") -> Settings:
    """Return the settings of a run among what was gathered."""
    settings = gathered.convert(Settings)
    for key, (least, most, unit) in _RANGES.items():
        value: object = settings
        for name in key.split("."):
            value = getattr(value, name)
        if not (isinstance(value, int | float) and least <= value <= most):
            raise gathered.error(key, f"expected {unit} between {least:.0f} and {most:.0f}")
    return settings


def settings_variables() -> Iterator[str]:
    """Yield the environment variables that set something, in the order of their names."""
    names = (name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX))
    return iter(sorted(name for name in names if name not in _NO_SETTINGS))


def wrong_setting(key: str, why: str) -> ConfigError:
    """Return the error for a setting that only others can judge."""
    from iwx_agent.config.gathering import gather

    return gather().error(key, why)


def may_have_secrets() -> bool:
    """Return whether the agent may have secrets of its own: something is set, or one was handed over."""
    return "CREDENTIALS_DIRECTORY" in os.environ or _anything_set(toml_file.ETC)


def _anything_set(etc: Path) -> bool:
    """Return whether there is anything to read: the usual run pays for nothing more than that."""
    if COMMAND_LINE or any(settings_variables()):
        return True
    try:
        os.lstat(etc / "config.toml")
    except FileNotFoundError:
        try:
            return bool(drop_ins(etc / "conf.d"))
        except ConfigError:
            return True
    except OSError:
        pass
    return True  # whoever reads it says what is wrong
