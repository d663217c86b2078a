"""Addresses of people: mail addresses and the addresses that clients come from.

The domain of a mail address stays: which hosted or remote domain is concerned is what the ticket is about,
and vhosts and paths name it all over. Addresses that are not routed, the server's own, and those of nobody
stay.
"""

import re
from functools import lru_cache

from iwx_agent.redact.names import words
from iwx_agent.redact.page import Hit, Page, run_before
from iwx_agent.redact.rule import Rule

# Mail

_LOCAL = "abcdefghijklmnopqrstuvwxyz0123456789_.+=-"
_ENCODED_REVERSED = re.compile(r"(?:[bdef][235]%|[\w.+=-])+")
_LONGEST_ENCODED = 200
_LONGEST_LOCAL = 256
_TOKEN = re.compile(r"mail-[0-9a-f]{6,64}")
_ROLES = words(
    """
    abuse admin administrator alias anonymous apache bounce clamav cron daemon do-not-reply donotreply ftp
    hostmaster info iworx list-unsubscribe mail mailer-daemon mailman mysql news nobody no-reply noreply noc
    postmaster qmaild qmailr root security support sysadmin uucp vpopmail webmaster www www-data
    """
)
# ``user@1000.service`` is a unit, ``logo@2x.png`` a file.
_NO_DOMAINS = words(
    """
    service socket timer scope slice target mount automount swap path device journal png jpg jpeg gif svg webp
    ico css js map htm html php so conf log txt gz sh py pl rb
    """
)
_FIELD = re.compile(
    r"[\w-]{0,64}(?:from|to|cc|user|username|mail|login|rcpt|sender|account|addr(?:ess)?|recipient|name|id|owner|q)="
)


def _mail(page: Page, found: re.Match[str]) -> Hit | None:
    at, domain = found.start(), found[1]
    if found.group().startswith("%"):
        before = _ENCODED_REVERSED.match(page.lowered[max(0, at - _LONGEST_ENCODED) : at][::-1])
        start = at - (before.end() if before else 0)
    else:
        start = _local_start(page, at)
    if page.text[start - 1 : start] == "\\" and page.text[start] in "nrt":
        start += 1  # the rest of an escaped line break
    if at - start > _LONGEST_LOCAL:
        return Hit(start, at)  # nothing that anybody would want to have back
    skipped, local = _person(page.lowered[start:at], domain)
    if not local:
        return None
    if page.tokens is None:
        return Hit(start + skipped, at)
    address = f"{local}@{domain}"
    if address in page.tokens.kept:
        return None
    return Hit(start + skipped, at, page.tokens.token("mail", address))


@lru_cache(maxsize=8192)
def _person(told: str, domain: str) -> tuple[int, str]:
    """Return how much of the text before the ``@`` does not belong to the address, and whose address it is.

    That is empty when it is nobody's: a role, a token, no mail address at all.
    """
    last = domain.rpartition(".")[2]
    if last in _NO_DOMAINS or last.isdigit():
        return 0, ""
    field = _FIELD.match(told)
    start = field.end() if field else 0
    prefix = f"{domain}-"  # vpopmail names a local user domain-user
    if told.startswith(prefix, start) and len(told) > start + len(prefix):
        start += len(prefix)
    local = told[start:]
    if "%" in local:
        from urllib.parse import unquote

        local = unquote(local).strip("<\"' ")
    nobody = not local.strip(".+=-_") or local in _ROLES or _TOKEN.fullmatch(local)
    return start, "" if nobody else local


def _local_start(page: Page, at: int) -> int:
    """Return where the part before the ``@`` begins; letters of all scripts are part of it."""
    start = run_before(page.lowered, at, _LOCAL)
    while start > 0 and not page.text[start - 1].isascii() and page.text[start - 1].isalnum():
        start = run_before(page.lowered, start - 1, _LOCAL)
    return start


MAIL = Rule(
    id="mail-address",
    kind="pattern",
    label="mail",
    reason="who a mail address belongs to, as a token; its domain stays, and so do roles such as postmaster",
    example="starting delivery 12: msg 2149 to remote not.a.real.person@example.com",
    hides="not.a.real.person",
    counterexample="Started user@1000.service and clamd@scan.service for postmaster@example.com",
    patterns=(
        re.compile(r"@(?<=[\w.+=-]@)([\w-]{1,63}+(?:\.[\w-]{1,63}+){1,20}+)"),
        re.compile(r"%40(?<=[\w.+=-]%40)([\w-]{1,63}+(?:\.[\w-]{1,63}+){1,20}+)"),
    ),
    judge=_mail,
)

# IPv4


def _ip4(page: Page, found: re.Match[str]) -> Hit | None:
    text, start, end = page.text, found.start(), found.end()
    for _ in range(3):
        if start == 0 or not "0" <= text[start - 1] <= "9":
            break
        start -= 1
    told, before = text[start:end], text[start - 1 : start]
    if before and (before == "." or before.isalnum()):
        return None
    if before == "_" and not _QMAIL_BEFORE.search(page.before(start, 20).lower()):
        return None  # part of a name
    if not _is_client4(told) or (page.tokens is not None and told in page.tokens.kept):
        return None
    after = text[end : end + 1]
    if after in _VERSION_AFTER and _VERSION_AFTER[after].match(page.lowered, end):
        return None
    if (
        after == "."
        and _ARCHIVE_AFTER.match(page.lowered, end)
        and _NAME_BEFORE.search(page.before(start, 3))
    ):
        return None
    if before in _VERSION_BEFORE and _is_version(page.before(start, 40).lower(), before):
        return None
    return Hit(start, end, page.tokens.token("ip", told) if page.tokens is not None else None)


