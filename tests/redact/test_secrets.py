"""The secrets of a file: each form of the panel's and the system's files, and nothing that is none."""

import time

import pytest
from corpus import BODY, DASHES, HASH
from hypothesis import given
from hypothesis import strategies as st
from redacting import SECRET, WORDS

from iwx_agent.redact.secrets import secrets_in, users_in

SOCKET = "/usr/local/interworx/mysql/iworx-db.sock"


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (f'dsn="mysqli://iworx:{WORDS}@unix({SOCKET})/iworx"', (WORDS,)),
        (f'dsn.orig="mysqli://iworx:a@unix(b@{SECRET}@unix({SOCKET})/iworx"', (f"a@unix(b@{SECRET}",)),
        (f"1\tlocalhost\tmysqli://iworx:{SECRET}@unix({SOCKET})/iworx", (SECRET,)),
        (f'[iworx.license]\nkey="{SECRET}"', (SECRET,)),
        (f'nss_root_pw="{WORDS}"', (WORDS,)),
        (f"[client]\nuser=root\npassword={WORDS}\n", ("not-a-real", WORDS)),
        (f"password = {SECRET};  \r\n", (SECRET,)),
        (f"connect = host=/x dbname=y user=z password={SECRET}", (SECRET,)),
        (f"password: {SECRET}", (SECRET,)),
        (f"username nss-user\npassword {SECRET}\n", (SECRET,)),
        (f"bayes_sql_password\t{SECRET}", (SECRET,)),
        (f"SQLConnectInfo iworx_ftp@localhost:{SOCKET} iworx_ftp {SECRET}", (SECRET,)),
        (f"localhost|0|iworx_vpopmail|{SECRET}|iworx_vpopmail", (SECRET,)),
        (f"$config['db_dsnw'] = 'mysql://roundcube:{SECRET}@localhost/roundcube';", (SECRET,)),
        ("$config['des_key'] = 'a\\'b-not-a-real';", ("a\\'b-not-a-real", "a'b-not-a-real")),
        (f"root:$6${HASH}:19000:0:99999:7:::\nbin:*:18000:0:::::\nx:!!:1::::::", (f"$6${HASH}",)),
        (f"bob:!!$y$j9T${HASH}:19000::::::", (f"$y$j9T${HASH}",)),
        (f"{DASHES}BEGIN RSA PRIVATE KEY{DASHES}\n{BODY}\n{DASHES}END RSA PRIVATE KEY{DASHES}\n", (BODY,)),
        (f"{DASHES}BEGIN INTERWORX API KEY{DASHES}\n{BODY}\n", (BODY,)),
        (f'key "rndc-key" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n', (SECRET,)),
        (f'key rndc-key\n{{ algorithm hmac-sha256; secret "{SECRET}"; }};\n', (SECRET,)),
        ("dsn='mysqli://iworx:not-%40-real@h/x'", ("not-%40-real", "not-@-real")),
        (f"{SECRET}\n", (SECRET,)),
        (f"  {WORDS}", (WORDS,)),
    ],
    ids=lambda told: str(told)[:30],
)
def test_each_form(text: str, secrets: tuple[str, ...]) -> None:
    found = secrets_in(text)
    assert [secret for secret in secrets if secret not in found] == []
    assert len(set(found)) == len(found)
    short = [one for one in found if len(one) > 5 and one not in secrets]
    assert [one for one in short if not any(secret.strip() in one for secret in secrets)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        'hostname="iwx1.example.com"\nfirstrun="0"\n',
        'clearpasswordreset="/home/interworx/cron/clearpasswordreset.pex"\nbin.passwd="/usr/bin/passwd"\n',
        "driver = mysql\ndefault_pass_scheme = SHA512-CRYPT\npassword_query = SELECT a FROM b\n",
        "key_buffer_size = 16M\nssl-key = /etc/pki/tls/private/x.key\n",
        "TLSRSACertificateKeyFile /etc/x.key\n# password for all of them: see below\n",
        f"{DASHES}BEGIN CERTIFICATE{DASHES}\n{BODY}\n{DASHES}END CERTIFICATE{DASHES}\n",
        f"{DASHES}END CERTIFICATE{DASHES}\n\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAInotARealKey root@iwx1.example.com\n",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYnotARealKey",
        'key "rndc-key" {\n\talgorithm hmac-sha256;\n};\n',
        "# localhost|0|user|comment|db\nx\n",
        "password = yes\ntoken: none\n[x]\nkey = 4\n",
        "// password none\npassword =\n",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert secrets_in(text) == ()


def test_users_of_dsns_are_names_that_stand_everywhere() -> None:
    text = (
        'a="mysqli://iworx:x@unix(/x)/a"\nb="mysql://iworx_rc:y@h/b"\nc="mysqli://iworx:z@h/c" redis://:x@h'
    )
    assert users_in(text) == ("iworx", "iworx_rc")


@given(st.text(max_size=400))
def test_any_text_gives_secrets_that_stand_in_it(text: str) -> None:
    for secret in secrets_in(text):
        assert secret.strip()
        for line in secret.split("\n"):
            assert line[:20].strip("\ufffd\\") == "" or line[:4].replace("\ufffd", "") in text or "\\" in text


@pytest.mark.parametrize(
    "piece", ["a", "x.", "://:", "a://", "|", ":", 'key "', 'a="', "PASS %22", "key a\n"]
)
def test_a_text_made_to_hurt_takes_time_in_proportion_to_its_length(piece: str) -> None:
    """Keys of sites are written by their owners: none may keep a run waiting."""
    text = piece * (128 * 1024 // len(piece))
    began_s = time.process_time()
    users_in(text)
    secrets_in(text)
    assert time.process_time() - began_s < 3.0
