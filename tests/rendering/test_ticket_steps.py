"""Evidence to steps: the exact command for each kind, and none where a command would do more than look."""

import pytest
from building import finding, incident
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import Evidence
from iwx_agent.rendering.ticket.steps import lines_of, steps_of


def commands(*sources: str, text: str = "so") -> list[str]:
    evidence = tuple(Evidence(source=source, text=text) for source in sources)
    return [shown.command for shown in steps_of([incident(finding(evidence=evidence))])]


@pytest.mark.parametrize(
    ("source", "command"),
    [
        (
            "GET https://localhost:2443/nodeworx/ at 127.0.0.1 (refused)",
            "curl -vk --max-time 15 https://localhost:2443/nodeworx/",
        ),
        (
            "GET http://a.example.com/x?y=1&z at ::1 (status 500)",
            "curl -vk --max-time 15 --resolve 'a.example.com:80:[::1]' 'http://a.example.com/x?y=1&z'",
        ),
        ("tcp 127.0.0.1:25 (refused)", "timeout 15 bash -c '< /dev/tcp/127.0.0.1/25'"),
        ("tcp 127.0.0.1:25 (silent)", "timeout 15 bash -c 'head -n 1 < /dev/tcp/127.0.0.1/25'"),
        (
            "tls 127.0.0.1:993 (tls failed)",
            "timeout 15 openssl s_client -connect 127.0.0.1:993 < /dev/null",
        ),
        ("tls 127.0.0.1:993 (greeted)", "timeout 15 openssl s_client -connect 127.0.0.1:993 -quiet"),
        (
            "tls 127.0.0.1:443 as a.example.com",
            (
                "openssl s_client -connect 127.0.0.1:443 -servername a.example.com < /dev/null 2> /dev/null"
                " | openssl x509 -noout -subject -issuer -dates"
            ),
        ),
        (
            "unix /usr/local/interworx/mysql/iworx-db.sock (refused)",
            (
                "mysqladmin --no-defaults --connect-timeout=10"
                " --socket=/usr/local/interworx/mysql/iworx-db.sock ping"
            ),
        ),
        (
            "unix /run/php-fpm/www.sock (refused)",
            "curl -v --max-time 5 --unix-socket /run/php-fpm/www.sock http://localhost/",
        ),
        (
            "SOA example.com at udp 10.0.0.1:53 (silent)",
            "dig +time=3 +tries=1 -p 53 @10.0.0.1 example.com SOA",
        ),
        (
            "SOA example.com at tcp 10.0.0.1:53 (rcode 5)",
            "dig +time=3 +tries=1 +tcp -p 53 @10.0.0.1 example.com SOA",
        ),
        ("udp 127.0.0.1:53 NS .", "dig +time=3 +tries=1 @127.0.0.1 . NS"),
        ("statvfs /my disk (/dev/sdb1, ext4)", "timeout 5 df -h '/my disk'; timeout 5 df -i '/my disk'"),
        ("/proc/net/netstat, two samples", "cat /proc/net/netstat"),
        ("/proc/sys/net/netfilter", "head /proc/sys/net/netfilter/nf_conntrack_{count,max}"),
        (
            "nodeworx -u -n -c Help -a querySsh -o json (exit 1)",
            "nodeworx -u -n -c Help -a querySsh -o json",
        ),
        (
            "rpm -q --qf %{VERSION}\\n interworx (timed out)",
            r"timeout 15 rpm -q --qf '%{VERSION}\n' interworx",
        ),
        ("rpm -q interworx interworx-cli", "rpm -q interworx interworx-cli"),
        ("systemctl show httpd.service", "systemctl status --no-pager -l httpd.service"),
        ("listening sockets", "ss -ltnp"),
        ("/var/qmail/queue", "/var/qmail/bin/qmail-qstat"),
        ("/service/smtp/supervise/status", "svstat /service/smtp"),
        (
            "journalctl -k -p err -n 1000 -o json --no-pager",
            "journalctl -k -p err -n 50 --no-pager",
        ),
        ("/var/lib/yum/history/history-2024-03-01.sqlite transaction 2", "yum history info 2"),
        ("/var/log/dnf.log:197", "sed -n 197p /var/log/dnf.log"),
        ("/var/log/it's:1", """sed -n 1p '/var/log/it'"'"'s'"""),
        ("/usr/local/interworx/var/.maintenance", "ls -ld /usr/local/interworx/var/.maintenance"),
        (
            "/usr/local/interworx/var/log/iworx.log",
            "tail -n 20 /usr/local/interworx/var/log/iworx.log",
        ),
        ("/var/log/send/current", "tail -n 20 /var/log/send/current"),
    ],
)
def test_the_command_for_each_kind_of_evidence(source: str, command: str) -> None:
    assert commands(source) == [command]


