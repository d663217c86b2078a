"""The rules for secrets that are known by the name before them, and for files that hold nothing else."""

import re
from collections.abc import Iterable

from iwx_agent.redact.named import named
from iwx_agent.redact.rule import Rule, hide_group

NAMED = (
    named(
        "password",
        "pass",
        reason="a value whose name has pass in it: password, passwd, passphrase",
        example='Password: "not-a-real two words 1"',
        hides="not-a-real two words 1",
        counterexample="sshd[812]: Failed password for root from 10.0.0.1 port 40000 ssh2",
    ),
    named(
        "pw",
        "pw",
        label="password",
        reason="a value whose name begins or ends with pw or pwd",
        example='nss_root_pw="not-a-real-secret-2"',
        hides="not-a-real-secret-2",
        counterexample="PWD=/home/interworx/cron OLDPWD=/root upward=yes",
    ),
    named(
        "secret",
        "secret",
        reason="a value whose name has secret in it",
        example="client_secret: not-a-real-secret-3",
        hides="not-a-real-secret-3",
        counterexample="secret_file = /etc/rndc.key",
    ),
    named(
        "token",
        "token",
        reason="a value whose name has token in it",
        example="GET /hook?token=not-a-real-secret-4&page=2 HTTP/1.1",
        hides="not-a-real-secret-4",
        counterexample="PHP Parse error: syntax error, unexpected token: end",
    ),
    named(
        "key",
        "key",
        reason="a value whose name has key in it, but for files, sizes, counts and public keys",
        example='[iworx.license]\nkey="not-a-real-secret-5"',
        hides="not-a-real-secret-5",
        counterexample="ssl_key = </etc/pki/tls/private/mail.key and gpgkey=file:///etc/pki/rpm-gpg/x",
    ),
    named(
        "credential",
        "cred",
        reason="a value named cred or credentials",
        example="credentials = not-a-real-secret-6",
        hides="not-a-real-secret-6",
        counterexample="credits: 12 of 40 left",
    ),
    named(
        "licence",
        "licen[cs]e",
        reason="a licence key; the licence of a package stays",
        example="license: NOTAREAL-SECRET0-00000007",
        hides="NOTAREAL-SECRET0-00000007",
        counterexample="License     : LGPL-2.1-or-later",
    ),
    named(
        "session",
        "sess",
        reason="the id of a session: PHPSESSID, session_id, sess_key",
        example="PHPSESSID=not-a-real-secret-8; path=/",
        hides="not-a-real-secret-8",
        counterexample="imap-login: Login: user=bob, method=PLAIN, session=kept",
    ),
)  # fmt: skip


def secret_files(paths: Iterable[str]) -> Rule:
    """Return the rule for files that hold secrets and little else: none of their text leaves.

    In a path ``*`` stands for one part of it. Such a file is not to be read at all; this holds if it was.
    """
    return Rule(
        id="secret-file",
        kind="structure",
        label="secret-file",
        reason="the whole text of a file that is known to hold secrets",
        example="localhost|0|iworx_vpopmail|not-a-real-secret-9|iworx_vpopmail",
        hides="not-a-real-secret-9",
        counterexample="localhost|0|iworx_vpopmail",
        sources=tuple(_source(path) for path in paths),
        example_source="/home/vpopmail/etc/vpopmail.mysql:1",
        patterns=(),
        judge=hide_group,
    )


def _source(path: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in path.split("*"))
    return re.compile(r"[^/\s]{1,200}".join(parts) + r"(?![^:\s])")
