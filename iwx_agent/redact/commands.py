"""Secrets in commands and protocols: options, netrc, SQL, stacks of PHP programs, what a mail client says."""

import re

from iwx_agent.redact import values
from iwx_agent.redact.names import harmless, kind_of
from iwx_agent.redact.page import Hit, Page
from iwx_agent.redact.rule import Rule, hide, hide_group

_COMMAND_CHARACTERS = 1000
_BETWEEN = (
    r"(?:[ \t\x00]{1,8}+|\\{0,4}[\"'],[ \t]{0,4}\\{0,4}[\"'])"  # in a shell's line, in /proc, in a list
)


def _argument(page: Page, at: int, mark: str = "") -> values.Value:
    """Return an argument: in quotes, up to the quote that its list began with, or a word."""
    if mark:
        return values.up_to(page, at, mark)
    return values.quoted(page, at) or values.word(page, at)


def _option(page: Page, found: re.Match[str]) -> Hit | None:
    before = page.text[found.start() - 1 : found.start()] if found.start() else ""
    name = found[1]
    kind = "password" if name == "cookie" else kind_of(name)
    if not kind or before.isalnum() or before == "-" or name.startswith(("no-", "skip-")):
        return None
    closing = found[2].strip(" \t\x00")
    value = _argument(page, found.end(), closing.rpartition(",")[2].strip())
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless(kind, name, told, bare=value.bare, colon=False):
        return None
    return hide(page, value.start, value.end)


OPTION = Rule(
    id="long-option",
    kind="structure",
    label="secret",
    reason="the argument of an option with such a name: --password X, in a shell's line or a list",
    example="ran ['backup', '--db-password', 'not-a-real secret-1']",
    hides="not-a-real secret-1",
    counterexample="ran openssl x509 --key-file /etc/pki/tls/private/mail.key --pass-through on",
    patterns=(
        re.compile(rf"--([a-z][a-z0-9_-]{{1,64}}+)({_BETWEEN})(?=[^\s-])"),
        re.compile(rf"-(pass(?:word|wd|phrase|in|out)?)({_BETWEEN})(?=[^\s-])"),
    ),
    judge=_option,
)


# Which programs take a password with -p, in one word or in two; -p of any other is a port or a path.
_IN_ONE = ("mysql", "mariadb", "sshpass")
_IN_TWO = ("sshpass", "useradd", "usermod")
_PROGRAM = re.compile(r"[a-z][a-z_-]{0,24}+(?=[\s\x00\"'\\])")
_MENTIONS_COUNT = 8


def _runs(page: Page, at: int, programs: tuple[str, ...]) -> bool:
    """Return whether one of the programs stands on the line before a position, as a word or ending a path."""
    lowest = max(0, at - _COMMAND_CHARACTERS)
    lowest = page.lowered.rfind("\n", lowest, at) + 1 or lowest
    for program in programs:
        place = at
        for _ in range(_MENTIONS_COUNT):
            place = page.lowered.rfind(program, lowest, place)
            if place < 0:
                break
            before = page.text[place - 1 : place]
            if _PROGRAM.match(page.lowered, place) and not (before.isalnum() or (before in "_-." and before)):
                return True
    return False


_SPACE = re.compile(r"[ \t\x00]{1,8}|\\{0,4}[\"'],[ \t]{0,4}\\{0,4}[\"']")


def _dash_p(page: Page, found: re.Match[str]) -> Hit | None:
    """Hide what stands after -p when the program before it on the line takes a password there."""
    space = _SPACE.match(page.text, found.end())
    if not _runs(page, found.start(), _IN_TWO if space else _IN_ONE):
        return None
    value = _argument(page, space.end() if space else found.end(), values.mark_before(page, found.start()))
    return hide(page, value.start, value.end)


# The option before a password, or before a user and a colon; its argument is the next word.
_OPTIONS = {
    "curl": re.compile(r"[\s\x00\"'](?:-u|-U|--user|--proxy-user)(?=[\s\x00\"'=])=?"),
    "redis-cli": re.compile(r"[\s\x00\"']-a(?=[\s\x00\"'])"),
    "htpasswd": re.compile(r"\s-[a-z]{0,6}b[a-z]{0,6}\s{1,4}\S{1,200}\s{1,4}\S{1,100}(?=\s)", re.IGNORECASE),
    "mysqladmin": re.compile(r"[\s\x00\"']password(?=[\s\x00\"'])"),
}


