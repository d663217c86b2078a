"""Whether each way to send could be used now, as far as that can be told without sending; how to mend it.

What a file of settings says wrongly was refused before: this is about files, programs and directories.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from iwx_agent.app.authorities import refuse_authorities
from iwx_agent.app.transports import refuse_no_sender, set_wrongly, settings_of
from iwx_agent.config import ConfigError
from iwx_agent.config.secrets import PLACES, Secret
from iwx_agent.config.sending import Sending
from iwx_agent.host import Host, HostError

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

_LOOK_S = 5.0
_NO_TICKET = "config-check"  # a name that no ticket has


class Look(NamedTuple):
    """What is looked at, and through what."""

    host: Host
    workers: "Workers"
    sending: Sending
    secrets: Mapping[str, Secret | ConfigError]


def set_up(sending: Sending) -> tuple[str, ...]:
    """Return the names of the transports that have settings: those of the chain, the others, ``file``."""
    tables = sending.transport
    others = (name for name in tables.__struct_fields__ if getattr(tables, name) is not None)
    return tuple(dict.fromkeys((*sending.delivery.chain, *others)))


def faults_of(name: str, look: Look) -> Iterator[ConfigError]:
    """Yield what keeps a transport from being used, each with what mends it."""
    secret = look.secrets.get(name)
    if isinstance(secret, ConfigError):
        yield secret
    table = getattr(look.sending.transport, name)
    if path := getattr(table, "authorities", ""):
        yield from _faults(lambda: refuse_authorities(look.host, f"transport.{name}.authorities", path), path)
    if name == "email" and name in look.sending.delivery.chain:
        yield from _faults(lambda: refuse_no_sender(table, look.sending), "")
    if name == "command":
        for key in ("command", "look_up_command"):
            if words := getattr(table, key):
                yield from _of_program(look, f"transport.command.{key}", words[0])
    if name == "file":
        yield from _of_directory(look)


def notes_on(name: str, look: Look) -> Iterator[str]:
    """Yield what of a transport can be used and is perhaps not what was meant, or cannot be told."""
    chain, table = look.sending.delivery.chain, getattr(look.sending.transport, name)
    if name != "file" and name not in chain:
        yield f"[transport.{name}] is set up, and delivery.chain does not name it: it is never used"
    if name == "portal" and name in chain and not table.user and not look.sending.delivery.sender_mail:
        yield "guests of a portal are asked who they are: set delivery.sender_name and delivery.sender_mail"
    if name == "email" and name in chain and _is_local(look.sending):
        yield (
            "mail is handed to this server's own mail system, which may be what is broken: set "
            "transport.email.server"
        )
    if name in PLACES and getattr(table, "user", name == "webhook") and name not in look.secrets:
        credential, file_key = PLACES[name]
        yield (
            f"no {credential} was found: set transport.{name}.{file_key}, or LoadCredential={credential} "
            "in the unit (a shell cannot see that one)"
        )
    if name == "file" and _is_hidden(look):
        yield f"only root can see whether tickets can be left in {table.directory}"


def _is_local(sending: Sending) -> bool:
    from iwx_agent.transports.email import EmailSettings

    table = sending.transport.email
    return table is not None and settings_of(EmailSettings, table).is_local


def _faults(refuse: Callable[[], None], path: str) -> Iterator[ConfigError]:
    """Yield what a function refuses; what could not be told is no better."""
    try:
        refuse()
    except ConfigError as error:
        yield error
    except HostError as error:
        why = f"could not be looked at: {error.reason}"
        yield ConfigError(path, "", why, fix="look why, then run this again")


def _of_program(look: Look, key: str, program: str) -> Iterator[ConfigError]:
    from iwx_agent.host.handover import refuse_untrusted

    quoted = shlex.quote(program)
    fixes = {
        "not_found": f"install it, or correct {key}",
        "not_regular": f"name the program itself, no link: readlink -f {quoted}",
        "permission": f"root owns each part of the way, nobody else may write to it: namei -l {quoted}",
    }
    try:
        refuse_untrusted(look.workers, program, limit_s=_LOOK_S)
    except HostError as error:
        found = set_wrongly(key, error.reason, fixes.get(error.kind, "look why, then run this again"))
        yield ConfigError(found.path, key, f"{program}: {found.why}", found.line, fix=found.fix)


def _of_directory(look: Look) -> Iterator[ConfigError]:
    """Yield why tickets cannot be left in the directory; the last two of its path are made where missing."""
    from iwx_agent.host.handover import is_in_spool

    directory, key = look.sending.transport.file.directory, "transport.file.directory"
    quoted = shlex.quote(directory)
    try:
        is_in_spool(look.workers, directory, _NO_TICKET, limit_s=_LOOK_S)
        if all(_is_missing(look.host, place) for place in (directory, *_above(directory))):
            why = f"{directory} cannot be made: what is above it is missing, too"
            yield set_wrongly(key, why, f"install -d -m 0700 {quoted}")
    except HostError as error:
        if not _is_root(look) and error.kind == "permission":
            return
        fix = f"a directory of root's that nobody else may write to: ls -ld {quoted}"
        yield set_wrongly(key, f"{directory}: {error.reason}", fix)


def _is_hidden(look: Look) -> bool:
    """Return whether who asks may not see the directory, and root would."""
    from iwx_agent.host.handover import is_in_spool

    if _is_root(look):
        return False
    try:
        is_in_spool(look.workers, look.sending.transport.file.directory, _NO_TICKET, limit_s=_LOOK_S)
    except HostError as error:
        return error.kind == "permission"
    return False


def _above(directory: str) -> tuple[str, str]:
    path = PurePosixPath(directory)
    return str(path.parent), str(path.parent.parent)


def _is_missing(host: Host, path: str) -> bool:
    try:
        host.stat(path)
    except HostError as error:
        if error.kind == "not_found":
            return True
        raise
    return False


def _is_root(look: Look) -> bool:
    return look.host.clock().effective_uid == 0
