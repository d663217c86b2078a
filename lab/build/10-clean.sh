# Runs in the new root. Takes away what makes the machine a Debian machine, and what is nobody's business here.

# Only our own units shall start, and no unit shall carry a name that Enterprise Linux lacks.
rm -rf /etc/systemd/system/* /etc/init.d /etc/rc?.d /etc/cron.* /etc/crontab /var/spool/cron
cd /lib/systemd/system
rm -rf apache* nginx* ssh.service ssh.socket ssh@* rescue-ssh* cron.service php* proftpd* dovecot* mariadb* mysql* \
    postgresql* postfix* docker* containerd* packagekit* unattended* apt-daily* dpkg-* e2scrub* fstrim* \
    systemd-firstboot.service systemd-journal-remote* systemd-timesyncd* tinydns* axfrdns* dnscache* daemontools* \
    prometheus* man-db* logrotate* dnf-makecache* systemd-networkd* systemd-resolved* certbot* snmp*
rm -f timers.target.wants/* sockets.target.wants/systemd-journald-audit.socket sysinit.target.wants/systemd-firstboot*

# The machine's own logs, spools, databases and services are not the server's.
rm -rf /var/log/* /var/lib/iwx-agent /etc/iwx-agent /var/lib/mysql /var/lib/dnf /var/cache/dnf /var/lib/rpm /var/mail/* /service /etc/service /home/*
rm -rf /etc/dovecot /etc/httpd /etc/mysql /etc/ssh/sshd_config.d /etc/ssh/ssh_host* /etc/php-fpm.d /etc/yum.repos.d
rm -rf /etc/debian_version /etc/lsb-release /etc/machine-id /etc/hostname /etc/apt /etc/pip.conf /etc/ssh/ssh_config.d

# Of /root only what a Python needs to run stays in sight: the rest may be private.
for path in /root/.[!.]*; do
    case $path in
    /root/.pyenv|/root/.profile|/root/.bashrc|/root/.local) ;;
    *) rm -rf "$path" ;;
    esac
done
cp /usr/bin/timedatectl /usr/bin/timedatectl.real