def _short(page: Page, found: re.Match[str]) -> Hit | None:
    program = found.group()
    if program == "-p":
        return _dash_p(page, found)
    limit = min(page.line_end(found.end()), found.end() + _COMMAND_CHARACTERS)
    given = _OPTIONS[program].search(page.text, found.end(), limit)
    if given is None:
        return None
    space = _SPACE.match(page.text, given.end())
    start = space.end() if space else given.end()
    value = _argument(page, start, values.mark_before(page, start))
    if program == "curl":
        colon = page.text.find(":", value.start, value.end)
        return hide(page, colon + 1, value.end) if colon >= 0 else None
    return hide(page, value.start, value.end)


SHORT = Rule(
    id="short-option",
    kind="structure",
    label="password",
    reason="-pX of mysql, mariadb and kin; curl -u user:X; sshpass -p, useradd -p, redis-cli -a, htpasswd -b",
    example="root 812 mysqldump -u root -pnot-a-real-secret-2 --all-databases",
    hides="not-a-real-secret-2",
    counterexample="root 813 ssh -p2222 -i /root/.ssh/id_rsa backup1; useradd -m bob; curl -s localhost",
    sees="text",
    patterns=(
        re.compile(r"-p(?<=[\s\"',\x00]-p)(?=[^-])"),
        re.compile(r"curl(?=[\s\x00\"'])"),
        re.compile(r"redis-cli(?=[\s\x00\"'])"),
        re.compile(r"htpasswd(?=\s)"),
        re.compile(r"mysqladmin(?=[\s\x00\"'])"),
    ),
    judge=_short,
)

PIPED = Rule(
    id="piped-password",
    kind="structure",
    label="password",
    reason="what echo gives to passwd or chpasswd",
    example="echo 'bob:not-a-real-secret-21' | chpasswd",
    hides="not-a-real-secret-21",
    counterexample="echo 'bob:x' | mail -s passwd root",
    patterns=(
        re.compile(
            r"echo ([^|\n]{1,200}+)\|[ \t]{0,8}(?:sudo )?(?:/usr)?(?:/s?bin/)?(?:ch)?passwd(?![\w.-])"
        ),
    ),
    judge=hide_group,
)


def _last_word(page: Page, found: re.Match[str]) -> Hit | None:
    """Hide the first group of a pattern, which is a word, or words in quotes that begin there."""
    quoted = values.quoted(page, found.start(1))
    return hide(page, *(quoted[:2] if quoted else found.span(1)))


NETRC = Rule(
    id="netrc",
    kind="structure",
    label="password",
    reason="login X password Y, as netrc and the name service's settings say it, on one line or two",
    example="machine ftp.example.com login bob password not-a-real-secret-5",
    hides="not-a-real-secret-5",
    counterexample="sshd[812]: Failed password for invalid user login from 10.0.0.1 port 40000 ssh2",
    patterns=(
        re.compile(
            r"login[ \t]{1,8}\S{1,128}+\s{1,8}(?:account[ \t]{1,8}\S{1,128}+\s{1,8})?password[ \t]{1,8}(\S+)"
        ),
        re.compile(r"username[ \t]{1,8}\S{1,128}+\s{1,8}password[ \t]{1,8}(\S+)"),
    ),
    judge=_last_word,
)


def _quoted(page: Page, found: re.Match[str]) -> Hit | None:
    value = values.quoted(page, found.end())
    return hide(page, value.start, value.end) if value else None


SQL = Rule(
    id="sql-password",
    kind="structure",
    label="password",
    reason="IDENTIFIED BY '...', IDENTIFIED WITH ... AS '...', PASSWORD('...')",
    example="GRANT ALL ON shop.* TO 'shop'@'localhost' IDENTIFIED BY 'not-a-real-secret-6'",
    hides="not-a-real-secret-6",
    counterexample="Access denied for user 'root'@'localhost' (using password: YES)",
    patterns=(
        re.compile(
            r"identified[ \t]{1,4}(?:by|with[ \t]{1,4}[a-z0-9_'\"`]{1,64}+[ \t]{1,4}(?:by|as|using))"
            r"[ \t]{1,4}(?:password[ \t]{1,4})?(?=[\\\"'])"
        ),
        re.compile(r"password\([ \t]{0,4}(?=[\\\"'])"),
    ),
    judge=_quoted,
)

