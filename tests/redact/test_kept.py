"""What must not be hidden: a ticket that hides what matters is of no use.

The lines are of the kinds that evidence quotes; where one was recorded, the captures of the parsers' and the
scenarios' tests are read as well.
"""

from pathlib import Path

import pytest
from redacting import redacted, redactor

ROOT = Path(__file__).parents[1]

LINES = """\
mysqld: Access denied for user 'root'@'localhost' (using password: YES)
2026-11-23 19:52:38 4 [Warning] Access denied for user 'x'@'localhost' (using password: NO)
sshd[812]: Failed password for invalid user admin from 10.0.0.7 port 40000 ssh2
sshd[812]: Accepted publickey for root from 192.168.1.7 port 22 ssh2: RSA SHA256:4yq0Yd0HbfZ1XkQdTgF2bNqJt6e7hVxU5pW
sshd[812]: error: Could not load host key: /etc/ssh/ssh_host_ed25519_key
sshd[812]: error: key_load_public: invalid format
sshd[812]: Permission denied (publickey,password).
sudo: pam_unix(sudo:auth): conversation failed; auth could not identify password for [bob]
cat: /etc/passwd: Is a directory
/var/lib/rabbitmq/.erlang.cookie: must be accessible by owner only
authorization: denied
Authorization: none
cookie: none
a USER LOGIN FAILED for bob; test PASS tests/x.php
db_mysql db_mysql db_mysql db_mysql db_mysql db_mysql db_mysql db_mysql db_mysql -port
not a prompt, got 'Password:' and then nothing
passwd: Authentication token manipulation error
dovecot: imap-login: Disconnected: Inactivity (auth failed, 1 attempts in 5 secs): user=<bob>, session=<kJf0ab>
dovecot: auth: passwd-file /etc/dovecot/users: User bob is missing userdb info
# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
ssl_key = </etc/pki/tls/private/mail.key
SSLCertificateKeyFile /home/bob/var/example.com/ssl/example.com.priv.key
AH02565: Certificate and private key example.com:443:0 from /x.crt and /x.key do not match
SSL Library Error: error:0B080074:x509 certificate routines:X509_check_private_key:key values mismatch
[auth_basic:error] AH01617: user bob: authentication failure for "/x": Password Mismatch
AH01630: client denied by server configuration: /home/bob/example.com/html/.env
PHP Warning:  Undefined array key "token" in /home/bob/example.com/html/x.php on line 3
PHP Parse error:  syntax error, unexpected token: end of file in /home/bob/example.com/html/x.php
PHP Fatal error:  Uncaught Error: Class "Password" not found in /home/bob/example.com/html/x.php:12
#2 /home/bob/example.com/html/index.php(3): require_once('/home/bob/...')
SQLSTATE[42000]: Syntax error or access violation: 1072 Key column 'x' doesn't exist in table
Duplicate entry '12' for key 'PRIMARY'
Table './shop/orders' is marked as crashed and should be repaired: primary key: id
key_buffer_size = 16M
Key_reads: 5
InnoDB: The error means mysqld does not have the access rights to the directory.
warning: /var/cache/dnf/x.rpm: Header V4 RSA/SHA256 Signature, key ID 350d275d: NOKEY
Importing GPG key 0x350D275D:
GPG key at file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9 (0x350D275D) is already installed
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9
 Fingerprint: 7051 C470 A929 F454 CEBE 37B7 15AF 5DAC 6D74 5A60
License     : GPLv2+ and LGPL-2.1-or-later
licence = "direct"
Installed: kernel-5.14.0-427.13.1.el9_4.x86_64
Upgraded: interworx-8.0.1.2-5.el9.noarch
sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  kernel.rpm
@400000006b0462ba1f05e6f4 delivery 1: deferral: Sorry,_I_wasn't_able_to_establish_an_SMTP_connection._(#4.4.1)/
@400000006b0462ba1ee9bc04 info msg 2149: bytes 249 from <> qp 16379 uid 0
@400000006b0462ba1eec8ac4 starting delivery 1: msg 2149 to local postmaster@example.com
{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["icmp", "ipv6-icmp"]}}}
foo_1.2.3.4_amd64.deb, zend_1.2.3.4, x_to1.2.3.4
status: local 1/10 remote 0/255
tcpserver: ok 11792 0:127.0.0.1:18025 :127.0.0.1::47150
connected to unix /var/lib/mysql/mysql.sock and /usr/local/interworx/mysql/iworx-db.sock
clearpasswordreset="/home/interworx/cron/clearpasswordreset.pex"
license="/home/interworx/cron/license.pex"
CROND[812]: (iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)
systemd-ask-password-console.path: Deactivated successfully.
Started user@1000.service, clamd@scan.service and getty@tty1.service.
<input name="password" value=""> and name="token" value="none"
SetEnv DB_PASSWORD none
PWD=/home/interworx/cron
PasswordAuthentication no
permitemptypasswords no
password: ********
"password": null, "token": "", "secret": false
audit: type=1400 key=(null)
ssh -p 2222 backup1 and rsync -e 'ssh -p2222' -av /home backup1:/srv
mysql -uiworx -P3306 -h127.0.0.1 --socket=/var/lib/mysql/mysql.sock --skip-password -e 'show processlist'
--ssl-key /etc/pki/tls/private/x.key --password-file=/root/x
0.0.0.0/0 and 10.0.0.1, 192.168.0.12, 172.16.3.4, 169.254.1.1, 127.0.0.1, 255.255.255.0, 224.0.0.1
fe80::5054:ff:fe12:3456, fd00::1, ::1, [::]:443 and 19:52:42
kernel: IN=eth0 MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC=10.0.0.7
"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36"
Server: Apache/2.4.57 (Rocky Linux) OpenSSL/3.0.7, version 4.18.0.1, nginx/1.18.0.2
SNMPv2-SMI::enterprises.1.3.6.1.4.1.2021, Mail::SpamAssassin::Conf, std::string
GET /index.php?id=12&page=2&session=no&code=404 HTTP/1.1
GET /search?q=wrong%20password%20for%20bob HTTP/1.1
https://www.example.com:8443/login?next=/admin
ftp://bob@ftp.example.com/pub and git@github.com:x/y.git
RewriteRule ^(.*)$ /index.php?x=$1&y=$2 [L]
-----BEGIN CERTIFICATE-----
kernel: TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.
net.ipv4.tcp_syncookies = 1
polkitd: Registered Authentication Agent for unix-process:812
Kernel command line: root=/dev/sda1 rootflags=usrquota,grpquota
tokens: 12, keys: 40, passed: 3, pass: 3
a1b2c3d4-e5f6-7890-abcd-ef0123456789
The password is wrong; the token has expired; the key is not known; no secret was given.
"""  # noqa: E501 - log lines are long

