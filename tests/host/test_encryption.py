"""gpg's door: which recipients are certain, and that nothing but gpg's own word counts."""

from typing import Any

import pytest

from iwx_agent.host import CommandAnswer, HostError
from iwx_agent.host.encryption import RecipientError, command_for, encrypted_of

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
PACKET = b"\x85\x01\x0c\x03rest"
DONE = b"[GNUPG:] BEGIN_ENCRYPTION 2 9\n[GNUPG:] END_ENCRYPTION\n"


@pytest.mark.parametrize(
    "given",
    [
        FINGERPRINT,
        FINGERPRINT.lower(),
        f"0x{FINGERPRINT}",
        "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567",
    ],
)
def test_a_full_fingerprint_names_one_key_and_needs_no_trust(given: str) -> None:
    argv = command_for(given)
    assert argv[0] == "gpg"
    assert argv[-5:] == ("--trust-model", "always", "--recipient", FINGERPRINT, "--encrypt")


def test_a_mail_address_must_be_of_a_trusted_key_and_is_taken_exactly() -> None:
    argv = command_for("support@example.com", "/etc/iwx-agent/gnupg")
    assert argv[-5:] == (
        "--homedir",
        "/etc/iwx-agent/gnupg",
        "--recipient",
        "<support@example.com>",
        "--encrypt",
    )
    assert "--trust-model" not in argv


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bob",
        "01234567",
        "0123456789ABCDEF",
        FINGERPRINT[:-1],
        "--output=/etc/x",
        "a@b c",
        "@b",
        "a@",
        "<a@b>",
    ],
)
def test_what_could_be_another_key_or_an_option_is_refused(given: str) -> None:
    with pytest.raises(RecipientError, match="full fingerprint or a mail address"):
        command_for(given)


def test_gpg_asks_nobody_and_no_network_and_obeys_no_options_file() -> None:
    argv = command_for(FINGERPRINT)
    assert {"--batch", "--no-tty", "--no-options", "--disable-dirmngr", "--no-auto-key-retrieve"} <= set(argv)
    assert argv[argv.index("--auto-key-locate") + 1] == "local"
    assert argv[argv.index("--output") + 1] == "-"


def said(
    stdout: bytes = PACKET, stderr: bytes = DONE, exit_code: int | None = 0, **more: Any
) -> CommandAnswer:
    return CommandAnswer(
        argv=("gpg",), exit_code=exit_code, stdout=stdout, stderr=stderr, duration_s=60.2, **more
    )


def test_what_gpg_says_is_done_is_taken() -> None:
    assert encrypted_of(said()) == PACKET


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (said(exit_code=None, timed_out=True), "timeout", "did not end within 60 s"),
        (
            said(exit_code=2, stderr=DONE + b"gpg: write error\n"),
            "failed",
            "gpg ended with 2: gpg: write error",
        ),
        (said(exit_code=-9), "failed", "gpg ended with -9"),
        (said(exit_code=None, truncated=True), "failed", "gpg ended with None"),
        (said(truncated=True), "failed", "gpg ended with 0"),
        (said(stderr=b""), "failed", "gpg ended with 0"),
        (said(stderr=b"[GNUPG:] BEGIN_ENCRYPTION 2 9\n"), "failed", "gpg ended with 0"),
        (said(stderr=b"END_ENCRYPTION\n"), "failed", "END_ENCRYPTION"),
        (said(stdout=b""), "failed", "not encrypted"),
        (said(stdout=b"\x1f\x8bplain"), "failed", "not encrypted"),
        (said(stdout=b"PK\x03\x04"), "failed", "not encrypted"),
        (
            said(stdout=b"", exit_code=2, stderr=b"[GNUPG:] INV_RECP 10 x\ngpg: x: skipped: unusable\n"),
            "refused",
            "no key for the recipient that it trusts .*skipped.*by its full fingerprint",
        ),
    ],
)
def test_every_other_ending_is_an_error(answer: CommandAnswer, kind: str, words: str) -> None:
    with pytest.raises(HostError, match=words) as raised:
        encrypted_of(answer)
    assert (raised.value.kind, raised.value.source) == (kind, "gpg")
