#!/bin/sh
# The monitoring systems that judge what the agent tells them: Debian's promtool, node_exporter, nagios4, NRPE. They are
# unpacked into .nox/monitoring and not installed, since nagios4 would bring a mail server along and the others would start.
# libwrap0 is what NRPE needs and a small Debian has not.
# Does nothing when that is done; fails with one line where it cannot be done.
set -eu
cd "$(dirname "$0")/.."

packages="libwrap0 prometheus prometheus-node-exporter nagios4-core nagios-nrpe-server nagios-nrpe-plugin monitoring-plugins-basic"
place=.nox/monitoring

fail() { echo "monitoring: $*" >&2; exit 1; }

if [ "$(cat $place/packages 2>/dev/null)" = "$packages" ]; then exit 0; fi
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || fail "not Debian: cannot unpack $packages"
rm -rf $place
mkdir -p $place/archives
cd $place/archives
# shellcheck disable=SC2086 # a list of names
if ! apt-get -qq download $packages >/dev/null 2>&1; then
    # The lists of packages are of another day. Only root can get new ones.
    [ "$(id -u)" = 0 ] || fail "apt-get could not download $packages; as root: apt-get update"
    apt-get -o DPkg::Lock::Timeout=300 -qq update
    # shellcheck disable=SC2086
    apt-get -qq download $packages >/dev/null || fail "apt-get could not download $packages"
fi
cd ..
for archive in archives/*.deb; do dpkg-deb -x "$archive" root; done
rm -rf archives root/usr/share
echo "$packages" >packages
