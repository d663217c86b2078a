#!/bin/sh
# Everything that can run here, the fast part first. What is left out is said, with the reason; in CI (CI=true)
# nothing may be left out. LAB=no leaves the lab out by choice.
set -eu
cd "$(dirname "$0")/.."
left_out=

if [ "${LAB:-}" = no ]; then
    left_out="the tests on the stand-in server: left out by choice (LAB=no)"
elif [ "$(id -u)" != 0 ]; then
    left_out="the tests on the stand-in server: not root, and the lab makes namespaces and mounts"
elif ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    left_out="the tests on the stand-in server: the lab is made of Debian's packages, and this is not Debian"
fi
if [ -n "$left_out" ] && [ -n "${CI:-}" ]; then
    echo "test: in CI nothing may be left out, but would be: $left_out" >&2
    exit 1
fi

if [ -z "$left_out" ]; then
    echo "test: the lab's packages and base layer"
    .venv/bin/python lab/iwxlab install
else
    echo "test: will be left out: $left_out"
fi

status=0
.venv/bin/nox -s lint types layers docs tests e2e coverage || status=$?

echo
if [ -n "$left_out" ]; then
    echo "test: left out: $left_out"
else
    echo "test: nothing was left out"
fi
[ "$status" = 0 ] && echo "test: all is well" || echo "test: something failed, see above" >&2
exit "$status"
