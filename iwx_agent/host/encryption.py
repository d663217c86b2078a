"""The door to one program that is given something: gpg, which encrypts what leaves for one recipient.

What is to be encrypted goes through memory, never through a file; what gpg gives back counts only when it
says that it is done. Nobody can hand this door another program.
"""

import os
import re

from iwx_agent.host import answers as a
from iwx_agent.host.commands import run_command
from iwx_agent.host.contract import HostError
from iwx_agent.host.deadline import Deadline, Expired
from iwx_agent.host.questions import RunCommand
from iwx_agent.host.saving import in_memory
from iwx_agent.host.workers import Workers

GPG_TIMEOUT_S = 60.0
_OVERHEAD_BYTES = 64 * 1024  # packets around the data, and what gpg says
_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_PACKETS = (0x84, 0x85, 0xC1)  # RFC 9580: a session key encrypted to a public key, which begins the message
_FIXED = (
    "--batch", "--no-tty", "--no-options", "--quiet", "--status-fd", "2", "--pinentry-mode", "error",
    "--auto-key-locate", "local", "--no-auto-key-retrieve", "--disable-dirmngr", "--no-autostart",
    "--compress-algo", "none", "--set-filename", "", "--output", "-",
)  # fmt: skip


class RecipientError(ValueError):
    """What was given names no key for certain."""


def command_for(recipient: str, home: str = "") -> tuple[str, ...]:
    """Return gpg's command line for a recipient: a full fingerprint, or a mail address.

    A fingerprint names one key for certain, so that it need not be signed by anybody (``--trust-model
    always``); a key found by a mail address must be one that gpg trusts.

    Raises:
        RecipientError: for anything else. Names and short ids can be those of somebody else's key.
    """
    plain = recipient.replace(" ", "").removeprefix("0x")
    if _FINGERPRINT.fullmatch(plain):
        named: tuple[str, ...] = ("--trust-model", "always", "--recipient", plain.upper())
    elif _MAIL.fullmatch(recipient.strip()):
        named = ("--recipient", f"<{recipient.strip()}>")
    else:
        raise RecipientError("expected a key's full fingerprint or a mail address")
    at_home = ("--homedir", home) if home else ()
    return ("gpg", *_FIXED, *at_home, *named, "--encrypt")


def encrypt(
    workers: Workers, data: bytes, argv: tuple[str, ...], *, timeout_s: float = GPG_TIMEOUT_S
) -> bytes:
    """Return the data encrypted by a command of ``command_for``.

    Raises:
        HostError: for every ending but gpg's own word that all of it is encrypted.
    """
    question = RunCommand(argv=argv, timeout_s=timeout_s, max_bytes=len(data) + _OVERHEAD_BYTES)
    number = in_memory(data)
    try:
        answer = run_command(workers, question, Deadline(timeout_s), lambda _: None, given=number)
    except Expired:
        raise HostError("timeout", f"gpg did not end within {timeout_s:g} s", "gpg") from None
    except HostError as error:
        reason = "gpg is not installed" if error.kind == "not_found" else error.reason
        raise HostError(error.kind, reason, "gpg") from None
    finally:
        os.close(number)
    return encrypted_of(answer)


def encrypted_of(answer: a.CommandAnswer) -> bytes:
    """Return what gpg encrypted.

    Raises:
        HostError: when it did not say that it is done, or what it gave is not encrypted.
    """
    status = {line.split()[1] for line in answer.error_text.splitlines() if line.startswith("[GNUPG:] ")}
    if answer.timed_out:
        raise HostError("timeout", f"gpg did not end within {answer.duration_s:.0f} s", "gpg")
    if answer.exit_code != 0 or answer.truncated or "END_ENCRYPTION" not in status:
        raise _refusal(answer, status)
    if answer.stdout[:1] not in tuple(bytes([tag]) for tag in _PACKETS):
        raise HostError("failed", "gpg gave back something that is not encrypted", "gpg")
    return answer.stdout


def _refusal(answer: a.CommandAnswer, status: set[str]) -> HostError:
    said = " ".join(line for line in answer.error_text.splitlines() if not line.startswith("[GNUPG:]"))[:300]
    if "INV_RECP" in status:
        hint = "A key that nobody has signed is taken by its full fingerprint"
        return HostError(
            "refused", f"gpg has no key for the recipient that it trusts ({said}). {hint}", "gpg"
        )
    return HostError("failed", f"gpg ended with {answer.exit_code}: {said}", "gpg")
