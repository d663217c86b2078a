"""Faults of the customers' web server, of names, FTP and SSH."""

from __future__ import annotations

from .model import Expect, Fault

SITES = tuple(f"site{number:02d}" for number in range(1, 13))
HTTPD = ("web-80", "web-443")

WEB = (
    Fault(
        name="httpd-stopped",
        title="Apache is stopped",
        breaks="systemctl stop httpd",
        mends="systemctl start httpd",
        spoils=("unit:httpd", "web-port", *HTTPD, *SITES),
        expect=Expect(lead="WEB-001", codes=("WEB-002", "WEB-010"), subject="httpd"),
    ),
    Fault(
        name="httpd-bad-config",
        title="Apache does not start: misspelt directive",
        breaks="""
keep /etc/httpd/conf.d/vhost_site04.example.invalid.conf
sed -i 's/SSLCertificateFile/SSLCertificateFil/' /etc/httpd/conf.d/vhost_site04.example.invalid.conf
systemctl restart httpd
""",
        mends="give_back /etc/httpd/conf.d/vhost_site04.example.invalid.conf\nstart_again httpd",
        spoils=("unit:httpd", "web-config", *HTTPD, *SITES),
        expect=Expect(lead="WEB-004", codes=("WEB-001", "WEB-002", "WEB-010"), subject="vhost_site04"),
    ),
    Fault(
        name="httpd-port-taken",
        title="another program holds port 80 and Apache does not start",
        breaks="""
systemctl stop httpd
mkdir -p /var/empty-site
hold web-port php -S 0.0.0.0:80 -t /var/empty-site
sleep 0.3
systemctl start httpd
""",
        mends="release web-port\nstart_again httpd",
        spoils=("unit:httpd", "web-port", "web-443", *SITES),
        expect=Expect(lead="WEB-005", codes=("WEB-001", "WEB-002", "WEB-010"), subject="80"),
    ),
    Fault(
        name="httpd-frozen",
        title="Apache accepts connections and says nothing",
        breaks="freeze httpd",
        mends="thaw httpd",
        spoils=(*HTTPD, *SITES),
        expect=Expect(lead="WEB-003", codes=("WEB-010",), subject="80"),
    ),
    Fault(
        name="httpd-tls-broken",
        title="port 443 speaks plain HTTP",
        breaks="""
for file in /etc/httpd/conf.d/vhost_*.conf; do keep $file; sed -i 's/SSLEngine on/SSLEngine off/' $file; done
systemctl reload httpd
""",
        mends="for file in /etc/httpd/conf.d/vhost_*.conf; do give_back $file; done\nsystemctl reload httpd",
        spoils=("web-443",),
        expect=Expect(lead="WEB-006", subject="443", codes=("WEB-010",)),
    ),
    Fault(
        name="site-500",
        title="one site answers 500: an error in its PHP code",
        breaks="""
keep /home/site05/site05.example.invalid/html/index.php
echo '<?php no_such_function();' >/home/site05/site05.example.invalid/html/index.php
""",
        mends="give_back /home/site05/site05.example.invalid/html/index.php",
        spoils=("site05",),
        expect=Expect(lead="WEB-012", subject="site05", priority="Low", in_scope=False),
    ),
    Fault(
        name="sites-some-500",
        title="five of twelve sites answer 500",
        breaks="""
for number in 02 04 06 08 10; do
    file=/home/site$number/site$number.example.invalid/html/index.php
    keep $file
    echo '<?php no_such_function();' >$file
done
""",
        mends="""
for number in 02 04 06 08 10; do
    give_back /home/site$number/site$number.example.invalid/html/index.php
done
""",
        spoils=("site02", "site04", "site06", "site08", "site10"),
        expect=Expect(lead="WEB-011", subject="5", priority="High"),
    ),
    Fault(
        name="php-fpm-killed",
        title="the sites' php-fpm is killed: every site answers 503",
        breaks="systemctl kill --kill-who=all -s KILL php-fpm",
        mends="start_again php-fpm",
        spoils=("unit:php-fpm", *SITES),
        expect=Expect(lead="WEB-020", codes=("WEB-010", "WEB-021"), subject="php-fpm"),
    ),
    Fault(
        name="php-max-children",
        title="slow pages hold every php-fpm child: pm.max_children is reached",
        breaks="""
echo '<?php sleep(50);' >/home/site01/site01.example.invalid/html/slow.php
hold web-slow sh -c 'while :; do
    for _ in 1 2 3 4 5 6 7 8; do
        curl -s -m 55 -H "Host: site01.example.invalid" http://127.0.0.1/slow.php >/dev/null &
    done
    wait
done'
sleep 3
""",
        mends="""
release web-slow
rm -f /home/site01/site01.example.invalid/html/slow.php
: >/var/log/php-fpm/error.log
start_again php-fpm
""",
        spoils=SITES,
        expect=Expect(lead="WEB-022", codes=("WEB-010",), subject="www"),
    ),
    Fault(
        name="certificate-expired",
        title="the certificate of one site has expired",
        breaks="""
folder=/home/site03/var/site03.example.invalid/ssl
keep $folder/site03.example.invalid.crt
keep $folder/site03.example.invalid.priv.key
cp $lib/expired/site.crt $folder/site03.example.invalid.crt
cp $lib/expired/site.key $folder/site03.example.invalid.priv.key
systemctl reload httpd
""",
        mends="""
folder=/home/site03/var/site03.example.invalid/ssl
give_back $folder/site03.example.invalid.crt
give_back $folder/site03.example.invalid.priv.key
systemctl reload httpd
""",
        spoils=("certificates",),
        expect=Expect(lead="WEB-030", subject="site03", priority="Low"),
    ),
    Fault(
        name="tinydns-frozen",
        title="tinydns is there and answers no question",
        breaks="kill -STOP $(pid_of tinydns)",
        mends="kill -CONT $(pid_of tinydns)",
        spoils=("dns-udp",),
        expect=Expect(lead="DNS-001", codes=("SYSTEM-080",), subject="10.99.0.10"),
    ),
    Fault(
        name="tinydns-down",
        title="tinydns is taken down with svc -d",
        breaks="svc -d /service/tinydns",
        mends="svc -u /service/tinydns",
        spoils=("dns-udp", "service:tinydns"),
        expect=Expect(lead="DNS-004", codes=("DNS-001", "MAIL-041", "SYSTEM-080"), subject="10.99.0.10"),
    ),
    Fault(
        name="axfrdns-down",
        title="names are answered over UDP but not over TCP",
        breaks="svc -d /service/axfrdns",
        mends="svc -u /service/axfrdns",
        spoils=("dns-tcp", "service:axfrdns"),
        expect=Expect(lead="DNS-002", codes=("MAIL-041",), subject="10.99.0.10", priority="High"),
    ),
    Fault(
        name="proftpd-stopped",
        title="ProFTPD is stopped",
        breaks="systemctl stop proftpd",
        mends="systemctl start proftpd",
        spoils=("unit:proftpd", "ftp-21"),
        expect=Expect(lead="FTP-001", subject="21", priority="High"),
    ),
    Fault(
        name="proftpd-frozen",
        title="ProFTPD accepts connections and gives no greeting",
        breaks="freeze proftpd",
        mends="thaw proftpd",
        spoils=("ftp-21",),
        expect=Expect(lead="FTP-002", subject="21", priority="High"),
    ),
    Fault(
        name="sshd-stopped",
        title="sshd is stopped: support cannot get in",
        breaks="systemctl stop sshd",
        mends="systemctl start sshd",
        spoils=("unit:sshd", "ssh-22"),
        expect=Expect(lead="SSH-001", subject="22", codes=("SUPPORT-003",), priority="High", in_scope=False),
    ),
)
