"""The ways to send as they are set up: from settings and secrets to transports, ``file`` always the last.

Nothing is loaded of a transport that the chain does not name, and of none before this is asked.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import fields, replace

from iwx_agent.config import ConfigError, wrong_setting
from iwx_agent.config.secrets import PLACES, Secret
from iwx_agent.config.sending import Sending
from iwx_agent.config.transport_tables import EmailTable
from iwx_agent.host import Host, HostError

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers
    from iwx_agent.transports.contract import Credentials, Transport

_Settings = TypeVar("_Settings", bound=Struct)


class _Means(NamedTuple):
    """What transports are made of."""

    host: Host
    workers: "Workers"
    sending: Sending
    secrets: Mapping[str, Secret | ConfigError]
    down: frozenset[str]


def transports_of(
    host: Host,
    workers: "Workers",
    sending: Sending,
    secrets: Mapping[str, Secret | ConfigError],
    *,
    down: frozenset[str] = frozenset(),
) -> dict[str, "Transport"]:
    """Return the transports of the chain by name, in its order, ``file`` the last; nothing is sent by that.

    In the place of one that cannot be used stands one that says why at each attempt: what is wrong with one
    way keeps no ticket from the others. ``secrets`` are those of ``load_secrets``, which are read once a run;
    ``down`` are the checks that see an emergency now.
    """
    from iwx_agent.transports.unusable import UnusableTransport

    means = _Means(host, workers, sending, secrets, down)
    found: dict[str, Transport] = {}
    for name in sending.delivery.transports:
        try:
            found[name] = _MAKERS[name](means)
        except ConfigError as error:
            place = f"{error.path}:{error.line}" if error.line else error.path
            found[name] = UnusableTransport(name, f"{error.key}: {error.why} ({place})", error.fix)
    return found


def _portal(means: _Means) -> "Transport":
    from iwx_agent.config import load_portal_form
    from iwx_agent.transports.portal import Place, PortalTransport

    table = _table(means.sending.transport.portal, "portal")
    _refuse_authorities(means, "portal", table.authorities)
    place = replace(settings_of(Place, table), account=_account(means, "portal", table.user))
    return PortalTransport(means.host, place, load_portal_form())


def _email(means: _Means) -> "Transport":
    from iwx_agent.transports.email import EmailSettings, EmailTransport

    table = _table(means.sending.transport.email, "email")
    refuse_no_sender(table, means.sending)
    _refuse_authorities(means, "email", table.authorities)
    settings = settings_of(EmailSettings, table)
    account = _account(means, "email", table.user)
    return EmailTransport(means.host, settings, account, down=means.down)


def _webhook(means: _Means) -> "Transport":
    from iwx_agent.transports.contract import Credentials
    from iwx_agent.transports.webhook import WebhookSettings, WebhookTransport

    table = _table(means.sending.transport.webhook, "webhook")
    _refuse_authorities(means, "webhook", table.authorities)
    secret = _secret(means, "webhook")
    key = Credentials("", secret.text) if secret is not None else None
    return WebhookTransport(means.host, settings_of(WebhookSettings, table), key)


def _command(means: _Means) -> "Transport":
    from iwx_agent.transports.command import CommandSettings, CommandTransport

    table = _table(means.sending.transport.command, "command")
    return CommandTransport(means.workers, settings_of(CommandSettings, table))


def _file(means: _Means) -> "Transport":
    from iwx_agent.transports.file import FileSettings, FileTransport

    return FileTransport(means.workers, settings_of(FileSettings, means.sending.transport.file))


_MAKERS: dict[str, Callable[[_Means], "Transport"]] = {
    "portal": _portal,
    "email": _email,
    "webhook": _webhook,
    "command": _command,
    "file": _file,
}


def settings_of(kind: type[_Settings], table: Struct) -> _Settings:
    """Return a transport's own settings with every value that the table of the same keys has."""
    names = {field.name for field in fields(kind)}.intersection(table.__struct_fields__)
    return kind(**{name: getattr(table, name) for name in names})


def refuse_no_sender(table: EmailTable, sending: Sending) -> None:
    """Do nothing when it is known in whose name a mail is sent.

    Raises:
        ConfigError: when it is not.
    """
    if not table.sender and not sending.delivery.sender_mail:
        raise set_wrongly(
            "transport.email.sender", "a mail is from somebody", 'delivery.sender_mail = "you@example.com"'
        )


def set_wrongly(key: str, why: str, fix: str) -> ConfigError:
    """Return the error for a setting, at its place, with the setting that mends it."""
    found = wrong_setting(key, why)
    return ConfigError(found.path, key, why, found.line, fix=fix)


_Table = TypeVar("_Table", bound=Struct)


def _table(table: _Table | None, name: str) -> _Table:
    """Return the table of a transport that the chain names; settings that were judged have it."""
    if table is None:
        raise set_wrongly("delivery.chain", f"there is no [transport.{name}]", f"add [transport.{name}]")
    return table


def _account(means: _Means, name: str, user: str) -> "Credentials | None":
    """Return who logs in; None: nobody does.

    Raises:
        ConfigError: for one without a password, or whose password cannot be used.
    """
    if not user:
        return None
    from iwx_agent.transports.contract import Credentials

    secret = _secret(means, name)
    if secret is None:
        credential, file_key = PLACES[name]
        fix = f'{file_key} = "/etc/iwx-agent/{credential}", or LoadCredential={credential} in the unit'
        raise set_wrongly(f"transport.{name}.user", "there is no password for this user", fix)
    return Credentials(user, secret.text)


def _secret(means: _Means, name: str) -> Secret | None:
    found = means.secrets.get(name)
    if isinstance(found, ConfigError):
        raise found
    return found


def _refuse_authorities(means: _Means, name: str, path: str) -> None:
    """Raise ConfigError for a file of authorities that certainly cannot be used."""
    from iwx_agent.app.authorities import refuse_authorities

    try:
        refuse_authorities(means.host, f"transport.{name}.authorities", path)
    except HostError:
        return  # perhaps it can be read a moment later: the attempt itself says it