def test_a_process_is_shown_by_its_number() -> None:
    assert commands("process list", text="6900 S dnf") == ["ps -o pid,stat,etime,args -p 6900"]
    assert commands("process list", text="many") == []
    assert commands("process list", text="1" * 11) == []


@pytest.mark.parametrize(
    "source",
    [
        "",
        "somewhere",
        "dnf -y update (exit 1)",
        "systemctl restart httpd.service (exit 1)",
        "nodeworx -u -n -c Help -a ssh --mode 1 (exit 1)",
        "rpm -q --pipe reboot x (exit 1)",
        "rpm --rebuilddb (exit 1)",
        "journalctl --vacuum-size=1 -u x",
        "journalctl --rotate",
        "nft flush ruleset (exit 1)",
        "httpd -k restart (exit 1)",
        "/usr/local/interworx/iworx.ini:3",
        "/etc/shadow:1",
        "/etc/pki/site.key",
        "/root/.my.cnf:2",
        "/home/x/y",
        "GET https://x y/ at 127.0.0.1 (refused)",
        "GET ftp://x/ at 127.0.0.1 (refused)",
        "tcp 127.0.0.1:25; reboot (refused)",
        "unix /a b (refused)",
        "/var/log/x\x1b:1",
        f"/var/log/{'x' * 400}:1",
        "database of [iworx] dsn in /usr/local/interworx/iworx.ini: table command_queue",
    ],
)
def test_what_is_secret_odd_or_does_more_than_look_gives_no_step(source: str) -> None:
    assert commands(source) == []


def test_a_name_that_is_a_command_stays_a_name() -> None:
    assert commands("statvfs /$(reboot) (/dev/sda1, ext4)") == []  # a parenthesis ends what is understood
    assert commands("statvfs /`reboot` (/dev/sda1, ext4)") == [
        "timeout 5 df -h '/`reboot`'; timeout 5 df -i '/`reboot`'"
    ]


def test_questions_come_before_logs_and_the_lead_before_the_rest() -> None:
    lead = finding(
        evidence=tuple(
            Evidence(source=source, text="x")
            for source in ("/var/log/a:1", "systemctl show x.service", "tcp 127.0.0.1:25 (refused)")
        )
    )
    other = finding("B-001", evidence=(Evidence(source="tcp 127.0.0.1:26 (refused)", text="x"),) * 2)
    second = incident(finding("C-001", evidence=(Evidence(source="tcp 127.0.0.1:27 (refused)", text="x"),)))
    found = [shown.command for shown in steps_of([incident(lead, other), second])]
    assert [command.split()[-1].strip("'") for command in found] == [
        "/dev/tcp/127.0.0.1/25",
        "/dev/tcp/127.0.0.1/26",
        "x.service",
        "/var/log/a",
        "/dev/tcp/127.0.0.1/27",
    ]


def test_a_command_stands_once_with_all_that_came_of_it_and_eight_are_enough() -> None:
    twice = (Evidence(source="journalctl -k", text="one"), Evidence(source="journalctl -k", text="two"))
    (shown,) = steps_of([incident(finding(evidence=twice)), incident(finding(evidence=twice))])
    assert lines_of(1, shown) == ["1. $ journalctl -k", "   | one", "   | two"]
    many = [incident(finding(evidence=(Evidence(source=f"/var/log/{n}:1", text=" "),))) for n in range(12)]
    assert len(steps_of(many)) == 8
    assert lines_of(2, steps_of(many)[0]) == ["2. $ sed -n 1p /var/log/0", "   | (nothing)"]


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_text_makes_a_step_that_is_more_than_a_line(source: str, text: str) -> None:
    for made in (
        source,
        f"statvfs /{source} (x)",
        f"/var/log/{source}:1",
        f"GET https://{source}/ at ::1 (x)",
    ):
        for shown in steps_of([incident(finding(evidence=(Evidence(source=made, text=text),)))]):
            assert "\n" not in shown.command
            assert all(line.startswith(("1. $ ", "   | ")) for line in lines_of(1, shown))
