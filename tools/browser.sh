#!/bin/sh
# What the tests of the HTML report in a browser need: Debian's Chromium, and axe-core from npm into .nox/axe. Does
# nothing when that is done; fails with one line where it cannot be done.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "browser: $*" >&2; exit 1; }

missing=
command -v chromium >/dev/null 2>&1 || missing=chromium
command -v npm >/dev/null 2>&1 || missing="$missing npm"
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] || fail "not installed, and only root could: $missing"
    command -v apt-get >/dev/null 2>&1 || fail "not installed, and this is not Debian: $missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 -qq update
    # shellcheck disable=SC2086 # a list of names
    apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends $missing >/dev/null
fi

wanted=tests/e2e/package-lock.json
if ! cmp -s $wanted .nox/axe/package-lock.json || [ ! -s .nox/axe/node_modules/axe-core/axe.min.js ]; then
    mkdir -p .nox/axe
    cp tests/e2e/package.json $wanted .nox/axe/
    if ! (cd .nox/axe && npm ci --silent --ignore-scripts --no-audit --no-fund </dev/null); then
        rm -f .nox/axe/package-lock.json
        fail "npm could not install axe-core"
    fi
fi
