"""Who is asked for support, and by which rules: the vendor's policy, the provider, the time zone."""

from datetime import tzinfo
from pathlib import Path

import msgspec

from iwx_agent.config import toml_file
from iwx_agent.config.toml_file import ConfigError, line_of, placed, read_toml
from iwx_agent.model import Provider, SupportPolicy, support

_PROVIDER_CHARACTERS = {"name": 200, "text": 4000, "address": 200}
_POLICY_KINDS = (
    SupportPolicy,
    support.Guide,
    support.Hours,
    support.Week,
    support.Holiday,
    support.PriorityWords,
    support.Excluded,
    support.AfterHours,
)


def load_provider(etc: Path | None = None) -> Provider | None:
    """Return who sold the licence or runs the server, from ``provider.toml``; None when there is none.

    Raises:
        ConfigError: for a file that is not TOML, an unknown key, a value of another type or too long.
    """
    path = (etc or toml_file.ETC) / "provider.toml"
    table = read_toml(path, guarded=True)
    if table is None:
        return None
    try:
        provider = msgspec.convert(table, Provider)
    except msgspec.ValidationError as error:
        raise placed(path, "", error, Provider) from None
    for key, limit in _PROVIDER_CHARACTERS.items():
        if len(getattr(provider, key)) > limit:
            raise ConfigError(str(path), key, f"expected at most {limit} characters", line_of(path, key))
    if not provider.name.strip():
        raise ConfigError(str(path), "name", "expected a name", line_of(path, "name"))
    return provider


def load_policy(etc: Path | None = None) -> SupportPolicy:
    """Return the vendor's support guide as data: the package's, or the one that replaces it under /etc.

    Raises:
        ConfigError: for what is no policy; where each fault stands is told by path, line and key.
    """
    path = (etc or toml_file.ETC) / "support-policy.toml"
    table = read_toml(path, guarded=True)
    own = table is not None
    if table is None:  # the package's own is checked by the tests, not in each run
        path = toml_file.DATA / "support-policy.toml"
        table = read_toml(path) or {}
    try:
        policy = msgspec.convert(table, SupportPolicy)
    except msgspec.ValidationError as error:
        raise placed(path, "", error, *_POLICY_KINDS) from None
    if own:
        check_policy(policy, path)
    return policy


def load_zone(policy: SupportPolicy, path: Path | None = None) -> tzinfo:
    """Return the vendor's time zone, from the system's data or those of the package tzdata.

    Raises:
        ConfigError: when there is no such zone.
    """
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(policy.time_zone)
    except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError
        place = path or toml_file.DATA / "support-policy.toml"
        why = f"no such time zone: {policy.time_zone!r}"
        raise ConfigError(str(place), "time_zone", why, line_of(place, "time_zone")) from None


def check_policy(policy: SupportPolicy, path: Path) -> None:
    """Raise ConfigError for what the types of a policy cannot say."""
    load_zone(policy, path)
    for key, why in support.faults_of(policy):
        raise ConfigError(str(path), key, why, line_of(path, key))
