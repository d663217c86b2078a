# A few empty rpms, built here, installed by the real dnf: so rpm -q, dnf history and dnf.log have an answer.
repo=/opt/iwxlab-repo
mkdir -p $repo /var/lib/rpm /run/rpmbuild
rm -f /etc/dnf/plugins/local.conf
printf '[main]\nenabled=0\n' >/etc/dnf/plugins/local.conf
rpmdb --initdb
package() { # NAME VERSION RELEASE [EXTRA SPEC LINE]
    cat >/run/rpmbuild/$1.spec <<END
Name: $1
Version: $2
Release: $3
Summary: Stand-in package of a test server
License: none
BuildArch: noarch
${4:-}
%description
Empty: only its name and version are wanted.
%files
END
    rpmbuild -bb --quiet --define '_topdir /run/rpmbuild' --define "_rpmdir $repo" /run/rpmbuild/$1.spec >/run/rpmbuild/log 2>&1 ||
        { cat /run/rpmbuild/log >&2; exit 1; }
}
package almalinux-release 9.4 1.el9 'Provides: system-release(releasever) = 9
Provides: system-release = 9.4'
package interworx 8.2.0 2345.rhe9x.iworx 'Requires: interworx-cli = 8.2.0'
package interworx-cli 8.2.0 2345.rhe9x.iworx
package iworxphp82-php-fpm 8.2.20 1.rhe9x.iworx
package iworx-mariadb 10.11.8 1.rhe9x.iworx
for name in httpd mariadb-server dovecot proftpd php-fpm openssh-server chrony cronie qmail daemontools ucspi-tcp djbdns; do
    package $name 1.0 1.el9
done
createrepo_c -q $repo
dnf -y -q --releasever=9 install almalinux-release >/run/rpmbuild/log 2>&1 || { cat /run/rpmbuild/log >&2; exit 1; }
dnf -y -q install interworx interworx-cli iworxphp82-php-fpm iworx-mariadb httpd mariadb-server dovecot proftpd php-fpm \
    openssh-server chrony cronie qmail daemontools ucspi-tcp djbdns >/run/rpmbuild/log 2>&1 || { cat /run/rpmbuild/log >&2; exit 1; }
rm -rf /run/rpmbuild /run/*.log
