# A few empty rpms, built here, installed by the real dnf: so rpm -q, dnf history and dnf.log have an answer.
repo=/opt/iwxlab-repo
mkdir -p $repo /var/lib/rpm /run/rpmbuild
rm -f /etc/dnf/plugins/local.conf
printf '[main]\nenabled=0\n' >/etc/dnf/plugins/local.conf
rpmdb --initdb
package() { # NAME VERSION RELEASE [EXTRA SPEC LINES [SECTIONS AFTER %description]]
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
${5:-%files}
END
    rpmbuild -bb --quiet --define '_topdir /run/rpmbuild' --define "_rpmdir $repo" /run/rpmbuild/$1.spec >/run/rpmbuild/log 2>&1 ||
        { cat /run/rpmbuild/log >&2; exit 1; }
}
package almalinux-release 9.4 1.el9 'Provides: system-release(releasever) = 9
Provides: system-release = 9.4
Provides: /bin/sh'
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

# Repositories for faults; a fault lets dnf know of the one it needs (faults.sh, repository).
for repo in next unmet scripts files; do mkdir -p /opt/iwxlab-faults/$repo; done
repo=/opt/iwxlab-faults/next
package interworx 8.2.1 2400.rhe9x.iworx 'Requires: interworx-cli = 8.2.1'
package interworx-cli 8.2.1 2400.rhe9x.iworx
repo=/opt/iwxlab-faults/unmet
package interworx 8.3.0 2500.rhe9x.iworx 'Requires: libiworx.so.7()(64bit)'
repo=/opt/iwxlab-faults/scripts
fails='%post
echo "no such database" >&2
exit 1
%files'
# The parent of a scriptlet is the program that runs the transaction.
kills='%post
kill -9 $PPID
sleep 1
%files'
waits='%post
touch /run/lab-slow-started
while [ -e /run/lab-slow ]; do sleep 0.1; done
%files'
package interworx-roundcube 8.2.0 2345.rhe9x.iworx '' "$fails"
package interworx-horde 8.2.0 2345.rhe9x.iworx '' "$kills"
package other-fails 1.0 1.el9 '' "$fails"
package other-kills 1.0 1.el9 '' "$kills"
package other-slow 1.0 1.el9 '' "$waits"
repo=/opt/iwxlab-faults/files
same='%install
mkdir -p %{buildroot}/usr/share/iwxlab-faults
echo %{name} >%{buildroot}/usr/share/iwxlab-faults/same
%files
/usr/share/iwxlab-faults/same'
package file-one 1.0 1.el9 '' "$same"
package file-two 1.0 1.el9 '' "$same"
package file-big 1.0 1.el9 '' '%install
mkdir -p %{buildroot}/opt/lab-big
truncate -s 40M %{buildroot}/opt/lab-big/blob
%files
/opt/lab-big/blob'
for repo in next unmet scripts files; do createrepo_c -q /opt/iwxlab-faults/$repo; done
rm -rf /run/rpmbuild /run/*.log
cp -a /etc/yum.repos.d /usr/local/lib/iwxlab/repositories-when-healthy
