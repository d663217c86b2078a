"""TOML to frozen values. An unknown key is an error with path, line, key and what was expected."""

import os
import re
import tomllib
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from iwx_agent.model import (
    Alternative,
    Cause,
    Layout,
    Licence,
    Priority,
    Provider,
    ProviderMode,
    SupportPolicy,
    support,
)
from iwx_agent.model.signatures import Signature, Signatures, SourceGroup
from iwx_agent.parsers.signs import fault_of

ETC = Path("/etc/iwx-agent")
_DATA = Path(__file__).parent / "data"
_MAX_BYTES = 1024 * 1024
_SIGNATURES_COUNT = 200
_PROVIDER_CHARACTERS = {"name": 200, "text": 4000, "address": 200}


class ConfigError(Exception):
    """A configuration or data file that cannot be used; ``line`` is 0 when it is not known."""

    def __init__(self, path: str, key: str, why: str, line: int = 0) -> None:
        self.path = path
        self.key = key
        self.why = why
        self.line = line
        place = f"{path}:{line}" if line else path
        super().__init__(f"{place}: {key}: {why}" if key else f"{place}: {why}")


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for what the ticket says about where the server is."""

    host_name: str = ""
    ip_address: str = ""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an administrator may set in ``/etc/iwx-agent/config.toml``; times in seconds."""

    identity: Identity = Identity()
    licence: Licence = Licence.NOT_SET
    budget_s: float = 30.0
    confirm_after_s: float = 4.0
    boot_grace_s: float = 300.0
    transaction_grace_s: float = 7200.0
    limits: dict[str, dict[str, int | float | str | bool]] = {}  # by check and name; judged in app.limits


def load_settings(etc: Path | None = None) -> Settings:
    """Return the settings of ``config.toml``; the defaults when there is no such file.

    Raises:
        ConfigError: for a file that is not TOML, an unknown key or a value of another type.
    """
    path = (etc or ETC) / "config.toml"
    table = _read_toml(path)
    if table is None:
        return Settings()
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise _placed(path, "", error) from None
    for key, least_s in (
        ("budget_s", 1),
        ("confirm_after_s", 0),
        ("boot_grace_s", 0),
        ("transaction_grace_s", 0),
    ):
        if not least_s <= getattr(settings, key) <= 86_400:
            why = f"expected seconds between {least_s} and 86400"
            raise ConfigError(str(path), key, why, _line_of(path, key))
    return settings


def wrong_setting(key: str, why: str) -> ConfigError:
    """Return the error for a value of ``config.toml`` that only others can judge."""
    path = ETC / "config.toml"
    return ConfigError(str(path), key, why, _line_of(path, key) if path.is_file() else 0)


def load_layout(etc: Path | None = None) -> Layout:
    """Return what is known of the panel: the package's data, then each correction under ``interworx.d``."""
    entries = _layout_entries(_DATA / "interworx.toml")
    known = set(entries)
    for path in _drop_ins((etc or ETC) / "interworx.d"):
        corrections = _layout_entries(path)
        for key in corrections:
            if key not in known:
                why = f"unknown entry{nearest(key, known)}"
                raise ConfigError(str(path), key, why, _line_of(path, key))
        entries.update(corrections)
    return Layout(entries=entries)


def load_causes() -> tuple[Cause, ...]:
    """Return the package's map of causes and consequences, the strongest cause first."""
    path = _DATA / "causes.toml"
    try:
        return msgspec.convert((_read_toml(path) or {}).get("cause", []), tuple[Cause, ...])
    except msgspec.ValidationError as error:
        raise _placed(path, "cause", error) from None


class _SignatureFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of signatures; ``group`` is the package's alone."""

    signature: tuple[Signature, ...] = ()
    disable: tuple[str, ...] = ()
    group: tuple[SourceGroup, ...] = ()


