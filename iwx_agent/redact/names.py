"""Which names stand before a secret (``db_password``, ``api_key``), and which values beside them are none.

Source: what public scripts read from the panel's ``iworx.ini``: ``*dsn*``, and anything with key, pass, pw,
secret or token in its name. The exceptions: names seen in logs and settings of Enterprise Linux, MariaDB,
dovecot, dnf.
"""

import re
from functools import lru_cache


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# Parts of names that hold such a word and mean something else; they are left out when it is looked for.
_OTHER_WORDS = re.compile(
    r"clearpasswordreset|passwordauthentication|passwordless|password_?hashes|using_password|passeng|passive|"
    r"passing|passage|passport|passthr|pass_through|passed|bypass|compass|keyboard|keymap|keyword|keyring|keyserver|"
    r"keyspace|keychain|keepalive|monkey|turkey|jockey|hockey|whiskey|donkey|hostkey|gpg_?key|pub_?key|"
    r"public[_.-]?key|authorized_?keys|(?:primary|foreign|unique|partition|index|routing)_key|"
    r"(?:sort|group)_?key|key_(?:exchange|share)|keys?_examined|tokeni[sz]|secretar|credits?"
)
# Names that end so say something about a secret and do not hold it: key_file, password_length, token_type.
_ABOUT = words(
    """
    age algorithm algorithms attempts bits blocks buffer cache check class cnf conf count crt curve delay
    dir directory enabled encryption exists expired expires expiry ext failed failures file format hits html
    id ids index ini interval len length lifetime limit list log max method min mount name names offset
    owner page path pem pex php pid policy pos prefix process program provider pub public python query read
    reads request requests required retries rotation rounds scheme scope service size slice socket state
    status storage strength suffix support target threshold timeout timer ttl txt type types unused usage
    used valid validation validity version warn write writes xml
    """
)
_PARTS = re.compile(r"[_.-]+")
_KINDS = {
    "password": re.compile(r"pass"),
    "pw": re.compile(r"(?:^|[_.-])pwd?(?:[0-9]|hash|$|[_.-])|pwd?[0-9]?(?=$|[_.-])"),
    "secret": re.compile(r"secret|_salt$"),
    "token": re.compile(r"token"),
    "key": re.compile(r"key"),
    "credential": re.compile(r"cred(?:s?$|ential)"),
    "licence": re.compile(r"licen[cs]e"),
    "dsn": re.compile(r"dsn"),
    "session": re.compile(r"sess(?:ion)?[_.-]?(?:id|key)|laravel_session"),
}


@lru_cache(maxsize=4096)
def means(name: str, kind: str) -> bool:
    """Return whether a name (in lower case) stands before a secret of the kind: ``password``, ``key``..."""
    if not _KINDS[kind].search(_OTHER_WORDS.sub("", name)):
        return False
    last = [part for part in _PARTS.split(name) if part][-1]
    return kind == "session" or last not in _ABOUT


@lru_cache(maxsize=4096)
def kind_of(name: str) -> str:
    """Return the kind of secret that a name stands before; empty when there is none."""
    return next((kind for kind in _KINDS if means(name, kind)), "")


# Values that say that there is a secret, or none, or what is wrong with it; fields of packets (nft's "key").
_HARMLESS = words(
    """
    yes no true false on off none null nil undefined empty enabled disabled required optional missing
    expired invalid incorrect wrong unknown failed denied rejected accepted mismatch set unset not_set
    hidden redacted masked removed default n/a 0 1 {} [] ok error l3proto l4proto
    """
)
_PROSE = words(
    """
    incorrect invalid wrong expired required missing failed failure denied mismatch unknown authentication
    verification permission cannot could unable error warning must
    """
)
_LONGEST_HARMLESS_CHARACTERS = 300
_MASKED = re.compile(r"[*\u2022.#_-]+|x{4,}")
_FILE = re.compile(
    r"<?(?:file://\S{0,300}|(?:/|~/|\./|\.\./)(?:etc|home|root|usr|var|opt|tmp|run|srv|mnt|chroot|proc|dev|lib|lib64|"
    r"bin|sbin|boot|sys|service)(?:/\S{0,300})?|https?://[^\s@]{0,300})"
)
_CALL = re.compile(r"[a-z_][\w.]{0,80}\(.*")
_ESCAPED_BREAK = re.compile(r"\\{1,8}[nrt]")
_NUMBER = re.compile(r"[0-9]{1,4}[kmg]?")
_WORD = re.compile(r"[a-z]{1,15}")
_COUNTED = re.compile(r"(?:^|[_.-])(?:keys|tokens|secrets|pass|passes)$")
_NUMBERED_LICENCE = re.compile(r"key|code|number|serial")
_OPEN_LICENCE = re.compile(
    r"(?:[al]?gpl|mit|bsd|apache|mpl|isc|public domain|proprietary|commercial|psf|perl|php|zlib|openssl|"
    r"artistic|cc|python|vim|boost|ofl|unicode|asl|epl|cddl|redistributable|freely)[^a-z]?.*"
)
_LICENCE_KEY = re.compile(
    r"(?=[^0-9]{0,200}[0-9])(?:[a-z0-9]{12,200}|[a-z0-9]{4,40}+(?:[-_][a-z0-9]{4,40}+){1,12})"
)


def is_path(value: str) -> bool:
    """Return whether a value is a path of a system or a URL without a login: no secret, whatever its name."""
    return bool(_FILE.fullmatch(value.strip().lower()))


def harmless(kind: str, name: str, value: str, *, bare: bool, colon: bool) -> bool:
    """Return whether a value beside such a name is no secret.

    ``bare`` says that it is not quoted, ``colon`` that a colon stands before it, as it does in prose.
    """
    if bare:
        value = _ESCAPED_BREAK.split(value, maxsplit=1)[0]
    plain = value.strip(" \t\r\"'`,;()").lower()
    told = plain.split()
    if not told or plain in _HARMLESS or _MASKED.fullmatch(plain):
        return True
    first, prose = told[0], bare and colon
    if len(first) > _LONGEST_HARMLESS_CHARACTERS:
        return False
    if prose and first.rstrip(".,:;!") in _PROSE:
        return True
    if _COUNTED.search(name) and _NUMBER.fullmatch(first.rstrip(",;")):
        return True
    if kind in ("password", "pw"):
        return name in ("pwd", "oldpwd") and bool(_FILE.fullmatch(first))
    return bool(_FILE.fullmatch(first)) or _harmless_key(kind, name, plain, bare=bare, colon=colon)


def _harmless_key(kind: str, name: str, plain: str, *, bare: bool, colon: bool) -> bool:
    word = bool(_WORD.fullmatch(plain))
    if kind == "licence" and not _NUMBERED_LICENCE.search(name):
        if word or _OPEN_LICENCE.fullmatch(plain):
            return True
        return colon and not _LICENCE_KEY.fullmatch(plain.split(maxsplit=1)[0])
    if kind not in ("key", "token"):
        return False
    if _NUMBER.fullmatch(plain) or (bare and _CALL.fullmatch(plain)):
        return True
    return word and colon and (bare or name == "key")  # in prose, and in JSON about keys of anything