KEPT = [line for line in LINES.splitlines() if "git@github" not in line]


@pytest.mark.parametrize("line", KEPT)
def test_a_line_that_support_needs_stays_as_it_is(line: str) -> None:
    assert redacted(line) == line


def test_all_of_them_in_one_text_stay_as_they_are() -> None:
    text = "\n".join(KEPT)
    assert redacted(text) == text


def test_own_addresses_stay() -> None:
    line = "connect from 203.0.113.5 to 203.0.113.6 and [2001:db8::5]:25 and 2001:DB8:0:0::6"
    one = redactor(kept=("203.0.113.6", "2001:0DB8:0:0:0::6", "2001:db8::5", "web1.example.com"))
    after = one.redact_text(line, "a test")
    assert "203.0.113.6 and [2001:db8::5]:25 and 2001:DB8:0:0::6" in after
    assert "203.0.113.5 " not in after


# Recorded texts: whatever is hidden in them is listed here, read by a person.

HIDDEN_IN_CAPTURES: set[str] = set()


def test_in_recorded_texts_next_to_nothing_is_hidden() -> None:
    told: set[str] = set()
    one = redactor()
    for path in sorted((ROOT / "parsers" / "captures").rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            after = one.redact_text(text, "a capture")
            place = path.relative_to(ROOT / "parsers" / "captures").parts[0]
            told |= {f"[hidden:{part.partition(']')[0]}] in {place}/" for part in after.split("[hidden:")[1:]}
    assert told == HIDDEN_IN_CAPTURES
