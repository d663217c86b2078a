#!/bin/sh
# The world beyond the server's gateway, in network, mount and process namespaces of its own:
# a real tinydns that plays the root name servers, and a mail sink. Argument: a directory to work in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
ip link set lo up
# The switch that servers are plugged into, with an address of its own that stays when another port comes.
ip link add switch address 02:00:0a:63:00:01 type bridge
ip addr add 10.99.0.1/24 dev switch
# An address on which nobody answers questions, not even "no": packets for it are dropped.
ip addr add 10.99.0.66/24 dev switch
ip link set switch up
nft -f - <<'END'
table inet world {
    chain incoming {
        type filter hook input priority 0; policy accept;
        ip daddr 10.99.0.66 drop
    }
}
END
mkdir -p "$folder"
cd "$folder"
cat >data <<'END'
.:10.99.0.1:root.outside.invalid:259200
&lab.invalid:10.99.0.10:ns1.example.invalid:259200
&example.invalid:10.99.0.10:ns1.example.invalid:259200
+mirror.outside.invalid:10.99.0.1:86400
+desk.outside.invalid:10.99.0.1:86400
END
tinydns-data
IP=10.99.0.1 ROOT="$folder" UID=0 GID=0 env tinydns &
tcpserver -R -H -l 0 -c 50 10.99.0.1 25 "$here/../root/var/qmail/bin/qmail-smtpd" --sink &
wait
