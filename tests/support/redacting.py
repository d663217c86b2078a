"""Short ways to a redactor for tests, and the secrets that they plant: all of them plainly no secrets."""

from collections.abc import Iterable, Sequence

from iwx_agent.redact import Canaries, Redactor, Rule, Tokens, rules

KEY = b"not-a-real-key-for-tokens-of-tests"
SECRET = "not-a-real-s3cret-77"
WORDS = "not-a-real two words 78"
FILES = ("/home/vpopmail/etc/vpopmail.mysql", "/home/*/var/*/ssl/*.priv.key")
RULES = rules(FILES)


def tokens(*kept: str) -> Tokens:
    return Tokens(KEY, kept=frozenset(kept))


def redactor(
    using: Sequence[Rule] = RULES, *, secrets: Iterable[tuple[str, str]] = (), kept: Iterable[str] = ()
) -> Redactor:
    return Redactor(using, Canaries(secrets), tokens(*kept))


def redacted(text: str, source: str = "a test") -> str:
    return redactor().redact_text(text, source)