def load_signatures(etc: Path | None = None) -> Signatures:
    """Return what is looked for in the panel's words: the package's entries, then those of ``signatures.d``.

    Raises:
        ConfigError: for an entry that cannot be used; a pattern that could hold the agent up is one.
    """
    shipped = _signature_file(_DATA / "signatures.toml")
    entries = {entry.id: entry for entry in shipped.signature}
    for path in _drop_ins((etc or ETC) / "signatures.d"):
        added = _signature_file(path)
        if added.group:
            raise ConfigError(str(path), "group", "the groups are the package's", _line_of(path, "group"))
        entries |= {entry.id: entry for entry in added.signature}
        for name in added.disable:
            if name not in entries:
                why = f"no signature is called {name}{nearest(name, set(entries))}"
                raise ConfigError(str(path), "disable", why, _line_of(path, "disable"))
            del entries[name]
        if len(entries) > _SIGNATURES_COUNT:
            why = f"expected at most {_SIGNATURES_COUNT} signatures in all, got {len(entries)}"
            raise ConfigError(str(path), "signature", why)
    return Signatures(entries=tuple(entries.values()), groups=shipped.group)


def _signature_file(path: Path) -> _SignatureFile:
    try:
        told = msgspec.convert(_read_toml(path) or {}, _SignatureFile)
    except msgspec.ValidationError as error:
        raise _placed(path, "", error) from None
    names = [entry.id for entry in told.signature]
    for index, entry in enumerate(told.signature):
        twice = ("id", f"{entry.id} stands twice in this file") if entry.id in names[:index] else None
        if fault := twice or fault_of(entry):
            place = f"signature[{index}].{fault[0]}"
            raise ConfigError(str(path), place, fault[1], _line_of(path, place))
    return told


def load_provider(etc: Path | None = None) -> Provider | None:
    """Return who sold the licence or runs the server, from ``provider.toml``; None when there is none.

    Raises:
        ConfigError: for a file that is not TOML, an unknown key, a value of another type or too long.
    """
    path = (etc or ETC) / "provider.toml"
    table = _read_toml(path)
    if table is None:
        return None
    try:
        provider = msgspec.convert(table, Provider)
    except msgspec.ValidationError as error:
        raise _placed(path, "", error) from None
    for key, limit in _PROVIDER_CHARACTERS.items():
        if len(getattr(provider, key)) > limit:
            raise ConfigError(str(path), key, f"expected at most {limit} characters", _line_of(path, key))
    if not provider.name.strip():
        raise ConfigError(str(path), "name", "expected a name", _line_of(path, "name"))
    return provider


def load_policy(etc: Path | None = None) -> SupportPolicy:
    """Return the vendor's support guide as data: the package's, or the one that replaces it under /etc.

    Raises:
        ConfigError: for what is no policy; where each fault stands is told by path, line and key.
    """
    path = (etc or ETC) / "support-policy.toml"
    table = _read_toml(path)
    own = table is not None
    if table is None:  # the package's own is checked by the tests, not in each run
        path = _DATA / "support-policy.toml"
        table = _read_toml(path) or {}
    try:
        policy = msgspec.convert(table, SupportPolicy)
    except msgspec.ValidationError as error:
        raise _placed(path, "", error) from None
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
        place = path or _DATA / "support-policy.toml"
        why = f"no such time zone: {policy.time_zone!r}"
        raise ConfigError(str(place), "time_zone", why, _line_of(place, "time_zone")) from None


def check_policy(policy: SupportPolicy, path: Path) -> None:
    """Raise ConfigError for what the types of a policy cannot say."""
    load_zone(policy, path)
    for key, why in support.faults_of(policy):
        raise ConfigError(str(path), key, why, _line_of(path, key))


def _layout_entries(path: Path) -> dict[str, tuple[Alternative, ...]]:
    entries: dict[str, tuple[Alternative, ...]] = {}
    for group, members in (_read_toml(path) or {}).items():
        if not isinstance(members, dict):
            raise ConfigError(str(path), group, "expected a table of entries")
        for name, plain in members.items():
            try:
                alternatives = msgspec.convert(plain, tuple[Alternative, ...])
            except msgspec.ValidationError as error:
                raise _placed(path, f"{group}.{name}", error) from None
            _check_values(path, group, name, alternatives)
            entries[f"{group}.{name}"] = alternatives
    return entries


_GROUP_TYPES: dict[str, type] = {"port": int, "command": tuple, "words": tuple}


def _check_values(path: Path, group: str, name: str, alternatives: tuple[Alternative, ...]) -> None:
    expected = _GROUP_TYPES.get(group, str)
    key = f"{group}.{name}"

    def wrong(why: str) -> ConfigError:
        return ConfigError(str(path), key, why, _line_of(path, key))

    if not alternatives:
        raise wrong("expected at least one alternative")
    for alternative in alternatives:
        value = alternative.value
        if not isinstance(value, expected) or value in ("", ()):
            raise wrong(f"expected a {expected.__name__} that is not empty, got {value!r}")
        if isinstance(value, int) and not 0 < value < 65536:
            raise wrong(f"expected a port from 1 to 65535, got {value}")


