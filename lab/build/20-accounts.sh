# Accounts that an InterWorx server has; those that a package of the machine made already stay as they are.
new_user() { id "$1" >/dev/null 2>&1 || useradd --system --user-group --home-dir "${2:-/nonexistent}" --shell /sbin/nologin "$1"; }
getent group qmail >/dev/null || groupadd --system qmail
for name in iworx iworx-web iworx-horde iworx-roundcube iworx-pma iworx-backup; do new_user $name /usr/local/interworx; done
for name in qmailq qmails qmailr qmailp qmaill qmaild alias; do new_user $name /var/qmail; done
new_user vpopmail /home/vpopmail
new_user apache /usr/share/httpd
for name in tinydns axfrdns dnscache mysql dovecot dovenull; do new_user $name; done
usermod --shell /bin/sh iworx
mkdir -p /home
for number in $(seq -w 1 12); do
    id "site$number" >/dev/null 2>&1 || useradd --create-home --user-group --shell /bin/bash --skel /nonexistent "site$number" 2>/dev/null
    chmod 711 "/home/site$number"
done
