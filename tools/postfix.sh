#!/bin/sh
# What the tests of mail by a real postfix need: Debian's packages of it, fetched into .nox/postfix and not installed,
# since a machine has one mail system and that may be another. Does nothing when they are there; fails with one line
# where they cannot be had.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "postfix: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "not root, and apt-get fetches for root only"
command -v apt-get >/dev/null 2>&1 || fail "not Debian: the packages are Debian's"
place=$PWD/.nox/postfix
mkdir -p "$place/partial"

apt="apt-get -o DPkg::Lock::Timeout=300 -qq"
# apt's own user may not write here. What is there already is not fetched again.
fetch() {
    $apt -o Dir::Cache::archives="$place" -o APT::Sandbox::User=root \
        install -y --no-install-recommends --reinstall --download-only postfix >/dev/null
}
if ! fetch 2>/dev/null; then
    $apt update >/dev/null || fail "apt-get could not look up what there is"
    fetch || fail "apt-get could not fetch it"
fi
