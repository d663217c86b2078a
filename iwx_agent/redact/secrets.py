"""The secrets that stand in a file of settings, as they are: what no output may hold, so what is looked for.

The rules say where a secret stands in any text, so that it can be hidden. In here more is known: it is a file
that holds secrets, in one of the forms of the panel's and the system's own files. What a rule would miss in
the file must not be missed here, too, so each form is read by itself, and the rules come on top.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from iwx_agent.redact.names import harmless, is_path, kind_of
from iwx_agent.redact.page import Page, encodable
from iwx_agent.redact.rules import rules

_BEGIN, _END = "-----BEGIN ", "-----END "
_KEY_LINE = re.compile(r"[A-Za-z0-9+/]{40,4000}+={0,2}")
_PRIVATE = ("PRIVATE KEY", "API KEY")
# shadow(5): name, hash, then days as numbers; a locked account has one or two ! before its hash.
_SHADOW = re.compile(r"[^:]++:!*+([^:!*]{13,400}+):[0-9]*+:[0-9]*+:")
_PIPES = re.compile(
    r"[^|#]*+\|[0-9]*+\|[^|]*+\|([^|]++)\|[^|]*+\Z"
)  # vpopmail.mysql: host|port|user|password|database
_CONNECT = re.compile(r"\s*+SQLConnectInfo\s++\S++\s++\S++\s++(\S++)")
_DSN = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++://([^:@/\s'\"]*+):")
_SETTING = re.compile(r"([A-Za-z_][\w.-]*+)['\"\]]*+[ \t]*+(=>?|:)[ \t]*+")
_WORDS = re.compile(r"\s*+([A-Za-z_][\w.-]*+)[ \t]++(?![=:])(\S.*+)")
# rndc.conf(5): the name of a key stands in the name server's log, its secret beside it in braces.
_KEY_NAME = re.compile(r"^[ \t]*+key[ \t]++\"?[\w.-]++\"?[ \t\r\n]*+(?=\{)", re.MULTILINE)
_KEY_SECRET = re.compile(r"\bsecret[ \t]++\"?([^\s\";]++)\"?[ \t]*+;")
_PUBLIC = re.compile(r"(?:ssh|ecdsa|sk)-[\w.@-]++ AAAA")  # sshd(8): the half of a key that everybody may have
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)'")
_ESCAPED = re.compile(r"\\(.)")
_COMMENT = ("#", ";", "//")
_CLOSERS = " \t\r,;)"
_LINE_CHARACTERS = 4000
_RULES = rules()


def secrets_in(text: str) -> tuple[str, ...]:
    """Return the secrets in the text of a file, each once, in the order in which they are found.

    Of a private key it is the body, with its line breaks; of a file that is one line and nothing else, that
    line. What is no secret by its name or form (a path, yes, a number of a setting, a public key, the name of
    a key) is left out.
    """
    text = _KEY_NAME.sub("", encodable(text))
    lines = [line[:_LINE_CHARACTERS].strip("\r") for line in text.split("\n")]
    found = [*_blocks(lines)]
    for line in lines:
        found += (one for read in (_own_forms, _dsns, _settings) for one in read(line))
    told = tuple(dict.fromkeys(one for one in (*found, *_by_rules(text)) if one.strip()))
    alone = text.strip()
    if told or "\n" in alone or alone.startswith("-----") or _PUBLIC.match(alone):
        return told
    return (alone,) if alone else ()


def keys_in(text: str) -> tuple[str, ...]:
    """Return the private keys in a file that a customer may have written, and nothing that could be a word.

    Whoever can choose what is looked for could stop every ticket with a word that stands in each.
    """
    bodies = (body.split("\n") for body in _blocks(encodable(text).splitlines()))
    kept = ("\n".join(filter(_KEY_LINE.fullmatch, map(str.strip, body))) for body in bodies)
    return tuple(dict.fromkeys(filter(None, kept)))


def users_in(text: str) -> tuple[str, ...]:
    """Return the users of the DSNs in a text: names that stand everywhere, even where one is a password."""
    return tuple(dict.fromkeys(user for user in _DSN.findall(text) if user))


def _blocks(lines: list[str]) -> Iterator[str]:
    """Yield what stands between the two lines around a private key."""
    body: list[str] | None = None
    for line in lines:
        if line.startswith(_END) and body is not None:
            yield "\n".join(body)
            body = None
        elif line.startswith(_BEGIN) and any(word in line for word in _PRIVATE):
            body = []
        elif body is not None:
            body.append(line)
    if body:
        yield "\n".join(body)  # cut, or damaged: a secret all the same


def _own_forms(line: str) -> Iterator[str]:
    for form in (_SHADOW, _PIPES, _CONNECT):
        if found := form.match(line):
            yield found[1].strip()
    yield from _KEY_SECRET.findall(line)


def _dsns(line: str) -> Iterator[str]:
    """Yield the passwords of DSNs: from the colon to the last ``@`` of what the quote before it encloses."""
    for found in _DSN.finditer(line):
        rest, mark = line[found.end() :], line[found.start() - 1 : found.start()]
        if mark in ("'", '"'):
            rest = rest.partition(mark)[0]
        password = rest.rpartition("@")[0]
        yield password
        if "%" in password:  # as it is in the URL, and as a program may say it
            yield unquote(password)


def _settings(line: str) -> Iterator[str]:
    """Yield the values whose names say so: quoted, or the word, and the rest of the line, too."""
    for found in _SETTING.finditer(line):
        quoted = _QUOTED.match(line, found.end())
        if quoted:
            value = quoted[1] or quoted[2] or ""
            yield from _telling(found[1], value, bare=False)
            yield from _telling(found[1], _ESCAPED.sub(r"\1", value), bare=False)
        else:
            yield from _bare(found[1], line[found.end() :], colon=found[2] == ":")
    if not line.lstrip().startswith(_COMMENT) and (words := _WORDS.match(line)):
        yield from _bare(words[1], words[2], colon=True)


def _bare(name: str, rest: str, *, colon: bool) -> Iterator[str]:
    rest = rest.strip(_CLOSERS)
    for value in (rest.partition(" ")[0], rest):
        yield from _telling(name, value.strip(_CLOSERS).strip("'\""), bare=True, colon=colon)


def _telling(name: str, value: str, *, bare: bool, colon: bool = False) -> Iterator[str]:
    kind = kind_of(name.lower())
    if not kind or kind == "dsn" or not value or is_path(value):
        return
    if not harmless(kind, name.lower(), value, bare=bare, colon=colon):
        yield value


def _by_rules(text: str) -> Iterator[str]:
    page = Page(text, "")
    for rule in _RULES:
        for hit in rule.hits(page):
            value = text[hit.start : hit.end]
            if rule.label not in ("mail", "ip") and not is_path(value):
                yield value
