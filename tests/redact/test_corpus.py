"""The corpus of secrets: every kind, in every form, in every place. None may be left."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from corpus import DASHES, HEAD, LINES, SOCKET, TAIL
from redacting import SECRET, WORDS, redacted

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
    (
        f"PermitRootLogin prohibit-password :password => '{SECRET}'",
        "PermitRootLogin prohibit-password :password => '[hidden:password]'",
    ),
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
