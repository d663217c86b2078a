#!/bin/sh
# The main job on a recording of a broken server: needs no root and no lab; the help desk at its end is installed
# from PyPI, and left out where that cannot be reached.
set -eu
cd "$(dirname "$0")/.."
capture=${DEMO_CAPTURE:-tests/roots/panel-port-taken}

step() { printf '\n$ %s\n\n' "$*"; }

# Show a command that may end with any of the exit codes that mean "judged"; $code is what it ended with.
show() {
    step "iwx-agent $*"
    code=0
    .venv/bin/iwx-agent "$@" || code=$?
    case $code in
    0) means="nothing wrong" ;;
    1) means="problems found, none an emergency" ;;
    3) means="an emergency" ;;
    4) means="nothing found, but some checks could not tell" ;;
    *) echo "demo: iwx-agent ended with exit code $code, which is not a judgement" >&2; exit 1 ;;
    esac
}

echo "A recorded server (${capture##*/}) is judged as if this were it: the same code, with the recorded clock."
show diagnose --from "$capture"
printf '\nExit code %s: %s.\n' "$code" "$means"
if [ -z "${DEMO_CAPTURE:-}" ] && [ "$code" != 3 ]; then
    echo "demo: this recording holds an emergency; exit code 3 was expected" >&2
    exit 1
fi
echo "The ticket for it, ready to paste into the support form:"
show ticket --from "$capture"
if [ -z "${DEMO_CAPTURE:-}" ]; then
    printf '\nAnd sent, by its form, to a real help desk on this machine (django-helpdesk; made at the first use):\n\n'
    .venv/bin/python tools/demo_desk.py "$capture"
fi
printf '\nThe demo is done. On a server: iwx-agent diagnose, iwx-agent ticket, iwx-agent submit.\n'
