"""Evidence to steps that show it again: commands that only look, with what came of them.

A step is made from a fixed pattern for each kind of evidence; observed words go through ``shlex.quote``, and
evidence that fits no pattern gives no step. Nothing that comes from the machine is ever a command.
"""

import re
import shlex
from collections.abc import Callable, Iterable
from re import Match

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model import Evidence, Finding, Incident
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket.section import quoted

_STEPS_COUNT = 8
_OF_THE_LEAD_COUNT = 3
_LONGEST_CHARACTERS = 300
_WORD = r"[A-Za-z0-9_.:%@+,=/{}\\-]+"
_PACKAGE = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_JOURNAL = (
    r" (?:-q|--no-pager|-k|-b|-r|-o json|-n \d+|-p [a-z]+|"
    r"-u [A-Za-z0-9@_.\\:-]+|-t [A-Za-z0-9_.]+|--since=-\d+h)"
)
_SECRETS = ("iworx.ini", "shadow", "passwd", "my.cnf", ".key", ".pem", "htpasswd", "dsn")


class Shown(Struct, frozen=True, kw_only=True):
    """One step: the command, and what it came to when the agent asked the same."""

    command: str
    outcome: str
    rank: int  # what asks the service itself comes before what reads of it


def steps_of(incidents: Iterable[Incident]) -> list[Shown]:
    """Return the steps that show the incidents again: each once, at most eight, questions before logs."""
    found: dict[str, Shown] = {}
    for number, incident in enumerate(incidents):
        for finding in (incident.lead, *incident.others):
            most_count = _OF_THE_LEAD_COUNT if finding is incident.lead else 1
            new = [shown for shown in _of_finding(finding) if shown.command not in found]
            for shown in new[:most_count]:
                found[shown.command] = replace(shown, rank=shown.rank + 10 * (number > 0))
    return sorted(found.values(), key=lambda shown: shown.rank)[:_STEPS_COUNT]


def _of_finding(finding: Finding) -> list[Shown]:
    """Return the steps of a finding, questions first; what comes from one place is one step."""
    made: dict[str, Shown] = {}
    for shown in filter(None, map(_step, finding.evidence)):
        known = made.get(shown.command)
        outcome = f"{known.outcome}\n{shown.outcome}" if known else shown.outcome
        made[shown.command] = replace(shown, outcome=outcome)
    return sorted(made.values(), key=lambda shown: shown.rank)


def lines_of(number: int, shown: Shown) -> list[str]:
    """Return the lines of one step."""
    came = quoted(shown.outcome, "   ", 3) or ["   | (nothing)"]
    return [f"{number}. $ {shown.command}", *came]


def _step(evidence: Evidence) -> Shown | None:
    """Return the step for a piece of evidence; None where no command that only looks shows it."""
    source = evidence.source
    if len(source) > _LONGEST_CHARACTERS:
        return None
    for rank, pattern, make in _PATTERNS:
        matched = re.fullmatch(pattern, source)
        command = make(matched, evidence) if matched else ""
        if command and words.one_line(command, _LONGEST_CHARACTERS) == command:
            return Shown(command=command, outcome=evidence.text, rank=rank)
    return None


def _curl(found: Match[str], _: Evidence) -> str:
    scheme, name, port, address = found["scheme"], found["name"], found["port"], found["address"]
    number = port or {"http": "80", "https": "443"}[scheme]
    at = f"[{address}]" if ":" in address else address
    resolve = () if name == "localhost" else ("--resolve", f"{name}:{number}:{at}")
    return shlex.join(("curl", "-vk", "--max-time", "15", *resolve, found["url"]))


def _tcp(found: Match[str], _: Evidence) -> str:
    place = f"/dev/tcp/{found['address'].strip('[]')}/{found['port']}"
    reads = "head -n 1 " if found["came"] in ("silent", "greeted", "closed") else ""
    return shlex.join(("timeout", "15", "bash", "-c", f"{reads}< {place}"))


def _tls(found: Match[str], _: Evidence) -> str:
    name = ("-servername", found["name"]) if found["name"] else ()
    asked = shlex.join(("openssl", "s_client", "-connect", f"{found['address']}:{found['port']}", *name))
    if not found["came"]:
        return f"{asked} < /dev/null 2> /dev/null | openssl x509 -noout -subject -issuer -dates"
    if found["came"] in ("greeted", "silent", "closed"):
        return f"timeout 15 {asked} -quiet"  # waits for the greeting
    return f"timeout 15 {asked} < /dev/null"


def _unix(found: Match[str], _: Evidence) -> str:
    path = found["path"]
    if path.endswith(("mysql.sock", "iworx-db.sock", "mysqld.sock")):
        return shlex.join(("mysqladmin", "--no-defaults", "--connect-timeout=10", f"--socket={path}", "ping"))
    return shlex.join(("curl", "-v", "--max-time", "5", "--unix-socket", path, "http://localhost/"))


def _dig(found: Match[str], _: Evidence) -> str:
    tcp = ("+tcp",) if found["protocol"] == "tcp" else ()
    at = ("-p", found["port"], f"@{found['address']}")
    return shlex.join(("dig", "+time=3", "+tries=1", *tcp, *at, found["zone"], "SOA"))


def _resolver(found: Match[str], _: Evidence) -> str:
    return shlex.join(("dig", "+time=3", "+tries=1", f"@{found['address']}", ".", "NS"))


