"""Passwords and keys: from systemd's credentials or from files that only root can read, from nowhere else."""

import errno
import os
import shlex
import stat
from pathlib import Path
from typing import NoReturn

from iwx_agent.config.gathering import Gathered
from iwx_agent.config.sending import Sending
from iwx_agent.config.toml_file import ConfigError

_MAX_BYTES = 4096
# By transport: the name of its credential, and the key that names a file.
PLACES: dict[str, tuple[str, str]] = {
    "portal": ("portal-password", "password_file"),
    "email": ("smtp-password", "password_file"),
    "webhook": ("webhook-key", "key_file"),
}
_SECRET_WORDS = ("pass", "passwd", "password", "passphrase", "secret", "key", "token", "api_key", "auth")


class AbsentError(ConfigError):
    """There is no file where a secret should be: nothing to read, and nothing to hide."""


class Secret:
    """A password or key; what shows it never shows its text, and it cannot be stored."""

    __slots__ = ("origin", "text")

    def __init__(self, text: str, origin: str) -> None:
        self.text = text
        self.origin = origin  # the file it was read from

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored")


def why_no_literal(key: str) -> str:
    """Return what to do instead when a key of a transport would hold a secret itself; empty for others."""
    parts = key.split(".")
    if len(parts) != 3 or parts[0] != "transport" or parts[2] not in _SECRET_WORDS:
        return ""
    credential, file_key = PLACES.get(parts[1], ("", ""))
    if not credential:
        return "a secret does not stand here"
    return (
        f"a secret does not stand here: write it into a file of root's with mode 0600 and set "
        f'{file_key} = "/etc/iwx-agent/{credential}", or hand it over as the systemd credential {credential}'
    )


def refuse_literals(gathered: Gathered) -> None:
    """Raise ConfigError for a secret that stands among the settings; its text is not repeated."""
    for key in gathered.set_keys():
        if why := why_no_literal(key):
            raise gathered.error(key, why)


def load_secret(transport: str, sending: Sending) -> Secret | None:
    """Return the password or key of a transport; the credential counts before the file; None: there is none.

    Raises:
        ConfigError: for a file that is not there, that others can read, that is empty or no single line.
    """
    if transport not in PLACES:
        return None
    credential, file_key = PLACES[transport]
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if directory.startswith("/"):
        handed = Path(directory) / credential
        if os.path.lexists(handed):
            return _read(handed, f"credential {credential}")
    path = getattr(getattr(sending.transport, transport), file_key, "")
    return _read(Path(path), f"transport.{transport}.{file_key}") if path else None


def load_secrets(sending: Sending) -> dict[str, Secret | ConfigError]:
    """Return by transport the secret of each that has one, each read once; or why it cannot be used."""
    found: dict[str, Secret | ConfigError] = {}
    for name in PLACES:
        try:
            secret = load_secret(name, sending)
        except ConfigError as error:
            found[name] = error
        else:
            if secret is not None:
                found[name] = secret
    return found


def _read(path: Path, key: str) -> Secret:
    quoted = shlex.quote(str(path))

    def refused(why: str, fix: str = "") -> ConfigError:
        return ConfigError(str(path), key, why, fix=fix or f"write it into {quoted} on one line")

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno == errno.ENOENT:
            fix = f"install -m 0600 /dev/null {quoted}, then write it into that file"
            raise AbsentError(str(path), key, why, fix=fix) from None
        raise refused(why, f"ls -ld {quoted}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refused("expected a regular file", f"ls -ld {quoted}")
        if status.st_uid not in (0, os.geteuid()):
            raise refused(f"belongs to user {status.st_uid}", f"chown root {quoted}")
        if status.st_mode & 0o7177:
            mode = stat.S_IMODE(status.st_mode)
            raise refused(f"has mode {mode:04o}, and others must not read it", f"chmod 0600 {quoted}")
        data = os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MAX_BYTES:
        raise refused(f"expected at most {_MAX_BYTES} bytes")
    try:
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise refused("is not UTF-8") from None
    if not text:
        raise refused("is empty")
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise refused("expected one line without control characters")
    return Secret(text, str(path))
