"""Faults of the panel itself."""

from __future__ import annotations

from .model import Expect, Fault

RESTART = "start_again iworx"
PANEL_WEB = ("panel-2443", "panel-2080")

PANEL = (
    Fault(
        name="panel-db-killed",
        title="the panel database is killed, the unit stays active",
        breaks="pkill -KILL -x iworx-db",
        mends=RESTART,
        spoils=("panel-db", "panel-processes", "panel-cli", *PANEL_WEB),
        expect=Expect(lead="PANEL-040", codes=("PANEL-021", "PANEL-004"), subject="iworx-db"),
    ),
    Fault(
        name="panel-db-frozen",
        title="the panel database accepts connections and says nothing",
        breaks="pkill -STOP -x iworx-db",
        mends="pkill -CONT -x iworx-db",
        spoils=("panel-db", "panel-cli", *PANEL_WEB),
        expect=Expect(lead="PANEL-042", codes=("PANEL-002",), subject="iworx-db"),
    ),
    Fault(
        name="panel-db-too-many",
        title="the panel database answers 'Too many connections'",
        breaks="""
mariadb --no-defaults -uroot -S $panel/mysql/iworx-db.sock -e 'SET GLOBAL max_connections = 10'
hold panel-db php $lib/hold-mysql.php $panel/mysql/iworx-db.sock iworx not-a-real-secret-1 11
""",
        mends="""
release panel-db
client="mariadb --no-defaults -uroot -S $panel/mysql/iworx-db.sock"
for _ in 1 2 3 4 5 6 7 8 9; do
    $client -e 'SET GLOBAL max_connections = 100' 2>/dev/null && break
    sleep 0.2
done
""",
        spoils=("panel-db", "panel-cli", *PANEL_WEB),
        expect=Expect(lead="PANEL-041", codes=("PANEL-004",), subject="iworx-db"),
    ),
    Fault(
        name="panel-web-killed",
        title="the panel web server is killed, the unit stays active",
        breaks="pkill -KILL -x iworx-web",
        mends=RESTART,
        spoils=("panel-processes", "panel-port", *PANEL_WEB),
        expect=Expect(lead="PANEL-030", codes=("PANEL-001", "PANEL-021"), subject="iworx-web"),
    ),
    Fault(
        name="panel-web-frozen",
        title="the panel web server accepts connections and says nothing",
        breaks="pkill -STOP -x iworx-web",
        mends="pkill -CONT -x iworx-web",
        spoils=PANEL_WEB,
        expect=Expect(lead="PANEL-002", subject="2443"),
    ),
    Fault(
        name="panel-web-503",
        title="the panel web server answers 503 to everything",
        breaks="""
printf 'Redirect 503 /\\nErrorDocument 503 "Service Unavailable"\\n' >$panel/etc/httpd/conf.d/fault-503.conf
panel_reload
""",
        mends="rm -f $panel/etc/httpd/conf.d/fault-503.conf\npanel_reload",
        spoils=PANEL_WEB,
        expect=Expect(lead="PANEL-004", subject="503"),
    ),
    Fault(
        name="panel-web-plain",
        title="port 2443 speaks plain HTTP",
        breaks="""
keep $panel/etc/httpd/conf.d/listen.conf
sed -i 's/SSLEngine on/SSLEngine off/' $panel/etc/httpd/conf.d/listen.conf
panel_reload
""",
        mends="give_back $panel/etc/httpd/conf.d/listen.conf\npanel_reload",
        spoils=("panel-2443",),
        expect=Expect(lead="PANEL-003", subject="2443"),
    ),
    Fault(
        name="panel-port-taken",
        title="another program holds port 2443 and the panel does not start",
        breaks="""
systemctl stop iworx
hold panel-port /usr/bin/python3 -m http.server 2443
sleep 0.3
systemctl start iworx 2>/dev/null || true
""",
        mends="release panel-port\n" + RESTART,
        spoils=("panel-port", "panel-processes", "unit:iworx", *PANEL_WEB),
        expect=Expect(
            lead="PANEL-031",
            codes=("PANEL-001", "PANEL-003", "PANEL-005", "PANEL-020", "PANEL-030", "PANEL-040"),
            subject="2443",
        ),
    ),
    Fault(
        name="panel-web-drip",
        title="the panel sends its page a byte at a time",
        breaks="""
keep $panel/html/nodeworx/index.php
cat >$panel/html/nodeworx/index.php <<'END'
<?php
set_time_limit(0);
header('Content-Length: 4000');
for ($sent = 0; $sent < 4000; $sent++) { echo 'x'; @ob_flush(); flush(); sleep(1); }
END
""",
        mends="give_back $panel/html/nodeworx/index.php\nstart_again iworxphp82-php-fpm",
        spoils=PANEL_WEB,
        expect=Expect(lead="PANEL-002", subject="2443"),
    ),
    Fault(
        name="panel-php-killed",
        title="the panel's php-fpm is killed, its unit has failed",
        breaks="systemctl kill --kill-who=all -s KILL iworxphp82-php-fpm",
        mends="start_again iworxphp82-php-fpm",
        spoils=("unit:iworxphp82-php-fpm", *PANEL_WEB),
        expect=Expect(lead="PANEL-050", codes=("PANEL-004", "PANEL-051", "PANEL-052"), subject="php-fpm"),
    ),
    Fault(
        name="panel-stopped",
        title="the unit iworx is stopped",
        breaks="systemctl stop iworx",
        mends="systemctl start iworx",
        spoils=("unit:iworx", "panel-db", "panel-processes", *PANEL_WEB),
        expect=Expect(lead="PANEL-022", codes=("PANEL-001", "PANEL-030", "PANEL-040"), subject="iworx"),
    ),
    Fault(
        name="panel-start-fails",
        title="the unit iworx fails to start: its database has a wrong setting",
        breaks="""
keep $panel/mysql/my.cnf
echo 'innodb_no_such_setting=1' >>$panel/mysql/my.cnf
systemctl restart iworx 2>/dev/null || true
""",
        mends="give_back $panel/mysql/my.cnf\n" + RESTART,
        spoils=("unit:iworx", "panel-db", "panel-processes", *PANEL_WEB),
        expect=Expect(lead="PANEL-020", codes=("PANEL-001", "PANEL-030", "PANEL-040"), subject="iworx"),
    ),
    Fault(
        name="panel-cron-stopped",
        title="crond is stopped and the panel's cron has not run for 40 minutes",
        breaks="""
systemctl stop crond
journalctl -q --rotate
rm -f /var/log/journal/*/system@*.journal
{
    for ago in $(seq 10800 -300 2400); do
        echo "-$ago CROND[3$ago]: (iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)"
    done
    for ago in $(seq 2300 -600 100); do echo "-$ago sshd[49]: Connection closed by 10.99.0.1 port 40022"; done
} | $lib/journal-write --name cron
""",
        mends="""
rm -f /var/log/journal/*/system@lab-cron.journal /run/crond.reboot
systemctl start crond
""",
        spoils=("unit:crond", "panel-cron"),
        expect=Expect(lead="PANEL-060", codes=("PANEL-061",), subject="crond", priority="High"),
    ),
)
