# daemontools services under /service, qmail's queue, and the three real djbdns programs.
mkdir -p /service
for name in send smtp smtp2 smtp-ssl; do
    service=/var/qmail/supervise/$name
    mkdir -p $service/log /var/log/$name
    chown qmaill:qmail /var/log/$name
    chmod 1755 $service
    case $name in
    send) line='/var/qmail/bin/qmail-send' ;;
    smtp) line='tcpserver -v -R -H -l 0 -c 20 -u $(id -u qmailq) -g $(id -g qmailq) 0 25 /var/qmail/bin/qmail-smtpd' ;;
    smtp2) line='tcpserver -v -R -H -l 0 -c 20 -u $(id -u qmailq) -g $(id -g qmailq) 0 587 /var/qmail/bin/qmail-smtpd' ;;
    smtp-ssl) line='tcpserver -v -R -H -l 0 -c 20 -u $(id -u qmailq) -g $(id -g qmailq) 0 465 /var/qmail/bin/qmail-smtpd --tls' ;;
    esac
    printf '#!/bin/sh\nexec 2>&1\nexec %s\n' "$line" >$service/run
    printf '#!/bin/sh\nexec setuidgid qmaill multilog t s1000000 n20 /var/log/%s\n' $name >$service/log/run
    chmod 755 $service/run $service/log/run
    ln -s $service /service/$name
done
chown root:qmailq /var/qmail/control/servercert.pem
chmod 640 /var/qmail/control/servercert.pem

queue=/var/qmail/queue
mkdir -p $queue/bounce $queue/intd $queue/lock $queue/pid $queue/todo
for number in $(seq 0 22); do mkdir -p $queue/mess/$number $queue/info/$number $queue/local/$number $queue/remote/$number; done
mkfifo $queue/lock/trigger
head -c 1024 /dev/zero >$queue/lock/tcpto
: >$queue/lock/sendmutex
chown -R qmailq:qmail $queue
chown -R qmails:qmail $queue/bounce $queue/info $queue/local $queue/remote $queue/lock/trigger $queue/lock/sendmutex
chown qmailr:qmail $queue/lock/tcpto
chmod 750 $queue $queue/lock $queue/mess $queue/todo
chmod 700 $queue/bounce $queue/info $queue/local $queue/remote $queue/intd $queue/pid
chmod 622 $queue/lock/trigger
cd /var/qmail/control
echo iwx1.lab.invalid >me
printf '%s\n' lab.invalid iwx1.lab.invalid >locals
printf '%s\n' lab.invalid example.invalid >rcpthosts
echo ':10.99.0.1:25' >smtproutes
echo 20 >concurrencyremote
echo 604800 >queuelifetime

dns=/var/djbdns
mkdir -p $dns/tinydns/env $dns/tinydns/root $dns/tinydns/log $dns/axfrdns/env $dns/axfrdns/log \
    $dns/dnscache/env $dns/dnscache/root/ip $dns/dnscache/root/servers $dns/dnscache/log
cd $dns/tinydns/root
{
    echo '.example.invalid:10.99.0.10:ns1.example.invalid:259200'
    echo '.lab.invalid:10.99.0.10:ns1.example.invalid:259200'
    echo '+example.invalid:10.99.0.10:86400'
    echo '=iwx1.lab.invalid:10.99.0.10:86400'
    echo '=iwx2.lab.invalid:10.99.0.20:86400'
    echo '+*.lab.invalid:10.99.0.10:86400'
    echo '@lab.invalid::iwx1.lab.invalid:10:86400'
    for number in $(seq -w 1 12); do
        printf '+site%s.example.invalid:10.99.0.10:86400\n+www.site%s.example.invalid:10.99.0.10:86400\n' $number $number
    done
} >data
tinydns-data
echo 10.99.0.10 >$dns/tinydns/env/IP
echo $dns/tinydns/root >$dns/tinydns/env/ROOT
echo 10.99.0.10 >$dns/axfrdns/env/IP
echo $dns/tinydns/root >$dns/axfrdns/env/ROOT
echo ':allow' >$dns/axfrdns/tcp
tcprules $dns/axfrdns/tcp.cdb $dns/axfrdns/tcp.tmp <$dns/axfrdns/tcp
echo 127.0.0.1 >$dns/dnscache/env/IP
echo 0.0.0.0 >$dns/dnscache/env/IPSEND
echo 1000000 >$dns/dnscache/env/CACHESIZE
echo $dns/dnscache/root >$dns/dnscache/env/ROOT
touch $dns/dnscache/root/ip/127.0.0.1
# The gateway plays the root servers of the outside world.
echo 10.99.0.1 >$dns/dnscache/root/servers/@
echo 10.99.0.10 >$dns/dnscache/root/servers/example.invalid
echo 10.99.0.10 >$dns/dnscache/root/servers/lab.invalid
printf '#!/bin/sh\nexec 2>&1\nexec envuidgid tinydns envdir ./env softlimit -d300000000 /usr/bin/tinydns\n' >$dns/tinydns/run
printf '#!/bin/sh\nexec 2>&1\nexec envdir ./env sh -c '"'"'exec envuidgid axfrdns tcpserver -vDRHl0 -x tcp.cdb -- "$IP" 53 /usr/bin/axfrdns'"'\n" >$dns/axfrdns/run
printf '#!/bin/sh\nexec 2>&1\nexec </dev/urandom envuidgid dnscache envdir ./env softlimit -o250 -d300000000 /usr/bin/dnscache\n' >$dns/dnscache/run
for name in tinydns axfrdns dnscache; do
    mkdir -p /var/log/$name
    chown qmaill:qmail /var/log/$name
    printf '#!/bin/sh\nexec setuidgid qmaill multilog t s1000000 n5 /var/log/%s\n' $name >$dns/$name/log/run
    chmod 755 $dns/$name/run $dns/$name/log/run
    ln -s $dns/$name /service/$name
done