def _space(found: Match[str], _: Evidence) -> str:
    place = shlex.quote(found["path"])
    return f"timeout 5 df -h {place}; timeout 5 df -i {place}"


def _unit(found: Match[str], _: Evidence) -> str:
    return shlex.join(("systemctl", "status", "--no-pager", "-l", found["unit"]))


def _command(found: Match[str], _: Evidence) -> str:
    """Return the command that was run, where it is one of those that surely only look."""
    argv = found["argv"].split()
    if not any(re.fullmatch(known, " ".join(argv)) for known in _ONLY_LOOK):
        return ""
    return shlex.join((*(("timeout", "15") if found["came"] == "timed out" else ()), *argv))


def _journal(found: Match[str], _: Evidence) -> str:
    argv = found["argv"].replace(" -o json", "")
    return shlex.join(re.sub(r"-n \d{3,}", "-n 50", argv).split())


def _history(found: Match[str], _: Evidence) -> str:
    return f"yum history info {found['number']}"


def _line(found: Match[str], _: Evidence) -> str:
    path = found["path"]
    if any(word in path for word in _SECRETS):
        return ""
    return shlex.join(("sed", "-n", f"{found['line']}p", path))


def _file(found: Match[str], _: Evidence) -> str:
    """Return the end of a log or configuration file; of any other file of the panel only that it is there."""
    path = found["path"]
    if path.startswith("/usr/local/interworx/") and "/log/" not in path:
        return shlex.join(("ls", "-ld", path))
    return "" if any(word in path for word in _SECRETS) else shlex.join(("tail", "-n", "20", path))


def _process(_: Match[str], evidence: Evidence) -> str:
    number = evidence.text.split(" ", 1)[0]
    known = number.isascii() and number.isdigit() and len(number) <= 10
    return f"ps -o pid,stat,etime,args -p {number}" if known else ""


def _proc(found: Match[str], _: Evidence) -> str:
    return f"cat /proc/{found['name']}"


def _fixed(command: str) -> Callable[[Match[str], Evidence], str]:
    return lambda _found, _evidence: command


def _service(found: Match[str], _: Evidence) -> str:
    return shlex.join(("svstat", found["path"]))


_NAME = r"[A-Za-z0-9._-]+"
_URL = rf"(?P<url>(?P<scheme>https?)://(?P<name>{_NAME})(?::(?P<port>\d{{1,5}}))?/[!-~]*)"
_ADDRESS = r"(?P<address>\[?[0-9a-fA-F.:]+\]?)"
_CAME = r"\((?P<came>[a-z ]+)[^()]*\)"
_ONLY_LOOK = (
    rf"nodeworx( {_WORD})* -a (list|query)\w*( {_WORD})*",
    rf"rpm -q( --qf {_WORD})?( {_PACKAGE})+",
    r"nft( -\w)* list ruleset",
    r"chronyc -n tracking",
    r"ip6?tables -S",
    r"(httpd|apachectl|/usr/sbin/httpd|/usr/sbin/apachectl) (-t|configtest)",
)
_PATTERNS: tuple[tuple[int, str, Callable[[Match[str], Evidence], str]], ...] = (
    (1, rf"GET {_URL} at {_ADDRESS} \(.*\)", _curl),
    (1, rf"tcp {_ADDRESS}:(?P<port>\d{{1,5}}) {_CAME}", _tcp),
    (
        1,
        rf"tls {_ADDRESS}:(?P<port>\d{{1,5}})(?: as (?P<name>[A-Za-z0-9._-]+))?(?: {_CAME})?",
        _tls,
    ),
    (1, r"unix (?P<path>/[!-~]+) \(.*\)", _unix),
    (
        1,
        rf"SOA (?P<zone>[A-Za-z0-9._-]+) at (?P<protocol>udp|tcp) {_ADDRESS}:(?P<port>\d{{1,5}}) \(.*\)",
        _dig,
    ),
    (1, rf"udp {_ADDRESS}:53 NS \.", _resolver),
    (1, r"statvfs (?P<path>/[^()]*) \(.*\)", _space),
    (2, r"/proc/(?P<name>loadavg|meminfo|net/netstat|self/mountinfo)(, two samples)?", _proc),
    (2, r"/proc/sys/net/netfilter", _fixed("head /proc/sys/net/netfilter/nf_conntrack_{count,max}")),
    (2, r"(?P<argv>.+) \((?P<came>exit -?\d+|timed out|cut off)\)", _command),
    (3, r"systemctl show (?P<unit>[A-Za-z0-9@_.\\:-]+)", _unit),
    (3, r"(listening sockets|socket list|process list and socket list)", _fixed("ss -ltnp")),
    (3, r"process list", _process),
    (3, r"/var/qmail/queue", _fixed("/var/qmail/bin/qmail-qstat")),
    (3, r"(?P<path>/[!-~]+)/supervise/status", _service),
    (4, r"/var/lib/yum/history/[a-z0-9.-]+ transaction (?P<number>\d{1,9})", _history),
    (4, rf"(?P<argv>journalctl({_JOURNAL})+)", _journal),
    (4, rf"(?P<argv>rpm -q( {_PACKAGE})+)", _journal),
    (4, r"(?P<path>/[!-~]+):(?P<line>\d{1,9})", _line),
    (5, r"(?P<path>/(var/log|etc|run|var/run|var/lib/dnf|usr/local/interworx/var)/[!-~]+)", _file),
)