# What makes four numbers a version: 1.2.3.4.el9, 1.2.3.4-5 (no range), 2.3.19.1 (9b531029);
# foo-1.2.3.4.tar.gz, but not 203.0.113.77.tar.gz, nor 203.0.113.77.rcn.example.
_VERSION_AFTER = {
    ".": re.compile(
        r"\.(?:(?:el|fc|amzn)[0-9]|(?:rpm|deb|x86_64|i[36]86|aarch64|noarch|src|so|(?:b|rc|p)[0-9]{1,3})(?![\w-]))"
    ),
    "-": re.compile(r"-(?![0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.]))[0-9]"),
    " ": re.compile(r" \((?=[0-9]{0,39}[a-f])[0-9a-f]{6,40}\)"),
}
_ARCHIVE_AFTER = re.compile(r"\.(?:tar|t?gz|zip|jar)(?![\w-])")
_NAME_BEFORE = re.compile(r"[A-Za-z0-9][_-]\Z")
_WORD_BEFORE = re.compile(r"(?:version|release|\bv|\bver)[ :=]{1,2}\Z")
_PRODUCT_BEFORE = re.compile(r"(?:\A|[^/\w.-])[a-z][\w.-]{0,40}/\Z")
_CLIENT_BEFORE = re.compile(r"(?:ip|client|host|from|peer|tcp|udp|addr|address|allow|deny)/\Z")
_VERSION_BEFORE = "/ :="
# qmail writes what it says of a delivery with _ for spaces: Connected_to_203.0.113.7_but_connection_died.
_QMAIL_BEFORE = re.compile(r"(?:\A|[_:/ ])(?:to|from|host|at|by|ip|client|address)_\Z")


def _is_version(before: str, sign: str) -> bool:
    if sign == "/":
        return bool(_PRODUCT_BEFORE.search(before)) and not _CLIENT_BEFORE.search(before)
    return before[-2:-1] in "nerv:=" and bool(_WORD_BEFORE.search(before))


@lru_cache(maxsize=65_536)
def _is_client4(told: str) -> bool:
    """Return whether four numbers are an address that can be somebody's: one that is routed."""
    a, b, *rest = (int(part) for part in told.split("."))
    if max(a, b, *rest) > 255 or a in (0, 10, 127) or a >= 224:
        return False
    private = (a == 172 and 16 <= b <= 31) or (a == 192 and b == 168) or (a == 100 and 64 <= b <= 127)
    return not private and not (a == 169 and b == 254)


IP4 = Rule(
    id="ip4-address",
    kind="pattern",
    label="ip",
    reason="the address a client came from, as a token; own, private, loopback and reserved ones stay",
    example="sshd[812]: Failed password for root from 203.0.113.77 port 40000 ssh2",
    hides="203.0.113.77",
    counterexample="Chrome/119.0.0.0 from 192.168.1.7 to 127.0.0.1, nginx/1.18.0.2, foo-1.2.3.4-5.el9",
    patterns=(
        re.compile(r"\.(?<=[0-9]\.)[0-9]{1,3}+\.[0-9]{1,3}+\.[0-9]{1,3}+(?<!\.0\.0)(?![^\W_]|\.[0-9])"),
    ),
    judge=_ip4,
)

# IPv6

_HEXADECIMAL = "0123456789abcdef:"
_LONGEST_RUN = 60
_RUN6 = re.compile(r"[0-9a-f:]{2,60}+")


def _ip6(page: Page, found: re.Match[str]) -> Hit | None:
    piece = page.lowered[max(0, found.start() - _LONGEST_RUN) : found.start()]
    start = found.start() - len(piece) + len(piece.rstrip(_HEXADECIMAL))
    run = _RUN6.match(page.lowered, start)
    end = run.end() if run else start
    before, after = page.text[start - 1 : start], page.text[end : end + 1]
    if (before and (before.isalnum() or before in "_.")) or (after and (after.isalnum() or after in "_.")):
        return None
    told = page.lowered[start:end]
    if told.endswith(":") and not told.endswith("::"):
        told, end = told[:-1], end - 1
    whole = _client6(told)
    if not whole or (page.tokens is not None and whole in page.tokens.kept):
        return None
    if page.tokens is None:
        return Hit(start, end)
    return Hit(start, end, page.tokens.token("ip", whole))


def _client6(told: str) -> str:
    """Return the address in its short form when it can be somebody's; empty for anything else."""
    from ipaddress import IPv6Address

    if not 3 <= len(told) <= 39:
        return ""
    try:
        address = IPv6Address(told)
    except ValueError:
        return ""
    first = int(address) >> 112
    if not 0x2000 <= first <= 0x3FFF:
        return ""  # only these are routed: not loopback, mapped, local, link-local, multicast
    return address.compressed


IP6 = Rule(
    id="ip6-address",
    kind="pattern",
    label="ip",
    reason="the same for IPv6, however it is written",
    example="dovecot: imap-login: Disconnected: rip=2001:db8:0:1::77, lip=fe80::1",
    hides="2001:db8:0:1::77",
    counterexample="19:52:42 MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 on [::]:80, Mail::SpamAssassin",
    patterns=(re.compile(r":(?::(?!:)|[0-9a-f]{1,4}+:[0-9a-f]{1,4}+:[0-9a-f]{1,4}+:)"),),
    judge=_ip6,
)

ADDRESSES = (MAIL, IP4, IP6)
