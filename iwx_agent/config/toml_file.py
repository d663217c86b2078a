"""TOML files as tables, and errors that say path, line, key and what was expected."""

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec.structs import fields

from iwx_agent.model import Licence, Priority, ProviderMode

ETC = Path("/etc/iwx-agent")
DATA = Path(__file__).parent.parent / "data"
_MAX_BYTES = 1024 * 1024


class ConfigError(Exception):
    """A configuration or data file that cannot be used; ``line`` is 0 when it is not known.

    ``fix`` is the command or setting that mends it; empty when ``why`` says it, or nobody knows.
    """

    def __init__(self, path: str, key: str, why: str, line: int = 0, *, fix: str = "") -> None:
        self.path = path
        self.key = key
        self.why = why
        self.line = line
        self.fix = fix
        place = f"{path}:{line}" if line else path
        super().__init__(": ".join(filter(None, (place, key, why, fix))))


def drop_ins(directory: Path) -> Iterable[Path]:
    """Return the TOML files of a directory in the order of their names; none when it does not exist.

    Raises:
        ConfigError: for what is no directory, and for a link to one that is not there.
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".toml"))  # noqa: PTH208
    except FileNotFoundError:
        _refuse_dangling(directory)
        return ()
    except OSError as error:
        raise ConfigError(str(directory), "", error.strerror or str(error)) from None
    return tuple(directory / name for name in names)


def read_toml(path: Path, *, guarded: bool = False) -> dict[str, object] | None:
    """Return the table, or None when there is no file; a FIFO or device is refused without waiting.

    ``guarded``, for all that an administrator writes: a file that others may change is refused, and one in a
    directory that they may change.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        _refuse_dangling(path)
        return None
    except OSError as error:
        raise ConfigError(str(path), "", error.strerror or str(error)) from None
    try:
        import stat

        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(str(path), "", "expected a regular file")
        if guarded:
            _refuse_changeable_places(path)
            refuse_changeable(path, status)
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


def _refuse_dangling(path: Path) -> None:
    """Raise ConfigError for a link to nothing, and in a directory that is one: the defaults are not meant."""
    for place in (path, path.parent):
        if place.is_symlink() and not place.exists():
            import shlex

            why = "is a link to something that is not there"
            raise ConfigError(str(place), "", why, fix=f"ls -l {shlex.quote(str(place))}")


def _refuse_changeable_places(path: Path) -> None:
    """Raise ConfigError when others may change the directory of a file: they could put another there."""
    inner = path.parent
    for place in (inner.parent, inner) if inner.suffix == ".d" else (inner,):
        try:
            status = place.stat()
        except OSError as error:
            raise ConfigError(str(place), "", error.strerror or str(error)) from None
        refuse_changeable(place, status)


def refuse_changeable(path: Path, status: os.stat_result) -> None:
    """Raise ConfigError when a file or directory can be changed by others than root and who runs this."""

    def refused(why: str, command: str) -> ConfigError:
        import shlex

        return ConfigError(str(path), "", why, fix=f"{command} {shlex.quote(str(path))}")

    if status.st_uid not in (0, os.geteuid()):
        raise refused(f"belongs to user {status.st_uid}", "chown root")
    others_group = status.st_mode & 0o020 and status.st_gid not in (0, os.getegid())
    if status.st_mode & 0o002 or others_group:
        raise refused("others may change it", "chmod go-w")


def placed(
    path: Path, prefix: str, error: msgspec.ValidationError, *kinds: type[msgspec.Struct]
) -> ConfigError:
    """Return msgspec's "why - at `$.key`" as an error with key and line, and the nearest key of ``kinds``."""
    why, _, place = str(error).partition(" - at ")
    inside = place.strip("`").removeprefix("$").removeprefix(".")
    dot = "." if prefix and inside and not inside.startswith("[") else ""
    key = f"{prefix}{dot}{inside}"
    unknown = re.search(r"unknown field `([^`]+)`", why)
    if unknown:
        name = unknown.group(1)
        key = f"{key}.{name}" if key else name
        known = {field.name for kind in kinds for field in fields(kind)}
        why = f"unknown key{nearest(name, known)}"
    choice = re.fullmatch(r"Invalid enum value '(.*)'", why)
    if choice:
        words = {str(word) for kind in (Licence, ProviderMode, Priority) for word in kind}
        why = f"{why}{nearest(choice.group(1), words)}"
    return ConfigError(str(path), key, why, line_of(path, key))


def line_of(path: Path, key: str) -> int:
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
