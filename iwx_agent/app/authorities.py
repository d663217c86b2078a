"""A file of authorities as it must be before anything is sent on its word."""

import shlex

from iwx_agent.config import ConfigError
from iwx_agent.host import Host, HostError

_MAX_BYTES = 2 * 1024 * 1024
_LOOK_S = 5.0
_CERTAIN = ("not_found", "permission", "not_regular")


def refuse_authorities(host: Host, key: str, path: str) -> None:
    """Do nothing for a PEM file with certificates in it that only root and who runs this can change.

    An empty ``path`` stands for the authorities of the system.

    Raises:
        ConfigError: it cannot be used.
        HostError: that could not be told.
    """
    if not path:
        return
    from iwx_agent.host.tls import why_no_authorities

    quoted = shlex.quote(path)

    def refused(why: str, fix: str) -> ConfigError:
        return ConfigError(path, key, why, fix=fix)

    try:
        status = host.stat(path)
        content = host.read(path, max_bytes=_MAX_BYTES, timeout_s=_LOOK_S)
    except HostError as error:
        if error.kind not in _CERTAIN:
            raise
        raise refused(error.reason, f'name a file of certificates (PEM); {key} = "" is the system') from None
    if status.uid not in (0, host.clock().effective_uid):
        raise refused(f"belongs to user {status.uid}", f"chown root {quoted}")
    if status.mode & 0o002 or (status.mode & 0o020 and status.gid != 0):
        raise refused(f"has mode {status.mode:04o}, and others may change it", f"chmod go-w {quoted}")
    if content.truncated:
        raise refused(f"expected at most {_MAX_BYTES} bytes", f"keep in {quoted} what is needed")
    if why := why_no_authorities(content.data):
        raise refused(
            why, f"it is to hold certificates (PEM); its first: openssl x509 -noout -subject -in {quoted}"
        )
