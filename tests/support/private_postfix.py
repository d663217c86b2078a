"""A real postfix of its own, as Debian packs it: installed and run in an overlay over this machine's root.

All of it (mounts, files, users, processes) is in namespaces that end with it. Only its port, on 127.0.0.1, is
this machine's.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[2] / ".nox" / "postfix"
_START_S = 60.0
_SCRIPT = r"""
set -eu
place=$1 packages=$2 identity=$3 port=$4 relay=$5
mount -t tmpfs -o size=600m,mode=755 tmpfs "$place"
cd "$place"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs tmpfs root/run
mount -t tmpfs tmpfs root/tmp
mkdir -p root/run/packages/partial
cp "$packages"/*.deb root/run/packages  # apt locks where they are
cp "$identity" root/run/identity.pem
rm -f root/usr/sbin/policy-rc.d
printf '#!/bin/sh\nexit 101\n' >root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
cat >root/run/inside <<'END'
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
apt-get -qq -o Dir::Cache::archives=/run/packages -o APT::Sandbox::User=root \
    -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends --no-download postfix
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
cat >/etc/postfix/main.cf <<CONF
compatibility_level = 3.6
myhostname = iwx1.example.com
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:$2
smtp_dns_support_level = disabled
message_size_limit = 1000000
maillog_file = /dev/stdout
alias_maps =
smtpd_tls_chain_files = /run/identity.pem
smtpd_tls_security_level = may
smtpd_recipient_restrictions =
    check_recipient_access inline:{
        { refused@example.com = 554 5.7.1 nobody reads this }
        { later@example.com = 451 4.7.1 Greylisted, come again in 90 seconds } }
    permit_mynetworks, reject
CONF
postconf -F '*/*/chroot=n'
postconf -M -X smtp/inet
postconf -M "127.0.0.1:$1/inet=127.0.0.1:$1 inet n - n - - smtpd"
exec postfix start-fg
END
# Not by exec: this shell is the first process of its namespace, and when it is killed all others are. postfix
# changes its user, by which a process forgets with whom it was to end.
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root \
    DEBIAN_FRONTEND=noninteractive chroot root sh -eu /run/inside "$port" "$relay" || exit
"""


def why_not() -> str:
    """Return why there can be none here; empty when there can."""
    if not any(PACKAGES.glob("postfix_*.deb")):
        return "no packages of postfix: tools/postfix.sh"
    return ""


@contextmanager
def postfix(place: Path, relay_port: int, identity: Path) -> Iterator[int]:
    """Run one that relays all it gets to a port of 127.0.0.1; yield its own port.

    ``identity`` is its key and certificate for STARTTLS. It refuses refused@example.com and puts off
    later@example.com.
    """
    place.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    log = place.with_suffix(".log")
    apart = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
    given = (str(place), str(PACKAGES), str(identity), str(port), str(relay_port))
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*apart, "sh", "-c", _SCRIPT, "postfix", *given],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        until = time.monotonic() + _START_S
        while not _greets(port):
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"postfix does not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait(10)


def _greets(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        return connection.recv(4) == b"220 "
    return False
