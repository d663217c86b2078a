"""The corpus of secrets: every kind that a server writes somewhere, in the words it is written in.

SOURCE: the list of kinds comes from what the redactors of sos and Insights let through when they were
measured: passwords in settings, options, URLs and DSNs, headers, keys, hashes, cookies, sessions; wrapped,
quoted, in argv, environments and file names. Every value was made up for it and is no secret of anybody.
"""

import base64
import json

from redacting import SECRET, WORDS

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