def _drop_ins(directory: Path) -> Iterable[Path]:
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".toml"))  # noqa: PTH208
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(str(directory), "", error.strerror or str(error)) from None
    return tuple(directory / name for name in names)


def _read_toml(path: Path) -> dict[str, object] | None:
    """Return the table, or None when there is no file; a FIFO or device is refused without waiting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(str(path), "", error.strerror or str(error)) from None
    try:
        import stat

        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(str(path), "", "expected a regular file")
        if status.st_size > _MAX_BYTES:
            raise ConfigError(str(path), "", f"expected at most {_MAX_BYTES} bytes, got {status.st_size}")
        data = os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "", f"not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:  # also a number of 5000 digits, also 5000 brackets
        told = re.search(r"\(at (?:line (\d+)|end of document)", str(error))
        line = int(told.group(1) or data.count(b"\n") + 1) if told else 0
        raise ConfigError(str(path), "", f"not TOML: {error}", line) from None


def _placed(path: Path, prefix: str, error: msgspec.ValidationError) -> ConfigError:
    """Return msgspec's "why - at `$.key`" as an error with key and line, and the nearest key."""
    why, _, place = str(error).partition(" - at ")
    inside = place.strip("`").removeprefix("$").removeprefix(".")
    dot = "." if prefix and inside and not inside.startswith("[") else ""
    key = f"{prefix}{dot}{inside}"
    unknown = re.search(r"unknown field `([^`]+)`", why)
    if unknown:
        name = unknown.group(1)
        key = f"{key}.{name}" if key else name
        known = {field.name for kind in _KINDS for field in fields(kind)}
        why = f"unknown key{nearest(name, known)}"
    choice = re.fullmatch(r"Invalid enum value '(.*)'", why)
    if choice:
        words = {str(word) for kind in (Licence, ProviderMode, Priority) for word in kind}
        why = f"{why}{nearest(choice.group(1), words)}"
    return ConfigError(str(path), key, why, _line_of(path, key))


_KINDS = (
    Settings,
    Identity,
    Alternative,
    Cause,
    Provider,
    SupportPolicy,
    support.Guide,
    support.Hours,
    support.Week,
    support.Holiday,
    support.PriorityWords,
    support.Excluded,
    support.AfterHours,
    Signature,
    SourceGroup,
    _SignatureFile,
)


def _line_of(path: Path, key: str) -> int:
    """Return the line of a key such as ``identity.host_name`` or ``path.home[1].value``; 0 when not seen.

    Only for messages: it knows headers and plain ``key = value`` lines, as people write these files.
    """
    best, best_line, header, counts = "", 0, "", dict[str, int]()
    text = path.read_bytes()[:_MAX_BYTES].decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        opened = re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", line.replace('"', ""))
        named = re.match(r"\s*([\w-]+)\s*=", line)
        if opened and opened.group(1) == "[[":
            index = counts[opened.group(2)] = counts.get(opened.group(2), -1) + 1
            here = header = f"{opened.group(2)}[{index}]"
        elif opened:
            here = header = opened.group(2)
        elif named:
            here = f"{header}.{named.group(1)}" if header else named.group(1)
        else:
            continue
        own = key == here or (here.endswith("]") and key == here.rpartition("[")[0])
        reaches = own or key.startswith((f"{here}.", f"{here}["))
        if reaches and len(here) > len(best):
            best, best_line = here, number
    return best_line


def nearest(key: str, known: set[str]) -> str:
    """Return "; did you mean X?" for the closest known key, or an empty string."""
    import difflib

    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def load_page(check_id: str) -> str:
    """Return the page of a check in Markdown, from the installed package or from the source tree beside it.

    Raises:
        ConfigError: when the installation is damaged.
    """
    places = (_DATA / "pages", _DATA.parent.parent / "docs" / "reference" / "checks")
    for place in places:
        try:
            return (place / f"{check_id}.md").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    raise ConfigError(
        str(places[0] / f"{check_id}.md"), "", "the page is missing: the installation is damaged"
    )
