"""Faults of the machine underneath: disks, memory, customer MySQL, names, clock."""

from __future__ import annotations

from .model import Expect, Fault

SEND_RESTART = "svc -t /service/send"
FILL = """
fallocate -l "$(df --output=avail -B1 / | tail -1)" /var/tmp/fill 2>/dev/null || true
dd if=/dev/zero of=/var/tmp/fill-rest bs=4k 2>/dev/null || true
"""
EMPTY = "rm -f /var/tmp/fill /var/tmp/fill-rest\nstart_failed\nempty_queue"
DISK_FULL_CODES = ("MAIL-003", "MAIL-030", "MAIL-034", "PANEL-004", "PANEL-061", "SYSTEM-054")

SYSTEM = (
    Fault(
        name="disk-full",
        title="the root file system is full",
        # Dovecot ends when it cannot write its log, some 25 connections after the disk is full: a fresh page
        # of the log keeps this fault apart from the next.
        breaks="echo 'a fresh page' >/var/log/dovecot/dovecot.log\n" + FILL,
        mends=EMPTY,
        spoils=("disk-root", "disk-queue", "mail-through"),
        expect=Expect(
            lead="SYSTEM-001",
            codes=DISK_FULL_CODES,
            priority="High",
            subject="/",
            in_scope=False,
        ),
    ),
    Fault(
        name="disk-full-dovecot",
        title="the root file system is full, and Dovecot has ended because it cannot write its log",
        breaks=FILL
        + """
log=/var/log/dovecot/dovecot.log
yes 'a line of the log' | dd of=$log oflag=append conv=notrunc bs=512 2>/dev/null || true
for _ in 1 2 3 4 5 6 7 8 9; do
    systemctl -q is-active dovecot || break
    bash -c ': </dev/tcp/127.0.0.1/143' 2>/dev/null || true
    sleep 0.2
done
""",
        mends=": >/var/log/dovecot/dovecot.log\n" + EMPTY,
        spoils=(
            "disk-root",
            "disk-queue",
            "mail-through",
            "unit:dovecot",
            "imap-143",
            "imap-993",
            "pop3-110",
            "pop3-995",
        ),
        expect=Expect(
            lead="SYSTEM-001",
            codes=(*DISK_FULL_CODES, "MAIL-010", "MAIL-020"),
            subject="/",
            in_scope=False,
        ),
    ),
    Fault(
        name="queue-disk-full",
        title="the file system of the mail queue is full",
        breaks="""
cp -a $queue /run/lab-queue
mount -t tmpfs -o size=2m,mode=750 lab-queue $queue
cp -a /run/lab-queue/. $queue/
rm -rf /run/lab-queue
svc -t /service/send
sleep 1
dd if=/dev/zero of=$queue/pid/fill bs=4k 2>/dev/null || true
""",
        mends="umount -l $queue\n" + SEND_RESTART,
        spoils=("disk-queue", "mail-through"),
        expect=Expect(
            lead="SYSTEM-001",
            codes=("MAIL-030", "MAIL-034"),
            subject="/var/qmail",
            in_scope=False,
            priority="High",
        ),
    ),
    Fault(
        name="queue-no-inodes",
        title="the file system of the mail queue has space but no inodes",
        breaks="""
cp -a $queue /run/lab-queue
mount -t tmpfs -o size=64m,nr_inodes=400,mode=750 lab-queue $queue
cp -a /run/lab-queue/. $queue/
rm -rf /run/lab-queue
svc -t /service/send
sleep 1
number=0
while true 2>/dev/null >$queue/pid/fill.$number; do number=$((number + 1)); done
""",
        mends="umount -l $queue\n" + SEND_RESTART,
        spoils=("disk-queue", "mail-through"),
        expect=Expect(
            lead="SYSTEM-010",
            codes=("MAIL-030", "MAIL-034"),
            subject="/var/qmail",
            in_scope=False,
            priority="High",
        ),
    ),
    Fault(
        name="disk-nearly-full",
        title="the root file system is 96 percent full",
        breaks="""
size=$(df --output=size -B1 / | tail -1)
avail=$(df --output=avail -B1 / | tail -1)
fallocate -l $((avail - size * 4 / 100)) /var/tmp/fill
""",
        mends="rm -f /var/tmp/fill",
        spoils=("disk-root", "disk-queue"),
        expect=Expect(lead="SYSTEM-002", subject="/", priority="Low", in_scope=False),
    ),
    Fault(
        name="read-only",
        title="a file system that fstab wants writable has turned read-only",
        breaks="""
devices
mkdir -p /home/shared
truncate -s 32M /var/tmp/shared.img
mke2fs -q -t ext4 -F /var/tmp/shared.img
mount -o loop,errors=remount-ro /var/tmp/shared.img /home/shared
device=$(findmnt -n -o SOURCE /home/shared)
echo "$device /home/shared ext4 rw,errors=remount-ro 0 2" >>/etc/fstab
mount -o remount,ro /home/shared
name=${device#/dev/}
kernel_says read-only 600 <<END
EXT4-fs error (device $name): ext4_find_entry:1455: inode #2: comm httpd: reading directory lblock 0
EXT4-fs ($name): Remounting filesystem read-only
END
""",
        mends="""
umount /home/shared
rm -f /var/tmp/shared.img
rmdir /home/shared
: >/etc/fstab
kernel_forgets read-only
""",
        spoils=("mounts", "kernel-log"),
        expect=Expect(lead="SYSTEM-030", codes=("SYSTEM-020",), priority="High", in_scope=False),
    ),
    Fault(
        name="filesystem-stuck",
        title="a mounted file system does not answer, like a dead NFS server",
        breaks="""
devices
mkdir -p /mnt/backup
hold hangfs $lib/hangfs /mnt/backup
for _ in 1 2 3 4 5 6 7 8 9 10; do
    grep -q ' /mnt/backup ' /proc/self/mountinfo && break
    sleep 0.2
done
""",
        mends="""
systemctl kill --kill-who=all -s KILL lab-hold-hangfs
sleep 0.2
umount -l /mnt/backup 2>/dev/null || true
""",
        spoils=("mounts",),
        expect=Expect(lead="SYSTEM-004", subject="/mnt/backup", priority="Medium", in_scope=False),
    ),
    Fault(
        name="disk-errors",
        title="the kernel reports I/O errors of a disk",
        breaks="""
kernel_says disk-errors 900 <<'END'
ata1.00: exception Emask 0x0 SAct 0x0 SErr 0x0 action 0x0
ata1.00: failed command: READ DMA EXT
blk_update_request: I/O error, dev sda, sector 209716224 op 0x0:(READ) flags 0x80700 phys_seg 8 prio class 0
Buffer I/O error on dev sda3, logical block 26214528, async page read
END
""",
        mends="kernel_forgets disk-errors",
        spoils=("kernel-log",),
        expect=Expect(lead="SYSTEM-030", subject="sda", priority="Medium", in_scope=False),
    ),
    Fault(
        name="oom-kill",
        title="the kernel has killed a process for want of memory",
        breaks="""
kernel_says oom-kill 600 <<END
php-fpm invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
$(printf %s 'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,' \\
    'task_memcg=/system.slice/mariadb.service,task=mariadbd,pid=2214,uid=27')
$(printf %s 'Out of memory: Killed process 2214 (mariadbd) total-vm:2621440kB, anon-rss:1887436kB, ' \\
    'file-rss:0kB, shmem-rss:0kB, UID:27 pgtables:4096kB oom_score_adj:0')
END
""",
        mends="kernel_forgets oom-kill",
        spoils=("kernel-log",),
        expect=Expect(lead="SYSTEM-040", subject="mariadbd", priority="High", in_scope=False),
    ),
    Fault(
        name="syn-flood",
        title="the kernel reports a SYN flood on port 80",
        breaks="""
kernel_says syn-flood 120 <<'END'
TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:80. Sending cookies.  Check SNMP counters.
nf_conntrack: nf_conntrack: table full, dropping packet
END
""",
        mends="kernel_forgets syn-flood",
        spoils=("kernel-log",),
        expect=Expect(
            lead="SYSTEM-090", codes=("SYSTEM-091",), subject="SYN flood", priority="Low", in_scope=False
        ),
    ),
    Fault(
        name="resolver-dead",
        title="the resolver of resolv.conf drops every question",
        breaks="""
keep /etc/resolv.conf
printf 'search lab.invalid\\nnameserver 10.99.0.66\\n' >/etc/resolv.conf
""",
        mends="give_back /etc/resolv.conf",
        spoils=("resolver",),
        expect=Expect(lead="SYSTEM-080", subject="name resolution", priority="High", in_scope=False),
    ),
    Fault(
        name="mysql-killed",
        title="the customers' MySQL is killed",
        breaks="pkill -KILL -x mariadbd",
        mends="start_again mariadb",
        spoils=("unit:mariadb", "mysql-3306", "mysql-socket"),
        expect=Expect(lead="SYSTEM-050", subject="mysql", in_scope=False, priority="High"),
    ),
    Fault(
        name="mysql-frozen",
        title="the customers' MySQL accepts connections and says nothing",
        breaks="freeze mariadb",
        mends="thaw mariadb",
        spoils=("mysql-3306", "mysql-socket"),
        expect=Expect(lead="SYSTEM-052", subject="mysql", in_scope=False, priority="High"),
    ),
    Fault(
        name="mysql-too-many",
        title="the customers' MySQL answers 'Too many connections'",
        breaks="""
mariadb -e 'SET GLOBAL max_connections = 10'
hold mysql php $lib/hold-mysql.php /var/lib/mysql/mysql.sock iworx not-a-real-secret@3 11
""",
        mends="""
release mysql
for _ in 1 2 3 4 5 6 7 8 9; do
    mariadb -e 'SET GLOBAL max_connections = 151' 2>/dev/null && break
    sleep 0.2
done
""",
        spoils=("mysql-3306", "mysql-socket"),
        expect=Expect(lead="SYSTEM-051", subject="mysql", priority="High", in_scope=False),
    ),
    Fault(
        name="clock-unsynchronised",
        title="chronyc and timedatectl say that the clock is not synchronised",
        breaks="echo unsynchronised >/var/lib/interworx-stand-in/clock",
        mends="echo synchronised >/var/lib/interworx-stand-in/clock",
        spoils=("clock",),
        expect=Expect(lead="SYSTEM-070", subject="clock", priority="Low", in_scope=False),
    ),
    Fault(
        name="clock-wrong",
        title="chronyc says that the clock is three hours slow",
        breaks="echo 10800.000000000 >/var/lib/interworx-stand-in/clock",
        mends="echo synchronised >/var/lib/interworx-stand-in/clock",
        spoils=("clock",),
        expect=Expect(lead="SYSTEM-071", subject="clock", priority="High", in_scope=False),
    ),
)
