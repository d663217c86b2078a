# Functions for the scripts of the faults; sourced inside the server by sh -eu.
lib=/usr/local/lib/iwxlab
panel=/usr/local/interworx
queue=/var/qmail/queue

# Keep a program running until `release`: hold NAME COMMAND...
hold() { name=$1; shift; systemd-run --quiet --collect --unit="lab-hold-$name" "$@"; }
release() { systemctl stop "lab-hold-$1" 2>/dev/null || true; }

# Keep a copy of a file before it is changed; put it back.
keep() { [ -e "$1.lab-kept" ] || cp -a "$1" "$1.lab-kept"; }
give_back() { [ ! -e "$1.lab-kept" ] || mv -f "$1.lab-kept" "$1"; }

# Stop and continue every process of a service: a daemon that is there but does nothing.
freeze() { systemctl kill --kill-who=all -s STOP "$1"; }
thaw() { systemctl kill --kill-who=all -s CONT "$1"; }
pid_of() { svstat "/service/$1" | sed -n 's/.*(pid \([0-9]*\)).*/\1/p'; }

start_again() { for unit in "$@"; do systemctl reset-failed "$unit" 2>/dev/null || true; systemctl restart "$unit"; done; }
start_failed() {
    for unit in $(systemctl list-units --failed --plain --no-legend --type=service | cut -d' ' -f1); do start_again "$unit"; done
}
panel_reload() { $panel/bin/httpd/iworx-web -f $panel/etc/httpd/httpd.conf -k graceful; }

# Give files of the queue the age of a message that has waited: age_queue SECONDS
age_queue() { find $queue/mess $queue/info $queue/local $queue/remote $queue/todo $queue/intd -type f \
    -exec touch -d "@$(($(date +%s) - $1))" {} +; }
inject() { setuidgid qmailq $lib/inject "$@"; }
# Deliver all that waits, then start with an empty queue.
empty_queue() {
    svc -d /service/send
    while pgrep -x qmail-send >/dev/null; do sleep 0.1; done
    find $queue/mess $queue/info $queue/local $queue/remote $queue/todo $queue/intd $queue/pid -type f -delete
    svc -u /service/send
}

# Block and character devices that nspawn leaves out.
devices() {
    [ -e /dev/fuse ] || mknod /dev/fuse c 10 229
    [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
    for number in 0 1 2 3 4 5 6 7; do [ -e /dev/loop$number ] || mknod /dev/loop$number b 7 $number; done
}
# Lines of the kernel into this server's journal and /var/log/messages: kernel_says NAME SECONDS-AGO <lines
kernel_says() { tee "/run/lab-kernel-$1" | $lib/journal-write --name "$1" --ago "$2" --kernel
    sed "s/^/$(date -d "-$2 sec" '+%b %e %H:%M:%S') $(hostname -s) kernel: /" "/run/lab-kernel-$1" >>/var/log/messages; }
kernel_forgets() { rm -f /var/log/journal/*/system@lab-"$1".journal "/run/lab-kernel-$1"; : >/var/log/messages; }

# All that belongs to rpm, dnf and yum as it was: packages_keep first, packages_give_back to mend.
packages_keep() {
    [ ! -e /run/lab-packages.tar ] || { echo "another fault of packages is in" >&2; exit 1; }
    (cd / && tar -cf /run/lab-packages.tar var/lib/rpm var/lib/dnf var/cache/dnf etc/yum.repos.d var/log/dnf* \
        var/log/hawkey*)
}
packages_give_back() {
    rm -rf /var/lib/rpm /var/lib/dnf /var/cache/dnf /etc/yum.repos.d /var/log/dnf* /var/log/hawkey* \
        /usr/share/iwxlab-faults
    tar -C / -xf /run/lab-packages.tar
    rm -f /run/lab-packages.tar /run/lab-dnf
}
# Let dnf know of a repository: repository FILE ID OPTION...
repository() { file=$1; id=$2; shift 2; { printf '[%s]\nname=%s\nenabled=1\n' "$id" "$id"; printf '%s\n' "$@"; } \
    >"/etc/yum.repos.d/$file.repo"; }
of_faults() { repository "lab-$1" "${2:-lab-$1}" "baseurl=file:///opt/iwxlab-faults/$1" gpgcheck=0; }
# Run the real dnf as an administrator or a timer would; what it said is kept in /run/lab-dnf.
run_dnf() { dnf -y "$@" </dev/null >/run/lab-dnf 2>&1 || true; }
# It must have said so: a failure for another reason is another fault.
dnf_said() { grep -q -e "$1" /run/lab-dnf || { echo "dnf did not say '$1', but:"; tail -n 5 /run/lab-dnf; exit 1; } >&2; }
# The server's own domain answers to every name, and is searched for names that are not there.
search_nothing() { keep /etc/resolv.conf; sed -i 's/^search .*/search ./' /etc/resolv.conf; }
