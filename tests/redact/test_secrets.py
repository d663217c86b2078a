"""The secrets of a file: each form of the panel's and the system's files, and nothing that is none."""

import base64
import hashlib
import textwrap
import time

import pytest
from corpus import BODY, DASHES, HASH
from hypothesis import given
from hypothesis import strategies as st
from redacting import SECRET, WORDS

from iwx_agent.redact.secrets import keys_in, secrets_in, users_in

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


def pem(data: bytes) -> str:
    lines = textwrap.wrap(base64.b64encode(data).decode(), 64)
    return "\n".join((f"{DASHES}BEGIN PRIVATE KEY{DASHES}", *lines, f"{DASHES}END PRIVATE KEY{DASHES}", ""))


def in_rfc_5208(key: bytes, what: bytes) -> bytes:
    """Return a key as openssl writes it: version, what kind it is, and the key."""
    inner = b"\x02\x01\x00" + what + b"\x04\x82" + len(key).to_bytes(2) + key
    return b"\x30\x82" + len(inner).to_bytes(2) + inner


P_256 = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
RSA = bytes.fromhex("300d06092a864886f70d0101010500")
SCALAR, MODULUS, EXPONENT = (
    hashlib.shake_256(bytes([n])).digest(size) for n, size in enumerate((32, 257, 600))
)


@pytest.mark.parametrize("size", [32, 48, 66])
def test_the_point_of_a_key_is_public_and_not_looked_for(size: int) -> None:
    """A certificate shows it, often with the same letters: with it every bundle would be stopped."""
    point = b"\x04" + hashlib.shake_256(b"point").digest(2 * size)
    bits = b"\xa1\x81\x00\x03\x81\x00\x00" + point
    scalar = b"\x02\x01\x01\x04" + bytes([size]) + SCALAR + bytes(size - 32)
    text = pem(in_rfc_5208(b"\x30\x81\x00" + scalar + bits, P_256))
    for found in (*secrets_in(text), *keys_in(text)):
        lines = found.split("\n")
        assert "".join(lines) in "".join(text.split("\n")[1:-2])
        told = base64.b64decode("".join(lines))
        assert SCALAR in told
        assert len(told) < len(in_rfc_5208(b"\x30\x81\x00" + scalar + bits, P_256)) - size
        assert point[-30:] not in told


def test_the_modulus_of_a_key_is_public_and_not_looked_for() -> None:
    whole = b"\x30\x82\x00\x00\x02\x01\x00\x02\x82" + len(MODULUS).to_bytes(2) + MODULUS + EXPONENT
    text = pem(in_rfc_5208(whole, RSA))
    (found,) = keys_in(text)
    told = base64.b64decode(found)
    assert EXPONENT in told
    assert MODULUS[100:130] not in told
    assert secrets_in(text) == (found,)


def test_what_is_no_key_within_its_lines_is_kept_whole() -> None:
    for body in ("A" * 63, "AAAA=AAAA" * 8):
        assert secrets_in(f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n{body}\n")[0].strip() == body
