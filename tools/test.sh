#!/bin/sh
# Everything that can run here, the fast part first. What is left out is said, with the reason; in CI (CI=true)
# nothing may be left out. LAB=no leaves the lab out by choice.
set -eu
cd "$(dirname "$0")/.."
left_out=
leave_out() {
    if [ -n "${CI:-}" ]; then
        echo "test: in CI nothing may be left out, but would be: $1" >&2
        exit 1
    fi
    echo "test: will be left out: $1"
    left_out="$left_out
test: left out: $1"
}

if [ "${LAB:-}" = no ]; then
    leave_out "the tests on the stand-in server: left out by choice (LAB=no)"
elif [ "$(id -u)" != 0 ]; then
    leave_out "the tests on the stand-in server: not root, and the lab makes namespaces and mounts"
elif ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    leave_out "the tests on the stand-in server: the lab is made of Debian's packages, and this is not Debian"
else
    echo "test: the lab's packages and base layer"
    .venv/bin/python lab/iwxlab install
    echo "test: the packages of a postfix"
    sh tools/postfix.sh || leave_out "mail through a real postfix: see above"
fi

echo "test: the help desk"
.venv/bin/python lab/desk/desk.py install || leave_out "the real help desk: see above"

echo "test: the browser for the HTML report"
sh tools/browser.sh || leave_out "the HTML report in a browser: see above"
echo "test: the monitoring systems"
sh tools/monitoring.sh || leave_out "what monitoring systems say of the outputs: see above"

status=0
.venv/bin/nox -s lint types layers docs tests e2e coverage || status=$?

echo
echo "${left_out:-
test: nothing was left out}" | tail -n +2
[ "$status" = 0 ] && echo "test: all is well" || echo "test: something failed, see above" >&2
exit "$status"
