"""Faults of mail: SMTP, delivery, IMAP and POP3, filters."""

from __future__ import annotations

from .model import Expect, Fault

MAIL = (
    Fault(
        name="smtp-full",
        title="every slot of port 25 is taken: it accepts and gives no greeting",
        breaks="hold smtp $lib/hold-connections 25 20",
        mends="release smtp",
        spoils=("smtp-25",),
        expect=Expect(lead="MAIL-002", subject="25"),
    ),
    Fault(
        name="smtp-frozen",
        title="tcpserver of port 25 is stopped by a signal; supervise calls it up",
        breaks="kill -STOP $(pid_of smtp)",
        mends="kill -CONT $(pid_of smtp)",
        spoils=("smtp-25",),
        expect=Expect(lead="MAIL-002", subject="25"),
    ),
    Fault(
        name="smtp-paused",
        title="the smtp service is paused with svc -p",
        breaks="svc -p /service/smtp",
        mends="svc -c /service/smtp",
        spoils=("smtp-25", "service:smtp"),
        expect=Expect(lead="MAIL-043", codes=("MAIL-002",), subject="smtp"),
    ),
    Fault(
        name="smtp-down",
        title="the smtp service is taken down with svc -d",
        breaks="svc -d /service/smtp",
        mends="svc -u /service/smtp",
        spoils=("smtp-25", "service:smtp"),
        expect=Expect(lead="MAIL-041", codes=("MAIL-001",), subject="smtp"),
    ),
    Fault(
        name="smtp-flapping",
        title="the smtp service ends each second and is started again",
        breaks="""
keep /var/qmail/supervise/smtp/run
cat >/var/qmail/supervise/smtp/run <<'END'
#!/bin/sh
exec 2>&1
echo "tcpserver: fatal: unable to read /etc/tcp.smtp.cdb: file does not exist"
exit 111
END
svc -t /service/smtp
""",
        mends="give_back /var/qmail/supervise/smtp/run\nsvc -t /service/smtp",
        spoils=("smtp-25", "service:smtp"),
        expect=Expect(lead="MAIL-042", codes=("MAIL-001", "MAIL-041"), subject="smtp"),
    ),
    Fault(
        name="smtp-error-greeting",
        title="port 25 greets with 421, as qmail-smtpd does without its control files",
        breaks="""
keep /var/qmail/supervise/smtp/run
greeting='printf "421 unable to read controls (\\#4.3.0)\\\\r\\\\n"'
sed -i "s#/var/qmail/bin/qmail-smtpd#$greeting#" /var/qmail/supervise/smtp/run
svc -t /service/smtp
""",
        mends="give_back /var/qmail/supervise/smtp/run\nsvc -t /service/smtp",
        spoils=("smtp-25",),
        expect=Expect(lead="MAIL-003", subject="25"),
    ),
    Fault(
        name="smtp-tls-broken",
        title="port 465 speaks plain SMTP",
        breaks="""
keep /var/qmail/supervise/smtp-ssl/run
sed -i 's/ --tls//' /var/qmail/supervise/smtp-ssl/run
svc -t /service/smtp-ssl
""",
        mends="give_back /var/qmail/supervise/smtp-ssl/run\nsvc -t /service/smtp-ssl",
        spoils=("smtp-465",),
        expect=Expect(lead="MAIL-004", subject="465"),
    ),
    Fault(
        name="supervise-gone",
        title="supervise of smtp is gone, and svscan does not bring it back",
        breaks="""
pkill -STOP -x svscan
tcpserver=$(pid_of smtp)
pkill -KILL -f '^supervise smtp$'
kill -TERM $tcpserver
""",
        mends="pkill -CONT -x svscan",
        spoils=("smtp-25", "service:smtp"),
        expect=Expect(lead="MAIL-040", codes=("MAIL-001",), subject="smtp"),
    ),
    Fault(
        name="svscan-stopped",
        title="svscan is stopped, and with it all mail and name services",
        breaks="systemctl stop svscan",
        mends="systemctl start svscan",
        spoils=(
            "unit:svscan",
            "smtp-25",
            "smtp-587",
            "smtp-465",
            "service:send",
            "dns-udp",
            "dns-tcp",
            "resolver",
        ),
        expect=Expect(
            lead="MAIL-044",
            codes=("MAIL-001", "MAIL-034", "MAIL-040", "DNS-001", "DNS-002", "DNS-004", "SYSTEM-080"),
            subject="svscan",
        ),
    ),
    Fault(
        name="send-down",
        title="qmail-send is taken down; messages come in and wait",
        breaks="svc -d /service/send\nsleep 0.5\ninject 5 lab.invalid\nage_queue 900",
        mends="svc -u /service/send",
        spoils=("service:send", "queue"),
        expect=Expect(lead="MAIL-041", codes=("MAIL-030", "MAIL-031", "MAIL-034"), subject="send"),
    ),
    Fault(
        name="queue-stuck",
        title="qmail-send is frozen with messages two hours old in the queue",
        breaks="""
echo ':10.99.0.1:26' >/var/qmail/control/smtproutes
inject 12 remote.invalid
sleep 2
kill -STOP $(pid_of send)
inject 6 lab.invalid
age_queue 7200
$lib/age-log /var/log/send/current 7200
""",
        mends="""
echo ':10.99.0.1:25' >/var/qmail/control/smtproutes
kill -CONT $(pid_of send)
kill -ALRM $(pid_of send)
sleep 1
""",
        spoils=("queue",),
        expect=Expect(lead="MAIL-030", codes=("MAIL-031", "MAIL-034"), subject="queue"),
    ),
    Fault(
        name="queue-deferred",
        title="most deliveries are deferred: the next mail host refuses connections",
        breaks="""
echo ':10.99.0.1:26' >/var/qmail/control/smtproutes
for domain in 1 2 3 4 5 6 7 8; do inject 6 remote$domain.invalid; done
sleep 2
""",
        mends="""
echo ':10.99.0.1:25' >/var/qmail/control/smtproutes
kill -ALRM $(pid_of send)
sleep 1
""",
        spoils=("deliveries",),
        expect=Expect(
            lead="MAIL-033", codes=("MAIL-032",), subject="deferred", priority="High", in_scope=None
        ),
    ),
    Fault(
        name="queue-backlog",
        title="300 messages wait to be preprocessed, qmail-send is frozen",
        breaks="kill -STOP $(pid_of send)\ninject 300 lab.invalid\nage_queue 300",
        mends="kill -CONT $(pid_of send)",
        spoils=("queue",),
        expect=Expect(
            lead="MAIL-031", codes=("MAIL-032", "MAIL-034"), subject="queue", priority="High", in_scope=None
        ),
    ),
    Fault(
        name="dovecot-stopped",
        title="Dovecot is stopped",
        breaks="systemctl stop dovecot",
        mends="systemctl start dovecot",
        spoils=("unit:dovecot", "imap-143", "imap-993", "pop3-110", "pop3-995"),
        expect=Expect(lead="MAIL-010", codes=("MAIL-020",), subject="143"),
    ),
    Fault(
        name="dovecot-bad-config",
        title="Dovecot does not start: unknown setting in its configuration",
        breaks="""
keep /etc/dovecot/dovecot.conf
echo 'nonsense = yes' >>/etc/dovecot/dovecot.conf
systemctl restart dovecot
""",
        mends="give_back /etc/dovecot/dovecot.conf\nstart_again dovecot",
        spoils=("unit:dovecot", "imap-143", "imap-993", "pop3-110", "pop3-995"),
        expect=Expect(lead="MAIL-010", codes=("MAIL-020",), subject="143"),
    ),
    Fault(
        name="dovecot-frozen",
        title="Dovecot accepts connections and gives no greeting",
        breaks="freeze dovecot",
        mends="thaw dovecot",
        spoils=("imap-143", "imap-993", "pop3-110", "pop3-995"),
        expect=Expect(lead="MAIL-011", codes=("MAIL-021",), subject="143"),
    ),
    Fault(
        name="spamd-stopped",
        title="spamd is stopped",
        breaks="systemctl stop spamd",
        mends="systemctl start spamd",
        spoils=("unit:spamd", "spamd"),
        expect=Expect(lead="MAIL-050", subject="spamd", priority="High"),
    ),
    Fault(
        name="clamd-stopped",
        title="clamd is stopped",
        breaks="systemctl stop clamd",
        mends="systemctl start clamd",
        spoils=("unit:clamd", "clamd"),
        expect=Expect(lead="MAIL-051", subject="clamd", priority="High"),
    ),
)
