"""The corpus of secrets: every kind, in every form, in every place. None may be left."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from redacting import SECRET, WORDS, redacted

BASIC = base64.b64encode(f"u:{SECRET}".encode()).decode()
HEAD, TAIL = SECRET[:8], SECRET[8:]
HASH = "NotARealSalt$NotARealHashNotARealHashNotARealHash"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().strip("=") for part in (b'{"alg":"none"}', b'{"not":"real"}')
)
BODY = "\n".join(
    base64.b64encode(f"not a real key, line {number} of it".encode()).decode() for number in range(6)
)
DASHES = "-----"
API_BLOCK = f"{DASHES}BEGIN INTERWORX API KEY{DASHES}\n{BODY}\n{DASHES}END INTERWORX API KEY{DASHES}"
SOCKET = "/usr/local/interworx/mysql/iworx-db.sock"

# What the secret stands in, and the pieces of it that may not be left.
LINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "plain": (f"password={SECRET}", (SECRET,)),
    "quoted words": (f'Password: "{WORDS}"', (WORDS, "two words 78")),
    "words without quotes": (f"password = {WORDS}", (WORDS, "words 78")),
    "a colon after a space": (f"Password : {SECRET}", (SECRET,)),
    "mysql -p": (f"mysql -u root -p{SECRET} iworx", (SECRET,)),
    "mysqldump by its path": (f"/usr/bin/mysqldump -uroot -p'{WORDS}' --all-databases", (WORDS,)),
    "url": (f"mysql://u:{SECRET}@x@host/db", (SECRET,)),
    "url of a panel": (f'dsn="mysqli://iworx:{SECRET}@1@unix({SOCKET})/iworx"', (SECRET, "@1@")),
    "original url of a panel": (f'dsn.orig="mysqli://iworx:{SECRET}@unix({SOCKET})/iworx"', (SECRET,)),
    "root url": (f'rootdsn="mysqli://iworx:a b/{SECRET}@unix(/x.sock)/mysql"', (SECRET,)),
    "row of database_servers": (f"1\tlocalhost\tmysqli://iworx:{SECRET}@unix({SOCKET})/iworx", (SECRET,)),
    "url of postgres": (f"postgres://u:{SECRET}@db.example.com:5432/x", (SECRET,)),
    "url without user": (f"redis://:{SECRET}@h:6379", (SECRET,)),
    "url with a slash": (f"amqp://u:a/b{SECRET}@h/v", (SECRET,)),
    "bearer": (f"Authorization: Bearer {JWT}", (JWT, JWT[20:])),
    "bearer in a command": (f"curl -H 'Authorization: Bearer {SECRET}' https://www.example.com", (SECRET,)),
    "basic": (f"Authorization: Basic {BASIC}", (BASIC,)),
    "header in the environment": (f"HTTP_AUTHORIZATION=Basic {BASIC}", (BASIC,)),
    "aws": (f"AWS_SECRET_ACCESS_KEY={SECRET}/x", (SECRET,)),
    "api key": (f"api_key: {SECRET}", (SECRET,)),
    "licence": (f'[iworx.license]\nkey="{SECRET}"', (SECRET,)),
    "licence key in words": (f"License key: {SECRET}", (SECRET,)),
    "cookie": (f"Cookie: iworx={SECRET}; b={TAIL}", (SECRET, TAIL)),
    "set-cookie": (f"Set-Cookie: iworx={SECRET}; Path=/", (SECRET,)),
    "session": (f"PHPSESSID={SECRET}", (SECRET,)),
    "query": (f"GET /x?token={SECRET}&b=1 HTTP/1.1", (SECRET,)),
    "query, second": (f"GET /x?a=1&api_key={SECRET} HTTP/1.1", (SECRET,)),
    "query in a query": (f'"https://www.example.com/?next=%2Fa%3Ftoken%3D{SECRET}%26b"', (SECRET,)),
    "roundcube": (f"rpc_passwd = '{SECRET}'", (SECRET,)),
    "yaml": (f"  db_password: {SECRET}", (SECRET,)),
    "yaml block": (f"secret: |\n  {SECRET}\nnext: 1", (SECRET,)),
    "php array": (f"$x['password'] = '{SECRET}';", (SECRET,)),
    "php constant": (f'define("DB_PASSWORD", "{SECRET}");', (SECRET,)),
    "ruby": (f":password => '{SECRET}'", (SECRET,)),
    "json": (json.dumps({"user": "u", "password": WORDS}), (WORDS,)),
    "json list": (json.dumps({"tokens": [SECRET, TAIL]}), (SECRET, TAIL)),
    "shell": (f"export DB_PASS={SECRET}", (SECRET,)),
    "systemd unit": (f'Environment="DB_PASSWORD={WORDS}"', (WORDS, "words 78")),
    "environment dump": (f"PATH=/bin\0DB_PASSWORD={SECRET}\0HOME=/root", (SECRET,)),
    "option": (f"--password {SECRET}", (SECRET,)),
    "option with sign": (f"--password={SECRET}", (SECRET,)),
    "arguments as json": (json.dumps(["mysql", "-u", "root", "-p" + SECRET]), (SECRET,)),
    "option in json": (json.dumps(["x", "--password", WORDS]), (WORDS,)),
    "arguments as python": (repr(["mysql", "-p" + WORDS]), (WORDS,)),
    "arguments in proc": (f"mysql\0-uroot\0-p{SECRET}\0iworx", (SECRET,)),
    "netrc": (f"machine h login u password {SECRET}", (SECRET,)),
    "netrc in quotes": (f'machine h login u password "{WORDS}"', (WORDS,)),
    "proftpd": (f"SQLConnectInfo d@h u {SECRET}", (SECRET,)),
    "netrc in lines": (f"machine h\nlogin u\npassword {SECRET}\n", (SECRET,)),
    "libnss-mysql": (f"username nss-user\npassword {SECRET}\n", (SECRET,)),
    "my.cnf": (f"[client]\npassword={SECRET}", (SECRET,)),
    "unterminated": (f'password="{WORDS}', (WORDS, "two words")),
    "backslash": (f"password={HEAD}\\\n{TAIL}", (HEAD, TAIL)),
    "wrapped": (f"password={HEAD}\n{TAIL}", (HEAD, TAIL)),
    "wrapped in quotes": (f'password="{HEAD}\n{TAIL}"', (HEAD, TAIL)),
    "on the next line": (f"Password:\n{SECRET}\n", (SECRET,)),
    "url wrapped": (f"mysqli://iworx:{HEAD}\n{TAIL}@unix(/x.sock)/iworx", (HEAD, TAIL)),
    "element": (f"<password>{SECRET}</password>", (SECRET,)),
    "element in lines": (f"<password>\n    {SECRET}\n</password>", (SECRET,)),
    "form": (f'<input type="password" name="pw" value="{SECRET}">', (SECRET,)),
    "sent form": (f'form-data; name="password"\r\n\r\n{SECRET}\r\n', (SECRET,)),
    "rails": (f"user[password]={SECRET}", (SECRET,)),
    "header": (f"X-Auth-Token: {SECRET}", (SECRET,)),
    "file name": (f"cannot open /root/password={SECRET}/x", (SECRET,)),
    "syslog": (f"Nov 23 12:00:00 web1 app[1]: password: {WORDS}", (WORDS, "words 78")),
    "curl": (f"curl -u bob:{SECRET} https://www.example.com", (SECRET,)),
    "sshpass": (f"sshpass -p '{WORDS}' ssh x", (WORDS,)),
    "useradd": (f"useradd -p {SECRET} bob", (SECRET,)),
    "redis-cli": (f"redis-cli -a {SECRET} ping", (SECRET,)),
    "htpasswd": (f"htpasswd -cb /etc/x bob {SECRET}", (SECRET,)),
    "mysqladmin": (f"mysqladmin -u root password '{WORDS}'", (WORDS,)),
    "chpasswd": (f"echo 'bob:{SECRET}' | /usr/sbin/chpasswd", (SECRET,)),
    "passwd": (f"echo {SECRET} | sudo passwd --stdin bob", (SECRET,)),
    "cookie of curl": (f"curl --cookie 'a={SECRET}' x", (SECRET,)),
    "curl in quotes": (f"curl --user 'bob:{WORDS}' https://www.example.com", (WORDS,)),
    "curl in a list": (repr(["curl", "-u", f"bob:{WORDS}"]), (WORDS,)),
    "curl with sign": (f"curl --user=bob:{SECRET} https://www.example.com", (SECRET,)),
    "redis-cli in quotes": (f"redis-cli -a '{WORDS}' ping", (WORDS,)),
    "htpasswd in quotes": (f"htpasswd -b /etc/x bob '{WORDS}'", (WORDS,)),
    "sshpass in a list": (json.dumps(["sshpass", "-p", WORDS, "ssh"]), (WORDS,)),
    "setenv": (f"SetEnv DB_PASSWORD {SECRET}", (SECRET,)),
    "fastcgi_param": (f'fastcgi_param DB_PASSWORD "{WORDS}";', (WORDS,)),
    "salt": (f"define('AUTH_SALT', '{WORDS}');", (WORDS,)),
    "token wrapped": (f"session {JWT[:30]}\n{JWT[30:]}", (JWT[:30], JWT[30:])),
    "sql": (f"GRANT ALL ON x.* TO 'x'@'%' IDENTIFIED BY '{WORDS}'", (WORDS,)),
    "sql plugin": (f"IDENTIFIED WITH mysql_native_password AS '{SECRET}'", (SECRET,)),
    "sql function": (f"SET PASSWORD FOR 'x' = PASSWORD('{SECRET}')", (SECRET,)),
    "php stack": (f"#1 /x.php(1): PDO->__construct('mysql:host=l', 'root', '{SECRET}')", (SECRET,)),
    "pop3": (f"> PASS {SECRET}", (SECRET,)),
    "imap": (f"a1 LOGIN bob {SECRET}", (SECRET,)),
    "smtp": (f"AUTH PLAIN {BASIC}", (BASIC,)),
    "shadow": (f"bob:$6${HASH}:20000:0:99999:7:::", (HASH, HASH[20:])),
    "yescrypt": (f"bob:$y$j9T${HASH}:20000::::::", (HASH, HASH[20:])),
    "bcrypt": (f"bob:$2y$10${HASH}", (HASH[13:],)),
    "dovecot hash": (f"bob:{{SSHA512}}{BASIC}:5000:5000", (BASIC,)),
    "mysql hash": ("root *" + "0123456789ABCDEF" * 2 + "01234567", ("0123456789ABCDEF",)),
    "private key": (
        f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n{BODY}\n{DASHES}END PRIVATE KEY{DASHES}",
        tuple(BODY.split()),
    ),
    "private key without end": (f"{DASHES}BEGIN EC PRIVATE KEY{DASHES}\n{BODY}", tuple(BODY.split())),
    "private key without beginning": (f"{BODY}\n{DASHES}END RSA PRIVATE KEY{DASHES}", tuple(BODY.split())),
    "private key on one line": (
        json.dumps(f"{DASHES}BEGIN PRIVATE KEY{DASHES}\n{BODY}"),
        tuple(BODY.split()),
    ),
    "api key block": (
        f"{DASHES}BEGIN INTERWORX API KEY{DASHES}\n{BODY}\n{DASHES}END INTERWORX API KEY{DASHES}",
        tuple(BODY.split()),
    ),
}

FORMS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "raw": (str, str),
    "in a log": (lambda line: f"Nov 23 12:00:00 web1 app[3]: {line}", str),
    "indented": (lambda line: f"      > {line}", str),
    "URL-escaped": (lambda line: quote(line, safe=""), lambda piece: quote(piece, safe="")),
    "form-escaped": (quote_plus, quote_plus),
    "JSON-escaped": (lambda line: json.dumps({"m": line, "x": 1}), lambda piece: json.dumps(piece)[1:-1]),
    "JSON in JSON": (lambda line: json.dumps(json.dumps({"m": line})), str),
    "HTML-escaped": (lambda line: f"<td>{html.escape(line)}</td>", html.escape),
    "base64": (lambda line: f"blob {base64.b64encode(line.encode()).decode()} end", lambda _: ""),
}
# Where nothing but spaces is escaped, words of a form cannot be told from words joined by plus signs.
NOT_SEEN = {
    ("mysql -p", "form-escaped"),
    ("useradd", "form-escaped"),
    ("redis-cli", "form-escaped"),
    ("imap", "form-escaped"),
    ("option", "form-escaped"),
    ("netrc", "form-escaped"),
    ("proftpd", "form-escaped"),
    ("setenv", "form-escaped"),
}


def left(line: str, form: str, pieces: tuple[str, ...]) -> list[str]:
    """Return the pieces of the secret that a redacted line still shows."""
    escape_line, escape_piece = FORMS[form]
    text = escape_line(line)
    if form == "base64":
        pieces = tuple(text.split()[1][start : start + 16] for start in (0, 4, 8))
    else:
        pieces = tuple(escape_piece(piece) for piece in pieces)
    assert [piece for piece in pieces if piece in text], "the secret is not in the text as it was"
    after = redacted(text)
    return [piece for piece in pieces if piece in text and piece in after]


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name in LINES for form in FORMS if (name, form) not in NOT_SEEN]
)
def test_no_piece_of_a_secret_is_left(name: str, form: str) -> None:
    line, pieces = LINES[name]
    if WORDS in pieces:
        pieces += ("two words 78", "words 78")
    assert left(line, form, pieces) == []


@pytest.mark.parametrize("name", LINES)
def test_twice_is_once_and_the_lines_stay(name: str) -> None:
    line = f"the line before\n{LINES[name][0]}\nthe next line"
    once = redacted(line)
    assert redacted(once) == once
    assert len(once.splitlines()) == len(line.splitlines())
    assert once.startswith("the line before\n")
    assert once.endswith("\nthe next line")


def test_all_of_it_in_one_text() -> None:
    text = "\n--\n".join(line for line, _ in LINES.values())
    after = redacted(text)
    assert [name for name, (_, pieces) in LINES.items() if any(piece in after for piece in pieces)] == []
    assert redacted(after) == after


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\n    > "])
def test_base64_in_lines_is_read_as_one(break_: str) -> None:
    told = f"some words before it and password={SECRET} and some words after it, too, that fill the lines"
    letters = base64.b64encode(told.encode()).decode()
    lines = [letters[start : start + 40] for start in range(0, len(letters), 40)]
    after = redacted(f"a mail{break_}{break_.join(lines)}{break_}the end of it\n")
    assert [line for line in lines if line in after] == []
    assert after.startswith("a mail")
    assert after.endswith("the end of it\n")


def test_base64_before_a_word_alone_is_read_alone() -> None:
    assert redacted("x cGFzc3dvcmQ9eHl6\nzzzz\n") == "x [hidden:base64]\nzzzz\n"


def test_the_names_of_no_secrets_are_kept_in_settings() -> None:
    text = "SetEnv APPLICATION_ENV production\nfastcgi_param SCRIPT_NAME /x.php;\nsetenv key_file /x\n"
    assert redacted(text) == text


# Exact texts: what is hidden, and what stays beside it

EXACT = [
    (f"mysqli://u:{SECRET}@1@unix({SOCKET})/iworx", f"mysqli://u:[hidden:password]@unix({SOCKET})/iworx"),
    (f"GET /x?token={SECRET}&b=1 HTTP/1.1", "GET /x?token=[hidden:token]&b=1 HTTP/1.1"),
    (f"user=bob password={SECRET} status=failed", "user=bob password=[hidden:password] status=failed"),
    (f"Set-Cookie: a={SECRET}; Path=/; Secure", "Set-Cookie: a=[hidden:cookie]; Path=/; Secure"),
    (f"Authorization: Bearer {SECRET}", "Authorization: Bearer [hidden:authorization]"),
    (f'{{"password": "{WORDS}", "user": "u"}}', '{"password": "[hidden:password]", "user": "u"}'),
    (f'{{"password":{{"a":1}},"x":"{SECRET}"}}', f'{{"password":{{[hidden:password]}},"x":"{SECRET}"}}'),
    (f"password={HEAD}\\\n{TAIL}\nnext=1", "password=[hidden:password]\n[hidden:password]\nnext=1"),
    (f"Password:\n{SECRET}\nnext line", "Password:\n[hidden:password]\nnext line"),
    (f"(password={SECRET})", "(password=[hidden:password])"),
    (f"mysql -uroot -p{SECRET} iworx", "mysql -uroot -p[hidden:password] iworx"),
    (f"['mysql', '-p{WORDS}', '-e', 'x']", "['mysql', '-p[hidden:password]', '-e', 'x']"),
    (f"x; password='{WORDS}' and more", "x; password='[hidden:password]' and more"),
    (f"curl -u bob:{SECRET} https://x", "curl -u bob:[hidden:password] https://x"),
    (f"<a><password>{SECRET}</password></a>", "<a><password>[hidden:secret]</password></a>"),
    (f"x%3Fpassword%3D{SECRET}%26y", "x%3Fpassword%3D[hidden:escaped]%26y"),
    (f"&quot;password&quot;: &quot;{SECRET}&quot;,", "&quot;password&quot;: &quot;[hidden:escaped]&quot;,"),
    ("secret: |\n  one\n  two\nnext: 1", "secret: |\n  [hidden:secret]\n[hidden:secret]\nnext: 1"),
    (f"https://{'0aB9' * 6}@git.example.com/x.git", "https://[hidden:password]@git.example.com/x.git"),
    ("ftp://u:p@ss@host/a@b", "ftp://u:[hidden:password]@host/a@b"),
    ("mysql://u:p@ss@(x)", "mysql://u:p@ss@(x)"),
    ("mysql://u:a@(b)@h", "mysql://u:[hidden:password]@h"),
    (f"mysql://u:p{'@(' * 12}", f"mysql://u:[hidden:password]{'@(' * 9}"),  # the last eight are tried
    (INNER_KEY := '{"key": {"a": "b"}}', INNER_KEY),
    ("mysql://u: x", "mysql://u: x"),
    ("dsn=mysql:host=localhost", "dsn=mysql:host=localhost"),
    ("-H 'Authorization: Bearer a b' x", "-H 'Authorization: Bearer [hidden:authorization]' x"),
    (f"x key=/etc/{'x' * 400} y", "x key=[hidden:key] y"),
    ('{"Authorization": "Basic abc", "x": 1}', '{"Authorization": "Basic [hidden:authorization]", "x": 1}'),
    ("Set-Cookie: none", "Set-Cookie: none"),
    ('x password="a\\"b" c', 'x password="[hidden:password]" c'),
    ("secret: |\n  one", "secret: |\n  [hidden:secret]"),
    ("secret: >-\nnone", "secret: >-\nnone"),
    ("x password=a\\\n  ;\nb", "x password=[hidden:password]\\\n  ;\nb"),
    ("1.2.3.4-----a@example.com", "mail-1ae7e5@example.com"),
    (COLON := "A temporary password is generated for root@xPHPSESSID=[hidden:session]; x", COLON),
    ('password = "a"b"', 'password = "[hidden:password]"'),
    ('password="a', 'password="[hidden:password]'),
    ('x password="a\ntitle=b" c', 'x password="[hidden:password]\ntitle=b" c'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), EXACT)
def test_what_stands_beside_a_secret_stays(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_a_value_goes_on_over_lines_for_as_long_as_a_value_can() -> None:
    text = "password=a" + "\\\nb" * 10 + "\nnext=1"
    assert redacted(text) == "password=[hidden:password]" + "\n" * 10 + "[hidden:password]\nnext=1"
    assert redacted("password=a" + "\\\nb" * 30).endswith("\nb")


def test_a_block_without_beginning_is_hidden_for_as_long_as_a_key_can_be() -> None:
    line = "notArealKey" * 5 + "\n"
    after = redacted(line * 450 + f"{DASHES}END PRIVATE KEY{DASHES}\n")
    assert after.count("notArealKey") == 5 * 50
    assert after.count("\n") == 451
