#!/bin/sh
# The main job on a live stand-in server: break a service, diagnose inside, mend it, diagnose again.
# LAB_FAULT chooses another fault (lab/iwxlab list).
set -eu
cd "$(dirname "$0")/.."
fault=${LAB_FAULT:-panel-db-killed}
name=${LAB_NAME:-demo}

if [ "$(id -u)" != 0 ]; then
    echo "lab-demo: the lab makes namespaces and mounts, so it needs root; without root: make demo" >&2
    exit 1
fi

lab() {
    verb=$1
    shift
    .venv/bin/python lab/iwxlab "$verb" --name "$name" "$@"
}

inside() { lab run -- env PYTHONPATH=/opt/iwx-agent "$python" -m iwx_agent "$@"; }

# The server starts from this machine's own programs, so its Python is there too; the packages are copied in.
python=$(.venv/bin/python -c 'import os, sys; print(os.path.realpath(sys.executable))')
packages=$(mktemp -d)
trap 'rm -rf "$packages"; lab down || true' EXIT
trap 'exit 130' INT TERM

lab install
lab up
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-compile --target "$packages" .
lab run -- mkdir -p /opt/iwx-agent
tar -C "$packages" -cf - . | lab run -- tar -C /opt/iwx-agent -xf -
# This machine may have come up a minute ago, and with it the server; in those minutes nothing is an emergency.
lab run -- sh -c 'mkdir -p /etc/iwx-agent && echo "boot_grace_s = 0" >/etc/iwx-agent/config.toml'

printf '\n$ iwxlab break %s\n' "$fault"
lab break "$fault"
printf '\n$ iwx-agent diagnose\n\n'
code=0
inside diagnose || code=$?
printf '\nExit code %s. The ticket for it:\n\n$ iwx-agent ticket\n\n' "$code"
inside ticket || true
printf '\n$ iwxlab mend %s\n' "$fault"
lab mend "$fault"
printf '\n$ iwx-agent diagnose\n\n'
mended=0
inside diagnose || mended=$?
printf '\nExit code %s after it was mended, %s while it was broken.\n' "$mended" "$code"
case $code in 1 | 3) ;; *) echo "lab-demo: the fault was not found" >&2; exit 1 ;; esac
[ "$mended" = 0 ] || { echo "lab-demo: the mended server is not clean" >&2; exit 1; }
