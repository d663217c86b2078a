# The tree of files, then what is made from it: links, sites, certificates, queue, name service.
cp -a --no-preserve=ownership --remove-destination /run/iwxlab-build/root/. /
# Names under which real programs run here; the kernel shows a process by the name it was started by.
mkdir -p /usr/libexec/iwxlab /usr/local/interworx/bin/httpd /usr/local/interworx/mysql/sbin /opt/iworx/iworxphp82/root/usr/sbin
ln -sf /usr/sbin/apache2 /usr/libexec/iwxlab/httpd
ln -sf /usr/sbin/apache2 /usr/local/interworx/bin/httpd/iworx-web
ln -sf /usr/sbin/mariadbd /usr/local/interworx/mysql/sbin/iworx-db
php_fpm=$(ls /usr/sbin/php-fpm?.? | tail -1)
ln -sf "$php_fpm" /usr/sbin/php-fpm
ln -sf "$php_fpm" /opt/iworx/iworxphp82/root/usr/sbin/php-fpm
ln -sf /usr/bin/php /usr/local/interworx/bin/php
ln -sf /usr/sbin/cron /usr/sbin/crond
ln -sf /usr/bin/sleep /usr/local/lib/iwxlab/chronyd
[ -e /usr/bin/yum ] || ln -s dnf-3 /usr/bin/yum
for name in tinydns axfrdns dnscache; do [ -e /usr/bin/$name ] || ln -s /usr/sbin/$name /usr/bin/$name; done
for name in qmail-lspawn qmail-rspawn qmail-clean; do ln -sf /usr/bin/cat /var/qmail/bin/$name; done
ln -sfn /usr/local/interworx /home/interworx

mkdir -p /var/log/httpd /var/log/php-fpm /var/log/mariadb /var/log/dovecot /var/log/proftpd /var/log/journal \
    /var/lib/interworx-stand-in /etc/httpd/conf.d /var/www/html /mnt/backup /chroot /etc/pki/tls/certs /etc/pki/tls/private
ln -sfn /usr/lib/apache2/modules /etc/httpd/modules
ln -sfn /var/log/httpd /etc/httpd/logs
ln -sfn /home /chroot/home
touch /var/log/messages /var/log/secure /var/log/maillog /var/log/cron
chmod 600 /var/log/messages /var/log/secure /var/log/maillog /var/log/cron
chown mysql:mysql /var/log/mariadb
chown apache:apache /var/log/php-fpm
echo on >/var/lib/interworx-stand-in/remote-assistance
echo 10.99.0.10 >/var/lib/interworx-stand-in/address
echo synchronised >/var/lib/interworx-stand-in/clock

panel=/usr/local/interworx
mkdir -p $panel/var/log $panel/var/run $panel/etc/ssl $panel/var/errors/disabled $panel/var/errors/overage
touch $panel/var/log/iworx.log $panel/var/log/stack.log $panel/var/log/login_failures.log $panel/var/log/iworx-init.log
chown -R iworx:iworx $panel/var $panel/cron
chown iworx-web:iworx-web $panel/var/run
chown iworx:iworx-web $panel/iworx.ini
chmod 640 $panel/iworx.ini
chmod 1777 $panel/var/run

mkdir -p /var/spool/cron/crontabs /etc/cron.d
: >/etc/crontab
# @reboot: a server that has just come up must already have a run of the panel's cron to show.
printf '%s\n' '@reboot cd /home/interworx/cron ; ./iworx.pex --fively' '*/5 * * * * cd /home/interworx/cron ; ./iworx.pex --fively' \
    '*/15 * * * * cd /home/interworx/cron ; ./iworx.pex --fifteenly' '7 * * * * cd /home/interworx/cron ; ./iworx.pex --hourly' \
    '11 3 * * * cd /home/interworx/cron ; ./iworx.pex --daily' >/var/spool/cron/crontabs/iworx
chmod 1730 /var/spool/cron/crontabs
chown root:crontab /var/spool/cron/crontabs
chown iworx:crontab /var/spool/cron/crontabs/iworx
chmod 600 /var/spool/cron/crontabs/iworx
ln -s crontabs/iworx /var/spool/cron/iworx

systemctl --quiet enable iworx iworxphp82-php-fpm httpd php-fpm mariadb dovecot proftpd sshd svscan crond spamd clamd chronyd
systemctl --quiet mask console-getty.service systemd-binfmt.service systemd-modules-load.service
