#!/bin/sh
# Make .venv with a Python that is new enough and put into it the program (run), nox (test), or this source tree,
# editable, with all tools (dev). Does nothing when that is done. pip is heard only when it fails.
set -eu
cd "$(dirname "$0")/.."
want=${1:-}
case $want in run | test | dev) ;; *) echo "usage: tools/setup.sh run|test|dev" >&2; exit 2 ;; esac

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    python=$(find_python) || fail "no Python 3.11 or newer. Debian 12 has it as python3, Enterprise Linux 8 and 9 as" \
        "'dnf install python3.11'; or name one: make PYTHON=/path/to/python3"
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        # Debian keeps these two in a package of their own.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            say "installing python3-venv with apt-get"
            quietly apt-get update
            quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv
        else
            fail "$python has no venv; as root: apt-get install python3-venv"
        fi
    fi
    say "making .venv with $("$python" --version)"
    quietly "$python" -m venv --clear .venv
}

quietly() {
    log=$(mktemp)
    if "$@" >"$log" 2>&1 </dev/null; then
        rm -f "$log"
    else
        status=$?
        cat "$log" >&2
        rm -f "$log"
        fail "failed with exit code $status: $*"
    fi
}

install() { quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "$@"; }

editable() { grep -qs '"editable": *true' .venv/lib/python3*/site-packages/iwx_agent-*.dist-info/direct_url.json; }

# A stamp is current when nothing that it was made from is newer.
current() {
    stamp=$1
    shift
    [ -e "$stamp" ] && [ -z "$(find "$@" -type f ! -path '*/__pycache__/*' -newer "$stamp" 2>/dev/null | head -n 1)" ]
}

.venv/bin/python -c 'import pip' >/dev/null 2>&1 || make_venv

case $want in
run)
    stamp=.venv/.installed-program
    if editable || current $stamp pyproject.toml iwx_agent docs/reference/checks; then exit 0; fi
    say "installing iwx-agent into .venv"
    install --upgrade .
    ;;
test)
    stamp=.venv/.installed-nox
    if [ -x .venv/bin/nox ]; then exit 0; fi
    say "installing nox into .venv"
    install 'nox>=2024.4'
    ;;
dev)
    stamp=.venv/.installed-dev
    if editable && current $stamp pyproject.toml; then exit 0; fi
    say "installing this source tree, editable, and all tools into .venv"
    install -e '.[dev]'
    ;;
esac
touch $stamp