SQL_CONNECT = Rule(
    id="ftp-sql-password",
    kind="structure",
    label="password",
    reason="the third word of proftpd's SQLConnectInfo",
    example="SQLConnectInfo iworx_ftp@localhost iworx_ftp not-a-real-secret-7",
    hides="not-a-real-secret-7",
    counterexample="SQLConnectInfo iworx_ftp@localhost",
    patterns=(re.compile(r"sqlconnectinfo[ \t]{1,8}\S{1,200}+[ \t]{1,8}\S{1,100}+[ \t]{1,8}(\S+)"),),
    judge=_last_word,
)

_CALL = re.compile(r"([\w\\>:{}-]{1,200}+)\(")
_LETS_IN = re.compile(
    r"connect|log_?in|sign_?in|auth|passw|crypt|bind|__construct|verify|token|secret|imap_open|hash|user|"
    r"account|cred",
    re.IGNORECASE,
)


def _frame(page: Page, found: re.Match[str]) -> Hit | None:
    """Hide the arguments of one frame when its function takes passwords."""
    end = min(page.line_end(found.end()), found.end() + _COMMAND_CHARACTERS)
    call = _CALL.match(page.text, found.end(), end)
    if call is None or not _LETS_IN.search(call[1]):
        return None
    last = page.text.rfind(")", call.end(), end)
    return hide(page, call.end(), last if last >= 0 else end)


FRAME = Rule(
    id="php-frame",
    kind="structure",
    label="arguments",
    reason="arguments in the stack of a PHP program, if the function connects, logs in or checks a password",
    example="#1 /home/bob/example.com/html/db.php(12): PDO->__construct('mysql:...', 'shop', 'not-a-real-8')",
    hides="not-a-real-8",
    counterexample="#2 /home/bob/example.com/html/index.php(3): require_once('/home/bob/...')",
    patterns=(
        re.compile(
            r"#[0-9]{1,4}+ (?=[/\[])[^\n]{1,250}?(?:\.[a-z]{2,6}\([0-9]{1,8}\)|\[internal function\]): "
        ),
    ),
    judge=_frame,
)

_SAID = re.compile(r"(?:\A|[>:\"'])[ ]{0,2}\Z")
_TAG = re.compile(r"(?:\A|[\s>:\"'])[A-Za-z]{0,4}[0-9]{1,8}\Z")


def _protocol(page: Page, found: re.Match[str]) -> Hit | None:
    word = found.group()
    if word.startswith("PASS") and not _SAID.search(page.before(found.start(), 4)):
        return None
    if word.startswith("LOGIN") and not _TAG.search(page.before(found.start() - 1, 16)):
        return None
    value = values.quoted(page, found.end()) or values.word(page, found.end())
    told = page.text[value.start : min(value.end, value.start + 400)]
    if harmless("password", "pass", told, bare=False, colon=False):
        return None
    return hide(page, value.start, value.end)


PROTOCOL = Rule(
    id="mail-protocol",
    kind="structure",
    label="password",
    reason="what a mail or FTP client says to log in: PASS X, a1 LOGIN user X, AUTH PLAIN X",
    example="> a1 LOGIN bob@example.com not-a-real-secret-9",
    hides="not-a-real-secret-9",
    counterexample="proftpd[812]: ftp1 (client[10.0.0.1]): PASS (hidden)",
    sees="text",
    patterns=(
        re.compile(r"PASS (?=\S)"),
        re.compile(r"LOGIN (?<=[ ]LOGIN )(?:\"[^\"\n]{1,128}+\"|[^\s\"]{1,128}+) (?=\S)"),
        re.compile(r"AUTH(?:ENTICATE)? (?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2) (?=[A-Za-z0-9+/])"),
        re.compile(r"resp=(?=[A-Za-z0-9+/]{4})"),
    ),
    judge=_protocol,
)

TEMPORARY = Rule(
    id="mysql-temporary-password",
    kind="structure",
    label="password",
    reason="the password that a new MySQL server makes for root and writes into its log",
    example="[Note] A temporary password is generated for root@localhost: not-a-real-secret-10",
    hides="not-a-real-secret-10",
    counterexample="[Note] A temporary password is generated for root@localhost",
    patterns=(re.compile(r"temporary password is generated for [^\s:]{1,100}+: ?(\S+)"),),
    judge=hide_group,
)

COMMANDS = (OPTION, SHORT, PIPED, NETRC, SQL, SQL_CONNECT, FRAME, PROTOCOL, TEMPORARY)
